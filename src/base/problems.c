/* The list of mistakes; owns its items, bounded by PROBLEMS_MAX. */
#include "base/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define PROBLEMS_FIRST_ROOM 16

void problems_fini(struct problems *p)
{
    if (p == NULL)
        return;
    mw_free(p->item);
    *p = (struct problems){0};
}

/* A path that is too long keeps its end: that is where the file is named. */
static void put_file(char ret[PROBLEM_FILE_MAX], const char *file)
{
    static const char cut[] = "…";
    size_t length = strlen(file), room = PROBLEM_FILE_MAX - sizeof(cut);

    if (length < PROBLEM_FILE_MAX) {
        memcpy(ret, file, length + 1);
        return;
    }
    const char *tail = file + length - room;
    while ((*tail & 0xc0) == 0x80) /* not in the middle of a letter */
        tail++;
    (void)snprintf(ret, PROBLEM_FILE_MAX, "%s%s", cut, tail);
}

static bool same_place(const struct problem *p, const struct mw_place *at)
{
    return p->line == at->line && p->column == at->column && strcmp(p->file, at->file) == 0;
}

/* True when the place has its share already; the last one there counts it. */
static bool place_is_full(struct problems *p, const struct mw_place *at)
{
    uint32_t seen = 0;
    struct problem *last = NULL;

    if (at->line == 0)
        return false;
    for (uint32_t i = p->length; i > 0 && seen < PROBLEMS_PER_PLACE_MAX; i--) {
        if (!same_place(&p->item[i - 1], at))
            continue;
        last = last == NULL ? &p->item[i - 1] : last;
        seen++;
    }
    if (seen < PROBLEMS_PER_PLACE_MAX)
        return false;
    last->more++;
    return true;
}

static bool make_room(struct problems *p)
{
    uint32_t room = PROBLEMS_FIRST_ROOM;

    if (p->length >= PROBLEMS_MAX)
        return false;
    while (room < p->length + 1)
        room *= 2;
    if (p->item != NULL && (p->length < PROBLEMS_FIRST_ROOM || (p->length & (p->length - 1)) != 0))
        return true;
    struct problem *item = mw_resize(p->item, room, sizeof(*item));
    if (item == NULL)
        return false;
    p->item = item;
    return true;
}

void problems_add(struct problems *p, struct mw_place at, const char *fmt, ...)
{
    char file[PROBLEM_FILE_MAX];
    va_list ap;

    must(p != NULL && fmt != NULL);
    must(p->length <= PROBLEMS_MAX);
    put_file(file, at.file == NULL ? "" : at.file);
    at.file = file;
    if (p->total < UINT32_MAX)
        p->total++;
    if (place_is_full(p, &at) || !make_room(p))
        return;
    struct problem *item = &p->item[p->length++];
    *item = (struct problem){.line = at.line, .column = at.column};
    memcpy(item->file, file, sizeof(file));
    va_start(ap, fmt);
    (void)vsnprintf(item->text, sizeof(item->text), fmt, ap);
    va_end(ap);
}

static bool before(const struct problem *a, const struct problem *b)
{
    int files = strcmp(a->file, b->file);

    if (files != 0)
        return files < 0;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion: at most PROBLEMS_MAX items, nearly in order already. */
void problems_sort(struct problems *p)
{
    must(p != NULL);
    for (uint32_t i = 1; i < p->length; i++) {
        struct problem item = p->item[i];
        uint32_t k = i;

        for (; k > 0 && before(&item, &p->item[k - 1]); k--)
            p->item[k] = p->item[k - 1];
        p->item[k] = item;
    }
}

void problem_format(const struct problem *p, char *buf, size_t size)
{
    char more[48] = "";

    must(p != NULL && buf != NULL);
    if (p->more > 0)
        (void)snprintf(more, sizeof(more), " (and %u more like it here)", p->more);
    if (p->line == 0)
        (void)snprintf(buf, size, "%s: %s%s", p->file, p->text, more);
    else
        (void)snprintf(buf, size, "%s:%u:%u: %s%s", p->file, p->line, p->column, p->text, more);
}
