/*
 * `mw explain`: an incident, from what was seen to what it cost; and with
 * --pending why a job waits, from the state at the end of the record, and in
 * Slurm's own words where it can be asked.
 */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "api/record_json.h"
#include "api/tell_incident.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/get.h"
#include "cli/live_record.h"
#include "cli/story_page.h"
#include "control/pending.h"
#include "fleet/hostlist.h"
#include "live/process_run.h"

#define SQUEUE_DEADLINE_NS (5 * MW_NS_PER_S)
#define INCIDENTS_SHOWN 8u

static const struct output_column columns[] = {
    { .key = "place", .title = "NODES ARE" },
    { .key = "count", .title = "COUNT", .right = true },
    { .key = "nodes", .title = "NODES" },
    { .key = "incidents", .title = "INCIDENTS" },
    { .key = "meaning", .title = "WHAT THAT IS" },
    { 0 },
};

/* What is shown, from state and Slurm. */
struct answer {
    const struct pending *pending;
    const struct control *control;
    const struct words *words;
    struct text slurm; /* squeue's words; empty = not asked, or no answer */
};

/* ---- Slurm's word --------------------------------------------------------------------------- */

struct asking {
    struct event_base *base;
    struct text *ret;
    struct text problem;
};

static void answered(void *ctx, const struct process_result *r)
{
    struct asking *a = ctx;
    if (r->exit_code == 0)
        text_add_n(a->ret, r->out, strcspn(r->out, "\n"));
    else
        text_addf(&a->problem, "%s%.200s", r->timed_out ? "no answer in time " : "", r->err);
    (void)event_base_loopbreak(a->base);
}

static int start(struct asking *a, const char *conf, uint64_t job, struct mw_error *err)
{
    char number[24], env[LIVE_PATH_MAX + 16];
    struct process_run *run = NULL;
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)job);
    (void)snprintf(env, sizeof(env), "SLURM_CONF=%s", conf);
    const char *const argv[] = { "squeue", "-h", "-j", number, "-o", "%T: %r", NULL };
    const char *const more[] = { env, NULL };
    const struct process_request q = { .argv = argv, .env = more,
                                       .deadline_ns = SQUEUE_DEADLINE_NS };
    int r = process_run_create(a->base, 1, &run, err);
    if (r == 0) {
        struct process_port port = process_run_port(run);
        r = port.start(port.self, &q, answered, a, err);
    }
    if (r == 0 && event_base_dispatch(a->base) < 0)
        r = mw_fail(err, MW_EBUG, "the loop for squeue did not run");
    process_run_destroy(run);
    return r;
}

/* Asks squeue; what hinders it is noted and no failure. */
static void ask_slurm(struct cli_context *ctx, const char *conf, uint64_t job, struct text *ret)
{
    struct mw_error err = { 0 };
    struct asking a = { .base = event_base_new(), .ret = ret };
    if (!a.base) {
        cli_note(ctx, "out of memory for asking squeue");
        return;
    }
    if (start(&a, conf, job, &err) < 0)
        cli_note(ctx, "squeue was not asked: %s", err.text);
    else if (ret->length == 0)
        cli_note(ctx, "squeue says nothing of job %llu: %s", (unsigned long long)job,
                 a.problem.length > 0 ? text_string(&a.problem) : "it is not in Slurm's queue");
    text_fini(&a.problem);
    event_base_free(a.base);
}

/* ---- what is shown -------------------------------------------------------------------------- */

/* The nodes of one place as a host list, and the first incidents there. */
static void collect(const struct answer *a, uint32_t place, struct text *hosts,
                    struct text *incidents)
{
    const struct board *b = a->control->board;
    uint32_t *node mw_cleanup(mw_freep) = mw_calloc(a->pending->count[place], sizeof(*node));
    uint32_t n = 0, shown = 0;
    for (uint32_t i = 0; node && i < a->pending->nodes_total; i++) {
        if (a->pending->place[i] != place)
            continue;
        node[n++] = i;
        uint32_t slot = b->node_incident[i];
        if (slot != MW_NONE && shown < INCIDENTS_SHOWN)
            text_addf(incidents, "%s#%llu", shown++ ? " " : "",
                      (unsigned long long)b->incident_id[slot]);
    }
    if (!node || hostlist_add_nodes(hosts, a->words->fleet, node, n) < 0)
        hosts->failed = true;
}

