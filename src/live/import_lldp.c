/*
 * Walks both forms of lldpcli's JSON: objects keyed by name (json), and lists
 * throughout (json0).
 */
#include "live/import_lldp.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "live/import_wires.h"

#define INTERFACES_MAX 4096 /* of one host */

struct device {
    char name[IMPORT_NAME_MAX];
    bool listed;  /* its own listing was given */
    bool bridges; /* a neighbour of it heard that it bridges or routes */
};

struct work {
    const struct import_lldp_options *o;
    struct import_site *s;
    struct import_wires *wires;
    struct device *device; /* owned */
    uint32_t devices, devices_room;
    struct map by_name; /* hash -> device */
    const struct import_lldp_file *file; /* being read */
    struct mw_error *err;
};

static int fail(const struct work *w, const char *interface, const char *what)
{
    return mw_fail(w->err, MW_EINVAL, "%s: interface %.60s: %s", w->file->name, interface, what);
}

/* The device of this name, made when it is new; NULL when there is no room. */
static struct device *device_of(struct work *w, const char *name)
{
    char legal[IMPORT_NAME_MAX];
    import_name(legal, name, strcspn(name, " "));
    uint64_t key = mw_hash64_of(legal, strlen(legal));
    uint32_t row = map_get(&w->by_name, key);
    if (row != MW_NONE)
        return &w->device[row];
    if (w->devices == w->by_name.length_max)
        return NULL;
    if (w->devices == w->devices_room) {
        uint32_t room = w->devices_room == 0 ? 64 : w->devices_room * 2;
        struct device *p = mw_resize(w->device, room, sizeof(*p));
        if (p == NULL)
            return NULL;
        w->device = p;
        w->devices_room = room;
    }
    struct device *d = &w->device[w->devices];
    *d = (struct device){ .listed = false };
    memcpy(d->name, legal, sizeof(legal));
    map_put(&w->by_name, key, w->devices++);
    return d;
}

/* ---- JSON in two forms --------------------------------------------------------------------- */

/* The first of a list, or the thing itself. */
static const json_t *first(const json_t *v)
{
    return json_is_array(v) ? json_array_get(v, 0) : v;
}

/* A text: "x", {"value": "x"}, [{"value": "x"}]. */
static const char *text_of(const json_t *v)
{
    v = first(v);
    if (json_is_object(v))
        v = json_object_get(v, "value");
    const char *s = json_string_value(v);
    return s != NULL ? s : "";
}

/* The neighbour's name: the key of the object (json), its "name" (json0), else its id. */
static const char *chassis_name(const json_t *chassis, const json_t **ret_body)
{
    const json_t *c = first(chassis);
    *ret_body = c;
    if (!json_is_object(c))
        return "";
    if (json_object_get(c, "name") != NULL)
        return text_of(json_object_get(c, "name"));
    if (json_object_get(c, "id") != NULL)
        return text_of(json_object_get(c, "id"));
    void *at = json_object_iter((json_t *)(uintptr_t)c);
    if (at == NULL)
        return "";
    *ret_body = json_object_iter_value(at);
    return json_object_iter_key(at);
}

static bool bridges(const json_t *body)
{
    const json_t *list = json_object_get(body, "capability");
    size_t n = json_is_array(list) ? json_array_size(list) : list != NULL;
    for (size_t i = 0; i < n && i < 16; i++) {
        const json_t *c = json_is_array(list) ? json_array_get(list, i) : list;
        const char *type = json_string_value(json_object_get(c, "type"));
        if (type != NULL && json_is_true(json_object_get(c, "enabled")) &&
            (strcmp(type, "Bridge") == 0 || strcmp(type, "Router") == 0))
            return true;
    }
    return false;
}

/* The port's name: its id when that is a name, else its description (a MAC names no port). */
static const char *port_name(const json_t *port)
{
    const json_t *p = first(port), *id = first(json_object_get(p, "id"));
    const char *type = json_string_value(json_object_get(id, "type"));
    const char *descr = text_of(json_object_get(p, "descr"));
    if (type != NULL && (strcmp(type, "ifname") == 0 || strcmp(type, "local") == 0 ||
                         strcmp(type, "ifalias") == 0))
        return text_of(id);
    return descr[0] != '\0' ? descr : text_of(id);
}

/* ---- one listing --------------------------------------------------------------------------- */

static int take_interface(struct work *w, const char *name, const json_t *body)
{
    const json_t *chassis;
    const char *peer = chassis_name(json_object_get(body, "chassis"), &chassis);
    const char *port = port_name(json_object_get(body, "port"));
    const char *via = json_string_value(json_object_get(body, "via"));
    if (via != NULL && strncmp(via, "LLDP", 4) != 0)
        return 0; /* CDP and others do not name ports alike */
    if (name[0] == '\0' || peer[0] == '\0')
        return fail(w, name, "chassis: the neighbour has no name");
    if (port[0] == '\0')
        return fail(w, name, "port: the neighbour's port has no name");
    struct device *d = device_of(w, peer);
    if (d == NULL)
        return mw_fail(w->err, MW_ENOMEM, "out of memory, or too many devices");
    d->bridges = d->bridges || bridges(chassis);
    struct import_wire wire = { .device = { w->file->host, d->name }, .port = { name, port } };
    return import_wires_add(w->wires, &wire, w->err);
}

/* One element of "interface": {"eth0": {…}} or {"name": "eth0", …}. */
static int take_element(struct work *w, const json_t *e)
{
    const char *name = json_string_value(json_object_get(e, "name"));
    int rc = 0;
    if (name != NULL)
        return take_interface(w, name, e);
    const char *key;
    json_t *body;
    json_object_foreach((json_t *)(uintptr_t)e, key, body)
        if (rc == 0)
            rc = take_interface(w, key, body);
    return rc;
}

