/*
 * Machine by machine; a node's GPUs and NICs are told apart by their number, as
 * its agent counts them.
 */
#include "live/site_diff.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "live/slurm_gres.h"

#define NICS_MAX 64
#define PARTS_MAX 65536 /* of one document */

static const struct {
    const char *code, *doc;
} kinds[] = {
#define X(e, code, doc) { code, doc },
    SITE_DIFFS(X)
#undef X
};

const char *site_diff_code(uint32_t kind)
{
    must(kind < SITE_DIFF_KINDS);
    return kinds[kind].code;
}

const char *site_diff_doc(uint32_t kind)
{
    must(kind < SITE_DIFF_KINDS);
    return kinds[kind].doc;
}

uint32_t site_diff_total(const struct site_diff *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SITE_DIFF_KINDS; i++)
        n += d->count[i];
    return n;
}

int site_diff_init(struct site_diff *d, const struct fleet *fleet, struct mw_error *err)
{
    *d = (struct site_diff){ .fleet = fleet };
    d->heard = mw_calloc(fleet->count[COMPONENT_NODE], sizeof(*d->heard));
    d->slurm_heard = mw_calloc(fleet->count[COMPONENT_NODE], sizeof(*d->slurm_heard));
    if (d->heard != NULL && d->slurm_heard != NULL)
        return 0;
    site_diff_fini(d);
    return mw_fail(err, MW_ENOMEM, "out of memory");
}

void site_diff_fini(struct site_diff *d)
{
    mw_free(d->heard);
    mw_free(d->slurm_heard);
    mw_free(d->row);
    *d = (struct site_diff){ .rows = 0 };
}

static void add(struct site_diff *d, enum site_diff_kind kind, const char *at, const char *file,
                const char *live)
{
    d->count[kind]++;
    if (d->rows == d->room && d->room < SITE_DIFF_ROWS_MAX) {
        uint32_t room = d->room == 0 ? 64 : MW_MIN(d->room * 2, (uint32_t)SITE_DIFF_ROWS_MAX);
        struct site_difference *p = mw_resize(d->row, room, sizeof(*p));
        d->failed = d->failed || p == NULL;
        d->row = p != NULL ? p : d->row;
        d->room = p != NULL ? room : d->room;
    }
    if (d->rows == d->room)
        return;
    struct site_difference *r = &d->row[d->rows++];
    r->kind = (uint8_t)kind;
    (void)snprintf(r->at, sizeof(r->at), "%.*s", SITE_DIFF_TEXT_MAX - 1, at);
    (void)snprintf(r->file, sizeof(r->file), "%.*s", SITE_DIFF_TEXT_MAX - 1, file);
    (void)snprintf(r->live, sizeof(r->live), "%.*s", SITE_DIFF_TEXT_MAX - 1, live);
}

static const char *text_of(const json_t *v, const char *key)
{
    const char *s = json_string_value(json_object_get(v, key));
    return s != NULL ? s : "";
}

/* ---- parts --------------------------------------------------------------------------------- */

/* Serial numbers are written in many ways: case and "0x" do not count. */
static bool same_serial(const char *a, const char *b)
{
    a += strncasecmp(a, "0x", 2) == 0 ? 2 : 0;
    b += strncasecmp(b, "0x", 2) == 0 ? 2 : 0;
    return strcasecmp(a, b) == 0;
}

static void compare_serial(struct site_diff *d, uint64_t component, const char *live)
{
    const char *file = fleet_serial(d->fleet, component);
    if (file[0] == '\0' || live[0] == '\0')
        return;
    d->serials++;
    if (!same_serial(file, live))
        add(d, DIFF_SERIAL, fleet_name(d->fleet, component), file, live);
}

/* The last number of a port's name: 7 of "Ethernet1/7". */
static uint32_t port_number(const char *name)
{
    size_t end = strlen(name), start;
    while (end > 0 && !isdigit((unsigned char)name[end - 1]))
        end--;
    start = end;
    while (start > 0 && isdigit((unsigned char)name[start - 1]) && end - start < 6)
        start--;
    return start == end ? 0 : (uint32_t)strtoul(name + start, NULL, 10);
}

/* The far end of a cable as the file has it: "leaf1:12", or the node of a NIC. */
static void far_text(const struct fleet *f, struct fleet_port far, char to[SITE_DIFF_TEXT_MAX])
{
    uint32_t row = component_index_of(far.component);
    if (component_kind_of(far.component) == COMPONENT_NIC)
        (void)snprintf(to, SITE_DIFF_TEXT_MAX, "%s",
                       fleet_name(f, component_id(COMPONENT_NODE, f->nic_node[row])));
    else
        (void)snprintf(to, SITE_DIFF_TEXT_MAX, "%s:%u", fleet_name(f, far.component), far.port);
}

