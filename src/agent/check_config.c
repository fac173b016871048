/*
 * Level 1, how it is set up: the kernel, its clock, frequency governor, huge
 * pages, IOMMU and ACS, limits of processes, the GPU driver.  Only what costs a
 * GPU node speed or correctness; every value is judged by the SKU's or the site's
 * lines, so that a site that wants it otherwise says so in a file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/check_private.h"
#include "agent/nvml.h"

/* ---- the kernel ---------------------------------------------------------------------------- */

/* "always [madvise] never" -> "madvise". */
static void chosen_word(const char *text, char *to, size_t size)
{
    const char *from = strchr(text, '[');
    const char *end = from != NULL ? strchr(from, ']') : NULL;
    (void)snprintf(to, size, "%.*s", end != NULL ? (int)(end - from - 1) : 60,
                   end != NULL ? from + 1 : text);
}

static void word_of_file(struct check_ctx *c, const char *root, const char *path, const char *name)
{
    char text[512], word[64];
    if (check_read(root, path, text, sizeof(text)) < 0)
        return;
    chosen_word(text, word, sizeof(word));
    check_word(c, name, "", word);
}

struct count {
    struct check_ctx *c;
    uint32_t n, other;
    char first[32];
};

static void count_all(void *ctx, const char *name)
{
    struct count *n = ctx;
    (void)name;
    n->n++;
}

/* All processors' governors in one row: the first that differs is named. */
static void governor_of(void *ctx, const char *name)
{
    struct count *n = ctx;
    char path[128], word[32];
    (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpufreq/%.48s/scaling_governor",
                   name);
    if (check_read(n->c->o->sysfs_root, path, word, sizeof(word)) <= 0)
        return;
    if (n->n++ == 0)
        (void)snprintf(n->first, sizeof(n->first), "%s", word);
    else if (strcmp(word, n->first) != 0)
        n->other++;
}

static void governors(struct check_ctx *c)
{
    struct count n = { .c = c };
    check_each(c->o->sysfs_root, "/sys/devices/system/cpu/cpufreq", governor_of, &n);
    if (n.n == 0)
        check_say(c, VERDICT_ABSENT, "cpu-governor", "", "the kernel sets no frequencies");
    else if (n.other > 0)
        check_say(c, VERDICT_WARN, "cpu-governor", "", "%u of %u differ from %s", n.other, n.n,
                  n.first);
    else
        check_word(c, "cpu-governor", "", n.first);
}

/* ACS of a bridge sends traffic between two GPUs through the processor: bits 2 and 3 of its control
 * word (request and completion redirect; PCIe base specification, 7.7.11.3).  Only root may read
 * past byte 64 of a configuration space. */
#define CONFIG_SIZE 4096u
#define ACS_CAPABILITY 0x000du
#define ACS_REDIRECT 0x000cu

struct acs_walk {
    struct check_ctx *c;
    uint32_t read, redirect;
    char first[32];
};

static uint32_t word_at(const unsigned char *b, uint32_t at, uint32_t bytes)
{
    uint32_t v = 0;
    for (uint32_t i = 0; i < bytes; i++)
        v |= (uint32_t)b[at + i] << (8 * i);
    return v;
}

static void bridge(void *ctx, const char *name)
{
    struct acs_walk *w = ctx;
    char path[128], class[16];
    unsigned char config[CONFIG_SIZE + 1];
    (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.48s/class", name);
    if (check_read(w->c->o->sysfs_root, path, class, sizeof(class)) < 0 ||
        strncmp(class, "0x0604", 6) != 0)
        return;
    (void)snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%.48s/config",
                   w->c->o->sysfs_root, name);
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(config, 1, CONFIG_SIZE, f) : 0;
    if (f != NULL)
        (void)fclose(f);
    if (n < CONFIG_SIZE)
        return;
    w->read++;
    uint32_t at = 0x100;
    for (uint32_t i = 0; i < 48 && at >= 0x100 && at + 8 <= CONFIG_SIZE; i++) {
        uint32_t head = word_at(config, at, 4);
        bool is_acs = (head & 0xffffu) == ACS_CAPABILITY;
        if (is_acs && (word_at(config, at + 6, 2) & ACS_REDIRECT) != 0) {
            if (w->redirect++ == 0)
                (void)snprintf(w->first, sizeof(w->first), "%.31s", name);
            return;
        }
        at = head >> 20;
    }
}

static void acs(struct check_ctx *c)
{
    struct acs_walk w = { .c = c };
    check_each(c->o->sysfs_root, "/sys/bus/pci/devices", bridge, &w);
    if (w.read == 0) {
        check_say(c, VERDICT_ABSENT, "pci-acs-redirect", "", "no bridge, or not root");
        return;
    }
    check_figure(c, "pci-acs-redirect", "", "", w.redirect);
}

