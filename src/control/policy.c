/*
 * The policy as a blob: a table of its numbers, written and read in one order,
 * so that the padding of structs and unused rows cannot leak into a hash.
 */
#include <string.h>

#include "control/control.h"

#define SPAN_MS_MAX (INT64_MAX / 1000000 / 2) /* 146 years: with the date it fits into ns */

/* X(field, smallest, largest): the numbers of a policy outside its tables. */
#define POLICY_FIELDS(X)                                            \
    X(guard.mode, MODE_OBSERVE, MODE_ACT)                           \
    X(guard.hall_permille_x10, 0, 10000)                            \
    X(guard.window_ms, 0, INT64_MAX)                                \
    X(guard.fleet_permille_x10, 0, 10000)                           \
    X(guard.domain_rule, 0, 1)                                      \
    X(guard.down_permille_x10, 0, 10000)                            \
    X(care.gate, 0, 1)                                              \
    X(care.settle_ms, 0, SPAN_MS_MAX)                               \
    X(care.engine, 0, 1)                                            \
    X(care.correlate, 0, 1)                                         \
    X(care.cause_window_ms, 0, SPAN_MS_MAX)                         \
    X(care.cause_least, 2, UINT32_MAX)                              \
    X(care.cause_cover_ppm, 0, 1000000)                             \
    X(care.least_cost, 0, 1)                                        \
    X(care.evict, 0, 1)                                             \
    X(care.uusd_per_gpu_hour, 0, INT64_MAX)                         \
    X(care.uusd_per_crew_hour, 0, INT64_MAX)                        \
    X(care.refault_ms, 0, SPAN_MS_MAX)                              \
    X(care.job_nodes, 0, UINT32_MAX)                                \
    X(care.escalate, 0, 1)                                          \
    X(care.swap, 0, 1)                                              \
    X(care.growth, 0, 1)                                            \
    X(care.growth_max, 0, 10)                                       \
    X(care.lemon, 0, 1)                                             \
    X(care.lemon_at[LEMON_EXCLUDED], 0, UINT32_MAX)                 \
    X(care.lemon_at[LEMON_XIDS], 0, UINT32_MAX)                     \
    X(care.lemon_at[LEMON_TICKETS], 0, UINT32_MAX)                  \
    X(care.lemon_at[LEMON_OUT], 0, UINT32_MAX)                      \
    X(care.lemon_at[LEMON_MULTI_FAILS], 0, UINT32_MAX)              \
    X(care.lemon_at[LEMON_SINGLE_FAILS], 0, UINT32_MAX)             \
    X(care.lemon_at[LEMON_SINGLE_RATE], 0, UINT32_MAX)              \
    X(care.lemon_signals, 0, LEMON_SIGNALS)                         \
    X(care.retire, 0, 1)                                            \
    X(care.node_worth_uusd, 0, INT64_MAX)                           \
    X(work.rate_per_1e9_node_hours, 0, INT64_MAX)                   \
    X(work.interval_ms, 0, INT64_MAX)                               \
    X(work.interval_ms_min, 0, INT64_MAX)                           \
    X(work.interval_ms_max, 0, INT64_MAX)                           \
    X(work.bypass_ms, 0, INT64_MAX)                                 \
    X(work.pulse_ms, 100, SPAN_MS_MAX)                              \
    X(work.places_per_pulse, 1, 48)                                 \
    X(work.engine, 0, 1)                                            \
    X(work.at_once, 0, 1)                                           \
    X(work.backfill, 0, 1)                                          \
    X(work.topology, 0, 1)                                          \
    X(work.avoid, 0, 1)                                             \
    X(work.preempt, 0, 1)                                           \
    X(work.spares, SPARES_NONE, SPARES_SIZED)                       \
    X(work.spares_nodes, 0, UINT32_MAX)                             \
    X(work.spares_quantile_ppm, 0, 1000000)                         \
    X(work.spares_repair_ms, 0, SPAN_MS_MAX)                        \
    X(work.preempt_after_ms, 0, SPAN_MS_MAX)                        \
    X(account.microdollars_per_gpu_hour, 0, INT64_MAX)

