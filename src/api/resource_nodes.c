/* Nodes as rows: health, what is on them, what is wrong, what that cost. */
#include "api/resource_tables.h"

#include "base/mem.h"
#include "base/units.h"

struct nodes {
    uint32_t spares_from;
    int64_t open[]; /* per node: GPU-ms lost in intervals that are not over */
};

int api_make_nodes(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    const struct control *c = of->control;
    uint32_t nodes = c->board->nodes;
    struct nodes *d = mw_calloc(1, sizeof(*d) + (size_t)nodes * sizeof(d->open[0]));
    ret->data = d;
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    const struct account_open open = { .node = d->open };
    account_open_lost(c->account, of->now_ns, &open);
    d->spares_from = api_mark_spares_from(c);
    ret->count = nodes;
    return 0;
}

bool api_sees_node_row(const struct board *b, uint32_t node, const struct principal *who)
{
    const struct fleet *f = b->fleet;
    uint32_t hall = f->node_hall[node], job = b->node_job[node];
    const char *name = hall == MW_NONE ? "" : fleet_name(f, component_id(COMPONENT_HALL, hall));
    if (!access_sees_hall(who, name))
        return false;
    return who->tenants == 0 ||
           (job != MW_NONE && access_sees_tenant(who, b->job_tenant[job]));
}

bool api_sees_node(struct api_rows *r, uint32_t node, const struct principal *who)
{
    return api_sees_node_row(r->of->control->board, node, who);
}

/* ---- getters -------------------------------------------------------------------------------- */

static const struct board *board_of(const struct api_rows *r)
{
    return r->of->control->board;
}

static void get_name(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_name(board_of(r)->fleet, COMPONENT_NODE, node);
}

static void get_hall(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct fleet *f = board_of(r)->fleet;
    *ret = api_value_name(f, COMPONENT_HALL, f->node_hall[node]);
}

static void get_row(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct fleet *f = board_of(r)->fleet;
    *ret = api_value_name(f, COMPONENT_ROW, f->node_row[node]);
}

static void get_rack(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct fleet *f = board_of(r)->fleet;
    *ret = api_value_name(f, COMPONENT_RACK, f->node_rack[node]);
}

static void get_model(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct fleet *f = board_of(r)->fleet;
    *ret = api_value_text(f->text.pool + f->node_model[node]);
}

static void get_gpus(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->fleet->node_gpus[node]);
}

static void get_health(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_text(health_name(board_of(r)->node_health[node]));
}

static void get_state(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct nodes *d = r->data;
    uint8_t mark = api_mark_node(r->of->control, node);
    *ret = api_value_text(api_mark_name(api_mark_with_spares(mark, node, d->spares_from)));
}

static void get_schedulable(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_bool(board_schedulable(board_of(r), node));
}

static void get_holds(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->node_holds[node]);
}

static void get_job(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct board *b = board_of(r);
    uint32_t job = b->node_job[node];
    *ret = api_value_or_null(job == MW_NONE ? 0 : b->job_id[job]);
}

static void get_tenant(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct board *b = board_of(r);
    uint32_t job = b->node_job[node];
    if (job != MW_NONE)
        *ret = api_value_int(b->job_tenant[job]);
}

static void get_incident(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_incident(board_of(r), board_of(r)->node_incident[node]);
}

static void get_class(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct board *b = board_of(r);
    if (b->node_incident[node] != MW_NONE)
        *ret = api_value_text(words_class(r->of->words, b->node_class[node]));
}

static void get_hazard(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_int(board_of(r)->node_hazard[node]);
}

static void get_lost(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    const struct nodes *d = r->data;
    const struct control *c = r->of->control;
    int64_t lost = account_node_lost(c->account, node) + d->open[node];
    *ret = api_value_int(account_price(lost, c->policy.account.microdollars_per_gpu_hour));
}

static void get_power(struct api_rows *r, uint32_t node, struct api_value *ret)
{
    *ret = api_value_or_null((uint64_t)board_of(r)->fleet->node_power_w[node]);
}

const struct api_field api_node_fields[] = {
    { "name", FIELD_TEXT, BASIS_NONE, "Node", "the node's name in the site file", get_name },
    { "hall", FIELD_TEXT, BASIS_NONE, "Hall", "the hall it stands in", get_hall },
    { "row", FIELD_TEXT, BASIS_NONE, "Row", "the row of racks", get_row },
    { "rack", FIELD_TEXT, BASIS_NONE, "Rack", "the rack; of NVL72 one NVLink domain", get_rack },
    { "model", FIELD_TEXT, BASIS_NONE, "Model", "what kind of server it is", get_model },
    { "gpus", FIELD_INT, BASIS_SITE, "GPUs", "how many GPUs it has", get_gpus },
    { "health", FIELD_TEXT, BASIS_NONE, "Health", "where it is in its life: ready, suspect, down, "
      "repairing, validating, probation, racked, provisioning, sanitising or retired", get_health },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "one word for how it stands, as on the map: idle, "
      "busy, degraded, suspect, held, gate, repairing, down, out, spare or unknown", get_state },
    { "schedulable", FIELD_BOOL, BASIS_NONE, "Free", "ready, nobody holds it, no job is on it",
      get_schedulable },
    { "holds", FIELD_INT, BASIS_RECORD, "Holds", "how many people or engines keep jobs from it",
      get_holds },
    { "job", FIELD_INT, BASIS_NONE, "Job", "the number of the job on it", get_job },
    { "tenant", FIELD_INT, BASIS_NONE, "Tenant", "whose job that is", get_tenant },
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "the number of its open incident",
      get_incident },
    { "class", FIELD_TEXT, BASIS_NONE, "Class", "what kind of fault that is", get_class },
    { "hazard", FIELD_INT, BASIS_MODELLED, "Hazard", "how much rather not this one, from its "
      "history: 0 as all others, 16 twice as likely to fail, 255 the most", get_hazard },
    { "lost_uusd", FIELD_UUSD, BASIS_MODELLED, "Lost", "GPU time lost to its incidents so far, at "
      "the policy's price", get_lost },
    { "power_w", FIELD_WATTS, BASIS_SITE, "Power", "what it draws at most, by its nameplate",
      get_power },
    { 0 },
};
