#include "signal/flight.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "signal/pickle.h"

#define RANKS 16

/* The set under test: one dump a rank, made by hand as JSON or read from data/. */
struct rig {
    struct text text[RANKS];
    char name[RANKS][80];
    struct flight_file file[RANKS];
    uint32_t n;
    struct diagnoses out;
};

static void rig_fini(struct rig *r)
{
    for (uint32_t i = 0; i < RANKS; i++)
        text_fini(&r->text[i]);
    diagnoses_fini(&r->out);
    *r = (struct rig){0};
}

static void load(struct rig *r, const char *set)
{
    *r = (struct rig){.n = RANKS};
    for (uint32_t i = 0; i < RANKS; i++) {
        struct mw_error err;
        char *data;
        size_t size;
        (void)snprintf(r->name[i], sizeof(r->name[i]), "data/flight-recorder/%s/_dump_%u", set, i);
        assert_int_equal(mw_read_file(r->name[i], 1 << 20, false, &data, &size, &err), 0);
        text_add_n(&r->text[i], data, size);
        mw_free(data);
        r->file[i] = (struct flight_file){r->name[i], r->text[i].data, size};
    }
}

static void diagnose(struct rig *r)
{
    struct mw_error err;
    diagnoses_fini(&r->out);
    r->out = (struct diagnoses){0};
    if (flight_diagnose(r->file, r->n, &r->out, &err) != 0)
        fail_msg("%s", err.text);
    diagnoses_sort(&r->out);
}

/* Exactly these ranks are named, at least so surely; in any order. */
static void expect(const struct rig *r, uint32_t mask, uint32_t sure)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < r->out.length; i++) {
        const struct diagnosis *d = &r->out.item[i];
        unsigned rank;
        if (!d->wrong || d->sure < sure)
            continue;
        if (sscanf(d->part, "rank %u", &rank) != 1)
            fail_msg("not a rank: %s: %s", d->part, d->cause);
        found |= 1u << rank;
    }
    if (found != mask)
        fail_msg("found %x, not %x: %s", found, mask,
                 r->out.length > 0 ? r->out.item[0].cause : "");
}

static void drop(struct rig *r, uint32_t rank)
{
    char end[16];
    (void)snprintf(end, sizeof(end), "_%u", rank);
    for (uint32_t i = 0; i < r->n; i++) {
        const char *name = r->file[i].name;
        if (strcmp(name + strlen(name) - strlen(end), end) == 0) {
            r->file[i] = r->file[--r->n];
            return;
        }
    }
    fail_msg("no rank %u", rank);
}

static void agrees_with_the_log(const char *set)
{
    char path[80], *log;
    size_t size;
    unsigned a, b;
    struct mw_error err;
    struct rig r;
    (void)snprintf(path, sizeof(path), "data/flight-recorder/%s/fault_injection.log", set);
    assert_int_equal(mw_read_file(path, 1 << 16, false, &log, &size, &err), 0);
    assert_int_equal(sscanf(log, "Fault ranks: [%2u, %2u]", &a, &b), 2);
    mw_free(log);
    load(&r, set);
    for (uint32_t round = 0; round < 20; round++) {
        diagnose(&r);
        expect(&r, 1u << a | 1u << b, SURE_LIKELY);
        for (uint32_t i = r.n - 1; i > 0; i--) {
            uint32_t k = (uint32_t)mw_random_below(mw_random_u64(1, a, round, i), i + 1);
            struct flight_file swap = r.file[i];
            r.file[i] = r.file[k];
            r.file[k] = swap;
        }
    }
    rig_fini(&r);
    for (uint32_t lost = 0; lost < RANKS; lost++) { /* a lost dump may add a doubt, no accusation */
        load(&r, set);
        drop(&r, lost);
        diagnose(&r);
        expect(&r, (1u << a | 1u << b) & ~(1u << lost), SURE_LIKELY);
        rig_fini(&r);
    }
    load(&r, set);
    drop(&r, a);
    drop(&r, b);
    diagnose(&r);
    expect(&r, 1u << a | 1u << b, SURE_LIKELY); /* the dead leave no dump */
    rig_fini(&r);
}

static void gpu_errors_are_found_as_they_were_injected(void **state)
{
    (void)state;
    agrees_with_the_log("gpu_error_1st");
    agrees_with_the_log("gpu_error_2nd");
}

static void held_interpreter_locks_are_found_as_they_were_injected(void **state)
{
    (void)state;
    agrees_with_the_log("lock_gil_1st");
    agrees_with_the_log("lock_gil_2nd");
}

