/*
 * Follows the record.  See replica.h.  Owns its journal handle, the site and
 * the policy that the record holds, and the controller made from them.
 */
#include "api/replica.h"

#include <string.h>

#include "api/detail.h"
#include "base/mem.h"
#include "store/journal_sqlite.h"

struct listener {
    replica_told_fn *told;
    void *ctx;
};

struct replica {
    struct journal *journal;
    struct fleet *fleet;
    struct control_policy policy;
    struct words words;
    struct control *control;
    struct serials serials;
    struct listener listener[REPLICA_LISTENERS_MAX];
    uint32_t listeners;
    uint32_t rebuilt;
    uint8_t rules[MW_SHA256_SIZE]; /* of the policy */
    uint64_t rules_seq;  /* epochs up to here are known: these rules are the last of them */
    uint64_t told_seq;   /* listeners heard up to here */
    bool all_told;       /* … and want every event after it */
    int64_t now_ns;      /* as the writer told */
};

/* ---- the rules ------------------------------------------------------------------------------- */

/* The rules of the last epoch. */
static int find_rules(void *ctx, const struct event *ev, const void *tail, bool last)
{
    (void)tail;
    (void)last;
    if (ev->kind == EV_EPOCH)
        memcpy(ctx, ev->body.epoch.rules, MW_SHA256_SIZE);
    return 0;
}

static int last_rules(struct replica *r, uint8_t ret[MW_SHA256_SIZE], struct mw_error *err)
{
    return r->journal->ops->read(r->journal, 1, find_rules, ret, err);
}

/* ---- the controller -------------------------------------------------------------------------- */

static int make_control(struct replica *r, const struct control_policy *p, uint64_t snapshot_max,
                        struct control **ret, struct mw_error *err)
{
    const struct control_options o = { .fleet = r->fleet, .policy = p, .journal = r->journal };
    struct control *c = NULL;
    int rc = control_create(&o, &c, err);
    if (rc == 0)
        rc = control_follow_begin(c, snapshot_max, err);
    if (rc < 0)
        control_destroy(c);
    else
        *ret = c;
    return rc;
}

/* From the newest snapshot that is of these rules.  On failure all is as before. */
static int make_state(struct replica *r, const uint8_t rules[MW_SHA256_SIZE], struct mw_error *err)
{
    struct control_policy policy;
    struct control *c = NULL;
    /* What a snapshot holds already cannot be told as it happens. */
    uint64_t snapshot_max = r->all_told || r->control != NULL ? r->told_seq : UINT64_MAX;
    int rc = control_policy_of(r->journal, rules, &policy, err);
    if (rc == 0)
        rc = make_control(r, &policy, snapshot_max, &c, err);
    if (rc == MW_EVERSION || rc == MW_ECORRUPT)
        rc = make_control(r, &policy, 0, &c, err);
    if (rc < 0)
        return rc;
    control_destroy(r->control);
    r->control = c;
    r->told_seq = MW_MAX(r->told_seq, r->all_told ? 0 : core_seq(c->core));
    r->policy = policy;
    memcpy(r->rules, rules, MW_SHA256_SIZE);
    r->rules_seq = r->journal->head.seq;
    return 0;
}

static int make_again(struct replica *r, const uint8_t rules[MW_SHA256_SIZE],
                      struct mw_error *err)
{
    int rc = make_state(r, rules, err);
    r->rebuilt += rc == 0;
    return rc;
}

/* The site, and the state under the rules of the record as it is now. */
static int make_first(struct replica *r, const uint8_t *hint, struct mw_error *err)
{
    uint8_t rules[MW_SHA256_SIZE];
    struct event first;
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = r->journal->ops->get(r->journal, 1, &first, tail, err);
    if (rc == 0 && first.kind != EV_EPOCH)
        return mw_fail(err, MW_EVERSION, "the record does not begin with an epoch");
    if (rc == 0)
        rc = control_site_of(r->journal, first.body.epoch.config, &r->fleet, err);
    if (rc == 0 && hint != NULL && make_state(r, hint, NULL) == 0)
        return 0;
    if (rc == 0)
        rc = last_rules(r, rules, err);
    return rc < 0 ? rc : make_state(r, rules, err);
}

/* ---- reading on ------------------------------------------------------------------------------ */

struct reading {
    struct replica *replica;
    struct mw_error *err;
    uint32_t left;       /* events; 0 = all */
    bool limited;
    bool other_rules;    /* stopped before an epoch of these: */
    uint8_t rules[MW_SHA256_SIZE];
};

static void tell(struct replica *r, const struct event *ev, const void *tail, bool last)
{
    for (uint32_t i = 0; i < r->listeners; i++)
        r->listener[i].told(r->listener[i].ctx, ev, tail, last);
    r->told_seq = ev->seq;
}

static bool begins_other_rules(const struct reading *d, const struct event *ev)
{
    const struct replica *r = d->replica;
    return ev->kind == EV_EPOCH && ev->seq > r->rules_seq &&
           memcmp(ev->body.epoch.rules, r->rules, MW_SHA256_SIZE) != 0;
}

