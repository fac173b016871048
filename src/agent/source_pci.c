/*
 * PCIe of GPUs, network cards, NVMe and NVSwitches: errors that AER counted, and
 * width and speed of the link beside what both ends can do.  Reading the link
 * asks the device, so in a worker.
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/places.h"
#include "agent/proc_text.h"

struct pci_device {
    int aer[3];          /* correctable, nonfatal, fatal; -1 */
    int width, speed;
    bool open, told;
};

struct pci {
    struct pci_device device[PLACES_DEVICES_MAX];
};

static const struct {
    const char *file, *total;
    uint32_t metric;
} aer[] = {
    { "aer_dev_correctable", "TOTAL_ERR_COR", M_PCI_AER_CORRECTABLE },
    { "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL", M_PCI_AER_NONFATAL },
    { "aer_dev_fatal", "TOTAL_ERR_FATAL", M_PCI_AER_FATAL },
};

static int pci_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    if (env->places->devices == 0)
        return mw_fail(err, MW_ENOTFOUND, "no GPU, network card or NVMe on PCI");
    *ret_state = calloc(1, sizeof(struct pci));
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static void close_device(struct pci_device *d)
{
    if (!d->open)
        return;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(aer); i++)
        files_close(d->aer[i]);
    files_close(d->width);
    files_close(d->speed);
    d->open = false;
}

static void pci_close(void *state)
{
    struct pci *p = state;
    for (uint32_t i = 0; i < PLACES_DEVICES_MAX; i++)
        close_device(&p->device[i]);
    free(p);
}

/* "32.0 GT/s PCIe"; "Unknown" is no number. */
static bool speed_of(struct text t, double *ret)
{
    struct text word;
    int64_t milli;
    if (!text_word(&t, &word) || !text_milli(word, &milli))
        return false;
    *ret = (double)milli / 1000.0;
    return true;
}

static bool read_speed(int fd, double *ret)
{
    char text[64];
    return speed_of(files_read(fd, text, sizeof(text)), ret);
}

/* What the device and the port above it both can do: a x16 card in a x8 slot is well with x8. */
static void put_most(const struct source_env *env, const char *pci, uint32_t i, struct samples *s)
{
    static const char dir[] = "/sys/bus/pci/devices";
    char text[64];
    uint64_t width, above;
    double speed, speed_above;
    if (files_u64(&width, env->sysfs_root, "%s/%s/max_link_width", dir, pci) && width > 0) {
        if (files_u64(&above, env->sysfs_root, "%s/%s/../max_link_width", dir, pci) && above > 0)
            width = MW_MIN(width, above);
        samples_put(s, M_PCI_WIDTH_MAX, i, (double)width);
    }
    if (!files_text(text, sizeof(text), env->sysfs_root, "%s/%s/max_link_speed", dir, pci) ||
        !speed_of(text_of_string(text), &speed))
        return;
    if (files_text(text, sizeof(text), env->sysfs_root, "%s/%s/../max_link_speed", dir, pci) &&
        speed_of(text_of_string(text), &speed_above))
        speed = MW_MIN(speed, speed_above);
    samples_put(s, M_PCI_SPEED_MAX_GTPS, i, speed);
}

static void tell_part(const struct source_env *env, uint32_t i, struct source_out *out)
{
    const struct place_device *d = &env->places->device[i];
    struct agent_frame f = { .verb = AGENT_PART, .n = i };
    char vendor[16], device[16], driver[32];
    (void)snprintf(f.scope, sizeof(f.scope), "pci");
    (void)snprintf(f.name, sizeof(f.name), "%s %s", place_kind_name(d->kind), d->pci);
    (void)snprintf(f.pci, sizeof(f.pci), "%s", d->pci);
    (void)files_text(vendor, sizeof(vendor), env->sysfs_root, "/sys/bus/pci/devices/%s/vendor",
                     d->pci);
    (void)files_text(device, sizeof(device), env->sysfs_root, "/sys/bus/pci/devices/%s/device",
                     d->pci);
    (void)files_link(driver, sizeof(driver), env->sysfs_root, "/sys/bus/pci/devices/%s/driver",
                     d->pci);
    (void)snprintf(f.model, sizeof(f.model), "%s:%s", vendor, device);
    (void)snprintf(f.text, sizeof(f.text), "%s", driver);
    out->part(out->ctx, &f);
}

static void open_device(struct pci_device *d, const struct source_env *env, const char *pci)
{
    for (uint32_t i = 0; i < MW_ARRAY_LEN(aer); i++)
        d->aer[i] = files_open(env->sysfs_root, "/sys/bus/pci/devices/%s/%s", pci, aer[i].file);
    d->width = files_open(env->sysfs_root, "/sys/bus/pci/devices/%s/current_link_width", pci);
    d->speed = files_open(env->sysfs_root, "/sys/bus/pci/devices/%s/current_link_speed", pci);
    d->open = true;
}

/* A device that fell off the bus has width 0: its files are gone, or say 0 or 255. */
static void read_device(struct pci_device *d, const struct source_env *env, uint32_t i,
                        struct samples *s)
{
    char text[1024];
    uint64_t width = 0, count;
    double speed;
    bool express = d->width >= 0;
    if (express && files_read_u64(d->width, &width) && width <= 64)
        samples_put(s, M_PCI_WIDTH, i, (double)width);
    else if (express)
        samples_put(s, M_PCI_WIDTH, i, 0);
    if (read_speed(d->speed, &speed))
        samples_put(s, M_PCI_SPEED_GTPS, i, speed);
    for (uint32_t k = 0; k < MW_ARRAY_LEN(aer); k++)
        if (d->aer[k] >= 0 &&
            proc_value(files_read(d->aer[k], text, sizeof(text)), aer[k].total, &count))
            samples_put(s, aer[k].metric, i, (double)count);
    if (express && width == 0)
        close_device(d); /* opened again at the next read */
    (void)env;
}

static int pci_read(void *state, const struct source_env *env, int64_t now_ms,
                    struct source_out *out, struct mw_error *err)
{
    struct pci *p = state;
    (void)now_ms, (void)err;
    for (uint32_t i = 0; i < env->places->devices; i++) {
        struct pci_device *d = &p->device[i];
        if (!d->told) {
            tell_part(env, i, out);
            put_most(env, env->places->device[i].pci, i, out->samples);
            d->told = true;
        }
        if (!d->open)
            open_device(d, env, env->places->device[i].pci);
        read_device(d, env, i, out->samples);
    }
    return 0;
}

const struct source source_pci = { "pci", 10000, 3000, WHERE_WORKER_LINKS, pci_open, pci_read,
                                   pci_close };
