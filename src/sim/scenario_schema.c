/* The tables of the scenario language; docs/scenario.md is their manual, and a test compares. */
#include "sim/scenario_schema.h"

#include "base/ids.h"
#include "care/care.h"
#include "sim/scenario_field.h"

const char *const scenario_on_words[] = {"node", "gpu",    "nic", "optic", "cable",
                                         "switch", "pdu", "cdu", NULL};
const uint8_t scenario_on_kinds[] = {COMPONENT_NODE,   COMPONENT_GPU, COMPONENT_NIC,
                                     COMPONENT_OPTIC,  COMPONENT_CABLE, COMPONENT_SWITCH,
                                     COMPONENT_PDU,    COMPONENT_CDU};
const char *const scenario_within_words[] = {"rack", "pdu", "cdu", "switch", NULL};
const uint8_t scenario_within_kinds[] = {COMPONENT_RACK, COMPONENT_PDU, COMPONENT_CDU,
                                         COMPONENT_SWITCH};

static const char *const law_words[] = {"fixed",     "exponential", "weibull",
                                        "lognormal", "uniform",     NULL};
static const char *const shape_words[] = {"hgx-h100", "gb200-nvl72", "mixed", NULL};
static const char *const effect_words[] = {"none", "kills", "slows", "defers", NULL};
static const char *const drain_words[] = {"none", "now", "checkpoint", NULL};

const struct schema_field scenario_draw_fields[] = {
    {.name = "law", .type = SCHEMA_CHOICE, .choices = law_words, .required = true,
     .help = "fixed, exponential, weibull, lognormal or uniform"},
    TIME_SPAN("value", "of fixed"),
    TIME_SPAN("mean", "of exponential"),
    TIME_SPAN("scale", "of weibull"),
    NUMBER("shape", 0.05, 20, "of weibull; under 1 = infant mortality"),
    TIME_SPAN("median", "of lognormal"),
    NUMBER("sigma", 0, 5, "of lognormal: standard deviation of the logarithm"),
    TIME_SPAN("from", "of uniform"),
    TIME_SPAN("to", "of uniform"),
    SHARE("share", "weight of this branch of a mixture"),
    {0},
};

const struct schema_field scenario_site_fields[] = {
    {.name = "shape", .type = SCHEMA_CHOICE, .choices = shape_words, .help = "a regular site"},
    WHOLE("gpus", 1, 1e6, "GPUs of a regular site"),
    PATH("file", "a site file instead"),
    {0},
};

static const struct schema_field ladder_item = {.type = SCHEMA_MAP,
                                                .fields = scenario_ladder_fields};
static const struct schema_field match_item = {.type = SCHEMA_TEXT, .min = 1, .max = 127};

const struct schema_field scenario_class_fields[] = {
    {.name = "effect", .type = SCHEMA_CHOICE, .choices = effect_words,
     .help = "what a fault of this class does to the job on the node"},
    {.name = "drain", .type = SCHEMA_CHOICE, .choices = drain_words,
     .help = "when a node with a fault that slows or defers leaves service"},
    WHOLE("count", 1, 255, "findings on one component that make an incident"),
    TIME_SPAN("window", "the time within which they must come"),
    TIME_SPAN("gate", "length of the check after a repair; 0 = none"),
    TIME_SPAN("probation", "watched after the gate; 0 = not"),
    {.name = "trace", .type = SCHEMA_LIST, .min = 1, .max = 64, .item = &match_item,
     .help = "classes of a fault trace that belong here"},
    {.name = "ladder", .type = SCHEMA_LIST, .min = 1, .max = CARE_STEPS_MAX, .item = &ladder_item,
     .help = "what can be done about it, lightest first"},
    LAW("shared", "through what it may come from elsewhere: a list of words, or none"),
    SHARE("slow", "speed that its job is expected to lose"),
    NUMBER("hazard_per_1000_node_days", 0, 1e6, "that it turns into a fault that kills"),
    {0},
};

