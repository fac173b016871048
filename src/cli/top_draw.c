/* How mw top looks.  See top_view.h. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/term.h"
#include "cli/top_view.h"

#define STRIP_MAX 4u /* lines of the map */
#define GAP 2u

/* Every state has a sign and a style; what is worse hides what is better. */
static const struct {
    const char *word;
    uint32_t sign;
    uint8_t style, weight;
} MARK[MARKS] = {
    [MARK_UNKNOWN] = { "unknown", ' ', FRAME_DIM, 0 },
    [MARK_IDLE] = { "idle", 0xb7, FRAME_DIM, 2 },
    [MARK_BUSY] = { "busy", 0x25a0, FRAME_BUSY, 4 },
    [MARK_DEGRADED] = { "degraded", '~', FRAME_WARN, 8 },
    [MARK_SUSPECT] = { "suspect", '?', FRAME_WARN, 9 },
    [MARK_HELD] = { "held", 'H', FRAME_NOTE, 6 },
    [MARK_GATE] = { "checked", 'g', FRAME_GOOD, 7 },
    [MARK_REPAIRING] = { "repairing", 'r', FRAME_WARN, 10 },
    [MARK_DOWN] = { "down", 'X', FRAME_BAD, 11 },
    [MARK_OUT] = { "out of service", '_', FRAME_DIM, 1 },
    [MARK_SPARE] = { "spare", 'o', FRAME_GOOD, 3 },
};

static int64_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

/* ---- head ----------------------------------------------------------------------------------- */

static void draw_title(struct frame *f, const struct top_view *v, const struct top_model *m)
{
    const char *now = m != NULL ? text(m->list != NULL ? m->list : m->summary, "now") : "";
    unsigned x = frame_putf(f, 0, 0, FRAME_HEAD, " mw top  %s  %.19s", v->name, now);
    if (m != NULL && m->replay != NULL)
        x = frame_putf(f, x, 0, FRAME_HEAD, "  replay of %s, %s, %.0f x",
                       text(m->replay, "scenario"), text(m->replay, "state"),
                       json_number_value(json_object_get(m->replay, "speed")));
    if (v->readonly)
        (void)frame_putf(f, x, 0, FRAME_HEAD, "  read-only");
    frame_line_style(f, 0, FRAME_HEAD);
}

/* What a figure of the summary rests on: "trace". */
static const char *basis(const json_t *summary, const char *key)
{
    const char *s = text(json_object_get(summary, "rests_on"), key);
    return s[0] != '\0' ? s : "modelled";
}

/* A line of parts side by side: a part that does not fit, and what follows it, is left out, since
 * half a number is another number. */
struct parts {
    struct frame *f;
    unsigned x, y;
    bool full;
};

static unsigned columns(const char *s)
{
    return (unsigned)term_columns(s, strlen(s));
}

/* `rests_on` may be NULL. */
static void add_part(struct parts *p, enum frame_style style, const char *rests_on, const char *s)
{
    char mark[48] = "";
    unsigned from = p->x + (p->x > 1 ? GAP : 0);
    if (rests_on != NULL)
        (void)snprintf(mark, sizeof(mark), " (%s)", rests_on);
    p->full = p->full || from + columns(s) + columns(mark) > p->f->width;
    if (p->full)
        return;
    p->x = frame_put(p->f, from, p->y, p->f->width, style, s);
    p->x = frame_put(p->f, p->x, p->y, p->f->width, FRAME_DIM, mark);
}

/* What money and GPUs do. */
static void draw_worth(struct frame *f, const json_t *s)
{
    struct parts p = { .f = f, .x = 1, .y = 1 };
    const json_t *power = json_object_get(s, "power");
    char lost[40], part[96] = "goodput –";
    mw_format_usd(number(s, "lost_today_uusd"), lost, sizeof(lost));
    bool known = json_is_integer(json_object_get(s, "goodput_ppm")); /* null: none was available */
    if (known)
        (void)snprintf(part, sizeof(part), "goodput %.2f %%",
                       (double)number(s, "goodput_ppm") / 1e4);
    add_part(&p, FRAME_BOLD, known ? basis(s, "goodput") : NULL, part);
    (void)snprintf(part, sizeof(part), "lost today %s", lost);
    add_part(&p, FRAME_PLAIN, basis(s, "lost_today"), part);
    (void)snprintf(part, sizeof(part), "power %.2f of %.2f MW",
                   (double)number(power, "drawn_w") / 1e6, (double)number(power, "cap_w") / 1e6);
    if (number(power, "drawn_w") > 0)
        add_part(&p, FRAME_PLAIN, text(power, "rests_on"), part);
}

