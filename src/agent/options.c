/*
 * Flags by getopt_long, and the same table for the configuration file; the help
 * text is written like a man page so that it can be one.
 */
#include "agent/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/man.h"
#include "base/parse.h"
#include "live/agent_frame.h"

static const char HELP[] =
    "mw-agent - tells Millwright's daemon how this node is\n"
    "\n"
    "USAGE\n"
    "  mw-agent [run] --daemon HOST:PORT [options]\n"
    "  mw-agent COMMAND ...         see COMMANDS\n"
    "\n"
    "DESCRIPTION\n"
    "  Reads the node's GPUs, links, disks, memory and kernel log once a second or less often,\n"
    "  sends what changed, and beats, so that a dead node is known within a second.  Reports\n"
    "  programs that end (slurmd), full or read-only filesystems, and what jobs say of\n"
    "  themselves.  It changes nothing on the node; what may be changed the executor\n"
    "  (mw-agent exec) does by its own policy.  Runs as any user: what may not be read is said\n"
    "  to be silent, with the reason.  Whatever may hang (NVML, a disk's SMART log) is read by\n"
    "  a child that is killed at its deadline.  Without the daemon it goes on and tries again:\n"
    "  events are kept in --state-dir, readings are coalesced and counted.\n"
    "\n"
    "OPTIONS\n"
    "  --daemon HOST:PORT    where `mw serve` listens; [ADDRESS]:PORT for IPv6\n"
    "  --node NAME           the node as the site file names it (default: the host name)\n"
    "  --config FILE         `key = value` lines with the names of these options without --\n"
    "                        (default: /etc/millwright/agent.conf where it exists); options\n"
    "                        on the command line go first\n"
    "  --state-dir DIR       a folder of this agent's own, mode 0700: events that the daemon\n"
    "                        does not have yet, and the key and certificate of mw-agent join\n"
    "                        (default: events wait in memory, 256 KiB)\n"
    "  --no-tls              plain TCP although --state-dir holds a certificate\n"
    "  --without NAMES       sources that are not read, parted by commas: smart,lldp\n"
    "  --sample-ms N         time between readings, 100 to 60000 (default: as the daemon says)\n"
    "  --nvml FILE           instead of libnvidia-ml.so.1\n"
    "  --kmsg FILE           kernel log: /dev/kmsg (the default where it may be read), or a\n"
    "                        text file that is followed as it grows and is replaced: lines as\n"
    "                        /dev/kmsg gives them, or the bare text, without syslog's header\n"
    "  --watch NAME=PIDFILE  a program to watch, up to 16 times (default:\n"
    "                        slurmd=/run/slurmd.pid).  One that ends and leaves its pid file\n"
    "                        is down at once; one that removed it stopped in order, and is\n"
    "                        down when it is not back after 10 s; one that never had a pid\n"
    "                        file is not spoken of\n"
    "  --disk PATH           a filesystem that jobs need, up to 16 times; looked at each\n"
    "                        second.  Local ones only: a hung NFS would hang this program\n"
    "  --progress-dir DIR    files named by job id, replaced by rename:\n"
    "                        restart=0 step=120 saved=100 step_ms=50 checkpoint_ms=12\n"
    "                        (steps done and saved; ms of a step; ms spent in this run on\n"
    "                        writing checkpoints)\n"
    "  --exits-dir DIR       files that a job's ranks write when they end badly:\n"
    "                        job=7 rank=3 code=1 signal=0; removed once read\n"
    "  --checks-dir DIR      files of `mw-agent check --report DIR`: what a prolog or a person\n"
    "                        found; removed once read\n"
    "  --check PROGRAM       run before a repaired node returns, with MW_CHECK_CLASS and\n"
    "                        MW_CHECK_LEVEL in its environment, killed at the deadline.  Exit\n"
    "                        0: the node is well; 10: it is not; anything else: unknown\n"
    "                        (default: mw-agent check)\n"
    "  --exec-socket PATH    where the executor listens; what the daemon decides is handed to\n"
    "                        it.  Without: such requests fail\n"
    "  --probe ADDRESS:PORT  what answers there while this node lives (slurmd on port 6818):\n"
    "                        the daemon tries it before it takes a silent agent's node for\n"
    "                        dead.  A number, no name.  Without: silence is death\n"
    "  --token-file FILE     its first line is shown to the daemon\n"
    "  --beat-ms N           time between beats, 20 to 60000 (default: as the daemon says)\n"
    "  --boot-id ID          instead of /proc/sys/kernel/random/boot_id (for tests)\n"
    "  --sysfs-root DIR, --proc-root DIR, --dev-root DIR\n"
    "                        read DIR/sys, DIR/proc, DIR/dev instead of the machine's own\n"
    "                        (for tests)\n"
    "  --pci-dir DIR         instead of /sys/bus/pci/devices (for tests)\n"
    "  --version, --help\n"
    "\n"
    "COMMANDS\n"
    "  run                   the above; what is meant without a command\n"
    "  check                 proves the node: see mw-agent check --help\n"
    "  exec                  the executor: see mw-agent exec --help\n"
    "  join                  gets a certificate for a token: see mw-agent join --help\n"
    "\n"
    "SIGNALS\n"
    "  SIGTERM, SIGINT       says goodbye (the node is unwatched, not dead) and ends\n"
    "\n"
    "EXIT STATUS\n"
    "  0 told to end · 1 could not start · 2 wrong use\n"
    "\n"
    "FILES\n"
    "  /etc/millwright/agent.conf\n";

