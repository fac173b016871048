/*
 * A node of GPUs that exists only as numbers: what the stand-in for NVML answers
 * from.  Healthy unless the script says otherwise; the script is a text file
 * (README.md) that is read again when it changes.
 */
#ifndef MW_STANDIN_NVML_H
#define MW_STANDIN_NVML_H

#include <stdbool.h>
#include <stdint.h>

#define STANDIN_GPUS_MAX 16
#define STANDIN_LINKS 18
#define STANDIN_PROCESSES_MAX 16
#define STANDIN_NO_FIELDS_MAX 8

/* A counter that grows: from `base` at the script's last change, by so many a second. */
struct standin_counter {
    double base, rate;
};

struct standin_link {
    bool down;
    struct standin_counter crc, replays, recoveries, failed, symbols;
    double ber; /* of NVLink 5, as NVML packs it */
};

struct standin_process {
    uint32_t pid, mib;
};

struct standin_gpu {
    bool missing;       /* the driver does not count it */
    bool lost, dead;    /* off the bus; dead: a reset does not bring it back */
    bool reset_required, unknown;
    char hang[48];      /* the call that never returns; "*" = every one */
    uint32_t slow_ms;   /* each call takes so long */
    double load;        /* percent */
    /* Below: negative = as the load makes it. */
    double temp, mem_temp, power, clock, throttle, pcie_width, pcie_gen, fan, fabric;
    double recovery, sram_threshold, persistence, mig, compute, ecc;
    struct standin_counter ecc_ce, ecc_ue, ecc_ce_ever, ecc_ue_ever, sram_ue, pcie_replays;
    struct standin_counter slowed_power_ms, slowed_thermal_ms, slowed_brake_ms;
    struct standin_counter rows_ce, rows_ue;
    uint32_t remap_pending, remap_failed, bank[5];
    uint32_t retired_ce, retired_ue, retired_pending;
    uint32_t no_fields, no_field[STANDIN_NO_FIELDS_MAX]; /* an older driver knows them not */
    uint32_t processes;
    struct standin_process process[STANDIN_PROCESSES_MAX];
    struct standin_link link[STANDIN_LINKS];
};

struct standin {
    uint32_t gpus;
    uint32_t nvlink;       /* version: 4, or 5 with its own counters */
    int init_result;       /* what nvmlInit_v2 says */
    bool init_hangs;
    char driver[32];
    int64_t changed_ms;    /* Unix time of the script's last change */
    struct standin_gpu gpu[STANDIN_GPUS_MAX];
};

/* Eight healthy, idle GPUs. */
void standin_defaults(struct standin *s);

/* Takes the script over the defaults; an empty text is a healthy node.  The first line that means
 * nothing is named on stderr and all such are passed over. */
void standin_script(struct standin *s, const char *text);

double standin_count(const struct standin *s, const struct standin_counter *c, int64_t now_ms);

#endif
