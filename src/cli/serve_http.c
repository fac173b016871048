/* Starts and ends the API for `mw serve`.  See serve_http.h. */
#include "cli/serve_http.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "api/alerts_config.h"

#define FEW_CLIENTS 512u /* with fewer descriptors than that for them it is worth a word */

int serve_http_check(struct cli_context *ctx)
{
    const char *http = cli_option_string(ctx, "http");
    bool cert = cli_option_given(ctx, "tls-cert"), key = cli_option_given(ctx, "tls-key");
    if (cert != key)
        return cli_usage(ctx, "--tls-cert and --tls-key go together");
    if (cert && strcmp(http, "none") == 0)
        return cli_usage(ctx, "--tls-cert is for --http, and that is none");
    return CLI_EXIT_OK;
}

int serve_http_check_site(struct cli_context *ctx, const struct fleet *f)
{
    const char *path = cli_option_string(ctx, "alerts");
    struct alerts_config alerts;
    struct mw_error err = { 0 };
    if (path == NULL)
        return CLI_EXIT_OK;
    int rc = alerts_config_read(path, &alerts, &err);
    if (rc == 0)
        rc = alerts_config_check(&alerts, f, path, &err);
    return rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
}

static int access_path(struct cli_context *ctx, const struct serve_http_site *s,
                       struct serve_http *h, struct mw_error *err)
{
    const char *named = cli_option_string(ctx, "access");
    int n = snprintf(h->access, sizeof(h->access), "%s%s", named != NULL ? named : s->journal,
                     named != NULL ? "" : "/access.json");
    if (n < 0 || (size_t)n >= sizeof(h->access))
        return mw_fail(err, MW_EINVAL, "the path of the access file is too long");
    return 0;
}

void serve_http_raise_files(struct cli_context *ctx, uint64_t others)
{
    struct rlimit l;
    rlim_t needed = (rlim_t)others + FEW_CLIENTS, wanted = (rlim_t)others + API_CONNECTIONS_MAX * 2;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= wanted)
        return;
    l.rlim_cur = MW_MIN(wanted, l.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur < needed)
        cli_note(ctx, "this process may have %llu files, and a site of this size wants %llu: raise "
                 "ulimit -n", (unsigned long long)l.rlim_cur, (unsigned long long)wanted);
}

int serve_http_start(struct cli_context *ctx, const struct serve_http_site *s,
                     struct serve_http *ret, struct mw_error *err)
{
    must(ctx != NULL && s != NULL && ret != NULL);
    const char *http = cli_option_string(ctx, "http");
    int rc = access_path(ctx, s, ret, err);
    if (rc == 0)
        rc = asks_create(&ret->asks, err);
    if (rc < 0)
        return rc;
    if (s->replay)
        asks_replays(ret->asks);
    const struct api_server_options o = {
        .journal = s->journal, .rules = s->rules, .socket = s->socket,
        .listen = strcmp(http, "none") == 0 ? NULL : http,
        .tls_cert = cli_option_string(ctx, "tls-cert"),
        .tls_key = cli_option_string(ctx, "tls-key"),
        .access_file = ret->access, .oidc_file = cli_option_string(ctx, "oidc"),
        .alerts_file = cli_option_string(ctx, "alerts"),
        .scenario = s->scenario != NULL ? s->scenario : cli_option_string(ctx, "whatif"),
        .asks = ret->asks };
    return api_server_start(&o, &ret->server, err);
}

void serve_http_say(struct cli_context *ctx, struct serve_http *h)
{
    char link[256];
    if (h->server != NULL && api_server_link(h->server, link, sizeof(link)) == 0)
        cli_note(ctx, "open %s (works once, for 10 minutes)", link);
}

void serve_http_stop(struct serve_http *h)
{
    if (h->asks != NULL)
        asks_close(h->asks);
    api_server_stop(h->server);
    asks_destroy(h->asks);
    *h = (struct serve_http){ 0 };
}
