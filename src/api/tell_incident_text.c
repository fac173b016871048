/*
 * The layout of `mw explain INCIDENT`.  Every section that has nothing to say
 * is left out; every sum is shown as it was recorded when it was decided.
 */
#include "api/tell_incident.h"

#include <stdio.h>
#include <string.h>

#include "api/text_table.h"
#include "base/mem.h"
#include "base/units.h"
#include "control/control.h"

#define CLASSES_SHOWN 4u

static void cite(struct text *t, uint64_t seq)
{
    if (seq)
        text_addf(t, "  [#%llu]", (unsigned long long)seq);
}

static void add_time(struct text *t, int64_t time_ns)
{
    char shown[40];
    mw_format_time(time_ns, shown, sizeof(shown));
    text_add(t, shown);
}

static void add_span(struct text *t, int64_t ns)
{
    words_span_ms(t, mw_ms(ns));
}

/* ---- head ----------------------------------------------------------------------------------- */

static void add_where(struct text *t, const struct explain *x, const struct words *w)
{
    words_component(t, w, x->component);
    if (x->node != MW_NONE && component_kind_of(x->component) != COMPONENT_NODE)
        text_addf(t, " of %s", words_node(w, x->node));
}

static void add_now(struct text *t, const struct explain *x, const struct words *w)
{
    text_add(t, "now       ");
    if (x->closed_seq) {
        text_add(t, "closed after ");
        add_span(t, x->times.total_ns);
        text_add(t, ", at ");
        add_time(t, x->closed_ns);
        cite(t, x->closed_seq);
    } else {
        text_add(t, "open for ");
        add_span(t, x->times.total_ns);
        text_add(t, " at the end of the record, ");
        add_time(t, x->now_ns);
        if (x->node != MW_NONE)
            text_addf(t, "; %s is %s", words_node(w, x->node), health_name(x->health));
    }
    if (x->parent) {
        text_addf(t, "; a symptom of incident %llu on ", (unsigned long long)x->parent);
        words_component(t, w, x->parent_component);
    }
    text_add(t, "\n");
}

static void add_cost(struct text *t, const struct explain *x, const struct explain_state *s,
                     const struct words *w)
{
    int64_t lost = x->lost_gpu_ms >= 0 ? x->lost_gpu_ms : s->lost_gpu_ms;
    text_addf(t, "cost      %.2f GPU-hours%s, ", (double)lost / MW_MS_PER_HOUR,
              x->closed_seq ? "" : " so far");
    words_usd(t, account_price(lost, s->microdollars_per_gpu_hour));
    text_add(t, " at ");
    words_usd(t, s->microdollars_per_gpu_hour);
    text_addf(t, " a GPU-hour (%s time, the policy's price)\n", words_basis(w->policy));
}

static void add_let_go(struct text *t, const struct explain *x)
{
    if (x->node == MW_NONE)
        return;
    text_add(t, "its job   ");
    if (!x->let_go_seq)
        text_add(t, x->closed_seq ? "kept the node: it was never taken from service"
                                  : "has the node still: it is not taken from service");
    else if (!x->had_job)
        text_add(t, "none was on the node when it left service");
    else if (x->let_go == DRAIN_AT_CHECKPOINT)
        text_add(t, "let go of the node at its next checkpoint");
    else
        text_add(t, x->effect == EFFECT_KILLS ? "went with the node at once: the fault ends what "
                                                "runs there"
                                              : "let go of the node at once");
    cite(t, x->let_go_seq);
    text_add(t, "\n");
}

/* "ready 0, down 1.50 h, repairing 30 min". */
static void add_times(struct text *t, const struct explain *x)
{
    static const uint8_t order[] = { HEALTH_READY,     HEALTH_SUSPECT,    HEALTH_DOWN,
                                     HEALTH_REPAIRING, HEALTH_VALIDATING, HEALTH_PROBATION };
    const char *between = "where the time went: ";
    if (x->node == MW_NONE && x->times.to_taken_ns < 0)
        return;
    text_add(t, "time      ");
    for (uint32_t i = 0; x->node != MW_NONE && i < MW_ARRAY_LEN(order); i++) {
        if (x->times.health_ns[order[i]] <= 0)
            continue;
        text_addf(t, "%s%s ", between, health_name(order[i]));
        add_span(t, x->times.health_ns[order[i]]);
        between = ", ";
    }
    if (x->times.to_taken_ns >= 0) {
        text_add(t, x->node == MW_NONE ? "somebody came after " : "; somebody came after ");
        add_span(t, x->times.to_taken_ns);
    }
    if (x->refaults)
        text_addf(t, "; %u repair%s did not hold", x->refaults, x->refaults == 1 ? "" : "s");
    if (x->level)
        text_addf(t, "; escalated %u time%s", x->level, x->level == 1 ? "" : "s");
    text_add(t, "\n");
}

