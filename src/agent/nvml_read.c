/*
 * Three tables: fields that nvmlDeviceGetFieldValues answers (one call for all
 * that are due), calls of their own, and the fields of one NVLink.
 *
 * Why which is slow is a judgement, not a measurement of ours: no GPU was at
 * hand.  Fast are what changes within a second and what the guard of a job needs
 * at once (power, clocks, heat, uncorrected errors, what the driver asks for).
 */
#include "agent/nvml_read.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PROCESSES_MAX 64

struct look {
    const struct nvml *n;
    const struct nvml_gpu *g;
    struct samples *s;
    uint32_t *answers; /* questions of this read that were answered */
};

/* Does the result say that the whole GPU is gone? */
static bool is_gone(int result)
{
    return result == NVML_GPU_IS_LOST || result == NVML_RESET_REQUIRED;
}

/* Does it say that there is no use in asking again? (An older driver calls an unknown field an
 * invalid argument.) */
static bool is_never(int result)
{
    return result == NVML_NOT_SUPPORTED || result == NVML_INVALID_ARGUMENT ||
           result == NVML_FUNCTION_NOT_FOUND || result == NVML_VERSION_MISMATCH ||
           result == NVML_DEPRECATED || result == NVML_NO_PERMISSION;
}

static void put(const struct look *l, uint32_t metric, int result, double value)
{
    if (result == NVML_OK)
        samples_put(l->s, metric, l->g->slot, value);
    else
        samples_gone(l->s, metric, l->g->slot);
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct field_row {
    uint16_t field, metric;
    double scale;   /* the field's unit in the metric's */
    bool slow;
    uint8_t how;    /* enum field_how */
    uint16_t scope;
};

/* Of the same metric as the row before: ADDS to it, or is asked INSTEAD where that is not known. */
enum field_how { ALONE, ADDS, INSTEAD };

#define MILLI 1e-3
#define NS_TO_MS 1e-6

static const struct field_row field_rows[] = {
    { NVML_FI_POWER_AVERAGE, M_GPU_POWER_W, MILLI, false, ALONE, 0 },
    { NVML_FI_POWER_INSTANT, M_GPU_POWER_INSTANT_W, MILLI, false, ALONE, 0 },
    { NVML_FI_ENERGY_MJ, M_GPU_ENERGY_J, MILLI, false, ALONE, 0 },
    { NVML_FI_MEMORY_TEMP, M_GPU_MEM_TEMP_C, 1, false, ALONE, 0 },
    { NVML_FI_ECC_CE_VOLATILE, M_GPU_ECC_SBE, 1, false, ALONE, 0 },
    { NVML_FI_ECC_UE_VOLATILE, M_GPU_ECC_DBE, 1, false, ALONE, 0 },
    { NVML_FI_PCIE_REPLAYS, M_GPU_PCIE_REPLAYS, 1, false, ALONE, 0 },
    { NVML_FI_RECOVERY_ACTION, M_GPU_RECOVERY_ACTION, 1, false, ALONE, 0 },
    { NVML_FI_POWER_LIMIT, M_GPU_POWER_LIMIT_W, MILLI, true, ALONE, 0 },
    { NVML_FI_POWER_AVERAGE, M_GPU_MODULE_POWER_W, MILLI, true, ALONE, 1 },
    { NVML_FI_ECC_CE_AGGREGATE, M_GPU_ECC_SBE_EVER, 1, true, ALONE, 0 },
    { NVML_FI_ECC_UE_AGGREGATE, M_GPU_ECC_DBE_EVER, 1, true, ALONE, 0 },
    { NVML_FI_RETIRED_CE, M_GPU_RETIRED_CE, 1, true, ALONE, 0 },
    { NVML_FI_RETIRED_UE, M_GPU_RETIRED_UE, 1, true, ALONE, 0 },
    { NVML_FI_RETIRED_PENDING, M_GPU_RETIRED_PENDING, 1, true, ALONE, 0 },
    { NVML_FI_SLOWED_BY_POWER_NS, M_GPU_SLOWED_POWER_MS, NS_TO_MS, true, ALONE, 0 },
    { NVML_FI_SLOWED_BY_SW_THERMAL_NS, M_GPU_SLOWED_THERMAL_MS, NS_TO_MS, true, ALONE, 0 },
    { NVML_FI_SLOWED_BY_HW_THERMAL_NS, M_GPU_SLOWED_THERMAL_MS, NS_TO_MS, true, ADDS, 0 },
    { NVML_FI_SLOWED_BY_THERMAL_NS, M_GPU_SLOWED_THERMAL_MS, NS_TO_MS, true, INSTEAD, 0 },
    { NVML_FI_SLOWED_BY_POWER_BRAKE_NS, M_GPU_SLOWED_BRAKE_MS, NS_TO_MS, true, ALONE, 0 },
    { NVML_FI_PCIE_RECOVERIES, M_GPU_PCIE_RECOVERIES, 1, true, ALONE, 0 },
    { NVML_FI_PCIE_CORRECTABLE, M_GPU_PCIE_CORRECTABLE, 1, true, ALONE, 0 },
};
_Static_assert(MW_ARRAY_LEN(field_rows) <= 64, "fields_out has a bit for each");

static bool field_is_out(const struct nvml_gpu *g, uint32_t row)
{
    return (g->fields_out & UINT64_C(1) << row) != 0;
}

static bool field_is_due(const struct nvml_gpu *g, uint32_t row, bool slow)
{
    const struct field_row *r = &field_rows[row];
    return (slow || !r->slow) && !field_is_out(g, row) &&
           (r->how != INSTEAD || field_is_out(g, row - 1));
}

/* Puts one answer; *sum is the value of the row before, for rows that add. */
static int take_field(const struct look *l, struct nvml_gpu *g, uint32_t row,
                      const struct nvml_field *f, double *sum)
{
    const struct field_row *r = &field_rows[row];
    bool adds = r->how == ADDS && !field_is_out(g, row - 1);
    int result = (int)f->result;
    double value = 0;
    if (is_gone(result))
        return result;
    if (is_never(result))
        g->fields_out |= UINT64_C(1) << row;
    if (nvml_field_number(f, &value)) {
        *sum = value * r->scale + (adds ? *sum : 0);
        ++*l->answers;
    } else if (!adds) {
        *sum = NAN;
    }
    samples_put(l->s, r->metric, g->slot, *sum);
    return NVML_OK;
}

static int read_fields(const struct look *l, struct nvml_gpu *g, bool slow)
{
    struct nvml_field ask[MW_ARRAY_LEN(field_rows)];
    uint32_t row[MW_ARRAY_LEN(field_rows)], count = 0;
    double sum = NAN;
    if (l->n->fields == NULL)
        return NVML_OK;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(field_rows); i++) {
        if (!field_is_due(g, i, slow))
            continue;
        ask[count] = (struct nvml_field){ .id = field_rows[i].field, .scope = field_rows[i].scope,
                                          .result = NVML_UNKNOWN };
        row[count++] = i;
    }
    int result = count > 0 ? l->n->fields(g->device, (int)count, ask) : NVML_OK;
    if (is_gone(result))
        return result;
    for (uint32_t i = 0; i < count; i++) {
        if (result != NVML_OK)
            ask[i].result = (uint32_t)result == NVML_INVALID_ARGUMENT ? NVML_UNKNOWN
                                                                      : (uint32_t)result;
        int one = take_field(l, g, row[i], &ask[i], &sum);
        if (one != NVML_OK)
            return one;
    }
    return NVML_OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Most calls ask for one number. */
static int put_u32(const struct look *l, int (*call)(struct nvml_device *, uint32_t *),
                   uint32_t metric, double scale)
{
    uint32_t value = 0;
    int result = call != NULL ? call(l->g->device, &value) : NVML_FUNCTION_NOT_FOUND;
    put(l, metric, result, value * scale);
    return result;
}

/* Only where the first field, of the same metric, is not known: A100 and older. */
static int read_power(const struct look *l)
{
    bool known = l->n->fields != NULL && (l->g->fields_out & 1) == 0;
    return known ? NVML_NO_DATA : put_u32(l, l->n->power, M_GPU_POWER_W, MILLI);
}

static int put_clock(const struct look *l, uint32_t clock, uint32_t metric)
{
    uint32_t mhz = 0;
    int result = l->n->clock != NULL ? l->n->clock(l->g->device, clock, &mhz)
                                     : NVML_FUNCTION_NOT_FOUND;
    put(l, metric, result, mhz);
    return result;
}

static int read_sm_clock(const struct look *l)
{
    return put_clock(l, NVML_CLOCK_SM, M_GPU_SM_CLOCK_MHZ);
}

static int read_mem_clock(const struct look *l)
{
    return put_clock(l, NVML_CLOCK_MEM, M_GPU_MEM_CLOCK_MHZ);
}

static int read_sm_clock_max(const struct look *l)
{
    uint32_t mhz = 0;
    int result = l->n->clock_max != NULL ? l->n->clock_max(l->g->device, NVML_CLOCK_SM, &mhz)
                                         : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_SM_CLOCK_MAX_MHZ, result, mhz);
    return result;
}

