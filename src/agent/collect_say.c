/*
 * What the collector says: states of sources, parts, frames of samples, and what
 * the agent itself costs the node.
 */
#include "agent/collect_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/files.h"

#define OWN_MS 10000

void collect_state(struct collect *c, struct collect_entry *e, uint8_t state, const char *text)
{
    must(state >= AGENT_SOURCE_OK && state <= AGENT_SOURCE_ABSENT);
    (void)c;
    if (e->said == state && strcmp(e->text, text) == 0)
        return;
    e->said = state;
    e->told = false;
    (void)snprintf(e->text, sizeof(e->text), "%s", text);
}

static void say_states(struct collect *c)
{
    for (uint32_t i = 0; i < c->entries; i++) {
        struct collect_entry *e = &c->entry[i];
        struct agent_frame f = { .verb = AGENT_SOURCE, .state = e->said };
        if (e->told || e->said == 0)
            continue;
        (void)snprintf(f.name, sizeof(f.name), "%s", e->source->name);
        (void)snprintf(f.text, sizeof(f.text), "%s", e->text);
        e->told = uplink_level(c->uplink, c->now_ms, &f);
    }
}

/* ---- what the agent costs ------------------------------------------------------------------- */

static uint64_t rss_kib(const char *pid)
{
    char text[128];
    uint64_t all, resident;
    int fd = files_open("", "/proc/%s/statm", pid);
    struct text t = files_read(fd, text, sizeof(text));
    files_close(fd);
    if (!text_next_u64(&t, &all) || !text_next_u64(&t, &resident))
        return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* utime and stime, words 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
static int64_t cpu_us(pid_t pid)
{
    char text[512];
    struct text word, command, t;
    uint64_t user = 0, system = 0;
    int fd = files_open("", "/proc/%d/stat", (int)pid);
    t = files_read(fd, text, sizeof(text));
    files_close(fd);
    if (!text_before(&t, ')', &command)) /* our own names have no ')' */
        return 0;
    for (uint32_t i = 3; i < 14; i++)
        if (!text_word(&t, &word))
            return 0;
    (void)(text_next_u64(&t, &user) && text_next_u64(&t, &system));
    return (int64_t)(user + system) * 10000;
}

static void put_own(struct collect *c)
{
    struct rusage self = { .ru_maxrss = 0 };
    if (c->now_ms < c->own_due_ms)
        return;
    uint64_t kib = rss_kib("self");
    (void)getrusage(RUSAGE_SELF, &self);
    int64_t cpu = (int64_t)(self.ru_utime.tv_sec + self.ru_stime.tv_sec) * 1000000 +
                  self.ru_utime.tv_usec + self.ru_stime.tv_usec;
    for (uint32_t i = 0; i < COLLECT_WORKERS; i++) {
        char pid[16];
        if (c->worker[i].pid <= 0)
            continue;
        (void)snprintf(pid, sizeof(pid), "%d", (int)c->worker[i].pid);
        kib += rss_kib(pid);
        cpu += cpu_us(c->worker[i].pid);
    }
    samples_put(&c->samples, M_AGENT_RSS_KIB, 0, (double)kib);
    int64_t wall_ms = c->now_ms - c->own_wall_ms;
    if (c->own_wall_ms > 0 && wall_ms > 0 && cpu >= c->own_cpu_us) /* a worker may have ended */
        samples_put(&c->samples, M_AGENT_CPU_PPM, 0,
                    (double)(cpu - c->own_cpu_us) * 1000.0 / (double)wall_ms);
    c->own_cpu_us = cpu;
    c->own_wall_ms = c->now_ms;
    c->own_due_ms = c->now_ms + OWN_MS;
}

static void put_line(struct collect *c)
{
    int64_t skew_us, error_us;
    if (uplink_skew(c->uplink, &skew_us, &error_us)) {
        samples_put(&c->samples, M_CLOCK_SKEW_US, 0, (double)skew_us);
        samples_put(&c->samples, M_CLOCK_SKEW_ERROR_US, 0, (double)error_us);
    }
    struct uplink_stats s = uplink_stats(c->uplink);
    samples_put(&c->samples, M_SPOOL_DROPPED, 0, (double)s.spool_dropped);
}

/* ---- samples -------------------------------------------------------------------------------- */

static int64_t wall_ms(void)
{
    struct timespec t = { .tv_sec = 0 };
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Frames until all is said; the first of a connection may need more than one. */
static void say_samples(struct collect *c)
{
    struct sample_head head = { .wall_ms = wall_ms(), .coalesced = c->coalesced };
    for (uint32_t i = 0; i < 8; i++) {
        head.seq = c->seq + 1;
        size_t n = samples_encode(&c->samples, &head, c->buffer, SAMPLES_SIZE_MAX);
        must(n > 0);
        if (!uplink_samples(c->uplink, c->now_ms, c->buffer, n)) {
            c->coalesced += i == 0 && c->coalesced < UINT32_MAX;
            return;
        }
        samples_commit(&c->samples);
        c->seq++;
        c->frames++;
        c->coalesced = head.coalesced = 0;
        if (c->samples.changed == 0)
            return;
    }
}

void collect_say(struct collect *c, bool round_ended)
{
    must(c->uplink != NULL);
    if (round_ended) {
        c->round_ms = 0;
        put_own(c);
        put_line(c);
        if (uplink_is_up(c->uplink))
            say_samples(c);
        else
            c->coalesced += c->coalesced < UINT32_MAX;
    }
    say_states(c);
    parts_tell(&c->parts, c->now_ms, c->uplink);
}
