/* What agents say of kernel, programs, disks, jobs and checks, and what becomes of it. */
#include "live/agents_bench_test.h"

static void a_gpu_that_the_agent_named_is_the_component_at_fault(void **state)
{
    (void)state;
    struct bench *b = make();
    assert_int_equal(hello_as(b, 2, "boot-1", "0000:19:00.0,0000:3B:00.0"), 0);
    kmsg(b, 2, XID_79);
    kmsg(b, 2, XID_79);
    assert_int_equal(opened(b), 1);
    const struct body_finding *f = last_opened(b);
    assert_int_equal(f->component, component_id(COMPONENT_GPU,
                                                b->r->fleet->node_gpu_first[2] + 1));
    assert_true(f->class == LIVE_GPU && f->detail == 79 && f->node == 2);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_DOWN);
    kmsg(b, 2, "NVRM: Xid (PCI:0000:c1:00): 79, GPU has fallen off the bus."); /* not named */
    assert_int_equal(opened(b), 2);
    assert_int_equal(last_opened(b)->component, component_id(COMPONENT_NODE, 2));
    kmsg(b, 2, "NVRM: Xid (PCI:0000:3b:00): 999, what is that");
    kmsg(b, 2, "usb 1-1: new device");
    assert_int_equal(opened(b), 2);
    assert_int_equal(agents_stats(b->a).lines, 5);
    assert_int_equal(agents_stats(b->a).lines_nothing, 2);
    assert_int_equal(agents_stats(b->a).lines_unknown, 1);
    end(b);
}

static void what_a_kernel_said_is_over_when_it_heals_is_repaired_or_boots_anew(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 2);
    hello(b, 8);
    kmsg(b, 8, XID_31);
    kmsg(b, 2, XID_79);
    run(b, 50 * RIG_SECOND);
    kmsg(b, 8, XID_31); /* again: it lasts on */
    run(b, 50 * RIG_SECOND);
    assert_int_equal(closed(b), 0);
    run(b, 15 * RIG_SECOND);
    assert_int_equal(closed(b), 1);
    assert_int_equal(rig_last(b->r, EV_FINDING_CLOSED)->ev.source, SOURCE_NODE + 8);
    run(b, 5 * RIG_MINUTE);
    assert_int_equal(closed(b), 1); /* nobody has repaired the GPU */
    assert_int_equal(rig_order(b->r, EV_ORDER_TAKEN, 2, 0), ADMIT_OK);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(closed(b), 2);
    assert_int_equal(rig_order(b->r, EV_ORDER_ENDED, 2, RESULT_OK), ADMIT_OK);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_VALIDATING);
    kmsg(b, 8, XID_79);
    assert_int_equal(hello_as(b, 8, "boot-2", ""), 0);
    assert_int_equal(closed(b), 3);
    end(b);
}

static void nothing_is_closed_while_nobody_is_there_to_say_it_again(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    kmsg(b, 8, XID_31);
    b->beats[8] = false;
    run(b, 5 * RIG_MINUTE);
    assert_int_equal(closed(b), 0);
    hello(b, 8);
    run(b, 30 * RIG_SECOND);
    assert_int_equal(closed(b), 1); /* node-silent */
    run(b, 40 * RIG_SECOND);
    assert_int_equal(closed(b), 2);
    end(b);
}

