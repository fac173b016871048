/*
 * The person at the console.  Approves advice and resets the guard, each after
 * the same delay.  Where the run wants it: rejects some advice, and now and
 * then holds a node, drains one or lowers a hall's mode, and undoes it later,
 * which automation must never do.
 *
 * Where a hall only observes or advises, an approval is refused; the person
 * tries again once the mode allows it.  Commands of one source arrive in their
 * order, so the mode as commanded is the mode that an approval meets.
 */
#include "sim/world_parts.h"

#include "base/mem.h"
#include "sim/draw.h"

#define PERSON 1u
#define WINDOW_NODES_MAX 8u
#define RESET_TEXT "looked at what tripped it; the simulated operator sees no reason to wait"

int person_init(struct world *w)
{
    struct person *p = &w->person;
    uint32_t halls = w->fleet->count[COMPONENT_HALL];
    *p = (struct person){.free = MW_NONE, .waiting = MW_NONE};
    p->hall_mode = mw_calloc(halls, sizeof(*p->hall_mode));
    p->hall_left = mw_calloc(halls, sizeof(*p->hall_left));
    if (p->hall_mode == NULL || p->hall_left == NULL)
        return MW_ENOMEM;
    for (uint32_t h = 0; h < halls; h++)
        p->hall_mode[h] = w->scenario->policy.guard.mode;
    return 0;
}

void person_fini(struct world *w)
{
    mw_free(w->person.row);
    mw_free(w->person.hall_mode);
    mw_free(w->person.hall_left);
}

static struct event command_of(const struct world *w, uint8_t verb)
{
    struct event ev = {.kind = EV_COMMAND, .source = SOURCE_PERSON, .observed_ns = w->now_ns,
                       .actor = PERSON};
    ev.body.command = (struct body_command){.node = MW_NONE, .hall = MW_NONE, .slot = MW_NONE,
                                            .verb = verb};
    return ev;
}

/* ---- answers ------------------------------------------------------------------------------- */

static uint32_t row_take(struct world *w)
{
    struct person *p = &w->person;
    uint32_t row = p->free;
    if (row != MW_NONE) {
        p->free = p->row[row].next;
        return row;
    }
    if (!world_room(w, (void **)&p->row, p->used, &p->room, sizeof(p->row[0])))
        return MW_NONE;
    return p->used++;
}

static void row_release(struct world *w, uint32_t row)
{
    w->person.row[row].next = w->person.free;
    w->person.free = row;
}

/* The answer comes after the delay, or never when that lies beyond the horizon. */
static void answer_later(struct world *w, uint32_t row)
{
    if (!world_push(w, w->now_ns + w->scenario->approve_after_ns,
                    (struct queue_what){.kind = AT_PERSON, .a = row}))
        row_release(w, row);
}

static uint8_t verb_of(const struct world *w, const struct event *ev)
{
    if (ev->kind == EV_GUARD_TRIPPED)
        return CMD_RESET_GUARD;
    uint64_t bits = world_bits(w, ev->body.advice.node, PROCESS_PERSON, SALT_REJECT, ev->seq);
    return mw_random_below(bits, 100) < w->config.doings.reject_percent ? CMD_REJECT : CMD_APPROVE;
}

/* A person from outside answers it. */
static bool is_left(const struct world *w, uint32_t hall)
{
    return hall < w->fleet->count[COMPONENT_HALL] && w->person.hall_left[hall];
}

static void read_advice(struct world *w, const struct event *ev)
{
    const struct body_advice *a = &ev->body.advice;
    bool tripped = ev->kind == EV_GUARD_TRIPPED;
    mark_hit(w->marks, tripped ? MARK_GUARD_TRIPPED : MARK_ADVICE);
    sometimes(w->marks, !tripped && a->reason == GUARD_DOMAIN, MARK_ADVICE_DOMAIN);
    if (w->scenario->approve_after_ns >= DRAW_NS_MAX || is_left(w, a->hall))
        return;
    uint32_t row = row_take(w);
    if (row == MW_NONE)
        return;
    struct event c = command_of(w, verb_of(w, ev));
    c.cause = ev->seq;
    c.body.command.ref = ev->seq;
    c.body.command.node = a->node;
    c.body.command.hall = a->hall;
    c.body.command.slot = a->slot;
    w->person.row[row] = (struct answer){.command = c};
    answer_later(w, row);
}

