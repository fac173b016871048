/*
 * `mw site diff`: a running daemon's machines, or documents of them, beside a
 * site file.  Changes nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/cmd_site.h"
#include "cli/daemon_of.h"
#include "cli/site_file.h"
#include "live/site_diff.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define PATH_MAX_BYTES 512
#define PAGE 1000

static const struct output_column columns[] = {
    { .key = "difference", .title = "DIFFERENCE" },
    { .key = "at", .title = "AT" },
    { .key = "file", .title = "THE FILE SAYS" },
    { .key = "live", .title = "WHAT IS" },
    { .key = NULL },
};

/* A list of documents, {"machines": [...]}, or one document. */
static int take_file(struct site_diff *d, const char *path, struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size;
    json_error_t why;
    int rc = mw_read_file(path, FILE_BYTES_MAX, true, &text, &size, err);
    if (rc != 0)
        return rc;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return mw_fail(err, MW_ESYNTAX, "%s:%d:%d: %s", path, why.line, why.column, why.text);
    const json_t *list = json_is_array(root) ? root : json_object_get(root, "machines");
    if (!json_is_array(list))
        rc = site_diff_machine(d, root, path, err);
    for (size_t i = 0; json_is_array(list) && i < json_array_size(list) && rc == 0; i++)
        rc = site_diff_machine(d, json_array_get(list, i), path, err);
    json_decref(root);
    return rc;
}

static int ask(struct daemon *daemon, const char *path, json_t **ret, struct mw_error *err)
{
    struct daemon_call call = { .path = path, .timeout_ns = 60 * MW_NS_PER_S };
    return daemon_ask(daemon, &call, ret, err);
}

static int take_machine(struct site_diff *d, struct daemon *daemon, const char *name,
                        struct mw_error *err)
{
    struct text path mw_cleanup(text_fini) = { 0 };
    json_t *document = NULL;
    text_addf(&path, "/api/v1/machines/%s", name); /* a name of the site language, or a host's */
    int rc = ask(daemon, text_string(&path), &document, err);
    if (rc == MW_ENOTFOUND) /* it went while we asked */
        return 0;
    if (rc == 0)
        rc = site_diff_machine(d, document, daemon_name(daemon), err);
    json_decref(document);
    return rc;
}

static bool plain(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")]
           == '\0';
}

/* One page of names, each asked for; the name to go on after in *ret_next, "" after the last. */
static int take_page(struct site_diff *d, struct daemon *daemon, char next[PATH_MAX_BYTES],
                     struct mw_error *err)
{
    struct text path mw_cleanup(text_fini) = { 0 };
    json_t *page = NULL;
    text_addf(&path, "/api/v1/machines?limit=%d", PAGE);
    if (next[0] != '\0')
        daemon_query_add(&path, "after", next);
    int rc = ask(daemon, text_string(&path), &page, err);
    const json_t *rows = json_object_get(page, "rows");
    for (size_t i = 0; rc == 0 && i < json_array_size(rows); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(rows, i), "name"));
        if (name != NULL && plain(name))
            rc = take_machine(d, daemon, name, err);
    }
    const char *more = json_string_value(json_object_get(page, "next"));
    (void)snprintf(next, PATH_MAX_BYTES, "%s", more != NULL ? more : "");
    json_decref(page);
    return rc;
}

static int take_daemon(struct cli_context *ctx, struct site_diff *d, struct mw_error *err)
{
    struct daemon *daemon mw_cleanup(daemon_closep) = NULL;
    char next[PATH_MAX_BYTES] = "";
    int rc = daemon_of(ctx, &daemon, err);
    do {
        rc = rc == 0 ? take_page(d, daemon, next, err) : rc;
    } while (rc == 0 && next[0] != '\0');
    return rc;
}

static int take_slurm(struct site_diff *d, const char *path, struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size;
    int rc = mw_read_file(path, FILE_BYTES_MAX, true, &text, &size, err);
    return rc != 0 ? rc : site_diff_slurm(d, text, path, err);
}

static int take_all(struct cli_context *ctx, struct site_diff *d, struct mw_error *err)
{
    const char *machines = cli_option_string(ctx, "machines");
    const char *slurm = cli_option_string(ctx, "slurm-nodes");
    bool live = cli_option_bool(ctx, "live") || (machines == NULL && slurm == NULL);
    int rc = machines != NULL ? take_file(d, machines, err) : 0;
    if (rc == 0 && live)
        rc = take_daemon(ctx, d, err);
    if (rc == 0 && slurm != NULL)
        rc = take_slurm(d, slurm, err);
    return rc == 0 && (live || machines != NULL) ? site_diff_end(d, err) : rc;
}

static int show(struct cli_context *ctx, const struct site_diff *d)
{
    uint32_t total = site_diff_total(d);
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < d->rows; i++) {
        const struct site_difference *r = &d->row[i];
        output_text(ctx->output, site_diff_code(r->kind));
        output_text(ctx->output, r->at);
        output_text(ctx->output, r->file[0] != '\0' ? r->file : NULL);
        output_text(ctx->output, r->live[0] != '\0' ? r->live : NULL);
    }
    output_end(ctx->output, NULL);
    cli_note(ctx, "%u machines, %u serial numbers and %u cable ends compared: %u difference%s",
             d->machines, d->serials, d->cables, total, total == 1 ? "" : "s");
    if (total > d->rows)
        cli_note(ctx, "%u more differences are not listed", total - d->rows);
    return total == 0 ? CLI_EXIT_OK : CLI_EXIT_PROBLEMS;
}

int cmd_site_diff(struct cli_context *ctx)
{
    struct site_diff d mw_cleanup(site_diff_fini) = { .rows = 0 };
    struct fleet *fleet = NULL;
    struct mw_error err = { 0 };
    int code = site_file_load(ctx, cli_option_string(ctx, "site"), &fleet);
    if (code != 0)
        return code;
    int rc = site_diff_init(&d, fleet, &err);
    if (rc == 0)
        rc = take_all(ctx, &d, &err);
    code = rc == 0 ? show(ctx, &d) : cli_fail(ctx, &err);
    fleet_destroy(fleet);
    return code;
}
