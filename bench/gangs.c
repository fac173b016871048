/*
 * Gangs placed a second on 31,250 nodes, and how long one waits for its place.
 * In memory: a job is submitted, decided and applied in one group; then it is
 * said to run, and later to end, so that a busy site stays as busy.  Stated
 * apart: the same with each submission durable before the next; the durable
 * commits of many waiting clients shared, through HTTP on loopback; and a real
 * slurmctld of this machine at the same number of nodes.
 *
 * What is counted is whole lives of gangs: submitted and placed, running,
 * ended.  What is timed for the percentiles is the submission until its place
 * is decided, applied and (where it says so) durable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/units.h"
#include "bench/gang_http.h"
#include "bench/gang_peer.h"
#include "bench/gang_stand.h"
#include "core/journal_memory.h"
#include "store/journal_sqlite.h"

#define CYCLES 400000u
#define DURABLE_CYCLES 2000u
#define SITE_NODES 31250u
#define PEER_GANGS 60u
#define LARGE_NODES 12500u /* 100,000 GPUs in nodes of 8 */

struct texts {
    const char *key_rate, *what_rate, *key_p50, *what_p50, *key_p99, *what_p99, *key_large,
        *what_large;
};

static struct journal *memory_journal(struct measure *m)
{
    static const struct journal_memory_options o = { .discard = true };
    struct journal *j = NULL;
    if (journal_memory_create(&o, &j) < 0)
        measure_fail(m, &(struct mw_error){ .code = MW_ENOMEM });
    return j;
}

/* The least that could be done: nodes off a stack and back onto it, and the bytes of the same
 * events written once. */
static double plain_s(uint32_t nodes, uint32_t cycles)
{
    enum { RING = 4096, RUNNING = 4096 };
    static struct event ring[RING];
    static uint32_t gang[RUNNING][GANG_FOUR];
    uint32_t *stack = malloc(nodes * sizeof(*stack)), top = nodes, at = 0;
    must(stack);
    for (uint32_t n = 0; n < nodes; n++)
        stack[n] = n;
    for (uint32_t i = 0; i < RUNNING; i++)
        for (uint32_t k = 0; k < GANG_FOUR; k++)
            gang[i][k] = stack[--top];
    double start = measure_cpu_s();
    for (uint32_t i = 0; i < cycles; i++) {
        uint32_t *one = gang[mw_random_u64(9, i, 0, 0) % RUNNING];
        for (uint32_t k = 0; k < GANG_FOUR; k++)
            stack[top++] = one[k];
        for (uint32_t k = 0; k < GANG_FOUR; k++)
            one[k] = stack[--top];
        for (uint32_t e = 0; e < 4; e++) { /* submitted, placed, running, ended */
            struct event *ev = &ring[at++ % RING];
            memset(ev, (int)e, sizeof(*ev));
            ev->seq = at;
            memcpy(&ev->body, one, sizeof(gang[0]));
        }
    }
    double took = measure_cpu_s() - start;
    volatile uint64_t seen = ring[at % RING].seq;
    (void)seen;
    free(stack);
    return took;
}

static void add_percentiles(struct measure *m, const struct gang_times *t, const struct texts *x,
                            double p99_max_us)
{
    measure_add(m, &(struct figure){ .key = x->key_p50, .what = x->what_p50,
                                     .value = gang_percentile_us(t, 50), .unit = "us" });
    measure_add(m, &(struct figure){
        .key = x->key_p99, .what = x->what_p99, .value = gang_percentile_us(t, 99), .unit = "us",
        .sense = p99_max_us > 0 ? AT_MOST : NO_TARGET, .target = p99_max_us });
}

/* A whole site's worth of a gang at once, on an empty one, some times over. */
static void measure_large(struct gang_stand *s, struct measure *m, const struct texts *x)
{
    struct gang_times t = { 0 };
    uint32_t crossed = 0;
    for (uint32_t i = 0; i < (m->quick ? 2u : 20u); i++) {
        struct gang_life life = gang_submit(s, LARGE_NODES, &t);
        crossed = life.groups;
        gang_end(s, &life);
    }
    measure_add(m, &(struct figure){
        .key = x->key_large, .what = x->what_large, .value = gang_percentile_us(&t, 100) / 1e3,
        .unit = "ms", .sense = AT_MOST, .target = 50,
        .limit = LARGE_NODES * 2.0 * sizeof(uint32_t) / measure_copy_rate() * 1e3,
        .limit_what = "copying the list of its nodes once" });
    measure_note(m, "%u nodes on %u groups; the slowest of %u, median %.2f ms", LARGE_NODES,
                 crossed, t.length, gang_percentile_us(&t, 50) / 1e3);
    gang_times_fini(&t);
}

