/*
 * Builds the memories field by field.
 */
#include "live/eeprom_testing.h"

#include <string.h>

#include "base/exact.h"

void testing_u16(uint8_t *dump, uint32_t at, double value)
{
    int32_t rounded = (int32_t)(value < 0 ? value - 0.5 : value + 0.5);
    dump[at] = (uint8_t)((uint32_t)rounded >> 8);
    dump[at + 1] = (uint8_t)rounded;
}

double testing_uw(double dbm)
{
    return 1e4 * mw_exp(dbm * 2.302585092994046 / 10);
}

uint16_t testing_f16(double value)
{
    uint32_t exponent = 24;
    while (value != 0 && value < 204 && exponent > 0) {
        value *= 10;
        exponent--;
    }
    return (uint16_t)(exponent << 11 | (uint32_t)(value + 0.5));
}

static void text(uint8_t *dump, uint32_t at, size_t size, const char *words)
{
    memset(dump + at, ' ', size);
    memcpy(dump + at, words, strlen(words));
}

/* Alarm high and low, warning high and low. */
static void limits(uint8_t *dump, uint32_t at, const double value[4], double step)
{
    for (uint32_t i = 0; i < 4; i++)
        testing_u16(dump, at + 2 * i, value[i] / step);
}

static void light_limits(uint8_t *dump, uint32_t at, const double dbm[4])
{
    for (uint32_t i = 0; i < 4; i++)
        testing_u16(dump, at + 2 * i, testing_uw(dbm[i]));
}

static const double temps[4] = { 75, -5, 70, 0 }, volts[4] = { 3.63, 2.97, 3.46, 3.13 },
                    bias_ma[4] = { 12, 2, 11, 3 }, light[4] = { 3, -10, 2, -8 };

static void sum(uint8_t *dump, uint32_t from, uint32_t count)
{
    uint8_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total = (uint8_t)(total + dump[from + i]);
    dump[from + count] = total;
}

void testing_sum(uint8_t *dump)
{
    if (dump[0] == 0x03) {
        sum(dump, 0, 63);
        sum(dump, 64, 31);
    } else if (dump[0] == 0x11) {
        sum(dump, TESTING_PAGE(0, 128), 63);
        sum(dump, TESTING_PAGE(0, 192), 31);
    } else {
        sum(dump, TESTING_PAGE(0, 128), 94);
    }
}

/* ---- SFF-8472 -------------------------------------------------------------------------------- */

size_t testing_sfp_10g_sr(uint8_t to[EEPROM_DUMP_MAX])
{
    uint8_t *a2 = to + 256;
    memset(to, 0, EEPROM_DUMP_MAX);
    to[0] = 0x03;
    text(to, 20, 16, "ACME OPTICS");
    text(to, 40, 16, "SFP-10G-SR");
    text(to, 56, 4, "B2");
    testing_u16(to, 60, 850);
    text(to, 68, 16, "AC123456");
    text(to, 84, 8, "250131");
    to[92] = 0x68; /* monitors, internally calibrated, average power */
    to[93] = 0x30; /* says Tx fault and Rx LOS */
    limits(a2, 0, temps, 1.0 / 256);
    limits(a2, 8, volts, 1e-4);
    limits(a2, 16, bias_ma, 2e-3);
    light_limits(a2, 24, light);
    light_limits(a2, 32, light);
    testing_u16(a2, 96, 41.5 * 256);
    testing_u16(a2, 98, 3.3 / 1e-4);
    testing_u16(a2, 100, 7.25 / 2e-3);
    testing_u16(a2, 102, testing_uw(-2.2));
    testing_u16(a2, 104, testing_uw(-3.7));
    testing_sum(to);
    return 512;
}

static void ieee754(uint8_t *dump, uint32_t at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    for (uint32_t i = 0; i < 4; i++)
        dump[at + i] = (uint8_t)(bits >> (24 - 8 * i));
}