static int read_clock_events(const struct look *l)
{
    uint64_t mask = 0;
    int (*call)(struct nvml_device *, uint64_t *) =
        l->n->clock_events != NULL ? l->n->clock_events : l->n->clock_throttle;
    int result = call != NULL ? call(l->g->device, &mask) : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_THROTTLE, result, (double)mask);
    return result;
}

static int read_temperature(const struct look *l)
{
    uint32_t celsius = 0;
    int result = l->n->temperature != NULL
                     ? l->n->temperature(l->g->device, NVML_SENSOR_GPU, &celsius)
                     : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_TEMP_C, result, celsius);
    return result;
}

static int read_utilisation(const struct look *l)
{
    struct nvml_utilisation u = { 0 };
    int result = l->n->utilisation != NULL ? l->n->utilisation(l->g->device, &u)
                                           : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_UTIL_PCT, result, u.gpu_pct);
    put(l, M_GPU_MEM_UTIL_PCT, result, u.memory_pct);
    return result;
}

static int read_memory(const struct look *l)
{
    struct nvml_memory m = { .version = NVML_VERSIONED(struct nvml_memory, 2) };
    int result = l->n->memory != NULL ? l->n->memory(l->g->device, &m) : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_FB_USED_MIB, result, (double)(m.used >> 20));
    put(l, M_GPU_FB_TOTAL_MIB, result, (double)(m.total >> 20));
    return result;
}

