/*
 * libnvidia-ml.so.1 of the tests: the functions of src/agent/nvml.h over the
 * numbers of standin.h.  Reads the script that MW_NVML_SCRIPT names, again when
 * it changes.  One thread calls it, as the agent's worker does.
 *
 * It answers as an HGX H100 node does: names, limits, clocks and sizes are those
 * of public descriptions (README.md says which); power follows the load that the
 * script sets, with a little noise so that readings change as real ones do.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/nvml.h"
#include "standin.h"

#define SCRIPT_MAX 65536
#define IDLE_W 72.5   /* an idle H100 SXM, measured by NLR (arXiv 2604.07345) */
#define LIMIT_W 700.0
#define IDLE_MHZ 345
#define BOOST_MHZ 1980
#define MEMORY_MHZ 2619
#define MEMORY_BYTES (UINT64_C(81559) << 20)
#define RESERVED_BYTES (UINT64_C(551) << 20)
#define LINK_MBPS 26562

#define PUBLIC __attribute__((visibility("default")))

struct nvml_device {
    uint32_t index;
};

static struct state {
    bool ready;
    struct timespec changed; /* of the script */
    off_t size;
    struct standin node;
    struct nvml_device device[STANDIN_GPUS_MAX];
} state;

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void read_script(const char *path)
{
    static const char nothing[1];
    char *text = calloc(1, SCRIPT_MAX);
    FILE *f = fopen(path, "re");
    if (text != NULL && f != NULL)
        text[fread(text, 1, SCRIPT_MAX - 1, f)] = '\0';
    standin_script(&state.node, text != NULL ? text : nothing);
    if (f != NULL)
        (void)fclose(f);
    free(text);
}

static void follow_script(void)
{
    struct stat st = { .st_size = 0 };
    const char *path = getenv("MW_NVML_SCRIPT");
    bool there = path != NULL && path[0] != '\0' && stat(path, &st) == 0;
    if (state.node.gpus > 0 && st.st_size == state.size &&
        memcmp(&st.st_mtim, &state.changed, sizeof(st.st_mtim)) == 0)
        return;
    standin_defaults(&state.node);
    state.changed = st.st_mtim;
    state.size = st.st_size;
    state.node.changed_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    for (uint32_t i = 0; i < STANDIN_GPUS_MAX; i++)
        state.device[i].index = i;
    if (there)
        read_script(path);
}

/* Before every answer about a GPU: what it is by now, and whether it answers. */
static int look_at(const struct nvml_device *d, const char *call, const struct standin_gpu **ret)
{
    follow_script();
    if (!state.ready)
        return NVML_UNINITIALIZED;
    if (d < state.device || d >= state.device + STANDIN_GPUS_MAX)
        return NVML_INVALID_ARGUMENT;
    const struct standin_gpu *g = *ret = &state.node.gpu[d->index];
    while (strcmp(g->hang, "*") == 0 || strcmp(g->hang, call) == 0)
        (void)pause(); /* as a call does whose GPU's firmware has died: only a signal ends it */
    if (g->slow_ms > 0)
        (void)usleep(g->slow_ms * 1000);
    if (g->lost)
        return NVML_GPU_IS_LOST;
    if (g->unknown)
        return NVML_UNKNOWN;
    return g->reset_required ? NVML_RESET_REQUIRED : NVML_OK;
}

/* A little noise, the same for the same second: -1 to 1. */
static double noise(uint32_t index, int64_t ms)
{
    uint64_t x = ((uint64_t)(ms / 100) * 31 + index) * UINT64_C(0x9e3779b97f4a7c15);
    return (double)(x >> 40) / (double)(1 << 23) - 1;
}

static double load_of(const struct standin_gpu *g)
{
    return g->load < 0 ? 0 : g->load > 100 ? 1 : g->load / 100;
}

static double power_w(const struct standin_gpu *g, const struct nvml_device *d)
{
    if (g->power >= 0)
        return g->power;
    double w = IDLE_W + (LIMIT_W - IDLE_W) * load_of(g) + 2 * noise(d->index, now_ms());
    return w < LIMIT_W ? w : LIMIT_W;
}