/* Raw numbers that mean: 40 degrees, 3.3 V, 6 mA, 500 uW sent, 250 uW received. */
size_t testing_sfp_external(uint8_t to[EEPROM_DUMP_MAX])
{
    uint8_t *a2 = to + 256;
    size_t size = testing_sfp_10g_sr(to);
    to[92] = 0x58;
    memset(a2, 0, 56); /* no thresholds */
    ieee754(a2, 68, 0.25f); /* Rx: 100 + 0.25 raw */
    ieee754(a2, 72, 100.0f);
    testing_u16(a2, 76, 2 * 256);  /* bias: 2 raw - 200 */
    testing_u16(a2, 78, -200);
    testing_u16(a2, 80, 1.5 * 256); /* Tx: 1.5 raw + 500 */
    testing_u16(a2, 82, 500);
    testing_u16(a2, 84, 1 * 256);   /* temperature: raw - 5 degrees */
    testing_u16(a2, 86, -5 * 256);
    testing_u16(a2, 88, 2 * 256);   /* voltage: 2 raw */
    testing_u16(a2, 90, 0);
    testing_u16(a2, 96, 45 * 256);
    testing_u16(a2, 98, 33000 / 2.0);
    testing_u16(a2, 100, (3000 + 200) / 2.0);
    testing_u16(a2, 102, (5000 - 500) / 1.5);
    testing_u16(a2, 104, (2500 - 100) / 0.25);
    testing_sum(to);
    return size;
}

/* ---- SFF-8636 -------------------------------------------------------------------------------- */

size_t testing_qsfp28_sr4(uint8_t to[EEPROM_DUMP_MAX])
{
    uint8_t *p00 = to + 128 - 128 + 128, *p03 = to + 4 * 128;
    memset(to, 0, EEPROM_DUMP_MAX);
    to[0] = 0x11;
    testing_u16(to, 22, 38.25 * 256);
    testing_u16(to, 26, 3.28 / 1e-4);
    for (uint32_t i = 0; i < 4; i++) {
        testing_u16(to, 34 + 2 * i, testing_uw(-1.0 - i));
        testing_u16(to, 42 + 2 * i, (6.0 + i) / 2e-3);
        testing_u16(to, 50 + 2 * i, testing_uw(0.5 - 0.1 * i));
    }
    p00[128 - 128] = 0x11;
    text(p00, 148 - 128, 16, "ACME OPTICS");
    text(p00, 168 - 128, 16, "Q28-100G-SR4");
    text(p00, 184 - 128, 2, "A1");
    testing_u16(p00, 186 - 128, 850 * 20);
    text(p00, 196 - 128, 16, "QX0042");
    text(p00, 212 - 128, 8, "240607");
    p00[220 - 128] = 0x0c;
    limits(p03, 0, temps, 1.0 / 256);
    limits(p03, 16, volts, 1e-4);
    light_limits(p03, 48, light);
    limits(p03, 56, bias_ma, 2e-3);
    light_limits(p03, 64, light);
    testing_sum(to);
    return 640;
}

size_t testing_qsfp28_copper(uint8_t to[EEPROM_DUMP_MAX])
{
    (void)testing_qsfp28_sr4(to);
    memset(to + 3, 0, 125);
    memset(to + 256, 0, 384);
    to[2] = 0x04; /* flat memory */
    to[TESTING_PAGE(0, 147)] = 0xa0;
    text(to, TESTING_PAGE(0, 168), 16, "Q28-DAC-2M");
    testing_sum(to);
    return 256;
}

/* ---- CMIS ------------------------------------------------------------------------------------ */

static void cmis_identity(uint8_t *to, const char *part)
{
    to[0] = 0x19; /* OSFP */
    to[1] = 0x52;
    to[3] = 0x07; /* ready */
    to[39] = 2;
    to[40] = 14;
    to[TESTING_PAGE(0, 128)] = 0x19;
    text(to, TESTING_PAGE(0, 129), 16, "ACME OPTICS");
    text(to, TESTING_PAGE(0, 148), 16, part);
    text(to, TESTING_PAGE(0, 164), 2, "A0");
    text(to, TESTING_PAGE(0, 166), 16, "OX800G0007");
    text(to, TESTING_PAGE(0, 182), 8, "260115");
}

