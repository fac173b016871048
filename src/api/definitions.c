/* The table of definitions.  See definitions.h. */
#include "api/definitions.h"

#include <string.h>

#include "api/mark.h"
#include "api/resource.h"
#include "base/text.h"

#define ACCOUNTS "docs/concepts.md"
#define PRICE "GPU time × the policy's price of a GPU-hour"

const struct definition definitions[] = {
    /* ---- home */
    { "goodput_ppm", "Goodput", "ppm", "Of the GPU time that was available in the last 24 hours "
      "(of a shorter record: in all), the share that did work for the first time",
      "productive ÷ (all GPU time − planned)", "record", ACCOUNTS },
    { "goodput_total_ppm", "Goodput in all", "ppm", "The same since the record began",
      "productive ÷ (all GPU time − planned)", "record", ACCOUNTS },
    { "ettr_ppm", "ETTR", "ppm", "Effective training time ratio: of the time from a job's first "
      "start to now or its end, waits to requeue with it, the share that was productive, weighted "
      "by GPUs", "Σ productive GPU time ÷ Σ wall GPU time of jobs that started", "record",
      "Meta, arXiv 2410.21680" },
    { "gpus", "GPUs", "GPUs", "GPUs of the site", NULL, "site file", "docs/site.md" },
    { "gpus_healthy", "Healthy GPUs", "GPUs", "GPUs of nodes that serve: their state is "
      "idle, busy, degraded (slow, and at work) or spare", NULL, "record", "docs/decisions.md" },
    { "gpus_busy", "Busy GPUs", "GPUs", "GPUs that a job has and asked for", NULL, "record",
      "docs/concepts.md" },
    { "lost_today_uusd", "Lost today", "micro-dollars", "GPU time lost since midnight UTC, at the "
      "policy's price", PRICE, "modelled", ACCOUNTS },
    { "lost_today", "Lost today by cause", "micro-dollars", "The same by the class of fault it is "
      "lost to; every lost GPU-millisecond names one", PRICE, "modelled", ACCOUNTS },
    { "lost_total_uusd", "Lost in all", "micro-dollars", "GPU time lost since the record began",
      PRICE, "modelled", ACCOUNTS },
    { "lost_uusd", "Lost", "micro-dollars", "GPU time lost, at the policy's price", PRICE,
      "modelled", ACCOUNTS },
    { "lost_gpu_ms", "Lost GPU time", "GPU-ms", "GPU time in a class that counts as lost: "
      "degraded, checkpoint, recompute, hung, restart, waiting, draining, down, repairing, "
      "validating", "Σ over GPUs", "record", ACCOUNTS },
    { "stake_uusd_per_hour", "At stake an hour", "micro-dollars an hour", "What an open incident "
      "costs while it is open: GPUs of nodes that are out for it and for its symptoms, and the "
      "share of its job that a slow part wastes", "GPUs out × price + job's GPUs × lost share × "
      "price", "modelled", "docs/decisions.md" },
    { "power.drawn_w", "Power drawn", "W", "What the site draws now", "idle and busy nameplate "
      "shares of nodes, by what is on them", "modelled", "docs/site.md" },
    { "power.cap_w", "Power cap", "W", "Limits of the breakers at the top", NULL, "site file",
      "docs/site.md" },
    { "incidents_open", "Open incidents", "incidents", "Incidents that are open and no symptom of "
      "another", NULL, "record", "docs/decisions.md" },
    { "symptoms", "Suppressed symptoms", "incidents", "Open incidents that are put down to another "
      "one and wait for it", NULL, "record", "docs/decisions.md" },
    { "orders_stuck", "Stuck orders", "orders", "Work orders past their deadline", NULL, "record",
      "docs/decisions.md" },
    { "jobs_running", "Running jobs", "jobs", "Jobs that have nodes", NULL, "record",
      "docs/concepts.md" },
    { "jobs_queued", "Waiting jobs", "jobs", "Jobs that wait for nodes", NULL, "record",
      "docs/concepts.md" },
    { "jobs_at_risk", "Jobs at risk", "jobs", "Running jobs of which a node is suspect or has an "
      "open incident, is about to be maintained, or fails at least four times as often as others",
      NULL, "modelled", "docs/api.md" },
    { "advice_waiting", "Advice", "decisions", "What automation would do and may not without a "
      "person", NULL, "record", "docs/concepts.md" },
    { "revision", "Revision", "events", "The number of the last recorded event that an answer "
      "contains", NULL, "record", "docs/record.md" },
    /* ---- jobs */
    { "progress_ms", "Done", "ms", "Useful work done since the job began; work done again counts "
      "once", "last checkpoint + time since, by the cadence of its attempt", "modelled",
      "docs/concepts.md" },
    { "unsaved_ms", "Unsaved work", "ms", "Time since a job's last whole checkpoint: what would be "
      "lost, on all its GPUs, if it stopped now", "time worked mod (interval + write time)",
      "modelled", "docs/concepts.md" },
    { "unsaved_gpu_ms", "Unsaved GPU time", "GPU-ms", "The same times the job's GPUs",
      "unsaved_ms × gpus", "modelled", "docs/concepts.md" },
    { "checkpoint_interval", "Checkpoint interval", "ms", "Work between two checkpoints: what "
      "costs least under the expected rate of failures", "√(2 w ÷ (N r)): w write time, N nodes, "
      "r failures per node and time", "modelled", "Young 1974; Daly 2006; Meta, arXiv 2410.21680" },
    { "expected_end", "Expected end", "time", "When a job is done if nothing stops it",
      "now + work left + a write for each interval in it", "modelled", "docs/concepts.md" },
    { "expected_start", "Expected start", "time", "When enough nodes are free for a waiting job, "
      "as far as the ends of running ones are known", "backfill's reservation", "modelled",
      "docs/concepts.md" },
    /* ---- nodes */
    { "hazard", "Hazard", "0 … 255", "How much rather not this node, from its history",
      "16 × (its expected rate of failures ÷ that of all nodes − 1), 255 at most", "modelled",
      "docs/decisions.md; Meta, arXiv 2410.21680 sec. 6" },
    { "holds", "Holds", "holds", "People, or the engine, that keep jobs from a node; each lifts "
      "its own", NULL, "record", "docs/concepts.md" },
    { "odds_ppm", "Odds", "ppm", "That a step cures for good", "(prior × weight + held) ÷ (weight "
      "+ seen)", "modelled", "docs/decisions.md" },
    { "step_total_uusd", "Expected cost of a step", "micro-dollars", "What a step is expected to "
      "cost, all in: the least is chosen", "action + part + crew + waiting + harm to the job + "
      "(1 − odds) × what comes next + refaults", "modelled", "docs/decisions.md" },
    { "spares_kept", "Spares kept", "nodes", "Nodes kept free for restarts: enough with the "
      "policy's odds for the nodes that are out at once", "the smallest k with P(Binomial(nodes, "
      "r T ÷ (1 + r T)) ≤ k) ≥ the odds; r rate, T repair time; and the largest domain",
      "modelled", "docs/decisions.md" },
    { "budget_taken", "Taken by automation", "nodes", "Working nodes that automation took within "
      "the budget's window", NULL, "record", "docs/concepts.md" },
    { "budget_allowed", "Allowed to automation", "nodes", "At most so many working nodes of a hall "
      "in a window", "max(1, 0.5 % of the hall)", "policy", "docs/concepts.md" },
    { "blast_gpu_ms_lost", "Would be lost", "GPU-ms", "GPU time that a command would cost: the "
      "jobs that it stops load and warm up again, and what they have to do again", "Σ (restart_ms "
      "+ unsaved_ms where it stops at once) × gpus", "modelled", "docs/api.md" },
    /* ---- one job */
    { "job.held_gpu_ms", "Held", "GPU-ms", "GPU time of all its attempts, from having nodes to "
      "their end", "productive + lost + not reported yet", "record", ACCOUNTS },
    { "job.lost_gpu_ms", "Lost", "GPU-ms", "Of what it held, what was no work that counts: "
      "starting, checkpoints, work done again, standing still, slowed down", NULL, "record",
      ACCOUNTS },
    { "job.waiting_ms", "Waited", "ms", "Time without nodes, between an attempt's end and the next "
      "one's nodes", NULL, "record", ACCOUNTS },
    { "job.took_ms", "Took", "ms", "From when it was submitted to the end of its last attempt",
      NULL, "record", "docs/concepts.md" },
    { "job.unreported_gpu_ms", "Not reported yet", "GPU-ms", "Of a running attempt, since its last "
      "report: not judged", NULL, "record", ACCOUNTS },
    { "job.unsaved_gpu_ms", "Never heard of", "GPU-ms", "Of attempts that failed and never said "
      "how far they were", NULL, "record", ACCOUNTS },
    /* ---- one incident */
    { "cause_score", "Score of a cause", "nats", "How much better the failure of this part "
      "explains what was seen than chance does; above 0 it does", "seen × ln(q ÷ p) − (below − "
      "seen) × ln((1 − p) ÷ (1 − q)) − ln(1 ÷ p)", "modelled", "docs/decisions.md" },
    /* ---- the shadow report */
    { "shadow.ours_first", "Seen first here", "withdrawals", "Nodes that both withdrew, and this "
      "program before the team", NULL, "record", "docs/concepts.md" },
    { "shadow.confirmed", "Confirmed", "withdrawals", "Only ours, and afterwards the engine itself "
      "found the node down or it ended a job", NULL, "record", "docs/concepts.md" },
    { "shadow.false_drains", "False drains", "withdrawals", "Only ours and only advised, and the "
      "job on the node ended well", NULL, "record", "docs/concepts.md" },
    { "shadow.misses", "Missed", "withdrawals", "Only the team's, and for no planned work", NULL,
      "record", "docs/concepts.md" },
    /* ---- what-if */
    { "whatif.jobs_done", "Jobs done", "jobs", "Jobs that ended well in the simulated time", NULL,
      "modelled", "docs/simulation.md" },
    { "whatif.kills", "Attempts stopped", "attempts", "Attempts of jobs that a fault stopped in "
      "the simulated time", NULL, "modelled", "docs/simulation.md" },
    { 0 },
};

