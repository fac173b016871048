/*
 * Whole command lines in a child process: exit codes, streams that break,
 * interrupts.  Each test names what a script or a person relies on.
 */
#include "cli/run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int fail_with(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    (void)mw_fail(&err, -(int)cli_option_u64(ctx, "code"), "it is so");
    return cli_fail(ctx, &err);
}

static const struct output_column columns[] = { { .key = "n", .title = "N" }, { 0 } };

static int print_rows(struct cli_context *ctx)
{
    uint64_t n = cli_option_u64(ctx, "code"), printed = 0;
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    for (; printed < n && !output_closed(ctx->output); printed++)
        output_int(ctx->output, (int64_t)printed);
    output_end(ctx->output, NULL);
    cli_note(ctx, "stopped %s", printed < n ? "early" : "at the end");
    return CLI_EXIT_OK;
}

static int wait_for_interrupt(struct cli_context *ctx)
{
    bool stop = false;
    cli_interrupt_catch();
    (void)fputs("ready\n", output_file(ctx->output));
    (void)fflush(output_file(ctx->output));
    for (int i = 0; i < 3000 && !stop; i++) {
        (void)usleep(10000);
        stop = cli_interrupted();
    }
    cli_note(ctx, "tidied up");
    if (cli_option_bool(ctx, "again")) /* a second Ctrl-C must end the program here */
        (void)raise(SIGINT);
    return stop ? CLI_EXIT_INTERRUPTED : CLI_EXIT_ERROR;
}

static int interrupt_self(struct cli_context *ctx)
{
    (void)raise(SIGINT);
    cli_error(ctx, "still here");
    return CLI_EXIT_OK;
}

static const struct command_option options[] = {
    { .name = "code", .type = VALUE_U64, .value = "N", .fallback = "0", .help = "h" },
    { .name = "again", .help = "h" },
    { 0 },
};
static const struct command commands[] = {
    { .verb = "fail", .summary = "s", .description = "d", .options = options, .run = fail_with },
    { .verb = "rows", .summary = "s", .description = "d", .options = options, .run = print_rows },
    { .verb = "wait", .summary = "s", .description = "d", .options = options,
      .run = wait_for_interrupt },
    { .verb = "die", .summary = "s", .description = "d", .run = interrupt_self },
    { 0 },
};
static const struct command_group test_group = { .noun = "t", .summary = "s",
                                                 .commands = commands };
static const struct command_group *const groups[] = { &test_group, NULL };
static const struct command_table table = { .program = "mw", .summary = "s", .groups = groups };

struct child {
    pid_t pid;
    int out, err; /* read ends; out < 0 when the child writes elsewhere */
    char data[4096], messages[4096];
};

/* Starts `mw t <words>`; stdout goes to a pipe, to `out_path`, or is closed ("-"). */
static struct child *start(const char *verb, const char *option, const char *out_path)
{
    static struct child c;
    int out[2], err[2];
    memset(&c, 0, sizeof c);
    assert_int_equal(pipe(out) | pipe(err), 0);
    (void)fflush(NULL);
    c.pid = fork();
    if (c.pid == 0) {
        char *argv[] = { "mw", "t", (char *)verb, (char *)option, NULL };
        (void)signal(SIGINT, SIG_DFL); /* ignored in jobs that a script put in the background */
        (void)dup2(out[1], 1);
        (void)dup2(err[1], 2);
        (void)close(out[0]);
        if (out_path != NULL && strcmp(out_path, "-") == 0)
            (void)close(1);
        else if (out_path != NULL && freopen(out_path, "w", stdout) == NULL)
            _exit(99);
        int code = cli_main(&table, option != NULL ? 4 : 3, argv);
        (void)fflush(stderr);
        _exit(code);
    }
    (void)close(out[1]);
    (void)close(err[1]);
    c.out = out[0];
    c.err = err[0];
    return &c;
}

static void read_all(int fd, char *buf, size_t size)
{
    size_t used = 0;
    ssize_t n;
    while (used + 1 < size && (n = read(fd, buf + used, size - 1 - used)) > 0)
        used += (size_t)n;
    buf[used] = '\0';
    (void)close(fd);
}

