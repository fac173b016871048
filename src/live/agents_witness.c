/*
 * The address that an agent names for its node, as text in frames and as two
 * numbers in the record, so that it is still known after a restart.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "live/agents_private.h"

static const uint8_t MAPPED[12] = { [10] = 0xff, [11] = 0xff }; /* ::ffff:0:0/96 */

void agents_witness_read(const char *text, struct body_watch *ret)
{
    char host[64] = "";
    uint8_t bytes[16];
    uint64_t port = 0, half[2];
    const char *colon = strrchr(text, ':');
    bool v6 = text[0] == '[';
    if (!colon || mw_parse_u64(colon + 1, &port) < 0 || port == 0 || port > 65535)
        return;
    size_t n = (size_t)(colon - text);
    if (n < 2 || n >= sizeof(host) || (v6 && colon[-1] != ']'))
        return;
    memcpy(host, text + v6, n - (v6 ? 2 : 0));
    memcpy(bytes, MAPPED, sizeof(MAPPED));
    if (inet_pton(v6 ? AF_INET6 : AF_INET, host, bytes + (v6 ? 0 : sizeof(MAPPED))) != 1)
        return;
    memcpy(half, bytes, sizeof(half));
    ret->high = be64toh(half[0]);
    ret->low = be64toh(half[1]);
    ret->port = (uint16_t)port;
}

bool agents_witness(const struct agents *a, uint32_t node, char *to, size_t size)
{
    const struct board *b = a->board;
    char host[INET6_ADDRSTRLEN];
    uint8_t bytes[16];
    const uint64_t half[2] = { htobe64(b->node_witness_high[node]),
                               htobe64(b->node_witness_low[node]) };
    memcpy(bytes, half, sizeof(bytes));
    if (b->node_witness_port[node] == 0)
        return false;
    bool v4 = memcmp(bytes, MAPPED, sizeof(MAPPED)) == 0;
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, bytes + (v4 ? sizeof(MAPPED) : 0), host, sizeof(host)))
        return false;
    (void)snprintf(to, size, v4 ? "%s:%u" : "[%s]:%u", host, b->node_witness_port[node]);
    return true;
}
