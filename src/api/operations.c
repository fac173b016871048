/* The table of operations.  See operations.h. */
#include "api/operations.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "api/views.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

enum state { OPERATION_FREE, OPERATION_RUNS, OPERATION_DONE, OPERATION_FAILED,
             OPERATION_CANCELLED };

struct operation {
    uint64_t number;
    char id[24], kind[24];
    enum state state;
    uint32_t actor;             /* who asked */
    uint32_t progress_ppm;
    int64_t began_ms, ended_ms; /* UTC of the machine: the site's time may be simulated */
    json_t *result;             /* owned */
    struct mw_error error;
    operation_cancel_fn *cancel;
    void *work;
    struct operations *table;
};

struct operations {
    struct event_base *base; /* borrowed: its clock */
    uint64_t numbers;
    struct operation at[OPERATIONS_MAX];
};

static int64_t now_ms(const struct operations *o)
{
    struct timeval t = { 0 };
    (void)event_base_gettimeofday_cached(o->base, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_usec / 1000;
}

static void forget(struct operation *op)
{
    json_decref(op->result);
    *op = (struct operation){ .state = OPERATION_FREE };
}

static bool is_over(const struct operation *op)
{
    return op->state != OPERATION_FREE && op->state != OPERATION_RUNS;
}

static void forget_old(struct operations *o)
{
    int64_t before_ms = now_ms(o) - OPERATION_KEPT_S * MW_MS_PER_S;
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++)
        if (is_over(&o->at[i]) && o->at[i].ended_ms < before_ms)
            forget(&o->at[i]);
}

/* A free place, or that of the oldest which is over; NULL when all run. */
static struct operation *find_place(struct operations *o)
{
    struct operation *oldest = NULL;
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        struct operation *op = &o->at[i];
        if (op->state == OPERATION_FREE)
            return op;
        if (is_over(op) && (!oldest || op->number < oldest->number))
            oldest = op;
    }
    if (oldest)
        forget(oldest);
    return oldest;
}

int operations_begin(struct operations *o, const char *kind, operation_cancel_fn *cancel,
                     void *work, struct operation **ret, struct mw_error *err)
{
    must(o && kind && cancel && ret);
    uint32_t running = 0;
    forget_old(o);
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++)
        running += o->at[i].state == OPERATION_RUNS;
    if (running >= OPERATIONS_RUNNING_MAX)
        return mw_fail(err, MW_EBUSY, "%u questions of this kind are being worked on: wait for "
                       "one, or cancel it (DELETE /api/v1/operations/ID)", running);
    struct operation *op = find_place(o);
    must(op); /* fewer run than there are places */
    *op = (struct operation){ .number = ++o->numbers, .state = OPERATION_RUNS,
                              .began_ms = now_ms(o), .cancel = cancel, .work = work,
                              .table = o };
    (void)snprintf(op->id, sizeof(op->id), "op-%llu", (unsigned long long)op->number);
    (void)snprintf(op->kind, sizeof(op->kind), "%s", kind);
    *ret = op;
    return 0;
}

const char *operation_id(const struct operation *op)
{
    return op->id;
}

void operation_is_of(struct operation *op, uint32_t actor)
{
    must(op->state != OPERATION_FREE);
    op->actor = actor;
}

void operation_progress(struct operation *op, uint32_t ppm)
{
    must(op->state == OPERATION_RUNS);
    op->progress_ppm = MW_MIN(ppm, 1000000u);
}

static void end(struct operation *op, enum state state)
{
    must(op->state == OPERATION_RUNS);
    op->state = state;
    op->ended_ms = now_ms(op->table);
    op->work = NULL;
}

void operation_done(struct operation *op, json_t *result)
{
    op->result = result;
    op->progress_ppm = 1000000;
    end(op, OPERATION_DONE);
}

void operation_failed(struct operation *op, const struct mw_error *why)
{
    op->error = *why;
    end(op, OPERATION_FAILED);
}

static struct operation *find(struct operations *o, const char *id)
{
    forget_old(o);
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++)
        if (o->at[i].state != OPERATION_FREE && strcmp(o->at[i].id, id) == 0)
            return &o->at[i];
    return NULL;
}

bool operations_asked_by(struct operations *o, const char *id, uint32_t actor)
{
    const struct operation *op = find(o, id);
    return op && op->actor != 0 && op->actor == actor;
}

json_t *operations_tell(struct operations *o, const char *id)
{
    static const char *const word[] = { [OPERATION_FREE] = "free", [OPERATION_RUNS] = "running",
                                        [OPERATION_DONE] = "done", [OPERATION_FAILED] = "failed",
                                        [OPERATION_CANCELLED] = "cancelled" };
    const struct operation *op = find(o, id);
    if (!op)
        return NULL;
    json_t *error = op->state != OPERATION_FAILED ? json_null()
                    : json_pack("{s:s, s:s}", "code", mw_code_name(op->error.code), "detail",
                                op->error.text);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:O?, s:o}", "id", op->id, "kind", op->kind,
                     "state", word[op->state], "progress_ppm", (json_int_t)op->progress_ppm,
                     "began", api_time_ms(op->began_ms), "ended", api_time_ms(op->ended_ms),
                     "result", op->result, "error", error ? error : json_string("unreadable"));
}

static void cancel(struct operation *op)
{
    operation_cancel_fn *stop = op->cancel;
    void *work = TAKE(op->work);
    end(op, OPERATION_CANCELLED);
    stop(work);
}

int operations_drop(struct operations *o, const char *id, struct mw_error *err)
{
    struct operation *op = find(o, id);
    if (!op)
        return mw_fail(err, MW_ENOTFOUND, "there is no operation %.40s (a result is kept for an "
                       "hour)", id);
    if (op->state == OPERATION_RUNS)
        cancel(op);
    else
        forget(op);
    return 0;
}

int operations_create(struct event_base *base, struct operations **ret, struct mw_error *err)
{
    must(base && ret);
    struct operations *o = mw_calloc(1, sizeof(*o));
    if (!o)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->base = base;
    *ret = o;
    return 0;
}

void operations_destroy(struct operations *o)
{
    if (!o)
        return;
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        if (o->at[i].state == OPERATION_RUNS)
            cancel(&o->at[i]);
        forget(&o->at[i]);
    }
    mw_free(o);
}
