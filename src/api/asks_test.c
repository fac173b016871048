/* The mailbox between two threads: everything asked is answered once, whatever the order. */
#include "api/asks.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ASKED 20000

/* ---- a writer on a thread of its own --------------------------------------------------------- */

struct writer {
    struct asks *asks;
    pthread_t thread;
    uint64_t commands; /* executed, those refused with them; of the writer's thread */
    uint64_t stop_at;  /* ends after so many; 0 = when all were asked */
};

static int on_command(void *ctx, uint32_t actor, const struct api_command *c, uint64_t *ret_seq,
                      struct mw_error *err)
{
    struct writer *w = ctx;
    w->commands++;
    if (actor != c->ref + 1)
        return mw_fail(err, MW_EBUG, "mixed up");
    if (c->ref % 10 == 9)
        return mw_fail(err, MW_ECONFLICT, "no. %llu is refused", (unsigned long long)c->ref);
    *ret_seq = c->ref;
    return 0;
}

static json_t *on_status(void *ctx, struct mw_error *err)
{
    const struct writer *w = ctx;
    (void)err;
    return json_pack("{s:I}", "commands", (json_int_t)w->commands);
}

static json_t *on_replay(void *ctx, const json_t *wish, struct mw_error *err)
{
    (void)ctx;
    if (wish != NULL && !json_is_object(wish)) {
        (void)mw_fail(err, MW_EINVAL, "not that");
        return NULL;
    }
    return json_pack("{s:b}", "told", wish == NULL);
}

static void *write_all(void *ctx)
{
    struct writer *w = ctx;
    const struct api_writer port = { .ctx = w, .command = on_command, .status = on_status,
                                     .replay = on_replay };
    uint64_t target = w->stop_at ? w->stop_at : ASKED;
    while (w->commands < target) {
        struct pollfd p = { .fd = asks_fd(w->asks), .events = POLLIN };
        if (poll(&p, 1, 10) == 1)
            asks_answer(w->asks, &port);
        asks_committed(w->asks, w->commands, (int64_t)w->commands * 10);
    }
    asks_close(w->asks);
    return NULL;
}

/* ---- the asking side ------------------------------------------------------------------------- */

struct heard {
    uint32_t answered, refused, ended;
    uint8_t *seen; /* by number */
};

struct one {
    struct heard *heard;
    uint64_t number;
};

static void on_told(void *ctx, struct ask_answer *a)
{
    struct one *k = ctx;
    assert_int_equal(k->heard->seen[k->number]++, 0);
    if (a->code == MW_EBUSY)
        k->heard->ended++;
    else if (a->code < 0)
        k->heard->refused++;
    else
        assert_int_equal(a->seq, k->number);
    if (a->code < 0 && a->code != MW_EBUSY)
        assert_non_null(strstr(a->err.text, "is refused"));
    k->heard->answered++;
    free(k);
}

/* Waits for the bell and hears. */
static void hear(struct asks *a)
{
    struct pollfd p = { .fd = asks_bell(a), .events = POLLIN };
    (void)poll(&p, 1, 10);
    asks_hear(a);
}

static uint32_t ask_all(struct asks *a, struct heard *h)
{
    uint32_t taken = 0;
    for (uint64_t i = 0; i < ASKED; i++) {
        struct one *k = malloc(sizeof(*k));
        const struct api_command c = { .ref = i };
        *k = (struct one){ h, i };
        int rc = asks_command(a, (uint32_t)i + 1, &c, on_told, k, NULL);
        while (rc == MW_EBUSY && !asks_news(a).closed) {
            hear(a);
            rc = asks_command(a, (uint32_t)i + 1, &c, on_told, k, NULL);
        }
        taken += rc == 0;
        if (rc < 0)
            free(k);
    }
    return taken;
}

static void run(uint64_t stop_at, struct heard *h, uint32_t *ret_taken)
{
    struct writer w = { .stop_at = stop_at };
    *h = (struct heard){ .seen = calloc(ASKED, 1) };
    assert_int_equal(asks_create(&w.asks, NULL), 0);
    assert_int_equal(pthread_create(&w.thread, NULL, write_all, &w), 0);
    *ret_taken = ask_all(w.asks, h);
    while (h->answered < *ret_taken)
        hear(w.asks);
    assert_int_equal(pthread_join(w.thread, NULL), 0);
    assert_int_equal(asks_news(w.asks).seq, w.commands);
    asks_destroy(w.asks);
    free(h->seen);
}

