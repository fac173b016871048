/* Open incidents: what each is about, what it costs, what comes next. */
#include "api/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static json_t *incident_row(const struct api_view_of *v, uint32_t slot, int64_t stake,
                            int64_t open)
{
    const struct board *b = v->control->board;
    uint32_t parent = b->incident_parent[slot];
    int64_t lost = b->incident_lost_gpu_ms[slot] + open;
    struct text next = { 0 };
    char basis[48];
    add_next(&next, v, slot);
    (void)snprintf(basis, sizeof(basis), "%s time, modelled price",
                   words_basis(&v->control->policy));
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:s, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:s, s:o}",
        "incident", (json_int_t)b->incident_id[slot],
        "class", words_class(v->words, b->incident_class[slot]),
        "on", api_component(v->words, b->incident_component[slot]),
        "place", api_place(b->fleet, b->incident_component[slot]),
        "state", state_of(b, slot),
        "age_ms", (json_int_t)(mw_ms(v->now_ns) - b->incident_opened_ms[slot]),
        "findings", (json_int_t)b->incident_findings[slot],
        "symptoms", (json_int_t)b->incident_symptoms[slot],
        "symptom_of", api_number_or_null(parent == MW_NONE ? 0 : b->incident_id[parent]),
        "lost_gpu_ms", (json_int_t)lost,
        "lost_uusd",
        (json_int_t)account_price(lost, v->control->policy.account.microdollars_per_gpu_hour),
        "stake_uusd_per_hour", (json_int_t)stake,
        "rests_on", basis,
        "next", api_text(&next));
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

json_t *api_view_incidents(const struct api_view_of *v, struct mw_error *err)
{
    const struct board *b = v->control->board;
    int64_t *stake mw_cleanup(mw_freep) = api_stakes(v->control);
    int64_t *open mw_cleanup(mw_freep) =
        mw_calloc((size_t)b->incidents_used + 1, sizeof(*open));
    struct entry *list mw_cleanup(mw_freep) =
        mw_calloc((size_t)b->incidents_used + 1, sizeof(*list));
    json_t *rows = stake && open && list ? json_array() : NULL;
    const struct account_open lost = { .incident = open };
    uint32_t n = 0;
    if (rows != NULL)
        account_open_lost(v->control->account, v->now_ns, &lost);
    for (uint32_t slot = 0; rows != NULL && slot < b->incidents_used; slot++)
        if (b->incident_id[slot] && (v->all || b->incident_parent[slot] == MW_NONE))
            list[n++] = (struct entry){ stake[slot], b->incident_opened_ms[slot], slot };
    if (n > 0)
        qsort(list, n, sizeof(*list), dearest_first);
    bool ok = rows != NULL;
    for (uint32_t i = 0; ok && i < MW_MIN(n, API_ROWS_MAX); i++)
        ok = json_array_append_new(rows, incident_row(v, list[i].slot, list[i].stake,
                                                      open[list[i].slot])) == 0;
    if (!ok) {
        json_decref(rows);
        rows = NULL;
    }
    return api_document(v, rows, n > API_ROWS_MAX ? n - API_ROWS_MAX : 0, err);
}
