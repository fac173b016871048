/*
 * Between the decoders of a module's memory: numbers of two bytes, light in dBm,
 * texts, limits.  Not for others.
 */
#ifndef MW_LIVE_EEPROM_PRIVATE_H
#define MW_LIVE_EEPROM_PRIVATE_H

#include "live/eeprom.h"

/* All of a slot's bytes, or NULL. */
static inline const uint8_t *eeprom_page(const struct eeprom *e, uint32_t slot)
{
    must(slot < EEPROM_SLOTS);
    return (e->have & UINT64_C(1) << slot) != 0 ? e->byte[slot] : NULL;
}

static inline const uint8_t *eeprom_banked(const struct eeprom *e, uint32_t bank, uint32_t slot)
{
    must(bank < EEPROM_BANKS_MAX && slot < EEPROM_SLOTS_A_BANK);
    return eeprom_page(e, EEPROM_BANKED + bank * EEPROM_SLOTS_A_BANK + slot);
}

/* Big-endian, at an offset within a page of 128 bytes. */
static inline uint16_t eeprom_u16(const uint8_t *page, uint32_t at)
{
    must(at + 2 <= EEPROM_PAGE);
    return (uint16_t)(page[at] << 8 | page[at + 1]);
}

static inline int16_t eeprom_s16(const uint8_t *page, uint32_t at)
{
    return (int16_t)eeprom_u16(page, at);
}

/* Printable ASCII of a field that is padded with blanks; size: of `to`, one more than the field. */
void eeprom_text(char *to, size_t size, const uint8_t *page, uint32_t at);

double eeprom_dbm(double tenths_of_uw); /* EEPROM_DARK_DBM at least */

/* Four numbers of two bytes: alarm high and low, warning high and low; step: what one counts.
 * Thresholds that are not in order (a module without any has zeros) are NAN. */
struct eeprom_limits eeprom_limits_of(const uint8_t *page, uint32_t at, double step);
struct eeprom_limits eeprom_limits_signed(const uint8_t *page, uint32_t at, double step);
struct eeprom_limits eeprom_limits_dbm(const uint8_t *page, uint32_t at);

/* Does the byte after `count` bytes hold their sum? */
bool eeprom_sum_good(const uint8_t *page, uint32_t from, uint32_t count);

/* The decoders; *m is prepared (kind, identifier, everything else unknown). */
void eeprom_read_sfp(const struct eeprom *e, struct eeprom_module *m);
void eeprom_read_qsfp(const struct eeprom *e, struct eeprom_module *m);
void eeprom_read_cmis(const struct eeprom *e, struct eeprom_module *m);
void eeprom_read_vdm(const struct eeprom *e, uint32_t bank, struct eeprom_module *m);

/* What CMIS's pages promise; both 0 before they are read. */
uint32_t eeprom_cmis_banks(const struct eeprom *e);
bool eeprom_cmis_paged(const struct eeprom *e);
bool eeprom_cmis_has_vdm(const struct eeprom *e);
uint32_t eeprom_cmis_vdm_groups(const struct eeprom *e, uint32_t bank);

#endif
