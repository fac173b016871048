/*
 * Names of dcgm-exporter (DCGM_FI_…) and node_exporter (node_…) and what they
 * are here.  Units of the exporters: dcgm-exporter's etc/default-counters.csv
 * (energy in mJ, memory in MiB, clocks in MHz, PROF bandwidths in bytes/s),
 * node_exporter's own # HELP lines (bytes, seconds).
 */
#include "live/prom_text.h"

#include <string.h>

#define MIB (1.0 / 1048576)
#define GPU(n, m, f) { .name = n, .metric = m, .key = PROM_KEY_GPU, .factor = f }
#define HOST(n, m, f) { .name = n, .metric = m, .key = PROM_KEY_NONE, .factor = f }
#define BY(n, l, m, f) { .name = n, .metric = m, .key = PROM_KEY_NAME, .label = l, .factor = f }

static const struct prom_rule rules[] = {
    GPU("DCGM_FI_DEV_POWER_USAGE", "gpu_power_w", 1),
    GPU("DCGM_FI_DEV_POWER_USAGE_INSTANT", "gpu_power_instant_w", 1),
    GPU("DCGM_FI_DEV_POWER_MGMT_LIMIT", "gpu_power_limit_w", 1),
    GPU("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "gpu_energy_j", 1e-3),
    GPU("DCGM_FI_DEV_SM_CLOCK", "gpu_sm_clock_mhz", 1),
    GPU("DCGM_FI_DEV_MEM_CLOCK", "gpu_mem_clock_mhz", 1),
    GPU("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "gpu_throttle", 1),
    GPU("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "gpu_throttle", 1),
    GPU("DCGM_FI_DEV_GPU_TEMP", "gpu_temp_c", 1),
    GPU("DCGM_FI_DEV_MEMORY_TEMP", "gpu_mem_temp_c", 1),
    GPU("DCGM_FI_DEV_SLOWDOWN_TEMP", "gpu_temp_slowdown_c", 1),
    GPU("DCGM_FI_DEV_GPU_UTIL", "gpu_util_pct", 1),
    GPU("DCGM_FI_DEV_MEM_COPY_UTIL", "gpu_mem_util_pct", 1),
    GPU("DCGM_FI_DEV_FB_USED", "gpu_fb_used_mib", 1),
    GPU("DCGM_FI_DEV_FB_TOTAL", "gpu_fb_total_mib", 1),
    GPU("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "gpu_ecc_sbe", 1),
    GPU("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "gpu_ecc_dbe", 1),
    GPU("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "gpu_ecc_sbe_ever", 1),
    GPU("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "gpu_ecc_dbe_ever", 1),
    GPU("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "gpu_rows_remapped_ce", 1),
    GPU("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "gpu_rows_remapped_ue", 1),
    GPU("DCGM_FI_DEV_ROW_REMAP_PENDING", "gpu_remap_pending", 1),
    GPU("DCGM_FI_DEV_ROW_REMAP_FAILURE", "gpu_remap_failed", 1),
    GPU("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "gpu_pcie_replays", 1),
    GPU("DCGM_FI_DEV_PCIE_LINK_GEN", "gpu_pcie_gen", 1),
    GPU("DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "gpu_pcie_gen_max", 1),
    GPU("DCGM_FI_DEV_PCIE_LINK_WIDTH", "gpu_pcie_width", 1),
    GPU("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "gpu_pcie_width_max", 1),
    GPU("DCGM_FI_PROF_PCIE_TX_BYTES", "gpu_pcie_tx_mibps", MIB),
    GPU("DCGM_FI_PROF_PCIE_RX_BYTES", "gpu_pcie_rx_mibps", MIB),
    HOST("DCGM_FI_DEV_COUNT", "gpu_count", 1),
    HOST("node_load1", "load1", 1),
    HOST("node_memory_MemTotal_bytes", "mem_total_mib", MIB),
    HOST("node_memory_MemAvailable_bytes", "mem_available_mib", MIB),
    HOST("node_procs_blocked", "tasks_blocked", 1),
    HOST("node_vmstat_oom_kill", "oom_kills", 1),
    HOST("node_timex_sync_status", "clock_synced", 1),
    HOST("node_timex_offset_seconds", "clock_offset_us", 1e6),
    BY("node_cpu_package_throttles_total", "package", "cpu_throttles", 1),
    BY("node_edac_correctable_errors_total", "controller", "edac_ce", 1),
    BY("node_edac_uncorrectable_errors_total", "controller", "edac_ue", 1),
    BY("node_disk_read_bytes_total", "device", "disk_read_mib", MIB),
    BY("node_disk_written_bytes_total", "device", "disk_written_mib", MIB),
    BY("node_filesystem_readonly", "mountpoint", "fs_readonly", 1),
    BY("node_network_up", "device", "port_up", 1),
    BY("node_network_speed_bytes", "device", "port_speed_gbps", 8e-9),
    BY("node_network_carrier_changes_total", "device", "port_carrier_changes", 1),
    BY("node_network_receive_bytes_total", "device", "port_rx_mib", MIB),
    BY("node_network_transmit_bytes_total", "device", "port_tx_mib", MIB),
    BY("node_network_receive_errs_total", "device", "port_rx_errors", 1),
    BY("node_network_transmit_errs_total", "device", "port_tx_errors", 1),
    BY("node_network_receive_drop_total", "device", "port_rx_dropped", 1),
    BY("node_infiniband_state_id", "device", "ib_state", 1),
    BY("node_infiniband_physical_state_id", "device", "ib_phys_state", 1),
    BY("node_infiniband_rate_bytes_per_second", "device", "ib_rate_gbps", 8e-9),
    BY("node_infiniband_link_downed_total", "device", "ib_link_downed", 1),
    BY("node_infiniband_link_error_recovery_total", "device", "ib_link_recoveries", 1),
    BY("node_infiniband_port_receive_errors_total", "device", "ib_rcv_errors", 1),
    BY("node_infiniband_port_transmit_wait_total", "device", "ib_xmit_wait", 1),
    BY("node_infiniband_port_data_transmitted_bytes_total", "device", "ib_xmit_mib", MIB),
    BY("node_infiniband_port_data_received_bytes_total", "device", "ib_rcv_mib", MIB),
    BY("node_infiniband_port_discards_transmitted_total", "device", "ib_xmit_discards", 1),
};

uint32_t prom_rule_count(void)
{
    return MW_ARRAY_LEN(rules);
}

const struct prom_rule *prom_rule_at(uint32_t row)
{
    must(row < MW_ARRAY_LEN(rules));
    return &rules[row];
}

const struct prom_rule *prom_rule_of(const struct prom_sample *s)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(rules); i++)
        if (strcmp(rules[i].name, s->name) == 0)
            return &rules[i];
    return NULL;
}
