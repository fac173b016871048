/*
 * Ends sorted by device and name of the port; numbers given out device by device.
 */
#include "live/import_wires.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "live/fabric_names.h"

#define NUMBER_MAX 1024 /* ports of a switch in a site file */
#define NICS_MAX 64

struct end {
    char device[IMPORT_NAME_MAX];
    char port[IMPORT_NAME_MAX];
    uint32_t wire;
    uint8_t side;
    uint32_t number; /* NIC or port; MW_NONE = left out */
};

struct import_wires {
    struct end *end; /* owned; two for each wire */
    bool *copper;    /* owned; of each wire */
    uint32_t ends, ends_room, copper_room;
};

int import_wires_create(struct import_wires **ret, struct mw_error *err)
{
    struct import_wires *w = mw_calloc(1, sizeof(*w));
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    *ret = w;
    return 0;
}

void import_wires_destroy(struct import_wires *w)
{
    if (w == NULL)
        return;
    mw_free(w->end);
    mw_free(w->copper);
    mw_free(w);
}

static int make_room(struct import_wires *w)
{
    if (w->ends + 2 > w->ends_room) {
        uint32_t room = w->ends_room == 0 ? 64 : w->ends_room * 2;
        struct end *p = mw_resize(w->end, room, sizeof(*p));
        if (p == NULL)
            return MW_ENOMEM;
        w->end = p;
        w->ends_room = room;
    }
    if (w->ends / 2 >= w->copper_room) {
        uint32_t room = w->copper_room == 0 ? 32 : w->copper_room * 2;
        bool *p = mw_resize(w->copper, room, sizeof(*p));
        if (p == NULL)
            return MW_ENOMEM;
        w->copper = p;
        w->copper_room = room;
    }
    return 0;
}

int import_wires_add(struct import_wires *w, const struct import_wire *one, struct mw_error *err)
{
    if (w->ends / 2 >= IMPORT_CABLES_MAX)
        return mw_fail(err, MW_ELIMIT, "more than %d cables", IMPORT_CABLES_MAX);
    if (make_room(w) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory for cables");
    for (uint8_t k = 0; k < 2; k++) {
        if (one->device[k][0] == '\0' || one->port[k][0] == '\0')
            return mw_fail(err, MW_EINVAL, "a cable's end needs a device and a port");
        struct end *e = &w->end[w->ends + k];
        *e = (struct end){ .wire = w->ends / 2, .side = k, .number = MW_NONE };
        import_name(e->device, one->device[k], strlen(one->device[k]));
        (void)snprintf(e->port, sizeof(e->port), "%.*s", IMPORT_NAME_MAX - 1, one->port[k]);
    }
    w->copper[w->ends / 2] = one->copper;
    w->ends += 2;
    return 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static int compare_ends(const void *left, const void *right)
{
    const struct end *a = left, *b = right;
    int c = fabric_names_compare(a->device, b->device);
    if (c == 0)
        c = strcmp(a->device, b->device);
    if (c == 0)
        c = fabric_names_compare(a->port, b->port);
    if (c == 0)
        c = strcmp(a->port, b->port);
    if (c == 0)
        c = a->wire != b->wire ? (a->wire < b->wire ? -1 : 1) : a->side - b->side;
    return c;
}

/* The last number of a name: 7 of "Ethernet1/7", 3 of "swp3"; MW_NONE without one. */
static uint32_t last_number(const char *name)
{
    size_t end = strlen(name), start;
    while (end > 0 && !isdigit((unsigned char)name[end - 1]))
        end--;
    start = end;
    while (start > 0 && isdigit((unsigned char)name[start - 1]) && end - start < 6)
        start--;
    return start == end ? MW_NONE : (uint32_t)strtoul(name + start, NULL, 10);
}

/* Whether the last numbers of the names (each name once) are port numbers that tell them apart. */
static bool numbered(const struct end *e, uint32_t n)
{
    uint8_t taken[NUMBER_MAX + 1] = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && strcmp(e[i].port, e[i - 1].port) == 0)
            continue;
        uint32_t number = last_number(e[i].port);
        if (number == 0 || number > NUMBER_MAX || taken[number])
            return false;
        taken[number] = 1;
    }
    return true;
}

/* A switch's ends: the number of each; gives the largest. */
static uint32_t number_switch(struct import_site *s, struct end *e, uint32_t n, uint32_t row)
{
    bool by_name = numbered(e, n);
    uint32_t next = 0, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool again = i > 0 && strcmp(e[i].port, e[i - 1].port) == 0;
        next += !again;
        e[i].number = by_name ? last_number(e[i].port) : next;
        if (e[i].number > NUMBER_MAX)
            e[i].number = MW_NONE;
        else
            most = MW_MAX(most, e[i].number);
    }
    if (!by_name)
        import_remark(s, "ports of %s are numbered in the order of their names, from 1 = %s to "
                         "%u = %s", s->sw[row].name, e[0].port, next, e[n - 1].port);
    return most;
}

/* A node's ends: NICs in the order of their names. */
static uint32_t number_node(struct end *e, uint32_t n)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(e[i].port, e[i - 1].port) != 0)
            next++;
        e[i].number = next <= NICS_MAX ? next - 1 : MW_NONE;
    }
    return MW_MIN(next, (uint32_t)NICS_MAX);
}

static int index_names(const struct import_site *s, struct map *rows)
{
    int rc = map_init(rows, s->nodes + s->switches + 1);
    for (uint32_t i = 0; i < s->nodes && rc == 0; i++)
        map_put(rows, mw_hash64_of(s->node[i].name, strlen(s->node[i].name)), i);
    for (uint32_t i = 0; i < s->switches && rc == 0; i++)
        map_put(rows, mw_hash64_of(s->sw[i].name, strlen(s->sw[i].name)), s->nodes + i);
    return rc;
}

