/* The smaller documents, and what all of them share.  See views.h. */
#include "api/views.h"

#include <stdio.h>
#include <string.h>

#include "api/command.h"
#include "base/mem.h"
#include "base/units.h"
#include "core/event_fields.h"

/* ---- pieces --------------------------------------------------------------------------------- */

json_t *api_text(struct text *t)
{
    json_t *v = t->length == 0 ? json_null() : json_string(text_string(t));
    bool failed = t->failed;
    text_fini(t);
    if (!failed)
        return v != NULL ? v : json_string("(unreadable)");
    json_decref(v);
    return NULL;
}

json_t *api_time_ms(int64_t ms)
{
    struct text t = { 0 };
    if (ms == 0 || ms == MW_NEVER)
        return json_null();
    words_time_ms(&t, ms);
    return api_text(&t);
}

json_t *api_number_or_null(uint64_t n)
{
    return n ? json_integer((json_int_t)n) : json_null();
}

json_t *api_component(const struct words *w, uint64_t component)
{
    struct text t = { 0 };
    words_component(&t, w, component);
    return api_text(&t);
}

/* The rack and hall of a component; MW_NONE where it has none. */
static void find_place(const struct fleet *f, uint64_t component, uint32_t *ret_hall,
                       uint32_t *ret_rack)
{
    uint32_t node = fleet_node_of(f, component), i = component_index_of(component);
    *ret_hall = *ret_rack = MW_NONE;
    if (component_kind_of(component) == COMPONENT_SWITCH) {
        *ret_hall = f->switch_hall[i];
        *ret_rack = f->switch_rack[i];
    } else if (component_kind_of(component) == COMPONENT_RACK) {
        *ret_hall = f->rack_hall[i];
        *ret_rack = i;
    } else if (node != MW_NONE) {
        *ret_hall = f->node_hall[node];
        *ret_rack = f->node_rack[node];
    }
}

json_t *api_place(const struct fleet *f, uint64_t component)
{
    struct text t = { 0 };
    uint32_t hall, rack;
    find_place(f, component, &hall, &rack);
    if (hall != MW_NONE)
        text_add(&t, fleet_name(f, component_id(COMPONENT_HALL, hall)));
    if (rack != MW_NONE && f->rack_row[rack] != MW_NONE)
        text_addf(&t, "/%s", fleet_name(f, component_id(COMPONENT_ROW, f->rack_row[rack])));
    if (rack != MW_NONE)
        text_addf(&t, "/%s", fleet_name(f, component_id(COMPONENT_RACK, rack)));
    return api_text(&t);
}

json_t *api_document(const struct api_view_of *v, json_t *rows, uint64_t left_out,
                     struct mw_error *err)
{
    json_t *o = rows == NULL ? NULL
                             : json_pack("{s:o, s:o, s:I}", "now", api_time_ms(mw_ms(v->now_ns)),
                                         "rows", json_incref(rows), "left_out",
                                         (json_int_t)left_out);
    json_decref(rows);
    if (o == NULL)
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}

bool api_row(json_t *rows, json_t *row, uint64_t *left_out)
{
    if (row == NULL || json_array_size(rows) < API_ROWS_MAX)
        return row != NULL && json_array_append_new(rows, row) == 0;
    json_decref(row);
    (*left_out)++;
    return true;
}

/* The rows when all of them could be made, else NULL: a list is whole or it is an error. */
static json_t *whole(json_t *rows, bool ok)
{
    if (ok)
        return rows;
    json_decref(rows);
    return NULL;
}

/* Adds what only one document has; takes value.  Passes the document on. */
static json_t *with(json_t *document, const char *key, json_t *value)
{
    if (document != NULL && value != NULL && json_object_set_new(document, key, value) == 0)
        return document;
    json_decref(document == NULL ? value : document);
    return NULL;
}

/* ---- parts and odds ------------------------------------------------------------------------- */

static json_t *view_parts(const struct api_view_of *v, struct mw_error *err)
{
    const struct control *c = v->control;
    json_t *rows = json_array();
    uint64_t left_out = 0;
    bool ok = rows != NULL;
    for (uint16_t p = 0; ok && p < c->policy.care.parts; p++) {
        const struct care_part *part = &c->policy.care.part[p];
        int64_t due_ms = 0, stock = care_stock(c->care, p);
        uint32_t coming = care_stock_coming(c->care, p, &due_ms);
        bool endless = stock == INT64_MAX;
        ok = api_row(rows,
                     json_pack("{s:s, s:o, s:I, s:o, s:o, s:I, s:I, s:I}", "part", part->name,
                               "stock", endless ? json_null() : json_integer(stock), "coming",
                               (json_int_t)coming, "due", api_time_ms(coming ? due_ms : 0),
                               "least", endless ? json_null() : json_integer(part->least), "batch",
                               (json_int_t)part->batch, "lead_ms", (json_int_t)part->lead_ms,
                               "cost_uusd", (json_int_t)part->cost_uusd),
                     &left_out);
    }
    return api_document(v, whole(rows, ok), left_out, err);
}

