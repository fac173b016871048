/*
 * What can be read of a machine: one table, METRICS, from which come the numbers
 * on the wire, the hub's columns, names in the API and in remote write, and
 * docs/signals.md.  A metric's number is for ever: a row is never renumbered nor
 * its number used again; new rows take the next free number of their range.
 *
 *   X(enum, number, "name", scope, kind, "unit", step, "peer", "what it is")
 *
 * A reading is an int64: the real value over `step`, rounded (kind METRIC_LOG:
 * its decimal logarithm over `step`).  `step` is the resolution that the reading
 * has here, declared and shown: what the sensor says below it is noise or is lost.
 * `peer` is the name that dcgm-exporter (DCGM_FI_…) or node_exporter (node_…)
 * gives the same thing, "" where neither has it.
 *
 * Ranges and who adds rows: 1-199 the host, its disks, networks and PCI devices;
 * 200-299 GPUs and NVLinks; 300-349 optical modules and lanes; 400-499 what a
 * BMC, a PDU or another sensor says; 500-549 the fabric.  One list each, below.
 *
 * The instance tells readings of one metric apart: see METRIC_SCOPES.  What an
 * instance is called, and its serial number, a `part` of the agent protocol says.
 * Pure C, libc only: the agent, the gatherer and the daemon compile it.
 */
#ifndef MW_SIGNAL_METRIC_H
#define MW_SIGNAL_METRIC_H

#include "base/base.h"

#define METRIC_NUMBER_MAX 1023        /* 10 bits */
#define METRIC_INSTANCE_MAX 0x3fffffu /* 22 bits */

#define METRIC_LINKS_PER_GPU 32
#define METRIC_LANES_PER_PORT 16
#define METRIC_FLOOR_LOG10 (-30) /* METRIC_LOG: 0 and less are said as 1e-30 */

/* X(enum, "name", "what an instance is") */
#define METRIC_SCOPES(X)                                                                          \
    X(SCOPE_HOST,   "host",   "the machine itself: instance 0")                                   \
    X(SCOPE_GPU,    "gpu",    "a GPU: its slot from 0, in the order of the PCI addresses")        \
    X(SCOPE_NVLINK, "nvlink", "an NVLink: GPU x 32 + link")                                       \
    X(SCOPE_PORT,   "port",   "a network port; of a switch: the port's number")                   \
    X(SCOPE_LANE,   "lane",   "a lane of an optical module: port x 16 + lane")                    \
    X(SCOPE_DISK,   "disk",   "a disk")                                                           \
    X(SCOPE_FS,     "fs",     "a mounted filesystem")                                             \
    X(SCOPE_CPU,    "cpu",    "a CPU socket")                                                     \
    X(SCOPE_MEMORY, "memory", "a memory controller, or a DIMM where the driver tells them apart") \
    X(SCOPE_PCI,    "pci",    "a PCI device")                                                     \
    X(SCOPE_SENSOR, "sensor", "a sensor of a BMC or of hwmon")                                    \
    X(SCOPE_OUTLET, "outlet", "an outlet or a phase of a PDU")

enum metric_scope {
#define X(e, name, doc) e,
    METRIC_SCOPES(X)
#undef X
    SCOPE_COUNT
};

enum metric_kind {
    METRIC_GAUGE,   /* a measured quantity */
    METRIC_COUNTER, /* only grows; a fall is a restart of its source */
    METRIC_STATE,   /* 0/1, a width, a count, a number out of a list */
    METRIC_MASK,    /* bits */
    METRIC_LOG,     /* a quantity over many decades: kept by its decimal logarithm */
};

