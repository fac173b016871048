/*
 * Level 1, what is there: GPUs and their PCIe links, memory, processors, network
 * ports, disks.  Reads /sys and /proc, nothing else; sends nothing to a device.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/check_private.h"
#include "base/parse.h"

#define NVIDIA "0x10de"
#define MELLANOX "0x15b3"

struct pci_walk {
    struct check_ctx *c;
    uint32_t gpus;
};

/* ---- PCI ----------------------------------------------------------------------------------- */

static void pci_text(const struct pci_walk *w, const char *device, const char *file, char *to,
                     size_t size)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, file);
    (void)check_read(w->c->o->sysfs_root, path, to, size);
}

/* "16.0 GT/s PCIe" -> 16; NAN. */
static double gigatransfers(const char *text)
{
    char number[16];
    double v;
    size_t n = strspn(text, "0123456789.");
    if (n == 0 || n >= sizeof(number))
        return NAN;
    memcpy(number, text, n);
    number[n] = '\0';
    return mw_parse_double(number, &v) == 0 ? v : NAN;
}

/* A link below what both of its ends can do is a fault whatever the SKU; its speed may be low while
 * the device sleeps, its width never is. */
static void link_of(struct pci_walk *w, const char *device, const char *part, const char *figure)
{
    char now[32], most[32], name[40];
    double width, width_most;
    pci_text(w, device, "current_link_width", now, sizeof(now));
    pci_text(w, device, "max_link_width", most, sizeof(most));
    if (mw_parse_double(now, &width) == 0 && mw_parse_double(most, &width_most) == 0) {
        (void)snprintf(name, sizeof(name), "%s-pcie-width", figure);
        if (width < width_most)
            check_say(w->c, VERDICT_FAIL, name, part, "x%s of x%s (%s)", now, most, device);
        else
            check_figure(w->c, name, part, "", width);
    }
    pci_text(w, device, "max_link_speed", most, sizeof(most));
    if (!isnan(gigatransfers(most))) {
        (void)snprintf(name, sizeof(name), "%s-pcie-speed", figure);
        check_figure(w->c, name, part, "GT/s", gigatransfers(most));
    }
}

static void numa_of(struct pci_walk *w, const char *device, const char *part)
{
    char text[16];
    pci_text(w, device, "numa_node", text, sizeof(text));
    if (strcmp(text, "-1") == 0)
        check_say(w->c, VERDICT_WARN, "gpu-numa", part, "the firmware gives it no NUMA node (%s)",
                  device);
}

static void device(void *ctx, const char *name)
{
    struct pci_walk *w = ctx;
    char vendor[16], class[16], part[16], id[16];
    pci_text(w, name, "vendor", vendor, sizeof(vendor));
    pci_text(w, name, "class", class, sizeof(class));
    if (strcmp(vendor, NVIDIA) == 0 &&
        (strncmp(class, "0x0302", 6) == 0 || strncmp(class, "0x0300", 6) == 0)) {
        (void)snprintf(part, sizeof(part), "gpu%u", w->gpus++);
        pci_text(w, name, "device", id, sizeof(id));
        check_word(w->c, "gpu-pci-id", part, strncmp(id, "0x", 2) == 0 ? id + 2 : id);
        link_of(w, name, part, "gpu");
        numa_of(w, name, part);
    } else if (strcmp(vendor, MELLANOX) == 0 && strncmp(class, "0x02", 4) == 0) {
        link_of(w, name, name, "nic");
    } else if (strncmp(class, "0x0108", 6) == 0) {
        link_of(w, name, name, "nvme");
    }
}

void check_pci(struct check_ctx *c)
{
    struct pci_walk w = { .c = c };
    check_each(c->o->sysfs_root, "/sys/bus/pci/devices", device, &w);
    check_figure(c, "gpu-count", "", "", w.gpus);
}

/* ---- memory and processors ----------------------------------------------------------------- */

static double meminfo_gib(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    char number[24];
    double kib;
    if (at == NULL)
        return NAN;
    at += strlen(key);
    at += strspn(at, ": \t");
    size_t n = strspn(at, "0123456789");
    if (n == 0 || n >= sizeof(number))
        return NAN;
    memcpy(number, at, n);
    number[n] = '\0';
    return mw_parse_double(number, &kib) == 0 ? kib / 1048576 : NAN;
}

