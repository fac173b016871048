/* A person's commands on a live site: what is recorded, and what is said when it cannot be. */
#include "api/act.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/pending.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/policy.h"

#define T0 (1700000000 * MW_NS_PER_S)
#define NODES 40
#define PERSON 1042

struct bench {
    struct fleet *fleet;
    struct control_policy policy;
    struct journal *journal;
    struct live *live;
    int64_t now_ns;
    struct mw_error err;
    uint64_t seq;
};

static bool send_nothing(void *ctx, uint32_t node, const struct agent_frame *f)
{
    return ctx == NULL && node == MW_NONE && f == NULL;
}

static struct bench *bench_make(uint8_t mode)
{
    struct bench *b = calloc(1, sizeof(*b));
    const struct journal_memory_options memory = { .chain = false };
    assert_non_null(b);
    b->now_ns = T0;
    b->policy = live_policy();
    b->policy.care.engine = b->policy.work.engine = false; /* no Slurm here */
    assert_int_equal(site_simple(NODES, &b->fleet, &b->err), 0);
    assert_int_equal(journal_memory_create(&memory, &b->journal), 0);
    const struct live_options o = { .fleet = b->fleet, .policy = &b->policy,
                                    .journal = b->journal, .mode = mode, .send = send_nothing };
    assert_int_equal(live_create(&o, b->now_ns, &b->live, &b->err), 0);
    return b;
}

static void bench_free(struct bench *b)
{
    live_destroy(b->live);
    journal_destroy(b->journal);
    fleet_destroy(b->fleet);
    free(b);
}

static const char *name(const struct bench *b, uint32_t node)
{
    return fleet_name(b->fleet, component_id(COMPONENT_NODE, node));
}

/* A command about a node (MW_NONE) or an event (0). */
static int act(struct bench *b, uint8_t verb, uint32_t node, uint64_t ref)
{
    struct api_command c = { .verb = verb, .ref = ref };
    if (node != MW_NONE)
        (void)snprintf(c.node, sizeof(c.node), "%s", name(b, node));
    if (api_verb_info(verb)->keys & API_REASON)
        (void)snprintf(c.reason, sizeof(c.reason), "because");
    b->err = (struct mw_error){ 0 };
    b->now_ns += MW_NS_PER_S;
    return api_act(b->live, b->now_ns, PERSON, &c, &b->seq, &b->err);
}

static void said(const struct bench *b, const char *words)
{
    if (strstr(b->err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", b->err.text, words);
}

/* The agent of a node says that a GPU is lost: an order for a crew. */
static void lose_gpu(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "b" };
    uint32_t got;
    (void)snprintf(f.name, sizeof(f.name), "%s", name(b, node));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &b->err), 0);
    struct agent_frame k = { .verb = AGENT_KMSG };
    (void)snprintf(k.text, sizeof(k.text), "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen "
                   "off the bus.");
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &k, &b->err), 0);
    f = (struct agent_frame){ .verb = AGENT_BYE };
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &f, &b->err), 0);
}

/* Repaired and started again: what its last kernel said is over. */
static void reboot(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "next" };
    uint32_t got;
    (void)snprintf(f.name, sizeof(f.name), "%s", name(b, node));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &b->err), 0);
}

static struct event recorded(struct bench *b)
{
    struct event ev;
    static uint8_t tail[EVENT_TAIL_MAX];
    assert_int_equal(b->journal->ops->get(b->journal, b->seq, &ev, tail, &b->err), 0);
    return ev;
}

static void a_hold_is_recorded_with_who_and_why_and_lifted_by_name(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    assert_int_equal(act(b, API_HOLD, 3, 0), 0);
    struct event ev = recorded(b);
    uint64_t hold = ev.seq;
    assert_true(ev.kind == EV_COMMAND && ev.actor == PERSON && ev.tail_size == strlen("because"));
    assert_int_equal(live_control(b->live)->board->node_holds[3], 1);
    assert_int_equal(act(b, API_RELEASE, 3, 4711), MW_ECONFLICT);
    assert_int_equal(act(b, API_RELEASE, 3, hold), 0);
    assert_int_equal(live_control(b->live)->board->node_holds[3], 0);
    assert_int_equal(act(b, API_RELEASE, 3, 0), MW_ECONFLICT);
    said(b, "no hold to lift");
    bench_free(b);
}

static void names_that_the_site_does_not_have_are_said(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    struct api_command c = { .verb = API_HOLD, .node = "nobody", .reason = "x" };
    assert_int_equal(api_act(b->live, b->now_ns, PERSON, &c, &b->seq, &b->err), MW_ENOTFOUND);
    said(b, "nobody");
    (void)snprintf(c.node, sizeof(c.node), "%s",
                   fleet_name(b->fleet, component_id(COMPONENT_RACK, 0)));
    assert_int_equal(api_act(b->live, b->now_ns, PERSON, &c, &b->seq, &b->err), MW_ENOTFOUND);
    said(b, "that is a rack");
    struct api_command m = { .verb = API_SET_MODE, .mode = MODE_ACT, .hall = "nohall",
                             .reason = "x" };
    assert_int_equal(api_act(b->live, b->now_ns, PERSON, &m, &b->seq, &b->err), MW_ENOTFOUND);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, 4711), MW_ENOTFOUND);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, 1), MW_EINVAL);
    said(b, "no advice but epoch");
    bench_free(b);
}

