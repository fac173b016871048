/* See agents_sim.h.  Writes the format of signal/samples.h by itself, so that 31,250 machines need
 * no tables. */
#include "bench/agents_sim.h"

#include "base/hash.h"
#include "base/units.h"

static uint32_t add(struct sim *s, uint32_t metric, uint32_t instance, uint8_t noise,
                    const int64_t n[3])
{
    must(s->count < SIM_SERIES_MAX && metric_of(metric) != NULL);
    s->series[s->count] = (struct sim_series){ .metric = (uint16_t)metric, .instance = instance,
                                               .noise = noise, .period_s = (uint32_t)n[2],
                                               .base = n[0], .amount = n[1] };
    return s->count++;
}

#define STILL(m, v) { m, SIM_STILL, { v, 0, 1 } }
#define NOISE(m, v, a, p) { m, SIM_GAUGE, { v, a, p } }
#define COUNT(m, v, a, p) { m, SIM_COUNTER, { v, a, p } }

struct row {
    uint16_t metric;
    uint8_t noise;
    int64_t n[3]; /* value, amount, period in seconds */
};

/* In whole steps.  35 of a GPU. */
static const struct row gpu[] = {
    NOISE(M_GPU_POWER_W, 655, 25, 1), NOISE(M_GPU_POWER_INSTANT_W, 660, 60, 1),
    STILL(M_GPU_POWER_LIMIT_W, 700), COUNT(M_GPU_ENERGY_J, 100000, 6, 1),
    NOISE(M_GPU_SM_CLOCK_MHZ, 120, 4, 2), STILL(M_GPU_MEM_CLOCK_MHZ, 2619),
    NOISE(M_GPU_THROTTLE, 4, 0, 30), NOISE(M_GPU_TEMP_C, 62, 2, 6),
    NOISE(M_GPU_MEM_TEMP_C, 71, 2, 8),
    NOISE(M_GPU_UTIL_PCT, 97, 3, 1), NOISE(M_GPU_MEM_UTIL_PCT, 61, 9, 1),
    NOISE(M_GPU_FB_USED_MIB, 4400, 2, 20), STILL(M_GPU_FB_TOTAL_MIB, 81559),
    STILL(M_GPU_ECC_SBE, 0), STILL(M_GPU_ECC_DBE, 0), STILL(M_GPU_ECC_SBE_EVER, 3),
    STILL(M_GPU_ECC_DBE_EVER, 0), STILL(M_GPU_ROWS_REMAPPED_CE, 0),
    STILL(M_GPU_ROWS_REMAPPED_UE, 0), STILL(M_GPU_REMAP_PENDING, 0), STILL(M_GPU_REMAP_FAILED, 0),
    STILL(M_GPU_REMAP_BANKS_LOW, 0), STILL(M_GPU_REMAP_BANKS_NONE, 0), STILL(M_GPU_PCIE_REPLAYS, 0),
    STILL(M_GPU_PCIE_GEN, 5), STILL(M_GPU_PCIE_GEN_MAX, 5), STILL(M_GPU_PCIE_WIDTH, 16),
    STILL(M_GPU_PCIE_WIDTH_MAX, 16), NOISE(M_GPU_PCIE_TX_MIBPS, 150, 70, 1),
    NOISE(M_GPU_PCIE_RX_MIBPS, 120, 60, 1), STILL(M_GPU_PROCESSES, 1), STILL(M_GPU_ALIVE, 1),
    COUNT(M_NVLINK_TX_MIB, 50000, 900, 1), COUNT(M_NVLINK_RX_MIB, 50000, 900, 1),
    NOISE(M_GPU_TEMP_MARGIN_C, 24, 2, 6),
};

/* 12 of a port. */
static const struct row port[] = {
    STILL(M_IB_STATE, 4), STILL(M_IB_PHYS_STATE, 5), STILL(M_IB_RATE_GBPS, 4000),
    STILL(M_IB_SYMBOL_ERRORS, 0), STILL(M_IB_LINK_DOWNED, 1), STILL(M_IB_LINK_RECOVERIES, 0),
    STILL(M_IB_RCV_ERRORS, 0), STILL(M_IB_INTEGRITY_ERRORS, 0), STILL(M_IB_BUFFER_OVERRUNS, 0),
    COUNT(M_IB_XMIT_WAIT, 10, 3, 2), COUNT(M_IB_XMIT_MIB, 100000, 9000, 1),
    COUNT(M_IB_RCV_MIB, 100000, 9000, 1),
};