/* Begins a JSON dump: groups are "name=ranks;name=ranks". */
static void begin(struct rig *r, uint32_t rank, const char *groups)
{
    struct text *t = &r->text[rank];
    text_add(t, "{\"version\": \"2.9\", \"pg_config\": {");
    for (const char *at = groups, *comma = ""; *at != '\0'; comma = ", ") {
        size_t name = strcspn(at, "="), ranks = strcspn(at, ";");
        text_addf(t, "%s\"%.*s\": {\"name\": \"%.*s\", \"desc\": \"d\", \"ranks\": \"[%.*s]\"}",
                  comma, (int)name, at, (int)name, at, (int)(ranks - name - 1), at + name + 1);
        at += ranks + (at[ranks] == ';');
    }
    text_add(t, "}, \"entries\": [{\"process_group\": [\"none\", \"\"], \"is_p2p\": false, "
                "\"collective_seq_id\": 1, \"state\": \"completed\"}");
}

static void entry(struct rig *r, uint32_t rank, const char *group, uint32_t seq, const char *op,
                  const char *state)
{
    bool p2p = strstr(op, "send") != NULL || strstr(op, "recv") != NULL;
    text_addf(&r->text[rank],
              ", {\"process_group\": [\"%s\", \"d\"], \"collective_seq_id\": %u, "
              "\"profiling_name\": \"nccl:%s\", \"is_p2p\": %s, \"state\": \"%s\", "
              "\"input_sizes\": [[%d]], \"output_sizes\": [[8]], \"time_created_ns\": %u}",
              group, seq, op, p2p ? "true" : "false", state,
              strcmp(op, "broadcast") == 0 && rank == 2 ? 9 : 8, 100 + seq);
}

static void finish(struct rig *r, uint32_t ranks)
{
    r->n = ranks;
    for (uint32_t i = 0; i < ranks; i++) {
        text_add(&r->text[i], "]}");
        (void)snprintf(r->name[i], sizeof(r->name[i]), "nccl_trace_rank_%u", i);
        r->file[i] = (struct flight_file){r->name[i], r->text[i].data, r->text[i].length};
        assert_true(flight_is_dump(r->file[i].data, r->file[i].size));
    }
    diagnose(r);
}

/* ---- the two forms of a dump --------------------------------------------------------------- */

static void json_leaf(struct text *to, const struct value_tree *t, uint32_t node)
{
    const struct value *v = &t->node[node];
    if (v->kind == VALUE_INT || v->kind == VALUE_REAL) {
        if (v->kind == VALUE_INT)
            text_addf(to, "%" PRId64, v->number);
        else
            text_addf(to, "%.17g", v->real);
    } else if (v->kind != VALUE_TEXT) {
        text_add(to, v->kind == VALUE_BOOL ? (v->number != 0 ? "true" : "false") : "null");
    } else {
        text_add(to, "\"");
        for (uint32_t i = 0; i < v->length; i++)
            text_addf(to, strchr("\"\\", v->text[i]) != NULL ? "\\%c" : "%c", v->text[i]);
        text_add(to, "\"");
    }
}

/* A tree as JSON, from a stack of containers: what torch writes instead of a pickle. */
static void json_of(struct text *to, const struct value_tree *t)
{
    struct {
        uint32_t at, count;
        bool dict;
    } open[VALUE_DEPTH_MAX + 1], *f;
    uint32_t depth = 0, node = t->root;
    do {
        bool dict = value_is(t, node, VALUE_DICT);
        if (dict || value_is(t, node, VALUE_LIST) || value_is(t, node, VALUE_TUPLE)) {
            assert_true(depth <= VALUE_DEPTH_MAX);
            text_add(to, dict ? "{" : "[");
            open[depth].at = value_first(t, node);
            open[depth].count = 0;
            open[depth++].dict = dict;
        } else {
            json_leaf(to, t, node);
        }
        for (f = &open[depth - 1]; f->at == MW_NONE && depth > 0; f = &open[depth - 1]) {
            text_add(to, f->dict ? "}" : "]");
            if (--depth == 0)
                return;
        }
        if (f->count > 0)
            text_add(to, f->dict && f->count % 2 == 1 ? ": " : ", ");
        f->count++;
        node = t->link[f->at].node;
        f->at = t->link[f->at].next;
    } while (depth > 0);
}

static void rewrite_as_json(struct rig *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct value_tree tree;
        struct mw_error err;
        struct text json = {0};
        assert_int_equal(pickle_read(r->text[i].data, r->text[i].length, &tree, &err), 0);
        json_of(&json, &tree);
        value_tree_fini(&tree);
        text_fini(&r->text[i]);
        r->text[i] = json;
        r->file[i].data = json.data;
        r->file[i].size = json.length;
        assert_int_equal(json.data[0], '{');
        assert_true(flight_is_dump(json.data, json.length));
    }
}

