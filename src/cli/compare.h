/*
 * One scenario under several policies: each column is the scenario with some
 * settings changed, run over the same seeds, so that columns differ by what was
 * changed and not by luck.
 *
 * The clairvoyant column is a bound, not a policy: it knows of each fault in the
 * moment before.  All work is saved, checkpoints cost nothing, detection takes no
 * time, and of every fault that stops a job only the restart itself is lost.  It
 * queues and places as the policy does, and does not know which nodes will fail
 * later: against one who does, and places jobs around them, nothing is claimed.
 */
#ifndef MW_CLI_COMPARE_H
#define MW_CLI_COMPARE_H

#include "cli/levers.h"
#include "cli/run_many.h"
#include "cli/scenario_files.h"

#define COMPARE_COLUMNS_MAX (LEVERS_MAX + 3)
#define COMPARE_RUNS_MAX 1000u

struct compare_column {
    char key[32];              /* for JSON: "lemon", "as-it-was" */
    char name[64];             /* for people */
    struct scenario *scenario; /* owned */
};

struct compare {
    const struct cli_context *ctx;      /* borrowed */
    const char *path;                   /* of the scenario; borrowed */
    const struct scenario_files *files; /* as it is; borrowed */
    struct compare_column column[COMPARE_COLUMNS_MAX];
    uint32_t columns;
    uint32_t runs;
    uint64_t seed;              /* of the first run; the others follow */
    struct run_result *result;  /* a column's runs, then the next column's */
    bool interrupted;           /* Ctrl-C: nothing here counts */
    double wall_s;
};

/* X(enum, "key", "TITLE", scale, decimals) */
#define COMPARE_FIGURES(X)                                                                       \
    X(FIGURE_ETTR, "ettr", "ETTR: productive over wall time of jobs (%)", 100, 3)                \
    X(FIGURE_GOODPUT, "goodput", "goodput: productive over available (%)", 100, 3)               \
    X(FIGURE_OUT, "out_share", "GPU time out of service (%)", 100, 3)                            \
    X(FIGURE_SPARE, "spare_share", "GPU time of spares (%)", 100, 3)                             \
    X(FIGURE_KILLS, "kills", "attempts that a fault stopped", 1, 1)                              \
    X(FIGURE_DRAINS, "drains", "nodes drained in service", 1, 1)                                 \
    X(FIGURE_REFAULTS, "refaults", "incidents within 30 days of the node's last", 1, 1)          \
    X(FIGURE_CREWS, "crews", "nodes under repair at once, mean", 1, 2)                           \
    X(FIGURE_CHECKPOINT, "checkpoint_gpu_h", "lost to checkpoints (GPU-h)", 1, 0)                \
    X(FIGURE_RECOMPUTE, "recompute_gpu_h", "lost to work done again (GPU-h)", 1, 0)              \
    X(FIGURE_HUNG, "hung_gpu_h", "lost before detection (GPU-h)", 1, 0)                          \
    X(FIGURE_RESTART, "restart_gpu_h", "lost to restarts (GPU-h)", 1, 0)                         \
    X(FIGURE_PRODUCTIVE, "productive_gpu_h", "work done (GPU-h)", 1, 0)                          \
    X(FIGURE_LOST, "lost_usd", "lost (USD)", 1, 0)

enum compare_figure {
#define X(e, key, title, scale, decimals) e,
    COMPARE_FIGURES(X)
#undef X
    COMPARE_FIGURE_COUNT
};
struct compare_figure_row {
    const char *key, *title;
    double scale;
    unsigned decimals;
};
extern const struct compare_figure_row compare_figure_rows[COMPARE_FIGURE_COUNT];

/* Empty: borrows all three. */
void compare_init(struct compare *c, const struct cli_context *ctx, const char *path,
                  const struct scenario_files *files);
void compare_fini(struct compare *c);

/* Adds the scenario with these settings on top of the command's own.  Prints what is wrong and
 * returns an exit code; 0 when all is well. */
MW_MUST_USE int compare_add(struct compare *c, const char *key, const char *name,
                            const char *const *set, uint32_t sets);
MW_MUST_USE int compare_add_clairvoyant(struct compare *c);

/* Is the policy of column a that of column b? */
bool compare_same(const struct compare *c, uint32_t a, uint32_t b);
void compare_drop_last(struct compare *c);

/* Runs every column over c->runs seeds on all processors, with a progress bar.  0, or an exit code
 * after printing; c->interrupted when it was stopped. */
MW_MUST_USE int compare_run(struct compare *c);

double compare_figure_of(const struct run_result *r, enum compare_figure f); /* unscaled */
struct estimate compare_value(const struct compare *c, uint32_t column, enum compare_figure f);
/* The mean of the differences between runs of one seed: column less base. */
struct estimate compare_change(const struct compare *c, uint32_t column, uint32_t base,
                               enum compare_figure f);

/* {"seed", "runs", "wall_s", "columns": [{"key", "name", "value": {figure: estimate}, "change":
 * {figure: estimate}}]}; change is against column `base`.  Gives a new object. */
json_t *compare_json(const struct compare *c, uint32_t base);

/* "93.412 ± 0.020" in the scale of the figure. */
void compare_show(char *ret, size_t size, const struct estimate *e, enum compare_figure f,
                  bool sign);

#endif
