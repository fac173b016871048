/*
 * How far the kernel log was read, over the death of the agent.  What would break for
 * the user: a GPU that fell off the bus while mw-agent was being upgraded, and of which
 * nobody ever hears.
 */
#include "agent/klog.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE(n) "NVRM: Xid (PCI:0000:" n ":00): 79, GPU has fallen off the bus.\n"

struct bench {
    char dir[64], log[96], state[96];
    struct uplink uplink;
    struct klog klog;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* Events stay in memory: there is no daemon. */
static void begin(struct bench *b, const char *boot)
{
    const struct agent_frame hello = { .verb = AGENT_HELLO, .name = "n1", .boot = "boot" };
    const struct uplink_options o = { .who = "test", .host = "127.0.0.1", .port = "1",
                                      .hello = &hello };
    struct mw_error err = { 0 };
    if (uplink_init(&b->uplink, &o, &err) != 0 ||
        klog_open(&b->klog, b->log, b->state, boot, 1, &err) != 0)
        fail_msg("%s", err.text);
}

static void end(struct bench *b)
{
    klog_close(&b->klog);
    uplink_fini(&b->uplink);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/mw-klog-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->log, sizeof(b->log), "%s/kmsg", b->dir);
    (void)snprintf(b->state, sizeof(b->state), "%s/state", b->dir);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    end(b);
    assert_int_equal(nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(b);
    return 0;
}

static void add(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* The buses of the lines that went to the spool since: "19 1b ". */
static void expect(struct bench *b, const char *buses)
{
    char out[1 << 16], got[256] = "";
    size_t n = 0, part;
    klog_read(&b->klog, 1, &b->uplink);
    while ((part = spool_next(b->uplink.spool, out + n, sizeof(out) - 1 - n)) > 0)
        n += part;
    out[n] = '\0';
    for (const char *at = out; (at = strstr(at, "PCI:0000:")) != NULL; at += 9) {
        size_t length = strlen(got);
        (void)snprintf(got + length, sizeof(got) - length, "%.2s ", at + 9);
    }
    assert_string_equal(got, buses);
}

static void the_first_agent_begins_at_the_end_and_the_next_goes_on(void **state)
{
    struct bench *b = *state;
    add(b->log, LINE("01"));
    begin(b, "boot-1");
    expect(b, "");
    add(b->log, LINE("02") "NVRM: Xid (PCI:00");
    expect(b, "02 ");
    end(b); /* killed in the middle of a line */
    add(b->log, "00:03:00): 79, GPU has fallen off the bus.\n" LINE("04"));
    begin(b, "boot-1");
    expect(b, "03 04 ");
    end(b);
    begin(b, "boot-1");
    expect(b, "");
}

static void one_that_heard_nothing_is_remembered_too(void **state)
{
    struct bench *b = *state;
    add(b->log, LINE("01"));
    begin(b, "boot-1");
    end(b);
    add(b->log, LINE("02"));
    begin(b, "boot-1");
    expect(b, "02 ");
}

static void a_log_that_was_rotated_meanwhile_is_read_from_its_start(void **state)
{
    struct bench *b = *state;
    char old[128];
    add(b->log, LINE("01"));
    begin(b, "boot-1");
    expect(b, "");
    end(b);
    (void)snprintf(old, sizeof(old), "%s.1", b->log);
    assert_int_equal(rename(b->log, old), 0);
    add(b->log, LINE("02"));
    begin(b, "boot-1");
    expect(b, "02 ");
}

static void a_text_log_goes_on_over_a_boot(void **state)
{
    struct bench *b = *state;
    add(b->log, LINE("01"));
    begin(b, "boot-1");
    expect(b, "");
    end(b);
    add(b->log, LINE("02"));
    begin(b, "boot-2");
    expect(b, "02 ");
}

static void a_mark_that_is_damaged_is_as_if_there_were_none(void **state)
{
    struct bench *b = *state;
    char mark[128];
    add(b->log, LINE("01"));
    begin(b, "boot-1");
    expect(b, "");
    end(b);
    (void)snprintf(mark, sizeof(mark), "%s/kmsg.mark", b->state);
    assert_int_equal(truncate(mark, 20), 0);
    add(b->log, LINE("02"));
    begin(b, "boot-1");
    expect(b, "");
    add(b->log, LINE("03"));
    expect(b, "03 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_first_agent_begins_at_the_end_and_the_next_goes_on),
        TEST(one_that_heard_nothing_is_remembered_too),
        TEST(a_log_that_was_rotated_meanwhile_is_read_from_its_start),
        TEST(a_text_log_goes_on_over_a_boot),
        TEST(a_mark_that_is_damaged_is_as_if_there_were_none),
    };
    return cmocka_run_group_tests_name("agent/klog", tests, NULL, NULL);
}
