/*
 * Rows of nodes and ports, and the words of InfiniBand for rates and states.
 */
#include "live/fabric.h"

#include <string.h>

#include "base/mem.h"

/* Signalling rate of a lane, Mb/s: IBTA vol. 2, and the names ibnetdiscover prints. */
static const struct {
    const char *name;
    uint32_t mbps;
    double gbps; /* nominal, as Linux and the makers say it */
} speeds[] = {
    { "SDR", 2500, 2.5 }, { "DDR", 5000, 5 },     { "QDR", 10000, 10 },
    { "FDR10", 10312, 10 }, { "FDR", 14062, 14 }, { "EDR", 25781, 25 },
    { "HDR", 53125, 50 }, { "NDR", 106250, 100 }, { "XDR", 212500, 200 },
};

void fabric_fini(struct fabric *f)
{
    mw_free(f->node);
    mw_free(f->port);
    *f = (struct fabric){ .nodes = 0 };
}

void fabric_clear(struct fabric *f)
{
    f->nodes = 0;
    f->ports = 0;
}

/* Makes place for `more` rows of `size` bytes after `used`. */
static int grow(void **rows, uint32_t *room, uint32_t used, uint32_t more, size_t size)
{
    uint32_t wanted = used + more, next = *room == 0 ? 64 : *room;
    if (wanted <= *room)
        return 0;
    while (next < wanted)
        next *= 2;
    void *p = mw_resize(*rows, next, size);
    if (p == NULL)
        return MW_ENOMEM;
    *rows = p;
    *room = next;
    return 0;
}

int fabric_add(struct fabric *f, const struct fabric_node *n, uint32_t *ret_row,
               struct mw_error *err)
{
    must(n->ports <= FABRIC_NUMBER_MAX);
    if (f->nodes == FABRIC_NODES_MAX || f->ports + n->ports > FABRIC_PORTS_MAX)
        return mw_fail(err, MW_ELIMIT, "more than %d nodes or %d ports in one fabric",
                       FABRIC_NODES_MAX, FABRIC_PORTS_MAX);
    void *nodes = f->node, *ports = f->port;
    int rc = grow(&nodes, &f->nodes_room, f->nodes, 1, sizeof(*f->node));
    f->node = nodes;
    if (rc == 0)
        rc = grow(&ports, &f->ports_room, f->ports, n->ports, sizeof(*f->port));
    f->port = ports;
    if (rc != 0)
        return mw_fail(err, rc, "out of memory for the fabric");
    struct fabric_node *row = &f->node[f->nodes];
    *row = *n;
    row->name[FABRIC_NAME_MAX] = '\0';
    row->port_first = f->ports;
    for (uint32_t i = 0; i < n->ports; i++)
        f->port[f->ports++] = (struct fabric_port){ .node = f->nodes, .peer = MW_NONE,
                                                    .number = (uint8_t)(i + 1) };
    *ret_row = f->nodes++;
    return 0;
}

uint32_t fabric_port_of(const struct fabric *f, uint32_t node, uint32_t number)
{
    must(node < f->nodes);
    if (number < 1 || number > f->node[node].ports)
        return MW_NONE;
    return f->node[node].port_first + number - 1;
}

int fabric_join(struct fabric *f, uint32_t a, uint32_t b, struct mw_error *err)
{
    must(a < f->ports && b < f->ports);
    const uint32_t end[2] = { a, b }, other[2] = { b, a };
    for (int i = 0; i < 2; i++) {
        const struct fabric_port *p = &f->port[end[i]];
        if (a == b || (p->peer != MW_NONE && p->peer != other[i]))
            return mw_fail(err, MW_ECONFLICT, "port %u of \"%s\" ends on two ports, or on itself",
                           p->number, f->node[p->node].name);
    }
    f->port[a].peer = b;
    f->port[b].peer = a;
    return 0;
}

uint32_t fabric_links(const struct fabric *f)
{
    uint32_t ends = 0;
    for (uint32_t i = 0; i < f->ports; i++)
        ends += f->port[i].peer != MW_NONE;
    must(ends % 2 == 0);
    return ends / 2;
}

uint32_t fabric_count(const struct fabric *f, enum fabric_kind kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->nodes; i++)
        n += f->node[i].kind == kind;
    return n;
}

bool fabric_rate_read(const char *word, size_t size, uint8_t *ret_width, uint32_t *ret_speed)
{
    uint32_t width = 0;
    size_t i = 0;
    for (; i < size && i < 2 && word[i] >= '0' && word[i] <= '9'; i++)
        width = width * 10 + (uint32_t)(word[i] - '0');
    if (i == 0 || i >= size || word[i] != 'x' || width == 0)
        return false;
    for (size_t k = 0; k < MW_ARRAY_LEN(speeds); k++) {
        size_t n = strlen(speeds[k].name);
        if (size - i - 1 == n && memcmp(word + i + 1, speeds[k].name, n) == 0) {
            *ret_width = (uint8_t)width;
            *ret_speed = speeds[k].mbps;
            return true;
        }
    }
    return false;
}

double fabric_rate_gbps(uint32_t width, uint32_t speed)
{
    for (size_t k = 0; k < MW_ARRAY_LEN(speeds); k++)
        if (speeds[k].mbps == speed)
            return width * speeds[k].gbps;
    return 0;
}

const char *fabric_speed_name(uint32_t speed)
{
    for (size_t k = 0; k < MW_ARRAY_LEN(speeds); k++)
        if (speeds[k].mbps == speed)
            return speeds[k].name;
    return "";
}

const char *fabric_state_name(uint32_t state)
{
    static const char *const names[] = { "", "down", "init", "armed", "active" };
    return state < MW_ARRAY_LEN(names) ? names[state] : "";
}

const char *fabric_physical_name(uint32_t physical)
{
    static const char *const names[] = { "",         "sleep",   "polling",  "disabled",
                                         "training", "link up", "recovery", "phy test" };
    return physical < MW_ARRAY_LEN(names) ? names[physical] : "";
}
