/*
 * Builds the position-keeping tree from libyaml's events with an explicit
 * stack.  Nodes and text live in blocks that go together with the document.
 */
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "base/text.h"

#define BLOCK_BYTES ((size_t)64 << 10)
#define PATH_PART_MAX 128

struct block {
    struct block *next;
    size_t used, room;
    _Alignas(16) char bytes[];
};

struct mw_yaml {
    const char *file; /* in the blocks */
    struct block *blocks;
    struct mw_yaml_node *root;
    uint32_t nodes;
};

/* An open map or list while reading. */
struct open_node {
    struct mw_yaml_node *node;
    struct mw_yaml_node *last;      /* its last child so far */
    const struct mw_yaml_node *key; /* a map's key that waits for its value */
};

struct reader {
    yaml_parser_t parser;
    struct mw_yaml *doc;
    struct problems *problems;
    struct mw_error *err;
    struct open_node open[MW_YAML_DEPTH_MAX];
    uint32_t depth;
    bool done; /* the stream has ended */
};

static void *take_bytes(struct mw_yaml *y, size_t size)
{
    struct block *b = y->blocks;

    size = (size + 15) & ~(size_t)15;
    if (b == NULL || b->room - b->used < size) {
        size_t room = MW_MAX(size, BLOCK_BYTES);
        b = mw_calloc(1, sizeof(*b) + room);
        if (b == NULL)
            return NULL;
        b->room = room;
        b->next = y->blocks;
        y->blocks = b;
    }
    void *p = b->bytes + b->used;
    b->used += size;
    return p;
}

static const char *take_text(struct mw_yaml *y, const char *s, size_t length)
{
    char *copy = take_bytes(y, length + 1);

    if (copy != NULL) {
        memcpy(copy, s, length);
        copy[length] = '\0';
    }
    return copy;
}

static struct mw_yaml_node *take_node(struct mw_yaml *y, enum mw_yaml_kind kind)
{
    struct mw_yaml_node *n = take_bytes(y, sizeof(*n));

    if (n == NULL)
        return NULL;
    y->nodes++;
    *n = (struct mw_yaml_node){.kind = kind, .text = ""};
    return n;
}

void mw_yaml_destroy(struct mw_yaml *y)
{
    if (y == NULL)
        return;
    while (y->blocks != NULL) {
        struct block *b = y->blocks;
        y->blocks = b->next;
        mw_free(b);
    }
    mw_free(y);
}

/* Lists one mistake at a mark of libyaml and gives its code back. */
static int fail_at(struct reader *r, int code, const yaml_mark_t *mark, const char *text)
{
    struct mw_place at = {r->doc->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1};

    problems_add(r->problems, at, "%s", text);
    return mw_fail(r->err, code, "%s:%u:%u: %s", at.file, at.line, at.column, text);
}

static int fail_parse(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    char text[PROBLEM_TEXT_MAX];
    yaml_mark_t mark = p->problem_mark;

    if (p->error == YAML_MEMORY_ERROR)
        return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->doc->file);
    if (p->error == YAML_READER_ERROR) {
        mark = p->mark;
        (void)snprintf(text, sizeof(text), "not readable as text near byte %zu: %s",
                       p->problem_offset, p->problem);
    } else if (p->context != NULL) {
        (void)snprintf(text, sizeof(text), "%s %s (line %zu)", p->problem, p->context,
                       p->context_mark.line + 1);
    } else {
        (void)snprintf(text, sizeof(text), "%s", p->problem == NULL ? "not YAML" : p->problem);
    }
    return fail_at(r, MW_ESYNTAX, &mark, text);
}

/* Hangs a finished or opening node into the innermost open one. */
static int attach(struct reader *r, struct mw_yaml_node *n, const yaml_mark_t *mark)
{
    if (r->depth == 0) {
        if (r->doc->root != NULL)
            return fail_at(r, MW_ESYNTAX, mark, "a second document: keep one a file");
        r->doc->root = n;
        return 0;
    }
    struct open_node *in = &r->open[r->depth - 1];
    if (in->node->kind == MW_YAML_MAP && in->key == NULL) {
        if (n->kind != MW_YAML_SCALAR)
            return fail_at(r, MW_ESYNTAX, mark, "a key must be a plain word, not a list or map");
        in->key = n;
        return 0;
    }
    n->key = in->key;
    in->key = NULL;
    if (in->last == NULL)
        in->node->child = n;
    else
        in->last->next = n;
    in->last = n;
    in->node->children++;
    if (in->node->kind == MW_YAML_MAP && in->node->children > MW_YAML_KEYS_MAX)
        return fail_at(r, MW_ELIMIT, mark, "too many keys in one map");
    return 0;
}