/* An idle one at 33 degrees, a loaded one at 68: usual figures of air-cooled HGX nodes; chosen. */
static double temp_c(const struct standin_gpu *g, const struct nvml_device *d)
{
    return g->temp >= 0 ? g->temp : 33 + 35 * load_of(g) + 0.4 * noise(d->index, now_ms() / 50);
}

static double mem_temp_c(const struct standin_gpu *g, const struct nvml_device *d)
{
    return g->mem_temp >= 0 ? g->mem_temp : temp_c(g, d) + 8;
}

static uint64_t throttle_of(const struct standin_gpu *g)
{
    if (g->throttle >= 0)
        return (uint64_t)g->throttle;
    return g->load <= 0 ? NVML_EVENT_IDLE : g->load >= 100 ? NVML_EVENT_POWER_CAP : 0;
}

static uint32_t or_else(double value, uint32_t otherwise)
{
    return value >= 0 ? (uint32_t)value : otherwise;
}

/* ---- library --------------------------------------------------------------------------------- */

PUBLIC int nvmlInit_v2(void);
PUBLIC int nvmlInit_v2(void)
{
    follow_script();
    while (state.node.init_hangs)
        (void)pause();
    state.ready = state.node.init_result == NVML_OK;
    return state.node.init_result;
}

PUBLIC int nvmlShutdown(void);
PUBLIC int nvmlShutdown(void)
{
    int result = state.ready ? NVML_OK : NVML_UNINITIALIZED;
    state.ready = false;
    return result;
}

static int give_text(char *to, uint32_t size, const char *text)
{
    if (to == NULL || strlen(text) >= size)
        return to == NULL ? NVML_INVALID_ARGUMENT : NVML_INSUFFICIENT_SIZE;
    memcpy(to, text, strlen(text) + 1);
    return NVML_OK;
}

PUBLIC int nvmlSystemGetDriverVersion(char *to, uint32_t size);
PUBLIC int nvmlSystemGetDriverVersion(char *to, uint32_t size)
{
    return state.ready ? give_text(to, size, state.node.driver) : NVML_UNINITIALIZED;
}

/* The driver numbers the GPUs that it counts. */
static struct nvml_device *counted(uint32_t index, uint32_t *ret_count)
{
    struct nvml_device *found = NULL;
    *ret_count = 0;
    for (uint32_t i = 0; i < state.node.gpus; i++) {
        if (state.node.gpu[i].missing)
            continue;
        if ((*ret_count)++ == index)
            found = &state.device[i];
    }
    return found;
}

PUBLIC int nvmlDeviceGetCount_v2(uint32_t *count);
PUBLIC int nvmlDeviceGetCount_v2(uint32_t *count)
{
    follow_script();
    if (!state.ready || count == NULL)
        return state.ready ? NVML_INVALID_ARGUMENT : NVML_UNINITIALIZED;
    (void)counted(UINT32_MAX, count);
    return NVML_OK;
}

PUBLIC int nvmlDeviceGetHandleByIndex_v2(uint32_t index, struct nvml_device **ret);
PUBLIC int nvmlDeviceGetHandleByIndex_v2(uint32_t index, struct nvml_device **ret)
{
    const struct standin_gpu *g;
    uint32_t count;
    follow_script();
    if (!state.ready)
        return NVML_UNINITIALIZED;
    struct nvml_device *d = counted(index, &count);
    if (d == NULL || ret == NULL)
        return NVML_INVALID_ARGUMENT;
    int result = look_at(d, "device", &g);
    if (result == NVML_GPU_IS_LOST)
        return result;
    *ret = d;
    return NVML_OK;
}

/* ---- what it is ------------------------------------------------------------------------------ */

/* Buses of an HGX H100 baseboard, as NVIDIA's nvml-mock has them. */
static const uint8_t buses[STANDIN_GPUS_MAX] = { 0x1a, 0x1b, 0x4a, 0x4b, 0x8a, 0x8b, 0xca, 0xcb,
                                                 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7 };

