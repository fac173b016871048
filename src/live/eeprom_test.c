/*
 * A number read from the wrong byte looks like a number.  So each test gives
 * every lane and every field its own value.
 */
#include "live/eeprom.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "live/eeprom_testing.h"

struct decoded {
    uint8_t bytes[EEPROM_DUMP_MAX];
    size_t size;
    struct eeprom pages;
    struct eeprom_module m;
};

static void decode(struct decoded *d)
{
    struct mw_error err = { .code = 0 };
    assert_int_equal(eeprom_from_dump(&d->pages, d->bytes, d->size, &err), 0);
    assert_int_equal(eeprom_decode(&d->pages, &d->m, &err), 0);
}

static void near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%g is not %g", got, want);
}

static void an_sfp_says_who_it_is_and_how_it_fares(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_sfp_10g_sr(d.bytes);
    decode(&d);
    assert_int_equal(d.m.kind, EEPROM_SFF8472);
    assert_string_equal(eeprom_identifier_name(d.m.identifier), "SFP");
    assert_string_equal(d.m.vendor, "ACME OPTICS");
    assert_string_equal(d.m.part, "SFP-10G-SR");
    assert_string_equal(d.m.revision, "B2");
    assert_string_equal(d.m.serial, "AC123456");
    assert_string_equal(d.m.date, "250131");
    assert_true(d.m.checksum_good);
    assert_int_equal(d.m.lanes, 1);
    assert_false(d.m.copper);
    near(d.m.wavelength_nm, 850, 0);
    near(d.m.temp_c, 41.5, 0.01);
    near(d.m.vcc_v, 3.3, 0.001);
    near(d.m.lane[0].bias_ma, 7.25, 0.01);
    near(d.m.lane[0].tx_dbm, -2.2, 0.01);
    near(d.m.lane[0].rx_dbm, -3.7, 0.01);
    assert_int_equal(d.m.lane[0].rx_los, 0);
    assert_int_equal(d.m.lane[0].tx_los, -1);
    near(d.m.rx.warn_low, -8, 0.02);
    near(d.m.tx.alarm_high, 3, 0.02);
    near(d.m.temp.alarm_low, -5, 0);
    near(d.m.bias.warn_high, 11, 0.01);
    assert_int_equal(d.m.warnings | d.m.alarms, 0);
}

static void an_externally_calibrated_sfp_is_calibrated(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_sfp_external(d.bytes);
    decode(&d);
    near(d.m.temp_c, 40, 0.01);
    near(d.m.vcc_v, 3.3, 0.001);
    near(d.m.lane[0].bias_ma, 6, 0.01);
    near(d.m.lane[0].tx_dbm, -3.01, 0.01);  /* 500 uW */
    near(d.m.lane[0].rx_dbm, -6.02, 0.01);  /* 250 uW */
    assert_true(isnan(d.m.temp.alarm_high)); /* zeros are no thresholds */
}

static void an_sfp_that_is_not_ready_has_no_readings_yet(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_sfp_10g_sr(d.bytes);
    d.bytes[256 + 110] = 0x01;
    decode(&d);
    assert_true(isnan(d.m.temp_c) && isnan(d.m.lane[0].rx_dbm));
    near(d.m.rx.warn_low, -8, 0.02);
    assert_int_equal(d.m.warnings, 0);
}

static void past_a_threshold_is_a_warning_and_an_alarm(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_sfp_10g_sr(d.bytes);
    testing_u16(d.bytes, 256 + 104, testing_uw(-9));
    d.bytes[256 + 110] = 0x02; /* loss of signal */
    decode(&d);
    assert_int_equal(d.m.warnings, EEPROM_ON_RX);
    assert_int_equal(d.m.alarms, 0);
    assert_int_equal(d.m.lane[0].rx_los, 1);
    testing_u16(d.bytes, 256 + 104, 0);
    testing_u16(d.bytes, 256 + 96, 80 * 256);
    decode(&d);
    near(d.m.lane[0].rx_dbm, EEPROM_DARK_DBM, 0);
    assert_int_equal(d.m.alarms, EEPROM_ON_RX | EEPROM_ON_TEMP);
    assert_int_equal(d.m.warnings, EEPROM_ON_RX | EEPROM_ON_TEMP);
}

static void below_zero_is_below_zero(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_sfp_10g_sr(d.bytes);
    testing_u16(d.bytes, 256 + 96, -3.5 * 256);
    decode(&d);
    near(d.m.temp_c, -3.5, 0.01);
    assert_int_equal(d.m.warnings, EEPROM_ON_TEMP);
}