static int add_node(struct reader *r, enum mw_yaml_kind kind, const yaml_event_t *e)
{
    const yaml_mark_t *mark = &e->start_mark;

    if (r->doc->nodes >= MW_YAML_NODES_MAX)
        return fail_at(r, MW_ELIMIT, mark, "too many values in this file");
    if (kind != MW_YAML_SCALAR && r->depth >= MW_YAML_DEPTH_MAX)
        return fail_at(r, MW_ELIMIT, mark, "nested too deep (at most 32 levels)");
    struct mw_yaml_node *n = take_node(r->doc, kind);
    if (n == NULL)
        return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->doc->file);
    n->line = (uint32_t)mark->line + 1;
    n->column = (uint32_t)mark->column + 1;
    if (kind == MW_YAML_SCALAR) {
        const char *value = (const char *)e->data.scalar.value;
        size_t length = e->data.scalar.length;

        if (memchr(value, '\0', length) != NULL)
            return fail_at(r, MW_ESYNTAX, mark, "a text may not contain a zero byte");
        n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        n->text = take_text(r->doc, value, length);
        if (n->text == NULL)
            return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->doc->file);
    }
    int rc = attach(r, n, mark);
    if (rc == 0 && kind != MW_YAML_SCALAR)
        r->open[r->depth++] = (struct open_node){.node = n};
    return rc;
}

static int take_event(struct reader *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_STREAM_END_EVENT:
        r->done = true;
        return 0;
    case YAML_ALIAS_EVENT:
        return fail_at(r, MW_ESYNTAX, &e->start_mark,
                       "aliases (*name) are not supported: write the value out");
    case YAML_SCALAR_EVENT:
        return add_node(r, MW_YAML_SCALAR, e);
    case YAML_MAPPING_START_EVENT:
        return add_node(r, MW_YAML_MAP, e);
    case YAML_SEQUENCE_START_EVENT:
        return add_node(r, MW_YAML_LIST, e);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        must(r->depth > 0 && r->open[r->depth - 1].key == NULL);
        r->depth--;
        return 0;
    default:
        return 0;
    }
}

static int read_events(struct reader *r)
{
    int rc = 0;

    while (rc == 0 && !r->done) {
        yaml_event_t event;

        if (!yaml_parser_parse(&r->parser, &event))
            return fail_parse(r);
        rc = take_event(r, &event);
        yaml_event_delete(&event);
    }
    if (rc == 0 && r->doc->root == NULL)
        rc = fail_at(r, MW_ESYNTAX, &(yaml_mark_t){0}, "the file is empty");
    must(rc != 0 || r->depth == 0);
    return rc;
}

int mw_yaml_read(const char *text, size_t size, const char *file, struct mw_yaml **ret,
                 struct problems *problems, struct mw_error *err)
{
    struct reader r = {.problems = problems, .err = err};

    must(text != NULL || size == 0);
    must(problems != NULL && ret != NULL);
    if (size > MW_YAML_BYTES_MAX) {
        problems_add(problems, (struct mw_place){file, 0, 0}, "larger than 64 MiB");
        return mw_fail(err, MW_ELIMIT, "%s: larger than 64 MiB", file);
    }
    r.doc = mw_calloc(1, sizeof(*r.doc));
    if (r.doc != NULL)
        r.doc->file = take_text(r.doc, file, strlen(file));
    if (r.doc == NULL || r.doc->file == NULL || !yaml_parser_initialize(&r.parser)) {
        mw_yaml_destroy(r.doc);
        return mw_fail(err, MW_ENOMEM, "%s: out of memory", file);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(size == 0 ? "" : text), size);
    int rc = read_events(&r);
    yaml_parser_delete(&r.parser);
    if (rc == 0)
        *ret = TAKE(r.doc);
    mw_yaml_destroy(r.doc);
    return rc;
}

const struct mw_yaml_node *mw_yaml_root(const struct mw_yaml *y)
{
    must(y != NULL && y->root != NULL);
    return y->root;
}

const char *mw_yaml_file(const struct mw_yaml *y)
{
    return y->file;
}

struct mw_place mw_yaml_place(const struct mw_yaml *y, const struct mw_yaml_node *node)
{
    struct mw_place at = {y->file, 0, 0};

    if (node != NULL) {
        at.line = node->line;
        at.column = node->column;
    }
    return at;
}

const struct mw_yaml_node *mw_yaml_get(const struct mw_yaml_node *map, const char *key)
{
    must(key != NULL);
    if (map == NULL || map->kind != MW_YAML_MAP)
        return NULL;
    for (const struct mw_yaml_node *n = map->child; n != NULL; n = n->next) {
        if (strcmp(n->key->text, key) == 0)
            return n;
    }
    return NULL;
}

const char *mw_yaml_text(const struct mw_yaml_node *map, const char *key, const char *otherwise)
{
    const struct mw_yaml_node *n = mw_yaml_get(map, key);

    return n == NULL || n->kind != MW_YAML_SCALAR ? otherwise : n->text;
}

/* One step of a path: by key in a map, by number in a list. */
static const struct mw_yaml_node *step(const struct mw_yaml_node *from, const char *part)
{
    uint64_t place = 0;

    if (from->kind != MW_YAML_LIST)
        return mw_yaml_get(from, part);
    if (mw_parse_u64(part, &place) != 0)
        return NULL;
    const struct mw_yaml_node *n = from->child;
    for (uint64_t i = 0; i < place && n != NULL; i++)
        n = n->next;
    return n;
}

