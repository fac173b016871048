/* Open incidents: what each is about, what it costs, what comes next. */
#include "api/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/past.h"
#include "base/mem.h"
#include "base/units.h"

/* ---- money at stake ------------------------------------------------------------------------- */

/* GPUs, times 10^6, that do nothing for this incident's own node. */
static int64_t gpus_out_ppm(const struct control *c, uint32_t slot)
{
    const struct board *b = c->board;
    uint32_t node = b->incident_node[slot];
    if (node == MW_NONE)
        return 0;
    uint8_t health = b->node_health[node];
    if (health != HEALTH_READY && health != HEALTH_SUSPECT)
        return (int64_t)b->fleet->node_gpus[node] * 1000000;
    uint16_t class = b->incident_class[slot];
    uint32_t job = b->node_job[node];
    bool slows = class < c->policy.care.classes &&
                 c->policy.care.class[class].effect == EFFECT_SLOWS;
    return slows && job != MW_NONE
               ? (int64_t)b->job_gpus[job] * c->policy.care.class[class].slow_ppm : 0;
}

int64_t *api_stakes(const struct control *c)
{
    const struct board *b = c->board;
    int64_t *stake = mw_calloc((size_t)b->incidents_used + 1, sizeof(*stake));
    for (uint32_t slot = 0; stake != NULL && slot < b->incidents_used; slot++) {
        uint32_t parent = b->incident_parent[slot];
        if (!b->incident_id[slot])
            continue;
        __int128 uusd = (__int128)gpus_out_ppm(c, slot) *
                        c->policy.account.microdollars_per_gpu_hour / 1000000;
        stake[slot] += (int64_t)uusd;
        if (parent != MW_NONE && parent < b->incidents_used)
            stake[parent] += (int64_t)uusd;
    }
    return stake;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void add_order(struct text *t, const struct care *care, const struct care_order *o,
                      int64_t now_ms)
{
    bool owed = !o->taken && o->part != CARE_PART_NONE && care_stock(care, o->part) < 0;
    bool stuck = o->deadline_ms && now_ms > o->deadline_ms;
    text_addf(t, "%s: %s", words_step_do(o->step),
              o->action             ? "a machine was asked"
              : !o->taken           ? "nobody has begun"
              : o->step == STEP_RMA ? "the vendor has it"
                                    : "somebody is at it");
    if (stuck)
        text_add(t, ", stuck");
    if (owed)
        text_add(t, ", parts are owed: mw parts");
    text_addf(t, " (order %llu)", (unsigned long long)o->seq);
}

/* What the incident waits for, in words. */
static void add_next(struct text *t, const struct api_view_of *v, uint32_t slot)
{
    const struct board *b = v->control->board;
    const struct care *care = v->control->care;
    uint32_t node = b->incident_node[slot], parent = b->incident_parent[slot];
    uint64_t advice = node != MW_NONE ? care_advice_open(care, node) : 0;
    struct care_order o;
    if (parent != MW_NONE)
        text_addf(t, "waits for incident %llu", (unsigned long long)b->incident_id[parent]);
    else if (advice)
        text_addf(t, "a person decides: mw approve %llu, or mw reject",
                  (unsigned long long)advice);
    else if (care_order_of(care, slot, &o))
        add_order(t, care, &o, mw_ms(v->now_ns));
    else if (node == MW_NONE)
        text_add(t, "ends when what was found is over");
    else if (care_gate_open(care, node))
        text_addf(t, "its check runs (%llu)", (unsigned long long)care_gate_open(care, node));
    else if (b->node_health[node] == HEALTH_PROBATION)
        text_add(t, "it is watched for a while");
    else if (b->node_health[node] == HEALTH_SUSPECT)
        text_add(t, "its job lets go of it");
    else if (care_engine_pending(care, node))
        text_add(t, "the engine's answer");
    else
        text_addf(t, "goes on when what was found is over (%u open)",
                  care_findings_open(care, node));
}

static const char *state_of(const struct board *b, uint32_t slot)
{
    if (b->incident_parent[slot] != MW_NONE)
        return "symptom";
    uint32_t node = b->incident_node[slot];
    return node == MW_NONE ? "in place" : health_name(b->node_health[node]);
}

static void basis_of(const struct api_view_of *v, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s time, modelled price", words_basis(&v->control->policy));
}

static json_t *node_name(const struct api_view_of *v, uint32_t node)
{
    struct text t = { 0 };
    if (node != MW_NONE)
        text_add(&t, words_node(v->words, node));
    return api_text(&t);
}

static json_t *incident_row(const struct api_view_of *v, uint32_t slot, int64_t stake,
                            int64_t open, json_t *jobs)
{
    const struct board *b = v->control->board;
    uint32_t parent = b->incident_parent[slot], node = b->incident_node[slot];
    int64_t lost = b->incident_lost_gpu_ms[slot] + open;
    struct text next = { 0 };
    char basis[48];
    add_next(&next, v, slot);
    basis_of(v, basis, sizeof(basis));
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:s, s:o, s:n, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:s,"
        " s:o, s:o}",
        "incident", (json_int_t)b->incident_id[slot],
        "class", words_class(v->words, b->incident_class[slot]),
        "on", api_component(v->words, b->incident_component[slot]),
        "node", node_name(v, node),
        "place", api_place(b->fleet, b->incident_component[slot]),
        "state", state_of(b, slot),
        "opened", api_time_ms(b->incident_opened_ms[slot]),
        "closed",
        "age_ms", (json_int_t)(mw_ms(v->now_ns) - b->incident_opened_ms[slot]),
        "findings", (json_int_t)b->incident_findings[slot],
        "symptoms", (json_int_t)b->incident_symptoms[slot],
        "symptom_of", api_number_or_null(parent == MW_NONE ? 0 : b->incident_id[parent]),
        "jobs", jobs,
        "lost_gpu_ms", (json_int_t)lost,
        "lost_uusd",
        (json_int_t)account_price(lost, v->control->policy.account.microdollars_per_gpu_hour),
        "stake_uusd_per_hour", (json_int_t)stake,
        "rests_on", basis,
        "next", api_text(&next),
        "advice",
        api_number_or_null(node == MW_NONE ? 0 : care_advice_open(v->control->care, node)));
}

