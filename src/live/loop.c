/*
 * Turns of the daemon: what is due, what was committed, then sleep until the
 * next due time, a byte, a process that ended or a signal.
 */
#include "live/loop.h"

#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

#include "base/mem.h"
#include "base/units.h"
#include "live/clock.h"
#include "live/process_run.h"
#include "live/prober.h"

#define PROCESSES_MAX 8 /* commands at once; scontrol takes 10 to 30 ms */
#define SLEEP_NS_MAX MW_NS_PER_S
#define BREATH_NS MW_NS_PER_MS /* between two ticks, so that no mistake can make it spin */

struct loop {
    struct loop_options options;
    struct event_base *base;
    struct process_run *processes;
    struct listener *listener; /* NULL without */
    struct prober *prober;
    struct live *live;
    struct event *timer, *signal[3];
    struct live_clock clock;
    int64_t started_ns, ends_ns;
    uint64_t told_seq; /* events up to here were told */
    bool unsettled;    /* something was heard in this turn and is not durable */
    bool troubled;     /* told that the record does not take what is heard */
    bool stopping;
};

static const int SIGNALS[] = { SIGTERM, SIGINT, SIGHUP };

/* ---- agents -------------------------------------------------------------------------------- */

static int hello(void *ctx, const struct agent_frame *f, uint32_t *ret_peer, struct mw_error *err)
{
    struct loop *l = ctx;
    l->unsettled = true;
    return live_agent_hello_more(l->live, loop_now_ns(l), f, ret_peer, err);
}

static void heard(void *ctx, uint32_t peer, const struct agent_frame *f)
{
    struct loop *l = ctx;
    live_agent_heard_more(l->live, loop_now_ns(l), peer, f);
}

static void samples(void *ctx, uint32_t peer, const uint8_t *payload, size_t size)
{
    struct loop *l = ctx;
    live_agent_samples(l->live, loop_now_ns(l), peer, payload, size);
}

/* What all connections said in one turn of the loop is made durable together, at its end. */
static void turn(void *ctx)
{
    struct loop *l = ctx;
    l->unsettled = true;
}

/* A record that fails shows at the next tick. */
static void settle(struct loop *l)
{
    if (l->unsettled)
        (void)!live_agents_end(l->live, loop_now_ns(l), NULL);
    l->unsettled = false;
}

static void lost(void *ctx, uint32_t peer)
{
    struct loop *l = ctx;
    (void)!live_agent_lost(l->live, loop_now_ns(l), peer, NULL);
}

static bool send_frame(void *ctx, uint32_t peer, const struct agent_frame *f)
{
    const struct loop *l = ctx;
    return l->listener && listener_send(l->listener, peer, f);
}

static void probed(void *ctx, uint32_t node, bool answers)
{
    struct loop *l = ctx;
    (void)!live_agent_probed(l->live, loop_now_ns(l), node, answers, NULL);
}

/* ---- turns --------------------------------------------------------------------------------- */

static int tell_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct loop *l = ctx;
    (void)last;
    l->options.told.event(l->options.told.ctx, ev, tail);
    l->told_seq = ev->seq;
    return 0;
}

static void note(struct loop *l, const char *text)
{
    if (l->options.told.note)
        l->options.told.note(l->options.told.ctx, text);
}

static void tell(struct loop *l)
{
    struct journal *j = l->options.journal;
    struct mw_error err = { 0 };
    if (l->options.told.committed)
        l->options.told.committed(l->options.told.ctx, j->head.seq, loop_now_ns(l));
    if (!l->options.told.event || j->head.seq <= l->told_seq)
        return;
    if (j->ops->read(j, l->told_seq + 1, tell_event, l, &err) < 0)
        note(l, err.text);
    l->told_seq = j->head.seq;
}

static void tell_trouble(struct loop *l)
{
    struct live_stats s = live_stats(l->live);
    bool troubled = s.trouble_since_ns != 0;
    if (troubled && !l->troubled) {
        char text[512];
        (void)snprintf(text, sizeof(text), "the record takes nothing: %s; no action goes out; "
                       "trying again every second", s.trouble);
        note(l, text);
    }
    if (!troubled && l->troubled)
        note(l, "the record is written again; nothing was lost");
    l->troubled = troubled;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd; /* its work is to end the sleep */
    (void)what;
    (void)ctx;
}

static void on_signal(evutil_socket_t fd, short what, void *ctx)
{
    struct loop *l = ctx;
    (void)fd;
    (void)what;
    l->stopping = true;
}

static void sleep_until(struct loop *l, int64_t due_ns, bool ticked)
{
    int64_t wait_ns = MW_MIN(due_ns, l->ends_ns) - loop_now_ns(l);
    wait_ns = MW_MIN(MW_MAX(wait_ns, ticked ? BREATH_NS : 0), SLEEP_NS_MAX);
    struct timeval t = { .tv_sec = wait_ns / MW_NS_PER_S,
                         .tv_usec = (wait_ns % MW_NS_PER_S + 999) / 1000 };
    if (t.tv_usec >= 1000000)
        t = (struct timeval){ .tv_sec = t.tv_sec + 1 };
    (void)event_add(l->timer, &t);
    (void)event_base_loop(l->base, EVLOOP_ONCE);
    settle(l);
}