/* A command is in the record. */
static void mark_command(struct world *w, const struct body_command *c)
{
    struct marks *m = w->marks;
    bool act = c->mode == MODE_ACT;
    switch ((enum command_verb)c->verb) {
    case CMD_APPROVE: mark_hit(m, MARK_ADVICE_APPROVED); break;
    case CMD_REJECT: mark_hit(m, MARK_ADVICE_REJECTED); break;
    case CMD_HOLD: mark_hit(m, MARK_PERSON_HOLD); break;
    case CMD_RELEASE: mark_hit(m, MARK_PERSON_RELEASE); break;
    case CMD_RESET_GUARD: mark_hit(m, MARK_GUARD_RESET); break;
    case CMD_SET_MODE: mark_hit(m, act ? MARK_MODE_ACT_AGAIN : MARK_MODE_LOWERED); break;
    case CMD_DRAIN:
        mark_hit(m, MARK_PERSON_DRAIN);
        sometimes(m, w->attempts.node_row[c->node] != MW_NONE, MARK_PERSON_DRAIN_BUSY);
        break;
    case CMD_ENGINE: break; /* jobs are placed here by us */
    case CMD_WINDOW: break; /* outcome.c marks it */
    }
}

/* Does the mode of its hall, or of any where it is of none, leave this approval without effect? */
static bool is_futile(const struct world *w, const struct body_command *c)
{
    bool futile = false;
    for (uint32_t h = 0; h < w->fleet->count[COMPONENT_HALL]; h++)
        futile |= (c->hall == h || c->hall == MW_NONE) && w->person.hall_mode[h] < MODE_APPROVE;
    return c->verb == CMD_APPROVE && futile;
}

void person_acts(struct world *w, uint32_t row)
{
    struct person *p = &w->person;
    must(row < p->used);
    struct answer *a = &p->row[row];
    struct event c = a->command;
    bool futile = is_futile(w, &c.body.command);
    bool insists = world_bits(w, c.body.command.ref, PROCESS_PERSON, SALT_INSIST, 0) >> 63 != 0;
    c.observed_ns = w->now_ns;
    sometimes(w->marks, a->again && !futile, MARK_APPROVED_AGAIN);
    if (futile && w->config.doings.mode_every_ns > 0) {
        insists = insists && !a->again;
        a->again = true;
        a->next = p->waiting;
        p->waiting = row;
    } else {
        insists = false;
        row_release(w, row);
    }
    if (!futile || insists)
        world_emit(w, &c, c.body.command.verb == CMD_RESET_GUARD ? RESET_TEXT : NULL);
}

/* What waited for the mode of a hall is answered now. */
static void look_again(struct world *w)
{
    struct person *p = &w->person;
    uint32_t row = p->waiting;
    p->waiting = MW_NONE;
    while (row != MW_NONE) {
        uint32_t next = p->row[row].next;
        if (is_futile(w, &p->row[row].command.body.command)) {
            p->row[row].next = p->waiting;
            p->waiting = row;
        } else {
            answer_later(w, row);
        }
        row = next;
    }
}

/* ---- what is in the record ----------------------------------------------------------------- */

/* Somebody else set a mode.  Who lowers it wants to answer what is advised then. */
static void note_mode(struct world *w, const struct body_command *c)
{
    struct person *p = &w->person;
    for (uint32_t h = 0; h < w->fleet->count[COMPONENT_HALL]; h++) {
        if (c->hall != MW_NONE && c->hall != h)
            continue;
        p->hall_mode[h] = c->mode;
        p->hall_left[h] = c->mode < MODE_ACT;
    }
    look_again(w);
}

static void read_command(struct world *w, const struct event *ev)
{
    const struct body_command *c = &ev->body.command;
    mark_command(w, c);
    if (ev->actor != PERSON && c->verb == CMD_SET_MODE)
        note_mode(w, c);
    if (ev->actor == PERSON && c->verb == CMD_WINDOW)
        w->person.window = c->length_ms > 0 ? ev->seq : 0;
}

void person_reads(struct world *w, const struct event *ev)
{
    if (ev->kind == EV_COMMAND)
        read_command(w, ev);
    else if (ev->kind == EV_ADVICE || ev->kind == EV_GUARD_TRIPPED)
        read_advice(w, ev);
}

