/*
 * Where a socket listens: the reader of "127.0.0.1:7377" and "[::1]:0" that the agents' listener
 * and the API's server share.  Resolves no names.
 */
#ifndef MW_LIVE_ADDRESS_H
#define MW_LIVE_ADDRESS_H

#include <sys/socket.h>

#include "base/error.h"

#define ADDRESS_TEXT_MAX 96

bool address_is_loopback(const struct sockaddr_storage *a);

/* Port 0 = a free one.  MW_EINVAL: not an address with a port; the text says what to write, with
 * `port` as the example's. */
MW_MUST_USE int address_read(const char *text, int port, struct sockaddr_storage *ret,
                             int *ret_size, struct mw_error *err);

#endif
