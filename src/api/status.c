/* The status document.  See status.h. */
#include "api/status.h"

#include "api/command.h"
#include "api/pending.h"
#include "base/format.h"
#include "base/units.h"
#include "core/event_fields.h"

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* null when there is none */
static json_t *stamp(int64_t time_ns)
{
    char text[40];
    if (time_ns == 0)
        return json_null();
    mw_format_time(time_ns, text, sizeof(text));
    return json_string(text);
}

/* null when empty; bytes that are no UTF-8 (a program's message) are left out */
static json_t *words(const char *s)
{
    if (s[0] == '\0')
        return json_null();
    json_t *v = json_string(s);
    return v != NULL ? v : json_string("(unreadable)");
}

static json_t *halls(const struct control *c)
{
    json_t *list = json_array();
    const struct fleet *f = c->board->fleet;
    for (uint32_t h = 0; h < f->count[COMPONENT_HALL]; h++) {
        json_t *o = json_object();
        (void)json_object_set_new(o, "hall",
                                  json_string(fleet_name(f, component_id(COMPONENT_HALL, h))));
        (void)json_object_set_new(o, "mode",
                                  json_string(api_mode_word(guard_mode_of(c->guard, h))));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *nodes(const struct control *c)
{
    json_t *o = json_object();
    for (uint32_t h = 0; h < HEALTH_COUNT; h++)
        (void)json_object_set_new(o, health_name(h), number(care_nodes_in(c->care, h)));
    return o;
}

/* The first of them by name: how many there are is in `nodes`. */
static json_t *not_ready(const struct control *c)
{
    const struct board *b = c->board;
    json_t *list = json_array();
    for (uint32_t n = 0; n < b->nodes && json_array_size(list) < API_NOT_READY_SHOWN; n++) {
        if (b->node_health[n] == HEALTH_READY)
            continue;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "node",
                            fleet_name(b->fleet, component_id(COMPONENT_NODE, n)), "health",
                            health_name(b->node_health[n])));
    }
    return list;
}

static json_t *slurm(const struct live *l)
{
    struct slurm_stats s = live_slurm_stats(l);
    if (!live_has_slurm(l))
        return json_null();
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "answered", stamp(s.answered_ns), "polls", number(s.polls), "polls_failed",
        number(s.polls_failed), "polls_unchanged", number(s.polls_unchanged), "commands",
        number(s.commands), "commands_failed", number(s.commands_failed), "retries",
        number(s.retries), "orders_pending", number(s.pending), "nodes_unknown",
        number(s.nodes_unknown), "nodes_known", number(s.nodes_known), "jobs_shared",
        number(s.jobs_shared), "jobs_refused", number(s.jobs_refused), "lines_bad",
        number(s.lines_bad), "trouble", words(s.trouble));
}

static json_t *agents(const struct loop *loop)
{
    struct agents_stats a = live_agents_stats(loop_live(loop));
    struct listener_stats s = loop_listener_stats(loop);
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "listens", words(loop_listens(loop)), "connections", number(s.connections), "watched",
        number(a.watched), "frames", number(a.frames), "frames_refused",
        number(a.frames_refused + s.lines_bad), "beats", number(a.beats), "silences",
        number(a.silences), "silences_common", number(a.silences_common), "late_ticks",
        number(a.late_ticks), "refused_hello", number(s.refused_hello), "refused_full",
        number(s.refused_full), "dropped_slow", number(s.dropped_slow), "dropped_quiet",
        number(s.dropped_quiet));
}

static json_t *record(const struct api_site *s)
{
    const struct live *l = loop_live(s->loop);
    struct live_stats t = live_stats(l);
    const struct journal *j = live_journal(l);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "folder", words(s->journal),
                     "seq", number(j->head.seq), "epoch", number(j->epoch), "snapshots",
                     number(t.snapshots), "snapshots_failed", number(t.snapshots_failed),
                     "snapshot_trouble", words(t.snapshot_trouble), "commits_failed",
                     number(t.commits_failed), "trouble_since", stamp(t.trouble_since_ns),
                     "trouble", words(t.trouble));
}

