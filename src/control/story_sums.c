/*
 * Sums over a story: where the job stands, how long each step of an
 * interruption took, what was lost.  The rule for when a job is over is
 * work's (work_step.c), which the tests compare with the state.
 */
#include <string.h>

#include "base/units.h"
#include "control/story.h"

const char *story_phase_name(uint32_t phase)
{
    static const char *const name[] = {
#define X(e, name, doc) name,
        STORY_PHASES(X)
#undef X
    };
    return phase < PHASE_COUNT ? name[phase] : "unknown";
}

const char *story_state_name(uint32_t state)
{
    static const char *const name[] = { "queued", "starting", "running", "done", "failed",
                                        "cancelled", "ended" };
    return state < MW_ARRAY_LEN(name) ? name[state] : "unknown";
}

/* The job's state after this attempt has ended. */
static enum story_state state_after(const struct story *s, const struct story_attempt *a)
{
    bool own = a->how == HOW_FAILED && a->fail_node == MW_NONE && a->fail_class == UINT16_MAX;
    if (a->how == HOW_DONE)
        return STORY_DONE;
    if (a->how == HOW_CANCELLED || s->cancelled)
        return STORY_CANCELLED;
    if (a->how == HOW_UNKNOWN)
        return STORY_ENDED;
    return own && !a->stopped ? STORY_FAILED : STORY_QUEUED;
}

static void sum_state(struct story *s)
{
    const struct story_attempt *a = s->attempts ? &s->attempt[s->attempts - 1] : NULL;
    if (!a) {
        s->state = s->cancelled ? STORY_CANCELLED : STORY_QUEUED;
        s->state_seq = s->cancelled ? s->state_seq : s->submitted_seq;
        return;
    }
    if (a->how) {
        uint64_t cancelled_seq = s->state_seq;
        s->state = (uint8_t)state_after(s, a);
        s->state_seq = a->ended_seq;
        if (s->cancelled && s->state == STORY_CANCELLED)
            s->state_seq = MW_MAX(cancelled_seq, a->ended_seq);
    } else {
        s->state = a->running_seq ? STORY_RUNNING : STORY_STARTING;
        s->state_seq = a->running_seq ? a->running_seq : a->placed_seq;
    }
}

/* ---- phases --------------------------------------------------------------------------------- */

static const struct story_incident *incident_that_ended(const struct story *s,
                                                        const struct story_attempt *a)
{
    for (uint32_t i = 0; a->incident && i < s->incidents; i++)
        if (s->incident[i].incident == a->incident)
            return &s->incident[i];
    return NULL;
}

/* From one time to another; -1 when either is not known or they are the other way round. */
static int64_t between(int64_t from_ns, int64_t to_ns)
{
    return from_ns > 0 && to_ns >= from_ns ? to_ns - from_ns : -1;
}

static void sum_phases(const struct story *s, struct story_attempt *a,
                       const struct story_attempt *next)
{
    const struct story_incident *in = incident_that_ended(s, a);
    for (uint32_t p = 0; p < PHASE_COUNT; p++)
        a->phase_ns[p] = -1;
    if (!a->how || (!in && !a->stopped && !next))
        return;
    if (in) {
        int64_t stopped_ns = a->stopped_ms * MW_NS_PER_MS;
        bool stood = a->stopped_ms > 0 && stopped_ns <= in->found_ns;
        a->phase_ns[PHASE_DETECT] = between(stood ? stopped_ns : in->began_ns, in->found_ns);
        a->phase_ns[PHASE_DECIDE] = between(in->found_ns, in->decided_ns);
        a->phase_ns[PHASE_REQUEUE] = between(in->decided_ns, a->ended_ns);
    }
    if (next) {
        a->phase_ns[PHASE_PLACE] = between(a->ended_ns, next->placed_ns);
        a->phase_ns[PHASE_START] = between(next->placed_ns, next->running_ns);
    }
}

/* ---- cost ----------------------------------------------------------------------------------- */

/* What an attempt did with the time from work going on to its end, ms of wall time. */
static void sum_work(struct story_cost *c, const struct story_attempt *a, int64_t worked_ms,
                     int64_t high_ms)
{
    int64_t gpus = a->gpus;
    int64_t fresh = MW_MAX(a->progress_ms - MW_MAX(high_ms, a->from_ms), 0);
    int64_t again = MW_MAX(MW_MIN(a->progress_ms, high_ms) - a->from_ms, 0);
    if (a->progress_ms == 0) { /* it never said how far it was */
        *(a->how == HOW_DONE ? &c->productive : &c->unsaved) += worked_ms * gpus;
        return;
    }
    fresh = MW_MIN(fresh, worked_ms);
    again = MW_MIN(again, worked_ms - fresh);
    c->productive += fresh * gpus;
    c->redone += again * gpus;
    c->slowed += (worked_ms - fresh - again) * gpus;
}

