/* Agents on real loopback sockets: who is heard, who is told off, who is dropped. */
#include "live/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "base/parse.h"
#include "base/units.h"

#define NODES 4
#define TURNS_MAX 20000

/* What the port heard, as text: "hello n1;beat 1;lost 1;". */
struct bench {
    struct event_base *base;
    struct listener *listener;
    char heard[4096];
    char got[16384]; /* by the client that read last */
};

MW_PRINTF(2, 3) static void add(struct bench *b, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(b->heard);
    va_start(ap, fmt);
    (void)vsnprintf(b->heard + n, sizeof(b->heard) - n, fmt, ap);
    va_end(ap);
}

static int on_hello(void *ctx, const struct agent_frame *f, uint32_t *ret, struct mw_error *err)
{
    uint64_t n = 0;
    if (f->role == AGENT_ROLE_GATHER) {
        *ret = NODES + 5; /* behind the nodes: a gatherer's place */
        add(ctx, "gatherer;");
        return 0;
    }
    if (f->name[0] != 'n' || mw_parse_u64(f->name + 1, &n) != 0 || n >= NODES)
        return mw_fail(err, MW_ENOTFOUND, "no such node");
    *ret = (uint32_t)n;
    add(ctx, "hello %u;", *ret);
    return 0;
}

static void on_heard(void *ctx, uint32_t node, const struct agent_frame *f)
{
    add(ctx, f->verb == AGENT_BEAT ? "beat %u;" : f->verb == AGENT_BYE ? "bye %u;" : "frame %u;",
        node);
}

static void on_lost(void *ctx, uint32_t node)
{
    add(ctx, "lost %u;", node);
}

static void on_samples(void *ctx, uint32_t peer, const uint8_t *payload, size_t size)
{
    add(ctx, "samples %u of %zu from %u;", payload[0], size, peer);
}

static void on_turn(void *ctx)
{
    add(ctx, "turn;");
}

static struct listener_options options_of(struct bench *b)
{
    return (struct listener_options){
        .base = b->base, .address = "127.0.0.1:0", .nodes = NODES,
        .port = { .ctx = b, .hello = on_hello, .heard = on_heard, .lost = on_lost } };
}

static struct bench *bench_make(const char *token, int64_t hello_ns)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct mw_error err = { 0 };
    assert_non_null(b);
    b->base = event_base_new();
    struct listener_options o = options_of(b);
    o.token = token;
    o.hello_ns = hello_ns;
    if (listener_create(&o, &b->listener, &err) != 0)
        fail_msg("%s", err.text);
    return b;
}

static void bench_free(struct bench *b)
{
    listener_destroy(b->listener);
    event_base_free(b->base);
    free(b);
}

static void turn(struct bench *b)
{
    assert_true(event_base_loop(b->base, EVLOOP_NONBLOCK) >= 0);
}

static int client(struct bench *b)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    const char *port = strrchr(listener_address(b->listener), ':') + 1;
    uint64_t n = 0;
    assert_int_equal(mw_parse_u64(port, &n), 0);
    at.sin_port = htons((uint16_t)n);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    turn(b);
    return fd;
}

static void say(struct bench *b, int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    turn(b);
}

/* Turns the loop until the port heard exactly this. */
static void expect(struct bench *b, const char *heard)
{
    for (uint32_t i = 0; i < TURNS_MAX && strcmp(b->heard, heard) != 0; i++) {
        turn(b);
        (void)usleep(100);
    }
    assert_string_equal(b->heard, heard);
}

