/*
 * Neighbours by LLDP as `lldpcli -f keyvalue show neighbors` prints them:
 *   lldp.eth0.chassis.name=leaf01
 *   lldp.eth0.port.ifname=swp17
 * Pure: text in, structs out.
 */
#ifndef MW_AGENT_LLDP_TEXT_H
#define MW_AGENT_LLDP_TEXT_H

#include "agent/text.h"

struct lldp_neighbour {
    char peer[96];      /* the system's name, else its chassis id; "" = none was heard */
    char peer_port[64]; /* the interface's name, else the port's id or description */
};

/* The neighbour of one interface; false: none was heard there.  Of several the first. */
bool lldp_text_of(struct text t, const char *net, struct lldp_neighbour *ret);

#endif
