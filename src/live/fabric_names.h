/*
 * Who is who: the nodes of a fabric by the names that a site file uses.  An
 * adapter's description is "HOST DEVICE" (Linux writes it so: "gpu0001 mlx5_0"),
 * a managed switch's "MF0;NAME:MODEL/U1".  What has no name of its own is called
 * by its GUID.  Pure.
 */
#ifndef MW_LIVE_FABRIC_NAMES_H
#define MW_LIVE_FABRIC_NAMES_H

#include "live/fabric.h"

#define FABRIC_WHO_MAX 80 /* bytes with the ending; site names have at most 95 */

/* All owned. */
struct fabric_names {
    char (*who)[FABRIC_WHO_MAX]; /* a node's host or switch name; "" = not part of a site */
    uint32_t *nic;     /* an adapter's port -> its number among those of its host, from 0;
                          MW_NONE: none has it */
    uint32_t *host;    /* node -> host; MW_NONE for switches and what is left out */
    uint32_t *host_first; /* host -> a node of it, for its name */
    uint8_t *host_nics;   /* its ports that have a number: at most 64 */
    uint32_t hosts;
    uint32_t unnamed;  /* nodes called by their GUID */
    uint32_t left_out; /* switches' own aggregation nodes, adapters past 64 of a host */
};

/* Names everything.  Hosts are in the order of their names, the adapters of a host in the order of
 * their device's number ("mlx5_2" before "mlx5_10"), then GUID.  MW_ENOMEM. */
MW_MUST_USE int fabric_names_make(const struct fabric *f, struct fabric_names *ret,
                                  struct mw_error *err);
void fabric_names_fini(struct fabric_names *n);

/* The number of an adapter's device: 3 of "gpu0001 mlx5_3"; MW_NONE when it says none. */
uint32_t fabric_names_device(const struct fabric_node *n);

/* A node name map as infiniband-diags have it: lines of `0xGUID "name"`, # remarks.  Replaces the
 * descriptions of the nodes that it names.  MW_ESYNTAX with file and line. */
MW_MUST_USE int fabric_names_map(struct fabric *f, const char *text, const char *name,
                                 struct mw_error *err);

/* Names as people count: digits by their value, so that n2 is before n10. */
int fabric_names_compare(const char *a, const char *b);

#endif
