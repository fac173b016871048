/*
 * The site file: YAML in, fleet out, every mistake reported with its place.
 * Works on bytes in memory; the caller reads the files (site_read_fn for CSVs).
 * The language is described in docs/site.md.
 */
#ifndef MW_FLEET_SITE_H
#define MW_FLEET_SITE_H

#include "base/error.h"
#include "base/problems.h"
#include "base/text.h"
#include "fleet/fleet.h"

/* Bounds of one site; past them a problem is reported. */
#define SITE_NODES_MAX 1000000
#define SITE_CABLES_MAX 4000000
#define SITE_PARTS_MAX 1000000 /* of any other kind that the file names; GPUs, NICs: 8,000,000 */
#define SITE_GPUS_MAX 8000000
#define SITE_PORTS_MAX 32000000 /* switch ports together */
#define SITE_CSV_BYTES_MAX ((size_t)512 << 20)

/* The mistakes, with their places, are the list of base/problems.h under this room's name. */
#define site_problem problem
#define site_problems problems
#define site_problems_fini problems_fini
#define SITE_PROBLEMS_MAX PROBLEMS_MAX

/* Reads a file named in the site file (path as written there, relative to the site file).
 * Gives *ret with mw_free. */
typedef int site_read_fn(void *ctx, const char *path, char **ret, size_t *ret_size,
                         struct mw_error *err);

/* Where a site comes from; all borrowed. */
struct site_source {
    const char *yaml;
    size_t size;
    const char *name;   /* of the file, for places; files it names are shown beside it */
    site_read_fn *read; /* NULL: files named in it cannot be read */
    void *ctx;          /* for read */
};

/* Compiles and checks.  On success gives *ret (fleet_destroy).  MW_ESYNTAX when there are problems:
 * all of them are in *problems, sorted by place; *ret is untouched. */
MW_MUST_USE int site_load(const struct site_source *source, struct fleet **ret,
                          struct site_problems *problems, struct mw_error *err);

/* Convenience for programs: reads `path` and what it names from disk. */
MW_MUST_USE int site_load_file(const char *path, struct fleet **ret, struct site_problems *problems,
                               struct mw_error *err);

/* Writes the YAML of a regular site: shape "hgx-h100", "gb200-nvl72" or "mixed", with at least
 * `gpus` GPUs (rounded up to whole nodes/racks): rail-optimised fat tree, power and cooling trees.
 * MW_EINVAL for an unknown shape or more than SITE_NEW_GPUS_MAX. */
#define SITE_NEW_GPUS_MAX 262144
MW_MUST_USE int site_new(const char *shape, uint32_t gpus, struct text *ret, struct mw_error *err);

/* How many GPUs site_new() gives when it is asked for `gpus`; 0 for what it refuses. */
uint32_t site_new_gpus(const char *shape, uint32_t gpus);

/* For tests and simulations: the fleet of a generated hgx-h100 site with exactly `nodes` nodes of
 * 8 GPUs, in groups of 32. */
MW_MUST_USE int site_simple(uint32_t nodes, struct fleet **ret, struct mw_error *err);

#endif
