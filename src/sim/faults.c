/*
 * Open faults: when one begins, what it does, when it is seen, when it ends.
 *
 * A fault ends because it is repaired or because it clears itself.  One that
 * clears before its detector has seen it is reported all the same (a link that
 * flapped leaves its counter behind); one that is repaired unseen is not.
 *
 * Where its process says what cures, a step that does not cure hides the fault:
 * it is no longer open, and nothing shows until it strikes again.  A false alarm
 * is a row like the others that hurts nobody.
 */
#include "sim/world_parts.h"

#include "base/mem.h"
#include "sim/draw.h"

/* The controller may put a source's name above the number. */
#define NUMBER_MASK ((UINT64_C(1) << 40) - 1)

int faults_init(struct world *w)
{
    struct faults *f = &w->faults;
    *f = (struct faults){.free = MW_NONE, .parts_first = MW_NONE, .parts_hidden = MW_NONE};
    f->node_first = mw_calloc(w->nodes, sizeof(*f->node_first));
    f->node_hidden = mw_calloc(w->nodes, sizeof(*f->node_hidden));
    f->node_dead = mw_calloc(w->nodes, sizeof(*f->node_dead));
    if (f->node_first == NULL || f->node_hidden == NULL || f->node_dead == NULL)
        return MW_ENOMEM;
    for (uint32_t n = 0; n < w->nodes; n++)
        f->node_first[n] = f->node_hidden[n] = MW_NONE;
    return 0;
}

void faults_fini(struct world *w)
{
    mw_free(w->faults.row);
    mw_free(w->faults.node_first);
    mw_free(w->faults.node_hidden);
    mw_free(w->faults.node_dead);
}

/* ---- rows ---------------------------------------------------------------------------------- */

static uint32_t row_take(struct world *w)
{
    struct faults *f = &w->faults;
    uint32_t row = f->free;
    if (row != MW_NONE) {
        f->free = f->row[row].next;
        return row;
    }
    if (!world_room(w, (void **)&f->row, f->used, &f->room, sizeof(f->row[0])))
        return MW_NONE;
    return f->used++;
}

/* Frees the row once it is over and nothing on the agenda or below it names it. */
static void row_release(struct world *w, uint32_t row)
{
    struct fault *f = &w->faults.row[row];
    if (f->flags & (FAULT_OPEN | FAULT_LATENT) || f->entries > 0 || f->child != MW_NONE)
        return;
    f->number = 0;
    f->next = w->faults.free;
    w->faults.free = row;
}

/* Where the open faults of a node, or of parts that are no node's, begin; and the hidden ones. */
static uint32_t *list_of(struct world *w, uint32_t node)
{
    return node == MW_NONE ? &w->faults.parts_first : &w->faults.node_first[node];
}
static uint32_t *hidden_of(struct world *w, uint32_t node)
{
    return node == MW_NONE ? &w->faults.parts_hidden : &w->faults.node_hidden[node];
}

static void list_remove(struct world *w, uint32_t *at, uint32_t row)
{
    while (*at != row) {
        must(*at != MW_NONE);
        at = &w->faults.row[*at].next;
    }
    *at = w->faults.row[row].next;
}

/* ---- what detectors say -------------------------------------------------------------------- */

static void report(struct world *w, const struct fault *f, uint16_t kind, int64_t observed_ns)
{
    struct event ev = {.kind = kind, .observed_ns = observed_ns};
    ev.source = f->node == MW_NONE ? SOURCE_FABRIC : SOURCE_NODE + f->node;
    ev.body.finding = (struct body_finding){.component = f->component,
                                            .finding = f->number,
                                            .node = f->node,
                                            .class = f->class,
                                            .effect = f->effect};
    if (f->process < w->scenario->processes && w->scenario->process[f->process].slow_known)
        ev.body.finding.slow_ppm = f->slow_ppm;
    world_emit(w, &ev, NULL);
}

/* ---- beginning ----------------------------------------------------------------------------- */

static void schedule(struct world *w, uint32_t row, int64_t after_ns, uint8_t kind)
{
    if (world_push(w, w->now_ns + after_ns, (struct queue_what){.kind = kind, .a = row}))
        w->faults.row[row].entries++;
}

