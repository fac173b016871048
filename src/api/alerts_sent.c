/* See alerts_sent.h. */
#include "api/alerts_sent.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/file.h"

void sent_fini(struct sent_list *l)
{
    mw_free(l->item);
    *l = (struct sent_list){ 0 };
}

/* The first that is not below it. */
static uint32_t place_of(const struct sent_list *l, uint64_t incident)
{
    uint32_t lo = 0, hi = l->count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->item[mid].alert.incident < incident)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct sent *sent_find(const struct sent_list *l, uint64_t incident)
{
    uint32_t i = place_of(l, incident);
    return i < l->count && l->item[i].alert.incident == incident ? &l->item[i] : NULL;
}

struct sent *sent_add(struct sent_list *l, const struct alert *a)
{
    must(l && a && a->incident != 0);
    if (l->count >= SENT_MAX)
        return NULL;
    if (l->count == l->room) {
        uint32_t room = MW_MAX(16u, l->room * 2);
        struct sent *item = mw_resize(l->item, room, sizeof(*item));
        if (!item)
            return NULL;
        l->item = item;
        l->room = room;
    }
    uint32_t at = place_of(l, a->incident);
    must(at == l->count || l->item[at].alert.incident != a->incident);
    memmove(l->item + at + 1, l->item + at, (l->count - at) * sizeof(*l->item));
    l->count++;
    l->item[at] = (struct sent){ .alert = *a };
    return &l->item[at];
}

void sent_remove(struct sent_list *l, uint64_t incident)
{
    uint32_t at = place_of(l, incident);
    if (at >= l->count || l->item[at].alert.incident != incident)
        return;
    memmove(l->item + at, l->item + at + 1, (l->count - at - 1) * sizeof(*l->item));
    l->count--;
}

/* ---- over a restart ------------------------------------------------------------------------- */

static json_t *list_json(const struct sent_list *l)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; rows && i < l->count; i++) {
        const struct alert *a = &l->item[i].alert;
        if (!l->item[i].ever)
            continue;
        json_t *o = json_pack("{s:I, s:i, s:s, s:s, s:s, s:s, s:I, s:I}", "incident",
                              (json_int_t)a->incident, "severity", (int)a->severity, "class",
                              a->class, "on", a->on, "hall", a->hall, "summary", a->summary,
                              "began_s", (json_int_t)a->began_s, "told_s",
                              (json_int_t)l->item[i].told_s);
        if (json_array_append_new(rows, o) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

int sent_save(const char *path, const struct sent_of *of, uint32_t n, struct mw_error *err)
{
    char fresh[4096];
    json_t *o = json_object();
    bool ok = o != NULL;
    must(path && of);
    for (uint32_t i = 0; ok && i < n; i++)
        ok = json_object_set_new(o, of[i].name, list_json(of[i].list)) == 0;
    int length = snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (ok && length > 0 && (size_t)length < sizeof(fresh))
        ok = json_dump_file(o, fresh, JSON_COMPACT) == 0 && rename(fresh, path) == 0;
    json_decref(o);
    return ok ? 0 : file_fail(err, "write", path);
}

static void text_of(char *ret, size_t size, const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    (void)snprintf(ret, size, "%s", s ? s : "");
}

static void load_one(struct sent_list *l, const json_t *o)
{
    struct alert a = { .incident =
                           (uint64_t)json_integer_value(json_object_get(o, "incident")) };
    int64_t severity = json_integer_value(json_object_get(o, "severity"));
    if (a.incident == 0 || sent_find(l, a.incident))
        return;
    a.severity = severity == ALERT_PAGE ? ALERT_PAGE : ALERT_TICKET;
    text_of(a.class, sizeof(a.class), o, "class");
    text_of(a.on, sizeof(a.on), o, "on");
    text_of(a.hall, sizeof(a.hall), o, "hall");
    text_of(a.summary, sizeof(a.summary), o, "summary");
    a.began_s = json_integer_value(json_object_get(o, "began_s"));
    struct sent *s = sent_add(l, &a);
    if (s) {
        s->told = s->ever = true;
        s->told_s = json_integer_value(json_object_get(o, "told_s"));
    }
}

void sent_load(const char *path, const struct sent_of *of, uint32_t n)
{
    json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    for (uint32_t i = 0; o && i < n; i++) {
        const json_t *rows = json_object_get(o, of[i].name);
        for (size_t k = 0; k < json_array_size(rows); k++)
            load_one(of[i].list, json_array_get(rows, k));
    }
    json_decref(o);
}
