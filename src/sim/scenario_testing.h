/* Scenario files that a test holds as text: read, or refused with the reason.  For tests only. */
#ifndef MW_SIM_SCENARIO_TESTING_H
#define MW_SIM_SCENARIO_TESTING_H

#include "sim/scenario.h"

/* As scenario_parse(): the file is called dir/t.yaml, and each of `set` is given with --set. */
MW_MUST_USE int scenario_read_set(const char *yaml, const char *const *set, uint32_t set_n,
                                  struct scenario *s, struct problems *p, struct mw_error *err);

/* Fails the test when the file has a mistake; the caller frees. */
struct scenario *scenario_good(const char *yaml);
struct scenario *scenario_good_set(const char *yaml, const char *const *set, uint32_t set_n);

/* Fails the test unless one of its mistakes has `part` in its text, which is the place first.
 * Gives how many mistakes there are. */
uint32_t scenario_refused(const char *yaml, const char *part);

#endif
