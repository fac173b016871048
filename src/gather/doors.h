/* The kinds of doors: one file each (door_*.c), one row each in the table of doors.c. */
#ifndef MW_GATHER_DOORS_H
#define MW_GATHER_DOORS_H

#include "gather/door.h"

extern const struct door_kind door_redfish, door_ipmi, door_snmp, door_prometheus;
extern const struct door_kind door_infiniband;

#endif
