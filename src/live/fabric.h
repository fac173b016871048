/*
 * An InfiniBand fabric as it was found: nodes (adapters, switches, routers),
 * their ports, which port ends on which.  Filled by a reader (fabric_text.h:
 * what ibnetdiscover prints; fabric_line.h: what mw-fabric says); read by the
 * importer, the check of cables and the door.  Knows no site and asks nobody.
 */
#ifndef MW_LIVE_FABRIC_H
#define MW_LIVE_FABRIC_H

#include "base/error.h"
#include "base/map.h"

/* Bounds; past them MW_ELIMIT.  A subnet has at most 48 K unicast LIDs (IBTA vol. 1, 4.1.1). */
#define FABRIC_NODES_MAX 65536
#define FABRIC_PORTS_MAX 4000000
#define FABRIC_NUMBER_MAX 254 /* ports of one node */
#define FABRIC_NAME_MAX 64    /* bytes of a NodeDescription */

enum fabric_kind { FABRIC_CA = 1, FABRIC_SWITCH = 2, FABRIC_ROUTER = 3 }; /* NodeInfo.NodeType */

/* PortInfo.PortState and PortPhysicalState (IBTA vol. 1, 14.2.5.6); 0 = not said. */
enum fabric_state { FABRIC_DOWN = 1, FABRIC_INIT = 2, FABRIC_ARMED = 3, FABRIC_ACTIVE = 4 };
enum fabric_physical {
    FABRIC_SLEEP = 1, FABRIC_POLLING = 2, FABRIC_DISABLED = 3, FABRIC_TRAINING = 4,
    FABRIC_LINK_UP = 5, FABRIC_RECOVERY = 6, FABRIC_PHY_TEST = 7,
};

/* Lanes, and signalling rate of one lane in Mb/s (HDR 53125); enabled and supported: the most.
 * 0 = not said. */
struct fabric_rate {
    uint8_t width, width_enabled, width_supported;
    uint32_t speed, speed_enabled, speed_supported;
};

struct fabric_port {
    uint32_t node;
    uint32_t peer; /* row of the port at the other end; MW_NONE = none was found */
    uint8_t number, state, physical;
    struct fabric_rate rate;
};

struct fabric_node {
    uint64_t guid; /* 0 = not said (a netlist) */
    uint8_t kind, ports;
    uint32_t lid;  /* of a switch, or of an adapter's first port; 0 = not said */
    uint32_t port_first; /* its ports 1.. are rows port_first.. */
    char name[FABRIC_NAME_MAX + 1]; /* NodeDescription */
};

struct fabric {
    struct fabric_node *node; /* owned */
    struct fabric_port *port; /* owned */
    uint32_t nodes, nodes_room, ports, ports_room;
};

void fabric_fini(struct fabric *f); /* zeroed is fine */
void fabric_clear(struct fabric *f);

/* Adds a node with its ports 1..n->ports; n->port_first is set.  MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int fabric_add(struct fabric *f, const struct fabric_node *n, uint32_t *ret_row,
                           struct mw_error *err);

/* The row of a node's port, MW_NONE when it has no such port. */
uint32_t fabric_port_of(const struct fabric *f, uint32_t node, uint32_t number);

/* The two ports end on each other; again is fine.  MW_ECONFLICT: one ends elsewhere already. */
MW_MUST_USE int fabric_join(struct fabric *f, uint32_t a, uint32_t b, struct mw_error *err);

uint32_t fabric_links(const struct fabric *f); /* pairs of joined ports */
uint32_t fabric_count(const struct fabric *f, enum fabric_kind kind);

/* "4xHDR" -> lanes and rate; false when it is no such word. */
bool fabric_rate_read(const char *word, size_t size, uint8_t *ret_width, uint32_t *ret_speed);
/* Rate of a link as people name it, Gb/s: 4 lanes of HDR (53.125 Gb/s with coding) are 200. */
double fabric_rate_gbps(uint32_t width, uint32_t speed);
const char *fabric_speed_name(uint32_t speed); /* "HDR"; "" for a rate that has no name */
const char *fabric_state_name(uint32_t state); /* "down", "init", "armed", "active", "" */
const char *fabric_physical_name(uint32_t physical); /* "polling" ..., "" */

#endif