/* Numbers the ends of every device of the site. */
static void number_all(struct import_wires *w, struct import_site *s, const struct map *rows)
{
    for (uint32_t i = 0, n; i < w->ends; i += n) {
        struct end *e = &w->end[i];
        for (n = 1; i + n < w->ends && strcmp(e[n].device, e->device) == 0; n++)
            continue;
        uint32_t row = map_get(rows, mw_hash64_of(e->device, strlen(e->device)));
        if (row == MW_NONE)
            continue;
        if (row < s->nodes) {
            struct import_model *m = &s->model[s->node[row].model];
            m->nics = MW_MAX(m->nics, number_node(e, n));
        } else {
            struct import_switch *sw = &s->sw[row - s->nodes];
            sw->ports = MW_MAX(sw->ports, number_switch(s, e, n, row - s->nodes));
        }
    }
}

/* ---- cables -------------------------------------------------------------------------------- */

struct counts {
    uint32_t nowhere, nics, again, crowded;
};

static struct import_end end_of(const struct import_site *s, const struct end *e, uint32_t row)
{
    bool nic = row < s->nodes;
    return (struct import_end){ .nic = nic, .row = nic ? row : row - s->nodes, .port = e->number };
}

static uint64_t place_key(struct import_end e)
{
    return (uint64_t)e.nic << 63 | (uint64_t)e.row << 16 | e.port;
}

/* What adding needs; taken: which places have a cable, and which. */
struct adding {
    struct import_site *s;
    const struct map *rows;
    struct map taken;
    struct counts c;
    struct mw_error *err;
};

/* One wire into a cable. */
static int add_cable(struct adding *a, const struct end *const ends[2], bool copper)
{
    struct import_site *s = a->s;
    struct import_cable cable = { .copper = copper };
    uint64_t key[2];
    for (int k = 0; k < 2; k++) {
        uint32_t row = map_get(a->rows, mw_hash64_of(ends[k]->device, strlen(ends[k]->device)));
        if (row == MW_NONE || ends[k]->number == MW_NONE) {
            a->c.nowhere++;
            return 0;
        }
        cable.end[k] = end_of(s, ends[k], row);
        key[k] = place_key(cable.end[k]);
    }
    bool self = cable.end[0].nic == cable.end[1].nic && cable.end[0].row == cable.end[1].row;
    if ((cable.end[0].nic && cable.end[1].nic) || self) {
        a->c.nics++;
        return 0;
    }
    uint32_t one = map_get(&a->taken, key[0]), two = map_get(&a->taken, key[1]);
    if (one != MW_NONE || two != MW_NONE) {
        a->c.again += one == two;
        a->c.crowded += one != two;
        return 0;
    }
    map_put(&a->taken, key[0], s->cables);
    map_put(&a->taken, key[1], s->cables);
    return import_add_cable(s, &cable, a->err);
}

static void remark(struct import_site *s, const struct counts *c)
{
    if (c->nowhere > 0)
        import_remark(s, "cables left out, to devices or ports that are not taken: %u",
                      c->nowhere);
    if (c->nics > 0)
        import_remark(s, "cables left out, between nodes or from a device to itself: %u", c->nics);
    if (c->crowded > 0)
        import_remark(s, "cables left out, on a port that has another already: %u", c->crowded);
}

static int add_cables(struct import_wires *w, struct import_site *s, const struct map *rows,
                      struct mw_error *err)
{
    const struct end **of = mw_calloc(w->ends, sizeof(*of));
    struct adding a = { .s = s, .rows = rows, .err = err };
    int rc = of == NULL || map_init(&a.taken, w->ends + 1) != 0
                 ? mw_fail(err, MW_ENOMEM, "out of memory for cables") : 0;
    for (uint32_t i = 0; i < w->ends && rc == 0; i++)
        of[2 * w->end[i].wire + w->end[i].side] = &w->end[i];
    for (uint32_t i = 0; i < w->ends / 2 && rc == 0; i++)
        rc = add_cable(&a, &of[2 * (size_t)i], w->copper[i]);
    mw_free(of);
    map_fini(&a.taken);
    remark(s, &a.c);
    return rc;
}

int import_wires_resolve(struct import_wires *w, struct import_site *s, struct mw_error *err)
{
    struct map rows = { .place = NULL };
    if (index_names(s, &rows) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (w->ends > 0)
        qsort(w->end, w->ends, sizeof(*w->end), compare_ends);
    number_all(w, s, &rows);
    int rc = add_cables(w, s, &rows, err);
    map_fini(&rows);
    return rc;
}

/* ---- tiers --------------------------------------------------------------------------------- */

int import_tiers(struct import_site *s, struct mw_error *err)
{
    uint8_t *next = mw_calloc(s->switches, 1);
    if (next == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < s->cables; i++)
        for (int k = 0; k < 2; k++) {
            const struct import_end *e = &s->cable[i].end[k];
            if (!e->nic && s->cable[i].end[1 - k].nic && s->sw[e->row].tier == 0)
                s->sw[e->row].tier = SWITCH_LEAF;
        }
    for (uint32_t i = 0; i < s->cables; i++)
        for (int k = 0; k < 2; k++) {
            const struct import_end *e = &s->cable[i].end[k], *far = &s->cable[i].end[1 - k];
            if (!e->nic && !far->nic && s->sw[e->row].tier == 0 &&
                s->sw[far->row].tier == SWITCH_LEAF)
                next[e->row] = SWITCH_SPINE;
        }
    for (uint32_t i = 0; i < s->switches; i++)
        if (s->sw[i].tier == 0)
            s->sw[i].tier = next[i] != 0 ? next[i] : SWITCH_CORE;
    mw_free(next);
    return 0;
}
