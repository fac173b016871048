/*
 * Orders on their way: one list, each with what it does next and when.  A
 * command that fails is tried again with growing pauses, for ORDER_NS at most
 * while slurmctld answers; while it does not, without an end.  A newer order
 * about the same node or job takes the place of an older one of the same owner
 * (automation, or people), and waits for the other owner's to be answered.
 *
 * Orders about nodes that are at the same step share a command: reads all do,
 * acts when they set the same state for the same reason (a person's wish about a
 * hall, the nodes of one incident).  Each still looks at its own node in what
 * was read, before and after.  When a shared command is refused, because one of
 * its nodes is not as the others, each goes on by itself.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live/slurm_private.h"

#define ORDER_NS (10 * MW_NS_PER_MIN)
#define PAUSE_NS_MAX (10 * MW_NS_PER_S)
#define WAIT_NS (50 * MW_NS_PER_MS)
#define SETTLE_NS (5 * MW_NS_PER_S)

void slurm_order_close(struct slurm_order *o, enum result result, const char *fmt, ...)
{
    char words[SLURM_REASON_MAX + 256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    (void)slurm_text_clean(words, o->text, sizeof(o->text));
    o->result = (uint8_t)result;
}

void slurm_order_again(struct slurm *s, struct slurm_order *o, int64_t least_ns)
{
    int64_t pause_ns = least_ns << MW_MIN(o->tries, 7u);
    o->tries++;
    s->stats.retries++;
    if (o->refused_ns == 0)
        o->refused_ns = s->now_ns;
    if (s->now_ns - o->refused_ns > ORDER_NS)
        slurm_order_close(o, RESULT_FAILED, "given up after 10 minutes: %s",
                          o->text[0] != '\0' ? o->text : "Slurm took it but did not do it");
    o->due_ns = s->now_ns + MW_MIN(pause_ns, PAUSE_NS_MAX);
}

void slurm_order_wait(struct slurm *s, struct slurm_order *o, const char *why)
{
    int64_t age_ns = s->now_ns - o->given_ns;
    if (age_ns > ORDER_NS)
        slurm_order_close(o, RESULT_FAILED, "given up after 10 minutes: %s", why);
    o->due_ns = s->now_ns + MW_MIN(2 * WAIT_NS + age_ns / 10, 2 * MW_NS_PER_S);
}

/* ---- the list ------------------------------------------------------------------------------- */

/* Where the open order about the same thing is kept; NULL when others do not matter. */
static struct slurm_order **place_of(struct slurm *s, const struct body_engine *e)
{
    const struct board *b = s->board;
    if (slurm_is_about_job(e->verb)) {
        uint32_t slot = board_job_find(b, e->job);
        return slot == MW_NONE ? NULL : &s->job_order[slot];
    }
    return slurm_is_service(e->verb) && e->node < b->nodes ? &s->node_order[e->node] : NULL;
}

static void drop_command(struct slurm *s, struct slurm_order *o)
{
    if (o->command && o->command->users == 1) {
        s->commands--;
        s->service -= slurm_is_service(o->ev.body.engine.verb);
    }
    slurm_command_drop(o->command);
    o->command = NULL;
}

static void free_order(struct slurm *s, struct slurm_order *o)
{
    drop_command(s, o); /* heard() has otherwise */
    mw_free(o->node);
    mw_free(o->listed);
    mw_free(o);
}

static struct slurm_order *new_order(struct slurm *s, const struct event *action,
                                     const void *tail)
{
    struct slurm_order *o = mw_calloc(1, sizeof(*o));
    uint32_t nodes = action->tail_size / (uint32_t)sizeof(uint32_t);
    if (!o)
        return NULL;
    o->ev = *action;
    o->given_ns = o->due_ns = s->now_ns;
    o->node = mw_calloc(nodes, sizeof(*o->node));
    if (!o->node) {
        mw_free(o);
        return NULL;
    }
    if (nodes > 0)
        memcpy(o->node, tail, nodes * sizeof(*o->node));
    o->nodes = nodes;
    const struct body_engine *e = &o->ev.body.engine;
    o->next_step = e->verb == ENGINE_REQUEUE ? NEXT_WAIT : NEXT_READ;
    (void)snprintf(o->task, sizeof(o->task), "%llu", (unsigned long long)e->job);
    return o;
}

static bool is_persons(const struct slurm_order *o)
{
    return o->ev.actor != 0 || o->ev.body.engine.class == BOARD_CLASS_PERSON;
}