PUBLIC int nvmlDeviceGetPciInfo_v3(struct nvml_device *d, struct nvml_pci *ret);
PUBLIC int nvmlDeviceGetPciInfo_v3(struct nvml_device *d, struct nvml_pci *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "pci", &g);
    if (result == NVML_GPU_IS_LOST || result == NVML_UNINITIALIZED ||
        result == NVML_INVALID_ARGUMENT)
        return result;
    memset(ret, 0, sizeof(*ret));
    ret->bus = buses[d->index];
    ret->device_id = 0x233010de;
    ret->subsystem_id = 0x16c110de;
    (void)snprintf(ret->legacy, sizeof(ret->legacy), "0000:%02X:00.0", ret->bus);
    (void)snprintf(ret->address, sizeof(ret->address), "00000000:%02X:00.0", ret->bus);
    return NVML_OK;
}

/* A text of the GPU, made of a format with its number. */
static int gpu_text(struct nvml_device *d, const char *call, char *to, uint32_t size,
                    const char *text)
{
    const struct standin_gpu *g;
    int result = look_at(d, call, &g);
    return result == NVML_OK ? give_text(to, size, text) : result;
}

#define TEXT(symbol, call, ...)                                              \
    PUBLIC int symbol(struct nvml_device *d, char *to, uint32_t size);       \
    PUBLIC int symbol(struct nvml_device *d, char *to, uint32_t size)        \
    {                                                                        \
        char text[96];                                                       \
        (void)snprintf(text, sizeof(text), __VA_ARGS__);                     \
        return gpu_text(d, call, to, size, text);                            \
    }

TEXT(nvmlDeviceGetName, "name", "NVIDIA H100 80GB HBM3")
TEXT(nvmlDeviceGetSerial, "serial", "1562821%06u", 83900 + d->index)
TEXT(nvmlDeviceGetUUID, "uuid", "GPU-01000100-0000-0000-0000-%012u", d->index)
TEXT(nvmlDeviceGetVbiosVersion, "vbios", "96.00.74.00.09")
TEXT(nvmlDeviceGetBoardPartNumber, "board-part", "692-2G520-0200-000")
TEXT(nvmlDeviceGetInforomImageVersion, "inforom", "G520.0200.00.05")

/* ---- one number a call ----------------------------------------------------------------------- */

#define NUMBER(symbol, call, value)                                          \
    PUBLIC int symbol(struct nvml_device *d, uint32_t *ret);                 \
    PUBLIC int symbol(struct nvml_device *d, uint32_t *ret)                  \
    {                                                                        \
        const struct standin_gpu *g;                                         \
        int result = look_at(d, call, &g);                                   \
        if (result == NVML_OK)                                               \
            *ret = (uint32_t)(value);                                        \
        return result;                                                       \
    }

NUMBER(nvmlDeviceGetPowerUsage, "power", power_w(g, d) * 1000)
NUMBER(nvmlDeviceGetPerformanceState, "pstate", 0)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie-gen", or_else(g->pcie_gen, 5))
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, "pcie-width", or_else(g->pcie_width, 16))
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, "pcie-gen-max", 5)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, "pcie-width-max", 16)
NUMBER(nvmlDeviceGetComputeMode, "compute-mode", or_else(g->compute, 0))
NUMBER(nvmlDeviceGetPersistenceMode, "persistence", g->persistence)

PUBLIC int nvmlDeviceGetFanSpeed(struct nvml_device *d, uint32_t *ret);
PUBLIC int nvmlDeviceGetFanSpeed(struct nvml_device *d, uint32_t *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "fan", &g);
    if (result != NVML_OK)
        return result;
    if (g->fan < 0)
        return NVML_NOT_SUPPORTED; /* SXM modules have none */
    *ret = (uint32_t)g->fan;
    return NVML_OK;
}

