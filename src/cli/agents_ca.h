/*
 * Where the daemon's CA for agents is: beside the journal, in agents-ca; one rule
 * for `mw serve` and `mw agent`.  Makes nothing.
 */
#ifndef MW_CLI_AGENTS_CA_H
#define MW_CLI_AGENTS_CA_H

#include "cli/live_paths.h"

/* MW_EINVAL: too long. */
MW_MUST_USE int agents_ca_path(const char *journal, char ret[LIVE_PATH_MAX],
                               struct mw_error *err);

#endif