static void add(struct slurm *s, struct slurm_order *o)
{
    struct slurm_order **at = &s->orders, **place = place_of(s, &o->ev.body.engine);
    for (; *at; at = &(*at)->next) {
        struct slurm_order *p = *at;
        if (place && p->place == place && p->result == 0 && is_persons(p) == is_persons(o))
            slurm_order_close(p, RESULT_UNKNOWN, "superseded by order %llu",
                              (unsigned long long)o->ev.seq);
    }
    *at = o;
    s->stats.pending++;
    if (place)
        *place = o;
    o->place = place;
    slurm_fast(s);
}

static bool names_what_is(const struct slurm *s, const struct event *action)
{
    const struct body_engine *e = &action->body.engine;
    const uint32_t nodes = s->board->nodes;
    return slurm_is_about_job(e->verb) ? e->job != 0 : e->node < nodes;
}

void slurm_act(struct slurm *s, int64_t now_ns, const struct event *action, const void *tail)
{
    must(s && action);
    if (action->kind != EV_ENGINE_ORDER)
        return;
    s->now_ns = MW_MAX(s->now_ns, now_ns);
    for (const struct slurm_order *o = s->orders; o; o = o->next)
        if (o->ev.seq == action->seq)
            return;
    struct slurm_order *o = new_order(s, action, tail);
    if (!o) { /* it stays pending in the record: the next start hands it out again */
        (void)snprintf(s->stats.trouble, sizeof(s->stats.trouble), "out of memory for an order");
        return;
    }
    uint8_t verb = action->body.engine.verb;
    if (verb < ENGINE_DOWN || verb >= ENGINE_VERBS || !names_what_is(s, action))
        slurm_order_close(o, RESULT_FAILED, "this order cannot be given to Slurm");
    add(s, o);
}

static bool may_act(const struct slurm *s, uint32_t node)
{
    must(node < s->board->nodes);
    return guard_mode_of(s->options.control->guard, s->fleet->node_hall[node]) == MODE_ACT;
}

void slurm_order_repeat(struct slurm *s, uint32_t node, enum engine_verb verb)
{
    const struct board *b = s->board;
    uint32_t slot = b->node_incident[node];
    if (s->node_order[node] || slot == MW_NONE || !may_act(s, node))
        return;
    struct event ev = { .kind = EV_ENGINE_ORDER };
    ev.body.engine = (struct body_engine){
        .incident = b->incident_id[slot], .node = node, .slot = slot, .job_slot = MW_NONE,
        .class = b->node_class[node], .verb = (uint8_t)verb };
    struct slurm_order *o = new_order(s, &ev, NULL);
    if (o)
        add(s, o);
}

/* ---- the answer ----------------------------------------------------------------------------- */

/* Its end is to be in the record before it is said that the job was put back. */
static bool is_settled(struct slurm *s, struct slurm_order *o)
{
    const struct body_engine *e = &o->ev.body.engine;
    const struct board *b = s->board;
    if (e->verb != ENGINE_REQUEUE || o->result != RESULT_OK ||
        !board_attempt_is(b, e->job_slot, e->job, e->attempt) ||
        b->job_state[e->job_slot] < JOB_PLACED)
        return true;
    if (o->settled_ns == 0)
        o->settled_ns = s->now_ns;
    slurm_fast(s);
    o->due_ns = s->now_ns + WAIT_NS;
    return s->now_ns - o->settled_ns > SETTLE_NS;
}

static void answer(struct slurm *s, struct slurm_order *o)
{
    struct event ev = { .kind = EV_ENGINE_ANSWERED, .cause = o->ev.seq, .tenant = o->ev.tenant };
    ev.body.engine = o->ev.body.engine;
    ev.body.engine.order = o->ev.seq;
    ev.body.engine.result = o->result;
    if (o->ev.seq != 0)
        (void)slurm_fact(s, &ev, o->text, strlen(o->text));
}

/* It is off the list already: its place is of the newest that is left. */
static void leave_place(struct slurm *s, const struct slurm_order *o)
{
    if (!o->place || *o->place != o)
        return;
    *o->place = NULL;
    for (struct slurm_order *p = s->orders; p; p = p->next)
        if (p->place == o->place)
            *o->place = p;
}

static void note_answered(struct slurm *s, const struct slurm_order *o)
{
    const struct body_engine *e = &o->ev.body.engine;
    uint32_t slot = slurm_is_about_job(e->verb) ? board_job_find(s->board, e->job) : MW_NONE;
    leave_place(s, o);
    if (slot != MW_NONE)
        s->job_answered_ns[slot] = s->now_ns;
    if (o->place && !slurm_is_about_job(e->verb)) {
        s->node_answered_ns[e->node] = s->now_ns;
        bool acted = o->done & (1u << NEXT_DRAIN | 1u << NEXT_DOWN); /* not: others have it out */
        if (acted && o->result == RESULT_OK)
            s->node_ours[e->node] = s->interruptions + 1;
    }
}

/* ---- one step ------------------------------------------------------------------------------- */

