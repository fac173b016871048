/* What OpenAPI says that neither routes nor schemas do: parameters, media types, groups.  See
 * openapi.h. */
#include "api/openapi.h"

#include <stddef.h>

const struct api_parameter api_parameters[] = {
    { "list", "query", "limit", "integer", "rows of a page: 1 to 50,000; 1,000 without" },
    { "list", "query", "cursor", "string", "`next` of the page before, as it is" },
    { "list", "query", "filter", "string",
      "which rows: health=down and (hall=h1 or gpus>=8) and not name~\"n1*\"; = != < <= > >= ~ in "
      "and or not ( )" },
    { "list", "query", "sort", "string", "fields with commas, - before one = from the highest "
      "down: -lost_uusd,name" },
    { "list", "query", "fields", "string", "which fields, in which order: name,health" },
    { "list", "query", "format", "string", "json, or csv (as Accept: text/csv does)" },
    { "listJobs", "query", "all", "boolean", "with jobs that are over" },
    { "listIncidents", "query", "all", "boolean", "with symptoms" },
    { "listIncidents", "query", "closed", "boolean", "those that are over instead" },
    { "listLemons", "query", "all", "boolean", "every node of which a signal speaks" },
    { "getJob", "query", "all", "boolean", "with every report of progress and the repair of its "
      "nodes" },
    { "listEvents", "query", "after", "integer", "events after this one, oldest first; without it "
      "the newest" },
    { "listEvents", "query", "before", "integer", "the newest ones before this one" },
    { "listEvents", "query", "limit", "integer", "rows: 1 to 1,000; 100 without" },
    { "listEvents", "query", "kind", "string", "names of kinds with commas: "
      "incident.opened,advice" },
    { "listEvents", "query", "about", "string", "job:12, incident:57, or the name of a component" },
    { "getStream", "query", "after", "integer", "begin behind this event; without it, now" },
    { "getStream", "query", "kind", "string", "names of kinds with commas, or all" },
    { "getStream", "header", "Last-Event-ID", "string", "where a client that comes back was" },
    { "getSummary", "query", "since", "integer", "with `changed`: what changed after this event" },
    { "getSeries", "query", "names", "string", "names of series with commas" },
    { "getSeries", "query", "from", "string", "RFC 3339; the beginning without" },
    { "getSeries", "query", "to", "string", "RFC 3339; now without" },
    { "getSeries", "query", "points", "integer", "at most so many" },
    { "getFleetHeat", "query", "metric", "string", "state, incident, job, tenant, age or risk" },
    { "getFleetHeat", "query", "at", "string", "RFC 3339, within the last 24 h; state only" },
    { "getShadow", "query", "since", "string", "only the last of the record: 7d, 12h" },
    { "getShadow", "query", "window", "string", "begin within this of each other: the same; 24h "
      "without" },
    { "postCommand", "query", "dryRun", "boolean", "record nothing, say what it would do" },
    { "postCommand", "header", "Idempotency-Key", "string", "the same key within 24 h gets the "
      "same answer, and nothing is done twice" },
    { "postCommand", "header", "If-Match", "string", "only if the node is still as its ETag says" },
    { "listAudit", "query", "limit", "integer", "rows" },
    { "listAudit", "query", "cursor", "string", "`next` of the page before" },
    { "listAudit", "query", "who", "string", "of this name only" },
    { "listAudit", "query", "route", "string", "of this operation only" },
    { "listAudit", "query", "status", "integer", "with this answer only" },
    { "listAudit", "query", "done", "boolean", "only what changed something" },
    { 0 },
};

const struct api_response api_responses[] = {
    { "getMetrics", NULL, "text/plain" },
    { "getConsole", NULL, "text/html" },
    { "getAsset", NULL, "application/octet-stream" },
    { "getStream", NULL, "text/event-stream" },
    { "getFleetHeat", NULL, "application/octet-stream" },
    { "postWhatIf", "202", NULL },
    { NULL, NULL, NULL },
};

const struct api_tag api_tags[] = {
    { "/api/v1/nodes", "fleet", "what exists, how it stands, what is on it" },
    { "/api/v1/gpus", "fleet", NULL },
    { "/api/v1/links", "fleet", NULL },
    { "/api/v1/halls", "fleet", NULL },
    { "/api/v1/sites", "fleet", NULL },
    { "/api/v1/fleet", "fleet", NULL },
    { "/api/v1/topology", "fleet", NULL },
    { "/api/v1/jobs", "work", "jobs, the queue, tenants, spares, maintenance" },
    { "/api/v1/queue", "work", NULL },
    { "/api/v1/tenants", "work", NULL },
    { "/api/v1/spares", "work", NULL },
    { "/api/v1/windows", "work", NULL },
    { "/api/v1/incidents", "care", "what is wrong, what is done about it, what it costs" },
    { "/api/v1/orders", "care", NULL },
    { "/api/v1/parts", "care", NULL },
    { "/api/v1/odds", "care", NULL },
    { "/api/v1/lemons", "care", NULL },
    { "/api/v1/budget", "care", NULL },
    { "/api/v1/commands", "care", NULL },
    { "/api/v1/events", "record", "what was recorded, as rows, as a stream, as sums over time" },
    { "/api/v1/stream", "record", NULL },
    { "/api/v1/series", "record", NULL },
    { "/api/v1/summary", "record", NULL },
    { "/api/v1/shadow", "record", NULL },
    { "/api/v1/audit", "access", "who may do what, and who did" },
    { "/api/v1/session", "access", NULL },
    { "/api/v1/tokens", "access", NULL },
    { "/api/v1/login", "access", NULL },
    { "/login", "access", NULL },
    { "", "site", "the daemon itself: health, version, replay, what-if, the console" },
};
