/*
 * What every benchmark shares: clocks, what this machine can do at most, and a
 * report in which each figure stands beside its target, the machine's limit and
 * a peer measured in the same run.
 *
 * usage of every program here: NAME [--json] [--quick] [--dir DIR]
 *   --quick  a tenth of the work: to see that it runs; targets are not judged
 *   --dir    where files are written (a folder is made in it and removed);
 *            without it, beside the program
 */
#ifndef MW_BENCH_MEASURE_H
#define MW_BENCH_MEASURE_H

#include "base/error.h"

#define MEASURE_FIGURES_MAX 48
#define MEASURE_PATH_MAX 512

enum measure_sense { NO_TARGET, AT_LEAST, AT_MOST };

/* Strings are constant or live as long as the report. */
struct figure {
    const char *key;        /* of the JSON */
    const char *what;
    double value;
    const char *unit;       /* also of target, limit and peer */
    enum measure_sense sense;
    double target;
    double limit;           /* the best this machine could do; 0 = none is stated */
    const char *limit_what; /* what the limit rests on */
    double peer;            /* the same work done plainly, in this run; 0 = none */
    const char *peer_what;
};

struct measure {
    const char *name;
    bool json, quick;
    char dir[MEASURE_PATH_MAX]; /* made by measure_folder */
    const char *dir_wanted;
    struct figure figure[MEASURE_FIGURES_MAX];
    uint32_t figures;
};

/* Reads the arguments; exits with 2 and a message on wrong ones. */
void measure_begin(struct measure *m, const char *name, int argc, char **argv);

/* A fresh folder for files; exits with 1 when it cannot be made. */
const char *measure_folder(struct measure *m);

/* Adds one, and prints it at once unless JSON was asked for. */
void measure_add(struct measure *m, const struct figure *f);

/* Removes the folder, prints the JSON.  The exit status: 1 when a target is missed. */
int measure_end(struct measure *m);

/* Prints what failed and exits with 1, the folder removed. */
_Noreturn void measure_fail(struct measure *m, const struct mw_error *err);

/* A note under the last figure (not in the JSON). */
void measure_note(const struct measure *m, const char *fmt, ...) MW_PRINTF(2, 3);

double measure_wall_s(void); /* a monotonic clock */
double measure_cpu_s(void);  /* of this process: other programs on the machine do not count */

/* Bytes a second that one core copies between blocks far above the caches: best of some. */
double measure_copy_rate(void);

/* Appends of `size` bytes, each followed by fdatasync, a second, in the folder. */
double measure_sync_rate(struct measure *m, size_t size);

/* Seconds to read the files of a folder one after the other from the disk, not from memory, as
 * far as the system lets go of them. */
double measure_read_s(const char *dir);

/* Removes the files of a folder, and folders of files in it. */
void measure_empty(const char *dir);

/* Asks the system to forget what it holds in memory of the files of a folder. */
void measure_forget(const char *dir);

double measure_peak_gib(void); /* of this process so far */

#endif
