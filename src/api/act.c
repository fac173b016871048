/* From a command to a fact.  See act.h. */
#include "api/act.h"

#include <stdio.h>
#include <string.h>

#include "api/pending.h"
#include "base/mem.h"
#include "base/units.h"
#include "fleet/hostlist.h"

#define ACT_TEXT_MAX (API_REASON_MAX + API_NAME_MAX + 32u) /* of a closing */

static unsigned long long show(uint64_t n)
{
    return n;
}

static const struct control *control_of(const struct api_port *s)
{
    return s->control(s->ctx);
}

/* ---- looking up ---------------------------------------------------------------------------- */

static int find(const struct api_port *s, enum component_kind kind, const char *name, uint32_t *ret,
                struct mw_error *err)
{
    const struct fleet *f = control_of(s)->board->fleet;
    uint64_t id = fleet_find(f, name);
    if (id == 0 || component_kind_of(id) != kind)
        return mw_fail(err, MW_ENOTFOUND, "the site has no %s \"%s\"%s%s%s",
                       component_kind_name(kind), name, id ? ": that is a " : "",
                       id ? component_kind_name(component_kind_of(id)) : "",
                       " (mw site show lists the names)");
    *ret = component_index_of(id);
    return 0;
}

static int read_event(const struct api_port *s, uint64_t seq, struct event *ret,
                      struct mw_error *err)
{
    struct journal *j = s->journal(s->ctx);
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return j->ops->get(j, seq, ret, tail, err);
}

static int fill_advice(const struct api_port *s, uint64_t ref, struct event *fact,
                       struct mw_error *err)
{
    struct event advice;
    int rc = read_event(s, ref, &advice, err);
    if (rc < 0)
        return rc;
    if (advice.kind != EV_ADVICE)
        return mw_fail(err, MW_EINVAL, "event %llu is no advice but %s", show(ref),
                       event_info(advice.kind)->name);
    fact->cause = ref;
    fact->body.command.node = advice.body.advice.node;
    fact->body.command.hall = advice.body.advice.hall;
    fact->body.command.slot = advice.body.advice.slot;
    return 0;
}

/* Holds of a node that a person can lift here: what was set in the engine is lifted there. */
static uint32_t own_holds(const struct api_port *s, uint32_t node)
{
    const struct control *c = control_of(s);
    uint32_t holds = c->board->node_holds[node];
    return holds - guard_node_held_there(c->guard, node);
}

/* With an engine, who keeps a node from new work has to keep it from the engine. */
static bool is_engines(const struct api_port *s, const struct api_command *c)
{
    bool hold = c->verb == API_HOLD || c->verb == API_DRAIN || c->verb == API_RELEASE;
    return c->verb >= API_JOB_REQUEUE || (hold && s->has_engine);
}

static uint8_t engine_verb(const struct api_command *c)
{
    if (c->verb == API_HOLD)
        return ENGINE_DRAIN;
    return c->verb == API_RELEASE ? ENGINE_RESUME : (uint8_t)api_verb_info(c->verb)->value;
}

/* A person's wish to the engine that owns allocation. */
static int fill_engine(const struct api_port *s, const struct api_command *c,
                       struct body_command *b, struct mw_error *err)
{
    const struct board *board = control_of(s)->board;
    if (!s->has_engine)
        return mw_fail(err, MW_ECONFLICT, "no engine is watched that could do it: this site places "
                       "its jobs itself, or mw serve runs with --no-slurm");
    if (c->verb == API_DRAIN)
        return mw_fail(err, MW_ECONFLICT, "a node that Slurm drains lets what runs there end: hold "
                       "it, and put its job back with job-requeue");
    b->verb = CMD_ENGINE;
    b->engine = engine_verb(c);
    b->ref = c->job;
    b->length_ms = c->length_s * 1000;
    bool many = (api_verb_info(c->verb)->keys & API_COUNT) != 0;
    b->count = many ? MW_MAX(c->count, 1) : 0;
    if (c->job != 0 && board_job_find(board, c->job) == MW_NONE)
        return mw_fail(err, MW_ENOTFOUND, "no job %llu is known to wait or run", show(c->job));
    if (many && b->count > board->nodes - b->node)
        return mw_fail(err, MW_EINVAL, "there are only %u nodes from %s on",
                       board->nodes - b->node, c->node);
    return 0;
}