/* Reads until `needle` came, or the end of the connection. */
static void expect_answer(struct bench *b, int fd, const char *needle)
{
    size_t n = 0;
    memset(b->got, 0, sizeof(b->got));
    for (uint32_t i = 0; i < TURNS_MAX && strstr(b->got, needle) == NULL; i++) {
        turn(b);
        ssize_t r = recv(fd, b->got + n, sizeof(b->got) - 1 - n, MSG_DONTWAIT);
        n += r > 0 ? (size_t)r : 0;
        (void)usleep(100);
    }
    if (strstr(b->got, needle) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", needle, b->got);
}

/* The other side closes (or resets). */
static void expect_closed(struct bench *b, int fd)
{
    char rest[4096];
    for (uint32_t i = 0; i < TURNS_MAX; i++) {
        turn(b);
        ssize_t r = recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
        if (r == 0 || (r < 0 && errno != EAGAIN))
            return;
        (void)usleep(100);
    }
    fail_msg("the connection is still open");
}

static void an_agent_that_says_hello_is_welcomed_and_heard(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd = client(b);
    say(b, fd, "hello version=1 node=n2 boot=b agent=0.1.0\nbeat n=1\nbe");
    expect_answer(b, fd, "welcome version=1 beat_ms=200\n");
    say(b, fd, "at n=2\n");
    expect(b, "hello 2;beat 2;beat 2;");
    assert_int_equal(listener_stats(b->listener).connections, 1);
    (void)close(fd);
    expect(b, "hello 2;beat 2;beat 2;lost 2;");
    assert_int_equal(listener_stats(b->listener).connections, 0);
    bench_free(b);
}

static void an_agent_that_says_bye_is_not_lost(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd = client(b);
    say(b, fd, "hello version=1 node=n0 boot=b agent=0.1.0\nbye\nbeat n=3\n");
    expect_closed(b, fd);
    assert_string_equal(b->heard, "hello 0;bye 0;");
    (void)close(fd);
    bench_free(b);
}

static void a_newer_connection_of_a_node_takes_the_place_of_the_old_and_nobody_is_lost(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int old = client(b);
    say(b, old, "hello version=1 node=n1 boot=b agent=0.1.0\n");
    expect(b, "hello 1;");
    int new = client(b);
    say(b, new, "hello version=1 node=n1 boot=b agent=0.1.0\n");
    expect_closed(b, old);
    say(b, new, "beat n=1\n");
    expect(b, "hello 1;hello 1;beat 1;");
    const struct agent_frame check = { .verb = AGENT_CHECK, .n = 7, .name = "gpu" };
    assert_true(listener_send(b->listener, 1, &check));
    assert_false(listener_send(b->listener, 0, &check));
    expect_answer(b, new, "check id=7");
    (void)close(old);
    (void)close(new);
    bench_free(b);
}

static void who_cannot_be_heard_is_told_why_and_closed(void **state)
{
    (void)state;
    static const struct {
        const char *said, *answer;
    } wrong[] = {
        { "hello version=1 node=other boot=b agent=0.1.0 token=word\n",
          "refuse code=MW_ENOTFOUND" },
        { "hello version=1 node=n1 boot=b agent=0.1.0\n", "refuse code=MW_EDENIED" },
        { "hello version=1 node=n1 boot=b agent=0.1.0 token=wort\n", "refuse code=MW_EDENIED" },
        { "beat n=1\n", "refuse code=MW_ESYNTAX" },
        { "GET / HTTP/1.1\r\n\r\n", "refuse code=" },
        { "hello version=1 node=n1 boot=b agent=0.1.0 token=word\nhello version=1 node=n1 "
          "boot=b agent=0.1.0 token=word\n", "refuse code=MW_ESYNTAX" },
        { "hello version=1 node=n1 boot=b agent=0.1.0 token=word\nwelcome version=1 beat_ms=1\n",
          "refuse code=MW_ESYNTAX" },
    };
    struct bench *b = bench_make("word", 0);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        int fd = client(b);
        say(b, fd, wrong[i].said);
        expect_answer(b, fd, wrong[i].answer);
        expect_closed(b, fd);
        (void)close(fd);
    }
    assert_string_equal(b->heard, "hello 1;lost 1;hello 1;lost 1;");
    assert_int_equal(listener_stats(b->listener).connections, 0);
    bench_free(b);
}

static struct bench *bench_with_samples(void)
{
    struct bench *b = bench_make(NULL, 0);
    struct listener_options o = options_of(b);
    struct mw_error err = { 0 };
    listener_destroy(b->listener);
    o.port.samples = on_samples;
    o.port.turn = on_turn;
    if (listener_create(&o, &b->listener, &err) != 0)
        fail_msg("%s", err.text);
    return b;
}

static void say_bytes(struct bench *b, int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    turn(b);
}

static void samples_come_whole_between_lines_and_are_heard_together(void **state)
{
    (void)state;
    struct bench *b = bench_with_samples();
    int fd = client(b);
    say(b, fd, "hello version=2 node=n2 boot=b\n");
    expect(b, "hello 2;turn;");
    expect_answer(b, fd, "welcome version=2 beat_ms=200 sample_ms=1000\n");
    b->heard[0] = '\0';
    /* A newline and a mark within a payload are no ends of records. */
    static const char said[] = "beat n=1\n" "\x01\x04\x00\x00\x07\n\x01\n" "beat n=2\n" "\x01\x01";
    say_bytes(b, fd, said, sizeof(said) - 1);
    expect(b, "beat 2;samples 7 of 4 from 2;beat 2;turn;");
    say_bytes(b, fd, "\x00\x00\x09", 3);
    expect(b, "beat 2;samples 7 of 4 from 2;beat 2;turn;samples 9 of 1 from 2;turn;");
    (void)close(fd);
    bench_free(b);
}

