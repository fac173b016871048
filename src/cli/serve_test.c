/*
 * The daemon as a process: started, asked, commanded, killed and started again.
 * Usage: serve_test MW.  Works in a scratch folder; every daemon ends by itself
 * after a minute whatever happens to the test.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

#define SERVE "\"$MW\" serve --site site.yaml --no-slurm --listen 127.0.0.1:0 --http 127.0.0.1:0 " \
              "--socket mw.sock "                                                                  \
              "--for 60s "
#define LISTENS "at=$(\"$MW\" status --socket mw.sock --json | "                                   \
                "sed -n 's/.*\"listens\": \"\\(.*\\)\".*/\\1/p'); "
#define STARTED "\"$MW\" status --socket mw.sock --wait 30s >/dev/null && "

/* Runs a bash line; gives its output and exit code. */
static int shell(const char *line, char *ret, size_t size)
{
    char quoted[8192];
    assert_true(setenv("LINE", line, 1) == 0);
    (void)snprintf(quoted, sizeof(quoted), "exec bash -c \"$LINE\"");
    FILE *p = popen(quoted, "r");
    assert_non_null(p);
    size_t n = fread(ret, 1, size - 1, p);
    ret[n] = '\0';
    int status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void runs(const char *line, int code, const char *output)
{
    char out[16384];
    int got = shell(line, out, sizeof(out));
    if (got != code)
        fail_msg("%s\nexit code %d instead of %d; printed:\n%s", line, got, code, out);
    if (output && strstr(out, output) == NULL)
        fail_msg("%s\ndoes not print \"%s\" but:\n%s", line, output, out);
}

static int make_site(void **state)
{
    (void)state;
    char out[256];
    return shell("rm -rf * && \"$MW\" site new --shape hgx-h100 --gpus 64 >site.yaml", out,
                 sizeof(out));
}

static void a_daemon_says_what_it_does_answers_and_ends_cleanly_when_told_to(void **state)
{
    (void)state;
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         "kill -TERM $pid && wait $pid && cat log", 0, "mode observe: records what it would do");
    runs("cat log", 0, "the record is whole");
    runs("test ! -e mw.sock && \"$MW\" journal verify live && ls live | grep -c snapshot-", 0,
         "whole");
}

static void a_killed_daemon_goes_on_with_all_that_it_acknowledged(void **state)
{
    (void)state;
    runs("for life in 1 2 3; do " SERVE "--journal live 2>>log & pid=$!; " STARTED "true; "
         "for i in 1 2 3 4; do "
         "\"$MW\" node hold h01-r01-k1-n1 -r life$life --socket mw.sock -o csv "
         "| tail -1 >>held; done; kill -9 $pid; wait $pid 2>/dev/null; done; "
         "wc -l <held; \"$MW\" journal verify live", 0, "whole");
    runs("cut -d, -f1 held | while read seq; do \"$MW\" journal show live $seq; done | "
         "grep -c 'kind *command'", 0, "12\n");
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         "\"$MW\" node release h01-r01-k1-n1 -r over --socket mw.sock && kill $pid && wait $pid", 0,
         NULL);
}

static void a_mode_lasts_over_a_restart_and_an_option_changes_it(void **state)
{
    (void)state;
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         "\"$MW\" mode set approve -r 'a person first' --socket mw.sock; kill $pid; wait $pid", 0,
         NULL);
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         "\"$MW\" status --socket mw.sock; kill $pid; wait $pid", 0, "approve");
    runs(SERVE "--journal live --mode act 2>log & pid=$!; " STARTED
         "\"$MW\" status --socket mw.sock; kill $pid; wait $pid", 0, "act");
    runs("\"$MW\" journal tail live --json", 0, "mw serve --mode");
}

static void others_read_the_record_while_the_daemon_writes_it(void **state)
{
    (void)state;
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         "for i in 1 2 3 4 5; do "
         "\"$MW\" node hold h01-r01-k1-n2 -r r$i --socket mw.sock >/dev/null; "
         "\"$MW\" journal verify live >/dev/null || exit 9; done; \"$MW\" journal tail live; "
         "kill $pid; wait $pid", 0, "verb=hold");
}

static void a_second_daemon_on_the_same_journal_port_or_socket_is_refused(void **state)
{
    (void)state;
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         SERVE "--journal live 2>&1; code=$?; kill $pid; wait $pid; exit $code", 5,
         "another mw serve runs on it");
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         SERVE "--journal other 2>&1; code=$?; kill $pid; wait $pid; exit $code", 5,
         "another daemon listens on mw.sock");
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         LISTENS
         "\"$MW\" serve --site site.yaml --no-slurm --http none --journal other "
         "--socket o.sock --for 9s "
         "--listen $at 2>&1; code=$?; kill $pid; wait $pid; exit $code", 5, "is in use by another");
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED
         "kill $pid; wait $pid", 0, NULL); /* what was refused broke nothing */
}

