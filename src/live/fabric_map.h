/*
 * Which port of a site file a port of the fabric is.  The site's ports are
 * slots: first the NICs, then the ports of every switch.  Shared by the check
 * and by nobody else but through fabric_check.h.
 */
#ifndef MW_LIVE_FABRIC_MAP_H
#define MW_LIVE_FABRIC_MAP_H

#include "live/fabric_check.h"

struct fabric_map {
    const struct fabric *f;
    const struct fabric_names *names;
    const struct fleet *fleet;
    uint32_t slots, nics;
    uint32_t *switch_first; /* switch -> slot of its port 1 */
    uint32_t *slot_switch;  /* slot - nics -> switch */
    uint32_t *cable;        /* slot -> cable; MW_NONE */
    uint32_t *want;         /* slot -> the slot at the cable's other end; MW_NONE */
    uint32_t *port;         /* slot -> port row of the fabric; MW_NONE: not seen */
    uint32_t *slot;         /* port row -> slot; MW_NONE: the file has no such port */
    bool *seen;             /* switch -> it is in the fabric */
    uint32_t *host_node;    /* host of the fabric -> node of the site; MW_NONE */
    uint8_t *node_found;    /* node of the site -> adapters of it that were found */
};

/* The slot that a port's link ends on; MW_NONE: no link, or a port that the file does not have. */
uint32_t fabric_map_have(const struct fabric_map *m, uint32_t slot);

/* "leaf003:40", "gpu0001-nic3". */
void fabric_map_place(const struct fabric_map *m, uint32_t slot, char ret[FABRIC_PLACE_MAX]);
/* The same for a port of the fabric, which the file may not have. */
void fabric_map_port_place(const struct fabric_map *m, uint32_t port, char ret[FABRIC_PLACE_MAX]);

#endif
