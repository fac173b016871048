/* Verbs over many nodes.  See act.h. */
#include "cli/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/command.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/get.h"
#include "fleet/hostlist.h"

#define CHUNK_MAX 1000u /* nodes of one command at most */
#define LOOK_NS (500 * MW_NS_PER_MS)

/* ---- who ------------------------------------------------------------------------------------ */

static int note(struct act *a, const char *node, const char *why, int status)
{
    a->failed++;
    a->first_failure = a->first_failure ? a->first_failure : status;
    return json_object_set_new(a->nodes, node, json_string(why)) == 0 ? 0 : MW_ENOMEM;
}

/* The set as the query asked for it becomes the set of what is done. */
static int take_found(struct act *a, const struct get_query *q, const json_t *document)
{
    const char *name;
    json_t *found, *row;
    size_t i;
    int rc = 0;
    a->nodes = json_object();
    json_array_foreach(json_object_get(document, "rows"), i, row) {
        name = json_string_value(json_object_get(row, "name"));
        if (name != NULL && json_object_set_new(a->nodes, name, json_null()) < 0)
            rc = MW_ENOMEM;
    }
    json_object_foreach(q->names, name, found)
        if (rc == 0 && !json_is_true(found))
            rc = note(a, name, q->filter ? "there is no such node that passes the filter"
                                         : "the site has no such node", MW_ENOTFOUND);
    return rc;
}

int act_targets(struct act *a, const char *const *list, uint32_t lists, const char *filter,
                struct mw_error *err)
{
    json_t *document = NULL;
    struct get_query q = { .resource = resource_find("nodes"), .filter = filter,
                           .fields = "name", .names = lists > 0 ? json_object() : NULL };
    must(a != NULL && a->daemon != NULL && a->nodes == NULL);
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < lists; i++)
        rc = get_names_add(q.names, list[i], err);
    if (rc == 0)
        rc = get_rows(a->daemon, &q, &document, NULL, err);
    if (rc == 0)
        rc = take_found(a, &q, document);
    if (rc == MW_ENOMEM)
        rc = mw_fail(err, rc, "out of memory");
    if (rc == 0 && json_object_size(a->nodes) == a->failed)
        rc = mw_fail(err, MW_ENOTFOUND, "no such nodes: mw get nodes lists them");
    json_decref(document);
    json_decref(q.names);
    return rc;
}

/* ---- commands of up to a name's length ------------------------------------------------------ */

struct chunk {
    struct act *act;
    bool dry;
    const char *name[CHUNK_MAX]; /* keys of the set: they stay */
    uint32_t count;
    struct text list; /* owned: as it fits into one command */
    int rc;
    struct mw_error *err;
};

static int post(const struct chunk *c, const char *list, json_t **ret, struct mw_error *err)
{
    const struct act *a = c->act;
    const struct daemon_call call = {
        .path = c->dry ? "/api/v1/commands?dryRun=1" : "/api/v1/commands",
        .body = json_pack("{s:s, s:s, s:s}", "verb", a->verb, "node", list, "reason", a->reason),
    };
    if (call.body == NULL)
        return mw_fail(err, MW_EINVAL, "the reason is not UTF-8");
    int rc = daemon_ask(a->daemon, &call, ret, err);
    json_decref((json_t *)(uintptr_t)call.body);
    return rc;
}

