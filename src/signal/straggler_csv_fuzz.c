/* Any bytes: a trace is refused with a text, or is whole; its analysis gives numbers or a text. */
#include <math.h>

#include "signal/straggler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct straggler_trace *t = NULL;
    struct straggler_result r;
    struct mw_error err = { 0 };

    if (straggler_trace_parse((const char *)data, size, "fuzz", &t, &err) != 0) {
        must(t == NULL && err.code != 0 && err.text[0] != '\0');
        return 0;
    }
    must(t->ops > 0 && t->steps > 0 && t->dps > 0 && t->stages > 0);
    for (size_t i = 0; i < (size_t)t->ops * t->cells; i++)
        must(t->duration[i] >= 0.0 && isfinite(t->start[i]));
    struct straggler_meta m = { .dp = t->dps, .dsp = 1, .pp = t->stages, .tp = 1, .vpp = 1 };
    if (straggler_analyse(t, &m, "fuzz", &r, &err) == 0) {
        must(isfinite(r.slowdown) && r.slowdown >= 0.0 && r.ops > 0);
        must(r.worst_dp < r.dps && r.worst_stage < r.stages);
        straggler_result_fini(&r);
    } else {
        must(err.code != 0 && err.text[0] != '\0');
    }
    straggler_trace_destroy(t);
    return 0;
}
