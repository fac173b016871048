/*
 * The readers of texts and bytes of others.  What would break for the user: a
 * wrong number that looks right, which is worse than none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agent/lldp_text.h"
#include "agent/proc_text.h"
#include "agent/smart_log.h"

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    uint64_t v = 7;
    int64_t n = 7;
    assert_true(text_u64(text_of_string("18446744073709551615"), &v) && v == UINT64_MAX);
    assert_false(text_u64(text_of_string("18446744073709551616"), &v));
    assert_true(text_u64(text_of_string("0x10de"), &v) && v == 0x10de);
    assert_false(text_u64(text_of_string("12x"), &v));
    assert_false(text_u64(text_of_string(""), &v));
    assert_false(text_u64(text_of_string("0x"), &v));
    assert_true(text_milli(text_of_string("32.0"), &n) && n == 32000);
    assert_true(text_milli(text_of_string("-0.0125"), &n) && n == -12);
    assert_true(text_fixed(text_of_string("-0.000012345"), 9, &n) && n == -12345);
    assert_false(text_milli(text_of_string("1.2.3"), &n));
    assert_false(text_milli(text_of_string("Unknown"), &n));
    assert_false(text_milli(text_of_string("."), &n));
    assert_false(text_fixed(text_of_string("9999999999999999"), 9, &n));
}

static void names_lose_what_is_no_text(void **state)
{
    (void)state;
    char to[8];
    text_copy(text_of("a\x1b[2Jlonger", 11), to, sizeof(to));
    assert_string_equal(to, "a?[2Jlo");
}

static void processor_times_and_waiting_tasks_are_read(void **state)
{
    (void)state;
    struct proc_stat s;
    assert_true(proc_stat_read(text_of_string("cpu  100 1 50 800 40 2 3 4 9 9\n"
                                              "cpu0 50 0 25 400 20 1 1 2 0 0\n"
                                              "cpu1 50 1 25 400 20 1 2 2 0 0\n"
                                              "intr 12345 1 2 3\nprocs_running 2\n"
                                              "procs_blocked 5\n"), &s));
    assert_int_equal(s.all, 1000); /* guest times are within user's: not twice */
    assert_int_equal(s.idle, 800);
    assert_int_equal(s.iowait, 40);
    assert_int_equal(s.cpus, 2);
    assert_int_equal(s.blocked, 5);
    assert_false(proc_stat_read(text_of_string("intr 1\n"), &s));
}

static void memory_pressure_and_interrupts_are_read(void **state)
{
    (void)state;
    struct proc_memory m;
    int64_t milli;
    uint64_t v;
    assert_true(proc_memory_read(text_of_string("MemTotal:  2113000000 kB\nMemFree: 1 kB\n"
                                                "MemAvailable: 77 kB\nHardwareCorrupted: 4 kB\n"),
                                 &m));
    assert_true(m.total == 2113000000 && m.available == 77 && m.corrupted == 4);
    assert_false(proc_memory_read(text_of_string("MemFree: 1 kB\n"), &m));
    const char psi[] = "some avg10=1.25 avg60=0.82 avg300=1.01 total=17201835361\n"
                       "full avg10=0.50 avg60=0.00 avg300=0.00 total=0\n";
    assert_true(proc_pressure(text_of_string(psi), "full", &milli) && milli == 500);
    assert_true(proc_pressure(text_of_string(psi), "some", &milli) && milli == 1250);
    assert_true(proc_interrupts(text_of_string("           CPU0       CPU1\n"
                                               " MCE:          1          2   Machine check "
                                               "exceptions\n"), "MCE:", &v) && v == 3);
    assert_false(proc_interrupts(text_of_string(" MCP: 1 2 polls\n"), "MCE:", &v));
    assert_true(proc_value(text_of_string("RxErr 3\nTOTAL_ERR_COR 4\n"), "TOTAL_ERR_COR", &v) &&
                v == 4);
    assert_false(proc_value(text_of_string("oom_kill_x 3\n"), "oom_kill", &v));
}

