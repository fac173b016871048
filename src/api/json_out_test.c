/* What is written without a tree reads back as jansson reads it. */
#include "api/json_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/hash.h"
#include "base/mem.h"

/* What was written, '\0'-ended: mw_free. */
static char *taken(struct json_out *o, struct evbuffer *b)
{
    assert_true(json_out_end(o));
    size_t size = evbuffer_get_length(b);
    char *s = mw_calloc(1, size + 1);
    assert_non_null(s);
    assert_int_equal(evbuffer_remove(b, s, size), (int)size);
    return s;
}

static json_t *round_trip(const char *bytes, size_t size)
{
    struct evbuffer *b = evbuffer_new();
    struct json_out o;
    json_out_begin(&o, b);
    json_out_text(&o, bytes, size);
    char *s mw_cleanup(mw_freep) = taken(&o, b);
    json_t *v = json_loads(s, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    evbuffer_free(b);
    if (v == NULL)
        fail_msg("%s does not read back", s);
    return v;
}

static void text_reads_back_byte_by_byte(void **state)
{
    (void)state;
    static const char *const list[] = {
        "", "plain", "a \"quoted\" word", "back\\slash", "\x01\x02\b\f\n\r\t\x1f\x7f",
        "</script>", "Zürich 温度 \xf0\x9f\x94\xa5", "\xef\xbf\xbd",
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        json_t *v = round_trip(list[i], strlen(list[i]));
        assert_string_equal(json_string_value(v), list[i]);
        json_decref(v);
    }
    json_t *v = round_trip("a\0b", 3);
    assert_int_equal(json_string_length(v), 3);
    json_decref(v);
}

static void bytes_that_are_no_utf8_become_a_replacement_each(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *read;
    } list[] = {
        { "a\xff" "b", "a\xef\xbf\xbd" "b" },
        { "\xc3", "\xef\xbf\xbd" },                                     /* cut */
        { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                     /* overlong */
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },     /* surrogate */
        { "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        json_t *v = round_trip(list[i].bytes, strlen(list[i].bytes));
        assert_string_equal(json_string_value(v), list[i].read);
        json_decref(v);
    }
}

static void any_bytes_at_all_make_json(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        unsigned char bytes[64];
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)(mw_mix64(seed * 64 + i + 1) >> 20);
        json_decref(round_trip((const char *)bytes, (size_t)(seed % sizeof(bytes))));
    }
}

static void numbers_read_back_the_same(void **state)
{
    (void)state;
    static const int64_t whole[] = { 0, 1, -1, 42, -987654321, INT64_MAX, INT64_MIN };
    static const double real[] = { 0, 0.1, -2.5, 1e300, 5e-324, 123456789.123456789, 1.0 / 3 };
    struct evbuffer *b = evbuffer_new();
    struct json_out o;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        json_out_begin(&o, b);
        json_out_int(&o, whole[i]);
        char *s mw_cleanup(mw_freep) = taken(&o, b);
        json_t *v = json_loads(s, JSON_DECODE_ANY, NULL);
        assert_true(json_integer_value(v) == whole[i]);
        json_decref(v);
    }
    for (size_t i = 0; i < sizeof(real) / sizeof(real[0]); i++) {
        json_out_begin(&o, b);
        json_out_real(&o, real[i]);
        char *s mw_cleanup(mw_freep) = taken(&o, b);
        json_t *v = json_loads(s, JSON_DECODE_ANY, NULL);
        assert_true(json_number_value(v) == real[i]);
        json_decref(v);
    }
    json_out_begin(&o, b);
    json_out_real(&o, NAN);
    char *s mw_cleanup(mw_freep) = taken(&o, b);
    assert_string_equal(s, "null");
    evbuffer_free(b);
}

static void a_megabyte_is_whole_though_it_is_written_in_pieces(void **state)
{
    (void)state;
    struct evbuffer *b = evbuffer_new();
    struct json_out o;
    json_out_begin(&o, b);
    json_out_raw(&o, "[", 1);
    for (int64_t i = 0; i < 100000; i++) {
        json_out_raw(&o, ",", i > 0);
        json_out_int(&o, i);
    }
    json_out_raw(&o, "]", 1);
    char *s mw_cleanup(mw_freep) = taken(&o, b);
    json_t *v = json_loads(s, 0, NULL);
    assert_int_equal(json_array_size(v), 100000);
    for (size_t i = 0; i < 100000; i += 997)
        assert_int_equal(json_integer_value(json_array_get(v, i)), i);
    json_decref(v);
    evbuffer_free(b);
}

static void cells_are_quoted_where_they_have_to_be(void **state)
{
    (void)state;
    struct evbuffer *b = evbuffer_new();
    struct json_out o;
    json_out_begin(&o, b);
    json_out_cell(&o, "plain", 5);
    json_out_raw(&o, "|", 1);
    json_out_cell(&o, "a,b", 3);
    json_out_raw(&o, "|", 1);
    json_out_cell(&o, "say \"so\"\n", 9);
    char *s mw_cleanup(mw_freep) = taken(&o, b);
    assert_string_equal(s, "plain|\"a,b\"|\"say \"\"so\"\"\n\"");
    evbuffer_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_reads_back_byte_by_byte),
        cmocka_unit_test(bytes_that_are_no_utf8_become_a_replacement_each),
        cmocka_unit_test(any_bytes_at_all_make_json),
        cmocka_unit_test(numbers_read_back_the_same),
        cmocka_unit_test(a_megabyte_is_whole_though_it_is_written_in_pieces),
        cmocka_unit_test(cells_are_quoted_where_they_have_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