static int64_t number_at(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* As the dry run says it: "now", "at its next checkpoint". */
static bool job_stops(const json_t *job)
{
    const char *when = json_string_value(json_object_get(job, "stops"));
    return when == NULL || strcmp(when, "it goes on") != 0;
}

/* Jobs that are hit by more than one chunk count once, so what stops is counted here: where none of
 * a chunk does, its blast says so. */
static void add_blast(struct act *a, const json_t *answer)
{
    const json_t *blast = json_object_get(answer, "blast"), *would = json_object_get(answer,
                                                                                     "would");
    bool any = number_at(blast, "jobs") > 0;
    size_t i;
    json_t *job, *note;
    a->gpus += number_at(blast, "gpus");
    json_array_foreach(json_object_get(would, "notes"), i, note)
        if (json_is_string(note))
            (void)json_object_set_new(a->notes, json_string_value(note), json_true());
    json_array_foreach(json_object_get(would, "jobs"), i, job) {
        char key[24];
        (void)snprintf(key, sizeof(key), "%lld", (long long)number_at(job, "job"));
        a->stops += any && job_stops(job) && json_object_get(a->jobs, key) == NULL;
        (void)json_object_set(a->jobs, key, job);
    }
    a->gpu_ms_lost += number_at(blast, "gpu_ms_lost");
    a->lost_uusd += number_at(blast, "lost_uusd");
}

static bool ends_all(int rc)
{
    return rc == MW_EUNREACHABLE || rc == MW_ETIMEOUT || rc == MW_EDENIED || rc == MW_ENOMEM ||
           rc == MW_ESYNTAX || rc == MW_EBUG || rc == MW_ENOSPC;
}

/* answer NULL: the daemon did not say which event it became. */
static void note_done(struct act *a, const char *node, const json_t *answer)
{
    const json_t *ev = json_object_get(answer, "recorded");
    a->done++;
    (void)json_object_set_new(a->nodes, node, json_integer(number_at(ev, "seq")));
}

/* What was refused for all is tried one by one: some may be taken. */
static void one_by_one(struct chunk *c, uint32_t from)
{
    for (uint32_t i = from; i < c->count && c->rc == 0; i++) {
        struct mw_error why = { 0 };
        json_t *answer = NULL;
        int rc = post(c, c->name[i], &answer, &why);
        if (rc == 0 && c->dry)
            add_blast(c->act, answer);
        else if (rc == 0)
            note_done(c->act, c->name[i], answer);
        else if (note(c->act, c->name[i], why.text, rc) < 0)
            c->rc = mw_fail(c->err, MW_ENOMEM, "out of memory");
        else if (ends_all(rc))
            c->rc = mw_fail(c->err, rc, "%s", why.text);
        json_decref(answer);
    }
}

/* Of a list the daemon does what stands before the first node that it refuses, and says which that
 * is: how many are done. */
static uint32_t done_before(const struct chunk *c, const char *why)
{
    static const char mark[] = "; what stands before it in the list is done";
    const char *at = strstr(why, mark);
    for (uint32_t i = 0; at != NULL && i < c->count; i++)
        if (strlen(c->name[i]) == (size_t)(at - why) &&
            memcmp(c->name[i], why, (size_t)(at - why)) == 0)
            return i;
    return 0;
}

static void send(struct chunk *c)
{
    struct mw_error why = { 0 };
    json_t *answer = NULL;
    if (c->count == 0 || c->rc < 0)
        return;
    int rc = post(c, text_string(&c->list), &answer, &why);
    uint32_t done = rc == 0 ? c->count : done_before(c, why.text);
    if (rc < 0 && ends_all(rc))
        c->rc = mw_fail(c->err, rc, "%s", why.text);
    else if (c->dry && rc == 0)
        add_blast(c->act, answer);
    for (uint32_t i = 0; !c->dry && i < done; i++)
        note_done(c->act, c->name[i], answer);
    if (rc < 0 && c->rc == 0)
        one_by_one(c, c->dry ? 0 : done);
    json_decref(answer);
    c->count = 0;
    text_clear(&c->list);
}

/* Adds a name, or sends what there is and begins with it. */
static int add(void *ctx, const char *name)
{
    struct chunk *c = ctx;
    struct text longer = { 0 };
    const char *key = NULL;
    void *at = json_object_iter_at(c->act->nodes, name);
    must(at != NULL);
    key = json_object_iter_key(at);
    c->name[c->count] = key;
    bool fits = hostlist_add(&longer, c->name, c->count + 1) == 0 &&
                longer.length < API_NAME_MAX;
    if (!fits) {
        send(c);
        text_clear(&longer);
        text_add(&longer, key);
        c->name[0] = key;
    }
    text_fini(&c->list);
    c->list = longer;
    if (++c->count == CHUNK_MAX)
        send(c);
    return c->rc;
}

/* Every node that nothing is noted of, in the order of a host list. */
static int each_chunk(struct act *a, bool dry, struct mw_error *err)
{
    struct chunk *c = mw_calloc(1, sizeof(*c));
    const char **name = mw_calloc(json_object_size(a->nodes) + 1, sizeof(*name));
    struct text list = { 0 };
    const char *key;
    json_t *noted;
    uint32_t n = 0;
    int rc = MW_ENOMEM;
    if (c != NULL && name != NULL) {
        *c = (struct chunk){ .act = a, .dry = dry, .err = err };
        json_object_foreach(a->nodes, key, noted)
            if (json_is_null(noted))
                name[n++] = key;
        rc = hostlist_add(&list, name, n);
    }
    if (rc == 0)
        rc = hostlist_each(text_string(&list), add, c, err);
    if (rc == 0) {
        send(c);
        rc = c->rc;
    }
    if (rc == MW_ENOMEM)
        rc = mw_fail(err, rc, "out of memory");
    if (c != NULL)
        text_fini(&c->list);
    text_fini(&list);
    mw_free((void *)name);
    mw_free(c);
    return rc;
}

int act_preview(struct act *a, struct mw_error *err)
{
    must(a != NULL && a->nodes != NULL && a->jobs == NULL);
    a->jobs = json_object();
    a->notes = json_object();
    a->rests_on = "modelled";
    return each_chunk(a, true, err);
}

int act_do(struct act *a, struct mw_error *err)
{
    must(a != NULL && a->nodes != NULL);
    return each_chunk(a, false, err);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static int64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static size_t not_found(json_t *names)
{
    const char *key;
    json_t *found;
    size_t n = 0;
    json_object_foreach(names, key, found)
        n += !json_is_true(found);
    return n;
}

static void forget(json_t *names)
{
    const char *key;
    json_t *found;
    json_object_foreach(names, key, found)
        (void)json_object_set_new(names, key, json_false());
}

int act_wait_rows(struct daemon *d, const struct get_query *q, int64_t timeout_ns,
                  struct mw_error *err)
{
    const struct timespec again = { .tv_nsec = LOOK_NS };
    int64_t until_ns = clock_ns() + timeout_ns;
    must(d != NULL && q != NULL && q->names != NULL);
    for (;;) {
        json_t *document = NULL;
        forget(q->names);
        int rc = get_rows(d, q, &document, NULL, err);
        json_decref(document);
        size_t left = not_found(q->names);
        if (rc < 0 || left == 0)
            return rc;
        if (clock_ns() >= until_ns) {
            struct text t = { 0 };
            get_names_missing(&t, q->names);
            rc = mw_fail(err, MW_ETIMEOUT, "%zu of %zu not yet in time: %.300s", left,
                         json_object_size(q->names), text_string(&t));
            text_fini(&t);
            return rc;
        }
        (void)nanosleep(&again, NULL);
    }
}

int act_wait(struct act *a, const char *condition, int64_t timeout_ns, struct mw_error *err)
{
    const char *key;
    json_t *noted;
    struct get_query q = { .resource = resource_find("nodes"), .filter = condition,
                           .fields = "name", .names = json_object() };
    must(a != NULL && condition != NULL);
    json_object_foreach(a->nodes, key, noted)
        if (json_is_integer(noted))
            (void)json_object_set_new(q.names, key, json_false());
    int rc = json_object_size(q.names) == 0
                 ? 0 : act_wait_rows(a->daemon, &q, timeout_ns, err);
    json_decref(q.names);
    return rc;
}

void act_first_failure(const struct act *a, char *buf, size_t size)
{
    const char *name;
    json_t *noted;
    buf[0] = '\0';
    json_object_foreach(a->nodes, name, noted)
        if (json_is_string(noted)) {
            (void)snprintf(buf, size, "%s: %s", name, json_string_value(noted));
            return;
        }
}

void act_fini(struct act *a)
{
    json_decref(a->nodes);
    json_decref(a->jobs);
    json_decref(a->notes);
    a->nodes = a->jobs = a->notes = NULL;
}
