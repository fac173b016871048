/* See the header. */
#include "control/rig_again.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "core/journal_memory.h"

/* rig_make() records its beginning before a test can set r->hashes. */
#define GROUPS_UNHASHED 2

struct control *rig_fresh(const struct rig *r, const struct control_policy *rules,
                          struct journal *j)
{
    struct control *c = NULL;
    struct control_options o = { .fleet = r->fleet, .policy = rules ? rules : &r->policy,
                                 .journal = j,
                                 .board = { .jobs_max = 256, .incidents_max = 256 } };
    assert_int_equal(control_create(&o, &c, NULL), 0);
    return c;
}

void rig_check_same(const struct rig *a, const struct rig *b)
{
    assert_int_equal(a->log_length, b->log_length);
    for (uint32_t i = 0; i < a->log_length; i++) {
        if (memcmp(&a->log[i].ev, &b->log[i].ev, sizeof(a->log[i].ev)) != 0)
            fail_msg("event %u differs: %s and %s", i + 1, event_info(a->log[i].ev.kind)->name,
                     event_info(b->log[i].ev.kind)->name);
        assert_memory_equal(a->log[i].tail ? a->log[i].tail : "",
                            b->log[i].tail ? b->log[i].tail : "", a->log[i].ev.tail_size);
    }
    assert_true(mw_hash128_equal(rig_hash(a), rig_hash(b)));
}

/* A journal that grows group by group. */
struct prefix {
    const struct rig *played;
    struct journal *grown;
    uint32_t groups, compared;
    uint32_t every, snapshot_every;
};

static void read_back(void *ctx, const struct group *g)
{
    struct prefix *p = ctx;
    struct journal *j = p->grown;
    assert_int_equal(j->ops->append(j, g, NULL), 0);
    assert_int_equal(j->ops->commit(j, NULL), 0);
    if (++p->groups % p->every)
        return;
    struct control *c = rig_fresh(p->played, NULL, j);
    assert_int_equal(core_recover(c->core, p->snapshot_every > 0, NULL), 0);
    if (p->groups > GROUPS_UNHASHED) {
        if (!mw_hash128_equal(core_state_hash(c->core), p->played->hash[p->groups - 1]))
            fail_msg("the state differs after group %u (events %llu ..)", p->groups - 1,
                     (unsigned long long)g->first_seq);
        p->compared++;
    }
    if (p->snapshot_every && p->groups % p->snapshot_every == 0)
        assert_int_equal(core_snapshot(c->core, NULL), 0);
    control_destroy(c);
}

uint32_t rig_check_read_back(const struct rig *r, uint32_t every, uint32_t snapshot_every)
{
    struct prefix p = { .played = r, .every = every, .snapshot_every = snapshot_every };
    assert_true(r->hashes);
    assert_int_equal(journal_memory_create(NULL, &p.grown), 0);
    rig_groups(r, read_back, &p);
    assert_int_equal(p.groups, r->groups);
    journal_destroy(p.grown);
    return p.compared;
}

struct rig *rig_restarted(const struct rig *r, uint32_t fact, bool snapshot)
{
    struct journal *j = rig_copy(r, r->fact[fact].seq_after);
    if (snapshot) {
        struct control *c = rig_fresh(r, NULL, j);
        assert_int_equal(core_recover(c->core, false, NULL), 0);
        assert_int_equal(core_snapshot(c->core, NULL), 0);
        control_destroy(c);
    }
    struct rig *again = rig_make_on(r->fleet, &r->policy, j, true);
    rig_repeat(again, r, fact + 1);
    return again;
}

struct rederive_report rig_rederive(const struct rig *r, const struct control_policy *rules)
{
    const struct rederive_range all = { .first_seq = 1, .last_seq = UINT64_MAX };
    struct rederive_report report = { 0 };
    struct journal *j = NULL;
    struct mw_error err = { 0 };
    assert_int_equal(journal_memory_create(&(struct journal_memory_options){ .discard = true }, &j),
                     0);
    struct control *c = rig_fresh(r, rules, j);
    if (core_rederive(r->journal, c->core, &all, &report, &err) < 0)
        fail_msg("%s", err.text);
    if (report.differences == 0)
        assert_true(mw_hash128_equal(core_state_hash(c->core), rig_hash(r)));
    control_destroy(c);
    journal_destroy(j);
    return report;
}

void rig_check_rederived(const struct rig *r)
{
    struct rederive_report report = rig_rederive(r, NULL);
    if (report.differences)
        fail_msg("event %llu: %s", (unsigned long long)report.first_seq, report.first);
}

/* From a snapshot after this fact. */
static void check_from(const struct rig *r, uint32_t fact)
{
    struct rig *again = rig_restarted(r, fact, true);
    if (r->now_ns > again->now_ns) /* else what is due now has not fired in the first either */
        rig_wait(again, r->now_ns - again->now_ns);
    assert_int_equal(again->log_length, r->log_length);
    assert_true(mw_hash128_equal(rig_hash(again), rig_hash(r)));
    rig_free(again);
}

void rig_check_again(const struct rig *r)
{
    struct journal *j = rig_copy(r, r->log_length);
    struct control *c = rig_fresh(r, NULL, j);
    assert_int_equal(core_recover(c->core, false, NULL), 0);
    assert_true(mw_hash128_equal(core_state_hash(c->core), rig_hash(r)));
    control_destroy(c);
    journal_destroy(j);
    rig_check_rederived(r);
    for (uint32_t i = 1; i < 4; i++)
        if (r->facts > 4)
            check_from(r, r->facts * i / 4);
    rig_check_log(r);
    rig_check_accounts(r, RIG_HOUR);
}
