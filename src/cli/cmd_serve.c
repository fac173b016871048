/*
 * `mw serve`: the daemon.  Reads what it needs from the machine (files, paths,
 * programs), says what it will and will not do, and hands over to live/loop.h,
 * with api/server.h beside it on a thread of its own, until it is told to end.
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "api/act_live.h"
#include "api/command.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/agents_ca.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/live_paths.h"
#include "cli/policy_file.h"
#include "cli/serve_http.h"
#include "cli/serve_log.h"
#include "cli/serve_replay.h"
#include "cli/site_file.h"
#include "live/authority.h"
#include "live/policy.h"
#include "live/remote_write.h"
#include "store/journal_sqlite.h"

#define TOKEN_BYTES_MAX 95
#define FILES_SPARE 512
#define POLL_MIN_NS (100 * MW_NS_PER_MS)
#define SILENCE_MIN_NS (300 * MW_NS_PER_MS)

struct serve {
    struct cli_context *ctx;
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    struct loop *loop;
    struct serve_http http;
    struct event *asked; /* the API's thread asks something */
    struct api_site site;
    struct api_writer writer;
    struct serve_log log;
    char *token;
    struct authority *authority; /* NULL without --agents-tls */
    struct remote_write *remote; /* NULL without --remote-write */
    char journal_path[LIVE_PATH_MAX], socket_path[LIVE_PATH_MAX];
    uint8_t mode;
    bool slurm;
};

static void serve_fini(struct serve *s)
{
    serve_http_stop(&s->http);
    remote_write_destroy(s->remote);
    if (s->asked != NULL)
        event_free(s->asked);
    loop_destroy(s->loop);
    journal_destroy(s->journal);
    fleet_destroy(s->fleet);
    mw_free(s->token);
    authority_close(s->authority);
}

/* ---- what the command line says -------------------------------------------------------------- */

static int read_paths(struct serve *s, struct mw_error *err)
{
    const char *journal = cli_option_string(s->ctx, "journal");
    const char *socket = cli_option_string(s->ctx, "socket");
    int rc = 0;
    if (journal == NULL)
        rc = live_path_journal(s->journal_path, err);
    else if (snprintf(s->journal_path, LIVE_PATH_MAX, "%s", journal) >= LIVE_PATH_MAX)
        rc = mw_fail(err, MW_EINVAL, "the path of the journal is too long");
    if (rc == 0 && socket == NULL)
        rc = live_path_socket(s->socket_path, err);
    else if (rc == 0 && snprintf(s->socket_path, LIVE_PATH_MAX, "%s", socket) >= LIVE_PATH_MAX)
        rc = mw_fail(err, MW_EINVAL, "the path of the socket is too long");
    if (rc == 0 && journal == NULL)
        rc = live_path_make_parents(s->journal_path, err);
    return rc;
}

static uint8_t read_mode(const struct cli_context *ctx)
{
    const char *word = cli_option_string(ctx, "mode");
    for (uint8_t m = 0; word != NULL && api_mode_word(m) != NULL; m++)
        if (strcmp(word, api_mode_word(m)) == 0)
            return m;
    must(word == NULL); /* the parser let only these words through */
    return LIVE_MODE_KEEP;
}

/* The token is one word; the newline at the end of its file does not belong to it. */
static int read_token(struct serve *s, struct mw_error *err)
{
    const char *path = cli_option_string(s->ctx, "token-file");
    size_t size = 0;
    struct stat st;
    if (path == NULL)
        return 0;
    int rc = mw_read_file(path, 4096, false, &s->token, &size, err);
    if (rc < 0)
        return rc;
    while (size > 0 && (s->token[size - 1] == '\n' || s->token[size - 1] == '\r'))
        s->token[--size] = '\0';
    if (size == 0 || size > TOKEN_BYTES_MAX || strcspn(s->token, " \t\r\n") != size)
        return mw_fail(err, MW_EINVAL, "%s: a token is one word of 1 to %d bytes", path,
                       TOKEN_BYTES_MAX);
    if (stat(path, &st) == 0 && (st.st_mode & 0077) != 0)
        cli_note(s->ctx, "%s can be read by others: chmod 600 it", path);
    return 0;
}

static int open_authority(struct serve *s, struct mw_error *err)
{
    char dir[LIVE_PATH_MAX];
    if (!cli_option_bool(s->ctx, "agents-tls"))
        return 0;
    int rc = agents_ca_path(s->journal_path, dir, err);
    return rc < 0 ? rc : authority_open(dir, (int64_t)time(NULL), true, &s->authority, err);
}

