/* The order shown, and what is drawn in it.  See layout.h. */
#include "api/layout.h"

#include <stdlib.h>
#include <string.h>

#include "api/json_out.h"
#include "api/mark.h"
#include "api/resource_tables.h"
#include "base/mem.h"
#include "base/units.h"

/* ---- the order ------------------------------------------------------------------------------ */

struct place {
    uint32_t hall, row, rack, node; /* MW_NONE sorts last */
};

static int in_order(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->hall != b->hall)
        return a->hall < b->hall ? -1 : 1;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    if (a->rack != b->rack)
        return a->rack < b->rack ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static struct place place_of(const struct fleet *f, uint32_t node)
{
    return (struct place){ .hall = f->node_hall[node], .row = f->node_row[node],
                           .rack = f->node_rack[node], .node = node };
}

static bool sees(const struct fleet *f, const struct principal *who, uint32_t hall)
{
    if (!who || who->halls == 0)
        return true;
    return hall != MW_NONE &&
           access_sees_hall(who, fleet_name(f, component_id(COMPONENT_HALL, hall)));
}

int layout_init(struct layout *l, const struct fleet *f, const struct principal *who)
{
    must(l && f);
    uint32_t nodes = f->count[COMPONENT_NODE];
    struct place *place mw_cleanup(mw_freep) = mw_calloc(nodes + 1u, sizeof(*place));
    *l = (struct layout){ .node = mw_calloc(nodes + 1u, sizeof(*l->node)) };
    if (!place || !l->node) {
        layout_fini(l);
        return MW_ENOMEM;
    }
    for (uint32_t n = 0; n < nodes; n++)
        if (sees(f, who, f->node_hall[n]))
            place[l->nodes++] = place_of(f, n);
    qsort(place, l->nodes, sizeof(*place), in_order);
    for (uint32_t i = 0; i < l->nodes; i++) {
        l->node[i] = place[i].node;
        l->gpus += f->node_gpus[place[i].node];
    }
    return 0;
}

void layout_fini(struct layout *l)
{
    mw_free(l->node);
    *l = (struct layout){ 0 };
}

/* ---- the document --------------------------------------------------------------------------- */

static void raw(struct json_out *o, const char *s)
{
    json_out_raw(o, s, strlen(s));
}

static void text(struct json_out *o, const char *s)
{
    json_out_text(o, s, strlen(s));
}

static void name(struct json_out *o, const struct fleet *f, enum component_kind kind, uint32_t i)
{
    raw(o, "{\"name\":");
    text(o, i == MW_NONE ? "" : fleet_name(f, component_id(kind, i)));
}

/* Ends what was open down from the level, and begins what the node is in. */
static void open_at(struct json_out *o, const struct fleet *f, const struct place *p, int level,
                    bool first)
{
    static const char *const ends[] = { "]}]}", "]}", "" };
    if (!first) {
        raw(o, ends[level]);
        raw(o, ",");
    }
    if (level == 0) {
        name(o, f, COMPONENT_HALL, p->hall);
        raw(o, ",\"rows\":[");
    }
    if (level <= 1) {
        name(o, f, COMPONENT_ROW, p->row);
        raw(o, ",\"racks\":[");
    }
}

static void write_rack(struct json_out *o, const struct fleet *f, const struct place *p,
                       uint32_t first, uint32_t nodes)
{
    name(o, f, COMPONENT_RACK, p->rack);
    raw(o, ",\"first_node\":");
    json_out_int(o, first);
    raw(o, ",\"nodes\":");
    json_out_int(o, nodes);
    raw(o, "}");
}

static void write_halls(struct json_out *o, const struct layout *l, const struct fleet *f)
{
    struct place before = { MW_NONE, MW_NONE, MW_NONE, MW_NONE };
    raw(o, "\"halls\":[");
    for (uint32_t i = 0, n; i < l->nodes; i += n) {
        struct place p = place_of(f, l->node[i]);
        int level = i == 0 || p.hall != before.hall ? 0 : p.row != before.row ? 1 : 2;
        for (n = 1; i + n < l->nodes; n++) {
            struct place q = place_of(f, l->node[i + n]);
            if (q.hall != p.hall || q.row != p.row || q.rack != p.rack)
                break;
        }
        open_at(o, f, &p, level, i == 0);
        write_rack(o, f, &p, i, n);
        before = p;
    }
    raw(o, l->nodes > 0 ? "]}]}]" : "]");
}

bool layout_write(const struct layout *l, const struct fleet *f, int64_t now_ns,
                  uint64_t revision, struct evbuffer *to)
{
    struct json_out o;
    json_out_begin(&o, to);
    raw(&o, "{\"now\":");
    json_out_time_ms(&o, mw_ms(now_ns));
    raw(&o, ",\"revision\":");
    json_out_int(&o, (int64_t)revision);
    raw(&o, ",\"site\":");
    text(&o, f->name);
    raw(&o, ",");
    write_halls(&o, l, f);
    raw(&o, ",\"nodes\":[");
    for (uint32_t i = 0; i < l->nodes; i++) {
        raw(&o, i ? "," : "");
        text(&o, fleet_name(f, component_id(COMPONENT_NODE, l->node[i])));
    }
    raw(&o, "],\"gpus\":[");
    for (uint32_t i = 0; i < l->nodes; i++) {
        raw(&o, i ? "," : "");
        json_out_int(&o, f->node_gpus[l->node[i]]);
    }
    raw(&o, "],\"gpu_total\":");
    json_out_int(&o, l->gpus);
    raw(&o, "}\n");
    return json_out_end(&o);
}

