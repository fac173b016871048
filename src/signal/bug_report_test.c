/*
 * A whole bug report made by hand, and small documents for each rule.
 */
#include "signal/bug_report.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define RULE "____________________________________________\n\n"
#define START                                                                                      \
    RULE "Start of NVIDIA bug report log file.  Please include\n\nuname: Linux node7 5.15 x86_64\n"
#define SMI_HEAD                                                                                   \
    "\n==============NVSMI LOG==============\n\nDriver Version    : 550.90.07\n"                  \
    "CUDA Version      : 12.4\n\nAttached GPUs     : 1\nGPU 00000000:19:00.0\n"

static struct diagnoses read_text(const char *text)
{
    struct diagnoses l = { 0 };
    struct kmsg_source s = { "a.log", text, strlen(text), false };
    assert_true(bug_report_is(text, strlen(text)));
    assert_int_equal(bug_report_diagnose(&s, &l, NULL), 0);
    diagnoses_sort(&l);
    return l;
}

static const struct diagnosis *find(const struct diagnoses *l, const char *part, const char *code)
{
    for (uint32_t i = 0; i < l->length; i++)
        if (strcmp(l->item[i].part, part) == 0 && strcmp(l->item[i].code, code) == 0)
            return &l->item[i];
    return NULL;
}

static const struct diagnosis *must_find(const struct diagnoses *l, const char *part,
                                         const char *code)
{
    const struct diagnosis *d = find(l, part, code);
    for (uint32_t i = 0; d == NULL && i < l->length; i++)
        print_message("have: %s, %s: %s\n", l->item[i].part, l->item[i].code, l->item[i].cause);
    assert_non_null(d);
    return d;
}

static uint32_t count_wrong(const struct diagnoses *l)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->length; i++)
        n += l->item[i].wrong;
    return n;
}

#define assert_has(text, words) assert_non_null(strstr((text), (words)))

/* The one thing that is wrong in a text. */
static struct diagnosis only_wrong(const char *text)
{
    struct diagnoses l = read_text(text);
    if (count_wrong(&l) != 1)
        for (uint32_t i = 0; i < l.length; i++)
            print_message("%d %s: %s\n", l.item[i].wrong, l.item[i].part, l.item[i].cause);
    assert_int_equal(count_wrong(&l), 1);
    struct diagnosis d = l.item[0];
    diagnoses_fini(&l);
    return d;
}

