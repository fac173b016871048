/*
 * Cables: every pair that an entry's `from` and `to` stand for, the port at
 * each end (written, or the next free one, or that from a port on), an optic at
 * each end.  Ports that
 * are written are claimed before any is given out.  A cable with a mistake is
 * reported and left out, so that it does not make others look wrong.
 */
#include "fleet/site_build.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "fleet/fleet_build.h"

#define PORT_TEXT_MAX 16
#define PORT_FROM 0x80000000u /* until ports are given out: the next free one from this on */

static const char *const end_keys[2] = {"from", "to"};

/* The ports of all switches in one row: the cable in each, plus one; 0 = free. */
struct ports {
    uint32_t *first; /* switch -> its port 1 */
    uint32_t *cable;
    uint32_t *next; /* switch -> where to look for a free one, from 0 */
};

struct wiring {
    struct site_build *b;
    struct ports ports;
};

/* The patterns of an entry. */
struct template {
    struct pattern each, end[2];
    struct pattern_at each_at;
    uint32_t links;
};

static const struct mw_yaml_node *value_of(const struct site_span *span, int side)
{
    return mw_yaml_get(span->entry, end_keys[side]);
}

static void read_template(const struct site_span *span, struct template *t)
{
    const char *each = schema_text(site_fields(COMPONENT_CABLE), span->entry, "each", NULL);
    int rc = 0;

    *t = (struct template){.each = {.count = 1}};
    if (each != NULL)
        rc = pattern_parse(&t->each, each, NULL, NULL);
    for (int side = 0; side < 2 && rc == 0; side++)
        rc = pattern_parse(&t->end[side], value_of(span, side)->text, &t->each, NULL);
    must(rc == 0); /* they were counted */
    t->links = (uint32_t)schema_int(site_fields(COMPONENT_CABLE), span->entry, "links", 1);
}

static int report_end(const struct site_build *b, const struct mw_yaml_node *value, uint64_t id,
                      const char *name)
{
    struct mw_place at = mw_yaml_place(b->doc, value);

    if (id == 0)
        problems_add(b->problems, at, "dangling cable: there is no NIC or switch '%s'", name);
    else if (component_kind_of(id) == COMPONENT_NODE)
        problems_add(b->problems, at, "'%s' is a node: name one of its NICs, like %s-nic0", name,
                     name);
    else
        problems_add(b->problems, at, "'%s' is a %s; a cable ends on a NIC or a switch", name,
                     component_kind_name(component_kind_of(id)));
    return MW_EINVAL;
}

/* The port after ':'; 0 = none is written; with PORT_FROM: "33..". */
static int read_port(const struct site_build *b, const struct mw_yaml_node *value, uint64_t id,
                     char *text, uint32_t *ret)
{
    bool nic = component_kind_of(id) == COMPONENT_NIC;
    uint32_t ports = nic ? 1 : b->f->switch_ports[component_index_of(id)];
    uint64_t port = 0;

    *ret = nic ? 1 : 0;
    if (text == NULL)
        return 0;
    size_t length = strlen(text);
    bool from = length > 2 && strcmp(text + length - 2, "..") == 0 && !nic;
    if (from)
        text[length - 2] = '\0';
    if (mw_parse_u64(text, &port) == 0 && port >= 1 && port <= ports) {
        *ret = (uint32_t)port | (from ? PORT_FROM : 0);
        return 0;
    }
    problems_add(b->problems, mw_yaml_place(b->doc, value),
                 "dangling cable: '%s' has ports 1 to %u, not '%.12s'", fleet_name(b->f, id), ports,
                 text);
    return MW_EINVAL;
}

/* Reads "leaf1:12"; component 0 after reporting a mistake.  Changes name. */
static struct fleet_port read_end(const struct site_build *b, const struct mw_yaml_node *value,
                                  char *name)
{
    struct fleet_port end = {0};
    char *colon = strchr(name, ':');

    if (colon != NULL)
        *colon++ = '\0';
    uint64_t id = fleet_find(b->f, name);
    enum component_kind kind = component_kind_of(id);
    if (kind != COMPONENT_NIC && kind != COMPONENT_SWITCH) {
        (void)report_end(b, value, id, name);
        return end;
    }
    if (read_port(b, value, id, colon, &end.port) == 0)
        end.component = id;
    return end;
}

