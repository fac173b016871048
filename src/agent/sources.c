/*
 * The sources that there are: one row each, in the order in which they are read.
 */
#include "agent/sources.h"

#include <stddef.h>

const struct source *const agent_sources[] = {
    &source_host, &source_disk, &source_net, &source_edac, /* in the collector */
    &source_ib, &source_pci, &source_speed,
    &source_machine, &source_ports, &source_fs, &source_clock, &source_tasks, &source_sensors,
    &source_smart, &source_mce,
    &source_nvml, /* in the worker gpu */
    &source_optics,
    NULL,
};
