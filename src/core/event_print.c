/*
 * Text from events by the table of fields.  Owns the look of a line; knows no
 * kind by name.  Times and lengths are shown with their own units, so that their
 * names lose theirs here ("interval=6.26 h"); JSON has raw numbers and full names.
 */
#include "core/event_print.h"

#include <string.h>

#include "base/ids.h"
#include "base/units.h"
#include "core/event_fields.h"

#define NODES_SHOWN 8  /* of a tail, in one line */
#define ROWS_SHOWN 4   /* of a tail of alternatives */
#define TEXT_SHOWN 60  /* bytes of a tail, in one line */
#define FIELD_NAME_MAX 32

static void add_time(struct text *t, int64_t time_ns)
{
    char buf[40];
    mw_format_time(time_ns, buf, sizeof(buf));
    text_add(t, buf);
}

static void add_span(struct text *t, int64_t ms)
{
    char buf[40];
    int64_t ns;
    if (mw_mul_overflows(ms, MW_NS_PER_MS, &ns)) {
        text_addf(t, "%lld ms", (long long)ms);
        return;
    }
    mw_format_duration(ns, buf, sizeof(buf));
    text_add(t, buf);
}

/* 0 = there is no such time: not 1970. */
static void add_stamp(struct text *t, const struct event_field *f, int64_t v)
{
    int64_t ns = v;
    if (v == 0)
        text_add(t, "-");
    else if (f->type == FIELD_TIME_MS && mw_mul_overflows(v, MW_NS_PER_MS, &ns))
        text_addf(t, "%lld ms", (long long)v);
    else
        add_time(t, ns);
}

/* Gives the length of the name that is shown. */
static int name_length(const struct event_field *f)
{
    const char *unit = strrchr(f->name, '_');
    bool timed =
        f->type == FIELD_SPAN_MS || f->type == FIELD_TIME_MS || f->type == FIELD_TIME_NS;
    return (int)(timed && unit != NULL ? (size_t)(unit - f->name) : strlen(f->name));
}

/* A 0 where the words begin at 1: an order to the engine in a command that is none. */
static bool no_word(const struct event_field *f, int64_t v)
{
    return (f->type == FIELD_ENUM || f->type == FIELD_KIND) && v == 0 &&
           event_field_word(f, v) == NULL;
}

/* A field that a line leaves out: it says "none", or the result that is not there yet. */
static bool left_out(const struct event_field *f, const struct event *ev)
{
    if (f->type == FIELD_SHA256)
        return false;
    int64_t v = event_field_value(f, ev);
    return f->type == FIELD_ROW || event_field_none(f, v) || no_word(f, v) ||
           (f->type == FIELD_ENUM && v == 0 && strcmp(f->name, "result") == 0);
}

static void add_sha256(struct text *t, const struct event_field *f, const struct event *ev)
{
    char hex[MW_HEX256_MAX];
    must(f->size == MW_SHA256_SIZE);
    mw_hex256(ev->body.bytes + f->offset, hex);
    text_add(t, hex);
}

static void add_word(struct text *t, const struct event_field *f, int64_t v)
{
    const char *word = event_field_word(f, v);
    if (word != NULL)
        text_add(t, word);
    else
        text_addf(t, "%lld?", (long long)v);
}

static void add_value(struct text *t, const struct event_field *f, const struct event *ev)
{
    if (f->type == FIELD_SHA256) {
        add_sha256(t, f, ev);
        return;
    }
    int64_t v = event_field_value(f, ev);
    if (event_field_none(f, v) || no_word(f, v)) {
        text_add(t, "none");
        return;
    }
    switch (f->type) {
    case FIELD_COMPONENT:
        text_addf(t, "%s/%u", component_kind_name(component_kind_of((uint64_t)v)),
                  component_index_of((uint64_t)v));
        break;
    case FIELD_FINDING:
        text_addf(t, "%llu/%llu", (unsigned long long)v >> 40,
                  (unsigned long long)v & ((UINT64_C(1) << 40) - 1));
        break;
    case FIELD_SPAN_MS:
        add_span(t, v);
        break;
    case FIELD_TIME_MS:
    case FIELD_TIME_NS:
        add_stamp(t, f, v);
        break;
    case FIELD_GPU_MS:
        text_addf(t, "%lld", (long long)v);
        break;
    case FIELD_USD:
        text_addf(t, "%.2f", (double)v / 1e6);
        break;
    case FIELD_ENUM:
    case FIELD_KIND:
        add_word(t, f, v);
        break;
    default:
        text_addf(t, "%llu", (unsigned long long)v);
        break;
    }
}

static void add_nodes(struct text *t, const void *tail, uint32_t size, uint32_t shown)
{
    uint32_t n = size / sizeof(uint32_t);
    for (uint32_t i = 0; i < MW_MIN(n, shown); i++) {
        uint32_t node;
        memcpy(&node, (const char *)tail + i * sizeof(node), sizeof(node));
        text_addf(t, i > 0 ? ",%u" : "%u", node);
    }
    if (n > shown)
        text_addf(t, ",… (%u)", n);
}