static void show_places(struct output *o, const struct answer *a)
{
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t p = 0; p < PLACE_COUNT; p++) {
        struct text hosts = { 0 }, incidents = { 0 };
        if (a->pending->count[p] == 0)
            continue;
        collect(a, p, &hosts, &incidents);
        output_text(o, pending_place_name(p));
        output_int(o, a->pending->count[p]);
        output_text(o, text_string(&hosts));
        output_text(o, incidents.length > 0 ? text_string(&incidents) : NULL);
        output_text(o, pending_place_doc(p));
        text_fini(&hosts);
        text_fini(&incidents);
    }
    output_end(o, NULL);
}

/* What a person can do so that nodes come free. */
static void add_advice(struct text *t, const struct pending *p)
{
    if (p->count[PLACE_RETURNABLE])
        text_addf(t, "would help: %u node%s good again, but the mode keeps us from returning "
                  "them to Slurm (mw mode set act, or scontrol update State=RESUME)\n",
                  p->count[PLACE_RETURNABLE], p->count[PLACE_RETURNABLE] == 1 ? " is" : "s are");
    if (p->count[PLACE_HELD])
        text_addf(t, "would help: persons hold %u node%s\n", p->count[PLACE_HELD],
                  p->count[PLACE_HELD] == 1 ? "" : "s");
    if (p->tripped)
        text_add(t, "the guard is tripped: nothing more is taken from service until a person "
                    "resets it (that gives no node back)\n");
}

static void show_text(struct cli_context *ctx, const struct answer *a)
{
    const struct pending *p = a->pending;
    struct text t = { 0 };
    text_addf(&t, "job %llu, submitted ", (unsigned long long)p->job);
    words_span_ms(&t, mw_ms(core_now(a->control->core)) - p->submit_ms);
    text_addf(&t, " before the end of the record, priority %u  [#%llu]\nwaits     ", p->priority,
              (unsigned long long)p->submit_seq);
    pending_words(&t, p);
    if (p->incident && p->state == JOB_QUEUED)
        text_addf(&t, "\nwaits again: incident %llu ended its attempt %u  [#%llu]",
                  (unsigned long long)p->incident, p->attempt, (unsigned long long)p->incident);
    text_add(&t, "\n");
    if (a->slurm.length > 0)
        text_addf(&t, "squeue    %s\n", text_string(&a->slurm));
    add_advice(&t, p);
    text_add(&t, "\n");
    (void)fputs(text_string(&t), output_file(ctx->output));
    text_fini(&t);
    show_places(ctx->output, a);
}

static json_t *place_json(const struct answer *a, uint32_t place)
{
    struct text hosts = { 0 }, incidents = { 0 };
    collect(a, place, &hosts, &incidents);
    return json_pack("{s:s, s:I, s:o, s:o, s:s}", "place", pending_place_name(place), "count",
                     (json_int_t)a->pending->count[place], "nodes", record_json_take(&hosts),
                     "incidents", record_json_take(&incidents), "meaning",
                     pending_place_doc(place));
}

