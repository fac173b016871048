/* The state machine of one request after the other. */
#include "agent/exec_act.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/parse.h"
#include "core/event.h"

#define CHECK_WELL 0    /* exit status of a check: agent/check.h */
#define CHECK_FAILED 10

/* ---- answers ------------------------------------------------------------------------------- */

/* What a command wrote goes into records and pages: nothing but what can be printed. */
static void make_plain(char *text)
{
    for (char *s = text; *s != '\0'; s++)
        if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
            *s = *s == '\n' || *s == '\t' ? ' ' : '?';
}

static void answer_acted(struct exec_acts *a, uint64_t id, uint8_t result, const char *text)
{
    struct agent_frame f = { .verb = AGENT_ACTED, .n = id, .result = result, .gpu = -1 };
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    make_plain(f.text);
    a->answer(a->ctx, &f);
}

static void answer_checked(struct exec_acts *a, const struct exec_request *q, uint8_t result,
                           const char *text)
{
    a->check = (struct agent_frame){ .verb = AGENT_CHECKED, .n = q->id, .result = result,
                                     .level = q->level, .gpu = -1 };
    (void)snprintf(a->check.name, sizeof(a->check.name), "%s", q->name);
    (void)snprintf(a->check.text, sizeof(a->check.text), "%s", text);
    make_plain(a->check.text);
    a->answer(a->ctx, &a->check);
}

/* It was not begun, and it is recorded that it was asked: an older one comes too late. */
static void refuse(struct exec_acts *a, const struct exec_request *q, uint8_t result,
                   int64_t wall_ms, const char *text)
{
    struct exec_record r = { .id = q->id, .wall_ms = wall_ms, .action = q->action,
                             .result = result };
    if (q->action == EXEC_CHECK) {
        answer_checked(a, q, RESULT_UNKNOWN, text);
        return;
    }
    (void)snprintf(r.target, sizeof(r.target), "%s", q->target);
    (void)snprintf(r.text, sizeof(r.text), "%s", text);
    (void)!exec_store_end(a->store, &r, NULL); /* nothing was done: it may be asked again */
    answer_acted(a, q->id, result, r.text);
}

/* What is being done is over. */
static void finish(struct exec_acts *a, uint8_t result, const char *text)
{
    struct exec_record *r = &a->record;
    struct mw_error why = { 0 };
    a->phase = EXEC_IDLE;
    if (a->now.action == EXEC_CHECK) {
        answer_checked(a, &a->now, result, text);
        return;
    }
    r->result = result;
    (void)snprintf(r->text, sizeof(r->text), "%s", text);
    if (exec_store_end(a->store, r, &why) < 0) /* after a crash it is read back once more */
        (void)fprintf(stderr, "mw-agent exec: %s\n", why.text);
    answer_acted(a, r->id, result, r->text);
}

/* ---- running ------------------------------------------------------------------------------- */

static struct exec_values values_of(const struct exec_request *q)
{
    struct exec_values v = { .gpu = q->gpu, .level = q->level };
    if (q->action == EXEC_RESET_GPU)
        v.pci = exec_is_pci(q->name) ? q->name : NULL;
    else if (q->action == EXEC_RESTART_SERVICE)
        v.unit = q->name;
    else if (q->action == EXEC_CHECK)
        v.class = q->name;
    return v;
}

static int start(struct exec_acts *a, const struct exec_command *c, int64_t due_ms,
                 struct mw_error *err)
{
    struct exec_argv argv;
    struct exec_values v = values_of(&a->now);
    bool check = a->now.action == EXEC_CHECK;
    int rc = exec_command_fill(c, &v, &argv, err);
    if (rc == 0)
        rc = exec_run_start(&a->run, &argv, due_ms, check ? "MW_CHECK_CLASS" : NULL, a->now.name,
                            err);
    return rc;
}

static const struct exec_rule *rule_of(const struct exec_acts *a)
{
    return &a->policy->rule[a->now.action];
}

