/*
 * The tables of the resources, one idea a file; resources.c puts them into one.  Only for the files
 * that are named resource*.c.
 */
#ifndef MW_API_RESOURCE_TABLES_H
#define MW_API_RESOURCE_TABLES_H

#include "api/command.h"
#include "api/mark.h"
#include "api/resource.h"

extern const struct api_field api_node_fields[], api_gpu_fields[], api_link_fields[],
    api_job_fields[], api_queue_fields[], api_hall_fields[], api_tenant_fields[],
    api_site_fields[], api_incident_fields[], api_order_fields[], api_part_fields[],
    api_odds_fields[], api_lemon_fields[], api_spare_fields[], api_budget_fields[],
    api_window_fields[];

#define API_MAKES(X)                                                                            \
    X(api_make_nodes) X(api_make_gpus) X(api_make_links) X(api_make_jobs) X(api_make_queue)     \
    X(api_make_halls) X(api_make_tenants) X(api_make_sites)
#define X(name) api_make_fn name;
API_MAKES(X)
#undef X

#define API_SEES(X)                                                                             \
    X(api_sees_node) X(api_sees_gpu) X(api_sees_link) X(api_sees_job) X(api_sees_waiting)       \
    X(api_sees_hall) X(api_sees_tenant) X(api_sees_incident) X(api_sees_order)                  \
    X(api_sees_node_named) X(api_sees_hall_named) X(api_sees_first)
#define X(name) api_sees_fn name;
API_SEES(X)
#undef X
api_narrow_fn api_narrow_incidents;
/* Leaves in the `jobs` of an incident's row those that the principal sees. */
void api_narrow_incident(json_t *row, const struct board *b, const struct principal *who);

/* Does this principal see a node: its hall, and where tenants narrow it, a job of theirs on it? */
bool api_sees_node_row(const struct board *b, uint32_t node, const struct principal *who);
/* A job: of its tenant, and where halls narrow it, with a node there (one that waits: any). */
bool api_sees_job_row(const struct board *b, uint32_t slot, const struct principal *who);

/* The number of the open incident in a row of the board; null for MW_NONE. */
struct api_value api_value_incident(const struct board *b, uint32_t slot);
/* The name of a component; null when it has none. */
struct api_value api_value_name(const struct fleet *f, enum component_kind kind, uint32_t index);
/* What was added to the scratch, which is cleared before: use after api_scratch(). */
struct text *api_scratch(struct api_rows *r);
struct api_value api_value_scratch(struct api_rows *r, uint8_t kind);

#endif
