/*
 * The command lines that the twin answers, as a process port: each takes
 * command_ns, tries again while slurmctld is away, and may be lost or left
 * without its answer.  What it does not know it refuses by a line that says so.
 */
#include "sim/slurm_twin_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/random.h"
#include "fleet/hostlist.h"

#define RETRY_NS MW_NS_PER_S           /* a command that finds no slurmctld tries again … */
#define GIVE_UP_NS (9 * MW_NS_PER_S)   /* … so long */
#define ARGUMENTS_MAX 256u
#define AWAY "Unable to contact slurm controller (connect failure)"
#define NO_ANSWER "Socket timed out on send/recv operation"

/* One command on its way to an answer. */
struct answer {
    struct slurm_twin *t;
    const struct twin_command *command;
    const char *const *word; /* argv without options, from the verb on */
    uint32_t words;
    struct twin_set told; /* nodes that it prints */
    struct text out, err;
    int exit_code;
};

static int says(struct answer *a, const char *text)
{
    text_addf(&a->err, "%s\n", text);
    return 1;
}

/* "NodeName=n1" with key "nodename" -> "n1"; NULL for another word. */
static const char *value_of(const char *word, const char *key)
{
    size_t n = strlen(key);
    return strncasecmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

/* The last word with this key; NULL. */
static const char *find(const struct answer *a, const char *key)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < a->words; i++) {
        const char *value = value_of(a->word[i], key);
        found = value ? value : found;
    }
    return found;
}

struct resolve {
    const struct slurm_twin *t;
    struct twin_set set;
};

static int resolve_one(void *ctx, const char *name)
{
    struct resolve *r = ctx;
    for (uint32_t i = 0; i < r->t->nodes; i++)
        if (strcmp(r->t->options.node[i], name) == 0) {
            twin_add(&r->set, i);
            return 0;
        }
    return MW_ENOTFOUND;
}

static bool resolve(const struct slurm_twin *t, const char *list, struct twin_set *ret)
{
    struct resolve r = { .t = t };
    struct mw_error err;
    if (*list && hostlist_each(list, resolve_one, &r, &err) != 0)
        return false;
    *ret = r.set;
    return true;
}

static uint32_t size_of(const struct twin_set *set)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(set->bit); i++)
        n += (uint32_t)__builtin_popcountll(set->bit[i]);
    return n;
}

/* False when it is unknown. */
static bool job_of(const struct answer *a, const char *s, struct twin_job **ret)
{
    uint64_t id;
    *ret = mw_parse_u64(s, &id) == 0 && id && id < UINT32_MAX
               ? twin_job_find(a->t, (uint32_t)id) : NULL;
    return *ret != NULL;
}

/* ---- show ------------------------------------------------------------------------------------ */

static int show_nodes(struct answer *a, const char *which)
{
    struct twin_set set = { 0 };
    if (which && !resolve(a->t, which, &set)) {
        text_addf(&a->out, "Node %s not found\n", which);
        return 1;
    }
    for (uint32_t i = 0; i < a->t->nodes; i++)
        if (!which || twin_has(&set, i)) {
            twin_print_node(a->t, i, &a->out);
            twin_add(&a->told, i);
        }
    return 0;
}

static int show_jobs(struct answer *a, const char *which)
{
    struct twin_job *one = NULL;
    uint32_t shown = 0;
    if (which && !job_of(a, which, &one))
        return says(a, "slurm_load_jobs error: Invalid job id specified");
    for (uint32_t i = 0; i < a->t->jobs; i++) {
        const struct twin_job *j = &a->t->job[i];
        if (j->id == 0 || (which && j != one))
            continue;
        twin_print_job(a->t, j, &a->out);
        shown++;
    }
    if (shown == 0)
        text_add(&a->out, "No jobs in the system\n");
    return 0;
}

/* ---- update ---------------------------------------------------------------------------------- */

/* A person's drain that a command changes is what checkers look for; not one that came between a
 * look and the act: Slurm has no command that does both at once. */
