/* The controller's assembly.  See control.h. */
#include "control/control.h"

#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "fleet/site_blob.h"

struct control_policy control_policy_default(void)
{
    struct control_policy p;
    memset(&p, 0, sizeof(p));
    p.guard = guard_policy_default();
    p.care = care_policy_default();
    p.work = work_policy_default();
    p.account.microdollars_per_gpu_hour = 2500000; /* $2.50: docs/concepts.md */
    return p;
}

static int make_planes(struct control *c, const struct control_options *o)
{
    int r = board_create(o->fleet, &o->board, &c->board);
    if (r == 0)
        r = guard_create(c->board, &o->policy->guard, &c->guard);
    if (r == 0)
        r = care_create(c->board, &o->policy->care, &c->care);
    if (r == 0)
        r = account_create(c->board, &o->policy->account, &c->account);
    if (r == 0)
        r = work_create(c->board, &o->policy->work, &c->work);
    return r;
}

/* Is the state that of these rules? */
static bool same_rules(void *ctx)
{
    const struct control *c = ctx;
    return memcmp(c->board->rules, control_policy_sha256(&c->policy).bytes, MW_SHA256_SIZE) == 0;
}

int control_create(const struct control_options *o, struct control **ret, struct mw_error *err)
{
    must(o && o->fleet && o->policy && o->journal && ret);
    struct control *c = mw_calloc(1, sizeof(*c));
    if (!c || make_planes(c, o) < 0) {
        control_destroy(c);
        return mw_fail(err, MW_ENOMEM, "no memory for a site of %u nodes",
                       o->fleet->count[COMPONENT_NODE]);
    }
    const struct plane plane[PLANE_COUNT] = {
        [PLANE_BOARD] = board_plane(c->board), [PLANE_GUARD] = guard_plane(c->guard),
        [PLANE_CARE] = care_plane(c->care),    [PLANE_MONEY] = account_plane(c->account),
        [PLANE_WORK] = work_plane(c->work),
    };
    const struct core_config config = {
        .journal = o->journal, .plane = plane, .guard = guard_port_of(c->guard),
        .sources_max = SOURCE_NODE + o->fleet->count[COMPONENT_NODE], .act = o->act,
        .act_ctx = o->act_ctx, .fits = same_rules, .fits_ctx = c, .trace_hash = o->trace_hash };
    int r = core_create(&config, &c->core, err);
    if (r < 0) {
        control_destroy(c);
        return r;
    }
    c->policy = *o->policy;
    c->journal = o->journal;
    *ret = c;
    return 0;
}

void control_destroy(struct control *c)
{
    if (!c)
        return;
    core_destroy(c->core);
    work_destroy(c->work);
    account_destroy(c->account);
    care_destroy(c->care);
    guard_destroy(c->guard);
    board_destroy(c->board);
    mw_free(c);
}

/* The policy and the site's text go into the record; their hashes into the epoch. */
static int put_blobs(struct control *c, struct body_epoch *ret, struct mw_error *err)
{
    struct control_policy_blob blob;
    const struct fleet *f = c->board->fleet;
    control_policy_encode(&c->policy, &blob);
    memcpy(ret->rules, control_policy_sha256(&c->policy).bytes, MW_SHA256_SIZE);
    memcpy(ret->config, f->site_sha256, MW_SHA256_SIZE);
    const struct journal_ops *ops = c->journal->ops;
    int r = ops->blob_put(c->journal, ret->rules, &blob, sizeof(blob), err);
    if (r < 0 || !f->source)
        return r;
    return ops->blob_put(c->journal, f->site_sha256, f->source, f->source_size, err);
}

static int submit(struct control *c, int64_t now_ns, const struct event *ev, const char *text,
                  struct mw_error *err)
{
    enum admit a = ADMIT_OK;
    int r = core_submit(c->core, now_ns, ev, text, &a, err);
    must(r < 0 || a == ADMIT_OK);
    return r;
}

int control_begin(struct control *c, int64_t now_ns, struct mw_error *err)
{
    must(c && core_seq(c->core) == 0);
    struct event epoch = { .kind = EV_EPOCH, .source = SOURCE_PERSON, .actor = 1,
                           .observed_ns = now_ns, .tail_size = sizeof(MW_VERSION) - 1 };
    struct event adopt = { .kind = EV_NODES_ADOPTED, .source = SOURCE_PERSON, .actor = 1,
                           .observed_ns = now_ns };
    adopt.body.adopt = (struct body_adopt){ .first = 0, .count = c->board->nodes,
                                            .health = HEALTH_READY };
    int r = put_blobs(c, &epoch.body.epoch, err);
    if (r == 0)
        r = submit(c, now_ns, &epoch, MW_VERSION, err);
    if (r == 0)
        r = submit(c, now_ns, &adopt, NULL, err);
    return r < 0 ? r : core_commit(c->core, err);
}

