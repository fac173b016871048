/*
 * The commands that ask a daemon, against a real one: `mw serve --replay` of the
 * small scenario, paused after its first day.
 * Usage: daemon_test MW SCENARIO.  Works in a scratch folder; the daemon ends by
 * itself after four minutes whatever happens to the test.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "cli/get.h"

#define SOCKET " --socket mw.sock "
#define MIDNIGHT "2024-01-02T00:00:00Z"

/* Runs a bash line; gives its output and exit code. */
static int shell(const char *line, char *ret, size_t size)
{
    assert_true(setenv("LINE", line, 1) == 0);
    FILE *p = popen("exec bash -c \"mw() { \\\"\\$MW\\\" \\\"\\$@\\\"; }; $LINE\"", "r");
    assert_non_null(p);
    size_t n = fread(ret, 1, size - 1, p);
    ret[n] = '\0';
    int status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void runs(const char *line, int code, const char *output)
{
    static char out[1 << 20];
    int got = shell(line, out, sizeof(out));
    if (got != code)
        fail_msg("%s\nexit code %d instead of %d; printed:\n%.4000s", line, got, code, out);
    if (output && strstr(out, output) == NULL)
        fail_msg("%s\ndoes not print \"%s\" but:\n%.4000s", line, output, out);
}

static struct daemon *open_daemon(void)
{
    const struct daemon_where w = { .socket = "mw.sock" };
    struct daemon *d = NULL;
    assert_int_equal(daemon_open(&w, &d, NULL), 0);
    return d;
}

/* A POST of what no command of mw does; gives the answer. */
static json_t *post(const char *path, json_t *body)
{
    struct daemon *d = open_daemon();
    struct mw_error err = { 0 };
    const struct daemon_call c = { .path = path, .body = body, .wait_ns = 20 * MW_NS_PER_S };
    json_t *answer = NULL;
    if (daemon_ask(d, &c, &answer, &err) < 0)
        fail_msg("%s: %s", path, err.text);
    json_decref(body);
    daemon_close(d);
    return answer;
}

static const char *state_of_replay(char *buf, size_t size)
{
    struct daemon *d = open_daemon();
    const struct daemon_call c = { .path = "/api/v1/replay" };
    json_t *o = NULL;
    assert_int_equal(daemon_ask(d, &c, &o, NULL), 0);
    (void)snprintf(buf, size, "%s", json_string_value(json_object_get(o, "state")));
    json_decref(o);
    daemon_close(d);
    return buf;
}

static int start(void **state)
{
    char out[512], now[32];
    (void)state;
    if (shell("\"$MW\" serve --replay \"$SCENARIO\" --set crashes=0 --set horizon=3d --paused "
              "--socket mw.sock --http 127.0.0.1:0 --journal live --for 240s >log 2>&1 & "
              "echo $! >pid; mw status --wait 30s" SOCKET ">/dev/null", out, sizeof(out)) != 0)
        return -1;
    json_decref(post("/api/v1/replay", json_pack("{s:s}", "until", MIDNIGHT)));
    for (int i = 0; i < 300 && strcmp(state_of_replay(now, sizeof(now)), "paused") != 0; i++)
        (void)usleep(100000);
    return strcmp(now, "paused");
}

static int stop(void **state)
{
    char out[256];
    (void)state;
    return shell("kill $(cat pid); for i in $(seq 100); do "
                 "kill -0 $(cat pid) 2>/dev/null || exit 0; sleep .1; done; exit 1", out,
                 sizeof(out));
}

/* ---- get ------------------------------------------------------------------------------------ */

static void lists_come_in_every_form(void **state)
{
    (void)state;
    runs("mw get nodes" SOCKET "| head -1", 0, "NODE ");
    runs("mw get nodes --no-headers" SOCKET "| wc -l", 0, "32\n");
    runs("mw get nodes -o csv --columns name,gpus --limit 2 -q" SOCKET, 0,
         "name,gpus\r\nh01-r01-k1-n1,8\r\n");
    runs("mw get no -o name --sort -name --limit 1 -q" SOCKET, 0, "h01-r01-k8-n4\n");
    runs("mw get nodes -o ndjson --columns name --limit 1 -q" SOCKET, 0,
         "{\"name\":\"h01-r01-k1-n1\"}\n");
    runs("mw get nodes -o yaml --columns name,gpus --limit 1 -q" SOCKET, 0,
         "rows:\n- name: h01-r01-k1-n1\n  gpus: 8\n");
    runs("mw get nodes -o json --limit 1 -q" SOCKET, 0, "{\"kind\":\"NodeList\",");
    runs("mw get nodes -l 'gpus>=8 and name~\"*-n1\"' -o name" SOCKET "| wc -l", 0, "8\n");
    runs("mw get nodes --limit 5" SOCKET "2>&1 >/dev/null", 0, "5 of 32; --limit 0 shows all");
}

static void every_resource_can_be_listed(void **state)
{
    (void)state;
    runs("for r in nodes gpus links jobs queue incidents orders parts odds spares halls tenants "
         "sites windows lemons budget events audit tokens definitions; do "
         "mw get $r -o wide -q" SOCKET ">/dev/null && mw get $r --json -q" SOCKET ">/dev/null || "
         "echo failed $r; done", 0, "");
    runs("mw get events -l kind=job.submitted --limit 3 --no-headers" SOCKET "| wc -l", 0, "3\n");
    runs("mw get events -l kin=x 2>&1" SOCKET, 2, "kind|about");
    runs("mw get events --sort seq 2>&1" SOCKET, 2, "order of their own");
}

static void what_is_asked_for_wrongly_is_a_usage_error_with_what_may_be_meant(void **state)
{
    (void)state;
    runs("mw get nodse 2>&1" SOCKET, 2, "did you mean \"nodes\"?");
    runs("mw get nodes -l 'healht=down' 2>&1" SOCKET, 2, "health");
    runs("mw get nodes --columns nmae 2>&1" SOCKET, 2, "did you mean name?");
    runs("mw get nodes --sort nmae 2>&1" SOCKET, 2, "no field 'nmae'");
    runs("mw get node 'n[1-' 2>&1" SOCKET, 2, "host list");
    runs("mw get nodes --socket nobody.sock 2>&1", 6, "no daemon listens");
    runs("mw get nodes --socket log --context x 2>&1", 2, "contradict");
}

static void names_are_host_lists_and_those_not_there_are_named(void **state)
{
    (void)state;
    runs("mw get node 'h01-r01-k1-n[1-3]' -o name" SOCKET "| wc -l", 0, "3\n");
    runs("mw get node 'h01-r01-k1-n[3-5]' 2>&1" SOCKET, 8, "not among the nodes: h01-r01-k1-n5\n");
    runs("mw get node nobody 2>&1" SOCKET, 3, "not among the nodes: nobody");
    runs("mw get nodes -o name" SOCKET "| mw get nodes - -o name" SOCKET "| wc -l", 0, "32\n");
    runs("mw get gpus -o name" SOCKET "| mw get gpus - -o name" SOCKET "| wc -l", 0, "256\n");
}

static void pages_are_followed_to_the_end(void **state)
{
    struct daemon *d = open_daemon();
    struct get_query q = { .resource = resource_find("gpus"), .fields = "name", .page = 7 };
    json_t *o = NULL;
    (void)state;
    assert_int_equal(get_rows(d, &q, &o, NULL, NULL), 0);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 256);
    json_decref(o);
    q.limit = 20;
    assert_int_equal(get_rows(d, &q, &o, NULL, NULL), 0);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 20);
    json_decref(o);
    daemon_close(d);
}