/* "reboot $12.30 (73 %)": the totals of a step's alternatives. */
static void add_sums(struct text *t, const void *tail, uint32_t n, uint32_t shown)
{
    for (uint32_t i = 0; i < MW_MIN(n, shown); i++) {
        struct step_sum s;
        memcpy(&s, (const char *)tail + i * sizeof(s), sizeof(s));
        const char *word = event_step_word(s.step);
        text_addf(t, "%s%s %.2f USD (%.0f %%)", i > 0 ? ", " : "", word ? word : "?",
                  (double)s.total_uusd / 1e6, s.odds_ppm / 1e4);
    }
    if (n > shown)
        text_addf(t, ", … (%u)", n);
}

/* "pdu/3 4 of 5": what could explain the findings. */
static void add_causes(struct text *t, const void *tail, uint32_t n, uint32_t shown)
{
    for (uint32_t i = 0; i < MW_MIN(n, shown); i++) {
        struct cause_rank c;
        memcpy(&c, (const char *)tail + i * sizeof(c), sizeof(c));
        text_addf(t, "%s%s/%u %u of %u", i > 0 ? ", " : "",
                  component_kind_name(component_kind_of(c.component)),
                  component_index_of(c.component), c.seen, c.below);
    }
    if (n > shown)
        text_addf(t, ", … (%u)", n);
}

/* Control bytes would move a terminal's cursor: they become dots. */
static void add_clean(struct text *t, const char *s, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        bool control = (unsigned char)s[i] < 32 || s[i] == 127;
        text_add_n(t, control ? "." : s + i, 1);
    }
}

static void add_tail(struct text *t, const struct event *ev, const void *tail, bool all)
{
    uint32_t rows = all ? UINT32_MAX : ROWS_SHOWN;
    switch (event_info(ev->kind)->tail) {
    case TAIL_NODES:
        add_nodes(t, tail, ev->tail_size, all ? UINT32_MAX : NODES_SHOWN);
        return;
    case TAIL_SUMS:
        add_sums(t, tail, ev->tail_size / (uint32_t)sizeof(struct step_sum), rows);
        return;
    case TAIL_CAUSES:
        add_causes(t, tail, ev->tail_size / (uint32_t)sizeof(struct cause_rank), rows);
        return;
    default:
        break;
    }
    uint32_t shown = all ? ev->tail_size : MW_MIN(ev->tail_size, (uint32_t)TEXT_SHOWN);
    text_add(t, "\"");
    add_clean(t, tail, shown);
    text_add(t, shown < ev->tail_size ? "…\"" : "\"");
}

static const char *tail_name(const struct event *ev)
{
    static const char *const name[] = {[TAIL_NONE] = "", [TAIL_NODES] = "nodes",
                                       [TAIL_TEXT] = "text", [TAIL_SUMS] = "sums",
                                       [TAIL_CAUSES] = "causes"};
    return name[event_info(ev->kind)->tail];
}

void event_print_fields(struct text *t, const struct event *ev, const void *tail)
{
    const struct event_body_info *body = event_body_of(ev->kind);
    const char *between = "";
    for (uint32_t i = 0; body != NULL && i < body->fields; i++) {
        const struct event_field *f = &body->field[i];
        if (left_out(f, ev))
            continue;
        text_addf(t, "%s%.*s=", between, name_length(f), f->name);
        add_value(t, f, ev);
        between = " ";
    }
    if (tail != NULL && ev->tail_size > 0) {
        text_addf(t, "%s%s=", between, tail_name(ev));
        add_tail(t, ev, tail, false);
    }
}

void event_print(struct text *t, const struct event *ev, const void *tail)
{
    const char *name = event_info(ev->kind)->name;
    text_addf(t, "%llu ", (unsigned long long)ev->seq);
    add_time(t, ev->time_ns);
    text_addf(t, " %s ", name ? name : "unknown");
    if (ev->cause != 0)
        text_addf(t, "cause=%llu ", (unsigned long long)ev->cause);
    if (ev->actor != 0)
        text_addf(t, "actor=%u ", ev->actor);
    event_print_fields(t, ev, tail);
}

/* One field at a time: its text is borrowed for the call. */
struct giving {
    struct text text;
    event_each_fn *each;
    void *ctx;
};

static void give(struct giving *g, const char *name, const char *doc)
{
    g->each(g->ctx, name, text_string(&g->text), doc);
    text_clear(&g->text);
}

static void give_number(struct giving *g, const char *name, uint64_t value, const char *doc)
{
    text_addf(&g->text, "%llu", (unsigned long long)value);
    give(g, name, doc);
}

