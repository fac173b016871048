/*
 * Objects by their shape: a device has a device_type, a rack has a u_height, a
 * cable has terminations.  Two passes over all documents: racks and devices,
 * then cables.
 */
#include "live/import_netbox.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "base/mem.h"
#include "live/import_wires.h"

#define GPUS_MAX 64

static const char *const node_words[] = { "gpu", "server", "compute", "node" };
static const char *const switch_words[] = { "switch", "leaf", "spine", "core", "tor" };

struct work {
    const struct import_netbox_options *o;
    struct import_site *s;
    struct import_wires *wires;
    struct map racks; /* hash of a rack's name -> row */
    uint32_t hall_of_all;
    uint32_t other_roles, not_active;
    const char *file; /* being read */
    size_t index;     /* of the object in it */
    struct mw_error *err;
};

static int fail(const struct work *w, const char *what, const char *field)
{
    return mw_fail(w->err, MW_EINVAL, "%s: %s %zu: %s", w->file, what, w->index, field);
}

/* A text at "a.b"; "" when there is none. */
static const char *text_at(const json_t *v, const char *a, const char *b)
{
    v = json_object_get(v, a);
    if (b != NULL && json_is_object(v))
        v = json_object_get(v, b);
    const char *s = json_string_value(v);
    return s != NULL ? s : "";
}

/* ---- roles --------------------------------------------------------------------------------- */

static const char *role_of(const json_t *device, const char *key)
{
    const char *s = text_at(device, "role", key);
    return s[0] != '\0' ? s : text_at(device, "device_role", key);
}

static bool role_is(const json_t *device, const char *const *given, uint32_t count,
                    const char *const *words, uint32_t most)
{
    const char *slug = role_of(device, "slug"), *name = role_of(device, "name");
    for (uint32_t i = 0; i < count; i++)
        if (strcasecmp(given[i], slug) == 0 || strcasecmp(given[i], name) == 0)
            return true;
    for (uint32_t i = 0; count == 0 && i < most; i++)
        if (strcasestr(slug, words[i]) != NULL || strcasestr(name, words[i]) != NULL)
            return true;
    return false;
}

static bool is_switch(const struct work *w, const json_t *device)
{
    return role_is(device, w->o->switch_roles, w->o->switch_role_count, switch_words,
                   MW_ARRAY_LEN(switch_words));
}

static bool is_node(const struct work *w, const json_t *device)
{
    return role_is(device, w->o->node_roles, w->o->node_role_count, node_words,
                   MW_ARRAY_LEN(node_words));
}

/* By the words of the role; 0: by what hangs on it. */
static uint8_t tier_of(const json_t *device)
{
    const char *slug = role_of(device, "slug");
    if (strcasestr(slug, "super") != NULL || strcasestr(slug, "core") != NULL)
        return SWITCH_CORE;
    return strcasestr(slug, "spine") != NULL                                     ? SWITCH_SPINE
           : strcasestr(slug, "leaf") != NULL || strcasestr(slug, "tor") != NULL ? SWITCH_LEAF
                                                                                 : 0;
}

/* ---- racks, devices ------------------------------------------------------------------------ */

/* The row of the hall of this name (a location, else a site). */
static int hall_of(struct work *w, const char *name, uint32_t *ret)
{
    char legal[IMPORT_NAME_MAX];
    import_name(legal, name, strlen(name));
    for (uint32_t i = 0; i < w->s->halls; i++)
        if (strcmp(w->s->hall[i].name, legal) == 0) {
            *ret = i;
            return 0;
        }
    return import_add_hall(w->s, legal, ret, w->err);
}

/* Names are one space in a site file: a rack's is "rack-" and its own. */
static int rack_of(struct work *w, const char *name, const char *hall, uint32_t *ret)
{
    char made[IMPORT_NAME_MAX + 8];
    uint32_t row, at;
    (void)snprintf(made, sizeof(made), "rack-%.80s", name);
    uint64_t key = mw_hash64_of(made, strlen(made));
    row = map_get(&w->racks, key);
    if (row != MW_NONE) {
        *ret = row;
        return 0;
    }
    if (w->racks.length == w->racks.length_max)
        return mw_fail(w->err, MW_ELIMIT, "too many racks");
    int rc = hall_of(w, hall[0] != '\0' ? hall : "hall", &at);
    if (rc == 0)
        rc = import_add_rack(w->s, made, at, ret, w->err);
    if (rc == 0)
        map_put(&w->racks, key, *ret);
    return rc;
}

