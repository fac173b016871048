/*
 * Lives and deaths of the controller.
 */
#include "sim/daemon.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/units.h"
#include "core/journal_memory.h"

#define PROCESS_CRASH 1001u
enum { SALT_TIME, SALT_KIND, SALT_SNAPSHOT };
enum crash_kind { BEFORE_COMMIT, BEFORE_ACTIONS, BEFORE_ACK, CRASH_KINDS };

struct daemon {
    struct daemon_config config;
    struct journal *own; /* NULL when the journal is the caller's */
    struct journal *tap;
    struct control *control;
    struct core_stats before; /* of earlier lives */
    int64_t *crash_ns;        /* in order */
    uint32_t crash_next;
    uint64_t crashed, jobs_refused;
    uint64_t snapshot_events; /* events at the last snapshot */
    bool has_snapshot;
    bool spared; /* the step after a recovery is survived, so that the world can go on */
    bool deaf;   /* committed actions do not get out */
    bool silent; /* so was the last life: actions that come are first heard after a crash */
    struct daemon_pending pending;
};

static void act(void *ctx, const struct event *action, const void *tail)
{
    struct daemon *d = ctx;
    if (d->deaf) {
        d->silent = true;
        return;
    }
    d->config.act(d->config.ctx, action, tail);
}

/* ---- making -------------------------------------------------------------------------------- */

static bool dies(const struct daemon_config *c)
{
    return c->crashes > 0 || c->crash_every_step;
}

static int make_control(struct daemon *d, struct mw_error *err)
{
    struct control_options o = {.fleet = d->config.fleet, .policy = d->config.policy,
                                .board = d->config.board, .journal = d->tap, .act = act,
                                .act_ctx = d};
    return control_create(&o, &d->control, err);
}

/* Small and rarely long: insertion sort. */
static void sort_times(int64_t *t, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        int64_t kept = t[i];
        uint32_t at = i;
        for (; at > 0 && t[at - 1] > kept; at--)
            t[at] = t[at - 1];
        t[at] = kept;
    }
}

static int plan_crashes(struct daemon *d)
{
    const struct daemon_config *c = &d->config;
    d->crash_ns = mw_calloc(c->crashes, sizeof(*d->crash_ns));
    if (d->crash_ns == NULL)
        return MW_ENOMEM;
    uint64_t span = (uint64_t)MW_MAX(c->quiet_ns - c->start_ns, 1);
    for (uint32_t i = 0; i < c->crashes; i++) {
        uint64_t bits = mw_random_u64(c->seed, SALT_TIME, PROCESS_CRASH, i);
        d->crash_ns[i] = c->start_ns + (int64_t)mw_random_below(bits, span);
    }
    sort_times(d->crash_ns, c->crashes);
    return 0;
}

static int daemon_init(struct daemon *d, struct mw_error *err)
{
    const struct daemon_config *c = &d->config;
    struct journal *inner = c->journal;
    if (inner != NULL && dies(c))
        return mw_fail(err, MW_EINVAL,
                       "crashes are simulated with the journal in memory only: set crashes to 0 "
                       "and crash_every_step to false to keep the record elsewhere");
    int rc = plan_crashes(d);
    if (rc == 0 && inner == NULL) {
        struct journal_memory_options o = {.discard = !dies(c)};
        rc = journal_memory_create(&o, &d->own);
        inner = d->own;
    }
    if (rc == 0)
        rc = tap_create(inner, c->event, c->ctx, &d->tap);
    if (rc != 0)
        return mw_fail(err, rc, "out of memory for a controller");
    rc = make_control(d, err);
    if (rc == 0)
        rc = control_begin(d->control, c->start_ns, err);
    return rc == 0 ? core_commit(d->control->core, err) : rc;
}

int daemon_create(const struct daemon_config *c, struct daemon **ret, struct mw_error *err)
{
    must(c->fleet != NULL && c->policy != NULL && c->act != NULL && c->event != NULL);
    struct daemon *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for a controller");
    d->config = *c;
    int rc = daemon_init(d, err);
    if (rc != 0) {
        daemon_destroy(d);
        return rc;
    }
    *ret = d;
    return 0;
}

