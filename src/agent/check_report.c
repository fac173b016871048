/* Text and JSON. */
#include "agent/check_report.h"

#include <math.h>
#include <string.h>

#include "agent/check.h"
#include "agent/check_run.h"

static const char *exit_word(int code)
{
    return code == CHECK_WELL ? "well" : code == CHECK_FAILED ? "not well" : "not known";
}

static bool whole(double v)
{
    return v > -1e15 && v < 1e15 && !(v > (double)(int64_t)v) && !(v < (double)(int64_t)v);
}

/* What a row measured, as a person reads it. */
static void measured(const struct check_row *r, char *to, size_t size)
{
    if (r->word[0] != '\0')
        (void)snprintf(to, size, "%s", r->word);
    else if (!isnan(r->value))
        (void)snprintf(to, size, "%.*f%s%s",
                       r->value >= 100 || r->value <= -100 || whole(r->value) ? 0 : 2,
                       r->value, r->unit[0] != '\0' ? " " : "", r->unit);
    else
        (void)snprintf(to, size, "%s", verdict_word(r->verdict));
}

/* "gpu-h2d gpu3 is 27.10 GB/s, not >= 52 GB/s (source)". */
static void reason(const struct check_row *r, char *to, size_t size)
{
    char value[96];
    measured(r, value, sizeof(value));
    int n = snprintf(to, size, "%s%s%s", r->name, r->part[0] != '\0' ? " " : "", r->part);
    size_t at = MW_MIN((size_t)MW_MAX(n, 0), size - 1);
    if (r->expect[0] != '\0')
        (void)snprintf(to + at, size - at, " is %s, not %s%s%.120s", value, r->expect,
                       r->text[0] != '\0' ? ": " : "", r->text);
    else
        (void)snprintf(to + at, size - at, ": %s", r->text[0] != '\0' ? r->text : value);
}

static bool counts(const struct check_row *r, int exit_code)
{
    if (exit_code == CHECK_FAILED)
        return r->verdict == VERDICT_FAIL;
    return r->verdict == VERDICT_UNKNOWN || (r->required && r->verdict == VERDICT_NOT_RUN);
}

void check_report_line(const struct check_report *r, char *to, size_t size)
{
    uint32_t bad = 0, of[VERDICT_COUNT] = { 0 };
    const struct check_row *first = NULL;
    char why[320];
    for (uint32_t i = 0; i < r->rows->count; i++) {
        const struct check_row *row = &r->rows->row[i];
        of[row->verdict < VERDICT_COUNT ? row->verdict : VERDICT_UNKNOWN]++;
        if (counts(row, r->exit_code) && bad++ == 0)
            first = row;
    }
    if (r->exit_code == CHECK_WELL) {
        (void)snprintf(to, size, "well: level %u, %u figures as expected, %u noted, %u not run",
                       r->o->level, of[VERDICT_PASS], of[VERDICT_NOTED], of[VERDICT_NOT_RUN]);
        return;
    }
    if (first == NULL) {
        (void)snprintf(to, size, "%s: nothing is expected of this node", exit_word(r->exit_code));
        return;
    }
    reason(first, why, sizeof(why));
    if (bad > 1)
        (void)snprintf(to, size, "%s: %.200s; and %u more", exit_word(r->exit_code), why, bad - 1);
    else
        (void)snprintf(to, size, "%s: %.230s", exit_word(r->exit_code), why);
}

static void print_row(const struct check_row *r, FILE *f)
{
    char value[96];
    measured(r, value, sizeof(value));
    (void)fprintf(f, "%-8s %-26s %-18s %16s", verdict_word(r->verdict), r->name, r->part, value);
    if (r->expect[0] != '\0')
        (void)fprintf(f, "  %s (%s)", r->expect, r->from);
    if (r->text[0] != '\0')
        (void)fprintf(f, "  %s", r->text);
    (void)fputc('\n', f);
}

void check_report_text(const struct check_report *r, FILE *f, bool all)
{
    static const uint8_t order[] = { VERDICT_FAIL, VERDICT_UNKNOWN, VERDICT_WARN, VERDICT_NOT_RUN,
                                     VERDICT_PASS, VERDICT_NOTED, VERDICT_ABSENT };
    char line[256];
    check_report_line(r, line, sizeof(line));
    (void)fprintf(f, "%s\n", line);
    (void)fprintf(f, "%s, sku %s, level %u%s%s, %.1f s; every figure is measured here and now\n\n",
                  r->node, r->sku, r->o->level, r->o->class[0] != '\0' ? ", class " : "",
                  r->o->class, (double)r->took_ms / 1e3);
    for (uint32_t k = 0; k < MW_ARRAY_LEN(order); k++)
        for (uint32_t i = 0; i < r->rows->count; i++)
            if (r->rows->row[i].verdict == order[k] &&
                (all || order[k] != VERDICT_ABSENT))
                print_row(&r->rows->row[i], f);
    if (r->rows->lost > 0)
        (void)fprintf(f, "%u rows more than %d are not shown\n", r->rows->lost, CHECK_ROWS_MAX);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* Bytes that are no UTF-8 of ours (a device's name may hold any) become '?'. */
static void json_string(FILE *f, const char *key, const char *s)
{
    (void)fprintf(f, "\"%s\":\"", key);
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            (void)fprintf(f, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            (void)fputc('?', f);
        else
            (void)fputc(c, f);
    }
    (void)fputc('"', f);
}

static void json_row(FILE *f, const struct check_row *r)
{
    (void)fputc('{', f);
    json_string(f, "name", r->name);
    if (r->part[0] != '\0') {
        (void)fputc(',', f);
        json_string(f, "part", r->part);
    }
    (void)fputc(',', f);
    json_string(f, "verdict", verdict_word(r->verdict));
    (void)fprintf(f, ",\"level\":%u,\"required\":%s", r->level, r->required ? "true" : "false");
    if (r->word[0] != '\0') {
        (void)fputc(',', f);
        json_string(f, "word", r->word);
    } else if (!isnan(r->value) && !isinf(r->value)) {
        (void)fprintf(f, ",\"value\":%.9g,", r->value);
        json_string(f, "unit", r->unit);
    }
    if (r->expect[0] != '\0') {
        (void)fputc(',', f);
        json_string(f, "expect", r->expect);
        (void)fputc(',', f);
        json_string(f, "from", r->from);
    }
    if (r->text[0] != '\0') {
        (void)fputc(',', f);
        json_string(f, "text", r->text);
    }
    (void)fprintf(f, ",\"took_ms\":%u}", r->took_ms);
}

void check_report_json(const struct check_report *r, FILE *f)
{
    char line[256];
    check_report_line(r, line, sizeof(line));
    (void)fputc('{', f);
    json_string(f, "node", r->node);
    (void)fputc(',', f);
    json_string(f, "sku", r->sku);
    (void)fprintf(f, ",\"level\":%u,", r->o->level);
    json_string(f, "class", r->o->class);
    (void)fputc(',', f);
    json_string(f, "result", exit_word(r->exit_code));
    (void)fprintf(f, ",\"exit\":%d,", r->exit_code);
    json_string(f, "text", line);
    (void)fprintf(f, ",\"mark\":\"measured\",\"took_ms\":%lld,\"rows_lost\":%u,\"rows\":[",
                  (long long)r->took_ms, r->rows->lost);
    for (uint32_t i = 0; i < r->rows->count; i++) {
        if (i > 0)
            (void)fputc(',', f);
        json_row(f, &r->rows->row[i]);
    }
    (void)fputs("]}\n", f);
}
