/* Documents as tables.  See view.h. */
#include "cli/view.h"

#include <stdio.h>
#include <string.h>

#include "api/views.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/daemon_of.h"
#include "cli/live_record.h"

const struct command_exit view_exits[] = {
    { CLI_EXIT_NOT_FOUND, "there is no record" },
    { CLI_EXIT_DENIED, "the record may not be read, or the socket belongs to another user" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers" },
    { CLI_EXIT_TIMEOUT, "the daemon did not answer" },
    { 0 },
};

/* The command has this option, and it is given. */
static bool given(const struct cli_context *ctx, const char *name)
{
    return name != NULL && command_option_long(ctx->command, name, strlen(name)) != NULL &&
           cli_option_given(ctx, name);
}

/* ---- the document --------------------------------------------------------------------------- */

static int from_daemon(struct cli_context *ctx, const struct api_view *v, json_t **ret)
{
    struct mw_error err = { 0 };
    char path[64];
    (void)snprintf(path, sizeof(path), "%s?limit=%u%s", v->path, API_ROWS_MAX,
                   given(ctx, "all") ? "&all" : "");
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    const struct daemon_call c = { .path = path };
    if (daemon_of(ctx, &d, &err) < 0 || daemon_ask(d, &c, ret, &err) < 0)
        return cli_fail(ctx, &err);
    return CLI_EXIT_OK;
}

static int from_record(struct cli_context *ctx, const struct api_view *v, json_t **ret)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct serials serials mw_cleanup(serials_fini) = { 0 };
    struct control *control = NULL;
    struct mw_error err = { 0 };
    int code = live_record_open(ctx, &r);
    if (code != CLI_EXIT_OK)
        return code;
    int rc = live_record_state(&r, &control, &err);
    if (rc == 0 && strcmp(v->name, "orders") == 0) /* no other document names serials */
        rc = serials_update(&serials, r.journal, r.fleet, &err);
    if (rc == 0) {
        const struct api_view_of of = { .control = control, .journal = r.journal,
                                        .words = &r.words, .serials = &serials,
                                        .now_ns = core_now(control->core),
                                        .all = given(ctx, "all") };
        *ret = v->make(&of, &err);
        rc = *ret != NULL ? 0 : err.code;
    }
    control_destroy(control);
    return rc < 0 ? live_record_fail(ctx, &r, &err) : CLI_EXIT_OK;
}

/* Leaves only rows of which `key` is true. */
static void keep_only(json_t *document, const char *key)
{
    json_t *rows = json_object_get(document, "rows");
    for (size_t i = json_array_size(rows); i-- > 0;)
        if (!json_is_true(json_object_get(json_array_get(rows, i), key)))
            (void)json_array_remove(rows, i);
}

/* ---- cells ---------------------------------------------------------------------------------- */

static void number_cell(struct output *o, int64_t n, uint8_t as)
{
    struct text t = { 0 };
    char shown[40];
    switch (as) {
    case VIEW_SEQ:
        (void)snprintf(shown, sizeof(shown), "%lld", (long long)n);
        output_int_as(o, n, shown);
        return;
    case VIEW_USD:
        mw_format_usd(n, shown, sizeof(shown));
        output_int_as(o, n, shown);
        return;
    case VIEW_SPAN:
        words_span_ms(&t, n);
        output_int_as(o, n, text_string(&t));
        text_fini(&t);
        return;
    case VIEW_PPM:
        (void)snprintf(shown, sizeof(shown), "%.2f %%", (double)n / 1e4);
        output_int_as(o, n, shown);
        return;
    case VIEW_HOURS:
        (void)snprintf(shown, sizeof(shown), "%.2f", (double)n / MW_MS_PER_HOUR);
        output_int_as(o, n, shown);
        return;
    default:
        output_int(o, n);
    }
}

static void cell(struct output *o, const json_t *row, const struct view_column *c)
{
    const json_t *v = json_object_get(row, c->key);
    if (json_is_integer(v))
        number_cell(o, json_integer_value(v), c->as);
    else if (json_is_boolean(v))
        output_bool(o, json_is_true(v));
    else
        output_text(o, json_string_value(v));
}

/* ---- tables --------------------------------------------------------------------------------- */

static void table(struct output *o, const struct view *v, const json_t *rows, const char *group)
{
    struct output_column column[VIEW_COLUMNS_MAX + 1] = { 0 };
    uint32_t n = 0;
    size_t i;
    json_t *row;
    for (; v->column[n].key != NULL; n++) {
        const struct view_column *c = &v->column[n];
        must(n < VIEW_COLUMNS_MAX);
        column[n] = (struct output_column){ .key = c->key, .title = c->title,
                                            .right = c->as != VIEW_TEXT && c->as != VIEW_YES,
                                            .wide = c->wide };
    }
    output_begin(o, column, OUTPUT_ROWS);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        const char *of = group ? json_string_value(json_object_get(row, v->by)) : NULL;
        if (group && strcmp(of ? of : "", group) != 0)
            continue;
        for (uint32_t c = 0; c < n; c++)
            cell(o, row, &v->column[c]);
    }
    output_end(o, v->empty);
}

/* One table for each group, groups in the order of their first row. */
static void grouped(struct output *o, const struct view *v, const json_t *rows)
{
    json_t *seen = json_object();
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        const char *group = json_string_value(json_object_get(row, v->by));
        group = group ? group : "";
        if (json_object_get(seen, group) != NULL)
            continue;
        (void)json_object_set_new(seen, group, json_true());
        table(o, v, rows, group);
    }
    if (i == 0)
        table(o, v, rows, NULL);
    json_decref(seen);
}

static void show(struct cli_context *ctx, const struct view *v, const json_t *document)
{
    const json_t *rows = json_object_get(document, "rows");
    bool csv = output_form_of(ctx->output) == OUTPUT_CSV;
    struct text foot = { 0 };
    if (!csv && v->by != NULL && given(ctx, "by") &&
        strcmp(cli_option_string(ctx, "by"), v->by) == 0)
        grouped(ctx->output, v, rows);
    else
        table(ctx->output, v, rows, NULL);
    if (v->foot != NULL && !csv)
        v->foot(&foot, document);
    if (foot.length > 0)
        (void)fprintf(output_file(ctx->output), "\n%s", text_string(&foot));
    text_fini(&foot);
    int64_t left_out = json_integer_value(json_object_get(document, "left_out"));
    if (left_out > 0)
        cli_note(ctx, "%lld more rows are left out", (long long)left_out);
}

int view_run(struct cli_context *ctx, const struct view *v)
{
    const struct api_view *of = api_view_find(v->name);
    json_t *document = NULL;
    must(of != NULL);
    int code = daemon_wanted(ctx) ? from_daemon(ctx, of, &document)
                                  : from_record(ctx, of, &document);
    if (code != CLI_EXIT_OK)
        return code;
    if (v->only != NULL && given(ctx, v->only))
        keep_only(document, v->only);
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        output_document(ctx->output, document);
    else
        show(ctx, v, document);
    json_decref(document);
    return CLI_EXIT_OK;
}
