/* Arbitrary bytes as the fleet's percentiles: bounds are numbers, judging raises no verdict. */
#include <math.h>
#include <string.h>

#include "agent/check_fleet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char nothing[1];
    struct fleet_figures f;
    struct mw_error err = { 0 };
    if (fleet_figures_init(&f) < 0)
        return 0;
    int rc = fleet_figures_read(&f, size > 0 ? (const char *)data : nothing, size, &err);
    must(rc == 0 || err.text[0] != '\0');
    must(f.count <= FLEET_FIGURES_MAX);
    for (uint32_t i = 0; i < f.count; i++) {
        struct check_row r = { .value = 50, .verdict = i % 2 == 0 ? VERDICT_FAIL : VERDICT_NOTED };
        double bound;
        bool less;
        must(memchr(f.figure[i].name, '\0', sizeof(r.name)) != NULL);
        memcpy(r.name, f.figure[i].name, sizeof(r.name));
        if (fleet_bound(&f, r.name, &bound, &less))
            must(!isnan(bound));
        fleet_judge(&f, &r);
        must(i % 2 != 0 || r.verdict == VERDICT_FAIL);
    }
    fleet_figures_fini(&f);
    return 0;
}
