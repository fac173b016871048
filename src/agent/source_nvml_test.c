/*
 * The source "gpu" against the stand-in libnvidia-ml.so.1, whose path is the one
 * argument: what is read of healthy GPUs, and each fault that the stand-in can
 * play, seen as the hub would see it.  Time is what the test says; only counters
 * that grow run on the stand-in's clock, and are not compared with it.
 */
#include "agent/sources.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/nvml_read.h"
#include "agent/places.h"

#define PARTS_MAX 64

struct rig {
    char folder[64], script[96], sysfs[96];
    const char *library;
    struct places places;
    struct source_env env;
    struct samples samples;
    struct source_out out;
    struct agent_frame part[PARTS_MAX]; /* in the order in which they came */
    uint32_t parts;
    void *state;
    int64_t now_ms;
    struct mw_error err;
};

static void take_part(void *ctx, const struct agent_frame *f)
{
    struct rig *r = ctx;
    assert_true(r->parts < PARTS_MAX);
    r->part[r->parts++] = *f;
}

static void take_finding(void *ctx, const struct agent_frame *f)
{
    (void)ctx;
    fail_msg("a finding of its own: %s", f->text);
}

/* Written whole under another name and moved: the stand-in never reads half of it. */
static void script(struct rig *r, const char *text)
{
    char part[112];
    (void)snprintf(part, sizeof(part), "%s.part", r->script);
    FILE *f = fopen(part, "we");
    assert_non_null(f);
    (void)fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(part, r->script), 0);
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    (void)snprintf(r->folder, sizeof(r->folder), "/tmp/mw-nvml-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    (void)snprintf(r->script, sizeof(r->script), "%s/script", r->folder);
    (void)snprintf(r->sysfs, sizeof(r->sysfs), "%s", r->folder);
    r->library = getenv("MW_TEST_NVML");
    assert_int_equal(setenv("MW_NVML_SCRIPT", r->script, 1), 0);
    assert_int_equal(samples_init(&r->samples, 4096), 0);
    r->env = (struct source_env){ .sysfs_root = r->sysfs, .proc_root = r->sysfs,
                                  .dev_root = r->sysfs, .nvml = r->library, .gpus = 8,
                                  .places = &r->places };
    r->out = (struct source_out){ .samples = &r->samples, .part = take_part,
                                  .finding = take_finding, .ctx = r };
    r->now_ms = 1000;
    script(r, "");
    *state = r;
    return 0;
}

static void shut(struct rig *r)
{
    if (r->state != NULL)
        source_nvml.close(r->state);
    r->state = NULL;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    shut(r);
    samples_fini(&r->samples);
    (void)unlink(r->script);
    (void)rmdir(r->folder);
    free(r);
    return 0;
}

static int open_gpus(struct rig *r)
{
    r->err.text[0] = '\0';
    return source_nvml.open(&r->env, &r->state, &r->err);
}

/* One read, so many ms after the last. */
static void read_after(struct rig *r, int64_t ms)
{
    r->now_ms += ms;
    if (r->state == NULL)
        assert_int_equal(open_gpus(r), 0);
    assert_int_equal(source_nvml.read(r->state, &r->env, r->now_ms, &r->out, &r->err), 0);
}

/* All that is due of every GPU. */
static void read_all(struct rig *r)
{
    read_after(r, NVML_SLOW_MS);
    read_after(r, NVML_SLOW_MS);
}

static bool has(const struct rig *r, uint32_t metric, uint32_t instance)
{
    int64_t steps;
    return samples_get(&r->samples, metric, instance, &steps);
}

static double value(const struct rig *r, uint32_t metric, uint32_t instance)
{
    int64_t steps;
    if (!samples_get(&r->samples, metric, instance, &steps))
        fail_msg("%s of %u has no value", metric_of(metric)->name, instance);
    return metric_real(metric_of(metric), steps);
}

static void is(const struct rig *r, uint32_t metric, uint32_t instance, double want)
{
    double got = value(r, metric, instance);
    if (fabs(got - want) > metric_of(metric)->step * 0.51)
        fail_msg("%s of %u is %g, not %g", metric_of(metric)->name, instance, got, want);
}

static const struct agent_frame *last_part(const struct rig *r, uint32_t slot)
{
    for (uint32_t i = r->parts; i-- > 0;)
        if (r->part[i].n == slot)
            return &r->part[i];
    fail_msg("no part of slot %u", slot);
    return NULL;
}

