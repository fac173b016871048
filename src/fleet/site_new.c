/*
 * Writes regular sites.  A row of racks is one placement group (HGX) and has
 * its own leaf switch for each rail; a hall is one pod of the fat tree.
 * Everything partial sits at the end: last hall, last row, last rack.
 *
 * Sources: HGX H100 rated 10.2 kW; NVL72 rack 18 trays at 6.5 kW, 3.6 kW of
 * switch trays and 0.8 kW of shelf loss.  Core oversubscription of 8:1 is near
 * the 7:1 between pods of published large training clusters.  Switch power,
 * breaker limits and hall sizes are modelled.
 */
#include "fleet/site.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define LEVELS 4 /* hall, row, rack, node */
#define BOX_TEXT_MAX 96

/* What a shape repeats. */
struct shape {
    const char *name, *model;
    uint32_t gpus_node, nics_node;    /* NICs of a node = rails */
    uint32_t span[LEVELS];            /* halls at most, rows a hall, racks a row, nodes a rack */
    int width[LEVELS];                /* digits of the number */
    uint32_t halves;                  /* leaves of one rail in a row */
    uint32_t ports, uplinks;          /* of every switch; uplinks of a leaf */
    uint32_t spine_inner, core_links; /* spines that share cores; uplinks of a spine */
    uint32_t node_w, overhead_w, switch_w, row_limit_w, hall_limit_w, cdu_w; /* cdu_w 0 = air */
    bool rack_group;                  /* the rack is the placement group (one NVLink domain) */
};

static const struct shape shapes[] = {
    {
        .name = "hgx-h100", .model = "hgx-h100", .gpus_node = 8, .nics_node = 8,
        .span = {32, 32, 8, 4}, .width = {2, 2, 1, 1}, .halves = 1, .ports = 64, .uplinks = 32,
        .spine_inner = 2, .core_links = 4, .node_w = 10200, .switch_w = 1720,
        .row_limit_w = 400000, .hall_limit_w = 12000000,
    },
    {
        .name = "gb200-nvl72", .model = "gb200-tray", .gpus_node = 4, .nics_node = 4,
        .span = {18, 36, 8, 18}, .width = {2, 2, 1, 2}, .halves = 2, .ports = 144, .uplinks = 72,
        .spine_inner = 8, .core_links = 9, .node_w = 6500, .overhead_w = 4400, .switch_w = 3600,
        .row_limit_w = 1200000, .hall_limit_w = 40000000, .cdu_w = 1368000, .rack_group = true,
    },
};

/* Numbers low..high at each level, from 1. */
struct box {
    uint32_t low[LEVELS], high[LEVELS];
};

/* One shape's part of the site. */
struct part {
    const struct shape *shape;
    char prefix; /* of its halls */
    uint32_t nodes;
    uint32_t count[LEVELS]; /* halls, rows, racks, nodes in all */
    struct box box[LEVELS][LEVELS];
    uint32_t boxes[LEVELS]; /* of each level */
};

enum fabric { FABRIC_FLAT, FABRIC_SHARED, FABRIC_RAILS, FABRIC_PODS };

/* The first count[level] things of a level as at most level+1 boxes. */
static void make_boxes(struct part *p, int level)
{
    uint32_t left = p->count[level], at[LEVELS] = {0};

    for (int split = 0; split <= level; split++) {
        uint32_t below = 1;
        for (int l = split + 1; l <= level; l++)
            below *= p->shape->span[l];
        uint32_t whole = left / below;
        left -= whole * below;
        if (whole == 0)
            continue;
        struct box *b = &p->box[level][p->boxes[level]++];
        for (int l = 0; l <= level; l++) {
            b->low[l] = l < split ? at[l] + 1 : 1;
            b->high[l] = l < split ? at[l] + 1 : l == split ? whole : p->shape->span[l];
        }
        at[split] = whole;
    }
    must(left == 0);
}

static struct part make_part(const struct shape *s, char prefix, uint32_t gpus)
{
    struct part p = {.shape = s, .prefix = prefix};
    uint32_t unit = s->rack_group ? s->gpus_node * s->span[3] : s->gpus_node;

