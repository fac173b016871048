/*
 * What may be wrong between a person and the daemon, looked at one by one: each
 * check says ok, warn or fail and what to do.  Changes nothing.
 */
#ifndef MW_CLI_DOCTOR_H
#define MW_CLI_DOCTOR_H

#include "cli/context.h"
#include "cli/daemon_of.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };
const char *doctor_state_name(enum doctor_state s); /* "ok", "warn", "fail" */

#define DOCTOR_TEXT_MAX 512u
#define DOCTOR_FINDINGS_MAX 64u

struct doctor_finding {
    const char *check; /* "daemon" */
    enum doctor_state state;
    char what[DOCTOR_TEXT_MAX], remedy[DOCTOR_TEXT_MAX]; /* remedy: "" when nothing is */
};

struct doctor {
    const struct cli_context *ctx;
    struct daemon *daemon; /* NULL when it could not even be opened */
    json_t *status;        /* owned: what the daemon says of itself; NULL = it did not answer */
    struct doctor_finding finding[DOCTOR_FINDINGS_MAX];
    uint32_t findings;
};

/* Runs every check. */
void doctor_run(struct doctor *d, const struct cli_context *ctx);
void doctor_fini(struct doctor *d);
enum doctor_state doctor_worst(const struct doctor *d);

/* Adds a finding; for the checks. */
void doctor_add(struct doctor *d, const char *check, enum doctor_state state, const char *remedy,
                const char *fmt, ...) MW_PRINTF(5, 6);

/* Checks of this machine: doctor_here.c. */
void doctor_contexts(struct doctor *d);
void doctor_paths(struct doctor *d);
void doctor_slurm(struct doctor *d);
void doctor_ports(struct doctor *d);

#endif
