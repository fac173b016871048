/*
 * The one table of what the API answers.  A handler gets a whole request and
 * returns a document, or says what is wrong; it knows nothing of HTTP but the
 * number of its answer.
 */
#ifndef MW_API_ROUTES_H
#define MW_API_ROUTES_H

#include "api/status.h"
#include "base/error.h"

#define API_BODY_MAX ((size_t)64 * 1024)

enum api_method { API_GET = 1 << 0, API_POST = 1 << 1 };

struct api_call {
    const struct api_site *site;
    uint32_t actor;   /* who asks */
    const char *path; /* as in the table */
    const char *query; /* what follows the '?'; NULL without */
    const char *body; /* '\0'-ended; "" without */
    size_t size;
};

/* A new reference with *status 200 or another; or NULL with err filled and *status as it came
 * (0: what the error's code stands for). */
typedef json_t *api_handler_fn(const struct api_call *call, int *status, struct mw_error *err);

struct api_route {
    const char *path; /* NULL ends the table */
    enum api_method method;
    api_handler_fn *handler;
    const char *doc;
};
extern const struct api_route api_routes[];

/* The route; NULL with *ret_allowed telling the methods that this path has (0: no such path). */
const struct api_route *api_route_find(const char *path, enum api_method method,
                                       uint32_t *ret_allowed);

/* 409 for MW_ECONFLICT … */
int api_http_status(int code);
/* "Conflict" */
const char *api_http_title(int status);

/* RFC 9457: type, title, status, detail, and `code`, the name of the error ("MW_ECONFLICT"). */
json_t *api_problem(int status, const struct mw_error *err);

#endif
