/*
 * What the rest of the fleet reaches: percentiles of figures, as JSON that the
 * daemon or `mw preflight --save-fleet` writes:
 *
 *   {"source": "preflight of 2026-11-22, 128 nodes",
 *    "figures": {"gpu-h2d": {"n": 1024, "p01": 51.9, "p05": 53.0, "p50": 55.2, "unit": "GB/s"}}}
 *
 * A figure may also have "better": "less" (a latency, a count of errors); p01 and
 * p05 are then of the worse end: the values that 1 and 5 % are above.  Keys that
 * are not known are passed over.  No recursion: values nest three deep and no deeper.
 */
#ifndef MW_AGENT_CHECK_FLEET_H
#define MW_AGENT_CHECK_FLEET_H

#include "agent/check_row.h"
#include "base/error.h"

#define FLEET_FIGURES_MAX 256
#define FLEET_FILE_MAX 65536
#define FLEET_NODES_LEAST 20 /* fewer say nothing: their p01 is their worst (chosen) */

struct fleet_figure {
    char name[40];
    char unit[12];
    double p01, p05, p50; /* NAN when not given */
    uint32_t n;           /* values that they are of */
    bool less;            /* less is better */
};

struct fleet_figures {
    struct fleet_figure *figure; /* owned, FLEET_FIGURES_MAX of them */
    uint32_t count;
    char source[96];
};

MW_MUST_USE int fleet_figures_init(struct fleet_figures *f); /* MW_ENOMEM */
void fleet_figures_fini(struct fleet_figures *f);
/* MW_ESYNTAX names the byte; MW_ELIMIT. */
MW_MUST_USE int fleet_figures_read(struct fleet_figures *f, const char *text, size_t size,
                                   struct mw_error *err);

/* The bound that a figure must reach to be of this fleet: the worse of p01 and 5 % off the median
 * (chosen: SuperBench calls 0.95 similar; p01 alone would refuse one healthy node in a hundred of a
 * tight fleet).  False: nothing is known, or of too few. */
bool fleet_bound(const struct fleet_figures *f, const char *name, double *ret, bool *ret_less);

/* Lowers r's verdict to VERDICT_FAIL when the fleet does better than r->value, and says so. */
void fleet_judge(const struct fleet_figures *f, struct check_row *r);

#endif
