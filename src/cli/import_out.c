/*
 * Owns the text of the file until it is written.
 */
#include "cli/import_out.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/report.h"
#include "cli/site_file.h"
#include "fleet/site.h"

#define PROBLEMS_SHOWN 20

const char *import_out_name(struct cli_context *ctx, int *ret_usage)
{
    const char *name = cli_option_string(ctx, "name");
    *ret_usage = 0;
    if (name != NULL && (name[0] == '\0' || strlen(name) > 63 || strpbrk(name, "\"\\\n") != NULL))
        *ret_usage = cli_usage(ctx, "option --name: must be 1 to 63 characters without quotes");
    return name;
}

/* The CSV of serial numbers, which is not on disk yet. */
static int read_csv(void *ctx, const char *path, char **ret, size_t *ret_size, struct mw_error *err)
{
    const struct text *csv = ctx;
    (void)path;
    *ret_size = csv->length;
    *ret = mw_strndup(text_string(csv), csv->length);
    return *ret != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* What is written must be what `mw site check` takes. */
static int check(const struct cli_context *ctx, const struct text *yaml, struct text *csv,
                 struct mw_error *err)
{
    struct problems problems = { 0 };
    struct fleet *f = NULL;
    struct site_source s = { .yaml = text_string(yaml), .size = yaml->length, .name = "site.yaml",
                             .read = read_csv, .ctx = csv };
    int rc = site_load(&s, &f, &problems, err);
    if (rc == MW_ESYNTAX && problems.length > 0) {
        report_problems(ctx, &problems, PROBLEMS_SHOWN);
        rc = mw_fail(err, MW_EINVAL, "the site file made from this would have the problems above");
    }
    problems_fini(&problems);
    fleet_destroy(f);
    return rc;
}

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void tell(struct cli_context *ctx, const struct import_site *s, const char *out,
                 const char *serials)
{
    if (strcmp(out, "-") != 0)
        cli_note(ctx, "wrote %s", out);
    if (serials != NULL)
        cli_note(ctx, "wrote %s", serials);
    cli_note(ctx, "%u nodes, %u switches, %u cables, %u serial numbers%s", s->nodes, s->switches,
             s->cables, s->serials, serials == NULL && s->serials > 0 ? " (--serials keeps them)"
                                                                      : "");
    cli_note(ctx, "what is assumed is marked in the file");
}

int import_out(struct cli_context *ctx, const struct import_site *s)
{
    struct text yaml mw_cleanup(text_fini) = { 0 }, csv mw_cleanup(text_fini) = { 0 };
    struct mw_error err = { 0 };
    const char *out = cli_option_string(ctx, "out"), *serials = cli_option_string(ctx, "serials");
    bool force = cli_option_bool(ctx, "force");
    int rc = import_site_write(s, serials != NULL ? file_of(serials) : NULL, &yaml, &err);
    if (rc == 0)
        rc = import_serials_write(s, &csv, &err);
    if (rc == 0)
        rc = check(ctx, &yaml, &csv, &err);
    if (rc == 0 && serials != NULL)
        rc = site_file_write(serials, force, &csv, &err);
    if (rc == 0 && strcmp(out, "-") == 0)
        (void)fwrite(text_string(&yaml), 1, yaml.length, output_file(ctx->output));
    else if (rc == 0)
        rc = site_file_write(out, force, &yaml, &err);
    if (rc != 0)
        return cli_fail(ctx, &err);
    tell(ctx, s, out, serials);
    return CLI_EXIT_OK;
}
