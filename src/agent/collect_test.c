/*
 * Readings of the real program against a daemon that this test plays, on folders
 * that stand for /sys.  What would break for the user: a reading that is wrong or
 * stale, a source whose silence nobody tells, an agent that hangs with a disk.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/agent_testing.h"
#include "agent/files.h"

#define H100 "tests/data/node/sys-class-infiniband-h100"
#define RECORDS_MAX 600 /* the most that are read until something is so: at 50 ms half a minute */

/* A file below root/ of the test's folder, with the folders above it. */
static void make(const struct testing *b, const char *path, const char *text)
{
    char part[512];
    (void)snprintf(part, sizeof(part), "root/%s", path);
    for (char *slash = strchr(part, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(testing_path(b, part), 0700);
        *slash = '/';
    }
    testing_write(b, part, O_TRUNC, text);
}

static void make_port(const struct testing *b, const char *state)
{
    static const char dir[] = "sys/class/infiniband/mlx5_3/ports/1";
    char path[160];
    const char *const files[][2] = {
        { "state", state }, { "phys_state", "5: LinkUp\n" }, { "rate", "400 Gb/sec (4X NDR)\n" },
        { "counters/link_downed", "2\n" }, { "counters/symbol_error", "0\n" },
        { "counters/port_xmit_data", "524288\n" } };
    for (size_t i = 0; i < MW_ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i][0]);
        make(b, path, files[i][1]);
    }
}

