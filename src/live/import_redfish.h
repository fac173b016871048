/*
 * Nodes from what their BMCs say of themselves by Redfish: model, GPUs, network
 * adapters, and serial numbers of all of them.  Documents in, as a crawl saved
 * them or as they were fetched; asks nobody.
 */
#ifndef MW_LIVE_IMPORT_REDFISH_H
#define MW_LIVE_IMPORT_REDFISH_H

#include "live/import_site.h"

struct import_redfish_doc {
    const char *host; /* the node that it is of; documents of one host come together */
    const char *text; /* size bytes */
    size_t size;
    const char *name; /* of the file or the URL, for messages */
};

struct import_redfish_options {
    const char *site;   /* its name; NULL: "redfish" */
    const char *source; /* for the head of the file */
};

/* Fills an empty site.  Documents that are no Redfish resources are passed over and counted in a
 * remark; MW_EINVAL: no document of a host is a system; MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int import_redfish(const struct import_redfish_doc *doc, uint32_t docs,
                               const struct import_redfish_options *o, struct import_site *ret,
                               struct mw_error *err);

#endif
