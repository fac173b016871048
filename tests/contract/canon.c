/* Events without time; see canon.h. */
#include "tests/contract/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/event_fields.h"

struct line {
    char *to;
    size_t size, length;
};

static void add(struct line *l, const char *fmt, ...) MW_PRINTF(2, 3);
static void add(struct line *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->to + l->length, l->size - l->length, fmt, args);
    va_end(args);
    assert_true(n >= 0 && l->length + (size_t)n < l->size); /* else lines could be equal by cut */
    l->length += (size_t)n;
}

/* How nodes are called; and which of a gang are named at all. */
struct names {
    bool parts;              /* by their part in the story, else by their names */
    char part[WORLD_NODES][32];
    uint64_t bad[WORLD_NODES]; /* its first incident.opened; 0 = none */
};

static const char *node_name(const struct stage *s, const struct names *n, uint32_t node)
{
    if (n->parts)
        return node < WORLD_NODES && n->part[node][0] ? n->part[node] : "-";
    return node == MW_NONE ? "-" : fleet_name(s->fleet, component_id(COMPONENT_NODE, node));
}

static const char *class_name(const struct stage *s, uint32_t class)
{
    if (class == BOARD_CLASS_PERSON)
        return "person";
    return class < s->policy.care.classes ? s->policy.care.class[class].name : "-";
}

/* The number of a job by order of submission, from 1; 0 for another. */
static uint32_t job_of(const struct stage *s, uint64_t job)
{
    for (uint32_t i = 0; i < s->jobs; i++)
        if (s->job[i] == job)
            return i + 1;
    return 0;
}

/* Which fields of a body are compared; those that number rows, sequences and times are not. */
static const char *const COMPARED[] = {
    "node", "job", "attempt", "class", "verb", "result", "from", "to", "service", "owner", "how",
    "effect", "drain", "health", "reason", "kind", "mode", "nodes", "gpus", "detail", "gate_class",
    "code", "findings", "count", "engine", "visit", "watched",
};

static bool compared(const char *name)
{
    for (uint32_t i = 0; i < MW_ARRAY_LEN(COMPARED); i++)
        if (strcmp(COMPARED[i], name) == 0)
            return true;
    return false;
}

static void add_field(struct line *l, const struct stage *s, const struct names *names,
                      const struct event *ev, const struct event_field *f)
{
    int64_t value = event_field_value(f, ev);
    if (event_field_none(f, value))
        return;
    bool number = f->type == FIELD_U8 || f->type == FIELD_U32 || f->type == FIELD_U64;
    const char *word = f->type == FIELD_ENUM ? event_field_word(f, value) : NULL;
    if (number && value == 0)
        return; /* of another kind with the same body */
    if (f->type == FIELD_NODE)
        add(l, " %s=%s", f->name, node_name(s, names, (uint32_t)value));
    else if (strcmp(f->name, "job") == 0)
        add(l, " job=%u", job_of(s, (uint64_t)value));
    else if (f->type == FIELD_CLASS)
        add(l, " %s=%s", f->name, class_name(s, (uint32_t)value));
    else if (word)
        add(l, " %s=%s", f->name, word);
    else if (f->type == FIELD_KIND)
        add(l, " %s=%s", f->name, event_info((uint32_t)value)->name);
    else
        add(l, " %s=%lld", f->name, (long long)value);
}

static void add_tail(struct line *l, const struct stage *s, const struct names *names,
                     const struct note *n)
{
    const uint32_t *node = n->tail;
    const char *before = " on=";
    if (event_info(n->ev.kind)->tail != TAIL_NODES)
        return;
    for (uint32_t i = 0; i < n->ev.tail_size / sizeof(*node); i++) {
        uint64_t bad = names->bad[node[i]];
        if (names->parts && (bad == 0 || bad > n->ev.seq))
            continue;
        add(l, "%s%s", before, node_name(s, names, node[i]));
        before = ",";
    }
}

static void add_event(struct line *l, const struct stage *s, const struct names *names,
                      const struct note *n)
{
    const struct event_body_info *body = event_body_of(n->ev.kind);
    add(l, "%s", event_info(n->ev.kind)->name);
    for (uint32_t i = 0; i < body->fields; i++)
        if (compared(body->field[i].name))
            add_field(l, s, names, &n->ev, &body->field[i]);
    add_tail(l, s, names, n);
}

static void print(const struct stage *s, const struct names *names, uint32_t i,
                  char ret[CANON_LINE_MAX])
{
    struct line l = { .to = ret, .size = CANON_LINE_MAX };
    const struct event *ev = &s->log[i].ev;
    add_event(&l, s, names, &s->log[i]);
    if (!ev->cause)
        return;
    add(&l, " <- ");
    const struct note *cause = &s->log[ev->cause - 1];
    if (cause->ev.kind == EV_TIMER_FIRED)
        add(&l, "timer");
    else
        add_event(&l, s, names, cause);
}