static void sum_attempt(struct story *s, const struct story_attempt *a, int64_t high_ms)
{
    struct story_cost *c = &s->cost;
    int64_t gpus = a->gpus, begin = mw_ms(a->placed_ns);
    int64_t end = MW_MAX(mw_ms(a->how ? a->ended_ns : s->now_ns), begin);
    int64_t work = a->running_seq ? MW_MIN(MW_MAX(mw_ms(a->running_ns), begin), end) : end;
    int64_t stop = end;
    if (a->how && a->stopped_ms > 0)
        stop = MW_MIN(MW_MAX(a->stopped_ms, work), end);
    int64_t heard = stop;
    if (!a->how && a->running_seq)
        heard = a->reports ? MW_MIN(MW_MAX(mw_ms(a->heard_ns), work), stop) : work;
    int64_t checkpoint = MW_MIN(a->checkpoint_ms, heard - work);
    c->held += (end - begin) * gpus;
    c->starting += (work - begin) * gpus;
    c->standing += (end - stop) * gpus;
    c->unreported += (stop - heard) * gpus;
    c->checkpoint += checkpoint * gpus;
    sum_work(c, a, heard - work - checkpoint, high_ms);
}

static void sum_cost(struct story *s)
{
    int64_t high_ms = 0;
    for (uint32_t i = 0; i < s->attempts; i++) {
        const struct story_attempt *a = &s->attempt[i];
        sum_attempt(s, a, high_ms);
        high_ms = MW_MAX(high_ms, a->progress_ms);
        if (i > 0 && s->attempt[i - 1].how)
            s->cost.waiting_ms += mw_ms(a->placed_ns) - mw_ms(s->attempt[i - 1].ended_ns);
    }
    struct story_cost *c = &s->cost;
    c->lost = c->starting + c->checkpoint + c->redone + c->standing + c->unsaved + c->slowed;
    must(c->held == c->productive + c->lost + c->unreported);
}

void story_sum(struct story *s)
{
    must(s && s->submitted_seq);
    sum_state(s);
    for (uint32_t i = 0; i < s->attempts; i++)
        sum_phases(s, &s->attempt[i], i + 1 < s->attempts ? &s->attempt[i + 1] : NULL);
    sum_cost(s);
}

/* ---- sentences ------------------------------------------------------------------------------ */

static void add_since(struct text *t, int64_t time_ns)
{
    char shown[40];
    mw_format_time(time_ns, shown, sizeof(shown));
    text_addf(t, " since %s", shown);
}

void story_now(struct text *t, const struct story *s, const struct words *w)
{
    const struct story_attempt *a = s->attempts ? &s->attempt[s->attempts - 1] : NULL;
    text_add(t, story_state_name(s->state));
    if (s->state == STORY_QUEUED) {
        add_since(t, a ? a->ended_ns : s->submitted_ns);
        text_addf(t, "; mw explain --pending %llu says why it waits", (unsigned long long)s->job);
        return;
    }
    if (!a)
        return; /* cancelled before it began */
    if (a->how) {
        char shown[40];
        mw_format_time(a->ended_ns, shown, sizeof(shown));
        text_addf(t, " at %s", shown);
        return;
    }
    add_since(t, a->running_seq ? a->running_ns : a->placed_ns);
    text_addf(t, ", attempt %u on ", a->number);
    words_nodes(t, w, a->node, a->nodes);
    if (a->stopped)
        text_add(t, "; it has to stop");
    if (a->reports) {
        text_add(t, "; ");
        words_span_ms(t, a->progress_ms);
        text_add(t, " of work done when last heard, ");
        words_span_ms(t, mw_ms(s->now_ns) - mw_ms(a->heard_ns));
        text_add(t, " before the end of the record");
    }
}

void story_resume(struct text *t, const struct story *s)
{
    bool over = s->state >= STORY_DONE;
    const struct story_attempt *a = s->attempts ? &s->attempt[s->attempts - 1] : NULL;
    if (over && (!a || s->state == STORY_DONE || a->saved_ms == 0)) {
        text_add(t, s->state == STORY_DONE ? "nothing to resume: it is done"
                                           : "it does not: it is over, no checkpoint is known");
        return;
    }
    if (over)
        text_add(t, "it does not: it is over; its last checkpoint holds ");
    else
        text_add(t, !s->saved_seq ? "no checkpoint is known: it starts over"
                 : s->state == STORY_QUEUED ? "from " : "after a stop, from ");
    if (s->saved_seq)
        words_span_ms(t, s->saved_ms);
    if (s->saved_seq && !over)
        text_add(t, " of saved work");
}
