/*
 * Lines of numbers: a cursor over blanks that refuses what it does not expect.
 */
#include "live/fabric_line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LINE_VERSION 1

void fabric_round_fini(struct fabric_round *r)
{
    fabric_fini(&r->fabric);
    mw_free(r->reading);
    *r = (struct fabric_round){ .asked = 0 };
}

void fabric_round_clear(struct fabric_round *r)
{
    fabric_clear(&r->fabric);
    r->discover_us = r->read_us = 0;
    r->asked = r->failed = 0;
    r->done = false;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct cursor {
    const char *at;
    bool bad;
};

static uint64_t take(struct cursor *c, int base, uint64_t most)
{
    char *end;
    const char *digits = base == 16 ? "0123456789abcdef" : "0123456789";
    size_t n = strspn(c->at, digits);
    if (c->bad || n == 0 || n > 20 || (c->at[n] != ' ' && c->at[n] != '\0')) {
        c->bad = true;
        return 0;
    }
    errno = 0;
    unsigned long long v = strtoull(c->at, &end, base);
    c->bad = errno != 0 || v > most || end != c->at + n;
    c->at += n + (c->at[n] == ' ');
    return v;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The rest of the line, decoded; cut to size. */
static void take_text(struct cursor *c, char *to, size_t size)
{
    size_t n = 0;
    for (const char *s = c->at; *s != '\0' && n + 1 < size; s++) {
        int high, low;
        if (*s == '%' && (high = nibble(s[1])) >= 0 && (low = nibble(s[2])) >= 0) {
            to[n++] = (char)(high * 16 + low);
            s += 2;
        } else {
            to[n++] = *s;
        }
    }
    to[n] = '\0';
}

static int bad_line(const char *line, struct mw_error *err)
{
    return mw_fail(err, MW_ESYNTAX, "mw-fabric said '%.60s', which is not understood", line);
}

static int take_node(struct fabric_round *r, struct cursor c, struct mw_error *err)
{
    struct fabric_node n = { .guid = 0 };
    uint32_t row;
    const char *line = c.at;
    n.guid = take(&c, 16, UINT64_MAX);
    n.kind = (uint8_t)take(&c, 10, FABRIC_ROUTER);
    n.ports = (uint8_t)take(&c, 10, FABRIC_NUMBER_MAX);
    n.lid = (uint32_t)take(&c, 10, UINT16_MAX);
    if (c.bad || n.kind == 0)
        return bad_line(line, err);
    take_text(&c, n.name, sizeof(n.name));
    return fabric_add(&r->fabric, &n, &row, err);
}

static int take_port(struct fabric_round *r, struct cursor c, struct mw_error *err)
{
    struct fabric *f = &r->fabric;
    const char *line = c.at;
    uint32_t node = (uint32_t)take(&c, 10, FABRIC_NODES_MAX);
    uint32_t number = (uint32_t)take(&c, 10, FABRIC_NUMBER_MAX), far = MW_NONE;
    bool linked = *c.at != '-';
    if (!linked)
        c.at += c.at[1] == ' ' ? 2 : 1;
    uint32_t far_node = linked ? (uint32_t)take(&c, 10, FABRIC_NODES_MAX) : 0;
    uint32_t far_number = (uint32_t)take(&c, 10, FABRIC_NUMBER_MAX);
    struct fabric_port p = { .state = (uint8_t)take(&c, 10, FABRIC_ACTIVE) };
    p.physical = (uint8_t)take(&c, 10, FABRIC_PHY_TEST);
    p.rate.width = (uint8_t)take(&c, 10, 12);
    p.rate.width_enabled = (uint8_t)take(&c, 10, 12);
    p.rate.width_supported = (uint8_t)take(&c, 10, 12);
    p.rate.speed = (uint32_t)take(&c, 10, UINT32_MAX);
    p.rate.speed_enabled = (uint32_t)take(&c, 10, UINT32_MAX);
    p.rate.speed_supported = (uint32_t)take(&c, 10, UINT32_MAX);
    uint32_t near = c.bad || node >= f->nodes ? MW_NONE : fabric_port_of(f, node, number);
    if (linked && near != MW_NONE && far_node < f->nodes)
        far = fabric_port_of(f, far_node, far_number);
    if (near == MW_NONE || (linked && far == MW_NONE))
        return bad_line(line, err);
    struct fabric_port *row = &f->port[near];
    p.node = row->node;
    p.number = row->number;
    p.peer = row->peer;
    *row = p;
    return linked ? fabric_join(f, near, far, err) : 0;
}

/* The first count of a round: all nodes are known by now. */
static int room_for_readings(struct fabric_round *r, struct mw_error *err)
{
    uint32_t ports = r->fabric.ports;
    if (r->asked > 0)
        return 0;
    if (ports > r->reading_room) {
        void *p = mw_resize(r->reading, ports, sizeof(*r->reading));
        if (p == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory for the counters of %u ports", ports);
        r->reading = p;
        r->reading_room = ports;
    }
    if (ports > 0)
        memset(r->reading, 0, ports * sizeof(*r->reading));
    r->asked = 1;
    return 0;
}

static int take_count(struct fabric_round *r, struct cursor c, struct mw_error *err)
{
    struct fabric *f = &r->fabric;
    struct fabric_reading got;
    const char *line = c.at;
    uint32_t node = (uint32_t)take(&c, 10, FABRIC_NODES_MAX);
    uint32_t number = (uint32_t)take(&c, 10, FABRIC_NUMBER_MAX);
    got.has = (uint32_t)take(&c, 16, UINT32_MAX) & ((UINT32_C(1) << FABRIC_COUNTER_COUNT) - 1);
    got.wide = (uint32_t)take(&c, 16, UINT32_MAX) & got.has;
    for (uint32_t i = 0; i < FABRIC_COUNTER_COUNT; i++) {
        got.value[i] = take(&c, 10, UINT64_MAX);
        if (got.value[i] > fabric_counter_most(i, (got.wide >> i & 1) != 0))
            c.bad = true;
    }
    uint32_t port = c.bad || node >= f->nodes ? MW_NONE : fabric_port_of(f, node, number);
    if (port == MW_NONE)
        return bad_line(line, err);
    int rc = room_for_readings(r, err);
    if (rc == 0 && port < r->reading_room)
        r->reading[port] = got;
    return rc;
}

static int take_end(struct fabric_round *r, struct cursor c, struct mw_error *err)
{
    const char *line = c.at;
    uint64_t discover = take(&c, 10, UINT64_MAX), read = take(&c, 10, UINT64_MAX);
    uint32_t asked = (uint32_t)take(&c, 10, UINT32_MAX);
    uint32_t failed = (uint32_t)take(&c, 10, UINT32_MAX);
    if (c.bad)
        return bad_line(line, err);
    int rc = room_for_readings(r, err); /* a round without counts has none of the last one */
    if (rc != 0)
        return rc;
    r->discover_us = discover;
    r->read_us = read;
    r->asked = asked;
    r->failed = failed;
    r->done = true;
    return 0;
}

static int take_fail(struct cursor c, struct mw_error *err)
{
    char text[MW_ERROR_TEXT_MAX];
    int code = (int)take(&c, 10, 100);
    take_text(&c, text, sizeof(text));
    return mw_fail(err, c.bad || code == 0 || code > 16 ? MW_EIO : -code, "%s", text);
}

int fabric_round_line(struct fabric_round *r, const char *line, struct mw_error *err)
{
    static const char *const words[] = { "node ", "port ", "count ", "end ", "fail ", "fabric " };
    size_t k = 0;
    while (k < MW_ARRAY_LEN(words) && strncmp(line, words[k], strlen(words[k])) != 0)
        k++;
    if (k == MW_ARRAY_LEN(words) || r->done)
        return bad_line(line, err);
    struct cursor c = { .at = line + strlen(words[k]) };
    switch (k) {
    case 0:
        return r->asked > 0 ? bad_line(line, err) : take_node(r, c, err);
    case 1:
        return take_port(r, c, err);
    case 2:
        return take_count(r, c, err);
    case 3:
        return take_end(r, c, err);
    case 4:
        return take_fail(c, err);
    default:
        return take(&c, 10, UINT32_MAX) == LINE_VERSION && !c.bad
                   ? 0
                   : mw_fail(err, MW_EVERSION, "mw-fabric is of another version: '%.40s'", line);
    }
}

/* ---- writing ------------------------------------------------------------------------------- */

static size_t fits(int n)
{
    return n > 0 && n < FABRIC_LINE_MAX ? (size_t)n : 0;
}

/* Codes what would break a line: all but ! to ~, and %. */
static void code_text(const char *s, char *to, size_t size)
{
    size_t n = 0;
    for (; *s != '\0' && n + 4 < size; s++) {
        unsigned char b = (unsigned char)*s;
        if (b > ' ' && b <= '~' && b != '%')
            to[n++] = *s;
        else
            n += (size_t)snprintf(to + n, size - n, "%%%02X", b);
    }
    to[n] = '\0';
}

size_t fabric_line_node(const struct fabric_node *n, char to[FABRIC_LINE_MAX])
{
    char name[3 * FABRIC_NAME_MAX + 8];
    code_text(n->name, name, sizeof(name));
    return fits(snprintf(to, FABRIC_LINE_MAX, "node %" PRIx64 " %u %u %u %s\n", n->guid, n->kind,
                         n->ports, n->lid, name));
}

size_t fabric_line_port(const struct fabric *f, uint32_t port, char to[FABRIC_LINE_MAX])
{
    must(port < f->ports);
    const struct fabric_port *p = &f->port[port];
    const struct fabric_rate *r = &p->rate;
    char peer[32] = "- 0";
    if (p->peer != MW_NONE)
        (void)snprintf(peer, sizeof(peer), "%u %u", f->port[p->peer].node,
                       f->port[p->peer].number);
    return fits(snprintf(to, FABRIC_LINE_MAX, "port %u %u %s %u %u %u %u %u %u %u %u\n", p->node,
                         p->number, peer, p->state, p->physical, r->width, r->width_enabled,
                         r->width_supported, r->speed, r->speed_enabled, r->speed_supported));
}

size_t fabric_line_count(const struct fabric_port *p, const struct fabric_reading *r,
                         char to[FABRIC_LINE_MAX])
{
    int n = snprintf(to, FABRIC_LINE_MAX, "count %u %u %x %x", p->node, p->number, r->has, r->wide);
    for (uint32_t i = 0; i < FABRIC_COUNTER_COUNT; i++)
        n += snprintf(to + n, FABRIC_LINE_MAX - (size_t)n, " %" PRIu64, r->value[i]);
    n += snprintf(to + n, FABRIC_LINE_MAX - (size_t)n, "\n");
    return fits(n);
}

size_t fabric_line_fail(int code, const char *text, char to[FABRIC_LINE_MAX])
{
    char coded[FABRIC_LINE_MAX - 64];
    code_text(text, coded, sizeof(coded));
    return fits(snprintf(to, FABRIC_LINE_MAX, "fail %d %s\n", -code, coded));
}
