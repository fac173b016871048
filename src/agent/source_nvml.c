/*
 * The source "gpu": every NVIDIA GPU of the node by NVML, in the worker that may
 * be killed.  Owns the library and a row for each GPU; gives readings (M_GPU_…,
 * M_NVLINK_…) and one part a GPU.  Changes nothing on a GPU.
 *
 * A GPU that is lost keeps its slot: M_GPU_ALIVE says 0, all its other readings
 * go, its part says why; the hub makes the finding of that (signal/rules.c).  A
 * driver that does not answer is the source's silence, which its worker's keeper
 * states.  While a GPU is lost the library is closed and opened again now and
 * then: after a reset the old handles stay dead.
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/nvml_read.h"
#include "agent/places.h"

/* The library is opened anew so often while a GPU is lost. Chosen: a reset takes about ten
 * seconds, and nvmlInit with a dead GPU may take some itself. */
#define AGAIN_MS 30000
#define SLOTS_MAX 64

/* What a slot held when it answered last: a lost GPU keeps its identity. */
struct identity {
    char serial[64], model[96], fw[64], pci[32];
};

struct gpus {
    struct nvml nvml;
    bool ready;             /* nvmlInit was called */
    uint32_t count;
    struct nvml_gpu gpu[NVML_DEVICES_MAX];
    struct agent_frame part; /* of the GPU that is being attached */
    struct identity known[SLOTS_MAX];
    bool alive[NVML_DEVICES_MAX];
    int told[NVML_DEVICES_MAX]; /* the result that its part told last */
    int64_t again_ms;       /* when to open anew; 0 = nobody is lost */
    char driver[80];
};

#define NOT_TOLD (-1)

static int nvml_failed(struct mw_error *err, int result, const char *what)
{
    int code = result == NVML_DRIVER_NOT_LOADED || result == NVML_GPU_NOT_FOUND ? MW_ENOTFOUND
                                                                                : MW_EIO;
    return mw_fail(err, code, "%s: %s", what, nvml_result_text((uint32_t)result));
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The slot of the n-th GPU that PCI shows, by its address; MW_NONE. */
static uint32_t slot_of(const struct places *p, const char *pci)
{
    uint32_t slot = 0;
    for (uint32_t i = 0; p != NULL && pci[0] != '\0' && i < p->devices; i++) {
        if (p->device[i].kind != PLACE_GPU)
            continue;
        if (strcmp(p->device[i].pci, pci) == 0)
            return slot;
        slot++;
    }
    return MW_NONE;
}

/* Each GPU by its address; one whose address nobody knows takes the first slot that is free. */
static void give_slots(struct gpus *s, const struct places *p)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t slot = slot_of(p, s->gpu[i].pci);
        s->gpu[i].slot = slot < SLOTS_MAX && (taken & UINT64_C(1) << slot) == 0 ? slot : MW_NONE;
        if (s->gpu[i].slot != MW_NONE)
            taken |= UINT64_C(1) << slot;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t slot = 0;
        if (s->gpu[i].slot != MW_NONE)
            continue;
        while ((taken & UINT64_C(1) << slot) != 0)
            slot++; /* ends: fewer than SLOTS_MAX GPUs have taken one */
        s->gpu[i].slot = slot;
        taken |= UINT64_C(1) << slot;
    }
}

/* ---- parts ----------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static void remember(struct identity *k, const struct agent_frame *f)
{
    copy_text(k->serial, sizeof(k->serial), f->serial);
    copy_text(k->model, sizeof(k->model), f->model);
    copy_text(k->fw, sizeof(k->fw), f->fw);
    copy_text(k->pci, sizeof(k->pci), f->pci);
}

static void recall(const struct identity *k, struct agent_frame *f)
{
    memset(f, 0, sizeof(*f));
    copy_text(f->serial, sizeof(f->serial), k->serial);
    copy_text(f->model, sizeof(f->model), k->model);
    copy_text(f->fw, sizeof(f->fw), k->fw);
    copy_text(f->pci, sizeof(f->pci), k->pci);
}

/* What it is, when it answers; else what it was, and why it does not.  Returns the result, or that
 * of the questions. */