/* The same for one class of fault, for a step of its ladder, a part, a quota. */
#define CLASS_FIELDS(X)                                             \
    X(effect, EFFECT_NONE, EFFECT_DEFERS)                           \
    X(drain, 0, DRAIN_AT_CHECKPOINT)                                \
    X(count, 0, UINT32_MAX)                                         \
    X(window_ms, 0, INT64_MAX)                                      \
    X(gate_ms, 0, SPAN_MS_MAX)                                      \
    X(probation_ms, 0, SPAN_MS_MAX)                                 \
    X(heals, 0, 1)                                                  \
    X(shared, 0, CAUSE_ANY)                                         \
    X(slow_ppm, 0, 1000000)                                         \
    X(hazard_per_1e9_hours, 0, UINT32_MAX)                          \
    X(steps, 0, CARE_STEPS_MAX)
#define LADDER_FIELDS(X)                                            \
    X(step, STEP_REPAIR, STEP_RETIRE)                               \
    X(who, WHO_AGENT, WHO_VENDOR)                                   \
    X(part, 0, UINT16_MAX)                                          \
    X(odds_ppm, 0, 1000000)                                         \
    X(weight, 0, 1000000)                                           \
    X(duration_ms, 0, SPAN_MS_MAX)                                  \
    X(deadline_ms, 0, SPAN_MS_MAX)                                  \
    X(lease_ms, 0, UINT32_MAX)                                      \
    X(cost_uusd, 0, INT64_MAX)                                      \
    X(crew_ms, 0, SPAN_MS_MAX)
#define PART_FIELDS(X)                                              \
    X(cost_uusd, 0, INT64_MAX)                                      \
    X(lead_ms, 0, SPAN_MS_MAX)                                      \
    X(stock, 0, UINT32_MAX)                                         \
    X(least, 0, UINT32_MAX)                                         \
    X(batch, 0, UINT32_MAX)
#define QUOTA_FIELDS(X)                                             \
    X(tenant, 0, UINT32_MAX)                                        \
    X(gpus, 0, UINT32_MAX)

static void encode_tables(const struct control_policy *p, struct control_policy_blob *ret,
                          uint32_t *at)
{
    for (uint32_t i = 0; i < p->care.parts; i++) {
        const struct care_part *part = &p->care.part[i];
        memcpy(ret->part[i], part->name, strnlen(part->name, sizeof(part->name) - 1));
#define X(field, low, high) ret->value[(*at)++] = (int64_t)part->field;
        PART_FIELDS(X)
#undef X
    }
    for (uint32_t i = 0; i < p->work.quotas; i++) {
#define X(field, low, high) ret->value[(*at)++] = (int64_t)p->work.quota[i].field;
        QUOTA_FIELDS(X)
#undef X
    }
}

void control_policy_encode(const struct control_policy *p, struct control_policy_blob *ret)
{
    uint32_t at = 0;
    must(p->care.classes > 0 && p->care.classes <= BOARD_CLASSES_MAX);
    memset(ret, 0, sizeof(*ret));
    ret->version = CONTROL_POLICY_VERSION;
    ret->value[at++] = p->care.classes;
    ret->value[at++] = p->care.parts;
    ret->value[at++] = p->work.quotas;
#define X(field, low, high) ret->value[at++] = (int64_t)p->field;
    POLICY_FIELDS(X)
#undef X
    for (uint32_t i = 0; i < p->care.classes; i++) {
        const struct care_class *k = &p->care.class[i];
        memcpy(ret->name[i], k->name, strnlen(k->name, sizeof(k->name) - 1));
#define X(field, low, high) ret->value[at++] = (int64_t)k->field;
        CLASS_FIELDS(X)
#undef X
        for (uint32_t j = 0; j < k->steps; j++) {
#define X(field, low, high) ret->value[at++] = (int64_t)k->ladder[j].field;
            LADDER_FIELDS(X)
#undef X
        }
    }
    encode_tables(p, ret, &at);
    must(at <= MW_ARRAY_LEN(ret->value));
}

