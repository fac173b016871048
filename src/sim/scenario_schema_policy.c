/* The tables of the scenario language for what decides and what is done: policy, ladders, parts,
 * steps.  docs/scenario.md is their manual, and a test compares. */
#include "care/care.h"
#include "sim/scenario_field.h"
#include "sim/scenario_schema.h"

#define USD_MAX 1e9

/* As the record spells them (event_fields.c); a test compares. */
const char *const scenario_step_words[] = {
    [STEP_REPAIR] = "repair", [STEP_RESTART_JOB] = "restart-job",
    [STEP_RESET_GPU] = "reset-gpu", [STEP_RESTART_SERVICE] = "restart-service",
    [STEP_REBOOT] = "reboot", [STEP_POWER_CYCLE] = "power-cycle",
    [STEP_FIRMWARE] = "update-firmware", [STEP_RESEAT] = "reseat", [STEP_REPLACE] = "replace",
    [STEP_RMA] = "rma", [STEP_RETIRE] = "retire", [STEP_COUNT] = NULL};
const char *const scenario_who_words[] = {
    [WHO_AGENT] = "agent", [WHO_BMC] = "bmc", [WHO_TECHNICIAN] = "technician",
    [WHO_VENDOR] = "vendor", [WHO_COUNT] = NULL};
const char *const scenario_shared_words[] = {"containment", "power", "cooling", "network", NULL};
static const char *const mode_words[] = {"observe", "advise", "approve", "act", NULL};

/* ---- what is done ------------------------------------------------------------------------- */

const struct schema_field scenario_ladder_fields[] = {
    {.name = "step", .type = SCHEMA_CHOICE, .choices = scenario_step_words, .required = true,
     .help = "what is done"},
    {.name = "who", .type = SCHEMA_CHOICE, .choices = scenario_who_words, .help = "who does it"},
    {.name = "odds", .type = SCHEMA_NUMBER, .min = 0, .max = 1, .required = true,
     .help = "before anything was seen: that it cures for good"},
    WHOLE("weight", 0, 1e6, "the odds are as strong as so many repairs seen"),
    {.name = "duration", .type = SCHEMA_DURATION, .min = 0, .max = SECONDS_MAX, .required = true,
     .help = "from asked to done, on average, without a part's lead time"},
    TIME_SPAN("deadline", "past this it is stuck; 0 = never"),
    {.name = "lease", .type = SCHEMA_DURATION, .min = 0, .max = 86400,
     .help = "of a machine: not begun later than this"},
    NUMBER("cost_usd", 0, USD_MAX, "without part and crew"),
    TIME_SPAN("crew", "hands on"),
    {.name = "part", .type = SCHEMA_TEXT, .min = 1, .max = 23, .help = "one of parts"},
    {0},
};

const struct schema_field scenario_part_fields[] = {
    NUMBER("cost_usd", 0, USD_MAX, "of one"),
    TIME_SPAN("lead", "expected: from ordered to in the store"),
    LAW("arrives", "truly: from ordered to in the store, a law or a mixture of laws"),
    WHOLE("stock", 0, 1e9, "in the store at the start"),
    WHOLE("least", 0, 1e9, "below this more are ordered"),
    WHOLE("batch", 1, 1e9, "how many at once"),
    {0},
};

const struct schema_field scenario_step_fields[] = {
    LAW("takes", "how long it truly takes: a law or a mixture of laws"),
    SHARE("unknown", "odds that a machine cannot say what became of it"),
    {0},
};

#define STEPS_OF(X) \
    X("repair"), X("restart-job"), X("reset-gpu"), X("restart-service"), X("reboot"), \
    X("power-cycle"), X("update-firmware"), X("reseat"), X("replace"), X("rma"), X("retire")
#define STEP_MAP(key) MAP(key, scenario_step_fields, "what doing it is truly like")
#define STEP_SHARE(key) SHARE(key, "odds that it cures")

const struct schema_field scenario_steps_fields[] = {STEPS_OF(STEP_MAP), {0}};
const struct schema_field scenario_cures_fields[] = {STEPS_OF(STEP_SHARE), {0}};

/* ---- what decides ------------------------------------------------------------------------- */

