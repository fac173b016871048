/*
 * GPUs and optics through the real program: the stand-in libnvidia-ml.so.1 and a
 * folder of dumps behind mw-agent, a test that plays the daemon before it.  What
 * would break for the user: a GPU that dies and is not seen, a driver that hangs
 * and takes the agent with it.  Arguments: mw-agent, the library.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/agent_testing.h"
#include "live/eeprom_testing.h"

#define RECORDS_MAX 400 /* the most that are read until something is so */

/* Which GPUs PCI shows: those of the stand-in. */
static const char *const buses[] = { "1a", "1b", "4a", "4b", "8a", "8b", "ca", "cb" };

static void script(const struct testing *b, const char *text)
{
    testing_replace(b, "nvml-script", text);
}

static void make_dirs(const struct testing *b, char *path)
{
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(testing_path(b, path), 0700);
        *slash = '/';
    }
}

static void make(const struct testing *b, const char *path, const char *text)
{
    char part[256];
    (void)snprintf(part, sizeof(part), "root/%s", path);
    make_dirs(b, part);
    testing_write(b, part, O_TRUNC, text);
}

static void show_on_pci(const struct testing *b)
{
    char path[128];
    for (size_t i = 0; i < MW_ARRAY_LEN(buses); i++) {
        (void)snprintf(path, sizeof(path), "sys/bus/pci/devices/0000:%s:00.0/vendor", buses[i]);
        make(b, path, "0x10de\n");
        (void)snprintf(path, sizeof(path), "sys/bus/pci/devices/0000:%s:00.0/class", buses[i]);
        make(b, path, "0x030200\n");
    }
}

/* The agent, with the GPUs in its first readings. */
static void start(struct testing *b, const char *library)
{
    char daemon[32], pci[128];
    (void)snprintf(daemon, sizeof(daemon), "127.0.0.1:%u", b->port);
    make(b, "sys/bus/pci/devices/.keep", "");
    (void)snprintf(pci, sizeof(pci), "%s", testing_path(b, "root/sys/bus/pci/devices"));
    const char *const args[] = { "run", "--daemon", daemon, "--node", "n3", "--boot-id", "boot-7",
                                 "--kmsg", testing_path(b, "kmsg"), "--sysfs-root",
                                 testing_path(b, "root"), "--dev-root", testing_path(b, "root"),
                                 "--nvml", library, "--pci-dir", pci, "--sample-ms", "200",
                                 "--without", "ports,tasks,clock,smart,fs", NULL };
    assert_int_equal(setenv("MW_NVML_SCRIPT", testing_path(b, "nvml-script"), 1), 0);
    b->agent = testing_spawn(b, args);
    (void)testing_meet(b);
}

static struct agent_frame await_source(struct testing *b, const char *name, uint8_t state)
{
    struct agent_frame f;
    for (int i = 0; i < RECORDS_MAX; i++)
        if (testing_next(b, &f) && f.verb == AGENT_SOURCE && strcmp(f.name, name) == 0 &&
            f.state == state)
            return f;
    fail_msg("the source %s did not become %u", name, state);
    return f;
}

static void await_value(struct testing *b, uint32_t metric, uint32_t instance, int64_t want)
{
    struct agent_frame f;
    int64_t v = INT64_MIN;
    for (int i = 0; i < RECORDS_MAX; i++) {
        if (testing_value(b, metric, instance, &v) && v == want)
            return;
        (void)testing_next(b, &f);
    }
    fail_msg("%s %u is %lld, not %lld", metric_of(metric)->name, instance, (long long)v,
             (long long)want);
}

static void await_gone(struct testing *b, uint32_t metric, uint32_t instance)
{
    struct agent_frame f;
    int64_t v;
    for (int i = 0; i < RECORDS_MAX; i++) {
        if (!testing_value(b, metric, instance, &v))
            return;
        (void)testing_next(b, &f);
    }
    fail_msg("%s %u is still there", metric_of(metric)->name, instance);
}

static struct agent_frame await_part(struct testing *b, const char *scope, uint64_t n)
{
    struct agent_frame f;
    for (int i = 0; i < RECORDS_MAX; i++)
        if (testing_next(b, &f) && f.verb == AGENT_PART && strcmp(f.scope, scope) == 0 &&
            f.n == n)
            return f;
    fail_msg("no part %s %llu", scope, (unsigned long long)n);
    return f;
}