enum flag { FLAG_DAEMON = 256, FLAG_NODE, FLAG_KMSG, FLAG_WATCH, FLAG_DISK, FLAG_PROGRESS,
            FLAG_EXITS, FLAG_CHECK, FLAG_TOKEN, FLAG_BEAT, FLAG_PROBE, FLAG_BOOT, FLAG_PCI,
            FLAG_CONFIG, FLAG_STATE, FLAG_NO_TLS, FLAG_WITHOUT, FLAG_SAMPLE, FLAG_NVML,
            FLAG_CHECKS, FLAG_EXEC, FLAG_SYSFS, FLAG_PROC, FLAG_DEV, FLAG_MAN, FLAG_VERSION,
            FLAG_HELP };

static const struct option FLAGS[] = {
    { "daemon", required_argument, NULL, FLAG_DAEMON },
    { "node", required_argument, NULL, FLAG_NODE },
    { "kmsg", required_argument, NULL, FLAG_KMSG },
    { "watch", required_argument, NULL, FLAG_WATCH },
    { "disk", required_argument, NULL, FLAG_DISK },
    { "progress-dir", required_argument, NULL, FLAG_PROGRESS },
    { "exits-dir", required_argument, NULL, FLAG_EXITS },
    { "check", required_argument, NULL, FLAG_CHECK },
    { "token-file", required_argument, NULL, FLAG_TOKEN },
    { "beat-ms", required_argument, NULL, FLAG_BEAT },
    { "probe", required_argument, NULL, FLAG_PROBE },
    { "boot-id", required_argument, NULL, FLAG_BOOT },
    { "pci-dir", required_argument, NULL, FLAG_PCI },
    { "config", required_argument, NULL, FLAG_CONFIG },
    { "state-dir", required_argument, NULL, FLAG_STATE },
    { "no-tls", no_argument, NULL, FLAG_NO_TLS },
    { "without", required_argument, NULL, FLAG_WITHOUT },
    { "sample-ms", required_argument, NULL, FLAG_SAMPLE },
    { "nvml", required_argument, NULL, FLAG_NVML },
    { "checks-dir", required_argument, NULL, FLAG_CHECKS },
    { "exec-socket", required_argument, NULL, FLAG_EXEC },
    { "sysfs-root", required_argument, NULL, FLAG_SYSFS },
    { "proc-root", required_argument, NULL, FLAG_PROC },
    { "dev-root", required_argument, NULL, FLAG_DEV },
    { "man", no_argument, NULL, FLAG_MAN }, /* the man page, for the build */
    { "version", no_argument, NULL, FLAG_VERSION },
    { "help", no_argument, NULL, FLAG_HELP },
    { NULL, 0, NULL, 0 },
};

/* A copy that fits and is not empty. */
static int take_text(char *to, size_t size, const char *from, const char *what,
                     struct mw_error *err)
{
    size_t n = strlen(from);
    if (n == 0 || n >= size)
        return mw_fail(err, MW_EINVAL, "%s \"%.40s\" must have 1 to %zu bytes", what, from,
                       size - 1);
    memcpy(to, from, n + 1);
    return 0;
}

