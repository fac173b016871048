/* Does anything answer there? */
#include "live/prober.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/units.h"

struct told {
    uint32_t node, times;
    bool answers;
};

static void hear(void *ctx, uint32_t node, bool answers)
{
    struct told *t = ctx;
    t->node = node;
    t->times++;
    t->answers = answers;
}

/* A socket on a free port; listening or only bound. */
static int open_port(bool listens, char ret[32])
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof(a);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    if (listens)
        assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    (void)snprintf(ret, 32, "127.0.0.1:%u", ntohs(a.sin_port));
    return fd;
}

/* A program at that port: does what it does to each connection. */
static void speaks(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int size,
                   void *ctx)
{
    (void)l;
    (void)from;
    (void)size;
    (void)ctx;
    assert_int_equal(write(fd, "SSH-2.0\n", 8), 8);
}

static void closes(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int size,
                   void *ctx)
{
    (void)l;
    (void)from;
    (void)size;
    (void)ctx;
    (void)close(fd);
}

static struct told ask_of(const char *address, enum agents_probe asked, int fd,
                            evconnlistener_cb program)
{
    struct told t = { 0 };
    struct event_base *base = event_base_new();
    struct prober *p = NULL;
    const struct prober_options o = { .base = base, .wait_ns = 200 * MW_NS_PER_MS, .told = hear,
                                      .ctx = &t };
    const struct timeval second = { .tv_usec = 600000 };
    struct evconnlistener *l = NULL;
    if (program)
        l = evconnlistener_new(base, program, NULL, 0, 0, fd);
    assert_int_equal(prober_create(&o, &p, NULL), 0);
    assert_true(prober_ask(p, 7, address) == asked);
    assert_int_equal(t.times, 0); /* never from within */
    (void)event_base_loopexit(base, &second);
    (void)event_base_dispatch(base);
    prober_destroy(p);
    if (l)
        evconnlistener_free(l);
    event_base_free(base);
    return t;
}

static struct told ask(const char *address, enum agents_probe asked)
{
    return ask_of(address, asked, -1, NULL);
}

static void a_program_that_closes_or_speaks_answers(void **state)
{
    (void)state;
    const evconnlistener_cb program[] = { closes, speaks };
    for (int i = 0; i < 2; i++) {
        char address[32];
        int fd = open_port(true, address);
        struct told t = ask_of(address, AGENTS_PROBE_ASKED, fd, program[i]);
        assert_int_equal(t.times, 1);
        assert_int_equal(t.node, 7);
        assert_true(t.answers);
        (void)close(fd);
    }
}

static void a_kernel_that_takes_the_connection_is_no_answer(void **state)
{
    (void)state;
    char address[32];
    int fd = open_port(true, address); /* nobody accepts: as when the program is frozen */
    struct told t = ask(address, AGENTS_PROBE_ASKED);
    assert_int_equal(t.times, 1);
    assert_false(t.answers);
    (void)close(fd);
}

static void a_port_that_refuses_does_not(void **state)
{
    (void)state;
    char address[32];
    int fd = open_port(false, address);
    struct told t = ask(address, AGENTS_PROBE_ASKED);
    assert_int_equal(t.times, 1);
    assert_false(t.answers);
    (void)close(fd);
}

static void what_is_no_address_cannot_be_asked(void **state)
{
    (void)state;
    assert_int_equal(ask("n7:6818", AGENTS_PROBE_NONE).times, 0);
    assert_int_equal(ask("", AGENTS_PROBE_NONE).times, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_closes_or_speaks_answers),
        cmocka_unit_test(a_kernel_that_takes_the_connection_is_no_answer),
        cmocka_unit_test(a_port_that_refuses_does_not),
        cmocka_unit_test(what_is_no_address_cannot_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
