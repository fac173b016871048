/* JSON in, medians, percentiles. */
#include "cli/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NAMES_MAX 256

const char *preflight_word(enum preflight_result r)
{
    static const char *const words[] = { "well", "not well", "slow", "not known", "silent" };
    return words[MW_MIN((uint32_t)r, MW_ARRAY_LEN(words) - 1)];
}

static bool is_rate(const char *name, const char *unit)
{
    bool rate = strcmp(unit, "GB/s") == 0 || strcmp(unit, "Gb/s") == 0 ||
                strcmp(unit, "TFLOPS") == 0;
    return rate && strcmp(name, "net-loopback") != 0 && strcmp(name, "nic-rate") != 0 &&
           strcmp(name, "net-speed") != 0;
}

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%.*s", (int)size - 1, from != NULL ? from : "");
}

static void take_row(struct preflight_host *h, const json_t *row)
{
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *unit = json_string_value(json_object_get(row, "unit"));
    const json_t *value = json_object_get(row, "value");
    if (name == NULL || unit == NULL || !json_is_number(value) || !is_rate(name, unit) ||
        h->figures == PREFLIGHT_FIGURES_MAX)
        return;
    struct preflight_figure *f = &h->figure[h->figures++];
    copy(f->name, sizeof(f->name), name);
    copy(f->part, sizeof(f->part), json_string_value(json_object_get(row, "part")));
    copy(f->unit, sizeof(f->unit), unit);
    f->value = json_number_value(value);
}

/* The first line that a person should see of what a program wrote to its standard error. */
static void silent(struct preflight_host *h, int exit_code, const char *said)
{
    size_t n = strcspn(said, "\n");
    h->result = PREFLIGHT_SILENT;
    if (n > 0)
        (void)snprintf(h->text, sizeof(h->text), "%.*s", (int)MW_MIN(n, (size_t)200), said);
    else
        (void)snprintf(h->text, sizeof(h->text), "no answer (status %d)", exit_code);
    for (char *at = h->text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
}

void preflight_read(struct preflight_host *h, const char *json, size_t size, int exit_code,
                    const char *said)
{
    json_error_t why;
    json_t *all = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    const json_t *rows = json_object_get(all, "rows"), *row;
    size_t i;
    if (!json_is_array(rows)) {
        json_decref(all);
        silent(h, exit_code, said);
        return;
    }
    h->result = exit_code == 0    ? PREFLIGHT_WELL
                : exit_code == 10 ? PREFLIGHT_BAD
                                  : PREFLIGHT_UNKNOWN;
    h->took_ms = json_integer_value(json_object_get(all, "took_ms"));
    copy(h->text, sizeof(h->text), json_string_value(json_object_get(all, "text")));
    copy(h->sku, sizeof(h->sku), json_string_value(json_object_get(all, "sku")));
    h->figure = mw_calloc(MW_MAX(MW_MIN(json_array_size(rows), (size_t)PREFLIGHT_FIGURES_MAX), 1u),
                          sizeof(*h->figure));
    if (h->figure != NULL) {
        json_array_foreach(rows, i, row)
            take_row(h, row);
    }
    json_decref(all);
}

void preflight_fini(struct preflight_host *h)
{
    mw_free(h->figure);
    h->figure = NULL;
    h->figures = 0;
}

/* ---- all nodes together --------------------------------------------------------------------- */

struct values {
    const char *name, *unit;
    double *value; /* sorted; owned */
    uint32_t count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t names_of(const struct preflight_host *h, uint32_t hosts,
                         const struct preflight_figure **to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < hosts; i++)
        for (uint32_t k = 0; k < h[i].figures && n < NAMES_MAX; k++) {
            bool known = false;
            for (uint32_t j = 0; j < n; j++)
                known = known || strcmp(to[j]->name, h[i].figure[k].name) == 0;
            if (!known)
                to[n++] = &h[i].figure[k];
        }
    return n;
}

/* All nodes' values of one figure, sorted; false: out of memory. */
static bool values_of(const struct preflight_host *h, uint32_t hosts,
                      const struct preflight_figure *like, struct values *ret)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < hosts; i++)
        most += h[i].figures;
    *ret = (struct values){ .name = like->name, .unit = like->unit,
                            .value = mw_calloc(most, sizeof(double)) };
    if (ret->value == NULL)
        return false;
    for (uint32_t i = 0; i < hosts; i++)
        for (uint32_t k = 0; k < h[i].figures; k++)
            if (strcmp(h[i].figure[k].name, like->name) == 0 &&
                strcmp(h[i].figure[k].unit, like->unit) == 0)
                ret->value[ret->count++] = h[i].figure[k].value;
    qsort(ret->value, ret->count, sizeof(double), by_value);
    return true;
}

/* Nearest rank. */
static double percentile(const struct values *v, uint32_t pct)
{
    uint64_t rank = ((uint64_t)v->count * pct + 99) / 100;
    return v->value[rank > 0 ? rank - 1 : 0];
}

static uint32_t mark_slow(struct preflight_host *h, uint32_t hosts, const struct values *v,
                          double share)
{
    double median = percentile(v, 50);
    uint32_t marked = 0;
    for (uint32_t i = 0; i < hosts; i++)
        for (uint32_t k = 0; k < h[i].figures; k++) {
            const struct preflight_figure *f = &h[i].figure[k];
            if (h[i].result != PREFLIGHT_WELL || strcmp(f->name, v->name) != 0 ||
                strcmp(f->unit, v->unit) != 0 || f->value >= median * share)
                continue;
            h[i].result = PREFLIGHT_SLOW;
            marked++;
            (void)snprintf(h[i].text, sizeof(h[i].text),
                           "%s%s%s is %.4g %s, %.0f %% of the %.4g that half of these nodes reach",
                           f->name, f->part[0] != '\0' ? " " : "", f->part, f->value, f->unit,
                           100 * f->value / median, median);
        }
    return marked;
}

uint32_t preflight_compare(struct preflight_host *h, uint32_t hosts, double share)
{
    const struct preflight_figure *like[NAMES_MAX];
    uint32_t names = names_of(h, hosts, like), marked = 0, with = 0;
    for (uint32_t i = 0; i < hosts; i++)
        with += h[i].figures > 0;
    for (uint32_t n = 0; n < names && with >= PREFLIGHT_NODES_LEAST; n++) {
        struct values v;
        if (values_of(h, hosts, like[n], &v))
            marked += mark_slow(h, hosts, &v, share);
        mw_free(v.value);
    }
    return marked;
}

json_t *preflight_fleet(const struct preflight_host *h, uint32_t hosts, const char *source)
{
    const struct preflight_figure *like[NAMES_MAX];
    uint32_t names = names_of(h, hosts, like);
    json_t *figures = json_object();
    for (uint32_t n = 0; n < names; n++) {
        struct values v;
        if (values_of(h, hosts, like[n], &v) && v.count > 0)
            (void)json_object_set_new(
                figures, v.name,
                json_pack("{s:i, s:f, s:f, s:f, s:s}", "n", (int)v.count, "p01", percentile(&v, 1),
                          "p05", percentile(&v, 5), "p50", percentile(&v, 50), "unit", v.unit));
        mw_free(v.value);
    }
    return json_pack("{s:s, s:s, s:o}", "source", source, "mark", "measured", "figures", figures);
}
