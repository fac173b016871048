/*
 * Processors and memory: /proc/stat, meminfo, loadavg, pressure, vmstat, uptime.
 * Kept open and read again; what changes slowly is read every tenth time.
 */
#include "agent/sources.h"

#include <stdlib.h>

#include "agent/files.h"
#include "agent/proc_text.h"

#define STAT_BYTES 65536 /* /proc/stat has a line for each CPU, and one for all interrupts */
#define SELDOM 10

enum host_file { FILE_STAT, FILE_MEMINFO, FILE_LOADAVG, FILE_PSI_CPU, FILE_PSI_MEMORY, FILE_PSI_IO,
                 FILE_VMSTAT, FILE_UPTIME, FILES };

static const char *const paths[FILES] = {
    [FILE_STAT] = "/proc/stat", [FILE_MEMINFO] = "/proc/meminfo",
    [FILE_LOADAVG] = "/proc/loadavg", [FILE_PSI_CPU] = "/proc/pressure/cpu",
    [FILE_PSI_MEMORY] = "/proc/pressure/memory", [FILE_PSI_IO] = "/proc/pressure/io",
    [FILE_VMSTAT] = "/proc/vmstat", [FILE_UPTIME] = "/proc/uptime",
};

struct host {
    int fd[FILES];
    struct proc_stat before; /* all 0: none yet */
    uint32_t reads;
    char text[STAT_BYTES];
};

static void host_close(void *state)
{
    struct host *h = state;
    for (uint32_t i = 0; i < FILES; i++)
        files_close(h->fd[i]);
    free(h);
}

static int host_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    struct host *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    for (uint32_t i = 0; i < FILES; i++)
        h->fd[i] = files_open(env->proc_root, "%s", paths[i]);
    if (h->fd[FILE_STAT] < 0 || h->fd[FILE_MEMINFO] < 0) {
        host_close(h);
        return mw_fail(err, MW_EIO, "/proc/stat or /proc/meminfo cannot be read");
    }
    *ret_state = h;
    return 0;
}

static struct text file_of(struct host *h, enum host_file file)
{
    return files_read(h->fd[file], h->text, sizeof(h->text));
}

static void read_cpu(struct host *h, struct samples *s)
{
    struct proc_stat now;
    if (!proc_stat_read(file_of(h, FILE_STAT), &now))
        return;
    uint64_t all = now.all - h->before.all;
    if (h->before.all > 0 && now.all > h->before.all && now.idle >= h->before.idle &&
        now.iowait >= h->before.iowait) { /* idle times are known to step back at times */
        double idle = (double)(now.idle - h->before.idle);
        double iowait = (double)(now.iowait - h->before.iowait);
        samples_put(s, M_CPU_BUSY_PCT, 0, 100.0 * (1.0 - (idle + iowait) / (double)all));
        samples_put(s, M_CPU_IOWAIT_PCT, 0, 100.0 * iowait / (double)all);
    }
    samples_put(s, M_TASKS_BLOCKED, 0, (double)now.blocked);
    samples_put(s, M_CPU_ONLINE, 0, now.cpus);
    h->before = now;
}

static void read_memory(struct host *h, struct samples *s)
{
    struct proc_memory m;
    if (!proc_memory_read(file_of(h, FILE_MEMINFO), &m))
        return;
    samples_put(s, M_MEM_TOTAL_MIB, 0, (double)m.total / 1024.0);
    samples_put(s, M_MEM_AVAILABLE_MIB, 0, (double)m.available / 1024.0);
    samples_put(s, M_SWAP_USED_MIB, 0,
                (double)(m.swap_total - MW_MIN(m.swap_free, m.swap_total)) / 1024.0);
    samples_put(s, M_MEM_CORRUPTED_KIB, 0, (double)m.corrupted);
}

static void read_pressure(struct host *h, enum host_file file, const char *line, uint32_t metric,
                          struct samples *s)
{
    int64_t milli;
    if (h->fd[file] >= 0 && proc_pressure(file_of(h, file), line, &milli))
        samples_put(s, metric, 0, (double)milli / 1000.0);
}

static void read_seldom(struct host *h, struct samples *s)
{
    struct text t = file_of(h, FILE_LOADAVG), word;
    int64_t milli;
    uint64_t kills;
    if (text_word(&t, &word) && text_milli(word, &milli))
        samples_put(s, M_LOAD1, 0, (double)milli / 1000.0);
    t = file_of(h, FILE_UPTIME);
    if (text_word(&t, &word) && text_milli(word, &milli))
        samples_put(s, M_HOST_UPTIME_S, 0, (double)milli / 1000.0);
    if (proc_value(file_of(h, FILE_VMSTAT), "oom_kill", &kills))
        samples_put(s, M_OOM_KILLS, 0, (double)kills);
}

static int host_read(void *state, const struct source_env *env, int64_t now_ms,
                     struct source_out *out, struct mw_error *err)
{
    struct host *h = state;
    struct samples *s = out->samples;
    (void)env, (void)now_ms, (void)err;
    read_cpu(h, s);
    read_memory(h, s);
    read_pressure(h, FILE_PSI_CPU, "some", M_PSI_CPU_PCT, s);
    read_pressure(h, FILE_PSI_MEMORY, "full", M_PSI_MEM_PCT, s);
    read_pressure(h, FILE_PSI_IO, "full", M_PSI_IO_PCT, s);
    if (h->reads++ % SELDOM == 0)
        read_seldom(h, s);
    return 0;
}

const struct source source_host = { "host", 1000, 1000, WHERE_COLLECTOR, host_open, host_read,
                                    host_close };
