/* The live view of a replay.  See replay_view.h. */
#include "cli/replay_view.h"

#include <time.h>

#include "base/mem.h"
#include "base/units.h"

#define WHOLE_RUN_NS (20 * MW_NS_PER_S)
#define PAUSE_NS_MAX (100 * MW_NS_PER_MS)
#define MONTH_NS (30 * MW_NS_PER_DAY)
#define MAP_NODES_MAX 2000 /* larger sites get no map of single nodes */
#define FRAME_INDENT 2

int64_t replay_clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static double days(int64_t ns)
{
    return (double)ns / (double)MW_NS_PER_DAY;
}

/* One mark for a node: letters, so that it reads without colour. */
static char node_mark(const struct board *b, uint32_t node)
{
    static const char MARK[HEALTH_COUNT] = {
        [HEALTH_RACKED] = '-',     [HEALTH_PROVISIONING] = '-', [HEALTH_VALIDATING] = 'v',
        [HEALTH_PROBATION] = 'p',  [HEALTH_READY] = '.',        [HEALTH_SUSPECT] = 's',
        [HEALTH_DOWN] = 'X',       [HEALTH_REPAIRING] = 'r',    [HEALTH_SANITISING] = '-',
        [HEALTH_RETIRED] = '-',
    };
    if (b->node_job[node] != MW_NONE && b->node_health[node] == HEALTH_READY)
        return (char)('A' + b->job_id[b->node_job[node]] % 23); /* A … W: X is a broken node */
    return b->node_holds[node] && b->node_health[node] == HEALTH_READY
               ? 'h'
               : MARK[b->node_health[node]];
}

static void add_map(struct text *t, const struct control *c, unsigned width)
{
    uint32_t per_line = width > 2 * FRAME_INDENT + 8 ? width - 2 * FRAME_INDENT : 72;
    if (c->board->nodes > MAP_NODES_MAX)
        return;
    for (uint32_t n = 0; n < c->board->nodes; n++) {
        if (n % per_line == 0)
            text_add(t, "\n  ");
        text_addf(t, "%c", node_mark(c->board, n));
    }
    text_add(t, "\n  a letter: a job   . free   X down   r repairing   v at the gate"
                "   p probation   s suspect");
}

static void add_state(struct text *t, const struct run_view *r)
{
    const struct control *c = r->control;
    struct account_totals sums;
    char usd[40];
    account_settle(c->account, r->now_ns, &sums);
    mw_format_usd(sums.lost_microdollars, usd, sizeof(usd));
    uint32_t ready = care_nodes_in(c->care, HEALTH_READY);
    text_addf(t, "day %.1f of %.1f   goodput %.1f %%   %u of %u nodes ready   %u jobs run, %u wait"
              "   %u incidents open   lost %s", days(r->now_ns - r->start_ns),
              days(r->end_ns - r->start_ns), 100.0 * account_goodput(&sums), ready,
              c->board->nodes, work_running(c->work), work_queued(c->work),
              care_open_incidents(c->care), usd);
}

static void pace(const struct replay_view *v, const struct run_view *r)
{
    if (v->speed <= 0)
        return;
    int64_t due = (int64_t)((double)(r->now_ns - r->start_ns) / v->speed);
    int64_t ahead = due - (replay_clock_ns() - v->real_start_ns);
    if (ahead <= 0)
        return;
    ahead = MW_MIN(ahead, PAUSE_NS_MAX * 50);
    const struct timespec pause = { .tv_sec = ahead / MW_NS_PER_S, .tv_nsec = ahead % MW_NS_PER_S };
    (void)nanosleep(&pause, NULL);
}

/* Keeps the REPLAY_WORST nodes by what was lost to their incidents, then by number. */
static void find_worst(struct replay_view *v, const struct run_view *r)
{
    for (uint32_t i = 0; i < REPLAY_WORST; i++)
        v->worst[i] = (struct replay_node){ .node = MW_NONE };
    const struct account *a = r->control->account;
    const struct account_open open = { .node = v->node_open };
    account_open_lost(a, r->now_ns, &open);
    for (uint32_t n = 0; n < r->control->board->nodes; n++) {
        struct replay_node x = { n, v->node_incidents[n],
                                 account_node_lost(a, n) + v->node_open[n] };
        for (uint32_t i = 0; i < REPLAY_WORST && x.lost_gpu_ms > 0; i++) {
            if (x.lost_gpu_ms <= v->worst[i].lost_gpu_ms)
                continue;
            struct replay_node displaced = v->worst[i];
            v->worst[i] = x;
            x = displaced;
        }
    }
}

