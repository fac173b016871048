/*
 * The views that `mw` also makes over a folder (views.h), as resources: their rows are JSON, here
 * are the fields of them, and who sees which.
 */
#include "api/resource_tables.h"

#include <string.h>

static const json_t *cell(const struct api_rows *r, uint32_t row, const char *name)
{
    return json_object_get(json_array_get(json_object_get(r->document, "rows"), row), name);
}

/* ---- who sees which ------------------------------------------------------------------------- */

/* A place is "hall/row/rack"; what has none is the site's. */
static bool sees_place(struct api_rows *r, uint32_t row, const struct principal *who)
{
    char hall[64];
    const char *place = json_string_value(cell(r, row, "place"));
    if (who->halls == 0)
        return true;
    if (place == NULL || strcspn(place, "/") >= sizeof(hall))
        return false;
    size_t n = strcspn(place, "/");
    memcpy(hall, place, n);
    hall[n] = '\0';
    return access_sees_hall(who, hall);
}

/* An incident: of its hall, and where tenants narrow it, one that hurts a job of theirs. */
bool api_sees_incident(struct api_rows *r, uint32_t row, const struct principal *who)
{
    const struct board *b = r->of->control->board;
    const json_t *jobs = cell(r, row, "jobs"), *id;
    size_t i;
    if (!sees_place(r, row, who))
        return false;
    if (who->tenants == 0)
        return true;
    json_array_foreach(jobs, i, id) {
        uint32_t slot = board_job_find(b, (uint64_t)json_integer_value(id));
        if (slot != MW_NONE && access_sees_tenant(who, b->job_tenant[slot]))
            return true;
    }
    return false;
}

void api_narrow_incident(json_t *row, const struct board *b, const struct principal *who)
{
    json_t *jobs = json_object_get(row, "jobs");
    for (size_t i = json_array_size(jobs); i-- > 0;) {
        uint64_t id = (uint64_t)json_integer_value(json_array_get(jobs, i));
        uint32_t slot = board_job_find(b, id);
        if (slot == MW_NONE || !api_sees_job_row(b, slot, who))
            (void)json_array_remove(jobs, i);
    }
}