static void a_qsfp_has_four_lanes_and_its_thresholds_on_page_3(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_qsfp28_sr4(d.bytes);
    decode(&d);
    assert_int_equal(d.m.kind, EEPROM_SFF8636);
    assert_string_equal(d.m.part, "Q28-100G-SR4");
    assert_string_equal(d.m.serial, "QX0042");
    assert_true(d.m.checksum_good);
    assert_int_equal(d.m.lanes, 4);
    near(d.m.temp_c, 38.25, 0.01);
    near(d.m.vcc_v, 3.28, 0.001);
    near(d.m.wavelength_nm, 850, 0.05);
    for (uint32_t i = 0; i < 4; i++) {
        near(d.m.lane[i].rx_dbm, -1.0 - i, 0.01);
        near(d.m.lane[i].bias_ma, 6.0 + i, 0.01);
        near(d.m.lane[i].tx_dbm, 0.5 - 0.1 * i, 0.01);
        assert_int_equal(d.m.lane[i].tx_fault, 0);
    }
    near(d.m.rx.warn_low, -8, 0.02);
    near(d.m.temp.warn_high, 70, 0);
    near(d.m.vcc.alarm_low, 2.97, 0.001);
    assert_true(isnan(d.m.lane[0].ber));
}

static void each_lane_of_a_qsfp_has_its_flags(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_qsfp28_sr4(d.bytes);
    d.bytes[3] = 0x42; /* Tx LOS of lane 2, Rx LOS of lane 1 */
    d.bytes[4] = 0x08; /* Tx fault of lane 3 */
    d.bytes[5] = 0x01; /* Rx loss of lock of lane 0 */
    decode(&d);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(d.m.lane[i].rx_los, i == 1);
        assert_int_equal(d.m.lane[i].tx_los, i == 2);
        assert_int_equal(d.m.lane[i].tx_fault, i == 3);
        assert_int_equal(d.m.lane[i].rx_lol, i == 0);
    }
}

static void copper_has_no_light(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_qsfp28_copper(d.bytes);
    decode(&d);
    assert_true(d.m.copper && d.m.checksum_good);
    assert_string_equal(d.m.part, "Q28-DAC-2M");
    assert_true(isnan(d.m.lane[0].rx_dbm) && isnan(d.m.temp_c) && isnan(d.m.rx.alarm_low));
    assert_int_equal(d.m.warnings | d.m.alarms, 0);
    d.size = testing_osfp_copper(d.bytes);
    decode(&d);
    assert_true(d.m.copper);
    assert_int_equal(d.m.lanes, 8);
    assert_true(isnan(d.m.lane[7].tx_dbm) && isnan(d.m.temp_c));
}

static void a_cmis_module_has_eight_lanes_with_light_current_and_error_rates(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_osfp_2xdr4(d.bytes);
    decode(&d);
    assert_int_equal(d.m.kind, EEPROM_CMIS);
    assert_string_equal(eeprom_identifier_name(d.m.identifier), "OSFP");
    assert_string_equal(d.m.vendor, "ACME OPTICS");
    assert_string_equal(d.m.part, "OSFP-800G-2DR4");
    assert_string_equal(d.m.serial, "OX800G0007");
    assert_string_equal(d.m.firmware, "2.14");
    assert_true(d.m.checksum_good);
    assert_int_equal(d.m.lanes, 8);
    near(d.m.wavelength_nm, 1310, 0.1);
    near(d.m.temp_c, 52.75, 0.01);
    near(d.m.vcc_v, 3.31, 0.001);
    near(d.m.bias.warn_high, 120, 0.01);
    for (uint32_t i = 0; i < 8; i++) {
        const struct eeprom_lane *l = &d.m.lane[i];
        near(l->tx_dbm, 1.5 - 0.1 * i, 0.01);
        near(l->rx_dbm, -0.5 - 0.2 * i, 0.01);
        near(l->bias_ma, 60.0 + i, 0.01); /* counts of 4 uA */
        near(l->snr_db, 20.0 + i, 0.01);
        near(l->host_snr_db, 18.0 + i, 0.01);
        near(l->ber, 1e-8 * (i + 1), 1e-11); /* of the moment, not the average of group 2 */
        near(l->host_ber, 3e-9, 1e-11);      /* of which there is only an average */
        near(l->frames_bad, 0, 0);
        assert_int_equal(l->rx_los, 0);
    }
    assert_true(isnan(d.m.lane[8].tx_dbm) && isnan(d.m.lane[8].ber));
    assert_int_equal(d.m.warnings | d.m.alarms, 0);
}

static void each_lane_of_a_cmis_module_has_its_flags(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_osfp_2xdr4(d.bytes);
    d.bytes[TESTING_BANKED(0, 0x11, 135)] = 0x80; /* Tx fault of lane 7 */
    d.bytes[TESTING_BANKED(0, 0x11, 136)] = 0x01; /* Tx LOS of lane 0 */
    d.bytes[TESTING_BANKED(0, 0x11, 147)] = 0x10; /* Rx LOS of lane 4 */
    d.bytes[TESTING_BANKED(0, 0x11, 148)] = 0x02; /* Rx loss of lock of lane 1 */
    decode(&d);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(d.m.lane[i].tx_fault, i == 7);
        assert_int_equal(d.m.lane[i].tx_los, i == 0);
        assert_int_equal(d.m.lane[i].rx_los, i == 4);
        assert_int_equal(d.m.lane[i].rx_lol, i == 1);
    }
}

