/*
 * What a command would do, before anybody says it: which nodes and jobs it touches, and what that
 * costs.  Made from the state, recorded nowhere, modelled.
 *
 *   {"would":{"verb","nodes":[name],"jobs":[{"job","gpus","unsaved_gpu_ms","lost_gpu_ms","stops"}],
 *             "notes":[text]},
 *    "blast":{"nodes","jobs","gpus","gpu_ms_lost","lost_uusd","rests_on":"modelled"}}
 *
 * unsaved_gpu_ms is what a job has not saved now.  Lost is that only where it has to stop at once:
 * what stops at its next checkpoint loses no work; both load and warm up again.
 */
#ifndef MW_API_DRY_RUN_H
#define MW_API_DRY_RUN_H

#include "api/call_view.h"
#include "api/command.h"

/* A new reference. MW_ENOTFOUND: no such node, hall, job or event. MW_EINVAL: more nodes than there
 * are. MW_EDENIED: a node or job that `who` (NULL: everything) may not see. MW_ENOMEM. */
MW_MUST_USE int dry_run(const struct api_view_of *of, const struct api_command *c,
                        const struct principal *who, json_t **ret, struct mw_error *err);

/* POST /commands with dryRun: the same as an answer. */
MW_MUST_USE int command_dry_run(struct api_call *call, const struct api_command *c,
                                struct api_answer *ret, struct mw_error *err);
/* With If-Match: 412 (MW_ECONFLICT) when the command's node is not as its ETag says any more. */
MW_MUST_USE int command_precondition(struct api_call *call, const struct api_command *c,
                                     struct api_answer *ret, struct mw_error *err);

#endif
