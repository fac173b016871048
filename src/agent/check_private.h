/*
 * Between the parts of `mw-agent check`: what a check is given, how it says what
 * it found, and the table of all checks.
 */
#ifndef MW_AGENT_CHECK_PRIVATE_H
#define MW_AGENT_CHECK_PRIVATE_H

#include "agent/check_expect.h"
#include "agent/check_fleet.h"

#define CHECK_PATH_MAX 512
#define CHECK_LEVEL_MAX 4

struct check_options {
    const char *sysfs_root, *proc_root, *dev_root; /* put before /sys, /proc, /dev; "" = real */
    const char *nvml;      /* path of the library; NULL = by its name */
    const char *cuda_dir;  /* folder of libcuda, libnvrtc, libcublasLt; NULL = by their names */
    const char *sku;       /* name or path; NULL = found out */
    const char *expect, *fleet, *report_dir; /* NULL = none */
    const char *class;     /* of the gate; "" = none */
    const char *scratch;   /* folder for the disk check */
    const char *only;      /* names, comma between them; NULL = all of the level */
    int64_t budget_ms;
    int64_t burn_ms;       /* of each burn-in, as far as the budget allows */
    uint64_t seed;         /* of patterns and inputs */
    uint64_t memory_max;   /* bytes that a memory check may take of the host */
    uint32_t level;
    uint32_t class_level;  /* up to which the checks of the class are run as well */
    bool json, list, tools; /* tools: run what is installed (fio, perftest …) */
};

/* What is kept from one check to the next within one process: the opened CUDA. */
struct check_kept;

struct check_ctx {
    const struct check_options *o;
    const struct expect_set *expect;
    const struct fleet_figures *fleet;
    struct check_kept *kept;
    const struct check_spec *spec;
    int64_t deadline_ms; /* on the monotonic clock: when this check is ended from outside */
    int64_t last_ms;     /* when the row before was said */
    int out;             /* where rows go: a pipe to the parent */
    uint32_t index;      /* of spec in check_table[] */
    bool required;
    char note[160];      /* goes into the text of the next row */
};

struct check_spec {
    const char *name;
    const char *what;       /* for --list and the documentation */
    const char *classes;    /* classes of fault whose gate stands on it, " gpu nvlink " */
    void (*run)(struct check_ctx *c);
    uint32_t worth;         /* chosen: of 100, how often such a check alone finds a bad node */
    uint32_t cost_ms;       /* what it takes on a node with 8 GPUs; orders by worth per second */
    uint32_t deadline_ms;   /* past it: ended */
    uint8_t level;
};

/* All checks; ends with a NULL name (check_table.c). */
extern const struct check_spec check_table[];

int64_t check_clock_ms(void);
int64_t check_clock_ns(void);

/* ---- saying what was found; part may be "" ---- */

/* A figure that a number says: judged by what is expected, and by the fleet. */
void check_figure(struct check_ctx *c, const char *name, const char *part, const char *unit,
                  double value);
/* A figure that a word says. */
void check_word(struct check_ctx *c, const char *name, const char *part, const char *word);
/* A verdict that stands by itself. */
void check_say(struct check_ctx *c, enum verdict v, const char *name, const char *part,
               const char *fmt, ...) MW_PRINTF(5, 6);

/* Words for the row that is said next. */
void check_note(struct check_ctx *c, const char *fmt, ...) MW_PRINTF(2, 3);

/* ---- small readings ---- */

/* The beginning of a file below a root, without the newline at its end: its length, or -1. */
int check_read(const char *root, const char *path, char *to, size_t size);
/* The same as a number; false: not there or none. */
bool check_read_number(const char *root, const char *path, double *ret);
/* Calls each for every entry of a folder in the order of names (at most 16,384 of them). */
typedef void check_entry_fn(void *ctx, const char *name);
void check_each(const char *root, const char *dir, check_entry_fn *fn, void *ctx);

/* ---- the checks, by file ---- */
void check_pci(struct check_ctx *c);       /* check_inventory.c */
void check_machine(struct check_ctx *c);
void check_nics(struct check_ctx *c);
void check_disks(struct check_ctx *c);
void check_kernel(struct check_ctx *c);    /* check_config.c */
void check_limits(struct check_ctx *c);
void check_driver(struct check_ctx *c);
void check_sources(struct check_ctx *c);   /* check_health.c */
void check_kmsg(struct check_ctx *c);
void check_filesystems(struct check_ctx *c);
void check_tasks(struct check_ctx *c);
void check_time(struct check_ctx *c);
void check_stream(struct check_ctx *c);    /* check_cpu.c */
void check_memory(struct check_ctx *c);
void check_cpu_burn(struct check_ctx *c);
void check_disk_speed(struct check_ctx *c); /* check_disk.c */
void check_net_loop(struct check_ctx *c);   /* check_net.c */
void check_dcgmi(struct check_ctx *c);      /* check_tools.c */
void check_nccl(struct check_ctx *c);
void check_ib(struct check_ctx *c);
void check_stress(struct check_ctx *c);
void check_gpu_usable(struct check_ctx *c); /* check_gpu.c */
void check_gpu_copy(struct check_ctx *c);
void check_gpu_hbm(struct check_ctx *c);
void check_gpu_gemm(struct check_ctx *c);
void check_gpu_peer(struct check_ctx *c);
void check_gpu_memory(struct check_ctx *c);
void check_gpu_burn(struct check_ctx *c);   /* check_burn.c */

/* Frees what is kept; NULL is fine (check_cuda.c). */
void check_kept_free(struct check_kept *k);

#endif