static void a_socket_that_a_killed_daemon_left_is_replaced(void **state)
{
    (void)state;
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED "kill -9 $pid; wait $pid 2>/dev/null; "
         "test -S mw.sock", 0, NULL);
    runs("\"$MW\" status --socket mw.sock 2>&1", 6, "no daemon listens");
    runs(SERVE "--journal live 2>log & pid=$!; " STARTED "kill $pid; wait $pid", 0, NULL);
    runs("touch file; " SERVE "--journal live --socket file 2>&1", 5, "no socket");
}

static void what_cannot_be_started_says_why_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        int code;
        const char *words;
    } wrong[] = {
        { "--no-slurm --slurm x.conf", 2, "contradict" },
        { "--no-slurm --listen 0.0.0.0:7377", 4, "loopback" },
        { "--no-slurm --listen nowhere", 1, "127.0.0.1:7377" },
        { "--no-slurm --poll 1ms", 2, "at least 100 ms" },
        { "--no-slurm --silence 100ms", 2, "at least 300 ms" },
        { "--no-slurm --mode dream", 2, "observe" },
        { "--no-slurm --token-file none", 3, "none" },
        { "--no-slurm --token-file empty", 1, "one word" },
        { "--slurm none.conf", 3, "" },
        { "--no-slurm --socket no/such/folder/mw.sock", 3, "no/such" },
    };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        char line[512];
        (void)snprintf(line, sizeof(line), "touch empty; \"$MW\" serve --site site.yaml --journal "
                       "live --socket mw.sock --for 9s --listen 127.0.0.1:0 %s 2>&1",
                       wrong[i].options);
        runs(line, wrong[i].code, wrong[i].words);
    }
    runs("PATH= \"$MW\" serve --site site.yaml --journal live --for 9s 2>&1", 3,
         "there is no scontrol");
    runs("\"$MW\" serve --site none.yaml --no-slurm --for 9s 2>&1", 3, "none.yaml");
}

static void a_record_of_another_site_is_refused(void **state)
{
    (void)state;
    runs(SERVE "--journal live --for 1s 2>&1", 0, NULL);
    runs("\"$MW\" site new --shape hgx-h100 --gpus 128 >site.yaml && "
         SERVE "--journal live 2>&1", 5, "another site");
}

static void agents_must_say_the_token(void **state)
{
    (void)state;
    runs("echo secret >token; " SERVE "--journal live --token-file token 2>log & pid=$!; " STARTED
         LISTENS
         "exec 3<>/dev/tcp/${at%:*}/${at#*:}; "
         "echo 'hello version=1 node=h01-r01-k1-n1 boot=b agent=0.1.0 token=guess' >&3; "
         "head -1 <&3; kill $pid; wait $pid", 0, "refuse code=MW_EDENIED");
    runs("grep 'can be read by others' log", 0, NULL);
}

/* Tells of a broken GPU on three nodes of each rack, and stays until the daemon has taken it in. */
static void status_names_the_first_nodes_that_are_not_ready(void **state)
{
    (void)state;
    runs("\"$MW\" site new --shape hgx-h100 --gpus 128 >site.yaml; "
         SERVE "--journal live 2>log & pid=$!; " STARTED
         LISTENS
         "for k in 1 2 3 4; do for n in 1 2 3; do "
         "exec {fd}<>/dev/tcp/${at%:*}/${at#*:}; "
         "echo \"hello version=1 node=h01-r01-k$k-n$n boot=b agent=0.1.0\" >&$fd; "
         "echo 'kmsg text=NVRM:%20Xid%20(PCI:0000:1b:00):%2079,%20fallen%20off' >&$fd; "
         "done; done; until \"$MW\" status --socket mw.sock >said && grep 'NOT READY  *12:' said; "
         "do sleep 0.1; kill -0 $pid || exit 9; done; kill $pid; wait $pid", 0,
         "12: h01-r01-k1-n1 (down), h01-r01-k1-n2 (down), h01-r01-k1-n3 (down), h01-r01-k2-n1 (");
    runs("cat said", 0, "h01-r01-k4-n1 (down) and 2 more\n");
}

/* ---- HTTP ------------------------------------------------------------------------------------ */

/* Sends a request as it is and reads the answer to its end. */
static void ask(const char *request, char *ret, size_t size)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "mw.sock" };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    size_t n = 0;
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (ssize_t r; n < size - 1 && (r = recv(fd, ret + n, size - 1 - n, 0)) > 0;)
        n += (size_t)r;
    ret[n] = '\0';
    (void)close(fd);
}