const struct schema_field scenario_lemon_fields[] = {
    YES_NO("on", "the rule is looked at"),
    WHOLE("signals", 1, LEMON_SIGNALS, "so many of the seven must speak"),
    WHOLE("excluded", 0, 1e9, "holds in 28 days; 0 = never speaks"),
    WHOLE("xids", 0, 1e9, "findings in 28 days"),
    WHOLE("tickets", 0, 1e9, "repairs in 28 days"),
    WHOLE("out", 0, 1e9, "times out of service in 28 days"),
    WHOLE("multi_fails", 0, 1e9, "jobs of several nodes that it stopped in 28 days"),
    WHOLE("single_fails", 0, 1e9, "jobs of one node that it stopped in 28 days"),
    SHARE("single_rate", "of its jobs of one node, the share that it stopped"),
    {0},
};

const struct schema_field scenario_spares_fields[] = {
    YES_NO("on", "false = none"),
    WHOLE("nodes", 0, 1e6, "so many"),
    {.name = "sized", .type = SCHEMA_NUMBER, .min = 0.5, .max = 0.999999,
     .help = "as many as suffice with these odds"},
    TIME_SPAN("repair", "how long a node is expected to be out, before a repair was seen"),
    {0},
};
static const struct schema_field quota_item = {.type = SCHEMA_INT, .min = 0, .max = 1e9};

const struct schema_field scenario_guard_fields[] = {
    {.name = "mode", .type = SCHEMA_CHOICE, .choices = mode_words, .help = "of every hall"},
    SHARE("hall_share", "working nodes of a hall that automation may take in the window"),
    TIME_SPAN("window", "of hall_share"),
    SHARE("fleet_share", "working nodes of the fleet out at once"),
    YES_NO("domain_rule", "never two racks of one power or cooling domain"),
    {0},
};

const struct schema_field scenario_policy_fields[] = {
    YES_NO("gate", "false = a repaired node is believed"),
    TIME_SPAN("settle", "repaired but a finding is still open: wait, then repair again"),
    NUMBER("failure_rate_per_1000_node_days", 0, 1e6, "sets the interval between checkpoints"),
    TIME_SPAN("interval", "between checkpoints, instead of the rule; 0 = the rule"),
    TIME_SPAN("interval_min", "the rule's interval is not shorter"),
    TIME_SPAN("interval_max", "the rule's interval is not longer"),
    TIME_SPAN("bypass", "how long others may pass a job that does not fit"),
    {.name = "pulse", .type = SCHEMA_DURATION, .min = 0.1, .max = 86400,
     .help = "the queue is looked at no more often"},
    WHOLE("places_per_pulse", 1, 48, "gangs placed in one look at most"),
    YES_NO("at_once", "a job that fits is placed as it is submitted"),
    YES_NO("backfill", "a blocked job has a reservation that those who pass it keep"),
    YES_NO("topology", "gangs on few groups"),
    YES_NO("avoid", "the larger the gang, the less hazard its nodes may have"),
    YES_NO("preempt", "higher priority stops lower"),
    TIME_SPAN("preempt_after", "an attempt works so long before it is stopped for room"),
    LAW("spares", "kept for restarts: none, or a map"),
    {.name = "quotas", .type = SCHEMA_MAP_OF, .item = &quota_item,
     .help = "GPUs of a tenant's jobs at once, by the tenant's number"},
    YES_NO("correlate", "findings with one cause become one incident"),
    TIME_SPAN("cause_window", "findings this close in time may have one cause"),
    WHOLE("cause_least", 2, 1e6, "so many symptoms make a common cause"),
    SHARE("cause_cover", "and this share of all there could be"),
    YES_NO("least_cost", "the step of least expected cost; false = the lightest not tried"),
    YES_NO("evict", "when a node leaves service is decided by cost; false = by its class"),
    NUMBER("crew_usd_per_hour", 0, 1e6, "of hands on"),
    TIME_SPAN("refault", "a node that fails again within this: the repair did not hold"),
    WHOLE("job_nodes", 0, 1e6, "nodes of the job that a refault is expected to hit"),
    YES_NO("escalate", "stuck work orders go first"),
    YES_NO("swap", "for a stuck work order another step is taken where that costs less"),
    YES_NO("growth", "probation doubles with each repair that did not hold"),
    WHOLE("growth_max", 0, 10, "how often at most"),
    MAP("lemon", scenario_lemon_fields, "the rule for nodes that fail too often"),
    YES_NO("retire", "a node that costs more than it is worth leaves for good"),
    NUMBER("node_worth_usd", 0, USD_MAX, "what a node earns over the rest of its life"),
    MAP("guard", scenario_guard_fields, "the safety budget"),
    {0},
};
