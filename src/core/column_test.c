/* Columns on their way to a snapshot and back. */
#include "core/column.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct table {
    uint32_t used;
    uint64_t id[8];
    uint8_t flag[8];
    struct column column[3];
    struct column_list list;
};

static void make(struct table *t)
{
    memset(t, 0, sizeof(*t));
    const struct column column[] = { COLUMN("used", &t->used, 1, NULL),
                                     COLUMN("id", t->id, 8, &t->used),
                                     COLUMN("flag", t->flag, 8, NULL) };
    memcpy(t->column, column, sizeof(column));
    t->list = (struct column_list){ .owner = "test", .item = t->column, .length = 3 };
}

static void fill(struct table *t)
{
    make(t);
    t->used = 5;
    for (uint32_t i = 0; i < 8; i++) {
        t->id[i] = i < 5 ? 1000 + i : 0;
        t->flag[i] = (uint8_t)(i + 1);
    }
}

struct bytes {
    uint8_t data[1024];
    size_t size, at, limit;
};

static int put(void *ctx, const void *data, size_t size)
{
    struct bytes *b = ctx;
    if (b->limit && b->size + size > b->limit)
        return MW_ENOSPC;
    assert_true(b->size + size <= sizeof(b->data));
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

static int get(void *ctx, void *data, size_t size)
{
    struct bytes *b = ctx;
    if (size > b->size - b->at)
        return MW_ECORRUPT;
    memcpy(data, b->data + b->at, size);
    b->at += size;
    return 0;
}

static struct bytes saved(const struct table *t)
{
    struct bytes b = { .size = 0 };
    assert_int_equal(columns_save(&t->list, put, &b), 0);
    return b;
}

static int load(struct table *t, struct bytes b, struct mw_error *err)
{
    make(t);
    return columns_load(&t->list, get, &b, err);
}

/* A column's header as it lies in the bytes: 40 bytes of name, width, rows. */
enum { HEADER = 48, WIDTH = 40, ROWS = 44 };
static size_t header_of(const struct bytes *b, const char *name)
{
    for (size_t at = 4; at + HEADER <= b->size; at += 4)
        if (memcmp(b->data + at, name, strlen(name) + 1) == 0)
            return at;
    fail_msg("no column %s", name);
    return 0;
}

static void set32(struct bytes *b, size_t at, uint32_t value)
{
    memcpy(b->data + at, &value, sizeof(value));
}

static void what_was_saved_comes_back(void **state)
{
    (void)state;
    struct table a, t;
    fill(&a);
    struct bytes b = saved(&a);
    assert_int_equal(load(&t, b, NULL), 0);
    assert_int_equal(t.used, 5);
    assert_memory_equal(t.id, a.id, sizeof(a.id));
    assert_memory_equal(t.flag, a.flag, sizeof(a.flag));
    assert_int_equal(columns_bytes(&t.list), 4 + 64 + 8);
}

static void bytes_cut_anywhere_are_refused(void **state)
{
    (void)state;
    struct table a, t;
    fill(&a);
    struct bytes b = saved(&a);
    for (size_t cut = 0; cut < saved(&a).size; cut++) {
        b.size = cut;
        assert_int_equal(load(&t, b, NULL), MW_ECORRUPT);
    }
}

static void a_full_disk_is_passed_through(void **state)
{
    (void)state;
    struct table a;
    fill(&a);
    size_t whole = saved(&a).size;
    for (size_t limit = 1; limit < whole; limit += 7) {
        struct bytes b = { .limit = limit };
        assert_int_equal(columns_save(&a.list, put, &b), MW_ENOSPC);
    }
}

static void a_column_that_the_snapshot_lacks_keeps_its_zeros(void **state)
{
    (void)state;
    struct table a, t;
    fill(&a);
    a.list.length = 2; /* the version before had no flags */
    assert_int_equal(load(&t, saved(&a), NULL), 0);
    assert_memory_equal(t.id, a.id, sizeof(a.id));
    assert_int_equal(t.flag[3], 0);
}

static void check_refused(const struct bytes *b, int code, const char *says)
{
    struct table t;
    struct mw_error err = { 0 };
    assert_int_equal(load(&t, *b, &err), code);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void what_this_version_does_not_know_is_refused(void **state)
{
    (void)state;
    struct table a;
    fill(&a);
    struct bytes b = saved(&a);
    b.data[header_of(&b, "flag")] = 'F';
    check_refused(&b, MW_EVERSION, "Flag");
    b = saved(&a);
    set32(&b, header_of(&b, "flag") + WIDTH, 2);
    check_refused(&b, MW_EVERSION, "width 2");
    b = saved(&a);
    set32(&b, 0, 4);
    check_refused(&b, MW_EVERSION, "4 columns");
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct table a;
    fill(&a);
    struct bytes b = saved(&a);
    set32(&b, header_of(&b, "id") + ROWS, 9);
    check_refused(&b, MW_ELIMIT, "9 rows");
    b = saved(&a);
    set32(&b, header_of(&b, "id") + ROWS, 4); /* used says 5 */
    check_refused(&b, MW_ECORRUPT, "4 rows");
    b = saved(&a);
    set32(&b, header_of(&b, "flag") + ROWS, 7);
    check_refused(&b, MW_ECORRUPT, "7 rows");
    b = saved(&a);
    memset(b.data + header_of(&b, "flag"), 'x', 40);
    check_refused(&b, MW_ECORRUPT, "no end");
    b = saved(&a);
    size_t flag = header_of(&b, "flag");
    memcpy(b.data + flag, b.data + header_of(&b, "used"), HEADER + 4);
    check_refused(&b, MW_ECORRUPT, "twice");
}

static void bug_a_count_past_the_room_is_refused_though_its_columns_are_not_there(void **state)
{
    (void)state;
    struct table a;
    fill(&a);
    a.list.length = 1;
    a.used = 1000;
    struct bytes b = saved(&a);
    check_refused(&b, MW_ELIMIT, "1000 rows");
}

static struct mw_hash128 hash_of(const struct table *t)
{
    struct mw_hasher *h = mw_hasher_create();
    columns_hash(&t->list, h);
    struct mw_hash128 sum = mw_hasher_result(h);
    mw_hasher_destroy(h);
    return sum;
}

static void every_byte_in_use_is_in_the_hash_and_no_other(void **state)
{
    (void)state;
    struct table a;
    fill(&a);
    struct mw_hash128 was = hash_of(&a);
    for (size_t i = 0; i < sizeof(a.id); i++) {
        uint8_t *byte = (uint8_t *)a.id + i;
        *byte ^= 1;
        assert_int_equal(mw_hash128_equal(hash_of(&a), was), i >= 5 * sizeof(a.id[0]));
        *byte ^= 1;
    }
    a.flag[7] ^= 1;
    assert_false(mw_hash128_equal(hash_of(&a), was));
    a.flag[7] ^= 1;
    a.used = 4;
    assert_false(mw_hash128_equal(hash_of(&a), was));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_comes_back),
        cmocka_unit_test(bytes_cut_anywhere_are_refused),
        cmocka_unit_test(a_full_disk_is_passed_through),
        cmocka_unit_test(a_column_that_the_snapshot_lacks_keeps_its_zeros),
        cmocka_unit_test(what_this_version_does_not_know_is_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(bug_a_count_past_the_room_is_refused_though_its_columns_are_not_there),
        cmocka_unit_test(every_byte_in_use_is_in_the_hash_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
