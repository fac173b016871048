/* The table of resources and how their fields are shown.  See resources.h. */
#include "cli/resources.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "base/units.h"
#include "control/words.h"

/* A list of the API's engine (api/list.h), and one that has an order and parameters of its own. */
#define LIST(n, w, k, is_number, none)                                                            \
    { .name = n, .words = w, .path = "/api/v1/" n, .key = k, .number = is_number, .empty = none }
#define PLAIN(n, w, k, shown, none, keys, rows)                                                   \
    { .name = n, .words = w, .path = "/api/v1/" n, .key = k, .number = true, .columns = shown,    \
      .empty = none, .params = keys, .usual = rows, .most = 1000 }

static const struct resource TABLE[] = {
    LIST("nodes", "nodes|node|no", "name", false, "no such nodes"),
    LIST("gpus", "gpus|gpu", "name", false, "no such GPUs"),
    LIST("links", "links|link", "name", false, "no such links"),
    LIST("jobs", "jobs|job", "job", true, "no such jobs; --all shows those that ended"),
    LIST("queue", "queue", "job", true, "no job waits"),
    LIST("incidents", "incidents|incident|inc", "incident", true,
         "no such incident is open; --all shows symptoms, too"),
    LIST("orders", "orders|order|ord", "order", true, "nothing waits for anybody's hands"),
    LIST("parts", "parts|part", "part", false, "no such parts"),
    LIST("odds", "odds", "class", false, "no such odds"),
    LIST("spares", "spares|spare", "rule", false, "no spares are kept"),
    LIST("halls", "halls|hall", "name", false, "no such halls"),
    LIST("tenants", "tenants|tenant", "tenant", true, "no such tenants"),
    LIST("sites", "sites|site", "name", false, "no such site"),
    LIST("windows", "windows|window|win", "id", true, "no maintenance is planned"),
    LIST("lemons", "lemons|lemon", "node", false, "no node fails more often than others"),
    LIST("budget", "budget", "hall", false, "no such halls"),
    PLAIN("events", "events|event|ev", "seq", "seq,time,kind,actor,text,about",
          "nothing like that was recorded", "kind|about|after|before", 100),
    PLAIN("audit", "audit", "n", "n,time,who,via,route,target,status,seq,detail",
          "nobody changed anything yet", "who|route|status|done", 100),
    PLAIN("tokens", "tokens|token", "id", "id,name,roles,tenants,halls,made,expires,revoked",
          "there are no tokens", "", 1000),
    { .name = "machines", .words = "machines|machine|ma", .path = "/api/v1/machines", .key = "name",
      .columns = "name,state,node,heard,version,series,parts,conditions,checks_failed,skew_us",
      .empty = "no machine is heard: mw-agent on it would make it speak", .params = "name",
      .usual = 1000, .most = 5000 },
    PLAIN("definitions", "definitions|def", "key", "key,unit,title,text,basis", "no such numbers",
          "", 1000),
};

const struct resource *resource_find(const char *word)
{
    must(word != NULL);
    for (size_t i = 0; i < MW_ARRAY_LEN(TABLE); i++)
        if (command_choice_has(TABLE[i].words, word))
            return &TABLE[i];
    return NULL;
}

/* ---- columns -------------------------------------------------------------------------------- */

static bool ends_with(const char *s, size_t n, const char *ending)
{
    size_t m = strlen(ending);
    return n > m && memcmp(s + n - m, ending, m) == 0;
}

/* By its name, where the API's tables do not have the field: the unit is in the name. */
static uint8_t type_by_name(const char *key, size_t n)
{
    return ends_with(key, n, "_ms")     ? FIELD_MS
           : ends_with(key, n, "_uusd") ? FIELD_UUSD
           : ends_with(key, n, "_ppm")  ? FIELD_PPM
           : ends_with(key, n, "_w")    ? FIELD_WATTS
                                        : FIELD_JSON; /* as the value is */
}

