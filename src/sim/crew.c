/*
 * Work orders.  They wait for their part, then in two lines, nodes before other
 * parts, each first come, first served but for those that were escalated.  A
 * crew works on the fault that it finds: the one it was sent for, else another
 * on the same part, else any on the node, else one that an earlier step hid.
 *
 * A crew that is sent to a part with nothing wrong (a cause that was inferred)
 * says so, and the order has failed.
 */
#include "sim/world_parts.h"

#include "base/mem.h"
#include "sim/draw.h"

#define VISIT_SHIFT 48 /* the visits of one fault draw their own repair times */
#define LOOK_NS (30 * MW_NS_PER_MIN) /* chosen: to see that nothing is wrong */
#define LATE_NS_MAX (12 * MW_NS_PER_HOUR) /* chosen: said on the next shift */

int crew_init(struct world *w)
{
    struct crew *c = &w->crew;
    c->free = MW_NONE;
    c->line[0] = c->line[1] = (struct order_line){MW_NONE, MW_NONE};
    c->incidents = w->config.incidents_max;
    c->incident_seq = mw_calloc(c->incidents, sizeof(*c->incident_seq));
    return c->incident_seq == NULL ? MW_ENOMEM : 0;
}

void crew_fini(struct world *w)
{
    mw_free(w->crew.row);
    mw_free(w->crew.incident_seq);
}

/* ---- rows and lines ------------------------------------------------------------------------ */

static uint32_t order_take(struct world *w)
{
    struct crew *c = &w->crew;
    uint32_t row = c->free;
    if (row != MW_NONE) {
        c->free = c->row[row].next;
        return row;
    }
    if (!world_room(w, (void **)&c->row, c->used, &c->room, sizeof(c->row[0])))
        return MW_NONE;
    c->row[c->used].generation = 0;
    return c->used++;
}

static void order_release(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    o->state = ORDER_FREE;
    o->generation++;
    o->next = w->crew.free;
    w->crew.free = row;
}

static struct order_line *line_of(struct world *w, const struct order *o)
{
    return &w->crew.line[o->body.node == MW_NONE];
}

static void line_add(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    struct order_line *l = line_of(w, o);
    if (l->last == MW_NONE)
        l->first = row;
    else
        w->crew.row[l->last].next = row;
    l->last = row;
    o->next = MW_NONE;
    o->state = ORDER_LINE;
    mark_hit(w->marks, MARK_CREW_QUEUE);
}

static void line_remove(struct world *w, uint32_t row)
{
    struct order_line *l = line_of(w, &w->crew.row[row]);
    uint32_t before = MW_NONE, at = l->first;
    while (at != row) {
        must(at != MW_NONE);
        before = at;
        at = w->crew.row[at].next;
    }
    if (before == MW_NONE)
        l->first = w->crew.row[row].next;
    else
        w->crew.row[before].next = w->crew.row[row].next;
    if (l->last == row)
        l->last = before;
}

static uint32_t line_next(struct world *w)
{
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t row = w->crew.line[i].first;
        if (row == MW_NONE)
            continue;
        line_remove(w, row);
        return row;
    }
    return MW_NONE;
}

/* The order that an incident waits for, opened before this sequence; MW_NONE.  Few are open. */
static uint32_t order_of(const struct world *w, const struct body_order *b, uint64_t seq)
{
    const struct crew *c = &w->crew;
    for (uint32_t row = 0; row < c->used; row++) {
        const struct order *o = &c->row[row];
        if (o->state != ORDER_FREE && o->body.slot == b->slot && o->body.incident == b->incident &&
            o->seq < seq)
            return row;
    }
    return MW_NONE;
}

static uint64_t nth_of(const struct order *o, uint64_t nth)
{
    return nth | (uint64_t)o->body.visit << VISIT_SHIFT;
}

static void agenda(struct world *w, uint32_t row, int64_t time_ns, uint8_t kind)
{
    world_push(w, time_ns, (struct queue_what){.kind = kind, .a = row,
                                               .b = w->crew.row[row].generation});
}

/* ---- until hands are on -------------------------------------------------------------------- */

static void start(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    w->crew.busy++;
    o->state = ORDER_COMING;
    double u = world_unit(w, o->body.component, PROCESS_CREW, SALT_START,
                          nth_of(o, o->body.finding));
    agenda(w, row, w->now_ns + draw_ns(&w->scenario->crew_start, u), AT_TAKEN);
}