static void disks_and_interfaces_are_read_and_heads_are_not(void **state)
{
    (void)state;
    struct proc_disk d;
    struct proc_net n;
    assert_true(proc_disk_read(text_of_string(" 259 0 nvme0n1 4645850 318935 236857386 6779795 "
                                              "11089703 1615284 418065248 1934148 0 1145184 "
                                              "9152377 1 2 3 4 5 6"), &d));
    assert_true(text_is(d.name, "nvme0n1") && d.reads == 4645850 && d.read_ms == 6779795 &&
                d.write_sectors == 418065248 && d.busy_ms == 1145184);
    assert_false(proc_disk_read(text_of_string(" 7 0 loop0 0 0"), &d));
    assert_true(proc_net_read(text_of_string("  eth0: 2197995269   77934    1    2    0     3 "
                                             "0 0  6962087 61060 4 5 0 0 6 0"), &n));
    assert_true(text_is(n.name, "eth0") && n.rx_bytes == 2197995269 && n.rx_errors == 1 &&
                n.rx_dropped == 2 && n.tx_bytes == 6962087 && n.tx_errors == 4 &&
                n.tx_dropped == 5);
    assert_false(proc_net_read(text_of_string("Inter-|   Receive  |  Transmit"), &n));
    assert_false(proc_net_read(text_of_string(" face |bytes: packets"), &n));
}

static void a_filesystem_is_read_only_by_its_own_options(void **state)
{
    (void)state;
    static const char mounts[] =
        "22 1 254:0 / / ro,relatime - ext4 /dev/vda rw,errors=remount-ro\n"
        "23 22 259:1 / /scratch rw,noatime shared:7 master:1 - xfs /dev/nvme0n1p1 ro,attr2\n"
        "24 22 0:31 / /run rw - tmpfs tmpfs rotten\n25 22 0:32 / /x rw\n";
    bool readonly;
    assert_true(proc_mount_readonly(text_of_string(mounts), 254, 0, &readonly) && !readonly);
    assert_true(proc_mount_readonly(text_of_string(mounts), 259, 1, &readonly) && readonly);
    assert_true(proc_mount_readonly(text_of_string(mounts), 0, 31, &readonly) && !readonly);
    assert_false(proc_mount_readonly(text_of_string(mounts), 0, 32, &readonly));
    assert_false(proc_mount_readonly(text_of_string(mounts), 9, 9, &readonly));
}

static void a_task_is_read_whatever_it_is_called(void **state)
{
    (void)state;
    struct proc_task t;
    assert_true(proc_task_read(text_of_string("71 (a) R (b) D 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
                                              "20 0 5 0 1 2"), &t));
    assert_int_equal(t.id, 71);
    assert_int_equal(t.state, 'D');
    assert_int_equal(t.ticks, 11 + 12);
    assert_int_equal(t.threads, 0);
    assert_false(proc_task_read(text_of_string("71 (a"), &t));
    assert_false(proc_task_read(text_of_string("71 (a) D 1"), &t));
}

/* As `lldpcli -f keyvalue show neighbors` of lldpd 1.0.16 prints them. */
static const char LLDP[] =
    "lldp.eth0.via=LLDP\nlldp.eth0.rid=1\nlldp.eth0.age=0 day, 00:00:17\n"
    "lldp.eth0.chassis.mac=0c:42:a1:00:00:01\nlldp.eth0.chassis.name=leaf01\n"
    "lldp.eth0.chassis.descr=Cumulus Linux\nversion 5.9 on NVIDIA SN5600\n"
    "lldp.eth0.port.descr=to n3\nlldp.eth0.port.ifname=swp17\nlldp.eth0.ttl.ttl=120\n"
    "lldp.eth0.100.chassis.name=other\nlldp.eth1.chassis.mac=0c:42:a1:00:00:02\n"
    "lldp.eth1.port.mac=0c:42:a1:00:00:03\n";

static void a_neighbour_has_its_best_name(void **state)
{
    (void)state;
    struct lldp_neighbour n;
    assert_true(lldp_text_of(text_of_string(LLDP), "eth0", &n));
    assert_string_equal(n.peer, "leaf01");
    assert_string_equal(n.peer_port, "swp17");
    assert_true(lldp_text_of(text_of_string(LLDP), "eth1", &n));
    assert_string_equal(n.peer, "0c:42:a1:00:00:02");
    assert_string_equal(n.peer_port, "0c:42:a1:00:00:03");
    assert_true(lldp_text_of(text_of_string(LLDP), "eth0.100", &n));
    assert_string_equal(n.peer, "other");
    assert_false(lldp_text_of(text_of_string(LLDP), "eth", &n));
}

