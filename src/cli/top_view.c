/* Keys and places of mw top.  See top_view.h. */
#include "cli/top_view.h"

#include <stdio.h>
#include <string.h>

const char *const TOP_VERB_WORDS[] = { [VERB_DRAIN] = "drain", [VERB_CORDON] = "cordon",
                                       [VERB_RETURN] = "return" };

#define ROWS_AHEAD 50u /* rows asked for beyond what is shown */

void top_view_init(struct top_view *v, const char *daemon, bool readonly)
{
    must(v != NULL && daemon != NULL);
    *v = (struct top_view){ .readonly = readonly, .page_rows = 20, .marked = json_object() };
    v->wish.rows = 2 * ROWS_AHEAD;
    (void)snprintf(v->name, sizeof(v->name), "%s", daemon);
}

void top_view_fini(struct top_view *v)
{
    json_decref(v->marked);
    text_fini(&v->page);
    v->marked = NULL;
}

/* Of the list that is looked at: the answer may be of the one before. */
static const json_t *rows_of(const struct top_view *v, const struct top_model *m)
{
    return m != NULL && m->wish.tab == v->wish.tab ? json_object_get(m->list, "rows") : NULL;
}

static const char *name_of(const struct top_view *v, const struct top_model *m, size_t i,
                           char *buf, size_t size)
{
    const json_t *row = json_array_get(rows_of(v, m), i);
    const struct resource *r = resource_find(TOP_LISTS[v->wish.tab].resource);
    return row != NULL ? get_row_name(r, row, buf, size) : NULL;
}

const char *top_chosen(const struct top_view *v, const struct top_model *m, char *buf, size_t size)
{
    return name_of(v, m, v->chosen, buf, size);
}

static void note(struct top_view *v, bool bad, const char *s)
{
    (void)snprintf(v->note, sizeof(v->note), "%s", s);
    v->note_bad = bad;
}

/* ---- moving --------------------------------------------------------------------------------- */

static void settle(struct top_view *v, const struct top_model *m)
{
    unsigned n = (unsigned)json_array_size(rows_of(v, m));
    char buf[64];
    v->chosen = n == 0 ? 0 : MW_MIN(v->chosen, n - 1);
    if (v->chosen < v->first)
        v->first = v->chosen;
    if (v->page_rows > 0 && v->chosen >= v->first + v->page_rows)
        v->first = v->chosen - v->page_rows + 1;
    const char *name = name_of(v, m, v->chosen, buf, sizeof(buf));
    (void)snprintf(v->chosen_name, sizeof(v->chosen_name), "%s", name != NULL ? name : "");
}

void top_view_came(struct top_view *v, const struct top_model *m)
{
    char buf[64];
    size_t n = json_array_size(rows_of(v, m));
    must(v != NULL && m != NULL);
    if (m->wish.tab != v->wish.tab)
        return; /* an answer to an older question */
    for (size_t i = 0; v->chosen_name[0] != '\0' && i < n; i++) {
        const char *name = name_of(v, m, i, buf, sizeof(buf));
        if (name != NULL && strcmp(name, v->chosen_name) == 0)
            v->chosen = (unsigned)i;
    }
    settle(v, m);
}

/* More rows are asked for when the end of those that came is near. */
static enum top_action move(struct top_view *v, const struct top_model *m, int64_t by)
{
    int64_t to = (int64_t)v->chosen + by;
    v->chosen = (unsigned)MW_MAX(to, 0);
    settle(v, m);
    if (v->chosen + ROWS_AHEAD < v->wish.rows || v->wish.rows >= GET_PAGE)
        return TOP_STAY;
    v->wish.rows = MW_MIN(v->wish.rows * 2, GET_PAGE);
    return TOP_ASK;
}

static enum top_action begin_list(struct top_view *v)
{
    v->chosen = v->first = 0;
    v->chosen_name[0] = '\0';
    v->wish.rows = MW_MAX(2 * ROWS_AHEAD, v->page_rows + ROWS_AHEAD);
    v->wish.sort = v->sort[v->wish.tab];
    memcpy(v->wish.filter, v->filter[v->wish.tab], sizeof(v->wish.filter));
    return TOP_ASK;
}

