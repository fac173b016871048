/* See rederive.h. */
#include "control/rederive.h"

#include <string.h>

#include "base/mem.h"
#include "core/journal_memory.h"

/* What a record was made of. */
struct basis {
    struct fleet *fleet; /* owned */
    uint64_t first[REDERIVE_EPOCHS_MAX]; /* event of each epoch */
    uint8_t rules[REDERIVE_EPOCHS_MAX][MW_SHA256_SIZE];
    uint8_t config[MW_SHA256_SIZE];
    uint32_t epochs;
};

static int find_epoch(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct basis *b = ctx;
    (void)tail;
    (void)last;
    if (ev->kind != EV_EPOCH || b->epochs == REDERIVE_EPOCHS_MAX)
        return 0;
    if (b->epochs == 0)
        memcpy(b->config, ev->body.epoch.config, MW_SHA256_SIZE);
    memcpy(b->rules[b->epochs], ev->body.epoch.rules, MW_SHA256_SIZE);
    b->first[b->epochs++] = ev->seq;
    return 0;
}

static int find_epochs(struct journal *j, struct basis *b, struct mw_error *err)
{
    int r = j->ops->read(j, 1, find_epoch, b, err);
    if (r < 0)
        return r;
    if (b->epochs == 0 || b->first[0] != 1)
        return mw_fail(err, MW_EVERSION, "the record does not begin with an epoch");
    if (b->epochs == REDERIVE_EPOCHS_MAX)
        return mw_fail(err, MW_ELIMIT, "the rules change more than %u times in the record",
                       REDERIVE_EPOCHS_MAX - 1);
    return 0;
}

static int drive(struct journal *j, const struct rederive_other *under,
                 const struct rederive_range *range, struct rederive_report *ret,
                 struct mw_error *err)
{
    struct journal *memory = NULL;
    struct control *fresh = NULL;
    const struct journal_memory_options discard = { .discard = true };
    if (journal_memory_create(&discard, &memory) < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    const struct control_options o = { .fleet = under->fleet, .policy = under->policy,
                                       .journal = memory };
    int r = control_create(&o, &fresh, err);
    if (r == 0)
        r = core_rederive(j, fresh->core, range, ret, err);
    control_destroy(fresh);
    journal_destroy(memory);
    return r;
}

static int drive_epochs(struct journal *j, struct basis *b, struct rederive_report *ret,
                        struct mw_error *err)
{
    int r = control_site_of(j, b->config, &b->fleet, err);
    for (uint32_t i = 0; r == 0 && i < b->epochs; i++) {
        struct control_policy policy;
        const struct rederive_other own = { .fleet = b->fleet, .policy = &policy };
        const struct rederive_range range = {
            .first_seq = b->first[i],
            .last_seq = i + 1 < b->epochs ? b->first[i + 1] - 1 : UINT64_MAX };
        r = control_policy_of(j, b->rules[i], &policy, err);
        if (r == 0)
            r = drive(j, &own, &range, ret, err);
    }
    return r;
}

int control_rederive(struct journal *j, const struct rederive_other *other,
                     struct rederive_report *ret, bool *ret_other, struct mw_error *err)
{
    must(j && ret);
    const struct rederive_range all = { .first_seq = 1, .last_seq = UINT64_MAX };
    struct basis *b = mw_calloc(1, sizeof(*b));
    bool differs = false;
    memset(ret, 0, sizeof(*ret));
    if (!b)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int r = find_epochs(j, b, err);
    if (r == 0 && other) {
        struct control_sha256 rules = control_policy_sha256(other->policy);
        differs = memcmp(rules.bytes, b->rules[0], MW_SHA256_SIZE) != 0;
        r = drive(j, other, &all, ret, err);
    } else if (r == 0) {
        r = drive_epochs(j, b, ret, err);
    }
    if (ret_other)
        *ret_other = differs;
    fleet_destroy(b->fleet);
    mw_free(b);
    return r;
}