static void a_dump_says_the_same_as_pickle_and_as_json(void **state)
{
    (void)state;
    static const char *const sets[] = {"gpu_error_1st", "gpu_error_2nd", "lock_gil_1st",
                                       "lock_gil_2nd"};
    for (size_t k = 0; k < MW_ARRAY_LEN(sets); k++) {
        struct rig r;
        load(&r, sets[k]);
        diagnose(&r);
        struct diagnoses pickled = r.out;
        r.out = (struct diagnoses){0};
        rewrite_as_json(&r);
        diagnose(&r);
        assert_int_equal(r.out.length, pickled.length);
        for (uint32_t i = 0; i < pickled.length; i++) {
            assert_string_equal(r.out.item[i].part, pickled.item[i].part);
            assert_string_equal(r.out.item[i].cause, pickled.item[i].cause);
            assert_int_equal(r.out.item[i].sure, pickled.item[i].sure);
        }
        diagnoses_fini(&pickled);
        rig_fini(&r);
    }
}

static void the_rank_that_never_entered_is_named_with_certainty(void **state)
{
    (void)state;
    struct rig r = {0};
    for (uint32_t i = 0; i < 5; i++) {
        begin(&r, i, "0=0, 1, 2, 3, 4");
        entry(&r, i, "0", 7, "all_reduce", "completed");
        if (i != 3)
            entry(&r, i, "0", 8, "all_reduce", "started");
    }
    finish(&r, 5);
    expect(&r, 1u << 3, SURE_CERTAIN);
    assert_non_null(strstr(r.out.item[0].cause, "collective 8 (all_reduce)"));
    assert_non_null(strstr(r.out.item[0].evidence, "entered nothing after #7"));
    assert_string_equal(r.out.item[0].file, "nccl_trace_rank_3");
    rig_fini(&r);
}

/* Two to sixteen ranks, listed in any order, any of them at fault. */
static void any_rank_of_any_group_size_can_be_the_one(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= RANKS; n++) {
        for (uint32_t guilty = 0; guilty < n; guilty++) {
            struct rig r = {0};
            struct text groups = {0};
            text_add(&groups, "X=0");
            for (uint32_t i = n - 1; i > 0; i--)
                text_addf(&groups, ", %u", i);
            for (uint32_t i = 0; i < n; i++) {
                begin(&r, i, text_string(&groups));
                entry(&r, i, "X", guilty + 1, "reduce_scatter", "completed");
                if (i != guilty)
                    entry(&r, i, "X", guilty + 2, "all_to_all", "scheduled");
            }
            finish(&r, n);
            expect(&r, 1u << guilty, SURE_CERTAIN);
            text_fini(&groups);
            rig_fini(&r);
        }
    }
}

/* 0 and 1 wait in A for 1's partner in B, which waits for 3 in C: only 3 is at fault. */
static void who_waits_for_another_is_excused_across_groups(void **state)
{
    (void)state;
    struct rig r = {0};
    static const char *const groups[] = {"A=0, 1", "A=0, 1;B=1, 2", "B=1, 2;C=2, 3", "C=2, 3"};
    for (uint32_t i = 0; i < 4; i++)
        begin(&r, i, groups[i]);
    entry(&r, 0, "A", 4, "all_gather", "started");
    entry(&r, 1, "A", 3, "all_gather", "completed");
    entry(&r, 1, "B", 9, "all_reduce", "started");
    entry(&r, 2, "B", 8, "all_reduce", "completed");
    entry(&r, 2, "C", 2, "barrier", "started");
    entry(&r, 3, "C", 1, "barrier", "completed");
    finish(&r, 4);
    expect(&r, 1u << 3, SURE_POSSIBLE);
    rig_fini(&r);
}

static void a_receive_without_its_send_names_the_sender(void **state)
{
    (void)state;
    struct rig r = {0};
    for (uint32_t i = 0; i < 3; i++)
        begin(&r, i, "P=0, 1, 2");
    entry(&r, 0, "P", 0, "recv 0<-1", "scheduled");
    entry(&r, 1, "P", 0, "recv 1<-2", "scheduled");
    finish(&r, 3);
    expect(&r, 1u << 2, SURE_LIKELY);
    rig_fini(&r);
}

