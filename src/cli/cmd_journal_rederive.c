/*
 * `mw journal rederive`: the recorded facts once more through this program's
 * decision code.  Site and policy come from the record itself; with --scenario
 * the policy is another one, and the answer is what would have been different.
 */
#include <string.h>

#include "base/mem.h"
#include "cli/cmd_journal.h"
#include "cli/scenario_files.h"
#include "core/journal_memory.h"
#include "core/rederive.h"
#include "fleet/site_blob.h"
#include "store/journal_sqlite.h"

/* What the epoch of a record was made of. */
struct basis {
    struct fleet *fleet;
    struct control_policy policy;
    bool other; /* the policy is not the recorded one */
};

static int load_site(struct journal *j, const struct body_epoch *e, struct fleet **ret,
                     struct mw_error *err)
{
    char *yaml mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    struct problems problems = { 0 };
    int r = j->ops->blob_get(j, e->config, &yaml, &size, err);
    if (r == 0)
        r = site_load_blob(yaml, size, ret, &problems, err);
    problems_fini(&problems);
    return r;
}

static int load_policy(struct journal *j, const struct body_epoch *e, struct control_policy *ret,
                       struct mw_error *err)
{
    char *blob mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    int r = j->ops->blob_get(j, e->rules, &blob, &size, err);
    return r < 0 ? r : control_policy_decode(blob, size, ret, err);
}

static int load_basis(struct journal *j, const struct scenario_files *files, struct basis *ret,
                      struct mw_error *err)
{
    struct event ev;
    char *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int r = j->ops->get(j, 1, &ev, tail, err);
    if (r == 0 && ev.kind != EV_EPOCH)
        r = mw_fail(err, MW_EVERSION, "the record does not begin with an epoch");
    if (r == 0 && files) {
        struct control_sha256 rules = control_policy_sha256(&files->scenario.policy);
        ret->policy = files->scenario.policy;
        ret->other = memcmp(rules.bytes, ev.body.epoch.rules, MW_SHA256_SIZE) != 0;
        return 0;
    }
    if (r == 0)
        r = load_policy(j, &ev.body.epoch, &ret->policy, err);
    return r < 0 ? r : load_site(j, &ev.body.epoch, &ret->fleet, err);
}

static int rederive(struct journal *j, const struct fleet *fleet,
                    const struct control_policy *policy, struct rederive_report *ret,
                    struct mw_error *err)
{
    struct journal *memory = NULL;
    struct control *fresh = NULL;
    if (journal_memory_create(&(struct journal_memory_options){ .discard = true }, &memory) < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int r = control_create(&(struct control_options){ .fleet = fleet, .policy = policy,
                                                      .journal = memory }, &fresh, err);
    if (r == 0)
        r = core_rederive(j, fresh->core, ret, err);
    control_destroy(fresh);
    journal_destroy(memory);
    return r;
}

static const struct output_column columns[] = {
    { .key = "groups", .title = "GROUPS" },
    { .key = "events", .title = "EVENTS" },
    { .key = "policy", .title = "POLICY" },
    { .key = "differences", .title = "DIFFERENCES" },
    { .key = "refused", .title = "FACTS REFUSED" },
    { .key = "first_seq", .title = "FIRST AT EVENT" },
    { .key = "first", .title = "WHAT DIFFERS THERE" },
    { 0 },
};
static const struct output_column kind_columns[] = {
    { .key = "kind", .title = "KIND" },
    { .key = "changed", .title = "CHANGED", .right = true },
    { .key = "missing", .title = "MISSING", .right = true },
    { .key = "additional", .title = "ADDITIONAL", .right = true },
    { 0 },
};

static void print_report(struct output *o, const struct rederive_report *r, bool other)
{
    output_begin(o, columns, OUTPUT_RECORD);
    output_int(o, (int64_t)r->groups);
    output_int(o, (int64_t)r->events);
    output_text(o, other ? "another than recorded" : "as recorded");
    output_int(o, (int64_t)r->differences);
    output_int(o, (int64_t)r->refused);
    output_int(o, (int64_t)r->first_seq);
    output_text(o, r->first[0] ? r->first : NULL);
    output_end(o, NULL);
    if (!r->differences || output_form_of(o) == OUTPUT_JSON || output_form_of(o) == OUTPUT_CSV)
        return;
    output_begin(o, kind_columns, OUTPUT_ROWS);
    for (uint32_t k = 0; k < EVENT_KIND_MAX; k++) {
        if (!r->changed[k] && !r->missing[k] && !r->additional[k])
            continue;
        output_text(o, event_info(k)->name);
        output_int(o, (int64_t)r->changed[k]);
        output_int(o, (int64_t)r->missing[k]);
        output_int(o, (int64_t)r->additional[k]);
    }
    output_end(o, NULL);
}

static int compare(struct cli_context *ctx, const struct scenario_files *files)
{
    struct journal *j = NULL;
    struct basis basis = { 0 };
    struct rederive_report report = { 0 };
    struct mw_error err = { 0 };
    const struct journal_sqlite_options options = { .read_only = true };
    int r = journal_sqlite_open(cli_arg(ctx, 0), &options, &j, &err);
    if (r == 0)
        r = load_basis(j, files, &basis, &err);
    if (r == 0)
        r = rederive(j, files ? files->fleet : basis.fleet, &basis.policy, &report, &err);
    fleet_destroy(basis.fleet);
    journal_destroy(j);
    if (r < 0)
        return cli_fail(ctx, &err);
    print_report(ctx->output, &report, basis.other);
    return report.differences && !basis.other ? CLI_EXIT_PROBLEMS : CLI_EXIT_OK;
}

int cmd_journal_rederive(struct cli_context *ctx)
{
    struct scenario_files files;
    const char *path = cli_option_string(ctx, "scenario");
    if (!path) {
        if (cli_option_count(ctx, "set"))
            return cli_usage(ctx, "--set changes a scenario: name it with --scenario");
        return compare(ctx, NULL);
    }
    int code = scenario_files_load(ctx, path, &files);
    if (code == 0)
        code = compare(ctx, &files);
    scenario_files_fini(&files);
    return code;
}
