/* The record in rows: the newest, those after or before one, of a kind, about something; over a
 * journal in a folder and a replica of it, as the server has them. */
#include "api/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "api/lists_testing.h"
#include "base/mem.h"
#include "fleet/site.h"
#include "store/journal_sqlite.h"

struct site {
    char dir[64];
    struct rig *rig;
    struct replica *replica;
    struct principal who;
    int status;
    struct mw_error err;
};

/* Two hundred random steps on eight nodes, on disk, and a replica that has read them. */
static struct site *a_record(void)
{
    struct site *s = mw_calloc(1, sizeof(*s));
    struct journal *j = NULL;
    struct fleet *f = NULL;
    bool more = true;
    struct control_policy p = rig_policy();
    assert_non_null(s);
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/mw-events-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(journal_sqlite_open(s->dir, NULL, &j, &s->err), 0);
    assert_int_equal(site_simple(8, &f, &s->err), 0);
    s->rig = rig_make_on(f, &p, j, false);
    for (uint64_t n = 0; n < 200; n++)
        rig_chaos(s->rig, 3, n);
    const struct replica_options o = { .journal_dir = s->dir };
    assert_int_equal(replica_create(&o, &s->replica, &s->err), 0);
    while (more)
        assert_int_equal(replica_catch_up(s->replica, 0, &more, &s->err), 0);
    s->who = (struct principal){ .name = "test", .roles = 1u << ROLE_ADMIN };
    return s;
}

static void end(struct site *s)
{
    char command[128];
    struct fleet *f = s->rig->fleet;
    replica_destroy(s->replica);
    rig_free(s->rig);
    fleet_destroy(f);
    static const char *const file[] = { "journal.db", "journal.db-wal", "journal.db-shm", "head",
                                        "lock" };
    for (size_t i = 0; i < MW_ARRAY_LEN(file); i++) {
        (void)snprintf(command, sizeof(command), "%s/%s", s->dir, file[i]);
        (void)unlink(command);
    }
    (void)rmdir(s->dir);
    mw_free(s);
}

/* NULL when it was refused: s->status, s->err. */
static json_t *get(struct site *s, const char *query)
{
    struct api_answer a = { .status = 200 };
    struct api_call call = { .replica = s->replica, .who = &s->who, .query = query, .body = "" };
    s->err = (struct mw_error){ 0 };
    int rc = api_get_events(&call, &a, &s->err);
    s->status = a.status;
    json_t *o = NULL;
    if (rc == 0) {
        size_t size = evbuffer_get_length(a.raw);
        o = json_loadb((const char *)evbuffer_pullup(a.raw, -1), size, 0, NULL);
        assert_non_null(o);
    }
    if (a.raw != NULL)
        evbuffer_free(a.raw);
    return o;
}

static uint64_t seq_at(const json_t *o, size_t i)
{
    return (uint64_t)number_of(row_at(o, i), "seq");
}

