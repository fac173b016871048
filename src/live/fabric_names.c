/*
 * Descriptions into names, and the order of a host's adapters.
 */
#include "live/fabric_names.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NICS_MAX 64 /* of one node of a site file */

/* What firmware calls a node that nobody named, and what it puts into switches itself. */
static const char *const nameless[] = { "Mellanox Technologies", "ConnectX", "Infiniscale",
                                        "Quantum ", "SwitchX", "SwitchIB" };
static const char *const aggregation[] = { "Aggregation Node", "Aggr Node" };

void fabric_names_fini(struct fabric_names *n)
{
    mw_free(n->who);
    mw_free(n->nic);
    mw_free(n->host);
    mw_free(n->host_first);
    mw_free(n->host_nics);
    *n = (struct fabric_names){ .hosts = 0 };
}

int fabric_names_compare(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            size_t n = strspn(a, "0123456789"), k = strspn(b, "0123456789");
            int c = n != k ? (n < k ? -1 : 1) : memcmp(a, b, n);
            if (c != 0)
                return c;
            a += n;
            b += k;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return *a != '\0' ? 1 : *b != '\0' ? -1 : 0;
}

static bool has_one_of(const char *s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(s, words[i]) != NULL)
            return true;
    return false;
}

/* At most `length` bytes of s as a name of the site language. */
static void put_name(char to[FABRIC_WHO_MAX], const char *s, size_t length)
{
    size_t n = MW_MIN(length, (size_t)FABRIC_WHO_MAX - 1);
    for (size_t i = 0; i < n; i++)
        to[i] = isalnum((unsigned char)s[i]) || strchr("._-", s[i]) != NULL ? s[i] : '_';
    to[n] = '\0';
}

/* "MF0;leaf01:MQM9700/U1" is leaf01; the second chip of a box is leaf01-U2. */
static void name_switch(const char *desc, char to[FABRIC_WHO_MAX])
{
    const char *semi = strchr(desc, ';'), *colon = semi != NULL ? strchr(semi, ':') : NULL;
    const char *unit = colon != NULL ? strchr(colon, '/') : NULL;
    if (colon == NULL || colon == semi + 1) {
        put_name(to, desc, strcspn(desc, " "));
        return;
    }
    put_name(to, semi + 1, (size_t)(colon - semi - 1));
    if (unit == NULL || strcmp(unit, "/U1") == 0)
        return;
    size_t n = strlen(to);
    put_name(to + n, unit, MW_MIN(strlen(unit), (size_t)FABRIC_WHO_MAX - 1 - n));
    for (char *p = to + n; *p != '\0'; p++)
        *p = *p == '_' ? '-' : *p; /* its slashes */
}

static void name_node(const struct fabric_node *d, struct fabric_names *n, uint32_t row)
{
    char *to = n->who[row];
    bool unnamed = d->name[0] == '\0' || d->name[0] == ' ' ||
                   has_one_of(d->name, nameless, MW_ARRAY_LEN(nameless));
    if (has_one_of(d->name, aggregation, MW_ARRAY_LEN(aggregation))) {
        to[0] = '\0';
        n->left_out++;
    } else if (unnamed) {
        (void)snprintf(to, FABRIC_WHO_MAX, "%s-%016" PRIx64,
                       d->kind == FABRIC_SWITCH ? "switch" : "host", d->guid);
        n->unnamed++;
    } else if (d->kind == FABRIC_SWITCH) {
        name_switch(d->name, to);
    } else if (d->kind == FABRIC_CA) {
        put_name(to, d->name, strcspn(d->name, " "));
    } else {
        n->left_out++; /* a router is no part that a site file has */
    }
}

/* ---- order --------------------------------------------------------------------------------- */

struct sorting {
    const struct fabric *f;
    const struct fabric_names *n;
};

/* By kind, name, then device and GUID: total. */
static int compare_nodes(const void *left, const void *right, void *ctx)
{
    const struct sorting *s = ctx;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const struct fabric_node *x = &s->f->node[a], *y = &s->f->node[b];
    int c = x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : 0;
    if (c == 0)
        c = fabric_names_compare(s->n->who[a], s->n->who[b]);
    if (c == 0) /* n1 and n01 */
        c = strcmp(s->n->who[a], s->n->who[b]);
    if (c == 0)
        c = fabric_names_compare(x->name, y->name);
    if (c == 0)
        c = x->guid != y->guid ? (x->guid < y->guid ? -1 : 1) : 0;
    return c != 0 ? c : a < b ? -1 : a > b;
}

/* A port of an adapter with several counts when it has a link; the first one always. */
static void number_ports(const struct fabric *f, struct fabric_names *n, uint32_t row)
{
    const struct fabric_node *d = &f->node[row];
    bool any = false;
    for (uint32_t i = 0; i < d->ports; i++)
        any = any || f->port[d->port_first + i].peer != MW_NONE;
    for (uint32_t i = 0; i < d->ports; i++) {
        if (any ? f->port[d->port_first + i].peer == MW_NONE : i > 0)
            continue;
        uint8_t *nics = &n->host_nics[n->host[row]];
        if (*nics == NICS_MAX) {
            n->left_out++;
            return;
        }
        n->nic[d->port_first + i] = (*nics)++;
    }
}

