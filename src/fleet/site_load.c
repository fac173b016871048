/*
 * The order of compiling a site: read, check against the tables, count, name,
 * wire, number the parts, check power and cooling.  Goes on past mistakes so
 * that all are listed; a fleet comes out only when there are none.
 */
#include "fleet/site_build.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "fleet/fleet_build.h"
#include "fleet/site_blob.h"

#define POOL_FIRST_BYTES 4096
#define POOL_BYTES_MAX UINT32_C(0xf0000000)
#define PATH_BYTES_MAX 4096

int site_text(struct site_build *b, const char *s, size_t length, uint32_t *ret)
{
    struct fleet_text *t = &b->f->text;

    must(s != NULL && ret != NULL);
    if (length + 1 > b->pool_room - t->pool_size) {
        uint64_t room = MW_MAX((uint64_t)b->pool_room * 2, t->pool_size + length + 1);
        if (room > POOL_BYTES_MAX)
            return mw_fail(b->err, MW_ELIMIT, "more than 4 GiB of names and serials");
        char *pool = mw_resize(t->pool, room, 1);
        if (pool == NULL)
            return mw_fail(b->err, MW_ENOMEM, "out of memory for names");
        t->pool = pool;
        b->pool_room = (uint32_t)room;
    }
    *ret = t->pool_size;
    memcpy(t->pool + t->pool_size, s, length);
    t->pool[t->pool_size + length] = '\0';
    t->pool_size += (uint32_t)length + 1;
    return 0;
}

int site_batch(struct site_build *b, const char *s, uint32_t *ret)
{
    size_t length = strlen(s);
    uint64_t hash = mw_hash64_of(s, length);

    *ret = map_get(&b->batches, hash);
    if (*ret != MW_NONE)
        return 0;
    if (b->batches.length >= SITE_BATCHES_MAX)
        return mw_fail(b->err, MW_ELIMIT, "more than %d batches", SITE_BATCHES_MAX);
    int rc = site_text(b, s, length, ret);
    if (rc == 0)
        map_put(&b->batches, hash, *ret);
    return rc;
}

const struct mw_yaml_node *site_entry_of(const struct site_build *b, uint64_t component)
{
    enum component_kind kind = component_kind_of(component);
    uint32_t row = component_index_of(component);

    if (kind == COMPONENT_GPU || kind == COMPONENT_NIC) {
        row = kind == COMPONENT_GPU ? b->f->gpu_node[row] : b->f->nic_node[row];
        kind = COMPONENT_NODE;
    } else if (kind == COMPONENT_OPTIC) {
        row = b->f->optic_cable[row];
        kind = COMPONENT_CABLE;
    }
    if (kind == COMPONENT_NODE)
        row = b->node_order[row];
    const struct site_spans *s = &b->spans[kind];
    if (s->length == 0)
        return mw_yaml_root(b->doc);
    uint32_t low = 0, high = s->length;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (s->item[middle].first <= row)
            low = middle;
        else
            high = middle;
    }
    return s->item[low].entry;
}

struct mw_place site_place(const struct site_build *b, const struct mw_yaml_node *entry,
                           const char *key)
{
    const struct mw_yaml_node *value = mw_yaml_get(entry, key);

    return mw_yaml_place(b->doc, value != NULL ? value : entry);
}

/* The text itself goes along: it becomes a blob of the record. */
static int keep_source(struct site_build *b, const struct site_source *source)
{
    b->f->source = mw_strndup(source->yaml, source->size);
    if (b->f->source == NULL)
        return mw_fail(b->err, MW_ENOMEM, "%s: out of memory", source->name);
    b->f->source_size = source->size;
    return 0;
}

/* A path in the site file is relative to that file. */
static int path_beside(const char *site, const char *path, char ret[PATH_BYTES_MAX],
                       struct mw_error *err)
{
    const char *slash = strrchr(site, '/');
    int folder = slash == NULL || path[0] == '/' ? 0 : (int)(slash + 1 - site);
    int length = snprintf(ret, PATH_BYTES_MAX, "%.*s%s", folder, site, path);

    if (length < 0 || length >= PATH_BYTES_MAX)
        return mw_fail(err, MW_EINVAL, "%.100s...: the path is too long", path);
    return 0;
}

static int load_csv(struct site_build *b, const struct mw_yaml_node *value,
                    const struct site_source *source)
{
    mw_cleanup(mw_freep) char *text = NULL;
    char path[PATH_BYTES_MAX];
    struct mw_error why = {0};
    size_t size = 0;

    if (value->kind != MW_YAML_SCALAR)
        return 0;
    if (source->read == NULL || source->read(source->ctx, value->text, &text, &size, &why) != 0) {
        problems_add(b->problems, mw_yaml_place(b->doc, value), "cannot read '%.100s': %.120s",
                     value->text, source->read == NULL ? "no reader for files is given" : why.text);
        return 0;
    }
    if (site_blob_add(b->f, value->text, text, size) != 0)
        return mw_fail(b->err, MW_ENOMEM, "out of memory");
    int rc = path_beside(source->name, value->text, path, b->err);
    return rc != 0 ? rc : site_serials(b, path, text, size);
}

