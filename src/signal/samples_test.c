/*
 * What one side puts, the other side reads: by examples, and by thousands of
 * random histories with frames that are lost, cut, too small, or said again.
 */
#include "signal/samples.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/random.h"

/* The receiver: rows of one connection. */
struct mirror {
    struct { uint32_t metric, instance; int64_t value; bool here; } row[512];
    uint32_t rows;
    uint32_t defined, values, gone; /* of the last frame */
};

static int mirror_read(struct mirror *m, const uint8_t *data, size_t size)
{
    struct mw_error err;
    struct sample_reader r;
    struct sample_entry e;
    m->defined = m->values = m->gone = 0;
    int rc = sample_reader_open(&r, data, size, &err);
    while (rc == 0 && (rc = sample_reader_next(&r, &e, &err)) == 0 && e.what != SAMPLE_END) {
        if (e.what == SAMPLE_DEFINES) {
            assert_true(m->rows < MW_ARRAY_LEN(m->row));
            m->row[m->rows].metric = e.metric;
            m->row[m->rows].instance = e.instance;
            m->row[m->rows].value = 0;
            m->row[m->rows++].here = false;
            m->defined++;
            continue;
        }
        assert_true(e.row < m->rows);
        bool here = e.what == SAMPLE_VALUE;
        m->row[e.row].here = here;
        m->row[e.row].value = here ? (int64_t)((uint64_t)m->row[e.row].value + e.delta) : 0;
        m->values += here;
        m->gone += !here;
    }
    return rc;
}

static bool mirror_get(const struct mirror *m, uint32_t metric, uint32_t instance, int64_t *ret)
{
    for (uint32_t i = 0; i < m->rows; i++)
        if (m->row[i].metric == metric && m->row[i].instance == instance) {
            *ret = m->row[i].value;
            return m->row[i].here;
        }
    return false;
}

static size_t frame(struct samples *s, uint8_t *to, size_t size)
{
    const struct sample_head h = { .seq = 7, .wall_ms = 1700000000000, .machine = 3,
                                   .coalesced = 2 };
    return samples_encode(s, &h, to, size);
}

static void only_what_changed_is_said_again(void **state)
{
    struct samples s;
    struct mirror m = { 0 };
    uint8_t to[1024];
    int64_t v;
    (void)state;
    assert_int_equal(samples_init(&s, 16), 0);
    samples_put(&s, M_GPU_POWER_W, 0, 612.4);
    samples_put(&s, M_GPU_POWER_W, 1, 99.6);
    samples_put_int(&s, M_GPU_ECC_DBE, 0, 0);
    assert_int_equal(mirror_read(&m, to, frame(&s, to, sizeof(to))), 0);
    samples_commit(&s);
    assert_int_equal(m.defined, 3);
    assert_true(mirror_get(&m, M_GPU_POWER_W, 0, &v));
    assert_int_equal(v, 612);
    samples_put(&s, M_GPU_POWER_W, 0, 611.6); /* the same step */
    samples_put(&s, M_GPU_POWER_W, 1, 101);
    size_t size = frame(&s, to, sizeof(to));
    assert_int_equal(mirror_read(&m, to, size), 0);
    samples_commit(&s);
    assert_int_equal(m.defined, 0);
    assert_int_equal(m.values, 1);
    assert_true(mirror_get(&m, M_GPU_POWER_W, 1, &v));
    assert_int_equal(v, 101);
    size = frame(&s, to, sizeof(to));
    assert_true(size < 16); /* nothing changed: a beat */
    samples_fini(&s);
}

static void the_head_comes_as_it_was_given(void **state)
{
    struct samples s;
    struct sample_reader r;
    uint8_t to[256];
    (void)state;
    assert_int_equal(samples_init(&s, 4), 0);
    size_t size = frame(&s, to, sizeof(to));
    assert_int_equal(sample_reader_open(&r, to, size, NULL), 0);
    assert_int_equal(r.head.seq, 7);
    assert_int_equal(r.head.wall_ms, 1700000000000);
    assert_int_equal(r.head.machine, 3);
    assert_int_equal(r.head.coalesced, 2);
    samples_fini(&s);
}