void api_narrow_incidents(struct api_rows *r, const struct principal *who)
{
    json_t *rows = json_object_get(r->document, "rows"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
        api_narrow_incident(row, r->of->control->board, who);
}

/* Is the incident in this row of the board, or a symptom of it, in the way of a job that the
 * principal sees?  As the list of incidents has it (view_incidents.c). */
static bool hurts_seen(const struct board *b, uint32_t slot, const struct principal *who)
{
    for (uint32_t n = 0; n < b->nodes; n++) {
        uint32_t job = b->node_job[n], on = b->node_incident[n];
        if (job != MW_NONE && on != MW_NONE && (on == slot || b->incident_parent[on] == slot) &&
            access_sees_tenant(who, b->job_tenant[job]))
            return true;
    }
    for (uint32_t job = 0; job < b->jobs_used; job++) {
        uint32_t on = b->job_incident_slot[job];
        if (b->job_id[job] && b->job_state[job] != JOB_RUNNING && b->job_incident[job] &&
            on < b->incidents_used && b->incident_id[on] == b->job_incident[job] &&
            (on == slot || b->incident_parent[on] == slot) &&
            access_sees_tenant(who, b->job_tenant[job]))
            return true;
    }
    return false;
}

/* An order: who sees its incident. */
bool api_sees_order(struct api_rows *r, uint32_t row, const struct principal *who)
{
    const struct board *b = r->of->control->board;
    uint64_t incident = (uint64_t)json_integer_value(cell(r, row, "incident"));
    if (!sees_place(r, row, who))
        return false;
    if (who->tenants == 0)
        return true;
    for (uint32_t slot = 0; incident != 0 && slot < b->incidents_used; slot++)
        if (b->incident_id[slot] == incident)
            return hurts_seen(b, slot, who);
    return false;
}

static bool sees_node(struct api_rows *r, const char *name, const struct principal *who)
{
    const struct board *b = r->of->control->board;
    uint64_t id = name != NULL ? fleet_find(b->fleet, name) : 0;
    return component_kind_of(id) == COMPONENT_NODE &&
           api_sees_node_row(b, component_index_of(id), who);
}

bool api_sees_node_named(struct api_rows *r, uint32_t row, const struct principal *who)
{
    return sees_node(r, json_string_value(cell(r, row, "node")), who);
}

/* Maintenance: of its hall; a tenant wants to know what comes. */
bool api_sees_first(struct api_rows *r, uint32_t row, const struct principal *who)
{
    const struct fleet *f = r->of->control->board->fleet;
    const char *name = json_string_value(cell(r, row, "first"));
    uint64_t id = name != NULL ? fleet_find(f, name) : 0;
    uint32_t hall = component_kind_of(id) == COMPONENT_NODE ? f->node_hall[component_index_of(id)]
                                                            : MW_NONE;
    return who->halls == 0 ||
           (hall != MW_NONE &&
            access_sees_hall(who, fleet_name(f, component_id(COMPONENT_HALL, hall))));
}

bool api_sees_hall_named(struct api_rows *r, uint32_t row, const struct principal *who)
{
    const char *hall = json_string_value(cell(r, row, "hall"));
    return hall != NULL && access_sees_hall(who, hall);
}

/* ---- fields --------------------------------------------------------------------------------- */

const struct api_field api_incident_fields[] = {
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "its number: the event that opened it", NULL },
    { "class", FIELD_TEXT, BASIS_NONE, "Class", "what kind of fault", NULL },
    { "on", FIELD_TEXT, BASIS_NONE, "On", "the component it is on", NULL },
    { "node", FIELD_TEXT, BASIS_NONE, "Node", "the node; null for a part that is no node's", NULL },
    { "place", FIELD_TEXT, BASIS_NONE, "Place", "hall/row/rack", NULL },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "the health of its node; symptom; in place; closed",
      NULL },
    { "opened", FIELD_TIME, BASIS_RECORD, "Opened", "when it was opened", NULL },
    { "closed", FIELD_TIME, BASIS_RECORD, "Closed", "when it was closed", NULL },
    { "age_ms", FIELD_MS, BASIS_RECORD, "Age", "since it was opened; of a closed one, how long it "
      "was open", NULL },
    { "findings", FIELD_INT, BASIS_RECORD, "Findings", "findings that belong to it", NULL },
    { "symptoms", FIELD_INT, BASIS_RECORD, "Symptoms", "open incidents that are its symptoms",
      NULL },
    { "symptom_of", FIELD_INT, BASIS_NONE, "Symptom of", "the incident that it is a symptom of",
      NULL },
    { "jobs", FIELD_JSON, BASIS_NONE, "Jobs", "numbers of the jobs that it hurts", NULL },
    { "lost_gpu_ms", FIELD_INT, BASIS_RECORD, "Lost GPU time", "GPU-ms lost to it so far, its "
      "symptoms' with it", NULL },
    { "lost_uusd", FIELD_UUSD, BASIS_MODELLED, "Lost", "the same at the policy's price", NULL },
    { "stake_uusd_per_hour", FIELD_UUSD, BASIS_MODELLED, "At stake an hour", "what it costs an "
      "hour while it is open", NULL },
    { "rests_on", FIELD_TEXT, BASIS_NONE, "Rests on", "what its figures rest on", NULL },
    { "next", FIELD_TEXT, BASIS_NONE, "Next", "what it waits for", NULL },
    { "advice", FIELD_INT, BASIS_NONE, "Advice", "the advice about it that waits for a person",
      NULL },
    { 0 },
};

