/*
 * Rows of an imported site, their order, and all of the file but its cables.
 */
#include "live/import_site.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "live/fabric_names.h"
#include "live/import_fold.h"

#define REMARKS_MAX 100 /* lines at the head of a file that a person still reads */

void import_site_fini(struct import_site *s)
{
    mw_free(s->model);
    mw_free(s->hall);
    mw_free(s->group);
    mw_free(s->rack);
    mw_free(s->node);
    mw_free(s->sw);
    mw_free(s->cable);
    mw_free(s->serial);
    text_fini(&s->head);
    text_fini(&s->remark);
    *s = (struct import_site){ .models = 0 };
}

/* ---- adding -------------------------------------------------------------------------------- */

/* One row more of `size` bytes; NULL when it does not fit. */
static void *grow(void *rows, uint32_t *room, uint32_t used, uint32_t most, size_t size,
                  int *ret_rc)
{
    *ret_rc = used >= most ? MW_ELIMIT : 0;
    if (*ret_rc != 0 || used < *room)
        return rows;
    uint32_t wanted = *room == 0 ? 32 : *room * 2;
    void *p = mw_resize(rows, wanted, size);
    if (p == NULL) {
        *ret_rc = MW_ENOMEM;
        return rows;
    }
    *room = wanted;
    return p;
}

static int grown(int rc, const char *what, struct mw_error *err)
{
    return rc == 0            ? 0
           : rc == MW_ELIMIT ? mw_fail(err, rc, "too many %s for one site", what)
                             : mw_fail(err, rc, "out of memory for %s", what);
}

void import_name(char to[IMPORT_NAME_MAX], const char *from, size_t length)
{
    size_t n = MW_MIN(length, (size_t)IMPORT_NAME_MAX - 17);
    for (size_t i = 0; i < n; i++)
        to[i] = isalnum((unsigned char)from[i]) || (from[i] != '\0' && strchr("._-", from[i]))
                    ? from[i] : '_';
    if (n == 0)
        to[n++] = '_';
    to[n] = '\0';
}

static void legal(char name[IMPORT_NAME_MAX])
{
    char was[IMPORT_NAME_MAX];
    memcpy(was, name, sizeof(was));
    was[IMPORT_NAME_MAX - 1] = '\0';
    import_name(name, was, strlen(was));
}

int import_add_model(struct import_site *s, const struct import_model *m, uint32_t *ret,
                     struct mw_error *err)
{
    int rc;
    s->model = grow(s->model, &s->models_room, s->models, 1000, sizeof(*s->model), &rc);
    if (rc != 0)
        return grown(rc, "models", err);
    s->model[s->models] = *m;
    legal(s->model[s->models].name);
    *ret = s->models++;
    return 0;
}

int import_model_of(struct import_site *s, const struct import_model *m, uint32_t *ret,
                    struct mw_error *err)
{
    struct import_model own = *m;
    bool taken = false;
    legal(own.name);
    for (int again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < s->models; i++) {
            bool same = strcmp(s->model[i].name, own.name) == 0;
            if (same && s->model[i].gpus == own.gpus && s->model[i].nics == own.nics) {
                *ret = i;
                return 0;
            }
            taken = taken || same;
        }
        if (again == 0 && taken) /* the same kind of machine with another number of parts */
            (void)snprintf(own.name, sizeof(own.name), "%.70s-%ugpu-%unic", m->name, own.gpus,
                           own.nics);
        else
            break;
    }
    return import_add_model(s, &own, ret, err);
}

static int add_name(struct import_name **rows, uint32_t *n, uint32_t *room, const char *name,
                    struct mw_error *err)
{
    int rc;
    *rows = grow(*rows, room, *n, IMPORT_PARTS_MAX, sizeof(**rows), &rc);
    if (rc != 0)
        return grown(rc, "halls and groups", err);
    import_name((*rows)[*n].name, name, strlen(name));
    (*n)++;
    return 0;
}

int import_add_hall(struct import_site *s, const char *name, uint32_t *ret, struct mw_error *err)
{
    *ret = s->halls;
    return add_name(&s->hall, &s->halls, &s->halls_room, name, err);
}

int import_add_group(struct import_site *s, const char *name, uint32_t *ret, struct mw_error *err)
{
    *ret = s->groups;
    return add_name(&s->group, &s->groups, &s->groups_room, name, err);
}

