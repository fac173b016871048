/*
 * A site from NetBox: what its REST API says of devices, racks and cables
 * (/api/dcim/devices/, racks/, cables/), as answers in JSON, whole lists or
 * pages, in any order.  Devices are told apart by their role; switches' tiers
 * by the words in it.  Text in, site out; asks nobody.
 *
 * NetBox is not in Debian and was not run against: the shapes are those of its
 * published OpenAPI schema and of demo.netbox.dev (3.x: device_role,
 * termination_a; 4.x: role, a_terminations); both are read.
 */
#ifndef MW_LIVE_IMPORT_NETBOX_H
#define MW_LIVE_IMPORT_NETBOX_H

#include "live/import_site.h"

struct import_netbox_doc {
    const char *text; /* size bytes */
    size_t size;
    const char *name; /* of the file or the URL, for messages */
};

struct import_netbox_options {
    const char *site;   /* its name; NULL: that of the devices' site, else "netbox" */
    const char *source; /* for the head of the file */
    uint32_t gpus;      /* of each node; MW_NONE: the custom field, else 0, assumed */
    const char *gpus_field; /* custom field with the number; NULL: "gpus" or "gpu_count" */
    const char *const *node_roles;   /* slugs or names of roles; none: those with "gpu", */
    uint32_t node_role_count;        /* "server", "compute" or "node" in them */
    const char *const *switch_roles; /* none: "switch", "leaf", "spine", "core", "tor" */
    uint32_t switch_role_count;
};

/* Fills an empty site.  MW_ESYNTAX: file, line, column; MW_EINVAL: file, object and field. */
MW_MUST_USE int import_netbox(const struct import_netbox_doc *doc, uint32_t docs,
                              const struct import_netbox_options *o, struct import_site *ret,
                              struct mw_error *err);

/* The page that follows, of an answer: its "next"; "" after the last.  For who fetches. */
MW_MUST_USE int import_netbox_next(const struct import_netbox_doc *doc, char *ret, size_t size,
                                   struct mw_error *err);

#endif
