/*
 * A record opened for questions: the journal, read-only and beside whoever
 * writes it, with the site and the policy that it holds itself.  What `mw why`,
 * explain, suspects, shadow and record begin with.
 */
#ifndef MW_CLI_LIVE_RECORD_H
#define MW_CLI_LIVE_RECORD_H

#include "cli/context.h"
#include "cli/live_paths.h"
#include "control/words.h"

/* A row of a command's options. */
#define LIVE_RECORD_OPTION                                                          \
    { .name = "journal", .type = VALUE_DIR, .value = "DIR",                         \
      .help = "the record's folder (default: where the daemon keeps it)" }

struct live_record {
    char dir[LIVE_PATH_MAX];
    struct journal *journal;      /* owned */
    struct fleet *fleet;          /* owned */
    struct control_policy policy;
    struct words words;           /* over fleet and policy */
};

/* Opens the record that --journal names, or the daemon's.  An exit code: CLI_EXIT_OK, or what
 * hindered it, with its message printed.  Damage at its end is told, and what is whole is read.
 * Always live_record_close(); *ret may be zeroed or filled. */
int live_record_open(struct cli_context *ctx, struct live_record *ret);
/* As cli_fail(), and what to do about a record that is damaged. */
int live_record_fail(struct cli_context *ctx, const struct live_record *r,
                     const struct mw_error *err);
void live_record_close(struct live_record *r); /* for mw_cleanup, too */

/* The state at the end of the record: gives a controller over the record's own journal
 * (control_destroy before live_record_close). */
MW_MUST_USE int live_record_state(struct live_record *r, struct control **ret,
                                  struct mw_error *err);

/* The site of a journal and the policy of its last epoch: gives *ret_fleet. */
MW_MUST_USE int live_record_basis(struct journal *j, struct fleet **ret_fleet,
                                  struct control_policy *ret_policy, struct mw_error *err);

#endif
