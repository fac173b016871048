/*
 * `mw agent`: who may speak for a node.  Join tokens, certificates and their
 * revocation, in the files of the daemon's CA, which it reads within a second.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/format.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/agents_ca.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "live/authority.h"

#define TOKEN_FILE_BYTES 512

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static void closep(struct authority **a)
{
    authority_close(*a);
}

/* The CA beside the journal that is named, or beside the usual one. */
static int open_authority(struct cli_context *ctx, bool make, struct authority **ret,
                          struct mw_error *err)
{
    char journal[LIVE_PATH_MAX], dir[LIVE_PATH_MAX];
    const char *named = cli_option_string(ctx, "journal");
    int rc = named == NULL ? live_path_journal_found(journal, err) : 0;
    if (rc == 0)
        rc = agents_ca_path(named != NULL ? named : journal, dir, err);
    if (rc == 0 && make)
        rc = live_path_make_parents(dir, err);
    if (rc == 0)
        rc = authority_open(dir, now_s(), make, ret, err);
    return rc == MW_ENOTFOUND ? mw_fail(err, rc, "%s is not there: it is made by mw serve "
                                        "--agents-tls, or by mw agent token new", dir)
                              : rc;
}

static void put_time(struct output *o, int64_t s)
{
    char text[40];
    if (s == 0) {
        output_null(o);
        return;
    }
    mw_format_time(s * MW_NS_PER_S, text, sizeof(text));
    output_text(o, text);
}

/* ---- tokens -------------------------------------------------------------------------------- */

/* The token alone on a line, so that it can go straight into a file of mode 0600. */
static void print_new(struct cli_context *ctx, const char *token, const struct authority_wish *w)
{
    char length[40], joins[40];
    mw_format_duration(w->length_s * MW_NS_PER_S, length, sizeof(length));
    (void)snprintf(joins, sizeof(joins), "%u join%s", w->uses, w->uses == 1 ? "" : "s");
    if (output_form_of(ctx->output) == OUTPUT_JSON) {
        json_t *made = json_pack("{s:s}", "token", token);
        output_document(ctx->output, made);
        json_decref(made);
    } else {
        (void)fprintf(output_file(ctx->output), "%s\n", token);
    }
    cli_note(ctx, "good for %s with names like %s, for %s; it is not shown again",
             w->uses == 0 ? "any number of joins" : joins, w->pattern, length);
}

static int run_token_new(struct cli_context *ctx)
{
    struct authority *a mw_cleanup(closep) = NULL;
    struct mw_error err = { 0 };
    char token[TLS_TOKEN_MAX];
    int64_t length_ns = cli_option_duration_ns(ctx, "expires");
    uint64_t uses = cli_option_u64(ctx, "uses");
    const struct authority_wish w = { .pattern = cli_option_string(ctx, "nodes"),
                                      .gather = cli_option_bool(ctx, "gather"),
                                      .uses = (uint32_t)uses,
                                      .length_s = length_ns / MW_NS_PER_S };
    if (uses > UINT32_MAX)
        return cli_usage(ctx, "option --uses: that is more than there can be nodes");
    int rc = open_authority(ctx, true, &a, &err);
    if (rc == 0)
        rc = authority_token_new(a, now_s(), &w, token, &err);
    if (rc < 0)
        return cli_fail(ctx, &err);
    print_new(ctx, token, &w);
    OPENSSL_cleanse(token, sizeof(token));
    return CLI_EXIT_OK;
}

static const struct output_column token_columns[] = {
    { .key = "id", .title = "ID" },
    { .key = "role", .title = "ROLE" },
    { .key = "nodes", .title = "NODES" },
    { .key = "used", .title = "USED", .right = true },
    { .key = "uses", .title = "OF", .right = true },
    { .key = "made", .title = "MADE", .wide = true },
    { .key = "expires", .title = "EXPIRES" },
    { .key = "revoked", .title = "REVOKED" },
    { 0 },
};

