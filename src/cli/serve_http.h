/*
 * The faces of `mw serve`, of a live site and of a replay alike: the options that say where the API
 * listens, its start and its end, and the line that tells a person where to look.
 */
#ifndef MW_CLI_SERVE_HTTP_H
#define MW_CLI_SERVE_HTTP_H

#include "api/server.h"
#include "cli/context.h"

#define SERVE_HTTP_FALLBACK "127.0.0.1:7378"

/* Rows of a command's options. */
#define SERVE_HTTP_OPTIONS                                                                       \
    { .name = "http", .type = VALUE_STRING, .value = "ADDRESS",                                  \
      .fallback = SERVE_HTTP_FALLBACK,                                                           \
      .help = "where the console and the API listen: address and port (0 = a free one), or "     \
              "none; other than loopback needs --tls-cert and --tls-key" },                      \
    { .name = "whatif", .type = VALUE_FILE, .value = "SCENARIO",                                 \
      .help = "a scenario of this site: what POST /api/v1/whatif simulates; of a replay its "    \
              "own" },                                                                            \
    { .name = "tls-cert", .type = VALUE_FILE, .value = "FILE",                                   \
      .help = "certificate (chain) for --http, PEM" },                                           \
    { .name = "tls-key", .type = VALUE_FILE, .value = "FILE",                                    \
      .help = "its private key, PEM" },                                                          \
    { .name = "access", .type = VALUE_FILE, .value = "FILE",                                     \
      .help = "who may do what: tokens and their roles (mw token writes it); default: access.json "\
              "in the journal's folder" },                                                        \
    { .name = "alerts", .type = VALUE_FILE, .value = "FILE",                                     \
      .help = "who is told of incidents: Alertmanager, webhooks, Slack, PagerDuty "              \
              "(docs/alerts.md)" },                                                               \
    { .name = "oidc", .type = VALUE_FILE, .value = "FILE",                                       \
      .help = "the identity provider that vouches for people (docs/access.md)" }

struct serve_http {
    struct asks *asks;          /* owned: the writer answers them (api/asks.h) */
    struct api_server *server;  /* owned */
    char access[4096];
};

struct serve_http_site {
    const char *journal;  /* folder */
    const char *socket;   /* the control socket */
    const uint8_t *rules; /* hash of the policy the writer runs under; NULL = look */
    bool replay;          /* GET and POST /api/v1/replay are for it */
    const char *scenario; /* of this site, for what-if; NULL = what --whatif names */
};

/* Usage errors that need no site: CLI_EXIT_OK, or an exit code with its message printed. */
int serve_http_check(struct cli_context *ctx);
/* The same of files that name parts of the site, before a record is made. */
int serve_http_check_site(struct cli_context *ctx, const struct fleet *f);

/* As many files and connections as the system lets this process have, up to what the API's clients
 * and `others` need; what is too few is said. */
void serve_http_raise_files(struct cli_context *ctx, uint64_t others);

/* Makes the mailbox and starts the API's thread; the record has begun.  On failure *ret is to be
 * given to serve_http_stop() all the same.  As api_server_start(). */
MW_MUST_USE int serve_http_start(struct cli_context *ctx, const struct serve_http_site *s,
                                 struct serve_http *ret, struct mw_error *err);

/* "open http://127.0.0.1:7378/#/login/…" on the messages' stream; nothing without --http. */
void serve_http_say(struct cli_context *ctx, struct serve_http *h);

/* The writer answers nothing more.  A zeroed one is fine. */
void serve_http_stop(struct serve_http *h);

#endif