/* The agent on the folders root/sys and the machine's own /proc. */
static void start(struct testing *b, const char *more, const char *value)
{
    char daemon[32];
    (void)snprintf(daemon, sizeof(daemon), "127.0.0.1:%u", b->port);
    make(b, "sys/empty", "");
    const char *const args[] = { "run", "--daemon", daemon, "--node", "n3", "--boot-id", "boot-7",
                                 "--kmsg", testing_path(b, "kmsg"), "--sysfs-root",
                                 testing_path(b, "root"), "--without", "ports,tasks,clock",
                                 more, value, NULL };
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

/* Reads on until the reading is there and is this. */
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

static struct agent_frame await_part(struct testing *b, const char *scope, const char *name)
{
    struct agent_frame f;
    for (int i = 0; i < RECORDS_MAX; i++)
        if (testing_next(b, &f) && f.verb == AGENT_PART && strcmp(f.scope, scope) == 0 &&
            strcmp(f.name, name) == 0)
            return f;
    fail_msg("no part %s %s", scope, name);
    return f;
}

/* The pid of the agent's child of this name. */
static pid_t worker(const struct testing *b, const char *name)
{
    char list[256], comm[32];
    struct text word;
    assert_true(files_text(list, sizeof(list), "", "/proc/%d/task/%d/children", (int)b->agent,
                           (int)b->agent));
    struct text t = text_of_string(list);
    uint64_t pid;
    while (text_word(&t, &word) && text_u64(word, &pid))
        if (files_text(comm, sizeof(comm), "", "/proc/%llu/comm", (unsigned long long)pid) &&
            strcmp(comm, name) == 0)
            return (pid_t)pid;
    fail_msg("there is no %s", name);
    return 0;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void every_port_of_a_real_node_is_read(void **state)
{
    struct testing *b = *state;
    char cwd[256], path[512];
    make(b, "sys/class/empty", "");
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    (void)snprintf(path, sizeof(path), "%s/%s", cwd, H100);
    assert_int_equal(symlink(path, testing_path(b, "root/sys/class/infiniband")), 0);
    start(b, NULL, NULL);
    (void)await_source(b, "ib", AGENT_SOURCE_OK);
    for (uint32_t i = 0; i < 8; i++) /* mlx5_0 … mlx5_9, and after them mlx5_bond_0 */
        await_value(b, M_IB_RATE_GBPS, i, 4000);
    await_value(b, M_IB_RATE_GBPS, 8, 2000);
    await_value(b, M_IB_STATE, 2, 4);
    await_value(b, M_IB_PHYS_STATE, 2, 5);
    await_value(b, M_PORT_UP, 2, 1);
    await_value(b, M_IB_BUFFER_OVERRUNS, 2, 15); /* of mlx5_4, as its files say */
    await_value(b, M_IB_RCV_ERRORS, 2, 14);
    await_value(b, M_IB_ADAPTIVE_RETRANS, 2, 3);
    await_value(b, M_IB_XMIT_MIB, 2, 879069021); /* 230442669431839 words of 4 bytes */
}

static void a_link_that_goes_down_is_told(void **state)
{
    struct testing *b = *state;
    make_port(b, "4: ACTIVE\n");
    start(b, NULL, NULL);
    await_value(b, M_IB_STATE, 0, 4);
    await_value(b, M_IB_LINK_DOWNED, 0, 2);
    await_value(b, M_IB_XMIT_MIB, 0, 2);
    make_port(b, "1: DOWN\n");
    await_value(b, M_IB_STATE, 0, 1);
    await_value(b, M_PORT_UP, 0, 0);
    make_port(b, ""); /* a card that fell off the bus: its files say nothing */
    await_value(b, M_IB_STATE, 0, 0);
    make_port(b, "4: ACTIVE\n"); /* and is found again, under its number */
    await_value(b, M_IB_STATE, 0, 4);
}

static void the_host_its_parts_and_absent_sources_are_told(void **state)
{
    struct testing *b = *state;
    make(b, "sys/devices/system/edac/mc/mc1/dimm3/dimm_ce_count", "7\n");
    make(b, "sys/devices/system/edac/mc/mc1/dimm3/dimm_ue_count", "0\n");
    make(b, "sys/devices/system/edac/mc/mc1/dimm3/dimm_label", "CPU1_DIMM_B2\n");
    make(b, "sys/class/hwmon/hwmon0/name", "coretemp\n");
    make(b, "sys/class/hwmon/hwmon0/temp1_input", "61000\n");
    make(b, "sys/class/hwmon/hwmon0/temp1_label", "Package id 1\n");
    make(b, "sys/class/hwmon/hwmon0/temp1_crit", "100000\n");
    make(b, "sys/class/hwmon/hwmon0/temp2_input", "62000\n");
    make(b, "sys/class/hwmon/hwmon0/temp2_label", "Core 0\n");
    make(b, "sys/class/dmi/id/product_name", "DGX H100\n");
    start(b, NULL, NULL);
    assert_string_equal(await_source(b, "ib", AGENT_SOURCE_ABSENT).text,
                        "no InfiniBand or RoCE device");
    await_value(b, M_EDAC_CE, 1 * 64 + 3, 7);
    await_value(b, M_CPU_TEMP_C, 1, 61);
    await_value(b, M_HWMON_TEMP_LIMIT_C, 0, 100);
    int64_t v;
    assert_false(testing_value(b, M_HWMON_TEMP_C, 1, &v)); /* no core is woken for its sensor */
    assert_true(testing_value(b, M_MEM_TOTAL_MIB, 0, &v) && v > 0);
    assert_true(testing_value(b, M_CPU_ONLINE, 0, &v) && v == sysconf(_SC_NPROCESSORS_ONLN));
    testing_hang_up(b);
    testing_listen(b);
    (void)testing_meet(b); /* levels are said again */
    assert_int_equal(await_part(b, "memory", "CPU1_DIMM_B2").n, 67);
}

static void a_pci_link_is_compared_with_what_both_ends_can(void **state)
{
    struct testing *b = *state;
    static const char dir[] = "sys/devices/pci0000:00/0000:00:01.0/0000:3b:00.0";
    const char *const files[][2] = {
        { "vendor", "0x10de\n" }, { "class", "0x030200\n" }, { "device", "0x2330\n" },
        { "max_link_width", "16\n" }, { "current_link_width", "4\n" },
        { "max_link_speed", "32.0 GT/s PCIe\n" }, { "current_link_speed", "2.5 GT/s PCIe\n" },
        { "../max_link_width", "8\n" },
        { "aer_dev_correctable", "RxErr 3\nBadTLP 1\nTOTAL_ERR_COR 4\n" } };
    char path[256];
    for (size_t i = 0; i < MW_ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i][0]);
        make(b, path, files[i][1]);
    }
    make(b, "sys/bus/pci/devices/.keep", "");
    (void)snprintf(path, sizeof(path), "%s/root/%s", b->dir, dir);
    assert_int_equal(symlink(path, testing_path(b, "root/sys/bus/pci/devices/0000:3b:00.0")), 0);
    start(b, NULL, NULL);
    await_value(b, M_PCI_WIDTH, 0, 4);
    await_value(b, M_PCI_WIDTH_MAX, 0, 8);
    await_value(b, M_PCI_SPEED_GTPS, 0, 5); /* steps of 0.5 */
    await_value(b, M_PCI_SPEED_MAX_GTPS, 0, 64);
    await_value(b, M_PCI_AER_CORRECTABLE, 0, 4);
}

static void a_worker_that_hangs_is_killed_said_and_started_again(void **state)
{
    struct testing *b = *state;
    struct agent_frame f;
    int64_t v;
    make_port(b, "4: ACTIVE\n");
    start(b, "--without", "pci,speed,ports,tasks,clock"); /* so that it hangs in this one */
    (void)await_source(b, "ib", AGENT_SOURCE_OK);
    await_value(b, M_IB_STATE, 0, 4);
    pid_t first = worker(b, "mw-agent-links");
    assert_int_equal(kill(first, SIGSTOP), 0);
    f = await_source(b, "ib", AGENT_SOURCE_SILENT);
    assert_non_null(strstr(f.text, "no answer within"));
    for (int i = 0; i < RECORDS_MAX && testing_value(b, M_IB_STATE, 0, &v); i++)
        (void)testing_next(b, &f); /* what it read last is not shown as if it were now */
    assert_false(testing_value(b, M_IB_STATE, 0, &v));
    assert_true(testing_value(b, M_MEM_TOTAL_MIB, 0, &v));
    (void)await_source(b, "ib", AGENT_SOURCE_OK);
    await_value(b, M_IB_STATE, 0, 4);
    assert_int_not_equal(worker(b, "mw-agent-links"), first);
    assert_int_equal(kill(first, 0), -1); /* and it is not left behind */
}

