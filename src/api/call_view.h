/* From a request to what lists and documents are made from (views.h). */
#ifndef MW_API_CALL_VIEW_H
#define MW_API_CALL_VIEW_H

#include "api/list.h"
#include "api/past.h"
#include "api/routes.h"

/* Fills *ret from the call's replica, ?all and ?closed; with `past` what has left the state is read
 * on first.  Borrowed until the replica is caught up again. */
MW_MUST_USE int call_view(struct api_call *call, bool past, struct api_view_of *ret,
                          struct mw_error *err);

/* The same without a call: for what is not asked over HTTP. */
struct api_view_of view_of_replica(struct replica *r);

/* Whole-site answers are for those whom no scope narrows; MW_EDENIED otherwise. */
MW_MUST_USE int call_needs_whole_site(const struct api_call *call, struct mw_error *err);

/* One row as a JSON object with these fields (NULL: all).  A new reference; NULL without memory. */
json_t *row_json(struct api_rows *rows, uint32_t place, const struct api_field *fields);
/* The value as JSON. */
json_t *value_json(const struct api_field *f, const struct api_value *v);

#endif