static int read_slowdown(const struct look *l)
{
    uint32_t celsius = 0;
    int result = l->n->threshold != NULL
                     ? l->n->threshold(l->g->device, NVML_THRESHOLD_SLOWDOWN, &celsius)
                     : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_TEMP_SLOWDOWN_C, result, celsius);
    return result;
}

static int read_margin(const struct look *l)
{
    struct nvml_margin m = { .version = NVML_VERSIONED(struct nvml_margin, 1) };
    int result = l->n->margin != NULL ? l->n->margin(l->g->device, &m) : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_TEMP_MARGIN_C, result, m.margin_c);
    return result;
}

static int read_fan(const struct look *l)
{
    return put_u32(l, l->n->fan, M_GPU_FAN_PCT, 1);
}

static int read_pstate(const struct look *l)
{
    return put_u32(l, l->n->pstate, M_GPU_PSTATE, 1);
}

static int read_remapped(const struct look *l)
{
    uint32_t ce = 0, ue = 0, pending = 0, failed = 0;
    int result = l->n->remapped != NULL
                     ? l->n->remapped(l->g->device, &ce, &ue, &pending, &failed)
                     : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_ROWS_REMAPPED_CE, result, ce);
    put(l, M_GPU_ROWS_REMAPPED_UE, result, ue);
    put(l, M_GPU_REMAP_PENDING, result, pending);
    put(l, M_GPU_REMAP_FAILED, result, failed);
    return result;
}

static int read_banks(const struct look *l)
{
    struct nvml_banks b = { 0 };
    int result = l->n->banks != NULL ? l->n->banks(l->g->device, &b) : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_REMAP_BANKS_FULL, result, b.all);
    put(l, M_GPU_REMAP_BANKS_HIGH, result, b.high);
    put(l, M_GPU_REMAP_BANKS_PARTIAL, result, b.partial);
    put(l, M_GPU_REMAP_BANKS_LOW, result, b.low);
    put(l, M_GPU_REMAP_BANKS_NONE, result, b.none);
    return result;
}

static int read_sram(const struct look *l)
{
    struct nvml_sram s = { .version = NVML_VERSIONED(struct nvml_sram, 1) };
    int result = l->n->sram != NULL ? l->n->sram(l->g->device, &s) : NVML_FUNCTION_NOT_FOUND;
    put(l, M_GPU_ECC_SRAM_DBE, result, (double)(s.volatile_ue_parity + s.volatile_ue_secded));
    put(l, M_GPU_SRAM_THRESHOLD, result, s.threshold_exceeded);
    return result;
}

static int read_pcie_gen(const struct look *l)
{
    return put_u32(l, l->n->pcie_gen, M_GPU_PCIE_GEN, 1);
}

static int read_pcie_width(const struct look *l)
{
    return put_u32(l, l->n->pcie_width, M_GPU_PCIE_WIDTH, 1);
}