/* The GPUs of the stand-in as PCI shows them, bound to NVIDIA's driver. */
static void show_on_pci(struct rig *r)
{
    static const char *const pci[] = { "0000:1a:00.0", "0000:1b:00.0", "0000:4a:00.0",
                                       "0000:4b:00.0", "0000:8a:00.0", "0000:8b:00.0",
                                       "0000:ca:00.0", "0000:cb:00.0" };
    r->places.device[r->places.devices++] =
        (struct place_device){ .pci = "0000:02:00.0", .kind = PLACE_NIC };
    for (size_t i = 0; i < MW_ARRAY_LEN(pci); i++) {
        struct place_device *d = &r->places.device[r->places.devices++];
        (void)snprintf(d->pci, sizeof(d->pci), "%s", pci[i]);
        d->kind = PLACE_GPU;
    }
}

/* ---- healthy GPUs ---------------------------------------------------------------------------- */

static void eight_idle_gpus_say_what_they_are_and_how_they_fare(void **state)
{
    struct rig *r = *state;
    read_after(r, 0);
    is(r, M_GPU_COUNT, 0, 8);
    for (uint32_t i = 0; i < 8; i++) {
        is(r, M_GPU_ALIVE, i, 1);
        assert_in_range((uintmax_t)value(r, M_GPU_POWER_W, i), 65, 80);
        is(r, M_GPU_SM_CLOCK_MHZ, i, 345);
        is(r, M_GPU_MEM_CLOCK_MHZ, i, 2619);
        is(r, M_GPU_THROTTLE, i, NVML_EVENT_IDLE);
        is(r, M_GPU_FB_TOTAL_MIB, i, 81559);
        is(r, M_GPU_REMAP_BANKS_FULL, i, 2560);
        is(r, M_GPU_PCIE_WIDTH, i, 16);
        is(r, M_GPU_POWER_LIMIT_W, i, 700);
        is(r, M_GPU_FABRIC_STATE, i, 3);
        is(r, M_NVLINK_UP, i * 32 + 17, 1);
        is(r, M_NVLINK_SPEED_GBPS, i * 32, 26.6);
    }
    assert_int_equal(r->samples.left_out, 0);
}

static void each_gpu_is_a_part_with_its_serial_number(void **state)
{
    struct rig *r = *state;
    read_after(r, 0);
    assert_int_equal(r->parts, 8);
    const struct agent_frame *f = last_part(r, 3);
    assert_string_equal(f->scope, "gpu");
    assert_string_equal(f->name, "gpu3");
    assert_string_equal(f->model, "NVIDIA H100 80GB HBM3");
    assert_string_equal(f->serial, "1562821083903");
    assert_string_equal(f->fw, "96.00.74.00.09");
    assert_string_equal(f->pci, "0000:4b:00.0");
    assert_non_null(strstr(f->text, "driver=550.163.01"));
    assert_non_null(strstr(f->text, "board=692-2G520-0200-000"));
    assert_non_null(strstr(f->text, "uuid=GPU-01000100"));
    read_after(r, 1000);
    assert_int_equal(r->parts, 8); /* not again */
}

static void what_a_gpu_does_not_have_is_no_reading(void **state)
{
    struct rig *r = *state;
    read_all(r);
    assert_false(has(r, M_GPU_FAN_PCT, 0));
    assert_false(has(r, M_GPU_RETIRED_UE, 0));
    assert_false(has(r, M_NVLINK_BER, 0));
    assert_false(has(r, M_GPU_MODULE_POWER_W, 0));
}

static void a_loaded_gpu_draws_its_power_and_runs_at_its_clock(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 2 load 90\ngpu 2 process 4711 70000\ngpu 2 process 4712 100\n");
    read_all(r);
    assert_in_range((uintmax_t)value(r, M_GPU_POWER_W, 2), 620, 650);
    is(r, M_GPU_SM_CLOCK_MHZ, 2, 1980);
    is(r, M_GPU_UTIL_PCT, 2, 90);
    is(r, M_GPU_FB_USED_MIB, 2, 70100);
    is(r, M_GPU_PROCESSES, 2, 2);
    is(r, M_GPU_PROCESSES, 1, 0);
    is(r, M_GPU_THROTTLE, 2, 0);
}

