/* Spares: measured, sized, kept.  See work_spares.h. */
#include "work/work_spares.h"

#include <string.h>

#include "base/exact.h"
#include "base/mem.h"
#include "base/units.h"
#include "work/work_preempt.h"

#define NS_HOURS 3600000.0e9 /* 1e-9 failures per node-hour, times ms: failures */

bool spares_init(struct work *w)
{
    struct spares *s = &w->spares;
    uint32_t nodes = w->board->nodes;
    s->node_out_ms = mw_calloc(nodes, sizeof(*s->node_out_ms));
    if (!s->node_out_ms)
        return false;
    work_column(w, (struct column){ .name = "spares_sized", .data = &s->sized,
                                    .width = sizeof(s->sized), .rows_max = 1 });
    const struct column column[] = {
        COLUMN("spares_sized_seq", &s->sized_seq, 1, NULL),
        COLUMN("spares_looked_ms", &s->looked_ms, 1, NULL),
        COLUMN("spares_since_ms", &s->since_ms, 1, NULL),
        COLUMN("spares_node_ms", &s->node_ms, 1, NULL),
        COLUMN("spares_out_ms", &s->out_ms, 1, NULL),
        COLUMN("spares_outs", &s->outs, 1, NULL),
        COLUMN("spares_repairs", &s->repairs, 1, NULL),
        COLUMN("spares_members", &s->members, 1, NULL),
        COLUMN("spares_domain", &s->domain, 1, NULL),
        COLUMN("node_out_ms", s->node_out_ms, nodes, NULL),
    };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(column); i++)
        work_column(w, column[i]);
    return true;
}

