/*
 * SFF-8636: four lanes.  Monitors and flags in the lower page, identity in page
 * 00h, thresholds in page 03h.  The flags are latched: reading clears them, so
 * each says "since the last reading".
 */
#include "live/eeprom_private.h"

#include <math.h>

#define LANES 4

/* Page 00h; offsets within the upper half. */
static void read_identity(const uint8_t *p, struct eeprom_module *m)
{
    m->copper = p[147 - 128] >> 4 >= 0x0a; /* transmitter technology: copper cables */
    m->checksum_good = eeprom_sum_good(p, 0, 63) && eeprom_sum_good(p, 64, 31);
    eeprom_text(m->vendor, 17, p, 148 - 128);
    eeprom_text(m->part, 17, p, 168 - 128);
    eeprom_text(m->revision, 3, p, 184 - 128);
    eeprom_text(m->serial, 17, p, 196 - 128);
    eeprom_text(m->date, 9, p, 212 - 128);
    if (!m->copper && eeprom_u16(p, 186 - 128) > 0)
        m->wavelength_nm = eeprom_u16(p, 186 - 128) / 20.0;
}

static void read_limits(const uint8_t *p, struct eeprom_module *m)
{
    m->temp = eeprom_limits_signed(p, 128 - 128, 1.0 / 256);
    m->vcc = eeprom_limits_of(p, 144 - 128, 1e-4);
    m->rx = eeprom_limits_dbm(p, 176 - 128);
    m->bias = eeprom_limits_of(p, 184 - 128, 2e-3);
    m->tx = eeprom_limits_dbm(p, 192 - 128);
}

static void read_lane(const uint8_t *lower, uint32_t i, bool tx_power, struct eeprom_lane *l)
{
    l->rx_dbm = eeprom_dbm(eeprom_u16(lower, 34 + 2 * i));
    l->bias_ma = eeprom_u16(lower, 42 + 2 * i) * 2e-3;
    if (tx_power)
        l->tx_dbm = eeprom_dbm(eeprom_u16(lower, 50 + 2 * i));
    l->rx_los = (lower[3] & 1u << i) != 0;
    l->tx_los = (lower[3] & 0x10u << i) != 0;
    l->tx_fault = (lower[4] & 1u << i) != 0;
    l->rx_lol = (lower[5] & 1u << i) != 0;
}

void eeprom_read_qsfp(const struct eeprom *e, struct eeprom_module *m)
{
    const uint8_t *lower = eeprom_page(e, EEPROM_LOWER), *p00 = eeprom_page(e, EEPROM_P00);
    const uint8_t *p03 = eeprom_page(e, EEPROM_P03);
    bool tx_power = p00 != NULL && (p00[220 - 128] & 0x04) != 0;
    m->lanes = LANES;
    if (p00 != NULL)
        read_identity(p00, m);
    if ((lower[2] & 0x01) != 0)
        return; /* not ready */
    if ((lower[2] & 0x04) != 0)
        return; /* flat memory: a passive cable, whose monitors are whatever its maker left */
    int16_t temp = eeprom_s16(lower, 22);
    uint16_t vcc = eeprom_u16(lower, 26);
    m->temp_c = temp != 0 ? temp / 256.0 : NAN; /* 0: it has no sensor */
    m->vcc_v = vcc != 0 ? vcc * 1e-4 : NAN;
    for (uint32_t i = 0; i < LANES && !m->copper; i++)
        read_lane(lower, i, tx_power, &m->lane[i]);
    if (p03 != NULL)
        read_limits(p03, m);
}