/* Agents of a large site beat seldom: a shorter silence would take all of them for dead. */
static int check_silence(const struct serve *s, struct mw_error *err)
{
    int64_t silence_ns = cli_option_duration_ns(s->ctx, "silence");
    uint32_t nodes = s->fleet->count[COMPONENT_NODE];
    if (silence_ns == 0 || silence_ns * 2 >= agents_beat_ns(nodes) * 3)
        return 0;
    return mw_fail(err, MW_EINVAL, "option --silence: at least 1.5 s, as the agents of %u nodes "
                   "speak every second", nodes);
}

static int open_remote(struct serve *s, struct mw_error *err)
{
    const struct remote_write_options o = {
        .url = cli_option_string(s->ctx, "remote-write"),
        .token_file = cli_option_string(s->ctx, "remote-write-token-file"),
        .ca = cli_option_string(s->ctx, "remote-write-ca") };
    return o.url == NULL ? 0 : remote_write_create(&o, &s->remote, err);
}

static int check_options(struct serve *s)
{
    const struct cli_context *ctx = s->ctx;
    s->slurm = !cli_option_bool(ctx, "no-slurm");
    s->mode = read_mode(ctx);
    if (!s->slurm && cli_option_given(ctx, "slurm"))
        return cli_usage(ctx, "--slurm and --no-slurm contradict each other");
    if (cli_option_duration_ns(ctx, "poll") < POLL_MIN_NS)
        return cli_usage(ctx, "option --poll: at least 100 ms");
    if (cli_option_given(ctx, "silence") && cli_option_duration_ns(ctx, "silence") < SILENCE_MIN_NS)
        return cli_usage(ctx, "option --silence: at least 300 ms (agents speak every 200 ms)");
    return CLI_EXIT_OK;
}