static void count_begin(struct world *w, const struct fault *f)
{
    w->faults.open++;
    w->faults.alarms += (f->flags & FAULT_FALSE) != 0;
    if (!(f->flags & (FAULT_FED | FAULT_FALSE))) {
        w->faults.happened++;
        w->faults.on_nodes += f->node != MW_NONE;
    }
    if (f->node == MW_NONE)
        return;
    sometimes(w->marks, f->next != MW_NONE, MARK_TWO_FAULTS_ON_A_NODE);
    if (f->flags & FAULT_KILLS)
        w->faults.node_dead[f->node]++;
}

uint32_t faults_begin(struct world *w, const struct fault_new *n)
{
    must(n->node == MW_NONE || n->node < w->nodes);
    uint32_t row = row_take(w);
    if (row == MW_NONE)
        return MW_NONE;
    struct fault *f = &w->faults.row[row];
    uint32_t *first = list_of(w, n->node);
    uint64_t number = ++w->faults.numbers | (n->flags & FAULT_FALSE ? FAULT_NUMBER_FALSE : 0);
    *f = (struct fault){.component = n->component, .number = number, .nth = n->nth,
                        .start_ns = w->now_ns, .repaired_ns = MW_NEVER, .node = n->node,
                        .next = *first, .parent = MW_NONE, .child = MW_NONE,
                        .sibling = MW_NONE, .slow_ppm = n->slow_ppm, .class = n->class,
                        .process = n->process, .effect = n->effect,
                        .flags = (uint8_t)(n->flags | FAULT_OPEN)};
    *first = row;
    count_begin(w, f);
    schedule(w, row, n->detect_ns, AT_DETECT);
    if (n->clears_ns < MW_NEVER - w->now_ns)
        schedule(w, row, n->clears_ns, AT_CLEAR);
    if (n->node != MW_NONE && !(n->flags & FAULT_FALSE))
        attempts_fault(w, f);
    return row;
}

void faults_detect(struct world *w, uint32_t row)
{
    struct fault *f = &w->faults.row[row];
    must(f->entries > 0);
    f->entries--;
    bool open = f->flags & FAULT_OPEN, cleared = (f->flags & (FAULT_CLEARS | FAULT_LATENT)) ==
                                                 FAULT_CLEARS;
    if (open || cleared) {
        f->flags |= FAULT_DETECTED;
        report(w, f, EV_FINDING_OPENED, f->start_ns);
    }
    if (!open && cleared) {
        mark_hit(w->marks, MARK_CLEARED_BEFORE_DETECTED);
        report(w, f, EV_FINDING_CLOSED, w->now_ns);
    }
    row_release(w, row);
}

/* ---- ending -------------------------------------------------------------------------------- */

static void end_one(struct world *w, uint32_t row)
{
    struct fault *f = &w->faults.row[row];
    must(f->flags & FAULT_OPEN);
    list_remove(w, list_of(w, f->node), row);
    f->flags &= (uint8_t)~FAULT_OPEN;
    w->faults.open--;
    if (f->node != MW_NONE && f->flags & FAULT_KILLS) {
        must(w->faults.node_dead[f->node] > 0);
        w->faults.node_dead[f->node]--;
    }
    if (f->node != MW_NONE && f->slow_ppm > 0 && !(f->flags & FAULT_FALSE))
        attempts_healed(w, f);
    if (f->flags & FAULT_DETECTED)
        report(w, f, EV_FINDING_CLOSED, w->now_ns);
    if (f->flags & FAULT_RENEWS && !(f->flags & FAULT_LATENT))
        renewals_again(w, f->process, component_index_of(f->component), (uint32_t)f->nth);
}

/* With the faults of the nodes that it feeds. */
static void end_fault(struct world *w, uint32_t row)
{
    uint32_t child = w->faults.row[row].child;
    w->faults.row[row].child = MW_NONE;
    end_one(w, row);
    while (child != MW_NONE) {
        uint32_t next = w->faults.row[child].sibling;
        end_one(w, child);
        row_release(w, child);
        child = next;
    }
    row_release(w, row);
}