static json_t *row(const char *key, const char *title, const char *unit, const char *text,
                   const char *formula, const char *basis)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s}", "key", key, "title", title, "unit", unit,
                     "text", text, "formula", formula, "basis", basis);
}

static bool add(json_t *rows, json_t *o, const char *source)
{
    if (o != NULL && source != NULL && json_object_set_new(o, "source", json_string(source)) != 0) {
        json_decref(o);
        return false;
    }
    return o != NULL && json_array_append_new(rows, o) == 0;
}

static bool add_table(json_t *rows, const struct control_policy *p)
{
    bool ok = true;
    const char *record = api_basis_word(BASIS_RECORD, p);
    for (const struct definition *d = definitions; ok && d->key != NULL; d++) {
        const char *basis = strcmp(d->basis, "record") == 0 ? record : d->basis;
        ok = add(rows, row(d->key, d->title, d->unit, d->text, d->formula, basis), d->source);
    }
    return ok;
}

static const char *unit_of(uint8_t type)
{
    switch (type) {
    case FIELD_MS: return "ms";
    case FIELD_UUSD: return "micro-dollars";
    case FIELD_PPM: return "ppm";
    case FIELD_WATTS: return "W";
    case FIELD_TIME: return "time";
    default: return "";
    }
}

/* "nodes.lost_uusd": of every field of a list. */
static bool add_fields(json_t *rows, const struct api_resource *r, const struct control_policy *p)
{
    bool ok = true;
    for (const struct api_field *f = r->field; ok && f->name != NULL; f++) {
        struct text key = { 0 };
        const char *basis = api_basis_word(f->basis, p);
        text_addf(&key, "%s.%s", r->name, f->name);
        ok = add(rows, row(text_string(&key), f->title, unit_of(f->type), f->doc, NULL,
                           basis ? basis : "record"), "docs/api.md");
        text_fini(&key);
    }
    return ok;
}