static const char *library(void)
{
    return getenv("MW_TEST_NVML");
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void eight_gpus_come_with_serial_numbers_and_readings(void **state)
{
    struct testing *b = *state;
    show_on_pci(b);
    script(b, "gpu 5 load 50\ngpu 5 ecc-ce 3\n");
    start(b, library());
    struct agent_frame f = await_part(b, "gpu", 5);
    assert_string_equal(f.serial, "1562821083905");
    assert_string_equal(f.pci, "0000:8b:00.0");
    await_value(b, M_GPU_COUNT, 0, 8);
    await_value(b, M_GPU_UTIL_PCT, 5, 50);
    await_value(b, M_GPU_ECC_SBE, 5, 3);
    await_value(b, M_NVLINK_UP, 7 * 32 + 17, 1);
}

static void a_gpu_that_falls_off_the_bus_is_seen_and_seen_to_be_back(void **state)
{
    struct testing *b = *state;
    show_on_pci(b);
    script(b, "");
    start(b, library());
    await_value(b, M_GPU_ALIVE, 2, 1);
    script(b, "gpu 2 lost\n");
    await_value(b, M_GPU_ALIVE, 2, 0);
    await_gone(b, M_GPU_POWER_W, 2);
    await_value(b, M_GPU_COUNT, 0, 7);
    script(b, "gpu 2 lost\ngpu 2 reset\n");
    await_value(b, M_GPU_ALIVE, 2, 1);
    await_value(b, M_GPU_COUNT, 0, 8);
}

static void a_call_that_hangs_is_the_source_s_silence_and_no_more(void **state)
{
    struct testing *b = *state;
    show_on_pci(b);
    script(b, "");
    start(b, library());
    await_value(b, M_GPU_ALIVE, 6, 1);
    script(b, "gpu 6 hang temperature\n");
    struct agent_frame f = await_source(b, "gpu", AGENT_SOURCE_SILENT);
    assert_non_null(strstr(f.text, "no answer within"));
    await_gone(b, M_GPU_POWER_W, 0); /* what was read last is not shown as if it were now */
    int64_t v;
    assert_true(testing_value(b, M_MEM_TOTAL_MIB, 0, &v)); /* the rest goes on */
    script(b, "");
    (void)await_source(b, "gpu", AGENT_SOURCE_OK);
    await_value(b, M_GPU_ALIVE, 6, 1);
}

static void a_driver_that_hangs_at_the_start_is_silence_too(void **state)
{
    struct testing *b = *state;
    show_on_pci(b);
    script(b, "init mismatch\n");
    start(b, library());
    struct agent_frame f = await_source(b, "gpu", AGENT_SOURCE_SILENT);
    assert_non_null(strstr(f.text, "different versions"));
    script(b, "");
    await_value(b, M_GPU_COUNT, 0, 8);
}

static void a_node_without_gpus_has_no_such_source(void **state)
{
    struct testing *b = *state;
    start(b, "/nowhere/libnvidia-ml.so.1");
    (void)await_source(b, "gpu", AGENT_SOURCE_ABSENT);
}

static void gpus_without_a_library_are_a_fault(void **state)
{
    struct testing *b = *state;
    show_on_pci(b);
    start(b, "/nowhere/libnvidia-ml.so.1");
    struct agent_frame f = await_source(b, "gpu", AGENT_SOURCE_SILENT);
    assert_non_null(strstr(f.text, "PCI shows 8 GPUs"));
}

static void the_module_in_a_port_is_read(void **state)
{
    struct testing *b = *state;
    uint8_t bytes[EEPROM_DUMP_MAX];
    size_t size = testing_osfp_2xdr4(bytes);
    char path[64] = "root/eeprom/ens1np0.bin";
    make(b, "sys/class/net/ens1np0/address", "02:00:00:00:00:01\n");
    make(b, "sys/devices/pci0000:00/0000:3b:00.0/vendor", "0x15b3\n");
    (void)snprintf(path, sizeof(path), "%s", testing_path(b, "root/sys/class/net/ens1np0/device"));
    assert_int_equal(symlink("../../../devices/pci0000:00/0000:3b:00.0", path), 0);
    make(b, "eeprom/empty", "");
    FILE *f = fopen(testing_path(b, "root/eeprom/ens1np0.bin"), "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    start(b, "/nowhere/libnvidia-ml.so.1");
    struct agent_frame part = await_part(b, "lane", 0);
    assert_string_equal(part.model, "ACME OPTICS OSFP-800G-2DR4");
    await_value(b, M_LANE_RX_DBM, 7, -19);
    await_value(b, M_LANE_BER, 0, -160);
    await_value(b, M_OPTIC_WARNINGS, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_set_up, testing_tear_down)

int main(int argc, char **argv)
{
    static struct testing testing;
    char path[PATH_MAX];
    struct CMUnitTest tests[] = {
        TEST(eight_gpus_come_with_serial_numbers_and_readings),
        TEST(a_gpu_that_falls_off_the_bus_is_seen_and_seen_to_be_back),
        TEST(a_call_that_hangs_is_the_source_s_silence_and_no_more),
        TEST(a_driver_that_hangs_at_the_start_is_silence_too),
        TEST(a_node_without_gpus_has_no_such_source),
        TEST(gpus_without_a_library_are_a_fault),
        TEST(the_module_in_a_port_is_read),
    };
    if (argc != 3 || realpath(argv[2], path) == NULL || setenv("MW_TEST_NVML", path, 1) != 0)
        return EXIT_FAILURE;
    testing.program = argv[1];
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < MW_ARRAY_LEN(tests); i++)
        tests[i].initial_state = &testing;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