void canon_print(const struct stage *s, uint32_t i, char ret[CANON_LINE_MAX])
{
    print(s, &(struct names){ .parts = false }, i, ret);
}

/* ---- subjects -------------------------------------------------------------------------------- */

struct subjects {
    uint32_t node; /* MW_NONE */
    uint64_t job, incident; /* 0 */
};

static struct subjects subjects_of(const struct event *ev)
{
    const struct event_body_info *body = event_body_of(ev->kind);
    struct subjects r = { .node = MW_NONE };
    for (uint32_t i = 0; i < body->fields; i++) {
        const struct event_field *f = &body->field[i];
        if (f->type == FIELD_SHA256)
            continue;
        int64_t value = event_field_value(f, ev);
        if (event_field_none(f, value))
            continue;
        if (strcmp(f->name, "node") == 0)
            r.node = (uint32_t)value;
        else if (strcmp(f->name, "job") == 0)
            r.job = (uint64_t)value;
        else if (strcmp(f->name, "incident") == 0)
            r.incident = (uint64_t)value;
    }
    if (ev->kind == EV_INCIDENT_OPENED)
        r.incident = ev->seq;
    if (ev->kind == EV_JOB_CANCELLED)
        r.job = ev->body.command.ref;
    if (ev->kind == EV_NODES_ADOPTED && ev->body.adopt.count == 1)
        r.node = ev->body.adopt.first;
    if (r.job) /* a node in it says where the job stood */
        r.node = MW_NONE;
    return r;
}

/* The gang of a job's first attempt; NULL when it never ran. */
static const struct note *first_gang(const struct stage *s, uint32_t job)
{
    for (uint32_t i = 0; i < s->length; i++) {
        const struct event *ev = &s->log[i].ev;
        if (ev->kind == EV_ATTEMPT_ALLOCATED && ev->body.place.attempt == 1 &&
            ev->body.place.job == s->job[job])
            return &s->log[i];
    }
    return NULL;
}

/* Does anything happen to the node but that it is watched and has jobs? */
static bool in_the_story(const struct stage *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->length; i++)
        if (s->log[i].ev.kind != EV_NODE_WATCHED && subjects_of(&s->log[i].ev).node == node)
            return true;
    return false;
}

static void give_parts(const struct stage *s, struct names *ret)
{
    *ret = (struct names){ .parts = true };
    for (uint32_t job = 0; job < s->jobs; job++) {
        const struct note *n = first_gang(s, job);
        const uint32_t *node = n ? n->tail : NULL;
        for (uint32_t i = 0; n && i < n->ev.body.place.nodes; i++)
            if (!ret->part[node[i]][0] && in_the_story(s, node[i]))
                (void)snprintf(ret->part[node[i]], sizeof(ret->part[0]), "%u.%u", job + 1, i + 1);
    }
    for (uint32_t i = s->length; i-- > 0;)
        if (s->log[i].ev.kind == EV_INCIDENT_OPENED && s->log[i].ev.body.incident.node != MW_NONE)
            ret->bad[s->log[i].ev.body.incident.node] = s->log[i].ev.seq;
}

/* "1.2/2": the second incident of node 1.2. */
static void name_incident(const struct stage *s, const struct names *names, uint64_t incident,
                          char *to, size_t size)
{
    const struct event *opened = &s->log[incident - 1].ev;
    uint32_t nth = 0, node = opened->body.incident.node;
    for (uint64_t i = 0; i < incident; i++)
        nth += s->log[i].ev.kind == EV_INCIDENT_OPENED && s->log[i].ev.body.incident.node == node;
    (void)snprintf(to, size, "incident %s/%u", node_name(s, names, node), nth);
}

static bool ignored(const struct event *ev)
{
    return ev->kind == EV_TIMER_FIRED || ev->kind == EV_EPOCH ||
           (ev->kind == EV_NODES_ADOPTED && ev->body.adopt.count > 1) ||
           (ev->kind == EV_COMMAND && ev->body.command.verb == CMD_SET_MODE);
}

static struct canon_line *new_line(struct canon *c)
{
    c->line = mw_resize(c->line, c->lines + 1u, sizeof(*c->line));
    assert_non_null(c->line);
    struct canon_line *l = &c->line[c->lines++];
    memset(l, 0, sizeof(*l));
    return l;
}

