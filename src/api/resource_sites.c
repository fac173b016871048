/* Halls, tenants and the site itself as rows: sums over the columns of the board. */
#include "api/resource_tables.h"

#include "base/mem.h"
#include "base/units.h"

static const struct board *board_of(const struct api_rows *r)
{
    return r->of->control->board;
}

/* ---- halls ---------------------------------------------------------------------------------- */

struct hall {
    uint32_t nodes, gpus, busy, free, out;
    int64_t power_w, cap_w;
};

/* The breaker at the top of what feeds a rack by its A feed; MW_NONE where none is known. */
static uint32_t top_breaker(const struct fleet *f, uint32_t rack)
{
    uint32_t pdu = f->rack_pdu[0][rack];
    uint32_t at = pdu != MW_NONE ? f->pdu_breaker[pdu] : MW_NONE;
    for (uint32_t i = 0; at != MW_NONE && i < f->count[COMPONENT_BREAKER]; i++) {
        if (f->breaker_parent[at] == MW_NONE)
            return at;
        at = f->breaker_parent[at];
    }
    return at;
}

/* Nameplates of the racks, limits of the top breakers that feed them, each once a hall. */
static bool sum_power(const struct fleet *f, struct hall *hall)
{
    uint32_t *last mw_cleanup(mw_freep) =
        mw_calloc((size_t)f->count[COMPONENT_BREAKER] + 1, sizeof(*last)); /* hall + 1 */
    if (last == NULL)
        return false;
    for (uint32_t h = 0; h < f->count[COMPONENT_HALL]; h++) {
        for (uint32_t rack = 0; rack < f->count[COMPONENT_RACK]; rack++) {
            uint32_t top = f->rack_hall[rack] == h ? top_breaker(f, rack) : MW_NONE;
            if (f->rack_hall[rack] == h)
                hall[h].power_w += f->rack_power_w[rack];
            if (top == MW_NONE || last[top] == h + 1)
                continue;
            last[top] = h + 1;
            hall[h].cap_w += f->breaker_limit_w[top];
        }
    }
    return true;
}

static void sum_nodes(const struct board *b, struct hall *hall)
{
    for (uint32_t n = 0; n < b->nodes; n++) {
        uint32_t h = b->fleet->node_hall[n];
        if (h == MW_NONE)
            continue;
        hall[h].nodes++;
        hall[h].gpus += b->fleet->node_gpus[n];
        hall[h].busy += b->node_job[n] != MW_NONE;
        hall[h].free += board_schedulable(b, n);
        hall[h].out += b->node_health[n] != HEALTH_READY;
    }
}

int api_make_halls(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    const struct board *b = of->control->board;
    uint32_t halls = b->fleet->count[COMPONENT_HALL];
    struct hall *hall = mw_calloc((size_t)halls + 1, sizeof(*hall));
    ret->data = hall;
    if (hall == NULL || !sum_power(b->fleet, hall))
        return mw_fail(err, MW_ENOMEM, "out of memory");
    sum_nodes(b, hall);
    ret->count = halls;
    return 0;
}

bool api_sees_hall(struct api_rows *r, uint32_t hall, const struct principal *who)
{
    return access_sees_hall(who, fleet_name(board_of(r)->fleet,
                                            component_id(COMPONENT_HALL, hall)));
}

#define HALL(name, member)                                                          \
    static void name(struct api_rows *r, uint32_t hall, struct api_value *ret)      \
    {                                                                               \
        *ret = api_value_int(((const struct hall *)r->data)[hall].member);          \
    }
HALL(hall_nodes, nodes)
HALL(hall_gpus, gpus)
HALL(hall_busy, busy)
HALL(hall_free, free)
HALL(hall_out, out)

static void hall_power(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_or_null((uint64_t)((const struct hall *)r->data)[hall].power_w);
}

static void hall_cap(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_or_null((uint64_t)((const struct hall *)r->data)[hall].cap_w);
}

static void hall_name(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_name(board_of(r)->fleet, COMPONENT_HALL, hall);
}

static void hall_mode(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_text(api_mode_word(guard_mode_of(r->of->control->guard, hall)));
}

