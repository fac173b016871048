/*
 * What machines are asked to do, and how it ended.  A committed action.started
 * becomes an `act` frame to the node's agent, or to the gatherer that acts for
 * the machine by its BMC; what that one read back becomes action.ended.
 *
 * The id on the wire is (epoch, sequence): those of a record that was cut and
 * goes on under a new epoch are later than all before, whatever their sequence.
 * An action is asked again when its peer says hello again, with what is left of
 * its lease: 0 asks only what became of it.  Nobody asked within the lease:
 * failed, not begun.  Asked, and no answer within the time of its step: unknown.
 * A reboot is ok only with a new boot id.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live/agents_private.h"
#include "live/policy_ladders.h"

#define ID_SEQ_BITS 40
#define LEASE_MS_DEFAULT (5 * MW_MS_PER_MIN) /* where the policy gives none; as in scenarios */
#define NOBODY_NS (30 * MW_NS_PER_S) /* so long one who is not there may take to come.  Chosen */
#define FRESH_NS (2 * MW_NS_PER_S) /* older when it comes here: another run of us may have asked */

/* How long an answer is waited for once the lease is over.  Chosen: more than the deadlines that an
 * executor has without its policy saying others (agent/exec_policy.c); a server's start takes 5 to
 * 10 minutes. */
static int64_t patience_ns(uint8_t step)
{
    bool starts = step == STEP_REBOOT || step == STEP_POWER_CYCLE;
    return (starts ? 20 : 3) * MW_NS_PER_MIN;
}

static const char *word_of(uint8_t step)
{
    static const char *const words[] = {
        [STEP_RESET_GPU] = "reset-gpu", [STEP_RESTART_SERVICE] = "restart-service",
        [STEP_REBOOT] = "reboot", [STEP_POWER_CYCLE] = "power-cycle" };
    return step < MW_ARRAY_LEN(words) ? words[step] : NULL;
}

static uint64_t id_of(const struct acting *c)
{
    must(c->seq >> ID_SEQ_BITS == 0 && c->epoch >> (63 - ID_SEQ_BITS) == 0);
    return (uint64_t)c->epoch << ID_SEQ_BITS | c->seq;
}

/* Who can do it; MW_NONE: nobody that we know. */
static uint32_t peer_of(const struct agents *a, const struct acting *c)
{
    if (c->order.node == MW_NONE)
        return MW_NONE;
    return c->order.who == WHO_AGENT ? c->order.node : a->bmc[c->order.node];
}

/* Neither was it asked nor is anybody there who could be, as far as we know. */
static bool is_nobodys(const struct agents *a, const struct acting *c)
{
    uint32_t node = c->order.node;
    if (c->sent || node == MW_NONE)
        return !c->sent;
    if (c->order.who != WHO_AGENT)
        return a->bmc[node] == MW_NONE;
    return a->agent[node].watch == WATCH_NEVER || a->agent[node].watch == WATCH_PARKED;
}

/* ---- asking -------------------------------------------------------------------------------- */

static void name_gpu(const struct agents *a, const struct acting *c, struct agent_frame *f)
{
    uint32_t node = c->order.node, first = a->board->fleet->node_gpu_first[node];
    uint32_t gpu = component_index_of(c->order.component) - first;
    if (component_kind_of(c->order.component) != COMPONENT_GPU ||
        gpu >= a->board->fleet->node_gpus[node])
        return;
    f->gpu = (int32_t)gpu;
    if (gpu >= a->agent[node].gpus)
        return;
    uint32_t pci = a->gpu[(size_t)node * AGENT_GPUS_MAX + gpu];
    (void)snprintf(f->name, sizeof(f->name), "%04x:%02x:%02x.0", pci >> 16, (pci >> 8) & 0xff,
                   (pci >> 3) & 31);
}

static void ask(struct agents *a, int64_t now_ns, struct acting *c)
{
    uint32_t peer = peer_of(a, c);
    struct agent_frame f = { .verb = AGENT_ACT, .n = id_of(c), .gpu = -1 };
    const char *word = word_of(c->order.step), *name = "";
    if (peer == MW_NONE || word == NULL || c->order.result != 0)
        return;
    f.lease_ms = MW_MAX((c->lease_ns - now_ns) / MW_NS_PER_MS, 0);
    (void)snprintf(f.action, sizeof(f.action), "%s", word);
    if (c->order.step == STEP_RESET_GPU)
        name_gpu(a, c, &f);
    else if (c->order.step == STEP_RESTART_SERVICE)
        name = live_ladder_unit(a->o.control->policy.care.class[c->order.class].name);
    else if (c->order.step == STEP_POWER_CYCLE)
        name = fleet_name(a->board->fleet, component_id(COMPONENT_NODE, c->order.node));
    if (name[0] != '\0')
        (void)snprintf(f.name, sizeof(f.name), "%s", name);
    if (a->o.send(a->o.send_ctx, peer, &f))
        c->sent = true;
}

void agents_actions_ask(struct agents *a, int64_t now_ns, uint32_t peer)
{
    for (uint32_t i = 0; i < a->actings; i++)
        if (peer_of(a, &a->acting[i]) == peer)
            ask(a, now_ns, &a->acting[i]);
}

void agents_machines_anew(struct agents *a, uint32_t peer)
{
    for (uint32_t n = 0; n < a->nodes; n++)
        if (a->bmc[n] == peer)
            a->bmc[n] = MW_NONE;
}

