/*
 * Arbitrary bytes as the memory of a module: every number that comes out is one
 * or is said to be none, every text is printable, and what is asked for page by
 * page is what a whole dump says.
 */
#include <string.h>

#include "live/eeprom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NAN or a number that could be shown. */
static void check_number(double x)
{
    must(x != x || (x > -1e12 && x < 1e12));
}

static void check_text(const char *text, size_t size)
{
    must(memchr(text, '\0', size) != NULL);
    for (const char *c = text; *c != '\0'; c++)
        must(*c >= ' ' && *c < 0x7f);
}

static void check_limits(const struct eeprom_limits *l)
{
    must(l->alarm_high != l->alarm_high || l->alarm_high > l->alarm_low);
    must(l->warn_high != l->warn_high || l->warn_high > l->warn_low);
    check_number(l->alarm_high);
    check_number(l->warn_low);
}

static void check_module(const struct eeprom_module *m)
{
    must(m->lanes <= EEPROM_LANES_MAX && m->kind != EEPROM_UNKNOWN);
    check_text(m->vendor, sizeof(m->vendor));
    check_text(m->part, sizeof(m->part));
    check_text(m->serial, sizeof(m->serial));
    check_text(m->firmware, sizeof(m->firmware));
    check_limits(&m->temp);
    check_limits(&m->vcc);
    check_limits(&m->tx);
    check_limits(&m->rx);
    check_limits(&m->bias);
    check_number(m->temp_c);
    check_number(m->vcc_v);
    for (uint32_t i = 0; i < EEPROM_LANES_MAX; i++) {
        const struct eeprom_lane *l = &m->lane[i];
        must(!(l->tx_dbm < EEPROM_DARK_DBM) && !(l->rx_dbm < EEPROM_DARK_DBM));
        must(!m->copper || l->tx_dbm != l->tx_dbm);
        check_number(l->tx_dbm);
        check_number(l->rx_dbm);
        check_number(l->bias_ma);
        check_number(l->ber);
        check_number(l->snr_db);
        check_number(l->host_ber);
    }
}

/* Gives the pages of a dump one at a time, as a card would, as often as they are asked for. */
static void read_by_pages(const struct eeprom *whole, struct eeprom *ret)
{
    uint32_t slot, asked = 0;
    while ((slot = eeprom_next(ret)) < EEPROM_SLOTS) {
        must(asked++ < EEPROM_SLOTS && eeprom_place(slot).address != 0);
        if ((whole->have & UINT64_C(1) << slot) != 0)
            eeprom_put(ret, slot, whole->byte[slot]);
        else
            eeprom_refuse(ret, slot);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eeprom whole, pages = { .have = 0 };
    struct eeprom_module first, second;
    struct mw_error err = { .code = 0 };
    if (eeprom_from_dump(&whole, data, size, &err) < 0)
        return 0;
    read_by_pages(&whole, &pages);
    int rc = eeprom_decode(&whole, &first, &err);
    must(rc == eeprom_decode(&pages, &second, &err));
    if (rc < 0)
        return 0;
    check_module(&first);
    check_module(&second);
    must(strcmp(first.serial, second.serial) == 0 && first.lanes == second.lanes);
    must(first.alarms == second.alarms && first.warnings == second.warnings);
    eeprom_stale(&pages);
    read_by_pages(&whole, &pages);
    must(eeprom_decode(&pages, &second, &err) == 0 && first.alarms == second.alarms);
    return 0;
}