/* All pairs for one value of `each`; gives the next row. */
static uint32_t add_pairs(const struct site_build *b, const struct site_span *span,
                          const struct template *t, uint32_t row)
{
    struct fleet *f = b->f;
    struct pattern_at at[2] = {{{0}}};
    char name[PATTERN_NAME_MAX];

    for (uint32_t i = 0; i < t->end[0].count; i++) {
        (void)pattern_write(&t->end[0], &at[0], &t->each, &t->each_at, name);
        struct fleet_port from = read_end(b, value_of(span, 0), name);
        at[1] = (struct pattern_at){0};
        for (uint32_t k = 0; k < t->end[1].count; k++) {
            (void)pattern_write(&t->end[1], &at[1], &t->each, &t->each_at, name);
            struct fleet_port to = read_end(b, value_of(span, 1), name);
            for (uint32_t link = 0; link < t->links; link++) {
                f->cable_end[0][row] = from;
                f->cable_end[1][row++] = to;
            }
            (void)pattern_next(&t->end[1], &at[1]);
        }
        (void)pattern_next(&t->end[0], &at[0]);
    }
    return row;
}

/* Leaves a cable with a mistake out. */
static void drop(struct fleet *f, uint32_t row)
{
    f->cable_end[0][row].component = 0;
    f->cable_end[1][row].component = 0;
}

static void add_ends(struct site_build *b)
{
    const struct site_spans *spans = &b->spans[COMPONENT_CABLE];
    struct fleet *f = b->f;

    for (uint32_t s = 0; s < spans->length; s++) {
        const struct site_span *span = &spans->item[s];
        uint32_t row = span->first;
        struct template t;

        read_template(span, &t);
        do {
            row = add_pairs(b, span, &t, row);
        } while (pattern_next(&t.each, &t.each_at));
        must(row == span->first + span->count);
        for (row = span->first; row < span->first + span->count; row++) {
            uint64_t from = f->cable_end[0][row].component, to = f->cable_end[1][row].component;

            if (from == to && from != 0)
                problems_add(b->problems, mw_yaml_place(b->doc, value_of(span, 1)),
                             "both ends of the cable are on '%s'", fleet_name(f, to));
            if (from == 0 || to == 0 || from == to)
                drop(f, row);
        }
    }
}

static int init_ports(struct wiring *w)
{
    const struct fleet *f = w->b->f;
    uint32_t switches = f->count[COMPONENT_SWITCH];
    uint64_t total = 0;

    for (uint32_t i = 0; i < switches; i++)
        total += f->switch_ports[i];
    if (total > SITE_PORTS_MAX)
        return mw_fail(w->b->err, MW_ELIMIT, "more than %d switch ports in one site",
                       SITE_PORTS_MAX);
    w->ports.first = mw_calloc(switches, sizeof(uint32_t));
    w->ports.next = mw_calloc(switches, sizeof(uint32_t));
    w->ports.cable = mw_calloc(total, sizeof(uint32_t));
    if (w->ports.first == NULL || w->ports.next == NULL || w->ports.cable == NULL)
        return mw_fail(w->b->err, MW_ENOMEM, "out of memory for %u switches", switches);
    for (uint32_t i = 1; i < switches; i++)
        w->ports.first[i] = w->ports.first[i - 1] + f->switch_ports[i - 1];
    return 0;
}

static struct mw_place end_place(const struct site_build *b, uint32_t row, int side)
{
    return site_place(b, site_entry_of(b, component_id(COMPONENT_CABLE, row)), end_keys[side]);
}

/* Takes the written port of one end; false when another cable has it (reported). */
static bool claim(struct wiring *w, uint32_t row, int side)
{
    struct site_build *b = w->b;
    struct fleet_port *end = &b->f->cable_end[side][row];
    uint32_t index = component_index_of(end->component), other = MW_NONE;

    if (component_kind_of(end->component) == COMPONENT_NIC) {
        other = b->f->nic_cable[index];
        b->f->nic_cable[index] = other == MW_NONE ? row : other;
    } else if (end->port > 0 && (end->port & PORT_FROM) == 0) {
        uint32_t *cable = &w->ports.cable[w->ports.first[index] + end->port - 1];
        other = *cable == 0 ? MW_NONE : *cable - 1;
        *cable = *cable == 0 ? row + 1 : *cable;
    }
    if (other == MW_NONE || other == row)
        return true;
    problems_add(b->problems, end_place(b, row, side),
                 "port %u of '%s' is used by two cables; the other is in line %u", end->port,
                 fleet_name(b->f, end->component), end_place(b, other, side).line);
    return false;
}

