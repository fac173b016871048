/*
 * What a machine is made of, where its readings come from, and its last checks.
 * Each entry is one block with its strings behind it.
 */
#include <string.h>

#include "signal/machines_private.h"

#define TEXT_MAX 2048u

/* Copies strings into the room behind a struct, one after the other. */
struct room {
    char *at;
    size_t left;
};

static size_t size_of(const char *text)
{
    return strnlen(text, TEXT_MAX) + 1;
}

static const char *copy(struct room *r, const char *text)
{
    char *to = r->at;
    size_t n = size_of(text);
    must(n <= r->left);
    memcpy(to, text, n - 1);
    to[n - 1] = '\0';
    r->at += n;
    r->left -= n;
    return to;
}

/* Sizes are kept by measuring what is there: entries are few and change rarely. */
static size_t part_strings(const struct machine_part *p)
{
    return size_of(p->scope_name) + size_of(p->name) + size_of(p->serial) + size_of(p->model) +
           size_of(p->fw) + size_of(p->pci) + size_of(p->peer) + size_of(p->peer_port) +
           size_of(p->text);
}

static struct machine_part *part_copy(const struct machine_part *p)
{
    size_t strings = part_strings(p);
    struct machine_part *copied = mw_calloc(1, sizeof(*copied) + strings);
    if (!copied)
        return NULL;
    struct room r = { (char *)(copied + 1), strings };
    *copied = *p;
    copied->scope_name = copy(&r, p->scope_name);
    copied->name = copy(&r, p->name);
    copied->serial = copy(&r, p->serial);
    copied->model = copy(&r, p->model);
    copied->fw = copy(&r, p->fw);
    copied->pci = copy(&r, p->pci);
    copied->peer = copy(&r, p->peer);
    copied->peer_port = copy(&r, p->peer_port);
    copied->text = copy(&r, p->text);
    return copied;
}

static int compare(const struct machine_part *a, const struct machine_part *b)
{
    if (a->scope != b->scope)
        return a->scope < b->scope ? -1 : 1;
    int by_name = a->scope == SCOPE_COUNT ? strcmp(a->scope_name, b->scope_name) : 0;
    if (by_name != 0)
        return by_name;
    return a->n < b->n ? -1 : a->n > b->n;
}

static bool same(const struct machine_part *a, const struct machine_part *b)
{
    return a->gone == b->gone && strcmp(a->name, b->name) == 0 &&
           strcmp(a->serial, b->serial) == 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->fw, b->fw) == 0 && strcmp(a->pci, b->pci) == 0 &&
           strcmp(a->peer, b->peer) == 0 && strcmp(a->peer_port, b->peer_port) == 0 &&
           strcmp(a->text, b->text) == 0;
}

static bool part_room(struct machine *k)
{
    if (k->parts < k->parts_max)
        return true;
    uint32_t most = MW_MIN(MW_MAX(k->parts_max + k->parts_max / 2, 8u), MACHINE_PARTS_MAX);
    struct machine_part **more =
        most > k->parts_max ? mw_resize(k->part, most, sizeof(struct machine_part *)) : NULL;
    if (!more)
        return false;
    k->part = more;
    k->parts_max = most;
    return true;
}

bool machines_part_said(struct machines *m, uint32_t machine, const struct machine_part *p,
                        int64_t now_ms)
{
    must(m && machine < m->count && p && p->scope <= SCOPE_COUNT);
    struct machine *k = &m->machine[machine];
    uint32_t at = 0;
    while (at < k->parts && compare(k->part[at], p) < 0)
        at++;
    bool known = at < k->parts && compare(k->part[at], p) == 0;
    if (known && same(k->part[at], p))
        return true;
    struct machine_part *copied = known || part_room(k) ? part_copy(p) : NULL;
    if (!copied) {
        m->stats.left_out++;
        return false;
    }
    copied->at_ms = now_ms;
    m->text_bytes += sizeof(*copied) + part_strings(copied);
    if (known) {
        m->text_bytes -= sizeof(*copied) + part_strings(k->part[at]);
        mw_free(k->part[at]);
    } else {
        memmove(&k->part[at + 1], &k->part[at],
                (k->parts++ - at) * sizeof(struct machine_part *));
    }
    k->part[at] = copied;
    return true;
}

