/*
 * Host by host: the systems, the processors that are GPUs, the adapters, each
 * resource once however many documents hold it.
 */
#include "live/import_redfish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "live/fabric_names.h"
#include "live/redfish.h"

#define PARTS_MAX 64 /* GPUs, and adapters, of one node */

struct part {
    char path[REDFISH_PATH_MAX], serial[IMPORT_NAME_MAX];
};

struct host {
    struct part gpu[PARTS_MAX], adapter[PARTS_MAX];
    uint32_t gpus, adapters;
    char model[IMPORT_NAME_MAX], serial[IMPORT_NAME_MAX], gpu_model[IMPORT_NAME_MAX];
    bool system;
    uint32_t too_many;
};

/* A serial number on its way to the file: what is written on several parts names none. */
struct serial {
    char component[IMPORT_NAME_MAX], serial[IMPORT_NAME_MAX];
};

struct work {
    const struct import_redfish_options *o;
    struct import_site *s;
    struct host host;
    struct serial *serial; /* owned */
    uint32_t serials, serials_room, passed_over;
    uint32_t rack;
    struct mw_error *err;
};

/* What makers write where a text is missing. */
static bool is_said(const char *s)
{
    static const char *const nothing[] = { "NA", "N/A", "None", "Not Specified", "Unknown", "0" };
    for (size_t i = 0; i < MW_ARRAY_LEN(nothing); i++)
        if (strcasecmp(s, nothing[i]) == 0)
            return false;
    return s[0] != '\0' && strspn(s, "0x ") != strlen(s);
}

static void keep(char *to, size_t size, const char *from)
{
    if (is_said(from))
        (void)snprintf(to, size, "%.*s", (int)size - 1, from);
}

/* Sorted by path as people count, each once. */
static void add_part(struct host *h, struct part *list, uint32_t *n, const struct redfish_item *i)
{
    uint32_t at = 0;
    while (at < *n && fabric_names_compare(list[at].path, i->path) < 0)
        at++;
    if (at < *n && strcmp(list[at].path, i->path) == 0) {
        keep(list[at].serial, sizeof(list[at].serial), i->serial);
        return;
    }
    if (*n == PARTS_MAX) {
        h->too_many++;
        return;
    }
    memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
    list[at] = (struct part){ .serial = "" };
    (void)snprintf(list[at].path, sizeof(list[at].path), "%s", i->path);
    keep(list[at].serial, sizeof(list[at].serial), i->serial);
    (*n)++;
}

static void take_system(struct host *h, const struct redfish_item *i)
{
    /* A tray has a system of the host and one of the GPU board: the host's has power to reset, and
     * its serial number is on the lid. */
    bool board = strstr(i->path, "Baseboard") != NULL || strstr(i->path, "HGX") != NULL;
    bool better = !h->system || !board;
    h->system = true;
    if (better) {
        keep(h->model, sizeof(h->model), i->model);
        keep(h->serial, sizeof(h->serial), i->serial);
    }
}

static void take_item(void *ctx, const struct redfish_item *i)
{
    struct work *w = ctx;
    if (i->state == REDFISH_ABSENT || i->path[0] == '\0')
        return;
    if (i->kind == REDFISH_SYSTEM) {
        take_system(&w->host, i);
    } else if (i->kind == REDFISH_PROCESSOR && strcmp(i->type, "GPU") == 0) {
        keep(w->host.gpu_model, sizeof(w->host.gpu_model), i->model);
        add_part(&w->host, w->host.gpu, &w->host.gpus, i);
    } else if (i->kind == REDFISH_ADAPTER) {
        add_part(&w->host, w->host.adapter, &w->host.adapters, i);
    }
}

/* ---- a host -------------------------------------------------------------------------------- */

static int add_serial(struct work *w, const char *component, const char *serial)
{
    if (serial[0] == '\0')
        return 0;
    if (w->serials == w->serials_room) {
        uint32_t room = w->serials_room == 0 ? 64 : w->serials_room * 2;
        struct serial *p = mw_resize(w->serial, room, sizeof(*p));
        if (p == NULL)
            return mw_fail(w->err, MW_ENOMEM, "out of memory");
        w->serial = p;
        w->serials_room = room;
    }
    struct serial *s = &w->serial[w->serials++];
    (void)snprintf(s->component, sizeof(s->component), "%s", component);
    (void)snprintf(s->serial, sizeof(s->serial), "%s", serial);
    return 0;
}

static int add_parts(struct work *w, const char *node, const char *kind, const struct part *list,
                     uint32_t n)
{
    char component[IMPORT_NAME_MAX];
    int rc = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        (void)snprintf(component, sizeof(component), "%.80s-%s%u", node, kind, i);
        rc = add_serial(w, component, list[i].serial);
    }
    return rc;
}

