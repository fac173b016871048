/*
 * Cables into few entries that give exactly the same ports.  The site reader
 * gives ports out in the order of the file, the lowest free one (from a port
 * on: "leaf1:33.."); this file does the same while it writes, and takes a larger
 * entry only when every port comes out as it was found:
 *   NICs of one switch       {from: "n[1-32]-nic0", to: "leaf1"}
 *   rows of switches         {from: "leaf[1-8]:33..", to: "spine[1-4]", links: 2}
 *   one cable                {from: "leaf1:40", to: "spine2:7"}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "live/import_fold.h"
#include "live/import_site.h"

#define PORTS_MAX 1024
#define PLACES_MAX (2 * IMPORT_NAME_MAX)

/* A cable with its upper end on a switch; the lower end is a NIC or a switch. */
struct cable {
    struct import_end low, high;
    bool copper;
};

/* Cables of one lower switch to upper ones: `links` to each of `uppers` upper rows in a row. */
struct chunk {
    uint32_t first, cables; /* in the list of cables */
    uint32_t uppers, links;
};

struct writer {
    const struct import_site *s;
    struct text *t;
    struct fold *fold;
    struct cable *cable; /* owned; NICs first by switch and port, then switches by lower, port */
    uint32_t cables, nics;
    uint8_t *taken;      /* owned: switch x PORTS_MAX */
    uint32_t *undo;      /* owned: places in taken, of the entry that is being tried */
    uint32_t undos;
    struct chunk *chunk; /* owned; of all lower switches, in order */
    uint32_t chunks;
    struct mw_error *err;
};

/* ---- order --------------------------------------------------------------------------------- */

static uint64_t end_key(struct import_end e)
{
    return (uint64_t)e.row << 32 | e.port;
}

/* NICs by the switch's port; switches by the lower one's. */
static int compare_cables(const void *left, const void *right)
{
    const struct cable *a = left, *b = right;
    if (a->low.nic != b->low.nic)
        return a->low.nic ? -1 : 1;
    const struct import_end *x = a->low.nic ? &a->high : &a->low;
    const struct import_end *y = b->low.nic ? &b->high : &b->low;
    uint64_t p = end_key(*x), q = end_key(*y);
    if (p != q)
        return p < q ? -1 : 1;
    p = end_key(a->low.nic ? a->low : a->high);
    q = end_key(b->low.nic ? b->low : b->high);
    return p < q ? -1 : p > q;
}

static bool below(const struct import_site *s, const struct import_end *a,
                  const struct import_end *b)
{
    if (a->nic || b->nic)
        return a->nic;
    uint8_t x = s->sw[a->row].tier, y = s->sw[b->row].tier;
    return x != y ? x < y : a->row < b->row;
}

/* Ports that nobody knows become the lowest that are free, so that from here on all are known. */
static int number_ports(struct writer *w)
{
    for (int unknown = 0; unknown < 2; unknown++)
        for (uint32_t i = 0; i < w->cables; i++)
            for (int k = 0; k < 2; k++) {
                struct import_end *e = k == 0 ? &w->cable[i].low : &w->cable[i].high;
                uint32_t port = e->port;
                if (e->nic || (port == 0) != (unknown == 1))
                    continue;
                uint8_t *taken = &w->taken[(size_t)e->row * PORTS_MAX];
                const struct import_switch *sw = &w->s->sw[e->row];
                while (unknown && port < sw->ports && (port == 0 || taken[port - 1]))
                    port++;
                if (port > sw->ports || taken[port - 1])
                    return mw_fail(w->err, MW_EINVAL, "%s: port %u has two cables, or it has not "
                                   "so many", sw->name, port);
                taken[port - 1] = 1;
                e->port = port;
            }
    memset(w->taken, 0, (size_t)w->s->switches * PORTS_MAX);
    return 0;
}

static int order_cables(struct writer *w)
{
    const struct import_site *s = w->s;
    for (uint32_t i = 0; i < s->cables; i++) {
        const struct import_end *a = &s->cable[i].end[0], *b = &s->cable[i].end[1];
        bool first = below(s, a, b);
        struct cable c = { .low = first ? *a : *b, .high = first ? *b : *a,
                           .copper = s->cable[i].copper };
        if (c.high.nic || (!c.low.nic && c.low.row == c.high.row))
            return mw_fail(w->err, MW_EINVAL,
                           "a cable that ends twice on one device, or on two NICs, is none of a "
                           "site file");
        w->nics += c.low.nic;
        w->cable[w->cables++] = c;
    }
    int rc = number_ports(w);
    if (rc != 0)
        return rc;
    if (w->cables > 0)
        qsort(w->cable, w->cables, sizeof(*w->cable), compare_cables);
    return 0;
}