    p.count[3] = (gpus + unit - 1) / unit * (unit / s->gpus_node);
    p.nodes = p.count[3];
    for (int l = LEVELS - 1; l > 0; l--)
        p.count[l - 1] = (p.count[l] + s->span[l] - 1) / s->span[l];
    must(p.count[0] >= 1 && p.count[0] <= s->span[0]);
    for (int l = 0; l < LEVELS; l++)
        make_boxes(&p, l);
    return p;
}

static enum fabric fabric_of(const struct part *p)
{
    const struct shape *s = p->shape;

    if (p->nodes * s->nics_node <= s->ports)
        return FABRIC_FLAT;
    if (p->count[1] * s->nics_node * s->halves <= s->ports)
        return FABRIC_SHARED;
    return p->count[1] * s->halves <= s->ports ? FABRIC_RAILS : FABRIC_PODS;
}

/* Fewest spines that divide the uplinks and have ports for all of these leaves. */
static uint32_t spines_for(const struct shape *s, uint32_t leaves)
{
    for (uint32_t n = 1; n < s->uplinks; n++) {
        if (s->uplinks % n == 0 && leaves * (s->uplinks / n) <= s->ports)
            return n;
    }
    return s->uplinks;
}

/* "h[01-31]-r[01-32]" of a box down to a level. */
static const char *box_name(const struct part *p, const struct box *b, int level, char *buf)
{
    static const char letters[LEVELS] = {'h', 'r', 'k', 'n'};
    size_t used = 0;

    for (int l = 0; l <= level; l++) {
        int w = p->shape->width[l];

        used += (size_t)snprintf(buf + used, BOX_TEXT_MAX - used, "%s%c", l > 0 ? "-" : "",
                                 l == 0 ? p->prefix : letters[l]);
        if (b->low[l] == b->high[l])
            used += (size_t)snprintf(buf + used, BOX_TEXT_MAX - used, "[%0*u]", w, b->low[l]);
        else
            used += (size_t)snprintf(buf + used, BOX_TEXT_MAX - used, "[%0*u-%0*u]", w, b->low[l],
                                     w, b->high[l]);
        must(used < BOX_TEXT_MAX);
    }
    return buf;
}

static void add_models(struct text *t, const struct part *p)
{
    const struct shape *s = p->shape;

    text_addf(t, "  - {name: %s, gpus: %u, nics: %u, power_w: %u%s}\n", s->model, s->gpus_node,
              s->nics_node, s->node_w, s->cdu_w > 0 ? ", liquid: true" : "");
}

static void add_halls(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX];

    text_addf(t, "  - {name: \"%s\"}\n", box_name(p, &p->box[0][0], 0, buf));
}

static void add_rows(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX];

    for (uint32_t i = 0; i < p->boxes[1]; i++)
        text_addf(t, "  - {name: \"%s\", hall: \"%c{1}\"}\n", box_name(p, &p->box[1][i], 1, buf),
                  p->prefix);
}

static void add_breakers(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX];

    text_addf(t, "  - {name: \"%s-main-[a-b]\", limit_w: %u}\n",
              box_name(p, &p->box[0][0], 0, buf), p->shape->hall_limit_w);
    for (uint32_t i = 0; i < p->boxes[1]; i++)
        text_addf(t, "  - {name: \"%s-brk-[a-b]\", limit_w: %u, parent: \"%c{1}-main-{3}\"}\n",
                  box_name(p, &p->box[1][i], 1, buf), p->shape->row_limit_w, p->prefix);
}

static void add_pdus(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX];

    for (uint32_t i = 0; i < p->boxes[1]; i++)
        text_addf(t, "  - {name: \"%s-pdu-[a-b]\", breaker: \"%c{1}-r{2}-brk-{3}\"}\n",
                  box_name(p, &p->box[1][i], 1, buf), p->prefix);
}

static void add_cdus(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX];

    for (uint32_t i = 0; i < p->boxes[1] && p->shape->cdu_w > 0; i++)
        text_addf(t, "  - {name: \"%s-cdu\", capacity_w: %u}\n",
                  box_name(p, &p->box[1][i], 1, buf), p->shape->cdu_w);
}

