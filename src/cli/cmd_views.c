/*
 * `mw incidents`, orders, parts, odds, lemons, spares, budget: what the site
 * looks like now.  Each is a row of columns over a document of api/views.h.
 */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "cli/view.h"

static int64_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* ---- incidents ------------------------------------------------------------------------------ */

static const struct view_column incident_columns[] = {
    { "incident", "INCIDENT", VIEW_SEQ, false },
    { "class", "CLASS", VIEW_TEXT, false },
    { "on", "ON", VIEW_TEXT, false },
    { "place", "PLACE", VIEW_TEXT, true },
    { "state", "STATE", VIEW_TEXT, false },
    { "age_ms", "AGE", VIEW_SPAN, false },
    { "findings", "FINDINGS", VIEW_INT, true },
    { "symptoms", "SYMPTOMS", VIEW_INT, false },
    { "symptom_of", "SYMPTOM OF", VIEW_SEQ, true },
    { "lost_gpu_ms", "LOST GPU-H", VIEW_HOURS, true },
    { "lost_uusd", "COST SO FAR", VIEW_USD, false },
    { "stake_uusd_per_hour", "AN HOUR", VIEW_USD, false },
    { "next", "NEXT", VIEW_TEXT, false },
    { 0 },
};

static int run_incidents(struct cli_context *ctx)
{
    static const struct view v = { .name = "incidents", .column = incident_columns,
                                   .empty = "no incident is open" };
    return view_run(ctx, &v);
}

static const struct command incident_commands[] = {
    {
        .verb = "",
        .summary = "list open incidents, what each costs and what comes next",
        .description =
            "Lists the open incidents, the dearest first: what each is about, since when, how many "
            "others are put down to it (its symptoms), what it cost so far, what it costs an hour "
            "now, and what it waits for. Costs are time from the record at the policy's price. "
            "mw explain INCIDENT says why.",
        .examples =
            (const struct command_example[]){
                { .line = "mw incidents --journal record", .shows = "What is wrong now." },
                { .line = "mw incidents --journal record --all -o json",
                  .shows = "Symptoms with it, for a program." },
                { .line = "mw incidents --socket mw.sock", .shows = "The same from the daemon." },
                { .line = "mw incidents --socket nobody.sock",
                  .shows = "Where no daemon listens, the exit code is 6.",
                  .exit_code = CLI_EXIT_UNREACHABLE },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                DAEMON_OPTIONS,
                VIEW_ALL_OPTION("symptoms, too, each with what it is put down to"),
                { 0 },
            },
        .exits = view_exits,
        .run = run_incidents,
    },
    { 0 },
};
const struct command_group cmd_incidents = {
    .noun = "incidents",
    .summary = "what is wrong now",
    .commands = incident_commands,
};

/* ---- orders --------------------------------------------------------------------------------- */

static const struct view_column order_columns[] = {
    { "order", "ORDER", VIEW_SEQ, false },
    { "state", "STATE", VIEW_TEXT, false },
    { "place", "PLACE", VIEW_TEXT, false },
    { "component", "ON", VIEW_TEXT, false },
    { "serial", "SERIAL", VIEW_TEXT, false },
    { "do", "DO", VIEW_TEXT, false },
    { "part", "PART", VIEW_TEXT, false },
    { "who", "WHO", VIEW_TEXT, false },
    { "evidence", "SEEN", VIEW_TEXT, false },
    { "stake_uusd_per_hour", "COSTS AN HOUR", VIEW_USD, false },
    { "level", "TOLD", VIEW_INT, false },
    { "age_ms", "AGE", VIEW_SPAN, false },
    { "deadline", "DEADLINE", VIEW_TEXT, false },
    { "incident", "INCIDENT", VIEW_SEQ, true },
    { "symptoms", "SYMPTOMS", VIEW_INT, true },
    { "warranty", "WARRANTY", VIEW_TEXT, true },
    { "tools", "TOOLS", VIEW_TEXT, true },
    { 0 },
};

static void orders_foot(struct text *t, const json_t *document)
{
    size_t i;
    json_t *row;
    uint32_t stuck = 0;
    int64_t uusd = 0;
    json_array_foreach(json_object_get(document, "rows"), i, row) {
        bool is = json_is_true(json_object_get(row, "stuck"));
        stuck += is;
        uusd += is ? number(row, "stake_uusd_per_hour") : 0;
    }
    char shown[40];
    mw_format_usd(uusd, shown, sizeof(shown));
    if (stuck)
        text_addf(t, "%u of %zu are stuck and cost %s an hour (modelled); mw order take NUMBER, mw "
                  "order close NUMBER\n", stuck, i, shown);
}