void spares_fini(struct work *w)
{
    mw_free(w->spares.node_out_ms);
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* Node time up to now. */
static void reach(struct work *w)
{
    struct spares *s = &w->spares;
    int64_t now_ms = mw_ms(w->now_ns);
    if (s->since_ms)
        s->node_ms += (now_ms - s->since_ms) * s->members;
    s->since_ms = now_ms;
}

static bool is_member(uint8_t health)
{
    return health != HEALTH_RACKED && health != HEALTH_PROVISIONING && health != HEALTH_RETIRED;
}

void spares_adopted(struct work *w)
{
    reach(w);
    w->spares.members = 0;
    for (uint32_t n = 0; n < w->board->nodes; n++)
        w->spares.members += is_member(w->board->node_health[n]);
    if (w->policy.spares != SPARES_NONE && !w->policy.engine)
        work_ask_pulse(w);
}

/* All of these out since shortly before now? */
static uint32_t whole(const struct work *w, const uint32_t *node, uint32_t n)
{
    int64_t since_ms = mw_ms(w->now_ns) - SPARES_DOMAIN_MS;
    for (uint32_t i = 0; i < n; i++)
        if (w->spares.node_out_ms[node[i]] < since_ms || !w->spares.node_out_ms[node[i]])
            return 0;
    return n;
}

/* Did a rack go with this node, or all racks of a PDU?  A rack of one node is no domain. */
static void look_at_domains(struct work *w, uint32_t node)
{
    const struct fleet *f = w->board->fleet;
    const struct fleet_list *nodes = &f->rack_nodes, *racks = &f->pdu_racks;
    if (!f->node_rack || !nodes->first)
        return;
    uint32_t rack = f->node_rack[node];
    uint32_t out = whole(w, nodes->item + nodes->first[rack],
                         nodes->first[rack + 1] - nodes->first[rack]);
    w->spares.domain = MW_MAX(w->spares.domain, out > 1 ? out : 0);
    for (uint32_t feed = 0; out && racks->first && feed < 2; feed++) {
        uint32_t pdu = f->rack_pdu[feed][rack], sum = 0;
        if (pdu == MW_NONE)
            continue;
        for (uint32_t i = racks->first[pdu]; i < racks->first[pdu + 1]; i++) {
            uint32_t r = racks->item[i], n = nodes->first[r + 1] - nodes->first[r];
            uint32_t gone = whole(w, nodes->item + nodes->first[r], n);
            sum += gone;
            if (gone < n) {
                sum = 0;
                break;
            }
        }
        w->spares.domain = MW_MAX(w->spares.domain, sum > 1 ? sum : 0);
    }
}

void spares_moved(struct work *w, uint32_t node, uint8_t from, bool fault)
{
    struct spares *s = &w->spares;
    uint8_t to = w->board->node_health[node];
    int64_t now_ms = mw_ms(w->now_ns);
    if (is_member(from) != is_member(to)) {
        reach(w);
        s->members += is_member(to) ? 1u : (uint32_t)-1;
    }
    if (from == HEALTH_READY && to != HEALTH_READY && fault) {
        s->outs++;
        s->node_out_ms[node] = now_ms;
        look_at_domains(w, node);
        if (w->policy.spares == SPARES_SIZED && now_ms - s->looked_ms >= SPARES_LOOK_MS)
            work_ask_pulse(w);
    } else if (s->node_out_ms[node] && (to == HEALTH_READY || to == HEALTH_RETIRED)) {
        s->repairs += to == HEALTH_READY;
        s->out_ms += to == HEALTH_READY ? now_ms - s->node_out_ms[node] : 0;
        s->node_out_ms[node] = 0;
    }
}

/* ---- how many -------------------------------------------------------------------------------- */

/* Sum of the terms of a binomial from the mode outward, relative to the mode: nothing under- or
 * overflows however large n is.  A term is t(k+1) = t(k) (n-k)/(k+1) q/(1-q). */
uint32_t spares_quantile(uint32_t n, double q, uint32_t quantile_ppm)
{
    must(q >= 0.0 && q < 1.0 && quantile_ppm <= 1000000);
    if (n == 0 || q == 0.0)
        return 0;
    const double odds = q / (1.0 - q), nothing = 1e-17;
    uint32_t mode = (uint32_t)(((double)n + 1.0) * q);
    mode = MW_MIN(mode, n);
    uint32_t first = mode;
    double term = 1.0, below = 0.0, total = 1.0;
    for (; first > 0 && term > nothing; first--) {
        term = term * (double)first / ((double)(n - first) + 1.0) / odds;
        below += term;
    }
    double at_first = term;
    term = 1.0;
    total += below;
    for (uint32_t k = mode; k < n && term > nothing; k++) {
        term = term * (double)(n - k) / ((double)k + 1.0) * odds;
        total += term;
    }
    double want = total * (double)quantile_ppm / 1e6, sum = at_first;
    uint32_t k = first;
    term = at_first;
    for (; sum < want && k < n && (k <= mode || term > nothing); k++) {
        term = term * (double)(n - k) / ((double)k + 1.0) * odds;
        sum += term;
    }
    return k;
}

static int64_t clamp_ms(__int128 x)
{
    return x > INT64_MAX ? INT64_MAX : (int64_t)x;
}

/* r in 1e-9 per node-hour and T in ms: the policy's, and what was seen. */
static void measure(const struct work *w, struct body_spares *ret)
{
    const struct spares *s = &w->spares;
    int64_t now_ms = mw_ms(w->now_ns), open_ms = 0;
    __int128 prior_ms = (__int128)s->members * SPARES_PRIOR_MS;
    __int128 seen_ms = (__int128)s->node_ms + (__int128)s->members * (now_ms - s->since_ms);
    __int128 said = w->policy.rate_per_1e9_node_hours;
    for (uint32_t n = 0; n < w->board->nodes; n++)
        open_ms += s->node_out_ms[n] ? now_ms - s->node_out_ms[n] : 0;
    if (prior_ms + seen_ms > 0)
        ret->rate_per_1e9_node_hours =
            clamp_ms((said * prior_ms + (__int128)s->outs * 1000000000 * MW_MS_PER_HOUR) /
                     (prior_ms + seen_ms));
    __int128 before = said * prior_ms / MW_MS_PER_HOUR; /* repairs of a month, times 1e9 */
    __int128 held = (__int128)s->repairs * 1000000000;
    __int128 out = (__int128)s->out_ms + open_ms;
    ret->repair_ms = before + held == 0
                         ? w->policy.spares_repair_ms
                         : clamp_ms((before * w->policy.spares_repair_ms + out * 1000000000) /
                                    (before + held));
}

static void size_up(const struct work *w, struct body_spares *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->nodes = w->spares.members;
    if (w->policy.spares == SPARES_FIXED)
        ret->target = w->policy.spares_nodes;
    if (w->policy.spares != SPARES_SIZED)
        return;
    measure(w, ret);
    ret->quantile_ppm = w->policy.spares_quantile_ppm;
    ret->domain = w->spares.domain;
    double out = (double)ret->rate_per_1e9_node_hours * (double)ret->repair_ms / NS_HOURS;
    double q = out / (1.0 + out), expected = (double)ret->nodes * q * 1e6;
    q = MW_MIN(q, 0.999999); /* not even a quotient of huge numbers is 1 */
    ret->expected_ppm = expected >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)expected;
    uint64_t target = (uint64_t)spares_quantile(ret->nodes, q, ret->quantile_ppm) + ret->domain;
    ret->target = (uint32_t)MW_MIN(target, ret->nodes);
}

