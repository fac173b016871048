/* Machines beside a replay: two threads over one hub, and agents by real connections. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/parse.h"
#include "cli/guests.h"
#include "live/agent_frame.h"
#include "signal/samples.h"

#define WAIT_MS 10000

static int begin(void **state)
{
    const struct guests_options o = { .address = "127.0.0.1:0" };
    struct guests *g = NULL;
    struct mw_error err = { 0 };
    if (guests_start(&o, &g, &err) != 0)
        fail_msg("%s", err.text);
    *state = g;
    return 0;
}

static int end(void **state)
{
    guests_stop(*state);
    return 0;
}

static void nap(void)
{
    const struct timespec t = { .tv_nsec = 10 * 1000000 };
    (void)nanosleep(&t, NULL);
}

static int dial(const struct guests *g)
{
    const char *colon = strrchr(guests_address(g), ':');
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    uint64_t port = 0;
    assert_int_equal(mw_parse_u64(colon + 1, &port), 0);
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void say(int fd, const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line, sizeof(line));
    assert_true(n > 0);
    assert_int_equal(write(fd, line, n), (ssize_t)n);
}

static void hello(int fd, const char *name, uint8_t role)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .role = role };
    (void)snprintf(f.name, sizeof(f.name), "%s", name);
    (void)snprintf(f.boot, sizeof(f.boot), "boot");
    say(fd, &f);
}

/* The first line with this verb that comes; "" when the connection ends before. */
static struct agent_frame await(int fd, uint8_t verb)
{
    static char in[4 * AGENT_FRAME_MAX];
    struct agent_frame f = { .verb = 0 };
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, in + n, 1);
        if (got <= 0)
            return (struct agent_frame){ .verb = 0 };
        if (in[n++] != '\n')
            continue;
        assert_int_equal(agent_frame_read(in, n - 1, &f, NULL), 0);
        if (f.verb == verb)
            return f;
        n = 0;
    }
}

static void say_load(int fd, double load)
{
    uint8_t bytes[AGENT_SAMPLES_HEAD + 512];
    struct samples s;
    const struct sample_head h = { .seq = 1, .wall_ms = 1 };
    assert_int_equal(samples_init(&s, 8), 0);
    samples_put(&s, M_LOAD1, 0, load);
    size_t n = samples_encode(&s, &h, bytes + AGENT_SAMPLES_HEAD, 512);
    agent_samples_head(bytes, n);
    assert_int_equal(write(fd, bytes, AGENT_SAMPLES_HEAD + n), (ssize_t)(AGENT_SAMPLES_HEAD + n));
    samples_fini(&s);
}

static json_t *ask(struct guests *g, const char *key, const char *name)
{
    struct mw_error err = { 0 };
    json_t *wish = json_pack("{s:s}", key, name);
    json_t *o = guests_tell(g, wish, &err);
    json_decref(wish);
    return o;
}

/* Asked again until the machine has so many readings. */
static json_t *machine_with(struct guests *g, const char *name, size_t readings)
{
    for (int k = 0; k < WAIT_MS / 10; k++) {
        json_t *o = ask(g, "machine", name);
        if (o != NULL && json_array_size(json_object_get(o, "values")) == readings)
            return o;
        json_decref(o);
        nap();
    }
    fail_msg("%s never had %zu readings", name, readings);
    return NULL;
}

static void what_an_agent_reads_is_told_while_it_speaks(void **state)
{
    struct guests *g = *state;
    int fd = dial(g);
    hello(fd, "bench", AGENT_ROLE_AGENT);
    assert_int_equal(await(fd, AGENT_WELCOME).verb, AGENT_WELCOME);
    say_load(fd, 2.5);
    json_t *o = machine_with(g, "bench", 1);
    const json_t *m = json_object_get(o, "machine");
    assert_string_equal(json_string_value(json_object_get(m, "state")), "heard");
    assert_true(json_is_null(json_object_get(m, "node")));
    json_decref(o);
    (void)close(fd);
}

static void an_event_of_a_guest_is_acknowledged_so_that_it_need_not_be_kept(void **state)
{
    int fd = dial(*state);
    struct agent_frame f = { .verb = AGENT_KMSG, .e = 7 };
    struct agent_frame said = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL };
    (void)snprintf(said.name, sizeof(said.name), "bench");
    (void)snprintf(said.boot, sizeof(said.boot), "boot");
    (void)snprintf(said.spool, sizeof(said.spool), "spool");
    say(fd, &said);
    (void)snprintf(f.text, sizeof(f.text), "NVRM: Xid 79");
    say(fd, &f);
    assert_int_equal(await(fd, AGENT_ACK).n, 7);
    (void)close(fd);
}

static void a_wish_for_readings_more_often_reaches_the_agent(void **state)
{
    struct guests *g = *state;
    int fd = dial(g);
    struct mw_error err = { 0 };
    hello(fd, "bench", AGENT_ROLE_AGENT);
    (void)await(fd, AGENT_WELCOME);
    json_t *wish = json_pack("{s:s, s:i, s:i}", "rate", "bench", "sample_ms", 100, "for_ms", 5000);
    json_t *o = guests_tell(g, wish, &err);
    assert_non_null(o);
    json_decref(o);
    struct agent_frame f = await(fd, AGENT_RATE);
    assert_int_equal(f.sample_ms, 100);
    assert_int_equal(f.for_ms, 5000);
    (void)close(fd);
    for (int k = 0; (o = guests_tell(g, wish, &err)) != NULL && k < WAIT_MS / 10; k++) {
        json_decref(o); /* it has not noticed yet that the agent is gone */
        nap();
    }
    assert_null(o);
    assert_int_equal(err.code, MW_ENOTFOUND);
    json_decref(wish);
}

static void a_gatherer_is_refused(void **state)
{
    int fd = dial(*state);
    hello(fd, "door", AGENT_ROLE_GATHER);
    assert_int_equal(await(fd, AGENT_REFUSE).verb, AGENT_REFUSE);
    (void)close(fd);
}

static void there_is_room_for_so_many_machines_and_no_more(void **state)
{
    int fd[GUESTS_MAX + 1];
    for (uint32_t i = 0; i < GUESTS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "m%u", i);
        fd[i] = dial(*state);
        hello(fd[i], name, AGENT_ROLE_AGENT);
        assert_int_equal(await(fd[i], AGENT_WELCOME).verb, AGENT_WELCOME);
    }
    fd[GUESTS_MAX] = dial(*state);
    hello(fd[GUESTS_MAX], "one-more", AGENT_ROLE_AGENT);
    assert_int_equal(await(fd[GUESTS_MAX], AGENT_REFUSE).verb, AGENT_REFUSE);
    for (uint32_t i = 0; i <= GUESTS_MAX; i++)
        (void)close(fd[i]);
}

static void an_agent_program_that_is_not_there_is_named(void **state)
{
    const struct guests_options o = { .address = "127.0.0.1:0", .agent = "/nowhere/mw-agent" };
    struct guests *g = NULL;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(guests_start(&o, &g, &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "/nowhere/mw-agent"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_an_agent_reads_is_told_while_it_speaks),
        T(an_event_of_a_guest_is_acknowledged_so_that_it_need_not_be_kept),
        T(a_wish_for_readings_more_often_reaches_the_agent),
        T(a_gatherer_is_refused),
        T(there_is_room_for_so_many_machines_and_no_more),
        cmocka_unit_test(an_agent_program_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