static json_t *core(const struct core_stats *s)
{
    static const char *const why[ADMIT_COUNT] = {
        [ADMIT_OK] = "taken",        [ADMIT_DUPLICATE] = "duplicate",
        [ADMIT_STALE] = "stale",     [ADMIT_IMPOSSIBLE] = "impossible",
        [ADMIT_FULL] = "full",       [ADMIT_GAP] = "gap",
    };
    json_t *facts = json_object();
    for (uint32_t i = 0; i < ADMIT_COUNT; i++)
        (void)json_object_set_new(facts, why[i], number(s->refused[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "events", number(s->events),
                     "facts", facts, "decisions", number(s->decisions), "commits",
                     number(s->commits), "advice", number(s->advice), "guard_trips",
                     number(s->trips), "cascades_stopped", number(s->cascades_stopped),
                     "contradictions", number(s->contradictions));
}

/* ---- what waits ---------------------------------------------------------------------------- */

struct listing {
    const struct control *control;
    json_t *list;
    uint64_t total;
};

/* What an action that waits is about. */
struct waits {
    const char *what;
    uint64_t component; /* 0 = the node */
    uint32_t node;
    uint16_t class;
};

typedef void waits_fn(const struct event *ev, struct waits *ret);

static void of_order(const struct event *ev, struct waits *ret)
{
    const struct body_order *o = &ev->body.order;
    const char *step = event_step_word(o->step);
    *ret = (struct waits){ step ? step : "?", o->component, o->node, o->class };
}

static void of_gate(const struct event *ev, struct waits *ret)
{
    *ret = (struct waits){ "check", 0, ev->body.gate.node, ev->body.gate.class };
}

static void of_engine(const struct event *ev, struct waits *ret)
{
    static const char *const verb[] = { [ENGINE_DOWN] = "down", [ENGINE_DRAIN] = "drain",
                                        [ENGINE_RESUME] = "resume",
                                        [ENGINE_REQUEUE] = "requeue" };
    const struct body_engine *e = &ev->body.engine;
    bool known = e->verb > 0 && e->verb < MW_ARRAY_LEN(verb);
    *ret = (struct waits){ known ? verb[e->verb] : "", 0, e->node, e->class };
}

static void of_parts(const struct event *ev, struct waits *ret)
{
    (void)ev;
    ret->what = "parts";
}

static struct waits waits_of(const struct event *ev)
{
    static waits_fn *const OF[EVENT_KIND_MAX] = {
        [EV_ORDER_OPENED] = of_order, [EV_ACTION_STARTED] = of_order,
        [EV_GATE_STARTED] = of_gate,  [EV_ENGINE_ORDER] = of_engine,
        [EV_PARTS_ORDERED] = of_parts, [EV_ORDER_ESCALATED] = of_order,
    };
    struct waits w = { "", 0, MW_NONE, UINT16_MAX };
    if (ev->kind < EVENT_KIND_MAX && OF[ev->kind])
        OF[ev->kind](ev, &w);
    return w;
}

static int list_pending(void *ctx, const struct event *ev, const void *tail)
{
    struct listing *l = ctx;
    const struct care_policy *p = &l->control->policy.care;
    const struct fleet *f = l->control->board->fleet;
    (void)tail;
    if (l->total++ >= API_PENDING_SHOWN)
        return 0;
    struct waits w = waits_of(ev);
    if (w.component == 0 && w.node != MW_NONE)
        w.component = component_id(COMPONENT_NODE, w.node);
    json_t *o = json_pack(
        "{s:o, s:s, s:s, s:o, s:o, s:o}", "seq", number(ev->seq), "kind",
        event_info(ev->kind)->name, "what", w.what, "on",
        w.component ? json_string(fleet_name(f, w.component)) : json_null(), "class",
        w.class < p->classes ? json_string(p->class[w.class].name) : json_null(), "since",
        stamp(ev->time_ns));
    return json_array_append_new(l->list, o) == 0 ? 0 : MW_ENOMEM;
}

static json_t *pending(const struct control *c, struct journal *j, uint64_t *ret_total)
{
    struct listing l = { .control = c, .list = json_array() };
    if (l.list != NULL && api_pending_each(c, j, list_pending, &l, NULL) < 0) {
        json_decref(l.list);
        return NULL;
    }
    *ret_total = l.total;
    return l.list;
}

json_t *api_status_common(const struct control *c, struct journal *j, int64_t now_ns)
{
    must(c != NULL && j != NULL);
    uint64_t waiting = 0;
    json_t *list = pending(c, j, &waiting);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "program", "millwright",
        "version", MW_VERSION, "site", c->board->fleet->name, "now", stamp(now_ns), "halls",
        halls(c), "guard_tripped", guard_tripped(c->guard), "nodes", nodes(c), "nodes_not_ready",
        not_ready(c), "incidents_open", number(care_root_incidents(c->care)), "core",
        core(core_stats(c->core)), "pending_total", number(waiting), "pending", list);
}

json_t *api_status(const struct api_site *s)
{
    must(s != NULL && s->loop != NULL);
    const struct live *l = loop_live(s->loop);
    int64_t now_ns = loop_now_ns(s->loop), started_ns = loop_started_ns(s->loop);
    json_t *o = api_status_common(live_control(l), live_journal(l), now_ns);
    json_t *live = json_pack("{s:o, s:o, s:o, s:o, s:o}", "started", stamp(started_ns), "uptime_s",
                             json_integer((now_ns - started_ns) / MW_NS_PER_S), "slurm", slurm(l),
                             "agents", agents(s->loop), "journal", record(s));
    if (o == NULL || live == NULL || json_object_update(o, live) != 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(live);
    return o;
}
