/*
 * Redrawing in place with three escape sequences (cursor up, clear line, clear
 * below).  Owns the count of lines on the screen; never reads a clock.
 */
#include "cli/live.h"

#include <string.h>

#include "base/text.h"

#define CLEAR_BELOW "\x1b[J"
#define BAR_CELLS 24

void live_begin(struct live *l, FILE *f, struct term term, bool quiet)
{
    must(l != NULL && f != NULL);
    *l = (struct live){ .file = f, .term = term, .next_ns = INT64_MIN, .quiet = quiet };
}

bool live_due(const struct live *l, int64_t now_ns)
{
    return !l->quiet && now_ns >= l->next_ns;
}

static void erase(struct live *l)
{
    if (l->lines > 0)
        (void)fprintf(l->file, "\x1b[%uA\r" CLEAR_BELOW, l->lines);
    l->lines = 0;
}

static void put_line(struct live *l, const char *s, size_t length, bool cut)
{
    /* One column is left free: some terminals wrap when the last is written. */
    size_t n = cut ? term_fit(s, length, l->term.width - 1) : length;
    term_put_safe(l->file, s, n);
    (void)fputc('\n', l->file);
}

void live_draw(struct live *l, const char *frame, int64_t now_ns)
{
    must(l != NULL && l->file != NULL && frame != NULL);
    if (!live_due(l, now_ns))
        return;
    l->next_ns = now_ns + (l->term.moves ? LIVE_FRAME_NS : LIVE_PLAIN_NS);
    if (!l->term.moves) {
        put_line(l, frame, strcspn(frame, "\n"), false);
        (void)fflush(l->file);
        return;
    }
    term_resize(&l->term, fileno(l->file));
    erase(l);
    while (frame[0] != '\0' && l->lines + 1 < l->term.height) {
        size_t n = strcspn(frame, "\n");
        put_line(l, frame, n, true);
        l->lines++;
        frame += n + (frame[n] == '\n');
    }
    (void)fflush(l->file);
}

void live_line(struct live *l, const char *line)
{
    must(l != NULL && line != NULL);
    if (l->term.moves && l->lines > 0) {
        erase(l);
        l->next_ns = INT64_MIN; /* the frame is gone: draw it again at once */
    }
    put_line(l, line, strlen(line), false);
    (void)fflush(l->file);
}

void live_end(struct live *l)
{
    must(l != NULL && l->file != NULL);
    l->lines = 0;
    (void)fflush(l->file);
}

void progress_begin(struct progress *p, FILE *f, struct term term, bool quiet)
{
    *p = (struct progress){ .what = "" };
    live_begin(&p->live, f, term, quiet || !term.moves);
}

void progress_start(struct progress *p, const char *what, uint64_t total, int64_t now_ns)
{
    must(p->live.file != NULL && what != NULL);
    p->what = what;
    p->total = total;
    p->start_ns = now_ns;
}

/* " about 12 s left" once a tenth of a second has passed; "" before. */
static void put_time_left(const struct progress *p, uint64_t done, int64_t now_ns, struct text *ret)
{
    double passed = (double)(now_ns - p->start_ns);
    char left[32];
    if (done == 0 || done >= p->total || passed < 1e8)
        return;
    double left_ns = passed / (double)done * (double)(p->total - done);
    if (left_ns > 9e18)
        return;
    mw_format_duration((int64_t)(left_ns / 1e9 + 0.5) * 1000000000, left, sizeof left);
    text_addf(ret, "  about %s left", left);
}

void progress_update(struct progress *p, uint64_t done, int64_t now_ns)
{
    struct text t = { 0 };
    if (!live_due(&p->live, now_ns) || p->total == 0)
        return;
    done = MW_MIN(done, p->total);
    double share = (double)done / (double)p->total;
    text_addf(&t, "%s  [", p->what);
    for (int i = 0; i < BAR_CELLS; i++)
        text_add(&t, i < (int)(share * BAR_CELLS) ? "#" : "-");
    text_addf(&t, "] %llu/%llu  %d %%", (unsigned long long)done, (unsigned long long)p->total,
              (int)(share * 100));
    put_time_left(p, done, now_ns, &t);
    live_draw(&p->live, text_string(&t), now_ns);
    text_fini(&t);
}

void progress_end(struct progress *p)
{
    must(p->live.file != NULL);
    erase(&p->live);
    live_end(&p->live);
}
