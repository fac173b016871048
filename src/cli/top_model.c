/* The questions of mw top.  See top_model.h. */
#include "cli/top_model.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

#define ASK_NS (3 * MW_NS_PER_S)

const struct top_list TOP_LISTS[TOP_TABS] = {
    [TOP_NODES] = { "nodes", "name,health,state,job,tenant,incident,class,holds,lost_uusd",
                    "name,class,hall",
                    { "-incident,-holds,-lost_uusd,name", "name", "health,name", "job,name",
                      "-lost_uusd,name" },
                    { "trouble", "name", "health", "job", "cost" } },
    [TOP_INCIDENTS] = { "incidents",
                        "incident,class,on,state,age_ms,symptoms,lost_uusd,"
                        "stake_uusd_per_hour,next", "class,on,place",
                        { "-stake_uusd_per_hour", "-lost_uusd", "-age_ms", "class" },
                        { "an hour", "cost", "age", "class" } },
    [TOP_JOBS] = { "jobs", "job,name,tenant,state,gpus,attempt,progress_ms,work_ms,unsaved_ms,"
                   "expected_end,risk", "name,state,risk",
                   { "-gpus,job", "job", "-unsaved_ms,job", "expected_end,job" },
                   { "size", "number", "at stake", "end" } },
    [TOP_QUEUE] = { "queue", "place,job,tenant,priority,gpus,nodes,waited_ms,expected_start,why",
                    "why", { "place", "-gpus", "-waited_ms" }, { "place", "size", "waiting" } },
    [TOP_ORDERS] = { "orders", "order,state,place,component,do,part,who,age_ms,"
                     "stake_uusd_per_hour", "component,place,do,part",
                     { NULL, "-stake_uusd_per_hour", "-age_ms" }, { "urgency", "an hour", "age" } },
};

static int64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

/* A word as a pattern: what would end the quotes is left out. */
static void add_pattern(struct text *t, const char *word)
{
    text_add(t, "\"*");
    for (; *word != '\0'; word++)
        if (*word != '"' && *word != '\\')
            text_add_n(t, word, 1);
    text_add(t, "*\"");
}

void top_filter(const struct top_wish *w, struct text *ret)
{
    const char *field = TOP_LISTS[w->tab].pattern;
    if (w->filter[0] == '\0')
        return;
    if (strpbrk(w->filter, "=<>~") != NULL) {
        text_add(ret, w->filter);
        return;
    }
    for (const char *at = field; *at != '\0';) {
        size_t n = strcspn(at, ",");
        text_addf(ret, "%s%.*s~", at == field ? "" : " or ", (int)n, at);
        add_pattern(ret, w->filter);
        at += n + (at[n] == ',');
    }
}

static json_t *ask(struct daemon *d, const char *path, struct mw_error *err)
{
    const struct daemon_call c = { .path = path, .timeout_ns = ASK_NS };
    json_t *o = NULL;
    return daemon_ask(d, &c, &o, err) < 0 ? NULL : o;
}

static void ask_heat(struct daemon *d, struct top_model *m)
{
    const struct daemon_call c = { .path = "/api/v1/fleet/heat?metric=state",
                                   .timeout_ns = ASK_NS };
    struct mw_error err = { 0 };
    if (daemon_fetch(d, &c, &m->heat, &err) < 0)
        text_clear(&m->heat);
    for (size_t i = 0; i < m->heat.length; i++) {
        unsigned char mark = (unsigned char)m->heat.data[i];
        m->marks[mark < MARKS ? mark : MARK_UNKNOWN]++;
    }
}

static void ask_list(struct daemon *d, struct top_model *m)
{
    const struct top_list *l = &TOP_LISTS[m->wish.tab];
    struct text filter = { 0 }, path = { 0 };
    struct mw_error err = { 0 };
    struct get_query q = { .resource = resource_find(l->resource),
                           .sort = l->sort[m->wish.sort], .fields = l->fields };
    must(q.resource != NULL && m->wish.sort < TOP_SORTS_MAX);
    top_filter(&m->wish, &filter);
    if (resource_columns(q.resource, l->fields, &m->columns, &err) == 0) {
        get_path(&path, &q, text_string(&filter), NULL, m->wish.rows);
        m->list = ask(d, text_string(&path), &err);
    }
    if (m->list == NULL)
        m->trouble = err;
    text_fini(&filter);
    text_fini(&path);
}

void top_model_ask(struct daemon *d, const struct top_wish *wish, struct top_model *ret)
{
    struct mw_error err = { 0 };
    int64_t began_ns = clock_ns();
    must(d != NULL && wish != NULL && wish->tab < TOP_TABS && ret != NULL);
    *ret = (struct top_model){ .wish = *wish };
    ask_list(d, ret);
    bool gone = ret->trouble.code == MW_EUNREACHABLE || ret->trouble.code == MW_ETIMEOUT;
    if (!gone) {
        ret->summary = ask(d, "/api/v1/summary", &err);
        ask_heat(d, ret);
        ret->replay = ask(d, "/api/v1/replay", &err);
        if (!json_is_true(json_object_get(ret->replay, "replaying"))) {
            json_decref(ret->replay);
            ret->replay = NULL;
        }
    }
    ret->took_ns = clock_ns() - began_ns;
}

void top_model_fini(struct top_model *m)
{
    if (m == NULL)
        return;
    json_decref(m->summary);
    json_decref(m->replay);
    json_decref(m->list);
    text_fini(&m->heat);
    *m = (struct top_model){ 0 };
}
