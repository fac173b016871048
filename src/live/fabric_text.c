/*
 * Reads in two passes: nodes first, then what each port line names at its
 * other end.  Nodes are looked up by the word in quotes, as the listing does.
 */
#include "live/fabric_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct reader {
    const struct fabric_source *s;
    struct fabric *f;
    struct map by_id; /* hash of the word in quotes -> node */
    uint32_t line;
    uint32_t node; /* whose port lines these are; MW_NONE before the first */
    uint64_t guid; /* of the last "...guid=" line */
    struct mw_error *err;
};

/* A line without its ending. */
struct line {
    const char *at, *end;
};

static int fail(const struct reader *r, int code, const char *what)
{
    return mw_fail(r->err, code, "%s:%u: %s", r->s->name, r->line, what);
}

static void blanks(struct line *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' || *l->at == '\r'))
        l->at++;
}

static bool take(struct line *l, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(l->end - l->at) < n || memcmp(l->at, word, n) != 0)
        return false;
    l->at += n;
    return true;
}

/* "123", at most six digits. */
static bool take_number(struct line *l, uint32_t *ret)
{
    uint32_t value = 0;
    int digits = 0;
    while (l->at < l->end && isdigit((unsigned char)*l->at) && digits < 6) {
        value = value * 10 + (uint32_t)(*l->at++ - '0');
        digits++;
    }
    *ret = value;
    return digits > 0;
}

/* The text between quotes; may be empty. */
static bool take_quoted(struct line *l, const char **ret, size_t *ret_size)
{
    if (!take(l, "\""))
        return false;
    const char *close = memchr(l->at, '"', (size_t)(l->end - l->at));
    if (close == NULL)
        return false;
    *ret = l->at;
    *ret_size = (size_t)(close - l->at);
    l->at = close + 1;
    return true;
}

/* "[12]" and, where a chassis has numbers of its own, "[ext 3]". */
static bool take_port(struct line *l, uint32_t *ret)
{
    uint32_t ext;
    if (!take(l, "[") || !take_number(l, ret) || !take(l, "]"))
        return false;
    if (take(l, "[ext "))
        return take_number(l, &ext) && take(l, "]");
    return true;
}

static bool next_line(struct reader *r, const char **at, struct line *ret)
{
    const char *end = r->s->text + r->s->size;
    if (*at >= end)
        return false;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    *ret = (struct line){ .at = *at, .end = stop != NULL ? stop : end };
    *at = stop != NULL ? stop + 1 : end;
    r->line++;
    return true;
}

static uint64_t hash_id(const char *id, size_t size)
{
    return mw_hash64_of(id, size);
}

/* Up to 16 hex digits after "0x"; 0 when there are none. */
static uint64_t hex_of(const char *s, const char *end)
{
    uint64_t v = 0;
    for (int i = 0; i < 16 && s < end && isxdigit((unsigned char)*s); i++, s++)
        v = v << 4 | (uint64_t)(isdigit((unsigned char)*s) ? *s - '0'
                                                           : tolower((unsigned char)*s) - 'a' + 10);
    return v;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    uint8_t kind;
} headers[] = {
    { "Switch", FABRIC_SWITCH }, { "Ca", FABRIC_CA }, { "Hca", FABRIC_CA }, { "Rt", FABRIC_ROUTER },
};

/* After "#": the description in quotes and " lid 3" of a switch. */
static void read_remark(struct line l, struct fabric_node *n)
{
    const char *desc;
    size_t size;
    const char *mark = memchr(l.at, '#', (size_t)(l.end - l.at));
    if (mark == NULL)
        return;
    l.at = mark + 1;
    blanks(&l);
    if (!take_quoted(&l, &desc, &size))
        return;
    size = MW_MIN(size, (size_t)FABRIC_NAME_MAX);
    memcpy(n->name, desc, size);
    memset(n->name + size, 0, sizeof(n->name) - size);
    const char *lid = memmem(l.at, (size_t)(l.end - l.at), " lid ", 5);
    if (lid != NULL) {
        l.at = lid + 5;
        if (!take_number(&l, &n->lid))
            n->lid = 0;
    }
}

static int add_node(struct reader *r, uint8_t kind, struct line l)
{
    struct fabric_node n = { .kind = kind, .guid = r->guid };
    const char *id;
    uint32_t ports;
    size_t size;
    blanks(&l);
    if (!take_number(&l, &ports))
        return fail(r, MW_ESYNTAX, "a node needs its number of ports, as in: Switch 41 \"S-...\"");
    blanks(&l);
    if (!take_quoted(&l, &id, &size) || size == 0)
        return fail(r, MW_ESYNTAX, "a node needs its name in quotes");
    if (ports < 1 || ports > FABRIC_NUMBER_MAX)
        return fail(r, MW_EINVAL, "a node has 1 to 254 ports");
    n.ports = (uint8_t)ports;
    memcpy(n.name, id, MW_MIN(size, (size_t)FABRIC_NAME_MAX));
    if (n.guid == 0 && size == 18 && (id[0] == 'S' || id[0] == 'H' || id[0] == 'R') && id[1] == '-')
        n.guid = hex_of(id + 2, id + size);
    read_remark(l, &n);
    r->guid = 0;
    uint64_t key = hash_id(id, size);
    if (map_get(&r->by_id, key) != MW_NONE)
        return fail(r, MW_EINVAL, "this node is listed twice");
    int rc = fabric_add(r->f, &n, &r->node, r->err);
    if (rc == 0)
        map_put(&r->by_id, key, r->node);
    return rc != 0 ? mw_fail_prefix(r->err, "%s:%u", r->s->name, r->line) : 0;
}

