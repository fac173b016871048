/* A queue, a few threads, and a file of lines "ID MACHINE WORD TEXT" of which the last counts. */
#include "gather/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "core/event.h"

#define MACHINE_MAX 96
#define WORD_TEXT_MAX 256
#define FILE_BYTES_MAX ((size_t)64 << 20)

enum phase { PHASE_RUNNING = 4, PHASE_WAITING }; /* besides enum result */

/* The highest action of a machine. */
struct record {
    char machine[MACHINE_MAX];
    uint64_t id;
    uint8_t phase;
    char text[WORD_TEXT_MAX];
};

struct order {
    uint64_t id;
    char machine[MACHINE_MAX], step[24];
    int64_t due_ms; /* it must have begun by then, CLOCK_MONOTONIC */
};

struct said {
    uint64_t id;
    uint8_t result;
    char text[WORD_TEXT_MAX];
};

struct actions {
    struct actions_options o;
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread[ACTIONS_RUNNING_MAX];
    uint32_t threads;
    struct record *record; /* owned */
    uint32_t records, records_room;
    struct order waiting[ACTIONS_WAITING_MAX];
    uint32_t first, waits;
    struct said *said; /* owned: results that were not fetched yet */
    uint32_t saids, saids_room;
    int file, wake;
    bool end;
};

static const char *const words[] = { "", "ok", "failed", "unknown", "started", "started" };