static bool holds_up(const struct slurm *s, uint32_t node)
{
    struct slurm_order *const *place = node < s->board->nodes ? &s->node_order[node] : NULL;
    for (const struct slurm_order *d = place && *place ? s->orders : NULL; d; d = d->next) {
        uint8_t verb = d->ev.body.engine.verb;
        if (d->place == place && (verb == ENGINE_DOWN || verb == ENGINE_DRAIN) &&
            !d->refused_ns && d->result == 0)
            return true;
    }
    return false;
}

/* A job is put back after its bad nodes are out, or it may get them again. */
static bool has_to_wait(const struct slurm *s, const struct slurm_order *o)
{
    const struct body_engine *e = &o->ev.body.engine;
    const struct board *b = s->board;
    if (holds_up(s, e->node))
        return true;
    if (!board_attempt_is(b, e->job_slot, e->job, e->attempt))
        return false;
    for (uint32_t n = b->job_first_node[e->job_slot]; n != MW_NONE; n = b->node_next[n])
        if (holds_up(s, n))
            return true;
    return false;
}

static bool says(const struct slurm_order *o, const char *words)
{
    return strstr(o->text, words) != NULL;
}

static bool is_act(uint8_t next_step)
{
    return next_step != NEXT_WAIT && next_step != NEXT_READ && next_step != NEXT_READ_NODES;
}

/* slurmctld refused.  What will not change is said at once. */
static void refused(struct slurm *s, struct slurm_order *o)
{
    static const char *const for_good[] = { "Invalid node name", "ermission denied",
                                            "Access/permission", "Invalid user" };
    bool acted = is_act(o->next_step);
    if (slurm_is_about_job(o->ev.body.engine.verb) && says(o, "Invalid job id")) {
        slurm_order_close(o, RESULT_FAILED, "Slurm does not know the job any more");
        return;
    }
    if (o->next_step == NEXT_DELAY) { /* not back in the queue: what it is will be seen */
        o->done |= 1u << NEXT_DELAY;
        o->next_step = NEXT_READ;
        return;
    }
    if (o->next_step == NEXT_START && o->nodes > 0) {
        o->nodes = 0; /* rather anywhere than not at all */
        return;
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(for_good); i++)
        if (says(o, for_good[i])) {
            o->result = RESULT_FAILED;
            return;
        }
    if (acted)
        o->next_step = NEXT_READ; /* things may have changed since they were read */
    slurm_order_again(s, o, SLURM_FAST_NS);
}

static void failed(struct slurm *s, struct slurm_order *o)
{
    s->stats.commands_failed += o->command->users == 1;
    slurm_command_words(o->command, o->text, sizeof(o->text));
    (void)snprintf(s->stats.trouble, sizeof(s->stats.trouble), "%.255s", o->text);
    if (o->command->shared && !slurm_command_silent(o->command)) {
        o->alone = true;
        o->next_step = NEXT_READ;
        return;
    }
    if (!slurm_command_silent(o->command)) {
        refused(s, o);
        return;
    }
    slurm_order_again(s, o, SLURM_FAST_NS);
    o->refused_ns = 0; /* silence is no refusal: it is tried for as long as it takes */
    o->result = 0;
    o->next_step = o->next_step == NEXT_READ_NODES ? NEXT_READ_NODES : NEXT_READ;
}

static void heard(struct slurm *s, struct slurm_order *o)
{
    o->due_ns = s->now_ns;
    if (!slurm_command_ok(o->command)) {
        failed(s, o);
    } else if (o->next_step == NEXT_READ || o->next_step == NEXT_READ_NODES) {
        slurm_verb_decide(s, o);
    } else {
        o->done |= 1u << o->next_step;
        o->next_step = NEXT_READ;
        if (o->ev.body.engine.verb == ENGINE_REQUIRE) {
            mw_free(o->listed);
            o->listed = NULL;
        }
        slurm_fast(s);
    }
    drop_command(s, o);
}

/* The older order about the same thing that is not over: the other owner's, or ours whose command
 * still runs and must not overtake. */
static const struct slurm_order *older(const struct slurm *s, const struct slurm_order *o)
{
    for (const struct slurm_order *p = s->orders; o->place && p && p != o; p = p->next) {
        bool runs = p->command && !p->command->ended;
        if (p->place == o->place && (runs || is_persons(p) != is_persons(o)))
            return p;
    }
    return NULL;
}

/* Decided when the mode was act, and not begun yet: nothing goes out while it is not. */
static void check_mode(const struct slurm *s, struct slurm_order *o)
{
    uint32_t node = o->ev.body.engine.node;
    bool begun = o->done != 0 || (o->command && is_act(o->next_step));
    if (o->result == 0 && !begun && !is_persons(o) && node < s->board->nodes && !may_act(s, node))
        slurm_order_close(o, RESULT_FAILED, "the mode is not act any more");
}