/* nvidia-smi -q of one GPU with these lines. */
static struct diagnosis only_of_smi(const char *lines)
{
    struct text t = { 0 };
    text_addf(&t, "%s%s", SMI_HEAD, lines);
    struct diagnosis d = only_wrong(text_string(&t));
    text_fini(&t);
    return d;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static struct diagnoses read_report(void)
{
    static const char path[] = "tests/data/bug-report/eight-h100.log";
    struct diagnoses l = { 0 };
    char *data = NULL;
    size_t size = 0;
    assert_int_equal(mw_read_file(path, 1 << 24, true, &data, &size, NULL), 0);
    struct kmsg_source s = { path, data, size, false };
    assert_true(bug_report_is(data, size));
    assert_int_equal(bug_report_diagnose(&s, &l, NULL), 0);
    diagnoses_sort(&l);
    mw_free(data);
    return l;
}

static void a_bug_report_names_each_part_that_is_wrong_and_no_other(void **state)
{
    (void)state;
    struct diagnoses l = read_report();
    static const char *const wrong[][2] = {
        { "GPU 0000:5d:00 on node7", "off the bus" }, { "GPU 0000:5d:00 on node7", "Xid 79" },
        { "GPU 0000:9b:00 on node7", "Xid 48" },      { "GPU 0000:9b:00 on node7", "ECC" },
        { "GPU 0000:9b:00 on node7", "row remap" },   { "GPU 0000:9b:00 on node7", "reset" },
        { "GPU 0000:bb:00 on node7", "PCIe link" },   { "GPU 0000:cb:00 on node7", "too hot" },
        { "GPU 0000:3b:00 on node7", "Xid 13" },
        { "PCIe device 0000:5c:01.0 on node7", "PCIe AER" },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(wrong); i++)
        assert_true(must_find(&l, wrong[i][0], wrong[i][1])->wrong);
    assert_int_equal(count_wrong(&l), MW_ARRAY_LEN(wrong));
    diagnoses_fini(&l);
}

static void a_kernel_line_that_three_sections_repeat_counts_once(void **state)
{
    (void)state;
    struct diagnoses l = read_report();
    /* Xid 79 and "fallen off the bus" are two lines of one cause; each stands there three times. */
    assert_int_equal(must_find(&l, "GPU 0000:5d:00 on node7", "Xid 79")->count, 2);
    assert_int_equal(must_find(&l, "GPU 0000:9b:00 on node7", "Xid 48")->count, 1);
    /* Repetition would have made it the GPU's fault and not the program's. */
    assert_has(must_find(&l, "GPU 0000:3b:00 on node7", "Xid 13")->action, "restart");
    diagnoses_fini(&l);
}

static void a_gpu_to_be_replaced_comes_with_its_serial_number(void **state)
{
    (void)state;
    struct diagnoses l = read_report();
    assert_has(must_find(&l, "GPU 0000:9b:00 on node7", "Xid 48")->look,
               "serial number 1650000000004");
    diagnoses_fini(&l);
}

static void what_the_node_has_is_a_note(void **state)
{
    (void)state;
    struct diagnoses l = read_report();
    const struct diagnosis *d = must_find(&l, "node on node7", "inventory");
    assert_false(d->wrong);
    assert_has(d->cause, "driver 550.90.07, CUDA 12.4; 7 GPUs in nvidia-smi; 8 GPUs in lspci");
    assert_has(d->look, "before R575");
    diagnoses_fini(&l);
}

static void every_answer_names_a_line_of_the_file_or_the_whole(void **state)
{
    (void)state;
    struct diagnoses l = read_report();
    for (uint32_t i = 0; i < l.length; i++) {
        assert_true(l.item[i].line <= 484);
        assert_true(l.item[i].cause[0] != '\0' && l.item[i].action[0] != '\0');
    }
    diagnoses_fini(&l);
}

/* ---- repeated lines ------------------------------------------------------------------------ */

#define XID119 "NVRM: Xid (PCI:0000:9b:00): 119, Timeout waiting for RPC from GSP!\n"

static uint32_t count_of_119(const char *text)
{
    struct diagnoses l = read_text(text);
    uint32_t n = must_find(&l, "GPU 0000:9b:00 on node7", "Xid 119")->count;
    diagnoses_fini(&l);
    return n;
}

static void lines_that_differ_in_time_only_are_kept_apart(void **state)
{
    (void)state;
    assert_int_equal(count_of_119(START RULE "dmesg:\n\n[  10.0] " XID119 "[  20.0] " XID119
                                  "[  30.0] " XID119), 3);
}

static void lines_of_one_second_are_counted_in_the_section_that_has_most(void **state)
{
    (void)state;
    assert_int_equal(count_of_119(START RULE "dmesg:\n\n[  10.0] " XID119 "[  10.5] " XID119 RULE
                                  "*** /var/log/dmesg\n[  10.0] " XID119 "[  10.5] " XID119), 2);
}

static void dmesg_adds_what_the_journal_lacks(void **state)
{
    (void)state;
    assert_int_equal(count_of_119(START RULE "Scanning kernel log files:\n\n  journalctl -b -0:\n"
                                  "Mar 04 08:00:00 node7 kernel: " XID119 RULE
                                  "dmesg:\n\n[  10.0] " XID119 "[  20.0] " XID119), 2);
    assert_int_equal(count_of_119(START RULE "Scanning kernel log files:\n\n  journalctl -b -0:\n"
                                  "Mar 04 08:00:00 node7 kernel: " XID119
                                  "Mar 04 09:00:00 node7 kernel: " XID119 RULE
                                  "dmesg:\n\n[Tue Mar  4 09:00:00 2025] " XID119
                                  "[Tue Mar  4 10:00:00 2025] " XID119), 3);
}

static void sections_that_are_no_logs_are_not_read_as_such(void **state)
{
    (void)state;
    struct diagnoses l = read_text(START RULE "*** /etc/motd\n" XID119 RULE
                                   "base64 \"nvml.log\"\n\n" XID119);
    assert_int_equal(l.length, 0);
    diagnoses_fini(&l);
}

static void the_drivers_release_picks_the_layout_of_nvlink_errors(void **state)
{
    (void)state;
    static const char line[] =
        "[171167.6] NVRM: Xid (PCI:0008:01:00): 150, MSE_WATCHDOG  Fatal   XC0 i0 Link 01 "
        "(0x00000000 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)\n";
    struct text t = { 0 };
    for (int from = 0; from < 2; from++) {
        text_clear(&t);
        text_addf(&t, "%s%s*** /proc/driver/nvidia/version\nNVRM version: NVIDIA UNIX Open Kernel "
                      "Module for x86_64  %s  Release Build\n\n%sdmesg:\n\n%s",
                  START, RULE, from ? "580.65.06" : "570.86.15", RULE, line);
        struct diagnoses l = read_text(text_string(&t));
        const struct diagnosis *d = must_find(&l, "GPU 0008:01:00 on node7", "Xid 150");
        assert_has(d->cause, from ? "from R575" : "before R575");
        diagnoses_fini(&l);
    }
    text_fini(&t);
}

/* ---- nvidia-smi ---------------------------------------------------------------------------- */

static void nvidia_smi_alone_is_read_too(void **state)
{
    (void)state;
    struct diagnosis d = only_of_smi("    Remapped Rows\n        Pending     : Yes\n");
    assert_string_equal(d.part, "GPU 0000:19:00");
    assert_string_equal(d.code, "row remap");
    assert_string_equal(d.evidence, "Remapped Rows, Pending: Yes");
    assert_int_equal(d.line, 10);
    assert_int_equal(d.sure, SURE_CERTAIN);
}

static void outputs_that_somebody_put_into_one_file_are_all_read(void **state)
{
    (void)state;
    static const char text[] =
        SMI_HEAD "    Remapped Rows\n        Pending     : Yes\n[  10.0] " XID119
        "9b:00.0 3D controller: NVIDIA Corporation Device 2330 (rev ff)\n";
    struct diagnoses l = read_text(text);
    assert_non_null(must_find(&l, "GPU 0000:19:00", "row remap"));
    assert_non_null(must_find(&l, "GPU 0000:9b:00", "Xid 119"));
    assert_non_null(must_find(&l, "GPU 0000:9b:00", "off the bus"));
    diagnoses_fini(&l);
}

static void each_state_of_nvidia_smi_that_asks_for_somebody_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *code;
    } cases[] = {
        { "    GPU Reset Status\n        Reset Required  : Yes\n", "reset" },
        { "    GPU Recovery Action           : Drain and Reset\n", "reset" },
        { "    ECC Errors\n        Volatile\n            DRAM Uncorrectable : 3\n", "ECC" },
        { "    ECC Errors\n        Volatile\n            Double Bit\n"
          "                Device Memory : 0\n                Total : 12\n", "ECC" },
        { "    ECC Errors\n        Aggregate\n            SRAM Threshold Exceeded : Yes\n",
          "SRAM" },
        { "    ECC Errors\n        Unrepairable Memory : Yes\n", "memory" },
        { "    Retired Pages\n        Pending Page Blacklist : Yes\n", "retired page" },
        { "    Remapped Rows\n        Remapping Failure Occurred : Yes\n", "row remap" },
        { "    Clocks Throttle Reasons\n        HW Slowdown : Active\n"
          "            HW Power Brake Slowdown : Active\n", "power" },
        { "    Clocks Event Reasons\n        HW Slowdown : Active\n"
          "            HW Thermal Slowdown : Not Active\n", "slowdown" },
        { "    Clocks Event Reasons\n        SW Thermal Slowdown : Active\n", "too hot" },
        { "    Fabric\n        State : In Progress\n        Status : N/A\n", "NVLink fabric" },
        { "    PCI\n        GPU Link Info\n            Link Width\n                Max : 16x\n"
          "                Current : 8x\n", "PCIe link" },
        { "    Temperature\n        GPU Current Temp : [GPU requires reset]\n", "GPU error" },
        { "    Fan Speed : ERR!\n", "GPU error" },
        { "    Performance State : Unknown Error\n", "GPU error" },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        struct diagnosis d = only_of_smi(cases[i].lines);
        assert_string_equal(d.code, cases[i].code);
        assert_string_equal(d.part, "GPU 0000:19:00");
    }
}