static void print_token(struct output *o, const struct authority_token *t)
{
    output_text(o, t->id);
    output_text(o, t->gather ? "gather" : "agent");
    output_text(o, t->pattern);
    output_int(o, t->used);
    if (t->uses == 0)
        output_int_as(o, 0, "any");
    else
        output_int(o, t->uses);
    put_time(o, t->made_s);
    put_time(o, t->ends_s);
    put_time(o, t->revoked_s);
}

static int run_token_list(struct cli_context *ctx)
{
    struct authority *a mw_cleanup(closep) = NULL;
    struct mw_error err = { 0 };
    uint32_t count = 0;
    if (open_authority(ctx, false, &a, &err) < 0)
        return cli_fail(ctx, &err);
    const struct authority_token *t = authority_tokens(a, &count);
    output_begin(ctx->output, token_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < count; i++)
        print_token(ctx->output, &t[i]);
    output_end(ctx->output, "no join tokens: mw agent token new makes one");
    return CLI_EXIT_OK;
}

static int run_token_revoke(struct cli_context *ctx)
{
    struct authority *a mw_cleanup(closep) = NULL;
    struct mw_error err = { 0 };
    int rc = open_authority(ctx, false, &a, &err);
    if (rc == 0)
        rc = authority_token_end(a, now_s(), cli_arg(ctx, 0), &err);
    if (rc < 0)
        return cli_fail(ctx, &err);
    cli_note(ctx, "%s joins nobody any more; who joined with it stays: mw agent list",
             cli_arg(ctx, 0));
    return CLI_EXIT_OK;
}

/* ---- certificates -------------------------------------------------------------------------- */

static const struct output_column node_columns[] = {
    { .key = "name", .title = "NAME" },
    { .key = "role", .title = "ROLE" },
    { .key = "state", .title = "STATE" },
    { .key = "issued", .title = "ISSUED" },
    { .key = "expires", .title = "EXPIRES" },
    { .key = "revoked", .title = "REVOKED", .wide = true },
    { .key = "certificates", .title = "SO FAR", .right = true, .wide = true },
    { .key = "serial", .title = "SERIAL", .wide = true },
    { 0 },
};

static const char *state_of(const struct authority_node *n, int64_t now)
{
    if (n->issued == 0 || (n->revoked_s != 0 && n->issued_s <= n->revoked_s))
        return "revoked";
    return now >= n->ends_s ? "expired" : "valid";
}

static void print_node(struct output *o, const struct authority_node *n, int64_t now)
{
    output_text(o, n->name);
    output_text(o, n->gather ? "gather" : "agent");
    output_text(o, state_of(n, now));
    put_time(o, n->issued_s);
    put_time(o, n->ends_s);
    put_time(o, n->revoked_s);
    output_int(o, n->issued);
    output_text(o, n->serial[0] != '\0' ? n->serial : NULL);
}

static int run_list(struct cli_context *ctx)
{
    struct authority *a mw_cleanup(closep) = NULL;
    struct mw_error err = { 0 };
    uint32_t count = 0;
    if (open_authority(ctx, false, &a, &err) < 0)
        return cli_fail(ctx, &err);
    const struct authority_node *n = authority_nodes(a, &count);
    output_begin(ctx->output, node_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < count; i++)
        print_node(ctx->output, &n[i], now_s());
    output_end(ctx->output, "no certificates: mw-agent join gets one for a token");
    return CLI_EXIT_OK;
}

static int run_revoke(struct cli_context *ctx)
{
    struct authority *a mw_cleanup(closep) = NULL;
    struct mw_error err = { 0 };
    int rc = open_authority(ctx, false, &a, &err);
    if (rc == 0)
        rc = authority_revoke(a, now_s(), cli_arg(ctx, 0), &err);
    if (rc < 0)
        return cli_fail(ctx, &err);
    cli_note(ctx, "%s is refused from now on, until it joins again; end the tokens that it could "
             "join with: mw agent token list", cli_arg(ctx, 0));
    return CLI_EXIT_OK;
}

/* ---- joining from here --------------------------------------------------------------------- */

