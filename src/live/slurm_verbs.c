/*
 * What each order needs: a table from what is to be done next to its command,
 * and one from the verb to what follows from the state that was read.  Every
 * verb reads first, acts only when it has to, and reads back: it can be begun
 * again at any place.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/hostlist.h"
#include "live/policy.h"
#include "live/slurm_private.h"

#define LOOK_AGAIN_NS (100 * MW_NS_PER_MS)

static const char *node_name(const struct slurm *s, uint32_t node)
{
    return fleet_name(s->fleet, component_id(COMPONENT_NODE, node));
}

/* ---- commands ------------------------------------------------------------------------------- */

/* "mw:node-silent 12 the node's agent does not answer": the class first, sinfo shows 20 bytes. */
static void reason(struct slurm *s, const struct slurm_order *o, struct slurm_words *w)
{
    const struct body_engine *e = &o->ev.body.engine;
    const struct care_policy *p = &s->options.control->policy.care;
    if (e->class < p->classes)
        slurm_wordf(w, "Reason=" SLURM_PREFIX "%s %llu %s", p->class[e->class].name,
                    (unsigned long long)e->incident, live_class_doc(e->class));
    else
        slurm_wordf(w, "Reason=" SLURM_PERSON_PREFIX "%u", o->ev.actor);
}

/* The nodes that this command is about, after a key; lives as long as w. */
static const char *nodes_word(const struct slurm *s, struct slurm_words *w, const char *key)
{
    must(w->texts < MW_ARRAY_LEN(w->text) && s->togethers > 0);
    struct text *t = &w->text[w->texts++];
    text_add(t, key);
    int rc = hostlist_add_nodes(t, s->fleet, s->together, s->togethers);
    t->failed = t->failed || rc < 0;
    return text_string(t);
}

static void update_node(struct slurm *s, struct slurm_words *w, const char *state)
{
    slurm_word(w, "scontrol");
    slurm_word(w, "update");
    slurm_word(w, nodes_word(s, w, "NodeName="));
    slurm_wordf(w, "State=%s", state);
}

static bool drain(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    update_node(s, w, "DRAIN");
    reason(s, o, w);
    return true;
}

static bool down(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    update_node(s, w, "DOWN");
    reason(s, o, w);
    return true;
}

static bool resume(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    (void)o;
    update_node(s, w, "RESUME");
    return true;
}

static void show_reservations(struct slurm_words *w)
{
    slurm_word(w, "scontrol");
    slurm_word(w, "-o");
    slurm_word(w, "show");
    slurm_word(w, "reservation");
}

static bool read_state(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    const struct body_engine *e = &o->ev.body.engine;
    if (slurm_is_about_job(e->verb))
        slurm_ask_jobs(s, w, o->task);
    else if (e->verb == ENGINE_RESERVE || e->verb == ENGINE_UNRESERVE)
        show_reservations(w);
    else
        slurm_ask_nodes(s, w, nodes_word(s, w, ""));
    return true;
}

static bool read_nodes(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    static const char *const words[] = { "squeue", "-h", "-a", "-t", "all", "-j" };
    (void)s;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(words); i++)
        slurm_word(w, words[i]);
    slurm_word(w, o->task);
    slurm_word(w, "-o");
    slurm_word(w, o->ev.body.engine.verb == ENGINE_REQUIRE ? "%n" : "%x");
    return true;
}

static bool job_verb(struct slurm_order *o, struct slurm_words *w, const char *verb)
{
    slurm_word(w, "scontrol");
    slurm_word(w, verb);
    slurm_word(w, o->task);
    return true;
}

static bool requeue(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    (void)s;
    return job_verb(o, w, "requeue");
}

static bool hold(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    (void)s;
    return job_verb(o, w, "hold");
}

static bool release(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    (void)s;
    return job_verb(o, w, "release");
}