static int read_pcie_gen_max(const struct look *l)
{
    return put_u32(l, l->n->pcie_gen_max, M_GPU_PCIE_GEN_MAX, 1);
}

static int read_pcie_width_max(const struct look *l)
{
    return put_u32(l, l->n->pcie_width_max, M_GPU_PCIE_WIDTH_MAX, 1);
}

static int read_processes(const struct look *l)
{
    struct nvml_process p[PROCESSES_MAX];
    uint32_t count = PROCESSES_MAX;
    int result = l->n->processes != NULL ? l->n->processes(l->g->device, &count, p)
                                         : NVML_FUNCTION_NOT_FOUND;
    bool more = result == NVML_INSUFFICIENT_SIZE; /* then count is how many there are */
    put(l, M_GPU_PROCESSES, more ? NVML_OK : result, count);
    return more ? NVML_OK : result;
}

static int put_mode(const struct look *l, int (*call)(struct nvml_device *, uint32_t *, uint32_t *),
                    uint32_t metric)
{
    uint32_t current = 0, pending = 0;
    int result = call != NULL ? call(l->g->device, &current, &pending) : NVML_FUNCTION_NOT_FOUND;
    put(l, metric, result, current);
    return result;
}

static int read_ecc_mode(const struct look *l)
{
    return put_mode(l, l->n->ecc_mode, M_GPU_ECC_MODE);
}

static int read_mig_mode(const struct look *l)
{
    return put_mode(l, l->n->mig_mode, M_GPU_MIG_MODE);
}

static int read_persistence(const struct look *l)
{
    return put_u32(l, l->n->persistence, M_GPU_PERSISTENCE, 1);
}

static int read_compute_mode(const struct look *l)
{
    return put_u32(l, l->n->compute_mode, M_GPU_COMPUTE_MODE, 1);
}

static int read_fabric(const struct look *l)
{
    enum { NONE, NOT_BEGUN, JOINING, JOINED, REFUSED };
    struct nvml_fabric f = { .version = NVML_VERSIONED(struct nvml_fabric, 2) };
    int result = l->n->fabric != NULL ? l->n->fabric(l->g->device, &f) : NVML_FUNCTION_NOT_FOUND;
    if (result == NVML_OK && f.state == NONE)
        result = NVML_NOT_SUPPORTED;
    put(l, M_GPU_FABRIC_STATE, result,
        f.state == JOINED && f.status != NVML_OK ? REFUSED : f.state);
    return result;
}

static const struct call_row {
    int (*read)(const struct look *l);
    bool slow;
} call_rows[] = {
    { read_power, false },         { read_sm_clock, false },     { read_mem_clock, false },
    { read_clock_events, false },  { read_temperature, false },  { read_utilisation, false },
    { read_memory, false },        { read_pstate, true },        { read_sm_clock_max, true },
    { read_slowdown, true },       { read_margin, true },        { read_fan, true },
    { read_remapped, true },       { read_banks, true },         { read_sram, true },
    { read_pcie_gen, true },       { read_pcie_width, true },    { read_pcie_gen_max, true },
    { read_pcie_width_max, true }, { read_processes, true },     { read_ecc_mode, true },
    { read_mig_mode, true },       { read_persistence, true },   { read_compute_mode, true },
    { read_fabric, true },
};
_Static_assert(MW_ARRAY_LEN(call_rows) <= 64, "calls_out has a bit for each");

static int read_calls(const struct look *l, struct nvml_gpu *g, bool slow)
{
    for (uint32_t i = 0; i < MW_ARRAY_LEN(call_rows); i++) {
        if ((call_rows[i].slow && !slow) || (g->calls_out & UINT64_C(1) << i) != 0)
            continue;
        int result = call_rows[i].read(l);
        if (is_gone(result))
            return result;
        if (is_never(result))
            g->calls_out |= UINT64_C(1) << i;
        *l->answers += result == NVML_OK;
    }
    return NVML_OK;
}

/* ---- NVLinks --------------------------------------------------------------------------------- */

enum { LINK_ANY, LINK_BEFORE_5, LINK_FROM_5 };

