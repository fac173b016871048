/* Paces, risks, reasons.  See job_state.h. */
#include "api/job_state.h"

#include "base/units.h"

/* A node of this hazard fails four times as often as others (care_lemon.h: 16 for each time more);
 * chosen: as a node does in the week after a repair. */
#define HAZARD_AT_RISK 48u

const char *job_state_word(uint8_t state)
{
    static const char *const word[] = { "free", "queued", "placed", "running", "stopping" };
    return state < MW_ARRAY_LEN(word) ? word[state] : "unknown";
}

/* What the cadence says was done and saved since work went on. */
static void add_cadence(const struct board *b, uint32_t slot, int64_t now_ms, struct job_pace *ret)
{
    int64_t interval = b->job_interval_ms[slot], run = now_ms - b->job_ready_ms[slot];
    int64_t from = b->job_from_ms[slot];
    if (!b->job_ready_ms[slot] || run < 0 || b->job_state[slot] < JOB_RUNNING)
        return;
    int64_t cycle = interval + b->job_write_ms[slot], whole = 0, begun = run;
    if (interval > 0) {
        whole = run / cycle * interval;
        begun = MW_MIN(run % cycle, interval);
        ret->saved_ms = MW_MAX(ret->saved_ms, from + whole);
    }
    ret->progress_ms = MW_MAX(ret->progress_ms, from + whole + begun);
}

/* From now to the end: the work that is left, a checkpoint after every interval, and the start
 * where it has not begun. Never for a job of which nobody knows how long it is. */
static int64_t left_ms(const struct board *b, uint32_t slot, int64_t progress_ms)
{
    int64_t work = b->job_work_ms[slot], interval = b->job_interval_ms[slot];
    if (work <= 0 || work >= BOARD_JOB_MS_MAX || b->job_state[slot] == JOB_STOPPING)
        return MW_NEVER;
    int64_t left = MW_MAX(work - progress_ms, 0);
    int64_t writes = interval > 0 ? left / interval * b->job_write_ms[slot] : 0;
    return left + writes + (b->job_ready_ms[slot] ? 0 : b->job_restart_ms[slot]);
}

struct job_pace job_pace(const struct control *c, uint32_t slot, int64_t now_ms)
{
    must(c != NULL && slot < c->board->jobs_used);
    const struct board *b = c->board;
    struct job_pace p = { .progress_ms = b->job_saved_ms[slot], .saved_ms = b->job_saved_ms[slot],
                          .end_ms = MW_NEVER };
    if (b->job_state[slot] == JOB_QUEUED)
        return p;
    add_cadence(b, slot, now_ms, &p);
    if (b->job_work_ms[slot] > 0) {
        p.progress_ms = MW_MIN(p.progress_ms, b->job_work_ms[slot]);
        p.saved_ms = MW_MIN(p.saved_ms, b->job_work_ms[slot]);
    }
    p.unsaved_ms = board_job_unsaved_ms(b, slot, now_ms);
    p.next_checkpoint_ms = MW_MAX(board_job_checkpoint_in_ms(b, slot, now_ms), 0);
    int64_t left = left_ms(b, slot, p.progress_ms);
    p.end_ms = left == MW_NEVER ? MW_NEVER : now_ms + left;
    return p;
}

int64_t job_end_ms(const struct control *c, uint32_t slot, int64_t now_ms)
{
    must(c != NULL && slot < c->board->jobs_used);
    if (c->board->job_state[slot] != JOB_QUEUED)
        return job_pace(c, slot, now_ms).end_ms;
    struct work_why y = work_why_waiting(c->work, c->board->job_id[slot]);
    bool own = y.why != WAIT_NOT && y.behind == 0 && y.at_ms > 0 && y.at_ms != MW_NEVER;
    return own ? y.at_ms + y.length_ms : MW_NEVER;
}

uint32_t job_incident(const struct board *b, uint32_t slot, uint32_t *ret_node)
{
    uint32_t any = MW_NONE;
    must(b != NULL && ret_node != NULL);
    *ret_node = MW_NONE;
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n]) {
        if (b->node_incident[n] == MW_NONE)
            continue;
        if (any == MW_NONE || b->node_health[n] != HEALTH_READY) {
            any = b->node_incident[n];
            *ret_node = n;
        }
        if (b->node_health[n] != HEALTH_READY)
            break;
    }
    return any;
}