/* A word of any length: "Key=" and a host list of the order's nodes, after `before`. */
static bool node_list(struct slurm *s, struct slurm_order *o, struct slurm_words *w,
                      const char *key, const char *before)
{
    must(w->texts < MW_ARRAY_LEN(w->text));
    struct text *t = &w->text[w->texts++];
    text_add(t, key);
    text_add(t, before);
    if (before[0] != '\0')
        text_add(t, ",");
    int rc = hostlist_add_nodes(t, s->fleet, o->node, o->nodes);
    slurm_word(w, text_string(t));
    return rc == 0;
}

/* A second later, so that a node on which the attempt was stopped this second does not take the
 * new one's credential for the old one's, which it has revoked. */
static bool start(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    slurm_word(w, "scontrol");
    slurm_word(w, "update");
    slurm_wordf(w, "JobId=%s", o->task);
    slurm_word(w, "StartTime=now+1");
    return o->nodes == 0 || node_list(s, o, w, "ExcNodeList=", o->listed ? o->listed : "");
}

/* As Slurm itself does when a requeued job has completed; it does not when the last of its nodes
 * was set down by hand, and starts the job at once, into the revoked credential. */
static bool delay(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    (void)s;
    slurm_word(w, "scontrol");
    slurm_word(w, "update");
    slurm_wordf(w, "JobId=%s", o->task);
    slurm_word(w, "StartTime=now+10");
    return true;
}

static bool require(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    slurm_word(w, "scontrol");
    slurm_word(w, "update");
    slurm_wordf(w, "JobId=%s", o->task);
    return node_list(s, o, w, "ReqNodeList=", "");
}

static bool reserve(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    int64_t minutes = (o->ev.body.engine.length_ms + MW_MS_PER_MIN - 1) / MW_MS_PER_MIN;
    slurm_word(w, "scontrol");
    slurm_word(w, "create");
    slurm_word(w, "reservation");
    slurm_wordf(w, "ReservationName=mw_%llu", (unsigned long long)o->ev.seq);
    slurm_word(w, "StartTime=now");
    slurm_wordf(w, "Duration=%lld", (long long)MW_MAX(minutes, 1));
    slurm_word(w, "Users=root");
    slurm_word(w, "Flags=MAINT,IGNORE_JOBS");
    return node_list(s, o, w, "Nodes=", "");
}

static bool unreserve(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    (void)s;
    slurm_word(w, "scontrol");
    slurm_word(w, "delete");
    slurm_wordf(w, "ReservationName=%s", o->listed ? o->listed : "");
    return true;
}

bool slurm_verb_command(struct slurm *s, struct slurm_order *o, struct slurm_words *w)
{
    typedef bool make_fn(struct slurm *, struct slurm_order *, struct slurm_words *);
    static make_fn *const make[NEXT_COUNT] = {
        [NEXT_READ] = read_state, [NEXT_DRAIN] = drain, [NEXT_DOWN] = down,
        [NEXT_RESUME] = resume, [NEXT_REQUEUE] = requeue, [NEXT_READ_NODES] = read_nodes,
        [NEXT_DELAY] = delay, [NEXT_START] = start, [NEXT_HOLD] = hold, [NEXT_RELEASE] = release,
        [NEXT_REQUIRE] = require, [NEXT_RESERVE] = reserve, [NEXT_UNRESERVE] = unreserve,
    };
    must(o->next_step < NEXT_COUNT && make[o->next_step]);
    return make[o->next_step](s, o, w);
}

/* ---- nodes ---------------------------------------------------------------------------------- */

/* The next act; after it was carried out in vain a few times, with pauses. */
static void act(struct slurm *s, struct slurm_order *o, enum slurm_next next_step)
{
    if (o->done & 1u << next_step)
        slurm_order_again(s, o, LOOK_AGAIN_NS);
    o->next_step = (uint8_t)next_step;
}

/* Is it out by the wish of the person whose order this is, or of another who asked us? */
static bool is_persons(const struct slurm_order *o, const struct slurm_group *g)
{
    return o->ev.body.engine.class == BOARD_CLASS_PERSON &&
           strstr(g->words, ": " SLURM_PERSON_PREFIX) != NULL;
}