static void next_order(struct world *w)
{
    must(w->crew.busy > 0);
    w->crew.busy--;
    uint32_t row = line_next(w);
    if (row != MW_NONE)
        start(w, row);
}

/* Does the trace say how long it takes?  So for its own faults, and in a world with no others; but
 * not how long it is to have another node. */
static bool is_traced(const struct world *w, const struct order *o)
{
    uint32_t at = faults_find(w, o->body.finding, o->body.component, o->body.node);
    if (w->config.trace == NULL || o->vendor)
        return false;
    return at == MW_NONE ? w->scenario->processes == 0
                         : w->faults.row[at].process == PROCESS_TRACE;
}

bool crew_is_new(struct world *w, const struct event *action)
{
    const struct body_order *b = &action->body.order;
    if (b->slot >= w->crew.incidents) {
        w->trouble = "an order names an incident that cannot be";
        return false;
    }
    if (action->seq <= w->crew.incident_seq[b->slot]) {
        world_again(w);
        return false;
    }
    w->crew.incident_seq[b->slot] = action->seq;
    return true;
}

void crew_has_part(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    if (o->traced || o->vendor) {
        o->state = ORDER_COMING;
        agenda(w, row, w->now_ns, AT_TAKEN);
    } else if (w->scenario->crews == 0 || w->crew.busy < w->scenario->crews) {
        start(w, row);
    } else {
        line_add(w, row);
    }
}

void crew_order(struct world *w, const struct event *action)
{
    const struct body_order *b = &action->body.order;
    if ((b->node != MW_NONE && b->node >= w->nodes) || b->step >= STEP_COUNT) {
        w->trouble = "an order names a node or a step that does not exist";
        return;
    }
    if (!crew_is_new(w, action))
        return;
    uint32_t row = order_take(w);
    if (row == MW_NONE)
        return;
    struct order *o = &w->crew.row[row];
    uint64_t source = b->finding >> 40;
    *o = (struct order){.body = *b, .seq = action->seq, .next = MW_NONE, .fault_row = MW_NONE,
                        .generation = o->generation, .state = ORDER_PART, .result = RESULT_OK,
                        .vendor = b->who == WHO_VENDOR || b->step == STEP_RMA,
                        .known = b->node != MW_NONE || source == SOURCE_NONE ||
                                 source == SOURCE_FABRIC};
    o->traced = is_traced(w, o);
    if (o->traced || depot_take(w, row))
        crew_has_part(w, row);
}

/* ---- hands on ------------------------------------------------------------------------------ */

static void tell(struct world *w, const struct order *o, uint16_t kind, const char *text)
{
    struct event ev = {.kind = kind, .source = SOURCE_CREW, .observed_ns = w->now_ns,
                       .cause = o->seq};
    ev.body.order = o->body;
    ev.body.order.result = kind == EV_ORDER_ENDED ? o->result : 0;
    world_emit(w, &ev, text);
}

int64_t crew_expected_ns(const struct world *w, uint16_t class, uint8_t step)
{
    const struct care_policy *p = &w->scenario->policy.care;
    if (class >= p->classes)
        return 0;
    const struct care_class *k = &p->class[class];
    for (uint32_t i = 0; i < k->steps; i++) {
        if (k->ladder[i].step == step)
            return k->ladder[i].duration_ms * MW_NS_PER_MS;
    }
    return 0;
}

static int64_t hands_on_ns(const struct world *w, uint32_t process, const struct order *o,
                           uint64_t nth)
{
    const struct scenario_mix *takes = &w->scenario->step[o->body.step].takes;
    uint64_t key = nth_of(o, nth);
    if (takes->n > 0)
        return draw_mix_ns(
            takes, world_bits(w, o->body.component, PROCESS_CREW, SALT_TAKES_PICK, key),
            world_unit(w, o->body.component, PROCESS_CREW, SALT_TAKES, key));
    if (o->vendor)
        return crew_expected_ns(w, o->body.class, o->body.step);
    if (process >= w->scenario->processes)
        return 0;
    return draw_mix_ns(&w->scenario->process[process].repair,
                       world_bits(w, o->body.component, process, SALT_REPAIR_PICK, key),
                       world_unit(w, o->body.component, process, SALT_REPAIR, key));
}

