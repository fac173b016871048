/* Pages of lists: order, cursors, fields, scopes, CSV; over a site that something happens to. */
#include "api/lists_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/cursor.h"
#include "base/mem.h"
#include "base/units.h"
#include "control/rig_jobs.h"

#define NODES 40

static struct looking *begin(struct rig *r)
{
    struct looking *l = mw_calloc(1, sizeof(*l));
    assert_non_null(l);
    looking_begin(l, r);
    return l;
}

static void end(struct looking *l)
{
    rig_free(l->rig);
    looking_end(l);
    mw_free(l);
}

/* Forty nodes, of which three are broken and one is held; three jobs. */
static struct looking *a_site(void)
{
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(NODES, &p);
    assert_int_equal(rig_job(r, 11, 2, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 12, 4, 3), ADMIT_OK);
    assert_int_equal(rig_job(r, 13, 39, 0), ADMIT_OK); /* more than are free */
    rig_wait(r, RIG_SECOND);
    assert_int_equal(rig_running(r, 11, 0), ADMIT_OK);
    rig_wait(r, RIG_MINUTE);
    rig_finding(r, 20, RIG_KILLS);
    rig_finding(r, 21, RIG_KILLS);
    rig_finding(r, 30, RIG_KILLS);
    assert_int_equal(rig_command(r, CMD_HOLD, 25, "fan noise"), ADMIT_OK);
    rig_wait(r, RIG_HOUR);
    return begin(r);
}

static void a_list_says_what_it_is_and_when(void **state)
{
    (void)state;
    struct looking *l = a_site();
    json_t *o = look(l, "nodes", (struct list_asked){ 0 });
    assert_string_equal(text_of(o, "kind"), "NodeList");
    assert_int_equal(number_of(o, "total"), NODES);
    assert_int_equal(number_of(o, "revision"), l->rig->journal->head.seq);
    assert_int_equal(rows_of(o), NODES);
    assert_true(json_is_null(json_object_get(o, "next")));
    int64_t ns = 0;
    assert_int_equal(mw_parse_time(text_of(o, "now"), &ns), 0);
    assert_true(mw_ms(ns) == mw_ms(l->rig->now_ns));
    assert_string_equal(text_of(json_object_get(o, "rests_on"), "lost_uusd"), "modelled");
    json_decref(o);
    end(l);
}

static void rows_show_what_stands_in_the_state(void **state)
{
    (void)state;
    struct looking *l = a_site();
    json_t *o = look(l, "nodes", (struct list_asked){ .filter = "incident!=null", .sort = "name" });
    assert_int_equal(number_of(o, "total"), 3);
    assert_string_equal(text_of(row_at(o, 0), "health"), "down");
    assert_string_equal(text_of(row_at(o, 0), "state"), "down");
    assert_int_equal(number_of(row_at(o, 0), "gpus"), 8);
    assert_true(number_of(row_at(o, 0), "lost_uusd") > 0);
    json_decref(o);
    o = look(l, "nodes", (struct list_asked){ .filter = "holds>0", .fields = "name,state" });
    assert_int_equal(rows_of(o), 1);
    assert_string_equal(text_of(row_at(o, 0), "state"), "held");
    assert_int_equal(json_object_size(row_at(o, 0)), 2);
    json_decref(o);
    o = look(l, "nodes", (struct list_asked){ .filter = "job=11", .fields = "state,tenant" });
    assert_int_equal(rows_of(o), 2);
    assert_string_equal(text_of(row_at(o, 1), "state"), "busy");
    json_decref(o);
    end(l);
}

/* The names of all rows, page by page. */
static void gather(struct looking *l, const char *resource, struct list_asked asked,
                   const char *key, char *ret, size_t size)
{
    char cursor[LIST_CURSOR_MAX + 1] = "";
    size_t at = 0;
    ret[0] = '\0';
    for (int page = 0; page < 100; page++) {
        asked.cursor = cursor;
        json_t *o = look(l, resource, asked);
        if (o == NULL)
            fail_msg("%s", l->err.text);
        for (size_t i = 0; i < rows_of(o); i++) {
            char *s = json_dumps(json_object_get(row_at(o, i), key), JSON_ENCODE_ANY);
            at += (size_t)snprintf(ret + at, size - at, "%s ", s);
            free(s);
        }
        const char *next = json_string_value(json_object_get(o, "next"));
        (void)snprintf(cursor, sizeof(cursor), "%s", next ? next : "");
        json_decref(o);
        if (cursor[0] == '\0')
            return;
    }
    fail_msg("the pages never end");
}

