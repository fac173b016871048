/* The clock of a replay, with real time brought by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "cli/pacer.h"

#define START (INT64_C(1704067200) * MW_NS_PER_S) /* 2024-01-01 */
#define REAL (INT64_C(77) * MW_NS_PER_S)

static struct pacer made(double speed)
{
    struct pacer p = { .start_ns = START, .end_ns = START + 10 * MW_NS_PER_DAY, .speed = speed };
    pacer_begin(&p, REAL);
    return p;
}

static int wish(struct pacer *p, int64_t real_ns, const char *text, struct mw_error *err)
{
    json_t *o = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(o);
    int rc = pacer_wish(p, real_ns, p->end_ns, o, err);
    json_decref(o);
    return rc;
}

static void wishes(struct pacer *p, int64_t real_ns, const char *text)
{
    struct mw_error err = { 0 };
    if (wish(p, real_ns, text, &err) != 0)
        fail_msg("%s: %s", text, err.text);
}

static void time_passes_at_the_speed_and_not_beyond_what_is_next(void **state)
{
    (void)state;
    struct pacer p = made(3600);
    int64_t next = START + MW_NS_PER_HOUR;
    assert_int_equal(pacer_wait_ns(&p, REAL, next), MW_NS_PER_S);
    assert_int_equal(pacer_now(&p, REAL + MW_NS_PER_S / 2, next), START + MW_NS_PER_HOUR / 2);
    assert_int_equal(pacer_now(&p, REAL + 5 * MW_NS_PER_S, next), next);
    assert_int_equal(pacer_wait_ns(&p, REAL + MW_NS_PER_S, next), 0);
    assert_string_equal(pacer_state(&p), "playing");
}

static void small_delays_are_made_up_and_long_ones_are_not(void **state)
{
    (void)state;
    struct pacer p = made(3600);
    int64_t next = START + MW_NS_PER_HOUR, after = START + 2 * MW_NS_PER_HOUR;
    pacer_came_to(&p, REAL + MW_NS_PER_S + 100 * MW_NS_PER_MS, next);
    assert_int_equal(pacer_wait_ns(&p, REAL + MW_NS_PER_S + 100 * MW_NS_PER_MS, after),
                     900 * MW_NS_PER_MS);
    struct pacer slept = made(3600);
    pacer_came_to(&slept, REAL + 60 * MW_NS_PER_S, next);
    assert_int_equal(pacer_wait_ns(&slept, REAL + 60 * MW_NS_PER_S, after), MW_NS_PER_S);
}

static void a_pause_stops_the_clock_where_it_is_shown(void **state)
{
    (void)state;
    struct pacer p = made(3600);
    int64_t real = REAL + MW_NS_PER_S / 2;
    wishes(&p, real, "{\"paused\": true}");
    assert_string_equal(pacer_state(&p), "paused");
    assert_int_equal(pacer_now(&p, real + MW_NS_PER_HOUR, p.end_ns), START + MW_NS_PER_HOUR / 2);
    assert_true(pacer_wait_ns(&p, real + MW_NS_PER_HOUR, p.end_ns) == MW_NEVER);
    wishes(&p, real + MW_NS_PER_HOUR, "{\"paused\": false}");
    assert_int_equal(pacer_wait_ns(&p, real + MW_NS_PER_HOUR, START + MW_NS_PER_HOUR),
                     MW_NS_PER_S / 2);
}

static void a_change_of_speed_makes_no_jump(void **state)
{
    (void)state;
    struct pacer p = made(3600);
    int64_t real = REAL + 10 * MW_NS_PER_S, now = START + 10 * MW_NS_PER_HOUR;
    wishes(&p, real, "{\"speed\": 60}");
    assert_int_equal(pacer_now(&p, real, p.end_ns), now);
    assert_int_equal(pacer_now(&p, real + MW_NS_PER_S, p.end_ns), now + MW_NS_PER_MIN);
    wishes(&p, real, "{\"speed\": 0}");
    assert_int_equal(pacer_wait_ns(&p, real, p.end_ns), 0);
}

