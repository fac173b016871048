/*
 * Events a second through core and planes on one core, at 3,200 and at 250,000
 * GPUs.  The facts come from a script, so that the time is the controller's:
 * what the script costs is measured by itself and stated.  All events count:
 * facts, decisions and timers.  CPU time, best of several runs.
 */
#include <string.h>

#include "core/journal_memory.h"
#include "bench/stand.h"

#define EVENTS 3000000u
#define COMMIT_EVERY 64u

static struct journal *memory_journal(struct measure *m, bool keep, bool chain)
{
    const struct journal_memory_options o = { .discard = !keep, .chain = chain };
    struct journal *j = NULL;
    if (journal_memory_create(&o, &j) < 0)
        measure_fail(m, &(struct mw_error){ .code = MW_ENOMEM });
    return j;
}

/* CPU seconds for the whole script, best of `runs`. */
static double play_s(struct stand *s, uint32_t runs, bool recorded)
{
    double best_s = 1e9;
    for (uint32_t i = 0; i < runs; i++) {
        struct journal *j = memory_journal(s->measure, recorded, recorded);
        struct control *c = stand_control(s, j, recorded);
        double start = measure_cpu_s();
        stand_play(s, c, stand_whole(s, COMMIT_EVERY));
        best_s = MW_MIN(best_s, measure_cpu_s() - start);
        stand_same(s, c);
        control_destroy(c);
        journal_destroy(j);
    }
    return best_s;
}

/* What the script itself costs: every fact is read and looked at. */
static double script_s(const struct stand *s)
{
    volatile uint64_t seen = 0;
    uint64_t sum = 0;
    double start = measure_cpu_s();
    for (uint64_t i = 0; i < s->script.length; i++) {
        struct event ev = s->script.fact[i];
        sum += ev.source_seq + ev.body.bytes[63];
    }
    seen = sum;
    (void)seen;
    return measure_cpu_s() - start;
}

/* The plainest fold there is: each event is copied and counted by kind. */
struct fold {
    struct event ring[64];
    uint64_t of_kind[EVENT_KIND_MAX];
    uint64_t bytes;
};

static int fold_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct fold *f = ctx;
    (void)tail;
    (void)last;
    f->ring[ev->seq % MW_ARRAY_LEN(f->ring)] = *ev;
    f->of_kind[ev->kind]++;
    f->bytes += event_frame_size(ev);
    return 0;
}

static double fold_s(struct stand *s, struct fold *f)
{
    struct journal *j = memory_journal(s->measure, true, false);
    struct control *c = stand_control(s, j, false);
    struct mw_error err = { .text = "" };
    stand_play(s, c, stand_whole(s, COMMIT_EVERY));
    memset(f, 0, sizeof(*f));
    double start = measure_cpu_s();
    if (j->ops->read(j, 1, fold_event, f, &err) != 0)
        measure_fail(s->measure, &err);
    double took = measure_cpu_s() - start;
    control_destroy(c);
    journal_destroy(j);
    return took;
}

static void note_mix(const struct stand *s, const struct fold *f)
{
    double part = 100.0 / (double)s->events;
    const uint64_t *k = f->of_kind;
    uint64_t attempts = k[EV_ATTEMPT_PLACED] + k[EV_ATTEMPT_RUNNING] + k[EV_ATTEMPT_PROGRESS] +
                        k[EV_ATTEMPT_ENDED] + k[EV_ATTEMPT_STOP];
    uint64_t findings = k[EV_FINDING_OPENED] + k[EV_FINDING_CLOSED];
    uint64_t care = k[EV_INCIDENT_OPENED] + k[EV_INCIDENT_JOINED] + k[EV_INCIDENT_CLOSED] +
                    k[EV_NODE_MOVED] + k[EV_DRAIN_ORDERED] + k[EV_ORDER_OPENED] +
                    k[EV_ORDER_TAKEN] + k[EV_ORDER_ENDED] + k[EV_GATE_STARTED] +
                    k[EV_GATE_ENDED];
    measure_note(s->measure,
                 "mix: findings %.0f %%, attempts %.0f %%, incidents and repairs %.0f %%, jobs "
                 "%.1f %%, timers %.0f %%", part * (double)findings, part * (double)attempts,
                 part * (double)care, part * (double)k[EV_JOB_SUBMITTED],
                 part * (double)k[EV_TIMER_FIRED]);
}

struct texts {
    const char *key, *what, *key_recorded, *what_recorded;
    double target;
};

/* Nanoseconds an event. */
static double measure_site(struct measure *m, uint32_t gpus, const struct texts *t)
{
    struct stand s;
    struct fold f;
    stand_init(&s, m, gpus, m->quick ? EVENTS / 10 : EVENTS);
    double n = (double)s.events, took = play_s(&s, m->quick ? 1 : 5, false);
    double fold = fold_s(&s, &f), script = script_s(&s);
    measure_add(m, &(struct figure){
        .key = t->key, .what = t->what, .value = n / took, .unit = "events/s", .sense = AT_LEAST,
        .target = t->target, .limit = n * measure_copy_rate() / (double)f.bytes,
        .limit_what = "copying the bytes of the events once", .peer = n / fold,
        .peer_what = "bare fold: each event read, copied, counted" });
    measure_note(m, "%.0f ns of CPU time an event, of which reading the script is %.0f ns; "
                 "%.0f bytes an event", took / n * 1e9, script / n * 1e9, (double)f.bytes / n);
    note_mix(&s, &f);
    measure_add(m, &(struct figure){
        .key = t->key_recorded, .what = t->what_recorded,
        .value = n / play_s(&s, m->quick ? 1 : 2, true), .unit = "events/s",
        .peer = n / took, .peer_what = "the same without keeping and hashing" });
    stand_fini(&s);
    return took / n * 1e9;
}

int main(int argc, char **argv)
{
    static const struct texts SMALL = {
        "events_per_s_3200", "events through core and planes, 3,200 GPUs",
        "events_recorded_per_s_3200", "the same, kept, with chain and trace hash", 3e6 };
    static const struct texts LARGE = {
        "events_per_s_250000", "events through core and planes, 250,000 GPUs",
        "events_recorded_per_s_250000", "the same, kept, with chain and trace hash", 1e6 };
    struct measure m;
    measure_begin(&m, "events", argc, argv);
    double small_ns = measure_site(&m, SITE_SMALL, &SMALL);
    double large_ns = measure_site(&m, SITE_LARGE, &LARGE);
    measure_add(&m, &(struct figure){
        .key = "growth", .what = "time an event, 250,000 over 3,200 GPUs (78 times the site)",
        .value = large_ns / small_ns, .unit = "x", .sense = AT_MOST, .target = 3 });
    return measure_end(&m);
}
