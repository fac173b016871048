/*
 * The whole controller over the journal on disk is killed (SIGKILL) under load,
 * again and again: after each restart, from a snapshot and from the whole
 * journal alike, its state hashes to what it was when that event was recorded.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "control/control.h"
#include "fleet/site.h"
#include "tests/torture/torture.h"

#define ROUNDS 100
#define ROUNDS_A_JOURNAL 10
#define NODES 64
#define FACTS_A_COMMIT 20
#define SNAPSHOT_EVERY 15 /* commits */
#define SAID_MAX 100000
#define DELAY_NS_MAX 60000000
#define START_NS INT64_C(1700000000000000000)

enum { DRAW_WHAT, DRAW_NODE, DRAW_NODES, DRAW_DELAY };

/* "If the record ends at seq, the state is this"; said before the commit. */
struct said {
    uint64_t seq;
    struct mw_hash128 hash;
    uint64_t acknowledged; /* the commit before */
};

/* Opens the journal and makes a controller of it: begun, or recovered. */
static struct control *start(struct torture *t, const struct fleet *f, const char *dir,
                             bool use_snapshot, struct journal **ret)
{
    struct mw_error err = {.text = ""};
    struct control *c;
    struct control_policy policy = control_policy_default();
    policy.care.class[0].count = 2; /* some findings only count */
    policy.care.class[0].window_ms = MW_MS_PER_HOUR;
    TORTURE_CHECK(t, journal_sqlite_open(dir, NULL, ret, &err) == 0, "%s", err.text);
    TORTURE_CHECK(t, !(*ret)->read_only, "%s", (*ret)->opened.text);
    struct control_options o = {.fleet = f, .policy = &policy, .journal = *ret};
    TORTURE_CHECK(t, control_create(&o, &c, &err) == 0, "%s", err.text);
    int r = (*ret)->head.seq ? control_recover(c, use_snapshot, &err)
                             : control_begin(c, START_NS, &err);
    TORTURE_CHECK(t, r == 0, "%s", err.text);
    return c;
}

static struct event next_fact(const struct torture *t, const struct control *c, uint64_t n)
{
    struct event ev = {.kind = EV_JOB_SUBMITTED, .source = SOURCE_TENANT};
    uint32_t node = (uint32_t)torture_draw(t, DRAW_NODE, n, NODES);
    if (torture_draw(t, DRAW_WHAT, n, 4) == 0) {
        ev.body.job = (struct body_job){
            .job = core_seq(c->core), .work_ms = MW_MS_PER_HOUR, .write_ms = 1000,
            .restart_ms = 1000, .nodes = 1 + (uint32_t)torture_draw(t, DRAW_NODES, n, 8)};
        ev.body.job.gpus = 8 * ev.body.job.nodes;
        return ev;
    }
    ev.source = SOURCE_NODE + node;
    ev.kind = torture_draw(t, DRAW_WHAT, n, 2) ? EV_FINDING_OPENED : EV_FINDING_CLOSED;
    ev.body.finding = (struct body_finding){.component = component_id(COMPONENT_NODE, node),
                                            .finding = 1, .node = node};
    return ev;
}

static _Noreturn void run(struct torture *t, const struct fleet *f, const char *dir, int fd)
{
    struct journal *j;
    struct mw_error err = {.text = ""};
    struct control *c = start(t, f, dir, t->round % 2 == 0, &j);
    uint64_t base = core_seq(c->core);
    for (uint64_t n = base;; n++) {
        struct event ev = next_fact(t, c, n);
        enum admit a;
        int64_t now_ns = core_now(c->core) + 20 * MW_NS_PER_S;
        TORTURE_CHECK(t, core_submit(c->core, now_ns, &ev, NULL, &a, &err) == 0, "%s", err.text);
        if (n % FACTS_A_COMMIT)
            continue;
        struct said s = {core_seq(c->core), core_state_hash(c->core), j->head.seq};
        TORTURE_CHECK(t, write(fd, &s, sizeof(s)) == sizeof(s), "%s", strerror(errno));
        TORTURE_CHECK(t, core_commit(c->core, &err) == 0, "%s", err.text);
        if (n / FACTS_A_COMMIT % SNAPSHOT_EVERY == 0)
            TORTURE_CHECK(t, core_snapshot(c->core, &err) == 0, "%s", err.text);
    }
}

/* Lets a child run for a while and kills it; appends what it said. */
static uint64_t kill_one(struct torture *t, const struct fleet *f, const char *dir,
                         struct said *said, uint64_t length)
{
    int fd[2], status;
    TORTURE_CHECK(t, pipe(fd) == 0, "%s", strerror(errno));
    pid_t child = fork();
    TORTURE_CHECK(t, child >= 0, "%s", strerror(errno));
    if (child == 0) {
        (void)close(fd[0]);
        run(t, f, dir, fd[1]);
    }
    (void)close(fd[1]);
    for (uint64_t i = 0; i < 2 && length < SAID_MAX; i++) /* it is up, and at work */
        length += read(fd[0], &said[length], sizeof(*said)) == sizeof(*said);
    uint64_t delay = torture_draw(t, DRAW_DELAY, 0, DELAY_NS_MAX);
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)delay}, NULL);
    TORTURE_CHECK(t, kill(child, SIGKILL) == 0, "%s", strerror(errno));
    TORTURE_CHECK(t, waitpid(child, &status, 0) == child, "%s", strerror(errno));
    TORTURE_CHECK(t, WIFSIGNALED(status), "the controller ended by itself with %d", status);
    while (length < SAID_MAX && read(fd[0], &said[length], sizeof(*said)) == sizeof(*said))
        length++;
    (void)close(fd[0]);
    return length;
}

static void check(struct torture *t, const struct fleet *f, const char *dir,
                  const struct said *said, uint64_t length)
{
    for (int use_snapshot = 0; use_snapshot < 2; use_snapshot++) {
        struct journal *j;
        struct control *c = start(t, f, dir, use_snapshot, &j);
        uint64_t seq = core_seq(c->core), i = length;
        while (i > 0 && said[i - 1].seq != seq)
            i--;
        TORTURE_CHECK(t, i > 0, "nobody said what the state is at event %llu",
                      (unsigned long long)seq);
        TORTURE_CHECK(t, mw_hash128_equal(core_state_hash(c->core), said[i - 1].hash),
                      "the state at event %llu is another one, snapshot %d",
                      (unsigned long long)seq, use_snapshot);
        TORTURE_CHECK(t, seq >= said[length - 1].acknowledged, "event %llu was acknowledged",
                      (unsigned long long)said[length - 1].acknowledged);
        control_destroy(c);
        journal_destroy(j);
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = ROUNDS, length = 0;
    struct torture *t = torture_begin(argc, argv, "restart", &rounds);
    struct said *said = calloc(SAID_MAX, sizeof(*said));
    struct fleet *f = NULL;
    char dir[256] = "";
    TORTURE_CHECK(t, said && site_simple(NODES, &f, NULL) == 0, "out of memory");
    for (; t->round < rounds; t->round++) {
        if (dir[0] == '\0')
            testing_dir(dir);
        length = kill_one(t, f, dir, said, length);
        check(t, f, dir, said, length);
        if (t->round % ROUNDS_A_JOURNAL == ROUNDS_A_JOURNAL - 1 || t->round + 1 == rounds) {
            testing_dir_remove(dir);
            dir[0] = '\0';
            length = 0;
        }
    }
    printf("restart: %llu kills, the state as it was after each\n", (unsigned long long)rounds);
    fleet_destroy(f);
    free(said);
    free(t);
    return 0;
}