PUBLIC int nvmlDeviceGetClockInfo(struct nvml_device *d, uint32_t clock, uint32_t *ret);
PUBLIC int nvmlDeviceGetClockInfo(struct nvml_device *d, uint32_t clock, uint32_t *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "clock", &g);
    if (result != NVML_OK)
        return result;
    *ret = clock == NVML_CLOCK_MEM ? MEMORY_MHZ
                                   : or_else(g->clock, g->load > 0 ? BOOST_MHZ : IDLE_MHZ);
    return NVML_OK;
}

PUBLIC int nvmlDeviceGetMaxClockInfo(struct nvml_device *d, uint32_t clock, uint32_t *ret);
PUBLIC int nvmlDeviceGetMaxClockInfo(struct nvml_device *d, uint32_t clock, uint32_t *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "clock-max", &g);
    if (result == NVML_OK)
        *ret = clock == NVML_CLOCK_MEM ? MEMORY_MHZ : BOOST_MHZ;
    return result;
}

PUBLIC int nvmlDeviceGetCurrentClocksEventReasons(struct nvml_device *d, uint64_t *ret);
PUBLIC int nvmlDeviceGetCurrentClocksEventReasons(struct nvml_device *d, uint64_t *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "throttle", &g);
    if (result == NVML_OK)
        *ret = throttle_of(g);
    return result;
}

PUBLIC int nvmlDeviceGetTemperature(struct nvml_device *d, uint32_t sensor, uint32_t *ret);
PUBLIC int nvmlDeviceGetTemperature(struct nvml_device *d, uint32_t sensor, uint32_t *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "temperature", &g);
    if (result == NVML_OK && sensor != NVML_SENSOR_GPU)
        return NVML_INVALID_ARGUMENT;
    if (result == NVML_OK)
        *ret = (uint32_t)(temp_c(g, d) + 0.5);
    return result;
}

PUBLIC int nvmlDeviceGetTemperatureThreshold(struct nvml_device *d, uint32_t which, uint32_t *ret);
PUBLIC int nvmlDeviceGetTemperatureThreshold(struct nvml_device *d, uint32_t which, uint32_t *ret)
{
    static const uint32_t celsius[] = { 92, 87, 95, 83 }; /* NVIDIA's nvml-mock, its H100 */
    const struct standin_gpu *g;
    int result = look_at(d, "threshold", &g);
    if (result == NVML_OK && which >= sizeof(celsius) / sizeof(celsius[0]))
        return NVML_INVALID_ARGUMENT;
    if (result == NVML_OK)
        *ret = celsius[which];
    return result;
}

PUBLIC int nvmlDeviceGetMarginTemperature(struct nvml_device *d, struct nvml_margin *ret);
PUBLIC int nvmlDeviceGetMarginTemperature(struct nvml_device *d, struct nvml_margin *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "margin", &g);
    if (result == NVML_OK && ret->version != NVML_VERSIONED(struct nvml_margin, 1))
        return NVML_VERSION_MISMATCH;
    if (result == NVML_OK)
        ret->margin_c = (int32_t)(87 - temp_c(g, d));
    return result;
}

PUBLIC int nvmlDeviceGetUtilizationRates(struct nvml_device *d, struct nvml_utilisation *ret);
PUBLIC int nvmlDeviceGetUtilizationRates(struct nvml_device *d, struct nvml_utilisation *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "utilisation", &g);
    if (result == NVML_OK)
        *ret = (struct nvml_utilisation){ (uint32_t)(load_of(g) * 100),
                                          (uint32_t)(load_of(g) * 60) };
    return result;
}

/* ---- memory and its errors ------------------------------------------------------------------- */

PUBLIC int nvmlDeviceGetMemoryInfo_v2(struct nvml_device *d, struct nvml_memory *ret);
PUBLIC int nvmlDeviceGetMemoryInfo_v2(struct nvml_device *d, struct nvml_memory *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "memory", &g);
    if (result != NVML_OK)
        return result;
    if (ret->version != NVML_VERSIONED(struct nvml_memory, 2))
        return NVML_VERSION_MISMATCH;
    ret->total = MEMORY_BYTES;
    ret->reserved = RESERVED_BYTES;
    ret->used = 0;
    for (uint32_t i = 0; i < g->processes; i++)
        ret->used += (uint64_t)g->process[i].mib << 20;
    ret->free = ret->total - ret->reserved - ret->used;
    return NVML_OK;
}

