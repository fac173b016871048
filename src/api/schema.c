/* Texts to schemas.  See schema.h. */
#include "api/schema.h"

#include <string.h>

#include "api/resource.h"
#include "base/mem.h"
#include "base/text.h"

json_t *api_schema_read(const struct api_schema *s, struct mw_error *err)
{
    json_error_t at;
    must(s != NULL && s->name != NULL && s->text != NULL);
    char *text mw_cleanup(mw_freep) = mw_strdup(s->text);
    if (text == NULL) {
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
        return NULL;
    }
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &at);
    if (o == NULL)
        (void)mw_fail(err, MW_EBUG, "schema %s, at byte %d: %s", s->name, at.position, at.text);
    return o;
}

/* Takes the schema. */
static int add(json_t *all, const char *name, json_t *schema, struct mw_error *err)
{
    if (schema == NULL)
        return err->code;
    if (json_object_get(all, name) != NULL) {
        json_decref(schema);
        return mw_fail(err, MW_EBUG, "schema %s is there twice", name);
    }
    return json_object_set_new(all, name, schema) == 0 ? 0
                                                       : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* ---- of resources --------------------------------------------------------------------------- */

static const char *type_name(uint8_t type)
{
    switch (type) {
    case FIELD_TEXT:
    case FIELD_TIME:
        return "string";
    case FIELD_REAL:
        return "number";
    case FIELD_BOOL:
        return "boolean";
    default:
        return "integer";
    }
}

static const char *unit_of(uint8_t type)
{
    static const char *const unit[API_FIELD_TYPE_COUNT] = {
        [FIELD_MS] = "ms", [FIELD_UUSD] = "micro-dollars", [FIELD_PPM] = "ppm",
        [FIELD_WATTS] = "W",
    };
    return unit[type];
}

/* {"type":["integer","null"],"description":…,"x-unit":…,"x-rests-on":…} */
static json_t *field_schema(const struct api_field *f)
{
    return json_pack("{s:o*, s:s*, s:s, s:s, s:s*, s:s*}", "type",
                     f->type == FIELD_JSON ? NULL
                                           : json_pack("[s, s]", type_name(f->type), "null"),
                     "format", f->type == FIELD_TIME ? "date-time" : NULL, "title", f->title,
                     "description", f->doc, "x-unit", unit_of(f->type), "x-rests-on",
                     api_basis_word(f->basis, NULL));
}

/* With `fields` a row has only what was asked for: nothing is required. */
static json_t *row_schema(const struct api_resource *r)
{
    json_t *properties = json_object();
    for (const struct api_field *f = r->field; f->name != NULL; f++)
        if (json_object_set_new(properties, f->name, field_schema(f)) != 0) {
            json_decref(properties);
            return NULL;
        }
    return json_pack("{s:s, s:s, s:o, s:b}", "type", "object", "description", r->doc, "properties",
                     properties, "additionalProperties", 0);
}

static json_t *list_schema(const struct api_resource *r, struct mw_error *err)
{
    struct text t = { 0 };
    text_addf(&t, "{'type':'object','description':'%s',"
              "'required':['kind','now','revision','total','rows','next','rests_on'],'properties':{"
              "'kind':{'const':'%sList'},'now':{'$ref':'#/components/schemas/Time'},"
              "'revision':{'$ref':'#/components/schemas/Revision'},"
              "'total':{'type':'integer','minimum':0,"
              "'description':'rows that pass the filter, on all pages'},"
              "'rows':{'type':'array','items':{'$ref':'#/components/schemas/%s'}},"
              "'next':{'type':['string','null'],"
              "'description':'cursor of the next page; null on the last'},"
              "'rests_on':{'type':'object','additionalProperties':{'type':'string'},"
              "'description':'what the figures of a field rest on'}%s%s},"
              "'additionalProperties':false}",
              r->doc, r->kind, r->kind, r->extra ? "," : "", r->extra ? r->extra : "");
    const struct api_schema s = { .name = r->kind, .text = text_string(&t) };
    json_t *o = api_schema_read(&s, err);
    text_fini(&t);
    return o;
}

static int add_resource(json_t *all, const struct api_resource *r, struct mw_error *err)
{
    char name[64];
    size_t n = strlen(r->kind);
    must(n + 5 <= sizeof(name));
    memcpy(name, r->kind, n);
    memcpy(name + n, "List", 5);
    json_t *row = row_schema(r);
    if (row == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = add(all, r->kind, row, err);
    return rc == 0 ? add(all, name, list_schema(r, err), err) : rc;
}

/* ---- all ------------------------------------------------------------------------------------ */

static const struct api_schema *const tables[] = {
#define X(name) api_schemas_##name,
    API_SCHEMA_TABLES(X)
#undef X
};

int api_schemas(json_t **ret, struct mw_error *err)
{
    struct mw_error own = { 0 };
    json_t *all = json_object();
    int rc = all == NULL ? mw_fail(&own, MW_ENOMEM, "out of memory") : 0;
    must(ret != NULL);
    for (size_t i = 0; rc == 0 && i < MW_ARRAY_LEN(tables); i++)
        for (const struct api_schema *s = tables[i]; rc == 0 && s->name != NULL; s++)
            rc = add(all, s->name, api_schema_read(s, &own), &own);
    for (const struct api_resource *r = api_resources; rc == 0 && r->name != NULL; r++)
        rc = add_resource(all, r, &own);
    if (rc == 0) {
        *ret = all;
        return 0;
    }
    json_decref(all);
    return mw_fail(err, rc, "%s", own.text);
}
