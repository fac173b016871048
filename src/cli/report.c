/* Printing problems.  Owns nothing; never decides whether they matter. */
#include "cli/report.h"

static const struct output_column columns[] = {
    { .key = "file" }, { .key = "line" }, { .key = "column" },
    { .key = "more" }, { .key = "problem" }, { 0 },
};

static void say_left_out(const struct cli_context *ctx, const struct problems *p, uint32_t shown)
{
    if (p->total > shown)
        cli_error(ctx, "and %u more problems", p->total - shown);
}

void report_problems(const struct cli_context *ctx, const struct problems *p, uint32_t max)
{
    char line[PROBLEM_FILE_MAX + PROBLEM_TEXT_MAX + 96];
    uint32_t counted = 0;
    must(ctx != NULL && p != NULL);
    for (uint32_t i = 0; i < p->length && i < max; i++) {
        problem_format(&p->item[i], line, sizeof line);
        cli_error(ctx, "%s", line);
        counted += 1 + p->item[i].more;
    }
    say_left_out(ctx, p, counted);
}

void report_problem_rows(const struct cli_context *ctx, const struct problems *p)
{
    struct output *o = ctx->output;
    uint32_t counted = 0;
    must(p != NULL);
    if (output_form_of(o) != OUTPUT_JSON && output_form_of(o) != OUTPUT_CSV) {
        report_problems(ctx, p, UINT32_MAX);
        return;
    }
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < p->length; i++) {
        output_text(o, p->item[i].file);
        output_int(o, p->item[i].line);
        output_int(o, p->item[i].column);
        output_int(o, p->item[i].more);
        output_text(o, p->item[i].text);
        counted += 1 + p->item[i].more;
    }
    output_end(o, NULL);
    say_left_out(ctx, p, counted);
}
