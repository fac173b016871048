/* Answers that are kept by their key: the same again, never another's, and bounded. */
#include "api/idempotency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

#define DAY (IDEMPOTENCY_S * MW_NS_PER_S)

static int setup(void **state)
{
    struct idempotency *d = NULL;
    assert_int_equal(idempotency_create(&d, NULL), 0);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    idempotency_destroy(*state);
    return 0;
}

static struct idempotency_question question(uint32_t actor, const char *key, const char *body)
{
    return (struct idempotency_question){ .actor = actor, .key = key, .method = "postCommand",
                                          .path = "/api/v1/commands", .body = body,
                                          .size = strlen(body) };
}

/* What taking says; a new one is answered with `text`. */
static int ask(struct idempotency *d, const struct idempotency_question *q, int64_t now_ns,
               const char *text, struct idempotency_answer *ret)
{
    uint64_t ticket = 0;
    struct mw_error err = { 0 };
    int rc = idempotency_take(d, q, now_ns, &ticket, ret, &err);
    const struct idempotency_answer a = { .status = 200, .type = "application/json",
                                          .location = "", .etag = "t", .body = text,
                                          .size = strlen(text) };
    if (rc == 0)
        idempotency_keep(d, ticket, &a);
    return rc;
}

static void the_same_question_gets_the_same_answer_for_a_day(void **state)
{
    struct idempotency_answer a;
    struct idempotency_question q = question(7, "k", "{1}");
    assert_int_equal(ask(*state, &q, 0, "first", &a), 0);
    assert_int_equal(ask(*state, &q, DAY - 1, "second", &a), 1);
    assert_memory_equal(a.body, "first", a.size);
    assert_int_equal(a.size, 5);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.etag, "t");
    assert_int_equal(ask(*state, &q, DAY, "third", &a), 0);
    assert_int_equal(ask(*state, &q, DAY + 1, "fourth", &a), 1);
    assert_memory_equal(a.body, "third", a.size);
}

static void another_question_with_a_used_key_is_refused(void **state)
{
    struct idempotency_answer a;
    struct idempotency_question q = question(7, "k", "{1}"), other = question(7, "k", "{2}");
    assert_int_equal(ask(*state, &q, 0, "x", &a), 0);
    assert_int_equal(ask(*state, &other, 1, "x", &a), MW_EINVAL);
    other = q;
    other.path = "/api/v1/whatif";
    assert_int_equal(ask(*state, &other, 1, "x", &a), MW_EINVAL);
    other = q;
    other.query = "dryRun=1";
    assert_int_equal(ask(*state, &other, 1, "x", &a), MW_EINVAL);
}

static void a_key_is_its_owners_alone(void **state)
{
    struct idempotency_answer a;
    struct idempotency_question mine = question(7, "k", "{1}"), yours = question(8, "k", "{1}");
    assert_int_equal(ask(*state, &mine, 0, "mine", &a), 0);
    assert_int_equal(ask(*state, &yours, 0, "yours", &a), 0);
    assert_int_equal(ask(*state, &yours, 0, "", &a), 1);
    assert_memory_equal(a.body, "yours", a.size);
}

static void a_second_question_before_the_first_is_answered_has_to_wait(void **state)
{
    struct idempotency *d = *state;
    struct idempotency_answer a;
    uint64_t first, second;
    struct idempotency_question q = question(7, "k", "{1}");
    assert_int_equal(idempotency_take(d, &q, 0, &first, &a, NULL), 0);
    assert_int_equal(idempotency_take(d, &q, 0, &second, &a, NULL), MW_EBUSY);
    idempotency_forget(d, first); /* it failed: it may be tried again */
    assert_int_equal(idempotency_take(d, &q, 0, &second, &a, NULL), 0);
    idempotency_forget(d, first); /* not his any more */
    assert_int_equal(idempotency_take(d, &q, 0, &first, &a, NULL), MW_EBUSY);
}

