/*
 * The controller: board, guard, care, money and work around one core, as the
 * live site, the simulator, the tests and the benchmarks all use it.  It adds
 * nothing to them but the order they are made in and the hashes of what they
 * were made from.
 */
#ifndef MW_CONTROL_CONTROL_H
#define MW_CONTROL_CONTROL_H

#include "care/care.h"
#include "core/core.h"
#include "guard/guard.h"
#include "money/account.h"
#include "work/work.h"

struct control_policy {
    struct guard_policy guard;
    struct care_policy care;
    struct work_policy work;
    struct account_policy account;
};
struct control_policy control_policy_default(void);

/* The policy as a blob of the record: field by field, names of classes with it. */
#define CONTROL_POLICY_VERSION 3
#define CONTROL_CLASS_VALUES (11 + CARE_STEPS_MAX * 10)
struct control_policy_blob {
    int64_t version;
    int64_t value[64 + BOARD_CLASSES_MAX * CONTROL_CLASS_VALUES + CARE_PARTS_MAX * 5 +
                  WORK_QUOTAS_MAX * 2];
    char name[BOARD_CLASSES_MAX][32];
    char part[CARE_PARTS_MAX][24];
};
void control_policy_encode(const struct control_policy *p, struct control_policy_blob *ret);
/* The hash of the blob: what an epoch says of its rules. */
struct control_sha256 {
    uint8_t bytes[MW_SHA256_SIZE];
};
struct control_sha256 control_policy_sha256(const struct control_policy *p);
/* MW_EVERSION, or MW_ECORRUPT when a value is out of its range. */
MW_MUST_USE int control_policy_decode(const void *blob, size_t size, struct control_policy *ret,
                                      struct mw_error *err);

struct control_options {
    const struct fleet *fleet;   /* borrowed */
    const struct control_policy *policy; /* copied */
    struct board_options board;
    struct journal *journal;     /* borrowed */
    core_act_fn *act;            /* committed actions; may be NULL */
    void *act_ctx;
    bool trace_hash;
};

struct control {
    struct board *board;
    struct guard *guard;
    struct care *care;
    struct account *account;
    struct work *work;
    struct core *core;
    struct control_policy policy;
    struct journal *journal; /* borrowed */
};

/* All of it fresh; on failure nothing is left. Sources: SOURCE_NODE + nodes. */
MW_MUST_USE int control_create(const struct control_options *o, struct control **ret,
                               struct mw_error *err);
void control_destroy(struct control *c);

/* The first two facts of a new site: the epoch (hashes of the site file and of the policy, which
 * go into the journal as blobs; program version) and the adoption of all nodes as ready by
 * person 1.  Once, when the journal is empty. */
MW_MUST_USE int control_begin(struct control *c, int64_t now_ns, struct mw_error *err);

/* Rebuilds a fresh controller from its journal (core_recover).  MW_ECONFLICT when the journal was
 * begun for another site (its rows would mean other nodes) or goes on under other rules than these
 * (then control_change_rules, on a fresh controller); MW_EVERSION: see core_recover. */
MW_MUST_USE int control_recover(struct control *c, bool use_snapshot, struct mw_error *err);

/*
 * The same without a snapshot, and when the journal's last epoch has other rules, a new epoch
 * begins: its policy goes into the journal, and a snapshot is saved.  State is then what the new
 * rules make of the record; decisions stay as they were recorded.  MW_ECONFLICT when the new rules
 * do not go on from the old: classes of fault may be added at the end, no more.
 */
MW_MUST_USE int control_change_rules(struct control *c, int64_t now_ns, struct mw_error *err);

/*
 * A controller that follows a record which another one writes; its journal is open for reading, its
 * `act` is NULL.  The first, on a fresh one, checks the site and loads the newest snapshot at or
 * before snapshot_max (0 = none, UINT64_MAX = any), if there is one: MW_ECONFLICT, MW_EVERSION as
 * control_recover.  Then the events come, one by one, from core_seq() + 1 on; all are applied under
 * these rules, as control_change_rules does: who follows looks out for a new epoch and makes
 * another controller under its rules.
 */
MW_MUST_USE int control_follow_begin(struct control *c, uint64_t snapshot_max,
                                     struct mw_error *err);
MW_MUST_USE int control_follow(struct control *c, const struct event *ev, const void *tail,
                               bool last, struct mw_error *err);

/* The site of an epoch, from the journal's blobs: gives *ret.  MW_ENOTFOUND, MW_ESYNTAX. */
MW_MUST_USE int control_site_of(struct journal *j, const uint8_t config[32], struct fleet **ret,
                                struct mw_error *err);

/* The policy of an epoch, from the journal's blobs.  MW_ENOTFOUND, MW_EVERSION, MW_ECORRUPT. */
MW_MUST_USE int control_policy_of(struct journal *j, const uint8_t rules[32],
                                  struct control_policy *ret, struct mw_error *err);

#endif