/* ---- stories -------------------------------------------------------------------------------- */

static void the_daemon_tells_what_its_record_tells(void **state)
{
    (void)state;
    runs("job=$(mw get jobs -o name" SOCKET "| head -1); diff <(mw why $job --journal live) "
         "<(mw why $job" SOCKET ") && diff <(mw why $job --journal live --all -o csv) "
         "<(mw why $job --all -o csv" SOCKET ") && diff <(mw describe job $job" SOCKET ") "
         "<(mw why $job" SOCKET ") && echo alike", 0, "alike");
    runs("in=$(mw get inc --all -o name" SOCKET "| head -1); "
         "diff <(mw explain $in --journal live | grep -v '^cost\\|^now') "
         "<(mw describe inc $in" SOCKET "| grep -v '^cost\\|^now') && echo alike", 0, "alike");
    runs("node=$(mw get nodes -l 'incident!=null' -o name" SOCKET "| head -1); "
         "mw explain $node" SOCKET "&& mw describe node $node" SOCKET, 0, "what happened");
    runs("mw describe node h01-r01-k1-n1 -o yaml" SOCKET, 0, "timeline:\n");
    runs("mw describe job 999999 2>&1" SOCKET, 3, "999999");
    runs("mw describe node h01-r01-k1-n1 nobody 2>&1" SOCKET, 8, "node h01-r01-k1-n1: ");
}