/* Reads back, or says that it cannot. */
static void verify(struct exec_acts *a, int64_t now_ms)
{
    char text[EXEC_TEXT_MAX];
    struct mw_error why;
    a->phase = EXEC_VERIFY;
    if (start(a, &rule_of(a)->verify, now_ms + EXEC_VERIFY_RUN_MS, &why) == 0)
        return;
    (void)snprintf(text, sizeof(text), "begun; it cannot be read back: %.200s", why.text);
    finish(a, RESULT_UNKNOWN, text);
}

static void verify_begin(struct exec_acts *a, int64_t now_ms)
{
    a->verify_due_ms = now_ms + rule_of(a)->verify_within_ms;
    verify(a, now_ms);
}

static void command_begin(struct exec_acts *a, int64_t now_ms)
{
    struct mw_error why = { 0 };
    char text[EXEC_TEXT_MAX];
    const struct exec_rule *rule = rule_of(a);
    int64_t deadline_ms = rule->deadline_ms;
    if (a->now.action == EXEC_CHECK)
        deadline_ms = MW_MIN(deadline_ms, a->now.deadline_ms);
    a->phase = EXEC_COMMAND;
    if (start(a, &rule->command, now_ms + deadline_ms, &why) == 0)
        return;
    (void)snprintf(text, sizeof(text), "not done: %.200s", why.text);
    finish(a, a->now.action == EXEC_CHECK ? RESULT_UNKNOWN : RESULT_FAILED, text);
}

/* ---- before -------------------------------------------------------------------------------- */

/* Why it is not begun; NULL = it is.  Once when it is taken, once when it is its turn. */
static const char *obstacle(const struct exec_acts *a, const struct exec_request *q,
                            int64_t now_ms, int64_t wall_ms)
{
    const struct exec_rule *rule = &a->policy->rule[q->action];
    if (!rule->allow)
        return "refused: the executor's policy does not allow it";
    if (q->action != EXEC_CHECK && now_ms > q->lease_due_ms)
        return "not begun: its lease is over";
    if (exec_store_begun_since(a->store, (enum exec_action)q->action, wall_ms - rule->per_ms) >=
        rule->most)
        return "refused: the executor's policy allows it no more often";
    return a->ending ? "not begun: the executor is ending" : NULL;
}

/* It is durable that it begins; then it does. */
static void begin(struct exec_acts *a, int64_t now_ms, int64_t wall_ms)
{
    struct mw_error why = { 0 };
    char text[EXEC_TEXT_MAX];
    const char *no = obstacle(a, &a->now, now_ms, wall_ms); /* what is there may have taken time */
    struct exec_record *r = &a->record;
    if (no != NULL) {
        a->phase = EXEC_IDLE;
        refuse(a, &a->now, RESULT_FAILED, wall_ms, no);
        return;
    }
    if (a->now.action == EXEC_CHECK) {
        exec_store_count(a->store, EXEC_CHECK, wall_ms);
        command_begin(a, now_ms);
        return;
    }
    r->wall_ms = wall_ms;
    if (a->now.action == EXEC_RESET_GPU) /* what it takes to read it back after a crash */
        (void)snprintf(r->before, sizeof(r->before), "%.40s",
                       exec_is_pci(a->now.name) ? a->now.name : "");
    if (exec_store_begin(a->store, r, &why) < 0) {
        (void)snprintf(text, sizeof(text), "not begun: %.200s", why.text);
        a->phase = EXEC_IDLE;
        answer_acted(a, r->id, RESULT_FAILED, text);
        return;
    }
    command_begin(a, now_ms);
}

static void begin_or_look(struct exec_acts *a, int64_t now_ms, int64_t wall_ms)
{
    struct mw_error why = { 0 };
    if (a->now.action != EXEC_RESTART_SERVICE) {
        begin(a, now_ms, wall_ms);
        return;
    }
    a->phase = EXEC_BEFORE;
    if (start(a, &rule_of(a)->verify, now_ms + EXEC_VERIFY_RUN_MS, &why) == 0)
        return;
    a->phase = EXEC_IDLE;
    refuse(a, &a->now, RESULT_FAILED, wall_ms, "not begun: the unit's state cannot be read");
}

