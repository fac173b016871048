#include "signal/pickle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define BYTES(s) (s), sizeof(s) - 1

static struct value_tree read_whole(const char *data, size_t size)
{
    struct value_tree t;
    struct mw_error err;
    int rc = pickle_read(data, size, &t, &err);
    if (rc != 0)
        fail_msg("%s", err.text);
    return t;
}

static int64_t item(const struct value_tree *t, uint32_t list, uint32_t n)
{
    uint32_t at = value_first(t, list);
    int64_t ret = -999;
    while (n-- > 0)
        at = t->link[at].next;
    assert_true(value_int(t, t->link[at].node, &ret));
    return ret;
}

/* {"a": [1, -5, 258, 2**40, -1], "b": (True, None)} by protocols 2 and 4 */
static void a_dict_of_lists_reads_the_same_from_protocols_2_and_4(void **state)
{
    (void)state;
    static const char two[] = "\x80\x02}q\x00(X\x01\x00\x00\x00" "aq\x01]q\x02(K\x01"
                              "J\xfb\xff\xff\xffM\x02\x01\x8a\x06\x00\x00\x00\x00\x00\x01"
                              "\x8a\x01\xff" "eX\x01\x00\x00\x00" "bq\x03\x88N\x86q\x04u.";
    static const char four[] = "\x80\x04\x95\x24\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01" "a\x94]"
                               "\x94(K\x01J\xfb\xff\xff\xffM\x02\x01\x8a\x06\x00\x00\x00\x00\x00"
                               "\x01\x8a\x01\xff" "e\x8c\x01" "b\x94\x88N\x86\x94u.";
    for (int i = 0; i < 2; i++) {
        struct value_tree t = i == 0 ? read_whole(BYTES(two)) : read_whole(BYTES(four));
        uint32_t a = value_get(&t, t.root, "a"), b = value_get(&t, t.root, "b");
        static const int64_t want[] = {1, -5, 258, INT64_C(1) << 40, -1};
        assert_true(value_is(&t, a, VALUE_LIST));
        assert_int_equal(t.node[a].count, 5);
        for (uint32_t k = 0; k < 5; k++)
            assert_int_equal(item(&t, a, k), want[k]);
        assert_true(value_is(&t, b, VALUE_TUPLE));
        assert_int_equal(item(&t, b, 0), 1);
        assert_int_equal(value_get(&t, t.root, "c"), MW_NONE);
        value_tree_fini(&t);
    }
}

static void a_memo_gives_the_same_text_twice(void **state)
{
    (void)state;
    struct value_tree t = read_whole(BYTES("\x80\x02](X\x02\x00\x00\x00hiq\x07h\x07" "e."));
    const char *one, *two;
    uint32_t length;
    uint32_t at = value_first(&t, t.root);
    assert_true(value_text(&t, t.link[at].node, &one, &length));
    assert_true(value_text(&t, t.link[t.link[at].next].node, &two, &length));
    assert_ptr_equal(one, two);
    assert_memory_equal(one, "hi", 2);
    value_tree_fini(&t);
}

static void refuse(const char *data, size_t size, int code, const char *words)
{
    struct value_tree t;
    struct mw_error err = {0};
    assert_int_equal(pickle_read(data, size, &t, &err), code);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, err.text);
    assert_null(t.node);
}

static void what_would_run_code_is_refused_by_name_and_offset(void **state)
{
    (void)state;
    refuse(BYTES("\x80\x02" "cos\nsystem\n(X\x02\x00\x00\x00lstR."), MW_EDENIED,
           "GLOBAL (0x63) at offset 2");
    refuse(BYTES("\x80\x04\x8c\x02os\x8c\x06system\x93."), MW_EDENIED, "STACK_GLOBAL");
    refuse(BYTES("\x80\x02)R."), MW_EDENIED, "REDUCE (0x52) at offset 3");
    refuse(BYTES("\x80\x02}b."), MW_EDENIED, "BUILD");
    refuse(BYTES("\x80\x02(ios\nsystem\n."), MW_EDENIED, "INST");
    refuse(BYTES("\x80\x02(o."), MW_EDENIED, "OBJ");
    refuse(BYTES("\x80\x02\x81."), MW_EDENIED, "NEWOBJ");
    refuse(BYTES("\x80\x02\x82\x01."), MW_EDENIED, "EXT1");
    refuse(BYTES("\x80\x02NQ."), MW_EDENIED, "BINPERSID");
}

