/*
 * Between the run, which lets one thing happen after another, and the mailbox:
 * called before simulated time goes on, it waits, writes and answers.
 */
#include "cli/replay_daemon.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "api/act.h"
#include "api/status.h"
#include "base/format.h"
#include "base/units.h"
#include "cli/pacer.h"
#include "store/journal_sqlite.h"

#define WRITE_NS (20 * MW_NS_PER_MS)  /* chosen: later than a person sees, sooner than he asks */
#define AGAIN_NS MW_NS_PER_S          /* until the next try, when the disk took nothing */
#define WRITE_SHARE 4                 /* of real time a fifth at most goes into writing */
#define LOOK_NS (2 * MW_NS_PER_MS)    /* chosen: while it hurries, the mailbox waits this long */
#define TELL_NS (100 * MW_NS_PER_MS)  /* the clock that is shown moves ten times a second */

struct replay_daemon {
    const struct replay_daemon_options *o;
    struct pacer pacer;
    struct asks *asks;           /* NULL before the record has begun */
    const struct run_view *view; /* of the present call */
    int64_t next_ns;             /* simulated: what is next, as of this call */
    int64_t came_ns;             /* simulated: where the run has come to, as the pacer heard */
    int64_t real_ns;             /* the last look at the clock */
    int64_t started_ns;          /* UTC */
    int64_t began_ns, ends_ns;   /* real; MW_NEVER = not by itself */
    int64_t write_ns, look_ns, tell_ns; /* real: not before */
    uint64_t written_seq;        /* what is on disk */
    int64_t told_now_ns;         /* simulated, as last told */
    bool begun, ended;
    bool troubled;               /* the disk takes nothing: trouble says why */
    struct mw_error trouble;
    int rc;                      /* why the run was stopped */
    struct mw_error err;
};

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static int64_t look_at_clock(struct replay_daemon *d)
{
    d->real_ns = clock_ns(CLOCK_MONOTONIC);
    return d->real_ns;
}

static int64_t shown_ns(const struct replay_daemon *d)
{
    return pacer_now(&d->pacer, d->real_ns, d->next_ns);
}

/* ---- the record ---------------------------------------------------------------------------- */

static void tell(struct replay_daemon *d)
{
    d->told_now_ns = shown_ns(d);
    d->tell_ns = d->real_ns + TELL_NS;
    if (d->asks != NULL)
        asks_committed(d->asks, d->written_seq, d->told_now_ns);
}

static bool has_more(const struct replay_daemon *d)
{
    return core_seq(d->view->control->core) > d->written_seq;
}

static int write_record(struct replay_daemon *d, struct mw_error *err)
{
    int64_t from_ns = look_at_clock(d);
    int rc = journal_sqlite_flush(d->o->journal, err);
    if (rc < 0)
        return rc;
    d->written_seq = d->o->journal->head.seq;
    int64_t took_ns = look_at_clock(d) - from_ns;
    d->write_ns = d->real_ns + MW_MAX(WRITE_NS, WRITE_SHARE * took_ns);
    tell(d);
    return 0;
}

static void note(const struct replay_daemon *d, const char *text)
{
    if (d->o->told.note != NULL)
        d->o->told.note(d->o->told.ctx, text);
}

/* What is not written stays in memory, and is tried again; other failures are the end. */
static int write_or_wait(struct replay_daemon *d, struct mw_error *err)
{
    char text[512];
    int rc = write_record(d, err);
    if (rc == 0 && d->troubled)
        note(d, "the record is written again; nothing was lost");
    if (rc == MW_ENOSPC || rc == MW_EIO) {
        d->trouble = *err;
        d->write_ns = look_at_clock(d) + AGAIN_NS;
        (void)snprintf(text, sizeof(text), "the record takes nothing: %.300s; the replay stands "
                       "still; trying again every second", err->text);
        if (!d->troubled)
            note(d, text);
    }
    d->troubled = rc == MW_ENOSPC || rc == MW_EIO;
    return rc;
}

/* 0 also while the disk takes nothing. */
static int keep_record(struct replay_daemon *d)
{
    int rc = write_or_wait(d, &d->err);
    return d->troubled ? 0 : rc;
}

static int tend_record(struct replay_daemon *d)
{
    if (has_more(d) && d->real_ns >= d->write_ns)
        return keep_record(d);
    if (d->real_ns >= d->tell_ns && shown_ns(d) != d->told_now_ns)
        tell(d);
    return 0;
}

/* ---- the port for commands ------------------------------------------------------------------ */

static const struct control *port_control(void *ctx)
{
    const struct replay_daemon *d = ctx;
    return d->view->control;
}

static struct journal *port_journal(void *ctx)
{
    const struct replay_daemon *d = ctx;
    return d->o->journal;
}

