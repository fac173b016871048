/* Places of nodes, the queue in front, the verdict.  See pending.h. */
#include "control/pending.h"

#include "base/mem.h"
#include "base/units.h"

const char *pending_place_name(uint32_t place)
{
    static const char *const name[] = {
#define X(e, name, doc) name,
        PENDING_PLACES(X)
#undef X
    };
    return place < PLACE_COUNT ? name[place] : "unknown";
}

const char *pending_place_doc(uint32_t place)
{
    static const char *const doc[] = {
#define X(e, name, doc) doc,
        PENDING_PLACES(X)
#undef X
    };
    return place < PLACE_COUNT ? doc[place] : "";
}

static enum pending_place place_of(const struct control *c, uint32_t node)
{
    const struct board *b = c->board;
    uint8_t health = b->node_health[node], said = guard_node_reported(c->guard, node);
    uint32_t service = said & 0xf, owner = said >> 4;
    bool theirs = owner == OWNER_OTHERS && service != SERVICE_IN;
    if (health == HEALTH_RETIRED || health == HEALTH_RACKED || health == HEALTH_PROVISIONING)
        return PLACE_RETIRED;
    if (health != HEALTH_READY)
        return PLACE_SICK;
    if (b->node_job[node] != MW_NONE)
        return PLACE_BUSY;
    if (b->node_holds[node] > (guard_node_held_there(c->guard, node) ? 1 : 0))
        return PLACE_HELD;
    if (theirs)
        return PLACE_OTHERS;
    if (service != SERVICE_IN)
        return owner == OWNER_ENGINE ? PLACE_SILENT : PLACE_RETURNABLE;
    return PLACE_FREE;
}

/* Is job a before job b in the queue? */
static bool is_before(const struct board *b, uint32_t a, uint32_t job)
{
    if (b->job_priority[a] != b->job_priority[job])
        return b->job_priority[a] > b->job_priority[job];
    return b->job_submit_seq[a] < b->job_submit_seq[job];
}

/* Keeps the list of the first ones in order. */
static void add_ahead(struct pending *p, const struct board *b, uint32_t slot,
                      uint32_t ahead_slot[PENDING_AHEAD_MAX])
{
    uint32_t at = MW_MIN(p->ahead, PENDING_AHEAD_MAX);
    p->ahead++;
    while (at > 0 && is_before(b, slot, ahead_slot[at - 1]))
        at--;
    if (at == PENDING_AHEAD_MAX)
        return;
    for (uint32_t i = PENDING_AHEAD_MAX - 1; i > at; i--)
        ahead_slot[i] = ahead_slot[i - 1];
    ahead_slot[at] = slot;
}

static void find_ahead(struct pending *p, const struct board *b)
{
    uint32_t ahead_slot[PENDING_AHEAD_MAX] = { 0 };
    for (uint32_t s = 0; s < b->jobs_used; s++)
        if (b->job_id[s] && s != p->slot && b->job_state[s] == JOB_QUEUED &&
            is_before(b, s, p->slot))
            add_ahead(p, b, s, ahead_slot);
    for (uint32_t i = 0; i < MW_MIN(p->ahead, PENDING_AHEAD_MAX); i++) {
        p->ahead_job[i] = b->job_id[ahead_slot[i]];
        p->ahead_nodes[i] = b->job_nodes[ahead_slot[i]];
    }
}

static enum pending_verdict verdict_of(const struct pending *p, const struct control *c)
{
    if (p->state != JOB_QUEUED)
        return PENDING_NOT;
    if (p->nodes > p->nodes_total - p->count[PLACE_RETIRED])
        return PENDING_TOO_LARGE;
    if (c->policy.work.engine)
        return PENDING_ENGINE;
    if (p->nodes > p->count[PLACE_FREE])
        return PENDING_NODES;
    bool kept = p->work.why != WAIT_NOT && p->work.why != WAIT_LOOK; /* off the free ones */
    return p->ahead > 0 || kept ? PENDING_BEHIND : PENDING_NEXT;
}

int pending_explain(const struct control *c, uint64_t job, struct pending *ret,
                    struct mw_error *err)
{
    must(c && ret);
    const struct board *b = c->board;
    uint32_t slot = board_job_find(b, job);
    *ret = (struct pending){ .job = job, .slot = slot, .nodes_total = b->nodes };
    if (slot == MW_NONE)
        return mw_fail(err, MW_ENOTFOUND, "job %llu neither waits nor runs at the end of the "
                       "record: mw why %llu says how it ended", (unsigned long long)job,
                       (unsigned long long)job);
    ret->submit_seq = b->job_submit_seq[slot];
    ret->submit_ms = b->job_submit_ms[slot];
    ret->nodes = b->job_nodes[slot];
    ret->gpus = b->job_gpus[slot];
    ret->attempt = b->job_attempt[slot];
    ret->priority = b->job_priority[slot];
    ret->state = b->job_state[slot];
    ret->incident = b->job_incident[slot];
    ret->tripped = guard_tripped(c->guard);
    if (!c->policy.work.engine && ret->state == JOB_QUEUED)
        ret->work = work_why_waiting(c->work, job);
    ret->place = mw_calloc(b->nodes, 1);
    if (!ret->place)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u nodes", b->nodes);
    for (uint32_t n = 0; n < b->nodes; n++) {
        ret->place[n] = (uint8_t)place_of(c, n);
        ret->count[ret->place[n]]++;
    }
    find_ahead(ret, b);
    ret->verdict = (uint8_t)verdict_of(ret, c);
    return 0;
}

