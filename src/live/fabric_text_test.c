/* Listings of ibnetdiscover and netlists of ibsim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "live/fabric_text.h"

static int read_text(const char *text, struct fabric *f, struct mw_error *err)
{
    struct fabric_source s = { .text = text, .size = strlen(text), .name = "net" };
    return fabric_text_read(&s, f, err);
}

static const char two[] = "switchguid=0xfc6a1c0300f1c4c0(fc6a1c0300f1c4c0)\n"
                          "Switch\t41 \"S-fc6a1c0300f1c4c0\"\t\t# \"MF0;leaf01:MQM8700/U1\" "
                          "enhanced port 0 lid 3 lmc 0\n"
                          "[1][ext 7]\t\"H-b8cef60300a4e1b2\"[1](b8cef60300a4e1b2) \t\t"
                          "# \"gpu0001 mlx5_0\" lid 12 4xHDR\n"
                          "\n"
                          "vendid=0x2c9\n"
                          "caguid=0xb8cef60300a4e1b2\n"
                          "Ca\t1 \"H-b8cef60300a4e1b2\"\t\t# \"gpu0001 mlx5_0\"\n"
                          "[1](b8cef60300a4e1b2) \t\"S-fc6a1c0300f1c4c0\"[1]\t\t# lid 12 lmc 0 "
                          "\"MF0;leaf01:MQM8700/U1\" lid 3 4xHDR\n";

static void a_listing_gives_nodes_ports_links_and_rates(void **state)
{
    struct fabric f = { .nodes = 0 };
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(read_text(two, &f, &err), 0);
    assert_int_equal(f.nodes, 2);
    assert_int_equal(f.node[0].guid, 0xfc6a1c0300f1c4c0);
    assert_int_equal(f.node[0].lid, 3);
    assert_int_equal(f.node[1].lid, 12);
    assert_string_equal(f.node[0].name, "MF0;leaf01:MQM8700/U1");
    assert_int_equal(fabric_links(&f), 1);
    assert_int_equal(f.port[0].rate.speed, 53125);
    assert_int_equal(f.port[f.port[0].peer].rate.width, 4);
    fabric_fini(&f);
}

static void the_recorded_fabric_is_read_whole(void **state)
{
    struct fabric f = { .nodes = 0 };
    struct mw_error err = { 0 };
    char *text = NULL;
    size_t size;
    (void)state;
    assert_int_equal(mw_read_file("tests/fabric/small.ibnetdiscover", 1 << 20, false, &text, &size,
                                  &err), 0);
    assert_int_equal(read_text(text, &f, &err), 0);
    assert_int_equal(fabric_count(&f, FABRIC_CA), 8);
    assert_int_equal(fabric_count(&f, FABRIC_SWITCH), 4);
    assert_int_equal(fabric_links(&f), 12);
    fabric_fini(&f);
    mw_free(text);
}

static void a_netlist_without_remarks_is_read_too(void **state)
{
    struct fabric f = { .nodes = 0 };
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(read_text("Switch 4 \"leaf0\"\n[2]\t\"n1\"[1]\n\nHca 1 \"n1\"\n"
                               "[1] \"leaf0\"[2]\n", &f, &err), 0);
    assert_string_equal(f.node[1].name, "n1");
    assert_int_equal(f.port[1].peer, 4);
    fabric_fini(&f);
}

static void expect(const char *text, const char *says)
{
    struct fabric f = { .nodes = 0 };
    struct mw_error err = { 0 };
    assert_int_not_equal(read_text(text, &f, &err), 0);
    assert_string_equal(err.text, says);
    assert_int_equal(f.nodes, 0);
    fabric_fini(&f);
}

static void every_mistake_names_its_line(void **state)
{
    (void)state;
    expect("# nothing\n",
           "net: no line begins with Switch or Ca; give the output of ibnetdiscover");
    expect("Switch 4 \"a\"\nhello\n", "net:2: not a line of ibnetdiscover: expected Switch, Ca, "
                                      "Rt, [port] or a remark");
    expect("Switch 4 \"a\"\n[1] \"b\"[1]\n",
           "net:2: \"b\" is named here and listed nowhere; give the whole output");
    expect("Switch 4 \"a\"\n\nSwitch 4 \"a\"\n", "net:3: this node is listed twice");
    expect("[1] \"a\"[1]\nSwitch 4 \"a\"\n", "net:1: a port before the first node");
    expect("Switch 4 \"a\"\n[5] \"a\"[1]\n",
           "net:2: a port number is beyond the ports of its node");
    expect("Switch 4 \"a\"\n[1] \"a\"[1]\n",
           "net:2: port 1 of \"a\" ends on two ports, or on itself");
    expect("Switch x \"a\"\n", "net:1: a node needs its number of ports, as in: Switch 41 "
                               "\"S-...\"");
    expect("Switch 255 \"a\"\n", "net:1: a node has 1 to 254 ports");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_gives_nodes_ports_links_and_rates),
        cmocka_unit_test(the_recorded_fabric_is_read_whole),
        cmocka_unit_test(a_netlist_without_remarks_is_read_too),
        cmocka_unit_test(every_mistake_names_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