PUBLIC int nvmlDeviceGetEccMode(struct nvml_device *d, uint32_t *now, uint32_t *next);
PUBLIC int nvmlDeviceGetEccMode(struct nvml_device *d, uint32_t *now, uint32_t *next)
{
    const struct standin_gpu *g;
    int result = look_at(d, "ecc-mode", &g);
    if (result == NVML_OK)
        *now = *next = (uint32_t)g->ecc;
    return result;
}

PUBLIC int nvmlDeviceGetMigMode(struct nvml_device *d, uint32_t *now, uint32_t *next);
PUBLIC int nvmlDeviceGetMigMode(struct nvml_device *d, uint32_t *now, uint32_t *next)
{
    const struct standin_gpu *g;
    int result = look_at(d, "mig-mode", &g);
    if (result == NVML_OK)
        *now = *next = or_else(g->mig, 0);
    return result;
}

PUBLIC int nvmlDeviceGetSramEccErrorStatus(struct nvml_device *d, struct nvml_sram *ret);
PUBLIC int nvmlDeviceGetSramEccErrorStatus(struct nvml_device *d, struct nvml_sram *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "sram", &g);
    if (result == NVML_OK && ret->version != NVML_VERSIONED(struct nvml_sram, 1))
        return NVML_VERSION_MISMATCH;
    if (result != NVML_OK)
        return result;
    uint64_t ue = (uint64_t)standin_count(&state.node, &g->sram_ue, now_ms());
    *ret = (struct nvml_sram){ .version = ret->version, .ue_parity = ue, .volatile_ue_parity = ue,
                               .ue_sm = ue, .threshold_exceeded = or_else(g->sram_threshold, 0) };
    return NVML_OK;
}

PUBLIC int nvmlDeviceGetRemappedRows(struct nvml_device *d, uint32_t *ce, uint32_t *ue,
                                     uint32_t *pending, uint32_t *failed);
PUBLIC int nvmlDeviceGetRemappedRows(struct nvml_device *d, uint32_t *ce, uint32_t *ue,
                                     uint32_t *pending, uint32_t *failed)
{
    const struct standin_gpu *g;
    int result = look_at(d, "remapped", &g);
    if (result != NVML_OK)
        return result;
    *ce = (uint32_t)standin_count(&state.node, &g->rows_ce, now_ms());
    *ue = (uint32_t)standin_count(&state.node, &g->rows_ue, now_ms());
    *pending = g->remap_pending;
    *failed = g->remap_failed;
    return NVML_OK;
}

PUBLIC int nvmlDeviceGetRowRemapperHistogram(struct nvml_device *d, struct nvml_banks *ret);
PUBLIC int nvmlDeviceGetRowRemapperHistogram(struct nvml_device *d, struct nvml_banks *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "banks", &g);
    if (result == NVML_OK)
        *ret = (struct nvml_banks){ g->bank[0], g->bank[1], g->bank[2], g->bank[3], g->bank[4] };
    return result;
}

/* ---- processes, fabric ----------------------------------------------------------------------- */

PUBLIC int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *d, uint32_t *count,
                                                   struct nvml_process *ret);
PUBLIC int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *d, uint32_t *count,
                                                   struct nvml_process *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "processes", &g);
    if (result != NVML_OK)
        return result;
    bool fits = *count >= g->processes;
    for (uint32_t i = 0; fits && i < g->processes; i++)
        ret[i] = (struct nvml_process){ g->process[i].pid, (uint64_t)g->process[i].mib << 20,
                                        UINT32_MAX, UINT32_MAX };
    *count = g->processes;
    return fits ? NVML_OK : NVML_INSUFFICIENT_SIZE;
}