/* ---- what the machine has -------------------------------------------------------------------- */

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char name[4096];
    for (const char *p = path; p != NULL && *p != '\0';) {
        size_t n = strcspn(p, ":");
        int length = snprintf(name, sizeof(name), "%.*s/%s", (int)n, n > 0 ? p : ".", program);
        if (length > 0 && (size_t)length < sizeof(name) && access(name, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static int check_slurm(const struct serve *s, struct mw_error *err)
{
    static const char *const needed[] = { "scontrol", "squeue", "sinfo" };
    const char *conf = cli_option_string(s->ctx, "slurm");
    for (uint32_t i = 0; s->slurm && i < MW_ARRAY_LEN(needed); i++)
        if (!in_path(needed[i]))
            return mw_fail(err, MW_ENOTFOUND, "there is no %s in PATH: install Slurm's client "
                           "commands (Debian: slurm-client), or say --no-slurm", needed[i]);
    if (s->slurm && conf != NULL && access(conf, R_OK) != 0)
        return mw_fail(err, MW_ENOTFOUND, "%s cannot be read: --slurm names Slurm's slurm.conf",
                       conf);
    return 0;
}

static int open_journal(struct serve *s, struct mw_error *err)
{
    int rc = journal_sqlite_open(s->journal_path, NULL, &s->journal, err);
    if (rc == MW_EBUSY)
        return mw_fail(err, rc, "the journal %s is in use: another mw serve runs on it (mw status "
                       "asks it)", s->journal_path);
    if (rc < 0)
        return rc;
    if (s->journal->opened.loss != JOURNAL_WHOLE)
        return mw_fail(err, MW_ECORRUPT, "the journal %s is not whole: %s", s->journal_path,
                       s->journal->opened.text);
    return 0;
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void on_event(void *ctx, const struct event *ev, const void *tail)
{
    struct serve *s = ctx;
    if (!s->ctx->quiet)
        serve_log_event(&s->log, ev, tail);
}

static void on_note(void *ctx, const char *text)
{
    struct serve *s = ctx;
    serve_log_note(&s->log, loop_now_ns(s->loop), text);
}

static void on_committed(void *ctx, uint64_t seq, int64_t now_ns)
{
    struct serve *s = ctx;
    if (s->http.asks != NULL)
        asks_committed(s->http.asks, seq, now_ns);
    if (s->remote != NULL && s->loop != NULL)
        remote_write_feed(s->remote, live_machines(loop_live(s->loop)), now_ns / MW_NS_PER_MS);
}

static void on_asked(evutil_socket_t fd, short what, void *ctx)
{
    struct serve *s = ctx;
    (void)fd;
    (void)what;
    asks_answer(s->http.asks, &s->writer);
    on_committed(s, s->journal->head.seq, loop_now_ns(s->loop));
}

static const char *mode_meaning(uint8_t mode, bool slurm)
{
    switch (mode) {
    case MODE_OBSERVE:
    case MODE_ADVISE:
        return slurm ? "records what it would do and does nothing: no node is drained, no job is "
                       "touched"
                     : "records what it would do and takes no working node";
    case MODE_APPROVE:
        return slurm ? "touches a node or job in Slurm only when a person approves it (mw approve)"
                     : "takes a working node only when a person approves it (mw approve)";
    default:
        return slurm ? "sets dead nodes down in Slurm, drains failing ones, requeues their jobs, "
                       "and resumes only what it took out"
                     : "takes failing nodes out of service, within its safety budget";
    }
}

static void say_mode(const struct serve *s)
{
    const struct control *c = live_control(loop_live(s->loop));
    uint32_t halls = s->fleet->count[COMPONENT_HALL];
    uint8_t first = (uint8_t)guard_mode_of(c->guard, 0);
    for (uint32_t h = 1; h < halls; h++)
        if (guard_mode_of(c->guard, h) != first) {
            cli_note(s->ctx, "halls are in different modes: mw status shows them");
            return;
        }
    cli_note(s->ctx, "mode %s: %s", api_mode_word(first), mode_meaning(first, s->slurm));
    if (first >= MODE_APPROVE && s->token == NULL && s->authority == NULL)
        cli_note(s->ctx, "agents show no token: any user of this machine can speak for a node; "
                 "give --token-file before nodes are taken on their word");
}

static void say_hello(struct serve *s, uint64_t before_seq)
{
    struct cli_context *ctx = s->ctx;
    const char *conf = cli_option_string(ctx, "slurm");
    char poll[40];
    mw_format_duration(cli_option_duration_ns(ctx, "poll"), poll, sizeof(poll));
    cli_note(ctx, "site %s: %u nodes, %u GPUs; journal %s, %s event %llu", s->fleet->name,
             s->fleet->count[COMPONENT_NODE], s->fleet->gpus_total, s->journal_path,
             before_seq > 0 ? "goes on after" : "new, begins with",
             (unsigned long long)MW_MAX(before_seq, 1));
    if (s->slurm)
        cli_note(ctx, "watches Slurm (%s) every %s; drains that others set are never touched",
                 conf != NULL ? conf : "the system's slurm.conf", poll);
    else
        cli_note(ctx, "watches no Slurm");
    cli_note(ctx, "agents connect to %s%s%s; mw status asks %s", loop_listens(s->loop),
             s->authority != NULL ? " over TLS" : "", s->token != NULL ? " with the token" : "",
             s->socket_path);
    serve_http_say(ctx, &s->http);
    say_mode(s);
    int64_t ahead_ns = core_now(live_control(loop_live(s->loop))->core) - loop_now_ns(s->loop);
    char ahead[40];
    mw_format_duration(ahead_ns, ahead, sizeof(ahead));
    if (ahead_ns > MW_NS_PER_S)
        cli_note(ctx, "this machine's clock is %s behind the record: until then its times stand "
                 "still", ahead);
}

/* ---- running --------------------------------------------------------------------------------- */

static int make_loop(struct serve *s, struct mw_error *err)
{
    const struct cli_context *ctx = s->ctx;
    const struct loop_options o = {
        .fleet = s->fleet, .policy = &s->policy, .journal = s->journal, .mode = s->mode,
        .slurm = s->slurm, .slurm_conf = cli_option_string(ctx, "slurm"),
        .slurm_poll_ns = cli_option_duration_ns(ctx, "poll"),
        .silence_ns = cli_option_duration_ns(ctx, "silence"),
        .listen = cli_option_string(ctx, "listen"), .token = s->token,
        .authority = s->authority,
        .for_ns = cli_option_duration_ns(ctx, "for"),
        .told = { .ctx = s, .event = on_event, .note = on_note, .committed = on_committed } };
    int rc = loop_create(&o, &s->loop, err);
    return rc == MW_ECONFLICT ? mw_fail_prefix(err, "%s", s->journal_path) : rc;
}

static int make_faces(struct serve *s, struct mw_error *err)
{
    const struct control_sha256 rules = control_policy_sha256(&s->policy);
    const struct serve_http_site site = { .journal = s->journal_path, .socket = s->socket_path,
                                          .rules = rules.bytes };
    s->site = (struct api_site){ .loop = s->loop, .journal = s->journal_path };
    s->writer = api_live_writer(&s->site);
    int rc = serve_http_start(s->ctx, &site, &s->http, err);
    if (rc < 0)
        return rc;
    s->asked = event_new(loop_base(s->loop), asks_fd(s->http.asks), EV_READ | EV_PERSIST, on_asked,
                         s);
    if (s->asked == NULL || event_add(s->asked, NULL) != 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    on_committed(s, s->journal->head.seq, loop_now_ns(s->loop));
    return 0;
}

static int start(struct serve *s, struct mw_error *err)
{
    s->policy.care.engine = s->policy.work.engine = s->slurm;
    serve_http_raise_files(s->ctx, (uint64_t)s->fleet->count[COMPONENT_NODE] * 2 + FILES_SPARE);
    int rc = check_slurm(s, err);
    if (rc == 0)
        rc = read_paths(s, err);
    if (rc == 0)
        rc = read_token(s, err);
    if (rc == 0)
        rc = check_silence(s, err);
    if (rc == 0)
        rc = open_authority(s, err);
    if (rc == 0)
        rc = open_remote(s, err);
    if (rc == 0)
        rc = open_journal(s, err);
    uint64_t before_seq = rc == 0 ? s->journal->head.seq : 0;
    if (rc == 0)
        rc = make_loop(s, err);
    if (rc == 0)
        rc = make_faces(s, err);
    if (rc == 0)
        say_hello(s, before_seq);
    return rc;
}

static void say_remote(struct serve *s)
{
    if (s->remote == NULL)
        return;
    const struct remote_write_stats r = remote_write_end(s->remote);
    cli_note(s->ctx, "remote write: %llu samples sent, %llu dropped, %llu refused%s%s",
             (unsigned long long)r.sent, (unsigned long long)r.dropped,
             (unsigned long long)r.refused, r.trouble[0] != '\0' ? "; last: " : "", r.trouble);
}

static void on_return(struct serve *s)
{
    say_remote(s);
    serve_fini(s);
}

static int run_serve(struct cli_context *ctx)
{
    struct serve s mw_cleanup(on_return) = { .ctx = ctx };
    struct mw_error err = { 0 };
    if (cli_option_given(ctx, "replay"))
        return serve_replay(ctx);
    if (!cli_option_given(ctx, "site"))
        return cli_usage(ctx, "--site names the site of a live cluster, --replay a scenario: one "
                         "of them is needed");
    int code = check_options(&s);
    if (code == CLI_EXIT_OK)
        code = serve_http_check(ctx);
    if (code == CLI_EXIT_OK)
        code = site_file_load(ctx, cli_option_string(ctx, "site"), &s.fleet);
    if (code == CLI_EXIT_OK)
        code = serve_http_check_site(ctx, s.fleet);
    s.policy = live_policy();
    if (code == CLI_EXIT_OK && cli_option_given(ctx, "policy"))
        code = policy_file_load(ctx, cli_option_string(ctx, "policy"), &s.policy);
    if (code != CLI_EXIT_OK)
        return code;
    s.log = (struct serve_log){ .to = ctx->messages, .fleet = s.fleet, .policy = &s.policy };
    if (start(&s, &err) < 0)
        return cli_fail(ctx, &err);
    if (loop_run(s.loop, &err) < 0)
        return cli_fail(ctx, &err);
    cli_note(ctx, "ended at event %llu; the record is whole", (unsigned long long)
             s.journal->head.seq);
    return CLI_EXIT_OK;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct command_option options[] = {
    { .name = "site", .type = VALUE_FILE, .value = "FILE",
      .help = "the site file; nodes have the names that Slurm has for them" },
    SERVE_REPLAY_OPTIONS,
    SERVE_HTTP_OPTIONS,
    { .name = "slurm", .type = VALUE_FILE, .value = "CONF",
      .help = "Slurm's slurm.conf, where it is not the system's" },
    { .name = "no-slurm", .help = "there is no Slurm: only agents are heard" },
    { .name = "journal", .type = VALUE_DIR, .value = "DIR",
      .help = "the record; default $XDG_STATE_HOME/millwright/journal, for root "
              "/var/lib/millwright/journal; with --replay a new folder" },
    { .name = "mode", .type = VALUE_CHOICE, .value = "observe|advise|approve|act",
      .help = "what automation may do in every hall; default: as recorded, at first observe" },
    { .name = "policy", .type = VALUE_FILE, .value = "FILE",
      .help = "rules of this site over the live ones: policy, parts, classes as a scenario has "
              "them" },
    { .name = "listen", .type = VALUE_STRING, .value = "ADDRESS", .fallback = "127.0.0.1:7377",
      .help = "where agents connect: a loopback address and port (0 = a free one), any address "
              "with --agents-tls" },
    { .name = "remote-write", .type = VALUE_STRING, .value = "URL",
      .help = "send what machines say to this receiver, by Prometheus remote write" },
    { .name = "remote-write-token-file", .type = VALUE_FILE, .value = "FILE",
      .help = "the bearer token for it; mode 0600" },
    { .name = "remote-write-ca", .type = VALUE_FILE, .value = "FILE",
      .help = "who signs its certificate, where that is not the system's" },
    { .name = "agents-tls",
      .help = "agents and gatherers connect over mutual TLS, with certificates of the daemon's own "
              "CA, in agents-ca beside the journal: mw agent token new" },
    { .name = "socket", .type = VALUE_FILE, .value = "PATH",
      .help = "the control socket; default $XDG_RUNTIME_DIR/millwright.sock, else "
              "/run/millwright.sock" },
    { .name = "token-file", .type = VALUE_FILE, .value = "FILE",
      .help = "agents must say the word in this file" },
    { .name = "poll", .type = VALUE_DURATION, .value = "TIME", .fallback = "1s",
      .help = "time between two looks at Slurm" },
    { .name = "silence", .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
      .help = "a node whose agent is silent this long is dead, unless what its agent named "
              "with --probe answers; default 600 ms, and 3 s above 4096 nodes" },
    { .name = "for", .type = VALUE_DURATION, .value = "TIME", .fallback = "0",
      .help = "end after this time; 0 = run until told to end" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "run the daemon on a live site, or on a scenario in simulated time",
        .description =
            "Watches a Slurm cluster and the agents on its nodes (mw-agent), keeps the record of "
            "what they say, and decides what should be done. At first it only observes: it "
            "records what it would do, and nothing goes out. Let it act, in one hall or in all, "
            "with mw mode set or --mode.\n\n"
            "It never touches a drain that somebody else set, and resumes only nodes that it took "
            "out itself. Jobs outlive it: ended or killed, it goes on where its record ends. "
            "SIGTERM and Ctrl-C end it cleanly.\n\n"
            "With --replay there is no live site: a scenario, that is a trace of faults or a model "
            "of them, runs in simulated time behind the same console, API and commands, and what a "
            "person commands is done in it. Speed, pause, and going on until the next incident or "
            "until a time are on the console's replay bar and under /api/v1/replay. At the end of "
            "the scenario it stays to be looked at. Without --journal its record is in a new "
            "folder that it names and that is removed at a clean end.\n\n"
            "The console and the API are at --http, whose link it prints, and on the Unix socket; "
            "agents connect to --listen. All three are this machine's only, unless --http has TLS. "
            "Decisions are printed as they are taken; mw journal tail shows all of them, mw status "
            "how the daemon is.",
        .examples =
            (const struct command_example[]){
                { .line = "mw serve --site site.yaml --no-slurm --journal live --listen "
                          "127.0.0.1:0 --http none --socket other.sock --for 1s",
                  .shows = "Hears agents for a second, and ends." },
                { .line = "mw serve --site site.yaml --no-slurm --journal live --listen "
                          "127.0.0.1:0 --http 127.0.0.1:0 --socket mw.sock --for 45s "
                          "2>serve.log & "
                          "mw status --socket mw.sock --wait 20s",
                  .shows = "In the background; asked how it is as soon as it answers." },
                { .line = "mw serve --replay scenarios/small.yaml --set crashes=0 --paused --http "
                          "127.0.0.1:0 --socket other.sock --journal replayed --for 1s",
                  .shows = "A month on 32 made-up nodes, to be started from the console." },
                { .line = "mw serve --site site.yaml --slurm nowhere.conf --journal other",
                  .shows = "Without Slurm's commands or that file, the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = options,
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "a file, or Slurm's commands, are not there" },
                { CLI_EXIT_DENIED, "an address that is not loopback, without TLS; a path that is "
                                   "not ours" },
                { CLI_EXIT_CONFLICT, "the port, socket or journal is in use, or the journal is of "
                                     "another site" },
                { 0 },
            },
        .run = run_serve,
    },
    { 0 },
};

const struct command_group cmd_serve = {
    .noun = "serve",
    .summary = "the daemon: watch a live site, decide, and act where it may",
    .commands = commands,
};