static void add_incident(struct text *t, const struct words *w, const struct board *b,
                         uint32_t slot, uint32_t node)
{
    unsigned long long incident = b->incident_id[slot];
    const char *class = words_class(w, b->incident_class[slot]);
    if (b->node_health[node] == HEALTH_SUSPECT)
        text_addf(t, "%s is suspect (%s): the job is to let go of it (incident %llu)",
                  words_node(w, node), class, incident);
    else if (b->node_health[node] != HEALTH_READY)
        text_addf(t, "%s is %s (%s, incident %llu)", words_node(w, node),
                  health_name(b->node_health[node]), class, incident);
    else
        text_addf(t, "%s on %s is open (incident %llu)", class, words_node(w, node), incident);
}

/* Maintenance of one of its nodes that begins before the job ends. */
static bool add_window(struct text *t, const struct words *w, const struct control *c,
                       uint32_t slot, int64_t end_ms)
{
    struct work_window window;
    uint32_t at = 0;
    const struct board *b = c->board;
    if (!work_window_next(c->work, &at, &window))
        return false; /* none is planned: the usual case, without a walk */
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n]) {
        if (!work_window_of(c->work, n, &window) || window.from_ms >= end_ms)
            continue;
        text_addf(t, "maintenance of %s begins at ", words_node(w, n));
        words_time_ms(t, window.from_ms);
        return true;
    }
    return false;
}

static void add_hazard(struct text *t, const struct words *w, const struct board *b, uint32_t slot)
{
    uint32_t worst = MW_NONE;
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n])
        if (worst == MW_NONE || b->node_hazard[n] > b->node_hazard[worst])
            worst = n;
    if (worst != MW_NONE && b->node_hazard[worst] >= HAZARD_AT_RISK)
        text_addf(t, "%s is expected to fail %u times as often as others", words_node(w, worst),
                  1u + b->node_hazard[worst] / 16u);
}

void job_risk(struct text *t, const struct words *w, const struct control *c, uint32_t slot,
              int64_t now_ms)
{
    must(t != NULL && c != NULL && slot < c->board->jobs_used);
    const struct board *b = c->board;
    uint32_t node, incident = job_incident(b, slot, &node);
    if (b->job_state[slot] < JOB_PLACED)
        return;
    if (incident != MW_NONE)
        add_incident(t, w, b, incident, node);
    else if (b->job_state[slot] == JOB_STOPPING)
        text_add(t, "it was told to stop");
    else if (!add_window(t, w, c, slot, job_pace(c, slot, now_ms).end_ms))
        add_hazard(t, w, b, slot);
}

static void add_wait(struct text *t, const struct work_why *y, unsigned long long behind)
{
    switch (y->why) {
    case WAIT_LOOK:
        text_add(t, "it fits: placed when the queue is looked at next");
        break;
    case WAIT_QUOTA:
        text_addf(t, "its tenant has %u of the %u GPUs that it may have", y->used_gpus,
                  y->quota_gpus);
        break;
    case WAIT_SERVICE:
        text_addf(t, "needs %u nodes: more than are in service", y->needs);
        break;
    case WAIT_NODES:
        text_addf(t, "needs %u nodes, %u are free", y->needs, y->free);
        break;
    case WAIT_ROOM:
        text_addf(t, "needs %u nodes, %u are free: jobs on %u were told to make room", y->needs,
                  y->free, y->coming);
        break;
    case WAIT_SPARES:
        text_addf(t, "needs %u nodes: of %u free ones %u are kept for restarts", y->needs, y->free,
                  y->kept);
        break;
    case WAIT_WINDOW:
        text_addf(t, "needs %u nodes: of %u free ones %u are maintained before it could end",
                  y->needs, y->free, y->barred);
        break;
    case WAIT_PROMISED:
        text_addf(t, "needs %u nodes: free ones are promised to job %llu", y->needs, behind);
        break;
    case WAIT_TURN:
        text_addf(t, "it would delay job %llu, which has a reservation", behind);
        break;
    default:
        text_add(t, "the engine decides");
        break;
    }
}

void job_why_waiting(struct text *t, const struct control *c, const struct work_why *y,
                     uint32_t nodes)
{
    must(t != NULL && c != NULL && y != NULL);
    if (c->policy.work.engine)
        text_addf(t, "Slurm decides when it starts; it needs %u node%s", nodes,
                  nodes == 1 ? "" : "s");
    else
        add_wait(t, y, (unsigned long long)y->behind);
}

int64_t job_unsaved_gpu_ms(const struct board *b, uint32_t slot, int64_t now_ms)
{
    int64_t gpu_ms;
    must(b != NULL && slot < b->jobs_used);
    return mw_mul_overflows(board_job_unsaved_ms(b, slot, now_ms), (int64_t)b->job_gpus[slot],
                            &gpu_ms) ? INT64_MAX : gpu_ms;
}