static json_t *odds_row(const struct control *c, uint16_t class, const struct care_ladder *l)
{
    struct care_odds o = care_odds_of(c->care, class, l->step);
    const char *step = event_step_word(l->step), *who = event_who_word(l->who);
    char basis[32];
    (void)snprintf(basis, sizeof(basis), "policy%s%s", o.tried ? ", " : "",
                   o.tried ? words_basis(&c->policy) : "");
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "class",
                     c->policy.care.class[class].name, "step", step ? step : "?", "who",
                     who ? who : "?", "prior_ppm", (json_int_t)l->odds_ppm, "weight",
                     (json_int_t)l->weight, "seen", (json_int_t)o.tried, "held",
                     (json_int_t)o.held, "odds_ppm", (json_int_t)o.ppm, "rests_on",
                     basis);
}

static json_t *view_odds(const struct api_view_of *v, struct mw_error *err)
{
    const struct control *c = v->control;
    json_t *rows = json_array();
    uint64_t left_out = 0;
    bool ok = rows != NULL;
    for (uint16_t k = 0; ok && k < c->policy.care.classes; k++)
        for (uint32_t i = 0; ok && i < c->policy.care.class[k].steps; i++)
            ok = api_row(rows, odds_row(c, k, &c->policy.care.class[k].ladder[i]), &left_out);
    return api_document(v, whole(rows, ok), left_out, err);
}

/* ---- lemons --------------------------------------------------------------------------------- */

/* The names of the seven signals, as keys. */
static const char *const SIGNAL_KEY[LEMON_SIGNALS] = {
    [LEMON_EXCLUDED] = "excluded", [LEMON_XIDS] = "findings", [LEMON_TICKETS] = "tickets",
    [LEMON_OUT] = "out", [LEMON_MULTI_FAILS] = "multi_fails",
    [LEMON_SINGLE_FAILS] = "single_fails", [LEMON_SINGLE_RATE] = "single_rate_permille",
};

static json_t *lemon_row(const struct api_view_of *v, uint32_t node, const struct care_history *h)
{
    struct text past = { 0 };
    for (uint32_t i = 0; i < LEMON_SIGNALS; i++)
        if (h->past >> i & 1u)
            text_addf(&past, "%s%s", past.length ? " " : "", SIGNAL_KEY[i]);
    json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:I}", "node",
                          words_node(v->words, node), "health",
                          health_name(v->control->board->node_health[node]), "verdict",
                          h->lemon ? "lemon" : h->past ? "watched" : "as others", "past",
                          api_text(&past), "hazard", (json_int_t)h->hazard, "refaults",
                          (json_int_t)h->refaults, "out_hours", (json_int_t)h->out_hours,
                          "yearly_uusd", (json_int_t)h->yearly_uusd);
    for (uint32_t i = 0; o != NULL && i < LEMON_SIGNALS; i++)
        if (json_object_set_new(o, SIGNAL_KEY[i], json_integer(h->value[i])) < 0)
            return NULL;
    return o;
}

/* Lemons first, then nodes of which a signal speaks; with `all` every node that has any. */
static json_t *view_lemons(const struct api_view_of *v, struct mw_error *err)
{
    const struct board *b = v->control->board;
    json_t *rows = json_array();
    uint64_t left_out = 0;
    bool ok = rows != NULL;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t n = 0; ok && n < b->nodes; n++) {
            struct care_history h = { 0 };
            care_history(v->control->care, n, &h);
            bool any = false;
            for (uint32_t i = 0; i < LEMON_SIGNALS; i++)
                any |= h.value[i] > 0;
            uint32_t rank = h.lemon ? 0 : h.past ? 1 : 2;
            if (rank == round && (rank < 2 || (v->all && any)))
                ok = api_row(rows, lemon_row(v, n, &h), &left_out);
        }
    }
    if (!ok) {
        json_decref(rows);
        rows = NULL;
    }
    const struct care_policy *p = &v->control->policy.care;
    json_t *o = with(api_document(v, rows, left_out, err), "signals_needed",
                     json_integer(p->lemon ? p->lemon_signals : 0));
    json_t *at = json_object();
    for (uint32_t i = 0; at != NULL && i < LEMON_SIGNALS; i++)
        (void)json_object_set_new(at, SIGNAL_KEY[i], json_integer(p->lemon_at[i]));
    return with(o, "thresholds", at);
}

/* ---- spares, windows ------------------------------------------------------------------------ */