static void decide_out(struct slurm *s, struct slurm_order *o, const struct slurm_group *g,
                       const char *state)
{
    bool want_down = o->ev.body.engine.verb == ENGINE_DOWN;
    bool ours = g->owner == OWNER_OURS || is_persons(o, g);
    bool was_down = o->done & 1u << NEXT_DOWN; /* slurmd has reported since: drained is enough */
    if (g->owner == OWNER_OTHERS && !ours)
        slurm_order_close(o, RESULT_OK, "others have it out: %s, %s", state, g->words);
    else if (ours && (g->service == SERVICE_DOWN || !want_down || was_down))
        slurm_order_close(o, RESULT_OK, "%s, %s", state, g->words);
    else if (!ours || !(g->bits & SLURM_NODE_DRAIN))
        act(s, o, NEXT_DRAIN);
    else
        act(s, o, NEXT_DOWN);
}

static void decide_in(struct slurm *s, struct slurm_order *o, const struct slurm_group *g,
                      const char *state)
{
    if (g->service == SERVICE_IN)
        slurm_order_close(o, RESULT_OK, "%s", state);
    else if (g->owner == OWNER_OTHERS && o->ev.body.engine.class != BOARD_CLASS_PERSON)
        slurm_order_close(o, RESULT_OK, "others have it out: %s, %s", state, g->words);
    else if (g->owner == OWNER_ENGINE)
        slurm_order_close(o, RESULT_FAILED, "the engine has it out: %s, %s", state, g->words);
    else
        act(s, o, NEXT_RESUME);
}

struct looking {
    const struct slurm *s;
    uint32_t node;
    bool found;
};

static int look(void *ctx, const char *name)
{
    struct looking *l = ctx;
    l->found = l->found || slurm_node_find(l->s->fleet, name) == l->node;
    return 0;
}

static bool stands_on(const struct slurm *s, const char *list, uint32_t node)
{
    struct looking l = { .s = s, .node = node };
    return hostlist_each(list, look, &l, NULL) == 0 && l.found;
}

/* The record of the node itself, cut up in place: sinfo -n gives no other than those asked for. 1,
 * 0 = there is none, negative = damaged. */
static int find_node(struct slurm *s, const struct slurm_order *o, char *text,
                     struct slurm_node_text *ret)
{
    char *at = text, *record;
    size_t size;
    for (;;) {
        int rc = slurm_record_next(&at, o->command->end, &record, &size);
        if (rc <= 0)
            return rc;
        rc = slurm_node_read(record, ret, NULL);
        if (rc < 0)
            return rc;
        if (!o->command->shared || stands_on(s, ret->nodes, o->ev.body.engine.node))
            return 1;
    }
}