static int load_csvs(struct site_build *b, const struct site_source *source)
{
    const struct mw_yaml_node *list =
        schema_list(site_root_fields, mw_yaml_root(b->doc), "serials");
    int rc = 0;

    for (const struct mw_yaml_node *v = list == NULL ? NULL : list->child; v != NULL && rc == 0;
         v = v->next)
        rc = load_csv(b, v, source);
    return rc;
}

/* The site itself is a component: it may be called like any. */
static int name_site(struct site_build *b)
{
    const char *name = schema_text(site_root_fields, mw_yaml_root(b->doc), "site", "site");
    int rc = site_text(b, name, strlen(name), &b->f->name_of[COMPONENT_SITE][0]);

    (void)snprintf(b->f->name, sizeof(b->f->name), "%s", name);
    if (rc == 0 && fleet_index_add(b->f, component_id(COMPONENT_SITE, 0)) != 0)
        problems_add(b->problems, site_place(b, mw_yaml_root(b->doc), "site"),
                     "the site's name '%s' is taken by one of its parts", name);
    return rc;
}

static int compile(struct site_build *b, const struct site_source *source)
{
    uint32_t nothing = 0;
    int rc = site_text(b, "", 0, &nothing);

    if (rc == 0 && map_init(&b->batches, SITE_BATCHES_MAX) != 0)
        rc = mw_fail(b->err, MW_ENOMEM, "out of memory");
    (void)schema_check(b->doc, mw_yaml_root(b->doc), site_root_fields, b->problems);
    if (mw_yaml_root(b->doc)->kind != MW_YAML_MAP)
        return rc;
    if (rc == 0)
        rc = site_models(b);
    if (rc == 0)
        rc = site_count(b);
    if (rc == 0)
        rc = site_names(b);
    if (rc == 0)
        rc = name_site(b);
    if (rc == 0)
        rc = site_references(b);
    if (rc == 0)
        rc = site_cables(b);
    if (rc == 0)
        rc = load_csvs(b, source);
    if (rc == 0)
        rc = site_lists(b);
    if (rc == 0)
        rc = site_distances(b);
    return rc != 0 ? rc : site_checks(b);
}

static void site_build_fini(struct site_build *b)
{
    for (int k = 0; k < COMPONENT_KIND_COUNT; k++)
        mw_free(b->spans[k].item);
    map_fini(&b->batches);
    mw_free(b->model);
    mw_free(b->node_order);
    mw_free(b->node_row);
    fleet_destroy(b->f);
}

/* The pool grew by doubling: give back what it does not use. */
static void trim(struct fleet_text *t)
{
    char *pool = mw_resize(t->pool, t->pool_size, 1);

    if (pool != NULL)
        t->pool = pool;
}

int site_load(const struct site_source *source, struct fleet **ret,
              struct site_problems *problems, struct mw_error *err)
{
    struct mw_yaml *doc = NULL;
    struct site_build b = {.problems = problems, .err = err};
    uint32_t before = problems->total;

    must(ret != NULL && source->name != NULL);
    int rc = mw_yaml_read(source->yaml, source->size, source->name, &doc, problems, err);
    if (rc != 0)
        return rc;
    b.doc = doc;
    b.f = mw_calloc(1, sizeof(*b.f));
    if (b.f == NULL) {
        rc = mw_fail(err, MW_ENOMEM, "%s: out of memory", source->name);
    } else {
        rc = keep_source(&b, source);
        if (rc == 0)
            rc = compile(&b, source);
    }
    if (rc == 0 && problems->total > before)
        rc = mw_fail(err, MW_ESYNTAX, "%s: %u mistakes", source->name, problems->total - before);
    problems_sort(problems);
    if (rc == 0) {
        const struct mw_piece blob = {b.f->source, b.f->source_size};
        mw_sha256(&blob, 1, b.f->site_sha256);
        trim(&b.f->text);
        *ret = TAKE(b.f);
    }
    site_build_fini(&b);
    mw_yaml_destroy(doc);
    return rc;
}

static int read_beside(void *ctx, const char *path, char **ret, size_t *ret_size,
                       struct mw_error *err)
{
    char full[PATH_BYTES_MAX];
    int rc = path_beside(ctx, path, full, err);

    return rc != 0 ? rc : mw_read_file(full, SITE_CSV_BYTES_MAX, true, ret, ret_size, err);
}

int site_load_file(const char *path, struct fleet **ret, struct site_problems *problems,
                   struct mw_error *err)
{
    mw_cleanup(mw_freep) char *text = NULL;
    size_t size = 0;

    must(path != NULL && problems != NULL);
    int rc = mw_read_file(path, MW_YAML_BYTES_MAX, true, &text, &size, err);
    if (rc != 0)
        return rc;
    struct site_source source = {
        .yaml = text,
        .size = size,
        .name = path,
        .read = read_beside,
        .ctx = (void *)path,
    };
    return site_load(&source, ret, problems, err);
}