static void keys_are_words_of_printing_characters(void **state)
{
    struct idempotency_answer a;
    char longest[IDEMPOTENCY_KEY_MAX + 2];
    memset(longest, 'k', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *const bad[] = { "", "\x01", "\xC3\xA4", longest };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct idempotency_question q = question(7, bad[i], "");
        assert_int_equal(ask(*state, &q, 0, "x", &a), MW_EINVAL);
    }
    longest[IDEMPOTENCY_KEY_MAX] = '\0';
    struct idempotency_question q = question(7, longest, "");
    assert_int_equal(ask(*state, &q, 0, "x", &a), 0);
}

static void ask_many(struct idempotency *d, uint32_t actor, uint32_t count)
{
    struct idempotency_answer a;
    char key[32];
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        struct idempotency_question q = question(actor, key, "");
        assert_int_equal(ask(d, &q, i, key, &a), 0);
    }
}

static int ask_again(struct idempotency *d, uint32_t actor, const char *key)
{
    struct idempotency_answer a;
    struct idempotency_question q = question(actor, key, "");
    return ask(d, &q, 0, "x", &a);
}

static void who_sends_many_keys_pushes_out_only_his_own_oldest(void **state)
{
    ask_many(*state, 8, 1);
    ask_many(*state, 7, 2 * IDEMPOTENCY_MAX);
    assert_int_equal(ask_again(*state, 8, "k0"), 1);
    assert_int_equal(ask_again(*state, 7, "k19999"), 1);
    assert_int_equal(ask_again(*state, 7, "k19000"), 1);
    assert_int_equal(ask_again(*state, 7, "k18999"), 0);
}

static void the_oldest_of_all_give_way_when_it_is_full(void **state)
{
    for (uint32_t actor = 1; actor <= IDEMPOTENCY_MAX / IDEMPOTENCY_OF_ACTOR; actor++)
        ask_many(*state, actor, IDEMPOTENCY_OF_ACTOR);
    ask_many(*state, 99, 10);
    assert_int_equal(ask_again(*state, 99, "k9"), 1);
    assert_int_equal(ask_again(*state, 1, "k10"), 1);
    assert_int_equal(ask_again(*state, 1, "k9"), 0);
}

static void large_answers_push_others_out_before_memory_does(void **state)
{
    struct idempotency *d = *state;
    struct idempotency_answer a;
    size_t size = IDEMPOTENCY_BYTES_OF_ACTOR / 4 + 1;
    char *body = calloc(1, size + 1), key[16];
    memset(body, 'b', size);
    assert_int_equal(ask_again(d, 8, "of another"), 0);
    for (uint32_t i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        struct idempotency_question q = question(7, key, "");
        assert_int_equal(ask(d, &q, 0, body, &a), 0);
    }
    assert_int_equal(ask_again(d, 8, "of another"), 1);
    struct idempotency_question first = question(7, "k0", ""), last = question(7, "k4", "");
    assert_int_equal(ask(d, &last, 0, "", &a), 1);
    assert_int_equal(a.size, size);
    assert_int_equal(ask(d, &first, 0, "", &a), 0);
    free(body);
}

static void together_they_keep_to_the_bytes_of_all(void **state)
{
    struct idempotency *d = *state;
    struct idempotency_answer a;
    size_t size = IDEMPOTENCY_BYTES_OF_ACTOR;
    char *body = calloc(1, size + 1);
    memset(body, 'b', size);
    for (uint32_t actor = 1; actor <= 9; actor++) {
        struct idempotency_question q = question(actor, "k", "");
        assert_int_equal(ask(d, &q, 0, body, &a), 0);
    }
    assert_int_equal(ask_again(d, 9, "k"), 1);
    assert_int_equal(ask_again(d, 2, "k"), 1);
    assert_int_equal(ask_again(d, 1, "k"), 0);
    free(body);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_same_question_gets_the_same_answer_for_a_day),
        T(another_question_with_a_used_key_is_refused),
        T(a_key_is_its_owners_alone),
        T(a_second_question_before_the_first_is_answered_has_to_wait),
        T(keys_are_words_of_printing_characters),
        T(who_sends_many_keys_pushes_out_only_his_own_oldest),
        T(the_oldest_of_all_give_way_when_it_is_full),
        T(together_they_keep_to_the_bytes_of_all),
        T(large_answers_push_others_out_before_memory_does),
    };
    return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
