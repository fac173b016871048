/* Any bytes: a trace is refused, or it is whole and its statistics are shares and lengths. */
#include "base/mem.h"
#include "sim/fault_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault_trace *t = NULL;
    struct fault_trace_stats s;
    struct mw_error err;

    if (fault_trace_parse((const char *)data, size, "fuzz", &t, &err) != 0) {
        must(t == NULL && err.code != 0);
        return 0;
    }
    for (uint32_t i = 0; i < t->faults; i++) {
        const struct trace_fault *f = &t->fault[i];
        must(f->node < t->nodes_seen && f->class < t->classes && f->desc < t->descs);
        must(f->start_ns <= f->end_ns && f->start_ns >= 0 && f->start_ns <= t->length_ns);
        must(i == 0 || f->start_ns >= f[-1].start_ns);
    }
    must(fault_trace_stats(t, t->nodes_seen, &s, &err) == 0);
    must(s.intervals <= s.faults && s.down_fraction_mean >= 0.0 && s.down_fraction_mean <= 1.0);
    must(s.refault_d1 <= s.refault_d7 && s.refault_d7 <= s.refault_d30 && s.refault_d30 <= 1.0);
    fault_trace_destroy(t);
    return 0;
}
