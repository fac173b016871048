/*
 * A replay as a site that is watched and commanded: a simulated run paced
 * against real time, its record on disk for those who follow it, and the mailbox
 * of the API answered at once, whether time passes, is paused, hurries or has
 * come to its end.
 *
 * The record is a journal opened as `simulated`: it is written every 20 ms (less
 * often where that takes long), before a person's command is acknowledged, and
 * before anything of it is told to the mailbox.  So who follows it sees no less
 * than is told, a killed replay loses nothing that was acknowledged or shown, and
 * hurrying does not wait for the disk.
 *
 * While the disk takes nothing, simulated time stands still, commands are refused, questions are
 * answered, and the record is tried again every second, as a live site does it.
 *
 * One thread, the writer's.
 */
#ifndef MW_CLI_REPLAY_DAEMON_H
#define MW_CLI_REPLAY_DAEMON_H

#include "api/asks.h"
#include "cli/scenario_files.h"

struct replay_daemon_told {
    void *ctx;
    /* The record has begun and can be followed: gives the mailbox that is to be answered. */
    int (*begun)(void *ctx, struct asks **ret, struct mw_error *err);
    /* The end of the scenario was reached; it can still be looked at.  May be NULL. */
    void (*ended)(void *ctx);
    /* The record takes nothing, or takes it again.  May be NULL. */
    void (*note)(void *ctx, const char *text);
};

struct replay_daemon_options {
    const struct scenario_files *files; /* borrowed, as is the rest */
    uint64_t seed;
    struct journal *journal;            /* new, of store/journal_sqlite.h, `simulated` */
    const char *folder;                 /* of the journal, to be shown */
    double speed;                       /* simulated over real time; 0 = as fast as it goes */
    bool paused;
    int stop_fd;                        /* readable: end cleanly */
    int64_t for_ns;                     /* end by itself after this real time; 0 = do not */
    struct replay_daemon_told told;
    /* What machines that are really here say (api/asks.h); NULL = nobody listens to them. */
    json_t *(*machines)(void *ctx, const json_t *wish, struct mw_error *err);
    void *machines_ctx;
};

/* Until it is told to end; its end comes with whole record.  Negative: the run or its record
 * failed. */
MW_MUST_USE int replay_daemon_run(const struct replay_daemon_options *o, struct mw_error *err);

#endif