static json_t *document(const struct answer *a)
{
    static const char *const verdict[] = { "does-not-wait", "slurm-decides", "too-large", "behind",
                                           "too-few-nodes", "fits" };
    const struct pending *p = a->pending;
    json_t *places = json_array(), *ahead = json_array();
    struct text words = { 0 };
    bool ok = places && ahead;
    for (uint32_t i = 0; ok && i < PLACE_COUNT; i++)
        ok = p->count[i] == 0 || record_json_append(places, place_json(a, i));
    for (uint32_t i = 0; ok && i < MW_MIN(p->ahead, PENDING_AHEAD_MAX); i++)
        ok = record_json_append(ahead, json_pack("{s:I, s:I}", "job", (json_int_t)p->ahead_job[i],
                                                 "nodes", (json_int_t)p->ahead_nodes[i]));
    if (!ok) {
        json_decref(places);
        json_decref(ahead);
        return NULL;
    }
    pending_words(&words, p);
    return json_pack("{s:I, s:I, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:o}",
                     "job", (json_int_t)p->job, "submitted_seq", (json_int_t)p->submit_seq,
                     "verdict", verdict[p->verdict], "text", record_json_take(&words),
                     "needs_nodes", (json_int_t)p->nodes, "needs_gpus", (json_int_t)p->gpus,
                     "priority", (json_int_t)p->priority, "attempt", (json_int_t)p->attempt,
                     "ahead", (json_int_t)p->ahead, "ahead_first", ahead, "incident",
                     record_json_seq(p->incident), "places", places, "guard_tripped",
                     (int)p->tripped, "squeue",
                     a->slurm.length > 0 ? record_json_text(text_string(&a->slurm)) : json_null());
}

static int show(struct cli_context *ctx, const struct answer *a)
{
    if (output_form_of(ctx->output) == OUTPUT_CSV) {
        show_places(ctx->output, a);
        return CLI_EXIT_OK;
    }
    if (output_form_of(ctx->output) != OUTPUT_JSON) {
        show_text(ctx, a);
        return CLI_EXIT_OK;
    }
    json_t *o = document(a);
    if (o)
        output_document(ctx->output, o);
    else
        cli_error(ctx, "out of memory");
    json_decref(o);
    return o ? CLI_EXIT_OK : CLI_EXIT_ERROR;
}

static int explain(struct cli_context *ctx, const struct live_record *r, const struct control *c,
                   uint64_t job)
{
    struct pending pending mw_cleanup(pending_fini) = { 0 };
    struct mw_error err = { 0 };
    struct answer a = { .pending = &pending, .control = c, .words = &r->words };
    const char *conf = cli_option_string(ctx, "slurm");
    if (pending_explain(c, job, &pending, &err) < 0)
        return cli_fail(ctx, &err);
    if (conf)
        ask_slurm(ctx, conf, job, &a.slurm);
    int code = show(ctx, &a);
    text_fini(&a.slurm);
    return code;
}

/* ---- an incident ---------------------------------------------------------------------------- */

/* The incident that a person named: by its number, or by the node it is on. */
static int find_incident(const struct live_record *r, const char *what, uint64_t *ret,
                         struct mw_error *err)
{
    if (mw_parse_u64(what, ret) == 0)
        return *ret ? 0 : mw_fail(err, MW_EINVAL, "incidents are numbered from 1 on");
    uint64_t id = fleet_find(r->fleet, what);
    if (!id)
        return mw_fail(err, MW_ENOTFOUND, "\"%s\" is no incident's number and no node of the "
                       "site (mw incidents lists the open ones)", what);
    uint32_t node = fleet_node_of(r->fleet, id);
    if (node == MW_NONE)
        return mw_fail(err, MW_EINVAL, "%s is a %s and no node's part: name its incident by "
                       "number (mw incidents, mw history %s)", what,
                       component_kind_name(component_kind_of(id)), what);
    return explain_find(r->journal, &r->words, node, ret, err);
}

/* GPU-ms lost to an open incident up to the record's end; 0 when the state does not have it. */
static int64_t lost_so_far(const struct control *c, uint64_t incident)
{
    const struct board *b = c->board;
    int64_t lost = 0;
    int64_t *open mw_cleanup(mw_freep) =
        mw_calloc((size_t)b->incidents_used + 1, sizeof(*open));
    const struct account_open o = { .incident = open };
    if (open)
        account_open_lost(c->account, core_now(c->core), &o);
    for (uint32_t slot = 0; open && slot < b->incidents_used; slot++)
        if (b->incident_id[slot] == incident)
            lost = b->incident_lost_gpu_ms[slot] + open[slot];
    return lost;
}

