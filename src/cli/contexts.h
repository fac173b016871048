/*
 * The daemons that a person speaks with, by name: one JSON file of mode 0600 in
 * $XDG_CONFIG_HOME/millwright.  It names files that hold secrets and never
 * holds one.
 */
#ifndef MW_CLI_CONTEXTS_H
#define MW_CLI_CONTEXTS_H

#include <jansson.h>

#include "base/error.h"
#include "cli/live_paths.h"

#define CONTEXTS_MAX 1000u
#define CONTEXTS_TOKEN_MAX 512 /* bytes of a token file */

/* One daemon; what is not said is NULL.  Either socket or url. */
struct context_entry {
    const char *name, *socket, *url;
    const char *token_file; /* of mode 0600: its first line goes with each request */
    const char *ca_file;    /* whom to trust for TLS; NULL = whom the system trusts */
};

struct contexts {
    char path[LIVE_PATH_MAX];
    json_t *file; /* owned: {"current": name, "contexts": {name: {"url": …}}} */
};

/* Where the file is: $XDG_CONFIG_HOME/millwright/contexts, else ~/.config/millwright/contexts.
 * MW_EINVAL: neither is known. */
MW_MUST_USE int contexts_path(char ret[LIVE_PATH_MAX], struct mw_error *err);

/* Reads the file; one that is not there is empty.  MW_ESYNTAX, MW_EDENIED, MW_EIO. */
MW_MUST_USE int contexts_read(struct contexts *ret, struct mw_error *err);
/* Writes it whole, or leaves the old one. */
MW_MUST_USE int contexts_write(const struct contexts *c, struct mw_error *err);
void contexts_fini(struct contexts *c); /* zeroed is fine */

/* Borrowed until contexts_fini(); false: there is no such name. */
bool contexts_find(const struct contexts *c, const char *name, struct context_entry *ret);
const char *contexts_current(const struct contexts *c); /* NULL = none is chosen */
/* The i-th of contexts_count(), in the order of the file. */
uint32_t contexts_count(const struct contexts *c);
bool contexts_at(const struct contexts *c, uint32_t i, struct context_entry *ret);

/* MW_EEXIST; MW_EINVAL: what is wrong with it; MW_ELIMIT. */
MW_MUST_USE int contexts_add(struct contexts *c, const struct context_entry *e,
                             struct mw_error *err);
/* MW_ENOTFOUND, with the name that may be meant; so contexts_remove(). NULL: none is current. */
MW_MUST_USE int contexts_use(struct contexts *c, const char *name, struct mw_error *err);
MW_MUST_USE int contexts_remove(struct contexts *c, const char *name, struct mw_error *err);

/* What a request says as its bearer: the first line of the file, which nobody else may read.
 * MW_EDENIED: others may, or this user may not; MW_ENOTFOUND; MW_EINVAL: no token in it. */
MW_MUST_USE int contexts_token(const char *file, char ret[CONTEXTS_TOKEN_MAX],
                               struct mw_error *err);

#endif