static void decide_node(struct slurm *s, struct slurm_order *o)
{
    char *copy mw_cleanup(mw_freep) =
        o->command->shared ? mw_strndup(o->command->out, o->command->out_size) : NULL;
    struct slurm_node_text t;
    struct slurm_group g;
    char state[96];
    int rc = MW_ENOMEM;
    if (copy || !o->command->shared)
        rc = find_node(s, o, copy ? copy : o->command->out, &t);
    if (rc == 0 && o->command->shared) {
        o->alone = true; /* asked for by itself, there is no doubt */
        return;
    }
    if (rc == 0) {
        slurm_order_close(o, RESULT_FAILED, "Slurm has no node %s",
                          node_name(s, o->ev.body.engine.node));
        return;
    }
    if (rc < 0) {
        s->stats.lines_bad++;
        slurm_order_again(s, o, LOOK_AGAIN_NS);
        return;
    }
    slurm_group_of(&t, &g);
    (void)slurm_text_clean(t.state, state, sizeof(state));
    if (o->ev.body.engine.verb == ENGINE_RESUME)
        decide_in(s, o, &g, state);
    else
        decide_out(s, o, &g, state);
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static bool is_held(const struct slurm_job_text *j)
{
    return strncmp(j->why, "JobHeld", 7) == 0;
}

/* Has it been restarted since the order was given? */
static bool is_later(const struct slurm *s, const struct slurm_order *o,
                     const struct slurm_job_text *j)
{
    const struct body_engine *e = &o->ev.body.engine;
    const struct board *b = s->board;
    if (e->node != MW_NONE && e->class != BOARD_CLASS_PERSON)
        return !stands_on(s, j->nodes, e->node);
    uint32_t slot = board_job_find(b, e->job);
    return e->attempt != 0 && slot != MW_NONE &&
           j->restarts + 1 > b->job_category[slot] + e->attempt;
}

static void requeue_running(struct slurm *s, struct slurm_order *o,
                            const struct slurm_job_text *j)
{
    if (is_later(s, o, j) || (o->done & 1u << NEXT_REQUEUE))
        slurm_order_close(o, RESULT_OK, "runs on %s", j->nodes);
    else if (!j->requeue)
        slurm_order_close(o, RESULT_FAILED,
                          "may not be requeued (Requeue=0): it runs on as it can");
    else
        act(s, o, NEXT_REQUEUE);
}

static void requeue_waiting(struct slurm *s, struct slurm_order *o,
                            const struct slurm_job_text *j)
{
    if (is_held(j))
        slurm_order_close(o, RESULT_OK, "back in the queue, where it is held: %s", j->why);
    else if (o->done & 1u << NEXT_START)
        slurm_order_close(o, RESULT_OK, "back in the queue, to start at once: %s", j->why);
    else if (o->nodes > 0 && !o->listed)
        act(s, o, NEXT_READ_NODES);
    else
        act(s, o, NEXT_START);
}

static void decide_requeue(struct slurm *s, struct slurm_order *o,
                           const struct slurm_job_text *j)
{
    switch (j->state) {
    case SLURM_JOB_WAITS:
        requeue_waiting(s, o, j);
        return;
    case SLURM_JOB_STARTS:
    case SLURM_JOB_RUNS:
        requeue_running(s, o, j);
        return;
    case SLURM_JOB_COMPLETES:
        if (!(o->done & 1u << NEXT_DELAY)) {
            act(s, o, NEXT_DELAY);
            return;
        }
        slurm_order_wait(s, o, "it is completing still");
        return;
    case SLURM_JOB_OTHER:
        slurm_order_wait(s, o, "it is completing still");
        return;
    default:
        slurm_order_close(o, RESULT_FAILED, j->requeue ? "has ended by itself"
                                                       : "may not be requeued (Requeue=0): over");
    }
}

static void decide_hold(struct slurm *s, struct slurm_order *o, const struct slurm_job_text *j)
{
    if (j->state != SLURM_JOB_WAITS)
        slurm_order_close(o, RESULT_FAILED, "it does not wait any more");
    else if (is_held(j))
        slurm_order_close(o, RESULT_OK, "held: %s", j->why);
    else
        act(s, o, NEXT_HOLD);
}

static void decide_release(struct slurm *s, struct slurm_order *o,
                           const struct slurm_job_text *j)
{
    if (j->state == SLURM_JOB_WAITS && is_held(j))
        act(s, o, NEXT_RELEASE);
    else
        slurm_order_close(o, RESULT_OK, "not held: %s", j->why);
}

static void decide_require(struct slurm *s, struct slurm_order *o,
                           const struct slurm_job_text *j)
{
    bool all = o->listed != NULL;
    if (j->state != SLURM_JOB_WAITS) {
        slurm_order_close(o, RESULT_FAILED, "it does not wait any more");
        return;
    }
    for (uint32_t i = 0; i < o->nodes && all; i++)
        all = stands_on(s, o->listed, o->node[i]);
    if (all)
        slurm_order_close(o, RESULT_OK, "requires %s", o->listed);
    else if (o->listed)
        act(s, o, NEXT_REQUIRE);
    else
        act(s, o, NEXT_READ_NODES);
}

/* The record of the job itself among those that squeue -j gave (an array's number gives all of its
 * tasks).  False: it is not there or cannot be read. */
static bool find_job(struct slurm *s, struct slurm_order *o, struct slurm_job_text *ret)
{
    char *at = o->command->out, *record;
    size_t size;
    while (slurm_record_next(&at, o->command->end, &record, &size) > 0) {
        if (slurm_job_read(record, ret, NULL) < 0)
            s->stats.lines_bad++;
        else if (ret->id == o->ev.body.engine.job)
            return true;
    }
    return false;
}

static void decide_job(struct slurm *s, struct slurm_order *o)
{
    struct slurm_job_text j;
    if (!find_job(s, o, &j)) {
        slurm_order_close(o, RESULT_FAILED, "Slurm does not know the job any more");
        return;
    }
    if (j.task[0] != '\0')
        (void)snprintf(o->task, sizeof(o->task), "%.47s", j.task);
    switch (o->ev.body.engine.verb) {
    case ENGINE_HOLD:
        decide_hold(s, o, &j);
        return;
    case ENGINE_RELEASE:
        decide_release(s, o, &j);
        return;
    case ENGINE_REQUIRE:
        decide_require(s, o, &j);
        return;
    default:
        decide_requeue(s, o, &j);
    }
}

/* ---- reservations --------------------------------------------------------------------------- */

/* The value of "key=" in a line, up to the next blank, cut to size - 1 bytes. */
static bool value_of(const char *line, size_t size, const char *key, char *ret, size_t ret_size)
{
    size_t n = strlen(key);
    for (size_t i = 0; i + n < size; i++) {
        if ((i > 0 && line[i - 1] != ' ') || strncmp(line + i, key, n) != 0)
            continue;
        size_t length = strcspn(line + i + n, " \n");
        length = MW_MIN(length, ret_size - 1);
        memcpy(ret, line + i + n, length);
        ret[length] = '\0';
        return true;
    }
    return false;
}

/* A reservation of ours: by its name, or (name NULL) by a node in it. */
static bool find_reservation(const struct slurm *s, const struct slurm_order *o,
                             const char *wanted, char *ret, size_t ret_size)
{
    char nodes[4096];
    for (const char *line = o->command->out; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        bool ours = value_of(line, size, "ReservationName=", ret, ret_size) &&
                    strncmp(ret, "mw_", 3) == 0;
        if (ours && wanted && strcmp(ret, wanted) == 0)
            return true;
        if (ours && !wanted && value_of(line, size, "Nodes=", nodes, sizeof(nodes)) &&
            stands_on(s, nodes, o->ev.body.engine.node))
            return true;
        line += size;
        line += *line == '\n';
    }
    return false;
}

static void decide_reservation(struct slurm *s, struct slurm_order *o)
{
    char name[64] = "", wanted[32];
    (void)snprintf(wanted, sizeof(wanted), "mw_%llu", (unsigned long long)o->ev.seq);
    bool reserves = o->ev.body.engine.verb == ENGINE_RESERVE;
    bool found = find_reservation(s, o, reserves ? wanted : NULL, name, sizeof(name));
    if (reserves == found) {
        slurm_order_close(o, RESULT_OK, found ? "reservation %s" : "no reservation of ours", name);
        return;
    }
    mw_free(o->listed);
    o->listed = mw_strdup(name);
    act(s, o, reserves ? NEXT_RESERVE : NEXT_UNRESERVE);
}

/* The one line that squeue -o gives. */
static void keep_nodes(struct slurm *s, struct slurm_order *o)
{
    const char *out = o->command->out;
    size_t n = strcspn(out, "\n");
    if (strncmp(out, "(null)", 6) == 0)
        n = 0;
    mw_free(o->listed);
    o->listed = mw_strndup(out, n);
    if (!o->listed)
        slurm_order_again(s, o, LOOK_AGAIN_NS);
    o->next_step = NEXT_READ;
}

void slurm_verb_decide(struct slurm *s, struct slurm_order *o)
{
    uint8_t verb = o->ev.body.engine.verb;
    must(o->command && slurm_command_ok(o->command));
    if (o->next_step == NEXT_READ_NODES)
        keep_nodes(s, o);
    else if (slurm_is_about_job(verb))
        decide_job(s, o);
    else if (verb == ENGINE_RESERVE || verb == ENGINE_UNRESERVE)
        decide_reservation(s, o);
    else
        decide_node(s, o);
}