/* ---- verbs ---------------------------------------------------------------------------------- */

static void a_drain_says_what_it_breaks_and_asks_before_it_does(void **state)
{
    (void)state;
    runs("busy=$(mw get nodes -l 'job!=null' -o name" SOCKET "| head -1); "
         "mw drain $busy -r test --dry-run" SOCKET "| grep -c -e '^JOBS THAT STOP *1$' "
         "-e 'at its next checkpoint$'", 0, "2\n");
    runs("busy=$(mw get nodes -l 'job!=null' -o name" SOCKET "| head -1); "
         "mw drain $busy -r test --no-input 2>&1" SOCKET, 2,
         "it drains 1 node and stops 1 job: look");
    runs("mw cordon -l 'gpus>0' -r test --no-input 2>&1" SOCKET, 2, "holds 32 nodes");
    runs("mw get nodes -l 'holds>0' -o name" SOCKET "| wc -l", 0, "0\n");
    runs("mw drain -r test 2>&1" SOCKET, 2, "name nodes");
    runs("mw drain h01-r01-k1-n1 2>&1" SOCKET, 2, "--reason is missing");
}

static void a_cordon_stops_nothing_and_says_so(void **state)
{
    (void)state;
    runs("busy=$(mw get nodes -l 'job!=null' -o name" SOCKET "| head -1); "
         "mw cordon $busy -r test --dry-run" SOCKET "| grep -c -e '^JOBS THAT STOP *0$' "
         "-e '^JOBS THAT GO ON *1$' -e 'goes on; nothing new starts$' -e ' it goes on$'", 0,
         "4\n");
    runs("busy=$(mw get nodes -l 'job!=null' -o name" SOCKET "| head -1); "
         "mw cordon $busy -r test --no-input" SOCKET "&& mw return $busy -r test" SOCKET, 0,
         "done");
}

static void the_number_of_nodes_that_is_typed_lets_it_go_on(void **state)
{
    (void)state;
    runs("printf '31\\n' | "
         "script -qec \"\\\"$MW\\\" cordon -l gpus\\>0 -r test" SOCKET "\" /dev/null", 2,
         "nothing was done: \"31\" is not 32");
    runs("printf '32\\n' | "
         "script -qec \"\\\"$MW\\\" cordon -l gpus\\>0 -r test" SOCKET "\" /dev/null >/dev/null; "
         "mw get nodes -l 'holds>0' -o name" SOCKET "| wc -l", 0, "32\n");
    runs("mw return -l 'holds>0' -r test -y --wait 10s -o csv" SOCKET "| grep -c ,done,", 0,
         "32\n");
}

static void what_became_of_each_node_is_listed(void **state)
{
    (void)state;
    runs("mw drain h01-r01-k1-n1,nobody -r test -y --wait 10s" SOCKET, 8,
         "nobody         not done");
    runs("mw get nodes -l 'holds>0' -o name" SOCKET, 0, "h01-r01-k1-n1\n");
    /* One of four can be given back: the others had no hold. */
    runs("mw return 'h01-r01-k1-n[1-4]' -r test -y -o csv 2>&1" SOCKET, 8,
         "h01-r01-k1-n2,not done,,node h01-r01-k1-n2 has no hold to lift");
    runs("mw get nodes -l 'holds>0' -o name" SOCKET "| wc -l", 0, "0\n");
    runs("mw drain nobody -r test 2>&1" SOCKET, 3, "no such nodes");
    runs("mw return h01-r01-k2-n1 -r test -o csv" SOCKET, 5, "no hold to lift");
}