static void an_order_done_begins_and_ends_the_repair_once(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), MW_ECONFLICT);
    said(b, "no work order");
    lose_gpu(b, 5);
    const struct board *board = live_control(b->live)->board;
    assert_int_equal(board->node_health[5], HEALTH_DOWN);
    reboot(b, 5);
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), 0);
    struct event ended = recorded(b);
    assert_true(ended.kind == EV_ORDER_ENDED && ended.body.order.result == RESULT_OK);
    assert_int_equal(board->node_health[5], HEALTH_VALIDATING); /* the gate of a lost GPU */
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), MW_ECONFLICT);
    assert_int_equal(act(b, API_GATE_PASS, 5, 0), 0);
    assert_int_equal(board->node_health[5], HEALTH_PROBATION);
    assert_int_equal(act(b, API_GATE_PASS, 5, 0), MW_ECONFLICT);
    bench_free(b);
}

static void a_repair_that_failed_is_ordered_again(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    lose_gpu(b, 5);
    assert_int_equal(act(b, API_ORDER_TAKEN, 5, 0), 0);
    assert_int_equal(live_control(b->live)->board->node_health[5], HEALTH_REPAIRING);
    uint64_t order = recorded(b).cause;
    assert_int_equal(act(b, API_ORDER_FAILED, MW_NONE, order), 0);
    assert_int_equal(act(b, API_ORDER_FAILED, MW_NONE, order), MW_ECONFLICT);
    assert_int_equal(act(b, API_ORDER_DONE, 5, 0), 0); /* the next one */
    assert_int_not_equal(recorded(b).cause, order);
    bench_free(b);
}

static int last_seq(void *ctx, const struct event *ev, const void *tail)
{
    (void)tail;
    *(uint64_t *)ctx = ev->seq;
    return 0;
}

static void what_waits_is_listed_until_it_is_answered(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    uint64_t seq = 0;
    assert_int_equal(api_pending_each(b->live, last_seq, &seq, &b->err), 0);
    assert_int_equal(seq, 0);
    lose_gpu(b, 5);
    assert_int_equal(api_pending_each(b->live, last_seq, &seq, &b->err), 0);
    assert_int_not_equal(seq, 0);
    assert_int_equal(act(b, API_ORDER_DONE, MW_NONE, seq), 0);
    bench_free(b);
}

/* A full disk drains at the next checkpoint: a taking decision, so advice below mode act. */
static uint64_t advise(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "b" };
    uint32_t got;
    (void)snprintf(f.name, sizeof(f.name), "%s", name(b, node));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &b->err), 0);
    struct agent_frame d = { .verb = AGENT_DISK, .used_permille = 1000, .readonly = true };
    (void)snprintf(d.name, sizeof(d.name), "/scratch");
    (void)snprintf(d.text, sizeof(d.text), "/scratch");
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &d, &b->err), 0);
    f = (struct agent_frame){ .verb = AGENT_BYE };
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &f, &b->err), 0);
    for (uint64_t seq = b->journal->head.seq; seq > 0; seq--) {
        struct event ev;
        static uint8_t tail[EVENT_TAIL_MAX];
        assert_int_equal(b->journal->ops->get(b->journal, seq, &ev, tail, &b->err), 0);
        if (ev.kind == EV_ADVICE)
            return seq;
    }
    fail_msg("nothing was advised");
    return 0;
}

static void an_advice_can_be_approved_where_the_mode_lets_a_person_decide(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_OBSERVE);
    uint64_t advice = advise(b, 9);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, advice), MW_ECONFLICT);
    said(b, "mode observe");
    struct api_command m = { .verb = API_SET_MODE, .mode = MODE_APPROVE, .reason = "x" };
    assert_int_equal(api_act(b->live, b->now_ns, PERSON, &m, &b->seq, &b->err), 0);
    assert_int_equal(act(b, API_APPROVE, MW_NONE, advice), 0);
    assert_int_equal(live_control(b->live)->board->node_health[9] == HEALTH_READY, false);
    assert_int_equal(act(b, API_REJECT, MW_NONE, advice), MW_ECONFLICT);
    said(b, "is over");
    bench_free(b);
}

static void a_wish_to_slurm_is_refused_where_no_slurm_is_watched(void **state)
{
    (void)state;
    struct bench *b = bench_make(MODE_ACT);
    struct api_command c = { .verb = API_JOB_HOLD, .job = 7, .reason = "x" };
    assert_int_equal(api_act(b->live, b->now_ns, PERSON, &c, &b->seq, &b->err), MW_ECONFLICT);
    said(b, "no engine");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_is_recorded_with_who_and_why_and_lifted_by_name),
        cmocka_unit_test(names_that_the_site_does_not_have_are_said),
        cmocka_unit_test(an_order_done_begins_and_ends_the_repair_once),
        cmocka_unit_test(a_repair_that_failed_is_ordered_again),
        cmocka_unit_test(what_waits_is_listed_until_it_is_answered),
        cmocka_unit_test(an_advice_can_be_approved_where_the_mode_lets_a_person_decide),
        cmocka_unit_test(a_wish_to_slurm_is_refused_where_no_slurm_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
