/*
 * What would break for the user: a dead node that stays in service, a living
 * one that is taken out because the daemon slept or a switch failed, a finding
 * that nobody ever closes.  The controller is real, the agents are played.
 */
#include "live/agents_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/rig.h"
#include "live/policy.h"
#include "live/slurm.h"

#define NODES 16
#define MS MW_NS_PER_MS
#define STEP (50 * MS)

struct bench {
    struct rig *r;
    struct agents *a;
    bool full;             /* nothing can be recorded, as with a full disk */
    bool beats[NODES];     /* whose agents beat */
    bool connected[NODES];
    uint64_t n;
    struct agent_frame sent; /* the last frame to an agent */
    uint32_t sent_node, sent_count;
    uint32_t steps;
    uint32_t probes;         /* asked so far, the last of this node */
    uint32_t probed;
    bool no_probe_free;
};

static enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct bench *b = ctx;
    return b->full ? ADMIT_GAP : rig_submit(b->r, fact, tail);
}

static bool send(void *ctx, uint32_t node, const struct agent_frame *f)
{
    struct bench *b = ctx;
    if (!b->connected[node])
        return false;
    b->sent = *f;
    b->sent_node = node;
    b->sent_count++;
    return true;
}

static enum agents_probe probe(void *ctx, uint32_t node, const char *address)
{
    struct bench *b = ctx;
    assert_string_equal(address, "10.0.0.7:6818");
    if (b->no_probe_free)
        return AGENTS_PROBE_BUSY;
    b->probes++;
    b->probed = node;
    return AGENTS_PROBE_ASKED;
}

static void open_agents(struct bench *b)
{
    struct agents_options o = { .control = b->r->control, .facts = { submit, b }, .send = send,
                                .send_ctx = b, .probe = probe, .probe_ctx = b };
    assert_int_equal(agents_create(&o, &b->a, NULL), 0);
}

/* Classes of the live site; one that kills is repaired here without waiting for probation. */
static struct bench *make(void)
{
    static struct bench b;
    struct control_policy p = live_policy();
    p.guard.mode = MODE_ACT;
    b = (struct bench){ .r = rig_make(NODES, &p) };
    open_agents(&b);
    return &b;
}

static void end(struct bench *b)
{
    agents_destroy(b->a);
    rig_free(b->r);
}

static int hello_as(struct bench *b, uint32_t node, const char *boot, const char *gpus)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL };
    uint32_t got = MW_NONE;
    (void)snprintf(f.name, sizeof(f.name), "%s",
                   fleet_name(b->r->fleet, component_id(COMPONENT_NODE, node)));
    (void)snprintf(f.boot, sizeof(f.boot), "%s", boot);
    (void)snprintf(f.text, sizeof(f.text), "%s", gpus);
    int rc = agents_hello(b->a, b->r->now_ns, &f, &got, NULL);
    assert_int_equal(got, node);
    b->connected[node] = b->beats[node] = true;
    return rc;
}

static void hello(struct bench *b, uint32_t node)
{
    assert_int_equal(hello_as(b, node, "boot-1", ""), 0);
}

static void all_hello(struct bench *b)
{
    for (uint32_t n = 0; n < NODES; n++)
        hello(b, n);
}

/* Time passes; who beats, beats each 200 ms, each agent at its own moment. */
static void run(struct bench *b, int64_t ns)
{
    for (int64_t at = 0; at < ns; at += STEP) {
        rig_wait(b->r, STEP);
        b->steps++;
        for (uint32_t n = 0; n < NODES; n++) {
            struct agent_frame f = { .verb = AGENT_BEAT, .n = ++b->n };
            if (b->beats[n] && (b->steps + n) % 4 == 0)
                agents_heard(b->a, b->r->now_ns, n, &f);
        }
        if (agents_next_due(b->a) <= b->r->now_ns)
            agents_tick(b->a, b->r->now_ns);
    }
}

static void say(struct bench *b, uint32_t node, const char *line)
{
    struct agent_frame f;
    struct mw_error err = { 0 };
    if (agent_frame_read(line, strlen(line), &f, &err) < 0)
        fail_msg("%s", err.text);
    agents_heard(b->a, b->r->now_ns, node, &f);
}

static void kmsg(struct bench *b, uint32_t node, const char *text)
{
    struct agent_frame f = { .verb = AGENT_KMSG };
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    agents_heard(b->a, b->r->now_ns, node, &f);
}

static uint32_t opened(const struct bench *b)
{
    return rig_count(b->r, EV_FINDING_OPENED);
}

static uint32_t closed(const struct bench *b)
{
    return rig_count(b->r, EV_FINDING_CLOSED);
}

