/* GPUs as rows: the state of each, its part, whose job is on it. */
#include "api/resource_tables.h"

#include "base/map.h"
#include "base/mem.h"

/* Besides the fleet's columns: incidents by GPU, serials that a repair changed. */
struct gpus {
    uint32_t spares_from;
    uint32_t *incident; /* row of the board's incidents; MW_NONE */
    uint32_t *serial;   /* row of the serials' changes; MW_NONE */
};

static void gpus_fini(void *data)
{
    struct gpus *d = data;
    mw_free(d->incident);
    mw_free(d->serial);
}

/* A GPU's own incident, else that of its node. */
static void find_incidents(const struct board *b, struct gpus *d, uint32_t count)
{
    for (uint32_t g = 0; g < count; g++)
        d->incident[g] = b->node_incident[b->fleet->gpu_node[g]];
    for (uint32_t slot = 0; slot < b->incidents_used; slot++) {
        uint64_t about = b->incident_component[slot];
        if (b->incident_id[slot] && component_kind_of(about) == COMPONENT_GPU &&
            component_index_of(about) < count)
            d->incident[component_index_of(about)] = slot;
    }
}

static void find_serials(const struct serials *s, struct gpus *d, uint32_t count)
{
    for (uint32_t g = 0; g < count; g++)
        d->serial[g] = MW_NONE;
    for (uint32_t i = 0; s != NULL && i < s->changes; i++) {
        uint64_t about = s->change[i].component;
        if (component_kind_of(about) == COMPONENT_GPU && component_index_of(about) < count)
            d->serial[component_index_of(about)] = i; /* the last one holds */
    }
}

int api_make_gpus(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    const struct board *b = of->control->board;
    uint32_t count = b->fleet->count[COMPONENT_GPU];
    struct gpus *d = mw_calloc(1, sizeof(*d));
    ret->data = d;
    ret->data_fini = gpus_fini;
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->incident = mw_calloc((size_t)count + 1, sizeof(*d->incident));
    d->serial = mw_calloc((size_t)count + 1, sizeof(*d->serial));
    if (d->incident == NULL || d->serial == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    find_incidents(b, d, count);
    find_serials(of->serials, d, count);
    d->spares_from = api_mark_spares_from(of->control);
    ret->count = count;
    return 0;
}

bool api_sees_gpu(struct api_rows *r, uint32_t gpu, const struct principal *who)
{
    const struct board *b = r->of->control->board;
    return api_sees_node_row(b, b->fleet->gpu_node[gpu], who);
}

static void get_name(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    *ret = api_value_name(r->of->control->board->fleet, COMPONENT_GPU, gpu);
}

static void get_node(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    const struct fleet *f = r->of->control->board->fleet;
    *ret = api_value_name(f, COMPONENT_NODE, f->gpu_node[gpu]);
}

static void get_slot(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    *ret = api_value_int(r->of->control->board->fleet->gpu_slot[gpu]);
}

static void get_serial(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    const struct gpus *d = r->data;
    uint32_t change = d->serial[gpu];
    *ret = api_value_text(change != MW_NONE
                              ? r->of->serials->change[change].after
                              : fleet_serial(r->of->control->board->fleet,
                                             component_id(COMPONENT_GPU, gpu)));
}

static void get_state(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    const struct gpus *d = r->data;
    uint32_t node = r->of->control->board->fleet->gpu_node[gpu];
    uint8_t mark = api_mark_gpu(r->of->control, gpu);
    if (r->of->control->board->node_job[node] == MW_NONE)
        mark = api_mark_with_spares(mark, node, d->spares_from);
    *ret = api_value_text(api_mark_name(mark));
}

static void get_job(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    const struct board *b = r->of->control->board;
    uint32_t job = b->node_job[b->fleet->gpu_node[gpu]];
    *ret = api_value_or_null(job == MW_NONE ? 0 : b->job_id[job]);
}

static void get_incident(struct api_rows *r, uint32_t gpu, struct api_value *ret)
{
    const struct gpus *d = r->data;
    *ret = api_value_incident(r->of->control->board, d->incident[gpu]);
}

const struct api_field api_gpu_fields[] = {
    { "name", FIELD_TEXT, BASIS_NONE, "GPU", "the GPU's name", get_name },
    { "node", FIELD_TEXT, BASIS_NONE, "Node", "the node it is in", get_node },
    { "slot", FIELD_INT, BASIS_NONE, "Slot", "its place in the node, from 0", get_slot },
    { "serial", FIELD_TEXT, BASIS_NONE, "Serial", "the part that is in the slot now, from the site "
      "file and the repairs since", get_serial },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "one word for how it stands, as on the map",
      get_state },
    { "job", FIELD_INT, BASIS_NONE, "Job", "the job on its node", get_job },
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "its own open incident, else that of its "
      "node", get_incident },
    { 0 },
};
