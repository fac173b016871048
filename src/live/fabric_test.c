/* Rows of a fabric, the words of rates, and the program that asks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/fabric.h"
#include "live/fabric_child.h"

static void a_port_ends_on_one_other_port(void **state)
{
    struct fabric f = { .nodes = 0 };
    struct mw_error err = { 0 };
    struct fabric_node n = { .kind = FABRIC_SWITCH, .ports = 3, .name = "leaf" };
    uint32_t a, b;
    (void)state;
    assert_int_equal(fabric_add(&f, &n, &a, &err), 0);
    assert_int_equal(fabric_add(&f, &n, &b, &err), 0);
    assert_int_equal(fabric_join(&f, fabric_port_of(&f, a, 1), fabric_port_of(&f, b, 3), &err), 0);
    assert_int_equal(fabric_join(&f, fabric_port_of(&f, b, 3), fabric_port_of(&f, a, 1), &err), 0);
    assert_int_equal(fabric_join(&f, fabric_port_of(&f, a, 1), fabric_port_of(&f, b, 2), &err),
                     MW_ECONFLICT);
    assert_int_equal(fabric_join(&f, fabric_port_of(&f, a, 2), fabric_port_of(&f, a, 2), &err),
                     MW_ECONFLICT);
    assert_int_equal(fabric_links(&f), 1);
    assert_int_equal(fabric_port_of(&f, a, 4), MW_NONE);
    assert_int_equal(fabric_port_of(&f, a, 0), MW_NONE);
    fabric_fini(&f);
}

static void rates_are_read_as_ibnetdiscover_writes_them(void **state)
{
    uint8_t width = 0;
    uint32_t speed = 0;
    (void)state;
    assert_true(fabric_rate_read("4xHDR", 5, &width, &speed));
    assert_int_equal(width, 4);
    assert_int_equal(speed, 53125);
    assert_true(fabric_rate_gbps(width, speed) == 200.0);
    assert_true(fabric_rate_read("12xFDR10", 8, &width, &speed));
    assert_int_equal(width, 12);
    assert_string_equal(fabric_speed_name(speed), "FDR10");
    assert_false(fabric_rate_read("4xABC", 5, &width, &speed));
    assert_false(fabric_rate_read("x", 1, &width, &speed));
    assert_false(fabric_rate_read("0xSDR", 5, &width, &speed));
}

/* A program in the place of mw-fabric, to be as bad as a library can make it. */
static void write_program(const char *path, const char *body)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(body, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static int ask(const char *body, struct fabric_round *r, struct mw_error *err)
{
    char folder[] = "/tmp/mw-fabric-test-XXXXXX", path[64];
    struct fabric_child *c = NULL;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/program", folder);
    write_program(path, body);
    struct fabric_child_options o = { .program = path, .deadline_ms = 1000 };
    assert_int_equal(fabric_child_create(&o, &c, err), 0);
    int rc = fabric_child_round(c, r, err);
    fabric_child_destroy(c);
    (void)unlink(path);
    (void)rmdir(folder);
    return rc;
}

static void what_a_child_says_becomes_a_fabric(void **state)
{
    struct fabric_round r = { .asked = 0 };
    struct mw_error err = { 0 };
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(ask("#!/bin/sh\nread order\necho fabric 1\n"
                         "echo node 1a 2 2 7 leaf%20one\necho node 2b 1 1 8 'n1%20mlx5_0'\n"
                         "echo port 0 2 1 1 4 5 4 4 4 2500 2500 2500\n"
                         "echo end 10 20 0 0\nread more\n", &r, &err), 0);
    assert_int_equal(r.fabric.nodes, 2);
    assert_string_equal(r.fabric.node[0].name, "leaf one");
    assert_int_equal(r.fabric.port[1].peer, 2);
    assert_int_equal(r.reading[1].has, 0);
    fabric_round_fini(&r);
}

static void a_child_that_hangs_is_killed_and_one_that_exits_says_why(void **state)
{
    struct fabric_round r = { .asked = 0 };
    struct mw_error err = { 0 };
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(ask("#!/bin/sh\nexec sleep 60\n", &r, &err), MW_ETIMEOUT);
    assert_int_equal(ask("#!/bin/sh\necho ibpanic: no device >&2\nexit 3\n", &r, &err),
                     MW_EUNREACHABLE);
    assert_non_null(strstr(err.text, "ibpanic: no device"));
    assert_int_equal(ask("#!/bin/sh\necho fail 2 no%20adapter\nread more\n", &r, &err),
                     MW_ENOTFOUND);
    assert_string_equal(err.text, "no adapter");
    fabric_round_fini(&r);
}

static void no_program_is_not_found(void **state)
{
    struct fabric_child_options o = { .program = "/nowhere/mw-fabric", .deadline_ms = 1000 };
    struct fabric_round r = { .asked = 0 };
    struct fabric_child *c = NULL;
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(fabric_child_create(&o, &c, &err), 0);
    assert_int_equal(fabric_child_round(c, &r, &err), MW_ENOTFOUND);
    fabric_child_destroy(c);
    fabric_round_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_ends_on_one_other_port),
        cmocka_unit_test(rates_are_read_as_ibnetdiscover_writes_them),
        cmocka_unit_test(what_a_child_says_becomes_a_fabric),
        cmocka_unit_test(a_child_that_hangs_is_killed_and_one_that_exits_says_why),
        cmocka_unit_test(no_program_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