/* "host:port", "host", "[::1]:port". */
static int read_daemon(const char *text, char host[256], char port[16], struct mw_error *err)
{
    bool six = text[0] == '[';
    const char *end = six ? strchr(text, ']') : text + strcspn(text, ":");
    const char *rest = end == NULL ? "" : six ? end + 1 : end;
    size_t n = end == NULL ? 0 : (size_t)(end - text) - six;
    if (n == 0 || n >= 256 || (rest[0] != '\0' && rest[0] != ':') || strlen(rest) > 15 ||
        (rest[0] == ':' && (rest[1] == '\0' || strspn(rest + 1, "0123456789") != strlen(rest + 1))))
        return mw_fail(err, MW_EINVAL, "\"%.80s\" is no daemon: write HOST:PORT", text);
    memcpy(host, text + six, n);
    host[n] = '\0';
    (void)snprintf(port, 16, "%s", rest[0] == ':' ? rest + 1 : "7377");
    return 0;
}

static int run_join(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    struct tls_joined joined = { 0 };
    char host[256], port[16], *token mw_cleanup(mw_freep) = NULL, ends[40];
    size_t size = 0;
    const char *name = cli_option_string(ctx, "name"), *dir = cli_option_string(ctx, "state-dir");
    int rc = read_daemon(cli_option_string(ctx, "daemon"), host, port, &err);
    if (rc == 0)
        rc = mw_read_file(cli_option_string(ctx, "token"), TOKEN_FILE_BYTES, false, &token, &size,
                          &err);
    if (rc < 0)
        return cli_fail(ctx, &err);
    token[strcspn(token, " \t\r\n")] = '\0';
    const struct tls_join j = { .host = host, .port = port, .token = token, .name = name,
                                .gather = true, .dir = dir };
    rc = tls_join(&j, &joined, &err);
    OPENSSL_cleanse(token, size);
    if (rc < 0)
        return cli_fail(ctx, &err);
    mw_format_time(joined.ends_s * MW_NS_PER_S, ends, sizeof(ends));
    cli_note(ctx, "%s has a certificate in %s, good until %s and renewed while mw-gather runs",
             name, dir, ends);
    return CLI_EXIT_OK;
}

/* ---- the table ----------------------------------------------------------------------------- */

#define JOURNAL_OPTION                                                                            \
    { .name = "journal", .type = VALUE_DIR, .value = "DIR",                                       \
      .help = "the daemon's record, beside which its CA for agents is; default as for mw serve" }

static const struct command_exit agent_exits[] = {
    { CLI_EXIT_NOT_FOUND, "there is no such token or node, or no CA for agents" },
    { CLI_EXIT_DENIED, "the files of the CA are not this user's, or are open to others" },
    { 0 },
};