static void dear_readings_are_taken_every_ten_seconds_one_gpu_at_a_time(void **state)
{
    struct rig *r = *state;
    uint32_t seen[8] = { 0 };
    read_after(r, 0);
    script(r, "gpu * pcie-width 8\n");
    for (int64_t ms = 0; ms < NVML_SLOW_MS; ms += 1000) {
        uint32_t fresh = 0;
        read_after(r, 1000);
        for (uint32_t i = 0; i < 8; i++) {
            bool now = fabs(value(r, M_GPU_PCIE_WIDTH, i) - 8) < 0.5;
            fresh += now && seen[i] == 0;
            seen[i] += now;
        }
        assert_true(fresh <= 1);
    }
    for (uint32_t i = 0; i < 8; i++)
        assert_true(seen[i] > 0);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void memory_errors_grow_from_read_to_read(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 1 ecc-ce 5\ngpu 1 ecc-ue-ever 3\n");
    read_all(r);
    is(r, M_GPU_ECC_SBE, 1, 5);
    is(r, M_GPU_ECC_DBE, 1, 0);
    is(r, M_GPU_ECC_DBE_EVER, 1, 3);
    script(r, "gpu 1 ecc-ce 900\ngpu 1 ecc-ue 2\ngpu 1 ecc-ue-ever 3\ngpu 1 sram-ue 1\n"
              "gpu 1 sram-threshold 1\n");
    read_all(r);
    is(r, M_GPU_ECC_SBE, 1, 900);
    is(r, M_GPU_ECC_DBE, 1, 2);
    is(r, M_GPU_ECC_DBE_EVER, 1, 5);
    is(r, M_GPU_ECC_SRAM_DBE, 1, 1);
    is(r, M_GPU_SRAM_THRESHOLD, 1, 1);
    is(r, M_GPU_ECC_SBE, 0, 0);
}

static void a_pending_and_a_failed_row_remap_and_the_budget_that_is_left(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 4 rows-ue 12\ngpu 4 rows-ce 1\ngpu 4 remap-pending 1\n"
              "gpu 5 remap-failed 1\ngpu 5 banks 2550 4 3 2 1\n");
    read_all(r);
    is(r, M_GPU_ROWS_REMAPPED_UE, 4, 12);
    is(r, M_GPU_ROWS_REMAPPED_CE, 4, 1);
    is(r, M_GPU_REMAP_PENDING, 4, 1);
    is(r, M_GPU_REMAP_FAILED, 4, 0);
    is(r, M_GPU_REMAP_FAILED, 5, 1);
    is(r, M_GPU_REMAP_BANKS_FULL, 5, 2550);
    is(r, M_GPU_REMAP_BANKS_HIGH, 5, 4);
    is(r, M_GPU_REMAP_BANKS_PARTIAL, 5, 3);
    is(r, M_GPU_REMAP_BANKS_LOW, 5, 2);
    is(r, M_GPU_REMAP_BANKS_NONE, 5, 1);
}

static void a_throttled_gpu_says_why(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 6 temp 91\ngpu 6 mem-temp 97\ngpu 6 throttle 0x48\ngpu 6 clock 600\n"
              "gpu 6 slowed-thermal-ms 4500\ngpu 7 throttle 0x88\ngpu 7 slowed-brake-ms 1200\n");
    read_all(r);
    is(r, M_GPU_TEMP_C, 6, 91);
    is(r, M_GPU_MEM_TEMP_C, 6, 97);
    is(r, M_GPU_THROTTLE, 6, NVML_EVENT_HW_SLOWDOWN | NVML_EVENT_HW_THERMAL);
    is(r, M_GPU_THROTTLE, 7, NVML_EVENT_HW_SLOWDOWN | NVML_EVENT_POWER_BRAKE);
    is(r, M_GPU_SM_CLOCK_MHZ, 6, 600);
    is(r, M_GPU_SLOWED_THERMAL_MS, 6, 4500);
    is(r, M_GPU_SLOWED_BRAKE_MS, 7, 1200);
    is(r, M_GPU_TEMP_SLOWDOWN_C, 6, 87);
    is(r, M_GPU_TEMP_MARGIN_C, 6, -4);
}

static void nvlinks_that_fail_and_a_narrow_pcie_link(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 0 link 5 down\ngpu 0 link 6 crc 1000\ngpu 0 link 6 replays 30\n"
              "gpu 0 link 6 recoveries 2\ngpu 3 pcie-replays 77\ngpu 3 pcie-width 4\n"
              "gpu 3 pcie-gen 3\n");
    read_all(r);
    is(r, M_NVLINK_UP, 5, 0);
    is(r, M_NVLINK_SPEED_GBPS, 5, 0);
    is(r, M_NVLINK_UP, 6, 1);
    is(r, M_NVLINK_CRC_ERRORS, 6, 1000);
    is(r, M_NVLINK_REPLAYS, 6, 30);
    is(r, M_NVLINK_RECOVERIES, 6, 2);
    is(r, M_NVLINK_CRC_ERRORS, 4, 0);
    is(r, M_GPU_PCIE_REPLAYS, 3, 77);
    is(r, M_GPU_PCIE_WIDTH, 3, 4);
    is(r, M_GPU_PCIE_WIDTH_MAX, 3, 16);
    is(r, M_GPU_PCIE_GEN, 3, 3);
}

