/*
 * Reads the scenario, makes the folder of its record, says what it does, and
 * hands over to cli/replay_daemon.h until it is told to end.
 */
#include "cli/serve_replay.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/format.h"
#include "base/units.h"
#include "cli/guests.h"
#include "cli/live_paths.h"
#include "cli/pacer.h"
#include "cli/replay_daemon.h"
#include "cli/replay_folder.h"
#include "cli/serve_http.h"
#include "store/journal_sqlite.h"

struct serving {
    struct cli_context *ctx;
    struct scenario_files files;
    struct control_sha256 rules;
    struct journal *journal;
    struct serve_http http;
    struct guests *guests; /* NULL = nobody listens to agents */
    char folder[LIVE_PATH_MAX], socket[LIVE_PATH_MAX];
    bool temporary; /* the folder is ours to remove … */
    bool worthless; /* … with what is in it: all of it was seen, or nothing happened */
    int stop_fd;
};

/* ---- what the command line says ------------------------------------------------------------ */

/* Options that are about a live site. */
static int check_options(const struct cli_context *ctx)
{
    static const char *const live[] = { "site", "slurm", "no-slurm", "mode", "token-file" };
    double speed = cli_option_real(ctx, "speed");
    for (uint32_t i = 0; i < MW_ARRAY_LEN(live); i++)
        if (cli_option_given(ctx, live[i]))
            return cli_usage(ctx, "--%s is for a live site, and --replay has none", live[i]);
    if (!(speed >= 0 && speed <= PACER_SPEED_MAX))
        return cli_usage(ctx, "option --speed: 0 (as fast as it goes) to %.0f", PACER_SPEED_MAX);
    return CLI_EXIT_OK;
}

/* A record with crashes is kept in memory only, and nobody could follow it. */
static int check_crashes(struct cli_context *ctx, const struct scenario *s)
{
    if (s->crashes == 0 && !s->crash_every_step)
        return CLI_EXIT_OK;
    return cli_usage(ctx, "the scenario crashes its daemon, and such a record cannot be followed: "
                     "add --set crashes=0%s", s->crash_every_step ? " --set crash_every_step=false"
                                                                  : "");
}

static int copy_path(char ret[LIVE_PATH_MAX], const char *what, const char *path,
                     struct mw_error *err)
{
    int n = snprintf(ret, LIVE_PATH_MAX, "%s", path);
    return n < LIVE_PATH_MAX ? 0 : mw_fail(err, MW_EINVAL, "the path of the %s is too long", what);
}

static int make_folder(struct serving *s, struct mw_error *err)
{
    const char *named = cli_option_string(s->ctx, "journal");
    uint32_t left = 0;
    if (named != NULL)
        return copy_path(s->folder, "journal", named, err);
    int rc = replay_folder_make(s->folder, &left, err);
    s->temporary = rc == 0;
    if (left > 0)
        cli_note(s->ctx, "%u folders of other replays are beside %s: of running ones, or left by "
                 "killed ones (those can be removed)", left, s->folder);
    return rc;
}

/* The usual place, so that mw status finds it; where that is not ours, the record's folder. */
static int choose_socket(struct serving *s, struct mw_error *err)
{
    const char *named = cli_option_string(s->ctx, "socket");
    if (named != NULL)
        return copy_path(s->socket, "socket", named, err);
    int rc = live_path_socket(s->socket, err);
    if (rc < 0)
        return rc;
    char *name = strrchr(s->socket, '/');
    *name = '\0';
    bool ours = access(s->socket, W_OK) == 0;
    *name = '/';
    if (ours)
        return 0;
    int n = snprintf(s->socket, LIVE_PATH_MAX, "%.4000s/mw.sock", s->folder);
    must(n < LIVE_PATH_MAX);
    return 0;
}

static int open_journal(struct serving *s, struct mw_error *err)
{
    const struct journal_sqlite_options simulated = { .simulated = true };
    int rc = journal_sqlite_open(s->folder, &simulated, &s->journal, err);
    if (rc == 0 && s->journal->head.seq > 0)
        rc = mw_fail(err, MW_EEXIST, "%s holds a journal already: name a new folder", s->folder);
    return rc;
}

/* ---- running ------------------------------------------------------------------------------- */

static void say_hello(const struct serving *s)
{
    const struct cli_context *ctx = s->ctx;
    const struct scenario *c = &s->files.scenario;
    double speed = cli_option_real(ctx, "speed");
    char length[40], each[40];
    mw_format_duration(c->horizon_ns, length, sizeof(length));
    mw_format_duration((int64_t)(MW_MIN(speed, 1e8) * (double)MW_NS_PER_S), each, sizeof(each));
    cli_note(ctx, "replays %s: %u nodes, %u GPUs, %s in simulated time, %s%s%s", c->name,
             s->files.fleet->count[COMPONENT_NODE], s->files.fleet->gpus_total, length,
             speed > 0 ? each : "as fast as it goes", speed > 0 ? " a second" : "",
             cli_option_bool(ctx, "paused") ? ", and begins paused" : "");
    cli_note(ctx, "the record is in %s%s; mw status asks %s", s->folder,
             s->temporary ? ", and is removed at the end" : "", s->socket);
}