static void measure_shape(struct measure *m, const char *shape, uint32_t gpus,
                          const struct texts *x)
{
    struct gang_stand s;
    struct gang_times t = { 0 };
    struct journal *j = memory_journal(m);
    uint32_t cycles = m->quick ? CYCLES / 20 : CYCLES;
    gang_stand_init(&s, m, j, shape, gpus);
    measure_large(&s, m, x);
    gang_fill(&s);
    double rate = 0, floor_s = plain_s(s.fleet->count[COMPONENT_NODE], cycles);
    uint64_t events = 0;
    for (uint32_t turn = 0; turn < (m->quick ? 1u : 3u); turn++) {
        uint64_t before = core_seq(s.control->core);
        double start = measure_cpu_s();
        gang_churn(&s, cycles, &t);
        rate = MW_MAX(rate, (double)cycles / (measure_cpu_s() - start));
        events = core_seq(s.control->core) - before;
    }
    double bytes = (double)events * sizeof(struct event) / (double)cycles;
    measure_add(m, &(struct figure){
        .key = x->key_rate, .what = x->what_rate, .value = rate, .unit = "gangs/s",
        .sense = AT_LEAST, .target = 10000, .limit = measure_copy_rate() / bytes,
        .limit_what = "copying their events once", .peer = (double)cycles / floor_s,
        .peer_what = "floor: four nodes off a stack and back, the same bytes written" });
    measure_note(m, "%u nodes, %.0f %% busy, %u gangs running, %.1f events of %.0f bytes a gang; "
                 "%.0f %% of four nodes; %.1f %% of these cross a group",
                 s.fleet->count[COMPONENT_NODE], gang_busy(&s) * 100, s.running,
                 (double)events / cycles, bytes,
                 gang_part_of_four(&s) * 100, s.crossed * 100.0 / MW_MAX(s.placed_four, 1));
    add_percentiles(m, &t, x, 1000);
    measure_add(m, &(struct figure){
        .key = strcmp(shape, "hgx-h100") == 0 ? "gangs_rss_mib" : "gangs_rss_mib_nvl72",
        .what = "resident in all", .value = gang_resident_mib(), .unit = "MiB", .sense = AT_MOST,
        .target = 200 });
    measure_note(m, "of it the site %.0f MiB, the planes' state %.0f MiB",
                 (double)fleet_memory_bytes(s.fleet) / 1048576.0,
                 (double)core_state_bytes(s.control->core) / 1048576.0);
    gang_stand_fini(&s);
    journal_destroy(j);
    gang_times_fini(&t);
}

/* Gangs of four on racks of eighteen until no more fit: what is left that nobody can use?  Slurm's
 * block topology leaves two trays of each rack. */
static void measure_stranded(struct measure *m)
{
    struct gang_stand s;
    struct journal *j = memory_journal(m);
    gang_stand_init(&s, m, j, "gb200-nvl72", m->quick ? 12500 : 125000);
    uint32_t nodes = s.fleet->count[COMPONENT_NODE];
    while (work_free_nodes(s.control->work) >= GANG_FOUR)
        (void)gang_submit(&s, GANG_FOUR, NULL);
    measure_add(m, &(struct figure){
        .key = "gangs_stranded_percent", .what = "trays of racks of 18 that gangs of 4 cannot use",
        .value = work_free_nodes(s.control->work) * 100.0 / nodes, .unit = "%", .sense = AT_MOST,
        .target = 1 });
    measure_note(m, "%.1f %% of the gangs cross a rack; 2 of 18 trays, 11.1 %%, with Slurm 26.05's "
                 "blocks (not measured here)", s.crossed * 100.0 / s.placed_four);
    gang_stand_fini(&s);
    journal_destroy(j);
}

/* ---- durable, and beside a real slurmctld ---------------------------------------------------- */

struct end_texts {
    const char *key, *what, *key_p50, *key_p99;
    uint32_t clients; /* 0 = no HTTP */
};