static void pages_of_any_size_together_are_the_whole_list_in_its_order(void **state)
{
    (void)state;
    struct looking *l = a_site();
    static const char *const sorts[] = { NULL, "name", "-name", "health,-lost_uusd", "gpus",
                                         "-job,hazard", "state,-name" };
    static const char *const limits[] = { "1", "3", "7", "40" };
    char whole[4096], pages[4096];
    for (size_t s = 0; s < MW_ARRAY_LEN(sorts); s++) {
        gather(l, "nodes", (struct list_asked){ .sort = sorts[s] }, "name", whole, sizeof(whole));
        for (size_t i = 0; i < MW_ARRAY_LEN(limits); i++) {
            gather(l, "nodes", (struct list_asked){ .sort = sorts[s], .limit = limits[i] }, "name",
                   pages, sizeof(pages));
            assert_string_equal(pages, whole);
        }
    }
    end(l);
}

static void an_order_is_by_every_field_that_was_asked_for(void **state)
{
    (void)state;
    struct looking *l = a_site();
    json_t *o = look(l, "nodes", (struct list_asked){ .sort = "-lost_uusd,name" });
    for (size_t i = 1; i < rows_of(o); i++) {
        json_int_t a = number_of(row_at(o, i - 1), "lost_uusd");
        json_int_t b = number_of(row_at(o, i), "lost_uusd");
        assert_true(a > b ||
                    (a == b && strcmp(text_of(row_at(o, i - 1), "name"),
                                      text_of(row_at(o, i), "name")) < 0));
    }
    json_decref(o);
    end(l);
}

/* Jobs come and go between two pages: none is there twice, and of those that stay none is left out.
 * */
static void a_page_goes_on_at_the_right_place_though_rows_came_and_went(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct rig *r = rig_make(NODES, &p);
    assert_int_equal(rig_command(r, CMD_HOLD, 0, "so that none of them fits"), ADMIT_OK);
    assert_int_equal(rig_command(r, CMD_HOLD, 1, "so that none of them fits"), ADMIT_OK);
    for (uint64_t job = 1; job <= 9; job++)
        assert_int_equal(rig_job(r, job * 10, 39, 0), ADMIT_OK);
    struct looking *l = begin(r);
    json_t *o = look(l, "jobs", (struct list_asked){ .limit = "4", .fields = "job" });
    assert_int_equal(number_of(row_at(o, 3), "job"), 40);
    char *cursor = mw_strdup(text_of(o, "next"));
    json_decref(o);
    assert_int_equal(rig_cancel(r, 10), ADMIT_OK);
    assert_int_equal(rig_cancel(r, 40), ADMIT_OK); /* the row of the cursor itself */
    assert_int_equal(rig_job(r, 15, 39, 0), ADMIT_OK);
    assert_int_equal(rig_job(r, 55, 39, 0), ADMIT_OK);
    looking_again(l);
    o = look(l, "jobs", (struct list_asked){ .limit = "50", .fields = "job", .cursor = cursor });
    static const json_int_t rest[] = { 50, 55, 60, 70, 80, 90 };
    assert_int_equal(rows_of(o), MW_ARRAY_LEN(rest));
    for (size_t i = 0; i < MW_ARRAY_LEN(rest); i++)
        assert_int_equal(number_of(row_at(o, i), "job"), rest[i]);
    json_decref(o);
    mw_free(cursor);
    end(l);
}

static void a_cursor_is_refused_with_another_question(void **state)
{
    (void)state;
    struct looking *l = a_site();
    json_t *o = look(l, "nodes", (struct list_asked){ .limit = "5" });
    char *cursor = mw_strdup(text_of(o, "next"));
    json_decref(o);
    assert_null(look(l, "nodes", (struct list_asked){ .cursor = cursor, .filter = "gpus=8" }));
    assert_int_equal(l->code, MW_ESYNTAX);
    assert_string_equal(l->key, "cursor");
    assert_non_null(strstr(l->err.text, "another question"));
    assert_null(look(l, "nodes", (struct list_asked){ .cursor = cursor, .sort = "-name" }));
    assert_null(look(l, "halls", (struct list_asked){ .cursor = cursor }));
    l->of.all = true;
    assert_null(look(l, "nodes", (struct list_asked){ .cursor = cursor }));
    l->of.all = false;
    static const char *const no_cursors[] = { "x", "AAAA", "!!!!", "AQ",
                                              "AQAAAAAAAAAAAAAAAAAAAAAA" };
    for (size_t i = 0; i < MW_ARRAY_LEN(no_cursors); i++) {
        assert_null(look(l, "nodes", (struct list_asked){ .cursor = no_cursors[i] }));
        assert_int_equal(l->code, MW_ESYNTAX);
    }
    for (size_t cut = strlen(cursor) - 1; cut > 0; cut--) {
        cursor[cut] = '\0';
        assert_null(look(l, "nodes", (struct list_asked){ .cursor = cursor }));
    }
    mw_free(cursor);
    end(l);
}

