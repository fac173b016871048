/*
 * Logs of real nodes, and lines made for each rule.
 */
#include "signal/kmsg.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "signal/kmsg_private.h"
#include "signal/xid.h"

static struct diagnoses read_text(const char *text)
{
    struct diagnoses l = { 0 };
    struct kmsg_source s = { "a.log", text, strlen(text), false };
    assert_int_equal(kmsg_diagnose(&s, &l, NULL), 0);
    diagnoses_sort(&l);
    return l;
}

static struct diagnoses read_node_file(const char *path)
{
    struct diagnoses l = { 0 };
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file(path, 1 << 24, true, &data, &size, NULL), 0);
    struct kmsg_source s = { path, data, size, false };
    assert_true(kmsg_is_text(data, size));
    assert_int_equal(kmsg_diagnose(&s, &l, NULL), 0);
    diagnoses_sort(&l);
    mw_free(data);
    return l;
}

static const struct diagnosis *find(const struct diagnoses *l, const char *part, const char *code)
{
    for (uint32_t i = 0; i < l->length; i++)
        if (strcmp(l->item[i].part, part) == 0 && strcmp(l->item[i].code, code) == 0)
            return &l->item[i];
    return NULL;
}

#define assert_has(text, words) assert_non_null(strstr((text), (words)))

/* The one answer of a text, checked. */
static struct diagnosis only(const char *text)
{
    struct diagnoses l = read_text(text);
    assert_int_equal(l.length, 1);
    struct diagnosis d = l.item[0];
    diagnoses_fini(&l);
    return d;
}

/* ---- files of real nodes ------------------------------------------------------------------- */

static void a_gpu_whose_gsp_hangs_is_named_once(void **state)
{
    (void)state;
    struct diagnoses l = read_node_file("tests/data/node/xid/dmesg-with-xid-119.log");
    assert_int_equal(l.length, 1);
    assert_string_equal(l.item[0].part, "GPU 0000:9b:00");
    assert_string_equal(l.item[0].code, "Xid 119");
    assert_int_equal(l.item[0].line, 3);
    assert_int_equal(l.item[0].count, 5);
    assert_has(l.item[0].action, "reset the GPU");
    assert_int_equal(l.item[0].sure, SURE_CERTAIN);
    diagnoses_fini(&l);
}

static void a_program_that_crashes_a_gpu_in_many_places_at_once_is_the_program(void **state)
{
    (void)state;
    struct diagnoses l = read_node_file("tests/data/node/memory/dmesg.decode.iso.log");
    const struct diagnosis *d = find(&l, "GPU 0000:38:00", "Xid 13");
    assert_non_null(d);
    assert_int_equal(d->count, 16);
    assert_has(d->action, "restart the application");
    d = find(&l, "GPU 0000:38:00", "Xid 43");
    assert_true(d != NULL && !d->wrong);
    d = find(&l, "host memory", "OOM");
    assert_true(d != NULL && d->wrong && d->count == 3);
    assert_non_null(find(&l, "job", "OOM"));
    diagnoses_fini(&l);
}

static void other_files_of_real_nodes_say_what_they_hold(void **state)
{
    static const struct {
        const char *path, *part, *code;
        uint32_t count, wrong;
    } cases[] = {
        { "kmsg/kmsg.2.peermem.log", "nvidia-peermem", "peermem", 7, true },
        { "nccl/dmesg.decode.iso.log", "NCCL library", "NCCL", 2, true },
        { "fabric-manager/fabricmanager.log", "NVSwitch 0000:86:00.0 port 61", "SXid 12028", 1,
          false },
        { "pstore/dmesg-erst.txt", "node", "kernel bug", 1, true },
        { "pstore/dmesg-panic.txt", "node", "panic", 1, true },
        { "pstore/dmesg-panic.txt", "NIC port 0000:41:00.1", "mlx5 cable", 1, false },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "tests/data/node/%s", cases[i].path);
        struct diagnoses l = read_node_file(path);
        const struct diagnosis *d = find(&l, cases[i].part, cases[i].code);
        assert_non_null(d);
        assert_int_equal(d->count, cases[i].count);
        assert_int_equal(d->wrong, cases[i].wrong);
        diagnoses_fini(&l);
    }
}

static void a_healthy_kernel_log_gives_no_answer(void **state)
{
    (void)state;
    struct diagnoses l = read_node_file("tests/data/node/kmsg/kmsg.1.log");
    assert_int_equal(l.length, 0);
    diagnoses_fini(&l);
}

/* ---- Xids ---------------------------------------------------------------------------------- */

