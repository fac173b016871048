/* The reader of doors.yaml over base/yaml.h and base/schema.h. */
#include "gather/config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "fleet/pattern.h"

#define FILE_BYTES_MAX ((size_t)8 << 20)
#define FIELDS_MAX 48
#define MS_PER_S 1000
#define NS_PER_MS 1000000
#define PERIOD_S 10
#define DEADLINE_S 8
#define TEXT_BYTES_MAX 400

static const char *const action_words[] = { "shadow", "act", NULL };

/* What every door has; a kind's own fields stand behind them. */
static const struct schema_field common[] = {
    { .name = "kind", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 32,
      .help = "the protocol" },
    { .name = "name", .type = SCHEMA_TEXT, .min = 1, .max = 60,
      .help = "what the source is called; its kind unless told" },
    { .name = "node", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = TEXT_BYTES_MAX,
      .help = "the machine, or a pattern of many: n[1-100]" },
    { .name = "address", .type = SCHEMA_TEXT, .min = 1, .max = TEXT_BYTES_MAX,
      .help = "where it answers; {1} is the text of the first bracket of node" },
    { .name = "credentials", .type = SCHEMA_TEXT, .min = 1, .max = TEXT_BYTES_MAX,
      .help = "a file of mode 0600 with user = and password =" },
    { .name = "period", .type = SCHEMA_DURATION, .min = 1, .max = 86400,
      .help = "from one round to the next; 10s unless told" },
    { .name = "deadline", .type = SCHEMA_DURATION, .min = 0.1, .max = 3600,
      .help = "of one machine in a round; then it is silent; 8s unless told" },
    { .name = "actions", .type = SCHEMA_CHOICE, .choices = action_words,
      .help = "act: power actions are carried out; shadow: they are refused" },
};

static const struct schema_field file_fields[] = {
    { .name = "doors", .type = SCHEMA_LIST, .required = true, .min = 1, .max = DOORS_MAX,
      .item = &(const struct schema_field){ .type = SCHEMA_ANY }, .help = "the doors" },
    { 0 },
};

struct reader {
    struct doors_config *ret;
    struct problems problems;
    struct schema_field fields[FIELDS_MAX]; /* of the door being read */
};

static void wrong(struct reader *r, const struct mw_yaml_node *at, const char *text)
{
    problems_add(&r->problems, mw_yaml_place(r->ret->yaml, at), "%s", text);
}

/* ---- machines ------------------------------------------------------------------------------- */

/* Two patterns that turn together; address may be without brackets of its own. */
struct walk {
    struct pattern node, address;
    struct pattern_at node_at, address_at;
    bool addressed;
};

static bool write_target(struct door_target *t, const struct walk *w)
{
    char text[PATTERN_NAME_MAX];
    (void)pattern_write(&w->node, &w->node_at, NULL, NULL, text);
    t->machine = mw_strdup(text);
    text[0] = '\0';
    if (w->addressed)
        (void)pattern_write(&w->address, &w->address_at, &w->node, &w->node_at, text);
    t->address = mw_strdup(text);
    return t->machine != NULL && t->address != NULL;
}

static int parse_pattern(struct reader *r, const struct mw_yaml_node *at, struct pattern *p,
                         const struct pattern *leader)
{
    struct mw_error why = { 0 };
    int rc = pattern_parse(p, at->text, leader, &why);
    if (rc < 0)
        wrong(r, at, why.text);
    return rc;
}

static int read_targets(struct reader *r, const struct mw_yaml_node *map, struct door_spec *s,
                        bool addressed)
{
    const struct mw_yaml_node *node = mw_yaml_get(map, "node");
    const struct mw_yaml_node *address = mw_yaml_get(map, "address");
    struct walk w = { .addressed = address != NULL };
    if (node == NULL || node->kind != MW_YAML_SCALAR || parse_pattern(r, node, &w.node, NULL) < 0)
        return 0; /* said */
    if (addressed && address == NULL)
        wrong(r, map, "this kind needs an address");
    if (address != NULL && parse_pattern(r, address, &w.address, &w.node) < 0)
        return 0;
    if (address != NULL && w.address.ranges > 0 && w.address.count != w.node.count) {
        wrong(r, address, "its brackets stand for another number of machines than those of node");
        return 0;
    }
    if (w.node.count > DOOR_TARGETS_MAX) {
        wrong(r, node, "more than 40000 machines: split it into several doors");
        return 0;
    }
    struct door_target *target = mw_calloc(w.node.count, sizeof(*target));
    s->target = target;
    if (target == NULL)
        return MW_ENOMEM;
    do {
        if (!write_target(&target[s->targets++], &w))
            return MW_ENOMEM;
        if (w.addressed)
            (void)pattern_next(&w.address, &w.address_at);
    } while (pattern_next(&w.node, &w.node_at));
    return 0;
}

