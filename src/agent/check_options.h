/* The command line of `mw-agent check`. */
#ifndef MW_AGENT_CHECK_OPTIONS_H
#define MW_AGENT_CHECK_OPTIONS_H

#include "agent/check_net.h"
#include "agent/check_private.h"

#define CHECK_SETS_MAX 32

enum check_verb { CHECK_RUN, CHECK_SERVE, CHECK_CONNECT, CHECK_LIST, CHECK_HELP };

struct check_line {
    struct check_options o;
    struct net_pair pair;
    const char *set[CHECK_SETS_MAX];
    uint32_t sets;
    enum check_verb verb;
    bool all;             /* text: rows of what is absent as well */
    char address[256];    /* of the pair; owned */
};

/* MW_EINVAL with the words; `--help` is a verb. */
MW_MUST_USE int check_line_read(int argc, char **argv, struct check_line *ret,
                                struct mw_error *err);
extern const char *const check_help;

#endif