static int tell_part(struct gpus *s, uint32_t i, int result, const struct source_out *out)
{
    struct agent_frame *f = &s->part;
    struct nvml_gpu *g = &s->gpu[i];
    if (s->told[i] == result)
        return result;
    if (result == NVML_OK)
        result = nvml_gpu_attach(&s->nvml, g, s->driver, f);
    if (result == NVML_OK) {
        remember(&s->known[g->slot], f);
    } else {
        recall(&s->known[g->slot], f);
        copy_text(f->text, sizeof(f->text), nvml_result_text((uint32_t)result));
    }
    s->told[i] = result;
    if (result != NVML_OK && f->model[0] == '\0')
        return result; /* lost before this worker knew it: who keeps parts may know more */
    f->verb = AGENT_PART;
    f->n = g->slot;
    copy_text(f->scope, sizeof(f->scope), metric_scope_name(SCOPE_GPU));
    (void)snprintf(f->name, sizeof(f->name), "gpu%u", g->slot);
    out->part(out->ctx, f);
    return result;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void stop(struct gpus *s)
{
    if (s->ready)
        (void)s->nvml.shutdown();
    s->ready = false;
    nvml_unload(&s->nvml);
}

/* Handles and addresses. A GPU that gives none has device NULL and stays in the count. */
static int find_gpus(struct gpus *s, const struct source_env *env, struct mw_error *err)
{
    uint32_t count = 0;
    int result = s->nvml.count(&count);
    if (result != NVML_OK)
        return nvml_failed(err, result, "the GPUs cannot be counted");
    s->count = MW_MIN(count, NVML_DEVICES_MAX);
    memset(s->gpu, 0, sizeof(s->gpu));
    for (uint32_t i = 0; i < s->count; i++) {
        struct nvml_gpu *g = &s->gpu[i];
        struct nvml_pci pci = { .legacy = "" };
        s->told[i] = NOT_TOLD;
        if (s->nvml.device(i, &g->device) != NVML_OK)
            g->device = NULL;
        else if (s->nvml.pci(g->device, &pci) == NVML_OK)
            nvml_pci_name(pci.address, g->pci, sizeof(g->pci));
    }
    give_slots(s, env->places);
    return 0;
}

static int start(struct gpus *s, const struct source_env *env, struct mw_error *err)
{
    int rc = nvml_load(&s->nvml, env->nvml, err);
    if (rc == MW_ENOTFOUND && env->gpus > 0)
        return mw_fail(err, MW_EIO, "PCI shows %u GPUs, but %s is not here", env->gpus,
                       env->nvml != NULL ? env->nvml : NVML_LIBRARY);
    if (rc < 0)
        return rc;
    int result = s->nvml.init();
    if (result != NVML_OK) {
        rc = nvml_failed(err, result, "NVML cannot be initialised");
        return env->gpus > 0 ? MW_EIO : rc;
    }
    s->ready = true;
    if (s->nvml.driver_version == NULL ||
        s->nvml.driver_version(s->driver, sizeof(s->driver)) != NVML_OK)
        s->driver[0] = '\0';
    return find_gpus(s, env, err);
}

static void gpus_close(void *state)
{
    struct gpus *s = state;
    stop(s);
    free(s);
}

static int gpus_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    struct gpus *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory for the GPUs");
    int rc = start(s, env, err);
    if (rc == 0 && s->count == 0)
        rc = mw_fail(err, env->gpus > 0 ? MW_EIO : MW_ENOTFOUND,
                     "the driver shows no GPU, PCI %u", env->gpus);
    if (rc < 0) {
        gpus_close(s);
        return rc;
    }
    *ret_state = s;
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_gpu(struct gpus *s, uint32_t i, int64_t now_ms, const struct source_out *out)
{
    struct nvml_gpu *g = &s->gpu[i];
    bool was_alive = s->alive[i];
    int result = was_alive ? NVML_OK : nvml_gpu_answers(&s->nvml, g);
    if (result == NVML_OK && !was_alive) {
        s->told[i] = NOT_TOLD; /* it may be another board now */
        g->slow_at_ms = now_ms;
    }
    result = tell_part(s, i, result, out);
    if (result == NVML_OK)
        result = nvml_gpu_read(&s->nvml, g, now_ms, out->samples);
    s->alive[i] = result == NVML_OK;
    if (result != NVML_OK) {
        nvml_gpu_forget(g->slot, out->samples);
        (void)tell_part(s, i, result, out);
    } else if (!was_alive) { /* from now on each GPU has its dear readings at a time of its own */
        g->slow_at_ms = now_ms + NVML_SLOW_MS * (int64_t)(i + 1) / s->count;
    }
}

/* A slot whose GPU PCI shows, bound to NVIDIA's driver, while the driver does not know it. */
static void miss_others(struct gpus *s, const struct source_env *env, const struct source_out *out)
{
    char driver[FILES_NAME_MAX];
    const struct places *p = env->places;
    uint32_t slot = 0;
    for (uint32_t i = 0; p != NULL && i < p->devices; i++) {
        bool known = false;
        if (p->device[i].kind != PLACE_GPU)
            continue;
        for (uint32_t k = 0; k < s->count; k++)
            known = known || s->gpu[k].slot == slot;
        if (!known &&
            files_link(driver, sizeof(driver), env->sysfs_root, "/sys/bus/pci/devices/%s/driver",
                       p->device[i].pci) &&
            strcmp(driver, "nvidia") == 0)
            nvml_gpu_forget(slot, out->samples);
        slot++;
    }
}

static int gpus_read(void *state, const struct source_env *env, int64_t now_ms,
                     struct source_out *out, struct mw_error *err)
{
    struct gpus *s = state;
    uint32_t alive = 0;
    if (s->again_ms != 0 && now_ms >= s->again_ms) {
        s->again_ms = 0;
        stop(s);
        memset(s->alive, 0, sizeof(s->alive));
        int rc = start(s, env, err);
        if (rc < 0)
            return rc;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        read_gpu(s, i, now_ms, out);
        alive += s->alive[i];
    }
    miss_others(s, env, out);
    samples_put(out->samples, M_GPU_COUNT, 0, alive);
    if (alive == s->count)
        s->again_ms = 0;
    else if (s->again_ms == 0)
        s->again_ms = now_ms + AGAIN_MS;
    return 0;
}

const struct source source_nvml = {
    /* Opening has five times the deadline: without persistence mode the driver wakes each GPU then,
     * a second or two apiece. */
    .name = "gpu", .period_ms = 1000, .deadline_ms = 3000, .where = WHERE_WORKER_GPU,
    .open = gpus_open, .read = gpus_read, .close = gpus_close,
};
