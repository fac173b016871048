/*
 * The tree of plain values and its JSON reader.  Owns rows and links; never
 * recurses, never follows a link that it was not asked for.
 */
#include "signal/value.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"

void value_tree_fini(struct value_tree *t)
{
    if (t == NULL)
        return;
    mw_free(t->node);
    mw_free(t->link);
    json_decref(t->json);
    *t = (struct value_tree){.root = MW_NONE};
}

/* Room for one more of *length items in an array that may have VALUE_NODES_MAX. */
static int grow(void **array, uint32_t length, uint32_t *room, size_t size, struct mw_error *err)
{
    if (length < *room)
        return 0;
    if (length >= VALUE_NODES_MAX)
        return mw_fail(err, MW_ELIMIT, "more than %u values", VALUE_NODES_MAX);
    uint32_t more = *room == 0 ? 256 : *room * 2;
    void *bigger = mw_resize(*array, more, size);
    if (bigger == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u values", more);
    *array = bigger;
    *room = more;
    return 0;
}

int value_add(struct value_tree *t, enum value_kind kind, uint32_t *ret, struct mw_error *err)
{
    void *array = t->node;
    int rc = grow(&array, t->nodes, &t->nodes_room, sizeof(*t->node), err);
    t->node = array;
    if (rc != 0)
        return rc;
    t->node[t->nodes] = (struct value){.kind = (uint8_t)kind, .first = MW_NONE, .last = MW_NONE};
    *ret = t->nodes++;
    return 0;
}

int value_append(struct value_tree *t, uint32_t parent, uint32_t child, struct mw_error *err)
{
    must(parent < t->nodes && child < t->nodes);
    struct value *p = &t->node[parent];
    must(p->kind == VALUE_LIST || p->kind == VALUE_TUPLE || p->kind == VALUE_DICT);
    if (t->node[child].depth + 1 > VALUE_DEPTH_MAX)
        return mw_fail(err, MW_ELIMIT, "nested deeper than %d", VALUE_DEPTH_MAX);
    void *array = t->link;
    int rc = grow(&array, t->links, &t->links_room, sizeof(*t->link), err);
    t->link = array;
    if (rc != 0)
        return rc;
    t->link[t->links] = (struct value_link){child, MW_NONE};
    if (p->last != MW_NONE)
        t->link[p->last].next = t->links;
    else
        p->first = t->links;
    p->last = t->links++;
    p->count++;
    p->depth = MW_MAX(p->depth, t->node[child].depth + 1);
    return 0;
}

static void set_text(struct value *v, const char *text, size_t length)
{
    must(length <= VALUE_BYTES_MAX);
    v->text = text;
    v->length = (uint32_t)length;
}

/* One row for j, without its children. */
static int add_json(struct value_tree *t, json_t *j, uint32_t *ret, struct mw_error *err)
{
    static const uint8_t kinds[] = {
        [JSON_OBJECT] = VALUE_DICT,  [JSON_ARRAY] = VALUE_LIST, [JSON_STRING] = VALUE_TEXT,
        [JSON_INTEGER] = VALUE_INT,  [JSON_REAL] = VALUE_REAL,  [JSON_TRUE] = VALUE_BOOL,
        [JSON_FALSE] = VALUE_BOOL,   [JSON_NULL] = VALUE_NONE,
    };
    int rc = value_add(t, (enum value_kind)kinds[json_typeof(j)], ret, err);
    if (rc != 0)
        return rc;
    struct value *v = &t->node[*ret];
    v->number = json_is_true(j) ? 1 : json_integer_value(j);
    v->real = json_real_value(j);
    if (json_is_string(j))
        set_text(v, json_string_value(j), json_string_length(j));
    return 0;
}

struct unread {
    json_t *json[VALUE_NODES_MAX / 64]; /* containers whose children are not yet in */
    uint32_t node[VALUE_NODES_MAX / 64];
    uint32_t length;
};

static int child_json(struct value_tree *t, uint32_t parent, json_t *j, struct unread *unread,
                      struct mw_error *err)
{
    uint32_t row;
    int rc = add_json(t, j, &row, err);
    if (rc == 0)
        rc = value_append(t, parent, row, err);
    if (rc != 0 || (!json_is_object(j) && !json_is_array(j)))
        return rc;
    if (unread->length == MW_ARRAY_LEN(unread->json))
        return mw_fail(err, MW_ELIMIT, "more than %zu lists wait to be read",
                       MW_ARRAY_LEN(unread->json));
    unread->json[unread->length] = j;
    unread->node[unread->length++] = row;
    return 0;
}

static int children_json(struct value_tree *t, struct unread *unread, struct mw_error *err)
{
    json_t *j = unread->json[--unread->length];
    uint32_t row = unread->node[unread->length];
    int rc = 0;

    if (json_is_array(j)) {
        for (size_t i = 0; i < json_array_size(j) && rc == 0; i++)
            rc = child_json(t, row, json_array_get(j, i), unread, err);
        return rc;
    }
    for (void *at = json_object_iter(j); at != NULL && rc == 0;
         at = json_object_iter_next(j, at)) {
        uint32_t key;
        const char *name = json_object_iter_key(at);
        rc = value_add(t, VALUE_TEXT, &key, err);
        if (rc != 0)
            break;
        set_text(&t->node[key], name, strlen(name));
        rc = value_append(t, row, key, err);
        if (rc == 0)
            rc = child_json(t, row, json_object_iter_value(at), unread, err);
    }
    return rc;
}

int value_from_json(const char *data, size_t size, struct value_tree *ret, struct mw_error *err)
{
    *ret = (struct value_tree){.root = MW_NONE};
    if (size > VALUE_BYTES_MAX)
        return mw_fail(err, MW_ELIMIT, "%zu bytes of JSON; at most %zu", size, VALUE_BYTES_MAX);
    json_error_t at;
    ret->json = json_loadb(data, size, 0, &at);
    if (ret->json == NULL)
        return mw_fail(err, MW_ESYNTAX, "JSON, line %d, column %d: %s", at.line, at.column,
                       at.text);
    struct unread *unread mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*unread));
    int rc = unread == NULL ? mw_fail(err, MW_ENOMEM, "out of memory for JSON")
                          : add_json(ret, ret->json, &ret->root, err);
    if (rc == 0) {
        unread->json[0] = ret->json;
        unread->node[0] = ret->root;
        unread->length = 1;
    }
    while (rc == 0 && unread->length > 0)
        rc = children_json(ret, unread, err);
    if (rc != 0)
        value_tree_fini(ret);
    return rc;
}