static bool was_closed(const struct bench *b, uint32_t node)
{
    for (uint32_t i = 0; i < b->r->log_length; i++)
        if (b->r->log[i].ev.kind == EV_FINDING_CLOSED &&
            b->r->log[i].ev.source == SOURCE_NODE + node)
            return true;
    return false;
}

static const struct body_finding *last_opened(const struct bench *b)
{
    return &rig_last(b->r, EV_FINDING_OPENED)->ev.body.finding;
}

/* The job gets nodes first .. first + 1 from the engine and runs. */
static void start_job(struct bench *b, uint64_t job, uint32_t first)
{
    uint32_t node[] = { first, first + 1 };
    assert_int_equal(rig_job(b->r, job, 2, 0), ADMIT_OK);
    uint32_t slot = rig_slot(b->r, job);
    struct event ev = { .kind = EV_ATTEMPT_ALLOCATED, .source = SOURCE_ENGINE,
                        .tail_size = sizeof(node) };
    ev.body.place = (struct body_place){ .job = job, .slot = slot, .attempt = 1, .nodes = 2,
                                         .gpus = 16 };
    assert_int_equal(rig_submit(b->r, &ev, node), ADMIT_OK);
    assert_int_equal(rig_running(b->r, job, 0), ADMIT_OK);
}

static void a_node_whose_agent_falls_silent_is_dead_within_a_second(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 0);
    assert_int_equal(agents_stats(b->a).watched, NODES);
    b->beats[3] = false;
    run(b, 350 * MS);
    assert_int_equal(opened(b), 0);
    run(b, 400 * MS);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    assert_int_equal(last_opened(b)->node, 3);
    assert_int_equal(rig_last(b->r, EV_FINDING_OPENED)->ev.source, SOURCE_NODE + 3);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    end(b);
}

static void a_node_is_back_when_its_agent_has_beaten_three_times(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    b->beats[3] = false;
    run(b, 2 * RIG_SECOND);
    hello(b, 3);
    b->beats[3] = false;
    say(b, 3, "beat n=1");
    say(b, 3, "beat n=2");
    assert_int_equal(closed(b), 0);
    say(b, 3, "beat n=3");
    assert_int_equal(closed(b), 1);
    b->beats[3] = true;
    run(b, 2 * RIG_MINUTE);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_READY);
    end(b);
}

static void many_silences_at_once_are_the_network_and_leave_the_nodes_alone(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    for (uint32_t n = 4; n < 12; n++)
        b->beats[n] = false;
    run(b, 10 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_AGENTS_SILENT);
    assert_int_equal(last_opened(b)->component, component_id(COMPONENT_SITE, 0));
    assert_int_equal(agents_stats(b->a).silences_common, 1);
    assert_int_equal(agents_stats(b->a).silences, 0);
    for (uint32_t n = 4; n < 12; n++)
        hello(b, n);
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 1);
    run(b, 10 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    end(b);
}

static void in_a_common_silence_slurms_word_condemns_a_node(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    memset(b->beats, 0, sizeof(b->beats));
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 1);
    struct event ev = { .kind = EV_FINDING_OPENED, .source = SOURCE_ENGINE };
    ev.body.finding = (struct body_finding){ .component = component_id(COMPONENT_NODE, 6),
                                             .finding = slurm_node_finding(6), .node = 6,
                                             .class = LIVE_ENGINE_NODE };
    assert_int_equal(rig_submit(b->r, &ev, NULL), ADMIT_OK);
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 3);
    assert_int_equal(last_opened(b)->node, 6);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    end(b);
}

static void who_stays_away_when_the_others_are_back_is_dead(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    memset(b->beats, 0, sizeof(b->beats));
    run(b, 5 * RIG_SECOND);
    for (uint32_t n = 1; n < NODES; n++)
        hello(b, n);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences, 0);
    run(b, 2 * RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences, 1);
    assert_int_equal(last_opened(b)->node, 0);
    assert_int_equal(closed(b), 1); /* agents-silent */
    end(b);
}

static void a_daemon_that_slept_takes_nobody_for_dead(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    rig_wait(b->r, 10 * RIG_SECOND); /* neither ticks nor frames */
    agents_tick(b->a, b->r->now_ns);
    assert_int_equal(opened(b), 0);
    assert_int_equal(agents_stats(b->a).late_ticks, 1);
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 0);
    b->beats[2] = false;
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 1); /* and it sees the dead again */
    end(b);
}

static void an_agent_that_says_goodbye_is_unwatched_not_dead(void **state)
{
    (void)state;
    struct bench *b = make();
    all_hello(b);
    run(b, RIG_SECOND);
    b->beats[5] = false;
    say(b, 5, "bye");
    run(b, 5 * RIG_SECOND);
    assert_int_equal(opened(b), 0);
    assert_int_equal(agents_stats(b->a).watched, NODES - 1);
    hello(b, 5);
    run(b, RIG_SECOND);
    b->beats[5] = false;
    agents_lost(b->a, b->r->now_ns, 5);
    assert_int_equal(opened(b), 0); /* a lost connection alone is nothing yet */
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 1);
    end(b);
}