static enum admit port_submit_more(void *ctx, int64_t now_ns, const struct event *fact,
                                   const void *tail)
{
    const struct replay_daemon *d = ctx;
    return run_submit_more(d->view, now_ns, fact, tail);
}

static int port_submit_end(void *ctx, struct mw_error *err)
{
    struct replay_daemon *d = ctx;
    int rc = run_submit_end(d->view, err);
    return rc < 0 ? rc : write_or_wait(d, err);
}

static int port_submit(void *ctx, int64_t now_ns, const struct event *fact, const void *tail,
                       enum admit *ret, struct mw_error *err)
{
    *ret = port_submit_more(ctx, now_ns, fact, tail);
    return port_submit_end(ctx, err);
}

/* ---- what the mailbox may ask ---------------------------------------------------------------- */

static int on_command(void *ctx, uint32_t actor, const struct api_command *c, uint64_t *ret_seq,
                      struct mw_error *err)
{
    struct replay_daemon *d = ctx;
    const struct api_port port = { .ctx = d, .control = port_control, .journal = port_journal,
                                   .submit = port_submit, .submit_more = port_submit_more,
                                   .submit_end = port_submit_end };
    if (d->view->ended)
        return mw_fail(err, MW_ECONFLICT, "the replay is at its end: nothing happens in it any "
                       "more; start it again to command it");
    if (d->troubled)
        return mw_fail(err, MW_ENOSPC, "nothing was changed: the record takes nothing: %.300s",
                       d->trouble.text);
    return api_act(&port, shown_ns(d), actor, c, ret_seq, err);
}

static const struct control *on_control(void *ctx)
{
    const struct replay_daemon *d = ctx;
    return d->view->control;
}

static json_t *stamp(int64_t ns)
{
    char text[40];
    mw_format_time(ns, text, sizeof(text));
    return json_string(text);
}

static json_t *replay_json(const struct replay_daemon *d)
{
    const struct scenario_files *f = d->o->files;
    bool traced = f->trace != NULL || f->job_trace != NULL;
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:f, s:b, s:s, s:s}", "replaying", 1, "scenario",
                     f->scenario.name, "start", stamp(d->pacer.start_ns), "end",
                     stamp(d->pacer.end_ns), "now", stamp(shown_ns(d)), "speed", d->pacer.speed,
                     "paused", d->pacer.paused, "state", pacer_state(&d->pacer), "rests_on",
                     traced ? "trace" : "modelled");
}

static json_t *or_no_memory(json_t *o, struct mw_error *err)
{
    if (o == NULL)
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}

static json_t *on_status(void *ctx, struct mw_error *err)
{
    struct replay_daemon *d = ctx;
    json_t *o = api_status_common(d->view->control, d->o->journal, shown_ns(d));
    json_t *mine = json_pack(
        "{s:o, s:I, s:n, s:o, s:{s:s, s:I, s:I}}", "started", stamp(d->started_ns), "uptime_s",
        (json_int_t)((d->real_ns - d->began_ns) / MW_NS_PER_S), "slurm", "replay", replay_json(d),
        "journal", "folder", d->o->folder, "seq", (json_int_t)d->written_seq, "epoch",
        (json_int_t)d->o->journal->epoch);
    if (o != NULL && (mine == NULL || json_object_update(o, mine) != 0)) {
        json_decref(o);
        o = NULL;
    }
    json_decref(mine);
    return or_no_memory(o, err);
}

static json_t *on_replay(void *ctx, const json_t *wish, struct mw_error *err)
{
    struct replay_daemon *d = ctx;
    (void)look_at_clock(d);
    if (wish != NULL && pacer_wish(&d->pacer, d->real_ns, d->next_ns, wish, err) < 0)
        return NULL;
    if (wish != NULL)
        tell(d);
    return or_no_memory(replay_json(d), err);
}

static json_t *on_machines(void *ctx, const json_t *wish, struct mw_error *err)
{
    const struct replay_daemon *d = ctx;
    return d->o->machines(d->o->machines_ctx, wish, err);
}