/* ---- ports as the reader gives them -------------------------------------------------------- */

static bool give(struct writer *w, uint32_t sw, uint32_t from, uint32_t *ret)
{
    uint8_t *taken = &w->taken[(size_t)sw * PORTS_MAX];
    for (uint32_t p = from; p <= w->s->sw[sw].ports; p++)
        if (!taken[p - 1]) {
            taken[p - 1] = 1;
            w->undo[w->undos++] = sw * PORTS_MAX + p - 1;
            *ret = p;
            return true;
        }
    return false;
}

static void take_back(struct writer *w)
{
    while (w->undos > 0)
        w->taken[w->undo[--w->undos]] = 0;
}

/* Whether these cables, in this order, come out with their ports when those are given from these
 * on (0: the end is a NIC's).  Keeps what it took on success. */
static bool comes_out(struct writer *w, const struct cable *c, uint32_t n, uint32_t low_from,
                      uint32_t high_from)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t low = 0, high = 0;
        bool good = (c[i].low.nic || give(w, c[i].low.row, low_from, &low)) &&
                    give(w, c[i].high.row, high_from, &high) &&
                    (c[i].low.nic || c[i].low.port == low) && c[i].high.port == high;
        if (!good) {
            take_back(w);
            return false;
        }
    }
    w->undos = 0;
    return true;
}

static uint32_t lowest(const struct cable *c, uint32_t n, bool high)
{
    uint32_t least = PORTS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t port = high ? c[i].high.port : c[i].low.port;
        least = MW_MIN(least, port);
    }
    return least;
}

struct from {
    uint32_t low, high;
};