static void everything_asked_is_answered_once(void **state)
{
    (void)state;
    struct heard h;
    uint32_t taken;
    run(0, &h, &taken);
    assert_int_equal(taken, ASKED);
    assert_int_equal(h.answered, ASKED);
    assert_int_equal(h.refused, ASKED / 10);
}

static void a_writer_that_ends_leaves_nobody_waiting(void **state)
{
    (void)state;
    struct heard h;
    uint32_t taken;
    run(ASKED / 4, &h, &taken);
    assert_int_equal(h.answered, taken);
    assert_true(taken < ASKED); /* nothing is taken any more */
}

/* ---- by itself ------------------------------------------------------------------------------- */

static void take_json(void *ctx, struct ask_answer *a)
{
    *(json_t **)ctx = TAKE(a->json);
}

static void a_full_mailbox_takes_no_more_and_says_so(void **state)
{
    (void)state;
    struct asks *a;
    struct mw_error err = { 0 };
    json_t *got[ASKS_MAX + 1] = { 0 };
    assert_int_equal(asks_create(&a, NULL), 0);
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        assert_int_equal(asks_status(a, take_json, &got[i], &err), 0);
    assert_int_equal(asks_status(a, take_json, &got[ASKS_MAX], &err), MW_EBUSY);
    assert_non_null(strstr(err.text, "in a moment"));
    struct writer w = { .asks = a, .commands = 7 };
    const struct api_writer port = { .ctx = &w, .command = on_command, .status = on_status };
    asks_answer(a, &port);
    assert_int_equal(asks_status(a, take_json, &got[ASKS_MAX], &err), MW_EBUSY); /* not heard yet */
    asks_hear(a);
    assert_int_equal(asks_status(a, take_json, &got[ASKS_MAX], &err), 0);
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        assert_int_equal(json_integer_value(json_object_get(got[i], "commands")), 7);
        json_decref(got[i]);
    }
    asks_destroy(a); /* with one that was never answered */
}

static void take_code(void *ctx, struct ask_answer *t)
{
    *(int *)ctx = t->code;
}

static void what_the_writer_does_not_begin_with_is_taken_back_undone(void **state)
{
    (void)state;
    struct asks *a;
    int got[2] = { 1, 1 };
    const struct api_command c = { .ref = 0 };
    assert_int_equal(asks_create(&a, NULL), 0);
    asks_patience(a, 1000000);
    assert_int_equal(asks_command(a, 1, &c, take_code, &got[0], NULL), 0);
    asks_hear(a); /* perhaps too early */
    while (got[0] == 1)
        asks_hear(a);
    assert_int_equal(got[0], MW_ETIMEOUT);
    struct writer w = { .asks = a };
    const struct api_writer port = { .ctx = &w, .command = on_command, .status = on_status };
    asks_answer(a, &port);
    assert_int_equal(w.commands, 0);
    asks_patience(a, ASKS_WAIT_NS);
    assert_int_equal(asks_command(a, 1, &c, take_code, &got[1], NULL), 0);
    asks_hear(a);
    assert_int_equal(got[1], 1); /* still waits */
    asks_answer(a, &port);
    asks_hear(a);
    assert_int_equal(got[1], 0);
    asks_destroy(a);
}

static void only_a_replay_takes_wishes_about_its_time(void **state)
{
    (void)state;
    struct asks *a;
    struct mw_error err = { 0 };
    json_t *got = NULL;
    assert_int_equal(asks_create(&a, NULL), 0);
    assert_int_equal(asks_replay(a, json_object(), take_json, &got, &err), MW_ECONFLICT);
    assert_non_null(strstr(err.text, "live"));
    asks_replays(a);
    assert_true(asks_is_replay(a));
    assert_int_equal(asks_replay(a, NULL, take_json, &got, &err), 0);
    struct writer w = { .asks = a };
    const struct api_writer port = { .ctx = &w, .command = on_command, .status = on_status,
                                     .replay = on_replay };
    asks_answer(a, &port);
    asks_hear(a);
    assert_true(json_is_true(json_object_get(got, "told")));
    json_decref(got);
    asks_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_asked_is_answered_once),
        cmocka_unit_test(a_writer_that_ends_leaves_nobody_waiting),
        cmocka_unit_test(a_full_mailbox_takes_no_more_and_says_so),
        cmocka_unit_test(what_the_writer_does_not_begin_with_is_taken_back_undone),
        cmocka_unit_test(only_a_replay_takes_wishes_about_its_time),
    };
    return cmocka_run_group_tests_name("asks", tests, NULL, NULL);
}
