/*
 * Restart: how long from opening the journal to the state it had, for 10 M
 * events read again from the first and for a snapshot with the last 1 % of the
 * events after it, at 3,200 and at 250,000 GPUs.  The files are dropped from
 * memory before, as after a boot.  Reading the site file comes on top and is
 * stated (bench/fleet_read has its target).
 */
#include <stdio.h>
#include <string.h>

#include "bench/stand.h"
#include "store/journal_sqlite.h"

#define EVENTS 10000000u
#define COMMIT_EVERY 4096u

struct texts {
    const char *key_whole, *what_whole, *key_snapshot, *what_snapshot;
    double snapshot_s;
};

static struct journal *open_journal(const struct stand *s, const char *path)
{
    struct journal *j = NULL;
    struct mw_error err = { .text = "" };
    if (journal_sqlite_open(path, NULL, &j, &err) < 0)
        measure_fail(s->measure, &err);
    return j;
}

/* Writes the record with a snapshot where 1 % of the facts are still to come. */
static void write_record(const struct stand *s, const char *path)
{
    struct mw_error err = { .text = "" };
    uint64_t mid = s->script.length - s->script.length / 100;
    struct journal *j = open_journal(s, path);
    struct control *c = stand_control(s, j, false);
    stand_play(s, c, (struct script_range){ .to = mid, .every = COMMIT_EVERY });
    if (core_snapshot(c->core, &err) < 0)
        measure_fail(s->measure, &err);
    stand_play(s, c, (struct script_range){ mid, s->script.length, COMMIT_EVERY });
    stand_same(s, c);
    control_destroy(c);
    journal_destroy(j);
}

struct restart {
    double wall_s, cpu_s;
};

static struct restart restart(const struct stand *s, const char *path, bool snapshot)
{
    struct mw_error err = { .text = "" };
    measure_forget(path);
    double wall = measure_wall_s(), cpu = measure_cpu_s();
    struct journal *j = open_journal(s, path);
    struct control *c = stand_control(s, j, false);
    if (core_recover(c->core, snapshot, &err) < 0)
        measure_fail(s->measure, &err);
    struct restart took = { measure_wall_s() - wall, measure_cpu_s() - cpu };
    stand_same(s, c);
    control_destroy(c);
    journal_destroy(j);
    return took;
}

static struct restart best_restart(const struct stand *s, const char *path, bool snapshot)
{
    struct restart best = restart(s, path, snapshot);
    for (int i = 0; i < 2 && !s->measure->quick; i++) {
        struct restart again = restart(s, path, snapshot);
        if (again.wall_s < best.wall_s)
            best = again;
    }
    return best;
}

static void measure_site(struct measure *m, uint32_t gpus, const struct texts *t)
{
    struct stand s;
    char path[MEASURE_PATH_MAX + 32];
    stand_init(&s, m, gpus, m->quick ? EVENTS / 10 : EVENTS);
    (void)snprintf(path, sizeof(path), "%s/journal", measure_folder(m));
    write_record(&s, path);
    double read_s = measure_read_s(path);
    struct restart whole = best_restart(&s, path, false);
    measure_add(m, &(struct figure){
        .key = t->key_whole, .what = t->what_whole, .value = whole.wall_s, .unit = "s",
        .sense = AT_MOST, .target = 20, .limit = read_s,
        .limit_what = "reading the files from the disk once",
        .peer = stand_live_s(&s), .peer_what = "taking the same events live, nothing kept" });
    measure_note(m, "%.2f M events, %.2f s of it CPU time", (double)s.events / 1e6, whole.cpu_s);
    struct restart snap = best_restart(&s, path, true);
    measure_add(m, &(struct figure){
        .key = t->key_snapshot, .what = t->what_snapshot, .value = snap.wall_s, .unit = "s",
        .sense = AT_MOST, .target = t->snapshot_s, .peer = whole.wall_s,
        .peer_what = "without the snapshot" });
    measure_note(m, "%.2f s of it CPU time; %.2f M events after the snapshot; reading the site "
                 "file adds %.2f s", snap.cpu_s, (double)s.events / 100e6, s.site_s);
    measure_empty(path);
    stand_fini(&s);
}

int main(int argc, char **argv)
{
    static const struct texts SMALL = {
        "restart_10m_3200_s", "restart from 10 M events, 3,200 GPUs", "restart_snapshot_3200_s",
        "restart from a snapshot, 3,200 GPUs", 1 };
    static const struct texts LARGE = {
        "restart_10m_250000_s", "restart from 10 M events, 250,000 GPUs",
        "restart_snapshot_250000_s", "restart from a snapshot, 250,000 GPUs", 5 };
    struct measure m;
    measure_begin(&m, "restart", argc, argv);
    measure_site(&m, SITE_SMALL, &SMALL);
    measure_site(&m, SITE_LARGE, &LARGE);
    return measure_end(&m);
}