/* "LOST" of lost_uusd. */
static void title_by_name(const char *key, size_t n, char ret[RESOURCE_TITLE_MAX])
{
    static const char *const unit[] = { "_ms", "_uusd", "_ppm", "_w" };
    for (size_t i = 0; i < MW_ARRAY_LEN(unit); i++)
        if (ends_with(key, n, unit[i])) {
            n -= strlen(unit[i]);
            break;
        }
    n = MW_MIN(n, (size_t)RESOURCE_TITLE_MAX - 1);
    for (size_t i = 0; i < n; i++)
        ret[i] = key[i] == '_' ? ' ' : (char)toupper((unsigned char)key[i]);
    ret[n] = '\0';
}

static bool is_id(const char *key, size_t n)
{
    static const char *const ids[] = { "job", "incident", "order", "seq", "symptom_of", "advice",
                                       "id", "tenant", "sized_seq", "actor", "behind",
                                       "n" };
    for (size_t i = 0; i < MW_ARRAY_LEN(ids); i++)
        if (strlen(ids[i]) == n && memcmp(ids[i], key, n) == 0)
            return true;
    return false;
}

/* Whole numbers of the API that a person reads in another unit, which the heading names. */
static const struct scaled {
    const char *key, *title;
    double factor;
    int digits;
} SCALED[] = {
    { "rate_per_1e9_node_hours", "RATE (1,000 NODE-DAYS)", 24.0 * 1e3 / 1e9, 3 },
    { "expected_ppm", "EXPECTED OUT (NODES)", 1e-6, 2 },
};

static const struct scaled *scaled_of(const char *key)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(SCALED); i++)
        if (strcmp(SCALED[i].key, key) == 0)
            return &SCALED[i];
    return NULL;
}

static struct resource_column *add_column(struct resource_columns *to, const char *key, size_t n,
                                          const struct api_field *f)
{
    if (to->count == RESOURCE_COLUMNS_MAX || n >= sizeof(to->column[0].key))
        return NULL;
    struct resource_column *c = &to->column[to->count++];
    *c = (struct resource_column){ .type = f != NULL ? f->type : type_by_name(key, n),
                                   .id = is_id(key, n) };
    memcpy(c->key, key, n);
    const struct scaled *as = scaled_of(c->key);
    if (as != NULL)
        title_by_name(as->title, strlen(as->title), c->title);
    else if (f != NULL && f->title != NULL)
        title_by_name(f->title, strlen(f->title), c->title);
    else
        title_by_name(key, n, c->title);
    return c;
}

static bool has_column(const struct resource_columns *to, const char *key, size_t n)
{
    for (uint32_t i = 0; i < to->count; i++)
        if (strlen(to->column[i].key) == n && memcmp(to->column[i].key, key, n) == 0)
            return true;
    return false;
}

static int no_such(const struct resource *r, const struct api_resource *a, const char *key,
                   size_t n, struct mw_error *err)
{
    char word[NEAREST_MAX] = "";
    struct nearest near = { .word = word };
    (void)snprintf(word, sizeof(word), "%.*s", (int)MW_MIN(n, sizeof(word) - 1), key);
    for (const struct api_field *f = a->field; f->name != NULL; f++)
        nearest_offer(&near, f->name, strlen(f->name));
    return mw_fail(err, MW_EINVAL, "%s have no column \"%s\"%s%s%s", r->name, word,
                   near.best[0] ? " (did you mean " : "; mw get ",
                   near.best[0] ? near.best : r->name, near.best[0] ? "?)" : " -o json shows all");
}

/* "name,health": each is a field, where the API's table is known. */
static int add_list(const struct resource *r, const struct api_resource *a, const char *list,
                    struct resource_columns *ret, struct mw_error *err)
{
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        const struct api_field *f = a != NULL ? api_field_find(a, at, n) : NULL;
        if (n == 0 || (a != NULL && f == NULL))
            return no_such(r, a, at, n, err);
        if (!has_column(ret, at, n) && add_column(ret, at, n, f) == NULL)
            return mw_fail(err, MW_EINVAL, "more than %d columns", RESOURCE_COLUMNS_MAX);
        at += n;
        if (*at == '\0')
            return 0;
    }
}

