/*
 * What other people's tools print, read: fio, perftest, nccl-tests, dcgmi.  Pure
 * text work on bytes from outside; each function takes the whole output and
 * returns false when it does not hold what is looked for.
 */
#ifndef MW_AGENT_CHECK_PARSE_H
#define MW_AGENT_CHECK_PARSE_H

#include "base/base.h"

/* fio --output-format=terse --terse-version=3: fields between ';'. MB/s (10^6) read and written, 0
 * where a direction was not run; `error` is fio's error number of the job. */
struct parsed_fio {
    double read_mbps, write_mbps;
    uint32_t error;
};
bool parse_fio(const char *text, struct parsed_fio *ret);

/* perftest's ib_write_bw and kin: the average of the last row of numbers, in Gb/s whichever unit
 * its heading names ("BW average[MiB/sec]", "BW average[MB/sec]", "BW average[Gb/sec]").  Its
 * MB/sec means 2^20 bytes, as MiB/sec does. */
bool parse_perftest(const char *text, double *ret_gbps);

/* nccl-tests: "# Avg bus bandwidth    : 460.1" in GB/s, and "# Out of bounds values : 0 OK". */
struct parsed_nccl {
    double bus_gbps;      /* GB/s */
    uint64_t wrong;
};
bool parse_nccl(const char *text, struct parsed_nccl *ret);

/* dcgmi diag's table: rows "| name | Pass - All |"; the first that failed by name. */
struct parsed_dcgmi {
    uint32_t passed, failed, warned, skipped;
    char first[48];
};
bool parse_dcgmi(const char *text, struct parsed_dcgmi *ret);

#endif
