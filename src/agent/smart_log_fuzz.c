/* Any bytes for a log or a sense: a disk's firmware may answer anything. */
#include "agent/smart_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smart_log log;
    if (smart_log_nvme(data, size, &log))
        must(log.warning >= 0 && log.warning <= 255 && log.media_errors >= 0 && log.hours >= 0);
    if (smart_log_ata(data, size, &log))
        must(log.reallocated >= SMART_NONE && log.temp_c >= SMART_NONE && log.temp_c <= 255);
    int verdict = smart_log_verdict(data, size);
    must(verdict == 0 || verdict == 1 || verdict == SMART_NONE);
    return 0;
}