/* ---- what was seen, what could explain it --------------------------------------------------- */

static void add_lines(struct text *t, const struct explain_line *line, uint32_t lines)
{
    for (uint32_t i = 0; i < lines; i++) {
        text_add(t, "  ");
        add_time(t, line[i].time_ns);
        text_addf(t, "  %s", line[i].text);
        cite(t, line[i].seq);
        text_add(t, "\n");
    }
}

/* "8 × gpu, 4 × slow", the most frequent classes first. */
static void add_classes(struct text *t, const struct explain *x, const struct words *w)
{
    uint32_t count[BOARD_CLASSES_MAX + 1] = { 0 };
    const char *between = ": ";
    for (uint32_t i = 0; i < x->symptoms; i++)
        count[MW_MIN(x->symptom[i].class, BOARD_CLASSES_MAX)]++;
    for (uint32_t shown = 0; shown < CLASSES_SHOWN; shown++) {
        uint32_t best = 0;
        for (uint32_t k = 1; k <= BOARD_CLASSES_MAX; k++)
            best = count[k] > count[best] ? k : best;
        if (!count[best])
            return;
        text_addf(t, "%s%u × %s", between, count[best], words_class(w, best));
        count[best] = 0;
        between = ", ";
    }
    text_add(t, ", …");
}

static void add_symptoms(struct text *t, const struct explain *x, const struct words *w)
{
    uint32_t *node mw_cleanup(mw_freep) = mw_calloc(x->symptoms + 1, sizeof(*node));
    uint32_t n = 0, freed = x->symptoms - explain_symptoms_now(x);
    if (!node || x->symptoms == 0) {
        t->failed |= !node;
        return;
    }
    for (uint32_t i = 0; i < x->symptoms; i++)
        if (x->symptom[i].node != MW_NONE)
            node[n++] = x->symptom[i].node;
    text_addf(t, "  %u incident%s put down to it", x->symptoms,
              x->symptoms == 1 ? " is" : "s are");
    add_classes(t, x, w);
    if (n > 0) {
        text_add(t, ", on ");
        words_nodes(t, w, node, n);
    }
    if (freed)
        text_addf(t, " (%u of them were freed: they stood for themselves)", freed);
    text_add(t, "\n");
}

static void add_seen(struct text *t, const struct explain *x, const struct words *w)
{
    text_add(t, "\nwhat was seen\n");
    add_lines(t, x->finding, x->findings);
    add_symptoms(t, x, w);
}

static void add_causes(struct text *t, const struct explain *x, const struct words *w)
{
    struct text_table table = { 0 };
    if (x->causes == 0)
        return;
    text_add(t, "\nwhat could explain it, best first\n");
    text_table_row(&table, (const char *const[]){ "", "CAUSE", "CRY", "OF BELOW IT", "SCORE",
                                                  NULL });
    for (uint32_t i = 0; i < x->causes; i++) {
        const struct cause_rank *c = &x->cause[i];
        struct text name = { 0 };
        words_component(&name, w, c->component);
        text_table_cell(&table, "%s", c->component == x->component ? "  >" : "   ");
        text_table_cell(&table, "%s", text_string(&name));
        text_table_cell(&table, "%u", c->seen);
        text_table_cell(&table, "%u", c->below);
        text_table_cell(&table, "%d", c->score);
        text_table_end(&table);
        text_fini(&name);
    }
    text_table_add(t, &table, 2);
    text_table_fini(&table);
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* Do the alternatives differ in when the job lets go? */
static bool drains(const struct explain_step *s)
{
    for (uint32_t i = 0; i < s->sums; i++)
        if (s->sum[i].drain)
            return true;
    return false;
}

static void usd_cell(struct text_table *table, int64_t uusd)
{
    struct text shown = { 0 };
    words_usd(&shown, uusd);
    text_table_cell(table, "%s", uusd ? text_string(&shown) : "-");
    text_fini(&shown);
}

static void add_sum(struct text_table *table, const struct explain_step *s, uint32_t row,
                    bool with_drain)
{
    const struct step_sum *a = &s->sum[row];
    const int64_t part[] = { a->action_uusd, a->part_uusd, a->crew_uusd, a->waiting_uusd,
                             a->harm_uusd, a->retry_uusd, a->refault_uusd, a->total_uusd };
    text_table_cell(table, "%s", row == s->body.chosen ? "  >" : "   ");
    text_table_cell(table, "%s", words_step_do(a->step));
    if (with_drain)
        text_table_cell(table, "%s", explain_drain(a->drain));
    text_table_cell(table, "%.0f %%", a->odds_ppm / 1e4);
    text_table_cell(table, "%u/%u", a->held, a->tried);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(part); i++)
        usd_cell(table, part[i]);
    text_table_cell(table, "%s", a->waits ? "stuck: waiting on" : explain_bar(a->bar));
    text_table_end(table);
}

