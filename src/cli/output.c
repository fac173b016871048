/*
 * The three forms of a set of rows.  Owns the rows of a table until they are
 * printed; never decides what a command shows.
 */
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define GAP 2             /* columns between two columns of a table */
#define COLUMN_MIN 8      /* a cut column keeps at least this width */
#define REAL_DIGITS 15    /* every such decimal survives a double */

struct output {
    FILE *file;
    enum output_form form;
    struct term term;
    const struct output_column *columns; /* NULL outside begin..end */
    unsigned column_count, at;           /* at: the next cell of the row */
    enum output_shape shape;
    uint64_t rows, sets;
    json_t *row;         /* JSON: the row being made */
    struct text pool;    /* table: all cells, each ended by '\0' */
    size_t *cell;        /* table: offsets into pool */
    size_t cells, cells_room;
    bool no_headings, go_on;
    size_t width[OUTPUT_COLUMNS_MAX]; /* of the set before, when sets go on */
    bool lost;           /* out of memory */
    bool closed;         /* the reader of the pipe went away */
    int write_errno;     /* of the first failed write */
};

struct output *output_create(FILE *f, enum output_form form, struct term term)
{
    must(f != NULL);
    struct output *o = mw_calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->file = f;
    o->form = form;
    o->term = term;
    return o;
}

void output_destroy(struct output *o)
{
    if (o == NULL)
        return;
    json_decref(o->row);
    text_fini(&o->pool);
    mw_free(o->cell);
    mw_free(o);
}

enum output_form output_form_of(const struct output *o)
{
    return o->form;
}

const struct term *output_term(const struct output *o)
{
    return &o->term;
}

FILE *output_file(const struct output *o)
{
    return o->file;
}

void output_headings(struct output *o, bool yes)
{
    o->no_headings = !yes;
}

void output_continue(struct output *o, bool yes)
{
    o->go_on = yes;
    memset(o->width, 0, sizeof(o->width));
}

/* Notes a failed write and whether it failed only because nobody reads any more. */
static void check_writes(struct output *o)
{
    int saved = errno;
    if (!ferror(o->file) || o->closed || o->write_errno != 0)
        return;
    struct pollfd p = { .fd = fileno(o->file), .events = POLLOUT };
    if (saved == EPIPE || (p.fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0))
        o->closed = true;
    else
        o->write_errno = saved != 0 ? saved : EIO;
}

static bool is_table(const struct output *o)
{
    return o->form == OUTPUT_TABLE || o->form == OUTPUT_WIDE;
}

static bool column_shown(const struct output *o, unsigned c)
{
    return o->columns[c].title != NULL && (!o->columns[c].wide || o->form == OUTPUT_WIDE);
}

/* Line ends and tabs are data here, as RFC 4180 has it; what drives a terminal is not. */
static void csv_put(FILE *f, const char *s)
{
    bool quoted = strpbrk(s, ",\"\r\n") != NULL;
    size_t left = strlen(s);
    if (quoted)
        (void)fputc('"', f);
    for (size_t n; left > 0; s += n, left -= n) {
        size_t control = strchr("\r\n\t", *s) == NULL ? text_control(s, left) : 0;
        n = control > 0 ? control : 1;
        if (*s == '"')
            (void)fputc('"', f);
        (void)fputc(control > 0 ? '?' : *s, f);
    }
    if (quoted)
        (void)fputc('"', f);
}

void output_begin(struct output *o, const struct output_column *columns, enum output_shape shape)
{
    must(o != NULL && o->columns == NULL);
    o->columns = columns;
    o->shape = shape;
    o->column_count = 0;
    while (columns[o->column_count].key != NULL)
        o->column_count++;
    must(o->column_count > 0 && o->column_count <= OUTPUT_COLUMNS_MAX);
    o->at = 0;
    o->rows = 0;
    o->cells = 0;
    text_clear(&o->pool);
    if (o->sets++ > 0 && o->form != OUTPUT_JSON && !o->go_on)
        (void)fputs(o->form == OUTPUT_CSV ? "\r\n" : "\n", o->file);
    for (unsigned c = 0; o->form == OUTPUT_CSV && !o->no_headings && c < o->column_count; c++) {
        csv_put(o->file, columns[c].key);
        (void)fputs(c + 1 < o->column_count ? "," : "\r\n", o->file);
    }
    if (o->form == OUTPUT_JSON && shape == OUTPUT_ROWS)
        (void)fputc('[', o->file);
}

static void keep_cell(struct output *o, const char *shown)
{
    if (o->cells == o->cells_room) {
        size_t room = o->cells_room == 0 ? 256 : o->cells_room * 2;
        size_t *cell = mw_resize(o->cell, room, sizeof *cell);
        if (cell == NULL) {
            o->lost = true;
            return;
        }
        o->cell = cell;
        o->cells_room = room;
    }
    o->cell[o->cells++] = o->pool.length;
    text_add_n(&o->pool, shown, strlen(shown) + 1);
    o->lost = o->lost || o->pool.failed;
}

