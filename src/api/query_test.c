/* Filters keep the rows that they say, and what is wrong with one is said with its place. */
#include "api/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* A table of its own: five rows of JSON. */
static const struct api_field fields[] = {
    { .name = "name", .type = FIELD_TEXT },   { .name = "health", .type = FIELD_TEXT },
    { .name = "gpus", .type = FIELD_INT },    { .name = "free", .type = FIELD_BOOL },
    { .name = "opened", .type = FIELD_TIME }, { .name = "age_ms", .type = FIELD_MS },
    { .name = "lost", .type = FIELD_UUSD },   { .name = "share", .type = FIELD_PPM },
    { .name = "rate", .type = FIELD_REAL },   { .name = "jobs", .type = FIELD_JSON },
    { 0 },
};
static const struct api_resource things = { .name = "things", .kind = "Thing", .field = fields,
                                            .key = "name" };

static struct api_rows *rows(void)
{
    static const char text[] =
        "{\"rows\":["
        "{\"name\":\"n1\",\"health\":\"ready\",\"gpus\":8,\"free\":true,\"age_ms\":0,\"lost\":0},"
        "{\"name\":\"n2\",\"health\":\"down\",\"gpus\":8,\"free\":false,\"age_ms\":5400000,"
        " \"lost\":12500000,\"opened\":\"2025-01-31T05:00:00Z\",\"jobs\":[1]},"
        "{\"name\":\"n10\",\"health\":\"down\",\"gpus\":4,\"free\":false,\"age_ms\":60000,"
        " \"opened\":\"2025-02-01T00:00:00Z\",\"share\":125000},"
        "{\"name\":\"k 3\",\"health\":\"ready\",\"gpus\":4,\"free\":true,\"rate\":0.5},"
        "{\"name\":\"not\",\"health\":null,\"gpus\":0}"
        "]}";
    struct api_rows *r = mw_calloc(1, sizeof(*r));
    assert_non_null(r);
    r->resource = &things;
    r->document = json_loads(text, 0, NULL);
    assert_non_null(r->document);
    r->count = (uint32_t)json_array_size(json_object_get(r->document, "rows"));
    return r;
}

static void rows_free(struct api_rows *r)
{
    api_rows_fini(r);
    mw_free(r);
}

/* The names of the rows that pass, or the error. */
static const char *kept(const char *filter, char *buf, size_t size)
{
    struct query *q mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*q));
    struct mw_error err = { 0 };
    struct api_rows *r = rows();
    size_t at = 0;
    buf[0] = '\0';
    if (query_parse(&things, filter, strlen(filter), q, &err) < 0)
        (void)snprintf(buf, size, "%s", err.text);
    for (uint32_t i = 0; err.code == 0 && i < r->count; i++) {
        struct api_value v;
        api_rows_get(r, i, &fields[0], &v);
        if (query_passes(q, r, i))
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? "," : "", v.of.text);
    }
    rows_free(r);
    return buf;
}

static void filters_keep_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *names;
    } list[] = {
        { "", "n1,n2,n10,k 3,not" },
        { "health=down", "n2,n10" },
        { "health != down", "n1,k 3,not" },
        { "health=null", "not" },
        { "health!=null and gpus<8", "n10,k 3" },
        { "gpus>=4 and gpus<=4", "n10,k 3" },
        { "gpus>4", "n1,n2" },
        { "free", "n1,k 3" },
        { "not free", "n2,n10,not" },
        { "free=false", "n2,n10" },
        { "name in (n1, \"k 3\", nowhere)", "n1,k 3" },
        { "health in (null)", "not" },
        { "name~n*", "n1,n2,n10,not" },
        { "name~\"n1*\"", "n1,n10" },
        { "name ~ n? and not name=n2", "n1" },
        { "health=down and gpus=8 or name=not", "n2,not" },
        { "health=down and (gpus=8 or name=not)", "n2" },
        { "name=\"not\" or not (gpus=8 or gpus=4)", "not" },
        { "not not not health=down", "n1,k 3,not" },
        { "((((name=n1))))", "n1" },
        { "opened>=2025-02-01", "n10" },
        { "opened<2025-01-31T05:00:01Z", "n2" },
        { "age_ms>1h", "n2" },
        { "age_ms<=60000 and age_ms>0", "n10" },
        { "age_ms=1h30min", "n2" },
        { "lost=$12.50", "n2" },
        { "lost>=12500000", "n2" },
        { "share=12.5%", "n10" },
        { "share=125000", "n10" },
        { "rate<0.75", "k 3" },
        { "jobs!=null", "n2" },
        { "jobs=null and gpus=8", "n1" },
    };
    char buf[512];
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (strcmp(kept(list[i].filter, buf, sizeof(buf)), list[i].names) != 0)
            fail_msg("\"%s\" keeps \"%s\", not \"%s\"", list[i].filter, buf, list[i].names);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *says;
    } list[] = {
        { "health", "it ends at 7, expected one of = != < <= > >= ~ in" },
        { "health=", "it ends at 8, expected a value" },
        { "helth=down", "at 1: things have no field 'helth'; did you mean 'health'?" },
        { "gpus=many", "at 6 is 'many', expected a whole number" },
        { "gpus=99999999999999999999", "expected a whole number" },
        { "age_ms>soon", "expected a length like 90000 (ms) or 1h30min" },
        { "opened>yesterday", "expected a time like 2025-01-31" },
        { "lost>$x", "expected money" },
        { "share>x%", "expected a share" },
        { "rate>fast", "expected a number" },
        { "free=maybe", "expected true or false" },
        { "gpus~8", "~ is for text" },
        { "gpus>null", "null has no order" },
        { "jobs=1", "jobs is a list: it compares only with null" },
        { "(health=down", "it ends at 13, expected ')'" },
        { "health=down)", "at 12 is ')', expected 'and', 'or' or the end: nothing is open" },
        { "health=down gpus=8", "at 13 is 'gpus', expected 'and', 'or' or the end" },
        { "health=down and", "it ends at 16, expected a field, 'not' or '('" },
        { "name in n1", "at 9 is 'n1', expected '(' after in" },
        { "name in (n1", "expected ',' or ')'" },
        { "name in ()", "at 10 is ')', expected a value" },
        { "name=\"open", "the quote at 6 is never closed" },
        { "=8", "at 1 is '=', expected a field" },
        { "health=down or or", "no field 'or'" },
        { "name!n1", "at 5 is '!'" },
    };
    char buf[512];
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (strstr(kept(list[i].filter, buf, sizeof(buf)), list[i].says) == NULL)
            fail_msg("\"%s\" says \"%s\", not \"%s\"", list[i].filter, buf, list[i].says);
}