const struct api_field api_order_fields[] = {
    { "order", FIELD_INT, BASIS_NONE, "Order", "its number: the event that opened it", NULL },
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "the incident it is for", NULL },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "open, begun, asked (a machine), stuck", NULL },
    { "step", FIELD_TEXT, BASIS_NONE, "Step", "what is to be done, as a word of the record", NULL },
    { "do", FIELD_TEXT, BASIS_NONE, "Do", "the same for people", NULL },
    { "who", FIELD_TEXT, BASIS_NONE, "Who", "agent, bmc, technician or vendor", NULL },
    { "component", FIELD_TEXT, BASIS_NONE, "Part", "what it is to be done to", NULL },
    { "serial", FIELD_TEXT, BASIS_NONE, "Serial", "the serial number that is there now", NULL },
    { "part", FIELD_TEXT, BASIS_NONE, "Spare part", "the part that it uses up", NULL },
    { "place", FIELD_TEXT, BASIS_NONE, "Place", "hall/row/rack", NULL },
    { "class", FIELD_TEXT, BASIS_NONE, "Class", "what kind of fault", NULL },
    { "evidence", FIELD_TEXT, BASIS_NONE, "Evidence", "what was found", NULL },
    { "tools", FIELD_TEXT, BASIS_NONE, "Take along", "what a person needs", NULL },
    { "age_ms", FIELD_MS, BASIS_RECORD, "Age", "since it was opened", NULL },
    { "deadline", FIELD_TIME, BASIS_POLICY, "Deadline", "past this it is stuck", NULL },
    { "stuck", FIELD_BOOL, BASIS_NONE, "Stuck", "it is past its deadline", NULL },
    { "level", FIELD_INT, BASIS_RECORD, "Escalated", "how often it was escalated", NULL },
    { "stake_uusd_per_hour", FIELD_UUSD, BASIS_MODELLED, "At stake an hour", "what its incident "
      "costs an hour", NULL },
    { "rests_on", FIELD_TEXT, BASIS_NONE, "Rests on", "what the money rests on", NULL },
    { "symptoms", FIELD_INT, BASIS_RECORD, "Symptoms", "open symptoms of its incident", NULL },
    { "warranty", FIELD_TEXT, BASIS_NONE, "Warranty", "of the part, where it is known", NULL },
    { 0 },
};

const struct api_field api_part_fields[] = {
    { "part", FIELD_TEXT, BASIS_NONE, "Part", "its name in the policy", NULL },
    { "stock", FIELD_INT, BASIS_RECORD, "In store", "below 0: owed to open orders; null: without "
      "end", NULL },
    { "coming", FIELD_INT, BASIS_RECORD, "Coming", "ordered, on their way", NULL },
    { "due", FIELD_TIME, BASIS_MODELLED, "Due", "when the first of them is expected", NULL },
    { "least", FIELD_INT, BASIS_POLICY, "Least", "below this more are ordered", NULL },
    { "batch", FIELD_INT, BASIS_POLICY, "Batch", "how many at once", NULL },
    { "lead_ms", FIELD_MS, BASIS_POLICY, "Lead time", "from ordered to in the store", NULL },
    { "cost_uusd", FIELD_UUSD, BASIS_POLICY, "Cost", "of one", NULL },
    { 0 },
};

const struct api_field api_odds_fields[] = {
    { "class", FIELD_TEXT, BASIS_NONE, "Class", "what kind of fault", NULL },
    { "step", FIELD_TEXT, BASIS_NONE, "Step", "what is done about it", NULL },
    { "who", FIELD_TEXT, BASIS_NONE, "Who", "agent, bmc, technician or vendor", NULL },
    { "prior_ppm", FIELD_PPM, BASIS_POLICY, "Before", "odds that it cures, before anything was "
      "seen", NULL },
    { "weight", FIELD_INT, BASIS_POLICY, "Weight", "that counts as so many repairs seen", NULL },
    { "seen", FIELD_INT, BASIS_RECORD, "Seen", "repairs of which it is known", NULL },
    { "held", FIELD_INT, BASIS_RECORD, "Held", "of them, those that held", NULL },
    { "odds_ppm", FIELD_PPM, BASIS_MODELLED, "Odds", "odds with what was seen", NULL },
    { "rests_on", FIELD_TEXT, BASIS_NONE, "Rests on", "what the odds rest on", NULL },
    { 0 },
};