/* ---- a door's own keys ---------------------------------------------------------------------- */

static bool is_common(const char *key)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(common); i++)
        if (strcmp(common[i].name, key) == 0)
            return true;
    return false;
}

static bool add_setting(struct door_spec *s, struct door_setting *list, const char *key,
                        const struct mw_yaml_node *value)
{
    if (value->kind != MW_YAML_SCALAR || s->settings == DOOR_SETTINGS_MAX)
        return false;
    list[s->settings++] = (struct door_setting){ .key = key, .value = value->text };
    return true;
}

static int read_settings(struct reader *r, const struct mw_yaml_node *map, struct door_spec *s)
{
    struct door_setting *list = mw_calloc(DOOR_SETTINGS_MAX, sizeof(*list));
    s->setting = list;
    if (list == NULL)
        return MW_ENOMEM;
    for (const struct mw_yaml_node *x = map->child; x != NULL; x = x->next) {
        bool fine = true;
        if (is_common(x->key->text))
            continue;
        if (x->kind != MW_YAML_LIST)
            fine = add_setting(s, list, x->key->text, x);
        for (const struct mw_yaml_node *i = x->child; x->kind == MW_YAML_LIST && i != NULL && fine;
             i = i->next)
            fine = add_setting(s, list, x->key->text, i);
        if (!fine)
            wrong(r, x, "a scalar or a list of scalars, 64 of them at most in one door");
    }
    return 0;
}

static const struct schema_field *join_fields(struct reader *r, const struct door_kind *kind)
{
    size_t n = MW_ARRAY_LEN(common);
    memcpy(r->fields, common, sizeof(common));
    for (const struct schema_field *f = kind->fields; f != NULL && f->name != NULL; f++) {
        must(n + 1 < FIELDS_MAX);
        r->fields[n++] = *f;
    }
    r->fields[n] = (struct schema_field){ 0 };
    return r->fields;
}

static const struct door_kind *read_kind(struct reader *r, const struct mw_yaml_node *map)
{
    const char *names[DOORS_MAX] = { 0 }, *near;
    const struct mw_yaml_node *kind = mw_yaml_get(map, "kind");
    char text[200];
    size_t n = 0;
    if (map->kind != MW_YAML_MAP || kind == NULL || kind->kind != MW_YAML_SCALAR) {
        wrong(r, map, "a door is a map with kind:, node: and, for most kinds, address:");
        return NULL;
    }
    const struct door_kind *found = door_kind_find(kind->text);
    for (const struct door_kind *const *k = door_kinds; *k != NULL && n + 1 < DOORS_MAX; k++)
        names[n++] = (*k)->kind;
    near = schema_nearest(kind->text, names);
    (void)snprintf(text, sizeof(text), "no door of kind \"%.40s\"%s%s%s", kind->text,
                   near != NULL ? ": did you mean " : "", near != NULL ? near : "",
                   near != NULL ? "?" : "");
    if (found == NULL)
        wrong(r, kind, text);
    return found;
}

