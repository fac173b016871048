/*
 * What others on the node say, through files in three folders: jobs their progress
 * (a file a job, read when it has changed) and bad exits of ranks (a file each,
 * removed when it was sent), and `mw-agent check --report` what it found (a file
 * each, NAME.check, removed likewise).  The folders may belong to others than us: only regular
 * files are opened, no links followed, a few hundred bytes read.
 */
#ifndef MW_AGENT_JOBS_H
#define MW_AGENT_JOBS_H

#include <sys/types.h>
#include <time.h>

#include "live/uplink.h"

#define JOBS_FILES_MAX 64     /* progress files followed at once; more are not looked at */
#define JOBS_ENTRIES_MAX 1024 /* of a folder at one look */
#define JOBS_EXITS_MAX 64     /* exit files taken at one look */

struct job_file {
    uint64_t job; /* 0 = free */
    ino_t ino;
    struct timespec changed;
    uint32_t look; /* the last look that saw it */
};

struct jobs {
    const char *progress_dir, *exits_dir, *checks_dir; /* borrowed; NULL = none */
    struct job_file file[JOBS_FILES_MAX];
    uint32_t look;
    uint64_t refused; /* files that say nothing we understand */
};

void jobs_init(struct jobs *j, const char *progress_dir, const char *exits_dir,
               const char *checks_dir);
void jobs_tick(struct jobs *j, int64_t now_ms, struct uplink *u);
/* Send the progress of all again: the daemon may be another. */
void jobs_again(struct jobs *j);

#endif