static int take_listing(struct work *w, const json_t *root)
{
    const json_t *lldp = first(json_object_get(root, "lldp"));
    const json_t *list = json_object_get(lldp, "interface");
    int rc = 0;
    if (json_object_get(root, "lldp") == NULL)
        return mw_fail(w->err, MW_EINVAL, "%s: there is no \"lldp\": give the output of lldpcli -f "
                       "json show neighbors", w->file->name);
    if (json_array_size(list) > INTERFACES_MAX)
        return mw_fail(w->err, MW_ELIMIT, "%s: more than %d interfaces", w->file->name,
                       INTERFACES_MAX);
    if (json_is_object(list))
        return take_element(w, list);
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++)
        rc = take_element(w, json_array_get(list, i));
    return rc;
}

static int read_file(struct work *w, const struct import_lldp_file *f)
{
    json_error_t why;
    w->file = f;
    struct device *d = device_of(w, f->host);
    if (d == NULL)
        return mw_fail(w->err, MW_ENOMEM, "out of memory, or too many devices");
    d->listed = true;
    json_t *root = json_loadb(f->text, f->size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return mw_fail(w->err, MW_ESYNTAX, "%s:%d:%d: %s", f->name, why.line, why.column, why.text);
    int rc = take_listing(w, root);
    json_decref(root);
    return rc;
}

/* ---- who is what --------------------------------------------------------------------------- */

static bool is_switch(const struct work *w, const struct device *d)
{
    for (uint32_t i = 0; i < w->o->switch_globs; i++)
        if (fnmatch(w->o->switches[i], d->name, 0) == 0)
            return true;
    return w->o->switch_globs == 0 && (d->bridges || !d->listed);
}

static int add_devices(struct work *w)
{
    uint32_t hall, rack, row;
    struct import_model m = { .gpus = w->o->gpus == MW_NONE ? 0 : w->o->gpus, .name = "node" };
    uint32_t model = 0;
    int rc = import_add_hall(w->s, "hall", &hall, w->err);
    if (rc == 0)
        rc = import_add_rack(w->s, "rack-1", hall, &rack, w->err);
    if (rc == 0)
        rc = import_add_model(w->s, &m, &model, w->err);
    for (uint32_t i = 0; i < w->devices && rc == 0; i++) {
        const struct device *d = &w->device[i];
        struct import_node n = { .model = model, .rack = rack, .group = MW_NONE };
        struct import_switch sw = { .ports = 1, .rack = MW_NONE };
        memcpy(n.name, d->name, sizeof(n.name));
        memcpy(sw.name, d->name, sizeof(sw.name));
        if (is_switch(w, d))
            rc = import_add_switch(w->s, &sw, &row, w->err);
        else if (d->listed)
            rc = import_add_node(w->s, &n, &row, w->err);
    }
    return rc;
}

static const char head[] =
    "# Made from %s by `mw import lldp`: what lldpd of each host hears.\n"
    "#\n"
    "# Names and cables are LLDP's.  NIC k of a node is the k-th of its interfaces that hears a\n"
    "# neighbour.  What LLDP does not know is assumed; replace what you know (docs/site.md):\n"
    "#   gpus     %s\n"
    "#   power    power_w of the models is 0; breakers: and pdus: are missing\n"
    "#   racks    one for all, in one hall\n"
    "#   ports    a switch has at least as many as were heard; write how many there are\n"
    "#   tiers    from what hangs on a switch: nodes make it a leaf\n"
    "#   cables   taken for optical; copper: true says otherwise\n";

static int fill(struct work *w, const struct import_lldp_file *file, uint32_t files)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < files; i++)
        bytes += file[i].size;
    /* A neighbour is more than 16 bytes of a listing. */
    uint32_t most = (uint32_t)MW_MIN(files + bytes / 16 + 1, (size_t)IMPORT_PARTS_MAX);
    int rc = import_wires_create(&w->wires, w->err);
    if (rc == 0 && map_init(&w->by_name, most) != 0)
        rc = mw_fail(w->err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < files && rc == 0; i++)
        rc = read_file(w, &file[i]);
    if (rc == 0)
        rc = add_devices(w);
    if (rc == 0 && w->s->nodes == 0)
        rc = mw_fail(w->err, MW_EINVAL, "%s: no listing is of a node; are all of switches?",
                     w->o->source);
    if (rc == 0)
        rc = import_wires_resolve(w->wires, w->s, w->err);
    if (rc == 0)
        rc = import_tiers(w->s, w->err);
    return rc != 0 ? rc : import_site_sort(w->s, w->err);
}

int import_lldp(const struct import_lldp_file *file, uint32_t files,
                const struct import_lldp_options *o, struct import_site *ret, struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct work w = { .o = o, .s = ret, .err = err != NULL ? err : &own };
    int rc = fill(&w, file, files);
    import_wires_destroy(w.wires);
    map_fini(&w.by_name);
    mw_free(w.device);
    (void)snprintf(ret->name, sizeof(ret->name), "%s", o->site != NULL ? o->site : "lldp");
    text_addf(&ret->head, head, o->source, o->gpus == MW_NONE ? "none" : "as --gpus said");
    ret->models_remark = o->gpus == MW_NONE ? "assumed: gpus, power_w" : "assumed: power_w";
    ret->racks_remark = "assumed: one for all";
    ret->switches_remark = "assumed: tier, ports";
    return rc;
}
