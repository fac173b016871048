/*
 * A replay as a process: asked and commanded over its socket, paused, sent to a
 * moment, ended and killed.  Usage: serve_replay_test MW SOURCE.  Works in a
 * scratch folder; every daemon ends by itself after a minute whatever happens to
 * the test.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/base.h"

#define SERVE "\"$MW\" serve --replay \"$SOURCE/scenarios/small.yaml\" --set crashes=0 "           \
              "--http 127.0.0.1:0 --socket mw.sock --for 60s "
#define STARTED "\"$MW\" status --socket mw.sock --wait 30s >/dev/null && "
#define HOLD "\"$MW\" node hold h01-r01-k1-n1 -r visitor --socket mw.sock -o csv | tail -1 "

/* Runs a bash line; gives its output and exit code. */
static int shell(const char *line, char *ret, size_t size)
{
    assert_true(setenv("LINE", line, 1) == 0);
    FILE *p = popen("exec bash -c \"$LINE\"", "r");
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

static int make_scratch(void **state)
{
    (void)state;
    char out[256];
    return shell("rm -rf * && mkdir state", out, sizeof(out));
}

/* ---- a daemon that the test itself starts and asks ------------------------------------------- */

static pid_t start(const char *options)
{
    char line[2048];
    int n = snprintf(line, sizeof(line), "exec " SERVE "%s 2>log", options);
    assert_true(n > 0 && n < (int)sizeof(line));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl("/bin/bash", "bash", "-c", line, (char *)NULL);
        _exit(127);
    }
    runs(STARTED "true || { cat log; false; }", 0, NULL);
    return pid;
}

static void ends(pid_t pid, int signal)
{
    int status = 0;
    assert_int_equal(kill(pid, signal), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (signal == SIGKILL)
        assert_true(WIFSIGNALED(status));
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("ended with status %d", status);
}

/* One request on a connection of its own; the body that is answered, and the HTTP status. */
static int ask(const char *method, const char *path, const char *body, json_t **ret)
{
    char text[65536];
    size_t got = 0;
    struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "mw.sock" };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    int n = snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: mw\r\nConnection: close\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", method,
                     path, strlen(body), body);
    assert_int_equal(write(fd, text, (size_t)n), n);
    for (ssize_t r = 1; r > 0 && got + 1 < sizeof(text); got += (size_t)MW_MAX(r, 0))
        r = read(fd, text + got, sizeof(text) - 1 - got);
    text[got] = '\0';
    assert_int_equal(close(fd), 0);
    const char *content = strstr(text, "\r\n\r\n");
    assert_non_null(content);
    json_t *o = json_loads(strchr(content, '{') ? strchr(content, '{') : "{}",
                           JSON_DISABLE_EOF_CHECK, NULL);
    if (ret != NULL)
        *ret = o;
    else
        json_decref(o);
    return (int)strtol(text + sizeof("HTTP/1.1 ") - 1, NULL, 10);
}

static void wish(const char *body, int status)
{
    json_t *o = NULL;
    int got = ask("POST", "/api/v1/replay", body, &o);
    char *text = json_dumps(o, 0);
    if (got != status)
        fail_msg("%s is answered %d instead of %d: %s", body, got, status, text);
    free(text);
    json_decref(o);
}

/* Asks until the replay is in this state; *ret_now is the time that it shows. */
static void wait_until(const char *state, char ret_now[64])
{
    bool there = false;
    while (!there) {
        json_t *o = NULL;
        assert_int_equal(ask("GET", "/api/v1/replay", "", &o), 200);
        there = strcmp(json_string_value(json_object_get(o, "state")), state) == 0;
        (void)snprintf(ret_now, 64, "%s", json_string_value(json_object_get(o, "now")));
        json_decref(o);
    }
}

/* ---- tests --------------------------------------------------------------------------------- */

static void it_begins_paused_goes_to_a_moment_and_ends_cleanly_when_told_to(void **state)
{
    (void)state;
    char now[64];
    pid_t pid = start("--paused");
    runs("cat log", 0, "http://127.0.0.1:");
    wait_until("paused", now);
    assert_string_equal(now, "2024-01-01T00:00:00.000Z");
    wish("{\"until\": \"2024-01-04T12:00:00Z\"}", 200);
    wait_until("paused", now);
    assert_string_equal(now, "2024-01-04T12:00:00.000Z");
    runs("\"$MW\" status --socket mw.sock --json", 0, "2024-01-04T12:00:00.000Z");
    wish("{\"speed\": -5}", 422);
    wish("{\"until\": \"2024-01-03\"}", 422);
    runs("ls state/millwright | grep -c '^replay-'", 0, "1\n");
    ends(pid, SIGTERM);
    runs("cat log; ls state/millwright; test ! -e mw.sock", 0, "ended at event");
    runs("ls state/millwright | grep -c '^replay-'", 1, "0\n");
}