static void samples_before_a_hello_or_of_an_impossible_size_end_the_connection(void **state)
{
    static const struct {
        const char *hello, *said;
        size_t size;
        const char *answer;
    } wrong[] = {
        { "", "\x01\x01\x00\x00x", 5, "refuse code=MW_ESYNTAX" },
        { "hello version=2 node=n2 boot=b\n", "\x01\x00\x00\x00", 4, "refuse code=MW_ELIMIT" },
        { "hello version=2 node=n2 boot=b\n", "\x01\x01\x00\x01", 4, "refuse code=MW_ELIMIT" },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct bench *b = bench_with_samples();
        int fd = client(b);
        say(b, fd, wrong[i].hello);
        say_bytes(b, fd, wrong[i].said, wrong[i].size);
        expect_answer(b, fd, wrong[i].answer);
        expect_closed(b, fd);
        (void)close(fd);
        bench_free(b);
    }
}

static void the_longest_samples_arrive_in_pieces(void **state)
{
    static uint8_t record[AGENT_SAMPLES_HEAD + AGENT_SAMPLES_MAX];
    (void)state;
    struct bench *b = bench_with_samples();
    int fd = client(b);
    say(b, fd, "hello version=2 node=n1 boot=b\n");
    expect(b, "hello 1;turn;");
    b->heard[0] = '\0';
    agent_samples_head(record, AGENT_SAMPLES_MAX);
    record[AGENT_SAMPLES_HEAD] = 5;
    for (size_t at = 0; at < sizeof(record); at += 10000)
        say_bytes(b, fd, record + at, MW_MIN((size_t)10000, sizeof(record) - at));
    expect(b, "samples 5 of 65536 from 1;turn;");
    (void)close(fd);
    bench_free(b);
}

static void a_gatherer_is_a_peer_behind_the_nodes(void **state)
{
    (void)state;
    struct bench *b = bench_with_samples();
    int fd = client(b);
    say(b, fd, "hello version=2 node=racks role=gather boot=b\nmachine n=1 name=n77\n");
    expect(b, "gatherer;frame 9;turn;");
    const struct agent_frame act = { .verb = AGENT_ACT, .n = 3, .action = "power-cycle", .gpu = -1,
                                     .name = "n77", .lease_ms = 1000 };
    assert_true(listener_send(b->listener, NODES + 5, &act));
    assert_false(listener_send(b->listener, NODES + 6, &act));
    expect_answer(b, fd, "act id=3 step=power-cycle gpu=-1 name=n77 lease_ms=1000\n");
    (void)close(fd);
    expect(b, "gatherer;frame 9;turn;lost 9;");
    bench_free(b);
}

static void a_question_for_the_time_is_answered_at_once(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd = client(b);
    say(b, fd, "hello version=2 node=n1 boot=b\nclock t0_us=1763845200000001\n");
    expect_answer(b, fd, "clock t0_us=1763845200000001 t1_us=1");
    assert_string_equal(b->heard, "hello 1;"); /* nobody else was asked */
    (void)close(fd);
    bench_free(b);
}

static void certificates_are_not_given_out_in_plain_text(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd = client(b);
    say(b, fd, "join node=n1 token=mwj1.x csr=MIIB\n");
    expect_answer(b, fd, "refuse code=MW_EDENIED");
    expect_closed(b, fd);
    (void)close(fd);
    bench_free(b);
}

static void a_line_without_an_end_is_cut_off(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd = client(b);
    char much[AGENT_FRAME_MAX + 1];
    memset(much, 'x', sizeof(much) - 1);
    much[sizeof(much) - 1] = '\0';
    say(b, fd, much);
    expect_answer(b, fd, "refuse code=MW_ELIMIT");
    expect_closed(b, fd);
    assert_int_equal(listener_stats(b->listener).lines_bad, 1);
    (void)close(fd);
    bench_free(b);
}

static void who_says_nothing_is_not_kept(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, MW_NS_PER_MS);
    int fd = client(b);
    expect_answer(b, fd, "refuse code=MW_ETIMEOUT");
    expect_closed(b, fd);
    assert_string_equal(b->heard, "");
    (void)close(fd);
    bench_free(b);
}

