/*
 * `mw import lldp`, `redfish` and `netbox`: documents from files, folders or a
 * URL into a site.  What may be read of a secret is read here, from a file that
 * only its owner may read, and goes nowhere else.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/cmd_import.h"
#include "cli/contexts.h"
#include "cli/import_files.h"
#include "cli/import_http.h"
#include "cli/import_out.h"
#include "live/import_lldp.h"
#include "live/import_netbox.h"
#include "live/import_redfish.h"

#define TIMEOUT_NS (60 * MW_NS_PER_S)
#define PAGES_MAX 10000
#define URL_MAX 2048
#define LISTED_MAX 64 /* of an option that may be given several times */

static int add_paths(struct cli_context *ctx, enum import_host rule, struct import_files *f,
                     struct mw_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < cli_arg_count(ctx) && rc == 0; i++)
        rc = import_files_add(f, cli_arg(ctx, i), rule, err);
    return rc;
}

/* The values of a repeated option. */
static uint32_t values_of(struct cli_context *ctx, const char *name, const char *to[LISTED_MAX])
{
    uint32_t n = MW_MIN(cli_option_count(ctx, name), (uint32_t)LISTED_MAX);
    for (uint32_t i = 0; i < n; i++)
        to[i] = cli_option_nth(ctx, name, i);
    return n;
}

/* --gpus; MW_NONE when it is not given. */
static int gpus_of(struct cli_context *ctx, uint32_t *ret)
{
    *ret = MW_NONE;
    if (!cli_option_given(ctx, "gpus"))
        return 0;
    if (cli_option_u64(ctx, "gpus") > 64)
        return cli_usage(ctx, "option --gpus: a node has at most 64");
    *ret = (uint32_t)cli_option_u64(ctx, "gpus");
    return 0;
}

/* ---- lldp ---------------------------------------------------------------------------------- */

int cmd_import_lldp(struct cli_context *ctx)
{
    struct import_files files mw_cleanup(import_files_fini) = { .files = 0 };
    struct import_site site mw_cleanup(import_site_fini) = { .models = 0 };
    const char *globs[LISTED_MAX];
    struct import_lldp_options o = { .source = cli_arg(ctx, 0), .switches = globs };
    struct mw_error err = { 0 };
    int code;
    o.site = import_out_name(ctx, &code);
    if (code == 0)
        code = gpus_of(ctx, &o.gpus);
    if (code != 0)
        return code;
    o.switch_globs = values_of(ctx, "switch", globs);
    int rc = add_paths(ctx, IMPORT_HOST_FILE, &files, &err);
    struct import_lldp_file *file = mw_calloc(files.files, sizeof(*file));
    if (rc == 0 && file == NULL)
        rc = mw_fail(&err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < files.files && rc == 0; i++)
        file[i] = (struct import_lldp_file){ .host = files.file[i].host,
            .text = files.file[i].text, .size = files.file[i].size, .name = files.file[i].path };
    if (rc == 0)
        rc = import_lldp(file, files.files, &o, &site, &err);
    mw_free(file);
    return rc != 0 ? cli_fail(ctx, &err) : import_out(ctx, &site);
}

/* ---- redfish ------------------------------------------------------------------------------- */

int cmd_import_redfish(struct cli_context *ctx)
{
    struct import_files files mw_cleanup(import_files_fini) = { .files = 0 };
    struct import_site site mw_cleanup(import_site_fini) = { .models = 0 };
    struct import_redfish_options o = { .source = cli_arg(ctx, 0) };
    struct mw_error err = { 0 };
    int code;
    o.site = import_out_name(ctx, &code);
    if (code != 0)
        return code;
    int rc = add_paths(ctx, IMPORT_HOST_FOLDER, &files, &err);
    struct import_redfish_doc *doc = mw_calloc(files.files, sizeof(*doc));
    if (rc == 0 && doc == NULL)
        rc = mw_fail(&err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < files.files && rc == 0; i++)
        doc[i] = (struct import_redfish_doc){ .host = files.file[i].host,
            .text = files.file[i].text, .size = files.file[i].size, .name = files.file[i].path };
    if (rc == 0)
        rc = import_redfish(doc, files.files, &o, &site, &err);
    mw_free(doc);
    return rc != 0 ? cli_fail(ctx, &err) : import_out(ctx, &site);
}

/* ---- netbox -------------------------------------------------------------------------------- */

/* One list, page after page.  A page's `next` is asked only on the same server: the token goes
 * nowhere else. */