/* Gives one end the next free port of its switch. */
static bool give_port(struct wiring *w, uint32_t row, int side)
{
    struct fleet *f = w->b->f;
    struct fleet_port *end = &f->cable_end[side][row];
    uint32_t index = component_index_of(end->component);

    if (end->port > 0 && (end->port & PORT_FROM) == 0)
        return true;
    const uint32_t *cable = w->ports.cable + w->ports.first[index];
    uint32_t from = (end->port & ~PORT_FROM) - 1;
    uint32_t *next = end->port == 0 ? &w->ports.next[index] : &from;
    while (*next < f->switch_ports[index] && cable[*next] != 0)
        (*next)++;
    if (*next < f->switch_ports[index]) {
        end->port = *next + 1;
        w->ports.cable[w->ports.first[index] + *next] = row + 1;
        return true;
    }
    if (end->port == 0)
        problems_add(w->b->problems, end_place(w->b, row, side),
                     "no port is left on '%s': all %u are used", fleet_name(f, end->component),
                     f->switch_ports[index]);
    else
        problems_add(w->b->problems, end_place(w->b, row, side),
                     "no port from %u on is left on '%s', which has %u", end->port & ~PORT_FROM,
                     fleet_name(f, end->component), f->switch_ports[index]);
    return false;
}

static void assign_ports(struct wiring *w)
{
    struct fleet *f = w->b->f;

    for (int written = 1; written >= 0; written--) {
        for (uint32_t row = 0; row < f->count[COMPONENT_CABLE]; row++) {
            bool good = true;

            if (f->cable_end[0][row].component == 0)
                continue;
            for (int side = 0; side < 2 && good; side++)
                good = written ? claim(w, row, side) : give_port(w, row, side);
            if (!good)
                drop(f, row);
        }
    }
}

/* "leaf1/12"; NICs have one port: "n1-nic0". */
static size_t write_port(const struct fleet *f, struct fleet_port end, bool always, char *buf,
                         size_t size)
{
    const char *name = fleet_name(f, end.component);
    size_t length = strlen(name);

    must(length + PORT_TEXT_MAX < size);
    memcpy(buf, name, length);
    if (!always && component_kind_of(end.component) == COMPONENT_NIC)
        return length;
    return length + (size_t)snprintf(buf + length, size - length, "/%u", end.port);
}

static void report_taken(struct site_build *b, uint64_t component, uint64_t other,
                         const struct mw_yaml_node *value)
{
    const struct fleet *f = b->f;
    uint32_t line = mw_yaml_place(b->doc, site_entry_of(b, other)).line;

    if (component_kind_of(component) != COMPONENT_OPTIC ||
        component_kind_of(other) != COMPONENT_OPTIC) {
        problems_add(b->problems, mw_yaml_place(b->doc, value),
                     "the name '%s' is taken by a %s already (line %u)", fleet_name(f, component),
                     component_kind_name(component_kind_of(other)), line);
        return;
    }
    problems_add(b->problems, mw_yaml_place(b->doc, value),
                 "the optic '%s' is on two ports; the other is on the cable of line %u",
                 fleet_name(f, component), line);
}

/* Names a cable or an optic: as `value` says, else `text`. */
static int enter(struct site_build *b, uint64_t component, const struct mw_yaml_node *value,
                 const struct template *t, const char *text)
{
    char name[PATTERN_NAME_MAX];
    struct pattern_at zero = {0};
    struct pattern p;

    if (value != NULL && value->kind == MW_YAML_SCALAR &&
        pattern_parse(&p, value->text, &t->each, NULL) == 0) {
        (void)pattern_write(&p, &zero, &t->each, &t->each_at, name);
        text = name;
    }
    int rc = site_text(b, text, strlen(text),
                       &b->f->name_of[component_kind_of(component)][component_index_of(component)]);
    if (rc != 0)
        return rc;
    uint64_t other = fleet_index_add(b->f, component);
    if (other != 0)
        report_taken(b, component, other,
                     value != NULL ? value : site_entry_of(b, component));
    return 0;
}

/* What naming the cables of one entry needs. */
struct naming {
    struct site_build *b;
    const struct site_span *span;
    const struct mw_yaml_node *name, *optic[2];
    struct template t;
    uint32_t batch;
    bool copper;
};

