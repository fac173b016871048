/*
 * CMIS: up to eight lanes a bank.  Module monitors in the lower page, identity in
 * 00h, what is implemented in 01h, thresholds in 02h, lanes in 11h of each bank.
 * Flags of lanes are latched as in SFF-8636.  Offsets of upper pages are written
 * as the specification has them, less 128.
 */
#include "live/eeprom_private.h"

#include <math.h>
#include <stdio.h>

#define LANES_A_BANK 8

bool eeprom_cmis_paged(const struct eeprom *e)
{
    const uint8_t *lower = eeprom_page(e, EEPROM_LOWER);
    return lower != NULL && (lower[2] & 0x80) == 0;
}

uint32_t eeprom_cmis_banks(const struct eeprom *e)
{
    const uint8_t *p01 = eeprom_page(e, EEPROM_P01);
    if (p01 == NULL)
        return 0;
    uint32_t code = p01[142 - 128] & 0x03; /* 0: bank 0; 1: two banks; 2, 3: more than we keep */
    return code == 0 ? 1 : EEPROM_BANKS_MAX;
}

bool eeprom_cmis_has_vdm(const struct eeprom *e)
{
    const uint8_t *p01 = eeprom_page(e, EEPROM_P01);
    return p01 != NULL && (p01[142 - 128] & 0x40) != 0;
}

uint32_t eeprom_cmis_vdm_groups(const struct eeprom *e, uint32_t bank)
{
    const uint8_t *p2f = eeprom_banked(e, bank, EEPROM_B2F);
    return p2f == NULL ? 0 : (p2f[128 - 128] & 0x03u) + 1;
}

static bool is_copper(const uint8_t *lower, const uint8_t *p00)
{
    uint8_t technology = p00 != NULL ? p00[212 - 128] : 0;
    return lower[85] == 0x03 || (technology >= 0x0a && technology <= 0x0f);
}

static void read_identity(const uint8_t *p, struct eeprom_module *m)
{
    m->checksum_good = eeprom_sum_good(p, 0, 222 - 128);
    eeprom_text(m->vendor, 17, p, 129 - 128);
    eeprom_text(m->part, 17, p, 148 - 128);
    eeprom_text(m->revision, 3, p, 164 - 128);
    eeprom_text(m->serial, 17, p, 166 - 128);
    eeprom_text(m->date, 9, p, 182 - 128);
}

/* Bits 0-7: lanes of a bank that the module does not have on its medium. */
static uint8_t lanes_of(const uint8_t *p00)
{
    return p00 != NULL ? (uint8_t)~p00[210 - 128] : 0xff;
}

static uint8_t count_lanes(uint8_t mask)
{
    return (uint8_t)__builtin_popcount(mask);
}

/* Page 01h: which monitors there are, and what one count of bias is. */
static double bias_step(const uint8_t *p01)
{
    static const double times[] = { 1, 2, 4, 1 }; /* 3 is reserved */
    return 2e-3 * times[p01[160 - 128] >> 3 & 0x03];
}

static void read_limits(const uint8_t *p02, const uint8_t *p01, struct eeprom_module *m)
{
    m->temp = eeprom_limits_signed(p02, 128 - 128, 1.0 / 256);
    m->vcc = eeprom_limits_of(p02, 136 - 128, 1e-4);
    m->tx = eeprom_limits_dbm(p02, 176 - 128);
    m->bias = eeprom_limits_of(p02, 184 - 128, bias_step(p01));
    m->rx = eeprom_limits_dbm(p02, 192 - 128);
}

static bool bit_of(const uint8_t *p11, uint32_t at, uint32_t lane)
{
    return (p11[at - 128] & 1u << lane) != 0;
}

/* The lane's monitors and flags, as far as page 01h says that they exist. */
static void read_lane(const uint8_t *p11, const uint8_t *p01, uint32_t i, struct eeprom_lane *l)
{
    uint8_t monitors = p01[160 - 128], tx_flags = p01[157 - 128], rx_flags = p01[158 - 128];
    if ((monitors & 0x02) != 0)
        l->tx_dbm = eeprom_dbm(eeprom_u16(p11, 154 - 128 + 2 * i));
    if ((monitors & 0x01) != 0)
        l->bias_ma = eeprom_u16(p11, 170 - 128 + 2 * i) * bias_step(p01);
    if ((monitors & 0x04) != 0)
        l->rx_dbm = eeprom_dbm(eeprom_u16(p11, 186 - 128 + 2 * i));
    if ((tx_flags & 0x01) != 0)
        l->tx_fault = bit_of(p11, 135, i);
    if ((tx_flags & 0x02) != 0)
        l->tx_los = bit_of(p11, 136, i);
    if ((rx_flags & 0x02) != 0)
        l->rx_los = bit_of(p11, 147, i);
    if ((rx_flags & 0x04) != 0)
        l->rx_lol = bit_of(p11, 148, i);
}

static void read_banks(const struct eeprom *e, const uint8_t *p01, uint8_t lanes,
                       struct eeprom_module *m)
{
    uint32_t banks = eeprom_cmis_banks(e);
    for (uint32_t bank = 0; bank < banks; bank++) {
        const uint8_t *p11 = eeprom_banked(e, bank, EEPROM_B11);
        for (uint32_t i = 0; p11 != NULL && i < LANES_A_BANK; i++)
            if ((lanes & 1u << i) != 0)
                read_lane(p11, p01, i, &m->lane[bank * LANES_A_BANK + i]);
        if (p11 != NULL)
            m->lanes = (uint8_t)(m->lanes + count_lanes(lanes));
        eeprom_read_vdm(e, bank, m);
    }
}

/* Lower page: in which state the module is (bits 3-1 of byte 3); 3: ready. */
static bool is_faulty(const uint8_t *lower)
{
    return (lower[3] >> 1 & 0x07) == 5;
}

void eeprom_read_cmis(const struct eeprom *e, struct eeprom_module *m)
{
    const uint8_t *lower = eeprom_page(e, EEPROM_LOWER), *p00 = eeprom_page(e, EEPROM_P00);
    const uint8_t *p01 = eeprom_page(e, EEPROM_P01), *p02 = eeprom_page(e, EEPROM_P02);
    uint8_t lanes = lanes_of(p00);
    m->copper = is_copper(lower, p00);
    if (p00 != NULL)
        read_identity(p00, m);
    if (lower[39] != 0 || lower[40] != 0)
        (void)snprintf(m->firmware, sizeof(m->firmware), "%u.%u", lower[39], lower[40]);
    if (p01 == NULL) { /* flat memory: a passive cable, which has no monitors */
        m->lanes = count_lanes(lanes);
        return;
    }
    if ((p01[159 - 128] & 0x01) != 0)
        m->temp_c = eeprom_s16(lower, 14) / 256.0;
    if ((p01[159 - 128] & 0x02) != 0)
        m->vcc_v = eeprom_u16(lower, 16) * 1e-4;
    if (!m->copper && eeprom_u16(p01, 138 - 128) > 0)
        m->wavelength_nm = eeprom_u16(p01, 138 - 128) * 0.05;
    if (p02 != NULL)
        read_limits(p02, p01, m);
    if (!is_faulty(lower))
        read_banks(e, p01, lanes, m);
    if (m->lanes == 0)
        m->lanes = count_lanes(lanes);
}