static void what_is_asked_wrongly_is_blamed_by_its_name(void **state)
{
    (void)state;
    static const struct {
        struct list_asked asked;
        const char *key, *says;
    } list[] = {
        { { .limit = "0" }, "limit", "1 to 50000" },
        { { .limit = "50001" }, "limit", "1 to 50000" },
        { { .limit = "ten" }, "limit", "'ten'" },
        { { .sort = "colour" }, "sort", "no field 'colour'" },
        { { .sort = "name,-" }, "sort", "no field ''" },
        { { .fields = "name,colour" }, "fields", "no field 'colour'" },
        { { .fields = "name,name" }, "fields", "twice" },
        { { .filter = "colour=red" }, "filter", "no field 'colour'" },
    };
    struct looking *l = a_site();
    for (size_t i = 0; i < MW_ARRAY_LEN(list); i++) {
        assert_null(look(l, "nodes", list[i].asked));
        assert_string_equal(l->key, list[i].key);
        if (strstr(l->err.text, list[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", l->err.text, list[i].says);
    }
    end(l);
}

static void csv_has_a_head_and_a_line_for_each_row(void **state)
{
    (void)state;
    struct looking *l = a_site();
    char *text mw_cleanup(mw_freep) =
        look_text(l, "jobs", (struct list_asked){ .csv = true, .fields = "job,state,name,risk" });
    assert_string_equal(text, "job,state,name,risk\r\n11,running,,\r\n12,placed,,\r\n"
                              "13,queued,,\r\n");
    end(l);
}

static void who_is_confined_to_a_hall_or_a_tenant_sees_only_that(void **state)
{
    (void)state;
    struct looking *l = a_site();
    l->scoped = true;
    l->who = (struct principal){ .name = "t", .roles = 1u << ROLE_USER, .tenants = 1,
                                 .tenant = { 4711 } };
    json_t *o = look(l, "nodes", (struct list_asked){ 0 });
    assert_int_equal(number_of(o, "total"), 0);
    json_decref(o);
    o = look(l, "jobs", (struct list_asked){ 0 });
    assert_int_equal(number_of(o, "total"), 0);
    json_decref(o);
    l->who = (struct principal){ .name = "h", .roles = 1u << ROLE_VIEWER, .halls = 1 };
    (void)snprintf(l->who.hall[0], sizeof(l->who.hall[0]), "nowhere");
    static const char *const lists[] = { "nodes", "gpus", "links", "halls", "incidents", "budget",
                                         "orders", "lemons" };
    for (size_t i = 0; i < MW_ARRAY_LEN(lists); i++) {
        o = look(l, lists[i], (struct list_asked){ 0 });
        assert_int_equal(number_of(o, "total"), 0);
        json_decref(o);
    }
    const char *hall = fleet_name(l->rig->fleet, component_id(COMPONENT_HALL, 0));
    (void)snprintf(l->who.hall[0], sizeof(l->who.hall[0]), "%s", hall);
    o = look(l, "nodes", (struct list_asked){ .filter = "hall!=nowhere" });
    assert_true(number_of(o, "total") > 0);
    json_decref(o);
    end(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_says_what_it_is_and_when),
        cmocka_unit_test(rows_show_what_stands_in_the_state),
        cmocka_unit_test(pages_of_any_size_together_are_the_whole_list_in_its_order),
        cmocka_unit_test(an_order_is_by_every_field_that_was_asked_for),
        cmocka_unit_test(a_page_goes_on_at_the_right_place_though_rows_came_and_went),
        cmocka_unit_test(a_cursor_is_refused_with_another_question),
        cmocka_unit_test(what_is_asked_wrongly_is_blamed_by_its_name),
        cmocka_unit_test(csv_has_a_head_and_a_line_for_each_row),
        cmocka_unit_test(who_is_confined_to_a_hall_or_a_tenant_sees_only_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