/* 1 stops the reading. */
static int read_one(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct reading *d = ctx;
    struct replica *r = d->replica;
    if (begins_other_rules(d, ev)) {
        memcpy(d->rules, ev->body.epoch.rules, MW_SHA256_SIZE);
        d->other_rules = true;
        return 1;
    }
    int rc = control_follow(r->control, ev, tail, last, d->err);
    if (rc < 0)
        return rc;
    if (ev->seq > r->told_seq)
        tell(r, ev, tail, last);
    d->left -= d->left > 0;
    return last && d->limited && d->left == 0 ? 1 : 0;
}

static int read_on(struct replica *r, struct reading *d)
{
    struct journal *j = r->journal;
    uint64_t from = core_seq(r->control->core) + 1;
    if (from > j->head.seq)
        return 0;
    int rc = j->ops->read(j, from, read_one, d, d->err);
    return rc == 1 ? 0 : rc;
}

/* Were the rules that it was made with those of the last epoch? */
static int check_rules(struct replica *r, struct mw_error *err)
{
    uint8_t rules[MW_SHA256_SIZE];
    if (core_seq(r->control->core) < r->rules_seq ||
        memcmp(r->control->board->rules, r->rules, MW_SHA256_SIZE) == 0)
        return 0;
    int rc = last_rules(r, rules, err);
    return rc < 0 ? rc : make_again(r, rules, err);
}

int replica_catch_up(struct replica *r, uint32_t most, bool *ret_more, struct mw_error *err)
{
    must(r != NULL && ret_more != NULL);
    struct reading d = { .replica = r, .err = err, .left = most, .limited = most > 0 };
    bool news;
    int rc = journal_sqlite_refresh(r->journal, &news, err);
    if (rc == 0)
        rc = read_on(r, &d);
    if (rc == 0 && d.other_rules)
        rc = make_again(r, d.rules, err);
    if (rc == 0)
        rc = check_rules(r, err);
    *ret_more = rc == 0 && core_seq(r->control->core) < r->journal->head.seq;
    return rc;
}

/* ---- making ---------------------------------------------------------------------------------- */

static int open_record(struct replica *r, const struct replica_options *o, struct mw_error *err)
{
    const struct journal_sqlite_options options = { .read_only = true };
    int rc = journal_sqlite_open(o->journal_dir, &options, &r->journal, err);
    if (rc < 0)
        return rc;
    if (r->journal->opened.loss != JOURNAL_WHOLE)
        return mw_fail(err, MW_ECORRUPT, "%s", r->journal->opened.text);
    if (r->journal->head.seq == 0)
        return mw_fail(err, MW_ENOTFOUND, "the record is empty: nothing has happened yet");
    if (o->heard != NULL) {
        r->all_told = true;
        r->told_seq = o->heard(o->heard_ctx, r->journal);
    }
    return make_first(r, o->rules, err);
}

int replica_create(const struct replica_options *o, struct replica **ret, struct mw_error *err)
{
    must(o != NULL && o->journal_dir != NULL && ret != NULL);
    struct replica *r = mw_calloc(1, sizeof(*r));
    if (r == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = open_record(r, o, err);
    if (rc < 0) {
        replica_destroy(r);
        return rc;
    }
    r->words = (struct words){ .fleet = r->fleet, .policy = &r->policy,
                               .detail = api_finding_detail };
    *ret = r;
    return 0;
}

void replica_destroy(struct replica *r)
{
    if (r == NULL)
        return;
    control_destroy(r->control);
    serials_fini(&r->serials);
    journal_destroy(r->journal);
    fleet_destroy(r->fleet);
    mw_free(r);
}

void replica_listen(struct replica *r, replica_told_fn *told, void *ctx)
{
    must(r != NULL && told != NULL);
    must(r->listeners < REPLICA_LISTENERS_MAX);
    r->listener[r->listeners++] = (struct listener){ told, ctx };
}

/* ---- looking --------------------------------------------------------------------------------- */

const struct control *replica_control(const struct replica *r)
{
    must(r->control != NULL);
    return r->control;
}

struct journal *replica_journal(const struct replica *r)
{
    return r->journal;
}

const struct words *replica_words(const struct replica *r)
{
    return &r->words;
}

struct serials *replica_serials(struct replica *r)
{
    return serials_update(&r->serials, r->journal, r->fleet, NULL) == 0 ? &r->serials : NULL;
}

uint64_t replica_seq(const struct replica *r)
{
    return core_seq(r->control->core);
}

uint64_t replica_head(const struct replica *r)
{
    return r->journal->head.seq;
}

uint32_t replica_rebuilt(const struct replica *r)
{
    return r->rebuilt;
}

int64_t replica_now_ns(const struct replica *r)
{
    return MW_MAX(r->now_ns, core_now(r->control->core));
}

void replica_now_is(struct replica *r, int64_t now_ns)
{
    r->now_ns = MW_MAX(r->now_ns, now_ns);
}