static void a_stranger_is_refused_with_what_to_do(void **state)
{
    (void)state;
    struct bench *b = make();
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL + 1, .name = "n1" };
    struct mw_error err = { 0 };
    uint32_t node = 77;
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &node, &err), MW_EVERSION);
    f.version = AGENT_PROTOCOL;
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &node, &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "--node"));
    assert_int_equal(node, 77);
    assert_int_equal(agents_stats(b->a).frames_refused, 2);
    agents_tick(b->a, b->r->now_ns);
    assert_int_equal(agents_next_due(b->a), MW_NEVER);
    end(b);
}

#define XID_79 "NVRM: Xid (PCI:0000:3b:00): 79, pid=71, name=train, GPU has fallen off the bus."
#define XID_31 "NVRM: Xid (PCI:0000:3b:00): 31, pid=71, name=train, MMU Fault"

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

static void hello_with_witness(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "boot-1",
                             .probe = "10.0.0.7:6818" };
    uint32_t got = MW_NONE;
    (void)snprintf(f.name, sizeof(f.name), "%s",
                   fleet_name(b->r->fleet, component_id(COMPONENT_NODE, node)));
    assert_int_equal(agents_hello(b->a, b->r->now_ns, &f, &got, NULL), 0);
    b->connected[node] = b->beats[node] = true;
}

static void a_node_that_answers_is_not_dead_when_its_agent_is(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    assert_int_equal(b->probes, 1);
    assert_int_equal(opened(b), 0);
    agents_probed(b->a, b->r->now_ns, 2, true);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->class, LIVE_AGENT_LOST);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_READY);
    run(b, 6 * RIG_SECOND);
    assert_int_equal(b->probes, 2); /* it may die yet */
    agents_probed(b->a, b->r->now_ns, 2, false);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    assert_int_equal(closed(b), 1);
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_DOWN);
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 2);
    end(b);
}

static void a_lost_agent_that_comes_back_ends_its_incident(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    agents_probed(b->a, b->r->now_ns, 2, true);
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    assert_int_equal(closed(b), 1);
    assert_int_equal(rig_count(b->r, EV_INCIDENT_CLOSED), 1);
    assert_int_equal(rig_count(b->r, EV_ENGINE_ORDER), 0);
    end(b);
}

static void a_witness_that_says_nothing_or_no_leaves_the_node_dead_within_a_second(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    hello_with_witness(b, 3);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    agents_probed(b->a, b->r->now_ns, 2, false);
    assert_int_equal(opened(b), 1);
    b->beats[3] = false;
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 2);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
    agents_probed(b->a, b->r->now_ns, 3, true); /* too late */
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
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

static void a_witness_is_known_after_a_restart(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    run(b, RIG_SECOND);
    agents_destroy(b->a);
    open_agents(b);
    b->beats[2] = false;
    run(b, 4 * RIG_SECOND);
    assert_int_equal(b->probes, 1);
    end(b);
}

static void what_is_no_address_is_no_witness(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ":", ":1", "n7:6818", "10.0.0.7", "10.0.0.7:0", "[::1:5",
                                       "10.0.0.7:65536", "10.0.0:7", "[10.0.0.7]:1", "::1:5" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct body_watch w = { .node = 1 };
        agents_witness_read(bad[i], &w);
        assert_int_equal(w.port, 0);
    }
    struct body_watch v6 = { .node = 1 };
    agents_witness_read("[fd00::7]:22", &v6);
    assert_int_equal(v6.port, 22);
    assert_true(v6.high == 0xfd00000000000000u && v6.low == 7);
}

