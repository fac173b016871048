/*
 * Memories of modules for tests, synthesised to the specifications that eeprom.h
 * names: no public dump of a whole 400 or 800 Gb/s module was found.  Each is a
 * dump as eeprom_from_dump() takes it; values are easy to tell apart by lane.
 */
#ifndef MW_LIVE_EEPROM_TESTING_H
#define MW_LIVE_EEPROM_TESTING_H

#include "live/eeprom.h"

/* Offset of a byte of a page in a CMIS dump, as the specification numbers it. */
#define TESTING_LOWER(byte) (byte)
#define TESTING_PAGE(page, byte) (((page) + 1) * 128 + (byte) - 128)          /* 00h to 02h */
#define TESTING_BANKED(bank, page, byte)                                     \
    ((4 + 18 * (bank) + ((page) < 0x20 ? (page) - 0x10 : (page) - 0x20 + 2)) * 128 + (byte) - 128)

/* Each returns its size, which is EEPROM_DUMP_MAX at most. */
size_t testing_sfp_10g_sr(uint8_t to[EEPROM_DUMP_MAX]);       /* internally calibrated */
size_t testing_sfp_external(uint8_t to[EEPROM_DUMP_MAX]);     /* externally calibrated */
size_t testing_qsfp28_sr4(uint8_t to[EEPROM_DUMP_MAX]);
size_t testing_qsfp28_copper(uint8_t to[EEPROM_DUMP_MAX]);    /* passive */
size_t testing_osfp_2xdr4(uint8_t to[EEPROM_DUMP_MAX]);       /* 800 Gb/s, CMIS 5.2 with VDM */
size_t testing_osfp_copper(uint8_t to[EEPROM_DUMP_MAX]);      /* flat memory */

/* Makes the checksums of the identity right again. */
void testing_sum(uint8_t *dump);

void testing_u16(uint8_t *dump, uint32_t at, double value); /* rounded, two's complement */
uint16_t testing_f16(double value);                         /* CMIS's F16 of a small number */
double testing_uw(double dbm);                              /* tenths of a microwatt */

#endif