static void what_a_cmis_module_does_not_promise_is_not_read(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_osfp_2xdr4(d.bytes);
    d.bytes[TESTING_PAGE(1, 160)] = 0x04;  /* receivers only */
    d.bytes[TESTING_PAGE(1, 157)] = 0;
    d.bytes[TESTING_PAGE(1, 142)] = 0;     /* no VDM */
    d.bytes[TESTING_PAGE(1, 159)] = 0x02;  /* no temperature */
    d.bytes[TESTING_PAGE(0, 210)] = 0xf0;  /* four lanes on the medium */
    testing_sum(d.bytes);
    decode(&d);
    assert_int_equal(d.m.lanes, 4);
    assert_true(isnan(d.m.lane[0].tx_dbm) && isnan(d.m.lane[0].bias_ma));
    near(d.m.lane[3].rx_dbm, -1.1, 0.01);
    assert_true(isnan(d.m.lane[4].rx_dbm) && isnan(d.m.lane[0].ber) && isnan(d.m.temp_c));
    assert_int_equal(d.m.lane[0].tx_fault, -1);
    assert_int_equal(d.m.lane[0].rx_los, 0);
}

static void a_share_above_one_is_none(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_osfp_2xdr4(d.bytes);
    d.bytes[TESTING_BANKED(0, 0x24, 128 + 4)] = 0xff; /* 2047 x 10^7 */
    d.bytes[TESTING_BANKED(0, 0x24, 129 + 4)] = 0xff;
    decode(&d);
    near(d.m.lane[0].ber, 5e-5, 1e-8); /* the average instead */
}

static void a_changed_byte_of_the_identity_is_seen(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_osfp_2xdr4(d.bytes);
    d.bytes[TESTING_PAGE(0, 150)] = 'X';
    decode(&d);
    assert_false(d.m.checksum_good);
    d.size = testing_sfp_10g_sr(d.bytes);
    d.bytes[70]++;
    decode(&d);
    assert_false(d.m.checksum_good);
}

static void bytes_that_are_no_letters_become_blanks(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_sfp_10g_sr(d.bytes);
    memcpy(d.bytes + 20, "A\x01\xff" "B", 4);
    decode(&d);
    assert_string_equal(d.m.vendor, "A  B OPTICS");
    memset(d.bytes + 20, 0xff, 16);
    decode(&d);
    assert_string_equal(d.m.vendor, "");
}

static void an_unknown_module_and_a_torn_dump_are_refused(void **state)
{
    (void)state;
    struct decoded d;
    struct mw_error err = { .code = 0 };
    d.size = testing_sfp_10g_sr(d.bytes);
    assert_int_equal(eeprom_from_dump(&d.pages, d.bytes, 127, &err), MW_EINVAL);
    d.bytes[0] = 0x55;
    assert_int_equal(eeprom_from_dump(&d.pages, d.bytes, 512, &err), 0);
    assert_int_equal(eeprom_decode(&d.pages, &d.m, &err), MW_EINVAL);
    memset(&d.pages, 0, sizeof(d.pages));
    assert_int_equal(eeprom_decode(&d.pages, &d.m, &err), MW_ENOTFOUND);
    assert_int_equal(eeprom_next(&d.pages), EEPROM_LOWER);
}

/* ---- page by page ---------------------------------------------------------------------------- */

/* Gives what is asked for out of a whole module; returns how many pages that were. */
static uint32_t serve(const struct eeprom *whole, struct eeprom *e)
{
    uint32_t slot, count = 0;
    while ((slot = eeprom_next(e)) < EEPROM_SLOTS) {
        assert_true((whole->have & UINT64_C(1) << slot) != 0); /* it asks for nothing else */
        eeprom_put(e, slot, whole->byte[slot]);
        count++;
    }
    return count;
}

static void only_pages_that_a_module_has_are_asked_for(void **state)
{
    (void)state;
    static const struct {
        size_t (*make)(uint8_t *);
        uint32_t pages, again;
    } cases[] = {
        { testing_sfp_10g_sr, 2, 2 },
        { testing_qsfp28_sr4, 3, 2 },
        { testing_qsfp28_copper, 2, 2 },
        { testing_osfp_copper, 2, 2 },
        { testing_osfp_2xdr4, 10, 5 }, /* lower 00 01 02, 11 2f 20 21 24 25; of them again
                                          lower 00, 11 24 25 */
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        struct decoded d;
        struct eeprom e = { .have = 0 };
        d.size = cases[i].make(d.bytes);
        decode(&d);
        assert_int_equal(serve(&d.pages, &e), cases[i].pages);
        eeprom_stale(&e);
        assert_int_equal(serve(&d.pages, &e), cases[i].again);
        assert_true(eeprom_same(&e, &d.pages));
    }
}

