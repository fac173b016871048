/*
 * Processors and memory: the STREAM triad (level 3), a memory pattern (level 3),
 * and the burn-in in which every processor does the same work and the results are
 * compared bit for bit (level 4).  Threads are pinned to what this process may use.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/check_cpu_burn.h"
#include "agent/check_private.h"
#include "agent/check_host_kernels.h"

#define STREAM_BYTES_LEAST ((size_t)96 << 20) /* of the three arrays; each thread 4 MiB of each */
#define STREAM_BYTES_MAX ((size_t)4 << 30)
#define STREAM_TIMES 6u                       /* the best counts, as STREAM's rules say */
#define THREADS_MAX 1024u

struct worker {
    void (*run)(struct worker *w);
    struct team *team;
    uint32_t number, cpu;
    pthread_t thread;
    bool started;
    mw_u64 result;
    uint64_t turns;
};

struct team {
    struct worker *worker;
    uint32_t workers;
    double *a, *b, *c;   /* the triad's */
    size_t n;            /* of each */
    uint32_t *word;      /* the pattern's */
    mw_u64 words;
    uint32_t seed, flip;
    int64_t end_ms;
    uint64_t *bad;       /* per worker */
};

/* ---- a team of pinned threads --------------------------------------------------------------- */

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(w->cpu, &one);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    w->run(w);
    return NULL;
}

static uint32_t cpus_allowed(uint32_t *cpu, uint32_t most)
{
    cpu_set_t set;
    uint32_t n = 0;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 0;
    for (uint32_t i = 0; i < CPU_SETSIZE && n < most; i++)
        if (CPU_ISSET(i, &set))
            cpu[n++] = i;
    return n;
}

static bool team_init(struct team *t)
{
    uint32_t *cpu = calloc(THREADS_MAX, sizeof(*cpu));
    *t = (struct team){ .worker = calloc(THREADS_MAX, sizeof(*t->worker)),
                        .bad = calloc(THREADS_MAX, sizeof(*t->bad)) };
    if (cpu != NULL && t->worker != NULL && t->bad != NULL)
        t->workers = cpus_allowed(cpu, THREADS_MAX);
    for (uint32_t i = 0; i < t->workers; i++)
        t->worker[i] = (struct worker){ .team = t, .number = i, .cpu = cpu[i] };
    free(cpu);
    return t->workers > 0;
}

static void team_fini(struct team *t)
{
    free(t->worker);
    free(t->bad);
}

/* Runs it on all and waits.  A thread that cannot be started runs here. */
static void team_run(struct team *t, void (*run)(struct worker *w))
{
    for (uint32_t i = 0; i < t->workers; i++) {
        t->worker[i].run = run;
        t->worker[i].started =
            pthread_create(&t->worker[i].thread, NULL, thread_main, &t->worker[i]) == 0;
    }
    for (uint32_t i = 0; i < t->workers; i++) {
        if (t->worker[i].started)
            (void)pthread_join(t->worker[i].thread, NULL);
        else
            run(&t->worker[i]);
    }
}

static void share(const struct worker *w, size_t all, size_t *from, size_t *to)
{
    *from = all * w->number / w->team->workers;
    *to = all * (w->number + 1) / w->team->workers;
}

/* ---- STREAM triad --------------------------------------------------------------------------- */

static void triad_fill(struct worker *w) /* by who uses it: the page lies on its NUMA node */
{
    size_t from, to;
    share(w, w->team->n, &from, &to);
    for (size_t i = from; i < to; i++) {
        w->team->a[i] = 0;
        w->team->b[i] = 1;
        w->team->c[i] = 2;
    }
}

static void triad(struct worker *w)
{
    size_t from, to;
    share(w, w->team->n, &from, &to);
    double *a = w->team->a;
    const double *b = w->team->b, *c = w->team->c;
    for (size_t i = from; i < to; i++)
        a[i] = b[i] + 3.0 * c[i];
}

/* The last cache of a processor, as the kernel shows it; STREAM wants arrays of four times it. */
static size_t stream_bytes(struct check_ctx *c, uint32_t threads)
{
    char text[32];
    size_t cache = 32u << 20;
    if (check_read(c->o->sysfs_root, "/sys/devices/system/cpu/cpu0/cache/index3/size", text,
                   sizeof(text)) > 0)
        cache = strtoul(text, NULL, 10) << 10;
    size_t bytes = MW_MAX(MW_MAX(STREAM_BYTES_LEAST, cache * 12), (size_t)threads * (12u << 20));
    bytes = MW_MIN(bytes, STREAM_BYTES_MAX);
    return MW_MIN(bytes, (size_t)c->o->memory_max);
}

static void *map(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at != MAP_FAILED ? at : NULL;
}