static void draw_counts(struct frame *f, const json_t *s)
{
    struct parts p = { .f = f, .x = 1, .y = 2 };
    char part[128];
    int64_t open = number(s, "incidents_open"), waits = number(s, "advice_waiting");
    (void)snprintf(part, sizeof(part), "GPUs %lld, healthy %lld, busy %lld",
                   (long long)number(s, "gpus"), (long long)number(s, "gpus_healthy"),
                   (long long)number(s, "gpus_busy"));
    add_part(&p, FRAME_PLAIN, NULL, part);
    (void)snprintf(part, sizeof(part), "incidents %lld", (long long)open);
    add_part(&p, open > 0 ? FRAME_WARN : FRAME_PLAIN, NULL, part);
    (void)snprintf(part, sizeof(part), "jobs %lld run, %lld wait",
                   (long long)number(s, "jobs_running"), (long long)number(s, "jobs_queued"));
    add_part(&p, FRAME_PLAIN, NULL, part);
    (void)snprintf(part, sizeof(part), "advice %lld", (long long)waits);
    if (waits > 0)
        add_part(&p, FRAME_NOTE, NULL, part);
}

/* Two lines. */
static void draw_summary(struct frame *f, const struct top_model *m)
{
    const json_t *s = m != NULL ? m->summary : NULL;
    if (s == NULL) {
        (void)frame_put(f, 1, 1, f->width, FRAME_DIM, m != NULL ? "no summary" : "asking …");
        return;
    }
    draw_worth(f, s);
    draw_counts(f, s);
}

/* ---- the map -------------------------------------------------------------------------------- */

static enum top_mark worst(const struct text *heat, size_t from, size_t to)
{
    enum top_mark best = MARK_UNKNOWN;
    for (size_t i = from; i < to; i++) {
        unsigned char mark = (unsigned char)heat->data[i];
        mark = mark < MARKS ? mark : MARK_UNKNOWN;
        if (MARK[mark].weight > MARK[best].weight)
            best = (enum top_mark)mark;
    }
    return best;
}

/* The fleet in its order, the worst of each cell's GPUs; gives the lines that it took. */
static unsigned draw_strip(struct frame *f, unsigned y, const struct top_model *m)
{
    size_t n = m != NULL ? m->heat.length : 0, width = f->width > 2 ? f->width - 2 : 1;
    unsigned lines = f->height >= 30 ? STRIP_MAX : f->height >= 22 ? 2 : 1;
    size_t cells = MW_MIN(n, width * lines);
    lines = MW_MAX(1u, MW_MIN(lines, (unsigned)((n + width - 1) / width)));
    for (size_t i = 0; i < cells; i++) {
        enum top_mark mark = worst(&m->heat, i * n / cells, (i + 1) * n / cells);
        frame_cell_put(f, 1 + (unsigned)(i % width), y + (unsigned)(i / width),
                       (enum frame_style)MARK[mark].style, MARK[mark].sign);
    }
    return lines;
}

static void draw_legend(struct frame *f, unsigned y, const struct top_model *m)
{
    unsigned x = 1;
    for (unsigned i = 1; m != NULL && i < MARKS; i++) {
        if (m->marks[i] == 0)
            continue;
        frame_cell_put(f, x, y, (enum frame_style)MARK[i].style, MARK[i].sign);
        x = frame_putf(f, x + 2, y, FRAME_DIM, "%s %llu", MARK[i].word,
                       (unsigned long long)m->marks[i]) + GAP;
    }
}

/* ---- tabs and list -------------------------------------------------------------------------- */

static void draw_tabs(struct frame *f, unsigned y, const struct top_view *v,
                      const struct top_model *m)
{
    const struct top_list *l = &TOP_LISTS[v->wish.tab];
    unsigned x = 1;
    for (unsigned i = 0; i < TOP_TABS; i++) {
        bool here = i == v->wish.tab;
        x = frame_putf(f, x, y, here ? FRAME_CHOSEN : FRAME_PLAIN, " %u %s ", i + 1,
                       TOP_LISTS[i].resource);
    }
    if (m != NULL && m->list != NULL && m->wish.tab == v->wish.tab)
        x = frame_putf(f, x + GAP, y, FRAME_BOLD, "%lld", (long long)number(m->list, "total"));
    x = frame_putf(f, x + GAP, y, FRAME_DIM, "by %s", l->sort_name[v->wish.sort]);
    if (v->wish.filter[0] != '\0')
        x = frame_putf(f, x + GAP, y, FRAME_NOTE, "/%s", v->wish.filter);
    if (json_object_size(v->marked) > 0)
        (void)frame_putf(f, x + GAP, y, FRAME_MARKED, "%zu marked",
                         json_object_size(v->marked));
}