static void a_healthy_gpu_has_nothing_wrong(void **state)
{
    (void)state;
    static const char text[] =
        SMI_HEAD
        "    MIG Mode\n        Pending : N/A\n    GPU Reset Status\n        Reset Required : No\n"
        "    GPU Recovery Action : None\n    Clocks Event Reasons\n        Idle : Active\n"
        "        SW Power Cap : Active\n    Clocks Event Reasons Counters\n"
        "        SW Thermal Slowdown : 1200 us\n    ECC Mode\n        Pending : Enabled\n"
        "    ECC Errors\n        Volatile\n            DRAM Correctable : 177\n"
        "            DRAM Uncorrectable : 0\n        Aggregate\n"
        "            DRAM Uncorrectable : 4\n"
        "    Retired Pages\n        Pending Page Blacklist : N/A\n    Remapped Rows : N/A\n"
        "    Fabric\n        State : Completed\n        Health\n            Bandwidth : N/A\n";
    struct diagnoses l = read_text(text);
    assert_int_equal(count_wrong(&l), 0);
    assert_non_null(find(&l, "GPU 0000:19:00", "ECC history"));
    diagnoses_fini(&l);
}

static void what_nvidia_smi_says_instead_of_values_is_told(void **state)
{
    (void)state;
    struct diagnosis d = only_wrong(
        START RULE "/usr/bin/nvidia-smi --query\n\nUnable to determine the device handle for "
                   "GPU0000:4C:00.0: Unknown Error\n");
    assert_string_equal(d.part, "GPU 0000:4c:00 on node7");
    assert_string_equal(d.code, "GPU lost");
    d = only_wrong(START RULE "/usr/bin/nvidia-smi --query\n\nNVIDIA-SMI has failed because it "
                              "couldn't communicate with the NVIDIA driver.\n");
    assert_string_equal(d.part, "node on node7");
    assert_string_equal(d.code, "driver");
    d = only_wrong("Unable to determine the device handle for GPU 0000:4C:00.0: GPU is lost.\n");
    assert_string_equal(d.part, "GPU 0000:4c:00");
}