/* Begun before we started: never again, only looked at. */
static void look_again(struct exec_acts *a, int64_t now_ms)
{
    const struct exec_record *known = exec_store_find(a->store, a->now.id);
    char text[EXEC_TEXT_MAX];
    must(known != NULL && known->result == 0);
    a->record = *known;
    if (a->now.action != EXEC_REBOOT) {
        if (rule_of(a)->verify.words > 0)
            verify_begin(a, now_ms);
        else
            finish(a, RESULT_UNKNOWN, "begun before the executor was restarted; the policy says "
                                      "no way to read back what it did");
        return;
    }
    if (strcmp(known->boot, a->boot) == 0) {
        a->phase = EXEC_BOOT;
        a->due_ms = now_ms + rule_of(a)->verify_within_ms;
        return;
    }
    (void)snprintf(text, sizeof(text), "rebooted: boot %s, before it %s", a->boot, known->boot);
    finish(a, RESULT_OK, text);
}

static void next(struct exec_acts *a, int64_t now_ms, int64_t wall_ms)
{
    a->now = a->queue[0];
    a->queued--;
    memmove(&a->queue[0], &a->queue[1], a->queued * sizeof(a->queue[0]));
    a->record = (struct exec_record){ .id = a->now.id, .action = a->now.action };
    (void)snprintf(a->record.target, sizeof(a->record.target), "%s", a->now.target);
    (void)snprintf(a->record.boot, sizeof(a->record.boot), "%s", a->boot);
    if (a->now.again) {
        look_again(a, now_ms);
        return;
    }
    const char *no = obstacle(a, &a->now, now_ms, wall_ms);
    if (no != NULL)
        refuse(a, &a->now, RESULT_FAILED, wall_ms, no);
    else
        begin_or_look(a, now_ms, wall_ms);
}

/* ---- what a run said ----------------------------------------------------------------------- */

/* The value of "key=" at the beginning of a line; "" when there is none. */
static void value_in(const char *text, const char *key, char *to, size_t size)
{
    size_t n = strlen(key);
    to[0] = '\0';
    for (const char *s = text; s != NULL; s = strchr(s, '\n')) {
        s += *s == '\n';
        if (strncmp(s, key, n) == 0) {
            (void)snprintf(to, size, "%.*s", (int)strcspn(s + n, "\r\n"), s + n);
            return;
        }
    }
}

static void before_ended(struct exec_acts *a, int64_t now_ms, int64_t wall_ms)
{
    if (!exec_run_was_well(&a->run)) {
        a->phase = EXEC_IDLE;
        refuse(a, &a->now, RESULT_FAILED, wall_ms, "not begun: the unit's state cannot be read");
        return;
    }
    value_in(a->run.text, "InvocationID=", a->record.before, sizeof(a->record.before));
    begin(a, now_ms, wall_ms);
}

static void check_ended(struct exec_acts *a)
{
    const struct exec_run *r = &a->run;
    bool exited = !r->timed_out && WIFEXITED(r->status);
    uint8_t result = RESULT_UNKNOWN;
    char text[AGENT_TEXT_MAX];
    if (exited && WEXITSTATUS(r->status) == CHECK_WELL)
        result = RESULT_OK;
    else if (exited && WEXITSTATUS(r->status) == CHECK_FAILED)
        result = RESULT_FAILED;
    if (exited)
        (void)snprintf(text, sizeof(text), "exit %d: %.2000s", WEXITSTATUS(r->status), r->text);
    else
        exec_run_text(r, text, sizeof(text));
    finish(a, result, text);
}