static void answer(struct replay_daemon *d)
{
    const struct api_writer writer = { .ctx = d, .command = on_command, .control = on_control,
                                       .status = on_status, .replay = on_replay,
                                       .machines = d->o->machines != NULL ? on_machines : NULL };
    asks_answer(d->asks, &writer);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static int64_t until(const struct replay_daemon *d, int64_t when_ns)
{
    return when_ns == MW_NEVER ? MW_NEVER : MW_MAX(when_ns - d->real_ns, 0);
}

/* What ends a sleep that simulated time does not. */
static int64_t sleep_ns(const struct replay_daemon *d, int64_t wait_ns)
{
    int64_t ns = MW_MIN(wait_ns, until(d, d->ends_ns));
    if (has_more(d))
        ns = MW_MIN(ns, until(d, d->write_ns));
    if (wait_ns != MW_NEVER || shown_ns(d) != d->told_now_ns)
        ns = MW_MIN(ns, until(d, d->tell_ns));
    return ns;
}

enum heard { HEARD_NOTHING, HEARD_ASKS, HEARD_STOP };

static enum heard listen_for(struct replay_daemon *d, int64_t ns)
{
    struct pollfd fd[] = { { .fd = d->o->stop_fd, .events = POLLIN },
                           { .fd = asks_fd(d->asks), .events = POLLIN } };
    struct timespec t = { .tv_sec = ns / MW_NS_PER_S, .tv_nsec = ns % MW_NS_PER_S };
    int n = ppoll(fd, MW_ARRAY_LEN(fd), ns == MW_NEVER ? NULL : &t, NULL);
    d->look_ns = look_at_clock(d) + LOOK_NS;
    if (n > 0 && fd[0].revents != 0)
        return HEARD_STOP;
    return n > 0 && fd[1].revents != 0 ? HEARD_ASKS : HEARD_NOTHING;
}

static enum run_pace stop(struct replay_daemon *d, int rc)
{
    d->rc = rc;
    return RUN_STOP;
}

/* ---- turns --------------------------------------------------------------------------------- */

static int begin(struct replay_daemon *d)
{
    d->begun = true;
    pacer_begin(&d->pacer, look_at_clock(d));
    int rc = write_record(d, &d->err);
    return rc < 0 ? rc : d->o->told.begun(d->o->told.ctx, &d->asks, &d->err);
}

static int come_to_end(struct replay_daemon *d)
{
    d->ended = true;
    pacer_end(&d->pacer);
    if (d->o->told.ended != NULL)
        d->o->told.ended(d->o->told.ctx);
    return keep_record(d);
}

static enum run_pace pace(void *ctx, const struct run_view *v, int64_t next_ns)
{
    struct replay_daemon *d = ctx;
    d->view = v;
    d->next_ns = next_ns;
    int rc = d->begun ? 0 : begin(d);
    if (rc == 0 && v->ended && !d->ended)
        rc = come_to_end(d);
    if (rc < 0)
        return stop(d, rc);
    for (;;) {
        (void)look_at_clock(d);
        if (v->now_ns > d->came_ns) /* once: who is woken in between has not come anywhere */
            pacer_came_to(&d->pacer, d->real_ns, v->now_ns);
        d->came_ns = v->now_ns;
        int64_t wait_ns = pacer_wait_ns(&d->pacer, d->real_ns, next_ns);
        if (wait_ns == 0 && d->real_ns < d->look_ns && !d->troubled)
            return RUN_GO;
        rc = tend_record(d);
        if (rc < 0 || d->real_ns >= d->ends_ns)
            return stop(d, rc);
        if (d->troubled)
            wait_ns = MW_NEVER;
        enum heard heard = listen_for(d, sleep_ns(d, wait_ns));
        if (heard == HEARD_STOP)
            return stop(d, 0);
        if (heard == HEARD_ASKS) {
            answer(d);
            return RUN_AGAIN;
        }
    }
}

static void on_event(void *ctx, const struct run_view *v, const struct event *ev, const void *tail)
{
    struct replay_daemon *d = ctx;
    (void)v;
    (void)tail;
    if (ev->kind == EV_INCIDENT_OPENED && d->begun)
        pacer_incident(&d->pacer, d->real_ns, ev->time_ns);
}

int replay_daemon_run(const struct replay_daemon_options *o, struct mw_error *err)
{
    must(o != NULL && o->journal != NULL && o->told.begun != NULL);
    const struct scenario *s = &o->files->scenario;
    struct replay_daemon d = { .o = o, .started_ns = clock_ns(CLOCK_REALTIME),
                               .pacer = { .start_ns = s->start_ns, .speed = o->speed,
                                          .end_ns = s->start_ns + s->horizon_ns,
                                          .paused = o->paused } };
    struct run_options run = scenario_files_options(o->files);
    struct run_result result;
    d.began_ns = look_at_clock(&d);
    d.ends_ns = o->for_ns > 0 ? d.began_ns + o->for_ns : MW_NEVER;
    run.seed = o->seed;
    run.journal = o->journal;
    run.pace = pace;
    run.event = on_event;
    run.ctx = &d;
    int rc = run_scenario(&run, &result, err);
    if (rc == 0 && d.rc < 0) {
        *err = d.err;
        return d.rc;
    }
    return rc == 0 ? journal_sqlite_flush(o->journal, err) : rc;
}