static void an_nvme_log_is_read_by_the_standard(void **state)
{
    (void)state;
    uint8_t log[SMART_LOG_BYTES] = { 0x04, 0x4d, 0x01, 98, 10, 105 };
    struct smart_log s;
    log[128] = 0x10;  /* 4112 hours */
    log[129] = 0x10;
    log[160] = 9;     /* media errors */
    assert_true(smart_log_nvme(log, sizeof(log), &s));
    assert_int_equal(s.warning, 4);
    assert_int_equal(s.temp_c, 60); /* 333 K */
    assert_int_equal(s.spare_pct, 98);
    assert_int_equal(s.spare_limit_pct, 10);
    assert_int_equal(s.used_pct, 105); /* may pass 100 */
    assert_int_equal(s.hours, 4112);
    assert_int_equal(s.media_errors, 9);
    log[168] = 1; /* past 64 bits */
    assert_true(smart_log_nvme(log, sizeof(log), &s));
    assert_true(s.media_errors == INT64_MAX);
    memset(log, 0xff, sizeof(log));
    assert_false(smart_log_nvme(log, sizeof(log), &s));
    memset(log, 0, sizeof(log));
    assert_false(smart_log_nvme(log, sizeof(log), &s));
    assert_false(smart_log_nvme(log, 511, &s));
}

static void put_attribute(uint8_t *data, uint32_t slot, uint8_t id, uint32_t raw)
{
    uint8_t *a = data + 2 + slot * 12;
    a[0] = id;
    for (uint32_t i = 0; i < 4; i++)
        a[5 + i] = (uint8_t)(raw >> (8 * i));
}

static void an_ata_log_counts_only_when_it_adds_up(void **state)
{
    (void)state;
    uint8_t data[SMART_LOG_BYTES] = { 0 }, sum = 0;
    struct smart_log s;
    put_attribute(data, 0, 5, 24);
    put_attribute(data, 1, 197, 3);
    put_attribute(data, 2, 194, 0x00140024); /* 36 now, 20 least */
    put_attribute(data, 29, 199, 70000);
    for (uint32_t i = 0; i < SMART_LOG_BYTES - 1; i++)
        sum = (uint8_t)(sum + data[i]);
    assert_false(smart_log_ata(data, sizeof(data), &s));
    data[511] = (uint8_t)(256 - sum);
    assert_true(smart_log_ata(data, sizeof(data), &s));
    assert_int_equal(s.reallocated, 24);
    assert_int_equal(s.pending, 3);
    assert_int_equal(s.temp_c, 36);
    assert_int_equal(s.crc_errors, 70000);
    assert_int_equal(s.media_errors, SMART_NONE);
}

static void a_disks_verdict_is_read_from_the_sense(void **state)
{
    (void)state;
    uint8_t sense[32] = { 0x72, 0x01, 0, 0x1d, 0, 0, 0, 14, 0x09, 0x0c };
    sense[17] = 0x4f;
    sense[19] = 0xc2;
    assert_int_equal(smart_log_verdict(sense, sizeof(sense)), 1);
    sense[17] = 0xf4;
    sense[19] = 0x2c;
    assert_int_equal(smart_log_verdict(sense, sizeof(sense)), 0);
    sense[19] = 0;
    assert_int_equal(smart_log_verdict(sense, sizeof(sense)), SMART_NONE);
    assert_int_equal(smart_log_verdict(sense, 10), SMART_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(names_lose_what_is_no_text),
        cmocka_unit_test(processor_times_and_waiting_tasks_are_read),
        cmocka_unit_test(memory_pressure_and_interrupts_are_read),
        cmocka_unit_test(disks_and_interfaces_are_read_and_heads_are_not),
        cmocka_unit_test(a_filesystem_is_read_only_by_its_own_options),
        cmocka_unit_test(a_task_is_read_whatever_it_is_called),
        cmocka_unit_test(a_neighbour_has_its_best_name),
        cmocka_unit_test(an_nvme_log_is_read_by_the_standard),
        cmocka_unit_test(an_ata_log_counts_only_when_it_adds_up),
        cmocka_unit_test(a_disks_verdict_is_read_from_the_sense),
    };
    return cmocka_run_group_tests_name("agent/parse", tests, NULL, NULL);
}
