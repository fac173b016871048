/*
 * Faults made on purpose must reach nothing but a test site; and the lines that
 * are made must be read as what they stand for.
 */
#include "cli/test_lab.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/inject_lines.h"
#include "signal/kmsg.h"
#include "signal/xid.h"

#define PATH_ROOM 256

struct folder {
    char dir[64];
};

static void put(const struct folder *f, const char *name, const char *text)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make(const struct folder *f, const char *name)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

/* A folder like a lab's: one node, no processes. */
static struct test_lab make_lab(struct folder *f)
{
    struct test_lab lab;
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/mw-lab-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    make(f, "pids");
    make(f, "nodes");
    make(f, "nodes/n1");
    make(f, "nodes/n1/disk");
    put(f, "nodes/n1/kmsg", "");
    put(f, TEST_LAB_MARK, "");
    assert_int_equal(test_lab_open(&lab, f->dir, NULL), 0);
    return lab;
}

static void remove_lab(const struct folder *f)
{
    static const char *const names[] = { "nodes/n1/kmsg", "nodes/n1/disk", "nodes/n1", "nodes",
                                         "pids/x", "pids", "ctl", TEST_LAB_MARK, "" };
    char path[PATH_ROOM];
    for (uint32_t i = 0; i < MW_ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
        (void)remove(path);
    }
    assert_int_not_equal(access(f->dir, F_OK), 0);
}

static void a_folder_without_the_mark_is_refused(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    struct mw_error err;
    char mark[PATH_ROOM];
    (void)snprintf(mark, sizeof(mark), "%s/" TEST_LAB_MARK, f.dir);
    assert_int_equal(unlink(mark), 0);
    assert_int_equal(test_lab_open(&lab, f.dir, &err), MW_EDENIED);
    assert_non_null(strstr(err.text, TEST_LAB_MARK));
    /* a link to somebody's mark is none */
    assert_int_equal(symlink("/etc/hostname", mark), 0);
    assert_int_equal(test_lab_open(&lab, f.dir, &err), MW_EDENIED);
    assert_int_equal(test_lab_open(&lab, "/nowhere/lab", &err), MW_ENOTFOUND);
    assert_int_equal(test_lab_open(&lab, "/", &err), MW_EDENIED);
    remove_lab(&f);
}

static void a_node_is_named_not_a_path(void **state)
{
    (void)state;
    static const char *const bad[] = { "", ".", "..", "../nodes/n1", "n1/disk", "n2", "/etc" };
    struct folder f;
    struct test_lab lab = make_lab(&f);
    assert_int_equal(test_lab_check_node(&lab, "n1", NULL), 0);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++)
        assert_int_equal(test_lab_check_node(&lab, bad[i], NULL), MW_ENOTFOUND);
    remove_lab(&f);
}

/* A child that only waits (stopped: it has no child); its command line holds `word`. */
static pid_t start_waiting(const char *word)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("sh", "sh", "-c", "kill -STOP $$", word, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    /* until it is the shell, and not a copy of this test */
    for (int i = 0; i < 2000; i++) {
        char path[64], *line = NULL;
        size_t size = 0;
        (void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
        assert_int_equal(mw_read_file(path, 4096, false, &line, &size, NULL), 0);
        bool ready = size > 3 && memcmp(line, "sh", 3) == 0;
        mw_free(line);
        if (ready)
            return pid;
        (void)usleep(5000);
    }
    fail_msg("sh did not start");
    return 0;
}

static void record(const struct folder *f, pid_t pid)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%ld\n", (long)pid);
    put(f, "pids/x", text);
}

static void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void a_process_that_is_not_the_labs_is_not_killed(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    struct mw_error err;
    pid_t killed = 0, other = start_waiting("/somewhere/else");
    assert_int_equal(test_lab_kill(&lab, "x", &killed, &err), MW_ENOTFOUND);
    record(&f, other);
    assert_int_equal(test_lab_kill(&lab, "x", &killed, &err), MW_EDENIED);
    assert_int_equal(waitpid(other, NULL, WNOHANG), 0); /* lives */
    end(other);
    assert_int_equal(test_lab_kill(&lab, "x", &killed, &err), MW_ENOTFOUND);
    static const char *const bad[] = { "", "0", "1", "-1", "x", "99999999999" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        put(&f, "pids/x", bad[i]);
        assert_int_equal(test_lab_kill(&lab, "x", &killed, &err), MW_ECORRUPT);
    }
    remove_lab(&f);
}

static void a_recorded_process_is_killed(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    char word[PATH_ROOM];
    int status = 0;
    pid_t killed = 0;
    (void)snprintf(word, sizeof(word), "%s/slurm.conf", f.dir);
    pid_t ours = start_waiting(word);
    record(&f, ours);
    assert_int_equal(test_lab_kill(&lab, "x", &killed, NULL), 0);
    assert_int_equal(killed, ours);
    assert_int_equal(waitpid(ours, &status, 0), ours);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    remove_lab(&f);
}