/* ---- maintenance --------------------------------------------------------------------------- */

/* Nodes of a host list: they have to stand next to each other in the site file. */
struct range {
    const struct api_port *site;
    uint32_t first, last, count;
    uint8_t *named; /* per node */
    struct mw_error *err;
};

static int add_to_range(void *ctx, const char *name)
{
    struct range *r = ctx;
    uint32_t node = MW_NONE;
    int rc = find(r->site, COMPONENT_NODE, name, &node, r->err);
    if (rc < 0)
        return rc;
    if (r->named[node])
        return mw_fail(r->err, MW_EINVAL, "node %s is named twice", name);
    r->named[node] = 1;
    r->first = r->count ? MW_MIN(r->first, node) : node;
    r->last = r->count ? MW_MAX(r->last, node) : node;
    r->count++;
    return 0;
}

/* Sets node and count; with a count of its own the list has to be one node. */
static int find_range(const struct api_port *s, const struct api_command *c, struct body_command *b,
                      struct mw_error *err)
{
    uint8_t *named mw_cleanup(mw_freep) = mw_calloc(control_of(s)->board->nodes, 1);
    struct range r = { .site = s, .named = named, .err = err };
    if (named == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = hostlist_each(c->node, add_to_range, &r, err);
    if (rc < 0)
        return rc;
    if (r.count == 0 || (c->count && r.count > 1))
        return mw_fail(err, MW_EINVAL, "\"node\": must be one node with \"count\", or a list such "
                       "as n[3-7] without");
    if (r.last - r.first + 1 != r.count)
        return mw_fail(err, MW_EINVAL, "%s: these %u nodes do not follow each other in the site "
                       "file: plan a window for each stretch", c->node, r.count);
    b->node = r.first;
    b->count = c->count ? c->count : r.count;
    uint32_t nodes = control_of(s)->board->nodes;
    if (b->count > nodes - b->node)
        return mw_fail(err, MW_EINVAL, "there are only %u nodes from %s on", nodes - b->node,
                       c->node);
    return 0;
}

static int fill_window(const struct api_port *s, const struct api_command *c, struct event *fact,
                       struct mw_error *err)
{
    struct body_command *b = &fact->body.command;
    if (c->verb == API_WINDOW_END)
        return 0; /* the reference is there, and length 0 says that it ends */
    b->length_ms = c->length_s * MW_MS_PER_S;
    b->ref = (uint64_t)(c->from_ms ? c->from_ms : mw_ms(fact->observed_ns));
    return find_range(s, c, b, err);
}

static bool is_window(const struct api_command *c)
{
    return c->verb == API_WINDOW_ADD || c->verb == API_WINDOW_END;
}

static int fill_command(const struct api_port *s, const struct api_command *c, struct event *fact,
                        struct mw_error *err)
{
    struct body_command *b = &fact->body.command;
    *b = (struct body_command){ .ref = c->ref, .node = MW_NONE, .hall = MW_NONE, .slot = MW_NONE,
                                .verb = api_verb_info(c->verb)->value, .mode = c->mode };
    fact->tail_size = (uint32_t)strlen(c->reason);
    int rc = 0;
    if (is_window(c))
        return fill_window(s, c, fact, err);
    if (c->node[0] != '\0')
        rc = find(s, COMPONENT_NODE, c->node, &b->node, err);
    if (rc == 0 && c->hall[0] != '\0')
        rc = find(s, COMPONENT_HALL, c->hall, &b->hall, err);
    if (rc == 0 && is_engines(s, c))
        rc = fill_engine(s, c, b, err);
    if (rc == 0 && (c->verb == API_APPROVE || c->verb == API_REJECT))
        rc = fill_advice(s, c->ref, fact, err);
    if (rc == 0 && b->verb == CMD_RELEASE && own_holds(s, b->node) == 0)
        rc = mw_fail(err, MW_ECONFLICT, "node %s has no hold to lift%s", c->node,
                     control_of(s)->board->node_holds[b->node] > 0
                         ? ": it was taken out in Slurm; resume it there" : "");
    return rc;
}

/* ---- orders and gates ---------------------------------------------------------------------- */

struct wanted {
    uint16_t kind; /* order.opened or gate.started */
    uint64_t seq;  /* this one, or … */
    uint64_t component;
    uint32_t node; /* … all about this */
    uint32_t found;
    struct event event;
};

static int match(void *ctx, const struct event *action, const void *tail)
{
    struct wanted *w = ctx;
    (void)tail;
    if (action->kind != w->kind)
        return 0;
    bool order = w->kind == EV_ORDER_OPENED;
    uint32_t node = order ? action->body.order.node : action->body.gate.node;
    bool same = (w->node != MW_NONE && node == w->node) ||
                (order && w->component && action->body.order.component == w->component);
    if (w->seq ? action->seq == w->seq : same) {
        w->found++;
        w->event = *action;
    }
    return 0;
}

static int find_pending(const struct api_port *s, const struct api_command *c, struct wanted *w,
                        struct mw_error *err)
{
    const struct fleet *f = control_of(s)->board->fleet;
    const char *what = w->kind == EV_ORDER_OPENED ? "work order" : "check";
    w->seq = c->ref;
    w->component = c->node[0] ? fleet_find(f, c->node) : 0;
    w->node = component_kind_of(w->component) == COMPONENT_NODE ? component_index_of(w->component)
                                                                : MW_NONE;
    if (!c->ref && !w->component)
        return mw_fail(err, MW_ENOTFOUND, "the site has no part \"%s\"", c->node);
    int rc = api_pending_each(control_of(s), s->journal(s->ctx), match, w, err);
    if (rc < 0 || w->found == 1)
        return rc;
    if (w->found > 1)
        return mw_fail(err, MW_EINVAL, "%u open %ss are about %s: give the number of one, as mw "
                       "status shows it", w->found, what, c->node);
    if (c->ref)
        return mw_fail(err, MW_ECONFLICT, "there is no open %s %llu", what, show(c->ref));
    return mw_fail(err, MW_ECONFLICT, "no %s about %s is open", what, c->node);
}

/* What the record keeps of a closing: "serial OLD -> NEW; what was found". */
static void add_closing(const struct api_command *c, struct event *fact, char text[ACT_TEXT_MAX])
{
    const char *equals = strchr(c->serial, '=');
    int n = 0;
    if (equals != NULL)
        n = snprintf(text, ACT_TEXT_MAX, "serial %.*s -> %s%s", (int)(equals - c->serial),
                     c->serial, equals + 1, c->found[0] ? "; " : "");
    must(n >= 0 && n < (int)ACT_TEXT_MAX);
    int m = snprintf(text + n, ACT_TEXT_MAX - (size_t)n, "%s", c->found);
    must(m >= 0 && n + m < (int)ACT_TEXT_MAX);
    fact->tail_size = (uint32_t)(n + m);
}

static int fill_answer(const struct api_port *s, const struct api_command *c, struct event *fact,
                       char text[ACT_TEXT_MAX], struct mw_error *err)
{
    struct wanted w = { .kind = fact->kind == EV_GATE_ENDED ? EV_GATE_STARTED : EV_ORDER_OPENED };
    int rc = find_pending(s, c, &w, err);
    if (rc < 0)
        return rc;
    fact->cause = w.event.seq;
    fact->body = w.event.body;
    uint8_t result = api_verb_info(c->verb)->value;
    if (fact->kind == EV_GATE_ENDED)
        fact->body.gate.result = result;
    else
        fact->body.order.result = result;
    if (fact->kind == EV_ORDER_ENDED)
        add_closing(c, fact, text);
    return 0;
}

/* ---- handing in ---------------------------------------------------------------------------- */

static int window_refused(const struct api_port *s, enum admit a, const struct api_command *c,
                          struct mw_error *err)
{
    if (control_of(s)->policy.work.engine)
        return mw_fail(err, MW_ECONFLICT, "Slurm owns the nodes and has reservations for "
                       "maintenance: mw node reserve, mw node unreserve");
    if (c->verb == API_WINDOW_END)
        return mw_fail(err, MW_ECONFLICT, "event %llu planned no maintenance that is still to come "
                       "or on (mw window list shows those that are)", show(c->ref));
    if (a == ADMIT_FULL)
        return mw_fail(err, MW_ELIMIT, "as many maintenance windows are planned as there can be "
                       "(%u): end one first", WORK_WINDOWS_MAX);
    if (a == ADMIT_DUPLICATE)
        return mw_fail(err, MW_ECONFLICT, "one of these nodes is in another window then: end that "
                       "one, or plan around it (mw window list)");
    return mw_fail(err, MW_ECONFLICT, "the maintenance would be over already, or is too long");
}

static int refused(const struct api_port *s, enum admit a, const struct api_command *c,
                   const struct event *fact, struct mw_error *err)
{
    const struct control *k = control_of(s);
    if (is_window(c))
        return window_refused(s, a, c, err);
    if (a == ADMIT_FULL && is_engines(s, c))
        return mw_fail(err, MW_ELIMIT, "too many wishes wait for the engine's answer already");
    if (a == ADMIT_FULL)
        return mw_fail(err, MW_ELIMIT, "node %s has as many holds as it can have", c->node);
    if (a == ADMIT_IMPOSSIBLE && c->verb == API_APPROVE) {
        uint32_t hall = fact->body.command.hall;
        if (hall == MW_NONE)
            return mw_fail(err, MW_ECONFLICT, "a hall that it touches is in a mode below approve: "
                           "mw mode set approve lets a person decide");
        return mw_fail(err, MW_ECONFLICT, "hall %s is in mode %s: nothing is done there; mw mode "
                       "set approve lets a person decide",
                       fleet_name(k->board->fleet, component_id(COMPONENT_HALL, hall)),
                       api_mode_word(guard_mode_of(k->guard, hall)));
    }
    if (a == ADMIT_IMPOSSIBLE)
        return mw_fail(err, MW_EBUG, "the site refuses %s", api_verb_info(c->verb)->word);
    if (c->verb == API_APPROVE || c->verb == API_REJECT)
        return mw_fail(err, MW_ECONFLICT, "advice %llu is over: it was answered, or what it was "
                       "about has ended", show(c->ref));
    return mw_fail(err, MW_ECONFLICT, "%s: it is over already", api_verb_info(c->verb)->word);
}

/* A fact on its way, with its text. */
struct act {
    struct event fact;
    char text[ACT_TEXT_MAX];
};

static int hand_in(const struct api_port *s, int64_t now_ns, const struct api_command *c,
                   const struct act *act, uint64_t *ret_seq, struct mw_error *err)
{
    enum admit a = ADMIT_OK;
    const struct event *fact = &act->fact;
    int rc = s->submit(s->ctx, now_ns, fact, fact->tail_size ? act->text : NULL, &a, err);
    if (rc < 0 && a == ADMIT_OK)
        return mw_fail_prefix(err, "taken, and not durable yet (do not repeat it)");
    if (rc < 0)
        return rc;
    if (a != ADMIT_OK)
        return refused(s, a, c, fact, err);
    *ret_seq = core_last_group(control_of(s)->core).first_seq;
    return 0;
}

/* Who reports an order done has begun it: nobody needs to say so twice. */
static bool begins_first(const struct api_port *s, const struct event *fact)
{
    struct care_order o;
    return fact->kind == EV_ORDER_ENDED &&
           care_order_of(control_of(s)->care, fact->body.order.slot, &o) && !o.taken;
}

/* ---- many nodes at once -------------------------------------------------------------------- */

/* A host list of nodes to hold, drain or release: as many facts, one commit. */
struct many {
    const struct api_port *site;
    int64_t now_ns;
    uint32_t actor;
    struct api_command one; /* the command, with one of the names */
    uint64_t seq;           /* of the last */
    struct mw_error *err;
};

static bool is_many(const struct api_port *s, const struct api_command *c)
{
    bool service = c->verb == API_HOLD || c->verb == API_DRAIN || c->verb == API_RELEASE;
    return service && c->ref == 0 && strpbrk(c->node, "[,") != NULL &&
           fleet_find(control_of(s)->board->fleet, c->node) == 0;
}

static int check_one(void *ctx, const char *name)
{
    const struct many *m = ctx;
    uint32_t node;
    if (strlen(name) >= sizeof(m->one.node))
        return mw_fail(m->err, MW_EINVAL, "the site has no node \"%.100s\"", name);
    return find(m->site, COMPONENT_NODE, name, &node, m->err);
}

static int hand_in_one(void *ctx, const char *name)
{
    struct many *m = ctx;
    struct event fact = { .kind = EV_COMMAND, .actor = m->actor, .source = SOURCE_PERSON,
                          .observed_ns = m->now_ns };
    memcpy(m->one.node, name, strlen(name) + 1);
    int rc = fill_command(m->site, &m->one, &fact, m->err);
    if (rc < 0)
        return rc;
    enum admit a = m->site->submit_more(m->site->ctx, m->now_ns, &fact,
                                        fact.tail_size ? m->one.reason : NULL);
    if (a != ADMIT_OK)
        return refused(m->site, a, &m->one, &fact, m->err);
    m->seq = core_last_group(control_of(m->site)->core).first_seq;
    return 0;
}

/* All names are known before the first is told; those before one that is refused stand. */
static int act_many(struct many *m, const char *list, uint64_t *ret_seq)
{
    struct mw_error why = { 0 };
    int rc = hostlist_each(list, check_one, m, m->err);
    if (rc < 0)
        return rc;
    rc = hostlist_each(list, hand_in_one, m, m->err);
    int end = m->site->submit_end(m->site->ctx, &why);
    if (rc < 0)
        return mw_fail_prefix(m->err, "%s; what stands before it in the list is %s", m->one.node,
                              end < 0 ? "taken, and not durable yet" : "done");
    if (end < 0) {
        *m->err = why;
        return mw_fail_prefix(m->err, "taken, and not durable yet (do not repeat it)");
    }
    *ret_seq = m->seq;
    return 0;
}

int api_act(const struct api_port *s, int64_t now_ns, uint32_t actor, const struct api_command *c,
            uint64_t *ret_seq, struct mw_error *err)
{
    must(s != NULL && c != NULL && actor != 0);
    if (is_many(s, c)) {
        struct many m = { .site = s, .now_ns = now_ns, .actor = actor, .one = *c, .err = err };
        return act_many(&m, c->node, ret_seq);
    }
    struct act act = { .fact = { .kind = api_verb_info(c->verb)->kind, .actor = actor,
                                 .source = SOURCE_PERSON, .observed_ns = now_ns } };
    bool command = act.fact.kind == EV_COMMAND;
    memcpy(act.text, c->reason, sizeof(c->reason));
    int rc = command ? fill_command(s, c, &act.fact, err)
                     : fill_answer(s, c, &act.fact, act.text, err);
    if (rc == 0 && !command && begins_first(s, &act.fact)) {
        struct act taken = act;
        taken.fact.kind = EV_ORDER_TAKEN;
        taken.fact.tail_size = 0;
        taken.fact.body.order.result = 0;
        rc = hand_in(s, now_ns, c, &taken, ret_seq, err);
    }
    if (act.fact.kind == EV_ORDER_ENDED && c->did)
        act.fact.body.order.step = (uint8_t)(c->did - 1);
    return rc < 0 ? rc : hand_in(s, now_ns, c, &act, ret_seq, err);
}
