/*
 * docs/signals.md has the tables of metrics and of rules as they are compiled in:
 * between its marks stands what this program prints.  `--write` puts it there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "signal/rules.h"

#define DOC "docs/signals.md"

static void add_metrics(struct text *t)
{
    static const char *const kinds[] = { [METRIC_GAUGE] = "gauge", [METRIC_COUNTER] = "counter",
                                         [METRIC_STATE] = "state", [METRIC_MASK] = "bits",
                                         [METRIC_LOG] = "decades" };
    text_add(t, "| No | Metric | Of | Kind | Unit | Step | Elsewhere | What it is |\n"
                "|---|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < metric_count(); i++) {
        const struct metric *m = metric_at(i);
        text_addf(t, "| %u | `%s` | %s | %s | %s | %g | %s%s%s | %s |\n", m->number, m->name,
                  metric_scope_name(m->scope), kinds[m->kind], m->unit, m->step,
                  m->peer[0] ? "`" : "", m->peer, m->peer[0] ? "`" : "", m->doc);
    }
}

static void add_time(struct text *t, int64_t ms)
{
    if (ms % 3600000 == 0)
        text_addf(t, "%lld h", (long long)(ms / 3600000));
    else if (ms % 60000 == 0)
        text_addf(t, "%lld min", (long long)(ms / 60000));
    else
        text_addf(t, "%lld s", (long long)(ms / 1000));
}

static void add_condition(struct text *t, const struct rule *r)
{
    const struct metric *m = metric_of(r->metric);
    const char *unit = m->unit;
    text_addf(t, "`%s` ", m->name);
    if (r->kind == RULE_RATE) {
        text_addf(t, "grows by %g or more in ", r->open);
        add_time(t, r->window_ms);
    } else if (r->kind == RULE_UNDER_OTHER || r->kind == RULE_OVER_OTHER) {
        text_addf(t, "%s `%s`", r->kind == RULE_UNDER_OTHER ? "<" : ">=",
                  metric_of(r->other)->name);
    } else if (r->kind == RULE_BITS) {
        text_addf(t, "has a bit of 0x%x", (unsigned)r->open);
    } else if (r->kind == RULE_GROWTH || r->kind == RULE_SHRINK) {
        text_addf(t, "%s %g times the %s heard", r->kind == RULE_GROWTH ? ">=" : "<=", r->open,
                  r->kind == RULE_GROWTH ? "lowest" : "highest");
    } else {
        text_addf(t, "%s %g%s%s", r->kind == RULE_ABOVE    ? ">="
                                  : r->kind == RULE_BELOW  ? "<="
                                  : r->kind == RULE_BEYOND ? "beyond +-"
                                                           : "=",
                  r->open, unit[0] ? " " : "", unit);
    }
    if (r->fell)
        text_add(t, ", and was not before");
    if (r->guard)
        text_addf(t, ", while `%s` >= %g", metric_of(r->guard)->name, r->guard_least);
    if (r->hold_ms > 0) {
        text_add(t, ", for ");
        add_time(t, r->hold_ms);
    }
}

static void add_end(struct text *t, const struct rule *r)
{
    bool level = r->kind == RULE_ABOVE || r->kind == RULE_BELOW || r->kind == RULE_BEYOND;
    if (level && r->open > r->close)
        text_addf(t, "< %g ", r->close);
    else if (level && r->open < r->close)
        text_addf(t, "> %g ", r->close);
    else if (r->kind == RULE_RATE)
        text_addf(t, "<= %g ", r->close);
    if (r->clear_ms > 0) {
        text_add(t, "for ");
        add_time(t, r->clear_ms);
    } else {
        text_add(t, "in the window");
    }
}

static void add_rules(struct text *t)
{
    static const char *const effects[] = { "of the class", "kills", "slows", "defers",
                                           "evidence only" };
    text_add(t, "| No | Rule | Condition | Over | Class | Effect | In words | Where from |\n"
                "|---|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *r = rules_at(i);
        text_addf(t, "| %u | `%s` | ", r->number, r->name);
        add_condition(t, r);
        text_add(t, " | ");
        add_end(t, r);
        text_addf(t, " | %s | %s | %s | %s |\n", r->class, effects[r->effect], r->words,
                  r->source);
    }
}

/* Between the marks of this name; the page's text is changed when `put` is not NULL. */
static char *between(struct text *page, const char *name, const struct text *put)
{
    char begin[64], end[64];
    (void)snprintf(begin, sizeof(begin), "<!-- %s: generated -->\n", name);
    (void)snprintf(end, sizeof(end), "<!-- %s: end -->", name);
    const char *from = strstr(text_string(page), begin);
    const char *to = from ? strstr(from, end) : NULL;
    assert_true(from && to);
    from += strlen(begin);
    if (!put)
        return mw_strndup(from, (size_t)(to - from));
    struct text out = { 0 };
    text_add_n(&out, page->data, (size_t)(from - page->data));
    text_add(&out, text_string(put));
    text_add(&out, to);
    text_fini(page);
    *page = out;
    return NULL;
}

static void read_page(struct text *page)
{
    char *data;
    size_t size;
    assert_int_equal(mw_read_file(DOC, (size_t)1 << 20, false, &data, &size, NULL), 0);
    text_add_n(page, data, size);
    mw_free(data);
}

static void check(const char *name, void (*add)(struct text *t))
{
    struct text page = { 0 }, want = { 0 };
    read_page(&page);
    add(&want);
    char *is = between(&page, name, NULL);
    if (strcmp(is, text_string(&want)) != 0)
        fail_msg("the table of %s in " DOC " is another one: run this test with --write", name);
    mw_free(is);
    text_fini(&page);
    text_fini(&want);
}

static void the_page_has_every_metric_as_it_is(void **state)
{
    (void)state;
    check("metrics", add_metrics);
}

static void the_page_has_every_rule_as_it_is(void **state)
{
    (void)state;
    check("rules", add_rules);
}

static int write_page(void)
{
    struct text page = { 0 }, metrics = { 0 }, rules = { 0 };
    read_page(&page);
    add_metrics(&metrics);
    add_rules(&rules);
    (void)between(&page, "metrics", &metrics);
    (void)between(&page, "rules", &rules);
    FILE *f = fopen(DOC, "w");
    bool wrote = f && fwrite(page.data, 1, page.length, f) == page.length;
    text_fini(&page);
    text_fini(&metrics);
    text_fini(&rules);
    return f && fclose(f) == 0 && wrote ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_every_metric_as_it_is),
        cmocka_unit_test(the_page_has_every_rule_as_it_is),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return write_page();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
