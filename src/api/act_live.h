/*
 * A live site as the API's writer: its port for commands (api/port.h), and what
 * the API's thread may ask of it (api/asks.h).  On the thread of the loop.
 */
#ifndef MW_API_ACT_LIVE_H
#define MW_API_ACT_LIVE_H

#include "api/asks.h"
#include "api/port.h"
#include "api/status.h"

/* Borrows the site for as long as the port is used. */
struct api_port api_live_port(struct live *l);

/* Borrows *s, loop and all, for as long as the writer is used. */
struct api_writer api_live_writer(const struct api_site *s);

#endif