static void waiting_ends_when_it_is_so_or_in_time(void **state)
{
    (void)state;
    runs("mw wait node h01-r01-k8-n4 --for gpus=8 --timeout 5s" SOCKET, 0, NULL);
    runs("mw wait node 'h01-r01-k8-n[3-4]' --for gpus=9 --timeout 1s 2>&1" SOCKET, 7,
         "2 of 2 not yet in time: h01-r01-k8-n[3-4]");
    runs("mw wait node h01-r01-k8-n4 --for 'gpsu=8' 2>&1" SOCKET, 2, "gpus");
    runs("mw wait node h01-r01-k8-n4,TYPO --for gpus=8 --timeout 200s 2>&1" SOCKET, 3,
         "not among the nodes: TYPO\n");
    runs("mw wait node h01-r01-k8-n4 --for health=repairin 2>&1" SOCKET, 2, "\"repairing\"?");
}

/* ---- watching ------------------------------------------------------------------------------- */

static void a_list_that_is_watched_prints_what_changed(void **state)
{
    (void)state;
    runs("(mw get nodes -w --for 5s -o ndjson --columns name,holds" SOCKET ">watched) & sleep 1; "
         "mw cordon h01-r01-k3-n3 -r test -y" SOCKET ">/dev/null; wait; "
         "mw return h01-r01-k3-n3 -r test -y" SOCKET ">/dev/null; cat watched", 0,
         "{\"change\":\"changed\",\"row\":{\"name\":\"h01-r01-k3-n3\",\"holds\":1}}");
    runs("grep -c '\"change\":\"\"' watched", 0, "32\n");
}

static void events_are_told_as_sentences_from_where_one_left(void **state)
{
    (void)state;
    runs("mw watch --after 1 --for 1s" SOCKET "| head -3", 0, "  6  job 1, attempt 1: runs\n");
    runs("mw watch --after 1 --kind job.submitted --for 1s -o ndjson" SOCKET "| head -1", 0,
         "\"kind\":\"job.submitted\"");
    runs("mw watch --after 1 --kind job.submitted --for 1s -o ndjson" SOCKET "| "
         "grep -vc job.submitted", 1, "0\n");
}

/* ---- contexts and access --------------------------------------------------------------------- */

/* A token of a role, in a file of its own. */
static void make_token(const char *role, const char *file)
{
    json_t *o = post("/api/v1/tokens", json_pack("{s:s, s:[s]}", "name", role, "roles", role));
    const char *token = json_string_value(json_object_get(o, "token"));
    assert_non_null(token);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, token, strlen(token)), strlen(token));
    assert_int_equal(close(fd), 0);
    json_decref(o);
}

static void a_context_with_a_token_is_asked_like_a_socket_and_may_what_its_role_may(void **state)
{
    (void)state;
    make_token("viewer", "viewer.token");
    make_token("operator", "operator.token");
    runs("url=$(sed -n 's|.*open \\(http://[0-9.:]*\\)/.*|\\1|p' log); "
         "mw context add seer --url $url --token-file viewer.token && "
         "mw context add doer --url $url --token-file operator.token --no-use && "
         "mw context add nobody --url $url && mw context list", 0, "seer");
    runs("mw get nodes -o name | wc -l", 0, "32\n"); /* the first context is used */
    runs("MW_CONTEXT=doer mw get nodes -o name | wc -l", 0, "32\n");
    runs("mw get nodes --context nobody 2>&1", 4, "");
    runs("mw cordon h01-r01-k1-n1 -r test -y --context seer 2>&1", 4, "");
    runs("mw cordon h01-r01-k1-n1 -r test -y --context doer && "
         "mw return h01-r01-k1-n1 -r test -y --context doer", 0, "done");
    runs("mw status --context seer", 0, "hgx-h100-256");
    runs("mw incidents --context seer --json", 0, "\"rows\"");
    runs("job=$(mw get jobs -o name | head -1); mw why $job | head -1", 0, "job ");
    runs("chmod 644 viewer.token; mw get nodes 2>&1", 4, "chmod 600");
    runs("chmod 600 viewer.token; mw doctor", 0, "ok     access");
    runs("mw get nodes --context esat 2>&1", 3, "there is no context \"esat\"");
    runs("mw context use --none", 0, "");
}