static json_t *view_spares(const struct api_view_of *v, struct mw_error *err)
{
    static const char *const rule[] = { [SPARES_NONE] = "none", [SPARES_FIXED] = "fixed",
                                        [SPARES_SIZED] = "sized" };
    const struct work_policy *p = &v->control->policy.work;
    struct work_spare_sums s = work_spares(v->control->work);
    json_t *rows = json_array();
    uint64_t left_out = 0;
    char basis[32];
    (void)snprintf(basis, sizeof(basis), "policy%s%s", s.outs ? ", " : "",
                   s.outs ? words_basis(&v->control->policy) : "");
    json_t *row = json_pack(
        "{s:s, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
        "rule", p->spares < MW_ARRAY_LEN(rule) ? rule[p->spares] : "?",
        "kept", (json_int_t)s.target, "free", (json_int_t)s.free, "lent", (json_int_t)s.lent,
        "sized_seq", api_number_or_null(s.sized_seq),
        "rate_per_1e9_node_hours", (json_int_t)s.sized.rate_per_1e9_node_hours,
        "repair_ms", (json_int_t)s.sized.repair_ms,
        "nodes", (json_int_t)s.sized.nodes,
        "expected_ppm", (json_int_t)s.sized.expected_ppm,
        "quantile_ppm", (json_int_t)s.sized.quantile_ppm,
        "domain", (json_int_t)s.sized.domain,
        "outs", (json_int_t)s.outs, "repairs", (json_int_t)s.repairs,
        "rests_on", basis);
    if (rows != NULL && !api_row(rows, row, &left_out)) {
        json_decref(rows);
        rows = NULL;
    }
    return api_document(v, rows, left_out, err);
}

static json_t *window_row(const struct api_view_of *v, const struct work_window *w)
{
    const struct fleet *f = v->control->board->fleet;
    int64_t now_ms = mw_ms(v->now_ns);
    return json_pack("{s:I, s:o, s:s, s:I, s:o, s:o, s:I, s:I}", "id", (json_int_t)w->command,
                     "state", json_string(w->begun ? "on" : w->to_ms <= now_ms ? "over" : "noted"),
                     "first", fleet_name(f, component_id(COMPONENT_NODE, w->first)), "count",
                     (json_int_t)w->count, "from", api_time_ms(w->from_ms), "to",
                     api_time_ms(w->to_ms), "length_ms", (json_int_t)(w->to_ms - w->from_ms),
                     "actor", (json_int_t)w->actor);
}

static json_t *view_windows(const struct api_view_of *v, struct mw_error *err)
{
    json_t *rows = json_array();
    struct work_window w;
    uint64_t left_out = 0;
    bool ok = rows != NULL;
    for (uint32_t at = 0; ok && work_window_next(v->control->work, &at, &w);)
        ok = api_row(rows, window_row(v, &w), &left_out);
    if (!ok) {
        json_decref(rows);
        rows = NULL;
    }
    return api_document(v, rows, left_out, err);
}

/* ---- the budget ----------------------------------------------------------------------------- */

static json_t *view_budget(const struct api_view_of *v, struct mw_error *err)
{
    const struct guard *g = v->control->guard;
    const struct fleet *f = v->control->board->fleet;
    json_t *rows = json_array();
    uint64_t left_out = 0;
    bool ok = rows != NULL;
    for (uint32_t h = 0; ok && h < f->count[COMPONENT_HALL]; h++) {
        struct guard_hall_budget b = guard_hall_budget(g, h, mw_ms(v->now_ns));
        ok = api_row(rows,
                     json_pack("{s:s, s:s, s:I, s:I, s:b}", "hall",
                               fleet_name(f, component_id(COMPONENT_HALL, h)), "mode",
                               api_mode_word(guard_mode_of(g, h)), "taken", (json_int_t)b.taken,
                               "allowed", (json_int_t)b.allowed, "tripped", (int)b.tripped),
                     &left_out);
    }
    if (!ok) {
        json_decref(rows);
        rows = NULL;
    }
    json_t *fleet = json_pack("{s:I, s:I, s:I, s:I, s:b, s:I}", "drained",
                              (json_int_t)guard_taken(g), "drained_allowed",
                              (json_int_t)guard_fleet_allowed(g), "ordered_down",
                              (json_int_t)guard_downs(g), "ordered_down_allowed",
                              (json_int_t)guard_downs_allowed(g), "tripped",
                              (int)guard_tripped(g), "window_ms",
                              (json_int_t)v->control->policy.guard.window_ms);
    return with(api_document(v, rows, left_out, err), "fleet", fleet);
}

/* ---- the table ------------------------------------------------------------------------------ */

#define PATH "/api/v1/"
const struct api_view api_views[] = {
    { "incidents", PATH "incidents", api_view_incidents },
    { "orders", PATH "orders", api_view_orders },
    { "parts", PATH "parts", view_parts },
    { "odds", PATH "odds", view_odds },
    { "lemons", PATH "lemons", view_lemons },
    { "spares", PATH "spares", view_spares },
    { "budget", PATH "budget", view_budget },
    { "windows", PATH "windows", view_windows },
    { 0 },
};

const struct api_view *api_view_find(const char *name)
{
    for (const struct api_view *v = api_views; v->name != NULL; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}