static enum top_action go(struct top_view *v, enum top_tab tab)
{
    v->wish.tab = tab;
    return begin_list(v);
}

static enum top_action next_sort(struct top_view *v)
{
    const struct top_list *l = &TOP_LISTS[v->wish.tab];
    uint32_t *at = &v->sort[v->wish.tab];
    *at = *at + 1 < TOP_SORTS_MAX && l->sort_name[*at + 1] != NULL ? *at + 1 : 0;
    return begin_list(v);
}

/* ---- acting --------------------------------------------------------------------------------- */

static enum top_action mark(struct top_view *v, const struct top_model *m)
{
    char buf[64];
    const char *name = top_chosen(v, m, buf, sizeof(buf));
    if (v->wish.tab != TOP_NODES || name == NULL)
        return TOP_STAY;
    if (json_object_del(v->marked, name) < 0)
        (void)json_object_set_new(v->marked, name, json_true());
    return move(v, m, 1);
}

static enum top_action begin_verb(struct top_view *v, const struct top_model *m,
                                  enum top_verb verb)
{
    char buf[64];
    if (v->readonly)
        note(v, true, "read-only: nothing is changed from here");
    else if (v->wish.tab != TOP_NODES)
        note(v, true, "nodes are drained, cordoned and returned from their list (1)");
    else if (json_object_size(v->marked) == 0 && top_chosen(v, m, buf, sizeof(buf)) == NULL)
        note(v, true, "there is no node to choose");
    else {
        v->verb = verb;
        v->prompt = PROMPT_REASON;
        v->typed[0] = v->note[0] = '\0';
    }
    return TOP_STAY;
}

/* ---- prompts -------------------------------------------------------------------------------- */

static enum top_action command(struct top_view *v)
{
    const struct resource *r = resource_find(v->typed);
    if (strcmp(v->typed, "q") == 0 || strcmp(v->typed, "quit") == 0)
        return TOP_QUIT;
    for (unsigned i = 0; r != NULL && i < TOP_TABS; i++)
        if (strcmp(TOP_LISTS[i].resource, r->name) == 0)
            return go(v, (enum top_tab)i);
    note(v, true, "lists are nodes, incidents, jobs, queue and orders; q leaves");
    return TOP_STAY;
}

static enum top_action entered(struct top_view *v)
{
    enum top_prompt was = v->prompt;
    v->prompt = PROMPT_NONE;
    switch (was) {
    case PROMPT_FILTER:
        memcpy(v->filter[v->wish.tab], v->typed, sizeof(v->typed));
        return begin_list(v);
    case PROMPT_COMMAND:
        return command(v);
    case PROMPT_REASON:
        if (v->typed[0] == '\0') {
            note(v, true, "nothing was done: a reason is needed, it goes into the record");
            return TOP_STAY;
        }
        memcpy(v->reason, v->typed, sizeof(v->typed));
        return TOP_PREVIEW;
    case PROMPT_CONFIRM:
        if (strcmp(v->typed, v->answer) == 0)
            return TOP_DO;
        note(v, true, "nothing was done");
        return TOP_STAY;
    default:
        return TOP_STAY;
    }
}

static enum top_action prompt_key(struct top_view *v, int key)
{
    size_t n = strlen(v->typed);
    if (key == TOP_KEY_ESCAPE) {
        v->prompt = PROMPT_NONE;
        note(v, false, "");
    } else if (key == TOP_KEY_ENTER) {
        return entered(v);
    } else if (key == TOP_KEY_BACK) {
        while (n > 0 && ((unsigned char)v->typed[n - 1] & 0xc0) == 0x80)
            n--; /* the rest of a character */
        v->typed[n > 0 ? n - 1 : 0] = '\0';
    } else if (key >= ' ' && key < TOP_KEY_UP && key != TOP_KEY_BACK && n + 5 < sizeof(v->typed)) {
        struct text t = { 0 };
        frame_utf8(&t, (uint32_t)key);
        memcpy(v->typed + n, t.data, t.length + 1);
        text_fini(&t);
    }
    return TOP_STAY;
}

