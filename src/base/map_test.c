/* The key index against a plain list of pairs. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/random.h"

#define KEYS 96
#define ROWS_MAX 64
#define STEPS 60000

struct model {
    uint32_t row[KEYS]; /* MW_NONE = absent */
    uint32_t length;
};

/* Extremes, ids of components and keys that share low bits. */
static uint64_t key_of(uint32_t i)
{
    if (i < 2)
        return i == 0 ? 0 : UINT64_MAX;
    return i % 2 == 0 ? component_id(COMPONENT_GPU, i) : (uint64_t)i << 40;
}

static void step(struct map *m, struct model *model, uint64_t bits)
{
    uint32_t i = (uint32_t)mw_random_below(bits, KEYS);
    bool there = model->row[i] != MW_NONE;
    if (bits % 3 == 0) { /* more puts than removes: the index is full much of the time */
        assert_int_equal(map_remove(m, key_of(i)), there);
        model->row[i] = MW_NONE;
        model->length -= there;
    } else if (there || model->length < ROWS_MAX) {
        model->row[i] = (uint32_t)(bits >> 8) & 0xffff;
        map_put(m, key_of(i), model->row[i]);
        model->length += !there;
    }
}

static void every_key_finds_its_row_after_any_mix_of_puts_and_removes(void **state)
{
    (void)state;
    struct map m;
    struct model model = {.length = 0};
    for (uint32_t i = 0; i < KEYS; i++)
        model.row[i] = MW_NONE;
    assert_int_equal(map_init(&m, ROWS_MAX), 0);
    uint32_t fullest = 0;
    for (uint32_t n = 0; n < STEPS; n++) {
        step(&m, &model, mw_random_u64(1, 2, 3, n));
        fullest = MW_MAX(fullest, model.length);
        assert_int_equal(m.length, model.length);
        for (uint32_t i = 0; i < KEYS; i++)
            assert_int_equal(map_get(&m, key_of(i)), model.row[i]);
    }
    assert_int_equal(fullest, ROWS_MAX);
    map_fini(&m);
}

static void a_cleared_index_knows_no_key_and_takes_all_again(void **state)
{
    (void)state;
    struct map m;
    assert_int_equal(map_init(&m, 3), 0);
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < 3; i++)
            map_put(&m, 7 + i, i);
        assert_int_equal(map_get(&m, 8), 1);
        map_clear(&m);
        assert_int_equal(map_get(&m, 8), MW_NONE);
        assert_int_equal(m.length, 0);
    }
    map_fini(&m);
}

static void an_index_of_no_rows_finds_nothing(void **state)
{
    (void)state;
    struct map m;
    assert_int_equal(map_init(&m, 0), 0);
    assert_int_equal(map_get(&m, 0), MW_NONE);
    assert_false(map_remove(&m, 0));
    map_fini(&m);
}

static void running_out_of_memory_at_init_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    for (int64_t calls = 0; calls < 1; calls++) {
        struct map m;
        mw_mem_fail_after(calls);
        assert_int_equal(map_init(&m, 10), MW_ENOMEM);
        assert_null(m.place);
        map_fini(&m);
    }
    mw_mem_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_finds_its_row_after_any_mix_of_puts_and_removes),
        cmocka_unit_test(a_cleared_index_knows_no_key_and_takes_all_again),
        cmocka_unit_test(an_index_of_no_rows_finds_nothing),
        cmocka_unit_test(running_out_of_memory_at_init_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