static int64_t clock_ms(void)
{
    struct timespec t = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct record *record_of(struct actions *a, const char *machine, bool make)
{
    for (uint32_t i = 0; i < a->records; i++)
        if (strcmp(a->record[i].machine, machine) == 0)
            return &a->record[i];
    if (!make || a->records == ACTIONS_MACHINES_MAX)
        return NULL;
    if (a->records == a->records_room) {
        uint32_t room = MW_MAX(a->records_room * 2, 64u);
        struct record *grown = mw_resize(a->record, room, sizeof(*grown));
        if (grown == NULL)
            return NULL;
        a->record = grown;
        a->records_room = room;
    }
    struct record *r = &a->record[a->records++];
    *r = (struct record){ 0 };
    (void)snprintf(r->machine, sizeof(r->machine), "%s", machine);
    return r;
}

/* Says a result to the daemon, later. */
static void tell(struct actions *a, uint64_t id, uint8_t result, const char *text)
{
    const uint64_t one = 1;
    if (a->saids == a->saids_room) {
        uint32_t room = MW_MAX(a->saids_room * 2, 16u);
        struct said *grown = mw_resize(a->said, room, sizeof(*grown));
        if (grown == NULL)
            return; /* the daemon asks again, or takes it for unknown at the end of the lease */
        a->said = grown;
        a->saids_room = room;
    }
    struct said *s = &a->said[a->saids++];
    *s = (struct said){ .id = id, .result = result };
    (void)snprintf(s->text, sizeof(s->text), "%.*s", WORD_TEXT_MAX - 1, text);
    (void)!write(a->wake, &one, sizeof(one));
}

/* On disk before it is done, and before it is said to be done. */
static bool keep(struct actions *a, const struct record *r)
{
    char line[MACHINE_MAX + WORD_TEXT_MAX + 64];
    if (a->file < 0)
        return true;
    int n = snprintf(line, sizeof(line), "%llu %s %s %s\n", (unsigned long long)r->id, r->machine,
                     words[r->phase], r->text);
    return n > 0 && (size_t)n < sizeof(line) && write(a->file, line, (size_t)n) == n &&
           fdatasync(a->file) == 0;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int read_record(struct actions *a, char *line, uint32_t number, const char *path,
                       struct mw_error *err)
{
    char *machine = strchr(line, ' '), *word = NULL, *text = NULL;
    uint64_t id = 0;
    uint8_t phase = 0;
    if (machine != NULL) {
        *machine++ = '\0';
        word = strchr(machine, ' ');
    }
    if (word != NULL) {
        *word++ = '\0';
        text = strchr(word, ' ');
    }
    if (text != NULL)
        *text++ = '\0';
    for (uint8_t k = 1; text != NULL && k <= PHASE_RUNNING; k++)
        if (strcmp(word, words[k]) == 0)
            phase = k;
    if (phase == 0 || mw_parse_u64(line, &id) < 0 || strlen(machine) >= MACHINE_MAX)
        return mw_fail(err, MW_ECORRUPT, "%s:%u: no line of mw-gather's actions", path, number);
    struct record *r = record_of(a, machine, true);
    if (r == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (id >= r->id) {
        r->id = id;
        r->phase = phase;
        (void)snprintf(r->text, sizeof(r->text), "%.*s", WORD_TEXT_MAX - 1, text);
    }
    return 0;
}

static int read_file(struct actions *a, const char *path, struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    uint32_t number = 0;
    int rc = mw_read_file(path, FILE_BYTES_MAX, false, &text, &size, err);
    if (rc == MW_ENOTFOUND)
        return 0;
    for (char *line = text, *end; rc == 0 && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0'; /* a line that a crash cut off has no end and counts for nothing */
        rc = read_record(a, line, ++number, path, err);
    }
    for (uint32_t i = 0; i < a->records; i++)
        if (a->record[i].phase == PHASE_RUNNING) {
            a->record[i].phase = RESULT_UNKNOWN;
            (void)snprintf(a->record[i].text, sizeof(a->record[i].text),
                           "mw-gather ended while it was carried out");
        }
    return rc;
}

/* A new file of one line a machine, in place of the old one. */
static int write_file(struct actions *a, const char *path, struct mw_error *err)
{
    char next[512];
    int n = snprintf(next, sizeof(next), "%s.new", path);
    bool fine = n > 0 && (size_t)n < sizeof(next);
    a->file = fine ? open(next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600) : -1;
    fine = a->file >= 0;
    for (uint32_t i = 0; fine && i < a->records; i++)
        fine = keep(a, &a->record[i]);
    if (!fine || rename(next, path) != 0)
        return mw_fail(err, MW_EIO, "%s: %s", path, strerror(errno));
    return 0;
}

static int open_file(struct actions *a, struct mw_error *err)
{
    char path[480];
    if (a->o.state == NULL)
        return 0;
    int n = snprintf(path, sizeof(path), "%s/actions", a->o.state);
    if (n < 0 || (size_t)n >= sizeof(path))
        return mw_fail(err, MW_ELIMIT, "the path of the state folder is too long");
    int rc = read_file(a, path, err);
    return rc < 0 ? rc : write_file(a, path, err);
}

/* ---- carrying out --------------------------------------------------------------------------- */

static void finish(struct actions *a, const struct order *q, int rc, const char *text)
{
    struct record *r = record_of(a, q->machine, true);
    must(r != NULL); /* made when it was taken */
    uint8_t result = rc == 0 ? RESULT_OK : rc == MW_ETIMEOUT ? RESULT_UNKNOWN : RESULT_FAILED;
    if (r->id == q->id) {
        r->phase = result;
        (void)snprintf(r->text, sizeof(r->text), "%.*s", WORD_TEXT_MAX - 1, text);
        for (char *at = r->text; *at != '\0'; at++)
            *at = *at == '\n' ? ' ' : *at;
        (void)keep(a, r); /* when the disk fails it is "started" there: unknown after a restart */
    }
    tell(a, q->id, result, text);
}

static void carry_out(struct actions *a, const struct order *q)
{
    struct mw_error err = { 0 };
    char text[WORD_TEXT_MAX] = "";
    int rc = 0;
    if (clock_ms() > q->due_ms)
        rc = mw_fail(&err, MW_ELIMIT, "its lease ended before it could begin; nothing was done");
    else
        rc = a->o.act(a->o.ctx, q->machine, q->step, text, sizeof(text), &err);
    must(pthread_mutex_lock(&a->lock) == 0);
    finish(a, q, rc, rc == 0 ? text : err.text);
    must(pthread_mutex_unlock(&a->lock) == 0);
}

static void *thread_main(void *ctx)
{
    struct actions *a = ctx;
    must(pthread_mutex_lock(&a->lock) == 0);
    while (!a->end) {
        if (a->waits == 0) {
            must(pthread_cond_wait(&a->more, &a->lock) == 0);
            continue;
        }
        struct order q = a->waiting[a->first];
        a->first = (a->first + 1) % ACTIONS_WAITING_MAX;
        a->waits--;
        must(pthread_mutex_unlock(&a->lock) == 0);
        carry_out(a, &q);
        must(pthread_mutex_lock(&a->lock) == 0);
    }
    must(pthread_mutex_unlock(&a->lock) == 0);
    return NULL;
}

/* Under the lock.  false: it was done or is under way.  true: it is new; it must not be done when
 * err says why. */
static bool accept(struct actions *a, const struct agent_frame *f, struct mw_error *err)
{
    struct record *r = record_of(a, f->name, false);
    if (r != NULL && f->n == r->id) {
        if (r->phase < PHASE_RUNNING)
            tell(a, f->n, r->phase, r->text);
        return false; /* under way: answered when it ends */
    }
    if (r != NULL && f->n < r->id) {
        (void)mw_fail(err, MW_ECONFLICT, "older than action %llu of this machine",
                      (unsigned long long)r->id);
        return true;
    }
    if (a->waits == ACTIONS_WAITING_MAX) {
        (void)mw_fail(err, MW_ELIMIT, "%d actions wait already", ACTIONS_WAITING_MAX);
        return true;
    }
    (void)!a->o.may(a->o.ctx, f->name, err);
    return true;
}

static void begin(struct actions *a, int64_t now_ms, const struct agent_frame *f)
{
    struct record *r = record_of(a, f->name, true);
    if (r == NULL) {
        tell(a, f->n, RESULT_FAILED, "out of memory; nothing was done");
        return;
    }
    r->id = f->n;
    r->phase = PHASE_RUNNING;
    r->text[0] = '\0';
    if (!keep(a, r)) {
        r->phase = RESULT_FAILED;
        tell(a, f->n, RESULT_FAILED, "its id could not be written to disk; nothing was done");
        return;
    }
    struct order *q = &a->waiting[(a->first + a->waits++) % ACTIONS_WAITING_MAX];
    *q = (struct order){ .id = f->n, .due_ms = now_ms + f->lease_ms };
    (void)snprintf(q->machine, sizeof(q->machine), "%s", f->name);
    (void)snprintf(q->step, sizeof(q->step), "%s", f->action);
    must(pthread_cond_signal(&a->more) == 0);
}

void actions_take(struct actions *a, int64_t now_ms, const struct agent_frame *f)
{
    struct mw_error err = { 0 };
    must(f->verb == AGENT_ACT);
    must(pthread_mutex_lock(&a->lock) == 0);
    if (accept(a, f, &err)) {
        if (err.code != 0)
            tell(a, f->n, RESULT_FAILED, err.text);
        else
            begin(a, now_ms, f);
    }
    must(pthread_mutex_unlock(&a->lock) == 0);
}

int actions_fd(const struct actions *a)
{
    return a->wake;
}

bool actions_next(struct actions *a, struct agent_frame *ret)
{
    uint64_t wakes;
    must(pthread_mutex_lock(&a->lock) == 0);
    bool some = a->saids > 0;
    if (some) {
        *ret = (struct agent_frame){ .verb = AGENT_ACTED, .n = a->said[0].id,
                                     .result = a->said[0].result };
        (void)snprintf(ret->text, sizeof(ret->text), "%s", a->said[0].text);
        memmove(a->said, a->said + 1, --a->saids * sizeof(*a->said));
    } else {
        (void)!read(a->wake, &wakes, sizeof(wakes));
    }
    must(pthread_mutex_unlock(&a->lock) == 0);
    return some;
}

/* ---- making --------------------------------------------------------------------------------- */

int actions_create(const struct actions_options *o, struct actions **ret, struct mw_error *err)
{
    struct actions *a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->o = *o;
    a->file = -1;
    must(pthread_mutex_init(&a->lock, NULL) == 0 && pthread_cond_init(&a->more, NULL) == 0);
    a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = a->wake < 0 ? mw_fail(err, MW_EIO, "eventfd: %s", strerror(errno)) : open_file(a, err);
    for (uint32_t i = 0; rc == 0 && i < ACTIONS_RUNNING_MAX; i++) {
        if (pthread_create(&a->thread[i], NULL, thread_main, a) != 0)
            rc = mw_fail(err, MW_ENOMEM, "no thread can be made");
        else
            a->threads++;
    }
    if (rc < 0)
        actions_destroy(a);
    else
        *ret = a;
    return rc;
}

void actions_destroy(struct actions *a)
{
    if (a == NULL)
        return;
    must(pthread_mutex_lock(&a->lock) == 0);
    a->end = true;
    must(pthread_cond_broadcast(&a->more) == 0);
    must(pthread_mutex_unlock(&a->lock) == 0);
    for (uint32_t i = 0; i < a->threads; i++)
        must(pthread_join(a->thread[i], NULL) == 0);
    if (a->file >= 0)
        (void)close(a->file);
    if (a->wake >= 0)
        (void)close(a->wake);
    (void)pthread_cond_destroy(&a->more);
    (void)pthread_mutex_destroy(&a->lock);
    mw_free(a->record);
    mw_free(a->said);
    mw_free(a);
}
