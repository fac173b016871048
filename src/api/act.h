/*
 * A person's command becomes a fact in the record: names and numbers are looked
 * up in the site and the record, the fact is handed to the site, and what became
 * of it is said in words.
 */
#ifndef MW_API_ACT_H
#define MW_API_ACT_H

#include "api/command.h"
#include "api/port.h"

/* Gives the sequence of the (last) event that recorded it.  MW_ENOTFOUND: no such node, hall,
 * advice or order.  MW_EINVAL: the number is of something else, or several orders are open.
 * MW_ECONFLICT: it is over, or the state does not allow it.  MW_ELIMIT.  MW_ENOSPC, MW_EIO: taken,
 * and not durable yet. */
MW_MUST_USE int api_act(const struct api_port *s, int64_t now_ns, uint32_t actor,
                        const struct api_command *c, uint64_t *ret_seq, struct mw_error *err);

#endif
