/*
 * The table of body fields.  Owns the words under which fields and values of
 * enumerations are printed; those are public: scripts read them.
 */
#include "core/event_fields.h"

#include <string.h>

/* ---- words of enumerations, by value ------------------------------------------------------ */

#define WORDS(name, ...)                                                          \
    static const char *const name##_list[] = {__VA_ARGS__};                       \
    static const struct field_words name = {name##_list, MW_ARRAY_LEN(name##_list)}

WORDS(effect_words, [EFFECT_NONE] = "none", [EFFECT_KILLS] = "kills", [EFFECT_SLOWS] = "slows",
      [EFFECT_DEFERS] = "defers", [EFFECT_HARMLESS] = "harmless");
WORDS(drain_words, [0] = "none", [DRAIN_NOW] = "now", [DRAIN_AT_CHECKPOINT] = "at-checkpoint");
WORDS(result_words, [0] = "open", [RESULT_OK] = "ok", [RESULT_FAILED] = "failed",
      [RESULT_UNKNOWN] = "unknown");
WORDS(attempt_words, [0] = "running", [HOW_DONE] = "done", [HOW_STOPPED] = "stopped",
      [HOW_FAILED] = "failed", [HOW_CANCELLED] = "cancelled", [HOW_UNKNOWN] = "unknown");
WORDS(service_words, [SERVICE_IN] = "in", [SERVICE_DRAIN] = "drain", [SERVICE_DOWN] = "down");
WORDS(owner_words, [OWNER_NOBODY] = "nobody", [OWNER_OURS] = "ours", [OWNER_OTHERS] = "others",
      [OWNER_ENGINE] = "engine");
WORDS(engine_words, [ENGINE_DOWN] = "down", [ENGINE_DRAIN] = "drain",
      [ENGINE_RESUME] = "resume", [ENGINE_REQUEUE] = "requeue", [ENGINE_HOLD] = "hold",
      [ENGINE_RELEASE] = "release", [ENGINE_REQUIRE] = "require", [ENGINE_RESERVE] = "reserve",
      [ENGINE_UNRESERVE] = "unreserve");
WORDS(health_words, [HEALTH_RACKED] = "racked", [HEALTH_PROVISIONING] = "provisioning",
      [HEALTH_VALIDATING] = "validating", [HEALTH_PROBATION] = "probation",
      [HEALTH_READY] = "ready", [HEALTH_SUSPECT] = "suspect", [HEALTH_DOWN] = "down",
      [HEALTH_REPAIRING] = "repairing", [HEALTH_SANITISING] = "sanitising",
      [HEALTH_RETIRED] = "retired");
WORDS(verb_words, [CMD_APPROVE] = "approve", [CMD_REJECT] = "reject", [CMD_HOLD] = "hold",
      [CMD_RELEASE] = "release", [CMD_RESET_GUARD] = "reset-guard", [CMD_SET_MODE] = "set-mode",
      [CMD_DRAIN] = "drain", [CMD_ENGINE] = "engine", [CMD_WINDOW] = "window");
WORDS(step_words, [STEP_REPAIR] = "repair", [STEP_RESTART_JOB] = "restart-job",
      [STEP_RESET_GPU] = "reset-gpu", [STEP_RESTART_SERVICE] = "restart-service",
      [STEP_REBOOT] = "reboot", [STEP_POWER_CYCLE] = "power-cycle",
      [STEP_FIRMWARE] = "update-firmware", [STEP_RESEAT] = "reseat", [STEP_REPLACE] = "replace",
      [STEP_RMA] = "rma", [STEP_RETIRE] = "retire");
WORDS(who_words, [WHO_AGENT] = "agent", [WHO_BMC] = "bmc", [WHO_TECHNICIAN] = "technician",
      [WHO_VENDOR] = "vendor");
WORDS(mode_words, [MODE_OBSERVE] = "observe", [MODE_ADVISE] = "advise",
      [MODE_APPROVE] = "approve", [MODE_ACT] = "act");
WORDS(reason_words, [GUARD_PASS] = "pass", [GUARD_MODE] = "mode", [GUARD_HALL_RATE] = "hall-rate",
      [GUARD_FLEET_SHARE] = "fleet-share", [GUARD_DOMAIN] = "domain",
      [GUARD_TRIPPED] = "tripped");
WORDS(plane_words, [PLANE_BOARD] = "board", [PLANE_GUARD] = "guard", [PLANE_CARE] = "care",
      [PLANE_MONEY] = "money", [PLANE_WORK] = "work");

_Static_assert(MW_ARRAY_LEN(step_words_list) == STEP_COUNT, "a word for every step");
_Static_assert(MW_ARRAY_LEN(who_words_list) == WHO_COUNT, "a word for everybody");
_Static_assert(MW_ARRAY_LEN(engine_words_list) == ENGINE_VERBS, "a word for every verb");
_Static_assert(MW_ARRAY_LEN(health_words_list) == HEALTH_COUNT, "a word for every health");
_Static_assert(MW_ARRAY_LEN(reason_words_list) == GUARD_REASON_COUNT, "a word for every reason");
_Static_assert(MW_ARRAY_LEN(plane_words_list) == PLANE_COUNT, "a word for every plane");

/* ---- fields ------------------------------------------------------------------------------- */

#define FIELD(body, member, type_, words_, doc_)              \
    {.name = #member,                                         \
     .type = (type_),                                         \
     .offset = offsetof(struct body_##body, member),          \
     .size = sizeof(((struct body_##body *)0)->member),       \
     .words = (words_),                                       \
     .doc = (doc_)}

static const struct event_field epoch_fields[] = {
    FIELD(epoch, rules, FIELD_SHA256, NULL, "the stored policy"),
    FIELD(epoch, config, FIELD_SHA256, NULL, "the stored site file"),
};
static const struct event_field adopt_fields[] = {
    FIELD(adopt, first, FIELD_U32, NULL, "the first node"),
    FIELD(adopt, count, FIELD_U32, NULL, "how many nodes from there"),
    FIELD(adopt, health, FIELD_ENUM, &health_words, "the health they are taken in with"),
};
static const struct event_field finding_fields[] = {
    FIELD(finding, component, FIELD_COMPONENT, NULL, "what is wrong"),
    FIELD(finding, finding, FIELD_U64, NULL, "the source's own number for it"),
    FIELD(finding, node, FIELD_NODE, NULL, "the node it is on or serves"),
    FIELD(finding, detail, FIELD_U32, NULL, "for example the Xid code; 0 = nothing to add"),
    FIELD(finding, slow_ppm, FIELD_U32, NULL, "speed that it costs a job, times 10^6; 0 = unknown"),
    FIELD(finding, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(finding, effect, FIELD_ENUM, &effect_words, "what it does to a job, as it is seen"),
};
static const struct event_field order_fields[] = {
    FIELD(order, component, FIELD_COMPONENT, NULL, "what is to be repaired"),
    FIELD(order, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(order, finding, FIELD_FINDING, NULL, "the finding that asked for it"),
    FIELD(order, deadline_ms, FIELD_SPAN_MS, NULL, "after this much time it is stuck; 0 = never"),
    FIELD(order, node, FIELD_NODE, NULL, "the node it is on"),
    FIELD(order, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(order, visit, FIELD_U32, NULL, "1 = first repair of the incident, 2 = the next one …"),
    FIELD(order, lease_ms, FIELD_U32, NULL, "of an action: it is not begun later than this, ms"),
    FIELD(order, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(order, part, FIELD_PART, NULL, "the part that it uses up"),
    FIELD(order, result, FIELD_ENUM, &result_words, "in order.ended, action.ended: how it went"),
    FIELD(order, step, FIELD_ENUM, &step_words, "what is asked for; in order.ended what was done"),
    FIELD(order, who, FIELD_ENUM, &who_words, "by whom"),
    FIELD(order, level, FIELD_U8, NULL, "how often it was escalated"),
};
static const struct event_field step_fields[] = {
    FIELD(step, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(step, cost_uusd, FIELD_USD, NULL, "what it is expected to cost"),
    FIELD(step, node, FIELD_NODE, NULL, "the node"),
    FIELD(step, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(step, visit, FIELD_U32, NULL,
          "1 = first step of the incident, 2 = the next one …; 0 = about the drain"),
    FIELD(step, odds_ppm, FIELD_U32, NULL, "the odds that it cures, times 10^6"),
    FIELD(step, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(step, part, FIELD_PART, NULL, "the part that it uses up"),
    FIELD(step, step, FIELD_ENUM, &step_words, "what is done"),
    FIELD(step, drain, FIELD_ENUM, &drain_words, "when the job lets go of the node"),
    FIELD(step, chosen, FIELD_U8, NULL, "row of the tail"),
};
static const struct event_field parts_fields[] = {
    FIELD(parts, due_ms, FIELD_TIME_MS, NULL, "when they are expected"),
    FIELD(parts, cost_uusd, FIELD_USD, NULL, "what they cost"),
    FIELD(parts, order, FIELD_SEQ, NULL, "in parts.arrived: the parts.ordered"),
    FIELD(parts, count, FIELD_U32, NULL, "how many"),
    FIELD(parts, part, FIELD_PART, NULL, "which part"),
};
static const struct event_field judge_fields[] = {
    FIELD(judge, node, FIELD_NODE, NULL, "the node"),
    FIELD(judge, excluded, FIELD_U32, NULL, "people who held it, in 28 days"),
    FIELD(judge, findings, FIELD_U32, NULL, "findings on it"),
    FIELD(judge, tickets, FIELD_U32, NULL, "repairs"),
    FIELD(judge, out, FIELD_U32, NULL, "times out of service"),
    FIELD(judge, multi_fails, FIELD_U32, NULL, "jobs of several nodes that it stopped"),
    FIELD(judge, single_fails, FIELD_U32, NULL, "jobs of one node that it stopped"),
    FIELD(judge, single_rate, FIELD_U32, NULL, "of its jobs of one node, the permille it stopped"),
    FIELD(judge, signals, FIELD_U16, NULL, "bits of the signals past their threshold"),
    FIELD(judge, lemon, FIELD_U8, NULL, "1 = it is a lemon from now on, 0 = no longer"),
};
static const struct event_field spares_fields[] = {
    FIELD(spares, rate_per_1e9_node_hours, FIELD_U64, NULL, "failures, times 10^9 a node-hour"),
    FIELD(spares, repair_ms, FIELD_SPAN_MS, NULL, "mean time that a node is out"),
    FIELD(spares, nodes, FIELD_U32, NULL, "nodes of the fleet"),
    FIELD(spares, expected_ppm, FIELD_U32, NULL, "nodes out at once on average, times 10^6"),
    FIELD(spares, quantile_ppm, FIELD_U32, NULL, "the target is enough with these odds"),
    FIELD(spares, domain, FIELD_U32, NULL, "of them for a domain that fails whole"),
    FIELD(spares, target, FIELD_U32, NULL, "nodes kept for restarts"),
};
static const struct event_field cause_fields[] = {
    FIELD(cause, incident, FIELD_SEQ, NULL, "the symptom"),
    FIELD(cause, parent, FIELD_SEQ, NULL, "the incident that explains it"),
    FIELD(cause, component, FIELD_COMPONENT, NULL, "what that one is about"),
    FIELD(cause, slot, FIELD_ROW, NULL, "row of the symptom"),
    FIELD(cause, parent_slot, FIELD_ROW, NULL, "row of the other"),
    FIELD(cause, node, FIELD_NODE, NULL, "the node of the symptom"),
};
static const struct event_field gate_fields[] = {
    FIELD(gate, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(gate, length_ms, FIELD_SPAN_MS, NULL, "how long the check takes at most"),
    FIELD(gate, node, FIELD_NODE, NULL, "the node that is checked"),
    FIELD(gate, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(gate, visit, FIELD_U32, NULL, "the repair that it follows"),
    FIELD(gate, class, FIELD_CLASS, NULL, "the class of fault that the check is keyed to"),
    FIELD(gate, result, FIELD_ENUM, &result_words, "in gate.ended: what it found"),
};
static const struct event_field report_fields[] = {
    FIELD(report, node, FIELD_NODE, NULL, "the node"),
    FIELD(report, service, FIELD_ENUM, &service_words, "whether it takes jobs"),
    FIELD(report, owner, FIELD_ENUM, &owner_words, "who decided that"),
};
static const struct event_field watch_fields[] = {
    FIELD(watch, high, FIELD_U64, NULL, "upper half of the address that answers while it lives"),
    FIELD(watch, low, FIELD_U64, NULL, "lower half of it: IPv4 is mapped"),
    FIELD(watch, node, FIELD_NODE, NULL, "the node"),
    FIELD(watch, port, FIELD_U16, NULL, "its port; 0 = it named none"),
    FIELD(watch, watched, FIELD_U8, NULL, "1 = its agent said hello, 0 = it said goodbye"),
};
static const struct event_field engine_fields[] = {
    FIELD(engine, job, FIELD_U64, NULL, "the job it is about; 0 = none"),
    FIELD(engine, length_ms, FIELD_SPAN_MS, NULL, "of a reservation"),
    FIELD(engine, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(engine, order, FIELD_SEQ, NULL, "in engine.answered: the order"),
    FIELD(engine, node, FIELD_NODE, NULL, "the node it is about, or that the job lost"),
    FIELD(engine, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(engine, job_slot, FIELD_ROW, NULL, "row of the job"),
    FIELD(engine, attempt, FIELD_U32, NULL, "the attempt that is to end; 0 = none"),
    FIELD(engine, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(engine, verb, FIELD_ENUM, &engine_words, "what is asked for"),
    FIELD(engine, result, FIELD_ENUM, &result_words, "in engine.answered: what was read back"),
};
static const struct event_field job_fields[] = {
    FIELD(job, job, FIELD_U64, NULL, "the submitter's number"),
    FIELD(job, work_ms, FIELD_SPAN_MS, NULL, "productive time it needs on all its GPUs"),
    FIELD(job, write_ms, FIELD_SPAN_MS, NULL, "one checkpoint stops work for this long"),
    FIELD(job, restart_ms, FIELD_SPAN_MS, NULL, "from all nodes ready to work going on"),
    FIELD(job, gpus, FIELD_U32, NULL, "GPUs"),
    FIELD(job, nodes, FIELD_U32, NULL, "whole nodes"),
    FIELD(job, category, FIELD_U32, NULL, "the workload class it was drawn from"),
    FIELD(job, priority, FIELD_U8, NULL, "0 = lowest … 7"),
    FIELD(job, flags, FIELD_U8, NULL, "1 = it may be interrupted: it may run on spares"),
};
static const struct event_field running_fields[] = {
    FIELD(running, job, FIELD_U64, NULL, "the job"),
    FIELD(running, ready_ms, FIELD_TIME_MS, NULL, "when its last node was ready"),
    FIELD(running, from_ms, FIELD_SPAN_MS, NULL, "progress in the checkpoint it loaded"),
    FIELD(running, slot, FIELD_ROW, NULL, "row of the job"),
    FIELD(running, attempt, FIELD_U32, NULL, "number of the attempt, from 1"),
};
static const struct event_field progress_fields[] = {
    FIELD(progress, job, FIELD_U64, NULL, "the job"),
    FIELD(progress, progress_ms, FIELD_SPAN_MS, NULL, "useful work since the job began"),
    FIELD(progress, saved_ms, FIELD_SPAN_MS, NULL, "progress in the last whole checkpoint"),
    FIELD(progress, checkpoint_ms, FIELD_SPAN_MS, NULL,
          "time this attempt has spent writing checkpoints"),
    FIELD(progress, stopped_ms, FIELD_TIME_MS, NULL, "in attempt.ended: when work stood still"),
    FIELD(progress, slot, FIELD_ROW, NULL, "row of the job"),
    FIELD(progress, attempt, FIELD_U32, NULL, "number of the attempt"),
    FIELD(progress, node, FIELD_NODE, NULL, "the node that failed"),
    FIELD(progress, class, FIELD_CLASS, NULL, "the class of fault that ended it, where known"),
    FIELD(progress, how, FIELD_ENUM, &attempt_words, "how it ended"),
};
static const struct event_field timer_fields[] = {
    FIELD(timer, id, FIELD_U64, NULL, "the plane's own number"),
    FIELD(timer, due_ns, FIELD_TIME_NS, NULL, "when it was due"),
    FIELD(timer, plane, FIELD_ENUM, &plane_words, "whose timer"),
};
static const struct event_field command_fields[] = {
    FIELD(command, ref, FIELD_U64, NULL, "the advice, job or hold it is about; release: 0 = all"),
    FIELD(command, length_ms, FIELD_SPAN_MS, NULL, "of a reservation"),
    FIELD(command, node, FIELD_NODE, NULL, "the node it is about"),
    FIELD(command, hall, FIELD_ROW, NULL, "the hall it is about"),
    FIELD(command, slot, FIELD_ROW, NULL, "row of what it is about"),
    FIELD(command, count, FIELD_U32, NULL, "for the engine: how many nodes from there"),
    FIELD(command, verb, FIELD_ENUM, &verb_words, "what is commanded"),
    FIELD(command, mode, FIELD_ENUM, &mode_words, "for set-mode: the mode"),
    FIELD(command, engine, FIELD_ENUM, &engine_words, "what the engine is to do"),
};
static const struct event_field incident_fields[] = {
    FIELD(incident, component, FIELD_COMPONENT, NULL, "what is wrong"),
    FIELD(incident, finding, FIELD_FINDING, NULL, "the finding that began or joined it"),
    FIELD(incident, incident, FIELD_SEQ, NULL, "its incident.opened; 0 in that event itself"),
    FIELD(incident, opened_ms, FIELD_TIME_MS, NULL, "when it began"),
    FIELD(incident, lost_gpu_ms, FIELD_GPU_MS, NULL, "in incident.closed: what it cost so far"),
    FIELD(incident, node, FIELD_NODE, NULL, "the node it is on"),
    FIELD(incident, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(incident, findings, FIELD_U32, NULL, "findings that belong to it"),
    FIELD(incident, class, FIELD_CLASS, NULL, "the class of fault that losses are booked to"),
    FIELD(incident, gate_class, FIELD_CLASS, NULL, "the class with the longest gate"),
    FIELD(incident, probation_s, FIELD_U32, NULL, "the longest probation of its classes, seconds"),
    FIELD(incident, effect, FIELD_ENUM, &effect_words, "the worst effect of its findings"),
    FIELD(incident, drain, FIELD_ENUM, &drain_words, "the strictest drain of its classes"),
    FIELD(incident, hold_h, FIELD_U16, NULL, "in incident.closed: hours until its repair has held"),
};
static const struct event_field node_fields[] = {
    FIELD(node, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(node, until_ns, FIELD_TIME_NS, NULL, "probation: when it ends; else 0"),
    FIELD(node, node, FIELD_NODE, NULL, "the node"),
    FIELD(node, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(node, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(node, from, FIELD_ENUM, &health_words, "its health before"),
    FIELD(node, to, FIELD_ENUM, &health_words, "its health from now on"),
};
static const struct event_field drain_fields[] = {
    FIELD(drain, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(drain, node, FIELD_NODE, NULL, "the node"),
    FIELD(drain, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(drain, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(drain, how, FIELD_ENUM, &drain_words, "when"),
};
static const struct event_field place_fields[] = {
    FIELD(place, job, FIELD_U64, NULL, "the job"),
    FIELD(place, from_ms, FIELD_SPAN_MS, NULL, "progress in the checkpoint to load"),
    FIELD(place, interval_ms, FIELD_SPAN_MS, NULL, "work between two checkpoints; 0 = never"),
    FIELD(place, write_ms, FIELD_SPAN_MS, NULL, "one checkpoint stops work for this long"),
    FIELD(place, restart_ms, FIELD_SPAN_MS, NULL, "from all nodes ready to work going on"),
    FIELD(place, slot, FIELD_ROW, NULL, "row of the job"),
    FIELD(place, attempt, FIELD_U32, NULL, "number of the attempt, from 1"),
    FIELD(place, nodes, FIELD_U32, NULL, "how many nodes; the tail lists them"),
    FIELD(place, gpus, FIELD_U32, NULL, "GPUs"),
    FIELD(place, groups, FIELD_U32, NULL, "placement groups touched"),
};
static const struct event_field stop_fields[] = {
    FIELD(stop, job, FIELD_U64, NULL, "the job"),
    FIELD(stop, incident, FIELD_SEQ, NULL, "the incident that asks for it"),
    FIELD(stop, slot, FIELD_ROW, NULL, "row of the job"),
    FIELD(stop, attempt, FIELD_U32, NULL, "number of the attempt"),
    FIELD(stop, node, FIELD_NODE, NULL, "the node it is about"),
    FIELD(stop, incident_slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(stop, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(stop, how, FIELD_ENUM, &drain_words, "when"),
};
static const struct event_field advice_fields[] = {
    FIELD(advice, incident, FIELD_SEQ, NULL, "the incident"),
    FIELD(advice, node, FIELD_NODE, NULL, "the node"),
    FIELD(advice, slot, FIELD_ROW, NULL, "row of the incident"),
    FIELD(advice, hall, FIELD_ROW, NULL, "the hall"),
    FIELD(advice, kind, FIELD_KIND, NULL, "the decision that was lowered"),
    FIELD(advice, class, FIELD_CLASS, NULL, "the class of fault"),
    FIELD(advice, reason, FIELD_ENUM, &reason_words, "why the guard lowered it"),
    FIELD(advice, how, FIELD_ENUM, &drain_words, "when it would have been done"),
    FIELD(advice, verb, FIELD_ENUM, &engine_words, "of an order to the engine: what of it"),
    FIELD(advice, step, FIELD_ENUM, &step_words, "of a machine's action: which"),
};
static const struct event_field cascade_fields[] = {
    FIELD(cascade, rounds, FIELD_U32, NULL, "decisions taken before it was stopped"),
};
static const struct event_field contradiction_fields[] = {
    FIELD(contradiction, event, FIELD_SEQ, NULL, "the event that did not fit"),
    FIELD(contradiction, node, FIELD_NODE, NULL, "the node"),
    FIELD(contradiction, kind, FIELD_KIND, NULL, "its kind"),
    FIELD(contradiction, plane, FIELD_ENUM, &plane_words, "the plane that it did not fit"),
    FIELD(contradiction, code, FIELD_U8, NULL, "the plane's number for the misfit"),
};

#define BODY(name_)                                                                           \
    {.name = #name_, .field = name_##_fields, .fields = MW_ARRAY_LEN(name_##_fields),         \
     .size = sizeof(struct body_##name_)}

static const struct event_body_info body_table[] = {
    BODY(epoch),    BODY(adopt),   BODY(finding),  BODY(order), BODY(gate),  BODY(report),
    BODY(watch), BODY(engine), BODY(job),
    BODY(running),  BODY(progress), BODY(timer),   BODY(command), BODY(incident), BODY(node),
    BODY(drain),    BODY(place),   BODY(stop),     BODY(advice), BODY(cascade),
    BODY(contradiction), BODY(step), BODY(parts), BODY(judge), BODY(spares), BODY(cause),
};

static const struct field_type_info type_table[] = {
#define X(e, bytes_, json_, doc_) [e] = {.bytes = (bytes_), .json = (json_), .doc = (doc_)},
    FIELD_TYPES(X)
#undef X
};

const struct field_type_info *field_type_info(uint32_t type)
{
    must(type < FIELD_TYPE_COUNT);
    return &type_table[type];
}

const struct event_body_info *event_body_nth(uint32_t n)
{
    return n < MW_ARRAY_LEN(body_table) ? &body_table[n] : NULL;
}

const struct event_body_info *event_body_of(uint32_t kind)
{
    const struct event_info *info = event_info(kind);
    for (uint32_t i = 0; info->name != NULL && i < MW_ARRAY_LEN(body_table); i++) {
        if (strcmp(body_table[i].name, info->body) == 0)
            return &body_table[i];
    }
    must(info->name == NULL);
    return NULL;
}

uint8_t event_body_bytes(uint32_t kind)
{
    const struct event_body_info *body = event_body_of(kind);
    uint32_t end = 0;
    for (uint32_t i = 0; body && i < body->fields; i++)
        end = MW_MAX(end, (uint32_t)body->field[i].offset + body->field[i].size);
    must(end <= sizeof(union event_body));
    return (uint8_t)end;
}

int64_t event_field_value(const struct event_field *f, const struct event *ev)
{
    const uint8_t *at = ev->body.bytes + f->offset;
    uint64_t value = 0;
    must(f->size <= sizeof(value) && (size_t)f->offset + f->size <= sizeof(ev->body));
    for (uint32_t i = 0; i < f->size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return (int64_t)value;
}

bool event_field_none(const struct event_field *f, int64_t value)
{
    switch (f->type) {
    case FIELD_NODE:
    case FIELD_ROW:
        return value == MW_NONE;
    case FIELD_CLASS:
    case FIELD_PART:
        return value == UINT16_MAX;
    case FIELD_COMPONENT:
    case FIELD_FINDING:
        return value == 0;
    case FIELD_KIND:
        return value == EV_NONE;
    default:
        return false;
    }
}

const char *event_step_word(uint32_t step)
{
    return step < STEP_COUNT ? step_words_list[step] : NULL;
}

const char *event_who_word(uint32_t who)
{
    return who < WHO_COUNT ? who_words_list[who] : NULL;
}

const char *event_field_word(const struct event_field *f, int64_t value)
{
    if (f->type == FIELD_KIND)
        return value >= 0 ? event_info((uint32_t)value)->name : NULL;
    must(f->type == FIELD_ENUM && f->words != NULL);
    return value >= 0 && value < f->words->length ? f->words->word[value] : NULL;
}