static void a_rank_is_only_a_process_below_a_slurmstepd_of_the_lab(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    struct mw_error err;
    pid_t killed = 0;
    /* looks like a rank of job 424242 in every respect but its parent */
    assert_int_equal(setenv("SLURM_JOB_ID", "424242", 1), 0);
    assert_int_equal(setenv("SLURM_PROCID", "0", 1), 0);
    pid_t other = start_waiting("x");
    assert_int_equal(test_lab_kill_rank(&lab, 424242, 0, &killed, &err), MW_ENOTFOUND);
    assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
    end(other);
    (void)unsetenv("SLURM_JOB_ID");
    (void)unsetenv("SLURM_PROCID");
    remove_lab(&f);
}

static void what_ctl_says_is_what_is_reported(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    struct mw_error err;
    char ctl[PATH_ROOM];
    assert_int_equal(test_lab_ctl(&lab, "start-slurmd", "n1", &err), MW_ENOTFOUND);
    put(&f, "ctl", "#!/bin/sh\n[ \"$1 $2\" = 'start-slurmd n1' ]\n");
    (void)snprintf(ctl, sizeof(ctl), "%s/ctl", f.dir);
    assert_int_equal(chmod(ctl, 0755), 0);
    assert_int_equal(test_lab_ctl(&lab, "start-slurmd", "n1", &err), 0);
    assert_int_equal(test_lab_ctl(&lab, "cut-link", "n1", &err), MW_ECONFLICT);
    remove_lab(&f);
}

static void a_folder_that_is_no_small_disk_is_not_filled(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    struct mw_error err;
    uint64_t bytes = 7;
    assert_int_equal(test_lab_fill_disk(&lab, "n1", &bytes, &err), MW_ECONFLICT);
    assert_int_equal(bytes, 7);
    assert_int_equal(test_lab_free_disk(&lab, "n1", &err), MW_ECONFLICT);
    remove_lab(&f);
}

/* What the reader of kernel logs makes of one text. */
static void expect(const char *text, const char *code, const char *part)
{
    struct diagnoses l = { 0 };
    struct kmsg_source s = { "kmsg", text, strlen(text), false };
    assert_int_equal(kmsg_diagnose(&s, &l, NULL), 0);
    if (l.length != 1 || strcmp(l.item[0].code, code) != 0)
        fail_msg("%u findings, the first %s, in: %s", l.length, l.length ? l.item[0].code : "-",
                 text);
    if (part != NULL && strstr(l.item[0].part, part) == NULL)
        fail_msg("%s is not named in %s: %s", part, l.item[0].part, text);
    diagnoses_fini(&l);
}

static void every_line_made_is_read_as_its_code(void **state)
{
    (void)state;
    char line[INJECT_LINE_MAX], code[32];
    for (uint32_t i = 0; i < xid_rows_count; i++) {
        inject_xid_line(xid_rows[i].code, 1, line);
        (void)snprintf(code, sizeof(code), "Xid %u", xid_rows[i].code);
        expect(line, code, "0000:43:00");
    }
    for (uint32_t i = 0; i < sxid_rows_count; i++) {
        inject_sxid_line(sxid_rows[i].code, line);
        (void)snprintf(code, sizeof(code), "SXid %u", sxid_rows[i].code);
        expect(line, code, "NVSwitch");
    }
    inject_xid_line(999, 0, line);
    expect(line, "Xid 999", "0000:1b:00");
}

static void a_kernel_line_lands_as_a_record_of_dev_kmsg(void **state)
{
    (void)state;
    struct folder f;
    struct test_lab lab = make_lab(&f);
    char path[PATH_ROOM], line[INJECT_LINE_MAX], *text = NULL;
    size_t size = 0;
    inject_xid_line(79, 0, line);
    assert_int_equal(test_lab_kernel_line(&lab, "n1", line, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/nodes/n1/kmsg", f.dir);
    assert_int_equal(mw_read_file(path, 4096, false, &text, &size, NULL), 0);
    assert_non_null(strstr(text, ",-;NVRM: Xid (PCI:0000:1b:00): 79, "));
    assert_int_equal(text[size - 1], '\n');
    expect(text, "Xid 79", NULL);
    mw_free(text);
    remove_lab(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_without_the_mark_is_refused),
        cmocka_unit_test(a_node_is_named_not_a_path),
        cmocka_unit_test(a_process_that_is_not_the_labs_is_not_killed),
        cmocka_unit_test(a_recorded_process_is_killed),
        cmocka_unit_test(a_rank_is_only_a_process_below_a_slurmstepd_of_the_lab),
        cmocka_unit_test(what_ctl_says_is_what_is_reported),
        cmocka_unit_test(a_folder_that_is_no_small_disk_is_not_filled),
        cmocka_unit_test(every_line_made_is_read_as_its_code),
        cmocka_unit_test(a_kernel_line_lands_as_a_record_of_dev_kmsg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