/* Codes whose answer depends on more than their row. */
static bool has_flow(uint32_t code)
{
    return code == 13 || code == 31 || code == 45 || code == 48 || code == 74 || code == 94 ||
           code == 95 || (code >= 144 && code <= 150) || code == 154;
}

static void each_code_without_a_workflow_gets_the_action_of_its_row(void **state)
{
    char line[128], code[16];
    (void)state;
    for (uint32_t i = 0; i < xid_rows_count; i++) {
        const struct xid_row *row = &xid_rows[i];
        (void)snprintf(line, sizeof(line), "[1.5] NVRM: Xid (PCI:0000:01:00): %u, pid=1, x\n",
                       row->code);
        (void)snprintf(code, sizeof(code), "Xid %u", row->code);
        struct diagnosis d = only(line);
        assert_string_equal(d.code, code);
        assert_string_equal(d.part, "GPU 0000:01:00");
        if (has_flow(row->code))
            continue;
        const struct xid_action *a =
            xid_action_find(row->immediate[0] != '\0' ? row->immediate : "CONTACT_SUPPORT");
        assert_string_equal(d.action, a->words);
        assert_int_equal(d.wrong, a->wrong);
    }
}

static void an_unknown_code_is_said_to_be_unknown(void **state)
{
    (void)state;
    struct diagnosis d = only("NVRM: Xid (PCI:0000:01:00): 999, pid=1, something new\n");
    assert_true(d.wrong);
    assert_int_equal(d.sure, SURE_UNKNOWN);
    assert_has(d.cause, "unknown");
    d = only("NVRM: Xid (PCI:0000:01:00): 26, x\n");
    assert_has(d.cause, "unused");
    assert_int_equal(d.sure, SURE_UNKNOWN);
}

#define X13(time, gpc)                                                                     \
    "[" time "] NVRM: Xid (PCI:0000:01:00): 13, Graphics Exception on (GPC " gpc ", TPC 1)\n"
#define X31(time, pci) "[" time "] NVRM: Xid (PCI:" pci "): 31, MMU Fault\n"

static void xid_13_asks_for_diagnostics_only_when_the_same_place_fails_again(void **state)
{
    (void)state;
    assert_has(only(X13("10.0", "2") X13("11.0", "2")).action, "restart the application");
    assert_has(only(X13("10.0", "2") X13("90.0", "3")).action, "restart the application");
    assert_has(only(X13("10.0", "2") X13("90.0", "2")).action, "dcgmi diag");
}

static void xid_31_asks_for_diagnostics_only_when_the_same_gpu_fails_again(void **state)
{
    (void)state;
    assert_has(only(X31("10.0", "0000:01:00") X31("10.5", "0000:01:00")).action, "restart the app");
    assert_has(only(X31("10.0", "0000:01:00") X31("99.5", "0000:01:00")).action, "dcgmi diag");
    struct diagnoses l = read_text(X31("10.0", "0000:01:00") X31("99.0", "0000:02:00"));
    assert_int_equal(l.length, 2);
    assert_has(l.item[0].action, "restart the application");
    assert_has(l.item[1].action, "restart the application");
    diagnoses_fini(&l);
}

#define XID(code, rest) "[5.0] NVRM: Xid (PCI:0000:01:00): " code ", " rest "\n"

static void xid_45_follows_another_xid_of_the_same_gpu(void **state)
{
    (void)state;
    assert_has(only(XID("45", "Ch 1")).action, "fabric manager");
    struct diagnoses l = read_text(XID("45", "Ch 1") XID("79", "x"));
    const struct diagnosis *d = find(&l, "GPU 0000:01:00", "Xid 45");
    assert_true(d != NULL && !d->wrong);
    assert_string_equal(d->look, "follow Xid 79 of the same GPU");
    diagnoses_fini(&l);
}

static void xid_48_drains_when_a_row_was_retired(void **state)
{
    (void)state;
    assert_has(only(XID("48", "x")).look, "field diagnostics");
    struct diagnoses l = read_text(XID("48", "x") XID("63", "x"));
    assert_has(find(&l, "GPU 0000:01:00", "Xid 48")->action, "take no new work");
    assert_false(find(&l, "GPU 0000:01:00", "Xid 63")->wrong);
    diagnoses_fini(&l);
    l = read_text(XID("48", "x") XID("64", "x"));
    assert_has(find(&l, "GPU 0000:01:00", "Xid 48")->action, "take no new work");
    assert_true(find(&l, "GPU 0000:01:00", "Xid 64")->wrong);
    diagnoses_fini(&l);
}

