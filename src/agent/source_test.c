/*
 * Sources called by themselves on folders that stand for /proc and /sys, at times
 * that the test chooses.  What would break for the user: a hang that is not seen,
 * a disk that is gone and looks idle, a rate that is off by the period.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/places.h"
#include "agent/sources.h"

struct stand {
    char dir[64];
    struct places places;
    struct source_env env;
    struct samples samples;
    struct source_out out;
    struct agent_frame part; /* the last */
    uint32_t parts;
};

static void take_part(void *ctx, const struct agent_frame *f)
{
    struct stand *s = ctx;
    s->part = *f;
    s->parts++;
}

static int set_up(void **state)
{
    struct stand *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/mw-source-test-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    s->env = (struct source_env){ .sysfs_root = s->dir, .proc_root = s->dir, .dev_root = s->dir,
                                  .places = &s->places };
    assert_int_equal(samples_init(&s->samples, 256), 0);
    s->out = (struct source_out){ .samples = &s->samples, .part = take_part, .ctx = s };
    *state = s;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct stand *s = *state;
    samples_fini(&s->samples);
    int rc = nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
    return rc;
}

static void make(const struct stand *s, const char *path, const char *text)
{
    char part[256];
    (void)snprintf(part, sizeof(part), "%s/%s", s->dir, path);
    for (char *slash = strchr(part + strlen(s->dir) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(part, 0700);
        *slash = '/';
    }
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void *open_source(struct stand *s, const struct source *source)
{
    struct mw_error err = { .code = 0 };
    void *state = NULL;
    if (source->open(&s->env, &state, &err) < 0)
        fail_msg("%s", err.text);
    return state;
}

static void read_at(struct stand *s, const struct source *source, void *state, int64_t now_ms)
{
    struct mw_error err = { .code = 0 };
    if (source->read(state, &s->env, now_ms, &s->out, &err) < 0)
        fail_msg("%s", err.text);
}

static int64_t value(const struct stand *s, uint32_t metric, uint32_t instance)
{
    int64_t v = 0;
    assert_true(samples_get(&s->samples, metric, instance, &v));
    return v;
}

static void a_task_that_hangs_for_a_minute_is_counted_until_it_goes_on(void **state)
{
    struct stand *s = *state;
    make(s, "proc/71/stat", "71 (train) D 1 71 71 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 1\n");
    make(s, "proc/72/stat", "72 (busy) R 1 72 72 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 1\n");
    make(s, "proc/meminfo", "");
    void *tasks = open_source(s, &source_tasks);
    read_at(s, &source_tasks, tasks, 1000);
    read_at(s, &source_tasks, tasks, 60000);
    assert_int_equal(value(s, M_TASKS_STUCK, 0), 0); /* 59 s */
    read_at(s, &source_tasks, tasks, 61000);
    assert_int_equal(value(s, M_TASKS_STUCK, 0), 1);
    make(s, "proc/71/stat", "71 (train) D 1 71 71 0 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 1\n");
    read_at(s, &source_tasks, tasks, 71000); /* it ran meanwhile: another wait */
    assert_int_equal(value(s, M_TASKS_STUCK, 0), 0);
    source_tasks.close(tasks);
}

static void a_thread_that_hangs_is_found_within_its_process(void **state)
{
    struct stand *s = *state;
    make(s, "proc/71/stat", "71 (train) S 1 71 71 0 -1 0 0 0 0 0 5 5 0 0 20 0 2 0 1\n");
    make(s, "proc/71/task/71/comm", "train\n");
    make(s, "proc/71/task/75/comm", "nfs reader\n");
    make(s, "proc/75/stat", "75 (nfs reader) D 1 71 71 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 1\n");
    void *tasks = open_source(s, &source_tasks);
    read_at(s, &source_tasks, tasks, 0);
    read_at(s, &source_tasks, tasks, 60000);
    assert_int_equal(value(s, M_TASKS_STUCK, 0), 1);
    source_tasks.close(tasks);
}

static void a_disks_rates_are_of_the_time_between_two_reads(void **state)
{
    struct stand *s = *state;
    s->places.disks = 1;
    memcpy(s->places.disk[0].name, "nvme0n1", 8);
    memcpy(s->places.disk[0].nvme, "nvme0", 6);
    make(s, "sys/class/nvme/nvme0/state", "live\n");
    make(s, "proc/diskstats", " 259 0 nvme0n1 100 0 4096 500 100 0 2048 500 0 1000 1000\n");
    void *disks = open_source(s, &source_disk);
    read_at(s, &source_disk, disks, 10000);
    int64_t v;
    assert_false(samples_get(&s->samples, M_DISK_BUSY_PCT, 0, &v)); /* nothing to compare with */
    assert_int_equal(value(s, M_DISK_READ_MIB, 0), 2);
    assert_int_equal(value(s, M_DISK_LIVE, 0), 1);
    make(s, "proc/diskstats", " 259 0 nvme0n1 105 0 4096 530 105 0 2048 520 0 2000 2000\n");
    read_at(s, &source_disk, disks, 14000);
    assert_int_equal(value(s, M_DISK_BUSY_PCT, 0), 25);    /* 1000 of 4000 ms */
    assert_int_equal(value(s, M_DISK_LATENCY_MS, 0), 50); /* 50 ms for 10 requests, steps of 0.1 */
    make(s, "proc/diskstats", "   7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n");
    read_at(s, &source_disk, disks, 18000);
    assert_int_equal(value(s, M_DISK_LIVE, 0), 0); /* gone */
    source_disk.close(disks);
}

static void an_interface_without_carrier_is_down_and_one_that_is_off_is_not_enabled(void **state)
{
    struct stand *s = *state;
    static const char dev[] = "Inter-|   Receive\n face |bytes\n"
                              "  eth0: 1048576 1 2 3 0 0 0 0 2097152 1 4 5 0 0 0 0\n";
    s->places.ports = 1;
    memcpy(s->places.port[0].name, "eth0", 5);
    memcpy(s->places.port[0].net, "eth0", 5);
    make(s, "proc/net/dev", dev);
    make(s, "sys/class/net/eth0/carrier_changes", "7\n");
    make(s, "sys/class/net/eth0/carrier", "1\n");
    make(s, "sys/class/net/eth0/flags", "0x1003\n");
    void *net = open_source(s, &source_net);
    read_at(s, &source_net, net, 0);
    assert_int_equal(value(s, M_PORT_UP, 0), 1);
    assert_int_equal(value(s, M_PORT_CARRIER_CHANGES, 0), 7);
    assert_int_equal(value(s, M_PORT_TX_MIB, 0), 2);
    assert_int_equal(value(s, M_PORT_RX_ERRORS, 0), 2);
    make(s, "sys/class/net/eth0/carrier", "0\n");
    read_at(s, &source_net, net, 1000);
    assert_int_equal(value(s, M_PORT_UP, 0), 0);
    assert_int_equal(value(s, M_PORT_ENABLED, 0), 1);
    make(s, "sys/class/net/eth0/flags", "0x1002\n");
    make(s, "sys/class/net/eth0/carrier", ""); /* the kernel answers EINVAL */
    read_at(s, &source_net, net, 2000);
    assert_int_equal(value(s, M_PORT_UP, 0), 0);
    assert_int_equal(value(s, M_PORT_ENABLED, 0), 0);
    source_net.close(net);
}

static void a_disk_that_may_not_be_asked_is_said_by_name(void **state)
{
    struct stand *s = *state;
    struct mw_error err = { .code = 0 };
    s->places.disks = 1;
    memcpy(s->places.disk[0].name, "nvme0n1", 8);
    memcpy(s->places.disk[0].nvme, "nvme0", 6);
    make(s, "dev/nvme0", "no device");
    void *smart = open_source(s, &source_smart);
    assert_true(source_smart.read(smart, &s->env, 0, &s->out, &err) < 0);
    assert_non_null(strstr(err.text, "nvme0n1 gives no SMART log"));
    source_smart.close(smart);
    s->places.disks = 0;
    assert_int_equal(source_smart.open(&s->env, &smart, &err), MW_ENOTFOUND);
}

static void numbers_stay_when_a_neighbour_disappears(void **state)
{
    struct stand *s = *state;
    char path[128];
    make(s, "sys/class/infiniband/mlx5_10/ports/1/state", "4: ACTIVE\n");
    make(s, "sys/class/infiniband/mlx5_2/ports/1/state", "4: ACTIVE\n");
    make(s, "proc/self/mounts", "/dev/vda / ext4 rw 0 0\n/dev/vda /bound ext4 rw 0 0\n"
                                "tmpfs /run tmpfs rw 0 0\nfiler:/home /home nfs4 rw 0 0\n");
    assert_true(places_look(&s->places, s->dir, s->dir));
    assert_int_equal(s->places.ports, 2);
    assert_string_equal(s->places.port[0].name, "mlx5_2/1"); /* by number, not by letter */
    assert_string_equal(s->places.port[1].name, "mlx5_10/1");
    assert_int_equal(s->places.mounts, 2);
    assert_string_equal(s->places.mount[1].path, "/home");
    assert_false(places_look(&s->places, s->dir, s->dir));
    (void)snprintf(path, sizeof(path), "%s/sys/class/infiniband/mlx5_2", s->dir);
    assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    make(s, "sys/class/infiniband/mlx5_3/ports/1/state", "4: ACTIVE\n");
    assert_true(places_look(&s->places, s->dir, s->dir));
    assert_string_equal(s->places.port[0].name, "mlx5_2/1");
    assert_string_equal(s->places.port[1].name, "mlx5_10/1");
    assert_string_equal(s->places.port[2].name, "mlx5_3/1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_that_hangs_for_a_minute_is_counted_until_it_goes_on),
        TEST(a_thread_that_hangs_is_found_within_its_process),
        TEST(a_disks_rates_are_of_the_time_between_two_reads),
        TEST(an_interface_without_carrier_is_down_and_one_that_is_off_is_not_enabled),
        TEST(a_disk_that_may_not_be_asked_is_said_by_name),
        TEST(numbers_stay_when_a_neighbour_disappears),
    };
    return cmocka_run_group_tests_name("agent/source", tests, NULL, NULL);
}
