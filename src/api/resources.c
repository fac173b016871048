/* All resources, by the names of their paths.  See resource.h. */
#include "api/resource_tables.h"

struct api_value api_value_incident(const struct board *b, uint32_t slot)
{
    return api_value_or_null(slot == MW_NONE ? 0 : b->incident_id[slot]);
}

struct api_value api_value_name(const struct fleet *f, enum component_kind kind, uint32_t index)
{
    return index == MW_NONE ? (struct api_value){ .kind = VALUE_NULL }
                            : api_value_text(fleet_name(f, component_id(kind, index)));
}

struct text *api_scratch(struct api_rows *r)
{
    text_clear(&r->scratch);
    return &r->scratch;
}

struct api_value api_value_scratch(struct api_rows *r, uint8_t kind)
{
    if (r->scratch.length == 0)
        return (struct api_value){ .kind = VALUE_NULL };
    return (struct api_value){ .kind = kind, .length = (uint32_t)r->scratch.length,
                               .of.text = r->scratch.data };
}

#define LEFT_OUT "'left_out':{'type':'integer','minimum':0," \
                 "'description':'rows past the bound of this view'}"
#define COUNTS "{'type':'integer','minimum':0}"

const struct api_resource api_resources[] = {
    { .name = "nodes", .kind = "Node", .doc = "nodes: health, job, incident, what they lost",
      .field = api_node_fields, .key = "name", .make = api_make_nodes, .sees = api_sees_node,
      .columns = "name,rack,gpus,state,job,incident,class,lost_uusd" },
    { .name = "gpus", .kind = "Gpu", .doc = "GPUs: state, part, job", .field = api_gpu_fields,
      .key = "name", .make = api_make_gpus, .sees = api_sees_gpu },
    { .name = "links", .kind = "FabricLink", .doc = "cables: their ends, optics and state",
      .field = api_link_fields, .key = "name", .make = api_make_links, .sees = api_sees_link,
      .columns = "name,kind,a,b,state,incident" },
    { .name = "jobs", .kind = "Job", .doc = "jobs that wait or run; ?all with those that are over",
      .field = api_job_fields, .key = "job,submitted", .make = api_make_jobs, .order = "job",
      .sees = api_sees_job,
      .columns = "job,name,tenant,state,gpus,attempt,started,unsaved_ms,expected_end,risk" },
    { .name = "queue", .kind = "QueuedJob", .doc = "jobs that wait, in their order, and why",
      .field = api_queue_fields, .key = "job", .make = api_make_queue, .sees = api_sees_waiting,
      .columns = "place,job,tenant,priority,nodes,waited_ms,why,expected_start" },
    { .name = "incidents", .kind = "Incident",
      .doc = "open incidents, what costs most first; ?all symptoms too; ?closed those that are "
             "over",
      .field = api_incident_fields, .key = "incident", .view = "incidents",
      .order = "-stake_uusd_per_hour,opened", .sees = api_sees_incident,
      .narrow = api_narrow_incidents, .extra = LEFT_OUT,
      .columns = "incident,class,on,state,age_ms,lost_uusd,stake_uusd_per_hour,next" },
    { .name = "orders", .kind = "Order", .doc = "open work orders and actions, stuck ones first",
      .field = api_order_fields, .key = "order", .view = "orders",
      .order = "-stuck,-level,-stake_uusd_per_hour", .sees = api_sees_order, .extra = LEFT_OUT,
      .columns = "order,state,do,component,place,age_ms,evidence" },
    { .name = "parts", .kind = "Part", .doc = "parts in the store and on their way",
      .field = api_part_fields, .key = "part", .view = "parts", .extra = LEFT_OUT },
    { .name = "odds", .kind = "Odds", .doc = "how often each step cures",
      .field = api_odds_fields, .key = "class,step,who", .view = "odds", .extra = LEFT_OUT },
    { .name = "lemons", .kind = "Lemon", .doc = "nodes that fail more often than others; ?all with "
      "every node of which a signal speaks", .field = api_lemon_fields, .key = "node",
      .view = "lemons", .sees = api_sees_node_named,
      .extra = LEFT_OUT ",'signals_needed':" COUNTS
               ",'thresholds':{'type':'object','additionalProperties':" COUNTS "}",
      .columns = "node,health,verdict,past,hazard,refaults,out_hours,yearly_uusd" },
    { .name = "spares", .kind = "Spare", .doc = "nodes kept for restarts, and why so many",
      .field = api_spare_fields, .key = "rule", .view = "spares", .extra = LEFT_OUT },
    { .name = "budget", .kind = "HallBudget", .doc = "what automation took, and may take",
      .field = api_budget_fields, .key = "hall", .view = "budget", .sees = api_sees_hall_named,
      .extra = LEFT_OUT ",'fleet':{'type':'object','properties':{'drained':" COUNTS
               ",'drained_allowed':" COUNTS ",'ordered_down':" COUNTS
               ",'ordered_down_allowed':" COUNTS ",'tripped':{'type':'boolean'},'window_ms':" COUNTS
               "}}" },
    { .name = "windows", .kind = "Window", .doc = "maintenance, planned and on",
      .field = api_window_fields, .key = "id", .view = "windows", .sees = api_sees_first,
      .extra = LEFT_OUT },
    { .name = "halls", .kind = "Hall", .doc = "halls: nodes, mode, budget, power",
      .field = api_hall_fields, .key = "name", .make = api_make_halls, .sees = api_sees_hall },
    { .name = "tenants", .kind = "Tenant", .doc = "tenants with jobs or a quota",
      .field = api_tenant_fields, .key = "tenant", .make = api_make_tenants, .order = "tenant",
      .sees = api_sees_tenant },
    { .name = "sites", .kind = "Site", .doc = "the site", .field = api_site_fields, .key = "name",
      .make = api_make_sites },
    { 0 },
};