static const struct link_row {
    uint16_t field, metric;
    double scale;
    uint8_t versions;
} link_rows[] = {
    { NVML_FI_LINK_STATE, M_NVLINK_UP, 1, LINK_ANY },
    { NVML_FI_LINK_SPEED_MBPS, M_NVLINK_SPEED_GBPS, MILLI, LINK_ANY },
    { NVML_FI_LINK_REPLAYS, M_NVLINK_REPLAYS, 1, LINK_BEFORE_5 },
    { NVML_FI_LINK_RECOVERIES, M_NVLINK_RECOVERIES, 1, LINK_BEFORE_5 },
    { NVML_FI_LINK_CRC_ERRORS, M_NVLINK_CRC_ERRORS, 1, LINK_BEFORE_5 },
    { NVML_FI_LINK_DATA_TX, M_NVLINK_TX_MIB, 1.0 / 1024, LINK_BEFORE_5 },
    { NVML_FI_LINK_DATA_RX, M_NVLINK_RX_MIB, 1.0 / 1024, LINK_BEFORE_5 },
    { NVML_FI_LINK5_RECOVERIES, M_NVLINK_RECOVERIES, 1, LINK_FROM_5 },
    { NVML_FI_LINK5_RECOVERIES_FAILED, M_NVLINK_RECOVERIES_FAILED, 1, LINK_FROM_5 },
    { NVML_FI_LINK5_RX_ERRORS, M_NVLINK_CRC_ERRORS, 1, LINK_FROM_5 },
    { NVML_FI_LINK5_SYMBOL_ERRORS, M_NVLINK_SYMBOL_ERRORS, 1, LINK_FROM_5 },
    { NVML_FI_LINK5_EFFECTIVE_BER, M_NVLINK_BER, 1, LINK_FROM_5 },
    { NVML_FI_LINK5_TX_BYTES, M_NVLINK_TX_MIB, 1.0 / (1 << 20), LINK_FROM_5 },
    { NVML_FI_LINK5_RX_BYTES, M_NVLINK_RX_MIB, 1.0 / (1 << 20), LINK_FROM_5 },
};
_Static_assert(MW_ARRAY_LEN(link_rows) <= 32, "link_fields_out has a bit for each");

/* mantissa x 10^-exponent; an exponent of 254 is how firmware writes "none seen". */
static double bit_error_rate(double packed)
{
    uint32_t bits = (uint32_t)packed;
    double rate = bits >> 8 & 0xf;
    for (uint32_t e = bits & 0xff; e > 0 && rate > 0; e--)
        rate /= 10;
    return rate;
}

static double link_value(const struct link_row *r, double raw)
{
    if (r->metric == M_NVLINK_UP)
        return raw != NVML_LINK_INACTIVE;
    return r->metric == M_NVLINK_BER ? bit_error_rate(raw) : raw * r->scale;
}

static int read_link(const struct look *l, struct nvml_gpu *g, uint32_t link)
{
    uint8_t skip = g->link_version >= 5 ? LINK_BEFORE_5 : LINK_FROM_5;
    uint32_t row[MW_ARRAY_LEN(link_rows)], count = 0;
    struct nvml_field ask[MW_ARRAY_LEN(link_rows)];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(link_rows); i++) {
        if (link_rows[i].versions == skip || (g->link_fields_out & 1u << i) != 0)
            continue;
        ask[count] = (struct nvml_field){ .id = link_rows[i].field, .scope = link,
                                          .result = NVML_UNKNOWN };
        row[count++] = i;
    }
    int result = count > 0 ? l->n->fields(g->device, (int)count, ask) : NVML_OK;
    if (result != NVML_OK)
        return result;
    for (uint32_t i = 0; i < count; i++) {
        const struct link_row *r = &link_rows[row[i]];
        uint32_t instance = g->slot * METRIC_LINKS_PER_GPU + link;
        double value = NAN;
        if (is_gone((int)ask[i].result))
            return (int)ask[i].result;
        if (is_never((int)ask[i].result))
            g->link_fields_out |= 1u << row[i];
        samples_put(l->s, r->metric, instance,
                    nvml_field_number(&ask[i], &value) ? link_value(r, value) : NAN);
    }
    return NVML_OK;
}

static int read_links(const struct look *l, struct nvml_gpu *g)
{
    for (uint32_t i = 0; i < g->links && l->n->fields != NULL; i++) {
        int result = read_link(l, g, i);
        if (is_gone(result))
            return result;
    }
    return NVML_OK;
}

/* ---- what it is ------------------------------------------------------------------------------ */

/* The text that a call gives, "" where it does not. */
static void ask_text(struct nvml_device *d, int (*call)(struct nvml_device *, char *, uint32_t),
                     char *to, size_t size)
{
    if (call == NULL || call(d, to, (uint32_t)size) != NVML_OK)
        to[0] = '\0';
    to[size - 1] = '\0';
}