const struct api_field api_lemon_fields[] = {
    { "node", FIELD_TEXT, BASIS_NONE, "Node", "the node", NULL },
    { "health", FIELD_TEXT, BASIS_NONE, "Health", "where it is in its life", NULL },
    { "verdict", FIELD_TEXT, BASIS_NONE, "Verdict", "lemon, watched or as others", NULL },
    { "past", FIELD_TEXT, BASIS_NONE, "Past threshold", "the signals that speak", NULL },
    { "hazard", FIELD_INT, BASIS_MODELLED, "Hazard", "16 = twice as likely to fail as another",
      NULL },
    { "refaults", FIELD_INT, BASIS_RECORD, "Refaults", "repairs that did not hold since one did",
      NULL },
    { "out_hours", FIELD_INT, BASIS_RECORD, "Out", "hours out of service in 28 days", NULL },
    { "yearly_uusd", FIELD_UUSD, BASIS_MODELLED, "A year", "what going on like this would cost",
      NULL },
    { "excluded", FIELD_INT, BASIS_RECORD, "Excluded", "holds in 28 days", NULL },
    { "findings", FIELD_INT, BASIS_RECORD, "Findings", "findings in 28 days", NULL },
    { "tickets", FIELD_INT, BASIS_RECORD, "Tickets", "repairs in 28 days", NULL },
    { "out", FIELD_INT, BASIS_RECORD, "Times out", "times out of service in 28 days", NULL },
    { "multi_fails", FIELD_INT, BASIS_RECORD, "Gangs failed", "jobs of several nodes that it "
      "stopped", NULL },
    { "single_fails", FIELD_INT, BASIS_RECORD, "Singles failed", "jobs of one node that it "
      "stopped", NULL },
    { "single_rate_permille", FIELD_INT, BASIS_RECORD, "Rate", "of its jobs of one node, the "
      "permille that it stopped", NULL },
    { 0 },
};

const struct api_field api_spare_fields[] = {
    { "rule", FIELD_TEXT, BASIS_NONE, "Rule", "none, fixed or sized", NULL },
    { "kept", FIELD_INT, BASIS_MODELLED, "Kept", "nodes kept for restarts", NULL },
    { "free", FIELD_INT, BASIS_RECORD, "Free", "of them free now", NULL },
    { "lent", FIELD_INT, BASIS_RECORD, "Lent", "of them lent to jobs that may be interrupted",
      NULL },
    { "sized_seq", FIELD_INT, BASIS_NONE, "Decided", "the event that sized them", NULL },
    { "rate_per_1e9_node_hours", FIELD_INT, BASIS_MODELLED, "Rate", "failures that take a node "
      "out, per 10^9 node-hours", NULL },
    { "repair_ms", FIELD_MS, BASIS_MODELLED, "Repair", "mean time out", NULL },
    { "nodes", FIELD_INT, BASIS_RECORD, "Nodes", "of the fleet in service and out", NULL },
    { "expected_ppm", FIELD_INT, BASIS_MODELLED, "Expected", "nodes out at once on average, times "
      "10^6", NULL },
    { "quantile_ppm", FIELD_PPM, BASIS_POLICY, "Odds", "enough with these odds", NULL },
    { "domain", FIELD_INT, BASIS_MODELLED, "Domain", "nodes added for the largest domain that "
      "fails whole", NULL },
    { "outs", FIELD_INT, BASIS_RECORD, "Outs", "nodes that a fault took out so far", NULL },
    { "repairs", FIELD_INT, BASIS_RECORD, "Repairs", "of them that came back", NULL },
    { "rests_on", FIELD_TEXT, BASIS_NONE, "Rests on", "what the number rests on", NULL },
    { 0 },
};

const struct api_field api_budget_fields[] = {
    { "hall", FIELD_TEXT, BASIS_NONE, "Hall", "the hall", NULL },
    { "mode", FIELD_TEXT, BASIS_NONE, "Mode", "what automation may do there", NULL },
    { "taken", FIELD_INT, BASIS_RECORD, "Taken", "working nodes that it took within the window",
      NULL },
    { "allowed", FIELD_INT, BASIS_POLICY, "Allowed", "how many it may take in one", NULL },
    { "tripped", FIELD_BOOL, BASIS_NONE, "Tripped", "it may not until a person resets it", NULL },
    { 0 },
};

const struct api_field api_window_fields[] = {
    { "id", FIELD_INT, BASIS_NONE, "Window", "its number: the command that planned it", NULL },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "noted, on or over", NULL },
    { "first", FIELD_TEXT, BASIS_NONE, "First node", "nodes in the order of the site from here on",
      NULL },
    { "count", FIELD_INT, BASIS_RECORD, "Nodes", "how many", NULL },
    { "from", FIELD_TIME, BASIS_RECORD, "From", "when it begins", NULL },
    { "to", FIELD_TIME, BASIS_RECORD, "To", "when it ends", NULL },
    { "length_ms", FIELD_MS, BASIS_RECORD, "Length", "how long", NULL },
    { "actor", FIELD_INT, BASIS_NONE, "By", "the person's number", NULL },
    { 0 },
};
