/*
 * What exists and how it is wired: the compiled form of a site file.
 *
 * A fleet is columns indexed by component number, made once from a site file
 * (fleet/site.h) and never changed while planes run; a changed site is a new
 * epoch.  Parents are row numbers of the parent's kind, MW_NONE where there is
 * none.  Component numbers follow the order of the site file, except that
 * nodes are numbered so that a placement group is contiguous where the file
 * allows it.  Planes read; nobody writes.  No I/O here.
 */
#ifndef MW_FLEET_FLEET_H
#define MW_FLEET_FLEET_H

#include "base/base.h"
#include "base/hash.h"
#include "base/ids.h"

/* A compressed list of lists: children of row i are item[first[i]] .. item[first[i+1]-1]. */
struct fleet_list {
    uint32_t *first; /* rows + 1 */
    uint32_t *item;
    uint32_t rows;
};

/* Names and serials: byte offsets into one pool of '\0'-ended strings; 0 = none. */
struct fleet_text {
    char *pool;
    uint32_t pool_size;
};

/* One end of a cable: a port of a NIC or of a switch. */
struct fleet_port {
    uint64_t component; /* a NIC or switch id */
    uint32_t port;      /* port number on that component, from 1; NICs have port 1 */
};

enum switch_tier { SWITCH_LEAF = 1, SWITCH_SPINE = 2, SWITCH_CORE = 3 };

struct fleet {
    char name[64];
    uint8_t site_sha256[MW_SHA256_SIZE]; /* of source: what an epoch says of its site */
    char *source;                        /* the site file, with its CSVs: see site_blob.h */
    size_t source_size;
    struct fleet_text text;
    uint32_t count[COMPONENT_KIND_COUNT];
    uint32_t *name_of[COMPONENT_KIND_COUNT];   /* row -> offset of its name */
    uint32_t *serial_of[COMPONENT_KIND_COUNT]; /* row -> offset of its serial number, 0 = unknown;
                                                  NULL for a kind without serials */
    uint64_t *name_index; /* hash index made at load: component id with 24 bits of its name's hash
                             in the generation and site bits; 0 = empty place */
    uint32_t name_index_mask; /* places - 1 */

    /* containment */
    uint32_t *row_hall, *rack_row, *rack_hall;
    uint32_t *node_rack, *node_hall, *node_row;
    uint32_t *gpu_node, *nic_node;
    uint8_t *gpu_slot;              /* 0.. within its node: the bit of the allocation mask */
    uint8_t *nic_rail;              /* 0..; rail-optimised fabrics: to leaf k of the group */
    uint8_t *node_gpus;             /* how many GPUs */
    uint32_t *node_gpu_first;       /* GPUs of a node are contiguous */
    uint32_t *node_nic_first;       /* NICs of a node are contiguous */
    uint8_t *node_nics;
    uint32_t *node_model;           /* text offset: "hgx-h100" */
    int64_t *node_power_w;          /* nameplate draw */
    uint32_t gpus_total;

    /* placement groups: nodes that share their leaves (HGX) or their NVLink domain (NVL72) */
    uint32_t groups;
    uint32_t *node_group;
    struct fleet_list group_nodes;
    /* How far groups are from each other (site_group.c).  Groups of one block share leaf switches:
     * an HGX group is a block, four racks of NVL72 are one.  Groups of one pod share spines;
     * where no cables are known, those of a hall. */
    uint32_t blocks, pods;
    uint32_t *group_block, *group_pod; /* NULL in a fleet that was not made from a site file */
    struct fleet_list block_groups, pod_groups;

    /* power: breaker -> PDU -> rack.  A rack with two feeds hangs on either of two breakers. */
    uint32_t *pdu_breaker;          /* the breaker that feeds a PDU */
    uint32_t *breaker_parent;       /* upstream breaker, MW_NONE at the top */
    int64_t *breaker_limit_w;
    int64_t *rack_power_w;          /* nameplate: its nodes, its switches, its own overhead */
    uint32_t *rack_pdu[2];          /* A and B feed; MW_NONE = none */

    /* cooling */
    uint32_t *rack_cdu;             /* MW_NONE = air */
    int64_t *cdu_capacity_w;

    /* network */
    uint8_t *switch_tier;           /* enum switch_tier */
    uint32_t *switch_hall, *switch_rack;
    uint16_t *switch_ports;
    struct fleet_port *cable_end[2];
    uint32_t *cable_optic[2];       /* optic row at each end; MW_NONE for copper */
    uint32_t *cable_node;           /* the node one end is on; MW_NONE between switches */
    uint32_t *optic_cable;
    uint32_t *optic_batch, *gpu_batch; /* text offsets; 0 = unknown; may be NULL */
    struct fleet_list switch_cables;
    uint32_t *nic_cable;            /* MW_NONE = unplugged */

    /* indexes for walking down */
    struct fleet_list rack_nodes, row_racks, hall_rows, pdu_racks, breaker_pdus, breaker_children,
        cdu_racks;
};

void fleet_destroy(struct fleet *f); /* NULL is fine */

/* The name of a component ("h1-r02-k07-n3"); "" when out of range.  Borrowed from f. */
const char *fleet_name(const struct fleet *f, uint64_t component);
const char *fleet_serial(const struct fleet *f, uint64_t component); /* "" = unknown */

/* The component with this name, 0 when there is none.  Names are unique over all kinds.  Constant
 * time: a hash index made at load, never iterated. */
uint64_t fleet_find(const struct fleet *f, const char *name);

/* The node a component belongs to or serves (GPU, NIC, node cable, optic on a node cable),
 * MW_NONE when it serves many (switch, PDU, spine cable). */
uint32_t fleet_node_of(const struct fleet *f, uint64_t component);

/* Memory of all columns and text, bytes. */
uint64_t fleet_memory_bytes(const struct fleet *f);

#endif
