/*
 * The folder of a replay's record when nobody names one: fresh, beside the
 * journal of `mw serve`, and gone after a clean end.  One that a killed replay
 * left is not touched: it may be what somebody wants to look at.
 */
#ifndef MW_CLI_REPLAY_FOLDER_H
#define MW_CLI_REPLAY_FOLDER_H

#include "cli/live_paths.h"

/* Makes $XDG_STATE_HOME/millwright/replay-XXXXXX (0700; see live_paths.h for where it is without
 * that variable).  *ret_left = how many of others are there.  MW_EDENIED, MW_ENOSPC, MW_EIO. */
MW_MUST_USE int replay_folder_make(char ret[LIVE_PATH_MAX], uint32_t *ret_left,
                                   struct mw_error *err);

/* Removes the files in it and the folder; folders inside stay, and it with them.  MW_EIO. */
MW_MUST_USE int replay_folder_remove(const char *path, struct mw_error *err);

#endif