void faults_clear(struct world *w, uint32_t row)
{
    struct fault *f = &w->faults.row[row];
    must(f->entries > 0);
    f->entries--;
    if (f->flags & FAULT_OPEN)
        end_fault(w, row);
    else
        row_release(w, row);
}

void faults_repair(struct world *w, uint32_t row)
{
    uint64_t component = w->faults.row[row].component;
    uint32_t node = w->faults.row[row].node;
    end_fault(w, row);
    for (;;) {
        uint32_t at = *list_of(w, node);
        while (at != MW_NONE && (w->faults.row[at].component != component ||
                                 w->faults.row[at].flags & FAULT_FED))
            at = w->faults.row[at].next;
        if (at == MW_NONE)
            break;
        end_fault(w, at);
    }
    bool seen = false;
    for (uint32_t at = *list_of(w, node); node != MW_NONE && at != MW_NONE;
         at = w->faults.row[at].next)
        seen |= (w->faults.row[at].flags & FAULT_DETECTED) != 0;
    sometimes(w->marks, seen, MARK_OPEN_AFTER_REPAIR);
}

/* ---- steps --------------------------------------------------------------------------------- */

/* A fault's hidden need is drawn once, however often it strikes again. */
static bool cures(const struct world *w, const struct fault *f, uint8_t step)
{
    uint64_t nth = f->nth & ((UINT64_C(1) << NTH_RELAPSE_SHIFT) - 1);
    must(step < STEP_COUNT);
    return world_unit(w, f->component, f->process, SALT_NEED, nth) <
           w->scenario->process[f->process].cures[step];
}

/* It seems to be over. */
static void hide(struct world *w, uint32_t row)
{
    const struct scenario_process *p = &w->scenario->process[w->faults.row[row].process];
    w->faults.row[row].flags |= FAULT_LATENT;
    end_fault(w, row);
    struct fault *f = &w->faults.row[row];
    uint32_t *first = hidden_of(w, f->node);
    f->next = *first;
    *first = row;
    w->faults.uncured++;
    mark_hit(w->marks, MARK_NOT_CURED);
    uint64_t bits = world_bits(w, f->component, f->process, SALT_RELAPSE_PICK, f->nth);
    double u = world_unit(w, f->component, f->process, SALT_RELAPSE, f->nth);
    int64_t after_ns = draw_mix_ns(&p->relapse, bits, u);
    if (w->now_ns + after_ns < w->quiet_ns)
        schedule(w, row, after_ns, AT_RELAPSE);
}

static void cure_hidden(struct world *w, uint32_t row)
{
    struct fault *f = &w->faults.row[row];
    list_remove(w, hidden_of(w, f->node), row);
    f->flags &= (uint8_t)~FAULT_LATENT;
    if (f->flags & FAULT_RENEWS)
        renewals_again(w, f->process, component_index_of(f->component), (uint32_t)f->nth);
    row_release(w, row);
}

static bool says_what_cures(const struct world *w, const struct fault *f)
{
    return f->process < w->scenario->processes && w->scenario->process[f->process].has_cures &&
           !(f->flags & FAULT_FALSE);
}

bool faults_treat(struct world *w, uint32_t row, uint8_t step, bool machine)
{
    const struct fault *f = &w->faults.row[row];
    bool cured = says_what_cures(w, f) ? cures(w, f, step)
                                       : !machine || (f->flags & FAULT_FALSE) != 0;
    if (f->flags & FAULT_LATENT) {
        if (cured)
            cure_hidden(w, row);
    } else if (cured) {
        faults_repair(w, row);
    } else if (says_what_cures(w, f)) {
        hide(w, row);
    }
    return cured;
}

bool faults_would_cure(const struct world *w, uint32_t row, uint8_t step)
{
    const struct fault *f = &w->faults.row[row];
    return !says_what_cures(w, f) || cures(w, f, step);
}

/* One that this treatment has not been at; those that a part feeds are the part's. */
static uint32_t untreated(const struct world *w, uint32_t at)
{
    const struct fault *f = w->faults.row;
    while (at != MW_NONE && (f[at].treated == w->faults.treatments || f[at].flags & FAULT_FED))
        at = f[at].next;
    return at;
}