/* The exit code as a shell shows it. */
static int finish(struct child *c)
{
    int status = 0;
    if (c->out >= 0)
        read_all(c->out, c->data, sizeof c->data);
    read_all(c->err, c->messages, sizeof c->messages);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void every_status_ends_with_its_exit_code(void **state)
{
    (void)state;
    static const struct {
        int status, code;
    } map[] = {
        { MW_EINVAL, 1 },   { MW_ENOTFOUND, 3 }, { MW_EEXIST, 5 },   { MW_ECONFLICT, 5 },
        { MW_ELIMIT, 1 },   { MW_ENOMEM, 1 },    { MW_ENOSPC, 1 },   { MW_EIO, 1 },
        { MW_ECORRUPT, 1 }, { MW_EVERSION, 1 },  { MW_ESYNTAX, 1 },  { MW_EDENIED, 4 },
        { MW_EBUSY, 5 },    { MW_ETIMEOUT, 7 },  { MW_EUNREACHABLE, 6 }, { MW_EBUG, 1 },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(map); i++) {
        char option[32];
        (void)snprintf(option, sizeof option, "--code=%d", -map[i].status);
        struct child *c = start("fail", option, NULL);
        assert_int_equal(finish(c), map[i].code);
        assert_string_equal(c->data, "");
        assert_string_equal(c->messages, "mw: t fail: it is so\n");
    }
    assert_int_equal(cli_exit_of(0), 0);
}

static void a_wrong_command_line_ends_with_2_and_says_where_help_is(void **state)
{
    (void)state;
    struct child *c = start("rows", "--cod=3", NULL);
    assert_int_equal(finish(c), CLI_EXIT_USAGE);
    assert_string_equal(c->data, "");
    assert_string_equal(c->messages, "mw: t rows: unknown option --cod (did you mean --code?)\n"
                                     "Try: mw help t rows\n");
}

static void success_ends_with_0_and_quiet_silences_notes(void **state)
{
    (void)state;
    struct child *c = start("rows", "--code=2", NULL);
    assert_int_equal(finish(c), 0);
    assert_string_equal(c->data, "N\n0\n1\n");
    assert_string_equal(c->messages, "mw: t rows: stopped at the end\n");
    c = start("rows", "--quiet", NULL);
    assert_int_equal(finish(c), 0);
    assert_string_equal(c->messages, "");
}

static void a_full_disk_ends_with_1_and_a_message(void **state)
{
    (void)state;
    struct child *c = start("rows", "--code=2", "/dev/full");
    assert_int_equal(finish(c), CLI_EXIT_ERROR);
    assert_non_null(strstr(c->messages, "cannot write the output: No space left on device"));
}

static void a_closed_standard_output_ends_with_1_and_a_message(void **state)
{
    (void)state;
    struct child *c = start("rows", "--code=2", "-");
    assert_int_equal(finish(c), CLI_EXIT_ERROR);
    assert_non_null(strstr(c->messages, "cannot write the output: Bad file descriptor"));
}

static void a_reader_that_goes_away_stops_the_command_and_is_no_error(void **state)
{
    (void)state;
    char some[10];
    struct child *c = start("rows", "-ocsv", NULL);
    assert_int_equal(finish(c), 0); /* the harness itself works with csv */
    c = start("rows", "--code=3000000", NULL);
    assert_true(read(c->out, some, sizeof some) > 0);
    (void)close(c->out);
    c->out = -1;
    assert_int_equal(finish(c), 0);
    assert_null(strstr(c->messages, "cannot write"));
}

static void an_interrupt_ends_a_command_at_once_with_130(void **state)
{
    (void)state;
    struct child *c = start("die", NULL, NULL);
    assert_int_equal(finish(c), CLI_EXIT_INTERRUPTED);
    assert_string_equal(c->messages, "");
}

static void a_command_that_catches_interrupts_finishes_and_ends_with_130(void **state)
{
    (void)state;
    char ready[8];
    struct child *c = start("wait", NULL, NULL);
    assert_true(read(c->out, ready, sizeof ready) > 0);
    assert_int_equal(kill(c->pid, SIGINT), 0);
    assert_int_equal(finish(c), CLI_EXIT_INTERRUPTED);
    assert_string_equal(c->messages, "mw: t wait: tidied up\n");
}

static void a_second_interrupt_does_not_wait(void **state)
{
    (void)state;
    char ready[8];
    int status = 0;
    struct child *c = start("wait", "--again", NULL);
    assert_true(read(c->out, ready, sizeof ready) > 0);
    assert_int_equal(kill(c->pid, SIGINT), 0);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    (void)close(c->out);
    (void)close(c->err);
}

static void version_is_printed_from_anywhere(void **state)
{
    (void)state;
    struct child *c = start("fail", "--version", NULL);
    assert_int_equal(finish(c), 0);
    assert_string_equal(c->data, "mw " MW_VERSION "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_ends_with_its_exit_code),
        cmocka_unit_test(a_wrong_command_line_ends_with_2_and_says_where_help_is),
        cmocka_unit_test(success_ends_with_0_and_quiet_silences_notes),
        cmocka_unit_test(a_full_disk_ends_with_1_and_a_message),
        cmocka_unit_test(a_closed_standard_output_ends_with_1_and_a_message),
        cmocka_unit_test(a_reader_that_goes_away_stops_the_command_and_is_no_error),
        cmocka_unit_test(an_interrupt_ends_a_command_at_once_with_130),
        cmocka_unit_test(a_command_that_catches_interrupts_finishes_and_ends_with_130),
        cmocka_unit_test(a_second_interrupt_does_not_wait),
        cmocka_unit_test(version_is_printed_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
