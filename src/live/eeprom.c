/*
 * The pages of a module: which are wanted, how dumps lay them out, and what is
 * common to all kinds.  eeprom_sfp.c, eeprom_qsfp.c, eeprom_cmis.c and
 * eeprom_vdm.c know the fields.
 */
#include "live/eeprom_private.h"

#include <math.h>
#include <string.h>

#include "base/exact.h"

_Static_assert(EEPROM_SLOTS <= 64, "a bit for each slot");

static const struct {
    uint8_t identifier, kind;
    const char *name;
} identifiers[] = {
    { 0x03, EEPROM_SFF8472, "SFP" },     { 0x0b, EEPROM_SFF8472, "DWDM-SFP" },
    { 0x0c, EEPROM_SFF8636, "QSFP" },    { 0x0d, EEPROM_SFF8636, "QSFP+" },
    { 0x11, EEPROM_SFF8636, "QSFP28" },  { 0x18, EEPROM_CMIS, "QSFP-DD" },
    { 0x19, EEPROM_CMIS, "OSFP" },       { 0x1b, EEPROM_CMIS, "DSFP" },
    { 0x1e, EEPROM_CMIS, "QSFP112" },    { 0x1f, EEPROM_CMIS, "SFP-DD" },
    { 0x20, EEPROM_CMIS, "SFP112" },     { 0x21, EEPROM_CMIS, "OSFP-XD" },
};

const char *eeprom_kind_name(uint32_t kind)
{
    static const char *const names[] = { "", "SFF-8472", "SFF-8636", "CMIS" };
    return kind < MW_ARRAY_LEN(names) ? names[kind] : "";
}

const char *eeprom_identifier_name(uint32_t identifier)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(identifiers); i++)
        if (identifiers[i].identifier == identifier)
            return identifiers[i].name;
    return "";
}

static uint8_t kind_of(uint8_t identifier)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(identifiers); i++)
        if (identifiers[i].identifier == identifier)
            return identifiers[i].kind;
    return EEPROM_UNKNOWN;
}

/* ---- slots ----------------------------------------------------------------------------------- */

static const uint8_t bank_pages[EEPROM_SLOTS_A_BANK] = { 0x11, 0x20, 0x21, 0x22, 0x23, 0x24,
                                                         0x25, 0x26, 0x27, 0x2f };

struct eeprom_place eeprom_place(uint32_t slot)
{
    must(slot < EEPROM_SLOTS);
    if (slot == EEPROM_LOWER || slot == EEPROM_A2)
        return (struct eeprom_place){ .address = slot == EEPROM_A2 ? 0x51 : 0x50 };
    struct eeprom_place p = { .address = 0x50, .offset = EEPROM_PAGE };
    if (slot < EEPROM_A2) {
        p.page = (uint8_t)(slot - EEPROM_P00);
        return p;
    }
    p.bank = (uint8_t)((slot - EEPROM_BANKED) / EEPROM_SLOTS_A_BANK);
    p.page = bank_pages[(slot - EEPROM_BANKED) % EEPROM_SLOTS_A_BANK];
    return p;
}

static bool wanted_of_sfp(const uint8_t *lower, uint32_t slot)
{
    bool monitors = (lower[92] & 0x40) != 0 && (lower[92] & 0x04) == 0;
    return slot == EEPROM_A2 && monitors;
}

static bool wanted_of_qsfp(const uint8_t *lower, uint32_t slot)
{
    bool flat = (lower[2] & 0x04) != 0;
    return slot == EEPROM_P00 || (slot == EEPROM_P03 && !flat);
}