/* The journal's first event says for which site it was begun. */
static int check_site(const struct control *c, struct mw_error *err)
{
    struct event first;
    char hex[MW_HEX256_MAX];
    void *tail = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int r = c->journal->ops->get(c->journal, 1, &first, tail, err);
    mw_free(tail);
    if (r < 0)
        return r;
    if (first.kind != EV_EPOCH)
        return mw_fail(err, MW_ECORRUPT, "the journal does not begin with an epoch");
    if (memcmp(first.body.epoch.config, c->board->fleet->site_sha256, MW_SHA256_SIZE) == 0)
        return 0;
    mw_hex256(first.body.epoch.config, hex);
    return mw_fail(err, MW_ECONFLICT, "the journal was begun for another site (site file %.16s…): "
                   "give the site file it was begun with, or begin a new journal", hex);
}

int control_recover(struct control *c, bool use_snapshot, struct mw_error *err)
{
    must(c && core_seq(c->core) == 0);
    int r = check_site(c, err);
    if (r == 0)
        r = core_recover(c->core, use_snapshot, err);
    if (r == 0 && !same_rules(c))
        return mw_fail(err, MW_ECONFLICT, "the journal goes on under other rules: go on under "
                       "them, or begin a new journal (mw journal rederive compares the two)");
    return r;
}

int control_site_of(struct journal *j, const uint8_t config[32], struct fleet **ret,
                    struct mw_error *err)
{
    char *yaml = NULL;
    size_t size = 0;
    struct problems problems = { 0 };
    int r = j->ops->blob_get(j, config, &yaml, &size, err);
    if (r == 0)
        r = site_load_blob(yaml, size, ret, &problems, err);
    problems_fini(&problems);
    mw_free(yaml);
    return r;
}

int control_policy_of(struct journal *j, const uint8_t rules[32], struct control_policy *ret,
                      struct mw_error *err)
{
    char *blob = NULL;
    size_t size = 0;
    int r = j->ops->blob_get(j, rules, &blob, &size, err);
    if (r == 0)
        r = control_policy_decode(blob, size, ret, err);
    mw_free(blob);
    return r;
}

/* Rows of classes are in the record: they keep their meaning. */
static int check_successor(const struct control_policy *old, const struct control_policy *new,
                           struct mw_error *err)
{
    if (old->work.engine != new->work.engine || old->care.engine != new->care.engine)
        return mw_fail(err, MW_ECONFLICT, "the journal is of a site where %s owns allocation: "
                       "begin a new journal", old->work.engine ? "another engine" : "Millwright");
    for (uint32_t i = 0; i < old->care.classes; i++)
        if (i >= new->care.classes ||
            strcmp(old->care.class[i].name, new->care.class[i].name) != 0)
            return mw_fail(err, MW_ECONFLICT, "class %u of fault is \"%s\" in the journal and "
                           "\"%s\" in the new rules: classes may only be added at the end", i,
                           old->care.class[i].name,
                           i < new->care.classes ? new->care.class[i].name : "missing");
    return 0;
}

int control_change_rules(struct control *c, int64_t now_ns, struct mw_error *err)
{
    must(c && core_seq(c->core) == 0);
    struct control_policy old;
    struct event epoch = { .kind = EV_EPOCH, .source = SOURCE_PERSON, .actor = 1,
                           .observed_ns = now_ns, .tail_size = sizeof(MW_VERSION) - 1 };
    int r = check_site(c, err);
    if (r == 0)
        r = core_recover(c->core, false, err);
    if (r < 0 || same_rules(c))
        return r;
    r = control_policy_of(c->journal, c->board->rules, &old, err);
    if (r == 0)
        r = check_successor(&old, &c->policy, err);
    if (r == 0)
        r = put_blobs(c, &epoch.body.epoch, err);
    if (r == 0)
        r = submit(c, now_ns, &epoch, MW_VERSION, err);
    if (r == 0)
        r = core_commit(c->core, err);
    return r == 0 ? core_snapshot(c->core, err) : r;
}

int control_follow_begin(struct control *c, uint64_t snapshot_max, struct mw_error *err)
{
    must(c && core_seq(c->core) == 0);
    int r = check_site(c, err);
    if (r < 0 || snapshot_max == 0)
        return r;
    r = core_follow_snapshot(c->core, snapshot_max, err);
    return r == MW_ENOTFOUND ? 0 : r;
}

int control_follow(struct control *c, const struct event *ev, const void *tail, bool last,
                   struct mw_error *err)
{
    must(c && ev);
    return core_follow(c->core, ev, tail, last, err);
}
