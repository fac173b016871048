/* Event streams over real sockets: whoever listens hears all once, or hears what he missed. */
#include "api/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/feed_rig.h"
#include "api/stream_private.h"

#define STREAM "/api/v1/stream"

static void command(struct feed_rig *f, uint8_t verb, uint32_t node)
{
    struct event ev = { .kind = EV_COMMAND, .source = SOURCE_PERSON, .actor = 7, .tail_size = 6 };
    enum admit admit = ADMIT_OK;
    ev.body.command = (struct body_command){ .node = node, .hall = MW_NONE, .slot = MW_NONE,
                                             .verb = verb };
    f->rig->now_ns += RIG_SECOND;
    assert_int_equal(core_submit(f->rig->control->core, f->rig->now_ns, &ev, "a look", &admit,
                                 NULL), 0);
    assert_int_equal(admit, ADMIT_OK);
}

/* A person holds a node and lets it go: two events that everybody is told of, all in one commit. */
static void hold(struct feed_rig *f, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        command(f, CMD_HOLD, i % 8);
        command(f, CMD_RELEASE, i % 8);
    }
    assert_int_equal(core_commit(f->rig->control->core, NULL), 0);
}

static void id_of(char ret[32], uint64_t seq)
{
    (void)snprintf(ret, 32, "id: %llu\nevent: co", (unsigned long long)seq);
}

/* Every id is above the one before. */
static void in_order(const struct feed_stream *s, uint64_t after)
{
    for (const char *at = NULL; (at = feed_stream_next(s, at, "id: ")) != NULL;) {
        uint64_t seq = strtoull(at + 4, NULL, 10);
        const char *line = memchr(at, '\n', 40);
        bool bookmark = line && strncmp(line, "\nevent: bookmark", 16) == 0;
        if (seq < after || (seq == after && !bookmark))
            fail_msg("event %llu came after %llu", (unsigned long long)seq,
                     (unsigned long long)after);
        after = seq;
    }
}

static uint64_t now_seq(const struct feed_rig *f)
{
    return core_seq(f->rig->control->core);
}

static struct feed_rig *make(void)
{
    struct feed_rig *f = feed_rig_make(8);
    feed_rig_serve(f);
    return f;
}

static void whoever_listens_hears_each_event_once_and_in_order(void **state)
{
    (void)state;
    struct feed_rig *f = make();
    struct feed_stream s[3];
    char last[32];
    uint64_t before = now_seq(f);
    for (uint32_t i = 0; i < 3; i++)
        feed_stream_open(f, STREAM, "", &s[i]);
    hold(f, 20);
    feed_rig_tell(f);
    id_of(last, now_seq(f));
    for (uint32_t i = 0; i < 3; i++) {
        feed_stream_wait(&s[i], last);
        assert_int_equal(feed_stream_count(&s[i], "event: command"), 40);
        in_order(&s[i], before);
        assert_non_null(strstr(text_string(&s[i].text), "\"about\":{\"node\":"));
        feed_stream_wait(&s[i], "event: bookmark\ndata: {\"now\":\"");
        feed_stream_close(&s[i]);
    }
    feed_rig_free(f);
}

static void a_client_that_comes_back_misses_nothing(void **state)
{
    (void)state;
    struct feed_rig *f = make();
    struct feed_stream s, back;
    char last[32], head[64];
    uint64_t first = now_seq(f);
    hold(f, 3000); /* nobody listens: only the record has them */
    feed_rig_tell(f);
    (void)snprintf(head, sizeof(head), "Last-Event-ID: %llu\r\n", (unsigned long long)first);
    feed_stream_open(f, STREAM, head, &s);
    id_of(last, now_seq(f));
    feed_stream_wait(&s, last);
    assert_int_equal(feed_stream_count(&s, "event: command"), 6000);
    in_order(&s, first);
    hold(f, 50);
    feed_rig_tell(f);
    id_of(last, now_seq(f));
    feed_stream_wait(&s, last);
    assert_int_equal(feed_stream_count(&s, "event: command"), 6100);
    (void)snprintf(head, sizeof(head), "Last-Event-ID: %llu\r\n",
                   (unsigned long long)now_seq(f) - 60);
    feed_stream_open(f, STREAM, head, &back); /* from the ring that the other keeps alive */
    feed_stream_wait(&back, last);
    assert_int_equal(feed_stream_count(&back, "event: command"), 60);
    in_order(&back, now_seq(f) - 60);
    feed_stream_close(&back);
    feed_stream_close(&s);
    feed_rig_free(f);
}

