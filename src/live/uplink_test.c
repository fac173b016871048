/*
 * The uplink against the real listener, over TCP.  What would break for the user: a
 * fact that is lost on the way, a node that seems dead while its backlog goes out.
 */
#include "live/uplink_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void events_are_sent_again_until_they_are_acknowledged(void **state)
{
    struct bench *b = *state;
    link_up(b, NULL);
    kmsg(b, 1); /* before there is a connection */
    turn_until(b, b->events == 1);
    assert_int_equal(b->hello_e, 1);
    kmsg(b, 2);
    turn_until(b, b->events == 2);
    ack(b, 1);
    turn_until(b, spool_unacked(b->uplink.spool) == 1);
    daemon_dies(b);
    kmsg(b, 3);
    turn_until(b, !uplink_is_up(&b->uplink));
    daemon_begins(b);
    turn_until(b, b->events == 4);
    assert_int_equal(b->hello_e, 2);
    assert_string_equal(b->text, "xid-1,xid-2,xid-2,xid-3,");
    ack(b, 3);
    turn_until(b, spool_unacked(b->uplink.spool) == 0);
    assert_int_equal(uplink_stats(&b->uplink).acked, 3);
}

static void an_agent_that_was_killed_sends_what_it_had(void **state)
{
    struct bench *b = *state;
    link_up(b, NULL);
    turn_until(b, uplink_is_up(&b->uplink));
    daemon_dies(b);
    kmsg(b, 1);
    kmsg(b, 2);
    uplink_fini(&b->uplink); /* as a kill: nothing is said, nothing more is written */
    link_up(b, NULL);
    kmsg(b, 3);
    daemon_begins(b);
    turn_until(b, b->events == 3);
    assert_string_equal(b->text, "xid-1,xid-2,xid-3,");
    assert_int_equal(b->last_e, 3);
}

static void a_backlog_does_not_keep_samples_and_beats_waiting(void **state)
{
    struct bench *b = *state;
    const struct agent_frame beat = { .verb = AGENT_BEAT, .n = 1 };
    uint8_t payload[300];
    link_up(b, NULL);
    for (uint64_t n = 1; n <= 20000; n++)
        kmsg(b, n);
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(sizeof(payload) + i);
    turn_until(b, b->events > 4000);
    assert_true(spool_sent(b->uplink.spool) < 6000); /* a window, as nothing is acknowledged */
    send_record(b, payload, sizeof(payload));
    turn_until(b, b->samples == 1);
    uplink_beat(&b->uplink, now_ms(), &beat);
    turn_until(b, b->beats == 1);
    for (uint32_t i = 0; i < TURNS_MAX && b->events < 20000; i++) {
        ack(b, b->last_e);
        turn(b);
    }
    assert_int_equal(b->events, 20000);
    assert_int_equal(b->last_e, 20000);
}

static void samples_of_every_size_arrive_between_lines(void **state)
{
    struct bench *b = *state;
    const uint8_t one = 2;
    link_up(b, NULL);
    assert_false(uplink_samples(&b->uplink, now_ms(), &one, 1)); /* no connection: coalesce */
    turn_until(b, uplink_is_up(&b->uplink));
    send_samples(b);
}

static void the_clocks_difference_is_measured(void **state)
{
    struct bench *b = *state;
    int64_t skew_us = 0, error_us = 0;
    link_up(b, NULL);
    turn_until(b, uplink_skew(&b->uplink, &skew_us, &error_us));
    assert_true(skew_us >= -error_us && skew_us <= error_us); /* it is one clock */
    assert_true(error_us < 10000000);
}

static void what_the_daemon_asks_reaches_the_program(void **state)
{
    struct bench *b = *state;
    const struct agent_frame act = { .verb = AGENT_ACT, .n = 9, .gpu = 3, .lease_ms = 1000,
                                     .action = "reset-gpu" };
    link_up(b, NULL);
    turn_until(b, uplink_is_up(&b->uplink));
    assert_int_equal(b->taken_verb, AGENT_WELCOME);
    assert_true(listener_send(b->listener, b->peer, &act));
    turn_until(b, b->taken == 2);
    assert_int_equal(b->taken_verb, AGENT_ACT);
}

static void events_lost_to_a_full_spool_are_counted_and_said(void **state)
{
    struct bench *b = *state;
    struct agent_frame hello = { .verb = AGENT_HELLO, .name = "n1", .boot = BOOT };
    const struct uplink_options o = { .who = "test", .host = "127.0.0.1", .port = b->port,
                                      .hello = &hello, .spool_dir = b->state,
                                      .spool_bytes = 4096 };
    assert_int_equal(uplink_init(&b->uplink, &o, &b->err), 0);
    b->linked = true;
    for (uint64_t n = 1; n <= 200; n++)
        kmsg(b, n);
    uint64_t lost = uplink_stats(&b->uplink).spool_dropped;
    assert_true(lost > 50 && lost < 200);
    turn_until(b, b->events == 200 - lost);
    assert_int_equal(memcmp(b->text, "xid-1,xid-2,", 12), 0); /* the first are kept */
}

static void a_refused_agent_says_why_once(void **state)
{
    struct bench *b = *state;
    assert_int_equal(link_as(b, "m5", false, NULL), 0);
    turn_until(b, uplink_stats(&b->uplink).refused == 1);
    expect_said(b->uplink.trouble, "no such node");
}

int main(void)
{
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, setup_plain, teardown)
    const struct CMUnitTest tests[] = {
        PLAIN(events_are_sent_again_until_they_are_acknowledged),
        PLAIN(an_agent_that_was_killed_sends_what_it_had),
        PLAIN(a_backlog_does_not_keep_samples_and_beats_waiting),
        PLAIN(samples_of_every_size_arrive_between_lines),
        PLAIN(the_clocks_difference_is_measured),
        PLAIN(what_the_daemon_asks_reaches_the_program),
        PLAIN(events_lost_to_a_full_spool_are_counted_and_said),
        PLAIN(a_refused_agent_says_why_once),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("live/uplink", tests, NULL, NULL);
}