int resource_columns(const struct resource *r, const char *asked, struct resource_columns *ret,
                     struct mw_error *err)
{
    const struct api_resource *a = api_resource_find(r->name);
    must(r != NULL && ret != NULL);
    ret->count = 0;
    if (asked != NULL)
        return add_list(r, a, asked, ret, err);
    const char *own = r->columns != NULL ? r->columns : a != NULL ? a->columns : NULL;
    if (own != NULL && add_list(r, a, own, ret, err) < 0)
        return MW_EINVAL;
    for (const struct api_field *f = a != NULL ? a->field : NULL; f != NULL && f->name != NULL;
         f++) {
        size_t n = strlen(f->name);
        struct resource_column *c = has_column(ret, f->name, n) ? NULL
                                                                : add_column(ret, f->name, n, f);
        if (c != NULL)
            c->wide = own != NULL;
    }
    must(ret->count > 0);
    return 0;
}

/* ---- cells ---------------------------------------------------------------------------------- */

/* The number with its unit; false: a plain count. */
static bool number_text(struct text *t, const struct resource_column *c, int64_t n)
{
    char shown[40];
    const struct scaled *as = scaled_of(c->key);
    if (as != NULL) {
        text_addf(t, "%.*f", as->digits, (double)n * as->factor);
        return true;
    }
    switch (c->type) {
    case FIELD_MS:
        words_span_ms(t, n);
        return true;
    case FIELD_UUSD:
        mw_format_usd(n, shown, sizeof(shown));
        text_add(t, shown);
        return true;
    case FIELD_PPM:
        text_addf(t, "%.2f %%", (double)n / 1e4);
        return true;
    case FIELD_WATTS:
        text_addf(t, n >= 100000 ? "%.0f kW" : "%.1f kW", (double)n / 1e3);
        return true;
    default:
        text_addf(t, "%lld", (long long)n);
        return c->id;
    }
}

static void number_cell(struct output *o, const struct resource_column *c, int64_t n)
{
    struct text t = { 0 };
    if (number_text(&t, c, n))
        output_int_as(o, n, text_string(&t));
    else
        output_int(o, n);
    text_fini(&t);
}

/* Lists and objects as JSON; a list of plain values as "a,b". */
static void whole_text(struct text *t, const json_t *v)
{
    size_t i;
    json_t *item;
    bool plain = json_is_array(v);
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
        plain = plain && (json_is_string(item) || json_is_integer(item));
    if (!plain) {
        char *dump = json_dumps(v, JSON_COMPACT);
        text_add(t, dump != NULL ? dump : "?");
        free(dump);
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)v, i, item) {
        if (json_is_string(item))
            text_addf(t, "%s%s", i > 0 ? "," : "", json_string_value(item));
        else
            text_addf(t, "%s%lld", i > 0 ? "," : "", (long long)json_integer_value(item));
    }
}

static void whole_cell(struct output *o, const json_t *v)
{
    struct text t = { 0 };
    whole_text(&t, v);
    output_text(o, t.length > 0 ? text_string(&t) : NULL);
    text_fini(&t);
}

bool resource_is_number(const struct resource_column *c)
{
    return c->id || c->type == FIELD_INT || c->type == FIELD_REAL || c->type == FIELD_MS ||
           c->type == FIELD_UUSD || c->type == FIELD_PPM || c->type == FIELD_WATTS;
}

void resource_text(struct text *t, const struct resource_column *c, const json_t *row)
{
    const json_t *v = json_object_get(row, c->key);
    size_t before = t->length;
    if (json_is_integer(v))
        (void)number_text(t, c, json_integer_value(v));
    else if (json_is_string(v))
        text_add(t, json_string_value(v));
    else if (json_is_boolean(v))
        text_add(t, json_is_true(v) ? "yes" : "no");
    else if (json_is_real(v))
        text_addf(t, "%.2f", json_real_value(v));
    else if (v != NULL && !json_is_null(v))
        whole_text(t, v);
    if (t->length == before)
        text_add(t, "-");
}

void resource_cell(struct output *o, const struct resource_column *c, const json_t *row)
{
    const json_t *v = json_object_get(row, c->key);
    switch (v != NULL ? json_typeof(v) : JSON_NULL) {
    case JSON_INTEGER:
        number_cell(o, c, json_integer_value(v));
        return;
    case JSON_STRING:
        output_text(o, json_string_value(v));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        output_bool(o, json_is_true(v));
        return;
    case JSON_REAL:
        output_real(o, json_real_value(v), 2);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        whole_cell(o, v);
        return;
    default:
        output_null(o);
    }
}