int import_add_rack(struct import_site *s, const char *name, uint32_t hall, uint32_t *ret,
                    struct mw_error *err)
{
    int rc;
    must(hall < s->halls);
    s->rack = grow(s->rack, &s->racks_room, s->racks, IMPORT_PARTS_MAX, sizeof(*s->rack), &rc);
    if (rc != 0)
        return grown(rc, "racks", err);
    import_name(s->rack[s->racks].name, name, strlen(name));
    s->rack[s->racks].hall = hall;
    *ret = s->racks++;
    return 0;
}

int import_add_node(struct import_site *s, const struct import_node *n, uint32_t *ret,
                    struct mw_error *err)
{
    int rc;
    s->node = grow(s->node, &s->nodes_room, s->nodes, IMPORT_NODES_MAX, sizeof(*s->node), &rc);
    if (rc != 0)
        return grown(rc, "nodes", err);
    s->node[s->nodes] = *n;
    legal(s->node[s->nodes].name);
    *ret = s->nodes++;
    return 0;
}

int import_add_switch(struct import_site *s, const struct import_switch *w, uint32_t *ret,
                      struct mw_error *err)
{
    int rc;
    must(w->ports >= 1 && w->ports <= 1024);
    s->sw = grow(s->sw, &s->switches_room, s->switches, IMPORT_PARTS_MAX, sizeof(*s->sw), &rc);
    if (rc != 0)
        return grown(rc, "switches", err);
    s->sw[s->switches] = *w;
    legal(s->sw[s->switches].name);
    *ret = s->switches++;
    return 0;
}

int import_add_cable(struct import_site *s, const struct import_cable *c, struct mw_error *err)
{
    int rc;
    s->cable = grow(s->cable, &s->cables_room, s->cables, IMPORT_CABLES_MAX, sizeof(*s->cable),
                    &rc);
    if (rc != 0)
        return grown(rc, "cables", err);
    s->cable[s->cables++] = *c;
    return 0;
}

/* CSV of the site language has no quotes: what would need them is replaced. */
static void plain(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; *from != '\0' && n + 1 < size; from++) {
        unsigned char c = (unsigned char)*from;
        if (c > ' ' && c <= '~' && strchr(",\"#", c) == NULL)
            to[n++] = *from;
        else if (n > 0 && to[n - 1] != '_')
            to[n++] = '_';
    }
    to[n] = '\0';
}

int import_add_serial(struct import_site *s, const char *component, const char *serial,
                      struct mw_error *err)
{
    int rc;
    s->serial = grow(s->serial, &s->serials_room, s->serials, 8 * IMPORT_PARTS_MAX,
                     sizeof(*s->serial), &rc);
    if (rc != 0)
        return grown(rc, "serial numbers", err);
    struct import_serial *row = &s->serial[s->serials];
    (void)snprintf(row->component, sizeof(row->component), "%s", component);
    plain(row->serial, sizeof(row->serial), serial);
    s->serials += row->serial[0] != '\0';
    return 0;
}

