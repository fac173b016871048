/*
 * Ethernet cables from what the hosts' (and switches') lldpd hears: the JSON of
 * `lldpcli -f json show neighbors` (or json0) of each, into a site file.  A
 * neighbour that says it bridges is a switch; whoever's own listing is given and
 * is no switch is a node.  Text in, site out.
 */
#ifndef MW_LIVE_IMPORT_LLDP_H
#define MW_LIVE_IMPORT_LLDP_H

#include "live/import_site.h"

struct import_lldp_file {
    const char *host; /* whose neighbours these are */
    const char *text; /* size bytes */
    size_t size;
    const char *name; /* of the file, for messages */
};

struct import_lldp_options {
    const char *site;       /* its name; NULL: "lldp" */
    const char *source;     /* for the head of the file */
    uint32_t gpus;          /* of each node; MW_NONE: 0, assumed */
    const char *const *switches; /* globs of names: these and no others are switches */
    uint32_t switch_globs;
};

/* Fills an empty site.  MW_ESYNTAX names file, line and column; MW_EINVAL names file and field. */
MW_MUST_USE int import_lldp(const struct import_lldp_file *file, uint32_t files,
                            const struct import_lldp_options *o, struct import_site *ret,
                            struct mw_error *err);

#endif
