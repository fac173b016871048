/*
 * What the stages of the site loader share: the document, the fleet in the
 * making, and which entry of the file each component came from.  Internal to
 * the site_*.c files of this room.
 */
#ifndef MW_FLEET_SITE_BUILD_H
#define MW_FLEET_SITE_BUILD_H

#include "base/map.h"
#include "base/schema.h"
#include "fleet/fleet.h"
#include "fleet/pattern.h"
#include "fleet/site.h"

#define SITE_BREAKER_DEPTH_MAX 16
#define SITE_BATCHES_MAX 16000

/* One entry of a list of the file: it made the components first .. first + count - 1 of its kind
 * (nodes: in the order of the file, see node_order). */
struct site_span {
    const struct mw_yaml_node *entry;
    uint32_t first, count;
};

struct site_spans {
    struct site_span *item;
    uint32_t length;
};

/* An entry of `models:`. */
struct site_model {
    const char *name;
    uint32_t name_text;
    uint8_t gpus, nics;
    bool liquid;
    int64_t power_w;
};

struct site_build {
    const struct mw_yaml *doc;
    struct problems *problems;
    struct mw_error *err;
    struct fleet *f; /* owned until site_load hands it out */
    uint32_t pool_room;
    struct site_spans spans[COMPONENT_KIND_COUNT];
    struct site_model *model;
    uint32_t models;
    uint32_t *node_order; /* node row -> its place in the order of the file */
    uint32_t *node_row;   /* the other way round */
    uint32_t names;       /* names in the index when all is made */
    struct map batches;   /* hash of a batch's name -> its text */
};

/* site_schema.c: one table a list of the file. */
extern const struct schema_field site_root_fields[];
const struct schema_field *site_fields(enum component_kind kind);
extern const struct schema_field site_model_fields[];
const char *site_list_key(enum component_kind kind); /* "racks"; NULL for kinds that are derived */

/* site_load.c */
/* Adds a text to the pool; MW_ENOMEM, MW_ELIMIT at 4 GiB. */
MW_MUST_USE int site_text(struct site_build *b, const char *s, size_t length, uint32_t *ret);
/* The same for a batch's name: equal names give equal offsets.  MW_ELIMIT past SITE_BATCHES_MAX. */
MW_MUST_USE int site_batch(struct site_build *b, const char *s, uint32_t *ret);
/* The entry a component came from (GPUs, NICs: of their node, optics: of their cable). */
const struct mw_yaml_node *site_entry_of(const struct site_build *b, uint64_t component);
/* The place of a key's value in an entry; the entry itself when it has no such key. */
struct mw_place site_place(const struct site_build *b, const struct mw_yaml_node *entry,
                           const char *key);

/* site_expand.c */
MW_MUST_USE int site_models(struct site_build *b);
MW_MUST_USE int site_count(struct site_build *b);  /* spans and counts of every kind */
MW_MUST_USE int site_names(struct site_build *b);  /* names, nodes with their GPUs and NICs */

/* site_refs.c: parents by name. */
MW_MUST_USE int site_references(struct site_build *b);

/* site_cable.c */
MW_MUST_USE int site_cables(struct site_build *b); /* ends, ports, optics */

/* site_csv.c: reads one serials file. */
MW_MUST_USE int site_serials(struct site_build *b, const char *file, char *text, size_t size);

/* site_group.c: which groups share leaves, which spines. */
MW_MUST_USE int site_distances(struct site_build *b);

/* site_check.c */
MW_MUST_USE int site_lists(struct site_build *b); /* rack power and the lists of children */
MW_MUST_USE int site_checks(struct site_build *b); /* what names alone cannot show */

#endif