static void xid_94_and_95_name_the_error_they_follow(void **state)
{
    (void)state;
    assert_has(only(XID("94", "x")).action, "restart the application");
    assert_has(only(XID("95", "x")).action, "reset the GPU");
    struct diagnoses l = read_text(XID("95", "x") XID("48", "x"));
    assert_has(find(&l, "GPU 0000:01:00", "Xid 95")->look, "Xid 48");
    diagnoses_fini(&l);
}

#define LINK "pid=1, NVLink: fatal error detected on link 3"

static void xid_74_is_read_from_its_registers(void **state)
{
    (void)state;
    struct diagnosis d = only(XID("74", LINK "(0x0, 0x0, 0x0, 0x40000, 0x0, 0x0, 0x0)"));
    assert_has(d.action, "fabric");
    assert_has(d.cause, "link 3");
    assert_false(only(XID("74", LINK "(0x1, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)")).wrong);
    d = only(XID("74", LINK "(0x8000000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)"));
    assert_int_equal(d.sure, SURE_POSSIBLE);
    d = only(XID("74", "no registers here"));
    assert_has(d.look, "registers");
}

static void nvlink_5_errors_are_decoded(void **state)
{
    (void)state;
    struct diagnosis d = only(XID("149", "NETIR_LINK_EVT  Fatal   XC0 i0 Link 01 (0x021425c6 "
                                         "0x00000000 0x00000000 0x00000000 0x00000000)"));
    assert_has(d.cause, "NETIR_LINK_EVT");
    assert_has(d.cause, "before R575");
    assert_has(d.action, "reset the GPU");
    assert_has(d.look, "other end");
    d = only(XID("149", "NETIR_BER_EVENT Nonfatal XC0 i0 Link 01 (0x00082226 0x00000001 0x0 0x0)"));
    assert_false(d.wrong);
    assert_has(d.look, "signal integrity");
    d = only(XID("144", "SAW_MVB Fatal XC0 i0 Link 01 (0xffffffff 0x00000001 0x0)"));
    assert_int_equal(d.sure, SURE_UNKNOWN);
    assert_has(only(XID("145", "cut off")).cause, "not decoded");
}

static void xid_154_passes_on_what_the_driver_says(void **state)
{
    static const char change[] = "GPU recovery action changed from 0x0 (None) to 0x4 (Drain and "
                                 "Reset)";
    char line[256];
    (void)state;
    (void)snprintf(line, sizeof(line), "NVRM: Xid (PCI:0000:01:00): 154, %s\n", change);
    assert_has(only(line).action, "Drain and Reset");
    assert_false(only(XID("154", "GPU recovery action changed from 0x4 (x) to 0x0 (None)")).wrong);
}

static void a_gpu_off_the_bus_is_one_answer_in_either_wording(void **state)
{
    (void)state;
    struct diagnosis d = only("Nov 22 10:00:00 node7 kernel: NVRM: GPU 0000:9B:00.0: GPU has "
                              "fallen off the bus.\n"
                              "Nov 22 10:00:00 node7 kernel: NVRM: Xid (PCI:0000:9b:00): 79, "
                              "GPU has fallen off the bus.\n");
    assert_string_equal(d.part, "GPU 0000:9b:00 on node7");
    assert_string_equal(d.code, "Xid 79");
    assert_int_equal(d.count, 2);
    assert_has(d.action, "power-cycle");
}

/* ---- NVSwitch, and the rest ---------------------------------------------------------------- */

static void sxids_are_judged_by_their_row_and_their_line(void **state)
{
    (void)state;
    struct diagnosis d = only("[1.0] nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Fatal, "
                              "Link 30 LTSSM Fault Up\n");
    assert_string_equal(d.part, "NVSwitch 0000:05:00.0 port 30");
    assert_true(d.wrong);
    assert_has(d.cause, "LTSSM");
    assert_false(only("[1.0] nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 "
                      "egress non-posted PRIV error (First)\n").wrong);
    assert_has(only("nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 22003, Fatal, Link 1 x\n").action,
               "whole fabric");
    d = only("nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 99999, Non-fatal, Link 1 x\n");
    assert_has(d.cause, "unknown");
    assert_int_equal(d.sure, SURE_UNKNOWN);
}

