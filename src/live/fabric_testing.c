/* Wires trees; writes cables down. */
#include "live/fabric_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "live/fabric_names.h"

static uint32_t add(struct fabric *f, uint8_t kind, uint32_t ports, const char *name)
{
    struct fabric_node n = { .kind = kind, .ports = (uint8_t)ports, .guid = 0x1000u + f->nodes,
                             .lid = 1 + f->nodes };
    uint32_t row;
    (void)snprintf(n.name, sizeof(n.name), "%s", name);
    must(fabric_add(f, &n, &row, NULL) == 0);
    return row;
}

static uint32_t free_port(const struct fabric *f, uint32_t node, uint32_t from)
{
    for (uint32_t p = from; p <= f->node[node].ports; p++)
        if (f->port[fabric_port_of(f, node, p)].peer == MW_NONE)
            return fabric_port_of(f, node, p);
    must(false);
    return 0;
}

static void join_uplinks(const struct tree *t, struct fabric *f, uint32_t leaf, uint32_t spines,
                         uint32_t from)
{
    uint32_t rounds = t->interleave ? t->links : 1, links = t->interleave ? 1 : t->links;
    for (uint32_t r = 0; r < rounds; r++)
        for (uint32_t s = 0; s < t->spines; s++)
            for (uint32_t k = 0; k < links; k++)
                must(fabric_join(f, free_port(f, leaf, from), free_port(f, spines + s, 1), NULL) ==
                     0);
}

void fabric_tree(const struct tree *t, struct fabric *ret)
{
    char name[32];
    uint32_t per_rail = t->leaves / t->rails, first = ret->nodes;
    uint32_t down = (t->hosts + per_rail - 1) / per_rail;
    for (uint32_t i = 0; i < t->leaves; i++) {
        (void)snprintf(name, sizeof(name), "leaf%02u", i);
        (void)add(ret, FABRIC_SWITCH, t->ports, name);
    }
    for (uint32_t i = 0; i < t->spines; i++) {
        (void)snprintf(name, sizeof(name), "spine%02u", i);
        (void)add(ret, FABRIC_SWITCH, t->ports, name);
    }
    for (uint32_t h = 0; h < t->hosts; h++)
        for (uint32_t r = 0; r < t->rails; r++) {
            (void)snprintf(name, sizeof(name), "gpu%03u mlx5_%u", h, r);
            uint32_t hca = add(ret, FABRIC_CA, 1, name);
            uint32_t leaf = first + r * per_rail + h * per_rail / t->hosts;
            must(fabric_join(ret, fabric_port_of(ret, hca, 1), free_port(ret, leaf, 1), NULL) == 0);
        }
    for (uint32_t l = 0; l < t->leaves; l++)
        join_uplinks(t, ret, first + l, first + t->leaves, down + t->spare + 1);
    for (uint32_t i = 0; i < ret->ports; i++) {
        struct fabric_port *p = &ret->port[i];
        p->state = p->peer != MW_NONE ? FABRIC_ACTIVE : FABRIC_DOWN;
        p->physical = p->peer != MW_NONE ? FABRIC_LINK_UP : FABRIC_POLLING;
        p->rate = (struct fabric_rate){ 4, 4, 4, 53125, 53125, 53125 };
    }
}

uint32_t fabric_node_named(const struct fabric *f, const char *name)
{
    for (uint32_t i = 0; i < f->nodes; i++)
        if (strcmp(f->node[i].name, name) == 0)
            return i;
    must(false);
    return 0;
}

void fabric_unplug(struct fabric *f, const char *node, uint32_t port)
{
    struct fabric_port *p = &f->port[fabric_port_of(f, fabric_node_named(f, node), port)];
    if (p->peer == MW_NONE)
        return;
    struct fabric_port *q = &f->port[p->peer];
    p->peer = q->peer = MW_NONE;
    p->state = q->state = FABRIC_DOWN;
    p->physical = q->physical = FABRIC_POLLING;
}

void fabric_plug(struct fabric *f, const char *a, uint32_t port_a, const char *b, uint32_t port_b)
{
    fabric_unplug(f, a, port_a);
    fabric_unplug(f, b, port_b);
    uint32_t x = fabric_port_of(f, fabric_node_named(f, a), port_a);
    uint32_t y = fabric_port_of(f, fabric_node_named(f, b), port_b);
    must(fabric_join(f, x, y, NULL) == 0);
    f->port[x].state = f->port[y].state = FABRIC_ACTIVE;
    f->port[x].physical = f->port[y].physical = FABRIC_LINK_UP;
}

/* ---- cables as text ------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes the lines. */
static char *joined(char **line, uint32_t lines)
{
    struct text t = { 0 };
    if (lines > 0)
        qsort(line, lines, sizeof(*line), compare);
    for (uint32_t i = 0; i < lines; i++) {
        text_addf(&t, "%s\n", line[i]);
        mw_free(line[i]);
    }
    mw_free(line);
    char *all = mw_strdup(text_string(&t));
    must(all != NULL && !t.failed);
    text_fini(&t);
    return all;
}

static char *cable(const char *a, const char *b)
{
    char line[256];
    bool first = strcmp(a, b) < 0;
    (void)snprintf(line, sizeof(line), "%s %s", first ? a : b, first ? b : a);
    char *copy = mw_strdup(line);
    must(copy != NULL);
    return copy;
}

static void port_text(const struct fabric *f, const struct fabric_names *n, uint32_t port,
                      char to[120])
{
    const struct fabric_port *p = &f->port[port];
    bool nic = n->nic[port] != MW_NONE;
    (void)snprintf(to, 120, nic ? "%s-nic%u" : "%s:%u", n->who[p->node],
                   nic ? n->nic[port] : p->number);
}

char *fabric_cables_text(const struct fabric *f)
{
    struct fabric_names n = { .hosts = 0 };
    char **line = mw_calloc(f->ports, sizeof(*line)), a[120], b[120];
    uint32_t lines = 0;
    must(line != NULL && fabric_names_make(f, &n, NULL) == 0);
    for (uint32_t i = 0; i < f->ports; i++) {
        if (f->port[i].peer == MW_NONE || f->port[i].peer < i)
            continue;
        port_text(f, &n, i, a);
        port_text(f, &n, f->port[i].peer, b);
        line[lines++] = cable(a, b);
    }
    fabric_names_fini(&n);
    return joined(line, lines);
}

static void end_text(const struct fleet *f, struct fleet_port end, char to[120])
{
    if (component_kind_of(end.component) == COMPONENT_NIC)
        (void)snprintf(to, 120, "%s", fleet_name(f, end.component));
    else
        (void)snprintf(to, 120, "%s:%u", fleet_name(f, end.component), end.port);
}

char *fleet_cables_text(const struct fleet *fleet)
{
    uint32_t lines = fleet->count[COMPONENT_CABLE];
    char **line = mw_calloc(lines + 1, sizeof(*line)), a[120], b[120];
    must(line != NULL);
    for (uint32_t i = 0; i < lines; i++) {
        end_text(fleet, fleet->cable_end[0][i], a);
        end_text(fleet, fleet->cable_end[1][i], b);
        line[i] = cable(a, b);
    }
    return joined(line, lines);
}
