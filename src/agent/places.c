/*
 * /sys/class/{infiniband,net,block}, /sys/bus/pci/devices and /proc/mounts.
 * New finds are sorted before they get their numbers: the same machine starts
 * with the same numbers each time.
 */
#include "agent/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"

#define FOUND_MAX 256 /* entries of a folder that are looked at */

struct look {
    struct places *p;
    const char *sysfs, *proc;
    char (*name)[FILES_NAME_MAX]; /* FOUND_MAX of them */
    bool added;
};

const char *place_kind_name(uint8_t kind)
{
    static const char *const names[] = { [PLACE_GPU] = "gpu", [PLACE_NIC] = "nic",
                                         [PLACE_NVME] = "nvme", [PLACE_SWITCH] = "switch" };
    return kind >= PLACE_GPU && kind < MW_ARRAY_LEN(names) ? names[kind] : "";
}

static bool copy_name(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);
    if (n >= size)
        return false;
    memset(to, 0, size);
    memcpy(to, from, n);
    return true;
}

/* ---- ports --------------------------------------------------------------------------------- */

/* Does a port of this card and number lie behind the interface? A card's function with several
 * ports numbers them by dev_port (or, of old, dev_id) from 0. */
static bool is_port_of(const struct look *l, const struct place_port *port, const char *net)
{
    char pci[PLACE_PCI_MAX];
    uint64_t number = 0;
    if (port->pci[0] == '\0' ||
        !files_pci(pci, sizeof(pci), l->sysfs, "/sys/class/net/%s/device", net) ||
        strcmp(pci, port->pci) != 0)
        return false;
    if (!files_u64(&number, l->sysfs, "/sys/class/net/%s/dev_port", net))
        number = 0;
    return number + 1 == port->number;
}

static bool same_port(const struct place_port *a, const struct place_port *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->pci, b->pci) == 0;
}

static int port_order(const void *a, const void *b)
{
    const struct place_port *x = a, *y = b;
    int by_pci = strcmp(x->pci, y->pci);
    return by_pci != 0 ? by_pci : strverscmp(x->name, y->name);
}

static void add_ports(struct look *l, struct place_port *found, uint32_t count)
{
    struct places *p = l->p;
    qsort(found, count, sizeof(found[0]), port_order);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = 0;
        while (k < p->ports && !same_port(&p->port[k], &found[i]))
            k++;
        if (k == PLACES_PORTS_MAX)
            continue;
        if (k == p->ports)
            p->ports++;
        else if (memcmp(&p->port[k], &found[i], sizeof(found[i])) == 0)
            continue;
        p->port[k] = found[i]; /* new, or its interface has another name now */
        l->added = true;
    }
}

static uint32_t find_ib_ports(struct look *l, struct place_port *ret, uint32_t most)
{
    char port[8][FILES_NAME_MAX];
    uint32_t count = 0;
    uint32_t n = files_list(l->name, FOUND_MAX, l->sysfs, "/sys/class/infiniband");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t m = files_list(port, MW_ARRAY_LEN(port), l->sysfs,
                                "/sys/class/infiniband/%s/ports", l->name[i]);
        for (uint32_t k = 0; k < m && count < most; k++) {
            struct place_port *to = &ret[count];
            uint64_t number;
            memset(to, 0, sizeof(*to));
            if (!text_u64(text_of_string(port[k]), &number) || number == 0 || number > 255 ||
                !copy_name(to->ib, sizeof(to->ib) - 5, l->name[i]))
                continue;
            to->number = (uint32_t)number;
            (void)snprintf(to->name, sizeof(to->name), "%.26s/%u", to->ib, to->number);
            (void)files_pci(to->pci, sizeof(to->pci), l->sysfs, "/sys/class/infiniband/%s/device",
                            l->name[i]);
            count++;
        }
    }
    return count;
}

/* An interface that lies on a card: given to its InfiniBand port, else a port by itself. */
static uint32_t take_interface(const struct look *l, const char *net, struct place_port *port,
                               uint32_t count, uint32_t most)
{
    char device[FILES_NAME_MAX];
    if (!files_link(device, sizeof(device), l->sysfs, "/sys/class/net/%s/device", net))
        return count; /* virtual: lo, bonds, bridges, containers' */
    for (uint32_t i = 0; i < count; i++)
        if (port[i].ib[0] != '\0' && port[i].net[0] == '\0' && is_port_of(l, &port[i], net) &&
            copy_name(port[i].net, sizeof(port[i].net), net))
            return count;
    if (count == most)
        return count;
    memset(&port[count], 0, sizeof(port[count]));
    if (!copy_name(port[count].net, sizeof(port[count].net), net))
        return count;
    (void)snprintf(port[count].name, sizeof(port[count].name), "%.31s", net);
    (void)files_pci(port[count].pci, sizeof(port[count].pci), l->sysfs,
                    "/sys/class/net/%s/device", net);
    port[count].number = 1;
    return count + 1;
}

static void look_for_ports(struct look *l)
{
    struct place_port found[PLACES_PORTS_MAX];
    uint32_t count = find_ib_ports(l, found, PLACES_PORTS_MAX);
    uint32_t n = files_list(l->name, FOUND_MAX, l->sysfs, "/sys/class/net");
    for (uint32_t i = 0; i < n; i++)
        count = take_interface(l, l->name[i], found, count, PLACES_PORTS_MAX);
    add_ports(l, found, count);
}

/* ---- disks, PCI devices, mounts ------------------------------------------------------------- */