void daemon_destroy(struct daemon *d)
{
    if (d == NULL)
        return;
    control_destroy(d->control);
    journal_destroy(d->tap);
    journal_destroy(d->own);
    mw_free(d->crash_ns);
    mw_free(d);
}

/* ---- dying --------------------------------------------------------------------------------- */

static void stats_add(struct core_stats *to, const struct core_stats *s)
{
    to->events += s->events;
    to->facts += s->facts;
    to->decisions += s->decisions;
    to->groups += s->groups;
    to->commits += s->commits;
    for (uint32_t i = 0; i < ADMIT_COUNT; i++)
        to->refused[i] += s->refused[i];
    to->advice += s->advice;
    to->trips += s->trips;
    to->cascades_stopped += s->cascades_stopped;
    to->contradictions += s->contradictions;
    to->rounds_max = MW_MAX(to->rounds_max, s->rounds_max);
}

static int recover(struct daemon *d, struct mw_hash128 expected, struct mw_error *err)
{
    stats_add(&d->before, core_stats(d->control->core));
    control_destroy(d->control);
    d->control = NULL;
    tap_crash(d->tap);
    d->crashed++;
    d->spared = true;
    int rc = make_control(d, err);
    if (rc != 0)
        return rc;
    uint64_t bits = mw_random_u64(d->config.seed, SALT_SNAPSHOT, PROCESS_CRASH, d->crashed);
    bool snapshot = bits >> 63;
    mark_hit(d->config.marks,
             snapshot && d->has_snapshot ? MARK_RECOVER_SNAPSHOT : MARK_RECOVER_JOURNAL);
    d->deaf = false;
    sometimes(d->config.marks, d->silent, MARK_ACTION_FIRST_AFTER_CRASH);
    d->silent = false;
    if (d->config.check != NULL)
        check_died(d->config.check);
    rc = control_recover(d->control, snapshot, err);
    if (rc != 0)
        return mw_fail_prefix(err, "recovery %llu", (unsigned long long)d->crashed);
    if (!mw_hash128_equal(core_state_hash(d->control->core), expected))
        return mw_fail(err, MW_EBUG,
                       "recovery %llu, at event %llu, %s, gives another state than the one before",
                       (unsigned long long)d->crashed,
                       (unsigned long long)core_seq(d->control->core),
                       snapshot ? "from a snapshot" : "from the whole journal");
    if (d->config.check != NULL)
        check_recovered(d->config.check, d->control);
    return 0;
}

static bool crash_is_due(struct daemon *d, int64_t now_ns)
{
    bool spared = d->spared;
    d->spared = false;
    if (now_ns >= d->config.quiet_ns || spared)
        return false;
    if (d->config.crash_every_step)
        return true;
    if (d->crash_next == d->config.crashes || d->crash_ns[d->crash_next] > now_ns)
        return false;
    d->crash_next++;
    return true;
}

static void mark_crash(struct daemon *d, enum crash_kind kind, bool timer)
{
    struct marks *m = d->config.marks;
    static const enum mark of[CRASH_KINDS] = {
        MARK_CRASH_BEFORE_COMMIT, MARK_CRASH_BEFORE_ACTIONS, MARK_CRASH_BEFORE_ACK};
    mark_hit(m, of[kind]);
    sometimes(m, timer, MARK_CRASH_TIMER);
    sometimes(m, d->pending.order, MARK_CRASH_ORDER_PENDING);
    sometimes(m, d->pending.gate, MARK_CRASH_GATE_PENDING);
    sometimes(m, d->pending.stop, MARK_CRASH_STOP_PENDING);
}

/* ---- living -------------------------------------------------------------------------------- */

static int snapshot_when_due(struct daemon *d, struct mw_error *err)
{
    uint64_t seq = core_seq(d->control->core);
    if (d->config.snapshot_every_events <= 0 ||
        seq - d->snapshot_events < (uint64_t)d->config.snapshot_every_events)
        return 0;
    d->snapshot_events = seq;
    d->has_snapshot = true;
    return core_snapshot(d->control->core, err);
}

/* One fact, or the timers when there is none. */
static int take(struct daemon *d, int64_t now_ns, const struct event *fact, const char *text,
                enum admit *ret, struct mw_error *err)
{
    *ret = ADMIT_OK;
    if (fact == NULL)
        return core_advance(d->control->core, now_ns, err);
    return core_submit(d->control->core, now_ns, fact, text, ret, err);
}