static void until_an_incident_hurries_and_then_goes_on_as_before(void **state)
{
    (void)state;
    struct pacer p = made(60);
    int64_t at = START + MW_NS_PER_DAY;
    wishes(&p, REAL, "{\"until\": \"incident\"}");
    assert_string_equal(pacer_state(&p), "seeking");
    assert_int_equal(pacer_wait_ns(&p, REAL, at), 0);
    pacer_came_to(&p, REAL + 1, at);
    pacer_incident(&p, REAL + 1, at);
    assert_string_equal(pacer_state(&p), "playing");
    assert_int_equal(pacer_wait_ns(&p, REAL + 1, at + MW_NS_PER_MIN), MW_NS_PER_S);
    pacer_incident(&p, REAL + 2, at); /* unasked: changes nothing */
    assert_int_equal(pacer_wait_ns(&p, REAL + 2, at + MW_NS_PER_MIN), MW_NS_PER_S - 1);
}

static void who_paused_and_seeks_is_paused_where_he_arrives(void **state)
{
    (void)state;
    struct pacer p = made(60);
    wishes(&p, REAL, "{\"paused\": true, \"until\": \"2024-01-03T00:00:00Z\"}");
    assert_string_equal(pacer_state(&p), "seeking");
    assert_int_equal(pacer_wait_ns(&p, REAL, START + MW_NS_PER_DAY), 0);
    assert_true(pacer_wait_ns(&p, REAL, START + 3 * MW_NS_PER_DAY) == MW_NEVER);
    assert_string_equal(pacer_state(&p), "paused");
    assert_int_equal(pacer_now(&p, REAL, START + 3 * MW_NS_PER_DAY), START + 2 * MW_NS_PER_DAY);
    wishes(&p, REAL, "{\"until\": \"incident\"}");
    wishes(&p, REAL, "{\"paused\": true}"); /* enough of it */
    assert_string_equal(pacer_state(&p), "paused");
}

static void the_end_stands_still_and_takes_no_wish(void **state)
{
    (void)state;
    struct pacer p = made(0);
    struct mw_error err = { 0 };
    assert_int_equal(pacer_wait_ns(&p, REAL, p.end_ns), 0);
    pacer_end(&p);
    assert_string_equal(pacer_state(&p), "ended");
    assert_true(pacer_wait_ns(&p, REAL, MW_NEVER) == MW_NEVER);
    assert_int_equal(pacer_now(&p, REAL + MW_NS_PER_DAY, MW_NEVER), p.end_ns);
    assert_int_equal(wish(&p, REAL, "{\"speed\": 1}", &err), MW_ECONFLICT);
}

static void a_wish_that_makes_no_sense_changes_nothing_and_says_what_to_write(void **state)
{
    static const struct {
        const char *wish, *says;
    } wrong[] = {
        { "[]", "an object" },
        { "{}", "an object" },
        { "{\"speed\": -1}", "as fast as it goes" },
        { "{\"speed\": 1e10}", "as fast as it goes" },
        { "{\"speed\": \"fast\"}", "as fast as it goes" },
        { "{\"paused\": 1}", "true or false" },
        { "{\"until\": 5}", "incident" },
        { "{\"until\": \"tomorrow\"}", "incident" },
        { "{\"until\": \"2023-12-31\"}", "time only goes on" },
        { "{\"until\": \"2024-01-11T00:00:01Z\"}", "where the replay ends" },
        { "{\"speed\": 5, \"loop\": true}", "no key of a replay" },
    };
    (void)state;
    struct pacer p = made(3600), before = p;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct mw_error err = { 0 };
        assert_int_equal(wish(&p, REAL + MW_NS_PER_S, wrong[i].wish, &err), MW_EINVAL);
        if (strstr(err.text, wrong[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", wrong[i].wish, err.text, wrong[i].says);
        assert_true(p.speed == before.speed && p.at_ns == before.at_ns && !p.paused);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
    static const struct CMUnitTest tests[] = {
        T(time_passes_at_the_speed_and_not_beyond_what_is_next),
        T(small_delays_are_made_up_and_long_ones_are_not),
        T(a_pause_stops_the_clock_where_it_is_shown),
        T(a_change_of_speed_makes_no_jump),
        T(until_an_incident_hurries_and_then_goes_on_as_before),
        T(who_paused_and_seeks_is_paused_where_he_arrives),
        T(the_end_stands_still_and_takes_no_wish),
        T(a_wish_that_makes_no_sense_changes_nothing_and_says_what_to_write),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
