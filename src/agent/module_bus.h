/*
 * Reads pages of the memory of an optical module through its network interface:
 * by ethtool's netlink family (page, bank and address; Linux 5.13), or, where
 * kernel or driver do not know that, the flat memory by the older ioctl.  The
 * kernel wants CAP_NET_ADMIN for either.  Blocks while the driver asks the
 * module, milliseconds a page, at times for ever.
 */
#ifndef MW_AGENT_MODULE_BUS_H
#define MW_AGENT_MODULE_BUS_H

#include "live/eeprom.h"

struct module_bus {
    int netlink;      /* -1 = the kernel has no ethtool family */
    int socket;       /* for ioctl */
    uint16_t family;
    uint32_t seq;
};

/* MW_EIO: no socket at all. */
MW_MUST_USE int module_bus_open(struct module_bus *b, struct mw_error *err);
void module_bus_close(struct module_bus *b);

/* One page.  MW_ENOTFOUND: no module, or it does not answer; MW_EVERSION: this interface gives no
 * pages (it may give the flat memory); MW_EDENIED: without CAP_NET_ADMIN nobody may ask. */
MW_MUST_USE int module_bus_page(struct module_bus *b, const char *interface,
                                struct eeprom_place place, uint8_t ret[EEPROM_PAGE],
                                struct mw_error *err);

/* The flat memory as a dump (live/eeprom.h); errors as above, MW_EVERSION: it gives none. */
MW_MUST_USE int module_bus_flat(struct module_bus *b, const char *interface, struct eeprom *ret,
                                struct mw_error *err);

#endif
