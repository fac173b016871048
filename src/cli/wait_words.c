/* Words of states.  See wait_words.h. */
#include "cli/wait_words.h"

#include <stdio.h>
#include <string.h>

#include "api/job_state.h"
#include "api/mark.h"
#include "api/past.h"
#include "api/query.h"
#include "base/mem.h"

/* The i-th word; NULL after the last. */
typedef const char *word_fn(uint32_t i);

static const char *health_word(uint32_t i)
{
    return i < HEALTH_COUNT ? health_name(i) : NULL;
}

static const char *mark_word(uint32_t i)
{
    return i < API_MARK_COUNT ? api_mark_name((uint8_t)i) : NULL;
}

/* Those of a job that lives, then those of one that is over. */
static const char *job_word(uint32_t i)
{
    const uint32_t live = JOB_STOPPING - JOB_QUEUED + 1, over = PAST_JOB_ENDED;
    if (i < live)
        return job_state_word((uint8_t)(JOB_QUEUED + i));
    return i < live + over ? past_job_state_name(i - live + 1) : NULL;
}

static const struct {
    const char *resource, *field;
    word_fn *word;
} KNOWN[] = {
    { "nodes", "health", health_word },
    { "nodes", "state", mark_word },
    { "gpus", "state", mark_word },
    { "jobs", "state", job_word },
    { "lemons", "health", health_word },
};

static word_fn *words_of(const struct resource *r, const char *field)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(KNOWN); i++)
        if (strcmp(KNOWN[i].resource, r->name) == 0 && strcmp(KNOWN[i].field, field) == 0)
            return KNOWN[i].word;
    return NULL;
}

static bool has_word(word_fn *word, const struct api_value *v)
{
    const char *w;
    for (uint32_t i = 0; (w = word(i)) != NULL; i++)
        if (strlen(w) == v->length && memcmp(w, v->of.text, v->length) == 0)
            return true;
    return false;
}

static int no_word(const struct resource *r, const char *field, word_fn *word,
                   const struct api_value *v, struct mw_error *err)
{
    char asked[NEAREST_MAX], near_text[NEAREST_MAX + 24] = "";
    struct text all = { 0 };
    const char *w;
    (void)snprintf(asked, sizeof(asked), "%.*s", (int)MW_MIN(v->length, NEAREST_MAX - 1u),
                   v->of.text);
    struct nearest near = { .word = asked };
    for (uint32_t i = 0; (w = word(i)) != NULL; i++) {
        nearest_offer(&near, w, strlen(w));
        text_addf(&all, "%s%s", i > 0 ? ", " : "", w);
    }
    if (near.best[0] != '\0')
        (void)snprintf(near_text, sizeof(near_text), " (did you mean \"%s\"?)", near.best);
    int rc = mw_fail(err, MW_EINVAL, "the %s of %s is never \"%s\"%s: it is one of %s", field,
                     r->name, asked, near_text, text_string(&all));
    text_fini(&all);
    return rc;
}

static int check_test(const struct resource *r, const struct query *q, const struct query_test *t,
                      struct mw_error *err)
{
    bool equal = t->compare == QUERY_EQ || t->compare == QUERY_NE || t->compare == QUERY_IN;
    word_fn *word = equal ? words_of(r, t->field->name) : NULL;
    for (uint32_t i = 0; word != NULL && i < t->values; i++) {
        const struct api_value *v = &q->value[t->first + i];
        if (v->kind == VALUE_TEXT && !has_word(word, v))
            return no_word(r, t->field->name, word, v, err);
    }
    return 0;
}

int wait_words_check(const struct resource *r, const char *filter, struct mw_error *err)
{
    must(r != NULL && filter != NULL);
    const struct api_resource *a = api_resource_find(r->name);
    struct query *q mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*q));
    if (q == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = 0;
    if (a == NULL || query_parse(a, filter, strlen(filter), q, NULL) < 0)
        return 0;
    for (uint32_t i = 0; rc == 0 && i < q->tests; i++)
        rc = check_test(r, q, &q->test[i], err);
    return rc;
}