/* ---- heat ----------------------------------------------------------------------------------- */

int heat_metric_of(const char *asked)
{
    static const char *const word[] = {
#define X(e, name, doc) name,
        HEAT_METRICS(X)
#undef X
    };
    for (int i = 0; i < HEAT_METRIC_COUNT; i++)
        if (strcmp(asked, word[i]) == 0)
            return i;
    return -1;
}

static uint8_t number_byte(uint64_t n)
{
    return n ? (uint8_t)(1 + n % 255) : 0;
}

/* The job that the GPU works for, by its row; MW_NONE.  Gangs take the same number of every node,
 * from slot 0 on. */
static uint32_t job_of(const struct board *b, uint32_t node, uint32_t slot)
{
    uint32_t job = b->node_job[node];
    if (job == MW_NONE || b->job_nodes[job] == 0)
        return MW_NONE;
    uint32_t each = (b->job_gpus[job] + b->job_nodes[job] - 1) / b->job_nodes[job];
    return slot < each ? job : MW_NONE;
}

/* The open incident of the GPU: where its node serves and the incident is another GPU's, none. */
static uint32_t incident_of(const struct board *b, uint32_t node, uint32_t gpu)
{
    uint32_t slot = b->node_incident[node];
    if (slot == MW_NONE || b->node_health[node] != HEALTH_READY)
        return slot;
    uint64_t on = b->incident_component[slot];
    bool other = component_kind_of(on) == COMPONENT_GPU && component_index_of(on) != gpu;
    return other ? MW_NONE : slot;
}

/* Up the chain of causes, which has no rings (care sees to that); bounded all the same. */
static uint32_t root_of(const struct board *b, uint32_t slot)
{
    for (uint32_t i = 0; i < 64 && b->incident_parent[slot] != MW_NONE; i++)
        slot = b->incident_parent[slot];
    return slot;
}

struct heat {
    const struct control *control;
    const struct principal *who;
    enum heat_metric metric;
    int64_t now_ms;
};

static uint8_t job_byte(const struct heat *h, uint32_t node, uint32_t slot)
{
    const struct board *b = h->control->board;
    uint32_t job = job_of(b, node, slot);
    if (job == MW_NONE || (h->who && !access_sees_tenant(h->who, b->job_tenant[job])))
        return 0;
    return number_byte(h->metric == HEAT_JOB ? b->job_id[job] : b->job_tenant[job]);
}

static uint8_t incident_byte(const struct heat *h, uint32_t node, uint32_t gpu)
{
    const struct board *b = h->control->board;
    uint32_t slot = incident_of(b, node, gpu);
    if (slot == MW_NONE)
        return 0;
    if (h->metric == HEAT_INCIDENT)
        return number_byte(b->incident_id[root_of(b, slot)]);
    int64_t days = (h->now_ms - b->incident_opened_ms[slot]) / MW_MS_PER_DAY;
    return (uint8_t)(1 + MW_MIN(MW_MAX(days, 0), 254));
}

static uint8_t heat_byte(const struct heat *h, uint32_t node, uint32_t slot)
{
    const struct board *b = h->control->board;
    uint32_t gpu = b->fleet->node_gpu_first[node] + slot;
    switch (h->metric) {
    case HEAT_INCIDENT:
    case HEAT_AGE:
        return incident_byte(h, node, gpu);
    case HEAT_JOB:
    case HEAT_TENANT:
        return job_byte(h, node, slot);
    default:
        return b->node_hazard[node];
    }
}

void heat_order(const struct layout *l, const struct fleet *f, const uint8_t *by_gpu,
                uint8_t *ret)
{
    for (uint32_t i = 0; i < l->nodes; i++) {
        uint32_t n = l->node[i];
        memcpy(ret, by_gpu + f->node_gpu_first[n], f->node_gpus[n]);
        ret += f->node_gpus[n];
    }
}

/* What a list of nodes does not show is not drawn either. */
static void hide(const struct layout *l, const struct board *b, const struct principal *who,
                 uint8_t *ret)
{
    for (uint32_t i = 0; i < l->nodes; i++) {
        uint32_t gpus = b->fleet->node_gpus[l->node[i]];
        if (!api_sees_node_row(b, l->node[i], who))
            memset(ret, 0, gpus);
        ret += gpus;
    }
}

static int fill_state(const struct layout *l, const struct control *c, uint8_t *ret)
{
    const struct fleet *f = c->board->fleet;
    uint8_t *mark mw_cleanup(mw_freep) = mw_calloc(f->count[COMPONENT_GPU] + 1u, 1);
    if (!mark)
        return MW_ENOMEM;
    api_mark_fill(c, mark);
    heat_order(l, f, mark, ret);
    return 0;
}

int heat_fill(const struct layout *l, const struct control *c, enum heat_metric metric,
              const struct principal *who, int64_t now_ms, uint8_t *ret)
{
    const struct heat h = { .control = c, .who = who, .metric = metric, .now_ms = now_ms };
    uint8_t *at = ret;
    must(l && c && ret);
    if (metric == HEAT_STATE && fill_state(l, c, ret) < 0)
        return MW_ENOMEM;
    for (uint32_t i = 0; metric != HEAT_STATE && i < l->nodes; i++)
        for (uint32_t g = 0; g < c->board->fleet->node_gpus[l->node[i]]; g++)
            *at++ = heat_byte(&h, l->node[i], g);
    if (who && !access_sees_all(who))
        hide(l, c->board, who, ret);
    return 0;
}
