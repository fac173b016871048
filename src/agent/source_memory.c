/*
 * Errors of the host's memory and processors: EDAC's counters for each DIMM (or
 * controller), and machine checks from /proc/interrupts, which is long on a large
 * machine and so read in a worker.
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/proc_text.h"

#define EDAC_MAX 64           /* DIMMs and controllers */
#define EDAC_PLACES 64        /* instance = controller x 64 + DIMM; */
#define EDAC_CONTROLLER 63    /* … of the controller as a whole */
#define INTERRUPTS_BYTES ((size_t)1 << 20)

struct edac_row {
    uint32_t instance;
    int ce, ue; /* descriptors */
};

struct edac {
    uint32_t rows;
    bool told; /* the parts */
    struct edac_row row[EDAC_MAX];
    char path[EDAC_MAX][FILES_NAME_MAX * 2]; /* "mc0/dimm3" */
};

static void add_row(struct edac *e, const struct source_env *env, uint32_t instance,
                    const char *path, const char *prefix)
{
    struct edac_row *row = &e->row[e->rows];
    if (e->rows == EDAC_MAX)
        return;
    row->instance = instance;
    row->ce = files_open(env->sysfs_root, "/sys/devices/system/edac/mc/%s/%sce_count", path,
                         prefix);
    row->ue = files_open(env->sysfs_root, "/sys/devices/system/edac/mc/%s/%sue_count", path,
                         prefix);
    (void)snprintf(e->path[e->rows], sizeof(e->path[0]), "%s", path);
    if (row->ce >= 0 && row->ue >= 0) {
        e->rows++;
        return;
    }
    files_close(row->ce);
    files_close(row->ue);
}

/* "mc3" with the prefix "mc" -> 3. */
static bool number_after(const char *name, const char *prefix, uint64_t most, uint64_t *ret)
{
    struct text t = text_of_string(name);
    return text_skip(&t, prefix) && text_u64(t, ret) && *ret <= most;
}

static void add_controller(struct edac *e, const struct source_env *env, const char *mc,
                           uint32_t number)
{
    char name[EDAC_MAX][FILES_NAME_MAX], path[FILES_NAME_MAX * 2];
    uint32_t n = files_list(name, EDAC_MAX, env->sysfs_root, "/sys/devices/system/edac/mc/%s", mc);
    uint32_t before = e->rows;
    uint64_t dimm;
    for (uint32_t i = 0; i < n; i++) {
        if (!number_after(name[i], "dimm", EDAC_CONTROLLER - 1, &dimm) &&
            !number_after(name[i], "rank", EDAC_CONTROLLER - 1, &dimm))
            continue;
        (void)snprintf(path, sizeof(path), "%.60s/%.60s", mc, name[i]);
        add_row(e, env, number * EDAC_PLACES + (uint32_t)dimm, path, "dimm_");
    }
    if (e->rows == before)
        add_row(e, env, number * EDAC_PLACES + EDAC_CONTROLLER, mc, "");
}

static void edac_close(void *state)
{
    struct edac *e = state;
    for (uint32_t i = 0; i < e->rows; i++) {
        files_close(e->row[i].ce);
        files_close(e->row[i].ue);
    }
    free(e);
}

static int edac_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    char mc[16][FILES_NAME_MAX];
    struct edac *e = calloc(1, sizeof(*e));
    uint64_t number;
    if (e == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    uint32_t n = files_list(mc, MW_ARRAY_LEN(mc), env->sysfs_root, "/sys/devices/system/edac/mc");
    for (uint32_t i = 0; i < n; i++)
        if (number_after(mc[i], "mc", 1023, &number))
            add_controller(e, env, mc[i], (uint32_t)number);
    if (e->rows == 0) {
        edac_close(e);
        return mw_fail(err, MW_ENOTFOUND, "no EDAC driver is loaded, or there is no ECC memory");
    }
    *ret_state = e;
    return 0;
}

static void tell_parts(const struct edac *e, const struct source_env *env,
                       struct source_out *out)
{
    for (uint32_t i = 0; i < e->rows; i++) {
        struct agent_frame f = { .verb = AGENT_PART, .n = e->row[i].instance };
        (void)snprintf(f.scope, sizeof(f.scope), "memory");
        (void)files_text(f.name, sizeof(f.name), env->sysfs_root,
                         "/sys/devices/system/edac/mc/%s/dimm_label", e->path[i]);
        if (f.name[0] == '\0')
            (void)snprintf(f.name, sizeof(f.name), "%.90s", e->path[i]);
        (void)files_text(f.model, sizeof(f.model), env->sysfs_root,
                         "/sys/devices/system/edac/mc/%s/dimm_mem_type", e->path[i]);
        (void)files_text(f.text, sizeof(f.text), env->sysfs_root,
                         "/sys/devices/system/edac/mc/%s/size", e->path[i]);
        out->part(out->ctx, &f);
    }
}

static int edac_read(void *state, const struct source_env *env, int64_t now_ms,
                     struct source_out *out, struct mw_error *err)
{
    struct edac *e = state;
    (void)now_ms;
    if (!e->told)
        tell_parts(e, env, out);
    e->told = true;
    for (uint32_t i = 0; i < e->rows; i++) {
        uint64_t ce, ue;
        if (!files_read_u64(e->row[i].ce, &ce) || !files_read_u64(e->row[i].ue, &ue))
            return mw_fail(err, MW_EIO, "EDAC's counters are away: its driver was unloaded");
        samples_put(out->samples, M_EDAC_CE, e->row[i].instance, (double)ce);
        samples_put(out->samples, M_EDAC_UE, e->row[i].instance, (double)ue);
    }
    return 0;
}

/* ---- machine checks ------------------------------------------------------------------------- */

static int mce_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    int *fd = malloc(sizeof(*fd));
    if (fd == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    *fd = files_open(env->proc_root, "/proc/interrupts");
    if (*fd < 0) {
        free(fd);
        return mw_fail(err, MW_EIO, "/proc/interrupts cannot be read");
    }
    *ret_state = fd;
    return 0;
}

static void mce_close(void *state)
{
    files_close(*(int *)state);
    free(state);
}

static int mce_read(void *state, const struct source_env *env, int64_t now_ms,
                    struct source_out *out, struct mw_error *err)
{
    char *data = malloc(INTERRUPTS_BYTES); /* seldom, and given back */
    uint64_t v;
    (void)env, (void)now_ms;
    if (data == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    struct text t = files_read(*(int *)state, data, INTERRUPTS_BYTES);
    bool any = proc_interrupts(t, "MCE:", &v);
    if (any)
        samples_put(out->samples, M_MCE_EXCEPTIONS, 0, (double)v);
    if (proc_interrupts(t, "THR:", &v))
        samples_put(out->samples, M_MCE_INTERRUPTS, 0, (double)v);
    free(data);
    return any ? 0 : mw_fail(err, MW_ENOTFOUND, "this kernel counts no machine checks");
}

const struct source source_edac = { "edac", 10000, 3000, WHERE_COLLECTOR, edac_open, edac_read,
                                    edac_close };
const struct source source_mce = { "mce", 60000, 5000, WHERE_WORKER_SLOW, mce_open, mce_read,
                                   mce_close };