static void bounds_are_said_and_not_crossed(void **state)
{
    (void)state;
    char long_one[QUERY_TEXT_MAX + 8], buf[512];
    memset(long_one, '(', sizeof(long_one));
    long_one[200] = '\0';
    assert_non_null(strstr(kept(long_one, buf, sizeof(buf)), "more than 60"));
    memset(long_one, ' ', sizeof(long_one));
    long_one[sizeof(long_one) - 1] = '\0';
    assert_non_null(strstr(kept(long_one, buf, sizeof(buf)), "more than 4096 bytes"));
    long_one[0] = '\0';
    for (int i = 0; i < 70; i++)
        (void)snprintf(long_one + strlen(long_one), 24, "%sgpus=%d", i ? " or " : "", i);
    assert_non_null(strstr(kept(long_one, buf, sizeof(buf)), "more than 64 tests"));
    (void)snprintf(long_one, sizeof(long_one), "gpus in (0");
    for (int i = 0; i < 300; i++)
        (void)snprintf(long_one + strlen(long_one), 8, ",%d", i);
    (void)snprintf(long_one + strlen(long_one), 8, ")");
    assert_non_null(strstr(kept(long_one, buf, sizeof(buf)), "more than 256 values"));
}

/* Deep but allowed: 50 parentheses around 50 alternatives. */
static void depth_within_the_bound_is_evaluated_right(void **state)
{
    (void)state;
    char text[2048] = "", buf[512];
    for (int i = 0; i < 25; i++)
        (void)strncat(text, "(gpus=99 or ", sizeof(text) - strlen(text) - 1);
    (void)strncat(text, "name=n2", sizeof(text) - strlen(text) - 1);
    for (int i = 0; i < 25; i++)
        (void)strncat(text, ")", sizeof(text) - strlen(text) - 1);
    assert_string_equal(kept(text, buf, sizeof(buf)), "n2");
}

static void patterns_match_without_looking_back_for_ever(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pattern;
        bool match;
    } list[] = {
        { "", "", true },         { "", "*", true },          { "a", "", false },
        { "abc", "abc", true },   { "abc", "a*c", true },     { "abc", "a*b", false },
        { "abcbc", "*bc", true }, { "aaa", "?a?", true },     { "aaa", "????", false },
        { "n10", "n1*", true },   { "xn10", "n1*", false },   { "a*b", "a*b", true },
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (query_like(list[i].text, strlen(list[i].text), list[i].pattern,
                       strlen(list[i].pattern)) != list[i].match)
            fail_msg("'%s' ~ '%s'", list[i].text, list[i].pattern);
    char text[4096], pattern[64] = "";
    memset(text, 'a', sizeof(text));
    for (int i = 0; i < 15; i++)
        (void)strncat(pattern, "*a*", sizeof(pattern) - strlen(pattern) - 1);
    (void)strncat(pattern, "b", 2);
    assert_false(query_like(text, sizeof(text), pattern, strlen(pattern)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_keep_what_they_say),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(bounds_are_said_and_not_crossed),
        cmocka_unit_test(depth_within_the_bound_is_evaluated_right),
        cmocka_unit_test(patterns_match_without_looking_back_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