/* "0-63,128-191" -> 128. */
static uint32_t list_length(const char *list)
{
    uint32_t total = 0;
    while (*list >= '0' && *list <= '9') {
        char *end;
        unsigned long from = strtoul(list, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (to < from || to > 1u << 20)
            return 0;
        total += (uint32_t)(to - from + 1);
        list = *end == ',' ? end + 1 : end;
    }
    return total;
}

static void count_name(void *ctx, const char *name)
{
    if (strncmp(name, "node", 4) == 0 && name[4] >= '0' && name[4] <= '9')
        *(uint32_t *)ctx += 1;
}

void check_machine(struct check_ctx *c)
{
    char text[4096];
    uint32_t numa = 0;
    if (check_read(c->o->proc_root, "/proc/meminfo", text, sizeof(text)) > 0) {
        check_figure(c, "memory", "", "GiB", meminfo_gib(text, "MemTotal"));
        check_figure(c, "swap", "", "GiB", meminfo_gib(text, "SwapTotal"));
    }
    if (check_read(c->o->sysfs_root, "/sys/devices/system/cpu/online", text, sizeof(text)) > 0)
        check_figure(c, "cpus", "", "", list_length(text));
    if (check_read(c->o->sysfs_root, "/sys/devices/system/cpu/offline", text, sizeof(text)) > 0 &&
        list_length(text) > 0)
        check_say(c, VERDICT_WARN, "cpus-offline", "", "processors %.80s are off", text);
    check_each(c->o->sysfs_root, "/sys/devices/system/node", count_name, &numa);
    if (numa > 0)
        check_figure(c, "numa-nodes", "", "", numa);
    if (check_read(c->o->sysfs_root, "/sys/class/dmi/id/product_name", text, 64) > 0)
        check_word(c, "product", "", text);
    if (check_read(c->o->sysfs_root, "/sys/class/dmi/id/bios_version", text, 64) > 0)
        check_word(c, "bios", "", text);
}

/* ---- network ports ------------------------------------------------------------------------- */

struct nic_walk {
    struct check_ctx *c;
    const char *card; /* of InfiniBand, while its ports are walked */
    uint32_t ports;
};

static void ib_port(void *ctx, const char *port)
{
    struct nic_walk *w = ctx;
    char path[200], part[64], text[64], short_part[40];
    double rate;
    (void)snprintf(part, sizeof(part), "%.32s/%.8s", w->card, port);
    (void)snprintf(short_part, sizeof(short_part), "%.39s", part);
    (void)snprintf(path, sizeof(path), "/sys/class/infiniband/%.64s/ports/%.16s/state", w->card,
                   port);
    if (check_read(w->c->o->sysfs_root, path, text, sizeof(text)) < 0)
        return;
    w->ports++;
    const char *colon = strchr(text, ':');
    check_word(w->c, "nic-state", short_part, colon != NULL ? colon + 2 : text);
    (void)snprintf(path, sizeof(path), "/sys/class/infiniband/%.64s/ports/%.16s/rate", w->card,
                   port);
    if (check_read_number(w->c->o->sysfs_root, path, &rate))
        check_figure(w->c, "nic-rate", short_part, "Gb/s", rate);
}

static void ib_card(void *ctx, const char *card)
{
    struct nic_walk *w = ctx;
    char path[160], text[48];
    (void)snprintf(path, sizeof(path), "/sys/class/infiniband/%.64s/fw_ver", card);
    if (check_read(w->c->o->sysfs_root, path, text, sizeof(text)) > 0)
        check_word(w->c, "nic-firmware", card, text);
    w->card = card;
    (void)snprintf(path, sizeof(path), "/sys/class/infiniband/%.64s/ports", card);
    check_each(w->c->o->sysfs_root, path, ib_port, w);
}

static void net_interface(void *ctx, const char *name)
{
    struct nic_walk *w = ctx;
    char path[160], text[32];
    double speed;
    (void)snprintf(path, sizeof(path), "/sys/class/net/%.64s/device/vendor", name);
    if (check_read(w->c->o->sysfs_root, path, text, sizeof(text)) < 0)
        return; /* a bridge, a tunnel, lo: no hardware */
    (void)snprintf(path, sizeof(path), "/sys/class/net/%.64s/operstate", name);
    if (check_read(w->c->o->sysfs_root, path, text, sizeof(text)) > 0)
        check_word(w->c, "net-state", name, text);
    (void)snprintf(path, sizeof(path), "/sys/class/net/%.64s/speed", name);
    if (check_read_number(w->c->o->sysfs_root, path, &speed) && speed > 0)
        check_figure(w->c, "net-speed", name, "Gb/s", speed / 1000);
}

void check_nics(struct check_ctx *c)
{
    struct nic_walk w = { .c = c };
    check_each(c->o->sysfs_root, "/sys/class/infiniband", ib_card, &w);
    check_figure(c, "nic-ports", "", "", w.ports);
    check_each(c->o->sysfs_root, "/sys/class/net", net_interface, &w);
}

/* ---- disks --------------------------------------------------------------------------------- */

struct disk_walk {
    struct check_ctx *c;
    uint32_t nvme, other;
};

static void block_device(void *ctx, const char *name)
{
    struct disk_walk *w = ctx;
    char path[160];
    double sectors;
    static const char *const none[] = { "loop", "ram", "dm-", "md", "sr", "zram", "nbd", "fd" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(none); i++)
        if (strncmp(name, none[i], strlen(none[i])) == 0)
            return;
    (void)snprintf(path, sizeof(path), "/sys/block/%.64s/size", name);
    if (!check_read_number(w->c->o->sysfs_root, path, &sectors) || sectors <= 0)
        return;
    if (strncmp(name, "nvme", 4) == 0)
        w->nvme++;
    else
        w->other++;
    check_figure(w->c, "disk-size", name, "GB", (double)(int64_t)(sectors * 512 / 1e8 + 0.5) / 10);
}

void check_disks(struct check_ctx *c)
{
    struct disk_walk w = { .c = c };
    check_each(c->o->sysfs_root, "/sys/block", block_device, &w);
    check_figure(c, "nvme-count", "", "", w.nvme);
    check_figure(c, "disk-count", "", "", w.nvme + w.other);
}