/* From port 1, or from the lowest port that they have. */
static bool try_ports(struct writer *w, const struct cable *c, uint32_t n, struct from *ret)
{
    uint32_t low = c->low.nic ? 1 : lowest(c, n, false), high = lowest(c, n, true);
    for (uint32_t k = 0; k < 4; k++) {
        uint32_t l = (k & 1) != 0 ? low : 1, h = (k & 2) != 0 ? high : 1;
        if (((k & 1) != 0 && low == 1) || ((k & 2) != 0 && high == 1))
            continue;
        if (comes_out(w, c, n, l, h)) {
            *ret = (struct from){ .low = l, .high = h };
            return true;
        }
    }
    return false;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void add_place(struct text *t, const char *key, const char *pattern, uint32_t from,
                      const char *on)
{
    text_addf(t, "%s: \"%s", key, pattern);
    if (from > 1 || (from == 1 && on[0] == '\0'))
        text_addf(t, ":%u%s", from, on);
    text_add(t, "\"");
}

static void add_entry(struct writer *w, const char *low, const char *high, struct from f,
                      uint32_t links, bool copper)
{
    text_add(w->t, "  - {");
    add_place(w->t, "from", low, f.low, "..");
    text_add(w->t, ", ");
    add_place(w->t, "to", high, f.high, "..");
    if (links > 1)
        text_addf(w->t, ", links: %u", links);
    text_addf(w->t, "%s}\n", copper ? ", copper: true" : "");
}

static void end_name(const struct import_site *s, struct import_end e, char to[PLACES_MAX])
{
    if (e.nic)
        (void)snprintf(to, PLACES_MAX, "%s-nic%u", s->node[e.row].name, e.port);
    else
        (void)snprintf(to, PLACES_MAX, "%s", s->sw[e.row].name);
}

/* A cable by itself, its ports written; nobody else may be given them. */
static void add_single(struct writer *w, const struct cable *c)
{
    char low[PLACES_MAX], high[PLACES_MAX];
    end_name(w->s, c->low, low);
    end_name(w->s, c->high, high);
    for (int k = 0; k < 2; k++) {
        const struct import_end *e = k == 0 ? &c->low : &c->high;
        if (!e->nic)
            w->taken[(size_t)e->row * PORTS_MAX + e->port - 1] = 1;
    }
    text_add(w->t, "  - {");
    add_place(w->t, "from", low, c->low.nic ? 0 : c->low.port, "");
    text_add(w->t, ", ");
    add_place(w->t, "to", high, c->high.port, "");
    text_addf(w->t, "%s}\n", c->copper ? ", copper: true" : "");
}

/* ---- NICs ---------------------------------------------------------------------------------- */

struct nic_run {
    struct writer *w;
    const struct cable *cable; /* of the fold's first name */
};

static int add_nics(void *ctx, const struct fold_entry *e, struct mw_error *err)
{
    struct nic_run *r = ctx;
    struct writer *w = r->w;
    const struct cable *c = &r->cable[e->first];
    struct from f;
    (void)err;
    if (e->count > 1 && try_ports(w, c, e->count, &f)) {
        add_entry(w, e->pattern, w->s->sw[c->high.row].name,
                  (struct from){ .low = 0, .high = f.high }, 1, c->copper);
        return 0;
    }
    for (uint32_t i = 0; i < e->count; i++)
        add_single(w, &c[i]);
    return 0;
}

/* Whether b goes on where a stands: the same switch, the next port. */
static bool goes_on(const struct cable *a, const struct cable *b)
{
    return a->high.row == b->high.row && a->copper == b->copper &&
           b->high.port == a->high.port + 1;
}

static int write_nics(struct writer *w)
{
    int rc = 0;
    for (uint32_t i = 0; i < w->nics && rc == 0;) {
        struct nic_run run = { .w = w, .cable = &w->cable[i] };
        uint32_t start = i;
        fold_begin(w->fold);
        do {
            char name[PLACES_MAX];
            end_name(w->s, w->cable[i].low, name);
            rc = fold_add(w->fold, name, NULL, w->err);
            i++;
        } while (rc == 0 && i < w->nics && goes_on(&w->cable[i - 1], &w->cable[i]));
        must(i > start);
        if (rc == 0)
            rc = fold_end(w->fold, add_nics, &run, w->err);
    }
    return rc;
}

/* ---- switches ------------------------------------------------------------------------------ */

struct one_pattern {
    char text[FOLD_NAME_MAX];
    uint32_t patterns;
};

static int keep_pattern(void *ctx, const struct fold_entry *e, struct mw_error *err)
{
    struct one_pattern *p = ctx;
    (void)err;
    (void)snprintf(p->text, sizeof(p->text), "%s", e->pattern);
    p->patterns++;
    return 0;
}

/* Switches row.., n of them, `step` apart in the list of cables' ends, as one pattern. */
static bool one_pattern(struct writer *w, const struct cable *c, uint32_t n, uint32_t step,
                        bool high, char ret[FOLD_NAME_MAX])
{
    struct one_pattern p = { .patterns = 0 };
    fold_begin(w->fold);
    for (uint32_t i = 0; i < n; i++) {
        const struct cable *at = &c[(size_t)i * step];
        if (fold_add(w->fold, w->s->sw[high ? at->high.row : at->low.row].name, NULL, NULL) != 0)
            return false;
    }
    if (fold_end(w->fold, keep_pattern, &p, NULL) != 0 || p.patterns != 1)
        return false;
    memcpy(ret, p.text, FOLD_NAME_MAX);
    return true;
}

/* Cuts a lower switch's cables into chunks: ports without a gap, uppers upward, equal links. */
static struct chunk next_chunk(const struct cable *c, uint32_t n)
{
    struct chunk k = { .cables = 0 };
    while (k.cables < n) {
        uint32_t links = 1, at = k.cables;
        const struct cable *first = &c[at];
        bool joins = at == 0 || (c[at - 1].high.row < first->high.row &&
                                 c[at - 1].copper == first->copper &&
                                 c[at - 1].low.port + 1 == first->low.port);
        while (joins && at + links < n && c[at + links].high.row == first->high.row &&
               c[at + links].copper == first->copper &&
               c[at + links].low.port == first->low.port + links)
            links++;
        if (!joins || (k.uppers > 0 && links != k.links))
            break;
        k.links = links;
        k.uppers++;
        k.cables += links;
    }
    must(k.cables > 0);
    return k;
}

static void make_chunks(struct writer *w)
{
    for (uint32_t i = w->nics; i < w->cables;) {
        uint32_t n = 1;
        while (i + n < w->cables && w->cable[i + n].low.row == w->cable[i].low.row)
            n++;
        struct chunk k = next_chunk(&w->cable[i], n);
        k.first = i;
        w->chunk[w->chunks++] = k;
        i += k.cables;
    }
}

/* How many chunks the lower switch of this one has, from it on. */
static uint32_t chunks_of(const struct writer *w, uint32_t at)
{
    uint32_t n = 1;
    while (at + n < w->chunks && w->cable[w->chunk[at + n].first].low.row ==
                                     w->cable[w->chunk[at].first].low.row)
        n++;
    return n;
}

/* Whether two lower switches are cabled alike: the same uppers from the same ports on. */
static bool like(const struct writer *w, uint32_t a, uint32_t b, uint32_t n)
{
    if (chunks_of(w, b) != n)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct chunk *x = &w->chunk[a + i], *y = &w->chunk[b + i];
        if (x->cables != y->cables || x->links != y->links || x->uppers != y->uppers)
            return false;
        for (uint32_t k = 0; k < x->cables; k++) {
            const struct cable *p = &w->cable[x->first + k], *q = &w->cable[y->first + k];
            if (p->high.row != q->high.row || p->low.port != q->low.port || p->copper != q->copper)
                return false;
        }
    }
    return true;
}

