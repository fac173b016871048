/*
 * The whole story of one thing, asked of a daemon, as a person reads it: what
 * `mw describe`, `mw why` and `mw explain` print and mw top shows.
 */
#ifndef MW_CLI_STORY_PAGE_H
#define MW_CLI_STORY_PAGE_H

#include "cli/daemon_client.h"

/* Appends the story of a node, job, incident or order (resource: "nodes", "jobs", "queue",
 * "incidents", "orders").  MW_ENOTFOUND; MW_EINVAL: nothing is told of such things. */
MW_MUST_USE int story_page(struct daemon *d, const char *resource, const char *name,
                           struct text *ret, struct mw_error *err);

/* The text of mw why ("jobs") and mw explain ("incidents"), as their --all. */
MW_MUST_USE int story_text(struct daemon *d, const char *list, const char *name, bool all,
                           struct text *ret, struct mw_error *err);

/* The same as the API's document; gives *ret. */
MW_MUST_USE int story_document(struct daemon *d, const char *resource, const char *name, bool all,
                               json_t **ret, struct mw_error *err);

/* The open or last incident of a node.  MW_ENOTFOUND when it never had one. */
MW_MUST_USE int story_incident_of(struct daemon *d, const char *node, uint64_t *ret,
                                  struct mw_error *err);

/* The page of a node, made of its document. */
void story_node(struct text *t, const json_t *document);

#endif