static void a_reading_that_went_away_is_said_to_be_gone_and_can_return(void **state)
{
    struct samples s;
    struct mirror m = { 0 };
    uint8_t to[1024];
    int64_t v;
    (void)state;
    assert_int_equal(samples_init(&s, 16), 0);
    samples_put(&s, M_LANE_RX_DBM, 17, -3.2);
    samples_put(&s, M_LANE_RX_DBM, 18, -2.9);
    assert_int_equal(mirror_read(&m, to, frame(&s, to, sizeof(to))), 0);
    samples_commit(&s);
    samples_put(&s, M_LANE_RX_DBM, 17, NAN);
    assert_int_equal(mirror_read(&m, to, frame(&s, to, sizeof(to))), 0);
    samples_commit(&s);
    assert_false(mirror_get(&m, M_LANE_RX_DBM, 17, &v));
    samples_put(&s, M_LANE_RX_DBM, 17, -9);
    samples_gone_all(&s, M_LANE_RX_DBM);
    samples_put(&s, M_LANE_RX_DBM, 17, -9);
    assert_int_equal(mirror_read(&m, to, frame(&s, to, sizeof(to))), 0);
    samples_commit(&s);
    assert_true(mirror_get(&m, M_LANE_RX_DBM, 17, &v));
    assert_int_equal(v, -90);
    assert_false(mirror_get(&m, M_LANE_RX_DBM, 18, &v));
    samples_fini(&s);
}

static void a_frame_that_was_not_sent_loses_nothing(void **state)
{
    struct samples s;
    struct mirror m = { 0 };
    uint8_t to[1024];
    int64_t v;
    (void)state;
    assert_int_equal(samples_init(&s, 16), 0);
    samples_put_int(&s, M_OOM_KILLS, 0, 3);
    (void)frame(&s, to, sizeof(to)); /* the line was down: no commit */
    samples_put_int(&s, M_OOM_KILLS, 0, 5);
    assert_int_equal(mirror_read(&m, to, frame(&s, to, sizeof(to))), 0);
    samples_commit(&s);
    assert_true(mirror_get(&m, M_OOM_KILLS, 0, &v));
    assert_int_equal(v, 5);
    assert_int_equal(s.changed, 0);
    samples_fini(&s);
}

static void a_new_connection_hears_everything_that_is_still_there(void **state)
{
    struct samples s;
    struct mirror m = { 0 };
    uint8_t to[1024];
    int64_t v;
    (void)state;
    assert_int_equal(samples_init(&s, 3), 0);
    samples_put_int(&s, M_GPU_TEMP_C, 0, 50);
    samples_put_int(&s, M_GPU_TEMP_C, 1, 51);
    samples_put_int(&s, M_GPU_TEMP_C, 2, 52);
    (void)frame(&s, to, sizeof(to));
    samples_commit(&s);
    samples_gone(&s, M_GPU_TEMP_C, 1);
    samples_again(&s);
    samples_put_int(&s, M_GPU_TEMP_C, 3, 53); /* room again: what is gone was forgotten */
    assert_int_equal(s.left_out, 0);
    assert_int_equal(mirror_read(&m, to, frame(&s, to, sizeof(to))), 0);
    assert_int_equal(m.defined, 3);
    assert_true(mirror_get(&m, M_GPU_TEMP_C, 2, &v) && v == 52);
    assert_true(mirror_get(&m, M_GPU_TEMP_C, 3, &v) && v == 53);
    assert_false(mirror_get(&m, M_GPU_TEMP_C, 1, &v));
    samples_fini(&s);
}

static void what_has_no_room_or_no_number_is_counted(void **state)
{
    struct samples s;
    (void)state;
    assert_int_equal(samples_init(&s, 0), MW_EINVAL);
    assert_int_equal(samples_init(&s, SAMPLES_SERIES_MAX + 1), MW_EINVAL);
    assert_int_equal(samples_init(&s, 1), 0);
    samples_put_int(&s, M_GPU_TEMP_C, 0, 1);
    samples_put_int(&s, M_GPU_TEMP_C, 1, 1);
    samples_put(&s, METRIC_NUMBER_MAX, 0, 1);
    samples_put_int(&s, M_GPU_TEMP_C, METRIC_INSTANCE_MAX + 1, 1);
    assert_int_equal(s.left_out, 3);
    samples_fini(&s);
}

/* A random history: puts, ends, frames of all sizes, some lost before the commit, new connections;
 * at its end all frames that are left bring the mirror to the table. */