static void nvlink_5_has_counters_of_its_own(void **state)
{
    struct rig *r = *state;
    script(r, "nvlink 5\ngpu 1 link 2 crc 40\ngpu 1 link 2 recoveries 3\ngpu 1 link 2 failed 1\n"
              "gpu 1 link 2 symbols 900\ngpu 1 link 2 ber 0x50c\n"  /* 5 x 10^-12 */
              "gpu 1 link 3 ber 0xffe\n");                          /* 15 x 10^-254 */
    read_all(r);
    is(r, M_NVLINK_UP, 32 + 2, 1);
    is(r, M_NVLINK_CRC_ERRORS, 32 + 2, 40);
    is(r, M_NVLINK_RECOVERIES, 32 + 2, 3);
    is(r, M_NVLINK_RECOVERIES_FAILED, 32 + 2, 1);
    is(r, M_NVLINK_SYMBOL_ERRORS, 32 + 2, 900);
    assert_false(has(r, M_NVLINK_REPLAYS, 32 + 2));
    assert_true(fabs(value(r, M_NVLINK_BER, 32 + 2) / 5e-12 - 1) < 0.15);
    assert_true(value(r, M_NVLINK_BER, 32 + 3) < 1.1e-30); /* none was seen */
}

static void an_older_driver_is_asked_otherwise_and_not_again(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 0 no-field 185\ngpu 0 power 300\ngpu 0 no-field 269\n"
              "gpu 0 slowed-thermal-ms 70\ngpu 1 no-field 269\ngpu 1 no-field 270\n"
              "gpu 1 no-field 94\n");
    read_all(r);
    is(r, M_GPU_POWER_W, 0, 300); /* nvmlDeviceGetPowerUsage */
    is(r, M_GPU_SLOWED_THERMAL_MS, 0, 70); /* of the one field that it knows */
    assert_false(has(r, M_GPU_PCIE_REPLAYS, 1));
    script(r, "");
    read_all(r);
    assert_false(has(r, M_GPU_PCIE_REPLAYS, 1)); /* the question was not put again */
    shut(r);
    read_all(r);
    assert_true(has(r, M_GPU_PCIE_REPLAYS, 1));
}

static void a_gpu_off_the_bus_loses_its_readings_and_keeps_its_slot_and_name(void **state)
{
    struct rig *r = *state;
    read_after(r, 0);
    script(r, "gpu 3 lost\n");
    read_after(r, 1000);
    is(r, M_GPU_ALIVE, 3, 0);
    is(r, M_GPU_COUNT, 0, 7);
    assert_false(has(r, M_GPU_POWER_W, 3));
    assert_false(has(r, M_GPU_ROWS_REMAPPED_UE, 3));
    assert_false(has(r, M_NVLINK_UP, 3 * 32 + 4));
    assert_true(has(r, M_GPU_POWER_W, 4));
    assert_string_equal(last_part(r, 3)->serial, "1562821083903");
    assert_non_null(strstr(last_part(r, 3)->text, "fallen off the bus"));
    uint32_t parts = r->parts;
    read_after(r, 1000);
    assert_int_equal(r->parts, parts); /* said once */
}

static void a_reset_brings_it_back(void **state)
{
    struct rig *r = *state;
    read_after(r, 0);
    script(r, "gpu 3 lost\ngpu 3 ecc-ue 7\n");
    read_after(r, 1000);
    is(r, M_GPU_ALIVE, 3, 0);
    script(r, "gpu 3 lost\ngpu 3 ecc-ue 7\ngpu 3 reset\n");
    read_after(r, 1000);
    is(r, M_GPU_ALIVE, 3, 1);
    is(r, M_GPU_COUNT, 0, 8);
    is(r, M_GPU_ECC_DBE, 3, 0);
    is(r, M_NVLINK_UP, 3 * 32 + 4, 1); /* the dear ones at once, too */
    assert_non_null(strstr(last_part(r, 3)->text, "driver="));
}