static void collect(const struct stage *s, const struct names *names, uint32_t i,
                    struct canon *c)
{
    const struct event *ev = &s->log[i].ev;
    struct subjects on = subjects_of(ev);
    char subject[3][CANON_SUBJECT_MAX];
    uint32_t n = 0;
    if (ignored(ev))
        return;
    if (on.node != MW_NONE)
        (void)snprintf(subject[n++], CANON_SUBJECT_MAX, "node %s", node_name(s, names, on.node));
    if (on.job)
        (void)snprintf(subject[n++], CANON_SUBJECT_MAX, "job %u", job_of(s, on.job));
    if (on.incident && !on.job)
        name_incident(s, names, on.incident, subject[n++], CANON_SUBJECT_MAX);
    if (n == 0)
        (void)snprintf(subject[n++], CANON_SUBJECT_MAX, "site");
    for (uint32_t k = 0; k < n; k++) {
        struct canon_line *l = new_line(c);
        memcpy(l->subject, subject[k], CANON_SUBJECT_MAX);
        print(s, names, i, l->line);
    }
}

/* ---- folding --------------------------------------------------------------------------------- */

static bool is_report(const struct canon_line *l)
{
    return strncmp(l->line, "node.reported ", 14) == 0;
}

/* Lines are sorted by subject. See canon.h for the rule. */
static void fold(struct canon *c)
{
    uint32_t kept = 0;
    char last[CANON_LINE_MAX] = "";
    for (uint32_t i = 0; i < c->lines; i++) {
        struct canon_line *l = &c->line[i];
        bool first = i == 0 || strcmp(l[-1].subject, l->subject) != 0;
        bool more = i + 1 < c->lines && strcmp(l[1].subject, l->subject) == 0 && is_report(&l[1]);
        if (first)
            last[0] = '\0';
        if (is_report(l) && (more || strcmp(last, l->line) == 0))
            continue;
        if (is_report(l))
            (void)snprintf(last, sizeof(last), "%s", l->line);
        c->line[kept++] = *l;
    }
    c->lines = kept;
}

static int by_subject(const void *a, const void *b)
{
    const struct canon_line *x = a, *y = b;
    return strcmp(x->subject, y->subject);
}

void canon_of(const struct stage *s, struct canon *ret)
{
    struct names names;
    give_parts(s, &names);
    *ret = (struct canon){ 0 };
    for (uint32_t i = 0; i < s->length; i++)
        collect(s, &names, i, ret);
    /* Insertion: stable, and there are few. */
    for (uint32_t i = 1; i < ret->lines; i++) {
        struct canon_line moved = ret->line[i];
        uint32_t k = i;
        for (; k > 0 && by_subject(&moved, &ret->line[k - 1]) < 0; k--)
            ret->line[k] = ret->line[k - 1];
        ret->line[k] = moved;
    }
    fold(ret);
}

void canon_fini(struct canon *c)
{
    mw_free(c->line);
    *c = (struct canon){ 0 };
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* The lines of one subject. */
struct span {
    const struct canon_line *line;
    uint32_t lines;
};

static struct span span_at(const struct canon *c, uint32_t from)
{
    struct span r = { .line = &c->line[from] };
    while (from + r.lines < c->lines &&
           strcmp(c->line[from + r.lines].subject, r.line->subject) == 0)
        r.lines++;
    return r;
}

static const char *nth(const struct span *s, uint32_t i)
{
    return i < s->lines ? s->line[i].line : "(nothing)";
}

static bool same(const struct span *a, const struct span *b)
{
    bool all = a->lines == b->lines;
    for (uint32_t i = 0; i < a->lines && all; i++)
        all = strcmp(a->line[i].line, b->line[i].line) == 0;
    return all;
}

/* One under the other where they differ: the lines are too long to stand side by side. */
static void show(struct text *t, const struct span *a, const struct span *b)
{
    text_addf(t, "  %s\n", a->lines ? a->line->subject : b->line->subject);
    for (uint32_t i = 0; i < MW_MAX(a->lines, b->lines); i++) {
        const char *x = nth(a, i), *y = nth(b, i);
        if (strcmp(x, y) == 0)
            text_addf(t, "      = %s\n", x);
        else
            text_addf(t, "      < %s\n      > %s\n", x, y);
    }
}

bool canon_equal(const struct canon *a, const char *a_name, const struct canon *b,
                 const char *b_name, struct text *ret)
{
    bool equal = true;
    uint32_t i = 0, k = 0;
    while (i < a->lines || k < b->lines) {
        int order = i == a->lines ? 1 : k == b->lines ? -1
                    : strcmp(a->line[i].subject, b->line[k].subject);
        struct span x = { 0 }, y = { 0 };
        if (order <= 0)
            x = span_at(a, i);
        if (order >= 0)
            y = span_at(b, k);
        if (!same(&x, &y)) {
            if (equal)
                text_addf(ret, "differences, %s < and %s >:\n", a_name, b_name);
            equal = false;
            show(ret, &x, &y);
        }
        i += x.lines;
        k += y.lines;
    }
    return equal;
}