/* May p go with the command that o is about to give? */
static bool goes_with(struct slurm *s, const struct slurm_order *o, struct slurm_order *p)
{
    const struct body_engine *a = &o->ev.body.engine, *b = &p->ev.body.engine;
    bool ready = p->place && slurm_is_service(b->verb) && !p->command && !p->alone && !p->waited &&
                 p->due_ns <= s->now_ns && p->next_step == o->next_step;
    bool same = o->next_step == NEXT_READ ||
                (a->class == b->class && a->incident == b->incident && o->ev.actor == p->ev.actor);
    if (!ready || !same || p->result != 0)
        return false;
    check_mode(s, p);
    return p->result == 0 && !older(s, p);
}

/* The nodes of o's next command, and whose they are: o's own first. */
static void gather(struct slurm *s, struct slurm_order *o, struct slurm_order **ret_with)
{
    ret_with[0] = o;
    s->together[0] = o->ev.body.engine.node;
    s->togethers = 1;
    if (!o->place || !slurm_is_service(o->ev.body.engine.verb) || o->alone)
        return;
    for (struct slurm_order *p = o->next; p && s->togethers < SLURM_TOGETHER_MAX; p = p->next) {
        if (!goes_with(s, o, p))
            continue;
        ret_with[s->togethers] = p;
        s->together[s->togethers++] = p->ev.body.engine.node;
    }
}

static void share(const struct slurm *s, struct slurm_order *o, struct slurm_order *const *with)
{
    for (uint32_t i = 1; i < s->togethers; i++)
        with[i]->command = o->command;
    o->command->users = s->togethers;
    o->command->shared = s->togethers > 1;
}

static void begin(struct slurm *s, struct slurm_order *o)
{
    struct slurm_order *with[SLURM_TOGETHER_MAX];
    struct slurm_words w = { 0 };
    const struct slurm_order *p = older(s, o);
    if (p) {
        o->refused_ns = p->refused_ns; /* the node is as free as it is for that one */
        o->waited = true;
        o->due_ns = s->now_ns + WAIT_NS;
        return;
    }
    if (o->waited) {
        o->refused_ns = 0;
        o->waited = false;
    }
    if (o->next_step == NEXT_WAIT && has_to_wait(s, o)) {
        o->due_ns = s->now_ns + WAIT_NS;
        return;
    }
    if (o->next_step == NEXT_WAIT)
        o->next_step = NEXT_READ;
    gather(s, o, with);
    bool made = slurm_verb_command(s, o, &w);
    if (made)
        o->command = slurm_command_start(s, &w);
    slurm_words_fini(&w);
    if (o->command) {
        s->commands++;
        s->service += slurm_is_service(o->ev.body.engine.verb);
        share(s, o, with);
    } else {
        slurm_order_again(s, o, MW_NS_PER_S);
    }
}

static bool has_room(const struct slurm *s, const struct slurm_order *o)
{
    bool service = slurm_is_service(o->ev.body.engine.verb);
    return s->commands < SLURM_COMMANDS_MAX && (!service || s->service < SLURM_SERVICE_MAX);
}

/* True when it is over and answered. */
static bool step(struct slurm *s, struct slurm_order *o)
{
    check_mode(s, o);
    bool due = o->due_ns <= s->now_ns || o->next_step == NEXT_WAIT;
    if (o->result == 0 && !o->command && due && has_room(s, o))
        begin(s, o);
    if (o->result != 0 && o->command && !o->command->ended)
        return false; /* superseded, and its command still runs */
    return o->result != 0 && is_settled(s, o);
}

void slurm_orders_step(struct slurm *s)
{
    struct slurm_order **at = &s->orders;
    for (struct slurm_order *o = s->orders; o; o = o->next) /* all first: they go on together */
        if (o->result == 0 && o->command && o->command->ended)
            heard(s, o);
    while (*at) {
        struct slurm_order *o = *at;
        if (!step(s, o)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        s->stats.pending--;
        note_answered(s, o);
        answer(s, o);
        free_order(s, o);
        slurm_fast(s);
    }
}

int64_t slurm_orders_next_due(const struct slurm *s)
{
    int64_t due_ns = MW_NEVER;
    for (const struct slurm_order *o = s->orders; o; o = o->next) {
        bool waits = !o->command && (o->result != 0 || has_room(s, o));
        if (waits || (o->command && o->command->ended))
            due_ns = MW_MIN(due_ns, o->command && o->command->ended ? s->now_ns : o->due_ns);
    }
    return due_ns;
}

void slurm_orders_fini(struct slurm *s)
{
    while (s->orders) {
        struct slurm_order *o = s->orders;
        s->orders = o->next;
        free_order(s, o);
    }
}
