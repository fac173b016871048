/*
 * Which network ports the node has, and what each is plugged into: names and
 * firmware from /sys, the neighbour from lldpd (lldpcli, where it is installed;
 * InfiniBand's neighbours the fabric door knows).
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/lldp_text.h"
#include "agent/places.h"
#include "agent/program.h"

#define LLDP_BYTES 65536
#define LLDP_MS 4000

static int ports_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    if (env->places->ports == 0)
        return mw_fail(err, MW_ENOTFOUND, "no network port");
    *ret_state = malloc(LLDP_BYTES);
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static void describe_ib(const struct source_env *env, const char *ib, struct agent_frame *f)
{
    static const char dir[] = "/sys/class/infiniband";
    char type[32], board[48];
    (void)files_text(type, sizeof(type), env->sysfs_root, "%s/%s/hca_type", dir, ib);
    (void)files_text(board, sizeof(board), env->sysfs_root, "%s/%s/board_id", dir, ib);
    (void)snprintf(f->model, sizeof(f->model), "%s%s%s", type, board[0] != '\0' ? " " : "", board);
    (void)files_text(f->fw, sizeof(f->fw), env->sysfs_root, "%s/%s/fw_ver", dir, ib);
    (void)files_text(f->serial, sizeof(f->serial), env->sysfs_root, "%s/%s/node_guid", dir, ib);
}

static void describe_net(const struct source_env *env, const char *net, struct agent_frame *f)
{
    char driver[32], address[32];
    (void)files_link(driver, sizeof(driver), env->sysfs_root, "/sys/class/net/%s/device/driver",
                     net);
    (void)files_text(address, sizeof(address), env->sysfs_root, "/sys/class/net/%s/address", net);
    if (f->model[0] == '\0')
        (void)snprintf(f->model, sizeof(f->model), "%s", driver);
    if (f->serial[0] == '\0')
        (void)snprintf(f->serial, sizeof(f->serial), "%s", address);
    (void)snprintf(f->text, sizeof(f->text), "net=%s mac=%s", net, address);
}

static void tell_port(const struct source_env *env, uint32_t i, struct text lldp,
                      struct source_out *out)
{
    const struct place_port *p = &env->places->port[i];
    struct agent_frame f = { .verb = AGENT_PART, .n = i };
    struct lldp_neighbour n;
    (void)snprintf(f.scope, sizeof(f.scope), "port");
    (void)snprintf(f.name, sizeof(f.name), "%s", p->name);
    (void)snprintf(f.pci, sizeof(f.pci), "%s", p->pci);
    if (p->ib[0] != '\0')
        describe_ib(env, p->ib, &f);
    if (p->net[0] != '\0')
        describe_net(env, p->net, &f);
    if (p->net[0] != '\0' && lldp_text_of(lldp, p->net, &n)) {
        memcpy(f.peer, n.peer, sizeof(f.peer));
        memcpy(f.peer_port, n.peer_port, sizeof(f.peer_port));
    }
    out->part(out->ctx, &f);
}

/* Without lldpd there are no neighbours, which is no fault; one that fails is said. */
static int ports_read(void *state, const struct source_env *env, int64_t now_ms,
                      struct source_out *out, struct mw_error *err)
{
    static const char *const argv[] = { "lldpcli", "-f", "keyvalue", "show", "neighbors", NULL };
    struct text t = { .at = NULL, .end = NULL };
    (void)now_ms;
    int rc = program_run(argv, state, LLDP_BYTES, LLDP_MS, &t, err);
    if (rc < 0)
        t = (struct text){ .at = NULL, .end = NULL };
    for (uint32_t i = 0; i < env->places->ports; i++)
        tell_port(env, i, t, out);
    return rc == MW_ENOTFOUND ? 0 : rc;
}

const struct source source_ports = { "ports", 30000, 8000, WHERE_WORKER_SLOW, ports_open,
                                     ports_read, free };
