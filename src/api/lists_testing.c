/* Questions over a rig.  See lists_testing.h. */
#include "api/lists_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "api/detail.h"
#include "base/mem.h"

void looking_begin(struct looking *l, struct rig *r)
{
    *l = (struct looking){ .rig = r };
    assert_int_equal(past_create(&l->past, &l->err), 0);
    looking_again(l);
}

void looking_end(struct looking *l)
{
    past_destroy(l->past);
    serials_fini(&l->serials);
}

void looking_again(struct looking *l)
{
    struct rig *r = l->rig;
    l->words = (struct words){ .fleet = r->fleet, .policy = &r->control->policy,
                               .detail = api_finding_detail };
    l->of = (struct api_view_of){ .control = r->control, .journal = r->journal,
                                  .words = &l->words, .serials = &l->serials,
                                  .now_ns = r->now_ns, .past = l->past,
                                  .revision = r->journal->head.seq };
    assert_int_equal(past_catch_up(l->past, r->journal, r->control->board->nodes, &l->err), 0);
    assert_int_equal(serials_update(&l->serials, r->journal, r->fleet, &l->err), 0);
}

char *look_text(struct looking *l, const char *resource, struct list_asked asked)
{
    const struct api_resource *r = api_resource_find(resource);
    struct list *list mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*list));
    assert_non_null(r);
    assert_non_null(list);
    l->err = (struct mw_error){ 0 };
    l->key = "";
    l->code = list_read(r, &asked, &l->of, list, &l->key, &l->err);
    if (l->code < 0)
        return NULL;
    struct evbuffer *out = evbuffer_new();
    assert_non_null(out);
    l->code = list_write(list, &l->of, l->scoped ? &l->who : NULL, out, &l->err);
    size_t size = evbuffer_get_length(out);
    char *text = mw_calloc(1, size + 1);
    assert_non_null(text);
    assert_int_equal(evbuffer_remove(out, text, size), (int)size);
    evbuffer_free(out);
    return text;
}

json_t *look(struct looking *l, const char *resource, struct list_asked asked)
{
    json_error_t at;
    char *text mw_cleanup(mw_freep) = look_text(l, resource, asked);
    if (text == NULL)
        return NULL;
    json_t *o = json_loads(text, 0, &at);
    if (o == NULL)
        fail_msg("%s is no JSON at %d: %s", resource, at.position, at.text);
    return o;
}

const json_t *row_at(const json_t *list, size_t i)
{
    const json_t *row = json_array_get(json_object_get(list, "rows"), i);
    assert_non_null(row);
    return row;
}

json_int_t number_of(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    if (!json_is_integer(v))
        fail_msg("%s is no whole number", key);
    return json_integer_value(v);
}

const char *text_of(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    if (s == NULL)
        fail_msg("%s is no text", key);
    return s;
}

size_t rows_of(const json_t *list)
{
    return json_array_size(json_object_get(list, "rows"));
}