static void measure_end_to_end(struct gang_stand *s, struct measure *m, const struct end_texts *x,
                               const struct gang_peer *peer)
{
    struct gang_times t = { 0 };
    uint32_t count = DURABLE_CYCLES * (x->clients > 1 ? 10 : 1) / (m->quick ? 20 : 1);
    double start = measure_wall_s();
    if (x->clients > 0)
        (void)gang_http_run(s, x->clients, count, &t);
    else
        gang_churn(s, count, &t);
    double took = measure_wall_s() - start;
    measure_add(m, &(struct figure){
        .key = x->key, .what = x->what, .value = (double)count / took, .unit = "gangs/s",
        .peer = peer ? peer->rate : 0,
        .peer_what = "slurmctld of this machine, one after the other, not durable each" });
    measure_add(m, &(struct figure){
        .key = x->key_p50, .what = "waited, median", .unit = "ms",
        .value = gang_percentile_us(&t, 50) / 1e3, .peer = peer ? peer->p50_ms : 0,
        .peer_what = "slurmctld" });
    measure_add(m, &(struct figure){
        .key = x->key_p99, .what = "waited, 99 of 100", .unit = "ms",
        .value = gang_percentile_us(&t, 99) / 1e3, .peer = peer ? peer->p99_ms : 0,
        .peer_what = "slurmctld" });
    gang_times_fini(&t);
}

static void measure_durable(struct measure *m)
{
    static const struct end_texts WAYS[] = {
        { "gangs_durable", "gangs, each submission durable before the next, no network",
          "gangs_durable_p50_ms", "gangs_durable_p99_ms", 0 },
        { "gangs_http_1", "gangs over HTTP, durable, one client", "gangs_http_1_p50_ms",
          "gangs_http_1_p99_ms", 1 },
        { "gangs_http_64", "gangs over HTTP, durable, 64 clients", "gangs_http_64_p50_ms",
          "gangs_http_64_p99_ms", 64 },
    };
    struct gang_peer peer = { 0 };
    struct gang_stand s;
    struct journal *j = NULL;
    struct mw_error err = { .text = "" };
    char path[MEASURE_PATH_MAX + 32];
    bool beside = !m->quick && gang_peer_run(m, SITE_NODES, PEER_GANGS, &peer);
    if (beside)
        measure_note(m, "slurmctld, %u CLOUD nodes: %.2f gangs/s, median %.0f ms, 99 of 100 "
                     "%.0f ms, %.0f MiB, up after %.1f s", SITE_NODES, peer.rate, peer.p50_ms,
                     peer.p99_ms, peer.rss_mib, peer.start_s);
    (void)snprintf(path, sizeof(path), "%s/journal", measure_folder(m));
    if (journal_sqlite_open(path, NULL, &j, &err) < 0)
        measure_fail(m, &err);
    gang_stand_init(&s, m, j, "hgx-h100", SITE_NODES * 8);
    gang_fill(&s);
    for (size_t i = 0; i < MW_ARRAY_LEN(WAYS); i++)
        measure_end_to_end(&s, m, &WAYS[i], beside ? &peer : NULL);
    measure_note(m, "this disk: 4 KiB appended and synced %.0f times a second",
                 measure_sync_rate(m, 4096));
    gang_stand_fini(&s);
    journal_destroy(j);
}

int main(int argc, char **argv)
{
    static const struct texts HGX = {
        "gangs_per_s", "gangs placed on 31,250 nodes, busy site (HGX: groups of 32)",
        "gangs_p50_us", "submit to placed, median", "gangs_p99_us", "submit to placed, 99 of 100",
        "gang_12500_ms", "a gang of 100,000 GPUs on the empty site" };
    static const struct texts NVL = {
        "gangs_per_s_nvl72", "gangs placed on 31,266 trays, busy site (NVL72: racks of 18)",
        "gangs_p50_us_nvl72", "submit to placed, median", "gangs_p99_us_nvl72",
        "submit to placed, 99 of 100", "gang_12500_ms_nvl72",
        "a gang of 12,500 trays (50,000 GPUs) on the empty site" };
    struct measure m;
    measure_begin(&m, "gangs", argc, argv);
    measure_shape(&m, "hgx-h100", 250000, &HGX);
    measure_shape(&m, "gb200-nvl72", 125000, &NVL);
    measure_stranded(&m);
    measure_durable(&m);
    return measure_end(&m);
}