static int read_door(struct reader *r, const struct mw_yaml_node *map, struct door_spec *s,
                     uint32_t number)
{
    const struct door_kind *kind = read_kind(r, map);
    if (kind == NULL)
        return 0; /* said */
    const struct schema_field *fields = join_fields(r, kind);
    const uint32_t before = r->problems.total;
    (void)schema_check(r->ret->yaml, map, fields, &r->problems);
    if (r->problems.total > before)
        return 0;
    s->kind = kind->kind;
    s->name = schema_text(fields, map, "name", kind->kind);
    s->credentials = schema_text(fields, map, "credentials", NULL);
    s->period_ms = schema_duration_ns(fields, map, "period",
                                      (int64_t)PERIOD_S * MS_PER_S * NS_PER_MS) / NS_PER_MS;
    s->deadline_ms = schema_duration_ns(fields, map, "deadline",
                                        (int64_t)DEADLINE_S * MS_PER_S * NS_PER_MS) / NS_PER_MS;
    s->acts = schema_choice(fields, map, "actions", 0) == 1;
    s->base = (number + 1) * DOOR_SPAN; /* under it are the numbers of the agent on the node */
    if (s->acts && kind->act == NULL)
        wrong(r, mw_yaml_get(map, "actions"), "this kind of door cannot act");
    int rc = read_targets(r, map, s, kind->addressed);
    if (rc == 0)
        rc = read_settings(r, map, s);
    if (s->targets > 0) {
        s->node = s->target[0].machine;
        s->address = s->target[0].address;
    }
    return rc;
}

static int read_all(struct reader *r)
{
    const struct mw_yaml_node *root = mw_yaml_root(r->ret->yaml), *list;
    (void)schema_check(r->ret->yaml, root, file_fields, &r->problems);
    list = schema_list(file_fields, root, "doors");
    if (list == NULL)
        return 0;
    r->ret->door = mw_calloc(list->children, sizeof(*r->ret->door));
    if (r->ret->door == NULL)
        return MW_ENOMEM;
    for (const struct mw_yaml_node *x = list->child; x != NULL; x = x->next) {
        uint32_t number = r->ret->doors++;
        int rc = read_door(r, x, &r->ret->door[number], number);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < number; i++)
            if (r->ret->door[i].name != NULL && r->ret->door[number].name != NULL &&
                strcmp(r->ret->door[i].name, r->ret->door[number].name) == 0 &&
                r->ret->door[i].node != NULL && r->ret->door[number].node != NULL &&
                strcmp(r->ret->door[i].node, r->ret->door[number].node) == 0)
                wrong(r, x, "another door has this name and node: give it a name: of its own");
    }
    return 0;
}

int doors_config_parse(const char *text, size_t size, const char *path, struct doors_config *ret,
                       struct text *said, struct mw_error *err)
{
    struct doors_config c = { 0 };
    struct reader r = { .ret = &c };
    char line[PROBLEM_FILE_MAX + PROBLEM_TEXT_MAX + 64];
    int rc = mw_yaml_read(text, size, path, &c.yaml, &r.problems, err);
    if (rc == 0 && (rc = read_all(&r)) < 0)
        (void)mw_fail(err, rc, "out of memory");
    problems_sort(&r.problems);
    for (uint32_t i = 0; i < r.problems.length; i++) {
        problem_format(&r.problems.item[i], line, sizeof(line));
        text_addf(said, "%s\n", line);
    }
    if (rc == 0 && r.problems.total > 0)
        rc = mw_fail(err, MW_EINVAL, "%s has %u mistakes", path, r.problems.total);
    problems_fini(&r.problems);
    if (rc == 0)
        *ret = c;
    else
        doors_config_fini(&c);
    return rc;
}

int doors_config_read(const char *path, struct doors_config *ret, struct text *said,
                      struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    int rc = mw_read_file(path, FILE_BYTES_MAX, false, &text, &size, err);
    return rc < 0 ? rc : doors_config_parse(text, size, path, ret, said, err);
}

void doors_config_fini(struct doors_config *c)
{
    for (uint32_t i = 0; i < c->doors; i++) {
        for (uint32_t k = 0; k < c->door[i].targets; k++) {
            mw_free((void *)(uintptr_t)c->door[i].target[k].machine);
            mw_free((void *)(uintptr_t)c->door[i].target[k].address);
        }
        mw_free((void *)(uintptr_t)c->door[i].target);
        mw_free((void *)(uintptr_t)c->door[i].setting);
    }
    mw_free(c->door);
    mw_yaml_destroy(c->yaml);
    *c = (struct doors_config){ 0 };
}