static void another_operation_or_size_at_the_same_place_is_a_mismatch(void **state)
{
    (void)state;
    for (int size = 0; size < 2; size++) {
        struct rig r = {0};
        for (uint32_t i = 0; i < 4; i++) {
            begin(&r, i, "0=0, 1, 2, 3");
            entry(&r, i, "0", 5, size || i != 2 ? "broadcast" : "all_reduce", "scheduled");
        }
        finish(&r, 4);
        expect(&r, 1u << 2, SURE_CERTAIN);
        assert_string_equal(r.out.item[0].code, "mismatch");
        rig_fini(&r);
    }
}

static void a_gpu_that_did_not_start_or_finish_with_the_rest_is_named(void **state)
{
    (void)state;
    static const char *const rest[] = {"started", "completed"};
    for (int k = 0; k < 2; k++) {
        struct rig r = {0};
        for (uint32_t i = 0; i < 4; i++) {
            begin(&r, i, "0=0, 1, 2, 3");
            entry(&r, i, "0", 5, "all_reduce", i == 1 ? "scheduled" : rest[k]);
        }
        finish(&r, 4);
        expect(&r, 1u << 1, SURE_LIKELY);
        rig_fini(&r);
    }
}

static void nobody_is_accused_when_all_are_there_or_all_is_done(void **state)
{
    (void)state;
    static const char *const states[] = {"started", "completed"};
    for (int k = 0; k < 2; k++) {
        struct rig r = {0};
        for (uint32_t i = 0; i < 4; i++) {
            begin(&r, i, "0=0, 1, 2, 3");
            entry(&r, i, "0", 5, "all_reduce", states[k]);
        }
        finish(&r, 4);
        assert_int_equal(r.out.item[0].wrong, k == 0);
        assert_true(strncmp(r.out.item[0].part, "rank ", 5) != 0);
        assert_int_equal(r.out.length, 1);
        rig_fini(&r);
    }
}

static void crossed_orders_are_told_as_waiting_for_each_other(void **state)
{
    (void)state;
    struct rig r = {0};
    for (uint32_t i = 0; i < 2; i++) {
        begin(&r, i, "A=0, 1;B=0, 1");
        entry(&r, i, "A", 1, "all_reduce", "completed");
        entry(&r, i, "B", 1, "all_reduce", "completed");
        entry(&r, i, i == 0 ? "A" : "B", 2, "all_reduce", "started");
    }
    finish(&r, 2);
    assert_true(r.out.item[0].wrong);
    assert_non_null(strstr(r.out.item[0].cause, "wait for each other"));
    rig_fini(&r);
}

static void bad_files_are_refused_with_their_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *data, *words;
    } bad[] = {{"dump_1", "{\"entries\": 5}", "dump_1: no 'entries'"},
               {"dump", "{\"entries\": []}", "whose rank"},
               {"dump_2", "{\"entries\": [", "dump_2: JSON, line 1"},
               {"dump_2", "{\"entries\": [{}]}", "process_group"},
               {"dump_3", "\x80\x02)R.", "REDUCE"}};
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct flight_file f = {bad[i].name, bad[i].data, strlen(bad[i].data)};
        struct diagnoses out = {0};
        struct mw_error err;
        assert_true(flight_diagnose(&f, 1, &out, &err) < 0);
        if (strstr(err.text, bad[i].words) == NULL)
            fail_msg("'%s' is not in: %s", bad[i].words, err.text);
        assert_int_equal(out.length, 0);
    }
    struct flight_file twice[] = {{"a_1", "{\"entries\": []}", 15},
                                  {"b_1", "{\"entries\": []}", 15}};
    struct diagnoses out = {0};
    struct mw_error err;
    assert_int_equal(flight_diagnose(twice, 2, &out, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "second dump of rank 1"));
    assert_false(flight_is_dump("{\"a\": 1}", 8));
    assert_false(flight_is_dump("NVRM: Xid", 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpu_errors_are_found_as_they_were_injected),
        cmocka_unit_test(held_interpreter_locks_are_found_as_they_were_injected),
        cmocka_unit_test(a_dump_says_the_same_as_pickle_and_as_json),
        cmocka_unit_test(the_rank_that_never_entered_is_named_with_certainty),
        cmocka_unit_test(any_rank_of_any_group_size_can_be_the_one),
        cmocka_unit_test(who_waits_for_another_is_excused_across_groups),
        cmocka_unit_test(a_receive_without_its_send_names_the_sender),
        cmocka_unit_test(another_operation_or_size_at_the_same_place_is_a_mismatch),
        cmocka_unit_test(a_gpu_that_did_not_start_or_finish_with_the_rest_is_named),
        cmocka_unit_test(nobody_is_accused_when_all_are_there_or_all_is_done),
        cmocka_unit_test(crossed_orders_are_told_as_waiting_for_each_other),
        cmocka_unit_test(bad_files_are_refused_with_their_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
