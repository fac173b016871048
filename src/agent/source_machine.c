/*
 * What the node is made of, as far as the kernel knows without asking a device:
 * the machine itself (DMI), its processors and its disks.  Serial numbers of the
 * machine and the boards are for root only; without them they are not said.
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/files.h"
#include "agent/places.h"

#define SOCKETS_MAX 16
#define CPUS_LOOKED_AT 1024
#define CPUINFO_BYTES 8192 /* the first processor is enough */

static int machine_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    (void)env;
    *ret_state = malloc(1); /* nothing is kept */
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static void dmi(const struct source_env *env, const char *file, char *to, size_t size)
{
    (void)files_text(to, size, env->sysfs_root, "/sys/class/dmi/id/%s", file);
}

static void tell_host(const struct source_env *env, struct source_out *out)
{
    struct agent_frame f = { .verb = AGENT_PART };
    struct utsname u;
    char vendor[40], product[50];
    (void)snprintf(f.scope, sizeof(f.scope), "host");
    if (uname(&u) != 0)
        return;
    (void)snprintf(f.name, sizeof(f.name), "%.90s", u.nodename);
    dmi(env, "sys_vendor", vendor, sizeof(vendor));
    dmi(env, "product_name", product, sizeof(product));
    (void)snprintf(f.model, sizeof(f.model), "%s%s%s", vendor, vendor[0] != '\0' ? " " : "",
                   product);
    dmi(env, "product_serial", f.serial, sizeof(f.serial));
    dmi(env, "bios_version", f.fw, sizeof(f.fw));
    (void)snprintf(f.text, sizeof(f.text), "kernel %s %s", u.release, u.machine);
    out->part(out->ctx, &f);
}

/* "model name : AMD EPYC …" of /proc/cpuinfo. */
static void model_of_cpu(const struct source_env *env, char *to, size_t size)
{
    char data[CPUINFO_BYTES];
    int fd = files_open(env->proc_root, "/proc/cpuinfo");
    struct text key, line, t = files_read(fd, data, sizeof(data));
    files_close(fd);
    to[0] = '\0';
    while (text_line(&t, &line))
        if (text_before(&line, ':', &key) && text_is(text_trimmed(key), "model name")) {
            text_copy(text_trimmed(line), to, size);
            return;
        }
}

static void tell_cpus(const struct source_env *env, struct source_out *out)
{
    uint32_t cpus[SOCKETS_MAX] = { 0 };
    char model[96];
    for (uint32_t i = 0; i < CPUS_LOOKED_AT; i++) {
        uint64_t socket;
        if (!files_u64(&socket, env->sysfs_root,
                       "/sys/devices/system/cpu/cpu%u/topology/physical_package_id", i))
            break;
        if (socket < SOCKETS_MAX)
            cpus[socket]++;
    }
    model_of_cpu(env, model, sizeof(model));
    for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
        struct agent_frame f = { .verb = AGENT_PART, .n = i };
        if (cpus[i] == 0)
            continue;
        (void)snprintf(f.scope, sizeof(f.scope), "cpu");
        (void)snprintf(f.name, sizeof(f.name), "socket %u", i);
        (void)snprintf(f.model, sizeof(f.model), "%s", model);
        (void)snprintf(f.text, sizeof(f.text), "cpus=%u", cpus[i]);
        out->part(out->ctx, &f);
    }
}

static void tell_disk(const struct source_env *env, uint32_t i, struct source_out *out)
{
    const struct place_disk *d = &env->places->disk[i];
    struct agent_frame f = { .verb = AGENT_PART, .n = i };
    uint64_t sectors;
    (void)snprintf(f.scope, sizeof(f.scope), "disk");
    (void)snprintf(f.name, sizeof(f.name), "%s", d->name);
    if (d->nvme[0] != '\0') {
        static const char dir[] = "/sys/class/nvme";
        (void)files_text(f.model, sizeof(f.model), env->sysfs_root, "%s/%s/model", dir, d->nvme);
        (void)files_text(f.serial, sizeof(f.serial), env->sysfs_root, "%s/%s/serial", dir,
                         d->nvme);
        (void)files_text(f.fw, sizeof(f.fw), env->sysfs_root, "%s/%s/firmware_rev", dir, d->nvme);
        (void)files_pci(f.pci, PLACE_PCI_MAX, env->sysfs_root, "%s/%s/device", dir, d->nvme);
    } else {
        (void)files_text(f.model, sizeof(f.model), env->sysfs_root, "/sys/block/%s/device/model",
                         d->name);
        (void)files_text(f.serial, sizeof(f.serial), env->sysfs_root, "/sys/block/%s/serial",
                         d->name); /* virtio */
        (void)files_text(f.fw, sizeof(f.fw), env->sysfs_root, "/sys/block/%s/device/rev", d->name);
    }
    if (files_u64(&sectors, env->sysfs_root, "/sys/block/%s/size", d->name))
        (void)snprintf(f.text, sizeof(f.text), "mib=%llu", (unsigned long long)(sectors / 2048));
    out->part(out->ctx, &f);
}

static int machine_read(void *state, const struct source_env *env, int64_t now_ms,
                        struct source_out *out, struct mw_error *err)
{
    (void)state, (void)now_ms, (void)err;
    tell_host(env, out);
    tell_cpus(env, out);
    for (uint32_t i = 0; i < env->places->disks; i++)
        tell_disk(env, i, out);
    return 0;
}

const struct source source_machine = { "machine", 600000, 10000, WHERE_WORKER_SLOW, machine_open,
                                       machine_read, free };