static void add_disk(struct look *l, const char *name)
{
    struct places *p = l->p;
    struct place_disk d = { .name = "" };
    for (uint32_t i = 0; i < p->disks; i++)
        if (strcmp(p->disk[i].name, name) == 0)
            return;
    if (p->disks == PLACES_DISKS_MAX || !copy_name(d.name, sizeof(d.name), name))
        return;
    if (strncmp(name, "nvme", 4) == 0) { /* "nvme0n1": up to the namespace */
        size_t n = 4 + strspn(name + 4, "0123456789");
        memcpy(d.nvme, name, n);
    }
    p->disk[p->disks++] = d;
    l->added = true;
}

static void look_for_disks(struct look *l)
{
    char device[FILES_NAME_MAX];
    uint32_t n = files_list(l->name, FOUND_MAX, l->sysfs, "/sys/block");
    for (uint32_t i = 0; i < n; i++) /* loops, RAM disks and maps have no device */
        if (files_link(device, sizeof(device), l->sysfs, "/sys/block/%s/device", l->name[i]))
            add_disk(l, l->name[i]);
}

/* By the class code: 0x0300, 0x0302 display and 3D; 0x0200, 0x0207 Ethernet and InfiniBand;
 * 0x0108 NVMe; 0x0680 NVIDIA's NVSwitch. */
static uint8_t kind_of_device(const struct look *l, const char *pci)
{
    char class[16], vendor[16];
    if (!files_text(class, sizeof(class), l->sysfs, "/sys/bus/pci/devices/%s/class", pci) ||
        !files_text(vendor, sizeof(vendor), l->sysfs, "/sys/bus/pci/devices/%s/vendor", pci))
        return 0;
    bool nvidia = strcmp(vendor, "0x10de") == 0;
    if (strncmp(class, "0x0302", 6) == 0 || (nvidia && strncmp(class, "0x0300", 6) == 0))
        return PLACE_GPU;
    if (strncmp(class, "0x0200", 6) == 0 || strncmp(class, "0x0207", 6) == 0)
        return PLACE_NIC;
    if (strncmp(class, "0x0108", 6) == 0)
        return PLACE_NVME;
    return nvidia && strncmp(class, "0x0680", 6) == 0 ? PLACE_SWITCH : 0;
}

static void look_for_devices(struct look *l)
{
    struct places *p = l->p;
    uint32_t n = files_list(l->name, FOUND_MAX, l->sysfs, "/sys/bus/pci/devices");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < p->devices && strcmp(p->device[k].pci, l->name[i]) != 0)
            k++;
        uint8_t kind = k == p->devices ? kind_of_device(l, l->name[i]) : 0;
        if (kind == 0 || k == PLACES_DEVICES_MAX ||
            !copy_name(p->device[k].pci, PLACE_PCI_MAX, l->name[i]))
            continue;
        p->device[k].kind = kind;
        p->devices++;
        l->added = true;
    }
}

static bool counts_as_disk(struct text type)
{
    static const char *const types[] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs",
                                         "vfat", "nfs", "nfs4", "lustre", "gpfs", "beegfs",
                                         "wekafs", "ceph", "bcachefs", "overlay" };
    for (size_t i = 0; i < MW_ARRAY_LEN(types); i++)
        if (text_is(type, types[i]))
            return true;
    return false;
}

/* A line of /proc/mounts: device, path, type, options. */
static void add_mount(struct look *l, struct text line)
{
    struct places *p = l->p;
    struct text device, path, type;
    struct place_mount m = { .path = "" };
    if (!text_word(&line, &device) || !text_word(&line, &path) || !text_word(&line, &type) ||
        !counts_as_disk(type) || (size_t)(path.end - path.at) >= sizeof(m.path) ||
        memchr(path.at, '\\', (size_t)(path.end - path.at)) != NULL)
        return;
    text_copy(path, m.path, sizeof(m.path));
    text_copy(type, m.type, sizeof(m.type));
    if (text_is(type, "overlay") && strcmp(m.path, "/") != 0)
        return; /* containers' */
    text_copy(device, m.device, sizeof(m.device));
    for (uint32_t i = 0; i < p->mounts; i++)
        if (strcmp(p->mount[i].path, m.path) == 0 || /* or it is bound to a second place */
            (m.device[0] == '/' && strcmp(p->mount[i].device, m.device) == 0))
            return;
    if (p->mounts == PLACES_MOUNTS_MAX)
        return;
    p->mount[p->mounts++] = m;
    l->added = true;
}

static void look_for_mounts(struct look *l)
{
    enum { SIZE = 65536 };
    char *data = malloc(SIZE);
    int fd = files_open(l->proc, "/proc/self/mounts");
    struct text line, t = { .at = NULL, .end = NULL };
    if (data != NULL)
        t = files_read(fd, data, SIZE);
    while (t.at < t.end && text_line(&t, &line))
        add_mount(l, line);
    files_close(fd);
    free(data);
}

bool places_look(struct places *p, const char *sysfs_root, const char *proc_root)
{
    must(p != NULL && sysfs_root != NULL && proc_root != NULL);
    struct look l = { .p = p, .sysfs = sysfs_root, .proc = proc_root,
                      .name = calloc(FOUND_MAX, FILES_NAME_MAX) };
    if (l.name == NULL)
        return false;
    look_for_ports(&l);
    look_for_disks(&l);
    look_for_devices(&l);
    look_for_mounts(&l);
    free(l.name);
    return l.added;
}