static int on_begun(void *ctx, struct asks **ret, struct mw_error *err)
{
    struct serving *s = ctx;
    const struct serve_http_site site = { .journal = s->folder, .socket = s->socket,
                                          .rules = s->rules.bytes, .replay = true,
                                          .scenario = cli_option_string(s->ctx, "replay") };
    serve_http_raise_files(s->ctx, 0);
    int rc = serve_http_start(s->ctx, &site, &s->http, err);
    if (rc < 0)
        return rc;
    *ret = s->http.asks;
    say_hello(s);
    serve_http_say(s->ctx, &s->http);
    s->worthless = false;
    return 0;
}

static void on_ended(void *ctx)
{
    const struct serving *s = ctx;
    cli_note(s->ctx, "the replay is at its end and can still be looked at: Ctrl-C ends it");
}

static void on_note(void *ctx, const char *text)
{
    const struct serving *s = ctx;
    cli_note(s->ctx, "%s", text);
}

/* Machines that are really here, when somebody asked to hear them. */
static int start_guests(struct serving *s, struct mw_error *err)
{
    const struct cli_context *ctx = s->ctx;
    bool listens = cli_option_given(ctx, "listen");
    const struct guests_options o = {
        .address = listens ? cli_option_string(ctx, "listen") : "127.0.0.1:0",
        .agent = cli_option_string(ctx, "agent") };
    if (!listens && o.agent == NULL)
        return 0;
    int rc = guests_start(&o, &s->guests, err);
    if (rc == 0)
        cli_note(ctx, "agents connect to %s; their machines are shown beside the replayed site%s",
                 guests_address(s->guests),
                 o.agent != NULL ? ", this one too, each figure measured" : "");
    return rc;
}

static json_t *tell_machines(void *ctx, const json_t *wish, struct mw_error *err)
{
    struct serving *s = ctx;
    return guests_tell(s->guests, wish, err);
}

/* Before any thread is made, so that all of them leave these signals to us. */
static int catch_signals(struct serving *s, struct mw_error *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        s->stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->stop_fd >= 0 ? 0 : mw_fail(err, MW_EIO, "signals cannot be waited for");
}

static int run(struct serving *s, struct mw_error *err)
{
    const struct cli_context *ctx = s->ctx;
    const struct replay_daemon_options o = {
        .files = &s->files, .journal = s->journal, .folder = s->folder, .stop_fd = s->stop_fd,
        .seed = cli_option_given(ctx, "seed") ? cli_option_u64(ctx, "seed")
                                              : s->files.scenario.seed,
        .speed = cli_option_real(ctx, "speed"), .paused = cli_option_bool(ctx, "paused"),
        .for_ns = cli_option_duration_ns(ctx, "for"),
        .told = { .ctx = s, .begun = on_begun, .ended = on_ended, .note = on_note },
        .machines = s->guests != NULL ? tell_machines : NULL, .machines_ctx = s };
    return replay_daemon_run(&o, err);
}

static int serve(struct serving *s, struct mw_error *err)
{
    int rc = catch_signals(s, err);
    if (rc == 0)
        rc = make_folder(s, err);
    if (rc == 0)
        rc = choose_socket(s, err);
    if (rc == 0)
        rc = open_journal(s, err);
    if (rc == 0)
        rc = start_guests(s, err);
    s->rules = control_policy_sha256(&s->files.scenario.policy);
    if (rc == 0)
        rc = run(s, err);
    uint64_t seq = rc == 0 ? s->journal->head.seq : 0;
    s->worthless |= rc == 0;
    serve_http_stop(&s->http);
    guests_stop(s->guests);
    journal_destroy(s->journal);
    if (s->stop_fd >= 0)
        (void)close(s->stop_fd);
    if (rc == 0)
        cli_note(s->ctx, "ended at event %llu%s%s", (unsigned long long)seq,
                 s->temporary ? "" : "; the record is whole: mw journal tail ",
                 s->temporary ? "" : s->folder);
    return rc;
}

int serve_replay(struct cli_context *ctx)
{
    struct serving s = { .ctx = ctx, .stop_fd = -1, .worthless = true };
    struct mw_error err = { 0 }, why = { 0 };
    int code = check_options(ctx);
    if (code == CLI_EXIT_OK)
        code = serve_http_check(ctx);
    if (code != CLI_EXIT_OK)
        return code;
    code = scenario_files_load(ctx, cli_option_string(ctx, "replay"), &s.files);
    if (code == CLI_EXIT_OK)
        code = check_crashes(ctx, &s.files.scenario);
    if (code == CLI_EXIT_OK)
        code = serve_http_check_site(ctx, s.files.fleet);
    if (code == CLI_EXIT_OK && serve(&s, &err) < 0)
        code = cli_fail(ctx, &err);
    if (s.temporary && s.worthless && replay_folder_remove(s.folder, &why) < 0)
        cli_note(ctx, "%s", why.text);
    if (s.temporary && !s.worthless)
        cli_note(ctx, "the record up to here stays in %s", s.folder);
    scenario_files_fini(&s.files);
    return code;
}
