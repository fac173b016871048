/*
 * A site file from an InfiniBand fabric as it is cabled: hosts with their
 * adapters, switches with their tiers, every cable with its ports.  What a
 * fabric does not know (GPUs, power, racks) is assumed and marked so.
 */
#ifndef MW_LIVE_IMPORT_FABRIC_H
#define MW_LIVE_IMPORT_FABRIC_H

#include "live/fabric_names.h"
#include "live/import_site.h"

struct import_fabric_options {
    const char *site;   /* its name; NULL: "fabric" */
    const char *source; /* what it is made from, for the head of the file: a file's name */
    uint32_t gpus;      /* of each node; MW_NONE: as many as it has adapters, assumed */
};

/* Fills an empty site.  MW_EINVAL: no host or no switch in it; MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int import_fabric(const struct fabric *f, const struct import_fabric_options *o,
                              struct import_site *ret, struct mw_error *err);

#endif
