/*
 * CMIS's Versatile Diagnostics Monitoring: up to four groups of 64 observables.
 * A descriptor (pages 20h-23h) says what is observed, of which lane; the value
 * lies at the same place in pages 24h-27h.  Values are taken as they stand: we
 * write nothing to a module, so we do not freeze them.
 */
#include "live/eeprom_private.h"

#include <math.h>
#include <stddef.h>

#define OBSERVABLES 64
#define LANES_A_BANK 8

enum format { U16_256TH, F16 };

/* What we take: instantaneous values; where a module has only the average, that. */
static const struct observable {
    uint8_t type;    /* OIF-CMIS-05.2 table 8-126 */
    uint8_t format;
    bool instead;    /* only while the lane has no value of that kind yet */
    size_t member;
} observables[] = {
    { 5, U16_256TH, false, offsetof(struct eeprom_lane, snr_db) },
    { 6, U16_256TH, false, offsetof(struct eeprom_lane, host_snr_db) },
    { 15, F16, false, offsetof(struct eeprom_lane, ber) },
    { 16, F16, false, offsetof(struct eeprom_lane, host_ber) },
    { 13, F16, true, offsetof(struct eeprom_lane, ber) },
    { 14, F16, true, offsetof(struct eeprom_lane, host_ber) },
    { 23, F16, false, offsetof(struct eeprom_lane, frames_bad) },
    { 24, F16, false, offsetof(struct eeprom_lane, host_frames_bad) },
    { 21, F16, true, offsetof(struct eeprom_lane, frames_bad) },
    { 22, F16, true, offsetof(struct eeprom_lane, host_frames_bad) },
};

/* Five bits of exponent, eleven of mantissa: m x 10^(e - 24). */
static double f16(uint16_t raw)
{
    double value = raw & 0x7ff;
    for (int e = (raw >> 11) - 24; e < 0; e++)
        value /= 10;
    for (int e = (raw >> 11) - 24; e > 0; e--)
        value *= 10;
    return value;
}

static void take(const struct observable *o, uint16_t raw, struct eeprom_lane *l)
{
    double *to = (double *)(void *)((char *)l + o->member);
    double value = o->format == F16 ? f16(raw) : raw / 256.0;
    if ((o->instead && !isnan(*to)) || (o->format == F16 && value > 1))
        return; /* a share above 1 is no share */
    *to = value;
}

static void read_group(const uint8_t *what, const uint8_t *value, bool instead, uint32_t first,
                       struct eeprom_module *m)
{
    for (uint32_t i = 0; i < OBSERVABLES; i++) {
        uint32_t lane = first + (what[2 * i] & 0x0f);
        for (size_t k = 0; k < MW_ARRAY_LEN(observables); k++)
            if (observables[k].type == what[2 * i + 1] && observables[k].instead == instead &&
                lane < EEPROM_LANES_MAX)
                take(&observables[k], eeprom_u16(value, 2 * i), &m->lane[lane]);
    }
}

void eeprom_read_vdm(const struct eeprom *e, uint32_t bank, struct eeprom_module *m)
{
    uint32_t groups = eeprom_cmis_vdm_groups(e, bank);
    for (uint32_t pass = 0; pass < 2; pass++) /* what is of the moment first, averages after */
        for (uint32_t g = 0; g < groups; g++) {
            const uint8_t *what = eeprom_banked(e, bank, EEPROM_B20 + g);
            const uint8_t *value = eeprom_banked(e, bank, EEPROM_B24 + g);
            if (what != NULL && value != NULL)
                read_group(what, value, pass == 1, bank * LANES_A_BANK, m);
        }
}