struct grid {
    unsigned width[RESOURCE_COLUMNS_MAX];
    unsigned first, rows; /* of the list */
};

static unsigned columns_of(const char *s)
{
    return (unsigned)term_columns(s, strlen(s));
}

/* Takes a column from the widest text; what names a row and numbers stay whole. */
static bool narrow(const struct top_model *m, struct grid *g)
{
    uint32_t widest = MW_NONE;
    for (uint32_t c = 1; c < m->columns.count; c++)
        if (!resource_is_number(&m->columns.column[c]) && g->width[c] > 6 &&
            (widest == MW_NONE || g->width[c] > g->width[widest]))
            widest = c;
    if (widest != MW_NONE)
        g->width[widest]--;
    return widest != MW_NONE;
}

/* As wide as what is shown; then the widest texts give, until all fit. */
static void measure(const struct frame *f, const struct top_model *m, struct grid *g)
{
    const json_t *rows = json_object_get(m->list, "rows");
    unsigned total = 0;
    for (uint32_t c = 0; c < m->columns.count; c++) {
        const struct resource_column *col = &m->columns.column[c];
        g->width[c] = columns_of(col->title);
        for (unsigned i = g->first; i < g->first + g->rows; i++) {
            struct text t = { 0 };
            resource_text(&t, col, json_array_get(rows, i));
            g->width[c] = MW_MAX(g->width[c], columns_of(text_string(&t)));
            text_fini(&t);
        }
        total += g->width[c] + GAP;
    }
    while (total > f->width && narrow(m, g))
        total--;
}

static void draw_cell(struct frame *f, unsigned x, unsigned y, unsigned width, bool right,
                      const char *s)
{
    unsigned n = columns_of(s);
    unsigned at = right && n < width ? x + width - n : x;
    (void)frame_put(f, at, y, width, FRAME_PLAIN, s);
    if (n > width && width > 0)
        frame_cell_put(f, x + width - 1, y, FRAME_PLAIN, 0x2026); /* … */
}

static enum frame_style row_style(const struct top_view *v, const struct top_model *m, unsigned i,
                                  const json_t *row)
{
    const char *health = text(row, "health"), *name = text(row, "name");
    bool nodes = m->wish.tab == TOP_NODES;
    if (i == v->chosen)
        return FRAME_CHOSEN;
    if (nodes && json_object_get(v->marked, name) != NULL)
        return FRAME_MARKED;
    if (strcmp(health, "down") == 0)
        return FRAME_BAD;
    return nodes && health[0] != '\0' && strcmp(health, "ready") != 0 ? FRAME_WARN : FRAME_PLAIN;
}

static void draw_row(struct frame *f, unsigned y, const struct top_model *m, const struct grid *g,
                     const json_t *row, enum frame_style style)
{
    unsigned x = 1;
    for (uint32_t c = 0; c < m->columns.count && x < f->width; c++) {
        const struct resource_column *col = &m->columns.column[c];
        struct text t = { 0 };
        if (row != NULL)
            resource_text(&t, col, row);
        draw_cell(f, x, y, g->width[c], resource_is_number(col),
                  row != NULL ? text_string(&t) : col->title);
        x += g->width[c] + GAP;
        text_fini(&t);
    }
    frame_line_style(f, y, style);
}

static void draw_list(struct frame *f, unsigned y, struct top_view *v, const struct top_model *m)
{
    const json_t *rows = m != NULL ? json_object_get(m->list, "rows") : NULL;
    struct grid g = { .first = v->first };
    v->page_rows = f->height > y + 2 ? f->height - y - 2 : 1;
    if (m == NULL || m->wish.tab != v->wish.tab)
        return;
    if (rows == NULL) {
        (void)frame_put(f, 1, y, f->width, FRAME_BAD, m->trouble.text);
        return;
    }
    unsigned n = (unsigned)json_array_size(rows);
    if (n == 0) {
        (void)frame_put(f, 1, y, f->width, FRAME_DIM,
                        v->wish.filter[0] != '\0' ? "nothing passes the filter; Esc takes it away"
                                                  : resource_find(
                                                        TOP_LISTS[v->wish.tab].resource)->empty);
        return;
    }
    if (v->chosen >= v->first + v->page_rows) /* the window became smaller */
        v->first = g.first = v->chosen - v->page_rows + 1;
    g.rows = MW_MIN(v->page_rows, n > g.first ? n - g.first : 0);
    measure(f, m, &g);
    draw_row(f, y, m, &g, NULL, FRAME_BOLD);
    for (unsigned i = 0; i < g.rows; i++) {
        const json_t *row = json_array_get(rows, g.first + i);
        draw_row(f, y + 1 + i, m, &g, row, row_style(v, m, g.first + i, row));
    }
}

