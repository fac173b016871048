/*
 * Reads Slurm's `Name=value` records, gathers nodes by lowest switch and
 * writes runs of names as patterns.  Owns what it gathers until it is written.
 */
#include "live/slurm_import.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "fleet/hostlist.h"
#include "fleet/site.h"
#include "live/slurm_gres.h"

#define NAME_MAX_BYTES 95 /* of a component of the site file */
#define MODELS_MAX 1000
#define GROUPS_MAX 20000
#define GPUS_NODE_MAX 64
#define ENTRIES_MAX 150000 /* lines of nodes: the site file has a bound on its size */
#define DIGITS_MAX 7       /* of a number in a pattern */

struct node {
    const char *name; /* borrowed from the input */
    uint32_t length;
    uint32_t model, group; /* group: MW_NONE = on no switch */
    /* The last number in the name: bytes before it, its digits, its value. */
    uint32_t before, digits, number;
};

struct label {
    char name[NAME_MAX_BYTES + 1];
    uint32_t nodes, gpus; /* with it; GPUs a node, of a model */
};

struct labels {
    struct label *item; /* owned */
    uint32_t length, room, length_max;
};

struct import {
    const struct slurm_import_source *s;
    struct node *node; /* owned */
    uint32_t nodes, room;
    struct map by_name; /* hash of the name -> node; MW_NONE - 1: known, without GPUs */
    struct labels models, groups;
    struct slurm_import_result result;
    uint32_t line;  /* of what is being read */
    uint32_t group; /* whose node list is being read */
    const char *rest; /* of a node list, after its first bracket */
    struct mw_error *err;
};

#define NO_GPUS (MW_NONE - 1)

static void import_fini(struct import *m)
{
    mw_free(m->node);
    mw_free(m->models.item);
    mw_free(m->groups.item);
    map_fini(&m->by_name);
}

static int fail_nodes(const struct import *m, int code, const char *what)
{
    return mw_fail(m->err, code, "%s:%u: %s", m->s->nodes_name, m->line, what);
}

/* ---- records ------------------------------------------------------------------------------- */

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && strchr("._-", s[i]) == NULL)
            return false;
    return n > 0 && n <= NAME_MAX_BYTES;
}

static uint64_t hash_name(const char *s, size_t n)
{
    return mw_hash64_of(s, n);
}

