/*
 * What a state can be called: so that `mw wait` does not wait for a word that no
 * daemon ever says.
 */
#ifndef MW_CLI_WAIT_WORDS_H
#define MW_CLI_WAIT_WORDS_H

#include "base/base.h"
#include "base/error.h"
#include "cli/resources.h"

/* MW_EINVAL when the filter compares the health or state of a node, GPU or job with a word that it
 * cannot be: the text has the words, and the nearest.  A filter that is wrong otherwise is left to
 * the daemon, which says where.  MW_ENOMEM. */
MW_MUST_USE int wait_words_check(const struct resource *r, const char *filter,
                                 struct mw_error *err);

#endif