void agents_machine(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f)
{
    uint64_t id = fleet_find(a->board->fleet, f->name);
    must(peer >= a->nodes && peer < a->nodes + AGENT_GATHERS_MAX);
    if (id == 0 || component_kind_of(id) != COMPONENT_NODE)
        return; /* a machine that is none of the site's: a PDU, a switch */
    uint32_t node = component_index_of(id);
    if (f->acts)
        a->bmc[node] = peer;
    else if (a->bmc[node] == peer)
        a->bmc[node] = MW_NONE;
    if (f->acts)
        agents_actions_ask(a, now_ns, peer);
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Submits what became of it; it is kept while that cannot be recorded.  False: kept. */
static bool end(struct agents *a, int64_t now_ns, struct acting *c, uint8_t result,
                const char *text)
{
    struct event fact = { .kind = EV_ACTION_ENDED, .observed_ns = now_ns, .cause = c->seq };
    uint32_t node = c->order.node;
    if (c->order.result == 0) {
        c->order.result = result;
        (void)snprintf(c->text, sizeof(c->text), "%s", text[0] != '\0' ? text : "no word of it");
        for (char *s = c->text; *s != '\0'; s++) /* bytes from outside, into the record */
            *s = (unsigned char)*s < ' ' || (unsigned char)*s > '~' ? '?' : *s;
        a->stats.actions_ok += result == RESULT_OK;
        a->stats.actions_failed += result == RESULT_FAILED;
        a->stats.actions_unknown += result == RESULT_UNKNOWN;
    }
    fact.source = node == MW_NONE ? SOURCE_FABRIC : SOURCE_NODE + node;
    fact.body.order = c->order;
    fact.tail_size = (uint32_t)strlen(c->text);
    if (a->o.facts.submit(a->o.facts.ctx, &fact, c->text) == ADMIT_GAP)
        return false;
    *c = a->acting[--a->actings];
    return true;
}

void agents_acted(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f)
{
    must(f != NULL && peer < a->nodes + AGENT_GATHERS_MAX);
    struct acting *c = NULL;
    for (uint32_t i = 0; i < a->actings && c == NULL; i++)
        if (id_of(&a->acting[i]) == f->n && peer_of(a, &a->acting[i]) == peer)
            c = &a->acting[i];
    if (c == NULL || c->order.result != 0)
        return; /* answered before, given up, or another's */
    must(f->result >= RESULT_OK && f->result <= RESULT_UNKNOWN);
    bool same = c->order.step == STEP_REBOOT && c->order.who == WHO_AGENT && c->boot != 0 &&
                a->agent[c->order.node].boot == c->boot;
    if (same && f->result == RESULT_OK)
        (void)end(a, now_ns, c, RESULT_UNKNOWN, "said to be done, but the boot id is the same");
    else
        (void)end(a, now_ns, c, f->result, f->text);
}

void agents_actions_booted(struct agents *a, int64_t now_ns, uint32_t node)
{
    for (uint32_t i = 0; i < a->actings;) {
        struct acting *c = &a->acting[i];
        bool rebooted = c->order.node == node && c->order.step == STEP_REBOOT &&
                        c->order.who == WHO_AGENT && c->sent && c->boot != 0 &&
                        c->boot != a->agent[node].boot && c->order.result == 0;
        if (!rebooted || !end(a, now_ns, c, RESULT_OK, "read back: the node has a new boot id"))
            i++;
    }
}

void agents_actions_due(struct agents *a, int64_t now_ns)
{
    for (uint32_t i = 0; i < a->actings;) {
        struct acting *c = &a->acting[i];
        bool ended = false;
        if (c->order.result != 0)
            ended = end(a, now_ns, c, c->order.result, c->text);
        else if (word_of(c->order.step) == NULL)
            ended = end(a, now_ns, c, RESULT_FAILED, "no program of ours does this: not begun");
        else if (!c->sent && (now_ns >= c->lease_ns || (now_ns >= c->early_ns && is_nobodys(a, c))))
            ended = end(a, now_ns, c, RESULT_FAILED,
                        c->order.who == WHO_AGENT
                            ? "no agent took it within its lease: not begun"
                            : "no gatherer that acts for this machine: not begun");
        else if (now_ns >= c->due_ns)
            ended = end(a, now_ns, c, RESULT_UNKNOWN, "its agent has not said what became of it");
        i += !ended;
    }
}

void agents_action_started(struct agents *a, int64_t now_ns, const struct event *action)
{
    const struct body_order *o = &action->body.order;
    must(o->node == MW_NONE || o->node < a->nodes);
    for (uint32_t i = 0; i < a->actings; i++)
        if (a->acting[i].seq == action->seq)
            return;
    if (a->actings == a->acting_room) {
        uint32_t room = MW_MAX(2 * a->acting_room, 64u);
        struct acting *bigger = mw_resize(a->acting, room, sizeof(*bigger));
        must(bigger != NULL); /* the decision is taken: there is no way back without this memory */
        a->acting = bigger;
        a->acting_room = room;
    }
    int64_t lease_ms = o->lease_ms > 0 ? o->lease_ms : LEASE_MS_DEFAULT;
    struct acting *c = &a->acting[a->actings++];
    *c = (struct acting){ .seq = action->seq, .epoch = action->epoch, .order = *o,
                          .lease_ns = action->time_ns + lease_ms * MW_NS_PER_MS };
    c->order.result = 0;
    c->early_ns = MW_MIN(c->lease_ns, action->time_ns + NOBODY_NS);
    c->due_ns = c->lease_ns + patience_ns(o->step);
    c->sent = now_ns - action->time_ns > FRESH_NS;
    if (o->node != MW_NONE)
        c->boot = a->agent[o->node].boot;
    ask(a, now_ns, c);
}
