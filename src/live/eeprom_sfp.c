/*
 * SFF-8472: one lane.  Identity in A0h, monitors and thresholds in A2h; a module
 * that is "externally calibrated" gives raw numbers and the slopes, offsets and
 * the polynomial that make values of them, which hold for thresholds too.
 */
#include "live/eeprom_private.h"

#include <math.h>
#include <string.h>

/* A2h, bytes 56 to 91. */
struct calibration {
    bool external;
    double rx[5];                   /* coefficients of raw^0 .. raw^4 */
    double bias_slope, bias_offset, tx_slope, tx_offset;
    double temp_slope, temp_offset, vcc_slope, vcc_offset;
};

static double ieee754(const uint8_t *page, uint32_t at)
{
    uint32_t bits = (uint32_t)eeprom_u16(page, at) << 16 | eeprom_u16(page, at + 2);
    float f;
    memcpy(&f, &bits, sizeof(f));
    return (double)f;
}

static struct calibration calibration_of(const uint8_t *lower, const uint8_t *a2)
{
    struct calibration c = { .external = (lower[92] & 0x10) != 0 };
    for (uint32_t i = 0; i < 5; i++) /* the highest power first */
        c.rx[4 - i] = ieee754(a2, 56 + 4 * i);
    c.bias_slope = eeprom_u16(a2, 76) / 256.0;
    c.bias_offset = eeprom_s16(a2, 78);
    c.tx_slope = eeprom_u16(a2, 80) / 256.0;
    c.tx_offset = eeprom_s16(a2, 82);
    c.temp_slope = eeprom_u16(a2, 84) / 256.0;
    c.temp_offset = eeprom_s16(a2, 86);
    c.vcc_slope = eeprom_u16(a2, 88) / 256.0;
    c.vcc_offset = eeprom_s16(a2, 90);
    return c;
}

enum what { TEMP, VCC, BIAS, TX, RX };

/* One number at A2h, in the unit of the reading. */
static double value_at(const struct calibration *c, const uint8_t *a2, uint32_t at, enum what what)
{
    double raw = what == TEMP ? eeprom_s16(a2, at) : eeprom_u16(a2, at), rx = 0;
    switch (what) {
    case TEMP:
        return (c->external ? c->temp_slope * raw + c->temp_offset : raw) / 256;
    case VCC:
        return (c->external ? c->vcc_slope * raw + c->vcc_offset : raw) * 1e-4;
    case BIAS:
        return (c->external ? c->bias_slope * raw + c->bias_offset : raw) * 2e-3;
    case TX:
        return eeprom_dbm(c->external ? c->tx_slope * raw + c->tx_offset : raw);
    default:
        for (uint32_t i = 5; i > 0; i--)
            rx = rx * raw + c->rx[i - 1];
        return eeprom_dbm(c->external ? rx : raw);
    }
}

static struct eeprom_limits limits_at(const struct calibration *c, const uint8_t *a2, uint32_t at,
                                      enum what what)
{
    struct eeprom_limits l = {
        .alarm_high = value_at(c, a2, at, what), .alarm_low = value_at(c, a2, at + 2, what),
        .warn_high = value_at(c, a2, at + 4, what), .warn_low = value_at(c, a2, at + 6, what),
    };
    if (l.alarm_high > l.alarm_low && l.warn_high > l.warn_low)
        return l;
    return (struct eeprom_limits){ NAN, NAN, NAN, NAN };
}

static void read_monitors(const uint8_t *lower, const uint8_t *a2, struct eeprom_module *m)
{
    struct calibration c = calibration_of(lower, a2);
    struct eeprom_lane *l = &m->lane[0];
    m->temp = limits_at(&c, a2, 0, TEMP);
    m->vcc = limits_at(&c, a2, 8, VCC);
    m->bias = limits_at(&c, a2, 16, BIAS);
    m->tx = limits_at(&c, a2, 24, TX);
    m->rx = limits_at(&c, a2, 32, RX);
    if ((a2[110] & 0x01) != 0)
        return; /* not ready: the numbers mean nothing yet */
    m->temp_c = value_at(&c, a2, 96, TEMP);
    m->vcc_v = value_at(&c, a2, 98, VCC);
    l->bias_ma = value_at(&c, a2, 100, BIAS);
    l->tx_dbm = value_at(&c, a2, 102, TX);
    l->rx_dbm = value_at(&c, a2, 104, RX);
    if ((lower[93] & 0x20) != 0)
        l->tx_fault = (a2[110] & 0x04) != 0;
    if ((lower[93] & 0x10) != 0)
        l->rx_los = (a2[110] & 0x02) != 0;
}

void eeprom_read_sfp(const struct eeprom *e, struct eeprom_module *m)
{
    const uint8_t *lower = eeprom_page(e, EEPROM_LOWER), *a2 = eeprom_page(e, EEPROM_A2);
    m->lanes = 1;
    m->copper = (lower[8] & 0x0c) != 0; /* passive or active cable */
    m->checksum_good = eeprom_sum_good(lower, 0, 63) && eeprom_sum_good(lower, 64, 31);
    eeprom_text(m->vendor, 17, lower, 20);
    eeprom_text(m->part, 17, lower, 40);
    eeprom_text(m->revision, 5, lower, 56);
    eeprom_text(m->serial, 17, lower, 68);
    eeprom_text(m->date, 9, lower, 84);
    if (!m->copper && eeprom_u16(lower, 60) > 0)
        m->wavelength_nm = eeprom_u16(lower, 60);
    if (a2 != NULL)
        read_monitors(lower, a2, m);
}