static void command_ended(struct exec_acts *a, int64_t now_ms)
{
    const struct exec_rule *rule = rule_of(a);
    char said[EXEC_TEXT_MAX - 32], text[EXEC_TEXT_MAX];
    bool well = exec_run_was_well(&a->run);
    exec_run_text(&a->run, said, sizeof(said));
    (void)snprintf(text, sizeof(text), "the command: %s", said);
    (void)snprintf(a->record.text, sizeof(a->record.text), "%s", said);
    if (a->now.action == EXEC_CHECK) {
        check_ended(a);
    } else if (a->now.action == EXEC_REBOOT && (well || a->run.timed_out)) {
        a->phase = EXEC_BOOT;
        a->due_ms = now_ms + rule->verify_within_ms;
    } else if (a->now.action == EXEC_RESTART_SERVICE || (well && rule->verify.words > 0)) {
        verify_begin(a, now_ms); /* systemctl may fail or hang, and the unit be there anew */
    } else {
        finish(a, a->run.timed_out ? RESULT_UNKNOWN : well ? RESULT_OK : RESULT_FAILED, text);
    }
}

/* What the reading says of the action; 0: nothing final yet. */
static uint8_t judge(struct exec_acts *a, bool last, char *text, size_t size)
{
    char now[48], state[24], line[EXEC_TEXT_MAX / 2];
    bool well = exec_run_was_well(&a->run);
    exec_run_text(&a->run, line, sizeof(line));
    (void)snprintf(text, size, "read back: %s", line);
    if (a->now.action == EXEC_RESET_GPU)
        return well ? RESULT_OK : last ? RESULT_FAILED : 0;
    value_in(a->run.text, "InvocationID=", now, sizeof(now));
    value_in(a->run.text, "ActiveState=", state, sizeof(state));
    bool other = well && now[0] != '\0' && strcmp(now, a->record.before) != 0;
    (void)snprintf(text, size, "read back: %s, %s invocation %s", state[0] ? state : "no state",
                   other ? "a new" : "the same", now);
    if (other && strcmp(state, "active") == 0)
        return RESULT_OK;
    if (!last)
        return 0;
    if (!well)
        (void)snprintf(text, size, "it cannot be read back: %s", line);
    bool ended = strcmp(state, "failed") == 0 || strcmp(state, "inactive") == 0;
    return well && (ended || !other) ? RESULT_FAILED : RESULT_UNKNOWN;
}

static void verify_ended(struct exec_acts *a, int64_t now_ms)
{
    char text[EXEC_TEXT_MAX];
    uint8_t result = judge(a, now_ms >= a->verify_due_ms, text, sizeof(text));
    if (result != 0) {
        finish(a, result, text);
        return;
    }
    a->phase = EXEC_PAUSE;
    a->due_ms = MW_MIN(now_ms + EXEC_VERIFY_PAUSE_MS, a->verify_due_ms);
}

static void run_ended(struct exec_acts *a, int64_t now_ms, int64_t wall_ms)
{
    if (a->phase == EXEC_BEFORE)
        before_ended(a, now_ms, wall_ms);
    else if (a->phase == EXEC_COMMAND)
        command_ended(a, now_ms);
    else
        verify_ended(a, now_ms);
}

/* ---- taking -------------------------------------------------------------------------------- */

static bool is_known(const struct exec_acts *a, const struct exec_request *q)
{
    bool check = q->action == EXEC_CHECK;
    if (a->phase != EXEC_IDLE && a->now.id == q->id && (a->now.action == EXEC_CHECK) == check)
        return true;
    for (uint32_t i = 0; i < a->queued; i++)
        if (a->queue[i].id == q->id && (a->queue[i].action == EXEC_CHECK) == check)
            return true;
    return false;
}