/* The chunk of `lowers` alike switches as one entry: in a file with one chunk each, their cables
 * stand one after the other in the list. */
static bool try_group(struct writer *w, uint32_t chunk, uint32_t lowers)
{
    const struct chunk *k = &w->chunk[chunk];
    const struct cable *c = &w->cable[k->first];
    char low[FOLD_NAME_MAX], high[FOLD_NAME_MAX];
    struct from f;
    if (!one_pattern(w, c, lowers, k->cables, false, low) ||
        !one_pattern(w, c, k->uppers, k->links, true, high) ||
        !try_ports(w, c, lowers * k->cables, &f))
        return false;
    add_entry(w, low, high, f, k->links, c->copper);
    return true;
}

/* One chunk of one switch: as an entry, else pair by pair, else cable by cable. */
static void write_chunk(struct writer *w, uint32_t chunk)
{
    const struct chunk *k = &w->chunk[chunk];
    if (k->cables > 1 && try_group(w, chunk, 1))
        return;
    for (uint32_t i = 0; i < k->uppers; i++) {
        const struct cable *c = &w->cable[k->first + i * k->links];
        struct from f;
        if (k->links > 1 && try_ports(w, c, k->links, &f)) {
            add_entry(w, w->s->sw[c->low.row].name, w->s->sw[c->high.row].name, f, k->links,
                      c->copper);
            continue;
        }
        for (uint32_t n = 0; n < k->links; n++)
            add_single(w, &c[n]);
    }
}

/* Groups of alike switches with one chunk each, as large as come out; halves when they do not. */
static void write_switches(struct writer *w)
{
    for (uint32_t at = 0; at < w->chunks;) {
        uint32_t n = chunks_of(w, at), lowers = 1;
        while (n == 1 && at + lowers < w->chunks && like(w, at, at + lowers, 1))
            lowers++;
        while (lowers > 1 && !try_group(w, at, lowers))
            lowers = (lowers + 1) / 2;
        for (uint32_t i = 0; lowers == 1 && i < n; i++)
            write_chunk(w, at + i);
        at += lowers == 1 ? n : lowers;
    }
}

int import_cables_write(const struct import_site *s, struct text *yaml, struct mw_error *err)
{
    struct writer w = { .s = s, .t = yaml, .err = err,
        .cable = mw_calloc(s->cables, sizeof(*w.cable)),
        .taken = mw_calloc((size_t)s->switches * PORTS_MAX, 1),
        .undo = mw_calloc(2 * (size_t)s->cables, sizeof(*w.undo)),
        .chunk = mw_calloc(s->cables, sizeof(*w.chunk)) };
    int rc = w.cable == NULL || w.taken == NULL || w.undo == NULL || w.chunk == NULL
                 ? mw_fail(err, MW_ENOMEM, "out of memory for %u cables", s->cables)
                 : fold_create(&w.fold, err);
    if (rc == 0)
        rc = order_cables(&w);
    if (rc == 0)
        rc = write_nics(&w);
    if (rc == 0) {
        make_chunks(&w);
        write_switches(&w);
    }
    fold_destroy(w.fold);
    mw_free(w.cable);
    mw_free(w.taken);
    mw_free(w.undo);
    mw_free(w.chunk);
    return rc;
}
