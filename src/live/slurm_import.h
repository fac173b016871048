/*
 * A first site file from what Slurm says: `scontrol -o show nodes` and
 * `scontrol show topology` in, the YAML of fleet/site.h out.  Nodes, GPUs and
 * placement groups are Slurm's; power, cooling, racks and cables, which Slurm
 * does not know, are assumptions that the file says how to replace.  Text in,
 * text out; runs nothing.
 */
#ifndef MW_LIVE_SLURM_IMPORT_H
#define MW_LIVE_SLURM_IMPORT_H

#include "base/text.h"

/* All borrowed, all ended by '\0'. */
struct slurm_import_source {
    const char *nodes, *nodes_name;       /* and what to call it in messages */
    const char *topology, *topology_name; /* NULL or "": all nodes are one group */
    const char *config;                   /* `scontrol show config`, for the name; may be NULL */
    const char *site;                     /* the site's name; NULL: the cluster's, else "slurm" */
};

struct slurm_import_result {
    uint32_t nodes, gpus, models, groups;
    uint32_t without_gpus; /* nodes of Slurm that are left out */
    uint32_t no_switch;    /* nodes taken that the topology does not name */
};

/* Appends the site file to *yaml.  Errors name file and line: MW_ESYNTAX, MW_EINVAL, MW_ELIMIT,
 * MW_ENOMEM. */
MW_MUST_USE int slurm_import(const struct slurm_import_source *s, struct text *yaml,
                             struct slurm_import_result *ret, struct mw_error *err);

#endif