static void a_refused_page_is_not_asked_for_again(void **state)
{
    (void)state;
    struct decoded d;
    struct eeprom e = { .have = 0 };
    uint32_t slot;
    d.size = testing_osfp_2xdr4(d.bytes);
    decode(&d);
    while ((slot = eeprom_next(&e)) < EEPROM_SLOTS) {
        if (slot == EEPROM_P02)
            eeprom_refuse(&e, slot);
        else
            eeprom_put(&e, slot, d.pages.byte[slot]);
    }
    assert_int_equal(eeprom_decode(&e, &d.m, NULL), 0);
    assert_true(isnan(d.m.rx.warn_low));
    near(d.m.lane[2].rx_dbm, -0.9, 0.01);
}

static void another_module_in_the_cage_is_noticed(void **state)
{
    (void)state;
    struct decoded d;
    struct eeprom before;
    d.size = testing_osfp_2xdr4(d.bytes);
    decode(&d);
    before = d.pages;
    d.bytes[14]++; /* warmer */
    decode(&d);
    assert_true(eeprom_same(&d.pages, &before));
    d.bytes[TESTING_PAGE(0, 175)] = '8';
    decode(&d);
    assert_false(eeprom_same(&d.pages, &before));
    d.size = testing_sfp_10g_sr(d.bytes);
    decode(&d);
    assert_false(eeprom_same(&d.pages, &before));
}

static void the_places_are_those_of_the_bus(void **state)
{
    (void)state;
    struct eeprom_place a2 = eeprom_place(EEPROM_A2), p3 = eeprom_place(EEPROM_P03);
    struct eeprom_place bank1 = eeprom_place(EEPROM_BANKED + EEPROM_SLOTS_A_BANK + EEPROM_B24 + 1);
    assert_int_equal(a2.address, 0x51);
    assert_int_equal(a2.offset, 0);
    assert_int_equal(p3.page, 3);
    assert_int_equal(p3.offset, 128);
    assert_int_equal(bank1.page, 0x25);
    assert_int_equal(bank1.bank, 1);
}

static void a_second_bank_has_lanes_8_to_15(void **state)
{
    (void)state;
    struct decoded d;
    d.size = testing_osfp_2xdr4(d.bytes);
    d.bytes[TESTING_PAGE(1, 142)] = 0x41; /* two banks */
    memcpy(d.bytes + d.size, d.bytes + d.size - 18 * 128, 18 * 128);
    testing_u16(d.bytes, TESTING_BANKED(1, 0x11, 186 + 2 * 3), testing_uw(-7));
    d.size = EEPROM_DUMP_MAX;
    decode(&d);
    assert_int_equal(d.m.lanes, 16);
    near(d.m.lane[11].rx_dbm, -7, 0.01);
    near(d.m.lane[3].rx_dbm, -1.1, 0.01);
    near(d.m.lane[15].ber, 8e-8, 1e-10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sfp_says_who_it_is_and_how_it_fares),
        cmocka_unit_test(an_externally_calibrated_sfp_is_calibrated),
        cmocka_unit_test(an_sfp_that_is_not_ready_has_no_readings_yet),
        cmocka_unit_test(past_a_threshold_is_a_warning_and_an_alarm),
        cmocka_unit_test(below_zero_is_below_zero),
        cmocka_unit_test(a_qsfp_has_four_lanes_and_its_thresholds_on_page_3),
        cmocka_unit_test(each_lane_of_a_qsfp_has_its_flags),
        cmocka_unit_test(copper_has_no_light),
        cmocka_unit_test(a_cmis_module_has_eight_lanes_with_light_current_and_error_rates),
        cmocka_unit_test(each_lane_of_a_cmis_module_has_its_flags),
        cmocka_unit_test(what_a_cmis_module_does_not_promise_is_not_read),
        cmocka_unit_test(a_share_above_one_is_none),
        cmocka_unit_test(a_changed_byte_of_the_identity_is_seen),
        cmocka_unit_test(bytes_that_are_no_letters_become_blanks),
        cmocka_unit_test(an_unknown_module_and_a_torn_dump_are_refused),
        cmocka_unit_test(only_pages_that_a_module_has_are_asked_for),
        cmocka_unit_test(a_refused_page_is_not_asked_for_again),
        cmocka_unit_test(another_module_in_the_cage_is_noticed),
        cmocka_unit_test(the_places_are_those_of_the_bus),
        cmocka_unit_test(a_second_bank_has_lanes_8_to_15),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