static void completion_offers_the_names_of_live_nodes(void **state)
{
    (void)state;
    runs("mw completion bash >script; mkdir -p bin; ln -sf \"$MW\" bin/mw; PATH=$PWD/bin:$PATH; "
         "source ./script; COMP_WORDS=(mw drain --socket mw.sock h01-r01-k1-); COMP_CWORD=4; _mw; "
         "echo \"${COMPREPLY[@]}\"", 0,
         "h01-r01-k1-n1 h01-r01-k1-n2 h01-r01-k1-n3 h01-r01-k1-n4\n");
    runs("PATH=$PWD/bin:$PATH; source ./script; COMP_WORDS=(mw get --socket mw.sock halls ''); "
         "COMP_CWORD=5; _mw; echo \"${COMPREPLY[@]}\"", 0, "h01\n");
    runs("PATH=$PWD/bin:$PATH; source ./script; COMP_WORDS=(mw drain --socket none h0); "
         "COMP_CWORD=4; _mw; echo \"[${COMPREPLY[@]}]\"", 0, "[]\n");
}

/* ---- doctor, bundle -------------------------------------------------------------------------- */

static void leave_socket(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(close(fd), 0);
}

static void the_doctor_names_what_is_wrong_and_ends_with_10(void **state)
{
    (void)state;
    runs("mw doctor" SOCKET, 0, "ok     version");
    runs("mw doctor --socket nobody.sock", 10, "fail   daemon");
    runs("mw doctor --socket nobody.sock | grep -c ^fail", 0, "1\n");
    leave_socket("left.sock");
    runs("chmod 600 left.sock; mw doctor --socket left.sock | grep -c -e '^ok *socket' -e ^fail "
         "-e '^warn *socket *left.sock is left over'", 0, "2\n");
    runs("chmod 666 mw.sock; mw doctor" SOCKET, 10, "whoever opens it is an admin");
    runs("chmod 600 mw.sock; mw doctor --json" SOCKET, 0, "\"state\": \"ok\"");
}

static void a_bundle_has_everything_and_no_secret(void **state)
{
    (void)state;
    make_token("auditor", "planted.token");
    runs("t=$(cat planted.token); mw cordon h01-r01-k2-n2 -r \"password=hunter2 $t\" -y" SOCKET
         "&& mw return h01-r01-k2-n2 -r 'Bearer abcdef123' -y" SOCKET, 0, NULL);
    runs("mw support-bundle b.tar.gz" SOCKET "2>&1", 0, "secrets were taken out");
    runs("stat -c %a b.tar.gz; tar -tzf b.tar.gz", 0, "600\n");
    runs("tar -tzf b.tar.gz | sort | tr '\\n' ' '", 0,
         "mw-support/budget.json mw-support/contexts.json mw-support/doctor.txt "
         "mw-support/events.json mw-support/health.json mw-support/incidents.json "
         "mw-support/machine.txt mw-support/metrics.txt mw-support/orders.json "
         "mw-support/replay.json mw-support/status.json mw-support/summary.json "
         "mw-support/version.json");
    runs("tar -xzf b.tar.gz && grep -rl -e hunter2 -e abcdef123 -e \"$(cat planted.token)\" "
         "mw-support; grep -l redacted mw-support/events.json", 0, "events.json");
    runs("test $(tar -xzOf b.tar.gz mw-support/events.json | grep -c '\"seq\"') -gt 500", 0, NULL);
    runs("mw support-bundle b.tar.gz" SOCKET "2>&1", 5, "--force");
    runs("mw support-bundle none/b.tar.gz" SOCKET "2>&1", 3, "none/b.tar.gz");
    runs("mw support-bundle c.tar.gz --socket nobody.sock 2>&1 && "
         "tar -tzf c.tar.gz | grep -c .", 0, "no daemon answers");
}

/* ---- top ------------------------------------------------------------------------------------ */

static void one_picture_of_the_site_needs_no_terminal(void **state)
{
    (void)state;
    runs("mw top -1" SOCKET, 0, "goodput ");
    runs("mw top -1 --list jobs" SOCKET, 0, "AT STAKE");
    runs("mw top -1 -l 'nothing-like-it'" SOCKET, 0, "nothing passes the filter");
    runs("mw top" SOCKET "</dev/null 2>&1", 2, "mw top -1");
}