static void row_done(struct output *o)
{
    o->at = 0;
    o->rows++;
    if (o->form == OUTPUT_JSON) {
        bool record = o->shape == OUTPUT_RECORD;
        if (!record)
            (void)fputs(o->rows == 1 ? "\n  " : ",\n  ", o->file);
        size_t flags = (record ? JSON_INDENT(2) : 0) | JSON_REAL_PRECISION(REAL_DIGITS);
        if (o->row == NULL || json_dumpf(o->row, o->file, flags) != 0)
            o->lost = o->lost || !ferror(o->file);
        json_decref(TAKE(o->row));
    }
    check_writes(o);
}

/* One cell in all three forms; takes json.  csv is the raw value, shown is for people. */
static void cell(struct output *o, json_t *json, const char *csv, const char *shown)
{
    must(o != NULL && o->columns != NULL && (o->shape == OUTPUT_ROWS || o->rows == 0));
    const struct output_column *c = &o->columns[o->at];
    if (o->form == OUTPUT_JSON) {
        if (o->row == NULL)
            o->row = json_object();
        if (json_object_set_new(o->row, c->key, json) != 0)
            o->lost = true;
    } else if (o->form == OUTPUT_CSV) {
        csv_put(o->file, csv);
        (void)fputs(o->at + 1 < o->column_count ? "," : "\r\n", o->file);
    } else if (column_shown(o, o->at)) {
        keep_cell(o, shown);
    }
    if (++o->at == o->column_count)
        row_done(o);
}

/* JSON must be UTF-8: what is not becomes '?'. */
static json_t *json_of_text(const char *s)
{
    json_t *j = json_string(s);
    if (j != NULL)
        return j;
    char *copy = mw_strdup(s);
    if (copy == NULL)
        return NULL;
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    j = json_string(copy);
    mw_free(copy);
    return j;
}

void output_text(struct output *o, const char *s)
{
    if (s == NULL)
        output_null(o);
    else
        cell(o, o->form == OUTPUT_JSON ? json_of_text(s) : NULL, s, s);
}

/* 1234567 as "1,234,567". */
static void with_commas(int64_t v, char *ret, size_t size)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRId64, v);
    size_t at = 0;
    must(n > 0 && size >= 32);
    for (int i = 0; i < n; i++) {
        ret[at++] = digits[i];
        int left = n - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-')
            ret[at++] = ',';
    }
    ret[at] = '\0';
}

void output_int_as(struct output *o, int64_t v, const char *shown)
{
    char raw[24];
    (void)snprintf(raw, sizeof raw, "%" PRId64, v);
    cell(o, o->form == OUTPUT_JSON ? json_integer(v) : NULL, raw, shown);
}

void output_int(struct output *o, int64_t v)
{
    char shown[32];
    with_commas(v, shown, sizeof shown);
    output_int_as(o, v, shown);
}

void output_bool(struct output *o, bool v)
{
    cell(o, o->form == OUTPUT_JSON ? json_boolean(v) : NULL, v ? "true" : "false",
         v ? "yes" : "no");
}

void output_null(struct output *o)
{
    cell(o, o->form == OUTPUT_JSON ? json_null() : NULL, "", "-");
}

void output_real_as(struct output *o, double v, const char *shown)
{
    char raw[40];
    if (!isfinite(v)) {
        output_null(o);
        return;
    }
    (void)snprintf(raw, sizeof raw, "%.*g", REAL_DIGITS, v);
    cell(o, o->form == OUTPUT_JSON ? json_real(v) : NULL, raw, shown);
}

void output_real(struct output *o, double v, unsigned decimals)
{
    char shown[400]; /* the largest double has 309 digits */
    (void)snprintf(shown, sizeof shown, "%.*f", (int)MW_MIN(decimals, 20U), v);
    output_real_as(o, v, shown);
}

/* The columns of a table as they are printed: which, their headings, how wide. */
struct layout {
    unsigned count;
    struct {
        const struct output_column *column;
        char title[64];
        size_t width;
    } at[OUTPUT_COLUMNS_MAX];
};

static const char *table_cell(const struct output *o, const struct layout *l, uint64_t row,
                              unsigned c)
{
    return o->pool.data + o->cell[row * l->count + c];
}

/* Cuts the widest text columns until the table fits the terminal, or no column can give more. */
static void layout_fit(struct layout *l, size_t width)
{
    size_t total = (size_t)GAP * (l->count - 1);
    for (unsigned c = 0; c < l->count; c++)
        total += l->at[c].width;
    for (unsigned round = 0; total > width && round < l->count; round++) {
        unsigned widest = OUTPUT_COLUMNS_MAX;
        for (unsigned c = 0; c < l->count; c++)
            if (!l->at[c].column->right && l->at[c].width > COLUMN_MIN &&
                (widest == OUTPUT_COLUMNS_MAX || l->at[c].width > l->at[widest].width))
                widest = c;
        if (widest == OUTPUT_COLUMNS_MAX)
            return;
        size_t give = MW_MIN(total - width, l->at[widest].width - COLUMN_MIN);
        l->at[widest].width -= give;
        total -= give;
    }
}

