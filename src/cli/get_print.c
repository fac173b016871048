/* The forms of rows.  See get_print.h. */
#include "cli/get_print.h"

#include <stdlib.h>
#include <string.h>

#include "cli/yaml_out.h"

static enum get_form form_of(const struct cli_context *ctx)
{
    const char *word = cli_option_string(ctx, "output");
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        return GET_JSON;
    return strcmp(word, "ndjson") == 0 ? GET_NDJSON
           : strcmp(word, "yaml") == 0 ? GET_YAML
           : strcmp(word, "name") == 0 ? GET_NAME
                                       : GET_TABLE;
}

/* CSV has every column that a wide table has. */
static bool is_shown(const struct get_printer *p, const struct resource_column *c)
{
    return !c->wide || output_form_of(p->ctx->output) != OUTPUT_TABLE;
}

static void choose(struct get_printer *p)
{
    uint32_t n = 0;
    if (p->watch)
        p->shown[n++] = (struct output_column){ .key = "change", .title = "CHANGE" };
    for (uint32_t i = 0; i < p->columns.count && n < OUTPUT_COLUMNS_MAX; i++) {
        const struct resource_column *c = &p->columns.column[i];
        if (is_shown(p, c))
            p->shown[n++] = (struct output_column){ .key = c->key, .title = c->title,
                                                    .right = resource_is_number(c) };
    }
}

int get_printer_init(struct get_printer *p, struct cli_context *ctx, const struct resource *r,
                     bool watch, struct mw_error *err)
{
    must(p != NULL && ctx != NULL && r != NULL);
    *p = (struct get_printer){ .ctx = ctx, .resource = r, .form = form_of(ctx), .watch = watch };
    output_headings(ctx->output, !cli_option_bool(ctx, "no-headers"));
    int rc = resource_columns(r, cli_option_string(ctx, "columns"), &p->columns, err);
    if (rc == 0)
        choose(p);
    return rc;
}

void get_printer_fields(const struct get_printer *p, struct text *ret)
{
    bool chosen = cli_option_given(p->ctx, "columns");
    const char *between = "";
    bool key = false;
    if (p->form == GET_NAME) {
        text_add(ret, p->resource->key);
        return;
    }
    if (!chosen && p->form != GET_TABLE)
        return;
    for (uint32_t i = 0; i < p->columns.count; i++) {
        const struct resource_column *c = &p->columns.column[i];
        if (!is_shown(p, c))
            continue;
        text_addf(ret, "%s%s", between, c->key);
        between = ",";
        key |= strcmp(c->key, p->resource->key) == 0;
    }
    if (!key) /* what names a row is always needed */
        text_addf(ret, "%s%s", between, p->resource->key);
}

static void table_row(const struct get_printer *p, const json_t *row, const char *change)
{
    uint32_t n = p->watch;
    if (p->watch)
        output_text(p->ctx->output, change);
    for (uint32_t i = 0; i < p->columns.count; i++)
        if (is_shown(p, &p->columns.column[i]) && n++ < OUTPUT_COLUMNS_MAX)
            resource_cell(p->ctx->output, &p->columns.column[i], row);
}

static void json_row(const struct get_printer *p, const json_t *row, const char *change)
{
    FILE *f = output_file(p->ctx->output);
    if (p->watch) {
        json_t *o = json_pack("{s:s, s:O}", "change", change, "row", row);
        if (o != NULL)
            (void)json_dumpf(o, f, JSON_COMPACT | JSON_REAL_PRECISION(15));
        json_decref(o);
    } else {
        (void)json_dumpf(row, f, JSON_COMPACT | JSON_REAL_PRECISION(15));
    }
    (void)fputc('\n', f);
}

static void name_row(const struct get_printer *p, const json_t *row)
{
    char buf[24];
    const char *name = get_row_name(p->resource, row, buf, sizeof(buf));
    FILE *f = output_file(p->ctx->output);
    if (name != NULL) {
        term_put_safe(f, name, strlen(name));
        (void)fputc('\n', f);
    }
}

void get_print_begin(const struct get_printer *p)
{
    if (p->form == GET_TABLE)
        output_begin(p->ctx->output, p->shown, OUTPUT_ROWS);
}

void get_print_row(const struct get_printer *p, const json_t *row, const char *change)
{
    if (p->form == GET_TABLE)
        table_row(p, row, change);
    else if (p->form == GET_NAME)
        name_row(p, row);
    else
        json_row(p, row, change);
}

void get_print_end(const struct get_printer *p, const char *empty)
{
    if (p->form == GET_TABLE)
        output_end(p->ctx->output, empty);
    output_flush(p->ctx->output);
}

int get_print(const struct get_printer *p, const json_t *document, const struct text *text,
              struct mw_error *err)
{
    FILE *f = output_file(p->ctx->output);
    size_t i;
    json_t *row;
    if (p->form == GET_YAML)
        return yaml_out(f, document, err);
    if (p->form == GET_JSON) {
        if (text->length > 0)
            (void)fwrite(text->data, 1, text->length, f);
        else
            (void)json_dumpf(document, f, JSON_COMPACT | JSON_REAL_PRECISION(15));
        (void)fputc('\n', f);
        return 0;
    }
    get_print_begin(p);
    json_array_foreach(json_object_get(document, "rows"), i, row)
        get_print_row(p, row, "");
    get_print_end(p, p->resource->empty);
    return 0;
}