static void slurmd_and_disks_are_levels(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 1);
    say(b, 1, "unit name=slurmd up=1");
    say(b, 1, "unit name=munged up=0");
    say(b, 1, "disk path=/scratch used_permille=979 readonly=0");
    assert_int_equal(opened(b), 0);
    say(b, 1, "unit name=slurmd up=0");
    say(b, 1, "unit name=slurmd up=0");
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_SLURMD);
    say(b, 1, "unit name=slurmd up=1");
    assert_int_equal(closed(b), 1);
    say(b, 1, "disk path=/scratch used_permille=980 readonly=0");
    assert_true(opened(b) == 2 && last_opened(b)->class == LIVE_DISK);
    say(b, 1, "disk path=/scratch used_permille=950 readonly=0");
    assert_int_equal(closed(b), 1);
    say(b, 1, "disk path=/scratch used_permille=949 readonly=0");
    assert_int_equal(closed(b), 2);
    say(b, 1, "disk path=/ used_permille=10 readonly=1");
    assert_int_equal(opened(b), 3);
    for (uint32_t i = 0; i < 9; i++) { /* said again and again it lasts */
        run(b, 10 * RIG_SECOND);
        say(b, 1, "disk path=/ used_permille=10 readonly=1");
    }
    assert_int_equal(closed(b), 2);
    run(b, 65 * RIG_SECOND); /* its agent no longer speaks of it */
    assert_int_equal(closed(b), 3);
    end(b);
}

static void a_rank_that_ended_badly_is_evidence_until_the_attempt_is_over(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 4);
    start_job(b, 7, 4);
    say(b, 4, "exit job=7 rank=3 code=1 signal=0");
    assert_true(opened(b) == 1 && last_opened(b)->effect == EFFECT_HARMLESS);
    assert_true(last_opened(b)->class == LIVE_RANK && last_opened(b)->detail == 3);
    assert_int_equal(b->r->control->board->node_health[4], HEALTH_READY);
    run(b, 10 * RIG_SECOND);
    assert_int_equal(closed(b), 0);
    assert_int_equal(rig_ended(b->r, 7, HOW_DONE, 0, 0, 0), ADMIT_OK);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(closed(b), 1);
    say(b, 4, "exit job=99 rank=0 code=0 signal=9"); /* a job that we do not know */
    run(b, 65 * RIG_SECOND);
    assert_int_equal(closed(b), 2);
    assert_int_equal(rig_count(b->r, EV_ENGINE_ORDER), 0);
    end(b);
}

static void progress_is_believed_of_the_attempt_that_runs_there(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 4);
    hello(b, 5);
    hello(b, 9);
    start_job(b, 7, 4);
    run(b, 60 * RIG_SECOND);
    say(b, 9, "progress job=7 restart=0 step=120 saved=100 step_ms=50"); /* does not run there */
    say(b, 4, "progress job=7 restart=1 step=120 saved=100 step_ms=50"); /* another attempt */
    say(b, 4, "progress job=8 restart=0 step=120 saved=100 step_ms=50");
    say(b, 4, "progress job=7 restart=0 step=10 saved=100 step_ms=50");
    say(b, 4, "progress job=7 restart=0 step=9223372036854775807 saved=1 step_ms=50");
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 0);
    say(b, 5, "progress job=7 restart=0 step=120 saved=100 step_ms=50 checkpoint_ms=12");
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 1);
    const struct body_progress *p = &rig_last(b->r, EV_ATTEMPT_PROGRESS)->ev.body.progress;
    assert_true(p->progress_ms == 6000 && p->saved_ms == 5000 && p->checkpoint_ms == 12);
    assert_int_equal(b->r->control->board->job_saved_ms[p->slot], 5000);
    say(b, 5, "progress job=7 restart=0 step=130 saved=100 step_ms=50");
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 1); /* nothing new is saved */
    say(b, 4, "progress job=7 restart=0 step=140 saved=100 step_ms=50");
    say(b, 4, "progress job=7 restart=0 step=150 saved=100 step_ms=50");
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 2); /* the first node, every 10 s */
    run(b, 11 * RIG_SECOND);
    say(b, 4, "progress job=7 restart=0 step=160 saved=100 step_ms=50");
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 3);
    end(b);
}

/* The node's GPU is repaired; the gate that follows is given to the hub as the loop does. */
static const struct event *gate_of(struct bench *b, uint32_t node)
{
    kmsg(b, node, XID_79);
    assert_int_equal(rig_order(b->r, EV_ORDER_TAKEN, node, 0), ADMIT_OK);
    run(b, 65 * RIG_SECOND);
    assert_int_equal(rig_order(b->r, EV_ORDER_ENDED, node, RESULT_OK), ADMIT_OK);
    const struct event *gate = &rig_last(b->r, EV_GATE_STARTED)->ev;
    agents_act(b->a, b->r->now_ns, gate);
    return gate;
}

