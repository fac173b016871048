/*
 * A comparison for people: policies side by side, or each lever off in turn.
 */
#ifndef MW_CLI_COMPARE_VIEW_H
#define MW_CLI_COMPARE_VIEW_H

#include "cli/compare.h"

/* A row a figure, a column a policy, and what the last column changes of the first. */
void compare_print_side_by_side(const struct compare *c, const char *basis);

/* A row a policy; changes are against row `base`. */
void compare_print_levers(const struct compare *c, uint32_t base);

#endif
