/*
 * What an optical module or a cable says of itself in its memory: SFF-8472
 * (SFP, SFP28), SFF-8636 (QSFP+, QSFP28) and CMIS 4 and 5 (QSFP-DD, OSFP,
 * QSFP112), the last with VDM: identity, temperature, voltage, light sent and
 * received, laser current, bit error rates and signal to noise per lane, and the
 * maker's thresholds.
 *
 * Pure: bytes in, struct out; libc only.  Who reads the bytes asks eeprom_next()
 * which page is wanted, until nothing is: from a network card (agent), a file or
 * a test.  The module's memory is outside data: every byte may be anything.
 *
 * Sources of the layouts: SFF-8472 rev 12.4 tables 5-x and 9-x, SFF-8636 rev
 * 2.11 tables 6-x, OIF-CMIS-05.2 chapter 8 (lower memory, pages 00h, 01h, 02h,
 * 11h, 20h-2Fh), SFF-8024 for identifiers.
 */
#ifndef MW_LIVE_EEPROM_H
#define MW_LIVE_EEPROM_H

#include "base/error.h"

#define EEPROM_PAGE 128
#define EEPROM_LANES_MAX 16
#define EEPROM_BANKS_MAX 2        /* of 8 lanes */
#define EEPROM_VDM_GROUPS 4
#define EEPROM_DUMP_MAX ((6 + 18 * EEPROM_BANKS_MAX) * EEPROM_PAGE)
#define EEPROM_DARK_DBM (-40.0)   /* no light: what 0.1 uW, the smallest number, would be */

enum eeprom_kind { EEPROM_UNKNOWN, EEPROM_SFF8472, EEPROM_SFF8636, EEPROM_CMIS };

/* The pages that are kept. */
enum eeprom_slot {
    EEPROM_LOWER,    /* 50h, bytes 0 to 127 */
    EEPROM_P00,
    EEPROM_P01,
    EEPROM_P02,
    EEPROM_P03,
    EEPROM_A2,       /* 51h, bytes 0 to 127: SFF-8472's monitors */
    EEPROM_BANKED,   /* first of EEPROM_SLOTS_A_BANK for bank 0, then for bank 1 */
};
enum eeprom_bank_slot { EEPROM_B11, EEPROM_B20, EEPROM_B24 = EEPROM_B20 + EEPROM_VDM_GROUPS,
                        EEPROM_B2F = EEPROM_B24 + EEPROM_VDM_GROUPS, EEPROM_SLOTS_A_BANK };
#define EEPROM_SLOTS (EEPROM_BANKED + EEPROM_BANKS_MAX * EEPROM_SLOTS_A_BANK)

/* Where the bytes of a slot lie. */
struct eeprom_place {
    uint8_t address;  /* on the two-wire bus: 50h or 51h */
    uint8_t page, bank;
    uint8_t offset;   /* 0 or 128 */
};

/* Pages of one module. Zeroed: none is known. */
struct eeprom {
    uint64_t have;    /* bit: slot */
    uint64_t refused; /* asked for and not given */
    uint8_t byte[EEPROM_SLOTS][EEPROM_PAGE];
};

struct eeprom_place eeprom_place(uint32_t slot);

/* The next slot that is wanted of this module; EEPROM_SLOTS: all that it has is known. */
uint32_t eeprom_next(const struct eeprom *e);
void eeprom_put(struct eeprom *e, uint32_t slot, const uint8_t page[EEPROM_PAGE]);
void eeprom_refuse(struct eeprom *e, uint32_t slot);

/* Forgets what moves: monitors, flags, and the page with the serial number; keeps thresholds and
 * descriptions.  The module may have been changed meanwhile: see eeprom_same(). */
void eeprom_stale(struct eeprom *e);
/* Is it the module whose pages `before` are, by identifier, vendor, part and serial number? */
bool eeprom_same(const struct eeprom *e, const struct eeprom *before);

/* A dump, by what its first byte says; what lies behind its end is taken as refused.
 *   SFF-8472  A0h (256 bytes), A2h (256): as `ethtool -m DEV raw on` writes it
 *   SFF-8636  lower, upper pages 00h 01h 02h 03h: the same, 640 bytes
 *   CMIS      lower, 00h 01h 02h, then for each bank 10h 11h 20h-2Fh
 * MW_EINVAL: too short to be any. */
MW_MUST_USE int eeprom_from_dump(struct eeprom *ret, const uint8_t *bytes, size_t size,
                                 struct mw_error *err);

/* ---- what it says ---------------------------------------------------------------------------- */

/* A reading that the module does not give is NAN; a flag that it does not give is -1. */
struct eeprom_lane {
    double tx_dbm, rx_dbm, bias_ma; /* EEPROM_DARK_DBM at least */
    double ber, host_ber;     /* before correction; media: from the fibre, host: from the card */
    double snr_db, host_snr_db;
    double frames_bad, host_frames_bad; /* share of frames that correction could not save */
    int8_t rx_los, tx_los, tx_fault, rx_lol;
};

struct eeprom_limits {
    double alarm_high, alarm_low, warn_high, warn_low;
};

/* Bits of alarms and warnings (metric.h, M_OPTIC_ALARMS). */
enum { EEPROM_ON_TEMP = 1, EEPROM_ON_VCC = 2, EEPROM_ON_TX = 4, EEPROM_ON_RX = 8,
       EEPROM_ON_BIAS = 16 };

struct eeprom_module {
    uint8_t kind;             /* enum eeprom_kind */
    uint8_t identifier;       /* SFF-8024 */
    uint8_t lanes;            /* of the medium; those of the host may be more */
    bool copper;              /* no laser: light, bias and their thresholds mean nothing */
    bool checksum_good;       /* of the identity */
    char vendor[17], part[17], revision[5], serial[17], date[9];
    char firmware[16];        /* CMIS: "2.14"; else "" */
    double wavelength_nm;
    double temp_c, vcc_v;
    struct eeprom_lane lane[EEPROM_LANES_MAX];
    struct eeprom_limits temp, vcc, tx, rx, bias; /* in the units of the readings */
    uint32_t alarms, warnings; /* past a threshold now; 0 where there are none */
};

/* What the pages say.  MW_ENOTFOUND: there is no lower page; MW_EINVAL: a kind that we do not know;
 * *ret is written only on success. */
MW_MUST_USE int eeprom_decode(const struct eeprom *e, struct eeprom_module *ret,
                              struct mw_error *err);

const char *eeprom_kind_name(uint32_t kind);            /* "CMIS"; "" */
const char *eeprom_identifier_name(uint32_t identifier); /* "QSFP28"; "" when we do not know it */

#endif