/* Two switches of one name: the later one is called by its GUID as well.  False: it was not so. */
static bool tell_apart(const struct fabric *f, struct fabric_names *n, uint32_t before,
                       uint32_t row)
{
    char guid[20];
    if (strcmp(n->who[before], n->who[row]) != 0)
        return false;
    int k = snprintf(guid, sizeof(guid), "-%016" PRIx64, f->node[row].guid);
    size_t at = MW_MIN(strlen(n->who[row]), (size_t)(FABRIC_WHO_MAX - 1 - k));
    memcpy(n->who[row] + at, guid, (size_t)k + 1);
    return true;
}

static void number_all(const struct fabric *f, struct fabric_names *n, const uint32_t *order)
{
    uint32_t last = MW_NONE; /* of the same kind, as its name was */
    for (uint32_t i = 0; i < f->nodes; i++) {
        uint32_t row = order[i];
        if (n->who[row][0] == '\0')
            continue;
        bool same = last != MW_NONE && f->node[last].kind == f->node[row].kind;
        if (f->node[row].kind == FABRIC_SWITCH && same && tell_apart(f, n, last, row))
            continue; /* a third one is compared with the first */
        if (f->node[row].kind == FABRIC_CA) {
            if (!same || strcmp(n->who[last], n->who[row]) != 0)
                n->host_first[n->hosts++] = row;
            n->host[row] = n->hosts - 1;
            number_ports(f, n, row);
        }
        last = row;
    }
}

int fabric_names_make(const struct fabric *f, struct fabric_names *ret, struct mw_error *err)
{
    struct fabric_names n = { .hosts = 0 };
    uint32_t *order = mw_calloc(f->nodes, sizeof(*order));
    n.who = mw_calloc(f->nodes, sizeof(*n.who));
    n.nic = mw_calloc(f->ports, sizeof(*n.nic));
    n.host = mw_calloc(f->nodes, sizeof(*n.host));
    n.host_first = mw_calloc(f->nodes, sizeof(*n.host_first));
    n.host_nics = mw_calloc(f->nodes, sizeof(*n.host_nics));
    if (order == NULL || n.who == NULL || n.nic == NULL || n.host == NULL ||
        n.host_first == NULL || n.host_nics == NULL) {
        mw_free(order);
        fabric_names_fini(&n);
        return mw_fail(err, MW_ENOMEM, "out of memory for the names of %u nodes", f->nodes);
    }
    memset(n.nic, 0xff, f->ports * sizeof(*n.nic));
    memset(n.host, 0xff, f->nodes * sizeof(*n.host));
    for (uint32_t i = 0; i < f->nodes; i++) {
        order[i] = i;
        name_node(&f->node[i], &n, i);
    }
    struct sorting s = { .f = f, .n = &n };
    qsort_r(order, f->nodes, sizeof(*order), compare_nodes, &s);
    number_all(f, &n, order);
    mw_free(order);
    *ret = n;
    return 0;
}

uint32_t fabric_names_device(const struct fabric_node *n)
{
    const char *word = strchr(n->name, ' ');
    size_t end = word != NULL ? strlen(word) : 0, start = end;
    while (start > 0 && isdigit((unsigned char)word[start - 1]) && end - start < 6)
        start--;
    return start == end ? MW_NONE : (uint32_t)strtoul(word + start, NULL, 10);
}

/* ---- node name map ------------------------------------------------------------------------- */

static void rename_node(struct fabric *f, uint64_t guid, const char *name, size_t size)
{
    for (uint32_t i = 0; i < f->nodes; i++)
        if (f->node[i].guid == guid) {
            size = MW_MIN(size, (size_t)FABRIC_NAME_MAX);
            memcpy(f->node[i].name, name, size);
            f->node[i].name[size] = '\0';
        }
}

int fabric_names_map(struct fabric *f, const char *text, const char *name, struct mw_error *err)
{
    uint32_t line = 1;
    for (const char *at = text; *at != '\0'; line++) {
        size_t n = strcspn(at, "\n");
        const char *end = at + n, *p = at + strspn(at, " \t\r");
        if (p < end && *p != '#') {
            char *after;
            unsigned long long guid = strncmp(p, "0x", 2) == 0 ? strtoull(p, &after, 16) : 0;
            const char *open = guid != 0 ? memchr(after, '"', (size_t)(end - after)) : NULL;
            const char *close = open != NULL ? memchr(open + 1, '"', (size_t)(end - open - 1))
                                             : NULL;
            if (close == NULL)
                return mw_fail(err, MW_ESYNTAX, "%s:%u: expected 0xGUID \"name\"", name, line);
            rename_node(f, guid, open + 1, (size_t)(close - open - 1));
        }
        at = end + (*end == '\n');
    }
    return 0;
}