static uint32_t ask_field(const struct nvml *n, const struct nvml_gpu *g, uint32_t id)
{
    struct nvml_field f = { .id = id, .result = NVML_UNKNOWN };
    double value;
    if (n->fields == NULL || n->fields(g->device, 1, &f) != NVML_OK ||
        !nvml_field_number(&f, &value) || value < 0 || value > UINT32_MAX)
        return 0;
    return (uint32_t)value;
}

void nvml_pci_name(const char *address, char *to, size_t size)
{
    size_t n = strlen(address);
    const char *from = n > 12 ? address + n - 12 : address; /* the domain has 8 digits there */
    size_t i = 0;
    for (; from[i] != '\0' && i + 1 < size; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[i] = '\0';
}

int nvml_gpu_attach(const struct nvml *n, struct nvml_gpu *g, const char *driver,
                    struct agent_frame *ret_part)
{
    struct nvml_pci pci = { .legacy = "" };
    struct agent_frame *f = ret_part;
    char board[80], inforom[32], uuid[96];
    must(g->device != NULL);
    g->fields_out = g->calls_out = g->link_fields_out = 0;
    int result = n->pci(g->device, &pci);
    if (result != NVML_OK)
        return result;
    pci.address[sizeof(pci.address) - 1] = '\0';
    nvml_pci_name(pci.address, g->pci, sizeof(g->pci));
    g->links = MW_MIN(ask_field(n, g, NVML_FI_LINK_COUNT), NVML_LINKS_MAX);
    g->link_version = g->links > 0 ? ask_field(n, g, NVML_FI_LINK_VERSION) : 0;
    memset(f, 0, sizeof(*f));
    f->verb = AGENT_PART;
    (void)snprintf(f->scope, sizeof(f->scope), "%s", metric_scope_name(SCOPE_GPU));
    (void)snprintf(f->pci, sizeof(f->pci), "%s", g->pci);
    ask_text(g->device, n->name, f->model, sizeof(f->model));
    ask_text(g->device, n->serial, f->serial, sizeof(f->serial));
    ask_text(g->device, n->vbios, f->fw, sizeof(f->fw));
    ask_text(g->device, n->board_part, board, sizeof(board));
    ask_text(g->device, n->inforom, inforom, sizeof(inforom));
    ask_text(g->device, n->uuid, uuid, sizeof(uuid));
    (void)snprintf(f->text, sizeof(f->text), "driver=%s uuid=%s board=%s inforom=%s nvlinks=%u",
                   driver, uuid, board, inforom, g->links);
    return NVML_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

int nvml_gpu_answers(const struct nvml *n, const struct nvml_gpu *g)
{
    uint32_t value;
    if (g->device == NULL)
        return NVML_GPU_IS_LOST;
    /* Some question that goes to the GPU itself; what it answers does not matter. */
    int result = n->temperature != NULL ? n->temperature(g->device, NVML_SENSOR_GPU, &value)
                                        : NVML_OK;
    return is_gone(result) || result == NVML_UNKNOWN ? result : NVML_OK;
}

int nvml_gpu_read(const struct nvml *n, struct nvml_gpu *g, int64_t now_ms, struct samples *s)
{
    uint32_t answers = 0;
    struct look l = { .n = n, .g = g, .s = s, .answers = &answers };
    bool slow = now_ms >= g->slow_at_ms;
    must(g->device != NULL);
    int result = read_fields(&l, g, slow);
    if (result == NVML_OK)
        result = read_calls(&l, g, slow);
    if (result == NVML_OK && answers == 0)
        result = NVML_UNKNOWN; /* "ERR!" all over: as good as lost */
    if (result == NVML_OK && slow)
        result = read_links(&l, g);
    if (result != NVML_OK)
        return result;
    if (slow)
        g->slow_at_ms = now_ms + NVML_SLOW_MS;
    samples_put(s, M_GPU_ALIVE, g->slot, 1);
    return NVML_OK;
}

void nvml_gpu_forget(uint32_t slot, struct samples *s)
{
    for (uint32_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        uint32_t first = slot * METRIC_LINKS_PER_GPU;
        if (m->scope == SCOPE_GPU)
            samples_gone(s, m->number, slot);
        for (uint32_t k = 0; m->scope == SCOPE_NVLINK && k < METRIC_LINKS_PER_GPU; k++)
            samples_gone(s, m->number, first + k);
    }
    samples_put(s, M_GPU_ALIVE, slot, 0);
}
