/*
 * The disk is full at random points (50 by default): nothing acknowledged is
 * lost, nothing unacknowledged is shown, and when there is room again the same
 * commit succeeds.
 */
#include <string.h>

#include "base/mem.h"
#include "tests/torture/full_vfs.h"
#include "tests/torture/torture.h"

#define ROUNDS 50
#define COMMITS_MAX 4000
#define ROOM ((int64_t)1 << 40)

enum { DRAW_BUDGET, DRAW_GROUPS, DRAW_CRASH, DRAW_HEAD };

struct disk {
    struct torture *t;
    struct full_vfs *vfs;
    uint64_t writes;    /* of head and snapshots, which do not go through SQLite */
    uint64_t refuse_at; /* the disk is full for those from this one on */
};

static bool refuse(void *ctx, const char *site)
{
    struct disk *d = ctx;
    must(site != NULL);
    return d->writes++ >= d->refuse_at;
}

static void make_room(struct disk *d)
{
    d->vfs->left = ROOM;
    d->refuse_at = UINT64_MAX;
}

static struct journal *open_on(struct disk *d, const char *dir)
{
    struct journal_sqlite_options o = {.vfs = FULL_VFS_NAME, .rare = {refuse, d}};
    struct journal *j = NULL;
    struct mw_error err = {.text = ""};
    int rc = journal_sqlite_open(dir, &o, &j, &err);
    TORTURE_CHECK(d->t, rc == 0 || rc == MW_ENOSPC, "opening gives %d: %s", rc, err.text);
    return rc == 0 ? j : NULL;
}

static int write_some(struct disk *d, struct journal *j, uint64_t n)
{
    uint64_t groups = 1 + torture_draw(d->t, DRAW_GROUPS, n, 30);
    struct mw_error err = {.text = ""};
    for (uint64_t i = 0; i < groups; i++)
        TORTURE_CHECK(d->t, sample_append(j, &d->t->sample, d->t->seed, &err) == 0, "%s",
                      err.text);
    int rc = j->ops->commit(j, &err);
    TORTURE_CHECK(d->t, rc == 0 || rc == MW_ENOSPC, "commit gives %d: %s", rc, err.text);
    return rc;
}

/* Writes until the disk is full. */
static void fill_disk(struct disk *d, struct journal *j)
{
    for (uint64_t n = 0; n < COMMITS_MAX; n++) {
        uint64_t acked = j->head.seq, seen;
        if (write_some(d, j, n) == 0) {
            if (n % 50 == 49)
                (void)!j->ops->snapshot_put(j, j->head.seq, &n, sizeof(n), NULL);
            continue;
        }
        TORTURE_CHECK(d->t, j->head.seq == acked, "a failed commit moved the head");
        int rc = torture_read(d->t, j, &seen);
        TORTURE_CHECK(d->t, rc == 0 && seen == acked, "read says %d at %llu of %llu", rc,
                      (unsigned long long)seen, (unsigned long long)acked);
        return;
    }
    TORTURE_CHECK(d->t, false, "the disk never became full");
}

/* The process ends with the disk full; the next one finds what was acknowledged. */
static struct journal *crash(struct disk *d, struct journal *j, const char *dir)
{
    uint64_t acked = j->head.seq;
    journal_destroy(j);
    struct journal *again = open_on(d, dir);
    make_room(d);
    if (again == NULL)
        again = open_on(d, dir);
    TORTURE_CHECK(d->t, again != NULL && again->head.seq >= acked, "%llu was acknowledged",
                  (unsigned long long)acked);
    return again;
}

static void round_run(struct disk *d, const char *dir)
{
    struct torture *t = d->t;
    bool at_head = torture_draw(t, DRAW_HEAD, 0, 4) == 0;
    d->writes = 0;
    d->refuse_at = at_head ? torture_draw(t, DRAW_BUDGET, 1, 60) : UINT64_MAX;
    d->vfs->left = at_head ? ROOM : (int64_t)torture_draw(t, DRAW_BUDGET, 0, 40u << 20);
    if (t->round % 10 == 0)
        d->vfs->left = (int64_t)torture_draw(t, DRAW_BUDGET, 0, 100000); /* while it is made */
    struct journal *j = open_on(d, dir);
    if (j == NULL) {
        make_room(d);
        j = open_on(d, dir);
        TORTURE_CHECK(t, j != NULL, "no journal after there was room again");
    } else {
        fill_disk(d, j);
        if (torture_draw(t, DRAW_CRASH, 0, 2) == 0) {
            j = crash(d, j, dir);
        } else {
            int rc = j->ops->commit(j, NULL);
            TORTURE_CHECK(t, rc == MW_ENOSPC || rc == 0, "%d", rc);
            make_room(d);
            TORTURE_CHECK(t, j->ops->commit(j, NULL) == 0, "there is room again");
            TORTURE_CHECK(t, j->head.seq == j->next_seq - 1, "something is still staged");
        }
    }
    for (uint64_t n = 0; n < 5; n++)
        TORTURE_CHECK(t, write_some(d, j, n) == 0, "there is room again");
    torture_whole(t, j);
    uint64_t last = j->head.seq;
    journal_destroy(j);
    j = open_on(d, dir);
    TORTURE_CHECK(t, j != NULL && j->head.seq == last, "the next start finds less");
    torture_whole(t, j);
    journal_destroy(j);
}

int main(int argc, char **argv)
{
    uint64_t rounds = ROUNDS;
    struct torture *t = torture_begin(argc, argv, "full", &rounds);
    struct disk d = {.t = t, .vfs = full_vfs_register()};
    uint64_t first = t->round;
    for (; t->round < rounds; t->round++) {
        char dir[256];
        testing_dir(dir);
        round_run(&d, dir);
        testing_dir_remove(dir);
    }
    printf("full: %llu full disks, %llu writes of SQLite refused, nothing acknowledged lost\n",
           (unsigned long long)(rounds - first), (unsigned long long)d.vfs->refused);
    free(t);
    return d.vfs->refused > 0 ? 0 : 1;
}