static void history(uint64_t seed)
{
    static const uint16_t metrics[] = { M_GPU_POWER_W, M_GPU_ECC_SBE, M_LANE_BER, M_PORT_UP };
    struct samples s;
    struct mirror m = { 0 };
    uint8_t to[SAMPLES_SIZE_MAX];
    int64_t truth[MW_ARRAY_LEN(metrics)][32];
    bool here[MW_ARRAY_LEN(metrics)][32] = { 0 };
    assert_int_equal(samples_init(&s, 128), 0);
    for (uint64_t step = 0; step < 400; step++) {
        uint64_t bits = mw_random_u64(seed, step, 0, 0);
        uint32_t metric = bits % MW_ARRAY_LEN(metrics), n = bits >> 8 & 31;
        uint32_t what = (uint32_t)(bits >> 16 & 63);
        if (what < 44) {
            uint32_t shift = bits >> 56 & 63;
            here[metric][n] = true;
            truth[metric][n] = (int64_t)(mw_random_u64(seed, step, 1, 0) >> shift);
            samples_put_int(&s, metrics[metric], n, truth[metric][n]);
        } else if (what < 50) {
            here[metric][n] = false;
            samples_gone(&s, metrics[metric], n);
        } else if (what == 63) {
            samples_again(&s);
            m.rows = 0;
        } else {
            size_t room = SAMPLES_SIZE_LEAST + (bits >> 24) % 200;
            size_t size = frame(&s, to, room);
            assert_true(size > 0 && size <= room);
            if (what < 54)
                continue; /* it could not be sent */
            assert_int_equal(mirror_read(&m, to, size), 0);
            samples_commit(&s);
        }
    }
    for (uint32_t left = 0; s.changed > 0; left++) {
        assert_true(left < 200);
        assert_int_equal(mirror_read(&m, to, frame(&s, to, 160)), 0);
        samples_commit(&s);
    }
    for (uint32_t i = 0; i < MW_ARRAY_LEN(metrics); i++)
        for (uint32_t n = 0; n < 32; n++) {
            int64_t v = 0, own = 0;
            assert_int_equal(mirror_get(&m, metrics[i], n, &v), here[i][n]);
            assert_int_equal(samples_get(&s, metrics[i], n, &own), here[i][n]);
            assert_true(!here[i][n] || (v == truth[i][n] && own == v));
        }
    samples_fini(&s);
}

static void both_sides_agree_after_any_history(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++)
        history(seed);
}

static void a_machine_with_more_than_fits_is_said_in_several_frames(void **state)
{
    struct samples s;
    uint8_t to[SAMPLES_SIZE_MAX];
    uint32_t frames = 0;
    (void)state;
    assert_int_equal(samples_init(&s, SAMPLES_SERIES_MAX), 0);
    for (uint32_t i = 0; i < SAMPLES_SERIES_MAX; i++)
        samples_put_int(&s, M_BMC_TEMP_C, i, INT64_MAX - i);
    for (; s.changed > 0; frames++) {
        uint32_t before = s.changed;
        assert_true(frame(&s, to, sizeof(to)) <= SAMPLES_SIZE_MAX);
        samples_commit(&s);
        assert_true(s.changed < before);
    }
    assert_true(frames > 2);
    assert_int_equal(frame(&s, to, SAMPLES_SIZE_LEAST - 1), 0);
    samples_fini(&s);
}

static void damaged_frames_are_refused(void **state)
{
    static const struct { uint8_t bytes[16]; size_t size; const char *why; } bad[] = {
        { { 0 }, 0, "head" },
        { { 0, 1, 5, 0 }, 4, "definitions" },
        { { 0, 1, 5, 0, 1, 200 }, 6, "definition" },
        { { 0, 1, 5, 0, 0, 1, 0 }, 7, "value" },
        { { 0, 1, 5, 0, 0, 1, 0xff, 0xff, 3, 0 }, 10, "row" },
        { { 0, 1, 5, 0, 0, 0, 0, 9 }, 8, "left over" },
        { { 0, 1, 5, 0, 0, 0, 1 }, 7, "row" },
        { { 0x80, 0, 1, 5, 0, 0, 0, 0 }, 8, "head" }, /* longer than it need be */
        { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 }, 10, "head" },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        struct mw_error err = { 0 };
        struct sample_reader r;
        struct sample_entry e = { .what = SAMPLE_VALUE };
        int rc = sample_reader_open(&r, bad[i].bytes, bad[i].size, &err);
        while (rc == 0 && e.what != SAMPLE_END)
            rc = sample_reader_next(&r, &e, &err);
        assert_int_equal(rc, MW_ECORRUPT);
        assert_non_null(strstr(err.text, bad[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_changed_is_said_again),
        cmocka_unit_test(the_head_comes_as_it_was_given),
        cmocka_unit_test(a_reading_that_went_away_is_said_to_be_gone_and_can_return),
        cmocka_unit_test(a_frame_that_was_not_sent_loses_nothing),
        cmocka_unit_test(a_new_connection_hears_everything_that_is_still_there),
        cmocka_unit_test(what_has_no_room_or_no_number_is_counted),
        cmocka_unit_test(both_sides_agree_after_any_history),
        cmocka_unit_test(a_machine_with_more_than_fits_is_said_in_several_frames),
        cmocka_unit_test(damaged_frames_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