static bool wanted_of_cmis(const struct eeprom *e, uint32_t slot)
{
    if (slot == EEPROM_P00)
        return true;
    if (!eeprom_cmis_paged(e) || slot == EEPROM_P03 || slot == EEPROM_A2)
        return false;
    if (slot < EEPROM_BANKED)
        return true;
    uint32_t bank = (slot - EEPROM_BANKED) / EEPROM_SLOTS_A_BANK;
    uint32_t at = (slot - EEPROM_BANKED) % EEPROM_SLOTS_A_BANK;
    if (bank >= eeprom_cmis_banks(e))
        return false;
    if (at == EEPROM_B11 || !eeprom_cmis_has_vdm(e))
        return at == EEPROM_B11;
    return at == EEPROM_B2F ||
           (at - EEPROM_B20) % EEPROM_VDM_GROUPS < eeprom_cmis_vdm_groups(e, bank);
}

static bool wanted(const struct eeprom *e, uint32_t slot)
{
    const uint8_t *lower = eeprom_page(e, EEPROM_LOWER);
    if (slot == EEPROM_LOWER)
        return true;
    if (lower == NULL)
        return false;
    switch (kind_of(lower[0])) {
    case EEPROM_SFF8472:
        return wanted_of_sfp(lower, slot);
    case EEPROM_SFF8636:
        return wanted_of_qsfp(lower, slot);
    case EEPROM_CMIS:
        return wanted_of_cmis(e, slot);
    default:
        return false;
    }
}

uint32_t eeprom_next(const struct eeprom *e)
{
    uint64_t done = e->have | e->refused;
    for (uint32_t slot = 0; slot < EEPROM_SLOTS; slot++)
        if ((done & UINT64_C(1) << slot) == 0 && wanted(e, slot))
            return slot;
    return EEPROM_SLOTS;
}

void eeprom_put(struct eeprom *e, uint32_t slot, const uint8_t page[EEPROM_PAGE])
{
    must(slot < EEPROM_SLOTS);
    memcpy(e->byte[slot], page, EEPROM_PAGE);
    e->have |= UINT64_C(1) << slot;
    e->refused &= ~(UINT64_C(1) << slot);
}

void eeprom_refuse(struct eeprom *e, uint32_t slot)
{
    must(slot < EEPROM_SLOTS);
    e->have &= ~(UINT64_C(1) << slot);
    e->refused |= UINT64_C(1) << slot;
}

static uint64_t slots_of_banks(uint32_t first, uint32_t count)
{
    uint64_t all = 0;
    for (uint32_t bank = 0; bank < EEPROM_BANKS_MAX; bank++)
        all |= ((UINT64_C(1) << count) - 1)
               << (EEPROM_BANKED + bank * EEPROM_SLOTS_A_BANK + first);
    return all;
}

void eeprom_stale(struct eeprom *e)
{
    e->have &= ~(UINT64_C(1) << EEPROM_LOWER | UINT64_C(1) << EEPROM_P00 |
                 UINT64_C(1) << EEPROM_A2 | slots_of_banks(EEPROM_B11, 1) |
                 slots_of_banks(EEPROM_B24, EEPROM_VDM_GROUPS));
}

bool eeprom_same(const struct eeprom *e, const struct eeprom *before)
{
    const uint8_t *a = eeprom_page(e, EEPROM_LOWER), *b = eeprom_page(before, EEPROM_LOWER);
    if (a == NULL || b == NULL || a[0] != b[0])
        return false;
    if (kind_of(a[0]) == EEPROM_SFF8472) /* vendor, part and serial number lie in the lower half */
        return memcmp(a + 20, b + 20, 40) == 0 && memcmp(a + 68, b + 68, 16) == 0;
    a = eeprom_page(e, EEPROM_P00);
    b = eeprom_page(before, EEPROM_P00);
    return a != NULL && b != NULL && memcmp(a, b, EEPROM_PAGE) == 0;
}

/* ---- dumps ----------------------------------------------------------------------------------- */