/* The label of that name, made when new: what the site language does not allow becomes '_'. */
static int label_of(struct labels *l, const char *name, size_t n, uint32_t *ret,
                    struct mw_error *err)
{
    struct label one = { .nodes = 0 };
    n = MW_MIN(n, (size_t)NAME_MAX_BYTES - 12); /* room for "rack-" and more */
    for (size_t i = 0; i < n; i++)
        one.name[i] = is_name(&name[i], 1) ? name[i] : '_';
    for (uint32_t i = l->length; i > 0; i--)
        if (strcmp(l->item[i - 1].name, one.name) == 0) {
            *ret = i - 1;
            return 0;
        }
    if (l->length == l->length_max)
        return mw_fail(err, MW_ELIMIT, "more than %u switches or kinds of node", l->length_max);
    if (l->length == l->room) {
        uint32_t room = l->room == 0 ? 16 : l->room * 2;
        struct label *item = mw_resize(l->item, room, sizeof(*item));
        if (item == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory");
        l->item = item;
        l->room = room;
    }
    l->item[l->length] = one;
    *ret = l->length++;
    return 0;
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* Finds the last number of the name. */
static void split(struct node *d)
{
    uint32_t end = d->length;
    while (end > 0 && !isdigit((unsigned char)d->name[end - 1]))
        end--;
    d->before = end;
    while (d->before > 0 && d->digits < DIGITS_MAX &&
           isdigit((unsigned char)d->name[d->before - 1])) {
        d->before--;
        d->digits++;
    }
    for (uint32_t i = 0; i < d->digits; i++)
        d->number = d->number * 10 + (uint32_t)(d->name[d->before + i] - '0');
}

static int take_node(struct import *m, const char *record, size_t size)
{
    const char *name;
    size_t n;
    char model[NAME_MAX_BYTES + 16];
    if (!slurm_field(record, size, "NodeName=", &name, &n) || !is_name(name, n))
        return fail_nodes(m, MW_ESYNTAX, "a node name must be 1 to 95 letters, digits, '.', '_', "
                                         "'-'");
    uint64_t key = hash_name(name, n);
    if (map_get(&m->by_name, key) != MW_NONE)
        return fail_nodes(m, MW_EINVAL, "this node is listed twice; give one cluster's nodes");
    struct slurm_gpus g = slurm_gpus_of(record, size);
    if (g.count == 0) {
        map_put(&m->by_name, key, NO_GPUS);
        m->result.without_gpus++;
        return 0;
    }
    if (g.count > GPUS_NODE_MAX)
        return fail_nodes(m, MW_ELIMIT, "more than 64 GPUs in a node");
    struct node *d = &m->node[m->nodes];
    *d = (struct node){ .name = name, .length = (uint32_t)n, .group = MW_NONE };
    split(d);
    (void)snprintf(model, sizeof(model), "%s-%u", g.types[0] != '\0' ? g.types : "gpu", g.count);
    int rc = label_of(&m->models, model, strlen(model), &d->model, m->err);
    if (rc != 0)
        return rc;
    m->models.item[d->model].gpus = g.count;
    m->models.item[d->model].nodes++;
    map_put(&m->by_name, key, m->nodes++);
    m->result.gpus += g.count;
    return 0;
}

/* Where the next record begins: "NodeName=" at the start of a line; NULL = nowhere. */
static const char *next_record(const char *at)
{
    static const char mark[] = "\nNodeName=";
    at = strstr(at, mark);
    return at != NULL ? at + 1 : NULL;
}

static const char *first_record(const char *text)
{
    return strncmp(text, "NodeName=", 9) == 0 ? text : next_record(text);
}

static uint32_t count_lines(const char *from, const char *to)
{
    uint32_t n = 0;
    for (; from < to; from++)
        n += *from == '\n';
    return n;
}

static int prepare(struct import *m)
{
    uint32_t n = 0;
    for (const char *at = first_record(m->s->nodes); at != NULL; at = next_record(at))
        if (n++ == SITE_NODES_MAX)
            return fail_nodes(m, MW_ELIMIT, "more than 1,000,000 nodes");
    if (n == 0)
        return mw_fail(m->err, MW_EINVAL,
                       "%s: no line begins with NodeName=; give the output of "
                       "scontrol -o show nodes", m->s->nodes_name);
    m->room = n;
    m->node = mw_calloc(n, sizeof(*m->node));
    if (m->node == NULL || map_init(&m->by_name, n) != 0)
        return mw_fail(m->err, MW_ENOMEM, "out of memory");
    return 0;
}

static int read_nodes(struct import *m)
{
    const char *text = m->s->nodes, *at = first_record(text);
    int rc = prepare(m);
    if (rc != 0)
        return rc;
    m->line = 1 + count_lines(text, at);
    while (at != NULL && rc == 0) {
        const char *next = next_record(at), *end = next != NULL ? next : at + strlen(at);
        must(m->nodes < m->room);
        rc = take_node(m, at, (size_t)(end - at));
        m->line += count_lines(at, end);
        at = next;
    }
    if (rc == 0 && m->nodes == 0)
        rc = mw_fail(m->err, MW_EINVAL,
                     "%s: no node has GPUs (Gres=gpu:...); see GresTypes and gres.conf of Slurm",
                     m->s->nodes_name);
    return rc;
}

/* ---- groups -------------------------------------------------------------------------------- */

static int join(void *ctx, const char *name)
{
    struct import *m = ctx;
    uint32_t i = map_get(&m->by_name, hash_name(name, strlen(name)));
    if (i < m->nodes && m->node[i].group == MW_NONE) {
        m->node[i].group = m->group;
        m->groups.item[m->group].nodes++;
    }
    return 0;
}

/* One value of the first of two brackets, with what follows it. */
static int join_rest(void *ctx, const char *name)
{
    struct import *m = ctx;
    char list[2 * HOSTLIST_NAME_MAX];
    int n = snprintf(list, sizeof(list), "%s%s", name, m->rest);
    if (n < 0 || (size_t)n >= sizeof(list))
        return mw_fail(m->err, MW_ELIMIT, "the node list is too long");
    return hostlist_each(list, join, m, m->err);
}

/* "rack[1-2]-n[01-04]": Slurm allows two brackets, the second at the end. */
static int join_word(struct import *m, const char *word, size_t n)
{
    const char *close = memchr(word, ']', n);
    size_t size = close != NULL ? (size_t)(close + 1 - word) : n;
    char *first mw_cleanup(mw_freep) = mw_strndup(word, size);
    char *rest mw_cleanup(mw_freep) = mw_strndup(word + size, n - size);
    if (first == NULL || rest == NULL)
        return mw_fail(m->err, MW_ENOMEM, "out of memory");
    m->rest = rest;
    return hostlist_each(first, rest[0] != '\0' ? join_rest : join, m, m->err);
}

/* The names of a list between its outer commas. */
static int join_list(struct import *m, const char *s, size_t n)
{
    size_t start = 0;
    bool inside = false;
    for (size_t i = 0; i <= n; i++) {
        if (i < n)
            inside = s[i] == '[' || (inside && s[i] != ']');
        if (i < n && (s[i] != ',' || inside))
            continue;
        int rc = i > start ? join_word(m, s + start, i - start) : 0;
        if (rc != 0)
            return rc;
        start = i + 1;
    }
    return 0;
}

/* "SwitchName=leaf1 Level=0 LinkSpeed=1 Nodes=n[001-006]", "BlockName=b1 BlockIndex=0 Nodes=..." */
static int take_switch(struct import *m, const char *record, size_t size)
{
    const char *name, *level, *list, *below;
    size_t name_size, level_size, list_size, below_size;
    if (!slurm_field(record, size, "SwitchName=", &name, &name_size) &&
        !slurm_field(record, size, "BlockName=", &name, &name_size))
        return 0;
    bool upper = slurm_field(record, size, "Level=", &level, &level_size) &&
                 !(level_size == 1 && level[0] == '0');
    bool has_below = slurm_field(record, size, "Switches=", &below, &below_size);
    upper = upper || (has_below && below_size > 0 && strncmp(below, "(null)", 6) != 0);
    if (upper || !slurm_field(record, size, "Nodes=", &list, &list_size) || list_size == 0 ||
        (list_size == 6 && strncmp(list, "(null)", 6) == 0))
        return 0;
    int rc = label_of(&m->groups, name, name_size, &m->group, m->err);
    if (rc == 0)
        rc = join_list(m, list, list_size);
    return rc != 0 ? mw_fail_prefix(m->err, "%s:%u", m->s->topology_name, m->line) : 0;
}

static int read_topology(struct import *m)
{
    const char *at = m->s->topology != NULL ? m->s->topology : "";
    int rc = 0;
    for (m->line = 1; *at != '\0' && rc == 0; m->line++) {
        size_t n = strcspn(at, "\n");
        rc = take_switch(m, at, n);
        at += n + (at[n] == '\n');
    }
    if (rc != 0)
        return rc;
    uint32_t other = MW_NONE;
    for (uint32_t i = 0; i < m->nodes && rc == 0; i++) {
        if (m->node[i].group != MW_NONE)
            continue;
        m->result.no_switch += m->groups.length > 0;
        if (other == MW_NONE)
            rc = label_of(&m->groups, "slurm", 5, &other, m->err);
        m->node[i].group = other;
        if (rc == 0)
            m->groups.item[other].nodes++;
    }
    if (other != MW_NONE && m->groups.length == 1)
        m->result.no_switch = 0;
    return rc;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int compare_text(const char *a, uint32_t n, const char *b, uint32_t k)
{
    int c = memcmp(a, b, MW_MIN(n, k));
    return c != 0 ? c : n < k ? -1 : n > k;
}

static int compare_nodes(const void *left, const void *right)
{
    const struct node *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    int c = compare_text(a->name, a->before, b->name, b->before);
    if (c == 0)
        c = compare_text(a->name + a->before + a->digits, a->length - a->before - a->digits,
                         b->name + b->before + b->digits, b->length - b->before - b->digits);
    if (c != 0)
        return c;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->digits < b->digits ? -1 : a->digits > b->digits;
}

static uint32_t digits_of(uint32_t number)
{
    uint32_t n = 1;
    for (; number >= 10; number /= 10)
        n++;
    return n;
}

/* Whether b follows a in a pattern that began with `first`. */
static bool follows(const struct node *first, const struct node *a, const struct node *b)
{
    uint32_t tail = a->length - a->before - a->digits;
    return a->group == b->group && a->model == b->model && a->digits > 0 && b->digits > 0 &&
           a->before == b->before && memcmp(a->name, b->name, a->before) == 0 &&
           tail == b->length - b->before - b->digits &&
           memcmp(a->name + a->length - tail, b->name + b->length - tail, tail) == 0 &&
           b->number == a->number + 1 &&
           b->digits == MW_MAX(first->digits, digits_of(b->number));
}

static void add_run(const struct import *m, struct text *t, const struct node *a,
                    const struct node *b)
{
    const char *group = m->groups.item[a->group].name;
    text_add(t, "  - {name: \"");
    if (a == b) {
        text_add_n(t, a->name, a->length);
    } else {
        text_addf(t, "%.*s[%.*s-%.*s]", (int)a->before, a->name, (int)a->digits,
                  a->name + a->before, (int)b->digits, b->name + b->before);
        text_add_n(t, a->name + a->before + a->digits, a->length - a->before - a->digits);
    }
    text_addf(t, "\", model: \"%s\", rack: \"rack-%s\", group: \"%s\"}\n",
              m->models.item[a->model].name, group, group);
}

static int add_nodes(const struct import *m, struct text *t)
{
    uint32_t entries = 0;
    qsort(m->node, m->nodes, sizeof(*m->node), compare_nodes);
    for (uint32_t i = 0; i < m->nodes;) {
        uint32_t end = i + 1;
        while (end < m->nodes && follows(&m->node[i], &m->node[end - 1], &m->node[end]))
            end++;
        if (entries++ == ENTRIES_MAX)
            return mw_fail(m->err, MW_ELIMIT, "the nodes' names make more than %d patterns",
                           ENTRIES_MAX);
        add_run(m, t, &m->node[i], &m->node[end - 1]);
        i = end;
    }
    return 0;
}

static const char head[] =
    "# Made from what Slurm says of its nodes, by `mw site import slurm`.\n"
    "#\n"
    "# Nodes, their GPUs and their placement groups (the lowest switches) are Slurm's.  What\n"
    "# Slurm does not know is assumed here, so that the site can be used at once;\n"
    "# replace what you know (docs/site.md has the language and a complete example):\n"
    "#   power    power_w of the models is 0: write the nameplate draw of a node (10.2kW), then\n"
    "#            add breakers: and pdus:, and feeds: [pdu-a, pdu-b] to the racks\n"
    "#   racks    one for each placement group, in one row of one hall: write the real ones\n"
    "#   cooling  add cdus:, cdu: to the racks, and liquid: true to the models that need it\n"
    "#   cables   nics of the models is 0: write how many, then add switches: and cables:\n"
    "#   serials  add serials: [FILE.csv] with component,serial\n"
    "# Without power and cooling, nodes that would fail together are not known to.\n";

/* "ClusterName             = loop" */
static void add_site_name(const struct import *m, struct text *t)
{
    const char *at = m->s->config != NULL ? strstr(m->s->config, "ClusterName") : NULL;
    text_add(t, "\nsite: \"");
    if (m->s->site != NULL) {
        text_add(t, m->s->site);
    } else {
        at = at != NULL ? at + strlen("ClusterName") : "";
        at += strspn(at, " \t=");
        size_t n = strcspn(at, " \t\r\n");
        if (is_name(at, n) && n <= 63)
            text_add_n(t, at, n);
        else
            text_add(t, "slurm");
    }
    text_add(t, "\"\n");
}

static int write_site(struct import *m, struct text *t)
{
    text_add(t, head);
    add_site_name(m, t);
    text_add(t, "\nmodels: # assumed: nics, power_w\n");
    for (uint32_t i = 0; i < m->models.length; i++)
        text_addf(t, "  - {name: \"%s\", gpus: %u, nics: 0, power_w: 0}\n",
                  m->models.item[i].name, m->models.item[i].gpus);
    text_add(t, "\nhalls: # assumed\n  - {name: slurm-hall}\n"
                "rows: # assumed\n  - {name: slurm-row, hall: slurm-hall}\n"
                "racks: # assumed: one a group, without power and cooling\n");
    for (uint32_t i = 0; i < m->groups.length; i++)
        if (m->groups.item[i].nodes > 0)
            text_addf(t, "  - {name: \"rack-%s\", row: slurm-row}\n", m->groups.item[i].name);
    text_add(t, "\nnodes:\n");
    int rc = add_nodes(m, t);
    return rc == 0 && t->failed ? mw_fail(m->err, MW_ENOMEM, "out of memory") : rc;
}

/* Names that this file makes must not be a node's. */
static int check_made_names(const struct import *m)
{
    char name[NAME_MAX_BYTES + 16] = "slurm-hall";
    for (uint32_t i = 0; i < m->groups.length + 2; i++) {
        if (i == 1)
            (void)snprintf(name, sizeof(name), "slurm-row");
        else if (i > 1)
            (void)snprintf(name, sizeof(name), "rack-%s", m->groups.item[i - 2].name);
        if (map_get(&m->by_name, hash_name(name, strlen(name))) != MW_NONE)
            return mw_fail(m->err, MW_ECONFLICT,
                           "a node is called %s, which this file calls something else", name);
    }
    return 0;
}

int slurm_import(const struct slurm_import_source *s, struct text *yaml,
                 struct slurm_import_result *ret, struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct import m mw_cleanup(import_fini) = { .s = s, .err = err != NULL ? err : &own,
        .models = { .length_max = MODELS_MAX }, .groups = { .length_max = GROUPS_MAX } };
    must(s->nodes != NULL && s->nodes_name != NULL);
    must(s->topology == NULL || s->topology_name != NULL);
    int rc = read_nodes(&m);
    if (rc == 0)
        rc = read_topology(&m);
    if (rc == 0)
        rc = check_made_names(&m);
    if (rc == 0)
        rc = write_site(&m, yaml);
    if (rc != 0)
        return rc;
    m.result.nodes = m.nodes;
    m.result.models = m.models.length;
    for (uint32_t i = 0; i < m.groups.length; i++)
        m.result.groups += m.groups.item[i].nodes > 0;
    *ret = m.result;
    return 0;
}