static void damage_is_told_by_opcode_and_offset(void **state)
{
    (void)state;
    refuse(BYTES("\x80\x09N."), MW_ESYNTAX, "not a pickle");
    refuse(BYTES("\x80\x02N\x80\x09."), MW_EVERSION, "protocol 9");
    refuse(BYTES("\x80\x02X\xff\x00\x00\x00" "a."), MW_ESYNTAX, "BINUNICODE (0x58) at offset 2");
    refuse(BYTES("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff" "a."), MW_ESYNTAX, "BINUNICODE8");
    refuse(BYTES("\x80\x02N"), MW_ESYNTAX, "without STOP");
    refuse(BYTES("\x80\x02."), MW_ESYNTAX, "exactly one value");
    refuse(BYTES("\x80\x02(."), MW_ESYNTAX, "exactly one value");
    refuse(BYTES("\x80\x02h\x01."), MW_ESYNTAX, "never set");
    refuse(BYTES("\x80\x02}(Nu."), MW_ESYNTAX, "without a value");
    refuse(BYTES("\x80\x02Na."), MW_ESYNTAX, "APPEND");
    refuse(BYTES("\x80\x02" "0."), MW_ESYNTAX, "stack is empty");
    refuse(BYTES("\x80\x02I01\n."), MW_ESYNTAX, "protocol 0");
    refuse(BYTES("\x80\x02\xfe."), MW_ESYNTAX, "no such opcode");
    refuse(BYTES("\x80\x02Nr\xff\xff\xff\xff."), MW_ELIMIT, "memo entry");
}

static void nesting_has_a_limit_and_sharing_does_not_grow(void **state)
{
    (void)state;
    char deep[512] = "\x80\x02N", wide[256] = "\x80\x02]";
    memset(deep + 3, '\x85', VALUE_DEPTH_MAX + 1);
    deep[3 + VALUE_DEPTH_MAX + 1] = '.';
    refuse(deep, 3 + VALUE_DEPTH_MAX + 2, MW_ELIMIT, "nested deeper");
    deep[3 + VALUE_DEPTH_MAX] = '.';
    struct value_tree t = read_whole(deep, 3 + VALUE_DEPTH_MAX + 1);
    value_tree_fini(&t);
    for (uint32_t i = 0; i < 60; i++) { /* 2^60 leaves to who would walk it */
        wide[3 + 2 * i] = '2';
        wide[4 + 2 * i] = '\x86';
    }
    wide[3 + 2 * 60] = '.';
    t = read_whole(wide, 4 + 2 * 60);
    assert_in_range(t.nodes, 60, 70);
    value_tree_fini(&t);
}

static void running_out_of_memory_at_any_point_leaves_nothing(void **state)
{
    (void)state;
    static const char data[] = "\x80\x02}q\x00(X\x01\x00\x00\x00" "aq\x01]q\x02(K\x01K\x02" "eu.";
    struct value_tree t;
    struct mw_error err;
    int rc = -1;
    for (int64_t calls = 0; rc != 0; calls++) {
        assert_in_range(calls, 0, 20);
        mw_mem_fail_after(calls);
        rc = pickle_read(BYTES(data), &t, &err);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || (rc == MW_ENOMEM && t.node == NULL && t.link == NULL));
    }
    value_tree_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dict_of_lists_reads_the_same_from_protocols_2_and_4),
        cmocka_unit_test(a_memo_gives_the_same_text_twice),
        cmocka_unit_test(what_would_run_code_is_refused_by_name_and_offset),
        cmocka_unit_test(damage_is_told_by_opcode_and_offset),
        cmocka_unit_test(nesting_has_a_limit_and_sharing_does_not_grow),
        cmocka_unit_test(running_out_of_memory_at_any_point_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