/* In which order slots lie in a dump; EEPROM_SLOTS: a page that we do not keep. */
static uint32_t slot_of_dump(uint8_t kind, uint32_t page)
{
    static const uint8_t sfp[] = { EEPROM_LOWER, EEPROM_SLOTS, EEPROM_A2 };
    uint32_t bank = page < 4 ? 0 : (page - 4) / 18, at = page < 4 ? 0 : (page - 4) % 18;
    if (kind == EEPROM_SFF8472)
        return page < MW_ARRAY_LEN(sfp) ? sfp[page] : EEPROM_SLOTS;
    if (page < (kind == EEPROM_SFF8636 ? 5u : 4u))
        return EEPROM_LOWER + page;
    if (kind != EEPROM_CMIS || bank >= EEPROM_BANKS_MAX)
        return EEPROM_SLOTS;
    uint8_t number = at < 2 ? (uint8_t)(0x10 + at) : (uint8_t)(0x20 + at - 2);
    for (uint32_t i = 0; i < EEPROM_SLOTS_A_BANK; i++)
        if (bank_pages[i] == number)
            return EEPROM_BANKED + bank * EEPROM_SLOTS_A_BANK + i;
    return EEPROM_SLOTS;
}

int eeprom_from_dump(struct eeprom *ret, const uint8_t *bytes, size_t size, struct mw_error *err)
{
    if (size < EEPROM_PAGE)
        return mw_fail(err, MW_EINVAL, "%zu bytes are no page of a module", size);
    uint8_t kind = kind_of(bytes[0]);
    memset(ret, 0, sizeof(*ret));
    for (uint32_t page = 0; page < EEPROM_DUMP_MAX / EEPROM_PAGE; page++) {
        uint32_t slot = slot_of_dump(kind, page);
        if (slot != EEPROM_SLOTS && (page + 1) * (size_t)EEPROM_PAGE <= size)
            eeprom_put(ret, slot, bytes + page * (size_t)EEPROM_PAGE);
    }
    /* Pages that the module does not say it has are padding. From the highest: what says so lies
     * in lower pages, but for 2Fh, which speaks of those before it. */
    for (uint32_t slot = EEPROM_SLOTS; slot-- > 0;)
        if (!wanted(ret, slot))
            ret->have &= ~(UINT64_C(1) << slot);
    ret->refused = ((UINT64_C(1) << EEPROM_SLOTS) - 1) & ~ret->have;
    return 0;
}

/* ---- what is common -------------------------------------------------------------------------- */

void eeprom_text(char *to, size_t size, const uint8_t *page, uint32_t at)
{
    size_t n = 0;
    must(size > 0 && at + size - 1 <= EEPROM_PAGE);
    for (size_t i = 0; i + 1 < size; i++) {
        uint8_t c = page[at + i];
        to[i] = c >= 0x20 && c < 0x7f ? (char)c : ' ';
        if (to[i] != ' ')
            n = i + 1;
    }
    to[n] = '\0';
}

double eeprom_dbm(double tenths_of_uw)
{
    static const double ln10 = 2.302585092994046;
    static const double most = 1e8; /* 10 W: a broken calibration */
    if (isnan(tenths_of_uw) || tenths_of_uw > most)
        return NAN;
    if (tenths_of_uw <= 1) /* 0.1 uW is -40 dBm */
        return EEPROM_DARK_DBM;
    return 10 * mw_log(tenths_of_uw / 1e4) / ln10;
}

static const struct eeprom_limits no_limits = { NAN, NAN, NAN, NAN };

static struct eeprom_limits in_order(double ah, double al, double wh, double wl)
{
    if (!(ah > al) || !(wh > wl))
        return no_limits;
    return (struct eeprom_limits){ ah, al, wh, wl };
}

struct eeprom_limits eeprom_limits_of(const uint8_t *page, uint32_t at, double step)
{
    return in_order(eeprom_u16(page, at) * step, eeprom_u16(page, at + 2) * step,
                    eeprom_u16(page, at + 4) * step, eeprom_u16(page, at + 6) * step);
}

