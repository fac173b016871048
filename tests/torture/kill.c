/*
 * A writer is killed (SIGKILL) under load, 500 times by default: nothing that it
 * acknowledged may be missing afterwards, and the chain must hold.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/torture/torture.h"

#define ROUNDS 500
#define ROUNDS_A_JOURNAL 20 /* then a new directory: the making is killed too */
#define ACKS_MAX 12
#define DELAY_NS_MAX 3000000

enum { DRAW_GROUPS, DRAW_ACKS, DRAW_DELAY, DRAW_SNAPSHOT };

/* Writes until killed; every acknowledged sequence goes through the pipe. */
static _Noreturn void writer(struct torture *t, const char *dir, int fd)
{
    struct journal *j;
    struct mw_error err = {.text = ""};
    TORTURE_CHECK(t, journal_sqlite_open(dir, NULL, &j, &err) == 0, "%s", err.text);
    for (uint64_t n = 0;; n++) {
        uint64_t groups = 1 + torture_draw(t, DRAW_GROUPS, n, 20);
        for (uint64_t i = 0; i < groups; i++)
            TORTURE_CHECK(t, sample_append(j, &t->sample, t->seed, &err) == 0, "%s", err.text);
        TORTURE_CHECK(t, j->ops->commit(j, &err) == 0, "%s", err.text);
        uint64_t seq = j->head.seq;
        TORTURE_CHECK(t, write(fd, &seq, sizeof(seq)) == sizeof(seq), "%s", strerror(errno));
        if (torture_draw(t, DRAW_SNAPSHOT, n, 6) == 0)
            TORTURE_CHECK(t, j->ops->snapshot_put(j, seq, &seq, sizeof(seq), &err) == 0, "%s",
                          err.text);
    }
}

static uint64_t last_ack(struct torture *t, int fd, uint64_t wanted, pid_t child)
{
    uint64_t seq = 0, next;
    for (uint64_t n = 0; n < wanted && read(fd, &next, sizeof(next)) == sizeof(next); n++)
        seq = next;
    uint64_t delay = torture_draw(t, DRAW_DELAY, 0, DELAY_NS_MAX);
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)delay}, NULL);
    TORTURE_CHECK(t, kill(child, SIGKILL) == 0, "%s", strerror(errno));
    int status;
    TORTURE_CHECK(t, waitpid(child, &status, 0) == child, "%s", strerror(errno));
    TORTURE_CHECK(t, WIFSIGNALED(status), "the writer ended by itself with %d", status);
    while (read(fd, &next, sizeof(next)) == sizeof(next))
        seq = next;
    return seq;
}

static uint64_t run_writer(struct torture *t, const char *dir)
{
    int fd[2];
    TORTURE_CHECK(t, pipe(fd) == 0, "%s", strerror(errno));
    pid_t child = fork();
    TORTURE_CHECK(t, child >= 0, "%s", strerror(errno));
    if (child == 0) {
        (void)close(fd[0]);
        writer(t, dir, fd[1]);
    }
    (void)close(fd[1]);
    uint64_t acked = last_ack(t, fd[0], torture_draw(t, DRAW_ACKS, 0, ACKS_MAX), child);
    (void)close(fd[0]);
    return acked;
}

/* Opens as the next writer would. Returns the last sequence. */
static uint64_t check(struct torture *t, const char *dir, uint64_t acked)
{
    struct journal *j;
    struct mw_error err = {.text = ""};
    TORTURE_CHECK(t, journal_sqlite_open(dir, NULL, &j, &err) == 0, "%s", err.text);
    TORTURE_CHECK(t, j->head.seq >= acked, "event %llu was acknowledged, the journal ends at %llu",
                  (unsigned long long)acked, (unsigned long long)j->head.seq);
    torture_whole(t, j);
    uint64_t seq, last = j->head.seq;
    char *data;
    size_t size;
    if (j->ops->snapshot_get(j, UINT64_MAX, &seq, &data, &size, NULL) == 0) {
        TORTURE_CHECK(t, size == sizeof(seq) && memcmp(data, &seq, size) == 0, "snapshot %llu",
                      (unsigned long long)seq);
        mw_free(data);
    }
    journal_destroy(j);
    return last;
}

int main(int argc, char **argv)
{
    uint64_t rounds = ROUNDS, acked = 0, events = 0, acks = 0;
    struct torture *t = torture_begin(argc, argv, "kill", &rounds);
    char dir[256] = "";
    for (; t->round < rounds; t->round++) {
        if (dir[0] == '\0') {
            testing_dir(dir);
            acked = 0;
        }
        uint64_t now = run_writer(t, dir);
        acks += now > 0;
        acked = MW_MAX(now, acked);
        acked = check(t, dir, acked); /* what was found once must stay */
        if (t->round % ROUNDS_A_JOURNAL == ROUNDS_A_JOURNAL - 1 || t->round + 1 == rounds) {
            events += acked;
            testing_dir_remove(dir);
            dir[0] = '\0';
        }
    }
    printf("kill: %llu kills, %llu of them after an acknowledgement, %llu events, nothing lost\n",
           (unsigned long long)rounds, (unsigned long long)acks, (unsigned long long)events);
    free(t);
    return acks > 0 ? 0 : 1;
}