static void add_racks(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX], where[BOX_TEXT_MAX], more[BOX_TEXT_MAX] = "";
    char c = p->prefix;

    (void)snprintf(where, sizeof(where),
                   "row: \"%c{1}-r{2}\", feeds: [\"%c{1}-r{2}-pdu-a\", \"%c{1}-r{2}-pdu-b\"]", c, c,
                   c);
    if (p->shape->cdu_w > 0)
        (void)snprintf(more, sizeof(more), ", cdu: \"%c{1}-r{2}-cdu\", overhead_w: %u", c,
                       p->shape->overhead_w);
    for (uint32_t i = 0; i < p->boxes[2]; i++)
        text_addf(t, "  - {name: \"%s\", %s%s}\n", box_name(p, &p->box[2][i], 2, buf), where, more);
    for (uint32_t i = 0; i < p->boxes[1]; i++)
        text_addf(t, "  - {name: \"%s-net\", %s}\n", box_name(p, &p->box[1][i], 1, buf), where);
}

static void add_nodes(struct text *t, const struct part *p)
{
    char buf[BOX_TEXT_MAX], c = p->prefix;

    for (uint32_t i = 0; i < p->boxes[3]; i++)
        text_addf(t,
                  "  - {name: \"%s\", model: %s, rack: \"%c{1}-r{2}-k{3}\", "
                  "group: \"%c{1}-r{2}%s\"}\n",
                  box_name(p, &p->box[3][i], 3, buf), p->shape->model, c, c,
                  p->shape->rack_group ? "-k{3}" : "");
}

static void add_switch(struct text *t, const struct part *p, const char *name, const char *tier,
                       const char *where)
{
    text_addf(t, "  - {name: \"%s\", tier: %s, ports: %u, %s, power_w: %u}\n", name, tier,
              p->shape->ports, where, p->shape->switch_w);
}

static void add_leaves(struct text *t, const struct part *p)
{
    char row[BOX_TEXT_MAX], name[2 * BOX_TEXT_MAX], rack[BOX_TEXT_MAX];
    uint32_t rails = fabric_of(p) == FABRIC_FLAT ? 1 : p->shape->nics_node;
    bool halves = p->shape->halves > 1 && rails > 1;

    (void)snprintf(rack, sizeof(rack), "rack: \"%c{1}-r{2}-net\"", p->prefix);
    for (uint32_t i = 0; i < p->boxes[1]; i++) {
        (void)snprintf(name, sizeof(name), "%s-leaf[0-%u]%s",
                       box_name(p, &p->box[1][i], 1, row), rails - 1, halves ? "[a-b]" : "");
        add_switch(t, p, name, "leaf", rack);
    }
}

static void add_spines(struct text *t, const struct part *p)
{
    const struct shape *s = p->shape;
    char hall[BOX_TEXT_MAX], name[2 * BOX_TEXT_MAX], where[BOX_TEXT_MAX];
    uint32_t rails = s->nics_node - 1, outer = s->uplinks / s->spine_inner;

    (void)snprintf(where, sizeof(where), "hall: %c01", p->prefix);
    switch (fabric_of(p)) {
    case FABRIC_FLAT:
        return;
    case FABRIC_SHARED:
        (void)snprintf(name, sizeof(name), "%c01-spine[01-%02u]", p->prefix,
                       spines_for(s, p->count[1] * s->nics_node * s->halves));
        add_switch(t, p, name, "spine", where);
        return;
    case FABRIC_RAILS:
        (void)snprintf(name, sizeof(name), "%c01-spine[0-%u]-s[01-%02u]", p->prefix, rails,
                       spines_for(s, p->count[1] * s->halves));
        add_switch(t, p, name, "spine", where);
        return;
    case FABRIC_PODS:
        (void)snprintf(name, sizeof(name), "%c01-core[0-%u]-s[01-%02u]-[1-%u]", p->prefix, rails,
                       outer, s->core_links);
        add_switch(t, p, name, "core", where);
        (void)snprintf(name, sizeof(name), "%s-spine[0-%u]-s[01-%02u][a-%c]",
                       box_name(p, &p->box[0][0], 0, hall), rails, outer,
                       (char)('a' + s->spine_inner - 1));
        (void)snprintf(where, sizeof(where), "hall: \"%c{1}\"", p->prefix);
        add_switch(t, p, name, "spine", where);
        return;
    }
}

static void add_switches(struct text *t, const struct part *p)
{
    add_leaves(t, p);
    add_spines(t, p);
}

