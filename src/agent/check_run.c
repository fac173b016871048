/* Order, children, their pipe, deadlines. */
#include "agent/check_run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/check.h"

#define SPECS_MAX 64
#define GRACE_MS 300 /* between a check's deadline and its end from outside */

enum message_kind { MESSAGE_BEGIN, MESSAGE_ROW, MESSAGE_END };

/* Written whole: under PIPE_BUF, so that none is ever cut or mixed. */
struct message {
    uint32_t kind, index;
    struct check_row row;
};
_Static_assert(sizeof(struct message) < 4096, "a message is written whole");

struct plan {
    uint32_t spec[SPECS_MAX]; /* indices into check_table[] */
    bool required[SPECS_MAX];
    uint32_t count;
};

struct running {
    const struct check_run *r;
    struct check_rows *rows;
    const struct plan *plan;
    int64_t end_ms;  /* of the budget */
    int64_t due_ms;  /* of the check that runs */
    uint32_t next;   /* of the plan: what has not begun */
    bool within;     /* plan->spec[next - 1] has begun and not ended */
    pid_t pid;
    int in;
};

/* ---- the order ----------------------------------------------------------------------------- */

static bool word_in(const char *list, const char *word, const char *between)
{
    size_t n = strlen(word);
    for (const char *at = list; n > 0 && (at = strstr(at, word)) != NULL; at += n)
        if ((at == list || strchr(between, at[-1]) != NULL) &&
            (at[n] == '\0' || strchr(between, at[n]) != NULL))
            return true;
    return false;
}

static bool asked_for(const struct check_options *o, const struct check_spec *s)
{
    if (o->only != NULL)
        return word_in(o->only, s->name, ",");
    bool of_class = s->level <= o->class_level && word_in(s->classes, o->class, " ");
    return s->level <= o->level || of_class;
}

/* More worth per millisecond first; what the class stands on before all. */
static bool goes_before(const struct plan *p, uint32_t a, uint32_t b)
{
    const struct check_spec *x = &check_table[p->spec[a]], *y = &check_table[p->spec[b]];
    if (p->required[a] != p->required[b])
        return p->required[a];
    uint64_t left = (uint64_t)x->worth * y->cost_ms, right = (uint64_t)y->worth * x->cost_ms;
    return left != right ? left > right : p->spec[a] < p->spec[b];
}

static void make_plan(const struct check_options *o, struct plan *p)
{
    for (uint32_t i = 0; check_table[i].name != NULL && p->count < SPECS_MAX; i++) {
        if (!asked_for(o, &check_table[i]))
            continue;
        uint32_t at = p->count++;
        p->spec[at] = i;
        p->required[at] = word_in(check_table[i].classes, o->class, " ") || o->only != NULL;
        for (; at > 0 && goes_before(p, at, at - 1); at--) {
            uint32_t spec = p->spec[at];
            bool required = p->required[at];
            p->spec[at] = p->spec[at - 1];
            p->required[at] = p->required[at - 1];
            p->spec[at - 1] = spec;
            p->required[at - 1] = required;
        }
    }
}

/* ---- the child ----------------------------------------------------------------------------- */

static void send(int fd, uint32_t kind, uint32_t index, const struct check_row *row)
{
    struct message m = { .kind = kind, .index = index };
    if (row != NULL)
        m.row = *row;
    while (write(fd, &m, sizeof(m)) < 0)
        if (errno != EINTR)
            _exit(1);
}

static void say_row(struct check_ctx *c, struct check_row *r)
{
    int64_t now = check_clock_ms();
    if (c->note[0] != '\0')
        (void)snprintf(r->text, sizeof(r->text), "%s", c->note);
    c->note[0] = '\0';
    r->took_ms = (uint32_t)(now - c->last_ms);
    c->last_ms = now;
    r->level = c->spec->level;
    r->required = c->required;
    send(c->out, MESSAGE_ROW, c->index, r);
}

static void name_row(struct check_row *r, const char *name, const char *part)
{
    (void)snprintf(r->name, sizeof(r->name), "%s", name);
    (void)snprintf(r->part, sizeof(r->part), "%s", part);
}

