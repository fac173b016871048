/*
 * The default rules of a live site, and which class of fault a kernel line
 * stands for.  Tables and pure functions; knows neither Slurm nor agents.
 */
#include "live/policy.h"

#include <string.h>

#include "base/parse.h"
#include "base/units.h"
#include "live/policy_ladders.h"
#include "signal/diagnosis.h"
#include "signal/rules.h"

_Static_assert(LIVE_CLASS_COUNT <= BOARD_CLASSES_MAX, "the classes fit into a policy");

/* Through what a fault of a class may come from elsewhere (care_cause.h); of the others each is its
 * own, a lost GPU too (a feed that fails silences its node).  A silent node may be without power,
 * cooling or network; an NVLink fabric is one rack's. */
static const struct {
    uint8_t class; /* enum live_class */
    uint8_t trees; /* CAUSE_* */
} shared[] = {
    { LIVE_NODE_SILENT, CAUSE_ANY },
    { LIVE_ENGINE_NODE, CAUSE_ANY },
    { LIVE_NVLINK, CAUSE_CONTAINMENT },
};

struct control_policy live_policy(void)
{
    struct control_policy p = control_policy_default();
    const struct care_class classes[] = {
#define X(e, class_name, how, when, findings, gate_min, probation_s, heal, doc)                  \
    [e] = { .name = class_name, .effect = how, .drain = when, .count = findings,                 \
            .gate_ms = (gate_min) * MW_MS_PER_MIN, .probation_ms = (probation_s) * MW_MS_PER_S,  \
            .heals = heal },
        LIVE_CLASSES(X)
#undef X
    };
    memcpy(p.care.class, classes, sizeof(classes));
    for (size_t i = 0; i < MW_ARRAY_LEN(shared); i++)
        p.care.class[shared[i].class].shared = shared[i].trees;
    p.care.classes = LIVE_CLASS_COUNT;
    p.care.engine = true;
    p.work.engine = true;
    p.guard.mode = MODE_OBSERVE;
    live_ladders(&p);
    return p;
}

const char *live_class_doc(uint32_t class)
{
    static const char *const docs[] = {
#define X(e, name, effect, drain, count, gate_min, probation_s, heals, doc) [e] = doc,
        LIVE_CLASSES(X)
#undef X
    };
    return class < LIVE_CLASS_COUNT ? docs[class] : "";
}

enum live_class live_class_named(const char *name)
{
    static const char *const names[] = {
#define X(e, name, effect, drain, count, gate_min, probation_s, heals, doc) [e] = name,
        LIVE_CLASSES(X)
#undef X
    };
    uint32_t class = 0;
    while (class < LIVE_CLASS_COUNT && strcmp(names[class], name) != 0)
        class++;
    return (enum live_class)class;
}

const char *live_detail_words(uint32_t detail)
{
    const struct rule *r = detail > LIVE_DETAIL_RULE ? rules_of(detail - LIVE_DETAIL_RULE) : NULL;
    return r ? r->words : NULL;
}

/* What a bucket of the Xid catalogue says of the GPU; a bucket that is not here asks for nothing
 * by itself. */
static const struct {
    const char *bucket;
    uint8_t class; /* enum live_class */
} buckets[] = {
    { "RESET_GPU", LIVE_GPU },
    { "RESTART_BM", LIVE_GPU },
    { "RESTART_VM", LIVE_GPU },
    { "CHECK_MECHANICALS", LIVE_GPU },
    { "WORKFLOW_XID_48", LIVE_GPU },
    { "DRAIN_AND_RESET", LIVE_GPU_SOON },
    { "DRAIN_P2P", LIVE_GPU_SOON },
    { "RUN_DCGMEUD", LIVE_GPU_SOON },
    { "RUN_FIELDDIAG", LIVE_GPU_SOON },
    { "INVESTIGATE_LINK_SI", LIVE_GPU_SOON },
    { "UPDATE_SWFW", LIVE_GPU_SOON },
    { "CHECK_UVM", LIVE_GPU_SOON },
    { "CONTACT_SUPPORT", LIVE_GPU_SOON },
    { "XID_154", LIVE_GPU_SOON },
    { "RESTART_APP", LIVE_APP },
    { "RESTART_FM", LIVE_APP },
};

/* Codes for which the bucket, made for one GPU's user, says too little of the node. */
static const struct {
    uint16_t code;
    uint8_t class;
} exceptions[] = {
    { 43, LIVE_APP },       /* a program lost its channel: evidence, though nothing to do */
    { 48, LIVE_GPU },       /* also beside 63 or 64: the program on it is dead */
    { 63, LIVE_GPU_SOON },  /* a row waits for its replacement, which a reset makes */
    { 94, LIVE_GPU_SOON },  /* contained, but the memory is bad until the reset */
    { 167, LIVE_GPU },      /* PCIe timed out for good; the catalogue names no action yet */
    { 168, LIVE_GPU_SOON }, /* memory is missing */
    { 171, LIVE_GPU_SOON },
    { 172, LIVE_GPU_SOON },
};

/* Codes of signal/kmsg.h for which the node's kernel or hardware is at fault. */
static const char *const kernel_codes[] = { "MCE", "memory UE", "panic", "kernel bug", "lockup",
                                            "hung task", "PCIe AER", "GPU init", "file system",
                                            "disk", "mlx5 health", "mlx5 hardware" };

static bool is_link(uint64_t code)
{
    return code == 74 || (code >= 144 && code <= 150);
}

static enum live_class of_bucket(const char *bucket)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(buckets); i++)
        if (strcmp(buckets[i].bucket, bucket) == 0)
            return (enum live_class)buckets[i].class;
    return LIVE_CLASS_COUNT;
}

static enum live_class of_xid(const struct diagnosis *d, uint64_t code)
{
    if (is_link(code)) {
        enum live_class class = d->wrong ? of_bucket(d->bucket) : LIVE_CLASS_COUNT;
        bool hardware = strcmp(d->bucket, "RUN_FIELDDIAG") == 0 && d->sure >= SURE_LIKELY;
        return class == LIVE_GPU || hardware ? LIVE_NVLINK : class;
    }
    for (size_t i = 0; i < MW_ARRAY_LEN(exceptions); i++)
        if (exceptions[i].code == code)
            return (enum live_class)exceptions[i].class;
    /* The catalogue does not know the code, or says that it is not used: we do not know either. */
    if (!d->wrong || d->sure == SURE_UNKNOWN)
        return LIVE_CLASS_COUNT;
    return of_bucket(d->bucket);
}

enum live_class live_class_of(const struct diagnosis *d)
{
    uint64_t code;
    must(d != NULL);
    if (strncmp(d->code, "Xid ", 4) == 0)
        return mw_parse_u64(d->code + 4, &code) == 0 ? of_xid(d, code) : LIVE_CLASS_COUNT;
    if (!d->wrong)
        return LIVE_CLASS_COUNT;
    if (strncmp(d->code, "SXid ", 5) == 0)
        return LIVE_NVLINK;
    for (size_t i = 0; i < MW_ARRAY_LEN(kernel_codes); i++)
        if (strcmp(d->code, kernel_codes[i]) == 0)
            return LIVE_KERNEL;
    /* Links, cables, NCCL, memory of one job: no class stands for them; mw diagnose shows them. */
    return LIVE_CLASS_COUNT;
}

enum fault_effect live_effect_of(const struct diagnosis *d, enum live_class class)
{
    must(d != NULL && class < LIVE_CLASS_COUNT);
    return class == LIVE_KERNEL && d->sure < SURE_CERTAIN ? EFFECT_DEFERS : EFFECT_NONE;
}