static int finish_host(struct work *w, const char *name)
{
    struct host *h = &w->host;
    struct import_model m = { .gpus = h->gpus, .nics = h->adapters };
    struct import_node n = { .rack = w->rack, .group = MW_NONE };
    uint32_t row;
    if (!h->system)
        return mw_fail(w->err, MW_EINVAL,
                       "%s: no document of %.60s is a ComputerSystem: give those under "
                       "/redfish/v1/Systems", w->o->source, name);
    (void)snprintf(m.name, sizeof(m.name), "%.60s%s%.20s", h->model[0] != '\0' ? h->model : "node",
                   h->gpu_model[0] != '\0' ? "-" : "", h->gpu_model);
    (void)snprintf(n.name, sizeof(n.name), "%s", name);
    int rc = import_model_of(w->s, &m, &n.model, w->err);
    if (rc == 0)
        rc = import_add_node(w->s, &n, &row, w->err);
    if (rc != 0)
        return rc;
    const char *node = w->s->node[row].name;
    char copy[IMPORT_NAME_MAX];
    memcpy(copy, node, sizeof(copy));
    rc = add_serial(w, copy, h->serial);
    if (rc == 0)
        rc = add_parts(w, copy, "gpu", h->gpu, h->gpus);
    if (rc == 0)
        rc = add_parts(w, copy, "nic", h->adapter, h->adapters);
    if (h->too_many > 0)
        import_remark(w->s, "%s: %u parts past %d are left out", copy, h->too_many, PARTS_MAX);
    return rc;
}

static int take_all(struct work *w, const struct import_redfish_doc *doc, uint32_t docs)
{
    const struct redfish_sink sink = { .ctx = w, .item = take_item };
    int rc = 0;
    for (uint32_t i = 0; i < docs && rc == 0; i++) {
        struct redfish_doc d;
        if (redfish_read(doc[i].text, doc[i].size, &sink, &d, NULL) != 0)
            w->passed_over++;
        if (i + 1 < docs && strcmp(doc[i].host, doc[i + 1].host) == 0)
            continue;
        rc = finish_host(w, doc[i].host);
        w->host = (struct host){ .gpus = 0 };
    }
    return rc;
}

/* ---- serial numbers ------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct serial *x = a, *y = b;
    int c = strcmp(x->serial, y->serial);
    return c != 0 ? c : fabric_names_compare(x->component, y->component);
}

/* Modules with several GPUs or NICs say the module's number for each: it tells no part apart. */
static int write_serials(struct work *w)
{
    uint32_t shared = 0;
    int rc = 0;
    if (w->serials > 0)
        qsort(w->serial, w->serials, sizeof(*w->serial), compare);
    for (uint32_t i = 0, n; i < w->serials && rc == 0; i += n) {
        for (n = 1; i + n < w->serials &&
                    strcmp(w->serial[i].serial, w->serial[i + n].serial) == 0; n++)
            continue;
        if (n == 1)
            rc = import_add_serial(w->s, w->serial[i].component, w->serial[i].serial, w->err);
        else
            shared += n;
        if (n > 1)
            import_remark(w->s, "serial number %s is of a module: it is said of %s and %u more",
                          w->serial[i].serial, w->serial[i].component, n - 1);
    }
    if (shared > 0)
        import_remark(w->s, "%u parts share the serial number of their module and have none of "
                            "their own here", shared);
    return rc;
}

static const char head[] =
    "# Made from %s by `mw import redfish`.\n"
    "#\n"
    "# Models, GPUs, network adapters and serial numbers are what the BMCs say.  GPU k and NIC k\n"
    "# of a node are the k-th in the order of their Redfish paths; a driver may count otherwise.\n"
    "# What Redfish does not know is assumed; replace what you know (docs/site.md):\n"
    "#   names    of the nodes: those of the folders\n"
    "#   power    power_w of the models is 0; breakers: and pdus: are missing\n"
    "#   racks    one for all, in one hall\n"
    "#   cables   add switches: and cables:\n";

int import_redfish(const struct import_redfish_doc *doc, uint32_t docs,
                   const struct import_redfish_options *o, struct import_site *ret,
                   struct mw_error *err)
{
    struct mw_error own = { 0 };
    struct work *w = mw_calloc(1, sizeof(*w));
    uint32_t hall;
    if (w == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    *w = (struct work){ .o = o, .s = ret, .err = err != NULL ? err : &own };
    int rc = import_add_hall(ret, "hall", &hall, w->err);
    if (rc == 0)
        rc = import_add_rack(ret, "rack-1", hall, &w->rack, w->err);
    if (rc == 0)
        rc = take_all(w, doc, docs);
    if (rc == 0 && ret->nodes == 0)
        rc = mw_fail(w->err, MW_EINVAL, "%s: there are no documents", o->source);
    if (rc == 0)
        rc = write_serials(w);
    if (w->passed_over > 0)
        import_remark(ret, "%u files are no Redfish resources", w->passed_over);
    mw_free(w->serial);
    mw_free(w);
    (void)snprintf(ret->name, sizeof(ret->name), "%s", o->site != NULL ? o->site : "redfish");
    text_addf(&ret->head, head, o->source);
    ret->models_remark = "assumed: power_w";
    ret->racks_remark = "assumed: one for all";
    return rc != 0 ? rc : import_site_sort(ret, err);
}