/* One that is over, from the record. */
static json_t *closed_row(const struct api_view_of *v, const struct past_incident *p)
{
    int64_t price = v->control->policy.account.microdollars_per_gpu_hour;
    char basis[48];
    basis_of(v, basis, sizeof(basis));
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:n, s:[], s:I, s:I, s:I, s:s,"
        " s:n, s:n}",
        "incident", (json_int_t)p->incident,
        "class", words_class(v->words, p->class),
        "on", api_component(v->words, p->component),
        "node", node_name(v, p->node),
        "place", api_place(v->control->board->fleet, p->component),
        "state", "closed",
        "opened", api_time_ms(p->opened_ms),
        "closed", api_time_ms(p->closed_ms),
        "age_ms", (json_int_t)(p->closed_ms - p->opened_ms),
        "findings", (json_int_t)p->findings,
        "symptoms", (json_int_t)0,
        "symptom_of",
        "jobs",
        "lost_gpu_ms", (json_int_t)p->lost_gpu_ms,
        "lost_uusd", (json_int_t)account_price(p->lost_gpu_ms, price),
        "stake_uusd_per_hour", (json_int_t)0,
        "rests_on", basis,
        "next",
        "advice");
}

/* ---- jobs that they hurt -------------------------------------------------------------------- */

/* Per incident a list of jobs: those on its node, and those that it stopped and that have not
 * ended. A symptom's are its cause's too. */
struct hurt {
    uint32_t *first;            /* by row of the incidents: entry, MW_NONE */
    uint32_t *next, *job, used; /* entries: rows of jobs */
};

static void hurt_fini(struct hurt *h)
{
    mw_free(h->first);
    mw_free(h->next);
    mw_free(h->job);
}

static void hurt_add(struct hurt *h, const struct board *b, uint32_t slot, uint32_t job)
{
    for (uint32_t e = h->first[slot]; e != MW_NONE; e = h->next[e])
        if (h->job[e] == job)
            return;
    h->job[h->used] = job;
    h->next[h->used] = h->first[slot];
    h->first[slot] = h->used++;
    must(h->used <= 2 * (b->nodes + b->jobs_used));
}

static void hurt_add_both(struct hurt *h, const struct board *b, uint32_t slot, uint32_t job)
{
    uint32_t parent = b->incident_parent[slot];
    hurt_add(h, b, slot, job);
    if (parent != MW_NONE && parent < b->incidents_used)
        hurt_add(h, b, parent, job);
}