/* ---- of their own accord ------------------------------------------------------------------- */

static int64_t every_ns(const struct world *w, uint32_t doing)
{
    const struct world_doings *d = &w->config.doings;
    const int64_t every[DOING_COUNT] = {[DOING_HOLD] = d->hold_every_ns,
                                        [DOING_DRAIN] = d->drain_every_ns,
                                        [DOING_MODE] = d->mode_every_ns,
                                        [DOING_WINDOW] = d->window_every_ns};
    must(doing < DOING_COUNT);
    return every[doing];
}

void person_start(struct world *w)
{
    for (uint32_t i = 0; i < DOING_COUNT; i++) {
        if (every_ns(w, i) > 0)
            world_push(w, w->start_ns + every_ns(w, i),
                       (struct queue_what){.kind = AT_DOING, .sub = (uint8_t)i});
    }
}

static void set_mode(struct world *w, uint64_t bits, bool lowers)
{
    static const uint8_t modes[] = {MODE_OBSERVE, MODE_ADVISE, MODE_APPROVE};
    uint32_t halls = w->fleet->count[COMPONENT_HALL];
    uint32_t hall = (uint32_t)mw_random_below(bits, (uint64_t)halls + 1); /* halls = all of them */
    struct event c = command_of(w, CMD_SET_MODE);
    c.body.command.hall = hall < halls ? hall : MW_NONE;
    c.body.command.mode = lowers ? modes[bits % MW_ARRAY_LEN(modes)] : MODE_ACT;
    for (uint32_t h = 0; h < halls; h++) {
        if (hall == halls || h == hall)
            w->person.hall_mode[h] = c.body.command.mode;
    }
    world_emit(w, &c, lowers ? "a firmware is rolled out" : "it is over");
    look_again(w);
}

static void set_hold(struct world *w, uint64_t bits, uint8_t verb, const char *why)
{
    struct event c = command_of(w, verb);
    c.body.command.node = (uint32_t)mw_random_below(bits, w->nodes);
    world_emit(w, &c, why);
}

/* Up to eight nodes, from an hour's to a day's notice, for up to a day. */
static void plan_window(struct world *w, uint64_t bits)
{
    struct event c = command_of(w, CMD_WINDOW);
    struct body_command *b = &c.body.command;
    uint32_t most = MW_MIN(w->nodes, WINDOW_NODES_MAX);
    b->count = 1 + (uint32_t)(bits >> 8) % most;
    b->node = (uint32_t)mw_random_below(bits, (uint64_t)w->nodes - b->count + 1);
    b->ref = (uint64_t)(mw_ms(w->now_ns) + MW_MS_PER_HOUR * (1 + (int64_t)(bits >> 16) % 24));
    b->length_ms = MW_MS_PER_HOUR * (1 + (int64_t)(bits >> 24) % 24);
    world_emit(w, &c, "new hoses");
}

/* The window may be over already: then nothing is left to end. */
static void end_window(struct world *w)
{
    struct event c = command_of(w, CMD_WINDOW);
    c.body.command.ref = w->person.window;
    if (w->person.window != 0)
        world_emit(w, &c, "the hoses came early");
}

/* Even counts do something, odd ones undo the same. */
void person_does(struct world *w, uint32_t doing, uint32_t nth)
{
    uint64_t bits = world_bits(w, 0, PROCESS_PERSON, doing, nth / 2);
    bool does = nth % 2 == 0;
    if (doing == DOING_MODE)
        set_mode(w, bits, does);
    else if (doing == DOING_WINDOW && does)
        plan_window(w, bits >> 1);
    else if (doing == DOING_WINDOW)
        end_window(w);
    else if (doing == DOING_HOLD)
        set_hold(w, bits, does ? CMD_HOLD : CMD_RELEASE, "kept for a visitor");
    else
        set_hold(w, bits, does ? CMD_DRAIN : CMD_RELEASE, "moved to another rack");
    if (does || w->now_ns + every_ns(w, doing) < w->quiet_ns)
        world_push(w, w->now_ns + every_ns(w, doing),
                   (struct queue_what){.kind = AT_DOING, .sub = (uint8_t)doing, .b = nth + 1});
}