static void a_node_that_died_while_we_were_away_is_missed(void **state)
{
    (void)state;
    struct bench *b = make();
    hello(b, 2);
    hello(b, 3);
    hello(b, 5);
    run(b, RIG_SECOND);
    say(b, 5, "bye");
    agents_destroy(b->a);
    open_agents(b);
    memset(b->beats, 0, sizeof(b->beats));
    agents_tick(b->a, b->r->now_ns);
    hello(b, 3);
    run(b, 3 * RIG_SECOND);
    assert_int_equal(opened(b), 0); /* it has some time to find us */
    run(b, RIG_SECOND);
    assert_int_equal(opened(b), 1);
    assert_int_equal(last_opened(b)->node, 2);
    assert_int_equal(last_opened(b)->class, LIVE_NODE_SILENT);
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

/* ---- what was wrong once -------------------------------------------------------------------- */

static void bug_who_is_left_of_a_common_silence_has_a_witness_too(void **state)
{
    (void)state;
    struct bench *b = make();
    for (uint32_t n = 0; n < NODES; n++)
        hello_with_witness(b, n);
    run(b, 2 * RIG_SECOND);
    for (uint32_t n = 0; n < 6; n++)
        b->beats[n] = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(agents_stats(b->a).silences_common, 1);
    for (uint32_t n = 1; n < 6; n++)
        hello_with_witness(b, n);
    for (int i = 0; i < 100 && b->probes == 0; i++)
        run(b, 100 * MS);
    assert_true(b->probes == 1 && b->probed == 0);
    agents_probed(b->a, b->r->now_ns, 0, true);
    run(b, RIG_SECOND);
    assert_int_equal(b->r->control->board->node_health[0], HEALTH_READY);
    assert_int_equal(last_opened(b)->class, LIVE_AGENT_LOST);
    assert_int_equal(rig_count(b->r, EV_ENGINE_ORDER), 0);
    end(b);
}

static void bug_a_verdict_waits_for_a_free_probe(void **state)
{
    (void)state;
    struct bench *b = make();
    hello_with_witness(b, 2);
    hello_with_witness(b, 3);
    run(b, RIG_SECOND);
    b->beats[2] = false;
    run(b, 700 * MS);
    agents_probed(b->a, b->r->now_ns, 2, true);
    b->no_probe_free = true;
    b->beats[3] = false;
    run(b, 2 * RIG_SECOND);
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_READY);
    run(b, RIG_SECOND); /* but not for ever */
    assert_int_equal(b->r->control->board->node_health[3], HEALTH_DOWN);
    run(b, 20 * RIG_SECOND); /* whose node answered is tried later */
    assert_int_equal(b->r->control->board->node_health[2], HEALTH_READY);
    uint32_t before = b->probes;
    b->no_probe_free = false;
    run(b, 200 * MS);
    assert_true(b->probes == before + 1 && b->probed == 2);
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
        cmocka_unit_test(a_node_whose_agent_falls_silent_is_dead_within_a_second),
        cmocka_unit_test(a_node_is_back_when_its_agent_has_beaten_three_times),
        cmocka_unit_test(many_silences_at_once_are_the_network_and_leave_the_nodes_alone),
        cmocka_unit_test(in_a_common_silence_slurms_word_condemns_a_node),
        cmocka_unit_test(who_stays_away_when_the_others_are_back_is_dead),
        cmocka_unit_test(a_daemon_that_slept_takes_nobody_for_dead),
        cmocka_unit_test(an_agent_that_says_goodbye_is_unwatched_not_dead),
        cmocka_unit_test(a_stranger_is_refused_with_what_to_do),
        cmocka_unit_test(a_gpu_that_the_agent_named_is_the_component_at_fault),
        cmocka_unit_test(what_a_kernel_said_is_over_when_it_heals_is_repaired_or_boots_anew),
        cmocka_unit_test(nothing_is_closed_while_nobody_is_there_to_say_it_again),
        cmocka_unit_test(slurmd_and_disks_are_levels),
        cmocka_unit_test(a_rank_that_ended_badly_is_evidence_until_the_attempt_is_over),
        cmocka_unit_test(progress_is_believed_of_the_attempt_that_runs_there),
        cmocka_unit_test(a_gate_is_checked_by_the_nodes_agent),
        cmocka_unit_test(a_check_that_nobody_can_answer_stays_open_for_a_person),
        cmocka_unit_test(a_node_that_answers_is_not_dead_when_its_agent_is),
        cmocka_unit_test(a_lost_agent_that_comes_back_ends_its_incident),
        cmocka_unit_test(a_witness_that_says_nothing_or_no_leaves_the_node_dead_within_a_second),
        cmocka_unit_test(bug_a_name_that_the_kernel_quotes_took_the_node),
        cmocka_unit_test(a_witness_is_known_after_a_restart),
        cmocka_unit_test(what_is_no_address_is_no_witness),
        cmocka_unit_test(a_node_that_died_while_we_were_away_is_missed),
        cmocka_unit_test(what_could_not_be_recorded_is_recorded_later),
        cmocka_unit_test(a_gates_result_is_not_lost_to_a_full_disk),
        cmocka_unit_test(after_a_restart_of_the_daemon_open_findings_are_confirmed_or_closed),
        cmocka_unit_test(bug_who_is_left_of_a_common_silence_has_a_witness_too),
        cmocka_unit_test(bug_a_verdict_waits_for_a_free_probe),
        cmocka_unit_test(bug_a_check_that_a_person_answered_is_not_asked_again),
        cmocka_unit_test(bug_what_a_job_saves_is_recorded_once_a_second_at_most),
    };
    return cmocka_run_group_tests_name("live/agents", tests, NULL, NULL);
}
