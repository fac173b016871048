/*
 * Texts of /proc and of attributes in /sys, as sources need them.  Pure: text in,
 * numbers out; what is not understood is left at what it was.
 */
#ifndef MW_AGENT_PROC_TEXT_H
#define MW_AGENT_PROC_TEXT_H

#include "agent/text.h"

/* /proc/stat; times in ticks since boot, of all CPUs. */
struct proc_stat {
    uint64_t all, idle, iowait; /* all includes both */
    uint32_t cpus;
    uint64_t blocked;
};
bool proc_stat_read(struct text t, struct proc_stat *ret); /* false: no line "cpu" */

/* /proc/meminfo, in KiB. */
struct proc_memory {
    uint64_t total, available, swap_total, swap_free, corrupted;
};
bool proc_memory_read(struct text t, struct proc_memory *ret); /* false: no MemTotal */

/* The value of "key value" or "key: value" lines (/proc/vmstat, aer_dev_*). */
bool proc_value(struct text t, const char *key, uint64_t *ret);

/* avg10 of the line "some" or "full" of /proc/pressure/…, in thousandths of a percent. */
bool proc_pressure(struct text t, const char *line, int64_t *ret_milli);

/* One line of /proc/diskstats. Times in ms, sectors of 512 bytes. */
struct proc_disk {
    struct text name;
    uint64_t reads, read_sectors, read_ms, writes, write_sectors, write_ms, busy_ms;
};
bool proc_disk_read(struct text line, struct proc_disk *ret);

/* One line of /proc/net/dev; false for its two heads. */
struct proc_net {
    struct text name;
    uint64_t rx_bytes, rx_errors, rx_dropped, tx_bytes, tx_errors, tx_dropped;
};
bool proc_net_read(struct text line, struct proc_net *ret);

/* A row of /proc/interrupts ("MCE:"): the sum over all CPUs. */
bool proc_interrupts(struct text t, const char *row, uint64_t *ret);

/* /proc/self/mountinfo: may the filesystem on this device not be written at all (its own options,
 * not those of a mount of it: a sandbox mounts everything read-only)?  false: it is not there. */
bool proc_mount_readonly(struct text t, uint32_t major, uint32_t minor, bool *ret);

/* /proc/PID/stat. */
struct proc_task {
    uint64_t id, ticks; /* pid; processor time used */
    char state;
    uint64_t threads;
};
bool proc_task_read(struct text t, struct proc_task *ret);

#endif
