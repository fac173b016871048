/* One thread, one poll loop, one peer at a time. */
#include "agent/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/exec_act.h"
#include "base/parse.h"

#define EXIT_USE 2
#define OUT_MAX (8 * AGENT_FRAME_MAX)

struct executor {
    const char *policy_path, *socket_path, *state_path;
    char boot[40];
    struct exec_policy policy;
    struct exec_store store;
    struct exec_acts acts;
    uid_t user;              /* who may ask */
    int signals, listener, peer; /* -1 */
    char in[AGENT_FRAME_MAX], out[OUT_MAX];
    size_t in_length, out_length;
    bool show;               /* --show: say what the policy allows, and end */
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec t = { 0 };
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the peer ------------------------------------------------------------------------------ */

static void drop_peer(struct executor *x)
{
    if (x->peer >= 0)
        (void)close(x->peer);
    x->peer = -1;
    x->in_length = x->out_length = 0;
}

static void flush(struct executor *x)
{
    while (x->peer >= 0 && x->out_length > 0) {
        ssize_t n = send(x->peer, x->out, x->out_length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            drop_peer(x);
            return;
        }
        x->out_length -= (size_t)n;
        memmove(x->out, x->out + n, x->out_length);
    }
}

/* A peer that is away or reads nothing asks again, and is answered from what is recorded. */
static void say(struct executor *x, const struct agent_frame *f)
{
    if (x->peer < 0)
        return;
    size_t n = agent_frame_write(f, x->out + x->out_length, sizeof(x->out) - x->out_length);
    if (n == 0) {
        drop_peer(x);
        return;
    }
    x->out_length += n;
    flush(x);
}

static void on_answer(void *ctx, const struct agent_frame *f)
{
    static const char *const words[] = { "?", "ok", "failed", "unknown" };
    (void)fprintf(stderr, "mw-agent exec: %s %llu: %s: %.300s\n", agent_verb_name(f->verb),
                  (unsigned long long)f->n, words[f->result <= 3 ? f->result : 0], f->text);
    say(ctx, f);
}

/* The executor as a source: that it is there, and in which mode. */
static void greet(struct executor *x)
{
    struct agent_frame f = { .verb = AGENT_SOURCE, .state = AGENT_SOURCE_OK, .gpu = -1,
                             .name = "executor" };
    bool checks = x->policy.act && x->policy.rule[EXEC_CHECK].allow;
    (void)snprintf(f.text, sizeof(f.text), "mode=%s checks=%s",
                   x->policy.act ? "act" : "shadow", checks ? "yes" : "no");
    say(x, &f);
}

static void on_line(struct executor *x, const char *line, size_t size)
{
    struct agent_frame f;
    struct mw_error why;
    if (agent_frame_read(line, size, &f, &why) < 0 ||
        (f.verb != AGENT_ACT && f.verb != AGENT_CHECK)) {
        (void)fprintf(stderr, "mw-agent exec: a line that is no request was dropped\n");
        return;
    }
    (void)fprintf(stderr, "mw-agent exec: asked for %s %llu: %.32s gpu=%d name=%.96s "
                  "lease_ms=%lld\n", agent_verb_name(f.verb), (unsigned long long)f.n, f.action,
                  (int)f.gpu, f.name, (long long)f.lease_ms);
    exec_acts_take(&x->acts, &f, clock_ms(CLOCK_BOOTTIME), clock_ms(CLOCK_REALTIME));
}

static void on_readable(struct executor *x)
{
    ssize_t n = recv(x->peer, x->in + x->in_length, sizeof(x->in) - x->in_length, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop_peer(x);
        return;
    }
    x->in_length += (size_t)n;
    for (char *end; x->peer >= 0 && (end = memchr(x->in, '\n', x->in_length)) != NULL;) {
        size_t size = (size_t)(end - x->in);
        on_line(x, x->in, size);
        if (x->peer < 0)
            return;
        x->in_length -= size + 1;
        memmove(x->in, end + 1, x->in_length);
    }
    if (x->in_length == sizeof(x->in))
        drop_peer(x); /* longer than a line may be */
}

static void on_connection(struct executor *x)
{
    struct ucred who = { .uid = (uid_t)-1 };
    socklen_t size = sizeof(who);
    int fd = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != x->user) {
        (void)fprintf(stderr, "mw-agent exec: a process of user %u is refused: only %s may ask\n",
                      (unsigned)who.uid, x->policy.user);
        (void)close(fd);
        return;
    }
    drop_peer(x); /* the collector was started again */
    x->peer = fd;
    greet(x);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static int wait_ms(const struct executor *x)
{
    int64_t due_ms = exec_acts_next_due(&x->acts);
    if (due_ms == INT64_MAX)
        return -1;
    int64_t left_ms = due_ms - clock_ms(CLOCK_BOOTTIME);
    return (int)MW_MIN(MW_MAX(left_ms, 0), INT64_C(60000)) + 1;
}

static int run(struct executor *x)
{
    while (!x->acts.ending || !exec_acts_may_end(&x->acts)) {
        struct pollfd p[] = { { .fd = x->signals, .events = POLLIN },
                              { .fd = x->listener, .events = POLLIN },
                              { .fd = x->peer, .events = (short)(POLLIN | (x->out_length > 0
                                                                           ? POLLOUT : 0)) },
                              { .fd = x->acts.run.pidfd, .events = POLLIN },
                              { .fd = x->acts.run.out, .events = POLLIN } };
        struct signalfd_siginfo signal;
        if (poll(p, MW_ARRAY_LEN(p), wait_ms(x)) < 0 && errno != EINTR)
            return EXIT_FAILURE;
        if (p[0].revents != 0 && read(x->signals, &signal, sizeof(signal)) > 0)
            x->acts.ending = true;
        if (p[2].fd >= 0 && p[2].revents & POLLOUT)
            flush(x);
        if (p[2].fd >= 0 && x->peer >= 0 && p[2].revents & (POLLIN | POLLHUP | POLLERR))
            on_readable(x);
        if (p[1].revents & POLLIN)
            on_connection(x);
        exec_acts_look(&x->acts, clock_ms(CLOCK_BOOTTIME), clock_ms(CLOCK_REALTIME));
    }
    return EXIT_SUCCESS;
}

/* ---- starting ------------------------------------------------------------------------------ */

static int find_user(struct executor *x, struct mw_error *err)
{
    uint64_t number;
    if (mw_parse_u64(x->policy.user, &number) == 0 && number < UINT32_MAX) {
        x->user = (uid_t)number;
        return 0;
    }
    const struct passwd *p = getpwnam(x->policy.user);
    if (p == NULL)
        return mw_fail(err, MW_ENOTFOUND, "%s: there is no user \"%s\" here", x->policy_path,
                       x->policy.user);
    x->user = p->pw_uid;
    return 0;
}

static int listen_at(struct executor *x, struct mw_error *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    size_t n = strlen(x->socket_path);
    if (n == 0 || n >= sizeof(at.sun_path))
        return mw_fail(err, MW_EINVAL, "--socket: a path of 1 to %zu bytes",
                       sizeof(at.sun_path) - 1);
    memcpy(at.sun_path, x->socket_path, n + 1);
    (void)unlink(x->socket_path); /* of one before us: the state folder's lock says there is none */
    x->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int rc = x->listener < 0 ? -1 : bind(x->listener, (struct sockaddr *)&at, sizeof(at));
    (void)umask(mask);
    if (rc == 0 && x->user != geteuid())
        rc = chown(x->socket_path, x->user, (gid_t)-1);
    if (rc == 0)
        rc = listen(x->listener, 4);
    return rc == 0 ? 0 : mw_fail(err, MW_EIO, "%s: %s", x->socket_path, strerror(errno));
}

static int read_boot(struct executor *x, struct mw_error *err)
{
    if (x->boot[0] != '\0')
        return 0;
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    bool read = f != NULL && fgets(x->boot, sizeof(x->boot), f) != NULL;
    if (f != NULL)
        (void)fclose(f);
    x->boot[strcspn(x->boot, "\n")] = '\0';
    return read && x->boot[0] != '\0'
               ? 0 : mw_fail(err, MW_EIO, "/proc/sys/kernel/random/boot_id cannot be read");
}

static int open_signals(struct executor *x, struct mw_error *err)
{
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &stop, NULL);
    x->signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    return x->signals >= 0 ? 0 : mw_fail(err, MW_EIO, "signalfd: %s", strerror(errno));
}

