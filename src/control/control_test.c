/* The assembly: begins, allocates, lists every byte of state, and survives nonsense. */
#include "control/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "base/units.h"
#include "control/rig.h"
#include "core/journal_memory.h"

static void a_new_site_begins_with_its_rules_and_its_nodes(void **state)
{
    (void)state;
    struct rig *r = rig_make(4, NULL);
    r->mark = 0;
    rig_expect(r, "epoch nodes.adopted");
    const struct rig_event *e = rig_last(r, EV_EPOCH);
    assert_memory_equal(e->tail, MW_VERSION, e->ev.tail_size);
    struct control_sha256 rules = control_policy_sha256(&r->policy);
    assert_memory_equal(e->ev.body.epoch.rules, rules.bytes, MW_SHA256_SIZE);
    assert_memory_equal(e->ev.body.epoch.config, r->fleet->site_sha256, MW_SHA256_SIZE);
    for (uint32_t n = 0; n < 4; n++)
        assert_int_equal(rig_node_health(r, n), HEALTH_READY);
    assert_int_equal(work_free_nodes(r->control->work), 4);
    rig_free(r);
}

static void every_rule_is_in_the_hash_of_the_rules(void **state)
{
    (void)state;
    struct control_policy p = rig_policy();
    struct control_sha256 was = control_policy_sha256(&p);
#define CHANGED(field)                                                              \
    do {                                                                            \
        struct control_policy q = p;                                                \
        q.field++;                                                                  \
        struct control_sha256 is = control_policy_sha256(&q);                       \
        assert_memory_not_equal(was.bytes, is.bytes, sizeof(was.bytes));            \
    } while (0)
    CHANGED(guard.mode);
    CHANGED(guard.hall_permille_x10);
    CHANGED(guard.window_ms);
    CHANGED(guard.fleet_permille_x10);
    CHANGED(care.settle_ms);
    CHANGED(care.class[2].effect);
    CHANGED(care.class[2].drain);
    CHANGED(care.class[2].count);
    CHANGED(care.class[2].window_ms);
    CHANGED(care.class[2].gate_ms);
    CHANGED(care.class[2].probation_ms);
    CHANGED(care.class[2].name[0]);
    CHANGED(work.rate_per_1e9_node_hours);
    CHANGED(work.interval_ms);
    CHANGED(work.interval_ms_min);
    CHANGED(work.interval_ms_max);
    CHANGED(work.bypass_ms);
    CHANGED(work.pulse_ms);
    CHANGED(work.places_per_pulse);
    CHANGED(account.microdollars_per_gpu_hour);
#undef CHANGED
    struct control_policy q = p;
    q.guard.domain_rule = !q.guard.domain_rule;
    struct control_sha256 is = control_policy_sha256(&q);
    assert_memory_not_equal(was.bytes, is.bytes, sizeof(was.bytes));
    q = p;
    q.care.gate = !q.care.gate;
    is = control_policy_sha256(&q);
    assert_memory_not_equal(was.bytes, is.bytes, sizeof(was.bytes));
}

static void without_memory_a_controller_is_not_made_and_nothing_leaks(void **state)
{
    (void)state;
    struct rig *r = rig_make(4, NULL);
    struct control_options o = { .fleet = r->fleet, .policy = &r->policy, .journal = r->journal,
                                 .trace_hash = true,
                                 .board = { .jobs_max = 16, .incidents_max = 16 } };
    uint32_t k = 0;
    int rc = MW_ENOMEM;
    for (; rc != 0; k++) {
        struct control *c = NULL;
        struct mw_error err = { 0 };
        mw_mem_fail_after(k);
        rc = control_create(&o, &c, &err);
        mw_mem_fail_after(-1);
        if (rc != 0) {
            assert_int_equal(rc, MW_ENOMEM);
            assert_null(c);
            assert_true(strlen(err.text) > 0);
        }
        control_destroy(c);
    }
    assert_true(k > 80); /* every column is an allocation */
    rig_free(r);
}

/* Turns bytes of a column one by one: each must show in the hash. */
static void check_column(const struct rig *r, const struct column *c)
{
    uint32_t rows = c->rows ? *c->rows : c->rows_max;
    size_t size = (size_t)rows * c->width;
    struct mw_hash128 was = rig_hash(r);
    size_t step = size > 200 ? size / 97 : 1;
    for (size_t i = 0; i < size; i = i + step < size || i == size - 1 ? i + step : size - 1) {
        uint8_t *byte = (uint8_t *)c->data + i;
        bool sizes = c->width == 4 && rows == 1 && strstr(c->name, "_used");
        if (sizes)
            return; /* rows in use: turning it would make the columns it sizes too long */
        *byte ^= 0x40;
        bool same = mw_hash128_equal(rig_hash(r), was);
        *byte ^= 0x40;
        if (same)
            fail_msg("column %s: byte %zu is not in the state hash", c->name, i);
    }
    assert_true(mw_hash128_equal(rig_hash(r), was));
}