static struct guard_hall_budget budget_of(const struct api_rows *r, uint32_t hall)
{
    return guard_hall_budget(r->of->control->guard, hall, mw_ms(r->of->now_ns));
}

static void hall_tripped(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_bool(budget_of(r, hall).tripped);
}

static void hall_taken(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_int(budget_of(r, hall).taken);
}

static void hall_allowed(struct api_rows *r, uint32_t hall, struct api_value *ret)
{
    *ret = api_value_int(budget_of(r, hall).allowed);
}

const struct api_field api_hall_fields[] = {
    { "name", FIELD_TEXT, BASIS_NONE, "Hall", "the hall's name", hall_name },
    { "nodes", FIELD_INT, BASIS_SITE, "Nodes", "nodes in it", hall_nodes },
    { "gpus", FIELD_INT, BASIS_SITE, "GPUs", "GPUs in it", hall_gpus },
    { "busy", FIELD_INT, BASIS_RECORD, "Busy", "nodes with a job", hall_busy },
    { "free", FIELD_INT, BASIS_RECORD, "Free", "nodes that a job could have now", hall_free },
    { "out", FIELD_INT, BASIS_RECORD, "Out", "nodes whose health is not ready", hall_out },
    { "mode", FIELD_TEXT, BASIS_NONE, "Mode", "what automation may do: observe, advise, approve "
      "or act", hall_mode },
    { "tripped", FIELD_BOOL, BASIS_NONE, "Tripped", "its safety budget is used up: all is advice "
      "until a person resets it", hall_tripped },
    { "taken", FIELD_INT, BASIS_RECORD, "Taken", "working nodes that automation took within the "
      "budget's window", hall_taken },
    { "allowed", FIELD_INT, BASIS_POLICY, "Allowed", "how many it may take in one", hall_allowed },
    { "power_w", FIELD_WATTS, BASIS_SITE, "Power", "what its racks draw at most, by their "
      "nameplates", hall_power },
    { "cap_w", FIELD_WATTS, BASIS_SITE, "Cap", "limits of the top breakers that feed its racks (A "
      "feeds); null when the site file has none", hall_cap },
    { 0 },
};

/* ---- tenants -------------------------------------------------------------------------------- */

struct tenant {
    uint32_t tenant, running, queued, gpus, nodes;
};

static struct tenant *tenant_of(struct tenant *list, uint32_t *count, uint32_t tenant)
{
    for (uint32_t i = 0; i < *count; i++)
        if (list[i].tenant == tenant)
            return &list[i];
    list[*count] = (struct tenant){ .tenant = tenant };
    return &list[(*count)++];
}

/* Of jobs and quotas there are at most so many tenants: rows never run out. */
int api_make_tenants(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    const struct board *b = of->control->board;
    const struct work_policy *p = &of->control->policy.work;
    struct tenant *list = mw_calloc((size_t)b->jobs_used + p->quotas + 1, sizeof(*list));
    ret->data = list;
    if (list == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < p->quotas; i++)
        (void)tenant_of(list, &ret->count, p->quota[i].tenant);
    for (uint32_t slot = 0; slot < b->jobs_used; slot++) {
        if (!b->job_id[slot])
            continue;
        struct tenant *t = tenant_of(list, &ret->count, b->job_tenant[slot]);
        bool has = b->job_state[slot] >= JOB_PLACED;
        t->running += has;
        t->queued += !has;
        t->gpus += has ? b->job_gpus[slot] : 0;
        t->nodes += has ? b->job_nodes[slot] : 0;
    }
    return 0;
}

bool api_sees_tenant(struct api_rows *r, uint32_t row, const struct principal *who)
{
    return access_sees_tenant(who, ((const struct tenant *)r->data)[row].tenant);
}

#define TENANT(name, member)                                                        \
    static void name(struct api_rows *r, uint32_t row, struct api_value *ret)       \
    {                                                                               \
        *ret = api_value_int(((const struct tenant *)r->data)[row].member);         \
    }
