/*
 * A fabric beside the cables of a site file: what is missing, what is too much,
 * what ends on a wrong port, and what somebody should do about it, port by port.
 * Reads both; changes neither, asks nobody.
 *
 * Parts are matched by name: switches by theirs, NIC k of a node to the k-th
 * adapter of that host.  When a host shows another number of adapters than the
 * file says it has, the number in the device's name decides (mlx5_3 is NIC 3),
 * and where that cannot be, the switch that the file says it ends on.
 */
#ifndef MW_LIVE_FABRIC_CHECK_H
#define MW_LIVE_FABRIC_CHECK_H

#include "fleet/fleet.h"
#include "live/fabric_names.h"

#define FABRIC_DIFFERENCES_MAX 10000 /* listed; the rest is counted */

/* X(enum, "code", "what it says") */
#define FABRIC_FAULTS(X)                                                                          \
    X(FABRIC_MISSING,    "link-missing",   "a cable of the file has no link")                     \
    X(FABRIC_EXTRA,      "link-extra",     "a link that the file does not have")                  \
    X(FABRIC_WRONG_PORT, "wrong-port",     "the right device, another port")                      \
    X(FABRIC_WRONG_NODE, "wrong-node",     "another device than the file says")                   \
    X(FABRIC_SWAPPED,    "cables-swapped", "two cables whose ends are exchanged")                 \
    X(FABRIC_NO_SWITCH,  "switch-missing", "a switch of the file does not answer")                \
    X(FABRIC_NO_NODE,    "node-missing",   "no adapter of a node answers")                        \
    X(FABRIC_UNKNOWN,    "not-in-file",    "a switch or host that the file does not have")        \
    X(FABRIC_SLOW,       "link-slow",      "a link below the width or speed that both ends allow")

enum fabric_fault {
#define X(e, code, doc) e,
    FABRIC_FAULTS(X)
#undef X
    FABRIC_FAULT_COUNT
};

#define FABRIC_PLACE_MAX 112 /* "leaf003:40" */

struct fabric_difference {
    uint8_t fault;
    uint32_t cable; /* row of the site's cable; MW_NONE: it has none */
    uint32_t port;  /* row of a fabric port that it is about; MW_NONE */
    char at[FABRIC_PLACE_MAX], expected[FABRIC_PLACE_MAX], found[FABRIC_PLACE_MAX];
    char todo[256];
};

struct fabric_result {
    struct fabric_difference *item; /* owned; in the order of the file's cables, others after */
    uint32_t length, room;
    uint32_t count[FABRIC_FAULT_COUNT]; /* with those not listed */
    uint32_t cables;  /* of the file that were compared */
    uint32_t right;   /* of them as the file says */
    uint32_t outside; /* of the file that have no end in this fabric: another network's */
};

struct fabric_check_options {
    bool any_port; /* only which devices are joined counts, not the ports */
};

/* MW_ENOMEM. */
MW_MUST_USE int fabric_check(const struct fabric *f, const struct fabric_names *names,
                             const struct fleet *fleet, const struct fabric_check_options *o,
                             struct fabric_result *ret, struct mw_error *err);
void fabric_result_fini(struct fabric_result *r);
uint32_t fabric_result_faults(const struct fabric_result *r); /* all of them together */

const char *fabric_fault_code(uint32_t fault);
const char *fabric_fault_doc(uint32_t fault);

/* The site's cable that ends on a port of the fabric, MW_NONE when the file has none there. */
struct fabric_map; /* opaque */
MW_MUST_USE int fabric_map_create(const struct fabric *f, const struct fabric_names *names,
                                  const struct fleet *fleet, struct fabric_map **ret,
                                  struct mw_error *err);
void fabric_map_destroy(struct fabric_map *m);
uint32_t fabric_map_cable(const struct fabric_map *m, uint32_t port);

#endif
