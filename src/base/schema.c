/*
 * The table-driven checker.  Walks document and tables with an explicit stack;
 * the same value test serves the checker and the getters.
 */
#include "base/schema.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

#define NEAREST_DISTANCE_MAX 3
#define KEY_LIST_MAX 160
#define WATTS_MAX 1e15

/* A scalar in the form its field asks for. */
struct value {
    int64_t integer; /* also ns, watts, place in choices */
    double number;
};

struct check {
    const struct mw_yaml *doc;
    struct problems *problems;
    uint32_t found;
};

/* A list or map whose children are being looked at. */
struct frame {
    const struct mw_yaml_node *child;  /* next to look at */
    const struct schema_field *fields; /* of a map with known keys */
    const struct schema_field *item;   /* of a list or a map with free keys */
};

static const char *const type_words[] = {
    [SCHEMA_TEXT] = "a text",
    [SCHEMA_INT] = "a whole number",
    [SCHEMA_NUMBER] = "a number",
    [SCHEMA_BOOL] = "true or false",
    [SCHEMA_DURATION] = "a length of time like 90s, 15min, 2.5h or 30d",
    [SCHEMA_TIME] = "a time like 2024-01-31 or 2024-01-31T05:06:07Z",
    [SCHEMA_POWER] = "a power like 10200, 10.2kW or 12MW",
    [SCHEMA_CHOICE] = "one of the known words",
    [SCHEMA_MAP] = "a map (key: value)",
    [SCHEMA_MAP_OF] = "a map (key: value)",
    [SCHEMA_LIST] = "a list",
    [SCHEMA_ANY] = "a value",
};

int schema_parse_power(const char *s, int64_t *ret_w)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1}, {"W", 1}, {"kW", 1e3}, {"MW", 1e6}, {"GW", 1e9}};
    size_t length = strspn(s, "0123456789.");
    char digits[32];
    double number = 0;

    if (length == 0 || length >= sizeof(digits))
        return MW_EINVAL;
    memcpy(digits, s, length);
    digits[length] = '\0';
    if (mw_parse_double(digits, &number) != 0)
        return MW_EINVAL;
    const char *unit = s + length + strspn(s + length, " ");
    for (size_t i = 0; i < MW_ARRAY_LEN(units); i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        if (number * units[i].factor > WATTS_MAX)
            return MW_EINVAL;
        *ret_w = (int64_t)(number * units[i].factor + 0.5);
        return 0;
    }
    return MW_EINVAL;
}

const char *schema_nearest(const char *word, const char *const *candidates)
{
    uint32_t best = MW_MIN((uint32_t)strlen(word) / 2, NEAREST_DISTANCE_MAX) + 1;
    const char *nearest = NULL;

    for (; *candidates != NULL; candidates++) {
        uint32_t d = mw_edit_distance(word, *candidates, best);
        if (d < best) {
            best = d;
            nearest = *candidates;
        }
    }
    return nearest;
}

/* Same over the names of a table. */
static const char *nearest_field(const char *word, const struct schema_field *fields)
{
    const char *names[2] = {NULL, NULL}, *nearest = NULL;
    uint32_t best = UINT32_MAX;

    for (; fields->name != NULL; fields++) {
        names[0] = fields->name;
        uint32_t d = schema_nearest(word, names) == NULL
                         ? UINT32_MAX
                         : mw_edit_distance(word, fields->name, NEAREST_DISTANCE_MAX);
        if (d < best) {
            best = d;
            nearest = fields->name;
        }
    }
    return nearest;
}

static bool choice_of(const struct schema_field *f, const char *text, struct value *ret)
{
    for (int i = 0; f->choices[i] != NULL; i++) {
        if (strcmp(f->choices[i], text) == 0) {
            ret->integer = i;
            return true;
        }
    }
    return false;
}

static bool whole(const char *text, struct value *ret)
{
    if (mw_parse_i64(text, &ret->integer) != 0)
        return false;
    ret->number = (double)ret->integer;
    return true;
}

/* Reads a scalar as its field's type; `number` is what the bounds speak of. */
static bool parse_value(const struct schema_field *f, const char *text, struct value *ret)
{
    switch (f->type) {
    case SCHEMA_TEXT:
        ret->number = (double)strlen(text);
        return true;
    case SCHEMA_INT:
        return whole(text, ret);
    case SCHEMA_NUMBER:
        return mw_parse_double(text, &ret->number) == 0;
    case SCHEMA_BOOL:
        ret->integer = strcmp(text, "true") == 0;
        return ret->integer || strcmp(text, "false") == 0;
    case SCHEMA_DURATION:
        if (mw_parse_duration(text, &ret->integer) != 0)
            return false;
        ret->number = (double)ret->integer / (double)MW_NS_PER_S;
        return true;
    case SCHEMA_TIME:
        return mw_parse_time(text, &ret->integer) == 0;
    case SCHEMA_POWER:
        if (schema_parse_power(text, &ret->integer) != 0)
            return false;
        ret->number = (double)ret->integer;
        return true;
    case SCHEMA_CHOICE:
        return choice_of(f, text, ret);
    default:
        return false;
    }
}

