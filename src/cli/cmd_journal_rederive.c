/*
 * `mw journal rederive`: the recorded facts once more through this program's
 * decision code.  Site and policy come from the record itself; with --scenario
 * the policy is another one, and the answer is what would have been different.
 */
#include "cli/cmd_journal.h"
#include "cli/scenario_files.h"
#include "control/rederive.h"
#include "store/journal_sqlite.h"

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
    struct rederive_report report;
    struct mw_error err = { 0 };
    bool other = false;
    const struct journal_sqlite_options options = { .read_only = true };
    int r = journal_sqlite_open(cli_arg(ctx, 0), &options, &j, &err);
    if (r == 0 && files) {
        const struct rederive_other rules = { .fleet = files->fleet,
                                              .policy = &files->scenario.policy };
        r = control_rederive(j, &rules, &report, &other, &err);
    } else if (r == 0) {
        r = control_rederive(j, NULL, &report, NULL, &err);
    }
    journal_destroy(j);
    if (r < 0)
        return cli_fail(ctx, &err);
    print_report(ctx->output, &report, other);
    return report.differences && !other ? CLI_EXIT_PROBLEMS : CLI_EXIT_OK;
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