/* -- 1-199: the host ------------------------------------------------------------------------- */
#define METRICS_HOST(X)                                                                           \
    X(M_HOST_UPTIME_S, 1, "host_uptime_s", SCOPE_HOST, METRIC_GAUGE, "s", 60,                     \
      "node_boot_time_seconds", "time since the kernel started")                                  \
    X(M_CPU_BUSY_PCT, 2, "cpu_busy_pct", SCOPE_HOST, METRIC_GAUGE, "%", 1,                        \
      "node_cpu_seconds_total", "time of all CPUs not idle since the reading before")             \
    X(M_LOAD1, 3, "load1", SCOPE_HOST, METRIC_GAUGE, "", 0.1, "node_load1",                       \
      "load average over one minute")                                                             \
    X(M_MEM_TOTAL_MIB, 4, "mem_total_mib", SCOPE_HOST, METRIC_STATE, "MiB", 1,                    \
      "node_memory_MemTotal_bytes", "memory that the kernel has")                                 \
    X(M_MEM_AVAILABLE_MIB, 5, "mem_available_mib", SCOPE_HOST, METRIC_GAUGE, "MiB", 64,           \
      "node_memory_MemAvailable_bytes", "memory that programs could still have")                  \
    X(M_TASKS_BLOCKED, 6, "tasks_blocked", SCOPE_HOST, METRIC_GAUGE, "", 1,                       \
      "node_procs_blocked", "tasks that wait for I/O now")                                        \
    X(M_TASKS_STUCK, 7, "tasks_stuck", SCOPE_HOST, METRIC_GAUGE, "", 1, "",                       \
      "tasks in state D for longer than 60 s")                                                    \
    X(M_OOM_KILLS, 8, "oom_kills", SCOPE_HOST, METRIC_COUNTER, "", 1, "node_vmstat_oom_kill",     \
      "processes that the kernel killed for memory")                                              \
    X(M_CLOCK_SYNCED, 9, "clock_synced", SCOPE_HOST, METRIC_STATE, "", 1,                         \
      "node_timex_sync_status", "1: the kernel's clock is disciplined by somebody")               \
    X(M_CLOCK_OFFSET_US, 10, "clock_offset_us", SCOPE_HOST, METRIC_GAUGE, "us", 10,               \
      "node_timex_offset_seconds", "offset that the clock's discipline reports")                  \
    X(M_CLOCK_SKEW_US, 11, "clock_skew_us", SCOPE_HOST, METRIC_GAUGE, "us", 100, "",              \
      "the machine's clock less the daemon's, by an exchange on the agent's connection")          \
    X(M_CPU_TEMP_C, 12, "cpu_temp_c", SCOPE_CPU, METRIC_GAUGE, "C", 1, "node_hwmon_temp_celsius", \
      "temperature of a CPU socket")                                                              \
    X(M_CPU_THROTTLES, 13, "cpu_throttles", SCOPE_CPU, METRIC_COUNTER, "", 1,                     \
      "node_cpu_package_throttles_total", "times that a CPU slowed itself for heat")              \
    X(M_EDAC_CE, 14, "edac_ce", SCOPE_MEMORY, METRIC_COUNTER, "", 1,                              \
      "node_edac_correctable_errors_total", "errors of the host's memory that were corrected")    \
    X(M_EDAC_UE, 15, "edac_ue", SCOPE_MEMORY, METRIC_COUNTER, "", 1,                              \
      "node_edac_uncorrectable_errors_total", "errors of the host's memory that were not")        \
    X(M_AGENT_RSS_KIB, 16, "agent_rss_kib", SCOPE_HOST, METRIC_GAUGE, "KiB", 64, "",              \
      "resident memory of the agent's processes together")                                        \
    X(M_AGENT_CPU_PPM, 17, "agent_cpu_ppm", SCOPE_HOST, METRIC_GAUGE, "ppm", 100, "",             \
      "processor time of the agent's processes, of one core")                                     \
    X(M_SPOOL_DROPPED, 18, "spool_dropped", SCOPE_HOST, METRIC_COUNTER, "", 1, "",                \
      "facts that the agent's spool had no room for")                                             \
    X(M_CLOCK_SKEW_ERROR_US, 19, "clock_skew_error_us", SCOPE_HOST, METRIC_GAUGE, "us", 100, "",  \
      "half the round trip of that exchange: the most that the skew may be off")                  \
    X(M_PSI_CPU_PCT, 20, "psi_cpu_pct", SCOPE_HOST, METRIC_GAUGE, "%", 1,                         \
      "node_pressure_cpu_waiting_seconds_total",                                                  \
      "time in which some task waited for a CPU, mean of 10 s")                                   \
    X(M_PSI_MEM_PCT, 21, "psi_mem_pct", SCOPE_HOST, METRIC_GAUGE, "%", 1,                         \
      "node_pressure_memory_stalled_seconds_total",                                               \
      "time in which all tasks waited for memory, mean of 10 s")                                  \
    X(M_PSI_IO_PCT, 22, "psi_io_pct", SCOPE_HOST, METRIC_GAUGE, "%", 1,                           \
      "node_pressure_io_stalled_seconds_total",                                                   \
      "time in which all tasks waited for I/O, mean of 10 s")                                     \
    X(M_SWAP_USED_MIB, 23, "swap_used_mib", SCOPE_HOST, METRIC_GAUGE, "MiB", 16,                  \
      "node_memory_SwapFree_bytes", "memory that is swapped out")                                 \
    X(M_MEM_CORRUPTED_KIB, 24, "mem_corrupted_kib", SCOPE_HOST, METRIC_STATE, "KiB", 1,           \
      "node_memory_HardwareCorrupted_bytes",                                                      \
      "memory that the kernel took out of use for errors")                                        \
    X(M_MCE_EXCEPTIONS, 25, "mce_exceptions", SCOPE_HOST, METRIC_COUNTER, "", 1, "",              \
      "machine check exceptions of all CPUs")                                                     \
    X(M_MCE_INTERRUPTS, 26, "mce_interrupts", SCOPE_HOST, METRIC_COUNTER, "", 1, "",              \
      "interrupts for corrected machine checks past a threshold")                                 \
    X(M_CPU_ONLINE, 27, "cpu_online", SCOPE_HOST, METRIC_STATE, "", 1, "node_cpu_online",         \
      "CPUs that the kernel uses")                                                                \
    X(M_CPU_IOWAIT_PCT, 28, "cpu_iowait_pct", SCOPE_HOST, METRIC_GAUGE, "%", 1,                   \
      "node_cpu_seconds_total", "time of all CPUs idle while a task waited for I/O")              \
    X(M_CLOCK_ERROR_US, 29, "clock_error_us", SCOPE_HOST, METRIC_GAUGE, "us", 100,                \
      "node_timex_estimated_error_seconds", "error of the clock that its discipline estimates")   \
    X(M_DISK_TEMP_C, 30, "disk_temp_c", SCOPE_DISK, METRIC_GAUGE, "C", 1, "",                     \
      "temperature of a disk")                                                                    \
    X(M_DISK_SMART_OK, 31, "disk_smart_ok", SCOPE_DISK, METRIC_STATE, "", 1, "",                  \
      "1: the disk's own verdict is that it works")                                               \
    X(M_DISK_WARNING, 32, "disk_warning", SCOPE_DISK, METRIC_MASK, "", 1, "",                     \
      "NVMe critical warning: 1 spare, 2 temperature, 4 reliability, 8 read-only, 16 backup")     \
    X(M_DISK_SPARE_PCT, 33, "disk_spare_pct", SCOPE_DISK, METRIC_STATE, "%", 1, "",               \
      "spare blocks that are left")                                                               \
    X(M_DISK_SPARE_LIMIT_PCT, 34, "disk_spare_limit_pct", SCOPE_DISK, METRIC_STATE, "%", 1, "",   \
      "spare blocks under which the maker calls the disk worn")                                   \
    X(M_DISK_USED_PCT, 35, "disk_used_pct", SCOPE_DISK, METRIC_STATE, "%", 1, "",                 \
      "endurance that is used up, as the maker counts it; may pass 100")                          \
    X(M_DISK_MEDIA_ERRORS, 36, "disk_media_errors", SCOPE_DISK, METRIC_COUNTER, "", 1, "",        \
      "data that the disk could not give back whole")                                             \
    X(M_DISK_REALLOCATED, 37, "disk_reallocated", SCOPE_DISK, METRIC_COUNTER, "", 1, "",          \
      "sectors that were replaced (SATA)")                                                        \
    X(M_DISK_READ_MIB, 38, "disk_read_mib", SCOPE_DISK, METRIC_COUNTER, "MiB", 1,                 \
      "node_disk_read_bytes_total", "read from the disk")                                         \
    X(M_DISK_WRITTEN_MIB, 39, "disk_written_mib", SCOPE_DISK, METRIC_COUNTER, "MiB", 1,           \
      "node_disk_written_bytes_total", "written to the disk")                                     \
    X(M_DISK_BUSY_PCT, 40, "disk_busy_pct", SCOPE_DISK, METRIC_GAUGE, "%", 1,                     \
      "node_disk_io_time_seconds_total", "time in which a request was under way")                 \
    X(M_DISK_LIVE, 41, "disk_live", SCOPE_DISK, METRIC_STATE, "", 1, "",                          \
      "1: the driver has the disk in use; 0: it is dead, or away")                                \
    X(M_DISK_PENDING, 42, "disk_pending", SCOPE_DISK, METRIC_STATE, "", 1, "",                    \
      "sectors that could not be read and wait for a write (SATA 197)")                           \
    X(M_DISK_CRC_ERRORS, 43, "disk_crc_errors", SCOPE_DISK, METRIC_COUNTER, "", 1, "",            \
      "errors on the way to the disk: cable or backplane (SATA 199)")                             \
    X(M_DISK_UNSAFE_STOPS, 44, "disk_unsafe_stops", SCOPE_DISK, METRIC_COUNTER, "", 1, "",        \
      "times that power went without a shutdown")                                                 \
    X(M_DISK_HOURS, 45, "disk_hours", SCOPE_DISK, METRIC_COUNTER, "h", 24, "",                    \
      "time that the disk was on")                                                                \
    X(M_DISK_LATENCY_MS, 46, "disk_latency_ms", SCOPE_DISK, METRIC_GAUGE, "ms", 0.1,              \
      "node_disk_read_time_seconds_total",                                                        \
      "mean time of the requests that ended since the reading before")                            \
    X(M_FS_USED_PCT, 60, "fs_used_pct", SCOPE_FS, METRIC_GAUGE, "%", 0.1,                         \
      "node_filesystem_avail_bytes", "of the filesystem's blocks, those that are not free")       \
    X(M_FS_INODES_USED_PCT, 61, "fs_inodes_used_pct", SCOPE_FS, METRIC_GAUGE, "%", 0.1,           \
      "node_filesystem_files_free", "of the filesystem's inodes, those that are not free")        \
    X(M_FS_READONLY, 62, "fs_readonly", SCOPE_FS, METRIC_STATE, "", 1,                            \
      "node_filesystem_readonly", "1: a filesystem that was writable is not any more")            \
    X(M_FS_SIZE_MIB, 63, "fs_size_mib", SCOPE_FS, METRIC_STATE, "MiB", 64,                        \
      "node_filesystem_size_bytes", "size of the filesystem")                                     \
    X(M_PORT_UP, 70, "port_up", SCOPE_PORT, METRIC_STATE, "", 1, "node_network_up",               \
      "1: the port is enabled and has a link")                                                    \
    X(M_PORT_SPEED_GBPS, 71, "port_speed_gbps", SCOPE_PORT, METRIC_STATE, "Gb/s", 0.1,            \
      "node_network_speed_bytes", "speed that the link runs at")                                  \
    X(M_PORT_CARRIER_CHANGES, 72, "port_carrier_changes", SCOPE_PORT, METRIC_COUNTER, "", 1,      \
      "node_network_carrier_changes_total", "times that the link went up or down")                \
    X(M_PORT_RX_MIB, 73, "port_rx_mib", SCOPE_PORT, METRIC_COUNTER, "MiB", 1,                     \
      "node_network_receive_bytes_total", "received")                                             \
    X(M_PORT_TX_MIB, 74, "port_tx_mib", SCOPE_PORT, METRIC_COUNTER, "MiB", 1,                     \
      "node_network_transmit_bytes_total", "sent")                                                \
    X(M_PORT_RX_ERRORS, 75, "port_rx_errors", SCOPE_PORT, METRIC_COUNTER, "", 1,                  \
      "node_network_receive_errs_total", "frames that came damaged")                              \
    X(M_PORT_TX_ERRORS, 76, "port_tx_errors", SCOPE_PORT, METRIC_COUNTER, "", 1,                  \
      "node_network_transmit_errs_total", "frames that could not be sent")                        \
    X(M_PORT_RX_DROPPED, 77, "port_rx_dropped", SCOPE_PORT, METRIC_COUNTER, "", 1,                \
      "node_network_receive_drop_total", "frames without a buffer")                               \
    X(M_PORT_TX_DROPPED, 78, "port_tx_dropped", SCOPE_PORT, METRIC_COUNTER, "", 1,                \
      "node_network_transmit_drop_total", "frames that were not sent for want of room")           \
    X(M_PORT_ENABLED, 79, "port_enabled", SCOPE_PORT, METRIC_STATE, "", 1, "node_network_info",   \
      "1: somebody configured the interface up; a port that is not needs no link")                \
    X(M_IB_STATE, 90, "ib_state", SCOPE_PORT, METRIC_STATE, "", 1,                                \
      "node_infiniband_state_id", "logical state: 1 down, 2 init, 3 armed, 4 active")             \
    X(M_IB_PHYS_STATE, 91, "ib_phys_state", SCOPE_PORT, METRIC_STATE, "", 1,                      \
      "node_infiniband_physical_state_id", "physical state: 2 polling, 3 disabled, 5 link up")    \
    X(M_IB_RATE_GBPS, 92, "ib_rate_gbps", SCOPE_PORT, METRIC_STATE, "Gb/s", 0.1,                  \
      "node_infiniband_rate_bytes_per_second", "rate of the link")                                \
    X(M_IB_SYMBOL_ERRORS, 93, "ib_symbol_errors", SCOPE_PORT, METRIC_COUNTER, "", 1, "",          \
      "minor link errors (SymbolErrorCounter)")                                                   \
    X(M_IB_LINK_DOWNED, 94, "ib_link_downed", SCOPE_PORT, METRIC_COUNTER, "", 1,                  \
      "node_infiniband_link_downed_total", "times that recovery failed and the link went down")   \
    X(M_IB_LINK_RECOVERIES, 95, "ib_link_recoveries", SCOPE_PORT, METRIC_COUNTER, "", 1,          \
      "node_infiniband_link_error_recovery_total", "times that the link recovered by itself")     \
    X(M_IB_RCV_ERRORS, 96, "ib_rcv_errors", SCOPE_PORT, METRIC_COUNTER, "", 1,                    \
      "node_infiniband_port_receive_errors_total", "packets that came damaged")                   \
    X(M_IB_INTEGRITY_ERRORS, 97, "ib_integrity_errors", SCOPE_PORT, METRIC_COUNTER, "", 1, "",    \
      "local link integrity errors")                                                              \
    X(M_IB_BUFFER_OVERRUNS, 98, "ib_buffer_overruns", SCOPE_PORT, METRIC_COUNTER, "", 1, "",      \
      "excessive buffer overrun errors")                                                          \
    X(M_IB_XMIT_WAIT, 99, "ib_xmit_wait", SCOPE_PORT, METRIC_COUNTER, "", 1000000,                \
      "node_infiniband_port_transmit_wait_total", "ticks that data waited without credits")       \
    X(M_IB_XMIT_MIB, 100, "ib_xmit_mib", SCOPE_PORT, METRIC_COUNTER, "MiB", 1,                    \
      "node_infiniband_port_data_transmitted_bytes_total", "sent")                                \
    X(M_IB_RCV_MIB, 101, "ib_rcv_mib", SCOPE_PORT, METRIC_COUNTER, "MiB", 1,                      \
      "node_infiniband_port_data_received_bytes_total", "received")                               \
    X(M_IB_RNR_NAK_RETRY, 102, "ib_rnr_nak_retry", SCOPE_PORT, METRIC_COUNTER, "", 1, "",         \
      "receiver-not-ready retries that ran out (rnr_nak_retry_err)")                              \
    X(M_IB_SLOW_RESTARTS, 103, "ib_slow_restarts", SCOPE_PORT, METRIC_COUNTER, "", 1, "",         \
      "RoCE slow restarts (roce_slow_restart)")                                                   \
    X(M_IB_XMIT_DISCARDS, 104, "ib_xmit_discards", SCOPE_PORT, METRIC_COUNTER, "", 1,             \
      "node_infiniband_port_discards_transmitted_total", "packets not sent: link or peer down")   \
    X(M_IB_OUT_OF_SEQUENCE, 105, "ib_out_of_sequence", SCOPE_PORT, METRIC_COUNTER, "", 1, "",     \
      "packets that came out of order (out_of_sequence)")                                         \
    X(M_IB_ACK_TIMEOUTS, 106, "ib_ack_timeouts", SCOPE_PORT, METRIC_COUNTER, "", 1, "",           \
      "acknowledgements that did not come in time (local_ack_timeout_err)")                       \
    X(M_IB_SEQUENCE_ERRORS, 107, "ib_sequence_errors", SCOPE_PORT, METRIC_COUNTER, "", 1, "",     \
      "packets that the peer had to ask for again (packet_seq_err)")                              \
    X(M_IB_ADAPTIVE_RETRANS, 108, "ib_adaptive_retrans", SCOPE_PORT, METRIC_COUNTER, "", 1, "",   \
      "adaptive retransmissions (roce_adp_retrans)")                                              \
    X(M_IB_RCV_REMOTE_ERRORS, 109, "ib_rcv_remote_errors", SCOPE_PORT, METRIC_COUNTER, "", 1,     \
      "node_infiniband_port_receive_remote_physical_errors_total",                                \
      "packets that a switch on the way had marked as damaged")                                   \
    X(M_IB_VL15_DROPPED, 110, "ib_vl15_dropped", SCOPE_PORT, METRIC_COUNTER, "", 1,               \
      "node_infiniband_vl15_dropped_total", "management packets that found no buffer")            \
    X(M_IB_OUT_OF_BUFFER, 111, "ib_out_of_buffer", SCOPE_PORT, METRIC_COUNTER, "", 1, "",         \
      "packets that found no receive buffer of the program (out_of_buffer)")                      \
    X(M_IB_CNP_HANDLED, 112, "ib_cnp_handled", SCOPE_PORT, METRIC_COUNTER, "", 1, "",             \
      "congestion notifications that slowed this sender (rp_cnp_handled)")                        \
    X(M_IB_ECN_MARKED, 113, "ib_ecn_marked", SCOPE_PORT, METRIC_COUNTER, "", 1, "",               \
      "packets that came marked for congestion (np_ecn_marked_roce_packets)")                     \
    X(M_IB_ICRC_ERRORS, 114, "ib_icrc_errors", SCOPE_PORT, METRIC_COUNTER, "", 1, "",             \
      "RoCE packets whose checksum was wrong (rx_icrc_encapsulated)")                             \
    X(M_PCI_AER_CORRECTABLE, 120, "pci_aer_correctable", SCOPE_PCI, METRIC_COUNTER, "", 1, "",    \
      "PCIe errors that were corrected")                                                          \
    X(M_PCI_AER_NONFATAL, 121, "pci_aer_nonfatal", SCOPE_PCI, METRIC_COUNTER, "", 1, "",          \
      "PCIe errors that were not corrected and not fatal")                                        \
    X(M_PCI_AER_FATAL, 122, "pci_aer_fatal", SCOPE_PCI, METRIC_COUNTER, "", 1, "",                \
      "PCIe errors that were fatal for the link")                                                 \
    X(M_PCI_WIDTH, 123, "pci_width", SCOPE_PCI, METRIC_STATE, "", 1, "", "lanes in use")          \
    X(M_PCI_WIDTH_MAX, 124, "pci_width_max", SCOPE_PCI, METRIC_STATE, "", 1, "",                  \
      "lanes that the device has")                                                                \
    X(M_PCI_SPEED_GTPS, 125, "pci_speed_gtps", SCOPE_PCI, METRIC_STATE, "GT/s", 0.5, "",          \
      "speed of a lane")                                                                          \
    X(M_PCI_SPEED_MAX_GTPS, 126, "pci_speed_max_gtps", SCOPE_PCI, METRIC_STATE, "GT/s", 0.5, "",  \
      "speed of a lane that the device can do")                                                   \
    X(M_HWMON_TEMP_C, 130, "hwmon_temp_c", SCOPE_SENSOR, METRIC_GAUGE, "C", 1,                    \
      "node_hwmon_temp_celsius", "a temperature of hwmon")                                        \
    X(M_HWMON_FAN_RPM, 131, "hwmon_fan_rpm", SCOPE_SENSOR, METRIC_GAUGE, "rpm", 50,               \
      "node_hwmon_fan_rpm", "a fan of hwmon")                                                     \
    X(M_HWMON_POWER_W, 132, "hwmon_power_w", SCOPE_SENSOR, METRIC_GAUGE, "W", 1,                  \
      "node_hwmon_power_average_watt", "a power sensor of hwmon")                                 \
    X(M_HWMON_ALARM, 133, "hwmon_alarm", SCOPE_SENSOR, METRIC_STATE, "", 1,                       \
      "node_hwmon_temp_alarm", "1: the chip says that the reading is out of its limits")          \
    X(M_HWMON_TEMP_LIMIT_C, 134, "hwmon_temp_limit_c", SCOPE_SENSOR, METRIC_STATE, "C", 1,        \
      "node_hwmon_temp_crit_celsius", "temperature that the chip calls critical")