/* The header word of a node, its kind in *ret; l stands after it. */
static bool is_header(struct line *l, uint8_t *ret)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(headers); i++) {
        struct line at = *l;
        if (take(&at, headers[i].word) && at.at < at.end && (*at.at == ' ' || *at.at == '\t')) {
            *l = at;
            *ret = headers[i].kind;
            return true;
        }
    }
    return false;
}

static int read_nodes(struct reader *r)
{
    const char *at = r->s->text;
    struct line l;
    int rc = 0;
    r->line = 0;
    while (rc == 0 && next_line(r, &at, &l)) {
        uint8_t kind;
        if (is_header(&l, &kind)) {
            rc = add_node(r, kind, l);
        } else if (take(&l, "switchguid=0x") || take(&l, "caguid=0x") || take(&l, "rtguid=0x")) {
            r->guid = hex_of(l.at, l.end);
        } else if (l.at < l.end && strchr("[#\r \t", *l.at) == NULL &&
                   memchr(l.at, '=', (size_t)(l.end - l.at)) == NULL) {
            rc = fail(r, MW_ESYNTAX, "not a line of ibnetdiscover: expected Switch, Ca, Rt, [port] "
                                     "or a remark");
        }
    }
    return rc;
}

/* ---- links --------------------------------------------------------------------------------- */

/* "lid 6 4xHDR" at the end of the remark; of an adapter the port's own lid comes first. */
static void read_port_remark(struct reader *r, uint32_t row, struct line l)
{
    struct fabric_port *p = &r->f->port[row];
    struct fabric_node *n = &r->f->node[p->node];
    const char *mark = memchr(l.at, '#', (size_t)(l.end - l.at));
    if (mark == NULL)
        return;
    l.at = mark + 1;
    blanks(&l);
    if (n->kind != FABRIC_SWITCH && n->lid == 0 && take(&l, "lid "))
        (void)take_number(&l, &n->lid);
    while (l.end > l.at && isspace((unsigned char)l.end[-1]))
        l.end--;
    const char *word = l.end;
    while (word > l.at && word[-1] != ' ')
        word--;
    if (fabric_rate_read(word, (size_t)(l.end - word), &p->rate.width, &p->rate.speed))
        p->state = FABRIC_ACTIVE;
}

static int join_port(struct reader *r, struct line l)
{
    uint32_t number, far_number;
    const char *id;
    size_t size;
    if (r->node == MW_NONE)
        return fail(r, MW_ESYNTAX, "a port before the first node");
    if (!take_port(&l, &number))
        return fail(r, MW_ESYNTAX, "a port line begins with [number]");
    if (take(&l, "(")) { /* the GUID of an adapter's port */
        const char *close = memchr(l.at, ')', (size_t)(l.end - l.at));
        if (close == NULL)
            return fail(r, MW_ESYNTAX, "a ) is missing");
        l.at = close + 1;
    }
    blanks(&l);
    if (!take_quoted(&l, &id, &size) || !take_port(&l, &far_number))
        return fail(r, MW_ESYNTAX, "a port line names its other end, as in: [1] \"H-...\"[1]");
    uint32_t near = fabric_port_of(r->f, r->node, number);
    uint32_t node = map_get(&r->by_id, hash_id(id, size));
    uint32_t far = node == MW_NONE ? MW_NONE : fabric_port_of(r->f, node, far_number);
    if (node == MW_NONE)
        return mw_fail(r->err, MW_EINVAL,
                       "%s:%u: \"%.*s\" is named here and listed nowhere; give the whole output",
                       r->s->name, r->line, (int)MW_MIN(size, (size_t)80), id);
    if (near == MW_NONE || far == MW_NONE)
        return fail(r, MW_EINVAL, "a port number is beyond the ports of its node");
    int rc = fabric_join(r->f, near, far, r->err);
    if (rc != 0)
        return mw_fail_prefix(r->err, "%s:%u", r->s->name, r->line);
    read_port_remark(r, near, l);
    return 0;
}

static int read_links(struct reader *r)
{
    const char *at = r->s->text;
    struct line l;
    uint32_t next = 0;
    int rc = 0;
    r->line = 0;
    r->node = MW_NONE;
    while (rc == 0 && next_line(r, &at, &l)) {
        uint8_t kind;
        if (is_header(&l, &kind))
            r->node = next++; /* nodes were added in this order */
        else if (l.at < l.end && *l.at == '[')
            rc = join_port(r, l);
    }
    return rc;
}

int fabric_text_read(const struct fabric_source *s, struct fabric *ret, struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct reader r = { .s = s, .f = ret, .node = MW_NONE, .err = err != NULL ? err : &own };
    must(s->text != NULL && s->name != NULL && ret->nodes == 0);
    /* A node is a line of at least eight bytes. */
    if (map_init(&r.by_id, (uint32_t)MW_MIN(s->size / 8 + 1, (size_t)FABRIC_NODES_MAX)) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = read_nodes(&r);
    if (rc == 0 && ret->nodes == 0)
        rc = mw_fail(r.err, MW_EINVAL, "%s: no line begins with Switch or Ca; give the output of "
                                       "ibnetdiscover", s->name);
    if (rc == 0)
        rc = read_links(&r);
    map_fini(&r.by_id);
    if (rc != 0)
        fabric_clear(ret);
    return rc;
}