/* ---- pages, help, foot ---------------------------------------------------------------------- */

static void draw_lines(struct frame *f, unsigned y, struct top_view *v, const char *s)
{
    unsigned lines = 1, rows = f->height > y + 1 ? f->height - y - 1 : 1;
    v->page_rows = rows;
    for (const char *p = s; *p != '\0'; p++)
        lines += *p == '\n' && p[1] != '\0';
    v->page_first = MW_MIN(v->page_first, lines > rows ? lines - rows : 0);
    for (unsigned i = 0; *s != '\0'; i++) {
        size_t n = strcspn(s, "\n");
        struct text line = { 0 };
        text_add_n(&line, s, n);
        if (i >= v->page_first && i < v->page_first + rows)
            (void)frame_put(f, 1, y + i - v->page_first, f->width, FRAME_PLAIN,
                            text_string(&line));
        text_fini(&line);
        s += n + (s[n] == '\n');
    }
}

static const char HELP[] =
    "1-5, Tab, :nodes    nodes, incidents, jobs, queue, orders\n"
    "/                   filter: a word, or an expression such as health=down and gpus>=8\n"
    "s                   the next order\n"
    "up, down, j, k      the row before, the next; PgUp, PgDn, g, G too\n"
    "d, Enter            the whole story of the row; q or Esc comes back\n"
    "space               mark a node; Esc takes marks, then the filter away\n"
    "r                   drain the chosen or the marked nodes: what runs there stops\n"
    "c                   cordon them: nothing new starts there\n"
    "u                   give them back\n"
    "Ctrl-R              ask again now\n"
    "q, Ctrl-C           leave\n"
    "\n"
    "Before a node is drained, cordoned or returned you are asked for a reason and told what\n"
    "would break. The map shows the fleet in its order; a cell shows the worst of its GPUs.\n"
    "\n"
    "Any key comes back.\n";

static void draw_foot(struct frame *f, const struct top_view *v)
{
    static const char *const ask[] = { "", "/", ":", "", "" };
    unsigned y = f->height - 1, x = 1;
    if (v->prompt == PROMPT_REASON) {
        size_t marked = json_object_size(v->marked);
        if (marked > 0)
            x = frame_putf(f, 1, y, FRAME_NOTE, "%s %zu nodes; reason: ", TOP_VERB_WORDS[v->verb],
                           marked);
        else
            x = frame_putf(f, 1, y, FRAME_NOTE, "%s %s; reason: ", TOP_VERB_WORDS[v->verb],
                           v->chosen_name);
    } else if (v->prompt == PROMPT_CONFIRM) {
        x = frame_put(f, 1, y, f->width, FRAME_BAD, v->question);
    } else if (v->prompt != PROMPT_NONE) {
        x = frame_put(f, 1, y, f->width, FRAME_NOTE, ask[v->prompt]);
    }
    if (v->prompt != PROMPT_NONE) {
        x = frame_put(f, x, y, f->width, FRAME_BOLD, v->typed);
        frame_cell_put(f, x, y, FRAME_CHOSEN, ' ');
    } else if (v->note[0] != '\0') {
        (void)frame_put(f, 1, y, f->width, v->note_bad ? FRAME_BAD : FRAME_GOOD, v->note);
    } else {
        (void)frame_put(f, 1, y, f->width, FRAME_DIM,
                        v->page.length > 0 ? "up and down move; q comes back"
                        : v->readonly      ? "? help  / filter  s order  Tab lists  d story  q quit"
                                           : "? help  / filter  s order  d story  space mark  "
                                             "r drain  c cordon  u return  q quit");
    }
}

void top_draw(struct frame *f, struct top_view *v, const struct top_model *m)
{
    must(f != NULL && f->cell != NULL && v != NULL);
    frame_clear(f);
    draw_title(f, v, m);
    if (v->help) {
        draw_lines(f, 2, v, HELP);
    } else if (v->page.length > 0) {
        draw_lines(f, 1, v, text_string(&v->page));
    } else {
        draw_summary(f, m);
        unsigned y = 3 + draw_strip(f, 3, m);
        draw_legend(f, y, m);
        draw_tabs(f, y + 1, v, m);
        draw_list(f, y + 2, v, m);
    }
    draw_foot(f, v);
}