TENANT(tenant_number, tenant)
TENANT(tenant_running, running)
TENANT(tenant_queued, queued)
TENANT(tenant_gpus, gpus)
TENANT(tenant_nodes, nodes)

static void tenant_jobs(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct tenant *t = (const struct tenant *)r->data + row;
    *ret = api_value_int(t->running + t->queued);
}

static void tenant_quota(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct work_policy *p = &r->of->control->policy.work;
    for (uint32_t i = 0; i < p->quotas; i++)
        if (p->quota[i].tenant == ((const struct tenant *)r->data)[row].tenant)
            *ret = api_value_int(p->quota[i].gpus);
}

const struct api_field api_tenant_fields[] = {
    { "tenant", FIELD_INT, BASIS_NONE, "Tenant", "the tenant's number", tenant_number },
    { "jobs", FIELD_INT, BASIS_RECORD, "Jobs", "jobs that wait or run", tenant_jobs },
    { "running", FIELD_INT, BASIS_RECORD, "Running", "jobs that have nodes", tenant_running },
    { "queued", FIELD_INT, BASIS_RECORD, "Waiting", "jobs that wait", tenant_queued },
    { "gpus", FIELD_INT, BASIS_RECORD, "GPUs", "GPUs of its jobs that have nodes", tenant_gpus },
    { "nodes", FIELD_INT, BASIS_RECORD, "Nodes", "nodes that they have", tenant_nodes },
    { "quota_gpus", FIELD_INT, BASIS_POLICY, "Quota", "GPUs that it may have at once; null = no "
      "bound", tenant_quota },
    { 0 },
};

/* ---- the site ------------------------------------------------------------------------------- */

struct site {
    struct api_gpu_counts gpus;
    char config[MW_HEX256_MAX];
};

int api_make_sites(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    const struct board *b = of->control->board;
    struct site *s = mw_calloc(1, sizeof(*s));
    ret->data = s;
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    s->gpus = api_gpu_counts(of->control);
    mw_hex256(b->fleet->site_sha256, s->config);
    ret->count = 1;
    return 0;
}

static void site_name(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    (void)row;
    *ret = api_value_text(board_of(r)->fleet->name);
}

#define COUNT(name, kind)                                                           \
    static void name(struct api_rows *r, uint32_t row, struct api_value *ret)       \
    {                                                                               \
        (void)row;                                                                  \
        *ret = api_value_int(board_of(r)->fleet->count[kind]);                      \
    }
COUNT(site_halls, COMPONENT_HALL)
COUNT(site_racks, COMPONENT_RACK)
COUNT(site_nodes, COMPONENT_NODE)
COUNT(site_gpus, COMPONENT_GPU)
COUNT(site_links, COMPONENT_CABLE)

static void site_busy(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    (void)row;
    *ret = api_value_int(((const struct site *)r->data)->gpus.busy);
}

static void site_healthy(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    (void)row;
    *ret = api_value_int(((const struct site *)r->data)->gpus.healthy);
}

static void site_config(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    (void)row;
    *ret = api_value_text(((const struct site *)r->data)->config);
}

const struct api_field api_site_fields[] = {
    { "name", FIELD_TEXT, BASIS_NONE, "Site", "the site's name", site_name },
    { "halls", FIELD_INT, BASIS_SITE, "Halls", "data halls", site_halls },
    { "racks", FIELD_INT, BASIS_SITE, "Racks", "racks", site_racks },
    { "nodes", FIELD_INT, BASIS_SITE, "Nodes", "nodes", site_nodes },
    { "gpus", FIELD_INT, BASIS_SITE, "GPUs", "GPUs", site_gpus },
    { "links", FIELD_INT, BASIS_SITE, "Links", "cables", site_links },
    { "gpus_healthy", FIELD_INT, BASIS_RECORD, "Healthy", "GPUs of nodes that serve: idle, busy, "
      "degraded or spare", site_healthy },
    { "gpus_busy", FIELD_INT, BASIS_RECORD, "Busy", "GPUs that a job has and asked for",
      site_busy },
    { "config_sha256", FIELD_TEXT, BASIS_NONE, "Site file", "hash of the site file with what it "
      "names", site_config },
    { 0 },
};