static void every_byte_of_every_column_shows_in_the_state_hash(void **state)
{
    (void)state;
    struct rig *r = rig_make(6, NULL);
    for (uint64_t n = 0; n < 300; n++)
        rig_chaos(r, 5, n);
    struct control *c = r->control;
    const struct plane plane[] = { board_plane(c->board), guard_plane(c->guard),
                                   care_plane(c->care), account_plane(c->account),
                                   work_plane(c->work) };
    for (uint32_t p = 0; p < MW_ARRAY_LEN(plane); p++) {
        struct column_list l = plane[p].columns(plane[p].self);
        for (uint32_t i = 0; i < l.length; i++) {
            check_column(r, &l.item[i]);
            for (uint32_t k = 0; k < i; k++) {
                assert_string_not_equal(l.item[i].name, l.item[k].name);
                assert_ptr_not_equal(l.item[i].data, l.item[k].data);
            }
        }
    }
    assert_true(core_state_bytes(c->core) > 4096);
    rig_free(r);
}

static void whatever_the_world_says_the_promises_hold(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct rig *r = rig_make(24, NULL);
        for (uint64_t n = 0; n < 500; n++)
            rig_chaos(r, seed, n);
        rig_check_log(r);
        rig_check_accounts(r, 0);
        assert_int_equal(core_stats(r->control->core)->contradictions, 0);
        rig_free(r);
    }
}

static void refused_facts_change_no_state(void **state)
{
    (void)state;
    uint32_t refused[ADMIT_COUNT] = { 0 };
    struct rig *r = rig_make(12, NULL);
    for (uint64_t n = 0; n < 600; n++) {
        rig_chaos(r, 31, n);
        if (r->facts == 0)
            continue;
        const struct rig_fact f = r->fact[r->facts - 1];
        rig_wait(r, 0); /* timers that the fact made due */
        struct mw_hash128 was = rig_hash(r);
        uint32_t length = r->log_length;
        enum admit a = rig_submit(r, &f.ev, f.tail);
        refused[a]++;
        if (a != ADMIT_OK) {
            assert_int_equal(r->log_length, length);
            assert_true(mw_hash128_equal(rig_hash(r), was));
        }
    }
    assert_true(refused[ADMIT_DUPLICATE] > 10 && refused[ADMIT_STALE] > 10);
    assert_true(refused[ADMIT_IMPOSSIBLE] > 0);
    rig_free(r);
}

/* Facts that were right but for a few bytes: most are refused, none may break anything. */
static void facts_with_some_bytes_changed_break_nothing(void **state)
{
    (void)state;
    uint32_t taken = 0, refused = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig *r = rig_make(8, NULL);
        for (uint64_t n = 0; n < 3000; n++) {
            rig_chaos(r, seed, n);
            uint64_t x = mw_random_u64(seed, n, 5, 0);
            struct event ev = r->log[x % r->log_length].ev;
            for (uint32_t i = 0; i <= (x >> 40) % 3; i++) {
                uint64_t y = mw_random_u64(seed, n, 6, i);
                uint8_t byte = y % 4 == 0 ? 0xff : y % 4 == 1 ? 0 : (uint8_t)(y >> 16);
                ev.body.bytes[(y >> 8) % sizeof(ev.body.bytes)] = byte;
            }
            ev.seq = ev.source_seq = 0;
            if (ev.kind == EV_NODES_ADOPTED || ev.kind == EV_EPOCH || ev.tail_size)
                continue; /* a person's, and believed */
            enum admit a = rig_submit(r, &ev, NULL);
            taken += a == ADMIT_OK;
            refused += a != ADMIT_OK;
        }
        rig_check_accounts(r, 1000000);
        assert_int_equal(core_stats(r->control->core)->contradictions, 0);
        assert_int_equal(core_stats(r->control->core)->cascades_stopped, 0);
        rig_free(r);
    }
    assert_true(taken > 1000 && refused > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_site_begins_with_its_rules_and_its_nodes),
        cmocka_unit_test(every_rule_is_in_the_hash_of_the_rules),
        cmocka_unit_test(without_memory_a_controller_is_not_made_and_nothing_leaks),
        cmocka_unit_test(every_byte_of_every_column_shows_in_the_state_hash),
        cmocka_unit_test(whatever_the_world_says_the_promises_hold),
        cmocka_unit_test(refused_facts_change_no_state),
        cmocka_unit_test(facts_with_some_bytes_changed_break_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