/* Nothing to be found where the crew was sent: when it is done all the same. */
static int64_t looked_at(struct world *w, struct order *o)
{
    uint8_t uncured = o->body.node == MW_NONE ? 0 : w->gates.node_uncured[o->body.node];
    if (uncured != 0)
        return w->now_ns + hands_on_ns(w, uncured - 1u, o, o->body.finding);
    if (o->vendor)
        return w->now_ns + hands_on_ns(w, MW_NONE, o, o->body.finding);
    if (o->known)
        return w->now_ns;
    o->result = RESULT_FAILED;
    return w->now_ns + LOOK_NS;
}

/* When the crew will be done, and with which fault. */
static int64_t repaired_at(struct world *w, struct order *o)
{
    const struct body_order *b = &o->body;
    uint32_t at = faults_find(w, b->finding, b->component, b->node);
    if (at == MW_NONE)
        at = faults_find_hidden(w, b->finding, b->component, b->node);
    if (at == MW_NONE)
        return looked_at(w, o);
    struct fault *f = &w->faults.row[at];
    o->fault = f->number;
    o->fault_row = at;
    if (o->traced && f->process == PROCESS_TRACE)
        return MW_MAX(w->feeds.trace_end_ns[f->nth], w->now_ns);
    if (f->flags & FAULT_LATENT || o->vendor)
        return w->now_ns + hands_on_ns(w, f->process, o, f->nth);
    if (f->repaired_ns == MW_NEVER)
        f->repaired_ns = w->now_ns + hands_on_ns(w, f->process, o, f->nth);
    return MW_MAX(f->repaired_ns, w->now_ns);
}

/* An escalated order is done within this from now. */
static int64_t hurried_ns(const struct world *w, const struct order *o)
{
    uint64_t key = nth_of(o, o->body.finding) ^ (uint64_t)o->body.level << 32;
    if (w->scenario->escalated.n == 0)
        return MW_NEVER - w->now_ns;
    return draw_mix_ns(
        &w->scenario->escalated,
        world_bits(w, o->body.component, PROCESS_CREW, SALT_ESCALATED_PICK, key),
        world_unit(w, o->body.component, PROCESS_CREW, SALT_ESCALATED, key));
}

/* Another order about the same fault ends with this one. */
static void note_end(struct world *w, const struct order *o)
{
    if (o->fault != 0 && faults_is_open(w, o->fault_row, o->fault))
        w->faults.row[o->fault_row].repaired_ns = o->ends_ns;
}

void crew_taken(struct world *w, uint32_t row, uint32_t generation)
{
    struct order *o = &w->crew.row[row];
    if (o->generation != generation)
        return;
    o->state = ORDER_HANDS;
    tell(w, o, EV_ORDER_TAKEN, NULL);
    o->ends_ns = repaired_at(w, o);
    if (o->body.level > 0 && o->ends_ns > w->now_ns + hurried_ns(w, o)) {
        o->ends_ns = w->now_ns + hurried_ns(w, o);
        note_end(w, o);
    }
    agenda(w, row, o->ends_ns, AT_REPAIRED);
}

/* ---- escalated, withdrawn ------------------------------------------------------------------ */

static void to_the_front(struct world *w, uint32_t row)
{
    struct order_line *l = line_of(w, &w->crew.row[row]);
    sometimes(w->marks, l->first != row, MARK_ESCALATED_AHEAD);
    line_remove(w, row);
    w->crew.row[row].next = l->first;
    l->first = row;
    if (l->last == MW_NONE)
        l->last = row;
}

/* Whoever took it has not done it: a crew is sent after all. */
static void send_crew(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    o->state = ORDER_PART;
    if (o->traced || o->has_part || depot_take(w, row))
        crew_has_part(w, row);
}

void crew_escalate(struct world *w, const struct event *notice)
{
    const struct body_order *b = &notice->body.order;
    uint32_t row = order_of(w, b, notice->seq);
    if (row == MW_NONE || b->level <= w->crew.row[row].body.level)
        return;
    struct order *o = &w->crew.row[row];
    o->body.level = b->level;
    w->crew.escalated++;
    mark_hit(w->marks, MARK_ESCALATED);
    if (o->state == ORDER_PERSON) {
        send_crew(w, row);
        return;
    }
    if (o->state == ORDER_LINE)
        to_the_front(w, row);
    if (o->state != ORDER_HANDS || o->ends_ns <= w->now_ns + hurried_ns(w, o))
        return;
    o->ends_ns = w->now_ns + hurried_ns(w, o);
    note_end(w, o);
    mark_hit(w->marks, MARK_ESCALATED_SOONER);
    o->generation++;
    agenda(w, row, o->ends_ns, AT_REPAIRED);
}