static int show_incident(struct cli_context *ctx, const struct explain *x,
                         const struct explain_state *s, const struct words *w)
{
    struct text t = { 0 };
    json_t *o = NULL;
    bool json = output_form_of(ctx->output) == OUTPUT_JSON;
    if (json)
        o = tell_incident(x, s, w);
    else
        tell_incident_text(&t, x, s, w);
    bool failed = json ? o == NULL : t.failed;
    if (failed)
        cli_error(ctx, "out of memory");
    else if (json)
        output_document(ctx->output, o);
    else
        (void)fputs(text_string(&t), output_file(ctx->output));
    json_decref(o);
    text_fini(&t);
    return failed ? CLI_EXIT_ERROR : CLI_EXIT_OK;
}

static int explain_what(struct cli_context *ctx, struct live_record *r, const char *what)
{
    struct explain x mw_cleanup(explain_fini) = { 0 };
    struct explain_state s = { .microdollars_per_gpu_hour =
                                   r->policy.account.microdollars_per_gpu_hour };
    struct control *control = NULL;
    struct mw_error err = { 0 };
    uint64_t incident = 0;
    if (output_form_of(ctx->output) == OUTPUT_CSV)
        return cli_usage(ctx, "an incident is no table: take it as text or with -o json");
    int rc = find_incident(r, what, &incident, &err);
    if (rc == 0)
        rc = explain_incident(r->journal, incident, &r->words, &x, &err);
    if (rc == 0 && !x.closed_seq)
        rc = live_record_state(r, &control, &err);
    if (rc < 0)
        return live_record_fail(ctx, r, &err);
    if (control)
        s.lost_gpu_ms = lost_so_far(control, incident);
    control_destroy(control);
    return show_incident(ctx, &x, &s, &r->words);
}

/* ---- over the API --------------------------------------------------------------------------- */

/* Why a job waits, as the queue says it. */
static int pending_daemon(struct cli_context *ctx, struct daemon *d, struct mw_error *err)
{
    const struct get_query q = { .resource = resource_find("queue"), .names = json_object() };
    json_t *document = NULL;
    int rc = get_names_add(q.names, cli_option_string(ctx, "pending"), err);
    if (rc == 0)
        rc = get_rows(d, &q, &document, NULL, err);
    const json_t *row = json_array_get(json_object_get(document, "rows"), 0);
    const char *why = json_string_value(json_object_get(row, "why"));
    if (rc == 0 && row == NULL)
        rc = mw_fail(err, MW_ENOTFOUND, "job %s does not wait", cli_option_string(ctx, "pending"));
    else if (rc == 0 && output_form_of(ctx->output) == OUTPUT_JSON)
        output_document(ctx->output, row);
    else if (rc == 0)
        (void)fprintf(output_file(ctx->output), "job %s waits: %s\n",
                      cli_option_string(ctx, "pending"), why != NULL ? why : "?");
    json_decref(document);
    json_decref(q.names);
    return rc;
}

/* An incident by its number, or that of a node. */
static int incident_daemon(struct cli_context *ctx, struct daemon *d, struct mw_error *err)
{
    struct text t = { 0 };
    json_t *o = NULL;
    char number[24];
    uint64_t incident = 0;
    const char *what = cli_arg(ctx, 0);
    int rc = mw_parse_u64(what, &incident) == 0 ? 0 : story_incident_of(d, what, &incident, err);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)incident);
    if (rc == 0 && output_form_of(ctx->output) == OUTPUT_JSON) {
        rc = story_document(d, "incidents", number, false, &o, err);
        if (rc == 0)
            output_document(ctx->output, o);
    } else if (rc == 0) {
        rc = story_text(d, "incidents", number, false, &t, err);
        (void)fputs(text_string(&t), output_file(ctx->output));
    }
    json_decref(o);
    text_fini(&t);
    return rc;
}