static bool in_range(const struct schema_field *f, double number)
{
    if (f->min == 0 && f->max == 0)
        return true;
    return number >= f->min && number <= f->max;
}

static bool has_kind(const struct schema_field *f, const struct mw_yaml_node *n)
{
    switch (f->type) {
    case SCHEMA_ANY:
        return true;
    case SCHEMA_MAP:
    case SCHEMA_MAP_OF:
        return n->kind == MW_YAML_MAP;
    case SCHEMA_LIST:
        return n->kind == MW_YAML_LIST;
    default:
        return n->kind == MW_YAML_SCALAR;
    }
}

/* Adds one word to a list; false when it does not fit, and the list ends with "…". */
static bool add_word(char list[KEY_LIST_MAX], const char *word)
{
    static const char cut[] = ", …";
    size_t used = strlen(list), length = strlen(word);

    if (used + 2 + length + sizeof(cut) > KEY_LIST_MAX) {
        memcpy(list + used, used > 0 ? cut : "…", used > 0 ? sizeof(cut) : sizeof("…"));
        return false;
    }
    (void)snprintf(list + used, KEY_LIST_MAX - used, "%s%s", used > 0 ? ", " : "", word);
    return true;
}

static void report_range(struct check *c, const struct schema_field *f, const char *key,
                         const struct mw_yaml_node *n)
{
    const char *of = f->type == SCHEMA_LIST       ? "the number of items of "
                     : f->type == SCHEMA_TEXT     ? "the length of "
                     : f->type == SCHEMA_DURATION ? "seconds of "
                                                  : "";

    c->found++;
    problems_add(c->problems, mw_yaml_place(c->doc, n),
                 "%s'%s' must be between %.15g and %.15g%s%.60s", of, key, f->min, f->max,
                 n->kind == MW_YAML_SCALAR ? ", not " : "", n->text);
}

static void report_type(struct check *c, const struct schema_field *f, const char *key,
                        const struct mw_yaml_node *n)
{
    char words[KEY_LIST_MAX] = "";

    c->found++;
    if (f->type != SCHEMA_CHOICE) {
        problems_add(c->problems, mw_yaml_place(c->doc, n), "'%s' must be %s%s%.60s%s", key,
                     type_words[f->type], n->kind == MW_YAML_SCALAR ? ", not '" : "", n->text,
                     n->kind == MW_YAML_SCALAR ? "'" : "");
        return;
    }
    for (size_t i = 0; f->choices[i] != NULL && add_word(words, f->choices[i]);)
        i++;
    problems_add(c->problems, mw_yaml_place(c->doc, n), "'%s' must be one of %s; not '%.60s'", key,
                 words, n->text);
}

/* Checks one value itself, not what is below it. */
static void check_value(struct check *c, const struct schema_field *f, const char *key,
                        const struct mw_yaml_node *n)
{
    struct value v = {0};

    if (!has_kind(f, n)) {
        report_type(c, f, key, n);
    } else if (f->type == SCHEMA_LIST) {
        if (!in_range(f, (double)n->children))
            report_range(c, f, key, n);
    } else if (n->kind == MW_YAML_SCALAR && f->type != SCHEMA_ANY) {
        if (!parse_value(f, n->text, &v))
            report_type(c, f, key, n);
        else if (!in_range(f, v.number))
            report_range(c, f, key, n);
    }
}

static const struct schema_field *find_field(const struct schema_field *fields, const char *name)
{
    for (; fields->name != NULL; fields++) {
        if (strcmp(fields->name, name) == 0)
            return fields;
    }
    return NULL;
}

static void report_unknown(struct check *c, const struct schema_field *fields,
                           const struct mw_yaml_node *key)
{
    const char *nearest = nearest_field(key->text, fields);
    char words[KEY_LIST_MAX] = "";

    c->found++;
    if (nearest != NULL) {
        problems_add(c->problems, mw_yaml_place(c->doc, key),
                     "unknown key '%.60s'; did you mean '%s'?", key->text, nearest);
        return;
    }
    while (fields->name != NULL && add_word(words, fields->name))
        fields++;
    problems_add(c->problems, mw_yaml_place(c->doc, key), "unknown key '%.40s'; known are %s",
                 key->text, words);
}

/* A map's missing keys and keys given twice. */
static void check_keys(struct check *c, const struct schema_field *fields,
                       const struct mw_yaml_node *map)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        if (!fields->required || mw_yaml_get(map, fields->name) != NULL)
            continue;
        c->found++;
        problems_add(c->problems, mw_yaml_place(c->doc, map), "the key '%s' is missing%s%s",
                     fields->name, fields->help == NULL ? "" : ": ",
                     fields->help == NULL ? "" : fields->help);
    }
}

/* The first entry of a name is the one that counts; a later one is a mistake. */
static void check_twice(struct check *c, const struct mw_yaml_node *map,
                        const struct mw_yaml_node *n)
{
    const struct mw_yaml_node *first = mw_yaml_get(map, n->key->text);

    if (first == n)
        return;
    c->found++;
    problems_add(c->problems, mw_yaml_place(c->doc, n->key),
                 "the key '%.60s' is given twice; first in line %u", n->key->text,
                 first->key->line);
}

