/* The page of a node: what it is, what is wrong with it, what was done to it. */
#include <string.h>

#include "base/units.h"
#include "cli/story_page.h"
#include "control/words.h"

#define TIMELINE_SHOWN 40u /* the last lines: what came before is in mw history */

static const char *text_at(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "-";
}

static int64_t number_at(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static bool has(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return v != NULL && !json_is_null(v);
}

static void cite(struct text *t, const json_t *o, const char *key)
{
    if (number_at(o, key) > 0)
        text_addf(t, "  [#%lld]", (long long)number_at(o, key));
    text_add(t, "\n");
}

static void add_head(struct text *t, const json_t *n)
{
    char lost[40];
    mw_format_usd(number_at(n, "lost_uusd"), lost, sizeof(lost));
    text_addf(t, "node %s: %s, %s\n", text_at(n, "name"), text_at(n, "health"),
              text_at(n, "state"));
    text_addf(t, "place     %s, %s, %s; %s with %lld GPUs\n", text_at(n, "hall"),
              text_at(n, "row"), text_at(n, "rack"), text_at(n, "model"),
              (long long)number_at(n, "gpus"));
    if (has(n, "job"))
        text_addf(t, "job       %lld of tenant %lld\n", (long long)number_at(n, "job"),
                  (long long)number_at(n, "tenant"));
    else
        text_add(t, "job       none\n");
    if (has(n, "incident"))
        text_addf(t, "incident  %lld, %s; %s so far (modelled)\n",
                  (long long)number_at(n, "incident"), text_at(n, "class"), lost);
}

static void add_history(struct text *t, const json_t *h)
{
    if (!json_is_object(h) || number_at(h, "out_hours") + number_at(h, "refaults") +
                                      number_at(h, "kills") == 0)
        return;
    text_addf(t, "history   %s%lld jobs stopped, %lld repairs did not hold, %lld h out of "
              "service\n", json_is_true(json_object_get(h, "lemon")) ? "a lemon: " : "",
              (long long)number_at(h, "kills"), (long long)number_at(h, "refaults"),
              (long long)number_at(h, "out_hours"));
}

static void add_holds(struct text *t, const json_t *holds)
{
    size_t i;
    json_t *h;
    json_array_foreach((json_t *)(uintptr_t)holds, i, h) {
        text_addf(t, "%-10sby %s since %s: %s", i == 0 ? "held" : "", text_at(h, "by"),
                  text_at(h, "since"), text_at(h, "reason"));
        cite(t, h, "seq");
    }
}

static void add_advice(struct text *t, const json_t *advice)
{
    size_t i;
    json_t *a;
    json_array_foreach((json_t *)(uintptr_t)advice, i, a) {
        text_addf(t, "%-10s%s; mw approve %lld, mw reject %lld", i == 0 ? "advice" : "",
                  text_at(a, "text"), (long long)number_at(a, "seq"),
                  (long long)number_at(a, "seq"));
        cite(t, a, "seq");
    }
}

/* GPUs or links that have an incident of their own. */
static void add_parts(struct text *t, const json_t *parts, const char *what)
{
    size_t i;
    json_t *p;
    json_array_foreach((json_t *)(uintptr_t)parts, i, p)
        if (has(p, "incident"))
            text_addf(t, "%-10s%s is %s, incident %lld\n", what, text_at(p, "name"),
                      text_at(p, "state"), (long long)number_at(p, "incident"));
}

static void add_incidents(struct text *t, const json_t *list)
{
    size_t i;
    json_t *in;
    json_array_foreach((json_t *)(uintptr_t)list, i, in) {
        char lost[40];
        mw_format_usd(number_at(in, "lost_uusd"), lost, sizeof(lost));
        text_addf(t, "%s  %-20s  %s to %s, %s (modelled)", i == 0 ? "\nincidents\n" : "",
                  text_at(in, "class"), text_at(in, "opened"),
                  has(in, "closed") ? text_at(in, "closed") : "now", lost);
        cite(t, in, "incident");
    }
}

static void add_orders(struct text *t, const json_t *list)
{
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)(uintptr_t)list, i, o) {
        text_addf(t, "%s  %s: %s, by %s, of %s", i == 0 ? "\nopen orders\n" : "",
                  text_at(o, "state"), text_at(o, "do"), text_at(o, "who"),
                  text_at(o, "component"));
        cite(t, o, "order");
    }
}

static void add_tests(struct text *t, const json_t *list)
{
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)(uintptr_t)list, i, o) {
        text_addf(t, "%s  %s  %s %s", i == 0 ? "\ntests\n" : "", text_at(o, "time"),
                  text_at(o, "gate"), text_at(o, "result"));
        if (has(o, "took_ms")) {
            text_add(t, " after ");
            words_span_ms(t, number_at(o, "took_ms"));
        }
        cite(t, o, "seq");
    }
}

static void add_timeline(struct text *t, const json_t *list)
{
    size_t n = json_array_size(list), first = n > TIMELINE_SHOWN ? n - TIMELINE_SHOWN : 0;
    if (n > 0)
        text_add(t, "\nwhat happened\n");
    if (first > 0)
        text_addf(t, "  %zu lines before: mw history\n", first);
    for (size_t i = first; i < n; i++) {
        const json_t *line = json_array_get(list, i);
        text_addf(t, "  %s  %s", text_at(line, "time"), text_at(line, "text"));
        cite(t, line, "seq");
    }
}

void story_node(struct text *t, const json_t *o)
{
    must(t != NULL && o != NULL);
    add_head(t, json_object_get(o, "node"));
    add_history(t, json_object_get(o, "history"));
    add_holds(t, json_object_get(o, "holds"));
    add_advice(t, json_object_get(o, "advice"));
    add_parts(t, json_object_get(o, "gpus"), "GPU");
    add_parts(t, json_object_get(o, "links"), "link");
    add_incidents(t, json_object_get(o, "incidents"));
    add_orders(t, json_object_get(o, "orders"));
    add_tests(t, json_object_get(o, "tests"));
    add_timeline(t, json_object_get(o, "timeline"));
}
