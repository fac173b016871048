/* The one function of states.  See mark.h. */
#include "api/mark.h"

const char *api_mark_name(uint8_t mark)
{
    static const char *const name[] = {
#define X(e, value, text, doc) [e] = text,
        API_MARKS(X)
#undef X
    };
    return mark < API_MARK_COUNT ? name[mark] : name[MARK_UNKNOWN];
}

const char *api_mark_doc(uint8_t mark)
{
    static const char *const doc[] = {
#define X(e, value, name, text) [e] = text,
        API_MARKS(X)
#undef X
    };
    return mark < API_MARK_COUNT ? doc[mark] : doc[MARK_UNKNOWN];
}

static uint8_t mark_of_health(uint8_t health)
{
    static const uint8_t mark[HEALTH_COUNT] = {
        [HEALTH_RACKED] = MARK_OUT, [HEALTH_PROVISIONING] = MARK_OUT,
        [HEALTH_VALIDATING] = MARK_GATE, [HEALTH_PROBATION] = MARK_GATE,
        [HEALTH_READY] = MARK_IDLE, [HEALTH_SUSPECT] = MARK_SUSPECT, [HEALTH_DOWN] = MARK_DOWN,
        [HEALTH_REPAIRING] = MARK_REPAIRING, [HEALTH_SANITISING] = MARK_OUT,
        [HEALTH_RETIRED] = MARK_OUT,
    };
    return health < HEALTH_COUNT ? mark[health] : MARK_UNKNOWN;
}

static bool is_planned(const struct control *c, uint32_t node)
{
    struct work_window w;
    return work_window_of(c->work, node, &w) && w.begun;
}

/* windows: there are any at all. */
static uint8_t mark_of_node(const struct control *c, uint32_t node, bool windows)
{
    const struct board *b = c->board;
    uint8_t mark = mark_of_health(b->node_health[node]);
    if (mark == MARK_IDLE && windows && is_planned(c, node))
        return MARK_OUT;
    if (mark == MARK_IDLE && b->node_holds[node] > 0)
        return MARK_HELD;
    if (mark == MARK_IDLE && b->node_incident[node] != MW_NONE)
        return MARK_DEGRADED;
    return mark == MARK_IDLE && b->node_job[node] != MW_NONE ? MARK_BUSY : mark;
}

uint8_t api_mark_node(const struct control *c, uint32_t node)
{
    must(c != NULL);
    return node < c->board->nodes ? mark_of_node(c, node, true) : MARK_UNKNOWN;
}

/* Is this one of the GPUs that the job on the node asked for?  Gangs take the same number of every
 * node, from slot 0 on. */
static bool is_asked_for(const struct board *b, uint32_t node, uint32_t gpu)
{
    uint32_t job = b->node_job[node];
    if (job == MW_NONE || b->job_nodes[job] == 0)
        return false;
    uint32_t each = (b->job_gpus[job] + b->job_nodes[job] - 1) / b->job_nodes[job];
    return b->fleet->gpu_slot[gpu] < each;
}

/* Of a GPU, from the mark of its node. */
static uint8_t mark_of_gpu(const struct board *b, uint32_t node, uint8_t mark, uint32_t gpu)
{
    uint8_t serving = is_asked_for(b, node, gpu) ? MARK_BUSY : MARK_IDLE;
    if (mark == MARK_BUSY)
        return serving;
    if (mark != MARK_DEGRADED)
        return mark;
    uint64_t about = b->incident_component[b->node_incident[node]];
    bool other = component_kind_of(about) == COMPONENT_GPU && component_index_of(about) != gpu;
    return other ? serving : mark;
}

uint8_t api_mark_gpu(const struct control *c, uint32_t gpu)
{
    must(c != NULL);
    const struct board *b = c->board;
    if (gpu >= b->fleet->count[COMPONENT_GPU])
        return MARK_UNKNOWN;
    uint32_t node = b->fleet->gpu_node[gpu];
    return mark_of_gpu(b, node, mark_of_node(c, node, true), gpu);
}

void api_mark_fill(const struct control *c, uint8_t *ret)
{
    must(c != NULL && ret != NULL);
    const struct board *b = c->board;
    struct work_window w;
    uint32_t at = 0, spares = api_mark_spares_from(c);
    bool windows = work_window_next(c->work, &at, &w);
    for (uint32_t n = 0; n < b->nodes; n++) {
        uint32_t first = b->fleet->node_gpu_first[n];
        uint8_t mark = mark_of_node(c, n, windows);
        for (uint32_t g = first; g < first + b->fleet->node_gpus[n]; g++)
            ret[g] = api_mark_with_spares(mark_of_gpu(b, n, mark, g), n, spares);
    }
}

struct api_gpu_counts api_gpu_counts(const struct control *c)
{
    struct api_gpu_counts n = { 0 };
    must(c != NULL);
    const struct board *b = c->board;
    struct work_window w;
    uint32_t at = 0;
    bool windows = work_window_next(c->work, &at, &w);
    for (uint32_t i = 0; i < b->nodes; i++) {
        uint32_t gpus = b->fleet->node_gpus[i], job = b->node_job[i];
        uint8_t mark = mark_of_node(c, i, windows);
        bool healthy = mark == MARK_IDLE || mark == MARK_BUSY || mark == MARK_DEGRADED;
        n.healthy += healthy ? gpus : 0;
        if (job == MW_NONE)
            continue;
        uint32_t nodes = MW_MAX(b->job_nodes[job], 1u);
        n.busy += MW_MIN((b->job_gpus[job] + nodes - 1) / nodes, gpus);
    }
    return n;
}

uint32_t api_mark_spares_from(const struct control *c)
{
    must(c != NULL);
    uint32_t left = work_spares(c->work).target;
    uint32_t from = MW_NONE;
    for (uint32_t n = c->board->nodes; left > 0 && n-- > 0;) {
        if (api_mark_node(c, n) != MARK_IDLE)
            continue;
        from = n;
        left--;
    }
    return from;
}