struct terminal {
    int fd;
    pid_t pid;
    struct termios before;
    char seen[1 << 18];
    size_t size;
};

static void run_top(const char *option)
{
    const char *mw = getenv("MW");
    (void)setenv("TERM", "xterm-256color", 1);
    (void)execl(mw, mw, "top", "--socket", "mw.sock", "-i", "200ms", option, (char *)NULL);
    _exit(99);
}

/* What a shell is for Ctrl-Z: the parent of a job in the foreground, which
 * lets it go on when it stopped.  Ends as the job ends. */
static void run_shell(const char *option)
{
    int status = 0;
    (void)signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        (void)setpgid(0, 0);
        (void)tcsetpgrp(0, getpid());
        (void)signal(SIGTTOU, SIG_DFL);
        run_top(option);
    }
    (void)setpgid(job, job);
    while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
        (void)usleep(200000);
        (void)tcsetpgrp(0, job);
        (void)kill(job, SIGCONT);
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static void begin_top(struct terminal *t, const char *option, bool shell_too)
{
    struct winsize w = { .ws_row = 30, .ws_col = 100 };
    memset(t, 0, sizeof(*t));
    t->pid = forkpty(&t->fd, NULL, NULL, &w);
    assert_true(t->pid >= 0);
    if (t->pid == 0 && shell_too)
        run_shell(option);
    if (t->pid == 0)
        run_top(option);
    assert_int_equal(tcgetattr(t->fd, &t->before), 0);
}

static void keys(struct terminal *t, const char *s)
{
    assert_int_equal(write(t->fd, s, strlen(s)), strlen(s));
}

/* Only what changed on the screen is drawn; in a window of another size all of it is. */
static void resize(struct terminal *t, int turn)
{
    const struct winsize w = { .ws_row = turn % 2 ? 30 : 24, .ws_col = 100 };
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &w), 0);
}

/* Reads until the words were on the screen since the last call; again and again types a key (""
 * = none, "size" = another size of the window). */
static void until_with(struct terminal *t, const char *words, const char *again)
{
    size_t from = t->size;
    for (int i = 0; i < 200; i++) {
        struct pollfd p = { .fd = t->fd, .events = POLLIN };
        if (i % 5 == 4 && strcmp(again, "size") == 0)
            resize(t, i / 5);
        else if (i % 5 == 4)
            keys(t, again);
        if (poll(&p, 1, 100) == 1) {
            ssize_t n = read(t->fd, t->seen + t->size, sizeof(t->seen) - 1 - t->size);
            t->size += n > 0 ? (size_t)n : 0;
        }
        t->seen[t->size] = '\0';
        if (strstr(t->seen + from, words) != NULL)
            return;
    }
    fail_msg("\"%s\" was not shown but:\n%s", words, t->seen + from);
}

static void until(struct terminal *t, const char *words)
{
    until_with(t, words, "");
}

/* Whatever ends it (a key that is typed until it does, "" = none): the screen is left and lines are
 * echoed again. */
static int end_top(struct terminal *t, const char *key)
{
    struct termios now;
    int status = 0;
    until_with(t, "\x1b[?1049l", key);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    assert_int_equal(tcgetattr(t->fd, &now), 0);
    assert_int_equal(now.c_lflag & (ICANON | ECHO | ISIG), t->before.c_lflag &
                                                               (ICANON | ECHO | ISIG));
    assert_int_equal(now.c_oflag, t->before.c_oflag);
    (void)close(t->fd);
    return status;
}

