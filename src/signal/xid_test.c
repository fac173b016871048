/*
 * Every row of the catalogue's CSV files against the tables made of them,
 * read here by another reader than the generator's.
 */
#include "signal/xid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define FIELDS_MAX 16

/* Splits a CSV line in place; fields in quotes may hold commas; returns how many. */
static int split(char *line, char *field[FIELDS_MAX])
{
    int n = 0;
    char *at = line;
    line[strcspn(line, "\r\n")] = '\0';
    for (;;) {
        assert_true(n < FIELDS_MAX);
        bool quoted = *at == '"';
        field[n++] = at + quoted;
        at += quoted ? 1 + strcspn(at + 1, "\"") : strcspn(at, ",");
        if (quoted)
            *at++ = '\0';
        if (*at == '\0')
            return n;
        *at++ = '\0';
    }
}

/* Calls check for each row after the heading; returns the rows. */
static uint32_t each_row(const char *path, int fields, void (*check)(char **field, uint32_t row))
{
    char line[1024], *field[FIELDS_MAX];
    FILE *f = fopen(path, "r");
    uint32_t rows = 0;
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    while (fgets(line, sizeof(line), f) != NULL) {
        assert_int_equal(split(line, field), fields);
        check(field, rows++);
    }
    (void)fclose(f);
    return rows;
}

static void check_xid(char **f, uint32_t i)
{
    uint32_t code = (uint32_t)strtoul(f[0], NULL, 10), archs = 0;
    const struct xid_row *row = xid_find(code);
    char text[128];
    for (uint32_t a = 0; a < 4; a++)
        archs |= (uint32_t)(f[3 + a][0] == '1') << a;
    assert_ptr_equal(row, &xid_rows[i]);
    assert_int_equal(row->code, code);
    assert_string_equal(row->mnemonic, f[1]);
    assert_int_equal(row->used, f[2][0] == '1');
    assert_int_equal(row->archs, archs);
    assert_string_equal(row->immediate, f[7]);
    assert_string_equal(row->investigate, f[8]);
    assert_string_equal(row->xid154, f[9]);
    if (f[7][0] != '\0')
        assert_non_null(xid_action_find(f[7]));
    if (f[8][0] != '\0')
        assert_non_null(xid_action_find(f[8]));
    xid_meaning(row, text, sizeof(text));
    assert_true(text[0] != '\0' && strlen(text) < 110);
}

static void each_of_172_codes_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(each_row("data/xid/xid.csv", 10, check_xid), 172);
    assert_int_equal(xid_rows_count, 172);
}

static void a_code_that_is_not_in_the_catalogue_is_unknown(void **state)
{
    (void)state;
    assert_null(xid_find(0));
    assert_null(xid_find(173));
    assert_null(xid_find(UINT32_MAX));
    assert_null(sxid_find(1));
    assert_null(xid_action_find("NO_SUCH_BUCKET"));
}

/* The value whose bits are the mask's, free bits set: they must not matter. */
static uint32_t info_of(const char *mask)
{
    uint32_t v = 0;
    assert_int_equal(strlen(mask), 32);
    for (int i = 0; i < 32; i++)
        v = v << 1 | (mask[i] != '0');
    return v;
}

static void check_unit(const char *mask, char **f, const char *action, enum xid_driver driver)
{
    /* Some units share a mask; the first name tells them apart. */
    char unit[64];
    (void)snprintf(unit, sizeof(unit), "%s", strrchr(f[1], '/') != NULL ? strrchr(f[1], '/') + 1
                                                                     : f[1]);
    uint32_t status = f[4][0] != '\0' ? (uint32_t)strtoul(f[4], NULL, 16) : 0x1234;
    uint32_t code = (uint32_t)strtoul(f[0], NULL, 10);
    struct xid_nvlink_match m = xid_nvlink_find(code, unit, info_of(mask), status);
    assert_non_null(m.row);
    assert_true(m.exact);
    assert_int_equal(m.driver, driver);
    assert_string_equal(m.row->unit, f[1]);
    assert_string_equal(m.action, action);
    assert_string_equal(m.row->investigate, f[9]);
    assert_string_equal(m.row->severity, f[10]);
    assert_string_equal(m.row->hw_sw, f[11]);
    assert_string_equal(m.row->consequences, f[12]);
    assert_non_null(xid_action_find(m.action));
    assert_non_null(xid_action_find(m.row->investigate));
}

