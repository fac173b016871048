/*
 * Which cause explains what is seen best: scores, and the decisions that follow
 * from them.  Reads counts and links; changes nothing but its scratch.
 */
#include <string.h>

#include "base/units.h"
#include "care/care_cause_private.h"
#include "care/care_ladder.h"

int32_t cause_score(struct cause_seen s)
{
    int64_t score = (int64_t)s.seen * CAUSE_SEEN - ((int64_t)s.below - s.seen) * CAUSE_UNSAID -
                    CAUSE_PRIOR;
    return (int32_t)MW_MAX(INT32_MIN, MW_MIN(score, INT32_MAX));
}

/* EFFECT_NONE is the least. */
static uint32_t rank_of(uint8_t effect)
{
    static const uint8_t RANK[] = { [EFFECT_NONE] = 0, [EFFECT_DEFERS] = 1, [EFFECT_SLOWS] = 2,
                                    [EFFECT_KILLS] = 3, [EFFECT_HARMLESS] = 0 };
    return RANK[effect];
}

/* What was reported of a part is not milder than what it does to others, or is the same thing. */
bool cause_covers(const struct care *c, uint32_t root, uint8_t effect, uint16_t class)
{
    return c->open[root] && (rank_of(effect) <= rank_of(c->effect[root]) ||
                             class == c->board->incident_class[root]);
}

/* Can it still be the cause of anything? */
static bool is_broken(const struct care *c, uint32_t root)
{
    return !(c->flags[root] & INC_DONE) && !(c->cause->state[root] & CAUSE_REFUTED);
}

bool cause_may_suppress(const struct care *c, uint32_t slot, uint32_t root)
{
    const struct board *b = c->board;
    if (slot == root || (c->cause->state[slot] & (CAUSE_ALONE | CAUSE_REFUTED)) ||
        cause_topmost(c, root) == slot || !is_broken(c, root))
        return false;
    if (!(c->cause->trees[slot] & cause_tree_of(b->incident_component[root])))
        return false;
    return (c->cause->state[root] & CAUSE_ROOT) ||
           cause_covers(c, root, c->effect[slot], b->incident_class[slot]);
}

/* ---- the fresh finding ---------------------------------------------------------------------- */

struct fresh {
    uint32_t row, slot; /* its incident, MW_NONE */
    struct cause_path above;
};

/* Has this open incident to do with the finding that just came? */
static bool explains(const struct care *c, const struct fresh *f, uint32_t i)
{
    uint32_t root = c->cause->root[f->above.place[i]];
    int64_t window_ns = c->policy.cause_window_ms * MW_NS_PER_MS, at_ns = c->cause->fresh_ns;
    if (root == MW_NONE || root == f->slot || !is_broken(c, root) ||
        !is_broken(c, cause_topmost(c, root)))
        return false;
    if (cause_covers(c, root, c->finding_effect[f->row] ? c->finding_effect[f->row]
                         : c->policy.class[c->finding_class[f->row]].effect,
                     c->finding_class[f->row]))
        return true;
    return (c->cause->state[root] & CAUSE_ROOT) && !f->above.one_of[i] &&
           at_ns <= c->cause->last_ns[root] + window_ns &&
           at_ns + window_ns >= c->cause->first_ns[root];
}

/* Are these two on the two feeds of one rack? */
static bool is_other_feed(const struct care *c, uint32_t a, uint32_t b)
{
    return cause_tree_of(cause_component(c, a)) == CAUSE_POWER &&
           cause_tree_of(cause_component(c, b)) == CAUSE_POWER && !cause_is_below(c, a, b) &&
           !cause_is_below(c, b, a);
}

/* The open incident that explains it best; MW_NONE. */
static uint32_t best_open(const struct care *c, const struct fresh *f)
{
    uint32_t best = MW_NONE, best_place = MW_NONE;
    int64_t best_score = 0;
    for (uint32_t i = 0; i < f->above.length; i++) {
        if (!explains(c, f, i))
            continue;
        uint32_t place = f->above.place[i], root = c->cause->root[place];
        int64_t score = cause_score(cause_seen_at(c, place));
        if (c->open[root])
            score += INT64_C(1) << 32; /* reported: nothing has to be guessed */
        bool better = score > best_score;
        if (best != MW_NONE && is_other_feed(c, place, best_place)) /* the last one to go did it */
            better = c->board->incident_id[root] > c->board->incident_id[best];
        if (best != MW_NONE && !better)
            continue;
        best_place = place;
        best = root;
        best_score = score;
    }
    return best;
}

