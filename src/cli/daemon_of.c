/* The choice of a daemon.  See daemon_of.h. */
#include "cli/daemon_of.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/contexts.h"

const struct command_exit daemon_exits[] = {
    { CLI_EXIT_NOT_FOUND, "the daemon knows no such thing, or there is no such context" },
    { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another user" },
    { CLI_EXIT_CONFLICT, "the state does not allow it" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers" },
    { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
    { 0 },
};

/* The option's value; NULL where the command has none or it was not given. */
static const char *given(const struct cli_context *ctx, const char *name)
{
    bool has = command_option_long(ctx->command, name, strlen(name)) != NULL;
    return has && cli_option_given(ctx, name) ? cli_option_string(ctx, name) : NULL;
}

/* The context that is wanted by name; NULL = the one in use, if any. */
static const char *named(const struct cli_context *ctx, enum daemon_by *ret)
{
    const char *option = given(ctx, "context"), *variable = getenv("MW_CONTEXT");
    if (option != NULL) {
        *ret = DAEMON_BY_OPTION;
        return option;
    }
    if (variable != NULL && variable[0] != '\0') {
        *ret = DAEMON_BY_VARIABLE;
        return variable;
    }
    *ret = DAEMON_BY_USE;
    return NULL;
}

static int open_context(const struct contexts *c, const char *name, struct daemon **ret,
                        enum daemon_by *ret_by, struct mw_error *err)
{
    struct context_entry e = { 0 };
    const char *of = name != NULL ? name : contexts_current(c);
    if (of == NULL)
        *ret_by = DAEMON_BY_DEFAULT;
    else if (!contexts_find(c, of, &e))
        return mw_fail(err, MW_ENOTFOUND, "there is no context \"%.80s\"; mw context list shows "
                       "them", of);
    const struct daemon_where w = { .socket = e.socket, .url = e.url,
                                    .token_file = e.token_file, .ca_file = e.ca_file };
    return daemon_open(&w, ret, err);
}

int daemon_of_by(const struct cli_context *ctx, struct daemon **ret, enum daemon_by *ret_by,
                 struct mw_error *err)
{
    struct contexts c = { 0 };
    must(ctx != NULL && ret != NULL && ret_by != NULL);
    const char *socket = given(ctx, "socket");
    const char *name = named(ctx, ret_by);
    if (socket != NULL && *ret_by == DAEMON_BY_OPTION)
        return mw_fail(err, MW_EINVAL, "--socket and --context contradict each other");
    if (socket != NULL) {
        const struct daemon_where w = { .socket = socket };
        *ret_by = DAEMON_BY_SOCKET;
        return daemon_open(&w, ret, err);
    }
    int rc = contexts_read(&c, err);
    if (rc == MW_EINVAL && name == NULL) { /* no home, no contexts */
        const struct daemon_where w = { 0 };
        *ret_by = DAEMON_BY_DEFAULT;
        return daemon_open(&w, ret, err);
    }
    if (rc == 0)
        rc = open_context(&c, name, ret, ret_by, err);
    contexts_fini(&c);
    return rc;
}

int daemon_of(const struct cli_context *ctx, struct daemon **ret, struct mw_error *err)
{
    enum daemon_by by;
    return daemon_of_by(ctx, ret, &by, err);
}

/* No record where it is kept by default, and a socket where the daemon listens by default. */
static bool only_socket(void)
{
    char path[LIVE_PATH_MAX];
    if (live_path_journal_found(path, NULL) == 0 && access(path, F_OK) == 0)
        return false;
    return live_path_socket(path, NULL) == 0 && access(path, F_OK) == 0;
}

bool daemon_wanted(const struct cli_context *ctx)
{
    struct contexts c = { 0 };
    struct context_entry e = { 0 };
    enum daemon_by by;
    if (given(ctx, "journal") != NULL)
        return false;
    if (given(ctx, "socket") != NULL || named(ctx, &by) != NULL)
        return true;
    bool url = contexts_read(&c, NULL) == 0 && contexts_current(&c) != NULL &&
               contexts_find(&c, contexts_current(&c), &e) && e.url != NULL;
    contexts_fini(&c);
    return url || only_socket();
}

int daemon_fail(const struct cli_context *ctx, const struct mw_error *err)
{
    return err->code == MW_EINVAL || err->code == MW_ESYNTAX ? cli_usage(ctx, "%s", err->text)
                                                             : cli_fail(ctx, err);
}
