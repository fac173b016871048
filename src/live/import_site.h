/*
 * A site as an importer found it, and its file.  Importers fill it (import_*.c)
 * and import_site_write() makes the YAML of fleet/site.h of it: names folded into
 * patterns, cables into as few entries as give exactly the same ports.
 * In memory only; runs nothing.
 */
#ifndef MW_LIVE_IMPORT_SITE_H
#define MW_LIVE_IMPORT_SITE_H

#include "base/text.h"
#include "fleet/fleet.h"

#define IMPORT_NAME_MAX 96
#define IMPORT_NODES_MAX 200000
#define IMPORT_CABLES_MAX 1000000
#define IMPORT_PARTS_MAX 200000 /* of models, halls, racks, switches, serials */

struct import_model {
    char name[IMPORT_NAME_MAX];
    uint32_t gpus, nics;
    int64_t power_w;
    bool liquid;
};

struct import_rack {
    char name[IMPORT_NAME_MAX];
    uint32_t hall; /* row of halls */
};

struct import_node {
    char name[IMPORT_NAME_MAX];
    uint32_t model, rack;
    uint32_t group; /* row of groups; MW_NONE: its rack is its group */
};

struct import_switch {
    char name[IMPORT_NAME_MAX];
    uint32_t ports; /* 1..1024 */
    uint32_t rack;  /* MW_NONE: hall 0 */
    uint8_t tier;   /* enum switch_tier */
};

/* A NIC of a node, or a port of a switch. */
struct import_end {
    bool nic;
    uint32_t row;  /* of nodes or switches */
    uint32_t port; /* the NIC's number from 0; the port's from 1, 0 = not known */
};

struct import_cable {
    struct import_end end[2];
    bool copper;
};

struct import_name {
    char name[IMPORT_NAME_MAX];
};

/* component: any name of the site ("n1-gpu0"). */
struct import_serial {
    char component[IMPORT_NAME_MAX];
    char serial[IMPORT_NAME_MAX];
};

/* Zeroed = empty; everything is owned. */
struct import_site {
    char name[64];
    struct import_model *model;
    struct import_name *hall, *group;
    struct import_rack *rack;
    struct import_node *node;
    struct import_switch *sw;
    struct import_cable *cable;
    struct import_serial *serial;
    uint32_t models, halls, groups, racks, nodes, switches, cables, serials;
    uint32_t models_room, halls_room, groups_room, racks_room, nodes_room, switches_room,
        cables_room, serials_room;
    struct text head;   /* remarks at the head of the file, whole lines with "# " */
    struct text remark; /* further remarks, under the head: what could not be taken */
    uint32_t remarks;   /* how many; past 100 they are not written */
    const char *models_remark, *racks_remark, *nodes_remark, *switches_remark,
        *cables_remark; /* after the list's key: "assumed: power_w"; NULL = none; borrowed */
};

void import_site_fini(struct import_site *s);

/* Each adds one and gives its row.  A name is made legal: what the site language does not allow
 * becomes '_'.  MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int import_add_model(struct import_site *s, const struct import_model *m,
                                 uint32_t *ret, struct mw_error *err);
MW_MUST_USE int import_add_hall(struct import_site *s, const char *name, uint32_t *ret,
                                struct mw_error *err);
MW_MUST_USE int import_add_group(struct import_site *s, const char *name, uint32_t *ret,
                                 struct mw_error *err);
MW_MUST_USE int import_add_rack(struct import_site *s, const char *name, uint32_t hall,
                                uint32_t *ret, struct mw_error *err);
MW_MUST_USE int import_add_node(struct import_site *s, const struct import_node *n, uint32_t *ret,
                                struct mw_error *err);
MW_MUST_USE int import_add_switch(struct import_site *s, const struct import_switch *w,
                                  uint32_t *ret, struct mw_error *err);
MW_MUST_USE int import_add_cable(struct import_site *s, const struct import_cable *c,
                                 struct mw_error *err);
MW_MUST_USE int import_add_serial(struct import_site *s, const char *component, const char *serial,
                                  struct mw_error *err);

/* The model with these numbers, made when it is new. */
MW_MUST_USE int import_model_of(struct import_site *s, const struct import_model *m, uint32_t *ret,
                                struct mw_error *err);

/* "# text\n" under the head; cut where a terminal would be driven. */
void import_remark(struct import_site *s, const char *fmt, ...) MW_PRINTF(2, 3);

/* A name of the site language from any text: at most IMPORT_NAME_MAX - 17 bytes, so that "-gpu63"
 * and "rack-" still fit; "_" for an empty one. */
void import_name(char to[IMPORT_NAME_MAX], const char *from, size_t length);

/* Nodes, racks and switches in the order in which a person would list them; rows change, cables
 * follow. */
MW_MUST_USE int import_site_sort(struct import_site *s, struct mw_error *err);

/* Appends the file.  serials_file: the name that serials: is to have; NULL = none is written.
 * MW_ENOMEM, MW_ELIMIT. */
MW_MUST_USE int import_site_write(const struct import_site *s, const char *serials_file,
                                  struct text *yaml, struct mw_error *err);
/* The CSV that belongs to it. */
MW_MUST_USE int import_serials_write(const struct import_site *s, struct text *csv,
                                     struct mw_error *err);

/* The cables alone (import_cables.c): appends the entries of the list. */
MW_MUST_USE int import_cables_write(const struct import_site *s, struct text *yaml,
                                    struct mw_error *err);

#endif