static const struct command_exit join_exits[] = {
    { CLI_EXIT_NOT_FOUND, "the token's file is not there" },
    { CLI_EXIT_DENIED, "the daemon refuses the token, or is not the one that made it" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers there" },
    { CLI_EXIT_TIMEOUT, "it did not answer in time" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "token new",
        .summary = "make a join token, with which a node gets its certificate",
        .description =
            "Prints the token, once: what is kept is its hash. Put it into a file of mode 0600 on "
            "the node, run mw-agent join there, and remove it. The token names the daemon's CA, so "
            "that the node says it to no other.\n\n"
            "It joins as many nodes as --uses says, whose names match --nodes, until it expires. "
            "A certificate is good for 24 hours and mw-agent renews it while it runs: a node that "
            "was off for longer joins again. Run this as the user that runs mw serve.",
        .examples =
            (const struct command_example[]){
                { .line = "mw agent token new --journal agents-doc/journal --nodes 'h01-*' --uses "
                          "64 --expires 2h",
                  .shows = "One for the first delivery of a hall." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "nodes", .type = VALUE_STRING, .value = "PATTERN", .fallback = "*",
                  .help = "names that may join with it: * ? [a-z] as in a shell" },
                { .name = "uses", .type = VALUE_U64, .value = "N", .fallback = "1",
                  .help = "how often it is good; 0 = as often as is asked" },
                { .name = "expires", .type = VALUE_DURATION, .value = "TIME", .fallback = "1d",
                  .help = "how long it is good" },
                { .name = "gather",
                  .help = "for a gatherer (mw-gather), which may speak of every machine" },
                JOURNAL_OPTION,
                { 0 },
            },
        .exits = agent_exits,
        .run = run_token_new,
    },
    {
        .verb = "token list",
        .summary = "list join tokens",
        .description = "Those that are used up, expired or revoked stay in the list.",
        .examples =
            (const struct command_example[]){
                { .line = "mw agent token list --journal agents-doc/journal",
                  .shows = "What was made, and how often it was used." },
                { 0 },
            },
        .options = (const struct command_option[]){ JOURNAL_OPTION, { 0 } },
        .exits = agent_exits,
        .run = run_token_list,
    },
    {
        .verb = "token revoke",
        .summary = "end a join token",
        .description = "Nobody joins with it any more. Nodes that did keep their certificates: see "
                       "mw agent revoke.",
        .examples =
            (const struct command_example[]){
                { .line = "mw agent token revoke $(mw agent token list --journal "
                          "agents-doc/journal -o csv | sed -n '2s/,.*//p') --journal "
                          "agents-doc/journal",
                  .shows = "Ends the first one." },
                { .line = "mw agent token revoke 00000000 --journal agents-doc/journal",
                  .shows = "One that is not there; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = (const struct command_option[]){ JOURNAL_OPTION, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "ID", .type = VALUE_STRING,
                  .help = "its id, as mw agent token list shows it" },
                { 0 },
            },
        .exits = agent_exits,
        .run = run_token_revoke,
    },
    {
        .verb = "list",
        .summary = "list the nodes and gatherers that have certificates",
        .description = "With the end of the newest certificate of each: one that runs renews it "
                       "when two thirds of its time are over.",
        .examples =
            (const struct command_example[]){
                { .line = "mw agent list --journal agents-doc/journal",
                  .shows = "Who has joined." },
                { 0 },
            },
        .options = (const struct command_option[]){ JOURNAL_OPTION, { 0 } },
        .exits = agent_exits,
        .run = run_list,
    },
    {
        .verb = "revoke",
        .summary = "refuse a node's certificates from now on",
        .description = "A running daemon ends its connection within a second and takes none of it "
                       "again, until it joins with a new token.",
        .examples =
            (const struct command_example[]){
                { .line = "mw agent revoke n77 --journal agents-doc/journal",
                  .shows = "One that never joined; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options = (const struct command_option[]){ JOURNAL_OPTION, { 0 } },
        .args =
            (const struct command_arg[]){
                { .name = "NODE", .type = VALUE_STRING,
                  .help = "its name, as mw agent list has it" },
                { 0 },
            },
        .exits = agent_exits,
        .run = run_revoke,
    },
    {
        .verb = "join",
        .summary = "get a gatherer's certificate for a join token",
        .description = "For the machine that runs mw-gather; a node has mw-agent join. The key is "
                       "made here and stays here.",
        .examples =
            (const struct command_example[]){
                { .line = "mw agent join --daemon 127.0.0.1:1 --token nowhere --name g1 "
                          "--state-dir agents-doc/g1",
                  .shows = "Without the token's file the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "daemon", .type = VALUE_STRING, .value = "HOST:PORT", .required = true,
                  .help = "where mw serve --agents-tls listens" },
                { .name = "token", .type = VALUE_FILE, .value = "FILE", .required = true,
                  .help = "holds the token (mw agent token new --gather)" },
                { .name = "name", .type = VALUE_STRING, .value = "NAME", .required = true,
                  .help = "of the gatherer" },
                { .name = "state-dir", .type = VALUE_DIR, .value = "DIR", .required = true,
                  .help = "for key and certificate; made with mode 0700" },
                { 0 },
            },
        .exits = join_exits,
        .run = run_join,
    },
    { 0 },
};

const struct command_group cmd_agent = {
    .noun = "agent",
    .summary = "who may speak for a node: join tokens and certificates of agents",
    .commands = commands,
};
