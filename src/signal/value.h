/*
 * A bounded tree of plain values (dict, list, text, number …), the common form of
 * a pickle and of JSON.  Texts are borrowed from the bytes read.  Nodes may be
 * shared (Python's memo), so a reader goes down by name or position only as far
 * as it knows the format, and never walks the whole.
 */
#ifndef MW_SIGNAL_VALUE_H
#define MW_SIGNAL_VALUE_H

#include "base/error.h"

enum value_kind {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_REAL,
    VALUE_TEXT,
    VALUE_BYTES,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_DICT,
    VALUE_BIG, /* an integer over 64 bits: known to be there, its digits are not kept */
    VALUE_MARK /* inside the pickle reader only */
};

#define VALUE_NODES_MAX (8u << 20) /* nodes, and as many links from containers */
#define VALUE_DEPTH_MAX 64
#define VALUE_BYTES_MAX ((size_t)256 << 20)

struct value {
    uint8_t kind;
    uint32_t depth;       /* 0 = a leaf; as it was when its last child came */
    uint32_t first, last; /* links of children, MW_NONE = none; a dict's alternate key, value */
    uint32_t count;       /* children; for a dict twice its pairs */
    uint32_t length;      /* bytes of text */
    const char *text;     /* borrowed from the input */
    int64_t number;       /* VALUE_INT; 0 or 1 for VALUE_BOOL */
    double real;
};

struct value_link {
    uint32_t node, next;
};

struct value_tree {
    struct value *node;      /* owned */
    struct value_link *link; /* owned */
    uint32_t nodes, nodes_room, links, links_room;
    uint32_t root;
    void *json; /* owned: what texts of a JSON tree are borrowed from; NULL for a pickle */
};

void value_tree_fini(struct value_tree *t);

/* Builders. Adding gives the row in *ret. MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int value_add(struct value_tree *t, enum value_kind kind, uint32_t *ret,
                          struct mw_error *err);
MW_MUST_USE int value_append(struct value_tree *t, uint32_t parent, uint32_t child,
                             struct mw_error *err);

/* Reads JSON; *ret is made whole or left empty. MW_ESYNTAX with line and column, MW_ELIMIT. */
MW_MUST_USE int value_from_json(const char *data, size_t size, struct value_tree *ret,
                                struct mw_error *err);

/* Readers; MW_NONE or false when it is not there or of another kind. node may be MW_NONE. */
uint32_t value_get(const struct value_tree *t, uint32_t dict, const char *name);
bool value_is(const struct value_tree *t, uint32_t node, enum value_kind kind);
bool value_int(const struct value_tree *t, uint32_t node, int64_t *ret);
/* Text or bytes; borrowed, not ended by '\0'. */
bool value_text(const struct value_tree *t, uint32_t node, const char **ret, uint32_t *length);
/* For walking a list, tuple or dict: the first link, then t->link[].next until MW_NONE. */
uint32_t value_first(const struct value_tree *t, uint32_t node);

#endif