static int fetch_list(struct import_http *h, const char *base, const char *list,
                      struct import_files *f, struct mw_error *err)
{
    char url[URL_MAX], next[URL_MAX];
    size_t origin = strlen(base);
    int rc = snprintf(url, sizeof(url), "%s/api/dcim/%s/?limit=1000", base, list) >= URL_MAX
                 ? mw_fail(err, MW_ELIMIT, "the address is too long") : 0;
    for (uint32_t page = 0; rc == 0 && url[0] != '\0'; page++) {
        char *body = NULL;
        if (page == PAGES_MAX)
            return mw_fail(err, MW_ELIMIT, "%s: more than %d pages", list, PAGES_MAX);
        rc = import_http_get(h, url, &body, err);
        if (rc != 0)
            return rc;
        struct import_netbox_doc d = { .text = body, .size = strlen(body), .name = url };
        rc = import_netbox_next(&d, next, sizeof(next), err);
        if (rc != 0)
            mw_free(body);
        else
            rc = import_files_take(f, url, "netbox", body, err);
        if (rc == 0 && next[0] != '\0' &&
            (strncmp(next, base, origin) != 0 || next[origin] != '/'))
            return mw_fail(err, MW_EDENIED, "%s: its next page is on another server: %.200s", url,
                           next);
        memcpy(url, next, sizeof(url));
    }
    return rc;
}

static int fetch_netbox(struct cli_context *ctx, struct import_files *f, struct mw_error *err)
{
    static const char *const lists[] = { "racks", "devices", "cables" };
    char base[URL_MAX], token[CONTEXTS_TOKEN_MAX] = "", header[CONTEXTS_TOKEN_MAX + 32];
    const char *token_file = cli_option_string(ctx, "token-file");
    struct import_http_options o = { .ca_file = cli_option_string(ctx, "ca"),
                                     .timeout_ns = TIMEOUT_NS };
    struct import_http *h = NULL;
    (void)snprintf(base, sizeof(base), "%s", cli_option_string(ctx, "url"));
    while (base[0] != '\0' && base[strlen(base) - 1] == '/')
        base[strlen(base) - 1] = '\0';
    int rc = token_file != NULL ? contexts_token(token_file, token, err) : 0;
    if (token[0] != '\0') {
        (void)snprintf(header, sizeof(header), "Authorization: Token %s", token);
        o.header = header;
    }
    if (rc == 0)
        rc = import_http_open(&o, &h, err);
    for (size_t i = 0; i < MW_ARRAY_LEN(lists) && rc == 0; i++)
        rc = fetch_list(h, base, lists[i], f, err);
    import_http_close(h);
    explicit_bzero(token, sizeof(token));
    explicit_bzero(header, sizeof(header));
    return rc;
}

static int read_netbox(struct cli_context *ctx, const struct import_files *files,
                       const struct import_netbox_options *o, struct import_site *site,
                       struct mw_error *err)
{
    struct import_netbox_doc *doc = mw_calloc(files->files, sizeof(*doc));
    (void)ctx;
    if (doc == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < files->files; i++)
        doc[i] = (struct import_netbox_doc){ .text = files->file[i].text,
            .size = files->file[i].size, .name = files->file[i].path };
    int rc = import_netbox(doc, files->files, o, site, err);
    mw_free(doc);
    return rc;
}

int cmd_import_netbox(struct cli_context *ctx)
{
    struct import_files files mw_cleanup(import_files_fini) = { .files = 0 };
    struct import_site site mw_cleanup(import_site_fini) = { .models = 0 };
    const char *nodes[LISTED_MAX], *switches[LISTED_MAX], *url = cli_option_string(ctx, "url");
    struct import_netbox_options o = { .node_roles = nodes, .switch_roles = switches,
        .gpus_field = cli_option_string(ctx, "gpus-field"),
        .source = url != NULL ? url : cli_arg(ctx, 0) };
    struct mw_error err = { 0 };
    int code;
    o.site = import_out_name(ctx, &code);
    if (code == 0)
        code = gpus_of(ctx, &o.gpus);
    if (code == 0 && (url != NULL) == (cli_arg_count(ctx) > 0))
        code = cli_usage(ctx, "give files of answers, or --url of a NetBox, not both");
    if (code != 0)
        return code;
    o.node_role_count = values_of(ctx, "node-role", nodes);
    o.switch_role_count = values_of(ctx, "switch-role", switches);
    int rc = url != NULL ? fetch_netbox(ctx, &files, &err)
                         : add_paths(ctx, IMPORT_HOST_FILE, &files, &err);
    if (rc == 0)
        rc = read_netbox(ctx, &files, &o, &site, &err);
    return rc != 0 ? cli_fail(ctx, &err) : import_out(ctx, &site);
}