static void a_place_that_the_record_never_had_is_gone(void **state)
{
    (void)state;
    struct feed_rig *f = make();
    struct feed_answer a;
    feed_ask(f, "GET", STREAM, "Last-Event-ID: 999999\r\n", "", &a);
    assert_int_equal(a.status, 410);
    assert_non_null(strstr(text_string(&a.body), "read the lists again"));
    text_fini(&a.body);
    feed_ask(f, "GET", STREAM, "Last-Event-ID: here\r\n", "", &a);
    assert_int_equal(a.status, 400);
    text_fini(&a.body);
    feed_ask(f, "GET", STREAM "?kind=command,nonsense", "", "", &a);
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(text_string(&a.body), "nonsense"));
    text_fini(&a.body);
    feed_rig_free(f);
}

static void who_asks_for_kinds_gets_these_and_who_asks_for_all_gets_all(void **state)
{
    (void)state;
    struct feed_rig *f = make();
    struct feed_stream some, all, usual;
    char path[128], last[32];
    uint64_t first = now_seq(f);
    (void)snprintf(path, sizeof(path), STREAM "?kind=all&after=%llu", (unsigned long long)first);
    (void)rig_finding(f->rig, 2, RIG_KILLS);
    feed_rig_tell(f);
    feed_stream_open(f, path, "", &all);
    (void)snprintf(path, sizeof(path), STREAM "?kind=finding.opened,command&after=%llu",
                   (unsigned long long)first);
    feed_stream_open(f, path, "", &some);
    (void)snprintf(path, sizeof(path), STREAM "?after=%llu", (unsigned long long)first);
    feed_stream_open(f, path, "", &usual);
    (void)rig_finding(f->rig, 3, RIG_KILLS);
    hold(f, 1);
    feed_rig_tell(f);
    id_of(last, now_seq(f));
    feed_stream_wait(&all, last);
    feed_stream_wait(&some, last);
    feed_stream_wait(&usual, last);
    assert_int_equal(feed_stream_count(&all, "\ndata: {\"seq\""), now_seq(f) - first);
    assert_int_equal(feed_stream_count(&some, "event: finding.opened"), 2);
    assert_int_equal(feed_stream_count(&some, "\ndata: {\"seq\""), 4);
    assert_int_equal(feed_stream_count(&usual, "event: finding.opened"), 0);
    assert_int_equal(feed_stream_count(&usual, "event: incident.opened"), 2);
    in_order(&all, first);
    feed_stream_close(&all);
    feed_stream_close(&some);
    feed_stream_close(&usual);
    feed_rig_free(f);
}

/* What it was told that it missed. */
static uint64_t left_out_of(const struct feed_stream *s)
{
    static const char mark[] = "event: dropped\ndata: {\"left_out\":";
    uint64_t sum = 0;
    for (const char *at = NULL; (at = feed_stream_next(s, at, mark)) != NULL;)
        sum += strtoull(at + strlen(mark), NULL, 10);
    return sum;
}

