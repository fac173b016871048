/*
 * Serial numbers from CSV: component,serial[,batch] a line, `#` comments, an
 * optional heading.  Changes the text it is given; copies what it keeps.
 */
#include "fleet/site_build.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

#define FIELDS_MAX 3

/* One line that set a serial, to name it when the serial comes again. */
struct seen {
    uint64_t component;
    uint32_t line;
};

struct csv {
    struct site_build *b;
    const char *file;
    struct map by_serial; /* hash of serial and kind -> seen */
    struct seen *seen;
    uint32_t seen_length;
};

struct line {
    char *field[FIELDS_MAX];
    uint32_t column[FIELDS_MAX];
    uint32_t fields, number;
};

static void problem_at(const struct csv *c, const struct line *l, uint32_t field, const char *text)
{
    problems_add(c->b->problems, (struct mw_place){c->file, l->number, l->column[field]}, "%s",
                 text);
}

/* Cuts a line at its commas and trims blanks. */
static bool split(const struct csv *c, char *text, struct line *l)
{
    char *at = text;

    for (l->fields = 0; at != NULL; l->fields++) {
        char *comma = strchr(at, ',');

        if (l->fields == FIELDS_MAX) {
            l->column[0] = (uint32_t)(at - text) + 1;
            problem_at(c, l, 0, "more than three fields: expected component,serial,batch");
            return false;
        }
        if (comma != NULL)
            *comma = '\0';
        at += strspn(at, " \t");
        l->field[l->fields] = at;
        l->column[l->fields] = (uint32_t)(at - text) + 1;
        for (size_t n = strlen(at); n > 0 && strchr(" \t\r", at[n - 1]) != NULL; n--)
            at[n - 1] = '\0';
        at = comma == NULL ? NULL : comma + 1;
    }
    if (l->fields < 2 || l->field[0][0] == '\0' || l->field[1][0] == '\0') {
        problem_at(c, l, 0, "expected component,serial or component,serial,batch");
        return false;
    }
    return true;
}

static uint32_t *batch_of(const struct fleet *f, uint64_t id)
{
    uint32_t row = component_index_of(id);

    return component_kind_of(id) == COMPONENT_GPU     ? &f->gpu_batch[row]
           : component_kind_of(id) == COMPONENT_OPTIC ? &f->optic_batch[row]
                                                      : NULL;
}

/* Notes the serial; false when another part of the kind has it (reported). */
static bool note(struct csv *c, const struct line *l, uint64_t id)
{
    enum component_kind kind = component_kind_of(id);
    const struct fleet *f = c->b->f;
    uint64_t key = mw_mix64(mw_hash64_of(l->field[1], strlen(l->field[1])) + (uint64_t)kind);
    uint32_t row = map_get(&c->by_serial, key);

    if (row == MW_NONE) {
        c->seen[c->seen_length] = (struct seen){id, l->number};
        map_put(&c->by_serial, key, c->seen_length++);
        return true;
    }
    const struct seen *other = &c->seen[row];
    if (strcmp(fleet_serial(f, other->component), l->field[1]) != 0)
        return true; /* another serial with the same hash */
    problems_add(c->b->problems, (struct mw_place){c->file, l->number, l->column[1]},
                 "duplicate serial '%.60s': '%s' has it (line %u)", l->field[1],
                 fleet_name(f, other->component), other->line);
    return false;
}

static int take_line(struct csv *c, const struct line *l)
{
    struct fleet *f = c->b->f;
    uint64_t id = fleet_find(f, l->field[0]);
    enum component_kind kind = component_kind_of(id);

    if (id == 0 || f->serial_of[kind] == NULL) {
        problems_add(c->b->problems, (struct mw_place){c->file, l->number, l->column[0]},
                     id == 0 ? "there is no component '%.80s'" : "'%.80s' is no part with a serial",
                     l->field[0]);
        return 0;
    }
    uint32_t *serial = &f->serial_of[kind][component_index_of(id)];
    if (*serial != 0) {
        problem_at(c, l, 0, "this component has a serial already");
        return 0;
    }
    if (!note(c, l, id))
        return 0;
    int rc = site_text(c->b, l->field[1], strlen(l->field[1]), serial);
    if (rc != 0 || l->fields < 3 || l->field[2][0] == '\0')
        return rc;
    uint32_t *batch = batch_of(f, id);
    if (batch == NULL) {
        problem_at(c, l, 2, "only GPUs and optics have a batch");
        return 0;
    }
    return site_batch(c->b, l->field[2], batch);
}

static uint32_t count_lines(const char *text, size_t size)
{
    uint32_t n = 1;

    for (const char *at = text; (at = memchr(at, '\n', size - (size_t)(at - text))) != NULL; at++)
        n++;
    return n;
}

static int take_lines(struct csv *c, char *text, size_t size)
{
    char *end = text + size;
    struct line l = {.number = 0};
    int rc = 0;

    while (text < end && rc == 0) {
        char *stop = memchr(text, '\n', (size_t)(end - text));

        stop = stop == NULL ? end : stop;
        *stop = '\0';
        l.number++;
        l.column[0] = 1;
        bool blank = text[strspn(text, " \t\r")] == '\0' || text[0] == '#';
        bool heading = l.number == 1 && strncmp(text, "component,", 10) == 0;
        if (strlen(text) != (size_t)(stop - text))
            problem_at(c, &l, 0, "a zero byte: this is no text");
        else if (!blank && !heading && split(c, text, &l))
            rc = take_line(c, &l);
        text = stop + 1;
    }
    return rc;
}

int site_serials(struct site_build *b, const char *file, char *text, size_t size)
{
    struct csv c = {.b = b, .file = file};
    uint32_t lines = count_lines(text, size);

    must(text[size] == '\0');
    int rc = map_init(&c.by_serial, lines);
    c.seen = mw_calloc(lines, sizeof(*c.seen));
    if (rc != 0 || c.seen == NULL)
        rc = mw_fail(b->err, MW_ENOMEM, "%s: out of memory", file);
    if (rc == 0)
        rc = take_lines(&c, text, size);
    map_fini(&c.by_serial);
    mw_free(c.seen);
    return rc;
}