static void a_worker_that_dies_is_started_again(void **state)
{
    struct testing *b = *state;
    make_port(b, "4: ACTIVE\n");
    start(b, NULL, NULL);
    await_value(b, M_IB_STATE, 0, 4);
    assert_int_equal(kill(worker(b, "mw-agent-links"), SIGKILL), 0);
    make_port(b, "2: INIT\n");
    await_value(b, M_IB_STATE, 0, 2);
}

static void a_cut_line_coalesces_readings_and_counts_them(void **state)
{
    struct testing *b = *state;
    struct agent_frame f;
    int64_t v;
    make_port(b, "4: ACTIVE\n");
    start(b, NULL, NULL);
    await_value(b, M_IB_STATE, 0, 4);
    testing_hang_up(b);
    make_port(b, "1: DOWN\n");
    (void)poll(NULL, 0, 700); /* a few periods of 200 ms without a daemon */
    testing_listen(b);
    (void)testing_meet(b);
    while (b->samples == 0)
        (void)testing_next(b, &f);
    assert_true(b->head.coalesced >= 2);
    assert_int_equal(b->head.seq, 1);
    assert_true(testing_value(b, M_IB_STATE, 0, &v) && v == 1); /* all of it, the newest */
    while (b->samples == 1)
        (void)testing_next(b, &f);
    assert_int_equal(b->head.coalesced, 0);
}

static void readings_come_as_often_as_is_asked_for(void **state)
{
    struct testing *b = *state;
    struct agent_frame f;
    make_port(b, "4: ACTIVE\n");
    start(b, "--sample-ms", "60000");
    while (b->samples == 0)
        (void)testing_next(b, &f);
    testing_give(b, "rate sample_ms=100 for_ms=600000\n");
    while (b->samples < 5) /* in less than a minute: testing_next() waits 8 s at most */
        (void)testing_next(b, &f);
}

static void a_source_that_is_left_out_is_not_read(void **state)
{
    struct testing *b = *state;
    char errors[512];
    make_port(b, "4: ACTIVE\n");
    start(b, "--without", "ib");
    (void)await_source(b, "pci", AGENT_SOURCE_ABSENT);
    int64_t v;
    assert_false(testing_value(b, M_IB_STATE, 0, &v));
    const char *const wrong[] = { "--daemon", "127.0.0.1:1", "--without", "ib,nosuch", NULL };
    assert_int_equal(testing_wait(testing_spawn(b, wrong)), 1);
    testing_errors(b, errors, sizeof(errors));
    assert_non_null(strstr(errors, "no source of that name"));
}

static void a_configuration_file_has_the_flags_names(void **state)
{
    struct testing *b = *state;
    char text[256], errors[512], path[160];
    (void)snprintf(text, sizeof(text), "# an agent\nnode = n9\n\ndaemon = 127.0.0.1:%u\n"
                   "  kmsg=%s\nboot-id =  boot-7 \nsysfs-root = %s\nno-tls = no\n", b->port,
                   testing_path(b, "kmsg"), testing_path(b, "root"));
    make(b, "sys/empty", "");
    testing_write(b, "agent.conf", 0, text);
    (void)snprintf(path, sizeof(path), "%s", testing_path(b, "agent.conf"));
    const char *const args[] = { "--config", path, "--node", "n3", NULL };
    b->agent = testing_spawn(b, args);
    struct agent_frame f = testing_meet(b);
    assert_string_equal(f.name, "n3"); /* the command line goes first */
    assert_string_equal(f.boot, "boot-7");
    testing_write(b, "agent.conf", O_APPEND, "bat-ms = 5\n");
    assert_int_equal(testing_wait(testing_spawn(b, args)), 2);
    testing_errors(b, errors, sizeof(errors));
    assert_non_null(strstr(errors, "line 9: there is no option \"bat-ms\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, testing_set_up, testing_tear_down)

int main(int argc, char **argv)
{
    static struct testing testing;
    testing.program = argc > 1 ? argv[1] : "mw-agent";
    (void)signal(SIGPIPE, SIG_IGN);
    struct CMUnitTest tests[] = {
        TEST(every_port_of_a_real_node_is_read),
        TEST(a_link_that_goes_down_is_told),
        TEST(the_host_its_parts_and_absent_sources_are_told),
        TEST(a_pci_link_is_compared_with_what_both_ends_can),
        TEST(a_worker_that_hangs_is_killed_said_and_started_again),
        TEST(a_worker_that_dies_is_started_again),
        TEST(a_cut_line_coalesces_readings_and_counts_them),
        TEST(readings_come_as_often_as_is_asked_for),
        TEST(a_source_that_is_left_out_is_not_read),
        TEST(a_configuration_file_has_the_flags_names),
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(tests); i++)
        tests[i].initial_state = &testing;
    return cmocka_run_group_tests_name("agent/collect", tests, NULL, NULL);
}