void check_stream(struct check_ctx *c)
{
    struct team t;
    double best = 0;
    if (!team_init(&t)) {
        check_say(c, VERDICT_UNKNOWN, "cpu-stream", "", "no processors to be had");
        team_fini(&t);
        return;
    }
    size_t bytes = stream_bytes(c, t.workers);
    char *all = map(bytes);
    t.n = bytes / 3 / sizeof(double);
    t.a = (double *)(void *)all;
    t.b = t.a + t.n;
    t.c = t.b + t.n;
    if (all != NULL)
        team_run(&t, triad_fill);
    for (uint32_t k = 0; all != NULL && k < STREAM_TIMES; k++) {
        int64_t from = check_clock_ns();
        team_run(&t, triad);
        double s = (double)(check_clock_ns() - from) / 1e9;
        best = MW_MAX(best, 24.0 * (double)t.n / s / 1e9);
    }
    check_note(c, "triad, %u threads, %zu MiB, best of %u", t.workers, bytes >> 20, STREAM_TIMES);
    if (best > 0)
        check_figure(c, "cpu-stream", "", "GB/s", best);
    else
        check_say(c, VERDICT_UNKNOWN, "cpu-stream", "", "no memory");
    if (all != NULL)
        (void)munmap(all, bytes);
    team_fini(&t);
}

/* ---- memory pattern ------------------------------------------------------------------------- */

static void pattern_write(struct worker *w)
{
    size_t from, to;
    share(w, w->team->words, &from, &to);
    for (size_t i = from; i < to; i++)
        w->team->word[i] = mw_pattern(i, w->team->seed, w->team->flip);
}

static void pattern_read(struct worker *w)
{
    size_t from, to;
    uint64_t bad = 0;
    share(w, w->team->words, &from, &to);
    for (size_t i = from; i < to; i++)
        bad += w->team->word[i] != mw_pattern(i, w->team->seed, w->team->flip);
    w->team->bad[w->number] += bad;
}

static uint64_t sum_bad(const struct team *t)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < t->workers; i++)
        all += t->bad[i];
    return all;
}

void check_memory(struct check_ctx *c)
{
    struct team t;
    uint32_t turns = 0;
    size_t bytes = (size_t)c->o->memory_max & ~(size_t)4095;
    void *at = NULL;
    if (!team_init(&t) || (at = map(bytes)) == NULL) {
        check_say(c, VERDICT_UNKNOWN, "memory-errors", "", "no memory");
        team_fini(&t);
        return;
    }
    t.word = at;
    t.words = bytes / 4;
    t.seed = (uint32_t)c->o->seed;
    int64_t end = MW_MIN(check_clock_ms() + (c->o->level >= 4 ? c->o->burn_ms : 2000),
                         c->deadline_ms - 1000);
    do {
        team_run(&t, pattern_write);
        team_run(&t, pattern_read);
        t.flip = ~t.flip;
        turns++;
    } while (turns < 2 || (c->o->level >= 4 && check_clock_ms() < end));
    check_note(c, "%zu MiB, pattern and inverse, %u turns, %u threads", bytes >> 20, turns,
               t.workers);
    check_figure(c, "memory-errors", "", "", (double)sum_bad(&t));
    (void)munmap(at, bytes);
    team_fini(&t);
}

/* ---- burn-in -------------------------------------------------------------------------------- */

/* Turns of CPU_BURN_INPUTS inputs; every turn of the same input must give the same. */
static void burn(struct worker *w)
{
    mw_u64 first[CPU_BURN_INPUTS] = { 0 };
    uint64_t bad = 0;
    for (w->turns = 0; w->turns < 2 * CPU_BURN_INPUTS || check_clock_ms() < w->team->end_ms;
         w->turns++) {
        uint32_t input = (uint32_t)(w->turns % CPU_BURN_INPUTS);
        mw_u64 fold = cpu_burn_turn(mw_mix(w->team->seed + input));
        if (w->turns < CPU_BURN_INPUTS) {
            first[input] = fold;
            w->result = w->result * 0x9e3779b97f4a7c15ull + fold;
        } else {
            bad += fold != first[input];
        }
    }
    w->team->bad[w->number] += bad;
}

/* The result that most processors have. */
static mw_u64 agreed(const struct team *t)
{
    mw_u64 best = t->worker[0].result;
    uint32_t best_count = 0;
    for (uint32_t i = 0; i < t->workers; i++) {
        uint32_t count = 0;
        for (uint32_t j = 0; j < t->workers; j++)
            count += t->worker[j].result == t->worker[i].result;
        if (count > best_count) {
            best_count = count;
            best = t->worker[i].result;
        }
    }
    return best;
}

void check_cpu_burn(struct check_ctx *c)
{
    struct team t;
    uint64_t turns = 0;
    if (!team_init(&t)) {
        check_say(c, VERDICT_UNKNOWN, "cpu-burn-errors", "", "no processors to be had");
        team_fini(&t);
        return;
    }
    int64_t now = check_clock_ms();
    t.seed = (uint32_t)c->o->seed;
    t.end_ms = MW_MIN(now + c->o->burn_ms, c->deadline_ms - (c->deadline_ms - now) / 8);
    team_run(&t, burn);
    mw_u64 right = agreed(&t);
    for (uint32_t i = 0; i < t.workers; i++) {
        const struct worker *w = &t.worker[i];
        char part[16];
        turns += w->turns;
        if (t.bad[i] == 0 && w->result == right)
            continue;
        (void)snprintf(part, sizeof(part), "cpu%u", w->cpu);
        check_note(c, "%s", w->result != right ? "differs from the other processors"
                                               : "differs from itself");
        check_figure(c, "cpu-burn-errors", part, "", (double)t.bad[i] + (w->result != right));
    }
    check_note(c, "%u processors, %llu turns, compared bit for bit", t.workers,
               (unsigned long long)turns);
    check_figure(c, "cpu-burn-errors", "", "", (double)sum_bad(&t));
    team_fini(&t);
}