void import_remark(struct import_site *s, const char *fmt, ...)
{
    char line[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    if (s->remarks++ >= REMARKS_MAX) {
        if (s->remarks == REMARKS_MAX + 1)
            text_add(&s->remark, "# ... and more of the kind\n");
        return;
    }
    for (char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            *p = '?';
    text_addf(&s->remark, "# %s\n", line);
}

/* ---- order --------------------------------------------------------------------------------- */

struct order {
    const struct import_site *s;
    bool switches;
};

static int compare_rows(const void *left, const void *right, void *ctx)
{
    const struct order *o = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    int c = 0;
    if (o->switches) {
        const struct import_switch *x = &o->s->sw[a], *y = &o->s->sw[b];
        c = x->tier != y->tier ? x->tier - y->tier : fabric_names_compare(x->name, y->name);
    } else {
        const struct import_node *x = &o->s->node[a], *y = &o->s->node[b];
        c = x->group != y->group ? (x->group < y->group ? -1 : 1)
                                 : fabric_names_compare(x->name, y->name);
    }
    return c != 0 ? c : a < b ? -1 : a > b;
}

/* place[old row] = new row; also the rows in their new order. */
static int sort_rows(const struct import_site *s, bool switches, uint32_t *order, uint32_t *place)
{
    uint32_t n = switches ? s->switches : s->nodes;
    struct order o = { .s = s, .switches = switches };
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    if (n > 0)
        qsort_r(order, n, sizeof(*order), compare_rows, &o);
    for (uint32_t i = 0; i < n; i++)
        place[order[i]] = i;
    return 0;
}

/* What sorting needs. */
struct sorted {
    uint32_t *order, *node_place, *switch_place;
    struct import_node *node;
    struct import_switch *sw;
};

static void apply(struct import_site *s, struct sorted *w)
{
    (void)sort_rows(s, false, w->order, w->node_place);
    for (uint32_t i = 0; i < s->nodes; i++)
        w->node[i] = s->node[w->order[i]];
    (void)sort_rows(s, true, w->order, w->switch_place);
    for (uint32_t i = 0; i < s->switches; i++)
        w->sw[i] = s->sw[w->order[i]];
    if (s->nodes > 0)
        memcpy(s->node, w->node, s->nodes * sizeof(*s->node));
    if (s->switches > 0)
        memcpy(s->sw, w->sw, s->switches * sizeof(*s->sw));
    for (uint32_t i = 0; i < s->cables; i++)
        for (int k = 0; k < 2; k++) {
            struct import_end *e = &s->cable[i].end[k];
            e->row = e->nic ? w->node_place[e->row] : w->switch_place[e->row];
        }
}

int import_site_sort(struct import_site *s, struct mw_error *err)
{
    struct sorted w = {
        .order = mw_calloc(MW_MAX(s->nodes, s->switches), sizeof(uint32_t)),
        .node_place = mw_calloc(s->nodes, sizeof(uint32_t)),
        .switch_place = mw_calloc(s->switches, sizeof(uint32_t)),
        .node = mw_calloc(s->nodes, sizeof(*s->node)),
        .sw = mw_calloc(s->switches, sizeof(*s->sw)),
    };
    bool ok = w.order != NULL && w.node_place != NULL && w.switch_place != NULL &&
              w.node != NULL && w.sw != NULL;
    if (ok && s->nodes + s->switches > 0)
        apply(s, &w);
    mw_free(w.order);
    mw_free(w.node_place);
    mw_free(w.switch_place);
    mw_free(w.node);
    mw_free(w.sw);
    return ok ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* ---- writing ------------------------------------------------------------------------------- */

static void add_key(struct text *t, const char *key, const char *remark)
{
    text_addf(t, "\n%s:", key);
    if (remark != NULL)
        text_addf(t, " # %s", remark);
    text_add(t, "\n");
}

/* What the entries of one list are written with. */
struct listing {
    struct text *t;
    const char *tail;         /* after the name, without "}" */
    const char *key[FOLD_FOLLOWERS]; /* of the followers; NULL = not written */
};

static int add_entry(void *ctx, const struct fold_entry *e, struct mw_error *err)
{
    const struct listing *l = ctx;
    (void)err;
    text_addf(l->t, "  - {name: \"%s\"%s", e->pattern, l->tail);
    for (uint32_t k = 0; k < FOLD_FOLLOWERS; k++)
        if (l->key[k] != NULL && e->follower[k][0] != '\0')
            text_addf(l->t, ", %s: \"%s\"", l->key[k], e->follower[k]);
    text_add(l->t, "}\n");
    return 0;
}

static int write_racks(const struct import_site *s, struct fold *f, struct text *t,
                       struct mw_error *err)
{
    struct listing l = { .t = t, .tail = "", .key = { "hall", NULL } };
    int rc = 0;
    fold_begin(f);
    for (uint32_t i = 0; i < s->racks && rc == 0; i++) {
        const char *follower[] = { s->hall[s->rack[i].hall].name, NULL };
        rc = fold_add(f, s->rack[i].name, follower, err);
    }
    return rc != 0 ? rc : fold_end(f, add_entry, &l, err);
}

/* Runs of one model; a rack and a group that follow the name are folded with it. */
static int write_nodes(const struct import_site *s, struct fold *f, struct text *t,
                       struct mw_error *err)
{
    char tail[IMPORT_NAME_MAX + 16];
    struct listing l = { .t = t, .tail = tail, .key = { "rack", "group" } };
    int rc = 0;
    for (uint32_t i = 0; i < s->nodes && rc == 0;) {
        uint32_t model = s->node[i].model;
        fold_begin(f);
        for (; i < s->nodes && s->node[i].model == model && rc == 0; i++) {
            const struct import_node *n = &s->node[i];
            const char *follower[] = { s->rack[n->rack].name,
                                       n->group != MW_NONE ? s->group[n->group].name : "" };
            rc = fold_add(f, n->name, follower, err);
        }
        (void)snprintf(tail, sizeof(tail), ", model: \"%s\"", s->model[model].name);
        if (rc == 0)
            rc = fold_end(f, add_entry, &l, err);
    }
    return rc;
}

static bool alike(const struct import_switch *a, const struct import_switch *b)
{
    return a->tier == b->tier && a->ports == b->ports &&
           (a->rack == MW_NONE) == (b->rack == MW_NONE);
}

static int write_switches(const struct import_site *s, struct fold *f, struct text *t,
                          struct mw_error *err)
{
    static const char *const tiers[] = { "leaf", "leaf", "spine", "core" };
    char tail[64];
    struct listing l = { .t = t, .tail = tail, .key = { NULL, NULL } };
    int rc = 0;
    for (uint32_t i = 0; i < s->switches && rc == 0;) {
        const struct import_switch *first = &s->sw[i];
        fold_begin(f);
        for (; i < s->switches && alike(first, &s->sw[i]) && rc == 0; i++) {
            const struct import_switch *w = &s->sw[i];
            const char *follower[] = { w->rack != MW_NONE ? s->rack[w->rack].name
                                                          : s->hall[0].name, NULL };
            rc = fold_add(f, w->name, follower, err);
        }
        l.key[0] = first->rack != MW_NONE ? "rack" : "hall";
        must(first->tier < MW_ARRAY_LEN(tiers));
        (void)snprintf(tail, sizeof(tail), ", tier: %s, ports: %u", tiers[first->tier],
                       first->ports);
        if (rc == 0)
            rc = fold_end(f, add_entry, &l, err);
    }
    return rc;
}

static void write_head(const struct import_site *s, const char *serials_file, struct text *t)
{
    char name[IMPORT_NAME_MAX];
    import_name(name, s->name, strlen(s->name));
    text_add(t, text_string(&s->head));
    if (s->remark.length > 0)
        text_addf(t, "#\n%s", text_string(&s->remark));
    text_addf(t, "\nsite: \"%.63s\"\n", s->name[0] != '\0' ? name : "imported");
    if (serials_file != NULL)
        text_addf(t, "serials: [\"%s\"]\n", serials_file);
    add_key(t, "models", s->models_remark);
    for (uint32_t i = 0; i < s->models; i++)
        text_addf(t, "  - {name: \"%s\", gpus: %u, nics: %u, power_w: %lld%s}\n", s->model[i].name,
                  s->model[i].gpus, s->model[i].nics, (long long)s->model[i].power_w,
                  s->model[i].liquid ? ", liquid: true" : "");
    add_key(t, "halls", NULL);
    for (uint32_t i = 0; i < s->halls; i++)
        text_addf(t, "  - {name: \"%s\"}\n", s->hall[i].name);
}

int import_site_write(const struct import_site *s, const char *serials_file, struct text *yaml,
                      struct mw_error *err)
{
    struct fold *f = NULL;
    must(s->halls > 0);
    int rc = fold_create(&f, err);
    write_head(s, serials_file, yaml);
    if (rc == 0 && s->racks > 0) {
        add_key(yaml, "racks", s->racks_remark);
        rc = write_racks(s, f, yaml, err);
    }
    if (rc == 0 && s->nodes > 0) {
        add_key(yaml, "nodes", s->nodes_remark);
        rc = write_nodes(s, f, yaml, err);
    }
    if (rc == 0 && s->switches > 0) {
        add_key(yaml, "switches", s->switches_remark);
        rc = write_switches(s, f, yaml, err);
    }
    if (rc == 0 && s->cables > 0) {
        add_key(yaml, "cables", s->cables_remark);
        rc = import_cables_write(s, yaml, err);
    }
    fold_destroy(f);
    return rc == 0 && yaml->failed ? mw_fail(err, MW_ENOMEM, "out of memory") : rc;
}

int import_serials_write(const struct import_site *s, struct text *csv, struct mw_error *err)
{
    text_add(csv, "component,serial\n");
    for (uint32_t i = 0; i < s->serials; i++)
        text_addf(csv, "%s,%s\n", s->serial[i].component, s->serial[i].serial);
    return csv->failed ? mw_fail(err, MW_ENOMEM, "out of memory") : 0;
}