static int run_daemon(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    struct mw_error err = { 0 };
    if (output_form_of(ctx->output) == OUTPUT_CSV)
        return cli_usage(ctx, "a daemon's answer is no table: take it as text or with -o json");
    int rc = daemon_of(ctx, &d, &err);
    if (rc == 0)
        rc = cli_arg(ctx, 0) != NULL ? incident_daemon(ctx, d, &err) : pending_daemon(ctx, d, &err);
    return rc < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int run(struct cli_context *ctx)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct control *control = NULL;
    struct mw_error err = { 0 };
    const char *what = cli_arg(ctx, 0);
    if ((what != NULL) == cli_option_given(ctx, "pending"))
        return cli_usage(ctx, "name one: an incident by its number, a node, or with --pending a "
                         "job that waits");
    if (daemon_wanted(ctx))
        return run_daemon(ctx);
    int code = live_record_open(ctx, &r);
    if (code != CLI_EXIT_OK)
        return code;
    if (what)
        return explain_what(ctx, &r, what);
    if (live_record_state(&r, &control, &err) < 0)
        return live_record_fail(ctx, &r, &err);
    code = explain(ctx, &r, control, cli_option_u64(ctx, "pending"));
    control_destroy(control);
    return code;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "say why something was done about an incident, or why a job waits",
        .description =
            "Explains an incident, open or closed, by its number, or a node's open or last one: "
            "what was seen and what it was put down to, each step with the alternatives that it "
            "was chosen from and their expected costs, exactly as they were recorded when it was "
            "decided, when the job let go of the node, what was done and whether it held, how long "
            "each part took and what it cost. A row marked > was chosen; HELD/SEEN is how many "
            "of the repairs seen by then had held. Every line cites its event.\n\n"
            "With --pending it says why a job waits, from the state at the end of the record: how "
            "many nodes it needs, where the site's nodes are (free, busy, out of health and by "
            "which incident, held by persons, taken out of Slurm by others), who is in front of "
            "it, what is kept or promised, and what would give nodes back.\n\n"
            "Where Slurm owns allocation, Slurm decides when the job starts, and the record does "
            "not keep its reasons: with --slurm squeue is asked for its word on it.\n\n"
            "With --socket or --context, or where no record is but a daemon, the daemon answers.",
        .examples =
            (const struct command_example[]){
                { .line = "mw replay scenarios/small.yaml --set crashes=0 --set horizon=2d --set "
                          "jobs.load=3 --no-sensitivity --journal crowded > report.txt && "
                          "mw explain --journal crowded --pending $(mw journal export crowded | "
                          "grep job.submitted | tail -1 | sed 's/.*\"job\":\\([0-9]*\\).*/\\1/')",
                  .shows = "The last job submitted to a site with three times too much work." },
                { .line = "mw explain --journal record $(mw journal export record | grep "
                          "incident.opened | tail -1 | sed 's/.*\"seq\": *\\([0-9]*\\).*/\\1/')",
                  .shows = "The last incident of a record." },
                { .line = "mw explain --journal record nobody",
                  .shows = "A node that the site does not have; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { .line = "mw explain --journal record --pending 1",
                  .shows = "A job that has ended long ago; the exit code is 3.",
                  .exit_code = CLI_EXIT_NOT_FOUND },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                DAEMON_OPTIONS,
                { .name = "pending", .type = VALUE_U64, .value = "JOB",
                  .help = "explain why this job waits instead" },
                { .name = "slurm", .type = VALUE_FILE, .value = "CONF",
                  .help = "ask squeue, with this slurm.conf, for its reason" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "INCIDENT", .type = VALUE_STRING, .optional = true,
                  .help = "the incident's number, or a node: its open or last incident" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no record, no such incident or node, or the job "
                                      "neither waits nor runs" },
                { CLI_EXIT_DENIED, "the record may not be read, or the token does not allow it" },
                { CLI_EXIT_UNREACHABLE, "no daemon answers" },
                { 0 },
            },
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_explain = {
    .noun = "explain",
    .summary = "why something was done, or a job waits",
    .commands = commands,
};