static int name_optics(struct naming *n, uint32_t row, uint32_t optic)
{
    struct fleet *f = n->b->f;
    char text[PATTERN_NAME_MAX + 2 * PORT_TEXT_MAX];

    for (int side = 0; side < 2; side++, optic++) {
        f->cable_optic[side][row] = n->copper ? MW_NONE : optic;
        if (n->copper)
            continue;
        f->optic_cable[optic] = row;
        f->optic_batch[optic] = n->batch;
        if (f->cable_end[side][row].component == 0)
            continue;
        size_t length = write_port(f, f->cable_end[side][row], true, text, sizeof(text));
        text[length] = '\0';
        int rc = enter(n->b, component_id(COMPONENT_OPTIC, optic), n->optic[side], &n->t, text);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int name_cable(struct naming *n, uint32_t row)
{
    static const char prefix[] = "cable-";
    struct fleet *f = n->b->f;
    char text[sizeof(prefix) + PATTERN_NAME_MAX + 2 * PORT_TEXT_MAX];
    size_t length = sizeof(prefix) - 1;

    f->cable_node[row] = MW_NONE;
    for (int side = 1; side >= 0; side--) {
        uint64_t id = f->cable_end[side][row].component;
        if (id != 0 && component_kind_of(id) == COMPONENT_NIC)
            f->cable_node[row] = f->nic_node[component_index_of(id)];
    }
    if (f->cable_end[0][row].component == 0)
        return 0;
    memcpy(text, prefix, length);
    length += write_port(f, f->cable_end[0][row], false, text + length, sizeof(text) - length);
    text[length] = '\0';
    return enter(n->b, component_id(COMPONENT_CABLE, row), n->name, &n->t, text);
}

/* Refuses names of optics and cables that cannot be read, once an entry. */
static void check_names(struct naming *n)
{
    const struct mw_yaml_node *values[] = {n->name, n->optic[0], n->optic[1]};

    for (size_t i = 0; i < MW_ARRAY_LEN(values); i++) {
        const struct mw_yaml_node *v = values[i];
        struct mw_error why = {0};
        struct pattern p;

        if (v == NULL || v->kind != MW_YAML_SCALAR)
            continue;
        if (pattern_parse(&p, v->text, &n->t.each, &why) != 0)
            problems_add(n->b->problems, mw_yaml_place(n->b->doc, v), "'%.60s': %s", v->text,
                         why.text);
        else if (p.count != 1)
            problems_add(n->b->problems, mw_yaml_place(n->b->doc, v),
                         "must be one name; {1} stands for the first range of each:");
    }
}

static int open_naming(struct naming *n)
{
    const struct schema_field *fields = site_fields(COMPONENT_CABLE);
    const struct mw_yaml_node *entry = n->span->entry;
    const struct mw_yaml_node *optics = schema_list(fields, entry, "optics");
    const char *batch = schema_text(fields, entry, "batch", NULL);

    n->copper = schema_bool(fields, entry, "copper", false);
    n->name = schema_text(fields, entry, "name", NULL) != NULL ? mw_yaml_get(entry, "name") : NULL;
    if (optics != NULL && n->copper)
        problems_add(n->b->problems, mw_yaml_place(n->b->doc, optics),
                     "a copper cable has no optics: leave out copper: or optics:");
    if (optics != NULL && optics->children == 2) {
        n->optic[0] = optics->child;
        n->optic[1] = optics->child->next;
    }
    read_template(n->span, &n->t);
    check_names(n);
    return batch == NULL ? 0 : site_batch(n->b, batch, &n->batch);
}

static int name_all(struct site_build *b)
{
    const struct site_spans *spans = &b->spans[COMPONENT_CABLE];
    uint32_t optic = 0;
    int rc = 0;

    for (uint32_t s = 0; s < spans->length && rc == 0; s++) {
        struct naming n = {.b = b, .span = &spans->item[s]};
        rc = open_naming(&n);
        uint32_t per_each = n.span->count / n.t.each.count, left = per_each;

        for (uint32_t i = 0; i < n.span->count && rc == 0; i++, left--) {
            if (left == 0) {
                (void)pattern_next(&n.t.each, &n.t.each_at);
                left = per_each;
            }
            rc = name_cable(&n, n.span->first + i);
            if (rc == 0)
                rc = name_optics(&n, n.span->first + i, optic);
            optic += n.copper ? 0 : 2;
        }
    }
    must(rc != 0 || optic == b->f->count[COMPONENT_OPTIC]);
    return rc;
}

int site_cables(struct site_build *b)
{
    struct wiring w = {.b = b};
    int rc = init_ports(&w);

    if (rc == 0) {
        add_ends(b);
        assign_ports(&w);
        rc = name_all(b);
    }
    mw_free(w.ports.first);
    mw_free(w.ports.next);
    mw_free(w.ports.cable);
    return rc;
}