static void a_gate_is_checked_by_the_nodes_agent(void **state)
{
    (void)state;
    struct bench *b = make();
    char line[64];
    hello(b, 2);
    uint64_t seq = gate_of(b, 2)->seq;
    assert_int_equal(b->sent_count, 1);
    assert_true(b->sent_node == 2 && b->sent.verb == AGENT_CHECK && b->sent.n == seq);
    assert_string_equal(b->sent.name, "gpu");
    assert_int_equal(b->sent.deadline_ms, 600000);
    hello(b, 2); /* it was started again, and knows nothing of the check */
    run(b, RIG_SECOND);
    assert_int_equal(b->sent_count, 2);
    say(b, 2, "checked id=1 result=ok"); /* of another time */
    assert_int_equal(rig_count(b->r, EV_GATE_ENDED), 0);
    (void)snprintf(line, sizeof(line), "checked id=%llu result=ok", (unsigned long long)seq);
    say(b, 2, line);
    say(b, 2, line);
    assert_int_equal(rig_count(b->r, EV_GATE_ENDED), 1);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_PROBATION);
    end(b);
}

static void a_check_that_nobody_can_answer_stays_open_for_a_person(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 2);
    (void)gate_of(b, 2);
    run(b, 10 * RIG_MINUTE);
    assert_int_equal(rig_count(b->r, EV_GATE_ENDED), 0);
    run(b, 10 * RIG_SECOND);
    assert_int_equal(rig_count(b->r, EV_GATE_ENDED), 0);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_VALIDATING);
    assert_int_equal(agents_stats(b->a).checks_unknown, 1);
    assert_int_equal(rig_gate(b->r, 2, RESULT_OK), ADMIT_OK);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_PROBATION);
    end(b);
}

static void bug_a_name_that_the_kernel_quotes_took_the_node(void **state)
{
    (void)state;
    static const char *const quoted[] = {
        ("oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/user.slice/NVRM: Xid (PCI:0000:6b:00): "
         "79, pid=1, GPU has fallen off the bus."),
        "python[9]: NVRM: Xid (PCI:0000:6b:00): 79, forged",
        "usb 1-1: device Kernel panic - not syncing cafe",
        "EXT4-fs (loop0): Remounting filesystem read-only",
    };
    struct bench *b = make();
    hello(b, 2);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(quoted); i++)
        kmsg(b, 2, quoted[i]);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_READY);
    assert_int_equal(rig_count(b->r, EV_ENGINE_ORDER), 0);
    kmsg(b, 2, XID_79);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_DOWN);
    end(b);
}

static void what_could_not_be_recorded_is_recorded_later(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    b->full = true;
    kmsg(b, 6, XID_79);
    say(b, 1, "unit name=slurmd up=0");
    b->beats[3] = false;
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 0);
    b->full = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(opened(b), 3);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
    assert_int_equal(b->r->control->board->node_health[6], HEALTH_DOWN);
    b->full = true;
    hello(b, 3);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(hello_as(b, 6, "boot-2", ""), 0);
    assert_int_equal(closed(b), 0);
    b->full = false;
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 1); /* the silence */
    assert_int_equal(rig_order(b->r, EV_ORDER_TAKEN, 6, 0), ADMIT_OK);
    run(b, 65 * RIG_SECOND); /* the boot was not seen; the repair is */
    assert_int_equal(closed(b), 3);
    end(b);
}

static void a_gates_result_is_not_lost_to_a_full_disk(void **state)
{
    (void)state;
    struct bench *b = make();
    char line[64];
    hello(b, 2);
    (void)snprintf(line, sizeof(line), "checked id=%llu result=ok",
                   (unsigned long long)gate_of(b, 2)->seq);
    b->full = true;
    say(b, 2, line);
    run(b, RIG_SECOND);
    b->full = false;
    run(b, RIG_SECOND);
    assert_int_equal(rig_count(b->r, EV_GATE_ENDED), 1);
    assert_int_equal(rig_last(b->r, EV_GATE_ENDED)->ev.body.gate.result, RESULT_OK);
    end(b);
}

