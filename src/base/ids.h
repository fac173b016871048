/*
 * Component ids.  A slot is a position in the site (it stays when a part is
 * swapped); an asset is a serial number.  An id names a slot: 8 bits of kind,
 * 8 of site, 16 of generation (raised when a slot is reused for something
 * else), 32 of index within its kind.
 */
#ifndef MW_BASE_IDS_H
#define MW_BASE_IDS_H

#include "base/base.h"

/*       enum              name        plural        what it is */
#define COMPONENT_KINDS(X)                                                                   \
    X(COMPONENT_NONE,      "none",     "none",       "no component")                         \
    X(COMPONENT_SITE,      "site",     "sites",      "the whole site")                       \
    X(COMPONENT_HALL,      "hall",     "halls",      "a data hall")                          \
    X(COMPONENT_ROW,       "row",      "rows",       "a row of racks")                       \
    X(COMPONENT_RACK,      "rack",     "racks",      "a rack; for NVL72 one NVLink domain")  \
    X(COMPONENT_NODE,      "node",     "nodes",      "a server or compute tray")             \
    X(COMPONENT_GPU,       "gpu",      "gpus",       "a GPU")                                \
    X(COMPONENT_NIC,       "nic",      "nics",       "a network port of a node")             \
    X(COMPONENT_SWITCH,    "switch",   "switches",   "a leaf, spine or core switch")         \
    X(COMPONENT_CABLE,     "cable",    "cables",     "a cable (link) between two ports")     \
    X(COMPONENT_OPTIC,     "optic",    "optics",     "an optical module at one cable end")   \
    X(COMPONENT_PDU,       "pdu",      "pdus",       "a power distribution unit")            \
    X(COMPONENT_BREAKER,   "breaker",  "breakers",   "a breaker")                            \
    X(COMPONENT_CDU,       "cdu",      "cdus",       "a coolant distribution unit")

enum component_kind {
#define X(e, name, plural, doc) e,
    COMPONENT_KINDS(X)
#undef X
    COMPONENT_KIND_COUNT
};

static inline uint64_t component_id(enum component_kind kind, uint32_t index)
{
    return (uint64_t)kind << 56 | index;
}
static inline enum component_kind component_kind_of(uint64_t id)
{
    return (enum component_kind)(id >> 56);
}
static inline uint32_t component_index_of(uint64_t id)
{
    return (uint32_t)id;
}
const char *component_kind_name(enum component_kind kind); /* "node"; "unknown" out of range */

#endif