static void lines_of_other_drivers_name_their_part(void **state)
{
    static const struct {
        const char *line, *part, *code;
        bool wrong;
    } cases[] = {
        { "NVRM: GPU 0000:1b:00.0: RmInitAdapter failed! (0x62:0x55:2477)", "GPU 0000:1b:00",
          "GPU init", true },
        { "mlx5_core 0000:5e:00.0: poll_health:840: device's health compromised - reached miss "
          "count", "NIC 0000:5e:00.0", "mlx5 health", true },
        { "mlx5_core 0000:5e:00.0: Detected insufficient power on the PCIe slot (27W).",
          "NIC 0000:5e:00.0", "mlx5 power", true },
        { "mlx5_core 0000:5e:00.0: Port module event[error]: module 0, Cable error, High "
          "temperature", "NIC port 0000:5e:00.0", "mlx5 temperature", true },
        { "mlx5_core 0000:5e:00.0 ens1: Link down", "NIC port 0000:5e:00.0", "link down", true },
        { "mlx5_core 0000:5e:00.0: mlx5_cmd_out_err: ACCESS_REG(0x805) op_mod(0x1) failed",
          "NIC 0000:5e:00.0", "mlx5 register", true },
        { "EDAC MC0: 1 UE memory read error on CPU_SrcID#0_MC#0", "host memory", "memory UE",
          true },
        { "EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0", "host memory", "memory CE",
          false },
        { "mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 7: 8c00004000010090",
          "CPU or host memory", "MCE", true },
        { "mlx5_core 0000:5e:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer",
          "PCIe device 0000:5e:00.0", "PCIe AER", false },
        { "pcieport 0000:3a:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=x",
          "PCIe device 0000:3a:00.0", "PCIe AER", true },
        { "pcieport 0000:3a:00.0: AER: Uncorrected (Non-Fatal) error received: 0000:3b:00.0",
          "PCIe device 0000:3a:00.0", "PCIe AER", true },
        { "EXT4-fs (sda1): Remounting filesystem read-only", "file system sda1", "file system",
          true },
        { "EXT4-fs error (device sdb2): ext4_lookup:1855: inode #2: comm ls: x",
          "file system sdb2", "file system", true },
        { "XFS (nvme0n1p2): Corruption of in-memory data detected.  Shutting down filesystem",
          "file system nvme0n1p2", "file system", true },
        { "blk_update_request: I/O error, dev nvme0n1, sector 1", "disk", "disk", true },
        { "node1:12:34 [0] transport/net_ib.cc:1 NCCL WARN NET/IB : Got completion from peer "
          "10.0.0.1 with status=12 error", "network of the job", "NCCL", true },
        { "[rank3]: Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)", "job",
          "NCCL", true },
        { "INFO: task python:1 blocked for more than 120 seconds.", "node", "hung task", true },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        struct diagnosis d = only(cases[i].line);
        assert_string_equal(d.part, cases[i].part);
        assert_string_equal(d.code, cases[i].code);
        assert_int_equal(d.wrong, cases[i].wrong);
        assert_string_equal(d.evidence, cases[i].line);
    }
}

static void lines_that_only_mention_a_driver_are_no_fault(void **state)
{
    (void)state;
    struct diagnoses l = read_text("MCE: In-kernel MCE decoding enabled.\n"
                                   "EDAC MC0: Giving out device to module amd64_edac\n"
                                   "systemd[1]: Starting Remount Root and Kernel File Systems...\n"
                                   "pcieport 0000:3a:00.0: AER: enabled with IRQ 40\n"
                                   "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.90\n");
    assert_int_equal(l.length, 0);
    diagnoses_fini(&l);
}

/* ---- lines --------------------------------------------------------------------------------- */

static void the_time_of_a_line_is_read_in_each_form(void **state)
{
    static const struct {
        const char *early, *late; /* 20 s apart */
    } cases[] = {
        { "[   10.250000] x", "[   30.250000] x" },
        { "<4>[   10.250000] x", "<4>[   30.250000] x" },
        { "6,1,10000000,-;x", "6,2,30000000,-;x" },
        { "[Fri Feb 28 23:59:50 2025] x", "[Sat Feb 29 00:00:10 2025] x" },
        { "Nov  9 23:59:50 node kernel: x", "Nov 10 00:00:10 node kernel: x" },
        { "kern  :warn  : 2025-01-31T23:59:50,1+00:00 x",
          "kern  :warn  : 2025-02-01T00:00:10,1+00:00 x" },
        { "2024-12-31 23:59:50 x", "2025-01-01 00:00:10 x" },
    };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        struct kmsg_line early, late;
        struct kmsg_cursor a = { .data = cases[i].early, .size = strlen(cases[i].early) };
        struct kmsg_cursor b = { .data = cases[i].late, .size = strlen(cases[i].late) };
        assert_true(kmsg_next(&a, &early) && kmsg_next(&b, &late));
        assert_true(early.time_ms >= 0);
        assert_int_equal(late.time_ms - early.time_ms, 20000);
        assert_false(kmsg_next(&a, &early));
    }
}