static bool hurt_find(struct hurt *h, const struct board *b)
{
    size_t most = 2 * ((size_t)b->nodes + b->jobs_used) + 1;
    h->first = mw_calloc((size_t)b->incidents_used + 1, sizeof(*h->first));
    h->next = mw_calloc(most, sizeof(*h->next));
    h->job = mw_calloc(most, sizeof(*h->job));
    if (h->first == NULL || h->next == NULL || h->job == NULL)
        return false;
    for (uint32_t i = 0; i < b->incidents_used; i++)
        h->first[i] = MW_NONE;
    for (uint32_t n = 0; n < b->nodes; n++)
        if (b->node_job[n] != MW_NONE && b->node_incident[n] != MW_NONE)
            hurt_add_both(h, b, b->node_incident[n], b->node_job[n]);
    for (uint32_t job = 0; job < b->jobs_used; job++) {
        uint32_t slot = b->job_incident_slot[job];
        if (b->job_id[job] && b->job_state[job] != JOB_RUNNING && b->job_incident[job] &&
            slot < b->incidents_used && b->incident_id[slot] == b->job_incident[job])
            hurt_add_both(h, b, slot, job);
    }
    return true;
}

static json_t *hurt_json(const struct hurt *h, const struct board *b, uint32_t slot)
{
    json_t *list = json_array();
    for (uint32_t e = h->first[slot]; list != NULL && e != MW_NONE; e = h->next[e])
        (void)json_array_append_new(list, json_integer((json_int_t)b->job_id[h->job[e]]));
    return list;
}

struct entry {
    int64_t stake, opened_ms;
    uint32_t slot;
};

static int dearest_first(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->stake != b->stake)
        return a->stake > b->stake ? -1 : 1;
    if (a->opened_ms != b->opened_ms)
        return a->opened_ms < b->opened_ms ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* The newest first. */
static json_t *closed_rows(const struct api_view_of *v, uint64_t *left_out)
{
    uint32_t n = 0;
    const struct past_incident *list = v->past != NULL ? past_incidents(v->past, &n) : NULL;
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (uint32_t i = n; ok && i-- > 0 && n - i <= API_ROWS_MAX;)
        ok = json_array_append_new(rows, closed_row(v, &list[i])) == 0;
    *left_out = (n > API_ROWS_MAX ? n - API_ROWS_MAX : 0) +
                (v->past != NULL ? past_left_out(v->past) : 0);
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

static uint32_t collect(const struct api_view_of *v, const int64_t *stake, struct entry *list)
{
    const struct board *b = v->control->board;
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++)
        if (b->incident_id[slot] && (v->all || b->incident_parent[slot] == MW_NONE))
            list[n++] = (struct entry){ stake[slot], b->incident_opened_ms[slot], slot };
    if (n > 0)
        qsort(list, n, sizeof(*list), dearest_first);
    return n;
}

static json_t *open_rows(const struct api_view_of *v, uint64_t *left_out)
{
    const struct board *b = v->control->board;
    size_t most = (size_t)b->incidents_used + 1;
    struct hurt hurt mw_cleanup(hurt_fini) = { 0 };
    int64_t *stake mw_cleanup(mw_freep) = api_stakes(v->control);
    int64_t *open mw_cleanup(mw_freep) = mw_calloc(most, sizeof(*open));
    struct entry *list mw_cleanup(mw_freep) = mw_calloc(most, sizeof(*list));
    if (stake == NULL || open == NULL || list == NULL || !hurt_find(&hurt, b))
        return NULL;
    const struct account_open lost = { .incident = open };
    account_open_lost(v->control->account, v->now_ns, &lost);
    uint32_t n = collect(v, stake, list);
    json_t *rows = json_array();
    bool ok = rows != NULL;
    for (uint32_t i = 0; ok && i < MW_MIN(n, API_ROWS_MAX); i++) {
        uint32_t slot = list[i].slot;
        ok = json_array_append_new(rows, incident_row(v, slot, list[i].stake, open[slot],
                                                      hurt_json(&hurt, b, slot))) == 0;
    }
    *left_out = n > API_ROWS_MAX ? n - API_ROWS_MAX : 0;
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

json_t *api_view_incidents(const struct api_view_of *v, struct mw_error *err)
{
    uint64_t left_out = 0;
    json_t *rows = v->closed ? closed_rows(v, &left_out) : open_rows(v, &left_out);
    return api_document(v, rows, left_out, err);
}
