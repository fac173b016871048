/* Any bytes as a filter and as a cursor: refused with words, or a program that runs within its
 * bounds and a place within the list. */
#include <string.h>

#include "api/cursor.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct api_field fields[] = {
    { .name = "name", .type = FIELD_TEXT },   { .name = "gpus", .type = FIELD_INT },
    { .name = "free", .type = FIELD_BOOL },   { .name = "opened", .type = FIELD_TIME },
    { .name = "age_ms", .type = FIELD_MS },   { .name = "lost_uusd", .type = FIELD_UUSD },
    { .name = "share", .type = FIELD_PPM },   { .name = "rate", .type = FIELD_REAL },
    { .name = "jobs", .type = FIELD_JSON },   { 0 },
};
static const struct api_resource things = { .name = "things", .kind = "Thing", .field = fields,
                                            .key = "name" };

/* Two rows: one with everything, one with nothing. */
static void run(const struct query *q)
{
    struct api_rows rows = { .resource = &things, .count = 2 };
    rows.document = json_loads("{\"rows\":[{\"name\":\"n1\",\"gpus\":8,\"free\":true,"
                               "\"opened\":\"2025-01-31T05:00:00Z\",\"age_ms\":5,\"lost_uusd\":7,"
                               "\"share\":3,\"rate\":0.5,\"jobs\":[1]},{}]}", 0, NULL);
    must(rows.document != NULL);
    for (uint32_t i = 0; i < rows.count; i++)
        (void)query_passes(q, &rows, i);
    api_rows_fini(&rows);
}

static void read_filter(const char *text, size_t size)
{
    struct mw_error err = { 0 };
    struct query *q mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*q));
    must(q != NULL);
    if (query_parse(&things, text, size, q, &err) < 0) {
        must(err.text[0] != '\0' && (err.code == MW_ESYNTAX || err.code == MW_ELIMIT));
        return;
    }
    uint32_t depth = 0, tests = 0;
    for (uint32_t i = 0; i < q->ops; i++) { /* never below nothing, never above the stack */
        bool two = q->op[i] == QUERY_AND || q->op[i] == QUERY_OR;
        must(depth >= (two ? 2u : q->op[i] == QUERY_NOT));
        depth = depth + (q->op[i] == QUERY_TEST) - two;
        tests += q->op[i] == QUERY_TEST;
        must(depth <= 64);
    }
    must(tests == q->tests && depth == (q->ops > 0));
    run(q);
}

static void read_cursor(const char *text, size_t size)
{
    struct mw_error err = { 0 };
    struct list *l mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*l));
    char *copy mw_cleanup(mw_freep) = mw_strndup(text, size);
    must(l != NULL && copy != NULL);
    l->resource = &things;
    l->sorts = (uint32_t)(size % (LIST_SORT_MAX + 1));
    if (size > 9)
        memcpy(&l->mark, text + 1, sizeof(l->mark));
    if (cursor_read(copy, l, &err) < 0)
        must(err.text[0] != '\0' && err.code == MW_ESYNTAX && !l->from_cursor);
    else
        must(l->from_cursor && l->froms == l->sorts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_filter((const char *)data, size);
    read_cursor((const char *)data, size);
    return 0;
}
