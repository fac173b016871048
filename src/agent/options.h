/*
 * The command line of mw-agent: flags, defaults, help.  Checks what can be
 * checked before anything is opened.
 */
#ifndef MW_AGENT_OPTIONS_H
#define MW_AGENT_OPTIONS_H

#include "base/error.h"

#define AGENT_WATCHES_MAX 16
#define AGENT_DISKS_MAX 16
#define AGENT_LABEL_MAX 96 /* of struct agent_frame's name */

struct agent_watch_option {
    char name[AGENT_LABEL_MAX];
    const char *pid_file; /* borrowed from argv, as all strings here are */
};

struct agent_options {
    char host[256], port[16];
    char node[AGENT_LABEL_MAX];
    const char *kmsg;         /* NULL = /dev/kmsg where it may be read */
    struct agent_watch_option watch[AGENT_WATCHES_MAX];
    uint32_t watches;
    const char *disk[AGENT_DISKS_MAX];
    uint32_t disks;
    const char *progress_dir, *exits_dir, *check, *token_file, *pci_dir;
    char boot[48];
    char token[96];
    char probe[64];           /* "" = none */
    uint32_t beat_ms;         /* 0 = as the daemon says */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE /* help or version was printed */, OPTIONS_BAD };

/* Fills *ret, with boot id and token read from their files.  OPTIONS_BAD: err says what and what to
 * do.  argv is permuted (getopt_long). */
enum options_result options_read(int argc, char **argv, struct agent_options *ret,
                                 struct mw_error *err);

#endif
