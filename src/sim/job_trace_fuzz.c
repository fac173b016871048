/* Any bytes: a job trace is refused with words, or its jobs are in order and in bounds. */
#include "base/mem.h"
#include "sim/job_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_job *job = NULL;
    struct mw_error err = {0};
    uint32_t n = 0;

    if (job_trace_parse((const char *)data, size, &job, &n, &err) != 0) {
        must(job == NULL && err.text[0] != '\0');
        return 0;
    }
    must(n > 0 && job[0].submit_ns == 0);
    for (uint32_t i = 0; i < n; i++) {
        must(job[i].work_ms >= 1 && job[i].gpus >= 1 && job[i].gpus <= 1000000);
        must(job[i].tenant >= 1 && job[i].line >= 2);
        must(i == 0 || job[i].submit_ns >= job[i - 1].submit_ns);
    }
    mw_free(job);
    return 0;
}
