/*
 * What is, beside what the site file says: nodes, GPUs, NICs, serial numbers
 * and cables, as agents and gatherers say them (the documents of
 * GET /api/v1/machines/{name}) and, where it is given, as Slurm does.  Only what
 * somebody says is compared: a serial number that the file does not have, or
 * nobody reads, is no difference.  Pure: documents in, rows out.
 */
#ifndef MW_LIVE_SITE_DIFF_H
#define MW_LIVE_SITE_DIFF_H

#include <jansson.h>

#include "fleet/fleet.h"
#include "base/error.h"

/* X(enum, "code", "what it says") */
#define SITE_DIFFS(X)                                                                   \
    X(DIFF_NODE_MISSING, "node-missing", "nobody speaks of this node of the file")      \
    X(DIFF_NODE_EXTRA,   "node-extra",   "a machine with an agent that the file lacks") \
    X(DIFF_GPUS,         "gpus",         "another number of GPUs")                      \
    X(DIFF_NICS,         "nics",         "fewer NICs than the file says")               \
    X(DIFF_SERIAL,       "serial",       "another part than the file says")             \
    X(DIFF_CABLE,        "cable",        "a cable that ends elsewhere")                 \
    X(DIFF_SLURM_NODE,   "slurm-node",   "a node that only Slurm or only the file has") \
    X(DIFF_SLURM_GPUS,   "slurm-gpus",   "Slurm counts other GPUs than the file")

enum site_diff_kind {
#define X(e, code, doc) e,
    SITE_DIFFS(X)
#undef X
    SITE_DIFF_KINDS
};

#define SITE_DIFF_TEXT_MAX 112

struct site_difference {
    uint8_t kind;
    char at[SITE_DIFF_TEXT_MAX], file[SITE_DIFF_TEXT_MAX], live[SITE_DIFF_TEXT_MAX];
};

#define SITE_DIFF_ROWS_MAX 100000 /* the rest is counted */

struct site_diff {
    const struct fleet *fleet;      /* borrowed */
    struct site_difference *row;    /* owned */
    bool *heard, *slurm_heard;      /* owned: of each node */
    uint32_t rows, room;
    uint32_t count[SITE_DIFF_KINDS]; /* with those not listed */
    uint32_t machines, serials;      /* looked at; serial numbers that could be compared */
    uint32_t cables;                 /* ends of cables that could be compared */
    bool failed;                     /* out of memory */
};

MW_MUST_USE int site_diff_init(struct site_diff *d, const struct fleet *fleet,
                               struct mw_error *err);
void site_diff_fini(struct site_diff *d);

/* One machine: {"machine": {"name", "state", "agent"}, "parts": […]}.  MW_EINVAL names the field;
 * name: for messages. */
MW_MUST_USE int site_diff_machine(struct site_diff *d, const json_t *document, const char *name,
                                  struct mw_error *err);
/* The output of `scontrol -o show nodes`, '\0'-ended.  MW_EINVAL: it names no node. */
MW_MUST_USE int site_diff_slurm(struct site_diff *d, const char *text, const char *name,
                                struct mw_error *err);
/* After all of it: nodes that nobody spoke of.  MW_ENOMEM. */
MW_MUST_USE int site_diff_end(struct site_diff *d, struct mw_error *err);

uint32_t site_diff_total(const struct site_diff *d);
const char *site_diff_code(uint32_t kind);
const char *site_diff_doc(uint32_t kind);

#endif