static int take_daemon(struct agent_options *o, const char *text, struct mw_error *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    uint64_t port;
    bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';
    size_t length = v6 ? n - 2 : n;
    if (length == 0 || length >= sizeof(o->host) || (!v6 && memchr(text, ':', n) != NULL) ||
        mw_parse_u64(colon + 1, &port) < 0 || port == 0 || port > 65535)
        return mw_fail(err, MW_EINVAL, "--daemon \"%.80s\" must be HOST:PORT, for IPv6 "
                       "[ADDRESS]:PORT", text);
    memcpy(o->host, text + (v6 ? 1 : 0), length);
    o->host[length] = '\0';
    (void)snprintf(o->port, sizeof(o->port), "%llu", (unsigned long long)port);
    return 0;
}

static int take_watch(struct agent_options *o, const char *text, struct mw_error *err)
{
    const char *equal = strchr(text, '=');
    size_t n = equal != NULL ? (size_t)(equal - text) : 0;
    if (n == 0 || n >= AGENT_LABEL_MAX || equal[1] == '\0')
        return mw_fail(err, MW_EINVAL, "--watch \"%.80s\" must be NAME=PIDFILE", text);
    if (o->watches == AGENT_WATCHES_MAX)
        return mw_fail(err, MW_ELIMIT, "--watch may be given %d times", AGENT_WATCHES_MAX);
    struct agent_watch_option *w = &o->watch[o->watches++];
    memcpy(w->name, text, n);
    w->name[n] = '\0';
    w->pid_file = equal + 1;
    return 0;
}

static int take_disk(struct agent_options *o, const char *path, struct mw_error *err)
{
    if (o->disks == AGENT_DISKS_MAX)
        return mw_fail(err, MW_ELIMIT, "--disk may be given %d times", AGENT_DISKS_MAX);
    if (path[0] != '/' || strlen(path) >= AGENT_TEXT_MAX || access(path, F_OK) != 0)
        return mw_fail(err, MW_EINVAL, "--disk \"%.200s\" must be an absolute path that exists",
                       path);
    o->disk[o->disks++] = path;
    return 0;
}

static int take_dir(const char **to, const char *path, const char *flag, struct mw_error *err)
{
    struct stat s;
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode))
        return mw_fail(err, MW_EINVAL, "%s \"%.200s\" is not a folder: make it first", flag, path);
    *to = path;
    return 0;
}

static int take_check(struct agent_options *o, const char *path, struct mw_error *err)
{
    if (path[0] != '/' || access(path, X_OK) != 0)
        return mw_fail(err, MW_EINVAL, "--check \"%.200s\" must be the absolute path of a program "
                       "that may be run", path);
    o->check = path;
    return 0;
}

static int take_ms(uint32_t *to, const char *text, uint64_t least, const char *flag,
                   struct mw_error *err)
{
    uint64_t ms;
    if (mw_parse_u64(text, &ms) < 0 || ms < least || ms > 60000)
        return mw_fail(err, MW_EINVAL, "%s \"%.40s\" must be a number from %u to 60000", flag,
                       text, (uint32_t)least);
    *to = (uint32_t)ms;
    return 0;
}

static int take_probe(struct agent_options *o, const char *text, struct mw_error *err)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (!colon || colon == text || mw_parse_u64(colon + 1, &port) < 0 || port == 0 || port > 65535)
        return mw_fail(err, MW_EINVAL, "--probe \"%.60s\" must be ADDRESS:PORT, as in "
                       "10.0.0.7:6818 or [fd00::7]:6818", text);
    return take_text(o->probe, sizeof(o->probe), text, "--probe", err);
}

static int take_text_flag(const char **to, const char *value)
{
    *to = value;
    return 0;
}

/* Flags of where things are. */
static int take_place(struct agent_options *o, int flag, const char *value, struct mw_error *err)
{
    switch (flag) {
    case FLAG_STATE:
        return take_dir(&o->state_dir, value, "--state-dir", err);
    case FLAG_SYSFS:
        return take_dir(&o->sysfs_root, value, "--sysfs-root", err);
    case FLAG_PROC:
        return take_dir(&o->proc_root, value, "--proc-root", err);
    case FLAG_DEV:
        return take_dir(&o->dev_root, value, "--dev-root", err);
    case FLAG_PCI:
        return take_dir(&o->pci_dir, value, "--pci-dir", err);
    case FLAG_PROGRESS:
        return take_dir(&o->progress_dir, value, "--progress-dir", err);
    case FLAG_EXITS:
        return take_dir(&o->exits_dir, value, "--exits-dir", err);
    case FLAG_CHECKS:
        return take_dir(&o->checks_dir, value, "--checks-dir", err);
    case FLAG_KMSG:
        return take_text_flag(&o->kmsg, value);
    case FLAG_TOKEN:
        return take_text_flag(&o->token_file, value);
    case FLAG_NVML:
        return take_text_flag(&o->nvml, value);
    case FLAG_EXEC:
        return take_text_flag(&o->exec_socket, value);
    default:
        return mw_fail(err, MW_EINVAL, "see mw-agent --help");
    }
}