/* What a port's neighbour says of itself, beside where the file has the cable's other end.  A
 * neighbour that the site does not have, and one that names no port, cannot be compared. */
static void compare_cable(struct site_diff *d, const char *at, uint32_t cable, int side,
                          const json_t *part)
{
    const struct fleet *f = d->fleet;
    const char *peer = text_of(part, "peer"), *peer_port = text_of(part, "peer_port");
    uint64_t is = peer[0] != '\0' ? fleet_find(f, peer) : 0;
    char live[SITE_DIFF_TEXT_MAX], file[SITE_DIFF_TEXT_MAX];
    if (is == 0 || cable == MW_NONE)
        return;
    struct fleet_port far = f->cable_end[1 - side][cable];
    bool nic = component_kind_of(far.component) == COMPONENT_NIC;
    uint64_t device = nic ? component_id(COMPONENT_NODE, f->nic_node[component_index_of(
                                                             far.component)]) : far.component;
    uint32_t port = nic ? 0 : port_number(peer_port);
    d->cables++;
    if (is == device && (nic || port == 0 || port == far.port))
        return;
    far_text(f, far, file);
    (void)snprintf(live, sizeof(live), port > 0 ? "%.90s:%u" : "%.90s", peer, port);
    add(d, DIFF_CABLE, at, file, live);
}

static int side_of(const struct fleet *f, uint32_t cable, uint64_t component)
{
    return f->cable_end[0][cable].component == component ? 0 : 1;
}

/* A node's ports with a PCI address, in the order of their numbers, are its NICs. */
static void compare_nics(struct site_diff *d, uint32_t node, const json_t *parts)
{
    const struct fleet *f = d->fleet;
    const json_t *nic[NICS_MAX];
    uint32_t found = 0;
    for (size_t i = 0; i < json_array_size(parts) && found < NICS_MAX; i++) {
        const json_t *p = json_array_get(parts, i);
        if (strcmp(text_of(p, "scope"), "port") != 0 || text_of(p, "pci")[0] == '\0')
            continue;
        uint32_t at = found++;
        json_int_t n = json_integer_value(json_object_get(p, "n"));
        for (; at > 0 && json_integer_value(json_object_get(nic[at - 1], "n")) > n; at--)
            nic[at] = nic[at - 1];
        nic[at] = p;
    }
    if (found > 0 && found < f->node_nics[node]) {
        char file[32], live[32];
        (void)snprintf(file, sizeof(file), "%u", f->node_nics[node]);
        (void)snprintf(live, sizeof(live), "%u", found);
        add(d, DIFF_NICS, fleet_name(f, component_id(COMPONENT_NODE, node)), file, live);
        return; /* which one is gone is not known: the others would look wrong */
    }
    for (uint32_t k = 0; k < MW_MIN(found, (uint32_t)f->node_nics[node]); k++) {
        uint32_t row = f->node_nic_first[node] + k, cable = f->nic_cable[row];
        uint64_t id = component_id(COMPONENT_NIC, row);
        compare_serial(d, id, text_of(nic[k], "serial"));
        if (cable != MW_NONE)
            compare_cable(d, fleet_name(f, id), cable, side_of(f, cable, id), nic[k]);
    }
}

static void compare_gpus(struct site_diff *d, uint32_t node, const json_t *parts)
{
    const struct fleet *f = d->fleet;
    uint32_t found = 0;
    char file[32], live[32];
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *p = json_array_get(parts, i);
        json_int_t n = json_integer_value(json_object_get(p, "n"));
        if (strcmp(text_of(p, "scope"), "gpu") != 0)
            continue;
        found++;
        if (n >= 0 && n < f->node_gpus[node])
            compare_serial(d, component_id(COMPONENT_GPU, f->node_gpu_first[node] + (uint32_t)n),
                           text_of(p, "serial"));
    }
    if (found == f->node_gpus[node])
        return;
    (void)snprintf(file, sizeof(file), "%u", f->node_gpus[node]);
    (void)snprintf(live, sizeof(live), "%u", found);
    add(d, DIFF_GPUS, fleet_name(f, component_id(COMPONENT_NODE, node)), file, live);
}

static void compare_node(struct site_diff *d, uint32_t node, bool agent, const json_t *parts)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *p = json_array_get(parts, i);
        if (strcmp(text_of(p, "scope"), "host") == 0)
            compare_serial(d, component_id(COMPONENT_NODE, node), text_of(p, "serial"));
    }
    if (!agent) /* a BMC alone counts neither GPUs nor NICs as the driver does */
        return;
    compare_gpus(d, node, parts);
    compare_nics(d, node, parts);
}

