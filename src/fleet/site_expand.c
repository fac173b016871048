/*
 * From entries with ranges to columns: counts everything first, so that each
 * column is allocated once; then names every component.  Mistakes are listed
 * and the work goes on, so that one run finds them all.
 */
#include "fleet/site_build.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "fleet/fleet_build.h"

/* Kinds with names in the file, in the order their names are entered. */
static const enum component_kind named[] = {
    COMPONENT_HALL,   COMPONENT_ROW, COMPONENT_RACK,    COMPONENT_NODE,
    COMPONENT_SWITCH, COMPONENT_PDU, COMPONENT_BREAKER, COMPONENT_CDU,
};

static const struct mw_yaml_node *list_of(const struct site_build *b, enum component_kind kind)
{
    return schema_list(site_root_fields, mw_yaml_root(b->doc), site_list_key(kind));
}

int site_models(struct site_build *b)
{
    const struct mw_yaml_node *list =
        schema_list(site_root_fields, mw_yaml_root(b->doc), "models");
    const struct schema_field *fields = site_model_fields;

    b->model = mw_calloc(list == NULL ? 0 : list->children, sizeof(*b->model));
    if (b->model == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (const struct mw_yaml_node *e = list == NULL ? NULL : list->child; e != NULL; e = e->next) {
        struct site_model *m = &b->model[b->models];

        m->name = schema_text(fields, e, "name", NULL);
        m->gpus = (uint8_t)schema_int(fields, e, "gpus", 0);
        m->nics = (uint8_t)schema_int(fields, e, "nics", m->gpus);
        m->power_w = schema_power_w(fields, e, "power_w", 0);
        m->liquid = schema_bool(fields, e, "liquid", false);
        if (m->name == NULL)
            continue;
        for (uint32_t i = 0; i < b->models; i++) {
            if (strcmp(b->model[i].name, m->name) == 0)
                problems_add(b->problems, site_place(b, e, "name"),
                             "the model '%.60s' is described twice", m->name);
        }
        int rc = site_text(b, m->name, strlen(m->name), &m->name_text);
        if (rc != 0)
            return rc;
        b->models++;
    }
    return 0;
}

static const struct site_model *model_of(const struct site_build *b,
                                         const struct mw_yaml_node *entry)
{
    const char *name = schema_text(site_fields(COMPONENT_NODE), entry, "model", NULL);

    for (uint32_t i = 0; name != NULL && i < b->models; i++) {
        if (strcmp(b->model[i].name, name) == 0)
            return &b->model[i];
    }
    return NULL;
}

static void report_model(struct site_build *b, const struct mw_yaml_node *entry)
{
    const char *name = schema_text(site_fields(COMPONENT_NODE), entry, "model", NULL);
    const char *names[2] = {NULL, NULL};

    for (uint32_t i = 0; name != NULL && i < b->models; i++) {
        names[0] = b->model[i].name;
        if (schema_nearest(name, names) == NULL)
            continue;
        problems_add(b->problems, site_place(b, entry, "model"),
                     "no model '%.60s'; did you mean '%.60s'?", name, names[0]);
        return;
    }
    if (name != NULL)
        problems_add(b->problems, site_place(b, entry, "model"),
                     "no model '%.60s': describe it under models:", name);
}

/* How many names an entry stands for; 0 when its name is bad (reported). */
static uint32_t names_of(struct site_build *b, enum component_kind kind,
                         const struct mw_yaml_node *entry)
{
    const char *text = schema_text(site_fields(kind), entry, "name", NULL);
    struct mw_error why = {0};
    struct pattern p;

    if (text == NULL)
        return 0;
    if (text[strcspn(text, ":/")] != '\0') {
        problems_add(b->problems, site_place(b, entry, "name"),
                     "':' and '/' cannot stand in a name: they mark ports");
        return 0;
    }
    if (pattern_parse(&p, text, NULL, &why) == 0)
        return p.count;
    problems_add(b->problems, site_place(b, entry, "name"), "'%.60s': %s", text, why.text);
    return 0;
}

/* Names of an entry of cables: how many cables; 0 when something is wrong (reported). */
static uint64_t cables_of(struct site_build *b, const struct mw_yaml_node *entry)
{
    static const char *const keys[] = {"each", "from", "to"};
    const struct schema_field *fields = site_fields(COMPONENT_CABLE);
    uint64_t count = (uint64_t)schema_int(fields, entry, "links", 1);
    struct pattern each = {.count = 1}, p;
    bool good = true;

    for (size_t i = 0; i < MW_ARRAY_LEN(keys); i++) {
        const char *text = schema_text(fields, entry, keys[i], NULL);
        struct mw_error why = {0};

        if (text == NULL) {
            good = good && i == 0;
            continue;
        }
        if (pattern_parse(&p, text, i == 0 ? NULL : &each, &why) != 0) {
            problems_add(b->problems, site_place(b, entry, keys[i]), "'%.60s': %s", text, why.text);
            good = false;
            continue;
        }
        count = MW_MIN(count * p.count, (uint64_t)SITE_CABLES_MAX + 1);
        if (i == 0)
            each = p;
    }
    return good ? count : 0;
}

static uint32_t limit_of(enum component_kind kind)
{
    return kind == COMPONENT_CABLE  ? SITE_CABLES_MAX
           : kind == COMPONENT_NODE ? SITE_NODES_MAX
                                    : SITE_PARTS_MAX;
}

static int count_kind(struct site_build *b, enum component_kind kind)
{
    const struct mw_yaml_node *list = list_of(b, kind);
    struct site_spans *spans = &b->spans[kind];
    uint64_t total = 0;

    spans->item = mw_calloc(list == NULL ? 0 : list->children, sizeof(*spans->item));
    if (spans->item == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (const struct mw_yaml_node *e = list == NULL ? NULL : list->child; e != NULL; e = e->next) {
        uint64_t n = kind == COMPONENT_CABLE ? cables_of(b, e) : names_of(b, kind, e);

        if (n == 0)
            continue;
        if (total + n > limit_of(kind)) {
            problems_add(b->problems, mw_yaml_place(b->doc, e), "more than %u %s in one site",
                         limit_of(kind), site_list_key(kind));
            break;
        }
        spans->item[spans->length++] = (struct site_span){e, (uint32_t)total, (uint32_t)n};
        total += n;
    }
    b->f->count[kind] = (uint32_t)total;
    return 0;
}

/* GPUs and NICs by the models of the nodes; optics by the media of the cables. */
static void count_derived(struct site_build *b)
{
    const struct site_spans *nodes = &b->spans[COMPONENT_NODE];
    const struct site_spans *cables = &b->spans[COMPONENT_CABLE];
    uint64_t gpus = 0, nics = 0, optics = 0;

    for (uint32_t i = 0; i < nodes->length; i++) {
        const struct site_model *m = model_of(b, nodes->item[i].entry);

        if (m == NULL) {
            report_model(b, nodes->item[i].entry);
            continue;
        }
        gpus += (uint64_t)nodes->item[i].count * m->gpus;
        nics += (uint64_t)nodes->item[i].count * m->nics;
        if (gpus <= SITE_GPUS_MAX && nics <= SITE_GPUS_MAX)
            continue;
        problems_add(b->problems, mw_yaml_place(b->doc, nodes->item[i].entry),
                     "more than %d GPUs or NICs in one site", SITE_GPUS_MAX);
        b->f->count[COMPONENT_NODE] = 0; /* the rest cannot be held */
        b->spans[COMPONENT_NODE].length = 0;
        gpus = nics = 0;
        break;
    }
    for (uint32_t i = 0; i < cables->length; i++) {
        if (!schema_bool(site_fields(COMPONENT_CABLE), cables->item[i].entry, "copper", false))
            optics += 2 * (uint64_t)cables->item[i].count;
    }
    b->f->count[COMPONENT_GPU] = (uint32_t)gpus;
    b->f->count[COMPONENT_NIC] = (uint32_t)nics;
    b->f->count[COMPONENT_OPTIC] = (uint32_t)optics;
    b->f->gpus_total = (uint32_t)gpus;
}

int site_count(struct site_build *b)
{
    int rc = 0;

    for (int k = COMPONENT_SITE; k < COMPONENT_KIND_COUNT && rc == 0; k++) {
        if (site_list_key((enum component_kind)k) != NULL)
            rc = count_kind(b, (enum component_kind)k);
    }
    if (rc != 0)
        return rc;
    count_derived(b);
    b->f->count[COMPONENT_SITE] = 1;
    for (int k = COMPONENT_SITE; k < COMPONENT_KIND_COUNT && rc == 0; k++) {
        rc = fleet_alloc_kind(b->f, (enum component_kind)k);
        b->names += b->f->count[k];
    }
    if (rc == 0)
        rc = fleet_index_init(b->f, b->names);
    return rc == 0 ? 0 : mw_fail(b->err, rc, "out of memory for %u components", b->names);
}

/* Enters a component's name into pool and index; a name taken already is a mistake. */
static int enter_name(struct site_build *b, uint64_t component, const char *name, size_t length)
{
    enum component_kind kind = component_kind_of(component);
    uint32_t *at = &b->f->name_of[kind][component_index_of(component)];
    int rc = site_text(b, name, length, at);

    if (rc != 0)
        return rc;
    uint64_t other = fleet_index_add(b->f, component);
    if (other == 0)
        return 0;
    const struct mw_yaml_node *first = site_entry_of(b, other);
    problems_add(b->problems, site_place(b, site_entry_of(b, component), "name"),
                 "the name '%s' is taken by a %s already (line %u)", name,
                 component_kind_name(component_kind_of(other)),
                 site_place(b, first, "name").line);
    return 0;
}

/* Names every component of a kind; nodes go by their row, not by the order of the file. */
static int name_kind(struct site_build *b, enum component_kind kind, const uint32_t *row_of)
{
    char name[PATTERN_NAME_MAX];

    for (uint32_t s = 0; s < b->spans[kind].length; s++) {
        const struct site_span *span = &b->spans[kind].item[s];
        struct pattern_at at = {0};
        struct pattern p;

        if (pattern_parse(&p, mw_yaml_text(span->entry, "name", ""), NULL, NULL) != 0)
            return mw_fail(b->err, MW_EBUG, "a name that was counted cannot be read");
        for (uint32_t i = 0; i < span->count; i++) {
            uint32_t row = row_of == NULL ? span->first + i : row_of[span->first + i];
            size_t length = pattern_write(&p, &at, NULL, NULL, name);
            int rc = enter_name(b, component_id(kind, row), name, length);

            if (rc != 0)
                return rc;
            (void)pattern_next(&p, &at);
        }
    }
    return 0;
}

/* Groups by their label, numbered as they first appear. */
struct groups {
    struct map by_hash; /* by 64 bits of hash: labels do not collide in practice */
    uint32_t *of;       /* node in file order -> group */
    uint32_t length;
};

static int group_span(struct site_build *b, const struct site_span *span, struct groups *g)
{
    const char *key = mw_yaml_get(span->entry, "group") != NULL ? "group" : "rack";
    const char *text = schema_text(site_fields(COMPONENT_NODE), span->entry, key, "-");
    char label[PATTERN_NAME_MAX];
    struct pattern name, p;
    struct pattern_at at = {0}, zero = {0};
    struct mw_error why = {0};

    if (pattern_parse(&name, mw_yaml_text(span->entry, "name", ""), NULL, NULL) != 0)
        return mw_fail(b->err, MW_EBUG, "a name that was counted cannot be read");
    if (pattern_parse(&p, text, &name, &why) != 0) {
        if (strcmp(key, "group") == 0) /* a bad rack is reported where racks are looked up */
            problems_add(b->problems, site_place(b, span->entry, key), "'%.60s': %s", text,
                         why.text);
        return 0;
    }
    for (uint32_t i = 0; i < span->count; i++) {
        size_t length = pattern_write(&p, &zero, &name, &at, label);
        uint64_t hash = mw_hash64_of(label, length);
        uint32_t group = map_get(&g->by_hash, hash);

        if (group == MW_NONE) {
            group = g->length++;
            map_put(&g->by_hash, hash, group);
        }
        g->of[span->first + i] = group;
        (void)pattern_next(&name, &at);
    }
    return 0;
}

/* Numbers the nodes group by group; within a group as the file has them. */
static int number_nodes(struct site_build *b, const struct groups *g)
{
    uint32_t nodes = b->f->count[COMPONENT_NODE];
    uint32_t *next = mw_calloc((size_t)g->length + 1, sizeof(*next));

    if (next == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < nodes; i++)
        next[g->of[i] + 1]++;
    for (uint32_t i = 1; i <= g->length; i++)
        next[i] += next[i - 1];
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t row = next[g->of[i]]++;

        b->node_row[i] = row;
        b->node_order[row] = i;
        b->f->node_group[row] = g->of[i];
    }
    b->f->groups = g->length;
    mw_free(next);
    return 0;
}

static int order_nodes(struct site_build *b)
{
    uint32_t nodes = b->f->count[COMPONENT_NODE];
    struct groups g = {0};
    int rc = map_init(&g.by_hash, nodes + 1);

    g.of = mw_calloc(nodes, sizeof(*g.of));
    if (rc != 0 || g.of == NULL)
        rc = mw_fail(b->err, MW_ENOMEM, "out of memory");
    for (uint32_t s = 0; s < b->spans[COMPONENT_NODE].length && rc == 0; s++)
        rc = group_span(b, &b->spans[COMPONENT_NODE].item[s], &g);
    g.length = MW_MAX(g.length, nodes > 0); /* labels that could not be read: one group */
    if (rc == 0)
        rc = number_nodes(b, &g);
    map_fini(&g.by_hash);
    mw_free(g.of);
    return rc;
}

/* The model and batch of the nodes of each entry. */
static void fill_nodes(struct site_build *b)
{
    const struct site_spans *spans = &b->spans[COMPONENT_NODE];
    struct fleet *f = b->f;

    for (uint32_t s = 0; s < spans->length; s++) {
        const struct site_model *m = model_of(b, spans->item[s].entry);

        for (uint32_t i = 0; m != NULL && i < spans->item[s].count; i++) {
            uint32_t row = b->node_row[spans->item[s].first + i];

            f->node_gpus[row] = m->gpus;
            f->node_nics[row] = m->nics;
            f->node_model[row] = m->name_text;
            f->node_power_w[row] = m->power_w;
        }
    }
}

/* Parts of a node whose name was taken are named, but reported with their node only. */
static int enter_part(struct site_build *b, uint64_t part, bool report, const char *name,
                      size_t length)
{
    if (report)
        return enter_name(b, part, name, length);
    return site_text(b, name, length,
                     &b->f->name_of[component_kind_of(part)][component_index_of(part)]);
}

static int add_parts(struct site_build *b, uint32_t node, enum component_kind kind, uint32_t first)
{
    struct fleet *f = b->f;
    bool gpu = kind == COMPONENT_GPU;
    uint64_t id = component_id(COMPONENT_NODE, node);
    bool report = fleet_find(f, fleet_name(f, id)) == id;
    uint32_t count = gpu ? f->node_gpus[node] : f->node_nics[node];
    char name[PATTERN_NAME_MAX + 16];

    for (uint32_t i = 0; i < count; i++) {
        int length = snprintf(name, sizeof(name), "%s-%s%u",
                              fleet_name(f, id),
                              gpu ? "gpu" : "nic", i);
        if (gpu) {
            f->gpu_node[first + i] = node;
            f->gpu_slot[first + i] = (uint8_t)i;
        } else {
            f->nic_node[first + i] = node;
            f->nic_rail[first + i] = (uint8_t)i;
            f->nic_cable[first + i] = MW_NONE;
        }
        int rc = enter_part(b, component_id(kind, first + i), report, name, (size_t)length);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int name_parts(struct site_build *b)
{
    struct fleet *f = b->f;
    uint32_t gpus = 0, nics = 0;
    int rc = 0;

    for (uint32_t n = 0; n < f->count[COMPONENT_NODE] && rc == 0; n++) {
        f->node_gpu_first[n] = gpus;
        f->node_nic_first[n] = nics;
        rc = add_parts(b, n, COMPONENT_GPU, gpus);
        if (rc == 0)
            rc = add_parts(b, n, COMPONENT_NIC, nics);
        gpus += f->node_gpus[n];
        nics += f->node_nics[n];
    }
    must(rc != 0 || (gpus == f->count[COMPONENT_GPU] && nics == f->count[COMPONENT_NIC]));
    return rc;
}

int site_names(struct site_build *b)
{
    uint32_t nodes = b->f->count[COMPONENT_NODE];
    int rc = 0;

    b->node_row = mw_calloc(nodes, sizeof(*b->node_row));
    b->node_order = mw_calloc(nodes, sizeof(*b->node_order));
    if (b->node_row == NULL || b->node_order == NULL)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    rc = order_nodes(b);
    if (rc == 0)
        fill_nodes(b);
    for (size_t i = 0; i < MW_ARRAY_LEN(named) && rc == 0; i++)
        rc = name_kind(b, named[i], named[i] == COMPONENT_NODE ? b->node_row : NULL);
    if (rc == 0)
        rc = name_parts(b);
    return rc;
}