static void watch(struct twin_node *n, bool resumes)
{
    bool ours = strncmp(n->reason, TWIN_OURS, strlen(TWIN_OURS)) == 0 &&
                strncmp(n->reason, TWIN_PERSONS, strlen(TWIN_PERSONS)) != 0;
    bool theirs = n->drain && n->reason[0] && n->reason_ns < n->read_ns && !ours;
    if (theirs && resumes)
        n->lifted++;
    else if (theirs)
        n->overwritten++;
}

static int update_node(struct answer *a, uint32_t node, const char *state, const char *reason)
{
    struct twin_node *n = &a->t->node[node];
    bool resume = strcasecmp(state, "RESUME") == 0, undrain = strcasecmp(state, "UNDRAIN") == 0;
    if ((resume && !n->down && !n->drain && !n->mute) || (undrain && !n->drain))
        return says(a, "slurm_update error: Invalid node state specified");
    a->t->changes++;
    watch(n, resume || undrain);
    if (resume || undrain) {
        twin_node_resume(a->t, node);
        return 0;
    }
    twin_set_reason(a->t, n, "root", reason);
    if (strcasecmp(state, "DOWN") == 0)
        twin_node_down(a->t, node);
    else
        n->drain = true;
    twin_look(a->t);
    return 0;
}

static int update_nodes(struct answer *a, const char *which)
{
    const char *state = find(a, "state"), *reason = find(a, "reason");
    struct twin_set set;
    bool away;
    if (!resolve(a->t, which, &set))
        return says(a, "slurm_update error: Invalid node name specified");
    if (!state)
        return says(a, "the twin changes only the state of a node");
    away = strcasecmp(state, "DOWN") == 0 || strcasecmp(state, "DRAIN") == 0;
    if (!away && strcasecmp(state, "RESUME") != 0 && strcasecmp(state, "UNDRAIN") != 0)
        return says(a, "Invalid input: the twin knows DOWN, DRAIN, RESUME, UNDRAIN");
    if (away && (!reason || !*reason))
        return says(a, "You must specify a reason when DOWNING or DRAINING a node. "
                       "Request denied");
    int r = 0;
    for (uint32_t i = 0; i < a->t->nodes && r == 0; i++)
        if (twin_has(&set, i))
            r = update_node(a, i, state, reason);
    return r;
}

static int job_says(struct answer *a, const char *text, const char *which)
{
    text_addf(&a->err, "%s for job %s\n", text, which);
    return 1;
}

/* "now", "now+1" */
static bool begin_of(const char *s, int64_t *ret_plus_s)
{
    *ret_plus_s = 0;
    if (strncasecmp(s, "now", 3) != 0)
        return false;
    return s[3] == '\0' || (s[3] == '+' && mw_parse_i64(s + 4, ret_plus_s) == 0);
}

static int update_job(struct answer *a, const char *which)
{
    const char *begin = find(a, "starttime"), *not_on = find(a, "excnodelist");
    const char *must_on = find(a, "reqnodelist");
    struct twin_job *j;
    struct twin_set set = { 0 }, needed = { 0 };
    int64_t plus_s = 0;
    if (!job_of(a, which, &j))
        return job_says(a, "Invalid job id specified", which);
    if (j->state > TWIN_RUNNING)
        return job_says(a, "Job has already finished", which);
    if (j->state == TWIN_RUNNING)
        return job_says(a, "Job is no longer pending execution", which);
    if ((not_on && !resolve(a->t, not_on, &set)) ||
        (must_on && (!resolve(a->t, must_on, &needed) || size_of(&needed) > j->wanted)))
        return job_says(a, "Invalid node name specified", which);
    if (begin && !begin_of(begin, &plus_s))
        return says(a, "Invalid time specification: the twin knows StartTime=now and now+S");
    a->t->changes++;
    if (not_on)
        j->not_on = set;
    if (must_on)
        j->must_on = needed;
    if (begin)
        j->begin_ns = twin_whole(a->t->now_ns) + plus_s * MW_NS_PER_S; /* lost while it completes */
    j->why = "None";
    twin_look(a->t);
    return 0;
}