const struct schema_field scenario_share_factor_fields[] = {
    {.name = "share", .type = SCHEMA_NUMBER, .min = 0, .max = 1, .required = true,
     .help = "share of components"},
    {.name = "factor", .type = SCHEMA_NUMBER, .min = 1, .max = 1000, .required = true,
     .help = "how many times as often they fail"},
    {0},
};

const struct schema_field scenario_burst_fields[] = {
    {.name = "share", .type = SCHEMA_NUMBER, .min = 0, .max = 1, .required = true,
     .help = "share of faults that take neighbours along"},
    {.name = "within", .type = SCHEMA_CHOICE, .choices = scenario_within_words, .required = true,
     .help = "what the neighbours share"},
    {.name = "max", .type = SCHEMA_INT, .min = 2, .max = 10000, .required = true,
     .help = "components in a burst, at most"},
    {0},
};

const struct schema_field scenario_process_fields[] = {
    {.name = "class", .type = SCHEMA_TEXT, .min = 1, .max = 31, .help = "one of classes"},
    {.name = "on", .type = SCHEMA_CHOICE, .choices = scenario_on_words, .required = true,
     .help = "the kind of component that breaks"},
    LAW("between", "time to the next fault of one component"),
    NUMBER("rate_per_1000_node_days", 1e-6, 1e6, "instead of between, for processes on nodes"),
    NUMBER("rate_per_year", 1e-9, 1e6, "instead of between: faults of one component in 365 days"),
    MAP("lemons", scenario_share_factor_fields, "components that fail more often"),
    MAP("batches", scenario_share_factor_fields, "neighbouring components that fail more often"),
    MAP("burst", scenario_burst_fields, "faults that come together"),
    LAW("detect", "from the fault to its finding"),
    LAW("repair", "hands-on time of a crew: a law or a mixture of laws"),
    LAW("clears", "the fault goes away by itself after this"),
    {.name = "effect", .type = SCHEMA_CHOICE, .choices = effect_words,
     .help = "what it truly does to the job, where that is not what its class says"},
    SHARE("slow", "speed a job loses to a fault that slows"),
    SHARE("kill_odds", "odds that a fault that kills does kill"),
    SHARE("gate_pass", "odds that the gate passes after a repair"),
    MAP("cures", scenario_cures_fields, "odds that each step cures it"),
    SHARE("gate_catch", "odds that the gate sees what a step did not cure"),
    LAW("relapse", "from a step that did not cure to the fault's return"),
    YES_NO("false_alarm", "the findings have nothing behind them"),
    YES_NO("at_work", "strikes only while a job works on the node"),
    SHARE("lemon_cured", "odds that replacing a lemon gives one that is none"),
    YES_NO("slow_known", "the finding says what slow is"),
    {0},
};

const struct schema_field scenario_trace_fields[] = {
    {.name = "file", .type = SCHEMA_TEXT, .min = 1, .max = PATH_BYTES_MAX, .required = true,
     .help = "StepFun's JSON"},
    TIME_SPAN("detect", "from a fault's start in the trace to its finding"),
    SHARE("slow", "speed a job loses to a traced fault that slows"),
    {0},
};

const struct schema_field scenario_crews_fields[] = {
    WHOLE("number", 0, 1e6, "0 = as many as there is work"),
    LAW("start", "from a free crew to hands on the node"),
    LAW("escalated", "an escalated repair is over within this: a law or a mixture of laws"),
    {0},
};

const struct schema_field scenario_operator_fields[] = {
    TIME_SPAN("approves_after", "answers advice and resets the guard after this"),
    {0},
};