/* ---- lspci --------------------------------------------------------------------------------- */

#define H100 "19:00.0 3D controller: NVIDIA Corporation Device 2330 (rev a1)\n"

static void lspci_alone_tells_of_narrow_links(void **state)
{
    (void)state;
    struct diagnosis d = only_wrong(H100 "\t\tLnkCap:\tPort #0, Speed 32GT/s, Width x16, ASPM L1\n"
                                         "\t\tLnkSta:\tSpeed 32GT/s (ok), Width x4 (downgraded)\n");
    assert_string_equal(d.part, "GPU 0000:19:00");
    assert_has(d.cause, "x4 wide and could be x16");
}

static void a_slow_link_of_an_idle_gpu_is_a_note(void **state)
{
    (void)state;
    struct diagnoses l =
        read_text(H100 "\t\tLnkCap:\tPort #0, Speed 32GT/s, Width x16, ASPM L1\n"
                       "\t\tLnkSta:\tSpeed 2.5GT/s (downgraded), Width x16 (ok)\n");
    assert_int_equal(count_wrong(&l), 0);
    assert_has(must_find(&l, "GPU 0000:19:00", "PCIe link")->cause, "2.5GT/s");
    diagnoses_fini(&l);
}

static void a_gpu_that_only_one_list_has_is_missing(void **state)
{
    (void)state;
    struct diagnosis d = only_wrong(
        START RULE "lspci -nn\n\n" H100 "9b:00.0 3D controller: NVIDIA Corporation Device 2330\n"
                   RULE "nvidia-smi --query\n" SMI_HEAD);
    assert_string_equal(d.part, "GPU 0000:9b:00 on node7");
    assert_string_equal(d.code, "GPU missing");
    d = only_wrong(START RULE "lspci -nn\n\n00:00.0 Host bridge: Intel Corporation\n" RULE
                              "nvidia-smi --query\n" SMI_HEAD);
    assert_has(d.cause, "lspci does not");
    d = only_wrong(START RULE "*** /proc/driver/nvidia/gpus/0000:9b:00.0/information\nModel: H100\n"
                   RULE "nvidia-smi --query\n" SMI_HEAD);
    assert_has(d.cause, "the driver knows");
}