/* Not repaired: the next order about the fault takes its own time. */
static void hands_off(struct world *w, const struct order *o)
{
    if (o->fault != 0 && faults_is_open(w, o->fault_row, o->fault))
        w->faults.row[o->fault_row].repaired_ns = MW_NEVER;
}

void crew_withdraw(struct world *w, const struct event *notice)
{
    uint32_t row = order_of(w, &notice->body.order, notice->seq);
    if (row == MW_NONE)
        return;
    struct order *o = &w->crew.row[row];
    uint8_t state = o->state;
    bool had_part = o->has_part;
    uint16_t part = o->body.part;
    o->has_part = false;
    w->crew.withdrawn++;
    mark_hit(w->marks, MARK_WITHDRAWN);
    sometimes(w->marks, state == ORDER_HANDS, MARK_WITHDRAWN_HANDS);
    if (state < ORDER_SAYS) {
        if (state == ORDER_PART)
            depot_leaves(w, row);
        if (state == ORDER_LINE)
            line_remove(w, row);
        if (state == ORDER_HANDS)
            hands_off(w, o);
        bool crewed = state >= ORDER_COMING && !o->traced && !o->vendor;
        order_release(w, row);
        if (crewed)
            next_order(w);
    }
    if (had_part)
        depot_put_back(w, part);
}

/* ---- done ---------------------------------------------------------------------------------- */

/* Sometimes a technician does something else than he was asked for. */
static uint8_t step_done(const struct world *w, const struct order *o)
{
    static const uint8_t others[] = {STEP_REBOOT, STEP_RESEAT, STEP_REPLACE};
    uint64_t bits = world_bits(w, o->body.component, PROCESS_CREW, SALT_OTHER, o->seq);
    bool may = !o->vendor && !o->traced && o->body.step != STEP_REPAIR;
    if (!may || mw_random_below(bits, 100) >= w->config.doings.other_percent)
        return o->body.step;
    return others[(bits >> 32) % MW_ARRAY_LEN(others)];
}

static const char *done_text(uint8_t step)
{
    static const char *const texts[STEP_COUNT] = {
        [STEP_REPAIR] = "repaired",          [STEP_RESTART_JOB] = "nothing was done to it",
        [STEP_RESET_GPU] = "GPU reset",      [STEP_RESTART_SERVICE] = "service restarted",
        [STEP_REBOOT] = "rebooted",          [STEP_POWER_CYCLE] = "power cycled",
        [STEP_FIRMWARE] = "firmware updated", [STEP_RESEAT] = "reseated",
        [STEP_REPLACE] = "replaced",         [STEP_RMA] = "came back from the vendor",
        [STEP_RETIRE] = "retired"};
    must(step < STEP_COUNT);
    return texts[step];
}

/* Works on the fault that was found; gives what is to be said. */
static const char *work_on(struct world *w, struct order *o)
{
    uint8_t step = o->body.step;
    const struct fault *f = &w->faults.row[o->fault_row];
    uint64_t component = f->component;
    uint32_t before = depot_swaps(w, component);
    if (f->flags & FAULT_FALSE) {
        faults_repair(w, o->fault_row);
        mark_hit(w->marks, MARK_NO_FAULT_FOUND);
        return "no fault found";
    }
    bool swapped = step == STEP_REPLACE && faults_would_cure(w, o->fault_row, step);
    if (swapped)
        depot_replace(w, component);
    if (faults_treat(w, o->fault_row, step, false) && swapped)
        return depot_text(w, done_text(step), component, before);
    return done_text(step);
}

static const char *send_back(struct world *w, uint32_t node)
{
    uint64_t component = component_id(COMPONENT_NODE, node);
    uint32_t before = depot_swaps(w, component);
    depot_replace_node(w, node);
    faults_treat_node(w, node, STEP_RMA, false);
    return depot_text(w, done_text(STEP_RMA), component, before);
}

/* The fault of the order is still there, seen or hidden. */
static bool is_there(const struct world *w, const struct order *o)
{
    if (o->fault == 0 || o->fault_row >= w->faults.used)
        return false;
    const struct fault *f = &w->faults.row[o->fault_row];
    return f->number == o->fault && f->flags & (FAULT_OPEN | FAULT_LATENT);
}