static void after_a_restart_of_the_daemon_open_findings_are_confirmed_or_closed(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    kmsg(b, 8, XID_31);
    say(b, 1, "unit name=slurmd up=0");
    b->beats[3] = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(opened(b), 3);
    agents_destroy(b->a);
    open_agents(b);
    assert_int_equal(agents_next_due(b->a), 0); /* who is to be expected is looked up at once */
    all_hello(b);
    for (uint32_t i = 0; i < 8; i++) {
        say(b, 1, "unit name=slurmd up=0");
        run(b, 10 * RIG_SECOND);
    }
    assert_int_equal(opened(b), 3); /* the same conditions have the same numbers */
    assert_int_equal(closed(b), 2);
    assert_true(was_closed(b, 3)); /* silent no more */
    assert_true(was_closed(b, 8)); /* nobody says it again */
    assert_int_equal(b->r->control->board->node_health[1], HEALTH_DOWN);
    end(b);
}

static void bug_a_check_that_a_person_answered_is_not_asked_again(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 2);
    start_job(b, 7, 4);
    run(b, RIG_SECOND);
    uint64_t f = rig_finding(b->r, 2, LIVE_GPU);
    b->connected[2] = false;
    rig_repair(b->r, 2);
    assert_int_equal(rig_closed(b->r, 2, f), ADMIT_OK);
    agents_act(b->a, b->r->now_ns, &rig_last(b->r, EV_GATE_STARTED)->ev);
    assert_int_equal(rig_gate(b->r, 2, RESULT_OK), ADMIT_OK); /* a person's */
    run(b, 20 * RIG_MINUTE);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_READY);
    uint32_t before = b->sent_count;
    hello(b, 2);
    run(b, RIG_SECOND);
    assert_int_equal(b->sent_count, before);
    end(b);
}

static void bug_what_a_job_saves_is_recorded_once_a_second_at_most(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 2);
    start_job(b, 7, 2);
    run(b, 2 * RIG_SECOND);
    char line[120];
    for (int i = 1; i <= 100; i++) {
        (void)snprintf(line, sizeof(line),
                       "progress job=7 restart=0 step=%d saved=%d step_ms=1 checkpoint_ms=0", i, i);
        say(b, 2, line);
    }
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 1);
    run(b, RIG_SECOND);
    say(b, 2, line);
    assert_int_equal(rig_count(b->r, EV_ATTEMPT_PROGRESS), 2);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_that_the_agent_named_is_the_component_at_fault),
        cmocka_unit_test(what_a_kernel_said_is_over_when_it_heals_is_repaired_or_boots_anew),
        cmocka_unit_test(nothing_is_closed_while_nobody_is_there_to_say_it_again),
        cmocka_unit_test(slurmd_and_disks_are_levels),
        cmocka_unit_test(a_rank_that_ended_badly_is_evidence_until_the_attempt_is_over),
        cmocka_unit_test(progress_is_believed_of_the_attempt_that_runs_there),
        cmocka_unit_test(a_gate_is_checked_by_the_nodes_agent),
        cmocka_unit_test(a_check_that_nobody_can_answer_stays_open_for_a_person),
        cmocka_unit_test(bug_a_name_that_the_kernel_quotes_took_the_node),
        cmocka_unit_test(what_could_not_be_recorded_is_recorded_later),
        cmocka_unit_test(a_gates_result_is_not_lost_to_a_full_disk),
        cmocka_unit_test(after_a_restart_of_the_daemon_open_findings_are_confirmed_or_closed),
        cmocka_unit_test(bug_a_check_that_a_person_answered_is_not_asked_again),
        cmocka_unit_test(bug_what_a_job_saves_is_recorded_once_a_second_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