static void add_sums(struct text *t, const struct explain_step *s)
{
    struct text_table table = { 0 };
    bool with_drain = drains(s);
    static const char *const head[] = { "CURES", "HELD/SEEN", "ACTION", "PART", "CREW", "WAITING",
                                        "JOB", "RETRY", "REFAULT", "TOTAL", "", NULL };
    text_table_cell(&table, "%s", "");
    text_table_cell(&table, "%s", "STEP");
    if (with_drain)
        text_table_cell(&table, "%s", "JOB LETS GO");
    text_table_row(&table, head);
    for (uint32_t i = 0; i < s->sums; i++)
        add_sum(&table, s, i, with_drain);
    text_table_add(t, &table, 2);
    text_table_fini(&table);
}

static void add_outcome(struct text *t, const struct explain_step *s)
{
    if (!s->done_seq)
        return;
    text_add(t, "  came of it: ");
    if (s->withdrawn)
        text_add(t, "asked for, and not needed any more");
    else if (!s->ended_seq)
        text_add(t, "asked for, no answer yet");
    else
        text_add(t, s->result == RESULT_OK       ? "done"
                    : s->result == RESULT_FAILED ? "it failed"
                                                 : "nobody knows");
    cite(t, s->ended_seq ? s->ended_seq : s->done_seq);
    text_add(t, "\n");
}

static void add_step(struct text *t, const struct explain_step *s, uint32_t number)
{
    text_addf(t, "\nstep %u: %s", number, words_step_do(s->body.step));
    if (s->body.drain)
        text_addf(t, ", the job lets go %s", explain_drain(s->body.drain));
    text_add(t, "; ");
    words_usd(t, s->body.cost_uusd);
    text_add(t, " expected, decided ");
    add_time(t, s->time_ns);
    cite(t, s->seq);
    text_add(t, "\n");
    if (s->sums > 0)
        add_sums(t, s);
    add_outcome(t, s);
}

static void add_steps(struct text *t, const struct explain *x)
{
    for (uint32_t i = 0; i < x->steps; i++)
        add_step(t, &x->step[i], i + 1);
    if (x->steps)
        text_add(t, "  (expected costs, modelled: prices and times are the policy's, the odds its "
                    "prior and what was\n  seen of repairs here until then; RETRY and REFAULT are "
                    "times the odds that it comes to that)\n");
}

void tell_incident_text(struct text *t, const struct explain *x, const struct explain_state *s,
                  const struct words *w)
{
    must(t && x && s && w);
    text_addf(t, "incident %llu: %s on ", (unsigned long long)x->incident,
              words_class(w, x->class));
    add_where(t, x, w);
    cite(t, x->incident);
    text_add(t, "\n");
    add_now(t, x, w);
    add_cost(t, x, s, w);
    add_let_go(t, x);
    add_times(t, x);
    add_seen(t, x, w);
    add_causes(t, x, w);
    add_steps(t, x);
    if (x->lines > 0)
        text_add(t, "\nwhat happened\n");
    add_lines(t, x->line, x->lines);
    if (x->left_out)
        text_addf(t, "%llu more are left out\n", (unsigned long long)x->left_out);
}
