/*
 * What the answers of many nodes' `mw-agent check --json` mean together: who is
 * not well and why, who is slower than the others, the fleet's percentiles.  Pure.
 */
#ifndef MW_CLI_PREFLIGHT_H
#define MW_CLI_PREFLIGHT_H

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"

enum preflight_result { PREFLIGHT_WELL, PREFLIGHT_BAD, PREFLIGHT_SLOW, PREFLIGHT_UNKNOWN,
                        PREFLIGHT_SILENT };

/* A rate that a node measured: GB/s, Gb/s, TFLOPS. */
struct preflight_figure {
    char name[40], part[40], unit[12];
    double value;
};

struct preflight_host {
    const char *name;    /* borrowed */
    enum preflight_result result;
    char text[256];      /* why */
    char sku[40];
    int64_t took_ms;
    struct preflight_figure *figure; /* owned */
    uint32_t figures;
};

#define PREFLIGHT_FIGURES_MAX 4096 /* of one host */
#define PREFLIGHT_NODES_LEAST 4    /* fewer values have no median worth the name (chosen) */

const char *preflight_word(enum preflight_result r); /* "well", "not well", "slow" … */

/* Reads the JSON that a node printed; exit_code is the program's.  What is no such JSON becomes
 * PREFLIGHT_SILENT with the reason; `said` is what it wrote to its standard error. */
void preflight_read(struct preflight_host *h, const char *json, size_t size, int exit_code,
                    const char *said);
void preflight_fini(struct preflight_host *h);

/* Marks as PREFLIGHT_SLOW the well nodes of which a rate is below share x the median of all nodes'
 * values of that figure.  Returns how many. */
uint32_t preflight_compare(struct preflight_host *h, uint32_t hosts, double share);

/* The percentiles of all rates, as mw-agent check --fleet reads them.  NULL: out of memory. */
json_t *preflight_fleet(const struct preflight_host *h, uint32_t hosts, const char *source);

#endif