static void the_terminal_is_given_back_however_top_ends(void **state)
{
    struct terminal t;
    (void)state;
    begin_top(&t, "--read-only", false);
    until(&t, "h01-r01-k1-n1");
    int status = end_top(&t, "q");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    begin_top(&t, "--read-only", false);
    until(&t, "h01-r01-k1-n1");
    (void)end_top(&t, "\x03"); /* Ctrl-C */
    begin_top(&t, "--read-only", false);
    until(&t, "h01-r01-k1-n1");
    assert_int_equal(kill(t.pid, SIGTERM), 0);
    (void)end_top(&t, "");
    begin_top(&t, "--read-only", false);
    until(&t, "h01-r01-k1-n1");
    assert_int_equal(kill(t.pid, SIGABRT), 0); /* as a broken must() does */
    status = end_top(&t, "");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_node_is_cordoned_and_returned_from_the_list(void **state)
{
    struct terminal t;
    (void)state;
    begin_top(&t, "--no-color", false);
    until(&t, "h01-r01-k1-n1");
    keys(&t, "/k5-n2\r");
    until_with(&t, "h01-r01-k5-n2  ", "size");
    keys(&t, "cfan noise\r");
    until(&t, "Type 1 to go on");
    keys(&t, "1\r");
    until(&t, "done to 1 node");
    runs("mw get node h01-r01-k5-n2 -o csv --columns holds --no-headers" SOCKET, 0, "1");
    keys(&t, "d");
    until(&t, "fan noise");
    keys(&t, "qufan replaced\r");
    until(&t, "Type 1 to go on");
    keys(&t, "1\r");
    until(&t, "done to 1 node");
    runs("mw get node h01-r01-k5-n2 -o csv --columns holds --no-headers" SOCKET, 0, "0");
    (void)end_top(&t, "q");
}

static void top_stopped_by_ctrl_z_goes_on_where_it_was(void **state)
{
    struct terminal t;
    (void)state;
    begin_top(&t, "--read-only", true);
    until(&t, "h01-r01-k1-n1");
    /* ncurses does not hear it while it draws */
    until_with(&t, "\x1b[?1049l", "\x1a"); /* Ctrl-Z */
    until_with(&t, "h01-r01-k1-n1", "size");
    int status = end_top(&t, "q");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
    char scratch[] = "/tmp/mw-daemon-XXXXXX", path[4096], scenario[4096], line[128], out[256];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_come_in_every_form),
        cmocka_unit_test(every_resource_can_be_listed),
        cmocka_unit_test(what_is_asked_for_wrongly_is_a_usage_error_with_what_may_be_meant),
        cmocka_unit_test(names_are_host_lists_and_those_not_there_are_named),
        cmocka_unit_test(pages_are_followed_to_the_end),
        cmocka_unit_test(the_daemon_tells_what_its_record_tells),
        cmocka_unit_test(a_drain_says_what_it_breaks_and_asks_before_it_does),
        cmocka_unit_test(a_cordon_stops_nothing_and_says_so),
        cmocka_unit_test(the_number_of_nodes_that_is_typed_lets_it_go_on),
        cmocka_unit_test(what_became_of_each_node_is_listed),
        cmocka_unit_test(waiting_ends_when_it_is_so_or_in_time),
        cmocka_unit_test(a_list_that_is_watched_prints_what_changed),
        cmocka_unit_test(events_are_told_as_sentences_from_where_one_left),
        cmocka_unit_test(completion_offers_the_names_of_live_nodes),
        cmocka_unit_test(the_doctor_names_what_is_wrong_and_ends_with_10),
        cmocka_unit_test(a_bundle_has_everything_and_no_secret),
        cmocka_unit_test(one_picture_of_the_site_needs_no_terminal),
        cmocka_unit_test(the_terminal_is_given_back_however_top_ends),
        cmocka_unit_test(a_node_is_cordoned_and_returned_from_the_list),
        cmocka_unit_test(top_stopped_by_ctrl_z_goes_on_where_it_was),
        cmocka_unit_test(
            a_context_with_a_token_is_asked_like_a_socket_and_may_what_its_role_may),
    };
    if (argc < 3 || realpath(argv[1], path) == NULL || realpath(argv[2], scenario) == NULL ||
        setenv("MW", path, 1) != 0 || setenv("SCENARIO", scenario, 1) != 0 ||
        mkdtemp(scratch) == NULL || chdir(scratch) != 0 ||
        setenv("XDG_CONFIG_HOME", scratch, 1) != 0 || setenv("XDG_RUNTIME_DIR", scratch, 1) != 0 ||
        unsetenv("MW_CONTEXT") != 0) {
        (void)fprintf(stderr, "usage: %s MW SCENARIO\n", argv[0]);
        return 2;
    }
    int failed = cmocka_run_group_tests(tests, start, stop);
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", scratch);
    return failed + (chdir("/") != 0 || shell(line, out, sizeof(out)) != 0);
}