/* A step that the daemon does not survive: nothing of it is acknowledged. */
static int step_and_die(struct daemon *d, int64_t now_ns, const struct event *fact,
                        const char *text, struct mw_error *err)
{
    uint64_t bits = mw_random_u64(d->config.seed, SALT_KIND, PROCESS_CRASH, d->crashed);
    enum crash_kind kind = (enum crash_kind)mw_random_below(bits, CRASH_KINDS);
    enum admit admit;
    struct mw_hash128 hash = core_state_hash(d->control->core);
    mark_crash(d, kind, fact == NULL);
    int rc = take(d, now_ns, fact, text, &admit, err);
    if (rc == 0 && kind != BEFORE_COMMIT) {
        d->deaf = kind == BEFORE_ACTIONS;
        rc = core_commit(d->control->core, err);
        hash = core_state_hash(d->control->core);
    }
    return rc == 0 ? recover(d, hash, err) : rc;
}

static void count_answer(struct daemon *d, const struct event *fact, enum admit admit)
{
    struct marks *m = d->config.marks;
    bool never = admit == ADMIT_FULL || admit == ADMIT_IMPOSSIBLE;
    bool stale = admit == ADMIT_STALE;
    sometimes(m, admit == ADMIT_GAP, MARK_FACT_GAP);
    sometimes(m, admit == ADMIT_DUPLICATE, MARK_FACT_DUPLICATE);
    sometimes(m, stale, MARK_FACT_STALE);
    if (fact == NULL)
        return;
    d->jobs_refused += never && fact->kind == EV_JOB_SUBMITTED;
    sometimes(m, stale && fact->kind == EV_JOB_CANCELLED, MARK_CANCELLED_TOO_LATE);
    sometimes(m, never && fact->kind == EV_COMMAND && fact->body.command.verb == CMD_APPROVE,
              MARK_APPROVAL_REFUSED);
}

static int step(struct daemon *d, int64_t now_ns, const struct event *fact, const char *text,
                bool *acked, struct mw_error *err)
{
    enum admit admit = ADMIT_OK;
    *acked = false;
    if (crash_is_due(d, now_ns))
        return step_and_die(d, now_ns, fact, text, err);
    int rc = take(d, now_ns, fact, text, &admit, err);
    if (rc == 0)
        rc = core_commit(d->control->core, err);
    if (rc != 0)
        return rc;
    count_answer(d, fact, admit);
    *acked = admit != ADMIT_GAP;
    if (fact != NULL && admit == ADMIT_OK && d->config.check != NULL)
        check_acknowledged(d->config.check, fact->source, fact->source_seq);
    return snapshot_when_due(d, err);
}

int daemon_submit(struct daemon *d, int64_t now_ns, const struct event *fact, const char *text,
                  bool *acked, struct mw_error *err)
{
    must(fact != NULL);
    return step(d, now_ns, fact, text, acked, err);
}

int daemon_advance(struct daemon *d, int64_t now_ns, struct mw_error *err)
{
    bool acked;
    return step(d, now_ns, NULL, NULL, &acked, err);
}

int daemon_command(struct daemon *d, int64_t now_ns, const struct event *fact, const void *tail,
                   enum admit *ret, struct mw_error *err)
{
    must(fact != NULL && fact->source_seq == 0);
    return core_submit(d->control->core, now_ns, fact, tail, ret, err);
}

int daemon_commit(struct daemon *d, struct mw_error *err)
{
    return core_commit(d->control->core, err);
}

int64_t daemon_next_due(const struct daemon *d)
{
    return core_next_due(d->control->core);
}

const struct control *daemon_control(const struct daemon *d)
{
    return d->control;
}

struct core_stats daemon_stats(const struct daemon *d)
{
    struct core_stats s = d->before;
    stats_add(&s, core_stats(d->control->core));
    return s;
}

uint64_t daemon_crashes(const struct daemon *d)
{
    return d->crashed;
}

uint64_t daemon_jobs_refused(const struct daemon *d)
{
    return d->jobs_refused;
}

void daemon_pending_is(struct daemon *d, struct daemon_pending p)
{
    d->pending = p;
}