static int take_flag(struct agent_options *o, int flag, const char *value, struct mw_error *err)
{
    switch (flag) {
    case FLAG_CONFIG: /* read before */
        return 0;
    case FLAG_DAEMON:
        return take_daemon(o, value, err);
    case FLAG_NODE:
        return take_text(o->node, sizeof(o->node), value, "--node", err);
    case FLAG_WATCH:
        return take_watch(o, value, err);
    case FLAG_DISK:
        return take_disk(o, value, err);
    case FLAG_CHECK:
        return take_check(o, value, err);
    case FLAG_BEAT:
        return take_ms(&o->beat_ms, value, 20, "--beat-ms", err);
    case FLAG_SAMPLE:
        return take_ms(&o->sample_ms, value, 100, "--sample-ms", err);
    case FLAG_PROBE:
        return take_probe(o, value, err);
    case FLAG_BOOT:
        return take_text(o->boot, sizeof(o->boot), value, "--boot-id", err);
    case FLAG_WITHOUT:
        return take_text_flag(&o->without, value);
    case FLAG_NO_TLS:
        o->no_tls = true;
        return 0;
    default:
        return take_place(o, flag, value, err);
    }
}

/* The first line of a file, without its end. */
static int first_line(const char *path, char *to, size_t size, struct mw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, to, size) : -1;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        return mw_fail(err, MW_EIO, "%s: %s", path, strerror(why));
    size_t length = 0;
    while (length < (size_t)n && to[length] != '\n')
        length++;
    if (length == 0 || length == size)
        return mw_fail(err, MW_EINVAL, "%s: its first line must have 1 to %zu bytes", path,
                       size - 1);
    memset(to + length, 0, size - length);
    return 0;
}

/* ---- the configuration file ----------------------------------------------------------------- */

int options_config(char *text, options_line_fn *take, void *ctx, struct mw_error *err)
{
    char *at = text;
    for (uint32_t number = 1; *at != '\0'; number++) {
        char *line = at;
        at += strcspn(at, "\n");
        if (*at == '\n')
            *at++ = '\0';
        line += strspn(line, " \t\r");
        if (*line == '#' || *line == '\0')
            continue;
        char *equal = strchr(line, '=');
        size_t key = equal != NULL ? (size_t)(equal - line) : 0;
        while (key > 0 && strchr(" \t", line[key - 1]) != NULL)
            key--;
        if (key == 0)
            return mw_fail(err, MW_ESYNTAX, "line %u is not `key = value`", number);
        char *value = equal + 1 + strspn(equal + 1, " \t");
        size_t n = strlen(value);
        while (n > 0 && strchr(" \t\r", value[n - 1]) != NULL)
            n--;
        line[key] = '\0';
        value[n] = '\0';
        int rc = take(ctx, line, value, err);
        if (rc < 0)
            return mw_fail_prefix(err, "line %u", number);
    }
    return 0;
}