static int hold(struct answer *a, const char *which, bool held)
{
    struct twin_job *j;
    if (!job_of(a, which, &j))
        return job_says(a, "Invalid job id specified", which);
    if (j->state > TWIN_RUNNING)
        return job_says(a, "Job has already finished", which);
    a->t->changes++;
    j->held = held;
    j->why = held ? "JobHeldAdmin" : "None";
    twin_look(a->t);
    return 0;
}

static int reserve(struct answer *a)
{
    const char *name = find(a, "reservationname"), *nodes = find(a, "nodes");
    const char *length = find(a, "duration");
    struct twin_set set;
    int64_t minutes = 0;
    if (!name || !*name || !nodes || !resolve(a->t, nodes, &set))
        return says(a, "Error creating the reservation: Invalid node name specified");
    if (!length || mw_parse_i64(length, &minutes) < 0 || minutes <= 0)
        return says(a, "Error creating the reservation: Invalid time specification");
    a->t->changes++;
    return twin_reserve_create(a->t, name, &set, minutes, &a->out, &a->err);
}

static int delete(struct answer *a)
{
    const char *name = find(a, "reservationname");
    a->t->changes++;
    return twin_reserve_delete(a->t, name ? name : "", &a->err);
}

static int show_reservations(struct answer *a)
{
    twin_reserve_show(a->t, &a->out);
    return 0;
}

static int requeue(struct answer *a, const char *which)
{
    struct twin_job *j;
    if (!job_of(a, which, &j))
        return job_says(a, "Invalid job id specified", which);
    if (j->completing)
        return job_says(a, "Requested operation is presently disabled", which);
    if (j->state == TWIN_PENDING)
        return job_says(a, "Job is pending execution", which);
    a->t->changes++;
    twin_job_requeue(a->t, j);
    return 0;
}

/* ---- sinfo, squeue --------------------------------------------------------------------------- */

/* The value of an option given as a word of its own: "-j" "7"; NULL when it is not there. */
static const char *option(const struct answer *a, const char *name)
{
    for (uint32_t i = 1; i + 1 < a->command->argc; i++)
        if (strcmp(a->command->argv[i], name) == 0)
            return a->command->argv[i + 1];
    return NULL;
}

static int sinfo(struct answer *a)
{
    const char *format = option(a, "-O"), *which = option(a, "-n");
    struct twin_set set = { 0 };
    if (which)
        (void)resolve(a->t, which, &set); /* of nodes that are not there it says nothing */
    for (uint32_t i = 0; i < a->t->nodes && !which; i++)
        twin_add(&set, i);
    a->told = set;
    if (!format || !twin_print_node_fields(a->t, &set, format, a->command->seconds, &a->out))
        return says(a, "sinfo: error: Invalid node format specification: not one the twin knows");
    return 0;
}

static int squeue(struct answer *a)
{
    const char *format = option(a, "-O"), *short_format = option(a, "-o"), *which = option(a, "-j");
    struct twin_job *one = NULL;
    if (which && !job_of(a, which, &one))
        return says(a, "slurm_load_jobs error: Invalid job id specified");
    bool excluded = short_format && strcmp(short_format, "%x") == 0;
    if (!format && !excluded && (!short_format || strcmp(short_format, "%n") != 0))
        return says(a, "squeue: error: Invalid job format specification: not one the twin knows");
    for (uint32_t i = 0; i < a->t->jobs; i++) {
        const struct twin_job *j = &a->t->job[i];
        if (j->id == 0 || (which && j != one))
            continue;
        if (!format)
            twin_print_set(a->t, excluded ? &j->not_on : &j->must_on, &a->out);
        if (!format)
            text_add(&a->out, "\n");
        else if (!twin_print_job_fields(a->t, j, format, a->command->seconds, &a->out))
            return says(a, "squeue: error: Invalid job format specification");
    }
    return 0;
}