struct control_sha256 control_policy_sha256(const struct control_policy *p)
{
    struct control_policy_blob blob;
    struct control_sha256 sum;
    control_policy_encode(p, &blob);
    const struct mw_piece piece = { &blob, sizeof(blob) };
    mw_sha256(&piece, 1, sum.bytes);
    return sum;
}

static bool take(const struct control_policy_blob *b, uint32_t *at, int64_t low, int64_t high)
{
    int64_t v = b->value[(*at)++];
    return v >= low && v <= high;
}

#define READ(to, low, high)                        \
    (ok = take(b, at, (low), (high)) && ok, \
     (to) = (__typeof__(to))b->value[*at - 1])

static bool decode_class(const struct control_policy_blob *b, uint32_t i, uint32_t *at,
                         struct care_class *ret)
{
    bool ok = memchr(b->name[i], 0, sizeof(b->name[i])) != NULL;
    memcpy(ret->name, b->name[i], sizeof(ret->name));
#define X(field, low, high) READ(ret->field, low, high);
    CLASS_FIELDS(X)
#undef X
    for (uint32_t j = 0; ok && j < ret->steps; j++) {
#define X(field, low, high) READ(ret->ladder[j].field, low, high);
        LADDER_FIELDS(X)
#undef X
    }
    return ok;
}

static bool decode_tables(const struct control_policy_blob *b, uint32_t *at,
                          struct control_policy *ret)
{
    bool ok = true;
    for (uint32_t i = 0; i < ret->care.parts; i++) {
        struct care_part *part = &ret->care.part[i];
        ok = memchr(b->part[i], 0, sizeof(b->part[i])) != NULL && ok;
        memcpy(part->name, b->part[i], sizeof(part->name));
#define X(field, low, high) READ(part->field, low, high);
        PART_FIELDS(X)
#undef X
    }
    for (uint32_t i = 0; i < ret->work.quotas; i++) {
#define X(field, low, high) READ(ret->work.quota[i].field, low, high);
        QUOTA_FIELDS(X)
#undef X
    }
    return ok;
}

int control_policy_decode(const void *blob, size_t size, struct control_policy *ret,
                          struct mw_error *err)
{
    struct control_policy_blob b;
    struct control_policy p = control_policy_default();
    uint32_t at = 3;
    if (size < sizeof(b.version))
        return mw_fail(err, MW_ECORRUPT, "the policy of the record is cut short");
    memcpy(&b, blob, MW_MIN(size, sizeof(b)));
    if (b.version != CONTROL_POLICY_VERSION || size != sizeof(b))
        return mw_fail(err, MW_EVERSION, "the policy of the record has version %lld, this program "
                       "reads %d", (long long)b.version, CONTROL_POLICY_VERSION);
    bool ok = b.value[0] > 0 && b.value[0] <= BOARD_CLASSES_MAX && b.value[1] >= 0 &&
              b.value[1] <= CARE_PARTS_MAX && b.value[2] >= 0 && b.value[2] <= WORK_QUOTAS_MAX;
    p.care.classes = ok ? (uint32_t)b.value[0] : 1;
    p.care.parts = ok ? (uint32_t)b.value[1] : 0;
    p.work.quotas = ok ? (uint32_t)b.value[2] : 0;
#define X(field, low, high)                       \
    ok = take(&b, &at, (low), (high)) && ok;      \
    p.field = (__typeof__(p.field))b.value[at - 1];
    POLICY_FIELDS(X)
#undef X
    for (uint32_t i = 0; i < p.care.classes; i++)
        ok = decode_class(&b, i, &at, &p.care.class[i]) && ok;
    ok = ok && decode_tables(&b, &at, &p);
    if (!ok)
        return mw_fail(err, MW_ECORRUPT, "the policy of the record has a value out of its range");
    *ret = p;
    return 0;
}
