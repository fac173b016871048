/* Tables of comparisons.  See compare_view.h. */
#include "cli/compare_view.h"

#include <stdio.h>

#define SHOWN_MAX 64
#define SIDE_MAX 8

static void cell(struct output *o, const struct estimate *e, enum compare_figure f, bool sign)
{
    char shown[SHOWN_MAX];
    compare_show(shown, sizeof(shown), e, f, sign);
    output_real_as(o, e->mean * compare_figure_rows[f].scale, shown);
}

/* Nothing to say of a figure that is zero in every run of every column. */
static bool is_empty(const struct compare *c, enum compare_figure f)
{
    for (uint32_t i = 0; i < c->columns; i++) {
        struct estimate e = compare_value(c, i, f);
        if (e.mean < 0.0 || e.mean > 0.0)
            return false;
    }
    return true;
}

void compare_print_side_by_side(const struct compare *c, const char *basis)
{
    struct output_column columns[SIDE_MAX + 4] = { { .key = "figure", .title = "FIGURE" } };
    struct output *o = c->ctx->output;
    must(c->columns >= 2 && c->columns <= SIDE_MAX);
    for (uint32_t i = 0; i < c->columns; i++)
        columns[1 + i] = (struct output_column){ .key = c->column[i].key,
                                                 .title = c->column[i].name, .right = true };
    columns[1 + c->columns] = (struct output_column){ .key = "change", .title = "LAST LESS FIRST",
                                                      .right = true };
    columns[2 + c->columns] = (struct output_column){ .key = "basis", .title = "BASIS" };
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < COMPARE_FIGURE_COUNT; i++) {
        enum compare_figure f = (enum compare_figure)i;
        if (is_empty(c, f))
            continue;
        output_text(o, compare_figure_rows[f].title);
        for (uint32_t k = 0; k < c->columns; k++) {
            struct estimate e = compare_value(c, k, f);
            cell(o, &e, f, false);
        }
        struct estimate change = compare_change(c, c->columns - 1, 0, f);
        cell(o, &change, f, true);
        output_text(o, basis);
    }
    output_end(o, NULL);
}

static const struct output_column lever_columns[] = {
    { .key = "policy", .title = "POLICY" },
    { .key = "ettr_percent", .title = "ETTR (%)", .right = true },
    { .key = "ettr_change_points", .title = "CHANGE", .right = true },
    { .key = "goodput_percent", .title = "GOODPUT (%)", .right = true },
    { .key = "goodput_change_points", .title = "CHANGE", .right = true },
    { .key = "spare_percent", .title = "SPARES (%)", .right = true },
    { .key = "crews", .title = "IN REPAIR", .right = true },
    { .key = "lost_usd_change", .title = "LOST MORE (USD)", .right = true },
    { 0 },
};

void compare_print_levers(const struct compare *c, uint32_t base)
{
    static const struct {
        enum compare_figure figure;
        bool change;
    } CELL[] = { { FIGURE_ETTR, false }, { FIGURE_ETTR, true },    { FIGURE_GOODPUT, false },
                 { FIGURE_GOODPUT, true }, { FIGURE_SPARE, false }, { FIGURE_CREWS, false },
                 { FIGURE_LOST, true } };
    struct output *o = c->ctx->output;
    output_begin(o, lever_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < c->columns; i++) {
        output_text(o, c->column[i].name);
        for (uint32_t k = 0; k < MW_ARRAY_LEN(CELL); k++) {
            if (CELL[k].change && i == base) {
                output_null(o);
                continue;
            }
            struct estimate e = CELL[k].change ? compare_change(c, i, base, CELL[k].figure)
                                               : compare_value(c, i, CELL[k].figure);
            cell(o, &e, CELL[k].figure, CELL[k].change);
        }
    }
    output_end(o, NULL);
}