/* NIC k of every node of a row to leaf k of the row; the racks of a row fall into equal parts when
 * a rail has more than one leaf there. */
static void add_node_cables(struct text *t, const struct part *p)
{
    const struct shape *s = p->shape;
    bool flat = fabric_of(p) == FABRIC_FLAT;
    uint32_t halves = flat ? 1 : s->halves, per = s->span[2] / halves;
    char row[BOX_TEXT_MAX], c = p->prefix;

    for (uint32_t i = 0; i < p->boxes[3]; i++) {
        const struct box *b = &p->box[3][i];

        for (uint32_t h = 0; h < halves; h++) {
            uint32_t low = MW_MAX(b->low[2], h * per + 1), high = MW_MIN(b->high[2], (h + 1) * per);
            if (low > high)
                continue;
            text_addf(t,
                      "  - {each: \"%s-[0-%u]\", "
                      "from: \"%c{1}-r{2}-k[%u-%u]-n[%0*u-%0*u]-nic{3}\", "
                      "to: \"%c{1}-r{2}-leaf%s%.*s\"}\n",
                      box_name(p, b, 1, row), s->nics_node - 1, c, low, high, s->width[3],
                      b->low[3], s->width[3], b->high[3], c, flat ? "0" : "{3}", halves > 1,
                      h == 0 ? "a" : "b");
        }
    }
}

static void add_shared_cables(struct text *t, const struct part *p)
{
    const struct shape *s = p->shape;
    uint32_t spines = spines_for(s, p->count[1] * s->nics_node * s->halves);
    char row[BOX_TEXT_MAX];

    for (uint32_t i = 0; i < p->boxes[1]; i++)
        text_addf(t, "  - {from: \"%s-leaf[0-%u]%s\", to: \"%c01-spine[01-%02u]\", links: %u}\n",
                  box_name(p, &p->box[1][i], 1, row), s->nics_node - 1,
                  s->halves > 1 ? "[a-b]" : "", p->prefix, spines, s->uplinks / spines);
}

static void add_rail_cables(struct text *t, const struct part *p)
{
    const struct shape *s = p->shape;
    uint32_t spines = spines_for(s, p->count[1] * s->halves);
    char row[BOX_TEXT_MAX];

    for (uint32_t i = 0; i < p->boxes[1]; i++)
        text_addf(t,
                  "  - {each: \"[0-%u]\", from: \"%s-leaf{1}%s\", "
                  "to: \"%c01-spine{1}-s[01-%02u]\", links: %u}\n",
                  s->nics_node - 1, box_name(p, &p->box[1][i], 1, row),
                  s->halves > 1 ? "[a-b]" : "", p->prefix, spines, s->uplinks / spines);
}

static void add_pod_cables(struct text *t, const struct part *p)
{
    const struct shape *s = p->shape;
    uint32_t outer = s->uplinks / s->spine_inner;
    char last = (char)('a' + s->spine_inner - 1), hall[BOX_TEXT_MAX], c = p->prefix;

    for (uint32_t i = 0; i < p->boxes[1]; i++) {
        const struct box *b = &p->box[1][i];
        text_addf(t,
                  "  - {each: \"%s-[0-%u]\", from: \"%c{1}-r[%02u-%02u]-leaf{2}%s\", "
                  "to: \"%c{1}-spine{2}-s[01-%02u][a-%c]\"}\n",
                  box_name(p, b, 0, hall), s->nics_node - 1, c, b->low[1], b->high[1],
                  s->halves > 1 ? "[a-b]" : "", c, outer, last);
    }
    text_addf(t,
              "  - {each: \"[0-%u]-[01-%02u]\", from: \"%s-spine{1}-s{2}[a-%c]\", "
              "to: \"%c01-core{1}-s{2}-[1-%u]\"}\n",
              s->nics_node - 1, outer, box_name(p, &p->box[0][0], 0, hall), last, c,
              s->core_links);
}

static void add_cables(struct text *t, const struct part *p)
{
    enum fabric fabric = fabric_of(p);

    add_node_cables(t, p);
    if (fabric == FABRIC_SHARED)
        add_shared_cables(t, p);
    else if (fabric == FABRIC_RAILS)
        add_rail_cables(t, p);
    else if (fabric == FABRIC_PODS)
        add_pod_cables(t, p);
}

