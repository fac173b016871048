/* The command line of mw-gather. */
#ifndef MW_GATHER_OPTIONS_H
#define MW_GATHER_OPTIONS_H

#include "base/error.h"

#define GATHER_VERSION "mw-gather " MW_VERSION

/* Strings are borrowed from argv. */
struct gather_options {
    const char *doors;      /* path of doors.yaml */
    char host[256], port[16]; /* of the daemon */
    const char *token_file;
    const char *state;      /* folder; NULL */
    char name[96];
    bool check, once, help, version;
};

/* MW_EINVAL. */
MW_MUST_USE int gather_options_read(int argc, char **argv, struct gather_options *ret,
                                    struct mw_error *err);
extern const char gather_help[];

#endif
