/*
 * The event stream says that something happened; what became of the rows is
 * asked.  Owns what was shown last.
 */
#include "cli/get_watch.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"

#define EACH_NS MW_NS_PER_S /* between two questions */
#define STREAM "/api/v1/stream"
#define BROKEN_MAX 10u      /* connections that break, one after the other, without an event */

static int64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static void rest(int64_t ns)
{
    const struct timespec t = { .tv_sec = ns / MW_NS_PER_S, .tv_nsec = ns % MW_NS_PER_S };
    (void)nanosleep(&t, NULL);
}

/* ---- following ------------------------------------------------------------------------------ */

struct follow {
    struct daemon *daemon;
    struct cli_context *ctx;
    int64_t until_ns; /* 0 = for ever */
    char last[SSE_NAME_MAX];
    bool heard;
    const char *path;
    sse_each_fn *each;
    void *each_ctx;
};

static bool is_over(const struct follow *f)
{
    return (f->until_ns > 0 && clock_ns() >= f->until_ns) || output_closed(f->ctx->output);
}

static bool stop_over(void *ctx)
{
    return is_over(ctx);
}

static bool on_event(void *ctx, const struct sse_event *ev)
{
    struct follow *f = ctx;
    (void)snprintf(f->last, sizeof(f->last), "%s", ev->id);
    f->heard = true;
    return f->each(f->each_ctx, ev) && !is_over(f);
}

/* Reads on where a connection broke, until the end, or too many broke. */
static int follow(struct follow *f, struct mw_error *err)
{
    uint32_t broken = 0;
    daemon_stop_when(f->daemon, stop_over, f);
    for (;;) {
        f->heard = false;
        int rc = daemon_stream(f->daemon, f->path, f->last, on_event, f, err);
        if (rc == 0 || is_over(f))
            return 0;
        broken = f->heard ? 0 : broken + 1;
        if (rc != MW_EUNREACHABLE || broken == BROKEN_MAX)
            return rc;
        rest(MW_MIN((int64_t)broken + 1, 5) * 200 * MW_NS_PER_MS);
    }
}

/* ---- lists ---------------------------------------------------------------------------------- */

struct watch {
    struct daemon *daemon; /* of the questions: the stream has its own */
    const struct get_query *query;
    struct get_printer *printer;
    json_t *shown; /* name: row */
    int64_t asked_ns;
    bool dirty;
    int rc;
    struct mw_error *err;
};

/* Whether anything was printed before this change: the heading comes with the first. */
static void tell(struct watch *w, bool *began, const json_t *row, const char *change)
{
    if (!*began)
        get_print_begin(w->printer);
    *began = true;
    get_print_row(w->printer, row, change);
}

/* Shows what differs from what was shown, and keeps what is now. */
static void compare(struct watch *w, json_t *document, bool first)
{
    json_t *now = json_object(), *row, *rows = json_object_get(document, "rows");
    const char *name;
    size_t i;
    char buf[24];
    bool began = false;
    json_array_foreach(rows, i, row) {
        name = get_row_name(w->query->resource, row, buf, sizeof(buf));
        const json_t *old = name != NULL ? json_object_get(w->shown, name) : NULL;
        if (name == NULL || json_object_set(now, name, row) < 0)
            continue;
        if (first || old == NULL)
            tell(w, &began, row, first ? "" : "new");
        else if (!json_equal(old, row))
            tell(w, &began, row, "changed");
    }
    json_object_foreach(w->shown, name, row)
        if (json_object_get(now, name) == NULL)
            tell(w, &began, row, "gone");
    if (began)
        get_print_end(w->printer, NULL);
    json_decref(w->shown);
    w->shown = now;
}

static bool ask(struct watch *w, bool first)
{
    json_t *document = NULL;
    w->rc = get_rows(w->daemon, w->query, &document, NULL, w->err);
    if (w->rc == 0)
        compare(w, document, first);
    json_decref(document);
    w->asked_ns = clock_ns();
    w->dirty = false;
    return w->rc == 0;
}

/* Bookmarks come at least every two seconds: what waited for its second is asked then. */
static bool on_change(void *ctx, const struct sse_event *ev)
{
    struct watch *w = ctx;
    (void)ev;
    w->dirty = true;
    return clock_ns() - w->asked_ns < EACH_NS || ask(w, false);
}

static void watch_begin(struct watch *w)
{
    struct output *o = w->printer->ctx->output;
    output_continue(o, true);
    if (!ask(w, true))
        return;
    output_headings(o, false);
}

int get_watch(struct daemon *d, const struct get_query *q, struct get_printer *p, int64_t for_ns,
              struct mw_error *err)
{
    struct watch w = { .daemon = d, .query = q, .printer = p, .shown = json_object(), .err = err };
    struct follow f = { .ctx = p->ctx, .path = STREAM,
                        .until_ns = for_ns > 0 ? clock_ns() + for_ns : 0,
                        .each = on_change, .each_ctx = &w };
    must(p->watch && w.shown != NULL);
    if (p->form != GET_TABLE && p->form != GET_NAME)
        p->form = GET_NDJSON;
    watch_begin(&w);
    int rc = w.rc < 0 ? w.rc : daemon_clone(d, &f.daemon, err);
    if (rc == 0)
        rc = follow(&f, err);
    if (rc == 0 && w.rc == 0 && w.dirty)
        (void)ask(&w, false);
    daemon_close(f.daemon);
    json_decref(w.shown);
    return rc < 0 ? rc : w.rc;
}

/* ---- events --------------------------------------------------------------------------------- */

static const char *text_at(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

static void say(const struct watch_events *w, const json_t *o)
{
    FILE *f = output_file(w->ctx->output);
    struct text line = { 0 };
    text_addf(&line, "%s  %lld  %s", text_at(o, "time"),
              (long long)json_integer_value(json_object_get(o, "seq")), text_at(o, "text"));
    term_put_safe(f, text_string(&line), line.length);
    (void)fputc('\n', f);
    text_fini(&line);
}

static bool on_told(void *ctx, const struct sse_event *ev)
{
    const struct watch_events *w = ctx;
    if (strcmp(ev->event, "bookmark") == 0)
        return true;
    json_t *o = json_loadb(ev->data, ev->size, 0, NULL);
    if (strcmp(ev->event, "dropped") == 0) {
        cli_note(w->ctx, "%lld events came faster than they were read and are left out",
                 (long long)json_integer_value(json_object_get(o, "left_out")));
    } else if (o != NULL && (w->kind == NULL || fnmatch(w->kind, ev->event, 0) == 0)) {
        FILE *f = output_file(w->ctx->output);
        if (w->lines) {
            (void)json_object_set_new(o, "kind", json_string(ev->event));
            (void)json_dumpf(o, f, JSON_COMPACT);
            (void)fputc('\n', f);
        } else {
            say(w, o);
        }
        output_flush(w->ctx->output);
    }
    json_decref(o);
    return true;
}

int watch_events(struct watch_events *w, struct mw_error *err)
{
    /* A pattern may want kinds that people are not told of unasked. */
    struct follow f = { .daemon = w->daemon, .ctx = w->ctx,
                        .path = w->kind != NULL ? STREAM "?kind=all" : STREAM,
                        .until_ns = w->for_ns > 0 ? clock_ns() + w->for_ns : 0, .each = on_told,
                        .each_ctx = w };
    must(w->daemon != NULL);
    if (w->after != NULL)
        (void)snprintf(f.last, sizeof(f.last), "%s", w->after);
    return follow(&f, err);
}
