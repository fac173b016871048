/*
 * The policy as a blob: a table of its numbers, written and read in one order,
 * so that the padding of structs and unused rows cannot leak into a hash.
 */
#include <string.h>

#include "control/control.h"

/* X(field, smallest, largest): the numbers of a policy outside the classes. */
#define POLICY_FIELDS(X)                                            \
    X(guard.mode, MODE_OBSERVE, MODE_ACT)                           \
    X(guard.hall_permille_x10, 0, 10000)                            \
    X(guard.window_ms, 0, INT64_MAX)                                \
    X(guard.fleet_permille_x10, 0, 10000)                           \
    X(guard.domain_rule, 0, 1)                                      \
    X(care.gate, 0, 1)                                              \
    X(care.settle_ms, 0, INT64_MAX / 1000000)                       \
    X(work.rate_per_1e9_node_hours, 0, INT64_MAX)                   \
    X(work.interval_ms, 0, INT64_MAX)                               \
    X(work.interval_ms_min, 0, INT64_MAX)                           \
    X(work.interval_ms_max, 0, INT64_MAX)                           \
    X(work.bypass_ms, 0, INT64_MAX)                                 \
    X(work.pulse_ms, 100, INT64_MAX / 1000000)                      \
    X(work.places_per_pulse, 1, 48)                                 \
    X(account.microdollars_per_gpu_hour, 0, INT64_MAX)              \
    X(care.engine, 0, 1)                                            \
    X(work.engine, 0, 1)                                            \
    X(guard.down_permille_x10, 0, 10000)

/* The same for one class of fault. */
#define CLASS_FIELDS(X)                                             \
    X(effect, EFFECT_NONE, EFFECT_DEFERS)                           \
    X(drain, 0, DRAIN_AT_CHECKPOINT)                                \
    X(count, 0, UINT32_MAX)                                         \
    X(window_ms, 0, INT64_MAX)                                      \
    X(gate_ms, 0, INT64_MAX / 1000000)                              \
    X(probation_ms, 0, INT64_MAX / 1000000)                         \
    X(heals, 0, 1)

void control_policy_encode(const struct control_policy *p, struct control_policy_blob *ret)
{
    uint32_t at = 0;
    must(p->care.classes > 0 && p->care.classes <= BOARD_CLASSES_MAX);
    memset(ret, 0, sizeof(*ret));
    ret->version = CONTROL_POLICY_VERSION;
    ret->value[at++] = p->care.classes;
#define X(field, low, high) ret->value[at++] = (int64_t)p->field;
    POLICY_FIELDS(X)
#undef X
    for (uint32_t i = 0; i < p->care.classes; i++) {
        const struct care_class *k = &p->care.class[i];
        memcpy(ret->name[i], k->name, strnlen(k->name, sizeof(k->name) - 1));
#define X(field, low, high) ret->value[at++] = (int64_t)k->field;
        CLASS_FIELDS(X)
#undef X
    }
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

static bool decode_class(const struct control_policy_blob *b, uint32_t i, uint32_t *at,
                         struct care_class *ret)
{
    bool ok = memchr(b->name[i], 0, sizeof(b->name[i])) != NULL;
    memcpy(ret->name, b->name[i], sizeof(ret->name));
#define X(field, low, high)                       \
    ok = take(b, at, (low), (high)) && ok;        \
    ret->field = (__typeof__(ret->field))b->value[*at - 1];
    CLASS_FIELDS(X)
#undef X
    return ok;
}

int control_policy_decode(const void *blob, size_t size, struct control_policy *ret,
                          struct mw_error *err)
{
    struct control_policy_blob b;
    struct control_policy p = control_policy_default();
    uint32_t at = 1;
    if (size < sizeof(b.version))
        return mw_fail(err, MW_ECORRUPT, "the policy of the record is cut short");
    memcpy(&b, blob, MW_MIN(size, sizeof(b)));
    if (b.version != CONTROL_POLICY_VERSION || size != sizeof(b))
        return mw_fail(err, MW_EVERSION, "the policy of the record has version %lld, this program "
                       "reads %d", (long long)b.version, CONTROL_POLICY_VERSION);
    bool ok = b.value[0] > 0 && b.value[0] <= BOARD_CLASSES_MAX;
    p.care.classes = ok ? (uint32_t)b.value[0] : 1;
#define X(field, low, high)                       \
    ok = take(&b, &at, (low), (high)) && ok;      \
    p.field = (__typeof__(p.field))b.value[at - 1];
    POLICY_FIELDS(X)
#undef X
    for (uint32_t i = 0; i < p.care.classes; i++)
        ok = decode_class(&b, i, &at, &p.care.class[i]) && ok;
    if (!ok)
        return mw_fail(err, MW_ECORRUPT, "the policy of the record has a value out of its range");
    *ret = p;
    return 0;
}
