/* Scenario files for commands: `mw sim`, `mw replay` and the checks read them alike. */
#include "cli/scenario_files.h"

#include "base/file.h"
#include "base/mem.h"
#include "cli/report.h"
#include "cli/site_file.h"

#define PROBLEMS_SHOWN 20
#define SETS_MAX 64
#define SETS_MORE_MAX 32 /* of a command's own */
#define TRACE_BYTES_MAX ((size_t)256 << 20)

int scenario_files_changed(const struct cli_context *ctx, const char *path,
                           const char *const *set, uint32_t sets, struct scenario *ret)
{
    const char *all[SETS_MAX + SETS_MORE_MAX];
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    uint32_t given = cli_option_count(ctx, "set");
    must(sets <= SETS_MORE_MAX);
    if (given > SETS_MAX)
        return cli_usage(ctx, "at most %d --set options", SETS_MAX);
    for (uint32_t i = 0; i < given; i++)
        all[i] = cli_option_nth(ctx, "set", i);
    for (uint32_t i = 0; i < sets; i++)
        all[given + i] = set[i];
    int r = scenario_load_file(path, all, given + sets, ret, &problems, &err);
    if (r == MW_ESYNTAX && problems.length > 0) {
        report_problems(ctx, &problems, PROBLEMS_SHOWN);
        r = CLI_EXIT_ERROR;
    } else if (r < 0) {
        r = cli_fail(ctx, &err);
    }
    problems_fini(&problems);
    return r;
}

static int load_site(const struct cli_context *ctx, const struct scenario *s, struct fleet **ret)
{
    struct text yaml = { 0 };
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    if (s->site_path[0])
        return site_file_load(ctx, s->site_path, ret);
    int r = site_new(s->site_shape, s->site_gpus, &yaml, &err);
    if (r == 0)
        r = site_load(&(struct site_source){ .yaml = yaml.data, .size = yaml.length,
                                             .name = s->site_shape },
                      ret, &problems, &err);
    text_fini(&yaml);
    problems_fini(&problems);
    return r < 0 ? cli_fail(ctx, &err) : 0;
}

static int load_traces(const struct cli_context *ctx, struct scenario_files *f)
{
    struct mw_error err = { 0 };
    char *json mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    const struct scenario *s = &f->scenario;
    int r = 0;
    if (s->fault_trace_path[0]) {
        r = mw_read_file(s->fault_trace_path, TRACE_BYTES_MAX, true, &json, &size, &err);
        if (r == 0)
            r = fault_trace_parse(json, size, s->fault_trace_path, &f->trace, &err);
    }
    if (r == 0 && s->jobs == JOBS_TRACE)
        r = mw_read_file(s->job_trace_path, TRACE_BYTES_MAX, true, &f->job_trace,
                         &f->job_trace_size, &err);
    return r < 0 ? cli_fail(ctx, &err) : 0;
}

int scenario_files_load(const struct cli_context *ctx, const char *path,
                        struct scenario_files *ret)
{
    must(ctx && path && ret);
    *ret = (struct scenario_files){ 0 };
    int r = scenario_files_changed(ctx, path, NULL, 0, &ret->scenario);
    if (r == 0)
        r = load_site(ctx, &ret->scenario, &ret->fleet);
    if (r == 0)
        r = load_traces(ctx, ret);
    return r;
}

void scenario_files_fini(struct scenario_files *f)
{
    fault_trace_destroy(f->trace);
    fleet_destroy(f->fleet);
    mw_free(f->job_trace);
    *f = (struct scenario_files){ 0 };
}

struct run_options scenario_files_options(const struct scenario_files *f)
{
    return (struct run_options){ .scenario = &f->scenario, .fleet = f->fleet, .trace = f->trace,
                                 .job_trace = f->job_trace,
                                 .job_trace_size = f->job_trace_size, .seed = f->scenario.seed };
}
