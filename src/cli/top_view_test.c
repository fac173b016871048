/* Keys and pictures of mw top, without a terminal and without a daemon. */
#include "cli/top_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/resource.h"

/* A model of n nodes; node 1 is down. */
static struct top_model nodes(uint32_t n)
{
    struct top_model m = { .list = json_pack("{s:s, s:i, s:[]}", "now", "2024-01-02T00:00:00.000Z",
                                             "total", (int)n, "rows") };
    for (uint32_t i = 0; i < n; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "n%04u", i);
        (void)json_array_append_new(
            json_object_get(m.list, "rows"),
            json_pack("{s:s, s:s, s:i, s:i}", "name", name, "health", i == 1 ? "down" : "ready",
                      "lost_uusd", 1000000, "job", (int)i));
        text_add_n(&m.heat, i == 1 ? "\x08" : "\x02", 1);
        m.marks[i == 1 ? MARK_DOWN : MARK_BUSY]++;
    }
    assert_int_equal(resource_columns(resource_find("nodes"), "name,health,lost_uusd,job",
                                      &m.columns, NULL), 0);
    return m;
}

static void draw(struct frame *f, struct top_view *v, const struct top_model *m, struct text *t)
{
    text_clear(t);
    top_draw(f, v, m);
    frame_text(f, false, t);
}

static void shows(const struct text *t, const char *words)
{
    if (strstr(text_string(t), words) == NULL)
        fail_msg("\"%s\" is not in\n%s", words, text_string(t));
}

static void type(struct top_view *v, const struct top_model *m, const char *s)
{
    for (; *s != '\0'; s++)
        assert_int_equal(top_key(v, m, *s), TOP_STAY);
}

static void every_list_asks_for_fields_that_the_api_has(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TOP_TABS; i++) {
        const struct api_resource *r = api_resource_find(TOP_LISTS[i].resource);
        struct resource_columns c;
        struct mw_error err = { 0 };
        assert_non_null(r);
        if (resource_columns(resource_find(r->name), TOP_LISTS[i].fields, &c, &err) < 0 ||
            resource_columns(resource_find(r->name), TOP_LISTS[i].pattern, &c, &err) < 0)
            fail_msg("%s", err.text);
        for (unsigned s = 0; s < TOP_SORTS_MAX; s++)
            for (const char *at = TOP_LISTS[i].sort[s]; at != NULL && *at != '\0';) {
                at += *at == '-';
                assert_non_null(api_field_find(r, at, strcspn(at, ",")));
                at += strcspn(at, ",");
                at += *at == ',';
            }
    }
}

static void the_picture_has_the_map_the_list_and_the_worst_of_each_cell(void **state)
{
    struct top_view v;
    struct frame f;
    struct text t = { 0 };
    struct top_model m = nodes(1000);
    (void)state;
    top_view_init(&v, "mw.sock", true);
    assert_int_equal(frame_init(&f, 80, 24), 0);
    draw(&f, &v, NULL, &t);
    shows(&t, "asking");
    top_view_came(&v, &m);
    draw(&f, &v, &m, &t);
    shows(&t, "read-only");
    shows(&t, "X"); /* one node of a thousand is not lost among the others of its cell */
    shows(&t, "down 1");
    shows(&t, "busy 999");
    shows(&t, "n0000");
    shows(&t, "$1.00");
    assert_null(strchr(text_string(&t), '\x1b'));
    frame_fini(&f);
    top_model_fini(&m);
    top_view_fini(&v);
    text_fini(&t);
}

static void moving_past_what_came_asks_for_more_and_the_row_is_kept_by_its_name(void **state)
{
    struct top_view v;
    struct top_model m = nodes(100), fewer = nodes(60);
    char buf[64];
    (void)state;
    top_view_init(&v, "d", false);
    top_view_came(&v, &m);
    assert_int_equal(top_key(&v, &m, TOP_KEY_DOWN), TOP_STAY);
    assert_string_equal(top_chosen(&v, &m, buf, sizeof(buf)), "n0001");
    assert_int_equal(top_key(&v, &m, 'G'), TOP_ASK);
    assert_int_equal(v.wish.rows, 200);
    assert_string_equal(top_chosen(&v, &m, buf, sizeof(buf)), "n0099");
    assert_int_equal(top_key(&v, &m, 'g'), TOP_STAY);
    for (int i = 0; i < 59; i++)
        (void)top_key(&v, &m, 'j');
    (void)json_array_remove(json_object_get(fewer.list, "rows"), 0);
    top_view_came(&v, &fewer);
    assert_string_equal(top_chosen(&v, &fewer, buf, sizeof(buf)), "n0059");
    top_model_fini(&m);
    top_model_fini(&fewer);
    top_view_fini(&v);
}

static void a_filter_is_a_word_or_an_expression_and_escape_takes_it_away(void **state)
{
    struct top_view v;
    struct text t = { 0 };
    (void)state;
    top_view_init(&v, "d", false);
    type(&v, NULL, "/n\"1");
    assert_int_equal(top_key(&v, NULL, TOP_KEY_ENTER), TOP_ASK);
    top_filter(&v.wish, &t);
    assert_string_equal(text_string(&t), "name~\"*n1*\" or class~\"*n1*\" or hall~\"*n1*\"");
    text_clear(&t);
    assert_int_equal(top_key(&v, NULL, '/'), TOP_STAY);
    for (int i = 0; i < 3; i++)
        (void)top_key(&v, NULL, TOP_KEY_BACK);
    type(&v, NULL, "gpus>=8");
    assert_int_equal(top_key(&v, NULL, TOP_KEY_ENTER), TOP_ASK);
    top_filter(&v.wish, &t);
    assert_string_equal(text_string(&t), "gpus>=8");
    assert_int_equal(top_key(&v, NULL, TOP_KEY_ESCAPE), TOP_ASK);
    assert_string_equal(v.wish.filter, "");
    assert_int_equal(top_key(&v, NULL, '2'), TOP_ASK);
    assert_int_equal(v.wish.tab, TOP_INCIDENTS);
    assert_int_equal(top_key(&v, NULL, 's'), TOP_ASK);
    assert_int_equal(v.wish.sort, 1);
    struct top_model m = nodes(3); /* an answer to the question before */
    char buf[64];
    top_view_came(&v, &m);
    assert_null(top_chosen(&v, &m, buf, sizeof(buf)));
    top_model_fini(&m);
    type(&v, NULL, ":q");
    assert_int_equal(top_key(&v, NULL, TOP_KEY_ENTER), TOP_QUIT);
    top_view_fini(&v);
    text_fini(&t);
}