static int start(struct executor *x, struct mw_error *err)
{
    int rc = read_boot(x, err);
    if (rc == 0)
        rc = find_user(x, err);
    if (rc == 0)
        rc = exec_store_open(&x->store, x->state_path, err);
    if (rc == 0)
        rc = open_signals(x, err);
    if (rc == 0)
        rc = listen_at(x, err);
    if (rc < 0)
        return rc;
    x->acts.answer = on_answer;
    x->acts.ctx = x;
    exec_acts_init(&x->acts, &x->policy, &x->store, x->boot, clock_ms(CLOCK_BOOTTIME));
    (void)fprintf(stderr, "mw-agent exec: mode %s, for user %s, at %s\n",
                  x->policy.act ? "act" : "shadow", x->policy.user, x->socket_path);
    return 0;
}

static void stop(struct executor *x)
{
    drop_peer(x);
    exec_acts_fini(&x->acts);
    exec_store_close(&x->store);
    if (x->listener >= 0)
        (void)unlink(x->socket_path);
    const int fds[] = { x->signals, x->listener };
    for (size_t i = 0; i < MW_ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* ---- the command line ---------------------------------------------------------------------- */

static const char HELP[] =
    "mw-agent exec — the privileged half of mw-agent: does what care decides on this node\n"
    "\n"
    "USAGE\n"
    "  mw-agent exec [--policy FILE] [--socket PATH] [--state DIR]\n"
    "  mw-agent exec --show [--policy FILE]\n"
    "\n"
    "OPTIONS\n"
    "  --policy FILE   what may be done at all (default " EXEC_POLICY_PATH ")\n"
    "  --socket PATH   where the collector asks (default " EXEC_SOCKET_PATH ")\n"
    "  --state DIR     what was begun and what came of it (default " EXEC_STATE_PATH ")\n"
    "  --show          says what the policy allows, with the commands, and ends\n"
    "  --boot-id ID    instead of /proc/sys/kernel/random/boot_id (for tests)\n"
    "  --help\n"
    "\n"
    "Without `mode = act` in its policy it runs nothing and says what it would have run.\n"
    "docs/actions.md explains the policy.  SIGTERM ends it once what it is doing is done.\n"
    "\n"
    "EXIT STATUS\n"
    "  0 told to end · 1 could not start · 2 wrong use\n";

enum flag { FLAG_POLICY = 256, FLAG_SOCKET, FLAG_STATE, FLAG_BOOT, FLAG_SHOW, FLAG_HELP };

static const struct option FLAGS[] = {
    { "policy", required_argument, NULL, FLAG_POLICY },
    { "socket", required_argument, NULL, FLAG_SOCKET },
    { "state", required_argument, NULL, FLAG_STATE },
    { "boot-id", required_argument, NULL, FLAG_BOOT },
    { "show", no_argument, NULL, FLAG_SHOW },
    { "help", no_argument, NULL, FLAG_HELP },
    { NULL, 0, NULL, 0 },
};

/* -1: go on; else the exit status. */
static int read_flags(struct executor *x, int argc, char **argv)
{
    int flag;
    opterr = 0;
    optind = 1;
    while ((flag = getopt_long(argc, argv, ":", FLAGS, NULL)) != -1) {
        if (flag == FLAG_HELP) {
            (void)fputs(HELP, stdout);
            return EXIT_SUCCESS;
        }
        if (flag == FLAG_POLICY)
            x->policy_path = optarg;
        else if (flag == FLAG_SOCKET)
            x->socket_path = optarg;
        else if (flag == FLAG_STATE)
            x->state_path = optarg;
        else if (flag == FLAG_BOOT && strlen(optarg) < sizeof(x->boot))
            (void)snprintf(x->boot, sizeof(x->boot), "%s", optarg);
        else if (flag == FLAG_SHOW)
            x->show = true;
        else
            break;
    }
    if (flag == -1 && optind >= argc)
        return -1;
    (void)fprintf(stderr, "mw-agent exec: %.80s: see mw-agent exec --help\n",
                  flag == -1 ? argv[optind] : argv[optind - 1]);
    return EXIT_USE;
}

static void show_command(const char *what, const struct exec_command *c)
{
    const char *word = c->text;
    if (c->words == 0)
        return;
    (void)printf("  %-8s", what);
    for (uint32_t i = 0; i < c->words; i++) {
        (void)printf(" %s", word);
        word += strlen(word) + 1;
    }
    (void)putchar('\n');
}

static void show(const struct executor *x)
{
    const struct exec_policy *p = &x->policy;
    (void)printf("mode %s%s\nasked by user %s only\n", p->act ? "act" : "shadow",
                 p->act ? "" : ": nothing is run, what would be run is said", p->user);
    for (uint32_t i = 0; i < EXEC_ACTIONS; i++) {
        const struct exec_rule *r = &p->rule[i];
        if (!r->allow) {
            (void)printf("%s: not allowed\n", exec_action_name(i));
            continue;
        }
        (void)printf("%s: at most %u in %lld s, killed after %lld s\n", exec_action_name(i),
                     r->most, (long long)(r->per_ms / 1000), (long long)(r->deadline_ms / 1000));
        show_command("command", &r->command);
        show_command("verify", &r->verify);
    }
    for (uint32_t i = 0; i < p->units; i++)
        (void)printf("unit %s\n", p->unit[i]);
}

int exec_main(int argc, char **argv)
{
    struct mw_error err = { 0 };
    struct executor *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return EXIT_FAILURE;
    x->policy_path = EXEC_POLICY_PATH;
    x->socket_path = EXEC_SOCKET_PATH;
    x->state_path = EXEC_STATE_PATH;
    x->signals = x->listener = x->peer = x->store.folder = x->store.file = -1;
    int status = read_flags(x, argc, argv);
    if (status < 0) {
        status = EXIT_FAILURE;
        if (exec_policy_load(x->policy_path, &x->policy, &err) == 0) {
            if (x->show)
                show(x);
            status = x->show ? EXIT_SUCCESS : start(x, &err) == 0 ? run(x) : EXIT_FAILURE;
        }
        stop(x);
    }
    if (err.text[0] != '\0')
        (void)fprintf(stderr, "mw-agent exec: %s\n", err.text);
    free(x);
    return status;
}
