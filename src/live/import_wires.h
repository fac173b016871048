/*
 * Cables by the names of devices and of their ports, as LLDP and NetBox have
 * them, into the NICs and port numbers of a site.  A port's number is the last
 * number of its name where that tells the device's ports apart, else its place
 * among the names that are cabled.  Reported from both ends a cable is one.
 */
#ifndef MW_LIVE_IMPORT_WIRES_H
#define MW_LIVE_IMPORT_WIRES_H

#include "live/import_site.h"

struct import_wires; /* opaque */

MW_MUST_USE int import_wires_create(struct import_wires **ret, struct mw_error *err);
void import_wires_destroy(struct import_wires *w); /* NULL is fine */

struct import_wire {
    const char *device[2], *port[2]; /* names as they are; devices become names of the site */
    bool copper;
};
/* MW_ELIMIT, MW_ENOMEM; MW_EINVAL: an empty name. */
MW_MUST_USE int import_wires_add(struct import_wires *w, const struct import_wire *one,
                                 struct mw_error *err);

/* Adds a cable to the site for every wire whose ends are a node or a switch of it: sets the NICs
 * of the models (the most that a node of the model has), the ports of the switches (at least so
 * many), and says in remarks what it left out or numbered by place. */
MW_MUST_USE int import_wires_resolve(struct import_wires *w, struct import_site *s,
                                     struct mw_error *err);

/* Switches' tiers by what hangs on them: with nodes a leaf, next to leaves a spine, else a core.
 * Keeps a tier that is not 0.  After import_wires_resolve. */
MW_MUST_USE int import_tiers(struct import_site *s, struct mw_error *err);

#endif