/* Copies the part before the next dot; false at the end or when a part is too long or empty. */
static bool next_part(const char **path, char part[PATH_PART_MAX])
{
    size_t length = strcspn(*path, ".");

    if (length == 0 || length >= PATH_PART_MAX)
        return false;
    memcpy(part, *path, length);
    part[length] = '\0';
    *path += length + ((*path)[length] == '.');
    return true;
}

const struct mw_yaml_node *mw_yaml_at(const struct mw_yaml *y, const char *path)
{
    const struct mw_yaml_node *n = y->root;
    char part[PATH_PART_MAX];

    while (n != NULL && *path != '\0')
        n = next_part(&path, part) ? step(n, part) : NULL;
    return n;
}

/* Adds an entry to a map; NULL when out of memory. */
static struct mw_yaml_node *add_entry(struct mw_yaml *y, struct mw_yaml_node *map,
                                      const char *name, enum mw_yaml_kind kind)
{
    struct mw_yaml_node *key = take_node(y, MW_YAML_SCALAR), *n = take_node(y, kind);
    const char *text = take_text(y, name, strlen(name));

    if (key == NULL || n == NULL || text == NULL)
        return NULL;
    key->text = text;
    key->plain = true;
    n->key = key;
    n->next = map->child;
    map->child = n;
    map->children++;
    return n;
}

int mw_yaml_set(struct mw_yaml *y, const char *path, const char *value, struct mw_error *err)
{
    struct mw_yaml_node *n = y->root;
    const char *rest = path;
    char part[PATH_PART_MAX];

    must(path != NULL && value != NULL);
    if (*rest == '\0')
        return mw_fail(err, MW_EINVAL, "no key is named; write key=value");
    while (*rest != '\0') {
        if (!next_part(&rest, part))
            return mw_fail(err, MW_EINVAL, "'%s' is no path of keys joined by dots", path);
        /* The tree is ours; only the public view is const. */
        struct mw_yaml_node *to = (struct mw_yaml_node *)step(n, part);
        if (to == NULL && n->kind != MW_YAML_MAP)
            return mw_fail(err, MW_EINVAL, "%s: '%s' has no entry '%s'", y->file, path, part);
        if (to == NULL)
            to = add_entry(y, n, part, *rest == '\0' ? MW_YAML_SCALAR : MW_YAML_MAP);
        if (to == NULL)
            return mw_fail(err, MW_ENOMEM, "%s: out of memory", y->file);
        n = to;
    }
    if (n->kind != MW_YAML_SCALAR)
        return mw_fail(err, MW_EINVAL, "%s: '%s' is no single value", y->file, path);
    const char *text = take_text(y, value, strlen(value));
    if (text == NULL)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory", y->file);
    n->text = text;
    n->plain = true;
    n->line = n->column = 0;
    return 0;
}

static int fail_value(const struct mw_yaml *y, const struct mw_yaml_node *n, const char *wanted,
                      struct mw_error *err)
{
    if (n == NULL)
        return mw_fail(err, MW_EINVAL, "%s: a value is missing; expected %s", y->file, wanted);
    return mw_fail(err, MW_EINVAL, "%s:%u:%u: '%.80s' is not %s", y->file, n->line, n->column,
                   n->text, wanted);
}

static bool is_scalar(const struct mw_yaml_node *n)
{
    return n != NULL && n->kind == MW_YAML_SCALAR;
}

int mw_yaml_i64(const struct mw_yaml *y, const struct mw_yaml_node *node, int64_t *ret,
                struct mw_error *err)
{
    if (!is_scalar(node) || mw_parse_i64(node->text, ret) != 0)
        return fail_value(y, node, "a whole number", err);
    return 0;
}

int mw_yaml_double(const struct mw_yaml *y, const struct mw_yaml_node *node, double *ret,
                   struct mw_error *err)
{
    if (!is_scalar(node) || mw_parse_double(node->text, ret) != 0)
        return fail_value(y, node, "a number", err);
    return 0;
}

int mw_yaml_bool(const struct mw_yaml *y, const struct mw_yaml_node *node, bool *ret,
                 struct mw_error *err)
{
    if (is_scalar(node) && strcmp(node->text, "true") == 0)
        *ret = true;
    else if (is_scalar(node) && strcmp(node->text, "false") == 0)
        *ret = false;
    else
        return fail_value(y, node, "true or false", err);
    return 0;
}

int mw_yaml_duration(const struct mw_yaml *y, const struct mw_yaml_node *node, int64_t *ret_ns,
                     struct mw_error *err)
{
    if (!is_scalar(node) || mw_parse_duration(node->text, ret_ns) != 0)
        return fail_value(y, node, "a length of time like 90s, 15min, 2.5h or 30d", err);
    return 0;
}