static const struct {
    const char *key;
    void (*add)(struct text *t, const struct part *p);
} sections[] = {
    {"models", add_models},     {"halls", add_halls}, {"rows", add_rows},
    {"breakers", add_breakers}, {"pdus", add_pdus},   {"cdus", add_cdus},
    {"racks", add_racks},       {"nodes", add_nodes}, {"switches", add_switches},
    {"cables", add_cables},
};

static uint32_t gpus_of(const struct part *part, uint32_t parts)
{
    uint32_t gpus = 0;

    for (uint32_t i = 0; i < parts; i++)
        gpus += part[i].nodes * part[i].shape->gpus_node;
    return gpus;
}

/* What the shape is built of; gives how many parts, 0 when there is no such shape. */
static uint32_t make_parts(const char *shape, uint32_t gpus, struct part part[2])
{
    must(gpus > 0 && gpus <= SITE_NEW_GPUS_MAX);
    if (strcmp(shape, "mixed") == 0) {
        part[0] = make_part(&shapes[0], 'h', (gpus + 1) / 2);
        part[1] = make_part(&shapes[1], 'v', MW_MAX(gpus / 2, 1));
        return 2;
    }
    for (size_t i = 0; i < MW_ARRAY_LEN(shapes); i++) {
        if (strcmp(shape, shapes[i].name) != 0)
            continue;
        part[0] = make_part(&shapes[i], 'h', gpus);
        return 1;
    }
    return 0;
}

static int write_site(struct text *t, const char *name, const struct part *part, uint32_t parts,
                      struct mw_error *err)
{
    uint32_t gpus = gpus_of(part, parts);

    text_addf(t, "# %u GPUs, written by `mw site new`; the language is in docs/site.md.\n", gpus);
    text_addf(t, "site: %s-%u\n", name, gpus);
    for (size_t k = 0; k < MW_ARRAY_LEN(sections); k++) {
        bool cooled = part[0].shape->cdu_w > 0 || part[parts - 1].shape->cdu_w > 0;
        if (sections[k].add == add_cdus && !cooled)
            continue;
        text_addf(t, "\n%s:\n", sections[k].key);
        for (uint32_t i = 0; i < parts; i++)
            sections[k].add(t, &part[i]);
    }
    return t->failed ? mw_fail(err, MW_ENOMEM, "out of memory for the site's text") : 0;
}

int site_new(const char *shape, uint32_t gpus, struct text *ret, struct mw_error *err)
{
    struct part part[2];

    must(shape != NULL && ret != NULL);
    if (gpus == 0 || gpus > SITE_NEW_GPUS_MAX)
        return mw_fail(err, MW_EINVAL, "a new site may have 1 to %d GPUs, not %u",
                       SITE_NEW_GPUS_MAX, gpus);
    uint32_t parts = make_parts(shape, gpus, part);
    if (parts == 0)
        return mw_fail(err, MW_EINVAL,
                       "no shape '%.40s': there are hgx-h100, gb200-nvl72 and mixed", shape);
    return write_site(ret, shape, part, parts, err);
}

uint32_t site_new_gpus(const char *shape, uint32_t gpus)
{
    struct part part[2];

    must(shape != NULL);
    if (gpus == 0 || gpus > SITE_NEW_GPUS_MAX)
        return 0;
    return gpus_of(part, make_parts(shape, gpus, part));
}

int site_simple(uint32_t nodes, struct fleet **ret, struct mw_error *err)
{
    struct problems problems = {0};
    struct text yaml = {0};

    if (nodes > SITE_NEW_GPUS_MAX / 8)
        return mw_fail(err, MW_ELIMIT, "at most %d nodes", SITE_NEW_GPUS_MAX / 8);
    int rc = site_new("hgx-h100", nodes * 8, &yaml, err);
    if (rc == 0) {
        struct site_source source = {.yaml = yaml.data, .size = yaml.length, .name = "generated"};
        rc = site_load(&source, ret, &problems, err);
    }
    if (rc != 0 && problems.length > 0)
        rc = mw_fail(err, rc, "generated:%u: %s", problems.item[0].line, problems.item[0].text);
    problems_fini(&problems);
    text_fini(&yaml);
    return rc;
}