static const char *place_of(const json_t *v)
{
    const char *s = text_at(v, "location", "name");
    return s[0] != '\0' ? s : text_at(v, "site", "name");
}

static int take_rack(struct work *w, const json_t *rack)
{
    uint32_t row;
    const char *name = text_at(rack, "name", NULL);
    if (name[0] == '\0')
        return fail(w, "rack", "name: must be a text");
    return rack_of(w, name, place_of(rack), &row);
}

static uint32_t gpus_of(const struct work *w, const json_t *device)
{
    const json_t *fields = json_object_get(device, "custom_fields");
    const char *names[] = { w->o->gpus_field, "gpus", "gpu_count" };
    if (w->o->gpus != MW_NONE)
        return w->o->gpus;
    for (size_t i = w->o->gpus_field != NULL ? 0 : 1; i < MW_ARRAY_LEN(names); i++) {
        const json_t *v = json_object_get(fields, names[i]);
        if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= GPUS_MAX)
            return (uint32_t)json_integer_value(v);
    }
    return 0;
}

static int add_node(struct work *w, const json_t *device, const char *name, uint32_t rack)
{
    struct import_node n = { .rack = rack, .group = MW_NONE };
    struct import_model m = { .gpus = gpus_of(w, device) };
    const char *type = text_at(device, "device_type", "slug");
    uint32_t row;
    if (type[0] == '\0')
        type = text_at(device, "device_type", "model");
    import_name(m.name, type[0] != '\0' ? type : "node", strlen(type[0] != '\0' ? type : "node"));
    (void)snprintf(n.name, sizeof(n.name), "%s", name);
    int rc = import_model_of(w->s, &m, &n.model, w->err);
    if (rc == 0)
        rc = import_add_node(w->s, &n, &row, w->err);
    return rc;
}

static int add_switch(struct work *w, const json_t *device, const char *name, uint32_t rack)
{
    struct import_switch sw = { .ports = 1, .rack = rack, .tier = tier_of(device) };
    uint32_t row;
    (void)snprintf(sw.name, sizeof(sw.name), "%s", name);
    return import_add_switch(w->s, &sw, &row, w->err);
}

static int take_device(struct work *w, const json_t *device)
{
    char name[IMPORT_NAME_MAX];
    const char *given = text_at(device, "name", NULL), *serial = text_at(device, "serial", NULL);
    const char *status = text_at(device, "status", "value");
    bool sw = is_switch(w, device);
    uint32_t rack = MW_NONE;
    if (!sw && !is_node(w, device)) {
        w->other_roles++;
        return 0;
    }
    if (status[0] != '\0' && strcmp(status, "active") != 0 && strcmp(status, "staged") != 0) {
        w->not_active++;
        return 0;
    }
    if (given[0] == '\0')
        return fail(w, "device", "name: must be a text; nameless devices have no place in a site");
    import_name(name, given, strlen(given));
    const char *in = text_at(device, "rack", "name");
    int rc = in[0] != '\0' || !sw ? rack_of(w, in[0] != '\0' ? in : "none", place_of(device), &rack)
                                  : hall_of(w, place_of(device), &w->hall_of_all);
    if (rc == 0)
        rc = sw ? add_switch(w, device, name, rack) : add_node(w, device, name, rack);
    if (rc == 0 && serial[0] != '\0')
        rc = import_add_serial(w->s, name, serial, w->err);
    if (rc == 0 && w->s->name[0] == '\0')
        (void)snprintf(w->s->name, sizeof(w->s->name), "%.63s", text_at(device, "site", "name"));
    return rc;
}

/* ---- cables -------------------------------------------------------------------------------- */