/* How well the causes that are open below this place explain what it would, each by itself and
 * what is left by chance, which counts nothing; but for those that one more, `with`, would take. */
static int64_t explained_below(const struct care *c, uint32_t place, uint32_t with)
{
    int64_t sum = with == MW_NONE ? 0 : cause_score(cause_seen_at(c, with));
    for (uint32_t p = 0; p < c->cause->places; p++) {
        uint32_t root = c->cause->root[p];
        if (root != MW_NONE && cause_parent(c, root) == MW_NONE && is_broken(c, root) &&
            cause_is_below(c, p, place) && (with == MW_NONE || !cause_is_below(c, p, with)))
            sum += MW_MAX(0, cause_score(cause_seen_at(c, p)));
    }
    return sum;
}

/* Would this place explain more than what is open: the incident that explains the finding now, and
 * all of those below it together? */
static bool is_better(const struct care *c, uint32_t place, uint32_t open)
{
    struct cause_seen a = cause_seen_at(c, place);
    uint32_t than = MW_NONE;
    if (open != MW_NONE)
        than = cause_place(c, c->board->incident_component[cause_topmost(c, open)]);
    if (than == place)
        return false;
    if (than != MW_NONE && !cause_is_below(c, than, place)) {
        struct cause_seen b = cause_seen_at(c, than);
        if (a.seen <= b.seen || cause_score(a) <= cause_score(b))
            return false;
    }
    return cause_score(a) > explained_below(c, place, MW_NONE);
}

/* Enough symptoms, by the policy, and better than chance. */
static bool is_enough(const struct care *c, uint32_t place)
{
    struct cause_seen s = cause_seen_at(c, place);
    return s.seen >= c->policy.cause_least && cause_score(s) > 0 &&
           (uint64_t)s.seen * 1000000u >= (uint64_t)s.below * c->policy.cause_cover_ppm;
}

/* Would a more specific candidate for this finding, with what is open beside it, explain more? */
static bool is_outdone(const struct care *c, const struct fresh *f, uint32_t place)
{
    int32_t score = cause_score(cause_seen_at(c, place));
    for (uint32_t i = 0; i < f->above.length; i++) {
        uint32_t with = f->above.place[i];
        if (!f->above.one_of[i] && c->cause->root[with] == MW_NONE && is_enough(c, with) &&
            cause_is_below(c, with, place) && score <= explained_below(c, place, with))
            return true;
    }
    return false;
}

static bool passes(const struct care *c, const struct fresh *f, uint32_t place, uint32_t open)
{
    uint32_t root = c->cause->root[place];
    return is_enough(c, place) && (root == MW_NONE || is_broken(c, root)) &&
           is_better(c, place, open) && !is_outdone(c, f, place);
}

/* The candidates, best first; of equals that with fewer below it, then the more specific kind (the
 * order of places). */
static uint32_t rank(const struct care *c, const struct fresh *f, struct cause_rank *ret)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < f->above.length; i++) {
        uint32_t place = f->above.place[i], at = length;
        struct cause_seen s = cause_seen_at(c, place);
        if (f->above.one_of[i] || !s.seen)
            continue;
        const struct cause_rank r = { .component = cause_component(c, place), .seen = s.seen,
                                      .below = s.below, .score = cause_score(s) };
        for (; at > 0; at--) {
            const struct cause_rank *b = &ret[at - 1];
            if (b->score > r.score || (b->score == r.score && b->below < r.below) ||
                (b->score == r.score && b->below == r.below &&
                 cause_place(c, b->component) < place))
                break;
            ret[at] = ret[at - 1];
        }
        ret[at] = r;
        length++;
    }
    return length;
}

static bool link(const struct care *c, uint32_t kind, uint32_t slot, uint32_t parent,
                 struct decision *out)
{
    const struct board *b = c->board;
    out->ev.kind = (uint16_t)kind;
    out->ev.body.cause = (struct body_cause){
        .incident = b->incident_id[slot], .parent = b->incident_id[parent],
        .component = b->incident_component[parent], .slot = slot, .parent_slot = parent,
        .node = b->incident_node[slot] };
    return true;
}

