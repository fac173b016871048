/* Making a board: every column is allocated here once and listed once. */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "board/board.h"

#define JOBS_MAX_DEFAULT 65536u
#define INCIDENTS_SPARE 65536u
#define BOARD_COLUMNS_MAX 64
#define BOARD_SCALARS 7 /* listed first; they live in struct board itself */

/* Allocates rows x width and lists the column; false when out of memory. */
static bool add(struct board *b, const char *name, void *array_pointer, uint32_t width,
                uint32_t rows_max, const uint32_t *rows)
{
    must(b->columns < BOARD_COLUMNS_MAX);
    void *data = mw_calloc(rows_max, width);
    if (!data)
        return false;
    memcpy(array_pointer, &data, sizeof(data));
    b->column[b->columns++] = (struct column){
        .name = name, .data = data, .width = width, .rows_max = rows_max, .rows = rows };
    return true;
}

static void add_scalar(struct board *b, const char *name, uint32_t *value)
{
    must(b->columns < BOARD_COLUMNS_MAX);
    b->column[b->columns++] =
        (struct column){ .name = name, .data = value, .width = sizeof(*value), .rows_max = 1 };
}

#define NODE(field) add(b, #field, &b->field, sizeof(*b->field), b->nodes, NULL)
#define JOB(field) add(b, #field, &b->field, sizeof(*b->field), b->jobs_max, &b->jobs_used)
#define INCIDENT(field) \
    add(b, #field, &b->field, sizeof(*b->field), b->incidents_max, &b->incidents_used)

static bool make_columns(struct board *b)
{
    add_scalar(b, "jobs_used", &b->jobs_used); /* counters first: they size what follows */
    add_scalar(b, "jobs_live", &b->jobs_live);
    add_scalar(b, "job_free", &b->job_free);
    add_scalar(b, "incidents_used", &b->incidents_used);
    add_scalar(b, "incidents_live", &b->incidents_live);
    add_scalar(b, "incident_free", &b->incident_free);
    b->column[b->columns++] = (struct column){ .name = "rules", .data = b->rules,
                                               .width = sizeof(b->rules), .rows_max = 1 };
    must(b->columns == BOARD_SCALARS);
    if (!add(b, "hall_mode", &b->hall_mode, 1, b->fleet->count[COMPONENT_HALL], NULL))
        return false;
    return NODE(node_health) && NODE(node_holds) && NODE(node_watched) &&
           NODE(node_witness_high) && NODE(node_witness_low) && NODE(node_witness_port) &&
           NODE(node_job) && NODE(node_next) &&
           NODE(node_incident) && NODE(node_class) && NODE(node_hazard) &&
           JOB(job_next_free) && JOB(job_id) &&
           JOB(job_submit_seq) && JOB(job_submit_ms) && JOB(job_work_ms) && JOB(job_write_ms) &&
           JOB(job_restart_ms) && JOB(job_gpus) && JOB(job_nodes) && JOB(job_category) &&
           JOB(job_tenant) && JOB(job_priority) && JOB(job_flags) && JOB(job_state) &&
           JOB(job_attempt) &&
           JOB(job_first_node) && JOB(job_saved_ms) && JOB(job_high_ms) && JOB(job_incident) &&
           JOB(job_incident_slot) && JOB(job_class) && JOB(job_interval_ms) &&
           JOB(job_ready_ms) && JOB(job_from_ms) && INCIDENT(incident_next_free) &&
           INCIDENT(incident_id) && INCIDENT(incident_component) && INCIDENT(incident_finding) &&
           INCIDENT(incident_opened_ms) && INCIDENT(incident_node) &&
           INCIDENT(incident_findings) && INCIDENT(incident_class) &&
           INCIDENT(incident_lost_gpu_ms) && INCIDENT(incident_parent) &&
           INCIDENT(incident_symptoms);
}

static void board_start(struct board *b)
{
    b->job_free = MW_NONE;
    b->incident_free = MW_NONE;
    for (uint32_t n = 0; n < b->nodes; n++) {
        b->node_health[n] = HEALTH_RACKED;
        b->node_job[n] = MW_NONE;
        b->node_next[n] = MW_NONE;
        b->node_incident[n] = MW_NONE;
        b->node_class[n] = UINT16_MAX;
    }
}

int board_create(const struct fleet *f, const struct board_options *o, struct board **ret)
{
    must(f && o && ret);
    struct board *b = mw_calloc(1, sizeof(*b));
    if (!b)
        return MW_ENOMEM;
    b->fleet = f;
    b->nodes = f->count[COMPONENT_NODE];
    for (uint32_t n = 0; n < b->nodes; n++)
        b->node_gpus_max = MW_MAX(b->node_gpus_max, f->node_gpus[n]);
    b->jobs_max = o->jobs_max ? o->jobs_max : JOBS_MAX_DEFAULT;
    b->incidents_max = o->incidents_max ? o->incidents_max : b->nodes + INCIDENTS_SPARE;
    b->column = mw_calloc(BOARD_COLUMNS_MAX, sizeof(*b->column));
    if (!b->column || !make_columns(b) || map_init(&b->job_index, b->jobs_max) < 0) {
        board_destroy(b);
        return MW_ENOMEM;
    }
    board_start(b);
    *ret = b;
    return 0;
}

void board_destroy(struct board *b)
{
    if (!b)
        return;
    for (uint32_t i = BOARD_SCALARS; b->column && i < b->columns; i++)
        mw_free(b->column[i].data);
    mw_free(b->column);
    map_fini(&b->job_index);
    mw_free(b);
}
