/* Which lines of a story a principal gets.  See story_scope.h. */
#include "api/story_scope.h"

#include "api/about.h"
#include "base/mem.h"

/* Of its job's own story a tenant hears all, what befell its nodes with it; of other jobs, as where
 * the events themselves are asked for.  The halls are those of the places named. */
static bool hears_line(const struct api_view_of *of, const struct story *s,
                       const struct event *ev, const struct principal *who)
{
    const struct board *b = of->control->board;
    struct about a = about_event(ev, b->fleet, b);
    struct principal halls = *who;
    halls.tenants = 0;
    if (a.of_job && a.job == s->job)
        return true;
    return about_seen(&a, b->fleet, a.of_job ? who : &halls);
}

/* The line again without the name of the job that room was made for. */
static int say_stop(const struct api_view_of *of, struct story_line *line,
                    const struct event *ev, const void *tail, struct mw_error *err)
{
    struct text t = { 0 };
    words_of_event(&t, of->words, ev, ev->tail_size ? tail : NULL);
    mw_free(line->text);
    line->text = t.failed ? NULL : mw_strdup(text_string(&t));
    text_fini(&t);
    return line->text != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

int story_narrow(const struct api_view_of *of, struct story *s, const struct principal *who,
                 struct mw_error *err)
{
    must(of != NULL && s != NULL && who != NULL);
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    uint32_t lines = s->lines, kept = 0;
    int rc = tail != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; rc == 0 && i < lines; i++) {
        struct story_line line = s->line[i];
        struct event ev;
        rc = of->journal->ops->get(of->journal, line.seq, &ev, tail, err);
        if (rc < 0 || (line.kind != EV_NONE && !hears_line(of, s, &ev, who)))
            continue;
        if (line.kind == EV_ATTEMPT_STOP && ev.body.stop.job == s->job)
            rc = say_stop(of, &line, &ev, tail, err);
        s->line[i] = s->line[kept]; /* what is left out goes to the end */
        s->line[kept++] = line;
    }
    for (uint32_t i = kept; rc == 0 && i < lines; i++)
        mw_free(s->line[i].text);
    s->lines = rc == 0 ? kept : lines;
    return rc;
}