/* -- 200-299: GPUs and NVLinks --------------------------------------------------------------- */
#define METRICS_GPU(X)                                                                            \
    X(M_GPU_POWER_W, 200, "gpu_power_w", SCOPE_GPU, METRIC_GAUGE, "W", 1,                         \
      "DCGM_FI_DEV_POWER_USAGE", "power, mean of the last second")                                \
    X(M_GPU_POWER_INSTANT_W, 201, "gpu_power_instant_w", SCOPE_GPU, METRIC_GAUGE, "W", 1,         \
      "DCGM_FI_DEV_POWER_USAGE_INSTANT", "power of the moment")                                   \
    X(M_GPU_POWER_LIMIT_W, 202, "gpu_power_limit_w", SCOPE_GPU, METRIC_STATE, "W", 1,             \
      "DCGM_FI_DEV_POWER_MGMT_LIMIT", "power limit in force")                                     \
    X(M_GPU_ENERGY_J, 203, "gpu_energy_j", SCOPE_GPU, METRIC_COUNTER, "J", 100,                   \
      "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "energy since the driver was loaded")               \
    X(M_GPU_SM_CLOCK_MHZ, 204, "gpu_sm_clock_mhz", SCOPE_GPU, METRIC_GAUGE, "MHz", 15,            \
      "DCGM_FI_DEV_SM_CLOCK", "clock of the multiprocessors")                                     \
    X(M_GPU_MEM_CLOCK_MHZ, 205, "gpu_mem_clock_mhz", SCOPE_GPU, METRIC_GAUGE, "MHz", 1,           \
      "DCGM_FI_DEV_MEM_CLOCK", "clock of the memory")                                             \
    X(M_GPU_THROTTLE, 206, "gpu_throttle", SCOPE_GPU, METRIC_MASK, "", 1,                         \
      "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "reasons that hold the clock down, NVML's bits")      \
    X(M_GPU_TEMP_C, 207, "gpu_temp_c", SCOPE_GPU, METRIC_GAUGE, "C", 1,                           \
      "DCGM_FI_DEV_GPU_TEMP", "temperature of the GPU")                                           \
    X(M_GPU_MEM_TEMP_C, 208, "gpu_mem_temp_c", SCOPE_GPU, METRIC_GAUGE, "C", 1,                   \
      "DCGM_FI_DEV_MEMORY_TEMP", "temperature of the memory")                                     \
    X(M_GPU_UTIL_PCT, 209, "gpu_util_pct", SCOPE_GPU, METRIC_GAUGE, "%", 1,                       \
      "DCGM_FI_DEV_GPU_UTIL", "time in which a kernel ran")                                       \
    X(M_GPU_MEM_UTIL_PCT, 210, "gpu_mem_util_pct", SCOPE_GPU, METRIC_GAUGE, "%", 1,               \
      "DCGM_FI_DEV_MEM_COPY_UTIL", "time in which the memory was read or written")                \
    X(M_GPU_FB_USED_MIB, 211, "gpu_fb_used_mib", SCOPE_GPU, METRIC_GAUGE, "MiB", 16,              \
      "DCGM_FI_DEV_FB_USED", "memory in use")                                                     \
    X(M_GPU_FB_TOTAL_MIB, 212, "gpu_fb_total_mib", SCOPE_GPU, METRIC_STATE, "MiB", 1,             \
      "DCGM_FI_DEV_FB_TOTAL", "memory of the GPU")                                                \
    X(M_GPU_ECC_SBE, 213, "gpu_ecc_sbe", SCOPE_GPU, METRIC_COUNTER, "", 1,                        \
      "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "corrected memory errors since the driver was loaded")     \
    X(M_GPU_ECC_DBE, 214, "gpu_ecc_dbe", SCOPE_GPU, METRIC_COUNTER, "", 1,                        \
      "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "uncorrected memory errors since the driver was loaded")   \
    X(M_GPU_ECC_SBE_EVER, 215, "gpu_ecc_sbe_ever", SCOPE_GPU, METRIC_COUNTER, "", 1,              \
      "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "corrected memory errors in the GPU's life")               \
    X(M_GPU_ECC_DBE_EVER, 216, "gpu_ecc_dbe_ever", SCOPE_GPU, METRIC_COUNTER, "", 1,              \
      "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "uncorrected memory errors in the GPU's life")             \
    X(M_GPU_ROWS_REMAPPED_CE, 217, "gpu_rows_remapped_ce", SCOPE_GPU, METRIC_COUNTER, "", 1,      \
      "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "rows replaced after corrected errors")            \
    X(M_GPU_ROWS_REMAPPED_UE, 218, "gpu_rows_remapped_ue", SCOPE_GPU, METRIC_COUNTER, "", 1,      \
      "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "rows replaced after uncorrected errors")        \
    X(M_GPU_REMAP_PENDING, 219, "gpu_remap_pending", SCOPE_GPU, METRIC_STATE, "", 1,              \
      "DCGM_FI_DEV_ROW_REMAP_PENDING", "1: a row waits for the next reset to be replaced")        \
    X(M_GPU_REMAP_FAILED, 220, "gpu_remap_failed", SCOPE_GPU, METRIC_STATE, "", 1,                \
      "DCGM_FI_DEV_ROW_REMAP_FAILURE", "1: a row could not be replaced")                          \
    X(M_GPU_REMAP_BANKS_FULL, 221, "gpu_remap_banks_full", SCOPE_GPU, METRIC_STATE, "", 1,        \
      "", "banks with every spare row left")                                                      \
    X(M_GPU_REMAP_BANKS_LOW, 222, "gpu_remap_banks_low", SCOPE_GPU, METRIC_STATE, "", 1,          \
      "DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_LOW", "banks with few spare rows left")                 \
    X(M_GPU_REMAP_BANKS_NONE, 223, "gpu_remap_banks_none", SCOPE_GPU, METRIC_STATE, "", 1,        \
      "DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_NONE", "banks with no spare row left")                  \
    X(M_GPU_PCIE_REPLAYS, 224, "gpu_pcie_replays", SCOPE_GPU, METRIC_COUNTER, "", 1,              \
      "DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "PCIe packets sent again")                               \
    X(M_GPU_PCIE_GEN, 225, "gpu_pcie_gen", SCOPE_GPU, METRIC_STATE, "", 1,                        \
      "DCGM_FI_DEV_PCIE_LINK_GEN", "PCIe generation in use; may fall while the GPU idles")        \
    X(M_GPU_PCIE_GEN_MAX, 226, "gpu_pcie_gen_max", SCOPE_GPU, METRIC_STATE, "", 1,                \
      "DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "PCIe generation that GPU and board can do")               \
    X(M_GPU_PCIE_WIDTH, 227, "gpu_pcie_width", SCOPE_GPU, METRIC_STATE, "", 1,                    \
      "DCGM_FI_DEV_PCIE_LINK_WIDTH", "PCIe lanes in use")                                         \
    X(M_GPU_PCIE_WIDTH_MAX, 228, "gpu_pcie_width_max", SCOPE_GPU, METRIC_STATE, "", 1,            \
      "DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "PCIe lanes that GPU and board have")                    \
    X(M_GPU_PCIE_TX_MIBPS, 229, "gpu_pcie_tx_mibps", SCOPE_GPU, METRIC_GAUGE, "MiB/s", 16,        \
      "DCGM_FI_PROF_PCIE_TX_BYTES", "sent over PCIe")                                             \
    X(M_GPU_PCIE_RX_MIBPS, 230, "gpu_pcie_rx_mibps", SCOPE_GPU, METRIC_GAUGE, "MiB/s", 16,        \
      "DCGM_FI_PROF_PCIE_RX_BYTES", "received over PCIe")                                         \
    X(M_GPU_PROCESSES, 231, "gpu_processes", SCOPE_GPU, METRIC_STATE, "", 1, "",                  \
      "processes that compute on the GPU")                                                        \
    X(M_GPU_ALIVE, 232, "gpu_alive", SCOPE_GPU, METRIC_STATE, "", 1, "",                          \
      "1: the driver still answers for this GPU; 0: it is lost")                                  \
    X(M_GPU_COUNT, 233, "gpu_count", SCOPE_HOST, METRIC_STATE, "", 1, "DCGM_FI_DEV_COUNT",        \
      "GPUs that the driver answers for")                                                         \
    X(M_GPU_TEMP_SLOWDOWN_C, 234, "gpu_temp_slowdown_c", SCOPE_GPU, METRIC_STATE, "C", 1,         \
      "DCGM_FI_DEV_SLOWDOWN_TEMP", "temperature at which the GPU slows itself")                   \
    X(M_GPU_ECC_SRAM_DBE, 235, "gpu_ecc_sram_dbe", SCOPE_GPU, METRIC_COUNTER, "", 1,              \
      "DCGM_FI_DEV_ECC_DBE_VOL_SRM", "of the uncorrected errors, those in SRAM")                  \
    X(M_GPU_SLOWED_POWER_MS, 236, "gpu_slowed_power_ms", SCOPE_GPU, METRIC_COUNTER, "ms", 10,     \
      "", "time that the power limit held the clock down")                                        \
    X(M_GPU_SLOWED_THERMAL_MS, 237, "gpu_slowed_thermal_ms", SCOPE_GPU, METRIC_COUNTER, "ms",     \
      10, "", "time that heat held the clock down")                                               \
    X(M_GPU_SLOWED_BRAKE_MS, 238, "gpu_slowed_brake_ms", SCOPE_GPU, METRIC_COUNTER, "ms", 10,     \
      "", "time that the power brake of the server held the clock down")                          \
    X(M_GPU_TEMP_MARGIN_C, 239, "gpu_temp_margin_c", SCOPE_GPU, METRIC_GAUGE, "C", 1,             \
      "DCGM_FI_DEV_GPU_TEMP_LIMIT", "degrees left to the first slowdown")                         \
    X(M_GPU_FAN_PCT, 240, "gpu_fan_pct", SCOPE_GPU, METRIC_GAUGE, "%", 1,                         \
      "DCGM_FI_DEV_FAN_SPEED", "speed that the fan is asked for, of its greatest")                \
    X(M_GPU_PSTATE, 241, "gpu_pstate", SCOPE_GPU, METRIC_STATE, "", 1, "DCGM_FI_DEV_PSTATE",      \
      "performance state: 0 is the fastest")                                                      \
    X(M_GPU_SM_CLOCK_MAX_MHZ, 242, "gpu_sm_clock_max_mhz", SCOPE_GPU, METRIC_STATE, "MHz", 1,     \
      "DCGM_FI_DEV_MAX_SM_CLOCK", "the highest clock of the multiprocessors")                     \
    X(M_GPU_RETIRED_CE, 243, "gpu_retired_ce", SCOPE_GPU, METRIC_COUNTER, "", 1,                  \
      "DCGM_FI_DEV_RETIRED_SBE", "pages retired for corrected errors (before Ampere)")            \
    X(M_GPU_RETIRED_UE, 244, "gpu_retired_ue", SCOPE_GPU, METRIC_COUNTER, "", 1,                  \
      "DCGM_FI_DEV_RETIRED_DBE", "pages retired for uncorrected errors (before Ampere)")          \
    X(M_GPU_RETIRED_PENDING, 245, "gpu_retired_pending", SCOPE_GPU, METRIC_STATE, "", 1,          \
      "DCGM_FI_DEV_RETIRED_PENDING", "1: a page waits for the next reset to be retired")          \
    X(M_GPU_REMAP_BANKS_HIGH, 246, "gpu_remap_banks_high", SCOPE_GPU, METRIC_STATE, "", 1,        \
      "DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_HIGH", "banks with most spare rows left")               \
    X(M_GPU_REMAP_BANKS_PARTIAL, 247, "gpu_remap_banks_partial", SCOPE_GPU, METRIC_STATE, "", 1,  \
      "DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_PARTIAL", "banks with some of them left")               \
    X(M_GPU_SRAM_THRESHOLD, 248, "gpu_sram_threshold", SCOPE_GPU, METRIC_STATE, "", 1,            \
      "DCGM_FI_DEV_THRESHOLD_SRM", "1: more errors in SRAM than the maker lets pass")             \
    X(M_GPU_PCIE_RECOVERIES, 249, "gpu_pcie_recoveries", SCOPE_GPU, METRIC_COUNTER, "", 1, "",    \
      "times that the PCIe link recovered")                                                       \
    X(M_GPU_PCIE_CORRECTABLE, 250, "gpu_pcie_correctable", SCOPE_GPU, METRIC_COUNTER, "", 1,      \
      "DCGM_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS", "PCIe errors that were corrected")             \
    X(M_GPU_ECC_MODE, 251, "gpu_ecc_mode", SCOPE_GPU, METRIC_STATE, "", 1,                        \
      "DCGM_FI_DEV_ECC_CURRENT", "1: ECC of the memory is on")                                    \
    X(M_GPU_MIG_MODE, 252, "gpu_mig_mode", SCOPE_GPU, METRIC_STATE, "", 1,                        \
      "DCGM_FI_DEV_MIG_MODE", "1: the GPU is divided")                                            \
    X(M_GPU_PERSISTENCE, 253, "gpu_persistence", SCOPE_GPU, METRIC_STATE, "", 1,                  \
      "DCGM_FI_DEV_PERSISTENCE_MODE", "1: the driver stays loaded without clients")               \
    X(M_GPU_COMPUTE_MODE, 254, "gpu_compute_mode", SCOPE_GPU, METRIC_STATE, "", 1,                \
      "DCGM_FI_DEV_COMPUTE_MODE", "who may compute: 0 all, 2 nobody, 3 one process")              \
    X(M_GPU_RECOVERY_ACTION, 255, "gpu_recovery_action", SCOPE_GPU, METRIC_STATE, "", 1,          \
      "DCGM_FI_DEV_GET_GPU_RECOVERY_ACTION", "asked: 0 none, 1 reset, 2 reboot, 3-4 drain")       \
    X(M_GPU_FABRIC_STATE, 256, "gpu_fabric_state", SCOPE_GPU, METRIC_STATE, "", 1,                \
      "DCGM_FI_DEV_FABRIC_MANAGER_STATUS",                                                        \
      "NVLink fabric: 1 not begun, 2 joining, 3 in it, 4 refused")                                \
    X(M_GPU_MODULE_POWER_W, 257, "gpu_module_power_w", SCOPE_GPU, METRIC_GAUGE, "W", 1, "",       \
      "power of the module that GPU and CPU share")                                               \
    X(M_NVLINK_UP, 260, "nvlink_up", SCOPE_NVLINK, METRIC_STATE, "", 1,                           \
      "DCGM_FI_DEV_GPU_NVLINK_STATE", "1: the link is active")                                    \
    X(M_NVLINK_CRC_ERRORS, 261, "nvlink_crc_errors", SCOPE_NVLINK, METRIC_COUNTER, "", 1,         \
      "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "flits that came damaged")                 \
    X(M_NVLINK_REPLAYS, 262, "nvlink_replays", SCOPE_NVLINK, METRIC_COUNTER, "", 1,               \
      "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "flits sent again")                          \
    X(M_NVLINK_RECOVERIES, 263, "nvlink_recoveries", SCOPE_NVLINK, METRIC_COUNTER, "", 1,         \
      "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "times that the link recovered")           \
    X(M_NVLINK_BER, 264, "nvlink_ber", SCOPE_NVLINK, METRIC_LOG, "", 0.05,                        \
      "DCGM_FI_DEV_NVLINK_COUNT_EFFECTIVE_BER", "bit error rate after correction")                \
    X(M_NVLINK_TX_MIB, 265, "nvlink_tx_mib", SCOPE_NVLINK, METRIC_COUNTER, "MiB", 16,             \
      "DCGM_FI_PROF_NVLINK_TX_BYTES", "sent")                                                     \
    X(M_NVLINK_RX_MIB, 266, "nvlink_rx_mib", SCOPE_NVLINK, METRIC_COUNTER, "MiB", 16,             \
      "DCGM_FI_PROF_NVLINK_RX_BYTES", "received")                                                 \
    X(M_NVLINK_SPEED_GBPS, 267, "nvlink_speed_gbps", SCOPE_NVLINK, METRIC_STATE, "GB/s", 0.1,     \
      "", "speed of the link each way")                                                           \
    X(M_NVLINK_RECOVERIES_FAILED, 268, "nvlink_recoveries_failed", SCOPE_NVLINK, METRIC_COUNTER,  \
      "", 1, "", "times that the link could not recover and went down")                           \
    X(M_NVLINK_SYMBOL_ERRORS, 269, "nvlink_symbol_errors", SCOPE_NVLINK, METRIC_COUNTER, "", 1,   \
      "", "symbols that came damaged past correction")

/* -- 300-349: optical modules and lanes ------------------------------------------------------ */
#define METRICS_OPTIC(X)                                                                          \
    X(M_OPTIC_TEMP_C, 300, "optic_temp_c", SCOPE_PORT, METRIC_GAUGE, "C", 0.5, "",                \
      "temperature of the module")                                                                \
    X(M_OPTIC_VCC_V, 301, "optic_vcc_v", SCOPE_PORT, METRIC_GAUGE, "V", 0.01, "",                 \
      "supply voltage of the module")                                                             \
    X(M_OPTIC_ALARMS, 302, "optic_alarms", SCOPE_PORT, METRIC_MASK, "", 1, "",                    \
      "alarms of the module: 1 temperature, 2 voltage, 4 Tx power, 8 Rx power, 16 bias")          \
    X(M_OPTIC_WARNINGS, 303, "optic_warnings", SCOPE_PORT, METRIC_MASK, "", 1, "",                \
      "warnings of the module, the same bits")                                                    \
    X(M_LANE_TX_DBM, 310, "lane_tx_dbm", SCOPE_LANE, METRIC_GAUGE, "dBm", 0.1, "",                \
      "light that the lane sends")                                                                \
    X(M_LANE_RX_DBM, 311, "lane_rx_dbm", SCOPE_LANE, METRIC_GAUGE, "dBm", 0.1, "",                \
      "light that the lane receives")                                                             \
    X(M_LANE_BIAS_MA, 312, "lane_bias_ma", SCOPE_LANE, METRIC_GAUGE, "mA", 0.1, "",               \
      "current of the lane's laser")                                                              \
    X(M_LANE_BER, 313, "lane_ber", SCOPE_LANE, METRIC_LOG, "", 0.05, "",                          \
      "bit error rate before forward error correction")                                           \
    X(M_LANE_SNR_DB, 314, "lane_snr_db", SCOPE_LANE, METRIC_GAUGE, "dB", 0.1, "",                 \
      "signal to noise that the module measures")                                                 \
    X(M_LANE_LOS, 315, "lane_los", SCOPE_LANE, METRIC_STATE, "", 1, "",                           \
      "1: no light comes in")                                                                     \
    X(M_OPTIC_RX_LOW_DBM, 320, "optic_rx_low_dbm", SCOPE_PORT, METRIC_STATE, "dBm", 0.1, "",      \
      "received light under which the module warns")                                              \
    X(M_OPTIC_TEMP_HIGH_C, 321, "optic_temp_high_c", SCOPE_PORT, METRIC_STATE, "C", 0.5, "",      \
      "temperature over which the module warns")                                                  \
    X(M_OPTIC_PRESENT, 304, "optic_present", SCOPE_PORT, METRIC_STATE, "", 1, "",                 \
      "1: a module is in the cage and can be read")                                               \
    X(M_LANE_TX_LOS, 316, "lane_tx_los", SCOPE_LANE, METRIC_STATE, "", 1, "",                     \
      "1: the host gives the lane no signal")                                                     \
    X(M_LANE_TX_FAULT, 317, "lane_tx_fault", SCOPE_LANE, METRIC_STATE, "", 1, "",                 \
      "1: the module says that its laser or driver failed")                                       \
    X(M_LANE_RX_LOL, 318, "lane_rx_lol", SCOPE_LANE, METRIC_STATE, "", 1, "",                     \
      "1: light comes in, but its clock cannot be recovered")                                     \
    X(M_OPTIC_TX_LOW_DBM, 322, "optic_tx_low_dbm", SCOPE_PORT, METRIC_STATE, "dBm", 0.1, "",      \
      "sent light under which the module warns")                                                  \
    X(M_OPTIC_BIAS_HIGH_MA, 323, "optic_bias_high_ma", SCOPE_PORT, METRIC_STATE, "mA", 0.1, "",   \
      "laser current over which the module warns")                                                \
    X(M_LANE_HOST_BER, 330, "lane_host_ber", SCOPE_LANE, METRIC_LOG, "", 0.05, "",                \
      "bit error rate before correction, from the host into the module")                          \
    X(M_LANE_HOST_SNR_DB, 331, "lane_host_snr_db", SCOPE_LANE, METRIC_GAUGE, "dB", 0.1, "",       \
      "signal to noise from the host into the module")                                            \
    X(M_LANE_FRAMES_BAD, 332, "lane_frames_bad", SCOPE_LANE, METRIC_LOG, "", 0.05, "",            \
      "share of frames that correction could not save")

/* -- 400-499: BMC, PDU, other sensors -------------------------------------------------------- */
#define METRICS_DOOR(X)                                                                           \
    X(M_BMC_TEMP_C, 400, "bmc_temp_c", SCOPE_SENSOR, METRIC_GAUGE, "C", 1, "",                    \
      "a temperature that the BMC reads")                                                         \
    X(M_BMC_FAN_RPM, 401, "bmc_fan_rpm", SCOPE_SENSOR, METRIC_GAUGE, "rpm", 50, "",               \
      "a fan that the BMC reads")                                                                 \
    X(M_BMC_POWER_W, 402, "bmc_power_w", SCOPE_SENSOR, METRIC_GAUGE, "W", 1, "",                  \
      "a power sensor that the BMC reads")                                                        \
    X(M_BMC_VOLTAGE_V, 403, "bmc_voltage_v", SCOPE_SENSOR, METRIC_GAUGE, "V", 0.01, "",           \
      "a voltage that the BMC reads")                                                             \
    X(M_BMC_CURRENT_A, 404, "bmc_current_a", SCOPE_SENSOR, METRIC_GAUGE, "A", 0.1, "",            \
      "a current that the BMC reads")                                                             \
    X(M_BMC_HEALTH, 405, "bmc_health", SCOPE_SENSOR, METRIC_STATE, "", 1, "",                     \
      "what the BMC says of a part: 0 well, 1 warning, 2 critical")                               \
    X(M_BMC_POWER_ON, 406, "bmc_power_on", SCOPE_HOST, METRIC_STATE, "", 1, "",                   \
      "1: the machine is powered on")                                                             \
    X(M_BMC_LEAK, 407, "bmc_leak", SCOPE_SENSOR, METRIC_STATE, "", 1, "",                         \
      "a leak detector: 0 dry, 1 wet")                                                            \
    X(M_BMC_PERCENT, 408, "bmc_percent", SCOPE_SENSOR, METRIC_GAUGE, "%", 0.1, "",                \
      "what the BMC reads in per cent: fan drive, humidity, valve")                               \
    X(M_BMC_ENERGY_J, 409, "bmc_energy_j", SCOPE_SENSOR, METRIC_COUNTER, "J", 100, "",            \
      "energy that a sensor of the BMC has counted")                                              \
    X(M_BMC_FREQUENCY_MHZ, 410, "bmc_frequency_mhz", SCOPE_SENSOR, METRIC_GAUGE, "MHz", 1, "",    \
      "a clock that the BMC reads")                                                               \
    X(M_BMC_PRESSURE_KPA, 411, "bmc_pressure_kpa", SCOPE_SENSOR, METRIC_GAUGE, "kPa", 0.1, "",    \
      "pressure of air, or of coolant in a CDU")                                                  \
    X(M_BMC_FLOW_LPM, 412, "bmc_flow_lpm", SCOPE_SENSOR, METRIC_GAUGE, "L/min", 0.1, "",          \
      "flow of coolant")                                                                          \
    X(M_BMC_LOG_ENTRIES, 413, "bmc_log_entries", SCOPE_HOST, METRIC_STATE, "", 1, "",             \
      "entries in the event logs of the BMC")                                                     \
    X(M_OUTLET_ON, 450, "outlet_on", SCOPE_OUTLET, METRIC_STATE, "", 1, "",                       \
      "1: the outlet is switched on")                                                             \
    X(M_OUTLET_POWER_W, 451, "outlet_power_w", SCOPE_OUTLET, METRIC_GAUGE, "W", 1, "",            \
      "power of an outlet or a phase")                                                            \
    X(M_OUTLET_CURRENT_A, 452, "outlet_current_a", SCOPE_OUTLET, METRIC_GAUGE, "A", 0.1, "",      \
      "current of an outlet or a phase")                                                          \
    X(M_OUTLET_ENERGY_KWH, 453, "outlet_energy_kwh", SCOPE_OUTLET, METRIC_COUNTER, "kWh", 0.1,    \
      "", "energy of an outlet or a phase")                                                       \
    X(M_OUTLET_VOLTAGE_V, 454, "outlet_voltage_v", SCOPE_OUTLET, METRIC_GAUGE, "V", 0.1, "",      \
      "voltage of an outlet or a phase")                                                          \
    X(M_SCRAPE_UNKNOWN, 470, "scrape_unknown", SCOPE_HOST, METRIC_STATE, "", 1, "",               \
      "series of an exporter that have no metric here")                                           \
    X(M_SCRAPE_MS, 471, "scrape_ms", SCOPE_HOST, METRIC_GAUGE, "ms", 1, "",                       \
      "time that an exporter took to answer")

/* -- 500-549: the fabric as its manager sees it; ports of a switch use the ib_ metrics --------- */
#define METRICS_FABRIC(X)                                                                         \
    X(M_FABRIC_SWITCHES, 500, "fabric_switches", SCOPE_HOST, METRIC_STATE, "", 1, "",             \
      "switches that the last sweep found")                                                       \
    X(M_FABRIC_HCAS, 501, "fabric_hcas", SCOPE_HOST, METRIC_STATE, "", 1, "",                     \
      "host adapters that the last sweep found")                                                  \
    X(M_FABRIC_LINKS, 502, "fabric_links", SCOPE_HOST, METRIC_STATE, "", 1, "",                   \
      "links that the last sweep found")                                                          \
    X(M_FABRIC_SWEEP_MS, 503, "fabric_sweep_ms", SCOPE_HOST, METRIC_GAUGE, "ms", 1, "",           \
      "time that the last sweep took")                                                            \
    X(M_IB_WIDTH, 504, "ib_width", SCOPE_PORT, METRIC_STATE, "", 1, "",                           \
      "lanes that the link uses")                                                                 \
    X(M_IB_WIDTH_ENABLED, 505, "ib_width_enabled", SCOPE_PORT, METRIC_STATE, "", 1, "",           \
      "lanes that both ends allow")                                                               \
    X(M_IB_LANE_MBPS, 506, "ib_lane_mbps", SCOPE_PORT, METRIC_STATE, "Mb/s", 1, "",               \
      "signalling rate of a lane")                                                                \
    X(M_IB_LANE_ENABLED_MBPS, 507, "ib_lane_enabled_mbps", SCOPE_PORT, METRIC_STATE,              \
      "Mb/s", 1, "", "rate of a lane that both ends allow")                                       \
    X(M_IB_RCV_RELAY_ERRORS, 509, "ib_rcv_relay_errors", SCOPE_PORT, METRIC_COUNTER, "", 1, "",   \
      "packets that the switch could not forward")                                                \
    X(M_IB_XMIT_CONSTRAINTS, 510, "ib_xmit_constraints", SCOPE_PORT, METRIC_COUNTER, "", 1, "",   \
      "packets not sent for a partition or a raw filter")                                         \
    X(M_IB_RCV_CONSTRAINTS, 511, "ib_rcv_constraints", SCOPE_PORT, METRIC_COUNTER, "", 1, "",     \
      "packets not taken for a partition or a raw filter")                                        \
    X(M_IB_XMIT_KPACKETS, 513, "ib_xmit_kpackets", SCOPE_PORT, METRIC_COUNTER, "10^3", 1, "",     \
      "packets sent")                                                                             \
    X(M_IB_RCV_KPACKETS, 514, "ib_rcv_kpackets", SCOPE_PORT, METRIC_COUNTER, "10^3", 1, "",       \
      "packets received")                                                                         \
    X(M_IB_COUNTERS_FULL, 515, "ib_counters_full", SCOPE_PORT, METRIC_STATE, "", 1, "",           \
      "counters that stand at their largest value: what comes now is lost")                       \
    X(M_IB_COUNTER_RESETS, 516, "ib_counter_resets", SCOPE_PORT, METRIC_COUNTER, "", 1, "",       \
      "times that somebody reset counters of the port")                                           \
    X(M_FABRIC_LINKS_DOWN, 517, "fabric_links_down", SCOPE_HOST, METRIC_STATE, "", 1, "",         \
      "links that were there before and are not now")                                             \
    X(M_FABRIC_MISCABLED, 518, "fabric_miscabled", SCOPE_HOST, METRIC_STATE, "", 1, "",           \
      "cables that are not as the site file says")                                                \
    X(M_FABRIC_PORTS_READ, 519, "fabric_ports_read", SCOPE_HOST, METRIC_STATE, "", 1, "",         \
      "ports whose counters the last sweep read")                                                 \
    X(M_FABRIC_PORTS_UNREAD, 520, "fabric_ports_unread", SCOPE_HOST, METRIC_STATE, "", 1, "",     \
      "ports that did not answer for their counters")

#define METRICS(X) METRICS_HOST(X) METRICS_GPU(X) METRICS_OPTIC(X) METRICS_DOOR(X) METRICS_FABRIC(X)

enum metric_number {
#define X(e, number, name, scope, kind, unit, step, peer, doc) e = number,
    METRICS(X)
#undef X
};

struct metric {
    const char *name;
    uint16_t number;
    uint8_t scope, kind; /* enum metric_scope, enum metric_kind */
    const char *unit;
    double step;
    const char *peer, *doc;
};

uint32_t metric_count(void);
const struct metric *metric_at(uint32_t row);        /* in the order of METRICS */
const struct metric *metric_of(uint32_t number);     /* NULL: no such metric (yet) */
const struct metric *metric_named(const char *name); /* NULL: none */

/* Real unit to whole steps and back; saturates.  `real` is not NaN. */
int64_t metric_steps(const struct metric *m, double real);
double metric_real(const struct metric *m, int64_t steps);

const char *metric_scope_name(uint32_t scope); /* "gpu"; "" when out of range */
uint32_t metric_scope_named(const char *name); /* SCOPE_COUNT: none */

#endif