static void layout_make(const struct output *o, struct layout *l)
{
    l->count = 0;
    for (unsigned i = 0; i < o->column_count; i++) {
        if (!column_shown(o, i))
            continue;
        const struct output_column *col = &o->columns[i];
        l->at[l->count].column = col;
        (void)snprintf(l->at[l->count].title, sizeof l->at[0].title, "%s%s%s%s", col->title,
                       col->unit != NULL ? " (" : "", col->unit != NULL ? col->unit : "",
                       col->unit != NULL ? ")" : "");
        const char *title = l->at[l->count].title;
        size_t least = o->go_on ? o->width[l->count] : 0;
        l->at[l->count++].width = MW_MAX(least, term_columns(title, strlen(title)));
    }
    for (uint64_t r = 0; r < o->rows; r++)
        for (unsigned c = 0; c < l->count; c++) {
            const char *s = table_cell(o, l, r, c);
            size_t w = term_columns(s, strlen(s));
            l->at[c].width = MW_MAX(l->at[c].width, w);
        }
    if (o->term.tty)
        layout_fit(l, o->term.width);
}

static void put_padding(FILE *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)fputc(' ', f);
}

static void put_table_cell(FILE *f, const struct layout *l, unsigned c, const char *s)
{
    size_t length = strlen(s), width = l->at[c].width, used = term_columns(s, length);
    bool right = l->at[c].column->right;
    if (used > width) {
        term_put_safe(f, s, term_fit(s, length, width - 1));
        (void)fputs("…", f);
        used = width;
    } else {
        if (right)
            put_padding(f, width - used);
        term_put_safe(f, s, length);
    }
    if (c + 1 < l->count)
        put_padding(f, (right ? 0 : width - used) + GAP);
}

static void headings_print(struct output *o, const struct layout *l)
{
    if (o->term.colour)
        (void)fputs("\x1b[1m", o->file);
    for (unsigned c = 0; c < l->count; c++)
        put_table_cell(o->file, l, c, l->at[c].title);
    if (o->term.colour)
        (void)fputs("\x1b[0m", o->file);
    (void)fputc('\n', o->file);
}

static void table_print(struct output *o)
{
    struct layout l;
    layout_make(o, &l);
    must(l.count > 0);
    for (unsigned c = 0; c < l.count; c++)
        o->width[c] = l.at[c].width;
    if (!o->no_headings)
        headings_print(o, &l);
    for (uint64_t r = 0; r < o->rows && !o->closed; r++) {
        for (unsigned c = 0; c < l.count; c++)
            put_table_cell(o->file, &l, c, table_cell(o, &l, r, c));
        (void)fputc('\n', o->file);
        check_writes(o);
    }
}

/* A record in table form: one line per column, headings on the left. */
static void record_print(struct output *o)
{
    struct layout l;
    size_t width = 0;
    o->term.tty = false; /* a record's values are never cut */
    layout_make(o, &l);
    for (unsigned c = 0; c < l.count; c++)
        width = MW_MAX(width, term_columns(l.at[c].title, strlen(l.at[c].title)));
    for (unsigned c = 0; c < l.count; c++) {
        const char *s = table_cell(o, &l, 0, c), *title = l.at[c].title;
        (void)fprintf(o->file, "%s%s%s", o->term.colour ? "\x1b[1m" : "", title,
                      o->term.colour ? "\x1b[0m" : "");
        put_padding(o->file, width - term_columns(title, strlen(title)) + GAP);
        term_put_safe(o->file, s, strlen(s));
        (void)fputc('\n', o->file);
    }
}

void output_end(struct output *o, const char *empty)
{
    must(o != NULL && o->columns != NULL && o->at == 0);
    must(o->shape == OUTPUT_ROWS || o->rows == 1);
    if (o->form == OUTPUT_JSON)
        (void)fputs(o->shape == OUTPUT_RECORD ? "\n" : o->rows == 0 ? "]\n" : "\n]\n", o->file);
    else if (is_table(o) && o->rows == 0 && empty != NULL)
        (void)fprintf(o->file, "%s\n", empty);
    else if (is_table(o) && !o->lost && o->shape == OUTPUT_RECORD)
        record_print(o);
    else if (is_table(o) && !o->lost && o->rows > 0)
        table_print(o);
    check_writes(o);
    o->columns = NULL;
}

void output_document(struct output *o, const json_t *v)
{
    must(o != NULL && o->columns == NULL);
    if (v == NULL || json_dumpf(v, o->file, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS)) != 0)
        o->lost = o->lost || !ferror(o->file);
    (void)fputc('\n', o->file);
    check_writes(o);
}

bool output_closed(const struct output *o)
{
    return o->closed;
}

void output_flush(struct output *o)
{
    must(o != NULL);
    errno = 0;
    (void)fflush(o->file);
    check_writes(o);
}

int output_finish(struct output *o, struct mw_error *err)
{
    output_flush(o);
    if (o->lost)
        return mw_fail(err, MW_ENOMEM, "out of memory while printing: the output is not complete");
    if (o->closed || o->write_errno == 0)
        return 0;
    return mw_fail(err, o->write_errno == ENOSPC ? MW_ENOSPC : MW_EIO,
                   "cannot write the output: %s; what was printed is not complete",
                   strerror(o->write_errno));
}
