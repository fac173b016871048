/*
 * Which number a port, a disk, a mount or a PCI device has on this node: the
 * `instance` of its readings and the `n` of its part.  Found at the start and
 * looked for again now and then; a number once given stays with its name until
 * the agent ends, so that a card that falls off the bus does not renumber its
 * neighbours.  The collector finds, its workers get copies.
 */
#ifndef MW_AGENT_PLACES_H
#define MW_AGENT_PLACES_H

#include "base/base.h"

#define PLACES_PORTS_MAX 32
#define PLACES_DISKS_MAX 32
#define PLACES_MOUNTS_MAX 32
#define PLACES_DEVICES_MAX 64
#define PLACE_NAME_MAX 32
#define PLACE_PATH_MAX 128
#define PLACE_PCI_MAX 16 /* "0000:3b:00.0" */

/* A port of a network card: an InfiniBand port, an Ethernet interface, or both (RoCE, IPoIB). */
struct place_port {
    char name[PLACE_NAME_MAX];  /* "mlx5_0/1", else "eth0" */
    char ib[PLACE_NAME_MAX];    /* "mlx5_0"; "" = none */
    char net[PLACE_NAME_MAX];   /* "ib0"; "" = none */
    char pci[PLACE_PCI_MAX];    /* "" = not known */
    uint32_t number;            /* of the port on its card, from 1 */
};

struct place_disk {
    char name[PLACE_NAME_MAX];  /* "nvme0n1", "sda" */
    char nvme[PLACE_NAME_MAX];  /* "nvme0"; "" = not NVMe */
};

struct place_mount {
    char path[PLACE_PATH_MAX], type[16], device[64];
};

enum place_kind { PLACE_GPU = 1, PLACE_NIC, PLACE_NVME, PLACE_SWITCH };

struct place_device {
    char pci[PLACE_PCI_MAX];
    uint8_t kind; /* enum place_kind */
};

struct places {
    uint32_t ports, disks, mounts, devices;
    struct place_port port[PLACES_PORTS_MAX];
    struct place_disk disk[PLACES_DISKS_MAX];
    struct place_mount mount[PLACES_MOUNTS_MAX];
    struct place_device device[PLACES_DEVICES_MAX];
};

/* Looks and adds what is new; true when anything was. Roots as in struct source_env. */
bool places_look(struct places *p, const char *sysfs_root, const char *proc_root);

const char *place_kind_name(uint8_t kind); /* "gpu", "nic", "nvme", "switch" */

#endif
