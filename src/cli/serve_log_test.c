/* What the daemon prints: names instead of numbers, and never a flood. */
#include "cli/serve_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/units.h"
#include "fleet/site.h"
#include "live/policy.h"

#define T0 (1700000000 * MW_NS_PER_S)

struct bench {
    struct fleet *fleet;
    struct control_policy policy;
    struct serve_log log;
    char *printed;
    size_t size;
};

static int make(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct mw_error err;
    assert_non_null(b);
    assert_int_equal(site_simple(8, &b->fleet, &err), 0);
    b->policy = live_policy();
    b->log = (struct serve_log){ .to = open_memstream(&b->printed, &b->size), .fleet = b->fleet,
                                 .policy = &b->policy };
    *state = b;
    return 0;
}

static int drop(void **state)
{
    struct bench *b = *state;
    (void)fclose(b->log.to);
    free(b->printed);
    fleet_destroy(b->fleet);
    free(b);
    return 0;
}

static void says(struct bench *b, const struct event *ev, const char *tail, const char *words)
{
    struct text t = { 0 };
    serve_log_words(&b->log, ev, tail, &t);
    assert_string_equal(text_string(&t), words);
    text_fini(&t);
}

static void a_line_names_nodes_classes_and_reasons(void **state)
{
    struct bench *b = *state;
    const char *name = fleet_name(b->fleet, component_id(COMPONENT_NODE, 2));
    char words[256];
    struct event ev = { .kind = EV_NODE_MOVED, .seq = 12 };
    ev.body.node = (struct body_node){ .incident = 9, .node = 2, .class = LIVE_SLURMD,
                                       .from = HEALTH_READY, .to = HEALTH_DOWN };
    (void)snprintf(words, sizeof(words), "node %s: ready -> down (slurmd, incident 9)", name);
    says(b, &ev, NULL, words);
    ev = (struct event){ .kind = EV_ADVICE, .seq = 13 };
    ev.body.advice = (struct body_advice){ .incident = 9, .node = 2, .class = LIVE_SLURMD,
                                           .kind = EV_ENGINE_ORDER, .verb = ENGINE_DOWN,
                                           .reason = GUARD_MODE };
    (void)snprintf(words, sizeof(words), "advice 13: would ask the engine: down %s (slurmd, "
                   "incident 9); not done: the mode of the hall is not act", name);
    says(b, &ev, NULL, words);
    ev = (struct event){ .kind = EV_COMMAND, .seq = 14, .actor = 1042, .tail_size = 3 };
    ev.body.command = (struct body_command){ .node = 2, .hall = MW_NONE, .verb = CMD_HOLD };
    (void)snprintf(words, sizeof(words), "person 1042: hold %s: fan", name);
    says(b, &ev, "fan", words);
}

static void what_only_counts_is_not_shown(void **state)
{
    struct bench *b = *state;
    const struct event progress = { .kind = EV_ATTEMPT_PROGRESS };
    const struct event timer = { .kind = EV_TIMER_FIRED };
    says(b, &progress, NULL, "");
    says(b, &timer, NULL, "");
}

static void a_flood_is_cut_and_counted_and_the_next_second_is_shown_again(void **state)
{
    struct bench *b = *state;
    struct event ev = { .kind = EV_INCIDENT_OPENED, .seq = 1, .time_ns = T0 };
    ev.body.incident = (struct body_incident){ .component = component_id(COMPONENT_NODE, 1) };
    for (uint32_t i = 0; i < SERVE_LOG_LINES + 7; i++)
        serve_log_event(&b->log, &ev, NULL);
    ev.time_ns += MW_NS_PER_S;
    serve_log_event(&b->log, &ev, NULL);
    uint32_t lines = 0;
    for (const char *p = b->printed; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, SERVE_LOG_LINES + 2);
    assert_non_null(strstr(b->printed, "7 more"));
}

static void a_reason_cannot_drive_the_terminal(void **state)
{
    struct bench *b = *state;
    const char evil[] = "\033[2Jgone";
    struct event ev = { .kind = EV_COMMAND, .seq = 14, .actor = 1, .time_ns = T0,
                        .tail_size = sizeof(evil) - 1 };
    ev.body.command = (struct body_command){ .node = 1, .hall = MW_NONE, .verb = CMD_HOLD };
    serve_log_event(&b->log, &ev, evil);
    assert_null(strchr(b->printed, '\033'));
    assert_non_null(strstr(b->printed, "gone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_names_nodes_classes_and_reasons, make, drop),
        cmocka_unit_test_setup_teardown(what_only_counts_is_not_shown, make, drop),
        cmocka_unit_test_setup_teardown(
            a_flood_is_cut_and_counted_and_the_next_second_is_shown_again, make, drop),
        cmocka_unit_test_setup_teardown(a_reason_cannot_drive_the_terminal, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