static enum top_action begin_prompt(struct top_view *v, enum top_prompt p, const char *typed)
{
    v->prompt = p;
    (void)snprintf(v->typed, sizeof(v->typed), "%s", typed);
    v->note[0] = '\0';
    return TOP_STAY;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static enum top_action page_key(struct top_view *v, int key)
{
    unsigned page = MW_MAX(v->page_rows, 2u) - 1;
    switch (key) {
    case 'q':
    case TOP_KEY_ESCAPE:
        text_fini(&v->page);
        v->page_first = 0;
        break;
    case TOP_KEY_DOWN:
    case 'j':
        v->page_first++;
        break;
    case TOP_KEY_UP:
    case 'k':
        v->page_first -= v->page_first > 0;
        break;
    case TOP_KEY_PAGE_DOWN:
    case ' ':
        v->page_first += page;
        break;
    case TOP_KEY_PAGE_UP:
        v->page_first -= MW_MIN(page, v->page_first);
        break;
    default:
        break;
    }
    return TOP_STAY;
}

static enum top_action escape(struct top_view *v)
{
    note(v, false, "");
    if (json_object_size(v->marked) > 0) {
        (void)json_object_clear(v->marked);
        return TOP_STAY;
    }
    if (v->filter[v->wish.tab][0] == '\0')
        return TOP_STAY;
    v->filter[v->wish.tab][0] = '\0';
    return begin_list(v);
}

static enum top_action move_key(struct top_view *v, const struct top_model *m, int key)
{
    switch (key) {
    case TOP_KEY_DOWN:
    case 'j':
        return move(v, m, 1);
    case TOP_KEY_UP:
    case 'k':
        return move(v, m, -1);
    case TOP_KEY_PAGE_DOWN:
        return move(v, m, v->page_rows);
    case TOP_KEY_PAGE_UP:
        return move(v, m, -(int64_t)v->page_rows);
    case TOP_KEY_HOME:
    case 'g':
        return move(v, m, -(int64_t)v->chosen);
    case TOP_KEY_END:
    case 'G':
        return move(v, m, (int64_t)json_array_size(rows_of(v, m)));
    default:
        return TOP_STAY;
    }
}

static enum top_action list_key(struct top_view *v, const struct top_model *m, int key)
{
    if (key >= '1' && key < '1' + (int)TOP_TABS)
        return go(v, (enum top_tab)(key - '1'));
    switch (key) {
    case 'q':
        return TOP_QUIT;
    case '\t':
        return go(v, (v->wish.tab + 1) % TOP_TABS);
    case '/':
        return begin_prompt(v, PROMPT_FILTER, v->filter[v->wish.tab]);
    case ':':
        return begin_prompt(v, PROMPT_COMMAND, "");
    case 's':
        return next_sort(v);
    case TOP_KEY_ESCAPE:
        return escape(v);
    case '?':
        v->help = true;
        return TOP_STAY;
    case 'd':
    case TOP_KEY_ENTER:
        return json_array_size(rows_of(v, m)) > 0 ? TOP_DESCRIBE : TOP_STAY;
    case ' ':
        return mark(v, m);
    case 'r':
        return begin_verb(v, m, VERB_DRAIN);
    case 'c':
        return begin_verb(v, m, VERB_CORDON);
    case 'u':
        return begin_verb(v, m, VERB_RETURN);
    case 'R' - 'A' + 1: /* Ctrl-R */
        return TOP_ASK;
    default:
        return move_key(v, m, key);
    }
}

enum top_action top_key(struct top_view *v, const struct top_model *m, int key)
{
    must(v != NULL);
    if (key == TOP_KEY_RESIZE)
        return TOP_STAY;
    if (v->help) {
        v->help = false;
        return TOP_STAY;
    }
    if (v->prompt != PROMPT_NONE)
        return prompt_key(v, key);
    return v->page.length > 0 ? page_key(v, key) : list_key(v, m, key);
}
