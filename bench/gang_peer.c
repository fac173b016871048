/* See gang_peer.h. */
#include "bench/gang_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT "bench/peer/slurm_cloud"

/* What the script wrote, up to size - 1 bytes; false when it failed. */
static bool run(const char *dir, const char *nodes, const char *count, char *ret, size_t size)
{
    int pipes[2], status = 0;
    size_t got = 0;
    must(pipe(pipes) == 0);
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        (void)execl(SCRIPT, SCRIPT, "gangs", dir, nodes, count, (char *)NULL);
        _exit(127);
    }
    (void)close(pipes[1]);
    for (ssize_t n; got < size - 1 && (n = read(pipes[0], ret + got, size - 1 - got)) > 0;)
        got += (size_t)n;
    ret[got] = '\0';
    (void)close(pipes[0]);
    must(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool gang_peer_run(struct measure *m, uint32_t nodes, uint32_t count, struct gang_peer *ret)
{
    char dir[] = "/tmp/millwright-cloud-XXXXXX", a[16], b[16], out[256];
    if (access(SCRIPT, X_OK) != 0 || !mkdtemp(dir)) {
        measure_note(m, "no slurmctld beside: %s is not here (run script/bench)", SCRIPT);
        return false;
    }
    (void)snprintf(a, sizeof(a), "%u", nodes);
    (void)snprintf(b, sizeof(b), "%u", count);
    bool good = run(dir, a, b, out, sizeof(out)) &&
                sscanf(out, "%lf %lf %lf %lf %lf", &ret->rate, &ret->p50_ms, &ret->p99_ms,
                       &ret->rss_mib, &ret->start_s) == 5;
    if (good) {
        measure_empty(dir);
        (void)rmdir(dir);
    } else {
        measure_note(m, "no slurmctld beside: it did not run; see %s", dir);
    }
    return good;
}