const struct schema_field scenario_job_class_fields[] = {
    SHARE("share", "of the offered GPU time"),
    {.name = "gpus", .type = SCHEMA_ANY, .required = true, .help = "a size, or sizes with weights"},
    {.name = "work", .type = SCHEMA_ANY, .required = true, .help = "productive time it needs"},
    LAW("write", "one checkpoint stops work for this long"),
    LAW("restart", "from all nodes ready to work going on"),
    WHOLE("priority", 0, 7, "7 = highest"),
    WHOLE("tenant", 1, 1e9, "whose jobs they are"),
    YES_NO("interruptible", "may run on spares, and be stopped for those who need them"),
    SHARE("fails", "odds that it ends by its own error"),
    WHOLE("count", 1, 1e9, "exactly so many jobs instead of a share"),
    TIME_SPAN("first", "when the first of them is submitted"),
    TIME_SPAN("every", "time between two of them"),
    {0},
};
static const struct schema_field job_class_item = {.type = SCHEMA_MAP,
                                                   .fields = scenario_job_class_fields};

const struct schema_field scenario_jobs_fields[] = {
    NUMBER("load", 0, 100, "offered GPU time over the site's"),
    {.name = "mix", .type = SCHEMA_MAP_OF, .item = &job_class_item, .help = "classes by name"},
    PATH("trace", "a CSV of jobs, plain or gzip"),
    LAW("write", "checkpoint write time of a trace's jobs"),
    LAW("restart", "restart time of a trace's jobs"),
    WHOLE("max", 0, 1e9, "no more than so many jobs; 0 = no bound"),
    {0},
};

const struct schema_field scenario_messages_fields[] = {
    WHOLE("lost", 0, 900, "of 1,000 messages"),
    WHOLE("late", 0, 1000, "of 1,000 messages"),
    WHOLE("doubled", 0, 1000, "of 1,000 messages"),
    WHOLE("reordered", 0, 1000, "of 1,000 messages"),
    TIME_SPAN("late_max", "a late message comes within this"),
    {.name = "resend", .type = SCHEMA_DURATION, .min = 0.1, .max = 86400,
     .help = "what was not acknowledged is sent again after this"},
    {0},
};

static const struct schema_field part_item = {.type = SCHEMA_MAP, .fields = scenario_part_fields};
static const struct schema_field class_item = {.type = SCHEMA_MAP, .fields = scenario_class_fields};
static const struct schema_field process_item = {.type = SCHEMA_MAP,
                                                 .fields = scenario_process_fields};

const struct schema_field scenario_fields[] = {
    {.name = "scenario", .type = SCHEMA_TEXT, .min = 1, .max = 63, .required = true,
     .help = "its name"},
    {.name = "site", .type = SCHEMA_MAP, .fields = scenario_site_fields, .required = true,
     .help = "shape and gpus, or file"},
    {.name = "start", .type = SCHEMA_TIME, .help = "when it begins, UTC"},
    {.name = "horizon", .type = SCHEMA_DURATION, .min = 1, .max = SECONDS_MAX, .required = true,
     .help = "how long it lasts"},
    WHOLE("seed", 0, 9e15, "of every random draw"),
    NUMBER("price_usd_per_gpu_hour", 0, 10000, "turns lost time into money"),
    {.name = "parts", .type = SCHEMA_MAP_OF, .item = &part_item, .help = "the store of parts"},
    {.name = "classes", .type = SCHEMA_MAP_OF, .item = &class_item, .help = "classes of faults"},
    {.name = "faults", .type = SCHEMA_MAP_OF, .item = &process_item, .help = "fault processes"},
    MAP("fault_trace", scenario_trace_fields, "faults that happened"),
    MAP("steps", scenario_steps_fields, "what doing each step is truly like"),
    MAP("crews", scenario_crews_fields, "who repairs"),
    MAP("operator", scenario_operator_fields, "who approves"),
    MAP("jobs", scenario_jobs_fields, "what runs"),
    MAP("policy", scenario_policy_fields, "what decides"),
    MAP("messages", scenario_messages_fields, "what goes wrong between world and controller"),
    WHOLE("crashes", 0, 1e6, "of the daemon, spread over the horizon"),
    YES_NO("crash_every_step", "a crash after every group"),
    TIME_SPAN("progress_every", "running jobs report; 0 = at the end only"),
    WHOLE("snapshot_every", 0, 1e12, "events between snapshots; 0 = never"),
    {0},
};