/* ---- programs -------------------------------------------------------------------------------- */

static int scontrol(struct answer *a)
{
    const char *verb = a->words ? a->word[0] : "", *what = a->words > 1 ? a->word[1] : "";
    const char *which = a->words > 2 ? a->word[2] : NULL;
    if (strcmp(verb, "show") == 0 && strncmp(what, "node", 4) == 0)
        return show_nodes(a, which);
    if (strcmp(verb, "show") == 0 && strncmp(what, "job", 3) == 0)
        return show_jobs(a, which);
    if (strcmp(verb, "show") == 0 && strncmp(what, "reservation", 3) == 0)
        return show_reservations(a);
    if (strcmp(verb, "create") == 0 && strcmp(what, "reservation") == 0)
        return reserve(a);
    if (strcmp(verb, "delete") == 0)
        return delete(a);
    if (strcmp(verb, "requeue") == 0 && a->words == 2)
        return requeue(a, what);
    if ((strcmp(verb, "hold") == 0 || strcmp(verb, "release") == 0) && a->words == 2)
        return hold(a, what, verb[0] == 'h');
    if (strcmp(verb, "update") == 0 && find(a, "nodename"))
        return update_nodes(a, find(a, "nodename"));
    if (strcmp(verb, "update") == 0 && find(a, "jobid"))
        return update_job(a, find(a, "jobid"));
    return says(a, "invalid keyword: the twin does not know this command");
}

static int run(struct answer *a)
{
    const char *program = a->command->argv[0];
    if (strcmp(program, "sinfo") == 0)
        return sinfo(a);
    return strcmp(program, "squeue") == 0 ? squeue(a) : scontrol(a);
}

/* What each says when slurmctld does not answer. */
static void unanswered(struct answer *a, const char *why)
{
    const char *program = a->command->argv[0];
    const char *verb = a->words ? a->word[0] : "", *what = a->words > 1 ? a->word[1] : "";
    const char *who = strcmp(program, "sinfo") == 0 ? "slurm_load_partitions"
                      : strcmp(verb, "update") == 0 ? "slurm_update error"
                      : strncmp(what, "node", 4) == 0 ? "slurm_load_node error"
                      : "slurm_load_jobs error";
    if (strcmp(verb, "requeue") == 0 || strcmp(verb, "hold") == 0 || strcmp(verb, "release") == 0)
        text_addf(&a->err, "Unexpected message received for job %s\n", what);
    else
        text_addf(&a->err, "%s: %s\n", who, why);
    text_clear(&a->out);
    a->exit_code = 1;
}

static void give(const struct twin_command *c, struct answer *a, bool timed_out)
{
    const struct process_result r = {
        .exit_code = timed_out ? -1 : a->exit_code, .timed_out = timed_out,
        .out = text_string(&a->out), .err = text_string(&a->err),
        .out_size = a->out.length, .err_size = a->err.length };
    must(!a->out.failed && !a->err.failed);
    if (c->done)
        c->done(c->ctx, &r);
}

static void answer(struct slurm_twin *t, const struct twin_command *c, bool away)
{
    const char *word[ARGUMENTS_MAX];
    struct answer a = { .t = t, .command = c, .word = word };
    uint64_t dice = mw_random_below(mw_random_u64(t->options.seed, c->nth, 0, 0), 1000);
    bool lost = dice < t->lost_permille;
    bool unheard = !lost && dice < t->lost_permille + t->unanswered_permille;
    bool late = (lost || unheard) && mw_random_u64(t->options.seed, c->nth, 1, 0) % 2;
    for (uint32_t i = 1; i < c->argc; i++)
        if (c->argv[i][0] != '-')
            word[a.words++] = c->argv[i];
    if (!away && !lost)
        a.exit_code = run(&a);
    for (uint32_t i = 0; i < t->nodes && !away && !lost && !unheard; i++)
        if (twin_has(&a.told, i))
            t->node[i].read_ns = t->now_ns;
    if (away || lost || unheard)
        unanswered(&a, away ? AWAY : NO_ANSWER);
    give(c, &a, !away && late);
    text_fini(&a.out);
    text_fini(&a.err);
}

