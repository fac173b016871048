/*
 * Gatherers: who of them is there, by name; and the numbers of events of every
 * peer, by which each is taken once, in order, and acknowledged when durable.
 */
#include <string.h>

#include "live/agents_private.h"

/* ---- who ----------------------------------------------------------------------------------- */

/* The gatherer's place: its own, else a free one, else that of the one gone for longest. */
static struct gatherer *place_of(struct agents *a, const char *name)
{
    struct gatherer *free = NULL;
    for (uint32_t i = 0; i < AGENT_GATHERS_MAX; i++) {
        struct gatherer *g = &a->gather[i];
        if (g->name[0] != '\0' && strcmp(g->name, name) == 0)
            return g;
        if (!g->connected && (free == NULL || g->heard_ns < free->heard_ns))
            free = g;
    }
    return free;
}

int agents_gather_hello(struct agents *a, int64_t now_ns, const struct agent_frame *hello,
                        uint32_t *ret_peer, struct mw_error *err)
{
    struct gatherer *g = place_of(a, hello->name);
    if (hello->name[0] == '\0')
        return mw_fail(err, MW_EINVAL, "a gatherer needs a name: give mw-gather --name");
    if (g == NULL)
        return mw_fail(err, MW_ELIMIT, "%u gatherers are connected, more are not taken",
                       AGENT_GATHERS_MAX);
    if (strcmp(g->name, hello->name) != 0)
        *g = (struct gatherer){ .heard_ns = now_ns };
    memcpy(g->name, hello->name, sizeof(g->name));
    g->connected = true;
    g->heard_ns = now_ns;
    a->stats.frames++;
    *ret_peer = a->nodes + (uint32_t)(g - a->gather);
    agents_machines_anew(a, *ret_peer);
    return 0;
}

void agents_gather_heard(struct agents *a, int64_t now_ns, uint32_t peer,
                         const struct agent_frame *f)
{
    struct gatherer *g = &a->gather[peer - a->nodes];
    g->heard_ns = now_ns;
    switch (f->verb) {
    case AGENT_BEAT:
        a->stats.beats++;
        return;
    case AGENT_BYE:
        g->connected = false;
        return;
    case AGENT_MACHINE:
        agents_machine(a, now_ns, peer, f);
        agents_said(a, now_ns, peer, f);
        return;
    case AGENT_SOURCE:
    case AGENT_PART:
    case AGENT_FINDING:
        agents_said(a, now_ns, peer, f);
        return;
    case AGENT_ACTED:
        agents_acted(a, now_ns, peer, f);
        return;
    default:
        a->stats.frames_refused++; /* of a node, not of a gatherer */
    }
}

/* ---- numbers of events --------------------------------------------------------------------- */

void agents_spool_hello(struct agents *a, uint32_t peer, const struct agent_frame *hello)
{
    struct agents_spool *s = &a->spool[peer];
    uint64_t id = hello->spool[0] == '\0'
                      ? 0 : mw_hash64_of(hello->spool, strnlen(hello->spool, sizeof(hello->spool)));
    uint64_t before = hello->e > 0 ? hello->e - 1 : 0; /* the agent knows that these are durable */
    if (s->id != id)
        *s = (struct agents_spool){ .id = id, .taken = before, .acked = before,
                                    .pending = s->pending };
    s->taken = MW_MAX(s->taken, before);
    s->acked = before; /* what is past it is acknowledged (again) */
    if (s->taken > before)
        agents_spool_pending(a, peer);
}

bool agents_spool_takes(struct agents *a, uint32_t peer, const struct agent_frame *f)
{
    const struct agents_spool *s = &a->spool[peer];
    if (s->taken > s->acked)
        agents_spool_pending(a, peer); /* it had no connection when it was to be told */
    if (f->e == 0 || s->id == 0 || !agent_verb_is_event(f->verb) || f->e == s->taken + 1)
        return true;
    if (f->e <= s->taken) {
        a->stats.events_again++;
        agents_spool_pending(a, peer);
    } else {
        a->stats.events_early++;
    }
    return false;
}

void agents_spool_pending(struct agents *a, uint32_t peer)
{
    struct agents_spool *s = &a->spool[peer];
    if (s->pending)
        return;
    s->pending = true;
    must(a->pendings < a->nodes + AGENT_GATHERS_MAX);
    a->pending[a->pendings++] = peer;
}

void agents_taken(struct agents *a, uint32_t peer, const struct agent_frame *f)
{
    struct agents_spool *s = &a->spool[peer];
    must(peer < a->nodes + AGENT_GATHERS_MAX);
    if (f->e == 0 || s->id == 0 || !agent_verb_is_event(f->verb) || f->e != s->taken + 1)
        return;
    s->taken = f->e;
    agents_spool_pending(a, peer);
}

/* One that has no connection now says hello later, and what it was not told of is told then. */
void agents_committed(struct agents *a)
{
    for (uint32_t i = 0; i < a->pendings; i++) {
        struct agents_spool *s = &a->spool[a->pending[i]];
        const struct agent_frame ack = { .verb = AGENT_ACK, .n = s->taken };
        s->pending = false;
        if (s->id == 0 || !a->o.send(a->o.send_ctx, a->pending[i], &ack))
            continue;
        s->acked = s->taken;
        a->stats.acks++;
    }
    a->pendings = 0;
}