static bool is_container(const struct schema_field *f, const struct mw_yaml_node *n)
{
    return n->kind != MW_YAML_SCALAR && f->type != SCHEMA_ANY && has_kind(f, n);
}

static struct frame open_frame(struct check *c, const struct schema_field *f,
                               const struct mw_yaml_node *n)
{
    if (f->type == SCHEMA_MAP)
        check_keys(c, f->fields, n);
    /* MAP_OF is bounded by the nodes of a document; duplicates there are found by check_twice. */
    return (struct frame){.child = n->child, .fields = f->fields, .item = f->item};
}

/* The field that speaks of a child; NULL when its key is unknown (reported). */
static const struct schema_field *field_of(struct check *c, const struct frame *in,
                                           const struct mw_yaml_node *n)
{
    if (in->fields == NULL)
        return in->item;
    const struct schema_field *f = find_field(in->fields, n->key->text);
    if (f == NULL)
        report_unknown(c, in->fields, n->key);
    return f;
}

uint32_t schema_check(const struct mw_yaml *y, const struct mw_yaml_node *node,
                      const struct schema_field *fields, struct problems *problems)
{
    struct check c = {.doc = y, .problems = problems};
    const struct schema_field top = {.name = "file", .type = SCHEMA_MAP, .fields = fields};
    struct frame stack[MW_YAML_DEPTH_MAX + 1];
    const struct mw_yaml_node *maps[MW_YAML_DEPTH_MAX + 1];
    uint32_t depth = 0;

    must(y != NULL && node != NULL && fields != NULL);
    check_value(&c, &top, "the file", node);
    if (is_container(&top, node)) {
        maps[0] = node;
        stack[depth++] = open_frame(&c, &top, node);
    }
    while (depth > 0) {
        struct frame *in = &stack[depth - 1];
        const struct mw_yaml_node *n = in->child;

        if (n == NULL) {
            depth--;
            continue;
        }
        in->child = n->next;
        if (n->key != NULL)
            check_twice(&c, maps[depth - 1], n);
        const struct schema_field *f = field_of(&c, in, n);
        if (f == NULL)
            continue;
        check_value(&c, f, n->key != NULL ? n->key->text : "item", n);
        if (!is_container(f, n))
            continue;
        must(depth <= MW_YAML_DEPTH_MAX);
        maps[depth] = n;
        stack[depth++] = open_frame(&c, f, n);
    }
    return c.found;
}

/* The value of a key when it keeps to the table. */
static bool get(const struct schema_field *fields, const struct mw_yaml_node *map, const char *key,
                struct value *ret)
{
    const struct schema_field *f = find_field(fields, key);
    const struct mw_yaml_node *n = mw_yaml_get(map, key);

    must(f != NULL);
    return n != NULL && n->kind == MW_YAML_SCALAR && parse_value(f, n->text, ret) &&
           in_range(f, ret->number);
}

int64_t schema_int(const struct schema_field *fields, const struct mw_yaml_node *map,
                   const char *key, int64_t otherwise)
{
    struct value v = {0};

    return get(fields, map, key, &v) ? v.integer : otherwise;
}

double schema_number(const struct schema_field *fields, const struct mw_yaml_node *map,
                     const char *key, double otherwise)
{
    struct value v = {0};

    return get(fields, map, key, &v) ? v.number : otherwise;
}

bool schema_bool(const struct schema_field *fields, const struct mw_yaml_node *map,
                 const char *key, bool otherwise)
{
    struct value v = {0};

    return get(fields, map, key, &v) ? v.integer != 0 : otherwise;
}

int64_t schema_duration_ns(const struct schema_field *fields, const struct mw_yaml_node *map,
                           const char *key, int64_t otherwise_ns)
{
    return schema_int(fields, map, key, otherwise_ns);
}

int64_t schema_time_ns(const struct schema_field *fields, const struct mw_yaml_node *map,
                       const char *key, int64_t otherwise_ns)
{
    return schema_int(fields, map, key, otherwise_ns);
}

int64_t schema_power_w(const struct schema_field *fields, const struct mw_yaml_node *map,
                       const char *key, int64_t otherwise_w)
{
    return schema_int(fields, map, key, otherwise_w);
}

const char *schema_text(const struct schema_field *fields, const struct mw_yaml_node *map,
                        const char *key, const char *otherwise)
{
    struct value v = {0};

    return get(fields, map, key, &v) ? mw_yaml_get(map, key)->text : otherwise;
}

int schema_choice(const struct schema_field *fields, const struct mw_yaml_node *map,
                  const char *key, int otherwise)
{
    struct value v = {0};

    return get(fields, map, key, &v) ? (int)v.integer : otherwise;
}

const struct mw_yaml_node *schema_list(const struct schema_field *fields,
                                       const struct mw_yaml_node *map, const char *key)
{
    const struct schema_field *f = find_field(fields, key);
    const struct mw_yaml_node *n = mw_yaml_get(map, key);

    must(f != NULL);
    return n != NULL && has_kind(f, n) ? n : NULL;
}
