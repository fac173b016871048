/*
 * Each source of the table, by its file source_*.c.
 */
#ifndef MW_AGENT_SOURCES_H
#define MW_AGENT_SOURCES_H

#include "agent/source.h"

extern const struct source source_host, source_disk, source_net, source_speed, source_ib,
    source_edac, source_mce, source_pci, source_smart, source_sensors, source_fs, source_clock,
    source_tasks, source_ports, source_machine;
extern const struct source source_nvml, source_optics;

#endif