static void a_gpu_that_a_virtual_machine_has_is_not_missing(void **state)
{
    (void)state;
    struct diagnoses l = read_text(
        START RULE "lspci -nn\n\n" H100 "9b:00.0 3D controller: NVIDIA Corporation Device 2330\n"
                   "\tKernel driver in use: vfio-pci\n" RULE "nvidia-smi --query\n" SMI_HEAD);
    assert_int_equal(count_wrong(&l), 0);
    diagnoses_fini(&l);
}

static void without_nvidia_smi_no_gpu_is_called_missing(void **state)
{
    (void)state;
    struct diagnoses l = read_text(START RULE "lspci -nn\n\n" H100);
    assert_int_equal(count_wrong(&l), 0);
    diagnoses_fini(&l);
}

static void other_text_is_no_bug_report(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "[ 1.0] NVRM: Xid (PCI:0000:9b:00): 79, x\n",
                                         "____________________________________________\n" };
    for (size_t i = 0; i < MW_ARRAY_LEN(texts); i++)
        assert_false(bug_report_is(texts[i], strlen(texts[i])));
}

static void out_of_memory_is_an_error_whichever_allocation_fails(void **state)
{
    (void)state;
    static const char text[] = START RULE "dmesg:\n\n[  10.0] " XID119;
    struct kmsg_source s = { "a.log", text, sizeof(text) - 1, false };
    int rc = MW_ENOMEM;
    int64_t k = 0;
    for (; rc != 0 && k < 100; k++) {
        struct diagnoses l = { 0 };
        mw_mem_fail_after(k);
        rc = bug_report_diagnose(&s, &l, NULL);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || rc == MW_ENOMEM);
        diagnoses_fini(&l);
        if (rc == 0 && l.total == 0)
            break;
    }
    assert_true(k > 5 && k < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bug_report_names_each_part_that_is_wrong_and_no_other),
        cmocka_unit_test(a_kernel_line_that_three_sections_repeat_counts_once),
        cmocka_unit_test(a_gpu_to_be_replaced_comes_with_its_serial_number),
        cmocka_unit_test(what_the_node_has_is_a_note),
        cmocka_unit_test(every_answer_names_a_line_of_the_file_or_the_whole),
        cmocka_unit_test(lines_that_differ_in_time_only_are_kept_apart),
        cmocka_unit_test(lines_of_one_second_are_counted_in_the_section_that_has_most),
        cmocka_unit_test(dmesg_adds_what_the_journal_lacks),
        cmocka_unit_test(sections_that_are_no_logs_are_not_read_as_such),
        cmocka_unit_test(the_drivers_release_picks_the_layout_of_nvlink_errors),
        cmocka_unit_test(nvidia_smi_alone_is_read_too),
        cmocka_unit_test(outputs_that_somebody_put_into_one_file_are_all_read),
        cmocka_unit_test(each_state_of_nvidia_smi_that_asks_for_somebody_is_told),
        cmocka_unit_test(a_healthy_gpu_has_nothing_wrong),
        cmocka_unit_test(what_nvidia_smi_says_instead_of_values_is_told),
        cmocka_unit_test(lspci_alone_tells_of_narrow_links),
        cmocka_unit_test(a_slow_link_of_an_idle_gpu_is_a_note),
        cmocka_unit_test(a_gpu_that_only_one_list_has_is_missing),
        cmocka_unit_test(a_gpu_that_a_virtual_machine_has_is_not_missing),
        cmocka_unit_test(without_nvidia_smi_no_gpu_is_called_missing),
        cmocka_unit_test(other_text_is_no_bug_report),
        cmocka_unit_test(out_of_memory_is_an_error_whichever_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