static void a_gpu_lost_before_the_worker_started_does_not_lose_its_name(void **state)
{
    struct rig *r = *state;
    show_on_pci(r);
    script(r, "gpu 3 lost\n");
    read_after(r, 0);
    is(r, M_GPU_ALIVE, 3, 0); /* its neighbours have their slots by their addresses */
    assert_string_equal(last_part(r, 4)->serial, "1562821083904");
    assert_int_equal(r->parts, 7); /* no part without a serial number over the one that was kept */
}

static void a_dead_gpu_stays_away_after_a_reset(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 3 dead\ngpu 3 reset\n");
    read_after(r, 0);
    is(r, M_GPU_ALIVE, 3, 0);
    is(r, M_GPU_COUNT, 0, 7);
    read_after(r, 31000); /* the library was opened anew */
    is(r, M_GPU_ALIVE, 3, 0);
    is(r, M_GPU_ALIVE, 4, 1);
    script(r, "");
    read_after(r, 31000); /* it was exchanged */
    is(r, M_GPU_ALIVE, 3, 1);
}

static void a_gpu_that_wants_a_reset_or_answers_only_errors_is_not_alive(void **state)
{
    struct rig *r = *state;
    read_after(r, 0);
    script(r, "gpu 1 reset-required\ngpu 2 unknown\n");
    read_after(r, 1000);
    is(r, M_GPU_ALIVE, 1, 0);
    is(r, M_GPU_ALIVE, 2, 0);
    is(r, M_GPU_COUNT, 0, 6);
    assert_non_null(strstr(last_part(r, 1)->text, "must be reset"));
    assert_non_null(strstr(last_part(r, 2)->text, "inside the driver"));
}

static void the_driver_s_own_advice_is_a_reading(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 0 recovery 4\n");
    read_after(r, 0);
    is(r, M_GPU_RECOVERY_ACTION, 0, NVML_RECOVERY_DRAIN_AND_RESET);
    is(r, M_GPU_RECOVERY_ACTION, 1, NVML_RECOVERY_NONE);
}