bool value_is(const struct value_tree *t, uint32_t node, enum value_kind kind)
{
    return node < t->nodes && t->node[node].kind == kind;
}

bool value_int(const struct value_tree *t, uint32_t node, int64_t *ret)
{
    if (!value_is(t, node, VALUE_INT) && !value_is(t, node, VALUE_BOOL))
        return false;
    *ret = t->node[node].number;
    return true;
}

bool value_text(const struct value_tree *t, uint32_t node, const char **ret, uint32_t *length)
{
    if (!value_is(t, node, VALUE_TEXT) && !value_is(t, node, VALUE_BYTES))
        return false;
    *ret = t->node[node].text;
    *length = t->node[node].length;
    return true;
}

uint32_t value_first(const struct value_tree *t, uint32_t node)
{
    return node < t->nodes ? t->node[node].first : MW_NONE;
}

uint32_t value_get(const struct value_tree *t, uint32_t dict, const char *name)
{
    if (!value_is(t, dict, VALUE_DICT))
        return MW_NONE;
    uint32_t found = MW_NONE;
    size_t length = strlen(name);
    for (uint32_t at = t->node[dict].first; at != MW_NONE;) {
        uint32_t value = t->link[at].next;
        must(value != MW_NONE);
        const struct value *key = &t->node[t->link[at].node];
        if (key->kind == VALUE_TEXT && key->length == length &&
            (length == 0 || memcmp(key->text, name, length) == 0))
            found = t->link[value].node; /* as in Python, the last of equal keys counts */
        at = t->link[value].next;
    }
    return found;
}