void check_kernel(struct check_ctx *c)
{
    char text[4096];
    struct count groups = { .c = c };
    if (check_read(c->o->proc_root, "/proc/sys/kernel/osrelease", text, 64) > 0)
        check_word(c, "kernel", "", text);
    if (check_read(c->o->proc_root, "/proc/cmdline", text, sizeof(text)) >= 0) {
        struct expect_line const *l;
        for (uint32_t i = 0; (l = expect_find(c->expect, "kernel-option", "", i)) != NULL; i++)
            check_say(c, strstr(text, l->value) != NULL ? VERDICT_PASS : VERDICT_FAIL,
                      "kernel-option", l->value, "%s in /proc/cmdline",
                      strstr(text, l->value) != NULL ? "is" : "is not");
    }
    word_of_file(c, c->o->sysfs_root,
                 "/sys/devices/system/clocksource/clocksource0/current_clocksource", "clocksource");
    word_of_file(c, c->o->sysfs_root, "/sys/kernel/mm/transparent_hugepage/enabled", "huge-pages");
    if (check_read(c->o->proc_root, "/proc/sys/kernel/numa_balancing", text, 8) > 0)
        check_word(c, "numa-balancing", "", strcmp(text, "0") == 0 ? "off" : "on");
    governors(c);
    check_each(c->o->sysfs_root, "/sys/kernel/iommu_groups", count_all, &groups);
    check_word(c, "iommu", "", groups.n > 0 ? "on" : "off");
    acs(c);
}

/* ---- limits of a process, as this one was given them ---------------------------------------- */

void check_limits(struct check_ctx *c)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_MEMLOCK, &l) == 0)
        check_figure(c, "limit-memlock", "", "GiB",
                     l.rlim_cur == RLIM_INFINITY ? 1e9 : (double)l.rlim_cur / 1073741824);
    if (getrlimit(RLIMIT_NOFILE, &l) == 0)
        check_figure(c, "limit-files", "", "", (double)l.rlim_max);
}

/* ---- the GPU driver ------------------------------------------------------------------------ */

static void module_loaded(struct check_ctx *c, const char *module, const char *figure)
{
    char path[64], text[32];
    (void)snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
    check_word(c, figure, "",
               check_read(c->o->sysfs_root, path, text, sizeof(text)) >= 0 ? "loaded" : "no");
}

/* Whether NVML gives a mode, and the word for it. */
static void mode_word(struct check_ctx *c, const char *name, const char *part, int rc, uint32_t on)
{
    if (rc == NVML_OK)
        check_word(c, name, part, on != 0 ? "on" : "off");
}

static void modes_of(struct check_ctx *c, const struct nvml *n, uint32_t gpu)
{
    struct nvml_device *d;
    char part[16], text[96] = "";
    uint32_t now = 0, pending = 0;
    (void)snprintf(part, sizeof(part), "gpu%u", gpu);
    int rc = n->device(gpu, &d);
    if (rc != NVML_OK) {
        check_say(c, VERDICT_FAIL, "gpu-answering", part, "%s", nvml_result_text((uint32_t)rc));
        return;
    }
    if (n->name != NULL && n->name(d, text, sizeof(text)) == NVML_OK)
        check_word(c, "gpu-model", part, text);
    if (n->vbios != NULL && n->vbios(d, text, sizeof(text)) == NVML_OK)
        check_word(c, "gpu-vbios", part, text);
    if (n->persistence != NULL)
        mode_word(c, "gpu-persistence", part, n->persistence(d, &now), now);
    if (n->mig_mode != NULL)
        mode_word(c, "gpu-mig", part, n->mig_mode(d, &now, &pending), now);
    rc = n->ecc_mode != NULL ? n->ecc_mode(d, &now, &pending) : NVML_NOT_SUPPORTED;
    mode_word(c, "gpu-ecc", part, rc, now);
    if (rc == NVML_OK && now != pending)
        check_say(c, VERDICT_WARN, "gpu-ecc-pending", part, "changes with the next reset");
}

void check_driver(struct check_ctx *c)
{
    struct nvml n = { 0 };
    struct mw_error err = { 0 };
    uint32_t count = 0;
    char text[128];
    bool driver = check_read(c->o->proc_root, "/proc/driver/nvidia/version", text,
                             sizeof(text)) > 0;
    int rc = nvml_load(&n, c->o->nvml, &err);
    if (rc < 0) {
        check_say(c, driver ? VERDICT_UNKNOWN : VERDICT_ABSENT, "gpu-driver", "", "%.120s",
                  err.text);
        return;
    }
    rc = n.init();
    if (rc != NVML_OK) {
        check_say(c, VERDICT_FAIL, "gpu-driver", "", "%s", nvml_result_text((uint32_t)rc));
        nvml_unload(&n);
        return;
    }
    if (n.driver_version != NULL && n.driver_version(text, sizeof(text)) == NVML_OK)
        check_word(c, "gpu-driver", "", text);
    if (n.count(&count) == NVML_OK)
        check_figure(c, "gpu-answering", "", "", count);
    for (uint32_t i = 0; i < count && i < NVML_DEVICES_MAX; i++)
        modes_of(c, &n, i);
    (void)n.shutdown();
    nvml_unload(&n);
    module_loaded(c, "nvidia_peermem", "gpu-peermem");
}
