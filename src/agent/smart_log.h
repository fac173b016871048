/*
 * What a disk says of its own health, from the bytes that it answers with: the
 * NVMe SMART / Health log (NVM Express Base Specification 2.0, figure 207), the
 * SMART data of ATA (ACS-3, SMART READ DATA; attribute numbers by the makers'
 * common use), and its verdict (SMART RETURN STATUS, as SAT gives it in a sense).
 * Pure: bytes in, struct out.
 */
#ifndef MW_AGENT_SMART_LOG_H
#define MW_AGENT_SMART_LOG_H

#include "base/base.h"

#define SMART_LOG_BYTES 512
#define SMART_NONE (-1) /* of a field: the disk does not say */

struct smart_log {
    int64_t temp_c, warning, spare_pct, spare_limit_pct, used_pct, media_errors;
    int64_t unsafe_stops, hours, reallocated, pending, crc_errors;
};

/* A log of all zeros or all ones is none: false. */
bool smart_log_nvme(const uint8_t *log, size_t size, struct smart_log *ret);
/* false: too short, or the checksum is wrong. */
bool smart_log_ata(const uint8_t *data, size_t size, struct smart_log *ret);
/* 1 well, 0 failing, SMART_NONE: the sense does not say. */
int smart_log_verdict(const uint8_t *sense, size_t size);

#endif
