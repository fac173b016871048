/* See address.h. */
#include "live/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <event2/util.h>

bool address_is_loopback(const struct sockaddr_storage *a)
{
    const struct sockaddr_in *v4 = (const void *)a;
    const struct sockaddr_in6 *v6 = (const void *)a;
    if (a->ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    return a->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

int address_read(const char *text, int port, struct sockaddr_storage *ret, int *ret_size,
                 struct mw_error *err)
{
    char known[ADDRESS_TEXT_MAX];
    must(text && ret && ret_size);
    memset(ret, 0, sizeof(*ret));
    *ret_size = (int)sizeof(*ret);
    const char *colon = strrchr(text, ':');
    bool any = colon && strcmp(colon, ":0") == 0; /* libevent knows no such port */
    int n = snprintf(known, sizeof(known), "%s%s", text, any ? "1" : "");
    if (!colon || colon[1] == '\0' || n < 0 || (size_t)n >= sizeof(known) ||
        evutil_parse_sockaddr_port(known, (struct sockaddr *)ret, ret_size) != 0)
        return mw_fail(err, MW_EINVAL, "\"%.80s\" is no address with a port: write 127.0.0.1:%d "
                       "or [::1]:%d", text, port, port);
    if (any && ret->ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)ret)->sin_port = 0;
    else if (any)
        ((struct sockaddr_in6 *)(void *)ret)->sin6_port = 0;
    return 0;
}