void spares_pulse(struct work *w)
{
    struct spares *s = &w->spares;
    int64_t now_ms = mw_ms(w->now_ns);
    if ((w->policy.spares == SPARES_NONE && !s->sized.target) || w->policy.engine ||
        (s->looked_ms && now_ms - s->looked_ms < SPARES_LOOK_MS))
        return;
    s->looked_ms = now_ms;
    s->look = true;
}

bool spares_decide(struct work *w, struct decision *out)
{
    if (!w->spares.look)
        return false;
    struct body_spares body;
    size_up(w, &body);
    w->spares.look = false;
    if (body.target == w->spares.sized.target)
        return false;
    out->ev.kind = EV_SPARES_SIZED;
    memcpy(&out->ev.body.spares, &body, sizeof(body)); /* the gap at its end is zero */
    return true;
}

void spares_apply(struct work *w, const struct event *ev)
{
    memcpy(&w->spares.sized, &ev->body.spares, sizeof(w->spares.sized)); /* with its gap */
    w->spares.sized_seq = ev->seq;
}

/* ---- who leaves them ------------------------------------------------------------------------- */

uint32_t spares_target(const struct work *w)
{
    return w->policy.spares == SPARES_NONE || w->policy.engine ? 0 : w->spares.sized.target;
}

uint32_t spares_kept(const struct work *w, uint32_t slot, uint32_t lent)
{
    uint32_t kept = spares_target(w), need = w->board->job_nodes[slot];
    if (!kept || work_is_restart(w, slot))
        return 0;
    uint32_t all = queue_serving(w, slot);
    kept = MW_MIN(kept, all - MW_MIN(all, need));
    if (w->policy.preempt) /* of what is kept in the end: what stops for it gives no room else */
        kept = work_is_interruptible(w, slot) ? 0 : kept - MW_MIN(kept, lent);
    return kept;
}

struct work_spare_sums work_spares(const struct work *w)
{
    const struct spares *s = &w->spares;
    uint32_t target = spares_target(w), lent = w->policy.preempt ? preempt_lent(w) : 0;
    lent = MW_MIN(lent, target);
    int64_t now_ms = mw_ms(w->now_ns);
    return (struct work_spare_sums){
        .sized = s->sized, .sized_seq = s->sized_seq, .target = target, .lent = lent,
        .free = MW_MIN(target - lent, w->free_total), .outs = s->outs, .repairs = s->repairs,
        .node_ms = s->node_ms + (s->since_ms ? (now_ms - s->since_ms) * s->members : 0),
        .out_ms = s->out_ms };
}