static void what_a_person_commands_is_done_and_recorded(void **state)
{
    (void)state;
    char now[64];
    pid_t pid = start("--paused --journal kept");
    wish("{\"until\": \"2024-01-02T00:00:00Z\"}", 200);
    wait_until("paused", now);
    runs(HOLD, 0, NULL);
    runs("\"$MW\" journal tail kept", 0, "verb=hold");
    runs("\"$MW\" status --socket mw.sock --json", 0, "2024-01-02T00:00:00.000Z");
    runs("\"$MW\" node release h01-r01-k1-n1 -r over --socket mw.sock", 0, NULL);
    runs("\"$MW\" node release h01-r01-k1-n1 -r over --socket mw.sock 2>&1", 5, "no hold");
    ends(pid, SIGINT);
    runs("\"$MW\" journal verify kept", 0, "whole");
    runs(SERVE "--journal kept 2>&1", 5, "a journal already");
}

static void a_killed_replay_leaves_all_that_it_acknowledged(void **state)
{
    (void)state;
    pid_t pid = start("--journal killed");
    runs("for i in 1 2 3 4; do " HOLD ">>held; done; grep -c . held", 0, "4\n");
    ends(pid, SIGKILL);
    runs("\"$MW\" journal verify killed", 0, "whole");
    runs("cut -d, -f1 held | while read seq; do \"$MW\" journal show killed $seq; done | "
         "grep -c 'kind *command'", 0, "4\n");
}

static void what_a_killed_one_left_is_told_to_the_next(void **state)
{
    (void)state;
    ends(start("--paused"), SIGKILL);
    ends(start("--paused"), SIGTERM);
    runs("cat log", 0, "1 folders of other replays");
    runs("ls state/millwright | grep -c '^replay-'", 0, "1\n");
}

static void at_its_end_it_answers_and_takes_no_command(void **state)
{
    (void)state;
    char now[64];
    pid_t pid = start("--speed 0");
    wait_until("ended", now);
    assert_string_equal(now, "2024-01-31T00:00:00.000Z");
    runs("\"$MW\" node hold h01-r01-k1-n1 -r late --socket mw.sock 2>&1", 5, "at its end");
    wish("{\"paused\": true}", 409);
    runs("\"$MW\" status --socket mw.sock", 0, NULL);
    ends(pid, SIGINT);
    runs("cat log", 0, "can still be looked at");
}

static void what_cannot_be_replayed_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        int code;
        const char *says;
    } wrong[] = {
        { "--set crashes=0 --speed -1", 2, "as fast as it goes" },
        { "--set crashes=0 --site s.yaml", 2, "--site is for a live site" },
        { "--set crashes=0 --mode act", 2, "--mode is for a live site" },
        { "", 2, "--set crashes=0" },
        { "--set nothing=1", 1, "nothing" },
        { "--set crashes=0 --journal no/such/folder", 3, "no/such" },
        { "--set crashes=0 --tls-cert x.pem", 2, "go together" },
    };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(wrong); i++) {
        char line[512];
        (void)snprintf(line, sizeof(line), "\"$MW\" serve --replay \"$SOURCE/scenarios/small.yaml\""
                       " --http none --socket mw.sock --for 5s %s 2>&1", wrong[i].options);
        runs(line, wrong[i].code, wrong[i].says);
    }
    runs("\"$MW\" serve --replay nowhere.yaml 2>&1", 3, "nowhere.yaml");
    runs("ls state", 0, "");
}

int main(int argc, char **argv)
{
    char scratch[] = "/tmp/mw-serve-replay-XXXXXX";
    if (argc != 3 || setenv("MW", argv[1], 1) != 0 || setenv("SOURCE", argv[2], 1) != 0 ||
        mkdtemp(scratch) == NULL || chdir(scratch) != 0)
        return 2;
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/state", scratch);
    if (setenv("XDG_STATE_HOME", path, 1) != 0)
        return 2;
#define T(name) cmocka_unit_test_setup(name, make_scratch)
    static const struct CMUnitTest tests[] = {
        T(it_begins_paused_goes_to_a_moment_and_ends_cleanly_when_told_to),
        T(what_a_person_commands_is_done_and_recorded),
        T(a_killed_replay_leaves_all_that_it_acknowledged),
        T(what_a_killed_one_left_is_told_to_the_next),
        T(at_its_end_it_answers_and_takes_no_command),
        T(what_cannot_be_replayed_says_why),
    };
#undef T
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    char out[256];
    return chdir("/") == 0 && setenv("SCRATCH", scratch, 1) == 0 &&
                   shell("rm -rf \"$SCRATCH\"", out, sizeof(out)) == 0
               ? rc
               : 2;
}