static void modes_that_a_site_wants_otherwise_are_readings(void **state)
{
    struct rig *r = *state;
    script(r, "gpu 0 ecc 0\ngpu 0 persistence 0\ngpu 0 mig 1\ngpu 0 compute-mode 3\n"
              "gpu 0 fabric 2\ngpu 1 fabric 4\n");
    read_all(r);
    is(r, M_GPU_ECC_MODE, 0, 0);
    is(r, M_GPU_ECC_MODE, 1, 1);
    is(r, M_GPU_PERSISTENCE, 0, 0);
    is(r, M_GPU_MIG_MODE, 0, 1);
    is(r, M_GPU_COMPUTE_MODE, 0, 3);
    is(r, M_GPU_FABRIC_STATE, 0, 2);
    is(r, M_GPU_FABRIC_STATE, 1, 4);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static void a_gpu_that_the_driver_does_not_count_leaves_its_slot_empty(void **state)
{
    struct rig *r = *state;
    char path[256], link[320];
    show_on_pci(r);
    (void)snprintf(path, sizeof(path), "mkdir -p %s/sys/bus/pci/devices/0000:4a:00.0", r->sysfs);
    FILE *shell = popen(path, "r");
    assert_int_equal(pclose(shell), 0);
    (void)snprintf(link, sizeof(link), "%s/sys/bus/pci/devices/0000:4a:00.0/driver", r->sysfs);
    assert_int_equal(symlink("/sys/bus/pci/drivers/nvidia", link), 0);
    script(r, "gpu 2 missing\n");
    read_after(r, 0);
    is(r, M_GPU_COUNT, 0, 7);
    is(r, M_GPU_ALIVE, 2, 0);
    assert_false(has(r, M_GPU_POWER_W, 2));
    is(r, M_GPU_ALIVE, 3, 1);
    assert_string_equal(last_part(r, 3)->serial, "1562821083903"); /* nobody moved up */
    is(r, M_GPU_ALIVE, 7, 1);
    (void)snprintf(path, sizeof(path), "rm -r %s/sys", r->sysfs);
    shell = popen(path, "r");
    assert_int_equal(pclose(shell), 0);
}

static void a_gpu_given_to_a_virtual_machine_is_not_missed(void **state)
{
    struct rig *r = *state;
    show_on_pci(r);
    script(r, "gpu 2 missing\n");
    read_after(r, 0);
    assert_false(has(r, M_GPU_ALIVE, 2)); /* no driver of NVIDIA's has it */
    is(r, M_GPU_ALIVE, 3, 1);
}

/* ---- the library ----------------------------------------------------------------------------- */

static void without_a_library_and_without_gpus_there_is_nothing_to_read(void **state)
{
    struct rig *r = *state;
    r->env.nvml = "/nowhere/libnvidia-ml.so.1";
    r->env.gpus = 0;
    assert_int_equal(open_gpus(r), MW_ENOTFOUND);
    r->env.gpus = 8; /* but PCI shows some: that is a fault */
    assert_int_equal(open_gpus(r), MW_EIO);
    assert_non_null(strstr(r->err.text, "PCI shows 8 GPUs"));
}

static void a_driver_that_is_not_loaded_or_does_not_match_is_said(void **state)
{
    struct rig *r = *state;
    script(r, "init no-driver\n");
    assert_int_equal(open_gpus(r), MW_EIO);
    assert_non_null(strstr(r->err.text, "driver is not loaded"));
    r->env.gpus = 0;
    assert_int_equal(open_gpus(r), MW_ENOTFOUND);
    script(r, "init mismatch\n");
    assert_int_equal(open_gpus(r), MW_EIO);
    assert_non_null(strstr(r->err.text, "different versions"));
}

static void a_library_that_is_not_nvml_is_refused(void **state)
{
    struct rig *r = *state;
    r->env.nvml = "libc.so.6";
    assert_int_equal(open_gpus(r), MW_EVERSION);
    assert_non_null(strstr(r->err.text, "nvmlInit_v2"));
}

static void numbers_of_every_type_are_read(void **state)
{
    (void)state;
    static const struct {
        struct nvml_field f;
        double want;
    } cases[] = {
        { { .type = NVML_DOUBLE, .value.d = 1.5 }, 1.5 },
        { { .type = NVML_UINT, .value.u32 = 4000000000u }, 4000000000.0 },
        { { .type = NVML_ULONG, .value.u64 = 5 }, 5 },
        { { .type = NVML_ULONGLONG, .value.u64 = 1ull << 40 }, 1099511627776.0 },
        { { .type = NVML_LONGLONG, .value.i64 = -7 }, -7 },
        { { .type = NVML_INT, .value.i32 = -8 }, -8 },
        { { .type = NVML_USHORT, .value.u16 = 65535 }, 65535 },
    };
    double got = 0;
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        assert_true(nvml_field_number(&cases[i].f, &got));
        assert_true(fabs(got - cases[i].want) < 0.001);
    }
    const struct nvml_field bad = { .type = 99 }, failed = { .result = NVML_NOT_SUPPORTED };
    assert_false(nvml_field_number(&bad, &got));
    assert_false(nvml_field_number(&failed, &got));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(eight_idle_gpus_say_what_they_are_and_how_they_fare),
        T(each_gpu_is_a_part_with_its_serial_number),
        T(what_a_gpu_does_not_have_is_no_reading),
        T(a_loaded_gpu_draws_its_power_and_runs_at_its_clock),
        T(dear_readings_are_taken_every_ten_seconds_one_gpu_at_a_time),
        T(memory_errors_grow_from_read_to_read),
        T(a_pending_and_a_failed_row_remap_and_the_budget_that_is_left),
        T(a_throttled_gpu_says_why),
        T(nvlinks_that_fail_and_a_narrow_pcie_link),
        T(nvlink_5_has_counters_of_its_own),
        T(an_older_driver_is_asked_otherwise_and_not_again),
        T(a_gpu_off_the_bus_loses_its_readings_and_keeps_its_slot_and_name),
        T(a_reset_brings_it_back),
        T(a_gpu_lost_before_the_worker_started_does_not_lose_its_name),
        T(a_dead_gpu_stays_away_after_a_reset),
        T(a_gpu_that_wants_a_reset_or_answers_only_errors_is_not_alive),
        T(the_driver_s_own_advice_is_a_reading),
        T(modes_that_a_site_wants_otherwise_are_readings),
        T(a_gpu_that_the_driver_does_not_count_leaves_its_slot_empty),
        T(a_gpu_given_to_a_virtual_machine_is_not_missed),
        T(without_a_library_and_without_gpus_there_is_nothing_to_read),
        T(a_driver_that_is_not_loaded_or_does_not_match_is_said),
        T(a_library_that_is_not_nvml_is_refused),
        T(numbers_of_every_type_are_read),
#undef T
    };
    if (argc != 2 || setenv("MW_TEST_NVML", argv[1], 1) != 0)
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
