/* Making the accounts; the names of their classes. */
#include "money/account.h"

#include "base/mem.h"
#include "money/account_private.h"

static const struct {
    const char *name;
    bool lost;
} CLASS[ACCOUNT_CLASS_COUNT] = {
#define X(e, name, lost, doc) [e] = { name, lost },
    ACCOUNT_CLASSES(X)
#undef X
};

const char *account_class_name(uint32_t class)
{
    return class < ACCOUNT_CLASS_COUNT ? CLASS[class].name : "unknown";
}

bool account_class_lost(uint32_t class)
{
    must(class < ACCOUNT_CLASS_COUNT);
    return CLASS[class].lost;
}

static struct column_list account_columns(const void *self)
{
    const struct account *a = self;
    return (struct column_list){ .owner = "money", .item = a->column, .length = a->columns };
}

struct plane account_plane(struct account *a)
{
    return (struct plane){ .name = "money", .self = a, .apply = account_apply,
                           .columns = account_columns };
}

static void list_columns(struct account *a)
{
    uint32_t nodes = a->board->nodes, jobs = a->board->jobs_max;
    const uint32_t *used = &a->board->jobs_used;
    const struct column column[] = {
        COLUMN("start_ms", &a->start_ms, 1, NULL),
        COLUMN("gpu_ms", a->gpu_ms, ACCOUNT_CLASS_COUNT, NULL),
        COLUMN("by_cause", a->by_cause, CAUSE_COUNT * ACCOUNT_CLASS_COUNT, NULL),
        COLUMN("ettr_productive", &a->ettr_productive, 1, NULL),
        COLUMN("ettr_wall", &a->ettr_wall, 1, NULL),
        COLUMN("ettr_jobs", &a->ettr_jobs, 1, NULL),
        COLUMN("spare_gpu_ms", &a->spare_gpu_ms, 1, NULL),
        COLUMN("spare_since_ms", &a->spare_since_ms, 1, NULL),
        COLUMN("spare_gpus", &a->spare_gpus, 1, NULL),
        COLUMN("idle_gpus", &a->idle_gpus, 1, NULL),
        COLUMN("window", a->window, BOARD_WINDOWS_MAX, NULL),
        COLUMN("window_from_ms", a->window_from_ms, BOARD_WINDOWS_MAX, NULL),
        COLUMN("window_to_ms", a->window_to_ms, BOARD_WINDOWS_MAX, NULL),
        COLUMN("window_first", a->window_first, BOARD_WINDOWS_MAX, NULL),
        COLUMN("window_count", a->window_count, BOARD_WINDOWS_MAX, NULL),
        COLUMN("window_on", a->window_on, BOARD_WINDOWS_MAX, NULL),
        COLUMN("node_planned", a->node_planned, nodes, NULL),
        COLUMN("node_class", a->node_class, nodes, NULL),
        COLUMN("node_cause", a->node_cause, nodes, NULL),
        COLUMN("node_since_ms", a->node_since_ms, nodes, NULL),
        COLUMN("node_lost", a->node_lost, nodes, NULL),
        COLUMN("phase", a->phase, jobs, used),
        COLUMN("gpus_held", a->gpus_held, jobs, used),
        COLUMN("place_ms", a->place_ms, jobs, used),
        COLUMN("end_ms", a->end_ms, jobs, used),
        COLUMN("mark_ms", a->mark_ms, jobs, used),
        COLUMN("mark_progress_ms", a->mark_progress_ms, jobs, used),
        COLUMN("mark_checkpoint_ms", a->mark_checkpoint_ms, jobs, used),
        COLUMN("interval_ms", a->interval_ms, jobs, used),
        COLUMN("start_class", a->start_class, jobs, used),
        COLUMN("start_slot", a->start_slot, jobs, used),
        COLUMN("start_incident", a->start_incident, jobs, used),
        COLUMN("slow_class", a->slow_class, jobs, used),
        COLUMN("slow_slot", a->slow_slot, jobs, used),
        COLUMN("slow_incident", a->slow_incident, jobs, used),
    };
    _Static_assert(MW_ARRAY_LEN(column) <= ACCOUNT_COLUMNS_MAX, "room for every column");
    for (uint32_t i = 0; i < MW_ARRAY_LEN(column); i++)
        a->column[a->columns++] = column[i];
}

static bool alloc(struct account *a)
{
    uint32_t nodes = a->board->nodes, jobs = a->board->jobs_max;
    a->node_planned = mw_calloc(nodes, 1);
    a->node_class = mw_calloc(nodes, 1);
    a->node_cause = mw_calloc(nodes, sizeof(*a->node_cause));
    a->node_since_ms = mw_calloc(nodes, sizeof(*a->node_since_ms));
    a->node_lost = mw_calloc(nodes, sizeof(*a->node_lost));
    a->phase = mw_calloc(jobs, 1);
    a->gpus_held = mw_calloc(jobs, sizeof(*a->gpus_held));
    a->place_ms = mw_calloc(jobs, sizeof(*a->place_ms));
    a->end_ms = mw_calloc(jobs, sizeof(*a->end_ms));
    a->mark_ms = mw_calloc(jobs, sizeof(*a->mark_ms));
    a->mark_progress_ms = mw_calloc(jobs, sizeof(*a->mark_progress_ms));
    a->mark_checkpoint_ms = mw_calloc(jobs, sizeof(*a->mark_checkpoint_ms));
    a->interval_ms = mw_calloc(jobs, sizeof(*a->interval_ms));
    a->start_class = mw_calloc(jobs, sizeof(*a->start_class));
    a->start_slot = mw_calloc(jobs, sizeof(*a->start_slot));
    a->start_incident = mw_calloc(jobs, sizeof(*a->start_incident));
    a->slow_class = mw_calloc(jobs, sizeof(*a->slow_class));
    a->slow_slot = mw_calloc(jobs, sizeof(*a->slow_slot));
    a->slow_incident = mw_calloc(jobs, sizeof(*a->slow_incident));
    return a->node_planned && a->node_class && a->node_cause && a->node_since_ms &&
           a->node_lost && a->phase &&
           a->gpus_held && a->place_ms && a->end_ms && a->mark_ms && a->mark_progress_ms &&
           a->mark_checkpoint_ms && a->interval_ms && a->start_class && a->start_slot &&
           a->start_incident && a->slow_class && a->slow_slot && a->slow_incident;
}

int account_create(struct board *b, const struct account_policy *p, struct account **ret)
{
    must(b && p && ret);
    struct account *a = mw_calloc(1, sizeof(*a));
    if (!a)
        return MW_ENOMEM;
    a->board = b;
    a->policy = *p;
    if (!alloc(a)) {
        account_destroy(a);
        return MW_ENOMEM;
    }
    for (uint32_t n = 0; n < b->nodes; n++)
        a->node_cause[n] = CAUSE_NONE;
    list_columns(a);
    *ret = a;
    return 0;
}

void account_destroy(struct account *a)
{
    if (!a)
        return;
    void *const owned[] = { a->node_planned, a->node_class, a->node_cause, a->node_since_ms,
                            a->node_lost,
                            a->phase, a->gpus_held, a->place_ms, a->end_ms, a->mark_ms,
                            a->mark_progress_ms, a->mark_checkpoint_ms, a->interval_ms,
                            a->start_class,
                            a->start_slot, a->start_incident, a->slow_class, a->slow_slot,
                            a->slow_incident };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(owned); i++)
        mw_free(owned[i]);
    mw_free(a);
}

int64_t account_node_lost(const struct account *a, uint32_t node)
{
    must(node < a->board->nodes);
    return a->node_lost[node];
}