static const struct row host[] = {
    COUNT(M_HOST_UPTIME_S, 9000, 1, 60), NOISE(M_CPU_BUSY_PCT, 14, 3, 1),
    NOISE(M_LOAD1, 240, 20, 2),
    STILL(M_MEM_TOTAL_MIB, 2063840), NOISE(M_MEM_AVAILABLE_MIB, 25000, 40, 1),
    NOISE(M_TASKS_BLOCKED, 1, 1, 2), STILL(M_TASKS_STUCK, 0), STILL(M_OOM_KILLS, 0),
    STILL(M_CLOCK_SYNCED, 1), NOISE(M_CLOCK_OFFSET_US, 2, 2, 16), NOISE(M_CLOCK_SKEW_US, 3, 2, 5),
    NOISE(M_AGENT_RSS_KIB, 150, 1, 30), NOISE(M_AGENT_CPU_PPM, 30, 6, 10),
    NOISE(M_CPU_TEMP_C, 58, 2, 3), STILL(M_CPU_THROTTLES, 0), STILL(M_EDAC_CE, 0),
    STILL(M_EDAC_UE, 0), STILL(M_DISK_SMART_OK, 1), NOISE(M_DISK_TEMP_C, 41, 1, 20),
    STILL(M_DISK_WARNING, 0), STILL(M_DISK_SPARE_PCT, 100), STILL(M_DISK_SPARE_LIMIT_PCT, 10),
    STILL(M_DISK_USED_PCT, 4), STILL(M_DISK_MEDIA_ERRORS, 0), COUNT(M_DISK_READ_MIB, 9000, 40, 5),
    COUNT(M_DISK_WRITTEN_MIB, 9000, 40, 5), NOISE(M_FS_USED_PCT, 410, 1, 30),
    NOISE(M_FS_INODES_USED_PCT, 30, 0, 60), STILL(M_FS_READONLY, 0), STILL(M_GPU_COUNT, 8),
    STILL(M_PORT_UP, 1), STILL(M_PORT_ENABLED, 1), STILL(M_PORT_SPEED_GBPS, 250),
    STILL(M_PORT_CARRIER_CHANGES, 2), COUNT(M_PORT_RX_MIB, 9000, 3, 1),
    COUNT(M_PORT_TX_MIB, 9000, 2, 1), STILL(M_PORT_RX_ERRORS, 0), STILL(M_PORT_TX_ERRORS, 0),
    STILL(M_PORT_RX_DROPPED, 0), STILL(M_PCI_AER_CORRECTABLE, 0), STILL(M_PCI_AER_NONFATAL, 0),
    STILL(M_PCI_AER_FATAL, 0), NOISE(M_HWMON_TEMP_C, 33, 1, 9), NOISE(M_HWMON_FAN_RPM, 120, 3, 3),
    NOISE(M_HWMON_POWER_W, 1900, 30, 1),
};

void sim_init(struct sim *s)
{
    *s = (struct sim){ 0 };
    for (uint32_t g = 0; g < SIM_GPUS; g++)
        for (size_t i = 0; i < MW_ARRAY_LEN(gpu); i++) {
            bool link = metric_of(gpu[i].metric)->scope == SCOPE_NVLINK;
            uint32_t at = add(s, gpu[i].metric, link ? g * METRIC_LINKS_PER_GPU : g, gpu[i].noise,
                              gpu[i].n);
            if (gpu[i].metric == M_GPU_REMAP_PENDING)
                s->pending[g] = at;
        }
    for (uint32_t p = 0; p < SIM_PORTS; p++)
        for (size_t i = 0; i < MW_ARRAY_LEN(port); i++)
            (void)add(s, port[i].metric, p, port[i].noise, port[i].n);
    for (size_t i = 0; i < MW_ARRAY_LEN(host); i++)
        (void)add(s, host[i].metric, SIM_PORTS, host[i].noise, host[i].n);
}

static int64_t epoch_of(const struct sim_series *r, uint32_t agent, uint32_t row, int64_t second)
{
    return (second + agent % 61 + row) / r->period_s;
}

static int64_t value_of(const struct sim_series *r, uint32_t agent, uint32_t row, int64_t epoch)
{
    if (r->noise == SIM_STILL)
        return r->base;
    uint64_t bits = mw_mix64((uint64_t)agent << 40 ^ (uint64_t)row << 28 ^ (uint64_t)epoch);
    uint64_t spread = (uint64_t)(r->noise == SIM_GAUGE ? 2 * r->amount : r->amount) + 1;
    int64_t noise = (int64_t)(bits % spread);
    return r->noise == SIM_GAUGE ? r->base + noise - r->amount
                                 : r->base + epoch * r->amount + noise;
}

static uint8_t *put(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

struct body {
    uint8_t *at;
    uint32_t values, next;
};

static void put_value(struct body *b, uint32_t row, int64_t delta)
{
    b->at = put(b->at, row - b->next);
    b->at = put(b->at, zigzag(delta));
    b->next = row + 1;
    b->values++;
}

static void put_values(const struct sim *s, const struct sim_now *n, const struct sim_said *said,
                       struct body *b)
{
    bool first = said->second < 0;
    for (uint32_t row = 0; row < s->count; row++) {
        const struct sim_series *r = &s->series[row];
        bool pending = r->metric == M_GPU_REMAP_PENDING;
        int64_t is = pending ? n->fault == (int64_t)r->instance : 0;
        int64_t was = pending ? said->fault == (int64_t)r->instance : 0;
        if (r->noise != SIM_STILL || first) {
            int64_t now = epoch_of(r, n->agent, row, n->second), before;
            before = first ? now - 1 : epoch_of(r, n->agent, row, said->second);
            if (now == before)
                continue;
            is += value_of(r, n->agent, row, now);
            was = first ? 0 : value_of(r, n->agent, row, before);
        }
        if (first || is != was)
            put_value(b, row, is - was);
    }
}

size_t sim_frame(const struct sim *s, const struct sim_now *now, struct sim_said *said, uint8_t *to,
                 size_t size)
{
    uint8_t values[SIM_SERIES_MAX * 12], *at = put(to, now->machine);
    struct body b = { .at = values };
    bool first = said->second < 0;
    int64_t skipped = first ? 0 : now->second - said->second - 1;
    put_values(s, now, said, &b);
    at = put(at, said->seq);
    at = put(at, (uint64_t)now->second * MW_MS_PER_S);
    at = put(at, skipped > 0 ? (uint64_t)skipped : 0);
    at = put(at, first ? s->count : 0);
    for (uint32_t row = 0; first && row < s->count; row++) {
        at = put(at, s->series[row].metric);
        at = put(at, s->series[row].instance);
    }
    at = put(at, b.values);
    must((size_t)(at - to) + (size_t)(b.at - values) + 1 <= size);
    for (const uint8_t *v = values; v < b.at;)
        *at++ = *v++;
    at = put(at, 0);
    *said = (struct sim_said){ .second = now->second, .seq = said->seq + 1, .fault = now->fault };
    return (size_t)(at - to);
}
