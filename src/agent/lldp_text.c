/* Each line once; a name is better than an address, whatever comes first. */
#include "agent/lldp_text.h"

#include <string.h>

struct lldp_key {
    const char *key; /* after "lldp.NET." */
    uint8_t rank;    /* the lower, the better */
    bool port;
};

static const struct lldp_key keys[] = {
    { "chassis.name=", 1, false },  { "chassis.mac=", 2, false },
    { "chassis.local=", 3, false }, { "chassis.ifname=", 3, false },
    { "chassis.ip=", 4, false },    { "port.ifname=", 1, true },
    { "port.local=", 2, true },     { "port.descr=", 3, true },
    { "port.mac=", 4, true },
};

bool lldp_text_of(struct text t, const char *net, struct lldp_neighbour *ret)
{
    struct lldp_neighbour n = { .peer = "" };
    uint8_t best[2] = { UINT8_MAX, UINT8_MAX };
    struct text line;
    while (text_line(&t, &line)) {
        if (!text_skip(&line, "lldp.") || !text_skip(&line, net) || !text_skip(&line, "."))
            continue;
        for (size_t i = 0; i < MW_ARRAY_LEN(keys); i++) {
            const struct lldp_key *k = &keys[i];
            struct text value = line;
            if (k->rank >= best[k->port] || !text_skip(&value, k->key) || value.at == value.end)
                continue;
            best[k->port] = k->rank;
            text_copy(value, k->port ? n.peer_port : n.peer,
                      k->port ? sizeof(n.peer_port) : sizeof(n.peer));
        }
    }
    if (n.peer[0] != '\0')
        *ret = n;
    return n.peer[0] != '\0';
}
