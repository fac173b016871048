/* Parsing of the command line: a table of words and where they go. */
#include "gather/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char gather_help[] =
    "usage: mw-gather --doors doors.yaml --daemon HOST:PORT [options]\n"
    "\n"
    "Asks BMCs, PDUs, fabrics and exporters for what they know and says it to `mw serve`,\n"
    "in the protocol of the agents. docs/doors.md has the language of doors.yaml.\n"
    "\n"
    "  --doors FILE       which doors there are\n"
    "  --daemon HOST:PORT the daemon's listener for agents\n"
    "  --state DIR        folder of this gatherer, mode 0700: its certificate (from\n"
    "                     `mw-agent join --state DIR`, with a token of role gather), the ids of\n"
    "                     actions that were done, events that the daemon has not acknowledged\n"
    "  --token-file FILE  the token to say hello with, where there is no certificate\n"
    "  --name NAME        what the daemon calls this gatherer; the host's name unless told\n"
    "  --check            read doors.yaml and the credentials, say what is wrong, ask nobody\n"
    "  --once             ask every door once and print what was learned; no daemon is needed\n"
    "  --version, --help\n"
    "\n"
    "Passwords stand in files of mode 0600 that doors.yaml names, never in arguments.\n";

static int read_address(struct gather_options *o, const char *text, struct mw_error *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(o->host) || strlen(colon + 1) >= sizeof(o->port) ||
        colon[1] == '\0')
        return mw_fail(err, MW_EINVAL, "--daemon takes HOST:PORT, like 127.0.0.1:7377");
    (void)snprintf(o->host, sizeof(o->host), "%.*s", (int)n, text);
    (void)snprintf(o->port, sizeof(o->port), "%s", colon + 1);
    return 0;
}

static int read_value(struct gather_options *o, const char *word, const char *value,
                      struct mw_error *err)
{
    if (value == NULL)
        return mw_fail(err, MW_EINVAL, "%s needs a value, or is no option (--help lists them)",
                       word);
    if (strcmp(word, "--doors") == 0)
        o->doors = value;
    else if (strcmp(word, "--daemon") == 0)
        return read_address(o, value, err);
    else if (strcmp(word, "--token-file") == 0)
        o->token_file = value;
    else if (strcmp(word, "--state") == 0)
        o->state = value;
    else if (strcmp(word, "--name") == 0 && strlen(value) < sizeof(o->name))
        (void)snprintf(o->name, sizeof(o->name), "%s", value);
    else
        return mw_fail(err, MW_EINVAL, "%s is no option (--help lists them)", word);
    return 0;
}

static bool read_flag(struct gather_options *o, const char *word)
{
    bool *flag = strcmp(word, "--check") == 0   ? &o->check
                 : strcmp(word, "--once") == 0  ? &o->once
                 : strcmp(word, "--help") == 0  ? &o->help
                 : strcmp(word, "--version") == 0 ? &o->version
                                                  : NULL;
    if (flag != NULL)
        *flag = true;
    return flag != NULL;
}

int gather_options_read(int argc, char **argv, struct gather_options *ret, struct mw_error *err)
{
    struct gather_options o = { 0 };
    for (int i = 1; i < argc; i++) {
        if (read_flag(&o, argv[i]))
            continue;
        int rc = read_value(&o, argv[i], i + 1 < argc ? argv[i + 1] : NULL, err);
        if (rc < 0)
            return rc;
        i++;
    }
    *ret = o;
    if (o.help || o.version)
        return 0;
    if (o.doors == NULL)
        return mw_fail(err, MW_EINVAL, "--doors FILE is needed (--help)");
    if (!o.check && !o.once && o.host[0] == '\0')
        return mw_fail(err, MW_EINVAL, "--daemon HOST:PORT is needed (or --check, --once)");
    if (o.name[0] == '\0' && (gethostname(ret->name, sizeof(ret->name) - 1) != 0))
        return mw_fail(err, MW_EINVAL, "this host has no name: give --name");
    return 0;
}