/* What it is about; a refusal's words when there is no such thing here. */
static const char *set_target(const struct exec_acts *a, const struct agent_frame *f,
                              struct exec_request *q)
{
    const char *unit;
    (void)snprintf(q->name, sizeof(q->name), "%s", f->name);
    switch ((enum exec_action)q->action) {
    case EXEC_RESET_GPU:
        if (f->gpu < 0 || (uint32_t)f->gpu >= a->policy->gpus)
            return "refused: the policy knows no such GPU";
        (void)snprintf(q->target, sizeof(q->target), "gpu %d", f->gpu);
        return NULL;
    case EXEC_RESTART_SERVICE:
        unit = exec_policy_unit(a->policy, f->name);
        if (unit == NULL)
            return "refused: the policy does not list this unit";
        (void)snprintf(q->name, sizeof(q->name), "%s", unit);
        (void)snprintf(q->target, sizeof(q->target), "unit %.90s", unit);
        return NULL;
    case EXEC_REBOOT:
        (void)snprintf(q->target, sizeof(q->target), "node");
        return NULL;
    default:
        return NULL;
    }
}

/* In shadow mode: what would have been run. */
static bool shadowed(struct exec_acts *a, const struct exec_request *q, int64_t wall_ms)
{
    struct exec_argv argv;
    struct exec_values v = values_of(q);
    struct mw_error why = { 0 };
    char line[EXEC_TEXT_MAX - 32], text[EXEC_TEXT_MAX];
    const struct exec_rule *rule = &a->policy->rule[q->action];
    if (!rule->allow)
        return false;
    if (exec_command_fill(&rule->command, &v, &argv, &why) < 0) {
        (void)snprintf(text, sizeof(text), "refused: %.200s", why.text);
        refuse(a, q, RESULT_FAILED, wall_ms, text);
        return true;
    }
    if (a->policy->act)
        return false;
    exec_argv_text(&argv, line, sizeof(line));
    (void)snprintf(text, sizeof(text), "shadow: would have run %s", line);
    refuse(a, q, RESULT_UNKNOWN, wall_ms, text);
    return true;
}

static void enqueue(struct exec_acts *a, const struct exec_request *q, int64_t now_ms,
                    int64_t wall_ms)
{
    const char *no = obstacle(a, q, now_ms, wall_ms);
    if (no == NULL && a->queued == EXEC_QUEUE_MAX)
        no = "not begun: too much is asked at once";
    if (no != NULL) {
        refuse(a, q, RESULT_FAILED, wall_ms, no);
        return;
    }
    a->queue[a->queued++] = *q;
}

static void take_act(struct exec_acts *a, const struct agent_frame *f, struct exec_request *q,
                     int64_t now_ms, int64_t wall_ms)
{
    const struct exec_record *known = exec_store_find(a->store, q->id);
    if (known != NULL) {
        if (known->result != 0)
            answer_acted(a, q->id, known->result, known->text);
        return; /* begun: its answer comes */
    }
    q->lease_due_ms = now_ms + MW_MIN(f->lease_ms, INT64_C(86400) * 1000);
    if (f->lease_ms <= 0) /* it is only asked what became of it, and nothing did */
        q->lease_due_ms = now_ms - 1;
    if (exec_store_highest(a->store, q->target) > q->id) {
        refuse(a, q, RESULT_FAILED, wall_ms, "refused: a later one was asked for already");
        return;
    }
    if (!shadowed(a, q, wall_ms))
        enqueue(a, q, now_ms, wall_ms);
}

static void take_check(struct exec_acts *a, const struct agent_frame *f, struct exec_request *q,
                       int64_t now_ms, int64_t wall_ms)
{
    if (a->check.verb == AGENT_CHECKED && a->check.n == f->n) {
        a->answer(a->ctx, &a->check);
        return;
    }
    q->deadline_ms = MW_MAX(f->deadline_ms, 1);
    q->level = f->level > 0 ? f->level : 2; /* the fast one: what a gate asks for at least */
    if (!shadowed(a, q, wall_ms))
        enqueue(a, q, now_ms, wall_ms);
}