static int run_orders(struct cli_context *ctx)
{
    static const struct view v = { .name = "orders", .column = order_columns, .only = "stuck",
                                   .by = "place", .empty = "nothing waits for anybody's hands",
                                   .foot = orders_foot };
    return view_run(ctx, &v);
}

static const struct command orders_commands[] = {
    {
        .verb = "",
        .summary = "list work orders, stuck ones first",
        .description =
            "Lists what people and machines were asked to do and have not done: where, on which "
            "part with which serial number, what was seen, what to do, with which part of the "
            "store. Stuck orders (past their deadline) come first, then what was escalated most "
            "often, then what costs most an hour. -o wide adds tools, the incident and what is "
            "known of a warranty.\n\n"
            "mw order take and close answer an order; closing asks what was done.",
        .examples =
            (const struct command_example[]){
                { .line = "mw orders --journal record", .shows = "Every open order." },
                { .line = "mw orders --journal record --by place",
                  .shows = "A list for each rack, to take along." },
                { .line = "mw orders --socket mw.sock", .shows = "Open orders of the daemon." },
                { .line = "mw orders --journal record --stuck --json",
                  .shows = "Only those past their deadline." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                DAEMON_OPTIONS,
                { .name = "stuck", .help = "only those past their deadline" },
                { .name = "by", .type = VALUE_CHOICE, .value = "priority|place",
                  .fallback = "priority", .help = "one list, or one for each hall, row and rack" },
                { 0 },
            },
        .exits = view_exits,
        .run = run_orders,
    },
    { 0 },
};
const struct command_group cmd_orders = {
    .noun = "orders",
    .summary = "what waits for somebody's hands",
    .commands = orders_commands,
};

/* ---- parts, odds ---------------------------------------------------------------------------- */

static const struct view_column part_columns[] = {
    { "part", "PART", VIEW_TEXT, false },
    { "stock", "IN STORE", VIEW_INT, false },
    { "coming", "ON THE WAY", VIEW_INT, false },
    { "due", "DUE", VIEW_TEXT, false },
    { "least", "ORDERED BELOW", VIEW_INT, false },
    { "batch", "AT ONCE", VIEW_INT, true },
    { "lead_ms", "LEAD TIME", VIEW_SPAN, false },
    { "cost_uusd", "COST", VIEW_USD, false },
    { 0 },
};

static int run_parts(struct cli_context *ctx)
{
    static const struct view v = { .name = "parts", .column = part_columns,
                                   .empty = "the policy names no parts" };
    return view_run(ctx, &v);
}

static const struct view_column odds_columns[] = {
    { "class", "CLASS", VIEW_TEXT, false },
    { "step", "STEP", VIEW_TEXT, false },
    { "who", "WHO", VIEW_TEXT, true },
    { "prior_ppm", "PRIOR", VIEW_PPM, false },
    { "weight", "AS STRONG AS", VIEW_INT, false },
    { "seen", "SEEN", VIEW_INT, false },
    { "held", "HELD", VIEW_INT, false },
    { "odds_ppm", "ODDS NOW", VIEW_PPM, false },
    { "rests_on", "RESTS ON", VIEW_TEXT, false },
    { 0 },
};

static int run_odds(struct cli_context *ctx)
{
    static const struct view v = { .name = "odds", .column = odds_columns,
                                   .empty = "no class of the policy has a ladder" };
    return view_run(ctx, &v);
}

static const struct command_option record_or_daemon[] = { LIVE_RECORD_OPTION, DAEMON_OPTIONS,
                                                          { 0 } };

static const struct command parts_commands[] = {
    {
        .verb = "",
        .summary = "list parts in the store and on their way",
        .description = "Parts of the policy: how many are in the store (below 0: owed to open "
                       "orders), how many were ordered and when the first of them is due. Below "
                       "the policy's least more are ordered by themselves.",
        .examples =
            (const struct command_example[]){
                { .line = "mw parts --journal record", .shows = "The store as it is now." },
                { 0 },
            },
        .options = record_or_daemon,
        .exits = view_exits,
        .run = run_parts,
    },
    { 0 },
};
const struct command_group cmd_parts = {
    .noun = "parts",
    .summary = "the store of spare parts",
    .commands = parts_commands,
};

static const struct command odds_commands[] = {
    {
        .verb = "",
        .summary = "show how often each step of a repair holds",
        .description = "For each class of fault and each step of its ladder: the policy's prior "
                       "and how many repairs it is as strong as, how many were seen here with a "
                       "verdict, how many of them held, and the odds that follow. A repair held "
                       "when its node came through the check and did not fail again for a while.",
        .examples =
            (const struct command_example[]){
                { .line = "mw odds --journal record", .shows = "What this record has taught." },
                { 0 },
            },
        .options = record_or_daemon,
        .exits = view_exits,
        .run = run_odds,
    },
    { 0 },
};
const struct command_group cmd_odds = {
    .noun = "odds",
    .summary = "how often repairs hold",
    .commands = odds_commands,
};

/* ---- lemons, spares, budget ----------------------------------------------------------------- */

static const struct view_column lemon_columns[] = {
    { "node", "NODE", VIEW_TEXT, false },
    { "verdict", "VERDICT", VIEW_TEXT, false },
    { "health", "HEALTH", VIEW_TEXT, false },
    { "past", "SIGNALS THAT SPEAK", VIEW_TEXT, false },
    { "excluded", "EXCLUDED", VIEW_INT, false },
    { "findings", "FINDINGS", VIEW_INT, false },
    { "tickets", "TICKETS", VIEW_INT, false },
    { "out", "OUT", VIEW_INT, false },
    { "multi_fails", "GANGS STOPPED", VIEW_INT, false },
    { "single_fails", "SINGLES STOPPED", VIEW_INT, false },
    { "single_rate_permille", "PER 1000 SINGLES", VIEW_INT, false },
    { "refaults", "DID NOT HOLD", VIEW_INT, false },
    { "hazard", "HAZARD", VIEW_INT, true },
    { "out_hours", "HOURS OUT", VIEW_INT, true },
    { "yearly_uusd", "A YEAR", VIEW_USD, true },
    { 0 },
};

/* A signal by the heading of its column, and by its key where that is another word. */
static void add_signal(struct text *t, const char *key)
{
    const struct view_column *c = lemon_columns;
    while (c->key && strcmp(c->key, key) != 0)
        c++;
    text_add(t, c->key ? c->title : key);
    if (c->key && strcasecmp(c->title, key) != 0)
        text_addf(t, " (%s)", key);
}

static void lemons_foot(struct text *t, const json_t *document)
{
    int64_t needed = number(document, "signals_needed");
    const json_t *at = json_object_get(document, "thresholds");
    const char *key, *between = "";
    json_t *n;
    if (needed <= 0) {
        text_add(t, "the policy judges no node\n");
        return;
    }
    text_addf(t, "a node is a lemon when %lld of the seven signals of 28 days speak: ",
              (long long)needed);
    json_object_foreach((json_t *)(uintptr_t)at, key, n) {
        if (json_integer_value(n) == 0)
            continue;
        text_add(t, between);
        add_signal(t, key);
        text_addf(t, " from %lld on", (long long)json_integer_value(n));
        between = ", ";
    }
    text_add(t, "\n");
}

static int run_lemons(struct cli_context *ctx)
{
    static const struct view v = { .name = "lemons", .column = lemon_columns,
                                   .empty = "no node fails more often than others",
                                   .foot = lemons_foot };
    return view_run(ctx, &v);
}

static const struct view_column spare_columns[] = {
    { "rule", "RULE", VIEW_TEXT, false },
    { "kept", "KEPT", VIEW_INT, false },
    { "free", "FREE", VIEW_INT, false },
    { "lent", "LENT", VIEW_INT, false },
    { "nodes", "OF NODES", VIEW_INT, false },
    { "repair_ms", "OUT FOR", VIEW_SPAN, false },
    { "quantile_ppm", "ENOUGH IN", VIEW_PPM, false },
    { "domain", "FOR A DOMAIN", VIEW_INT, false },
    { "sized_seq", "EVENT", VIEW_SEQ, true },
    { "rests_on", "RESTS ON", VIEW_TEXT, false },
    { 0 },
};

static void spares_foot(struct text *t, const json_t *document)
{
    const json_t *row = json_array_get(json_object_get(document, "rows"), 0);
    if (number(row, "sized_seq") == 0) {
        const char *rule = json_string_value(json_object_get(row, "rule"));
        bool none = rule && strcmp(rule, "none") == 0;
        text_add(t, none ? "the policy keeps no spares\n"
                         : "the number does not follow from what was seen: nothing was sized\n");
        return;
    }
    struct text out = { 0 };
    int64_t ms = number(row, "repair_ms");
    char shown[40];
    mw_format_duration(ms * MW_NS_PER_MS, shown, sizeof(shown));
    text_addf(&out, "%.3f failures per 1,000 node-days take a node out for %s on average: ",
              (double)number(row, "rate_per_1e9_node_hours") * 24.0 / 1e6, shown);
    text_addf(t, "%s%.2f of %lld nodes are out at once; %lld are enough in %.2f %% of the time",
              text_string(&out), (double)number(row, "expected_ppm") / 1e6,
              (long long)number(row, "nodes"), (long long)number(row, "kept"),
              (double)number(row, "quantile_ppm") / 1e4);
    if (number(row, "domain") > 0)
        text_addf(t, ", %lld of them for the largest domain that fails whole",
                  (long long)number(row, "domain"));
    text_addf(t, "\nseen so far: %lld nodes went out, %lld came back  [#%lld]\n",
              (long long)number(row, "outs"), (long long)number(row, "repairs"),
              (long long)number(row, "sized_seq"));
    text_fini(&out);
}

static int run_spares(struct cli_context *ctx)
{
    static const struct view v = { .name = "spares", .column = spare_columns,
                                   .foot = spares_foot };
    return view_run(ctx, &v);
}

static const struct view_column budget_columns[] = {
    { "hall", "HALL", VIEW_TEXT, false },
    { "mode", "MODE", VIEW_TEXT, false },
    { "taken", "TAKEN", VIEW_INT, false },
    { "allowed", "ALLOWED", VIEW_INT, false },
    { "tripped", "TRIPPED", VIEW_YES, false },
    { 0 },
};

static void budget_foot(struct text *t, const json_t *document)
{
    const json_t *f = json_object_get(document, "fleet");
    char window[40];
    mw_format_duration(number(f, "window_ms") * MW_NS_PER_MS, window, sizeof(window));
    text_addf(t, "taken: working nodes that automation took within the last %s\n", window);
    int64_t allowed = number(f, "drained_allowed");
    text_addf(t, "fleet: automation may have %lld working node%s out at once; out now: %lld, with "
              "those that a person approved\nordered down from Slurm: %lld of %lld\n",
              (long long)allowed, allowed == 1 ? "" : "s", (long long)number(f, "drained"),
              (long long)number(f, "ordered_down"), (long long)number(f, "ordered_down_allowed"));
    if (json_is_true(json_object_get(f, "tripped")))
        text_add(t, "tripped: everything there is advice until a person resets it with a reason "
                    "(mw guard reset)\n");
}

static int run_budget(struct cli_context *ctx)
{
    static const struct view v = { .name = "budget", .column = budget_columns,
                                   .foot = budget_foot };
    return view_run(ctx, &v);
}

static const struct command lemons_commands[] = {
    {
        .verb = "",
        .summary = "list nodes that fail more often than others",
        .description =
            "Lists lemons, then nodes of which a signal speaks: the seven signals over the last 28 "
            "days (times that people excluded it, findings, tickets for repairs, times out of "
            "service, gangs and single-node jobs that it stopped, and how many per 1,000 of its "
            "single-node jobs), how many repairs did not hold, and the verdict. The signals are "
            "those of Meta's clusters (arXiv 2410.21680, sec. 6).",
        .examples =
            (const struct command_example[]){
                { .line = "mw lemons --journal record", .shows = "Nodes that stand out." },
                { .line = "mw lemons --journal record --all -o wide",
                  .shows = "Every node with a history." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                DAEMON_OPTIONS,
                VIEW_ALL_OPTION("every node of which anything is known"),
                { 0 },
            },
        .exits = view_exits,
        .run = run_lemons,
    },
    { 0 },
};
const struct command_group cmd_lemons = {
    .noun = "lemons",
    .summary = "nodes that fail more often than others",
    .commands = lemons_commands,
};

static const struct command spares_commands[] = {
    {
        .verb = "",
        .summary = "say how many nodes are kept for restarts, and why",
        .description = "How many nodes are kept free so that jobs restart at once when a node of "
                       "theirs fails, how many of them are free and how many lent to jobs that may "
                       "be interrupted, and what the number follows from: the rate of failures, "
                       "the time a node is out, the odds asked for, the largest domain that fails "
                       "whole.",
        .examples =
            (const struct command_example[]){
                { .line = "mw spares --journal record", .shows = "The spares as they are now." },
                { 0 },
            },
        .options = record_or_daemon,
        .exits = view_exits,
        .run = run_spares,
    },
    { 0 },
};
const struct command_group cmd_spares = {
    .noun = "spares",
    .summary = "nodes kept for restarts",
    .commands = spares_commands,
};

static const struct command budget_commands[] = {
    {
        .verb = "",
        .summary = "show what automation took, and may take",
        .description = "The safety budget: per hall how many working nodes automation took within "
                       "the window and how many it may take, the share of the fleet that is out, "
                       "and whether the guard is tripped.",
        .examples =
            (const struct command_example[]){
                { .line = "mw budget --journal record", .shows = "The budget as it stands." },
                { .line = "mw budget --socket mw.sock -o json",
                  .shows = "That of the daemon, for a program." },
                { 0 },
            },
        .options = record_or_daemon,
        .exits = view_exits,
        .run = run_budget,
    },
    { 0 },
};
const struct command_group cmd_budget = {
    .noun = "budget",
    .summary = "the safety budget",
    .commands = budget_commands,
};