static int take_line(void *ctx, const char *key, const char *value, struct mw_error *err)
{
    const struct option *f = FLAGS;
    while (f->name != NULL && (strcmp(f->name, key) != 0 || f->val == FLAG_CONFIG ||
                               f->val == FLAG_HELP || f->val == FLAG_MAN ||
                               f->val == FLAG_VERSION))
        f++;
    if (f->name == NULL)
        return mw_fail(err, MW_EINVAL, "there is no option \"%.40s\"", key);
    if (f->has_arg == no_argument && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return mw_fail(err, MW_EINVAL, "%s must be yes or no", key);
    if (f->has_arg == no_argument && strcmp(value, "no") == 0)
        return 0;
    return take_flag(ctx, f->val, value, err);
}

static int read_config(struct agent_options *o, const char *path, struct mw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mw_fail(err, MW_EIO, "--config %s: %s", path, strerror(errno));
    size_t n = 0;
    ssize_t got = 1;
    o->config_text = malloc(AGENT_CONFIG_MAX + 1);
    while (o->config_text != NULL && n < AGENT_CONFIG_MAX && got > 0) {
        got = read(fd, o->config_text + n, AGENT_CONFIG_MAX - n);
        n += got > 0 ? (size_t)got : 0;
    }
    (void)close(fd);
    if (o->config_text == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory for the configuration");
    if (got < 0 || n == AGENT_CONFIG_MAX)
        return mw_fail(err, MW_EINVAL, "%s cannot be read, or has more than %d bytes", path,
                       AGENT_CONFIG_MAX);
    o->config_text[n] = '\0';
    if (strlen(o->config_text) != n)
        return mw_fail(err, MW_ESYNTAX, "%s is no text", path);
    int rc = options_config(o->config_text, take_line, o, err);
    return rc < 0 ? mw_fail_prefix(err, "%s", path) : 0;
}

/* The file that --config names, or the usual one where it exists. */
static int find_config(struct agent_options *o, int argc, char **argv, struct mw_error *err)
{
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0)
            return 0; /* whatever the file says */
        if (strncmp(argv[i], "--config=", 9) == 0)
            path = argv[i] + 9;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            path = argv[i + 1];
    }
    if (path == NULL && access(AGENT_CONFIG_FILE, F_OK) == 0)
        path = AGENT_CONFIG_FILE;
    return path != NULL ? read_config(o, path, err) : 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int fill_defaults(struct agent_options *o, struct mw_error *err)
{
    static const char none[] = "";
    char path[512];
    int rc = 0;
    if (o->host[0] == '\0')
        return mw_fail(err, MW_EINVAL, "--daemon HOST:PORT is missing; see mw-agent --help");
    if (o->node[0] == '\0' && gethostname(o->node, sizeof(o->node) - 1) != 0)
        return mw_fail(err, MW_EINVAL, "the host name cannot be read: give --node NAME");
    o->sysfs_root = o->sysfs_root != NULL ? o->sysfs_root : none;
    o->proc_root = o->proc_root != NULL ? o->proc_root : none;
    o->dev_root = o->dev_root != NULL ? o->dev_root : none;
    if (o->watches == 0) { /* it may start after us */
        o->watch[0] = (struct agent_watch_option){ .name = "slurmd",
                                                   .pid_file = "/run/slurmd.pid" };
        o->watches = 1;
    }
    if (o->state_dir != NULL &&
        (size_t)snprintf(path, sizeof(path), "%s/node.pem", o->state_dir) < sizeof(path))
        o->tls = !o->no_tls && access(path, F_OK) == 0;
    if (o->boot[0] == '\0')
        rc = first_line("/proc/sys/kernel/random/boot_id", o->boot, sizeof(o->boot), err);
    if (rc == 0 && o->token_file != NULL)
        rc = first_line(o->token_file, o->token, sizeof(o->token), err);
    return rc;
}

enum options_result options_read(int argc, char **argv, struct agent_options *ret,
                                 struct mw_error *err)
{
    int flag;
    must(argc >= 0 && argv != NULL && ret != NULL);
    *ret = (struct agent_options){ .watches = 0 };
    if (find_config(ret, argc, argv, err) < 0)
        return OPTIONS_BAD;
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":", FLAGS, NULL)) != -1) {
        if (flag == FLAG_MAN) {
            man_write(HELP, stdout);
            return OPTIONS_DONE;
        }
        if (flag == FLAG_HELP || flag == FLAG_VERSION) {
            (void)fputs(flag == FLAG_HELP ? HELP : "mw-agent " MW_VERSION "\n", stdout);
            return OPTIONS_DONE;
        }
        if (flag == ':' || flag == '?') {
            (void)mw_fail(err, MW_EINVAL, "%.80s: %s; see mw-agent --help", argv[optind - 1],
                          flag == ':' ? "its value is missing" : "there is no such option");
            return OPTIONS_BAD;
        }
        if (take_flag(ret, flag, optarg, err) < 0)
            return OPTIONS_BAD;
    }
    if (optind < argc) {
        (void)mw_fail(err, MW_EINVAL, "%.80s: not an option; see mw-agent --help", argv[optind]);
        return OPTIONS_BAD;
    }
    return fill_defaults(ret, err) < 0 ? OPTIONS_BAD : OPTIONS_RUN;
}

void options_fini(struct agent_options *o)
{
    free(o->config_text);
    o->config_text = NULL;
}
