/*
 * A scenario with all that it names, ready to run: its site, its trace of
 * faults, its trace of jobs.
 */
#ifndef MW_CLI_SCENARIO_FILES_H
#define MW_CLI_SCENARIO_FILES_H

#include "cli/context.h"
#include "sim/run.h"

struct scenario_files {
    struct scenario scenario;
    struct fleet *fleet;
    struct fault_trace *trace; /* NULL = none */
    char *job_trace;           /* NULL = none */
    size_t job_trace_size;
};

/* Reads the scenario again, with `set` applied after the command's --set options: a setting named
 * twice is the later one's.  0, or prints what is wrong and returns an exit code. */
MW_MUST_USE int scenario_files_changed(const struct cli_context *ctx, const char *path,
                                       const char *const *set, uint32_t sets,
                                       struct scenario *ret);

/* Reads the scenario at `path` with the command's --set options applied, and the files it names
 * (paths are relative to the working folder).  Returns 0, or prints what is wrong and returns an
 * exit code; scenario_files_fini either way. */
MW_MUST_USE int scenario_files_load(const struct cli_context *ctx, const char *path,
                                    struct scenario_files *ret);
void scenario_files_fini(struct scenario_files *f);

/* The part of run options that the files give. */
struct run_options scenario_files_options(const struct scenario_files *f);

#endif