/* An end: a_terminations[0].object or termination_a, with device.name and name. */
static bool end_of(const json_t *cable, char side, const char **ret_device, const char **ret_port)
{
    char key[24];
    (void)snprintf(key, sizeof(key), "%c_terminations", side);
    const json_t *list = json_object_get(cable, key);
    const json_t *end = json_object_get(json_array_get(list, 0), "object");
    (void)snprintf(key, sizeof(key), "termination_%c", side);
    if (end == NULL)
        end = json_object_get(cable, key);
    *ret_device = text_at(json_object_get(end, "device"), "name", NULL);
    *ret_port = text_at(end, "name", NULL);
    return (*ret_device)[0] != '\0' && (*ret_port)[0] != '\0';
}

static int take_cable(struct work *w, const json_t *cable)
{
    struct import_wire wire = { .copper = false };
    const char *type = text_at(cable, "type", NULL);
    /* Power and console cables, and those to circuits and panels' rear ports, have other ends. */
    if (!end_of(cable, 'a', &wire.device[0], &wire.port[0]) ||
        !end_of(cable, 'b', &wire.device[1], &wire.port[1]))
        return 0;
    wire.copper = strncmp(type, "cat", 3) == 0 || strncmp(type, "dac", 3) == 0;
    return import_wires_add(w->wires, &wire, w->err);
}

/* ---- documents ----------------------------------------------------------------------------- */

typedef int take_fn(struct work *w, const json_t *v);

/* What takes an object in this pass; NULL: another pass, or nothing that we know. */
static take_fn *taker(const json_t *v, int pass)
{
    bool device = json_object_get(v, "device_type") != NULL;
    bool rack = !device && json_object_get(v, "u_height") != NULL;
    bool cable = json_object_get(v, "a_terminations") != NULL ||
                 json_object_get(v, "termination_a") != NULL;
    return pass == 0 && rack ? take_rack : pass == 1 && device ? take_device
           : pass == 2 && cable                                ? take_cable : NULL;
}

static int take_list(struct work *w, const json_t *list, int pass)
{
    const json_t *v;
    int rc = 0;
    json_array_foreach(list, w->index, v) {
        take_fn *take = rc == 0 ? taker(v, pass) : NULL;
        if (take != NULL)
            rc = take(w, v);
    }
    return rc;
}

/* A page {"results": […]}, a list, or {"devices": […], "racks": […], "cables": […]}. */
static int take_document(struct work *w, const json_t *root, int pass)
{
    static const char *const keys[] = { "results", "racks", "devices", "cables" };
    bool any = json_is_array(root);
    int rc = any ? take_list(w, root, pass) : 0;
    for (size_t i = 0; i < MW_ARRAY_LEN(keys) && rc == 0; i++) {
        const json_t *list = json_object_get(root, keys[i]);
        any = any || json_is_array(list);
        rc = json_is_array(list) ? take_list(w, list, pass) : 0;
    }
    return rc == 0 && !any ? mw_fail(w->err, MW_EINVAL, "%s: neither a list, nor an answer of "
                                     "NetBox with \"results\"", w->file) : rc;
}