/* ---- sources --------------------------------------------------------------------------------- */

static struct machine_source *source_copy(const char *name, const char *text)
{
    size_t strings = size_of(name) + size_of(text);
    struct machine_source *s = mw_calloc(1, sizeof(*s) + strings);
    if (!s)
        return NULL;
    struct room r = { (char *)(s + 1), strings };
    s->name = copy(&r, name);
    s->text = copy(&r, text);
    return s;
}

static size_t source_size(const struct machine_source *s)
{
    return sizeof(*s) + size_of(s->name) + size_of(s->text);
}

bool machines_source_said(struct machines *m, uint32_t machine, const char *name, uint32_t state,
                          const char *text, int64_t now_ms)
{
    must(m && machine < m->count && name && text);
    struct machine *k = &m->machine[machine];
    uint32_t at = 0;
    while (at < k->sources && strcmp(k->source[at]->name, name) != 0)
        at++;
    if (at == k->sources && k->source == NULL)
        k->source = mw_calloc(MACHINE_SOURCES_MAX, sizeof(struct machine_source *));
    struct machine_source *s = at < MACHINE_SOURCES_MAX && k->source ? source_copy(name, text)
                                                                     : NULL;
    if (!s) {
        m->stats.left_out++;
        return false;
    }
    bool known = at < k->sources;
    s->state = (uint8_t)state;
    s->since_ms = known && k->source[at]->state == state ? k->source[at]->since_ms : now_ms;
    m->text_bytes += source_size(s);
    if (known) {
        m->text_bytes -= source_size(k->source[at]);
        mw_free(k->source[at]);
    }
    k->source[at] = s;
    k->sources += !known;
    return true;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static size_t check_size(const struct machine_check *c)
{
    return sizeof(*c) + size_of(c->class) + size_of(c->text);
}

bool machines_check_said(struct machines *m, uint32_t machine, const struct machine_check *c)
{
    must(m && machine < m->count && c && c->class && c->text);
    struct machine *k = &m->machine[machine];
    size_t strings = size_of(c->class) + size_of(c->text);
    struct machine_check *copied = mw_calloc(1, sizeof(*copied) + strings);
    if (!copied) {
        m->stats.left_out++;
        return false;
    }
    struct room r = { (char *)(copied + 1), strings };
    *copied = *c;
    copied->class = copy(&r, c->class);
    copied->text = copy(&r, c->text);
    m->text_bytes += check_size(copied);
    struct machine_check **place = &k->check[k->checks % MACHINE_CHECKS];
    if (*place)
        m->text_bytes -= check_size(*place);
    mw_free(*place);
    *place = copied;
    k->checks++;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

const struct machine_part *machines_part(const struct machines *m, uint32_t i, uint32_t k)
{
    must(m && i < m->count);
    return k < m->machine[i].parts ? m->machine[i].part[k] : NULL;
}

const struct machine_source *machines_source(const struct machines *m, uint32_t i, uint32_t k)
{
    must(m && i < m->count);
    return k < m->machine[i].sources ? m->machine[i].source[k] : NULL;
}

const struct machine_check *machines_check(const struct machines *m, uint32_t i, uint32_t k)
{
    must(m && i < m->count);
    const struct machine *of = &m->machine[i];
    if (k >= MW_MIN(of->checks, (uint32_t)MACHINE_CHECKS))
        return NULL;
    return of->check[(of->checks - 1 - k) % MACHINE_CHECKS];
}

void machines_parts_free(struct machines *m, struct machine *k)
{
    (void)m;
    for (uint32_t i = 0; i < k->parts; i++)
        mw_free(k->part[i]);
    for (uint32_t i = 0; i < k->sources; i++)
        mw_free(k->source[i]);
    for (uint32_t i = 0; i < MACHINE_CHECKS; i++)
        mw_free(k->check[i]);
    mw_free(k->part);
    mw_free(k->source);
}