/* A switch of the file as a fabric's door says it: its ports bear their numbers. */
static void compare_switch(struct site_diff *d, uint64_t sw, const json_t *parts)
{
    const struct fleet *f = d->fleet;
    uint32_t row = component_index_of(sw);
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *p = json_array_get(parts, i);
        json_int_t n = json_integer_value(json_object_get(p, "n"));
        if (strcmp(text_of(p, "scope"), "port") != 0)
            continue;
        for (uint32_t k = f->switch_cables.first[row]; k < f->switch_cables.first[row + 1]; k++) {
            uint32_t cable = f->switch_cables.item[k];
            int side = side_of(f, cable, sw);
            char at[SITE_DIFF_TEXT_MAX];
            if ((json_int_t)f->cable_end[side][cable].port != n)
                continue;
            (void)snprintf(at, sizeof(at), "%s:%u", fleet_name(f, sw),
                           f->cable_end[side][cable].port);
            compare_cable(d, at, cable, side, p);
        }
    }
}

int site_diff_machine(struct site_diff *d, const json_t *document, const char *name,
                      struct mw_error *err)
{
    const json_t *m = json_object_get(document, "machine");
    const json_t *parts = json_object_get(document, "parts");
    const char *who = text_of(m, "name");
    if (who[0] == '\0')
        return mw_fail(err, MW_EINVAL, "%s: machine.name: must be a text", name);
    if (!json_is_array(parts) || json_array_size(parts) > PARTS_MAX)
        return mw_fail(err, MW_EINVAL, "%s: %.60s: parts: must be a list of at most %d", name, who,
                       PARTS_MAX);
    uint64_t id = fleet_find(d->fleet, who);
    bool agent = json_is_true(json_object_get(m, "agent"));
    d->machines++;
    if (id != 0 && component_kind_of(id) == COMPONENT_NODE) {
        if (strcmp(text_of(m, "state"), "silent") == 0)
            return 0; /* its parts are of the past: node-missing says it */
        /* That a door has something to say about a node does not make it heard. */
        if (agent || json_array_size(parts) > 0)
            d->heard[component_index_of(id)] = true;
        compare_node(d, component_index_of(id), agent, parts);
    } else if (id != 0 && component_kind_of(id) == COMPONENT_SWITCH) {
        compare_switch(d, id, parts);
    } else if (agent) {
        add(d, DIFF_NODE_EXTRA, who, "", "an agent speaks");
    }
    return 0;
}

/* ---- Slurm --------------------------------------------------------------------------------- */

static void compare_slurm(struct site_diff *d, const char *name, uint32_t gpus)
{
    char file[32], live[32];
    uint64_t id = fleet_find(d->fleet, name);
    (void)snprintf(live, sizeof(live), "%u GPUs", gpus);
    if (id == 0 || component_kind_of(id) != COMPONENT_NODE) {
        if (gpus > 0)
            add(d, DIFF_SLURM_NODE, name, "", live);
        return;
    }
    uint32_t row = component_index_of(id);
    d->slurm_heard[row] = true;
    (void)snprintf(file, sizeof(file), "%u GPUs", d->fleet->node_gpus[row]);
    if (gpus != d->fleet->node_gpus[row])
        add(d, DIFF_SLURM_GPUS, name, file, live);
}

int site_diff_slurm(struct site_diff *d, const char *text, const char *name, struct mw_error *err)
{
    uint32_t nodes = 0;
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, "\n");
        const char *value;
        size_t size;
        char node[SITE_DIFF_TEXT_MAX];
        if (strncmp(at, "NodeName=", 9) == 0 && slurm_field(at, n, "NodeName=", &value, &size)) {
            (void)snprintf(node, sizeof(node), "%.*s", (int)MW_MIN(size, sizeof(node) - 1), value);
            compare_slurm(d, node, slurm_gpus_of(at, n).count);
            nodes++;
        }
        at += n + (at[n] == '\n');
    }
    if (nodes == 0)
        return mw_fail(err, MW_EINVAL, "%s: no line begins with NodeName=; give the output of "
                       "scontrol -o show nodes", name);
    for (uint32_t i = 0; i < d->fleet->count[COMPONENT_NODE]; i++)
        if (!d->slurm_heard[i])
            add(d, DIFF_SLURM_NODE, fleet_name(d->fleet, component_id(COMPONENT_NODE, i)),
                "a node", "Slurm does not have it");
    return 0;
}

int site_diff_end(struct site_diff *d, struct mw_error *err)
{
    for (uint32_t i = 0; i < d->fleet->count[COMPONENT_NODE]; i++)
        if (!d->heard[i])
            add(d, DIFF_NODE_MISSING, fleet_name(d->fleet, component_id(COMPONENT_NODE, i)),
                "a node", "not heard");
    return d->failed ? mw_fail(err, MW_ENOMEM, "out of memory for the differences") : 0;
}