void check_figure(struct check_ctx *c, const char *name, const char *part, const char *unit,
                  double value)
{
    struct check_row r = { .value = value };
    name_row(&r, name, part);
    (void)snprintf(r.unit, sizeof(r.unit), "%s", unit);
    expect_judge(c->expect, &r);
    fleet_judge(c->fleet, &r);
    say_row(c, &r);
}

void check_word(struct check_ctx *c, const char *name, const char *part, const char *word)
{
    struct check_row r = { .value = NAN };
    name_row(&r, name, part);
    (void)snprintf(r.word, sizeof(r.word), "%.63s", word[0] != '\0' ? word : "(empty)");
    expect_judge(c->expect, &r);
    say_row(c, &r);
}

void check_say(struct check_ctx *c, enum verdict v, const char *name, const char *part,
               const char *fmt, ...)
{
    struct check_row r = { .value = NAN, .verdict = (uint8_t)v };
    va_list args;
    name_row(&r, name, part);
    va_start(args, fmt);
    (void)vsnprintf(r.text, sizeof(r.text), fmt, args);
    va_end(args);
    say_row(c, &r);
}

void check_note(struct check_ctx *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(c->note, sizeof(c->note), fmt, args);
    va_end(args);
}

static void prepare_child(void)
{
    (void)setpgid(0, 0); /* it is ended with what it starts */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) { /* vendors' libraries print */
        (void)dup2(null, STDIN_FILENO);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
    }
}

static _Noreturn void child(const struct running *g, int out)
{
    struct check_ctx c = { .o = g->r->o, .expect = g->r->expect, .fleet = g->r->fleet, .out = out };
    prepare_child();
    struct check_kept *none = NULL;
    c.kept = none;
    for (uint32_t i = g->next; i < g->plan->count; i++) {
        c.spec = &check_table[g->plan->spec[i]];
        c.index = g->plan->spec[i];
        c.required = g->plan->required[i];
        c.last_ms = check_clock_ms();
        if (c.last_ms + c.spec->cost_ms / 4 > g->end_ms)
            continue; /* no time for it; one that costs less may fit */
        c.deadline_ms = MW_MIN(c.last_ms + c.spec->deadline_ms, g->end_ms);
        send(out, MESSAGE_BEGIN, i, NULL);
        c.spec->run(&c);
        send(out, MESSAGE_END, i, NULL);
    }
    check_kept_free(c.kept);
    _exit(0);
}

/* ---- the parent ---------------------------------------------------------------------------- */

static void keep(struct running *g, const struct check_row *row)
{
    struct check_rows *rows = g->rows;
    if (rows->count == CHECK_ROWS_MAX) {
        rows->lost++;
        return;
    }
    struct check_row *r = &rows->row[rows->count++];
    *r = *row;
    r->name[sizeof(r->name) - 1] = r->part[sizeof(r->part) - 1] = '\0';
    r->unit[sizeof(r->unit) - 1] = r->word[sizeof(r->word) - 1] = '\0';
    r->expect[sizeof(r->expect) - 1] = r->from[sizeof(r->from) - 1] = '\0';
    r->text[sizeof(r->text) - 1] = '\0';
}

static void keep_verdict(struct running *g, uint32_t at, enum verdict v, const char *text)
{
    const struct check_spec *s = &check_table[g->plan->spec[at]];
    struct check_row r = { .value = NAN, .level = s->level, .verdict = (uint8_t)v,
                           .required = g->plan->required[at] };
    name_row(&r, s->name, "");
    (void)snprintf(r.text, sizeof(r.text), "%s", text);
    keep(g, &r);
}

static void skip_to(struct running *g, uint32_t at)
{
    for (; g->next < at; g->next++)
        keep_verdict(g, g->next, VERDICT_NOT_RUN, "no time left in the budget");
}

static void take_message(struct running *g, const struct message *m)
{
    if (m->kind == MESSAGE_ROW) {
        keep(g, &m->row);
    } else if (m->kind == MESSAGE_BEGIN && m->index < g->plan->count && m->index >= g->next) {
        skip_to(g, m->index);
        g->next = m->index + 1;
        g->within = true;
        g->due_ms = check_clock_ms() + check_table[g->plan->spec[m->index]].deadline_ms;
        g->due_ms = MW_MIN(g->due_ms, g->end_ms);
    } else if (m->kind == MESSAGE_END) {
        g->within = false;
    }
}

