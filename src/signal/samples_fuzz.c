/*
 * Arbitrary bytes as a frame of samples: the cursor never leaves them, every
 * entry is within its bounds, and it ends.
 */
#include "signal/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    struct sample_reader r;
    struct sample_entry e;
    uint64_t entries = 0, last = 0;
    uint8_t what = SAMPLE_DEFINES;
    int rc = sample_reader_open(&r, size > 0 ? data : nothing, size, NULL);
    while (rc == 0 && (rc = sample_reader_next(&r, &e, NULL)) == 0 && e.what != SAMPLE_END) {
        must(e.what >= what); /* definitions, then values, then ends */
        must(e.what != SAMPLE_DEFINES || (e.metric <= METRIC_NUMBER_MAX &&
                                          e.instance <= METRIC_INSTANCE_MAX));
        must(e.row < SAMPLES_SERIES_MAX);
        must(e.what != what || e.what == SAMPLE_DEFINES || e.row > last || last == 0);
        last = e.row;
        what = e.what;
        must(++entries <= 3 * (uint64_t)SAMPLES_SERIES_MAX && r.at <= r.end);
    }
    must(rc == 0 || rc == MW_ECORRUPT);
    return 0;
}