void pending_fini(struct pending *p)
{
    mw_free(p->place);
    *p = (struct pending){ 0 };
}

static void add_ahead_words(struct text *t, const struct pending *p)
{
    text_addf(t, "; %u job%s in front of it: ", p->ahead, p->ahead == 1 ? " is" : "s are");
    for (uint32_t i = 0; i < MW_MIN(p->ahead, PENDING_AHEAD_MAX); i++)
        text_addf(t, "%s%llu (%u node%s)", i ? ", " : "", (unsigned long long)p->ahead_job[i],
                  p->ahead_nodes[i], p->ahead_nodes[i] == 1 ? "" : "s");
    if (p->ahead > PENDING_AHEAD_MAX)
        text_add(t, ", …");
}

/* What work says beyond too few nodes: promises, spares, quotas, windows. */
static void add_work_words(struct text *t, const struct work_why *y)
{
    unsigned long long behind = y->behind;
    switch (y->why) {
    case WAIT_QUOTA:
        text_addf(t, "; its tenant has %u of the %u GPUs that it may have", y->used_gpus,
                  y->quota_gpus);
        break;
    case WAIT_SERVICE:
        text_add(t, "; it is larger than all that is in service now");
        break;
    case WAIT_ROOM:
        text_addf(t, "; room is made for it: jobs on %u node%s were told to stop", y->coming,
                  y->coming == 1 ? "" : "s");
        break;
    case WAIT_SPARES:
        text_addf(t, "; %u of the free ones are kept for restarts (mw spares)", y->kept);
        break;
    case WAIT_WINDOW:
        text_addf(t, "; %u of the free ones are maintained before it could end (mw window list)",
                  y->barred);
        break;
    case WAIT_PROMISED:
        text_addf(t, "; free ones are promised to job %llu", behind);
        break;
    case WAIT_TURN:
        text_addf(t, "; it would delay job %llu, which has a reservation", behind);
        break;
    default:
        break;
    }
    if (y->why == WAIT_NOT || y->at_ms == 0 || y->at_ms == MW_NEVER)
        return;
    text_addf(t, "; %s expected to begin at ", behind ? "that one is" : "it is");
    words_time_ms(t, y->at_ms);
    text_add(t, " (modelled)");
}

static void add_verdict(struct text *t, const struct pending *p)
{
    uint32_t out = p->nodes_total - p->count[PLACE_FREE] - p->count[PLACE_BUSY];
    const char *s = p->nodes == 1 ? "" : "s";
    switch (p->verdict) {
    case PENDING_NOT:
        text_addf(t, "it does not wait: attempt %u %s", p->attempt,
                  p->state == JOB_PLACED ? "starts" : p->state == JOB_STOPPING ? "is being stopped"
                                                                               : "runs");
        return;
    case PENDING_TOO_LARGE:
        text_addf(t, "it can never start: it needs %u node%s, the site has %u in service", p->nodes,
                  s, p->nodes_total - p->count[PLACE_RETIRED]);
        return;
    case PENDING_ENGINE:
        text_addf(t, "Slurm decides when it starts (squeue --start -j %llu has its guess); it "
                  "needs %u node%s; of the site's %u, as far as we know, %u free, %u busy, %u "
                  "out of service", (unsigned long long)p->job, p->nodes, s, p->nodes_total,
                  p->count[PLACE_FREE], p->count[PLACE_BUSY], out);
        return;
    case PENDING_NEXT:
        text_addf(t, "it fits: it needs %u node%s, %u are free; the next look at the queue places "
                  "it", p->nodes, s, p->count[PLACE_FREE]);
        return;
    default:
        break;
    }
    text_addf(t, "it needs %u node%s; of the site's %u, %u free, %u busy, %u out of "
              "service", p->nodes, s, p->nodes_total, p->count[PLACE_FREE], p->count[PLACE_BUSY],
              out);
    if (p->nodes > p->count[PLACE_FREE] + p->count[PLACE_BUSY])
        text_add(t, "; even with every job gone it would not fit until nodes return");
    if (p->ahead > 0)
        add_ahead_words(t, p);
}

void pending_words(struct text *t, const struct pending *p)
{
    add_verdict(t, p);
    add_work_words(t, &p->work);
}
