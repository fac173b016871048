/*
 * The person at the console: approves every advice and resets the guard, each
 * after the same delay; on request holds a node now and then, and gives it
 * back, which automation must never do.
 */
#include "sim/world_parts.h"

#include "base/mem.h"
#include "sim/draw.h"

#define PERSON 1u
#define RESET_TEXT "looked at what tripped it; the simulated operator sees no reason to wait"
#define HOLD_TEXT "kept for a visitor"

void person_fini(struct world *w)
{
    mw_free(w->person.row);
}

static struct event command_of(const struct world *w, uint8_t verb)
{
    struct event ev = {.kind = EV_COMMAND, .source = SOURCE_PERSON, .observed_ns = w->now_ns,
                       .actor = PERSON};
    ev.body.command = (struct body_command){.node = MW_NONE, .hall = MW_NONE, .slot = MW_NONE,
                                            .verb = verb};
    return ev;
}

void person_start(struct world *w)
{
    if (w->config.hold_every_ns > 0)
        world_push(w, w->start_ns + w->config.hold_every_ns,
                   (struct queue_what){.kind = AT_HOLD, .b = 0});
}

void person_reads(struct world *w, const struct event *ev)
{
    struct person *p = &w->person;
    bool tripped = ev->kind == EV_GUARD_TRIPPED;
    if (!tripped && ev->kind != EV_ADVICE)
        return;
    mark_hit(w->marks, tripped ? MARK_GUARD_TRIPPED : MARK_ADVICE);
    if (w->scenario->approve_after_ns >= DRAW_NS_MAX ||
        !world_room(w, (void **)&p->row, p->used, &p->room, sizeof(p->row[0])))
        return;
    const struct body_advice *a = &ev->body.advice;
    struct event c = command_of(w, tripped ? CMD_RESET_GUARD : CMD_APPROVE);
    c.cause = ev->seq;
    c.body.command.ref = ev->seq;
    c.body.command.node = a->node;
    c.body.command.hall = a->hall;
    c.body.command.slot = a->slot;
    p->row[p->used++] = c;
    if (!world_push(w, w->now_ns + w->scenario->approve_after_ns,
                    (struct queue_what){.kind = AT_PERSON, .a = p->used - 1}))
        p->used--;
}

void person_acts(struct world *w, uint32_t row)
{
    struct person *p = &w->person;
    must(row < p->used);
    struct event c = p->row[row];
    c.observed_ns = w->now_ns;
    p->acted++;
    if (p->acted == p->used)
        p->acted = p->used = 0;
    bool reset = c.body.command.verb == CMD_RESET_GUARD;
    mark_hit(w->marks, reset ? MARK_GUARD_RESET : MARK_ADVICE_APPROVED);
    world_emit(w, &c, reset ? RESET_TEXT : NULL);
}

/* Even counts hold a node, odd ones give the same back. */
void person_holds(struct world *w, uint32_t nth)
{
    uint64_t bits = world_bits(w, 0, PROCESS_PERSON, 0, nth / 2);
    bool holds = nth % 2 == 0;
    struct event c = command_of(w, holds ? CMD_HOLD : CMD_RELEASE);
    c.body.command.node = (uint32_t)mw_random_below(bits, w->nodes);
    sometimes(w->marks, holds, MARK_PERSON_HOLD);
    world_emit(w, &c, HOLD_TEXT);
    if (holds || w->now_ns + w->config.hold_every_ns < w->quiet_ns)
        world_push(w, w->now_ns + w->config.hold_every_ns,
                   (struct queue_what){.kind = AT_HOLD, .b = nth + 1});
}
