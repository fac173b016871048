/*
 * Means over runs.  The keys are those of one run, whatever they are.
 */
#include "cli/run_many.h"

#include <string.h>

#include "base/mem.h"
#include "cli/run_json.h"

static json_t *estimate_json(const struct estimate *e)
{
    return json_pack("{s:f, s:f, s:f}", "mean", e->mean, "lo", e->lo, "hi", e->hi);
}

/* The numbers under `key` (in `inside` when that is not NULL) of all documents. */
static json_t *combine_number(json_t *const *doc, uint32_t n, const char *inside, const char *key)
{
    double *value = mw_calloc(n, sizeof(*value));
    if (value == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        json_t *from = inside != NULL ? json_object_get(doc[i], inside) : doc[i];
        value[i] = json_number_value(json_object_get(from, key));
    }
    struct estimate e = estimate_of(value, n);
    json_t *ret = estimate_json(&e);
    json_t *each = json_array();
    for (uint32_t i = 0; i < n; i++)
        (void)json_array_append_new(each, json_real(value[i]));
    (void)json_object_set_new(ret, "values", each);
    mw_free(value);
    return ret;
}

static json_t *combine_object(json_t *const *doc, uint32_t n, const char *inside)
{
    json_t *ret = json_object();
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(doc[0], inside), key, v) {
        if (json_is_number(v))
            (void)json_object_set_new(ret, key, combine_number(doc, n, inside, key));
    }
    return ret;
}

static json_t *combine_hash(json_t *const *doc, uint32_t n, const char *key)
{
    struct mw_hasher *h = mw_hasher_create();
    char hex[MW_HEX128_MAX];
    if (h == NULL)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_object_get(doc[i], key));
        mw_hasher_add(h, s, strlen(s));
    }
    mw_hex128(mw_hasher_result(h), hex);
    mw_hasher_destroy(h);
    return json_string(hex);
}

static json_t *combine(json_t *const *doc, uint32_t n)
{
    json_t *ret = json_object();
    const char *key;
    json_t *v;
    json_object_foreach(doc[0], key, v) {
        json_t *with = NULL;
        if (json_is_number(v))
            with = combine_number(doc, n, NULL, key);
        else if (json_is_object(v))
            with = combine_object(doc, n, key);
        else if (json_is_string(v))
            with = combine_hash(doc, n, key);
        (void)json_object_set_new(ret, key, with);
    }
    (void)json_object_set(ret, "seed", json_object_get(doc[0], "seed"));
    (void)json_object_set_new(ret, "runs", json_integer(n));
    return ret;
}

json_t *run_many_json(const struct run_result *result, uint32_t runs, double wall_s)
{
    must(runs > 0);
    json_t **doc = mw_calloc(runs, sizeof(json_t *));
    if (doc == NULL)
        return NULL;
    for (uint32_t i = 0; i < runs; i++)
        doc[i] = run_json(&result[i]);
    json_t *ret = combine(doc, runs);
    (void)json_object_set_new(ret, "wall_s", json_real(wall_s));
    for (uint32_t i = 0; i < runs; i++)
        json_decref(doc[i]);
    mw_free(doc);
    return ret;
}