int loop_run(struct loop *l, struct mw_error *err)
{
    while (!l->stopping && loop_now_ns(l) < l->ends_ns) {
        bool due = live_next_due(l->live) <= l->clock.now_ns;
        int rc = due ? live_tick(l->live, l->clock.now_ns, err) : 0;
        tell_trouble(l);
        tell(l);
        if (rc < 0 && core_failed(live_control(l->live)->core))
            return rc;
        sleep_until(l, live_next_due(l->live), due);
    }
    int rc = live_snapshot(l->live, err);
    tell(l);
    return rc;
}

/* ---- making -------------------------------------------------------------------------------- */

static int make_events(struct loop *l)
{
    l->base = event_base_new();
    l->timer = l->base ? evtimer_new(l->base, on_timer, l) : NULL;
    for (uint32_t i = 0; l->timer && i < MW_ARRAY_LEN(SIGNALS); i++) {
        l->signal[i] = evsignal_new(l->base, SIGNALS[i], on_signal, l);
        if (!l->signal[i] || event_add(l->signal[i], NULL) != 0)
            return MW_ENOMEM;
    }
    return l->timer ? 0 : MW_ENOMEM;
}

static int make_live(struct loop *l, struct mw_error *err)
{
    const struct loop_options *o = &l->options;
    struct live_options live = {
        .fleet = o->fleet, .policy = o->policy, .journal = o->journal, .mode = o->mode,
        .slurm = o->slurm, .slurm_conf = o->slurm_conf, .slurm_poll_ns = o->slurm_poll_ns,
        .send = send_frame, .send_ctx = l, .probe = prober_ask, .silence_ns = o->silence_ns };
    const struct prober_options prober = { .base = l->base, .wait_ns = AGENT_PROBE_NS,
                                           .told = probed, .ctx = l };
    int rc = prober_create(&prober, &l->prober, err);
    live.probe_ctx = l->prober;
    if (rc == 0)
        rc = process_run_create(l->base, PROCESSES_MAX, &l->processes, err);
    if (rc < 0)
        return rc;
    live.process = process_run_port(l->processes);
    return live_create(&live, l->started_ns, &l->live, err);
}

static int loop_init(struct loop *l, struct mw_error *err)
{
    const struct loop_options *o = &l->options;
    if (make_events(l) < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory for an event loop");
    l->started_ns = loop_now_ns(l);
    l->ends_ns = o->for_ns > 0 ? l->started_ns + o->for_ns : MW_NEVER;
    l->told_seq = o->journal->head.seq;
    /* After a restart all agents of a large site come at once and take turns. */
    bool many = o->fleet->count[COMPONENT_NODE] > AGENT_NODES_MANY;
    const struct listener_options agents = {
        .base = l->base, .address = o->listen, .token = o->token, .authority = o->authority,
        .nodes = o->fleet->count[COMPONENT_NODE],
        .hello_ns = many ? LISTENER_HELLO_TLS_S * MW_NS_PER_S : 0,
        .port = { .ctx = l, .hello = hello, .heard = heard, .lost = lost, .samples = samples,
                  .turn = turn } };
    int rc = o->listen ? listener_create(&agents, &l->listener, err) : 0;
    return rc < 0 ? rc : make_live(l, err); /* nobody is accepted before loop_run() */
}

int loop_create(const struct loop_options *o, struct loop **ret, struct mw_error *err)
{
    must(o && o->fleet && o->journal && ret);
    must(o->for_ns >= 0);
    struct loop *l = mw_calloc(1, sizeof(*l));
    if (!l)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    l->options = *o;
    int rc = loop_init(l, err);
    if (rc < 0) {
        loop_destroy(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void loop_destroy(struct loop *l)
{
    if (!l)
        return;
    listener_destroy(l->listener);
    prober_destroy(l->prober);
    process_run_destroy(l->processes); /* kills what runs */
    live_processes_gone(l->live);
    live_destroy(l->live);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(SIGNALS); i++)
        if (l->signal[i])
            event_free(l->signal[i]);
    if (l->timer)
        event_free(l->timer);
    if (l->base)
        event_base_free(l->base);
    mw_free(l);
}

struct event_base *loop_base(const struct loop *l)
{
    return l->base;
}

struct live *loop_live(const struct loop *l)
{
    return l->live;
}

int64_t loop_now_ns(struct loop *l)
{
    return live_clock_now(&l->clock);
}

int64_t loop_started_ns(const struct loop *l)
{
    return l->started_ns;
}

const char *loop_listens(const struct loop *l)
{
    return l->listener ? listener_address(l->listener) : "";
}

struct listener_stats loop_listener_stats(const struct loop *l)
{
    return l->listener ? listener_stats(l->listener) : (struct listener_stats){ 0 };
}