static void without_a_place_the_newest_are_told_oldest_first(void **state)
{
    (void)state;
    struct site *s = a_record();
    uint64_t head = replica_seq(s->replica);
    json_t *o = get(s, "limit=10");
    assert_int_equal(rows_of(o), 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(seq_at(o, i), head - 9 + i);
    assert_int_equal(number_of(o, "next"), head);
    assert_int_equal(number_of(o, "previous"), head - 9);
    assert_true(json_string_length(json_object_get(row_at(o, 0), "text")) > 0);
    json_decref(o);
    end(s);
}

/* Every page of a walk, on from 0 or back from the head, is there once. */
static void pages_on_and_back_are_the_whole_record(void **state)
{
    (void)state;
    struct site *s = a_record();
    uint64_t head = replica_seq(s->replica), at = 0, seen = 0;
    char query[64];
    while (at < head) {
        (void)snprintf(query, sizeof(query), "limit=17&after=%llu", (unsigned long long)at);
        json_t *o = get(s, query);
        assert_true(rows_of(o) > 0);
        for (size_t i = 0; i < rows_of(o); i++)
            assert_int_equal(seq_at(o, i), ++seen);
        at = (uint64_t)number_of(o, "next");
        json_decref(o);
    }
    assert_int_equal(seen, head);
    for (uint64_t before = head + 1; before != 0;) {
        (void)snprintf(query, sizeof(query), "limit=17&before=%llu", (unsigned long long)before);
        json_t *o = get(s, query);
        for (size_t i = rows_of(o); i-- > 0;)
            assert_int_equal(seq_at(o, i), seen--);
        const json_t *previous = json_object_get(o, "previous");
        before = json_is_null(previous) ? 0 : (uint64_t)json_integer_value(previous);
        json_decref(o);
    }
    assert_int_equal(seen, 0);
    end(s);
}

static void a_kind_and_a_thing_can_be_asked_for(void **state)
{
    (void)state;
    struct site *s = a_record();
    uint32_t opened = rig_count(s->rig, EV_INCIDENT_OPENED);
    char query[128];
    assert_true(opened > 0);
    json_t *o = get(s, "limit=1000&kind=incident.opened");
    assert_int_equal(rows_of(o), opened);
    uint64_t incident = seq_at(o, 0);
    assert_string_equal(text_of(row_at(o, 0), "kind"), "incident.opened");
    json_decref(o);
    (void)snprintf(query, sizeof(query), "limit=1000&about=incident:%llu",
                   (unsigned long long)incident);
    o = get(s, query);
    assert_true(rows_of(o) >= 1);
    for (size_t i = 0; i < rows_of(o); i++)
        assert_int_equal(number_of(json_object_get(row_at(o, i), "about"), "incident"), incident);
    json_decref(o);
    (void)snprintf(query, sizeof(query), "limit=1000&kind=node.moved&about=%s",
                   fleet_name(s->rig->fleet, component_id(COMPONENT_NODE, 2)));
    uint32_t moved = 0;
    for (uint32_t i = 0; i < s->rig->log_length; i++)
        moved += s->rig->log[i].ev.kind == EV_NODE_MOVED &&
                 s->rig->log[i].ev.body.node.node == 2;
    o = get(s, query);
    assert_true(moved > 0);
    assert_int_equal(rows_of(o), moved);
    json_decref(o);
    end(s);
}

static void what_is_asked_wrongly_is_refused_with_words(void **state)
{
    (void)state;
    struct site *s = a_record();
    static const struct {
        const char *query, *says;
    } list[] = { { "limit=0", "limit" }, { "limit=1001", "limit" }, { "after=x", "after" },
                 { "kind=nothing", "nothing" }, { "about=nowhere", "'nowhere' is neither" } };
    for (size_t i = 0; i < MW_ARRAY_LEN(list); i++) {
        assert_null(get(s, list[i].query));
        assert_int_equal(s->status, 400);
        if (strstr(s->err.text, list[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", s->err.text, list[i].says);
    }
    end(s);
}

static void who_sees_one_tenant_hears_of_its_jobs_only(void **state)
{
    (void)state;
    struct site *s = a_record();
    s->who = (struct principal){ .name = "t", .roles = 1u << ROLE_USER, .tenants = 1,
                                 .tenant = { 4711 } };
    json_t *o = get(s, "limit=1000");
    assert_int_equal(rows_of(o), 0);
    json_decref(o);
    end(s);
}

static void one_event_has_every_field_and_a_sentence(void **state)
{
    (void)state;
    struct site *s = a_record();
    struct api_answer a = { .status = 200 };
    struct api_call call = { .replica = s->replica, .who = &s->who, .arg = { "2" }, .body = "" };
    assert_int_equal(api_get_event(&call, &a, &s->err), 0);
    assert_int_equal(number_of(a.json, "seq"), 2);
    assert_true(json_is_object(json_object_get(a.json, "body")));
    assert_true(json_string_length(json_object_get(a.json, "sentence")) > 0);
    json_decref(a.json);
    static const char *const no_events[] = { "0", "999999999", "x", "-1" };
    for (size_t i = 0; i < MW_ARRAY_LEN(no_events); i++) {
        a = (struct api_answer){ .status = 200 };
        call.arg[0] = no_events[i];
        assert_int_equal(api_get_event(&call, &a, &s->err), MW_ENOTFOUND);
        assert_int_equal(a.status, 404);
    }
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_place_the_newest_are_told_oldest_first),
        cmocka_unit_test(pages_on_and_back_are_the_whole_record),
        cmocka_unit_test(a_kind_and_a_thing_can_be_asked_for),
        cmocka_unit_test(what_is_asked_wrongly_is_refused_with_words),
        cmocka_unit_test(who_sees_one_tenant_hears_of_its_jobs_only),
        cmocka_unit_test(one_event_has_every_field_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
