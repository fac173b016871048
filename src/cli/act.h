/*
 * One verb done to many nodes: who is meant, what it would break, whether the
 * person means it, what became of each.  Knows the API's commands, no table of
 * the command line.
 */
#ifndef MW_CLI_ACT_H
#define MW_CLI_ACT_H

#include "cli/context.h"
#include "cli/daemon_client.h"

/* More nodes than this ask for their number to be typed (chosen: a rack of HGX is 4, one of NVL72
 * 18: a slip of one rack is seen, a hall is not taken in passing). */
#define ACT_NODES_UNASKED 10u

struct act {
    struct cli_context *ctx;
    struct daemon *daemon;
    const char *verb, *reason; /* the API's: "drain" */
    const char *doing;         /* "drains" */
    json_t *nodes;             /* owned: a set; what a node's command came to: null = not tried,
                                  a number = the event, a text = why not */
    uint32_t done, failed;
    int first_failure;         /* a status; 0 */
    /* what it would break */
    json_t *jobs;              /* owned: of the dry run, by number: also those that go on */
    json_t *notes;             /* owned: a set (keys) of what the daemon says of it */
    uint32_t stops;            /* of the jobs, those that stop */
    int64_t gpus, gpu_ms_lost, lost_uusd;
    const char *rests_on;
};

/* Who is meant: host lists, "-", and with a filter the nodes of which it is true.  Names that the
 * site does not have are noted as failed.  MW_ENOTFOUND: nobody. */
MW_MUST_USE int act_targets(struct act *a, const char *const *list, uint32_t lists,
                            const char *filter, struct mw_error *err);

/* Asks what it would break.  Nodes of which it would be refused are noted as failed. */
MW_MUST_USE int act_preview(struct act *a, struct mw_error *err);

/* Does it to every node that was found.  What is refused is noted; MW_EUNREACHABLE and the like end
 * it. */
MW_MUST_USE int act_do(struct act *a, struct mw_error *err);

/* Waits until `condition` (a filter) is true of every node that it was done to.  MW_ETIMEOUT. */
MW_MUST_USE int act_wait(struct act *a, const char *condition, int64_t timeout_ns,
                         struct mw_error *err);

/* The same for any list: until it is true of all names of the set. */
struct get_query;
MW_MUST_USE int act_wait_rows(struct daemon *d, const struct get_query *q, int64_t timeout_ns,
                              struct mw_error *err);

/* Why the first node that it was not done to was refused: "n3: nobody holds it". */
void act_first_failure(const struct act *a, char *buf, size_t size);

void act_fini(struct act *a); /* zeroed is fine; the daemon is the caller's */

#endif