static void answers(const char *request, const char *status, const char *words)
{
    char out[65536];
    ask(request, out, sizeof(out));
    if (strncmp(out, status, strlen(status)) != 0 || strstr(out, words) == NULL)
        fail_msg("%.300s\nis not answered with %s and \"%s\" but:\n%.1000s", request, status, words,
                 out);
}

#define HEAD " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define JSON "Content-Type: application/json\r\n"

static void post(const char *type, const char *body, const char *status, const char *words)
{
    char request[2048];
    (void)snprintf(request, sizeof(request), "POST /api/v1/commands" HEAD "%sContent-Length: %zu"
                   "\r\n\r\n%s", type, strlen(body), body);
    answers(request, status, words);
}

static void the_socket_answers_http_with_problems_that_say_what_is_wrong(void **state)
{
    (void)state;
    runs(SERVE "--journal live >log 2>&1 & echo $! >pid; " STARTED "true", 0, NULL);
    struct stat st;
    assert_int_equal(stat("mw.sock", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    answers("GET /healthz" HEAD "\r\n", "HTTP/1.1 200", "\"status\":\"ok\"");
    answers("GET /api/v1/status?x=1" HEAD "\r\n", "HTTP/1.1 200", "\"program\":\"millwright\"");
    answers("GET /nowhere" HEAD "\r\n", "HTTP/1.1 404", "application/problem+json");
    answers("DELETE /healthz" HEAD "\r\n", "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
    answers("GET /api/v1/commands" HEAD "\r\n", "HTTP/1.1 405", "Allow: POST\r\n");
    post("", "{}", "HTTP/1.1 415", "application/json");
    post(JSON, "{", "HTTP/1.1 400", "\"code\":\"MW_ESYNTAX\"");
    post(JSON, "{\"verb\":\"hold\",\"node\":\"nobody\",\"reason\":\"x\"}", "HTTP/1.1 422",
         "MW_ENOTFOUND");
    post(JSON, "{\"verb\":\"order-done\",\"ref\":1}", "HTTP/1.1 409", "\"title\":\"Conflict\"");
    post(JSON, "{\"verb\":\"hold\",\"node\":\"h01-r01-k1-n1\",\"reason\":\"x\"}", "HTTP/1.1 200",
         "\"recorded\":{\"seq\":3");
    static char big[90000];
    int n = snprintf(big, sizeof(big), "POST /api/v1/commands" HEAD JSON
                     "Content-Length: 80000\r\n\r\n");
    memset(big + n, ' ', 80000);
    answers(big, "HTTP/1.1 413", "at most 65536");
    answers("nonsense\r\n\r\n", "HTTP/1.1 400", "");
    runs("kill $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep .05; done; "
         "\"$MW\" journal verify live", 0, "whole");
    char actor[64];
    (void)snprintf(actor, sizeof(actor), "\"actor\": %u", 1000u + getuid());
    runs("\"$MW\" journal show live 3 --json", 0, actor);
}

int main(int argc, char **argv)
{
    char scratch[] = "/tmp/mw-serve-XXXXXX", path[4096], line[128];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_daemon_says_what_it_does_answers_and_ends_cleanly_when_told_to, make_site),
        cmocka_unit_test_setup(a_killed_daemon_goes_on_with_all_that_it_acknowledged, make_site),
        cmocka_unit_test_setup(a_mode_lasts_over_a_restart_and_an_option_changes_it, make_site),
        cmocka_unit_test_setup(others_read_the_record_while_the_daemon_writes_it, make_site),
        cmocka_unit_test_setup(
            a_second_daemon_on_the_same_journal_port_or_socket_is_refused, make_site),
        cmocka_unit_test_setup(a_socket_that_a_killed_daemon_left_is_replaced, make_site),
        cmocka_unit_test_setup(what_cannot_be_started_says_why_and_what_to_do, make_site),
        cmocka_unit_test_setup(a_record_of_another_site_is_refused, make_site),
        cmocka_unit_test_setup(agents_must_say_the_token, make_site),
        cmocka_unit_test_setup(status_names_the_first_nodes_that_are_not_ready, make_site),
        cmocka_unit_test_setup(
            the_socket_answers_http_with_problems_that_say_what_is_wrong, make_site),
    };
    if (argc < 2 || realpath(argv[1], path) == NULL || setenv("MW", path, 1) != 0 ||
        mkdtemp(scratch) == NULL || chdir(scratch) != 0) {
        (void)fprintf(stderr, "usage: %s MW\n", argv[0]);
        return 2;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char out[256];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", scratch);
    return failed + (chdir("/") != 0 || shell(line, out, sizeof(out)) != 0);
}
