/*
 * Where the daemon keeps its record and listens when nobody says otherwise: one
 * rule for `mw serve` and for every command that looks for them.  Reads the
 * environment; makes nothing.
 */
#ifndef MW_CLI_LIVE_PATHS_H
#define MW_CLI_LIVE_PATHS_H

#include "base/error.h"

#define LIVE_PATH_MAX 4096
#define LIVE_JOURNAL_SYSTEM "/var/lib/millwright/journal"

/* The journal's folder: $XDG_STATE_HOME/millwright/journal; for root LIVE_JOURNAL_SYSTEM; else
 * ~/.local/state/millwright/journal.  MW_EINVAL: neither is known, or a path is too long. */
MW_MUST_USE int live_path_journal(char ret[LIVE_PATH_MAX], struct mw_error *err);

/* The same for a reader: where a person has no journal of his own there, the system's. */
MW_MUST_USE int live_path_journal_found(char ret[LIVE_PATH_MAX], struct mw_error *err);

/* The daemon's socket: $XDG_RUNTIME_DIR/millwright.sock, else /run/millwright.sock. */
MW_MUST_USE int live_path_socket(char ret[LIVE_PATH_MAX], struct mw_error *err);

/* Makes the folders above `path` that are not there (0755). MW_EDENIED, MW_EIO, MW_ENOSPC. */
MW_MUST_USE int live_path_make_parents(const char *path, struct mw_error *err);

#endif
