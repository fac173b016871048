/*
 * What of a policy can be turned off to see what it is worth: each lever is a
 * setting of the scenario language, so that a person can repeat any column of a
 * comparison with --set.
 */
#ifndef MW_CLI_LEVERS_H
#define MW_CLI_LEVERS_H

#include "base/base.h"

/* Levers that belong together: a comparison of a replay turns them on group by group. */
enum lever_group {
    LEVER_CARE,  /* which nodes are trusted, and how fast they are mended */
    LEVER_WORK,  /* spares, checkpoints, the queue */
    LEVER_FIXED, /* on in every column of such a comparison */
};

struct lever {
    const char *key;  /* "lemon": for options and JSON; NULL ends the table */
    const char *name; /* "lemon rule": for people */
    const char *off;  /* "policy.lemon.on=false" */
    uint8_t group;    /* enum lever_group */
};
extern const struct lever cli_levers[];

#define LEVERS_MAX 16u
uint32_t cli_levers_count(void);

#endif
