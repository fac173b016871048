/*
 * Network interfaces that lie on a card: traffic, errors, carrier and its changes
 * from the kernel's memory (`net`), and the speed, for which the driver is asked
 * under a lock that a hung driver may hold (`speed`, in a worker).
 */
#include "agent/sources.h"

#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/places.h"
#include "agent/proc_text.h"

#define DEV_BYTES 65536 /* containers bring hundreds of interfaces */
#define IFF_UP_BIT 1u   /* of linux/if.h */

struct net_port {
    int changes, carrier, flags; /* descriptors; -1 */
    char name[PLACE_NAME_MAX];   /* of the interface that they are of; "" = not opened */
};

struct net {
    int fd;
    uint32_t reads;
    struct net_port port[PLACES_PORTS_MAX];
    char text[DEV_BYTES];
};

static bool any_interface(const struct places *p)
{
    for (uint32_t i = 0; i < p->ports; i++)
        if (p->port[i].net[0] != '\0')
            return true;
    return false;
}

static int net_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    if (!any_interface(env->places))
        return mw_fail(err, MW_ENOTFOUND, "no network interface on a card");
    struct net *n = calloc(1, sizeof(*n));
    if (n == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    n->fd = files_open(env->proc_root, "/proc/net/dev");
    if (n->fd < 0) {
        free(n);
        return mw_fail(err, MW_EIO, "/proc/net/dev cannot be read");
    }
    for (uint32_t i = 0; i < PLACES_PORTS_MAX; i++)
        n->port[i] = (struct net_port){ .changes = -1, .carrier = -1, .flags = -1 };
    *ret_state = n;
    return 0;
}

static void close_port(struct net_port *p)
{
    files_close(p->changes);
    files_close(p->carrier);
    files_close(p->flags);
    *p = (struct net_port){ .changes = -1, .carrier = -1, .flags = -1 };
}

static void net_close(void *state)
{
    struct net *n = state;
    for (uint32_t i = 0; i < PLACES_PORTS_MAX; i++)
        close_port(&n->port[i]);
    files_close(n->fd);
    free(n);
}

static void open_port(struct net_port *p, const char *sysfs, const char *name)
{
    close_port(p);
    p->changes = files_open(sysfs, "/sys/class/net/%s/carrier_changes", name);
    p->carrier = files_open(sysfs, "/sys/class/net/%s/carrier", name);
    p->flags = files_open(sysfs, "/sys/class/net/%s/flags", name);
    memcpy(p->name, name, sizeof(p->name));
}

/* What an interface that is not there any more leaves: a port that has no link. */
static void read_link(struct net *n, uint32_t i, const struct source_env *env, struct samples *s)
{
    struct net_port *p = &n->port[i];
    uint64_t carrier = 0, changes, flags = 0;
    if (strcmp(p->name, env->places->port[i].net) != 0)
        open_port(p, env->sysfs_root, env->places->port[i].net);
    bool there = files_read_u64(p->changes, &changes);
    bool enabled = files_read_u64(p->flags, &flags) && (flags & IFF_UP_BIT) != 0;
    if (!files_read_u64(p->carrier, &carrier)) /* EINVAL while it is not enabled */
        carrier = 0;
    samples_put(s, M_PORT_UP, i, enabled && carrier == 1);
    if (there) {
        samples_put(s, M_PORT_CARRIER_CHANGES, i, (double)changes);
        samples_put(s, M_PORT_ENABLED, i, enabled);
    } else {
        close_port(p); /* tried again at the next read */
    }
}

static void take_line(const struct places *p, struct text line, struct samples *s)
{
    struct proc_net v;
    uint32_t i = 0;
    if (!proc_net_read(line, &v))
        return;
    while (i < p->ports && !text_is(v.name, p->port[i].net))
        i++;
    if (i == p->ports)
        return;
    samples_put(s, M_PORT_RX_MIB, i, (double)v.rx_bytes / 1048576.0);
    samples_put(s, M_PORT_TX_MIB, i, (double)v.tx_bytes / 1048576.0);
    samples_put(s, M_PORT_RX_ERRORS, i, (double)v.rx_errors);
    samples_put(s, M_PORT_TX_ERRORS, i, (double)v.tx_errors);
    samples_put(s, M_PORT_RX_DROPPED, i, (double)v.rx_dropped);
    samples_put(s, M_PORT_TX_DROPPED, i, (double)v.tx_dropped);
}

static int net_read(void *state, const struct source_env *env, int64_t now_ms,
                    struct source_out *out, struct mw_error *err)
{
    struct net *n = state;
    struct text line, t = files_read(n->fd, n->text, sizeof(n->text));
    (void)now_ms;
    if (t.at == t.end)
        return mw_fail(err, MW_EIO, "/proc/net/dev cannot be read");
    while (text_line(&t, &line))
        take_line(env->places, line, out->samples);
    for (uint32_t i = 0; i < env->places->ports; i++)
        if (env->places->port[i].net[0] != '\0')
            read_link(n, i, env, out->samples);
    return 0;
}

/* ---- speed ---------------------------------------------------------------------------------- */

static int speed_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    if (!any_interface(env->places))
        return mw_fail(err, MW_ENOTFOUND, "no network interface on a card");
    *ret_state = malloc(1); /* nothing is kept */
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static int speed_read(void *state, const struct source_env *env, int64_t now_ms,
                      struct source_out *out, struct mw_error *err)
{
    (void)state, (void)now_ms, (void)err;
    for (uint32_t i = 0; i < env->places->ports; i++) {
        const struct place_port *p = &env->places->port[i];
        uint64_t mbps; /* a link that is down has -1 or an error */
        if (p->net[0] == '\0')
            continue;
        if (files_u64(&mbps, env->sysfs_root, "/sys/class/net/%s/speed", p->net) &&
            mbps < 100000000)
            samples_put(out->samples, M_PORT_SPEED_GBPS, i, (double)mbps / 1000.0);
        else
            samples_gone(out->samples, M_PORT_SPEED_GBPS, i);
    }
    return 0;
}

const struct source source_net = { "net", 1000, 1000, WHERE_COLLECTOR, net_open, net_read,
                                   net_close };
const struct source source_speed = { "speed", 10000, 3000, WHERE_WORKER_LINKS, speed_open,
                                     speed_read, free };