static void an_agent_that_does_not_read_is_dropped(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd = client(b);
    say(b, fd, "hello version=1 node=n3 boot=b agent=0.1.0\n");
    expect(b, "hello 3;");
    const struct agent_frame check = { .verb = AGENT_CHECK, .n = 7, .name = "gpu" };
    uint32_t sent = 0;
    while (sent < 10000000 && listener_send(b->listener, 3, &check))
        if (++sent % 64 == 0)
            turn(b);
    assert_true(sent < 10000000);
    expect(b, "hello 3;lost 3;");
    assert_int_equal(listener_stats(b->listener).dropped_slow, 1);
    assert_false(listener_send(b->listener, 3, &check));
    (void)close(fd);
    bench_free(b);
}

static void more_connections_than_there_can_be_agents_are_refused(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    int fd[2 * NODES + LISTENER_SPARE + 3];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(fd); i++)
        fd[i] = client(b);
    for (uint32_t i = 0; i < TURNS_MAX && listener_stats(b->listener).accepted < MW_ARRAY_LEN(fd);
         i++)
        turn(b);
    assert_int_equal(listener_stats(b->listener).connections, 2 * NODES + LISTENER_SPARE);
    assert_int_equal(listener_stats(b->listener).refused_full, 3);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(fd); i++)
        (void)close(fd[i]);
    bench_free(b);
}

static void a_process_without_file_descriptors_accepts_again_when_it_has_some(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    struct rlimit before, tight;
    int spare = dup(0), last = dup(0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    (void)close(last);
    tight = (struct rlimit){ .rlim_cur = (rlim_t)last + 1, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    int fd = client(b); /* takes the last one: there is none to accept it with */
    say(b, fd, "hello version=1 node=n1 boot=b agent=0.1.0\n");
    turn(b);
    assert_int_equal(listener_stats(b->listener).accepted, 0);
    (void)close(spare);
    expect(b, "hello 1;");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    (void)close(fd);
    bench_free(b);
}

static void only_a_free_port_of_a_loopback_address_can_be_listened_on(void **state)
{
    (void)state;
    struct bench *b = bench_make(NULL, 0);
    static const struct {
        const char *address;
        int code;
    } wrong[] = { { "0.0.0.0:7377", MW_EDENIED }, { "10.0.0.1:7377", MW_EDENIED },
                  { "[::]:7377", MW_EDENIED },    { "localhost", MW_EINVAL },
                  { "127.0.0.1", MW_EINVAL },     { "127.0.0.1:", MW_EINVAL },
                  { "127.0.0.1:99999", MW_EINVAL }, { "", MW_EINVAL } };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        struct listener_options o = options_of(b);
        struct listener *l = NULL;
        struct mw_error err = { 0 };
        o.address = wrong[i].address;
        assert_int_equal(listener_create(&o, &l, &err), wrong[i].code);
        assert_true(l == NULL && err.text[0] != '\0');
    }
    struct listener_options o = options_of(b);
    struct listener *l = NULL;
    struct mw_error err = { 0 };
    o.address = listener_address(b->listener);
    assert_int_equal(listener_create(&o, &l, &err), MW_EBUSY);
    assert_non_null(strstr(err.text, "--listen"));
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_that_says_hello_is_welcomed_and_heard),
        cmocka_unit_test(an_agent_that_says_bye_is_not_lost),
        cmocka_unit_test(
            a_newer_connection_of_a_node_takes_the_place_of_the_old_and_nobody_is_lost),
        cmocka_unit_test(who_cannot_be_heard_is_told_why_and_closed),
        cmocka_unit_test(samples_come_whole_between_lines_and_are_heard_together),
        cmocka_unit_test(samples_before_a_hello_or_of_an_impossible_size_end_the_connection),
        cmocka_unit_test(the_longest_samples_arrive_in_pieces),
        cmocka_unit_test(a_gatherer_is_a_peer_behind_the_nodes),
        cmocka_unit_test(a_question_for_the_time_is_answered_at_once),
        cmocka_unit_test(certificates_are_not_given_out_in_plain_text),
        cmocka_unit_test(a_line_without_an_end_is_cut_off),
        cmocka_unit_test(who_says_nothing_is_not_kept),
        cmocka_unit_test(an_agent_that_does_not_read_is_dropped),
        cmocka_unit_test(more_connections_than_there_can_be_agents_are_refused),
        cmocka_unit_test(a_process_without_file_descriptors_accepts_again_when_it_has_some),
        cmocka_unit_test(only_a_free_port_of_a_loopback_address_can_be_listened_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