void exec_acts_take(struct exec_acts *a, const struct agent_frame *f, int64_t now_ms,
                    int64_t wall_ms)
{
    struct exec_request q = { .id = f->n, .gpu = f->gpu };
    must(f->verb == AGENT_ACT || f->verb == AGENT_CHECK);
    bool check = f->verb == AGENT_CHECK;
    q.action = (uint8_t)(check ? EXEC_CHECK : exec_action_find(f->action));
    if (f->n == 0)
        return;
    if (q.action == EXEC_ACTIONS || (!check && q.action == EXEC_CHECK)) {
        answer_acted(a, f->n, RESULT_FAILED, "refused: no action of an executor");
        return;
    }
    if (is_known(a, &q))
        return;
    const char *no = set_target(a, f, &q);
    if (no != NULL)
        answer_acted(a, q.id, RESULT_FAILED, no); /* nothing that there is: no target */
    else if (check)
        take_check(a, f, &q, now_ms, wall_ms);
    else
        take_act(a, f, &q, now_ms, wall_ms);
}

/* ---- public -------------------------------------------------------------------------------- */

/* A request made of what was recorded of it. */
static struct exec_request request_of(const struct exec_record *r, int64_t now_ms)
{
    struct exec_request q = { .id = r->id, .action = r->action, .gpu = -1, .again = true,
                              .lease_due_ms = now_ms };
    int64_t gpu;
    (void)snprintf(q.target, sizeof(q.target), "%s", r->target);
    if (r->action == EXEC_RESTART_SERVICE)
        (void)snprintf(q.name, sizeof(q.name), "%.90s", r->target + strlen("unit "));
    if (r->action == EXEC_RESET_GPU) {
        (void)snprintf(q.name, sizeof(q.name), "%s", r->before);
        if (mw_parse_i64(r->target + strlen("gpu "), &gpu) == 0 && gpu >= 0 && gpu < EXEC_GPUS_MAX)
            q.gpu = (int32_t)gpu;
    }
    return q;
}

void exec_acts_init(struct exec_acts *a, const struct exec_policy *p, struct exec_store *s,
                    const char *boot, int64_t now_ms)
{
    exec_answer_fn *answer = a->answer;
    void *ctx = a->ctx;
    *a = (struct exec_acts){ .policy = p, .store = s, .answer = answer, .ctx = ctx };
    must(answer != NULL && boot[0] != '\0');
    (void)snprintf(a->boot, sizeof(a->boot), "%s", boot);
    exec_run_init(&a->run);
    for (uint32_t i = 0; i < s->pasts && a->queued < EXEC_QUEUE_MAX; i++) {
        const struct exec_record *r = &s->past[i];
        if (r->result == 0)
            a->queue[a->queued++] = request_of(r, now_ms);
    }
}

void exec_acts_fini(struct exec_acts *a)
{
    exec_run_init(&a->run); /* what still runs goes on: see exec_run.h */
}

void exec_acts_look(struct exec_acts *a, int64_t now_ms, int64_t wall_ms)
{
    if (exec_run_look(&a->run, now_ms))
        run_ended(a, now_ms, wall_ms);
    if (a->phase == EXEC_PAUSE && now_ms >= a->due_ms)
        verify(a, now_ms);
    if (a->phase == EXEC_BOOT && now_ms >= a->due_ms && !a->ending)
        finish(a, RESULT_FAILED, "read back: the machine still runs in the boot of before");
    for (uint32_t i = 0; i <= EXEC_QUEUE_MAX && a->phase == EXEC_IDLE && a->queued > 0; i++)
        next(a, now_ms, wall_ms);
}

int64_t exec_acts_next_due(const struct exec_acts *a)
{
    if (a->phase == EXEC_PAUSE || a->phase == EXEC_BOOT)
        return a->due_ms;
    if (a->phase == EXEC_IDLE)
        return INT64_MAX;
    return a->run.timed_out ? a->run.due_ms + 1000 : a->run.due_ms;
}

bool exec_acts_may_end(const struct exec_acts *a)
{
    return a->phase != EXEC_COMMAND || a->now.action == EXEC_CHECK ||
           a->now.action == EXEC_REBOOT;
}