void faults_treat_node(struct world *w, uint32_t node, uint8_t step, bool machine)
{
    must(node < w->nodes);
    w->faults.treatments++;
    for (;;) {
        uint32_t row = untreated(w, w->faults.node_first[node]);
        if (row == MW_NONE)
            row = untreated(w, w->faults.node_hidden[node]);
        if (row == MW_NONE)
            return;
        w->faults.row[row].treated = w->faults.treatments;
        (void)faults_treat(w, row, step, machine);
    }
}

void faults_relapse(struct world *w, uint32_t row)
{
    struct fault *f = &w->faults.row[row];
    must(f->entries > 0);
    f->entries--;
    if (!(f->flags & FAULT_LATENT)) {
        row_release(w, row);
        return;
    }
    uint64_t times = MW_MIN((f->nth >> NTH_RELAPSE_SHIFT) + 1, NTH_RELAPSES_MAX);
    uint64_t nth = (f->nth & ((UINT64_C(1) << NTH_RELAPSE_SHIFT) - 1)) | times << NTH_RELAPSE_SHIFT;
    const struct scenario_process *p = &w->scenario->process[f->process];
    struct fault_new n = {
        .component = f->component, .nth = nth, .clears_ns = MW_NEVER, .node = f->node,
        .slow_ppm = f->slow_ppm, .class = f->class, .process = f->process, .effect = f->effect,
        .detect_ns = draw_ns(&p->detect,
                             world_unit(w, f->component, f->process, SALT_DETECT, nth)),
        .flags = f->flags & (FAULT_KILLS | FAULT_RENEWS)};
    list_remove(w, hidden_of(w, f->node), row);
    f->flags &= (uint8_t)~FAULT_LATENT;
    row_release(w, row);
    w->faults.relapses++;
    mark_hit(w->marks, MARK_STRUCK_AGAIN);
    renewals_begin(w, &n);
}

/* ---- questions ----------------------------------------------------------------------------- */

static uint32_t root_of(const struct world *w, uint32_t row)
{
    return w->faults.row[row].flags & FAULT_FED ? w->faults.row[row].parent : row;
}

/* By number, else by component. */
static uint32_t find_in(const struct world *w, uint32_t first, uint64_t number,
                        uint64_t component)
{
    const struct fault *f = w->faults.row;
    uint32_t at = first;
    number &= NUMBER_MASK;
    while (at != MW_NONE && f[at].number != number)
        at = f[at].next;
    if (at == MW_NONE)
        at = first;
    while (at != MW_NONE && f[at].number != number && f[at].component != component)
        at = f[at].next;
    return at;
}

uint32_t faults_find(const struct world *w, uint64_t number, uint64_t component, uint32_t node)
{
    uint32_t first = node == MW_NONE ? w->faults.parts_first : w->faults.node_first[node];
    uint32_t at = find_in(w, first, number, component);
    if (at == MW_NONE && node != MW_NONE)
        at = first;
    return at == MW_NONE ? MW_NONE : root_of(w, at);
}

uint32_t faults_find_hidden(const struct world *w, uint64_t number, uint64_t component,
                            uint32_t node)
{
    uint32_t first = node == MW_NONE ? w->faults.parts_hidden : w->faults.node_hidden[node];
    uint32_t at = find_in(w, first, number, component);
    return at == MW_NONE && node != MW_NONE ? first : at;
}

bool faults_any_true(const struct world *w, uint32_t node)
{
    uint32_t at = w->faults.node_first[node];
    while (at != MW_NONE && w->faults.row[at].flags & FAULT_FALSE)
        at = w->faults.row[at].next;
    return at != MW_NONE || w->faults.node_hidden[node] != MW_NONE;
}

uint32_t faults_node_slow_ppm(const struct world *w, uint32_t node)
{
    uint32_t worst = 0;
    for (uint32_t at = w->faults.node_first[node]; at != MW_NONE; at = w->faults.row[at].next)
        if (!(w->faults.row[at].flags & FAULT_FALSE))
            worst = MW_MAX(worst, w->faults.row[at].slow_ppm);
    return worst;
}