static json_t *parse(const struct import_netbox_doc *d, struct mw_error *err)
{
    json_error_t why;
    json_t *root = json_loadb(d->text, d->size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        (void)mw_fail(err, MW_ESYNTAX, "%s:%d:%d: %s", d->name, why.line, why.column, why.text);
    return root;
}

int import_netbox_next(const struct import_netbox_doc *doc, char *ret, size_t size,
                       struct mw_error *err)
{
    json_t *root = parse(doc, err);
    if (root == NULL)
        return MW_ESYNTAX;
    const char *next = text_at(root, "next", NULL), *detail = text_at(root, "detail", NULL);
    int rc = json_is_array(json_object_get(root, "results"))
                 ? 0 : mw_fail(err, MW_EINVAL, "%s: %s", doc->name,
                               detail[0] != '\0' ? detail : "no answer of NetBox");
    if (rc == 0 && strlen(next) >= size)
        rc = mw_fail(err, MW_ELIMIT, "%s: next: the address is too long", doc->name);
    if (rc == 0)
        (void)snprintf(ret, size, "%s", next);
    json_decref(root);
    return rc;
}

static int take_all(struct work *w, const struct import_netbox_doc *doc, uint32_t docs)
{
    json_t **root = mw_calloc(docs, sizeof(*root));
    int rc = root == NULL ? mw_fail(w->err, MW_ENOMEM, "out of memory") : 0;
    for (uint32_t i = 0; i < docs && rc == 0; i++)
        if ((root[i] = parse(&doc[i], w->err)) == NULL)
            rc = MW_ESYNTAX;
    for (int pass = 0; pass < 3 && rc == 0; pass++)
        for (uint32_t i = 0; i < docs && rc == 0; i++) {
            w->file = doc[i].name;
            rc = take_document(w, root[i], pass);
        }
    for (uint32_t i = 0; root != NULL && i < docs; i++)
        json_decref(root[i]);
    mw_free(root);
    return rc;
}

static const char head[] =
    "# Made from %s by `mw import netbox`.\n"
    "#\n"
    "# Racks, nodes, switches, serial numbers and cables are NetBox's; halls are its locations,\n"
    "# else its sites.  NIC k of a node is the k-th of its interfaces that has a cable.  What\n"
    "# NetBox does not say is assumed; replace what you know (docs/site.md):\n"
    "#   gpus     --gpus N, else the custom field gpus or gpu_count, else 0\n"
    "#   power    power_w of the models is 0; breakers: and pdus: are missing\n"
    "#   ports    a switch has at least as many as are cabled; write how many there are\n"
    "#   tiers    from the words leaf, tor, spine, core in the role, else from what hangs on it\n"
    "#   cables   type cat* and dac* are copper, others optical; through patch panels none is\n"
    "#            followed\n";

static int finish(struct work *w)
{
    if (w->other_roles > 0)
        import_remark(w->s, "devices left out, for their role is neither a node's nor a switch's "
                            "(--node-role, --switch-role): %u", w->other_roles);
    if (w->not_active > 0)
        import_remark(w->s, "devices left out that are neither active nor staged: %u",
                      w->not_active);
    if (w->s->nodes == 0)
        return mw_fail(w->err, MW_EINVAL, "%s: no device has a node's role; name the roles with "
                       "--node-role", w->o->source);
    uint32_t hall;
    int rc = w->s->halls == 0 ? import_add_hall(w->s, "hall", &hall, w->err) : 0;
    if (rc == 0)
        rc = import_wires_resolve(w->wires, w->s, w->err);
    if (rc == 0)
        rc = import_tiers(w->s, w->err);
    return rc != 0 ? rc : import_site_sort(w->s, w->err);
}

int import_netbox(const struct import_netbox_doc *doc, uint32_t docs,
                  const struct import_netbox_options *o, struct import_site *ret,
                  struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct work w = { .o = o, .s = ret, .err = err != NULL ? err : &own };
    size_t bytes = 0;
    for (uint32_t i = 0; i < docs; i++)
        bytes += doc[i].size;
    (void)snprintf(ret->name, sizeof(ret->name), "%s", o->site != NULL ? o->site : "");
    int rc = import_wires_create(&w.wires, w.err);
    /* A rack is named by more than 16 bytes of a document. */
    uint32_t most = (uint32_t)MW_MIN(bytes / 16 + 2, (size_t)IMPORT_PARTS_MAX);
    if (rc == 0 && map_init(&w.racks, most) != 0)
        rc = mw_fail(w.err, MW_ENOMEM, "out of memory");
    if (rc == 0)
        rc = take_all(&w, doc, docs);
    if (rc == 0)
        rc = finish(&w);
    import_wires_destroy(w.wires);
    map_fini(&w.racks);
    if (ret->name[0] == '\0')
        (void)snprintf(ret->name, sizeof(ret->name), "netbox");
    text_addf(&ret->head, head, o->source);
    ret->models_remark = "assumed: power_w, gpus unless a field says";
    ret->switches_remark = "assumed: ports, tiers";
    return rc;
}
