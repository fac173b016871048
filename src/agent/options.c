/*
 * Flags by getopt_long; the help text is written like a man page so that it can
 * be one.
 */
#include "agent/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "live/agent_frame.h"

static const char HELP[] =
    "mw-agent - tells Millwright's daemon how this node is\n"
    "\n"
    "USAGE\n"
    "  mw-agent --daemon HOST:PORT [options]\n"
    "\n"
    "DESCRIPTION\n"
    "  One process a node.  It beats, so that a dead node is known within a second, and\n"
    "  reports what the kernel log says of hardware, programs that end (slurmd), full or\n"
    "  read-only filesystems, and what jobs say of themselves.  It changes nothing on the\n"
    "  node; the only program it starts is the one given with --check.  Runs as any user;\n"
    "  /dev/kmsg may need CAP_SYSLOG.  Without the daemon it goes on and tries again; what\n"
    "  happened meanwhile is kept (256 KiB), then counted and dropped.\n"
    "\n"
    "OPTIONS\n"
    "  --daemon HOST:PORT    where `mw serve` listens; [ADDRESS]:PORT for IPv6\n"
    "  --node NAME           the node as the site file names it (default: the host name)\n"
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
    "  --check PROGRAM       run before a repaired node returns, with MW_CHECK_CLASS in its\n"
    "                        environment, killed at the deadline.  Exit 0: the node is well;\n"
    "                        10: it is not; anything else: unknown.  Without: unknown\n"
    "  --probe ADDRESS:PORT  what answers there while this node lives (slurmd on port 6818):\n"
    "                        the daemon tries it before it takes a silent agent's node for\n"
    "                        dead.  A number, no name.  Without: silence is death\n"
    "  --token-file FILE     its first line is shown to the daemon\n"
    "  --beat-ms N           time between beats, 20 to 60000 (default: as the daemon says)\n"
    "  --boot-id ID          instead of /proc/sys/kernel/random/boot_id (for tests)\n"
    "  --pci-dir DIR         instead of /sys/bus/pci/devices (for tests)\n"
    "  --version, --help\n"
    "\n"
    "SIGNALS\n"
    "  SIGTERM, SIGINT       says goodbye (the node is unwatched, not dead) and ends\n"
    "\n"
    "EXIT STATUS\n"
    "  0 told to end · 1 could not start · 2 wrong use\n";

enum flag { FLAG_DAEMON = 256, FLAG_NODE, FLAG_KMSG, FLAG_WATCH, FLAG_DISK, FLAG_PROGRESS,
            FLAG_EXITS, FLAG_CHECK, FLAG_TOKEN, FLAG_BEAT, FLAG_PROBE, FLAG_BOOT, FLAG_PCI,
            FLAG_VERSION,
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

static int take_beat(struct agent_options *o, const char *text, struct mw_error *err)
{
    uint64_t ms;
    if (mw_parse_u64(text, &ms) < 0 || ms < 20 || ms > 60000)
        return mw_fail(err, MW_EINVAL, "--beat-ms \"%.40s\" must be a number from 20 to 60000",
                       text);
    o->beat_ms = (uint32_t)ms;
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

static int take_flag(struct agent_options *o, int flag, struct mw_error *err)
{
    switch (flag) {
    case FLAG_DAEMON:
        return take_daemon(o, optarg, err);
    case FLAG_NODE:
        return take_text(o->node, sizeof(o->node), optarg, "--node", err);
    case FLAG_KMSG:
        o->kmsg = optarg;
        return 0;
    case FLAG_WATCH:
        return take_watch(o, optarg, err);
    case FLAG_DISK:
        return take_disk(o, optarg, err);
    case FLAG_PROGRESS:
        return take_dir(&o->progress_dir, optarg, "--progress-dir", err);
    case FLAG_EXITS:
        return take_dir(&o->exits_dir, optarg, "--exits-dir", err);
    case FLAG_CHECK:
        return take_check(o, optarg, err);
    case FLAG_TOKEN:
        o->token_file = optarg;
        return 0;
    case FLAG_BEAT:
        return take_beat(o, optarg, err);
    case FLAG_PROBE:
        return take_probe(o, optarg, err);
    case FLAG_BOOT:
        return take_text(o->boot, sizeof(o->boot), optarg, "--boot-id", err);
    case FLAG_PCI:
        return take_dir(&o->pci_dir, optarg, "--pci-dir", err);
    default:
        return mw_fail(err, MW_EINVAL, "see mw-agent --help");
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

static int fill_defaults(struct agent_options *o, struct mw_error *err)
{
    static const char pci[] = "/sys/bus/pci/devices";
    int rc = 0;
    if (o->host[0] == '\0')
        return mw_fail(err, MW_EINVAL, "--daemon HOST:PORT is missing; see mw-agent --help");
    if (o->node[0] == '\0' && gethostname(o->node, sizeof(o->node) - 1) != 0)
        return mw_fail(err, MW_EINVAL, "the host name cannot be read: give --node NAME");
    if (o->pci_dir == NULL)
        o->pci_dir = pci;
    if (o->watches == 0) { /* it may start after us */
        o->watch[0] = (struct agent_watch_option){ .name = "slurmd",
                                                   .pid_file = "/run/slurmd.pid" };
        o->watches = 1;
    }
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
    opterr = 0;
    while ((flag = getopt_long(argc, argv, ":", FLAGS, NULL)) != -1) {
        if (flag == FLAG_HELP || flag == FLAG_VERSION) {
            (void)fputs(flag == FLAG_HELP ? HELP : "mw-agent " MW_VERSION "\n", stdout);
            return OPTIONS_DONE;
        }
        if (flag == ':' || flag == '?') {
            (void)mw_fail(err, MW_EINVAL, "%.80s: %s; see mw-agent --help", argv[optind - 1],
                          flag == ':' ? "its value is missing" : "there is no such option");
            return OPTIONS_BAD;
        }
        if (take_flag(ret, flag, err) < 0)
            return OPTIONS_BAD;
    }
    if (optind < argc) {
        (void)mw_fail(err, MW_EINVAL, "%.80s: not an option; see mw-agent --help", argv[optind]);
        return OPTIONS_BAD;
    }
    return fill_defaults(ret, err) < 0 ? OPTIONS_BAD : OPTIONS_RUN;
}