static void a_line_over_the_limit_is_cut_and_the_next_is_read(void **state)
{
    static char text[KMSG_LINE_MAX * 3];
    static struct kmsg_line line;
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + KMSG_LINE_MAX * 2, "\nsecond", 7);
    struct kmsg_cursor c = { .data = text, .size = KMSG_LINE_MAX * 2 + 7 };
    assert_true(kmsg_next(&c, &line));
    assert_int_equal(line.length, KMSG_LINE_MAX);
    assert_int_equal(line.time_ms, -1);
    assert_true(kmsg_next(&c, &line));
    assert_string_equal(line.text, "second");
    assert_int_equal(line.number, 2);
}

static void more_different_xids_than_are_kept_are_told(void **state)
{
    char *text = mw_calloc(KMSG_XIDS_MAX + 10, 64), *at = text;
    struct diagnoses l;
    (void)state;
    for (uint32_t i = 0; i < KMSG_XIDS_MAX + 9; i++)
        at += snprintf(at, 64, "NVRM: Xid (PCI:%04x:01:00): 79, x\n", i);
    l = read_text(text);
    assert_int_equal(l.length, DIAGNOSES_MAX);
    assert_int_equal(l.total, KMSG_XIDS_MAX + 1);
    diagnoses_fini(&l);
    mw_free(text);
}

static void out_of_memory_is_an_error(void **state)
{
    static const char text[] = XID("79", "x");
    struct diagnoses l = { 0 };
    struct kmsg_source s = { "a.log", text, sizeof(text) - 1, false };
    struct mw_error err = { 0 };
    (void)state;
    mw_mem_fail_after(0);
    assert_int_equal(kmsg_diagnose(&s, &l, &err), MW_ENOMEM);
    mw_mem_fail_after(-1);
    assert_has(err.text, "a.log");
    diagnoses_fini(&l);
}

static void nodes_in_several_files_are_told_apart(void **state)
{
    static const char text[] = XID("79", "x");
    struct diagnoses l = { 0 };
    struct kmsg_source a = { "logs/n1.log", text, sizeof(text) - 1, true };
    struct kmsg_source b = { "logs/n2.log", text, sizeof(text) - 1, true };
    (void)state;
    assert_int_equal(kmsg_diagnose(&a, &l, NULL), 0);
    assert_int_equal(kmsg_diagnose(&b, &l, NULL), 0);
    assert_int_equal(l.length, 2);
    assert_string_equal(l.item[1].part, "GPU 0000:01:00 in n2.log");
    diagnoses_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpu_whose_gsp_hangs_is_named_once),
        cmocka_unit_test(a_program_that_crashes_a_gpu_in_many_places_at_once_is_the_program),
        cmocka_unit_test(other_files_of_real_nodes_say_what_they_hold),
        cmocka_unit_test(a_healthy_kernel_log_gives_no_answer),
        cmocka_unit_test(each_code_without_a_workflow_gets_the_action_of_its_row),
        cmocka_unit_test(an_unknown_code_is_said_to_be_unknown),
        cmocka_unit_test(xid_13_asks_for_diagnostics_only_when_the_same_place_fails_again),
        cmocka_unit_test(xid_31_asks_for_diagnostics_only_when_the_same_gpu_fails_again),
        cmocka_unit_test(xid_45_follows_another_xid_of_the_same_gpu),
        cmocka_unit_test(xid_48_drains_when_a_row_was_retired),
        cmocka_unit_test(xid_94_and_95_name_the_error_they_follow),
        cmocka_unit_test(xid_74_is_read_from_its_registers),
        cmocka_unit_test(nvlink_5_errors_are_decoded),
        cmocka_unit_test(xid_154_passes_on_what_the_driver_says),
        cmocka_unit_test(a_gpu_off_the_bus_is_one_answer_in_either_wording),
        cmocka_unit_test(sxids_are_judged_by_their_row_and_their_line),
        cmocka_unit_test(lines_of_other_drivers_name_their_part),
        cmocka_unit_test(lines_that_only_mention_a_driver_are_no_fault),
        cmocka_unit_test(the_time_of_a_line_is_read_in_each_form),
        cmocka_unit_test(a_line_over_the_limit_is_cut_and_the_next_is_read),
        cmocka_unit_test(more_different_xids_than_are_kept_are_told),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(nodes_in_several_files_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
