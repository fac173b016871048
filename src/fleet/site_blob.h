/*
 * A site as one blob for the record: the site file itself, or, when it names
 * CSV files, a bundle of them all.  The epoch's hash is the SHA-256 of the blob.
 *
 *   # bundle YAML-SIZE\n  the YAML  NAME\tSIZE\n  the file  NAME\tSIZE\n  the file …
 */
#ifndef MW_FLEET_SITE_BLOB_H
#define MW_FLEET_SITE_BLOB_H

#include "fleet/site.h"

/* Adds a file that the site names to f->source, which holds the YAML or a bundle. MW_ENOMEM. */
MW_MUST_USE int site_blob_add(struct fleet *f, const char *name, const char *data, size_t size);

/* As site_load, from what a fleet's `source` was. */
MW_MUST_USE int site_load_blob(const char *blob, size_t size, struct fleet **ret,
                               struct problems *problems, struct mw_error *err);

#endif