static void give_header(struct giving *g, const struct event *ev)
{
    const struct event_info *info = event_info(ev->kind);
    give_number(g, "seq", ev->seq, "sequence in the journal");
    text_add(&g->text, info->name ? info->name : "unknown");
    give(g, "kind", info->doc ? info->doc : "of a newer program");
    add_time(&g->text, ev->time_ns);
    give(g, "time", "journal time");
    add_time(&g->text, ev->observed_ns);
    give(g, "observed", "when the source says it happened");
    give_number(g, "cause", ev->cause, "the event this one answers; 0 = none");
    give_number(g, "source", ev->source, "who says so");
    give_number(g, "source_seq", ev->source_seq, "the source's own count; 0 = not counted");
    give_number(g, "epoch", ev->epoch, "writer epoch");
    give_number(g, "actor", ev->actor, "0 = automation, else a person's number");
    give_number(g, "tenant", ev->tenant, "whose");
    give_number(g, "version", ev->version, "of the layout");
}

void event_each_field(const struct event *ev, const void *tail, event_each_fn *each, void *ctx)
{
    struct giving g = {.each = each, .ctx = ctx};
    const struct event_body_info *body = event_body_of(ev->kind);
    give_header(&g, ev);
    for (uint32_t i = 0; body != NULL && i < body->fields; i++) {
        const struct event_field *f = &body->field[i];
        char name[FIELD_NAME_MAX] = "";
        must(strlen(f->name) < sizeof(name));
        memcpy(name, f->name, (size_t)name_length(f));
        add_value(&g.text, f, ev);
        give(&g, name, f->doc);
    }
    if (tail != NULL && ev->tail_size > 0) {
        add_tail(&g.text, ev, tail, true);
        give(&g, tail_name(ev), "the tail");
    }
    text_fini(&g.text);
}

/* ---- the catalogue ------------------------------------------------------------------------ */

static void add_planes(struct text *t, uint8_t planes)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } plane[] = {{TO_BOARD, "board"}, {TO_GUARD, "guard"}, {TO_CARE, "care"},
                 {TO_MONEY, "money"}, {TO_WORK, "work"}};
    const char *between = "";
    for (uint32_t i = 0; i < MW_ARRAY_LEN(plane); i++) {
        if ((planes & plane[i].bit) == 0)
            continue;
        text_addf(t, "%s%s", between, plane[i].name);
        between = ", ";
    }
}

static void kind_row(struct text *t, uint32_t kind)
{
    static const char *const tails[] = {[TAIL_NONE] = "", [TAIL_NODES] = "; tail: node numbers",
                                        [TAIL_TEXT] = "; tail: text",
                                        [TAIL_SUMS] = "; tail: sums of alternatives",
                                        [TAIL_CAUSES] = "; tail: possible causes"};
    const struct event_info *info = event_info(kind);
    text_addf(t, "| %u | `%s` | %s | [%s](#body-%s)%s | ", kind, info->name,
              info->class == EVENT_FACT ? "fact" : "decision", info->body, info->body,
              tails[info->tail]);
    add_planes(t, info->planes);
    text_addf(t, " | %s%s%s%s%s |\n", info->doc, info->flags & EVENT_ACTION ? " (an action)" : "",
              info->flags & EVENT_NOTICE ? " (the world is told)" : "",
              info->flags & EVENT_TAKES ? " (charged to the safety budget)" : "",
              info->flags & (EVENT_ENGINE | EVENT_MODE) ? " (in mode act)" : "");
}

static void body_table(struct text *t, const struct event_body_info *body)
{
    text_addf(t, "\n### Body %s\n\n| Byte | Field | Bytes | Type | What it says |\n"
                 "|---:|---|---:|---|---|\n", body->name);
    for (uint32_t i = 0; i < body->fields; i++) {
        const struct event_field *f = &body->field[i];
        const struct field_type_info *type = field_type_info(f->type);
        text_addf(t, "| %u | `%s` | %u | %s: %s | %s", f->offset, f->name, f->size, type->json,
                  type->doc, f->doc);
        const char *between = ": ";
        for (uint32_t w = 0; f->words != NULL && w < f->words->length; w++) {
            if (f->words->word[w] == NULL)
                continue;
            text_addf(t, "%s`%s` (%u)", between, f->words->word[w], w);
            between = ", ";
        }
        text_add(t, " |\n");
    }
}

void event_catalogue(struct text *t)
{
    text_add(t, "| Value | Kind | Class | Body | Planes | What it says |\n"
                "|---:|---|---|---|---|---|\n");
    for (uint32_t kind = 1; kind < EVENT_KIND_MAX; kind++) {
        if (event_info(kind)->name != NULL)
            kind_row(t, kind);
    }
    const struct event_body_info *body;
    for (uint32_t i = 0; (body = event_body_nth(i)) != NULL; i++)
        body_table(t, body);
}