static void cmis_promises(uint8_t *to)
{
    testing_u16(to, TESTING_PAGE(1, 138), 1310 / 0.05);
    to[TESTING_PAGE(1, 142)] = 0x40; /* VDM, one bank */
    to[TESTING_PAGE(1, 157)] = 0x07;
    to[TESTING_PAGE(1, 158)] = 0x06;
    to[TESTING_PAGE(1, 159)] = 0x03;
    to[TESTING_PAGE(1, 160)] = 0x0f; /* all of a lane; bias counts 4 uA */
}

static void cmis_lanes(uint8_t *to)
{
    for (uint32_t i = 0; i < 8; i++) {
        testing_u16(to, TESTING_BANKED(0, 0x11, 154 + 2 * i), testing_uw(1.5 - 0.1 * i));
        testing_u16(to, TESTING_BANKED(0, 0x11, 170 + 2 * i), (60.0 + i) / 4e-3);
        testing_u16(to, TESTING_BANKED(0, 0x11, 186 + 2 * i), testing_uw(-0.5 - 0.2 * i));
    }
}

/* One observable: what, of which lane, and its value. */
static void observe(uint8_t *to, uint32_t group, uint32_t at, const uint8_t what[2],
                    uint16_t value)
{
    to[TESTING_BANKED(0, 0x20 + group, 128 + 2 * at)] = what[0];
    to[TESTING_BANKED(0, 0x20 + group, 129 + 2 * at)] = what[1];
    testing_u16(to, TESTING_BANKED(0, 0x24 + group, 128 + 2 * at), value);
}

/* Group 1: signal to noise and error rates of the moment; group 2: averages, and frames. */
static void cmis_vdm(uint8_t *to)
{
    to[TESTING_BANKED(0, 0x2f, 128)] = 0x01; /* two groups */
    for (uint8_t lane = 0; lane < 8; lane++) {
        const uint8_t snr[2] = { lane, 5 }, host_snr[2] = { lane, 6 }, ber[2] = { lane, 15 };
        const uint8_t average[2] = { lane, 13 }, host_average[2] = { lane, 14 };
        const uint8_t frames[2] = { lane, 23 };
        observe(to, 0, lane * 3u, snr, (uint16_t)((20 + lane) * 256));
        observe(to, 0, lane * 3u + 1, host_snr, (uint16_t)((18 + lane) * 256));
        observe(to, 0, lane * 3u + 2, ber, testing_f16(1e-8 * (lane + 1)));
        observe(to, 1, lane * 3u, average, testing_f16(5e-5));
        observe(to, 1, lane * 3u + 1, host_average, testing_f16(3e-9));
        observe(to, 1, lane * 3u + 2, frames, testing_f16(0));
    }
}

size_t testing_osfp_2xdr4(uint8_t to[EEPROM_DUMP_MAX])
{
    static const double laser_ma[4] = { 130, 20, 120, 30 };
    memset(to, 0, EEPROM_DUMP_MAX);
    cmis_identity(to, "OSFP-800G-2DR4");
    to[85] = 0x02; /* single mode */
    testing_u16(to, 14, 52.75 * 256);
    testing_u16(to, 16, 3.31 / 1e-4);
    cmis_promises(to);
    limits(to, TESTING_PAGE(2, 128), temps, 1.0 / 256);
    limits(to, TESTING_PAGE(2, 136), volts, 1e-4);
    light_limits(to, TESTING_PAGE(2, 176), light);
    limits(to, TESTING_PAGE(2, 184), laser_ma, 4e-3);
    light_limits(to, TESTING_PAGE(2, 192), light);
    cmis_lanes(to);
    cmis_vdm(to);
    testing_sum(to);
    return (4 + 18) * EEPROM_PAGE;
}

size_t testing_osfp_copper(uint8_t to[EEPROM_DUMP_MAX])
{
    memset(to, 0, EEPROM_DUMP_MAX);
    cmis_identity(to, "OSFP-800G-DAC");
    to[2] = 0x80; /* flat memory */
    to[39] = to[40] = 0;
    to[85] = 0x03;
    to[TESTING_PAGE(0, 212)] = 0x0a;
    testing_sum(to);
    return 2 * EEPROM_PAGE;
}