static const char *carry_out(struct world *w, struct order *o)
{
    uint8_t asked = o->body.step;
    if (o->result != RESULT_OK) {
        w->crew.wrong++;
        mark_hit(w->marks, MARK_NOTHING_WRONG);
        return "nothing wrong here";
    }
    o->body.step = step_done(w, o);
    sometimes(w->marks, o->body.step != asked, MARK_ANOTHER_STEP);
    if (o->body.node != MW_NONE)
        w->gates.node_uncured[o->body.node] = 0;
    if (o->body.step == STEP_RMA && o->body.node != MW_NONE)
        return send_back(w, o->body.node);
    return is_there(w, o) ? work_on(w, o) : done_text(o->body.step);
}

static void say(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    uint64_t bits = world_bits(w, o->body.component, PROCESS_CREW, SALT_TWICE, o->seq);
    tell(w, o, EV_ORDER_ENDED, o->text);
    if (mw_random_below(bits, 100) < w->config.doings.twice_percent) {
        mark_hit(w->marks, MARK_SAID_TWICE);
        tell(w, o, EV_ORDER_ENDED, o->text);
    }
    order_release(w, row);
}

void crew_repaired(struct world *w, uint32_t row, uint32_t generation)
{
    if (w->crew.row[row].generation != generation)
        return;
    struct order *o = &w->crew.row[row];
    o->text = carry_out(w, o);
    o->state = ORDER_SAYS;
    bool crewed = !o->traced && !o->vendor;
    uint64_t bits = world_bits(w, o->body.component, PROCESS_CREW, SALT_LATE, o->seq);
    double u = world_unit(w, o->body.component, PROCESS_CREW, SALT_LATE_BY, o->seq);
    if (mw_random_below(bits, 100) < w->config.doings.late_percent) {
        mark_hit(w->marks, MARK_SAID_LATE);
        agenda(w, row, w->now_ns + (int64_t)(u * (double)LATE_NS_MAX), AT_TOLD);
    } else {
        say(w, row);
    }
    if (crewed)
        next_order(w);
}

void crew_told(struct world *w, uint32_t row, uint32_t generation)
{
    if (w->crew.row[row].generation == generation)
        say(w, row);
}

/* ---- by a person from outside -------------------------------------------------------------- */

/* The open order of this number; MW_NONE. */
static uint32_t order_at(const struct world *w, uint64_t seq)
{
    const struct crew *c = &w->crew;
    for (uint32_t row = 0; row < c->used; row++) {
        if (c->row[row].state != ORDER_FREE && c->row[row].seq == seq)
            return row;
    }
    return MW_NONE;
}

/* The crew that is on the way or at work goes to the next one. */
static void leave_to_person(struct world *w, uint32_t row)
{
    struct order *o = &w->crew.row[row];
    uint8_t state = o->state;
    bool crewed = state >= ORDER_COMING && state < ORDER_SAYS && !o->traced && !o->vendor;
    if (state == ORDER_PART)
        depot_lent(w, row);
    if (state == ORDER_LINE)
        line_remove(w, row);
    if (state == ORDER_HANDS)
        hands_off(w, o);
    o->state = ORDER_PERSON;
    o->generation++;
    if (crewed)
        next_order(w);
}

/* He works on what a crew would have found. */
static void work_of_person(struct world *w, struct order *o, uint8_t step)
{
    uint32_t at = faults_find(w, o->body.finding, o->body.component, o->body.node);
    if (at == MW_NONE)
        at = faults_find_hidden(w, o->body.finding, o->body.component, o->body.node);
    o->fault_row = at;
    o->fault = at == MW_NONE ? 0 : w->faults.row[at].number;
    o->body.step = step;
    if (o->body.node != MW_NONE)
        w->gates.node_uncured[o->body.node] = 0;
    if (step == STEP_RMA && o->body.node != MW_NONE)
        (void)send_back(w, o->body.node);
    else if (is_there(w, o))
        (void)work_on(w, o);
}

void crew_reads(struct world *w, const struct event *ev)
{
    const struct body_order *b = &ev->body.order;
    uint32_t row = order_at(w, ev->cause);
    if (row == MW_NONE)
        return;
    struct order *o = &w->crew.row[row];
    bool worked = o->state == ORDER_SAYS; /* repaired already, and only not told yet */
    if (!worked && o->state != ORDER_PERSON)
        leave_to_person(w, row);
    if (ev->kind != EV_ORDER_ENDED)
        return;
    if (!worked && b->result == RESULT_OK && b->step < STEP_COUNT)
        work_of_person(w, &w->crew.row[row], b->step);
    order_release(w, row);
}
