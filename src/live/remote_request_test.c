/* Samples as Prometheus' WriteRequest, read back by the same library's reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "live/remote_write.pb-c.h"
#include "live/remote_write_private.h"
#include "signal/metric.h"

static struct remote_names named(void)
{
    struct remote_names n;
    assert_int_equal(remote_names_init(&n), 0);
    remote_names_put(&n, 0, SCOPE_COUNT, 0, "n1");
    remote_names_put(&n, 0, SCOPE_PORT, 2, "mlx5_2");
    return n;
}

static const char *label(const MwPrw__TimeSeries *s, const char *name)
{
    for (size_t i = 0; i < s->n_labels; i++)
        if (strcmp(s->labels[i]->name, name) == 0)
            return s->labels[i]->value;
    return "";
}

static void a_sample_is_a_series_with_sorted_labels(void **state)
{
    const struct remote_sample samples[] = {
        { .metric = M_GPU_POWER_W, .instance = 3, .value = 512, .at_ms = 1000 },
        { .metric = M_NVLINK_UP, .instance = 2 * METRIC_LINKS_PER_GPU + 5, .value = 1, .at_ms = 2 },
        { .metric = M_LANE_RX_DBM, .instance = 2 * METRIC_LANES_PER_PORT + 7, .value = -31,
          .at_ms = 3 },
        { .metric = M_LOAD1, .value = 15, .at_ms = 4 },
        { .metric = M_LOAD1, .machine = 9, .value = 15, .at_ms = 4 }, /* a machine without a name */
    };
    struct remote_names n = named();
    uint8_t *bytes = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(remote_request_make(&n, samples, 5, &bytes, &size, NULL), 0);
    MwPrw__WriteRequest *r = mw_prw__write_request__unpack(NULL, size, bytes);
    assert_non_null(r);
    assert_int_equal(r->n_timeseries, 4);
    for (size_t i = 0; i < r->n_timeseries; i++)
        for (size_t k = 1; k < r->timeseries[i]->n_labels; k++)
            assert_true(strcmp(r->timeseries[i]->labels[k - 1]->name,
                               r->timeseries[i]->labels[k]->name) < 0);
    assert_string_equal(label(r->timeseries[0], "__name__"), "mw_gpu_power_w");
    assert_string_equal(label(r->timeseries[0], "machine"), "n1");
    assert_string_equal(label(r->timeseries[0], "gpu"), "3");
    assert_true(r->timeseries[0]->samples[0]->value == 512);
    assert_int_equal(r->timeseries[0]->samples[0]->timestamp, 1000);
    assert_string_equal(label(r->timeseries[1], "gpu"), "2");
    assert_string_equal(label(r->timeseries[1], "nvlink"), "5");
    assert_string_equal(label(r->timeseries[2], "port"), "2");
    assert_string_equal(label(r->timeseries[2], "lane"), "7");
    assert_string_equal(label(r->timeseries[2], "part"), "mlx5_2");
    assert_true(r->timeseries[3]->samples[0]->value == 1.5);
    mw_prw__write_request__free_unpacked(r, NULL);
    mw_free(bytes);
    remote_names_fini(&n);
}

static void a_name_said_again_takes_the_place_of_the_one_before(void **state)
{
    struct remote_names n = named();
    (void)state;
    remote_names_put(&n, 0, SCOPE_PORT, 2, "eth7");
    assert_string_equal(remote_names_get(&n, 0, SCOPE_PORT, 2), "eth7");
    assert_string_equal(remote_names_get(&n, 0, SCOPE_PORT, 3), "");
    assert_string_equal(remote_names_get(&n, 1, SCOPE_PORT, 2), "");
    remote_names_fini(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_a_series_with_sorted_labels),
        cmocka_unit_test(a_name_said_again_takes_the_place_of_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