struct eeprom_limits eeprom_limits_signed(const uint8_t *page, uint32_t at, double step)
{
    return in_order(eeprom_s16(page, at) * step, eeprom_s16(page, at + 2) * step,
                    eeprom_s16(page, at + 4) * step, eeprom_s16(page, at + 6) * step);
}

struct eeprom_limits eeprom_limits_dbm(const uint8_t *page, uint32_t at)
{
    return in_order(eeprom_dbm(eeprom_u16(page, at)), eeprom_dbm(eeprom_u16(page, at + 2)),
                    eeprom_dbm(eeprom_u16(page, at + 4)), eeprom_dbm(eeprom_u16(page, at + 6)));
}

bool eeprom_sum_good(const uint8_t *page, uint32_t from, uint32_t count)
{
    uint8_t sum = 0;
    must(from + count < EEPROM_PAGE);
    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + page[from + i]);
    return sum == page[from + count];
}

/* ---- decoding -------------------------------------------------------------------------------- */

/* A comparison with NAN is false. */
static void compare(double value, const struct eeprom_limits *l, uint32_t bit,
                    struct eeprom_module *m)
{
    if (value >= l->alarm_high || value <= l->alarm_low)
        m->alarms |= bit;
    if (value >= l->warn_high || value <= l->warn_low)
        m->warnings |= bit;
}

static void compare_all(struct eeprom_module *m)
{
    compare(m->temp_c, &m->temp, EEPROM_ON_TEMP, m);
    compare(m->vcc_v, &m->vcc, EEPROM_ON_VCC, m);
    for (uint32_t i = 0; !m->copper && i < EEPROM_LANES_MAX; i++) {
        compare(m->lane[i].tx_dbm, &m->tx, EEPROM_ON_TX, m);
        compare(m->lane[i].rx_dbm, &m->rx, EEPROM_ON_RX, m);
        compare(m->lane[i].bias_ma, &m->bias, EEPROM_ON_BIAS, m);
    }
}

/* Copper has no light, whatever its bytes say. */
static void forget_light(struct eeprom_module *m)
{
    m->tx = m->rx = m->bias = no_limits;
    m->wavelength_nm = NAN;
    for (uint32_t i = 0; i < EEPROM_LANES_MAX; i++)
        m->lane[i].tx_dbm = m->lane[i].rx_dbm = m->lane[i].bias_ma = NAN;
}

static void prepare(struct eeprom_module *m, uint8_t kind, uint8_t identifier)
{
    *m = (struct eeprom_module){ .kind = kind, .identifier = identifier, .wavelength_nm = NAN,
                                 .temp_c = NAN, .vcc_v = NAN, .temp = no_limits,
                                 .vcc = no_limits, .tx = no_limits, .rx = no_limits,
                                 .bias = no_limits };
    for (uint32_t i = 0; i < EEPROM_LANES_MAX; i++)
        m->lane[i] = (struct eeprom_lane){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                           -1, -1, -1, -1 };
}

int eeprom_decode(const struct eeprom *e, struct eeprom_module *ret, struct mw_error *err)
{
    const uint8_t *lower = eeprom_page(e, EEPROM_LOWER);
    if (lower == NULL)
        return mw_fail(err, MW_ENOTFOUND, "the module's first page was not read");
    uint8_t kind = kind_of(lower[0]);
    if (kind == EEPROM_UNKNOWN)
        return mw_fail(err, MW_EINVAL, "a module of identifier %02xh", lower[0]);
    prepare(ret, kind, lower[0]);
    if (kind == EEPROM_SFF8472)
        eeprom_read_sfp(e, ret);
    else if (kind == EEPROM_SFF8636)
        eeprom_read_qsfp(e, ret);
    else
        eeprom_read_cmis(e, ret);
    must(ret->lanes <= EEPROM_LANES_MAX);
    if (ret->copper)
        forget_light(ret);
    compare_all(ret);
    return 0;
}