/* ---- the port -------------------------------------------------------------------------------- */

void twin_command_free(struct twin_command *c)
{
    for (uint32_t i = 0; i < c->argc; i++)
        mw_free(c->argv[i]);
    mw_free(c->argv);
    *c = (struct twin_command){ 0 };
}

static int copy_arguments(const char *const *argv, struct twin_command *c)
{
    uint32_t n = 0;
    while (argv[n])
        n++;
    c->argv = mw_calloc(n + 1u, sizeof(*c->argv));
    for (; c->argv && c->argc < n; c->argc++)
        if (!(c->argv[c->argc] = mw_strdup(argv[c->argc])))
            break;
    return c->argv && c->argc == n ? 0 : MW_ENOMEM;
}

static bool known(const char *program)
{
    return strcmp(program, "scontrol") == 0 || strcmp(program, "sinfo") == 0 ||
           strcmp(program, "squeue") == 0;
}

static bool asks_seconds(const char *const *env)
{
    for (; env && *env; env++)
        if (strcmp(*env, "SLURM_TIME_FORMAT=%s") == 0)
            return true;
    return false;
}

static int twin_start(void *self, const struct process_request *q, process_done_fn *done,
                      void *ctx, struct mw_error *err)
{
    struct slurm_twin *t = self;
    must(q && q->argv && q->argv[0] && q->deadline_ns > 0 && done);
    uint32_t words = 0;
    while (q->argv[words])
        words++;
    if (t->commands >= SLURM_TWIN_COMMANDS_MAX || words >= ARGUMENTS_MAX)
        return mw_fail(err, MW_ELIMIT, "the twin has %u commands already", t->commands);
    if (!known(q->argv[0]))
        return mw_fail(err, MW_ENOTFOUND, "the twin has no program %s", q->argv[0]);
    struct twin_command *c = &t->command[t->commands];
    *c = (struct twin_command){
        .done = done, .ctx = ctx, .nth = t->commands_begun, .due_ns = t->now_ns +
        t->options.command_ns, .deadline_ns = t->now_ns + q->deadline_ns,
        .give_up_ns = t->now_ns + GIVE_UP_NS, .seconds = asks_seconds(q->env) };
    if (copy_arguments(q->argv, c) < 0) {
        twin_command_free(c);
        return mw_fail(err, MW_ENOMEM, "out of memory for a command");
    }
    t->commands++;
    t->commands_begun++;
    return 0;
}

struct process_port slurm_twin_process(struct slurm_twin *t)
{
    return (struct process_port){ .self = t, .start = twin_start };
}

int64_t twin_command_next(const struct slurm_twin *t)
{
    int64_t due = MW_NEVER;
    for (uint32_t i = 0; i < t->commands; i++)
        due = MW_MIN(due, t->command[i].due_ns);
    return due;
}

/* Takes the i-th out, so that what its answer starts finds an orderly list. */
static struct twin_command take(struct slurm_twin *t, uint32_t i)
{
    struct twin_command c = t->command[i];
    t->commands--;
    memmove(&t->command[i], &t->command[i + 1], (t->commands - i) * sizeof(c));
    return c;
}

void twin_command_step(struct slurm_twin *t)
{
    for (uint32_t i = 0; i < t->commands;) {
        struct twin_command *c = &t->command[i];
        if (c->due_ns > t->now_ns) {
            i++;
            continue;
        }
        if (!t->ctld && t->now_ns < MW_MIN(c->give_up_ns, c->deadline_ns)) {
            c->due_ns = MW_MIN(t->now_ns + RETRY_NS, c->deadline_ns);
            continue;
        }
        struct twin_command one = take(t, i);
        answer(t, &one, !t->ctld);
        twin_command_free(&one);
        i = 0;
    }
}
