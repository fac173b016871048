/*
 * YAML as a small tree that remembers where everything stood: what the site
 * file, scenarios and policies are read with.  Built from libyaml's events.
 * One document a file; aliases are refused; a key is a scalar.  Bounded in
 * bytes, nodes and depth.  Nothing here knows what the keys mean: see schema.h.
 */
#ifndef MW_BASE_YAML_H
#define MW_BASE_YAML_H

#include "base/base.h"
#include "base/error.h"
#include "base/problems.h"

#define MW_YAML_BYTES_MAX ((size_t)64 << 20)
#define MW_YAML_NODES_MAX 2000000
#define MW_YAML_DEPTH_MAX 32
#define MW_YAML_KEYS_MAX 10000 /* in one map */

enum mw_yaml_kind { MW_YAML_SCALAR = 1, MW_YAML_MAP, MW_YAML_LIST };

/* A value.  Everything is borrowed from its document. */
struct mw_yaml_node {
    enum mw_yaml_kind kind;
    bool plain;                       /* a scalar written without quotes */
    uint32_t line, column;            /* from 1; 0 = given by mw_yaml_set */
    uint32_t children;                /* entries of a map, items of a list */
    const char *text;                 /* the scalar; "" for maps and lists */
    const struct mw_yaml_node *key;   /* in a map: the key, a scalar; else NULL */
    const struct mw_yaml_node *child; /* first value of a map or list; NULL = empty */
    const struct mw_yaml_node *next;  /* next value of the same map or list */
};

struct mw_yaml; /* opaque: owns the nodes and their text */

/* Parses size bytes.  `file` is the name used in places (its copy is kept).
 * Gives *ret (mw_yaml_destroy).  MW_ESYNTAX: the place is in *problems and the text in err;
 * MW_ELIMIT past the bounds above (also listed); MW_ENOMEM. */
MW_MUST_USE int mw_yaml_read(const char *text, size_t size, const char *file,
                             struct mw_yaml **ret, struct problems *problems,
                             struct mw_error *err);
void mw_yaml_destroy(struct mw_yaml *y); /* NULL is fine */

const struct mw_yaml_node *mw_yaml_root(const struct mw_yaml *y); /* never NULL */
const char *mw_yaml_file(const struct mw_yaml *y);

/* Where a node stands, for problems_add; node NULL = the file as a whole. */
struct mw_place mw_yaml_place(const struct mw_yaml *y, const struct mw_yaml_node *node);

/* The value of a key; NULL when absent or when map is NULL or no map. */
const struct mw_yaml_node *mw_yaml_get(const struct mw_yaml_node *map, const char *key);
/* The scalar text of a key; `otherwise` when absent or no scalar. */
const char *mw_yaml_text(const struct mw_yaml_node *map, const char *key, const char *otherwise);
/* The value at "jobs.classes.0.gpus" (numbers pick list items from 0); NULL when absent. */
const struct mw_yaml_node *mw_yaml_at(const struct mw_yaml *y, const char *path);

/* Replaces or adds the scalar at a dotted path, as a command line's --set does; missing maps on
 * the way are made.  MW_EINVAL when the path runs through a scalar or past the end of a list. */
MW_MUST_USE int mw_yaml_set(struct mw_yaml *y, const char *path, const char *value,
                            struct mw_error *err);

/* Typed readers of one scalar.  MW_EINVAL with a text that starts "file:line:column:". */
MW_MUST_USE int mw_yaml_i64(const struct mw_yaml *y, const struct mw_yaml_node *node,
                            int64_t *ret, struct mw_error *err);
MW_MUST_USE int mw_yaml_double(const struct mw_yaml *y, const struct mw_yaml_node *node,
                               double *ret, struct mw_error *err);
MW_MUST_USE int mw_yaml_bool(const struct mw_yaml *y, const struct mw_yaml_node *node, bool *ret,
                             struct mw_error *err);
MW_MUST_USE int mw_yaml_duration(const struct mw_yaml *y, const struct mw_yaml_node *node,
                                 int64_t *ret_ns, struct mw_error *err);

#endif