PUBLIC int nvmlDeviceGetGpuFabricInfoV(struct nvml_device *d, struct nvml_fabric *ret);
PUBLIC int nvmlDeviceGetGpuFabricInfoV(struct nvml_device *d, struct nvml_fabric *ret)
{
    const struct standin_gpu *g;
    int result = look_at(d, "fabric", &g);
    if (result == NVML_OK && ret->version != NVML_VERSIONED(struct nvml_fabric, 2))
        return NVML_VERSION_MISMATCH;
    if (result != NVML_OK)
        return result;
    uint32_t fabric = or_else(g->fabric, 3); /* 4: joined in vain */
    ret->state = (uint8_t)(fabric > 3 ? 3 : fabric);
    ret->status = fabric > 3 ? NVML_UNKNOWN : NVML_OK;
    return NVML_OK;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* At full load, three quarters of the link; in KiB up to NVLink 4, in bytes from NVLink 5 on. */
static double link_bytes(const struct standin_gpu *g)
{
    double seconds = (double)(now_ms() % INT64_C(1000000000)) / 1000;
    return load_of(g) * 0.75 * LINK_MBPS * 1e6 * seconds;
}

static bool link_counter(const struct standin_link *l, uint32_t id, double *ret)
{
    const struct {
        uint32_t id, from;
        const struct standin_counter *counter;
    } counters[] = {
        { NVML_FI_LINK_REPLAYS, 0, &l->replays },
        { NVML_FI_LINK_RECOVERIES, 0, &l->recoveries },
        { NVML_FI_LINK_CRC_ERRORS, 0, &l->crc },
        { NVML_FI_LINK5_RX_ERRORS, 5, &l->crc },
        { NVML_FI_LINK5_RECOVERIES, 5, &l->recoveries },
        { NVML_FI_LINK5_RECOVERIES_FAILED, 5, &l->failed },
        { NVML_FI_LINK5_SYMBOL_ERRORS, 5, &l->symbols },
    };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        if (counters[i].id == id && (counters[i].from == 5) == (state.node.nvlink >= 5))
            return *ret = standin_count(&state.node, counters[i].counter, now_ms()), true;
    return false;
}

static bool link_value(const struct standin_gpu *g, uint32_t id, uint32_t scope, double *ret)
{
    const struct standin_link *l = &g->link[scope];
    bool five = state.node.nvlink >= 5;
    switch (id) {
    case NVML_FI_LINK_STATE:
        return *ret = !l->down, true;
    case NVML_FI_LINK_SPEED_MBPS:
        return *ret = l->down ? 0 : LINK_MBPS, true;
    case NVML_FI_LINK_VERSION:
        return *ret = state.node.nvlink, true;
    case NVML_FI_LINK_DATA_TX:
    case NVML_FI_LINK_DATA_RX:
        return *ret = link_bytes(g) / 1024, !five;
    case NVML_FI_LINK5_TX_BYTES:
    case NVML_FI_LINK5_RX_BYTES:
        return *ret = link_bytes(g), five;
    case NVML_FI_LINK5_EFFECTIVE_BER:
        return *ret = l->ber, five;
    default:
        return link_counter(l, id, ret);
    }
}

static bool error_value(const struct standin_gpu *g, uint32_t id, double *ret)
{
    const struct standin_counter *c;
    double more = 0;
    switch (id) {
    case NVML_FI_ECC_CE_VOLATILE: c = &g->ecc_ce; break;
    case NVML_FI_ECC_UE_VOLATILE: c = &g->ecc_ue; break;
    case NVML_FI_ECC_CE_AGGREGATE:
        c = &g->ecc_ce_ever;
        more = standin_count(&state.node, &g->ecc_ce, now_ms());
        break;
    case NVML_FI_ECC_UE_AGGREGATE:
        c = &g->ecc_ue_ever;
        more = standin_count(&state.node, &g->ecc_ue, now_ms());
        break;
    case NVML_FI_PCIE_REPLAYS: c = &g->pcie_replays; break;
    case NVML_FI_REMAPPED_CE: c = &g->rows_ce; break;
    case NVML_FI_REMAPPED_UE: c = &g->rows_ue; break;
    default: return false;
    }
    *ret = floor(standin_count(&state.node, c, now_ms()) + more);
    return true;
}

static bool slowed_value(const struct standin_gpu *g, uint32_t id, double *ret)
{
    const struct standin_counter *c;
    switch (id) {
    case NVML_FI_SLOWED_BY_POWER_NS: c = &g->slowed_power_ms; break;
    case NVML_FI_SLOWED_BY_HW_THERMAL_NS: c = &g->slowed_thermal_ms; break;
    case NVML_FI_SLOWED_BY_POWER_BRAKE_NS: c = &g->slowed_brake_ms; break;
    case NVML_FI_SLOWED_BY_SW_THERMAL_NS: *ret = 0; return true;
    default: return false;
    }
    *ret = standin_count(&state.node, c, now_ms()) * 1e6;
    return true;
}

static bool plain_value(const struct standin_gpu *g, const struct nvml_device *d, uint32_t id,
                        double *ret)
{
    switch (id) {
    case NVML_FI_POWER_AVERAGE:
    case NVML_FI_POWER_INSTANT: *ret = power_w(g, d) * 1000; break;
    case NVML_FI_POWER_LIMIT:
    case NVML_FI_POWER_LIMIT_REQUESTED:
    case NVML_FI_POWER_LIMIT_DEFAULT:
    case NVML_FI_POWER_LIMIT_MAX: *ret = LIMIT_W * 1000; break;
    case NVML_FI_POWER_LIMIT_MIN: *ret = 200000; break;
    case NVML_FI_ENERGY_MJ: /* as if it had idled since 2026 */
        *ret = IDLE_W * (double)(now_ms() - INT64_C(1767225600000));
        break;
    case NVML_FI_MEMORY_TEMP: *ret = floor(mem_temp_c(g, d) + 0.5); break;
    case NVML_FI_LINK_COUNT: *ret = STANDIN_LINKS; break;
    case NVML_FI_RECOVERY_ACTION: *ret = or_else(g->recovery, 0); break;
    case NVML_FI_REMAPPED_PENDING: *ret = g->remap_pending; break;
    case NVML_FI_REMAPPED_FAILURE: *ret = g->remap_failed; break;
    case NVML_FI_PCIE_RECOVERIES:
    case NVML_FI_PCIE_CORRECTABLE: *ret = 0; break;
    default: return false; /* retired pages, say: an H100 remaps rows instead */
    }
    return true;
}

static void answer(const struct standin_gpu *g, const struct nvml_device *d, struct nvml_field *f)
{
    double value = 0;
    bool known = error_value(g, f->id, &value) || slowed_value(g, f->id, &value) ||
                 (f->scope == 0 && plain_value(g, d, f->id, &value)) ||
                 (f->scope < STANDIN_LINKS && link_value(g, f->id, f->scope, &value));
    f->time_us = now_ms() * 1000;
    f->latency_us = 0;
    f->result = known ? NVML_OK : NVML_NOT_SUPPORTED;
    for (uint32_t i = 0; i < g->no_fields; i++)
        if (g->no_field[i] == f->id)
            f->result = NVML_INVALID_ARGUMENT;
    f->type = NVML_ULONGLONG;
    f->value.u64 = (uint64_t)value;
}

PUBLIC int nvmlDeviceGetFieldValues(struct nvml_device *d, int count, struct nvml_field *f);
PUBLIC int nvmlDeviceGetFieldValues(struct nvml_device *d, int count, struct nvml_field *f)
{
    const struct standin_gpu *g;
    int result = look_at(d, "fields", &g);
    if (result != NVML_OK)
        return result;
    if (count <= 0 || f == NULL)
        return NVML_INVALID_ARGUMENT;
    for (int i = 0; i < count; i++)
        answer(g, d, &f[i]);
    return NVML_OK;
}