/* A check that hung: what it asked does not answer, which is a fault on the levels of health. */
static void say_hung(struct running *g)
{
    const struct check_spec *s = &check_table[g->plan->spec[g->next - 1]];
    char text[128];
    bool cut_by_budget = g->due_ms >= g->end_ms;
    (void)snprintf(text, sizeof(text), "no answer%s: ended from outside",
                   cut_by_budget ? " within the budget" : " by its deadline");
    keep_verdict(g, g->next - 1,
                 cut_by_budget || s->level > 2 ? VERDICT_UNKNOWN : VERDICT_FAIL, text);
}

static void end_child(struct running *g, bool hung)
{
    int status = 0;
    (void)kill(-g->pid, SIGKILL);
    (void)kill(g->pid, SIGKILL);
    for (uint32_t i = 0; i < 100; i++) { /* a second: what hangs in the kernel never goes */
        if (waitpid(g->pid, &status, WNOHANG) != 0)
            break;
        (void)poll(NULL, 0, 10);
    }
    (void)close(g->in);
    if (g->within && hung)
        say_hung(g);
    else if (g->within)
        keep_verdict(g, g->next - 1, VERDICT_UNKNOWN, "the check itself ended badly");
    g->within = false;
}

static int start_child(struct running *g, struct mw_error *err)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0)
        return mw_fail(err, MW_EIO, "no pipe: %s", strerror(errno));
    g->pid = fork();
    if (g->pid == 0) {
        (void)close(fd[0]);
        child(g, fd[1]);
    }
    (void)close(fd[1]);
    g->in = fd[0];
    if (g->pid > 0) {
        (void)setpgid(g->pid, g->pid);
        return 0;
    }
    (void)close(fd[0]);
    return mw_fail(err, MW_EIO, "no process: %s", strerror(errno));
}

/* Reads one child to its end or to a deadline. */
static void follow_child(struct running *g)
{
    struct message m;
    for (;;) {
        int64_t due = (g->within ? g->due_ms : g->end_ms) + GRACE_MS;
        int64_t left = due - check_clock_ms();
        struct pollfd p = { .fd = g->in, .events = POLLIN };
        int n = poll(&p, 1, left > 0 ? (int)MW_MIN(left, 60000) : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 && check_clock_ms() >= due) {
            end_child(g, true);
            return;
        }
        if (n == 0)
            continue;
        ssize_t got = read(g->in, &m, sizeof(m));
        if (got != (ssize_t)sizeof(m)) {
            end_child(g, false);
            return;
        }
        take_message(g, &m);
    }
}

int check_run_all(const struct check_run *r, struct check_rows *rows, struct mw_error *err)
{
    struct plan plan = { .count = 0 };
    struct running g = { .r = r, .rows = rows, .plan = &plan, .pid = -1, .in = -1 };
    int rc = 0;
    must(r->o != NULL && rows->row != NULL);
    make_plan(r->o, &plan);
    g.end_ms = check_clock_ms() + r->o->budget_ms;
    while (rc == 0 && g.next < plan.count) {
        uint32_t before = g.next;
        rc = start_child(&g, err);
        if (rc == 0)
            follow_child(&g);
        if (g.next == before) /* it began nothing: nothing that is left fits */
            skip_to(&g, plan.count);
    }
    return rc;
}

int check_run_exit(const struct check_rows *rows)
{
    uint32_t judged = 0, unknown = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct check_row *r = &rows->row[i];
        if (r->verdict == VERDICT_FAIL)
            return CHECK_FAILED;
        unknown += r->verdict == VERDICT_UNKNOWN ||
                   (r->required && r->verdict == VERDICT_NOT_RUN);
        judged += r->verdict == VERDICT_PASS;
    }
    return unknown > 0 || judged == 0 ? CHECK_EXIT_UNKNOWN : CHECK_WELL;
}