static void nothing_is_done_without_a_reason_and_the_number_typed(void **state)
{
    struct top_view v;
    struct top_model m = nodes(5);
    (void)state;
    top_view_init(&v, "d", false);
    top_view_came(&v, &m);
    type(&v, &m, "  r");
    assert_int_equal(json_object_size(v.marked), 2);
    assert_int_equal(v.prompt, PROMPT_REASON);
    assert_int_equal(top_key(&v, &m, TOP_KEY_ENTER), TOP_STAY);
    assert_true(v.note_bad);
    type(&v, &m, "rfan");
    assert_int_equal(top_key(&v, &m, TOP_KEY_ENTER), TOP_PREVIEW);
    assert_string_equal(v.reason, "fan");
    assert_int_equal(v.verb, VERB_DRAIN);
    v.prompt = PROMPT_CONFIRM; /* as the program does after the preview */
    v.typed[0] = '\0';
    (void)snprintf(v.answer, sizeof(v.answer), "2");
    type(&v, &m, "y");
    assert_int_equal(top_key(&v, &m, TOP_KEY_ENTER), TOP_STAY);
    assert_string_equal(v.note, "nothing was done");
    v.prompt = PROMPT_CONFIRM;
    v.typed[0] = '\0';
    type(&v, &m, "2");
    assert_int_equal(top_key(&v, &m, TOP_KEY_ENTER), TOP_DO);
    top_view_fini(&v);
    top_view_init(&v, "d", true);
    top_view_came(&v, &m);
    type(&v, &m, "r");
    assert_int_equal(v.prompt, PROMPT_NONE);
    assert_true(v.note_bad);
    top_model_fini(&m);
    top_view_fini(&v);
}

static void names_from_outside_cannot_drive_the_terminal_and_small_windows_hold(void **state)
{
    struct frame f;
    struct text t = { 0 };
    struct top_view v;
    struct top_model m = nodes(3);
    (void)state;
    assert_int_equal(frame_init(&f, 10, 1), 0);
    (void)frame_put(&f, 0, 0, 20, FRAME_PLAIN, "a\x1b[2Jé\xff");
    frame_line(&f, 0, &t);
    assert_string_equal(text_string(&t), "a?[2Jé?");
    frame_fini(&f);
    top_view_init(&v, "d", false);
    top_view_came(&v, &m);
    for (unsigned w = 1; w < 40; w += 3)
        for (unsigned h = 1; h < 14; h++) {
            assert_int_equal(frame_init(&f, w, h), 0);
            draw(&f, &v, &m, &t);
            v.help = true;
            draw(&f, &v, &m, &t);
            v.help = false;
            frame_fini(&f);
        }
    top_model_fini(&m);
    top_view_fini(&v);
    text_fini(&t);
}

static void a_figure_that_does_not_fit_is_left_out_and_none_is_a_dash(void **state)
{
    struct top_view v;
    struct frame f;
    struct text t = { 0 };
    struct top_model m = nodes(3);
    (void)state;
    m.summary = json_pack("{s:i, s:I, s:{s:i, s:i, s:s}, s:{s:s, s:s}}", "goodput_ppm", 934567,
                          "lost_today_uusd", (json_int_t)1234567890, "power", "drawn_w", 1980000,
                          "cap_w", 12500000, "rests_on", "modelled", "rests_on", "goodput",
                          "simulated", "lost_today", "modelled");
    assert_non_null(m.summary);
    top_view_init(&v, "d", false);
    top_view_came(&v, &m);
    assert_int_equal(frame_init(&f, 100, 24), 0);
    draw(&f, &v, &m, &t);
    shows(&t, "power 1.98 of 12.50 MW (modelled)");
    frame_fini(&f);
    assert_int_equal(frame_init(&f, 80, 24), 0);
    draw(&f, &v, &m, &t);
    shows(&t, "goodput 93.46 % (simulated)  lost today $1,234.57 (modelled)\n");
    assert_null(strstr(text_string(&t), "power"));
    (void)json_object_set_new(m.summary, "goodput_ppm", json_null());
    draw(&f, &v, &m, &t);
    shows(&t, "goodput –  lost today");
    frame_fini(&f);
    top_model_fini(&m);
    top_view_fini(&v);
    text_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_figure_that_does_not_fit_is_left_out_and_none_is_a_dash),
        cmocka_unit_test(every_list_asks_for_fields_that_the_api_has),
        cmocka_unit_test(the_picture_has_the_map_the_list_and_the_worst_of_each_cell),
        cmocka_unit_test(moving_past_what_came_asks_for_more_and_the_row_is_kept_by_its_name),
        cmocka_unit_test(a_filter_is_a_word_or_an_expression_and_escape_takes_it_away),
        cmocka_unit_test(nothing_is_done_without_a_reason_and_the_number_typed),
        cmocka_unit_test(names_from_outside_cannot_drive_the_terminal_and_small_windows_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
