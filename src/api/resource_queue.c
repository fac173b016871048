/* The queue as rows: who waits, in which order, why, and until when. */
#include "api/resource_tables.h"

#include <stdlib.h>

#include "api/job_state.h"
#include "base/mem.h"
#include "base/units.h"

struct waiting {
    uint32_t place; /* from 1 */
    struct work_why why;
    bool asked;     /* why is filled: it is asked only of rows that are shown */
};

static int first_come(const void *left, const void *right, void *ctx)
{
    const struct board *b = ctx;
    uint32_t a = *(const uint32_t *)left, c = *(const uint32_t *)right;
    if (b->job_priority[a] != b->job_priority[c])
        return b->job_priority[a] > b->job_priority[c] ? -1 : 1;
    uint64_t first = b->job_submit_seq[a], second = b->job_submit_seq[c];
    return first < second ? -1 : first > second;
}

int api_make_queue(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    struct board *b = of->control->board;
    ret->handle = mw_calloc((size_t)b->jobs_used + 1, sizeof(*ret->handle));
    ret->data = mw_calloc((size_t)b->jobs_used + 1, sizeof(struct waiting));
    if (ret->handle == NULL || ret->data == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t slot = 0; slot < b->jobs_used; slot++)
        if (b->job_id[slot] && b->job_state[slot] == JOB_QUEUED)
            ret->handle[ret->count++] = slot;
    qsort_r(ret->handle, ret->count, sizeof(*ret->handle), first_come, b);
    struct waiting *w = ret->data;
    for (uint32_t i = 0; i < ret->count; i++)
        w[ret->handle[i]].place = i + 1;
    return 0;
}

static const struct board *board_of(const struct api_rows *r)
{
    return r->of->control->board;
}

static const struct work_why *why_of(struct api_rows *r, uint32_t slot)
{
    struct waiting *w = (struct waiting *)r->data + slot;
    if (!w->asked)
        w->why = work_why_waiting(r->of->control->work, board_of(r)->job_id[slot]);
    w->asked = true;
    return &w->why;
}

bool api_sees_waiting(struct api_rows *r, uint32_t slot, const struct principal *who)
{
    return access_sees_tenant(who, board_of(r)->job_tenant[slot]);
}

static void get_place(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(((const struct waiting *)r->data)[slot].place);
}

static void get_job(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int((int64_t)board_of(r)->job_id[slot]);
}

static void get_tenant(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->job_tenant[slot]);
}

static void get_priority(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->job_priority[slot]);
}

static void get_gpus(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->job_gpus[slot]);
}

static void get_nodes(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->job_nodes[slot]);
}

static void get_submitted(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_time(board_of(r)->job_submit_ms[slot]);
}

static void get_waited(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(mw_ms(r->of->now_ns) - board_of(r)->job_submit_ms[slot]);
}

static void get_attempt(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->job_attempt[slot]);
}

static void get_incident(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_or_null(board_of(r)->job_incident[slot]);
}

static void get_why(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    const struct work_why *y = why_of(r, slot);
    job_why_waiting(api_scratch(r), r->of->control, y, board_of(r)->job_nodes[slot]);
    *ret = api_value_scratch(r, VALUE_TEXT);
}

static void get_behind(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    *ret = api_value_or_null(why_of(r, slot)->behind);
}

/* Its own reservation; that of the job in front of it is no promise to this one. */
static void get_start(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    const struct work_why *y = why_of(r, slot);
    if (y->why != WAIT_NOT && y->behind == 0)
        *ret = api_value_time(y->at_ms);
}

static void get_length(struct api_rows *r, uint32_t slot, struct api_value *ret)
{
    const struct work_why *y = why_of(r, slot);
    if (y->why != WAIT_NOT && y->length_ms > 0 && y->length_ms < BOARD_JOB_MS_MAX)
        *ret = api_value_int(y->length_ms);
}

const struct api_field api_queue_fields[] = {
    { "place", FIELD_INT, BASIS_RECORD, "Place", "its place in the queue: by priority, then by "
      "arrival", get_place },
    { "job", FIELD_INT, BASIS_NONE, "Job", "the job's number", get_job },
    { "tenant", FIELD_INT, BASIS_NONE, "Tenant", "whose it is", get_tenant },
    { "priority", FIELD_INT, BASIS_NONE, "Priority", "0 is the lowest, 7 the highest",
      get_priority },
    { "gpus", FIELD_INT, BASIS_RECORD, "GPUs", "how many GPUs it asks for", get_gpus },
    { "nodes", FIELD_INT, BASIS_RECORD, "Nodes", "how many nodes it wants", get_nodes },
    { "submitted", FIELD_TIME, BASIS_RECORD, "Submitted", "when it came", get_submitted },
    { "waited_ms", FIELD_MS, BASIS_RECORD, "Since", "from when it came until now; of a job that "
      "was interrupted, the time that it ran with it", get_waited },
    { "attempt", FIELD_INT, BASIS_RECORD, "Attempts", "how many attempts it had", get_attempt },
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "what ended its last attempt", get_incident },
    { "why", FIELD_TEXT, BASIS_NONE, "Why not now", "why it does not run now", get_why },
    { "behind", FIELD_INT, BASIS_NONE, "Behind", "the job with a reservation that it waits behind",
      get_behind },
    { "expected_start", FIELD_TIME, BASIS_MODELLED, "Expected start", "its reservation: when, as "
      "far as running jobs are known, enough nodes are free", get_start },
    { "length_ms", FIELD_MS, BASIS_MODELLED, "Length", "how long it is expected to take from its "
      "start", get_length },
    { 0 },
};