/* "state.busy", "class.recompute". */
static bool add_words(json_t *rows, const char *record)
{
    static const struct {
        const char *key, *title, *doc;
    } class[] = {
#define X(e, name, lost, doc) { "class." name, name, doc },
        ACCOUNT_CLASSES(X)
#undef X
    }, mark[] = {
#define X(e, value, name, doc) { "state." name, name, doc },
        API_MARKS(X)
#undef X
    };
    bool ok = true;
    for (uint32_t i = 0; ok && i < MW_ARRAY_LEN(class); i++)
        ok = add(rows, row(class[i].key, class[i].title, "GPU-ms", class[i].doc, NULL, record),
                 ACCOUNTS);
    for (uint32_t i = 0; ok && i < MW_ARRAY_LEN(mark); i++)
        ok = add(rows, row(mark[i].key, mark[i].title, "", mark[i].doc, NULL, record),
                 "docs/api.md");
    return ok;
}

json_t *definitions_json(const struct control_policy *p)
{
    json_t *rows = json_array();
    bool ok = rows != NULL && add_table(rows, p) &&
              add_words(rows, api_basis_word(BASIS_RECORD, p));
    for (const struct api_resource *r = api_resources; ok && r->name != NULL; r++)
        ok = add_fields(rows, r, p);
    if (ok)
        return json_pack("{s:s, s:o}", "kind", "DefinitionList", "rows", rows);
    json_decref(rows);
    return NULL;
}