static bool suppress_fresh(const struct care *c, const struct fresh *f, uint32_t root,
                           struct decision *out)
{
    const struct board *b = c->board;
    if (f->slot == MW_NONE || cause_parent(c, f->slot) != MW_NONE ||
        b->incident_opened_ms[f->slot] + c->policy.cause_window_ms < b->incident_opened_ms[root])
        return false;
    uint32_t top = cause_topmost(c, root);
    if (top == f->slot || (c->cause->state[f->slot] & CAUSE_ALONE) ||
        !(c->cause->trees[f->slot] & cause_tree_of(b->incident_component[root])))
        return false;
    out->ev.observed_ns = c->cause->fresh_ns;
    return link(c, EV_INCIDENT_SUPPRESSED, f->slot, top, out);
}

static bool open_root(const struct care *c, const struct fresh *f, uint64_t component,
                      struct decision *out)
{
    uint32_t slot = board_incident_next(c->board);
    const struct care_class *k = &c->policy.class[c->finding_class[f->row]];
    uint8_t said = c->finding_effect[f->row];
    if (slot == MW_NONE)
        return false;
    uint8_t effect = said == EFFECT_NONE ? k->effect : said;
    out->ev.kind = EV_INCIDENT_OPENED;
    out->ev.observed_ns = c->cause->fresh_ns;
    out->ev.body.incident = (struct body_incident){
        .component = component, .finding = c->finding_key[f->row],
        .opened_ms = mw_ms(c->now_ns), .node = MW_NONE, .slot = slot, .findings = 1,
        .class = c->finding_class[f->row], .gate_class = c->finding_class[f->row],
        .effect = effect == EFFECT_HARMLESS ? EFFECT_NONE : effect };
    return true;
}

static bool decide_fresh(const struct care *c, const struct fresh *f, struct decision *out)
{
    struct cause_rank ranked[CAUSE_ANCESTORS_MAX];
    uint32_t open = best_open(c, f);
    uint32_t length = c->cause->grew ? rank(c, f, ranked) : 0;
    for (uint32_t i = 0; i < length; i++) {
        uint32_t place = cause_place(c, ranked[i].component);
        if (!passes(c, f, place, open))
            continue;
        if (c->cause->root[place] != MW_NONE)
            return suppress_fresh(c, f, c->cause->root[place], out);
        uint32_t bytes = MW_MIN(length, CAUSE_RANKS_MAX) * (uint32_t)sizeof(ranked[0]);
        if (!open_root(c, f, ranked[i].component, out))
            return false;
        memcpy(out->tail, ranked, bytes);
        out->ev.tail_size = bytes;
        return true;
    }
    return open != MW_NONE && suppress_fresh(c, f, open, out);
}

bool cause_decide(struct care *c, struct decision *out)
{
    struct fresh f = { .row = c->cause->fresh };
    c->cause->fresh = MW_NONE; /* asked once, after its incident is open */
    if (f.row == MW_NONE || !c->policy.correlate)
        return false;
    const struct care_class *k = &c->policy.class[c->finding_class[f.row]];
    if (!k->shared || !k->count)
        return false;
    f.slot = c->finding_incident[f.row];
    f.above = cause_above(c, c->finding_component[f.row], c->finding_node[f.row], k->shared);
    if (decide_fresh(c, &f, out))
        return true;
    out->ev = (struct event){ 0 };
    return false;
}

/* ---- an incident that something happened to ------------------------------------------------- */

bool cause_step(const struct care *c, uint32_t slot, struct decision *out)
{
    const struct cause *x = c->cause;
    uint32_t parent = cause_parent(c, slot);
    if (parent == MW_NONE) {
        uint32_t root = x->want[slot];
        if (!x->want_id[slot] || !care_incident_is(c, root, x->want_id[slot]) ||
            !cause_may_suppress(c, slot, root))
            return false;
        uint32_t top = cause_topmost(c, root);
        out->ev.observed_ns = c->board->incident_opened_ms[slot] * MW_NS_PER_MS;
        return is_broken(c, top) && link(c, EV_INCIDENT_SUPPRESSED, slot, top, out);
    }
    uint32_t top = cause_topmost(c, slot);
    bool outlived = (c->flags[top] & INC_DONE) && x->due_ns[top] == MW_NEVER && c->open[slot];
    if ((x->state[slot] & CAUSE_ALONE) || outlived)
        return link(c, EV_INCIDENT_FREED, slot, parent, out);
    return ladder_decide_withdraw(c, slot, out);
}
