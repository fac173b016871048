/*
 * A job's story as `mw why` and GET /api/v1/jobs/{id}?format=text tell it: every
 * line cites the event that says so.
 */
#include "api/tell_job.h"

#include <string.h>

#include "base/mem.h"
#include "base/units.h"

static double hours(int64_t gpu_ms)
{
    return (double)gpu_ms / MW_MS_PER_HOUR;
}

/* "[#57]" of the event that says so; nothing for 0. */
static void add_citation(struct text *t, uint64_t seq)
{
    if (seq)
        text_addf(t, "  [#%llu]", (unsigned long long)seq);
}

static void add_head(struct text *t, const struct story *s, const struct words *w)
{
    text_addf(t, "job %llu", (unsigned long long)s->job);
    if (s->name) {
        text_add(t, " ");
        words_quote(t, s->name, (uint32_t)strlen(s->name));
    }
    text_addf(t, ": %u GPU%s on %u node%s, tenant %u", s->gpus, s->gpus == 1 ? "" : "s", s->nodes,
              s->nodes == 1 ? "" : "s", s->tenant);
    add_citation(t, s->submitted_seq);
    text_add(t, "\nnow      ");
    story_now(t, s, w);
    add_citation(t, s->state_seq);
    text_add(t, "\nresumes  ");
    story_resume(t, s);
    add_citation(t, s->state == STORY_DONE ? 0 : s->saved_seq);
}

static void add_cost(struct text *t, const struct story_cost *c, const struct words *w)
{
    const struct {
        const char *words;
        int64_t gpu_ms;
    } part[] = {
        { "starting", c->starting }, { "checkpoints", c->checkpoint },
        { "work done again", c->redone }, { "standing still", c->standing },
        { "work never saved", c->unsaved }, { "slower than it should be", c->slowed },
    };
    const char *between = ": ";
    text_addf(t, "\nlost     %.2f of %.2f GPU-hours", hours(c->lost), hours(c->held));
    for (uint32_t i = 0; i < MW_ARRAY_LEN(part); i++) {
        if (part[i].gpu_ms == 0)
            continue;
        text_addf(t, "%s%s %.2f", between, part[i].words, hours(part[i].gpu_ms));
        between = ", ";
    }
    if (c->unreported > 0)
        text_addf(t, "; %.2f not reported yet", hours(c->unreported));
    if (c->waiting_ms > 0) {
        text_add(t, "; waited ");
        words_span_ms(t, c->waiting_ms);
        text_add(t, " between attempts");
    }
    text_addf(t, " (%s)\n", words_basis(w->policy));
}

static bool has_phases(const struct story_attempt *a)
{
    for (uint32_t p = 0; p < PHASE_COUNT; p++)
        if (a->phase_ns[p] >= 0)
            return a->how != 0;
    return false;
}

/* One line for each time the job was struck: how long each step took. */
static void add_phases(struct text *t, const struct story *s)
{
    for (uint32_t i = 0; i < s->attempts; i++) {
        const struct story_attempt *a = &s->attempt[i];
        const char *between = "";
        if (!has_phases(a))
            continue;
        text_addf(t, "steps    after attempt %u: ", a->number);
        for (uint32_t p = 0; p < PHASE_COUNT; p++) {
            char shown[40];
            if (a->phase_ns[p] < 0)
                continue;
            mw_format_duration(a->phase_ns[p], shown, sizeof(shown));
            text_addf(t, "%s%s %s", between, story_phase_name(p), shown);
            between = ", ";
        }
        add_citation(t, a->ended_seq);
        text_add(t, "\n");
    }
}

static void add_lines(struct text *t, const struct story *s)
{
    text_add(t, "\n");
    for (uint32_t i = 0; i < s->lines; i++) {
        char time[40];
        mw_format_time(s->line[i].time_ns, time, sizeof(time));
        text_addf(t, "%s  %s", time, s->line[i].text);
        add_citation(t, s->line[i].seq);
        text_add(t, "\n");
    }
    if (s->left_out)
        text_addf(t, "%llu more lines are left out\n", (unsigned long long)s->left_out);
}

void tell_job_text(struct text *t, const struct story *s, const struct words *w)
{
    must(t != NULL && s != NULL && w != NULL);
    add_head(t, s, w);
    add_cost(t, &s->cost, w);
    add_phases(t, s);
    add_lines(t, s);
}
