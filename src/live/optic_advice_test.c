/*
 * A wrong word here sends somebody to the wrong end of a cable.
 */
#include "live/optic_advice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct optic_end well(void)
{
    struct optic_end e = { .known = true, .lanes = 4, .tx_low_dbm = -8, .rx_low_dbm = -10,
                           .temp_c = 45, .temp_high_c = 70 };
    for (uint32_t i = 0; i < 4; i++) {
        e.tx_dbm[i] = 0;
        e.rx_dbm[i] = -2;
        e.ber_log10[i] = -9;
        e.host_ber_log10[i] = -12;
    }
    return e;
}

static struct optic_end unknown(void)
{
    struct optic_end e = { .known = false };
    for (uint32_t i = 0; i < OPTIC_ADVICE_LANES; i++)
        e.tx_dbm[i] = e.rx_dbm[i] = e.ber_log10[i] = e.host_ber_log10[i] = NAN;
    e.tx_low_dbm = e.rx_low_dbm = e.temp_c = e.temp_high_c = NAN;
    return e;
}

static void check(const struct optic_end *a, const struct optic_end *b, enum optic_what what,
                  uint32_t at, uint32_t lanes)
{
    const struct optic_end ends[2] = { *a, *b }, turned[2] = { *b, *a };
    struct optic_advice got = optic_advise(ends), other = optic_advise(turned);
    assert_int_equal(got.what, what);
    assert_int_equal(got.end, at);
    assert_int_equal(got.lanes, lanes);
    assert_int_equal(other.what, what); /* which end is named first does not matter */
    assert_int_equal(other.end, at == 2 ? 2 : 1 - at);
}

static void good_light_without_errors_asks_for_nothing(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    check(&a, &b, OPTIC_WELL, 2, 0);
    assert_string_equal(optic_advice_action(OPTIC_WELL), "");
}

static void little_light_at_both_receivers_is_the_fibre(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    a.rx_dbm[1] = -11;
    b.rx_dbm[2] = -13;
    check(&a, &b, OPTIC_FIBRE, 2, 0x6);
}

static void little_light_at_one_receiver_is_that_strand(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    b.rx_dbm[3] = -10.5;
    check(&a, &b, OPTIC_ONE_WAY, 1, 0x8);
}

static void little_light_sent_is_that_laser_whatever_the_other_end_receives(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    a.tx_dbm[0] = -9;
    b.rx_dbm[0] = -14;
    check(&a, &b, OPTIC_LASER, 0, 0x1);
}

static void an_end_that_sends_nothing_is_looked_at_before_it_is_exchanged(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    for (uint32_t i = 0; i < 4; i++) {
        b.tx_dbm[i] = -40;
        a.rx_dbm[i] = -40;
    }
    check(&a, &b, OPTIC_DARK, 1, 0xf);
}

static void one_dark_lane_of_four_is_a_laser(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    a.tx_dbm[2] = -40;
    check(&a, &b, OPTIC_LASER, 0, 0x4);
}

static void good_light_with_errors_is_reseated(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    a.ber_log10[1] = -4;
    check(&a, &b, OPTIC_RESEAT, 0, 0x2);
    a.ber_log10[1] = -9;
    b.errors = true; /* no error rate, but the port counts errors */
    check(&a, &b, OPTIC_RESEAT, 1, 0);
}

static void errors_between_card_and_module_are_no_matter_of_light(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    b.host_ber_log10[0] = -4.5;
    check(&a, &b, OPTIC_HOST, 1, 0x1);
    b.ber_log10[0] = -4.5; /* from the fibre too: that comes first */
    check(&a, &b, OPTIC_RESEAT, 1, 0x1);
}

static void a_hot_module_comes_before_its_light(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    a.temp_c = 71;
    a.tx_dbm[0] = -9;
    check(&a, &b, OPTIC_HOT, 0, 0);
}

static void one_known_end_is_judged_alone(void **state)
{
    (void)state;
    struct optic_end a = well(), b = unknown();
    check(&a, &b, OPTIC_WELL, 2, 0);
    a.rx_dbm[0] = -20;
    check(&a, &b, OPTIC_ONE_WAY, 0, 0x1);
}

static void two_unknown_ends_give_no_advice(void **state)
{
    (void)state;
    struct optic_end a = unknown(), b = unknown();
    check(&a, &b, OPTIC_UNKNOWN, 2, 0);
    a.errors = true;
    check(&a, &b, OPTIC_UNKNOWN, 2, 0);
}

static void modules_without_thresholds_are_judged_by_usual_ones(void **state)
{
    (void)state;
    struct optic_end a = well(), b = well();
    a.rx_low_dbm = a.tx_low_dbm = a.temp_high_c = NAN;
    check(&a, &b, OPTIC_WELL, 2, 0);
    a.tx_dbm[0] = -9.5;
    check(&a, &b, OPTIC_LASER, 0, 0x1);
}

static void the_words_name_the_end_and_its_lanes(void **state)
{
    (void)state;
    char text[160];
    const struct optic_advice laser = { OPTIC_LASER, 1, 0x5 }, fibre = { OPTIC_FIBRE, 2, 0 };
    optic_advice_words(&laser, "leaf1/3", "n7/ib0", text, sizeof(text));
    assert_string_equal(text, "the module of n7/ib0 sends too little light; lanes 0,2");
    optic_advice_words(&fibre, "leaf1/3", "n7/ib0", text, sizeof(text));
    assert_string_equal(text, "both ends send well and receive too little");
    for (uint32_t what = 0; what < OPTIC_WHATS; what++)
        for (uint8_t end = 0; end < 3; end++) {
            const struct optic_advice a = { (uint8_t)what, end, 0xffff };
            optic_advice_words(&a, "a", "b", text, sizeof(text));
            assert_true(strlen(text) > 10 && strchr(text, '%') == NULL);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_light_without_errors_asks_for_nothing),
        cmocka_unit_test(little_light_at_both_receivers_is_the_fibre),
        cmocka_unit_test(little_light_at_one_receiver_is_that_strand),
        cmocka_unit_test(little_light_sent_is_that_laser_whatever_the_other_end_receives),
        cmocka_unit_test(an_end_that_sends_nothing_is_looked_at_before_it_is_exchanged),
        cmocka_unit_test(one_dark_lane_of_four_is_a_laser),
        cmocka_unit_test(good_light_with_errors_is_reseated),
        cmocka_unit_test(errors_between_card_and_module_are_no_matter_of_light),
        cmocka_unit_test(a_hot_module_comes_before_its_light),
        cmocka_unit_test(one_known_end_is_judged_alone),
        cmocka_unit_test(two_unknown_ends_give_no_advice),
        cmocka_unit_test(modules_without_thresholds_are_judged_by_usual_ones),
        cmocka_unit_test(the_words_name_the_end_and_its_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
