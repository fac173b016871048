/*
 * `mw-agent join`: a join token in exchange for this node's certificate (live/tls_join.h).
 * Reads the command line and the token's file, asks once, says what came of it.
 */
#include "agent/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "live/tls.h"
#include "live/tls_join.h"

#define EXIT_USE 2
#define STATE_DEFAULT "/var/lib/mw-agent"
#define PORT_DEFAULT "7377"

static const char usage[] =
    "usage: mw-agent join --daemon HOST[:PORT] --token FILE [options]\n"
    "\n"
    "Gets this node's certificate for a join token (mw agent token new), with which\n"
    "mw-agent then speaks to the daemon over mutual TLS.  The key is made here and stays\n"
    "here.  The token names the daemon's CA: it is said to no other.  The certificate is\n"
    "good for 24 hours, and mw-agent renews it while it runs.\n"
    "\n"
    "  --daemon HOST[:PORT]  where mw serve --agents-tls listens (port 7377)\n"
    "  --token FILE          holds the token, mode 0600; - = standard input\n"
    "  --node NAME           the node as the site file names it (default: the host name)\n"
    "  --state-dir DIR       for key and certificate (default: " STATE_DEFAULT ")\n"
    "  --gather              this is not a node but a gatherer (mw-gather)\n"
    "  --help                this text\n";

struct join {
    char host[256], port[16], node[TLS_NAME_MAX];
    char token[512];
    const char *token_file, *state_dir;
    bool gather;
};

/* "host", "host:port", "[::1]:port", "::1". */
static bool read_daemon(struct join *j, const char *text)
{
    const char *begin = text, *end = NULL, *port = PORT_DEFAULT;
    if (text[0] == '[') {
        begin = text + 1;
        end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        port = end[1] == ':' ? end + 2 : port;
    } else {
        const char *colon = strchr(text, ':');
        bool six = colon != NULL && strchr(colon + 1, ':') != NULL;
        end = colon != NULL && !six ? colon : text + strlen(text);
        port = colon != NULL && !six ? colon + 1 : port;
    }
    size_t n = (size_t)(end - begin);
    if (n == 0 || n >= sizeof(j->host) || port[0] == '\0' || strlen(port) >= sizeof(j->port) ||
        strspn(port, "0123456789") != strlen(port))
        return false;
    memcpy(j->host, begin, n);
    j->host[n] = '\0';
    memcpy(j->port, port, strlen(port) + 1);
    return true;
}

static int read_token(struct join *j, struct mw_error *err)
{
    bool input = strcmp(j->token_file, "-") == 0;
    struct stat st;
    int fd = input ? STDIN_FILENO : open(j->token_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return mw_fail(err, MW_ENOTFOUND, "%s: %s", j->token_file, strerror(errno));
    bool open_to_all = !input && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0;
    ssize_t n = open_to_all ? -1 : read(fd, j->token, sizeof(j->token) - 1);
    if (!input)
        (void)close(fd);
    if (open_to_all)
        return mw_fail(err, MW_EDENIED, "%s can be read by others, so the token may be known: "
                       "make another, in a file of mode 0600", j->token_file);
    if (n < 0)
        return mw_fail(err, MW_EIO, "%s: %s", j->token_file, strerror(errno));
    j->token[n] = '\0';
    j->token[strcspn(j->token, " \t\r\n")] = '\0';
    return 0;
}

enum { FLAG_DAEMON = 1, FLAG_TOKEN, FLAG_NODE, FLAG_STATE, FLAG_GATHER, FLAG_HELP };

static const struct option flags[] = {
    { "daemon", required_argument, NULL, FLAG_DAEMON },
    { "token", required_argument, NULL, FLAG_TOKEN },
    { "token-file", required_argument, NULL, FLAG_TOKEN }, /* as mw serve calls it */
    { "node", required_argument, NULL, FLAG_NODE },
    { "state-dir", required_argument, NULL, FLAG_STATE },
    { "gather", no_argument, NULL, FLAG_GATHER },
    { "help", no_argument, NULL, FLAG_HELP },
    { 0 },
};

/* One flag. 0; MW_EINVAL. */
static int take_flag(struct join *j, int flag, const char *value, struct mw_error *err)
{
    switch (flag) {
    case FLAG_DAEMON:
        return read_daemon(j, value) ? 0 : mw_fail(err, MW_EINVAL, "--daemon %s: write HOST or "
                                                   "HOST:PORT", value);
    case FLAG_TOKEN:
        j->token_file = value;
        return 0;
    case FLAG_NODE:
        if (value[0] == '\0' || strlen(value) >= sizeof(j->node))
            return mw_fail(err, MW_EINVAL, "--node: a name of 1 to %zu bytes",
                           sizeof(j->node) - 1);
        memcpy(j->node, value, strlen(value) + 1);
        return 0;
    case FLAG_STATE:
        j->state_dir = value;
        return 0;
    case FLAG_GATHER:
        j->gather = true;
        return 0;
    default:
        return mw_fail(err, MW_EINVAL, "see mw-agent join --help");
    }
}

static int run(struct join *j, struct mw_error *err)
{
    struct tls_joined joined = { 0 };
    char when[40] = "";
    const struct tls_join ask = { .host = j->host, .port = j->port, .token = j->token,
                                  .name = j->node, .gather = j->gather, .dir = j->state_dir };
    int rc = read_token(j, err);
    if (rc == 0)
        rc = tls_join(&ask, &joined, err);
    OPENSSL_cleanse(j->token, sizeof(j->token));
    if (rc < 0)
        return rc;
    time_t ends = (time_t)joined.ends_s;
    struct tm utc;
    if (gmtime_r(&ends, &utc) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)printf("%s has a certificate in %s, good until %s and renewed while %s runs\n", j->node,
                 j->state_dir, when, j->gather ? "mw-gather" : "mw-agent");
    return 0;
}

int join_main(int argc, char **argv)
{
    struct join j = { .state_dir = STATE_DEFAULT };
    struct mw_error err = { 0 };
    int rc = 0;
    if (gethostname(j.node, sizeof(j.node) - 1) != 0)
        j.node[0] = '\0';
    opterr = 0;
    optind = 1;
    for (int flag; rc == 0 && (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        if (flag == FLAG_HELP) {
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        rc = take_flag(&j, flag, optarg, &err);
    }
    if (rc == 0 && (j.host[0] == '\0' || j.token_file == NULL || optind < argc))
        rc = mw_fail(&err, MW_EINVAL, "--daemon and --token are needed, and nothing else: see "
                     "mw-agent join --help");
    int status = rc < 0 ? EXIT_USE : EXIT_SUCCESS;
    if (rc == 0 && run(&j, &err) < 0)
        status = EXIT_FAILURE;
    if (status != EXIT_SUCCESS)
        (void)fprintf(stderr, "mw-agent: %s\n", err.text);
    return status;
}