static void check_nvlink(char **f, uint32_t i)
{
    (void)i;
    /* Masks of MSE are the same before and from R575 up to free bits: the first layout wins. */
    bool mse = strncmp(f[1], "MSE", 3) == 0;
    check_unit(f[2], f, f[5], XID_BEFORE_R575);
    if (!mse)
        check_unit(f[3], f, f[5], XID_FROM_R575);
    if (f[6][0] == '\0')
        return;
    check_unit(f[6], f, f[8], XID_BEFORE_R575);
    check_unit(f[7], f, f[8], XID_FROM_R575);
}

static void each_of_95_nvlink_rows_is_found_in_both_layouts(void **state)
{
    (void)state;
    assert_int_equal(each_row("data/xid/nvlink5.csv", 13, check_nvlink), 95);
    assert_int_equal(xid_nvlink_rows_count, 95);
}

static void an_nvlink_error_that_is_not_in_the_table_is_unknown(void **state)
{
    (void)state;
    assert_null(xid_nvlink_find(149, "NETIR_BER_EVENT", 0x00082226, 0x77).row);
    assert_null(xid_nvlink_find(143, "", 0, 0).row);
    assert_null(xid_nvlink_find(144, "SAW_MVB", 0xffffffff, 1).row);
}

static void of_several_status_bits_the_gravest_counts(void **state)
{
    (void)state;
    struct xid_nvlink_match m = xid_nvlink_find(144, "SAW_MVB", 0x21, 0x3);
    assert_non_null(m.row);
    assert_false(m.exact);
    assert_string_equal(m.action, "RESET_GPU");
}

static void check_sxid(char **f, uint32_t i)
{
    static const char *const kind[] = { "non-fatal", "fatal", "always-fatal" };
    const struct sxid_row *row = sxid_find((uint32_t)strtoul(f[0], NULL, 10));
    assert_ptr_equal(row, &sxid_rows[i]);
    assert_string_equal(row->name, f[1]);
    assert_string_equal(kind[row->kind], f[2]);
}

static void each_sxid_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(each_row("data/xid/sxid.csv", 3, check_sxid), sxid_rows_count);
}

static void link_registers_decode_to_their_worst_bit(void **state)
{
    static const struct {
        uint32_t reg[XID_LINK_REGISTERS];
        enum xid_link want;
    } cases[] = {
        { { 0 }, XID_LINK_IGNORE },
        { { 1U | 1U << 23 | 1U << 30 }, XID_LINK_IGNORE },
        { { 1U << 1 }, XID_LINK_SYMPATHETIC },
        { { 1U << 20 }, XID_LINK_SYMPATHETIC },
        { { 1U << 4 | 1U }, XID_LINK_ECC },
        { { 1U << 5 }, XID_LINK_ECC },
        { { 1U << 21 }, XID_LINK_SIGNAL },
        { { 1U << 27 }, XID_LINK_REPEAT },
        { { 1U << 28 | 1U << 22 }, XID_LINK_HARDWARE },
        { { 0, 0, 1U << 6 }, XID_LINK_ECC },
        { { 0, 0, 1U << 13 }, XID_LINK_UNEXPECTED },
        { { 0, 0, 1U << 16 }, XID_LINK_REPEAT },
        { { 0, 0, 1U << 17 }, XID_LINK_REPORT },
        { { 0, 0, 0, 1U << 17 }, XID_LINK_SYMPATHETIC },
        { { 1U << 28, 0, 0, 1U << 18 }, XID_LINK_FABRIC },
        { { 0, 0, 0, 0, 1U << 28 }, XID_LINK_ECC },
        { { 0, 0, 0, 0, 1U << 29 }, XID_LINK_ECC_COUNT },
        { { 0, 1U }, XID_LINK_UNKNOWN },
        { { 1U << 31 }, XID_LINK_UNKNOWN },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++)
        assert_int_equal(xid_link_decode(cases[i].reg), cases[i].want);
}

static void architectures_are_named(void **state)
{
    char text[48];
    (void)state;
    xid_archs(xid_find(79), text, sizeof(text));
    assert_string_equal(text, "A100, H100, B100, GB200");
    xid_archs(xid_find(1), text, sizeof(text));
    assert_string_equal(text, "no listed architecture");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_172_codes_has_its_row),
        cmocka_unit_test(a_code_that_is_not_in_the_catalogue_is_unknown),
        cmocka_unit_test(each_of_95_nvlink_rows_is_found_in_both_layouts),
        cmocka_unit_test(an_nvlink_error_that_is_not_in_the_table_is_unknown),
        cmocka_unit_test(of_several_status_bits_the_gravest_counts),
        cmocka_unit_test(each_sxid_has_its_row),
        cmocka_unit_test(link_registers_decode_to_their_worst_bit),
        cmocka_unit_test(architectures_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
