/*
 * `mw login` and `mw logout`: a token for a context from the site's identity
 * provider (device flow, RFC 8628).  The daemon speaks with the provider; what is
 * kept here is a token of the daemon's, in a file of mode 0600 that the context
 * names, for a shift.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/contexts.h"
#include "cli/daemon_client.h"
#include "cli/daemon_of.h"

#define INTERVAL_S_MIN 1
#define INTERVAL_S_MAX 60

struct login {
    struct cli_context *ctx;
    struct contexts contexts;
    struct context_entry entry; /* borrows from contexts */
    char token_file[LIVE_PATH_MAX];
    struct daemon *daemon;
};

static void login_fini(struct login *l)
{
    daemon_close(l->daemon);
    contexts_fini(&l->contexts);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

/* The context that is meant, and where its token is or will be. */
static int find_context(struct login *l, struct mw_error *err)
{
    int rc = contexts_read(&l->contexts, err);
    if (rc < 0)
        return rc;
    const char *name = cli_option_string(l->ctx, "context");
    if (name == NULL)
        name = contexts_current(&l->contexts);
    if (name == NULL || !contexts_find(&l->contexts, name, &l->entry))
        return mw_fail(err, MW_ENOTFOUND, "there is no context %s: mw context add NAME --url URL "
                       "makes one", name != NULL ? name : "in use");
    if (l->entry.url == NULL)
        return mw_fail(err, MW_ECONFLICT, "the context %s is a socket of this machine, which asks "
                       "for no login", name);
    int n = l->entry.token_file != NULL
                ? snprintf(l->token_file, sizeof(l->token_file), "%s", l->entry.token_file)
                : snprintf(l->token_file, sizeof(l->token_file), "%s.%s.token", l->contexts.path,
                           name);
    return n > 0 && (size_t)n < sizeof(l->token_file)
               ? 0
               : mw_fail(err, MW_EINVAL, "the path of the token's file is too long");
}

/* ---- the token's file ---------------------------------------------------------------------- */

static int file_fail(struct mw_error *err, const char *path)
{
    return mw_fail(err, errno == EACCES || errno == EPERM ? MW_EDENIED : MW_EIO,
                   "cannot write %s: %s", path, strerror(errno));
}

/* A new file of mode 0600 takes the place of the old one. */
static int keep_token(const char *path, const char *token, struct mw_error *err)
{
    char fresh[LIVE_PATH_MAX + 8];
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    (void)unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return file_fail(err, fresh);
    bool good = dprintf(fd, "%s\n", token) == (int)strlen(token) + 1 && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (good && rename(fresh, path) == 0)
        return 0;
    int rc = file_fail(err, path);
    (void)unlink(fresh);
    return rc;
}

/* The context names the file from now on. */
static int name_file(struct login *l, struct mw_error *err)
{
    if (l->entry.token_file != NULL)
        return 0;
    char name[256], url[1024], ca[LIVE_PATH_MAX];
    const char *current = contexts_current(&l->contexts);
    bool in_use = current != NULL && strcmp(current, l->entry.name) == 0;
    (void)snprintf(name, sizeof(name), "%s", l->entry.name);
    (void)snprintf(url, sizeof(url), "%s", l->entry.url);
    (void)snprintf(ca, sizeof(ca), "%s", l->entry.ca_file != NULL ? l->entry.ca_file : "");
    const struct context_entry e = { .name = name, .url = url, .token_file = l->token_file,
                                     .ca_file = ca[0] != '\0' ? ca : NULL };
    int rc = contexts_remove(&l->contexts, name, err);
    if (rc == 0)
        rc = contexts_add(&l->contexts, &e, err);
    if (rc == 0 && in_use)
        rc = contexts_use(&l->contexts, name, err);
    return rc == 0 ? contexts_write(&l->contexts, err) : rc;
}

/* ---- the flow ------------------------------------------------------------------------------ */

static int ask(struct login *l, const char *path, json_t *body, json_t **ret, struct mw_error *err)
{
    const struct daemon_call c = { .path = path, .body = body, .timeout_ns = 30 * MW_NS_PER_S };
    int rc = body != NULL ? daemon_ask(l->daemon, &c, ret, err)
                          : mw_fail(err, MW_ENOMEM, "out of memory");
    json_decref(body);
    return rc;
}

static void say_what_to_do(const struct cli_context *ctx, const json_t *o)
{
    const char *whole = text_of(o, "verification_uri_complete");
    if (whole[0] != '\0')
        cli_error(ctx, "open %s and check that it shows %s", whole, text_of(o, "user_code"));
    else
        cli_error(ctx, "open %s and enter %s", text_of(o, "verification_uri"),
                  text_of(o, "user_code"));
}

/* True: interrupted. */
static bool wait_s(int64_t s)
{
    const struct timespec tenth = { .tv_nsec = 100 * MW_NS_PER_MS };
    for (int64_t i = 0; i < s * 10; i++) {
        if (cli_interrupted())
            return true;
        (void)nanosleep(&tenth, NULL);
    }
    return false;
}

static int64_t interval_of(const json_t *o)
{
    int64_t s = (int64_t)json_integer_value(json_object_get(o, "interval_s"));
    return MW_MAX(INTERVAL_S_MIN, MW_MIN(s, INTERVAL_S_MAX));
}

/* Until the person has decided.  Gives the answer with the token; MW_ECONFLICT: interrupted. */
static int await(struct login *l, const json_t *begun, json_t **ret, struct mw_error *err)
{
    int64_t left_s = (int64_t)json_integer_value(json_object_get(begun, "expires_s"));
    int64_t interval_s = interval_of(begun);
    for (; left_s > 0; left_s -= interval_s) {
        json_t *o = NULL;
        if (wait_s(interval_s))
            return mw_fail(err, MW_ECONFLICT, "interrupted");
        int rc = ask(l, "/api/v1/login/device/token",
                     json_pack("{s:s}", "login", text_of(begun, "login")), &o, err);
        if (rc == MW_EBUSY || rc == MW_ETIMEOUT)
            continue;
        if (rc < 0)
            return rc;
        if (!json_is_true(json_object_get(o, "pending"))) {
            *ret = o;
            return 0;
        }
        interval_s = interval_of(o);
        json_decref(o);
    }
    return mw_fail(err, MW_ETIMEOUT, "nobody logged in in time: try again");
}

static int log_in(struct login *l, struct mw_error *err)
{
    json_t *begun = NULL, *done = NULL;
    int rc = ask(l, "/api/v1/login/device", json_object(), &begun, err);
    if (rc == 0) {
        say_what_to_do(l->ctx, begun);
        rc = await(l, begun, &done, err);
    }
    if (rc == 0)
        rc = keep_token(l->token_file, text_of(done, "token"), err);
    if (rc == 0)
        rc = name_file(l, err);
    if (rc == 0)
        cli_note(l->ctx, "logged in as %s until %s", text_of(done, "name"),
                 text_of(done, "expires"));
    json_decref(begun);
    json_decref(done);
    return rc;
}

static int run_login(struct cli_context *ctx)
{
    struct login l mw_cleanup(login_fini) = { .ctx = ctx };
    struct mw_error err = { 0 };
    int rc = find_context(&l, &err);
    const struct daemon_where w = { .url = l.entry.url, .ca_file = l.entry.ca_file };
    if (rc == 0)
        rc = daemon_open(&w, &l.daemon, &err);
    if (rc < 0)
        return daemon_fail(ctx, &err);
    cli_interrupt_catch();
    rc = log_in(&l, &err);
    if (rc == MW_ECONFLICT && strcmp(err.text, "interrupted") == 0)
        return CLI_EXIT_INTERRUPTED;
    return rc < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

static int run_logout(struct cli_context *ctx)
{
    struct login l mw_cleanup(login_fini) = { .ctx = ctx };
    struct mw_error err = { 0 };
    json_t *answer = NULL;
    int rc = find_context(&l, &err);
    if (rc == 0 && access(l.token_file, F_OK) != 0)
        rc = mw_fail(&err, MW_ENOTFOUND, "nobody is logged in there: there is no %s", l.token_file);
    const struct daemon_where w = { .url = l.entry.url, .ca_file = l.entry.ca_file,
                                    .token_file = l.token_file };
    const struct daemon_call c = { .path = "/api/v1/session", .method = "DELETE" };
    if (rc == 0)
        rc = daemon_open(&w, &l.daemon, &err);
    if (rc == 0)
        rc = daemon_ask(l.daemon, &c, &answer, &err);
    json_decref(answer);
    if (rc < 0 && rc != MW_EDENIED) /* a token that has ended already is forgotten as well */
        return daemon_fail(ctx, &err);
    if (unlink(l.token_file) == 0)
        return CLI_EXIT_OK;
    (void)file_fail(&err, l.token_file);
    return cli_fail(ctx, &err);
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command_option options[] = {
    { .name = "context", .type = VALUE_STRING, .value = "NAME",
      .help = "the daemon of this context (default: the one in use)" },
    { 0 },
};

static const struct command_exit exits[] = {
    { CLI_EXIT_NOT_FOUND, "there is no such context, or nobody is logged in there" },
    { CLI_EXIT_DENIED, "the identity provider or the daemon lets this person not in" },
    { CLI_EXIT_CONFLICT, "the context is a socket, or the daemon knows no identity provider" },
    { CLI_EXIT_UNREACHABLE, "the daemon or the identity provider cannot be reached" },
    { CLI_EXIT_TIMEOUT, "nobody logged in in time" },
    { 0 },
};

static const struct command login_commands[] = {
    {
        .verb = "",
        .summary = "log in to a daemon by the site's identity provider",
        .description =
            "Prints an address and a code. Open the address in any browser, on any machine, and "
            "log in there. Then the daemon gives a token that ends after 12 hours; it is kept in a "
            "file of mode 0600 that the context names, and every command with this context uses "
            "it. What it may do follows from the groups that the identity provider says (mw serve "
            "--oidc).",
        .examples =
            (const struct command_example[]){
                { .line = "mw login --context nowhere",
                  .shows = "A context that is not there; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = options,
        .exits = exits,
        .run = run_login,
    },
    { 0 },
};

static const struct command logout_commands[] = {
    {
        .verb = "",
        .summary = "end a login",
        .description = "Ends the token that mw login keeps for the context, at the daemon and "
                       "here. A token that somebody gave (mw token create) is ended by whoever "
                       "gave it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw logout --context nowhere",
                  .shows = "A context that is not there; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = options,
        .exits = exits,
        .run = run_logout,
    },
    { 0 },
};

const struct command_group cmd_login = {
    .noun = "login",
    .summary = "log in to a daemon by the site's identity provider",
    .commands = login_commands,
};

const struct command_group cmd_logout = {
    .noun = "logout",
    .summary = "end a login",
    .commands = logout_commands,
};