static void a_client_that_reads_slowly_loses_events_and_is_told_how_many(void **state)
{
    (void)state;
    struct feed_rig *f = make();
    struct feed_stream slow, fast[4];
    char last[32];
    uint32_t rounds = 21000;
    uint64_t first = now_seq(f);
    feed_stream_open(f, STREAM, "", &slow);
    for (uint32_t i = 0; i < 4; i++)
        feed_stream_open(f, STREAM, "", &fast[i]);
    for (uint32_t i = 0; i < 30; i++) {
        feed_stream_sip(&slow, 65536); /* who takes nothing at all is dropped by the server */
        hold(f, rounds / 30);
        feed_rig_tell(f);
        id_of(last, now_seq(f));
        for (uint32_t k = 0; k < 4; k++)
            feed_stream_wait(&fast[k], last);
    }
    for (uint32_t k = 0; k < 4; k++) {
        assert_int_equal(feed_stream_count(&fast[k], "event: command"), rounds * 2);
        assert_int_equal(feed_stream_count(&fast[k], "event: dropped"), 0);
        in_order(&fast[k], first);
        feed_stream_close(&fast[k]);
    }
    feed_stream_wait(&slow, last);
    assert_true(left_out_of(&slow) > 0);
    assert_int_equal(feed_stream_count(&slow, "event: command") + left_out_of(&slow), rounds * 2);
    in_order(&slow, first);
    feed_stream_close(&slow);
    feed_rig_free(f);
}

static void a_server_that_ends_ends_its_streams(void **state)
{
    (void)state;
    struct feed_rig *f = make();
    struct feed_stream s;
    feed_stream_open(f, STREAM, "", &s);
    feed_stream_wait(&s, "event: bookmark");
    feed_rig_stop(f);
    feed_stream_close(&s);
    feed_rig_free(f);
}

/* ---- the ring ------------------------------------------------------------------------------- */

static void count_leaving(void *ctx, const struct frame_text *f)
{
    uint64_t *last = ctx;
    assert_true(f->seq > *last);
    *last = f->seq;
}

static void the_ring_keeps_the_newest_within_its_bytes(void **state)
{
    (void)state;
    struct stream_ring r = { .told = 5, .notable_from = 5, .all_from = 5 };
    uint64_t left = 5;
    assert_true(stream_ring_begin(&r));
    assert_int_equal(r.notable_from, 5);
    for (uint64_t seq = 6; seq < 3000; seq += 2) {
        struct frame_text f = { .seq = seq, .kind = EV_COMMAND, .size = 8192,
                                .text = calloc(1, 8192) };
        const struct event passed = { .seq = seq + 1, .kind = EV_TIMER_FIRED };
        stream_ring_add(&r, &f, count_leaving, &left);
        stream_ring_pass(&r, &passed, false);
        assert_true(r.bytes <= STREAM_RING_BYTES);
    }
    assert_int_equal(r.count, STREAM_RING_BYTES / 8192);
    assert_int_equal(r.notable_from, left);  /* what left is no longer there … */
    assert_int_equal(r.all_from, 2999);      /* … and what was passed over never was */
    assert_int_equal(stream_ring_at(&r, stream_ring_find(&r, left))->seq, left + 2);
    assert_int_equal(stream_ring_at(&r, stream_ring_find(&r, left + 2))->seq, left + 4);
    assert_int_equal(stream_ring_find(&r, 2998), r.count);
    stream_ring_end(&r);
    assert_int_equal(r.bytes, 0);
    assert_int_equal(r.notable_from, 2999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ring_keeps_the_newest_within_its_bytes),
        cmocka_unit_test(whoever_listens_hears_each_event_once_and_in_order),
        cmocka_unit_test(a_client_that_comes_back_misses_nothing),
        cmocka_unit_test(a_place_that_the_record_never_had_is_gone),
        cmocka_unit_test(who_asks_for_kinds_gets_these_and_who_asks_for_all_gets_all),
        cmocka_unit_test(a_client_that_reads_slowly_loses_events_and_is_told_how_many),
        cmocka_unit_test(a_server_that_ends_ends_its_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
