/*
 * The command line of `mw-agent run` and its configuration file, which has the
 * same names: flags, defaults, help.  Checks what can be checked before anything
 * is opened.  A flag goes before the file.
 */
#ifndef MW_AGENT_OPTIONS_H
#define MW_AGENT_OPTIONS_H

#include "base/error.h"

#define AGENT_WATCHES_MAX 16
#define AGENT_DISKS_MAX 16
#define AGENT_LABEL_MAX 96 /* of struct agent_frame's name */
#define AGENT_CONFIG_FILE "/etc/millwright/agent.conf"
#define AGENT_CONFIG_MAX 65536 /* bytes */

struct agent_watch_option {
    char name[AGENT_LABEL_MAX];
    const char *pid_file; /* borrowed from argv or config_text, as all strings here are */
};

struct agent_options {
    char host[256], port[16];
    char node[AGENT_LABEL_MAX];
    const char *kmsg;         /* NULL = /dev/kmsg where it may be read */
    struct agent_watch_option watch[AGENT_WATCHES_MAX];
    uint32_t watches;
    const char *disk[AGENT_DISKS_MAX];
    uint32_t disks;
    const char *progress_dir, *exits_dir, *checks_dir, *check, *token_file, *pci_dir;
    char boot[48];
    char token[96];
    char probe[64];           /* "" = none */
    uint32_t beat_ms;         /* 0 = as the daemon says */
    uint32_t sample_ms;       /* 0 = as the daemon says */
    const char *sysfs_root, *proc_root, *dev_root; /* "" = the real ones */
    const char *nvml;         /* NULL = libnvidia-ml.so.1 */
    const char *without;      /* "smart,lldp"; NULL = none */
    const char *state_dir;    /* spool, and key and certificate of `mw-agent join`; NULL = none */
    const char *exec_socket;  /* NULL = no executor */
    bool tls;                 /* the state folder holds a certificate */
    bool no_tls;              /* told not to use it */
    char *config_text;        /* owned: options_fini() */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE /* help or version was printed */, OPTIONS_BAD };

/* Fills *ret, with boot id and token read from their files.  OPTIONS_BAD: err says what and what to
 * do.  argv is permuted (getopt_long).  options_fini() in any case. */
enum options_result options_read(int argc, char **argv, struct agent_options *ret,
                                 struct mw_error *err);
void options_fini(struct agent_options *o);

/* The lines of a configuration file: `key = value`, # begins a comment, blank lines are passed
 * over.  The text is cut into strings in place and ends with '\0'.  `take` gets each. */
typedef int options_line_fn(void *ctx, const char *key, const char *value, struct mw_error *err);
MW_MUST_USE int options_config(char *text, options_line_fn *take, void *ctx,
                               struct mw_error *err);

#endif
