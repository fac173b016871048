/*
 * Any bytes as a what-if question: refused with words, or within its bounds and planned into
 * settings whose keys are the scenario's.
 */
#include <string.h>

#include "api/whatif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char scenario[] =
    "scenario: m\nhorizon: 30d\nfaults:\n"
    "  gpu: {on: gpu, between: {law: weibull, scale: 90d, shape: 0.8}}\n"
    "classes:\n  gpu: {effect: kills}\nfault_trace: {file: x, detect: 5min}\n"
    "crews: {number: 6}\njobs: {write: 32s}\n"
    "policy: {failure_rate_per_1000_node_days: 100, spares: {nodes: 3}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct whatif_wish w;
    struct whatif_plan p;
    struct mw_error err = { 0 };
    const char *field = NULL;
    int rc = whatif_read((const char *)data, size, &w, &field, &err);
    must(field != NULL);
    if (rc != 0) {
        must((rc == MW_ESYNTAX || rc == MW_EINVAL) && err.text[0] != '\0');
        return 0;
    }
    must(w.runs >= 1 && w.runs <= WHATIF_RUNS_MAX && w.days >= 1 && w.days <= WHATIF_DAYS_MAX);
    must(w.failure_rate >= 0.01 && w.failure_rate <= 100);
    must(w.checkpoint_cost >= 0.01 && w.checkpoint_cost <= 100);
    const struct whatif_scenario s = { .path = "s.yaml", .yaml = scenario,
                                       .size = sizeof(scenario) - 1, .spares_now = 7 };
    rc = whatif_plan(&s, &w, &p, &err);
    must(rc == 0 || (rc == MW_EINVAL && w.failure_rate < 1)); /* a trace cannot be made less */
    must(p.bases <= WHATIF_SETS_MAX && p.changes <= WHATIF_SETS_MAX);
    for (uint32_t i = 0; i < p.changes; i++)
        must(strchr(p.changed[i], '=') != NULL);
    whatif_plan_fini(&p);
    return 0;
}