int replay_view_watch(void *ctx, const struct run_view *r)
{
    struct replay_view *v = ctx;
    int64_t now = replay_clock_ns();
    bool last = r->now_ns >= r->end_ns;
    if (last)
        find_worst(v, r);
    if (v->live.term.moves ? live_due(&v->live, now) || last : r->now_ns >= v->month_ns) {
        text_clear(&v->frame);
        add_state(&v->frame, r);
        if (v->live.term.moves) {
            add_map(&v->frame, r->control, v->live.term.width);
            live_draw(&v->live, text_string(&v->frame), now);
        } else if (!v->live.quiet) {
            live_line(&v->live, text_string(&v->frame));
        }
        while (v->month_ns <= r->now_ns)
            v->month_ns += MONTH_NS;
    }
    pace(v, r);
    v->interrupted = v->interrupted || cli_interrupted();
    return v->interrupted ? MW_ECONFLICT : 0;
}

static void say(struct replay_view *v, const struct run_view *r, const char *text)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "day %7.2f  %s", days(r->now_ns - r->start_ns), text);
    live_line(&v->live, line);
}

static const char *class_name(const struct run_view *r, uint16_t class)
{
    const struct care_policy *p = &r->scenario->policy.care;
    return class < p->classes ? p->class[class].name : "?";
}

void replay_view_event(void *ctx, const struct run_view *r, const struct event *ev,
                       const void *tail)
{
    struct replay_view *v = ctx;
    char text[200], usd[40];
    const struct body_incident *i = &ev->body.incident;
    bool told = v->live.term.moves && !v->live.quiet;
    (void)tail;
    if (ev->kind == EV_INCIDENT_OPENED) {
        v->incidents++;
        if (i->node != MW_NONE)
            v->node_incidents[i->node]++;
        (void)snprintf(text, sizeof(text), "%-20s %s", fleet_name(r->fleet, i->component),
                       class_name(r, i->class));
    } else if (ev->kind == EV_ATTEMPT_STOP) {
        v->stops++;
        (void)snprintf(text, sizeof(text), "%-20s job %llu stops: %u nodes restart from their "
                       "checkpoint", "", (unsigned long long)ev->body.stop.job,
                       r->control->board->job_nodes[ev->body.stop.slot]);
    } else if (ev->kind == EV_INCIDENT_CLOSED) {
        mw_format_usd(account_price(i->lost_gpu_ms,
                                    r->scenario->policy.account.microdollars_per_gpu_hour),
                      usd, sizeof(usd));
        (void)snprintf(text, sizeof(text), "%-20s back after %.1f days: %s lost",
                       fleet_name(r->fleet, i->component),
                       days(ev->time_ns - i->opened_ms * MW_NS_PER_MS), usd);
    } else {
        return;
    }
    if (told)
        say(v, r, text);
}

int replay_view_begin(struct replay_view *v, const struct cli_context *ctx, double speed,
                      const struct scenario_files *files)
{
    struct term term = ctx->messages_term;
    *v = (struct replay_view){ .ctx = ctx };
    v->node_incidents =
        mw_calloc(files->fleet->count[COMPONENT_NODE], sizeof(*v->node_incidents));
    v->node_open = mw_calloc(files->fleet->count[COMPONENT_NODE], sizeof(*v->node_open));
    if (!v->node_incidents || !v->node_open) {
        mw_free(v->node_incidents);
        mw_free(v->node_open);
        v->node_incidents = NULL;
        v->node_open = NULL;
        return MW_ENOMEM;
    }
    v->real_start_ns = replay_clock_ns();
    v->speed = speed;
    if (speed < 0)
        v->speed = term.moves && !ctx->quiet
                       ? (double)files->scenario.horizon_ns / (double)WHOLE_RUN_NS
                       : 0;
    v->month_ns = files->scenario.start_ns + MONTH_NS;
    live_begin(&v->live, ctx->messages, term, ctx->quiet);
    return 0;
}

void replay_view_end(struct replay_view *v)
{
    live_end(&v->live);
    text_fini(&v->frame);
    mw_free(v->node_incidents);
    v->node_incidents = NULL;
    mw_free(v->node_open);
    v->node_open = NULL;
}
