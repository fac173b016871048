/*
 * /metrics: the site in numbers, for Prometheus.  Text format 0.0.4, or OpenMetrics for who asks
 * for that.  Bounded: classes of fault, halls, states; never a series per node, GPU or job, so that
 * a large site has no more of them than a small one (METRICS_SERIES_MAX).
 */
#include <inttypes.h>
#include <string.h>

#include <event2/buffer.h>

#include "api/command.h"
#include "api/routes.h"
#include "api/server_private.h"
#include "base/units.h"

#define METRICS_SERIES_MAX 20000u
#define HALLS_SHOWN 1000u /* of a site with more the rest are left out, and counted */

struct page {
    struct evbuffer *out;
    bool open;       /* OpenMetrics: a counter's family has no _total */
    bool counter;    /* the family that was begun */
    const char *name;
    uint32_t series;
    bool failed;
};

enum family_type { GAUGE, COUNTER };

static void family(struct page *p, enum family_type type, const char *name, const char *help)
{
    const char *total = type == COUNTER && !p->open ? "_total" : "";
    p->name = name;
    p->counter = type == COUNTER;
    p->failed |= evbuffer_add_printf(p->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help,
                                     name, total, type == COUNTER ? "counter" : "gauge") < 0;
}

/* '\\', '"' and line ends, as both formats want them. */
static void add_label(struct page *p, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\n')
            (void)evbuffer_add(p->out, "\\n", 2);
        else if (*c == '"' || *c == '\\')
            (void)evbuffer_add_printf(p->out, "\\%c", *c);
        else
            (void)evbuffer_add(p->out, c, 1);
    }
}

/* label NULL = none. */
static void begin_sample(struct page *p, const char *label, const char *value)
{
    must(p->series++ < METRICS_SERIES_MAX);
    (void)evbuffer_add_printf(p->out, "%s%s", p->name, p->counter ? "_total" : "");
    if (label != NULL) {
        (void)evbuffer_add_printf(p->out, "{%s=\"", label);
        add_label(p, value);
        (void)evbuffer_add(p->out, "\"}", 2);
    }
}

static void sample(struct page *p, const char *label, const char *value, int64_t n)
{
    begin_sample(p, label, value);
    p->failed |= evbuffer_add_printf(p->out, " %" PRId64 "\n", n) < 0;
}

static void sample_real(struct page *p, const char *label, const char *value, double n)
{
    begin_sample(p, label, value);
    p->failed |= evbuffer_add_printf(p->out, " %.15g\n", n) < 0;
}

static void gauge(struct page *p, const char *name, const char *help, int64_t n)
{
    family(p, GAUGE, name, help);
    sample(p, NULL, NULL, n);
}

static void counter(struct page *p, const char *name, const char *help, uint64_t n)
{
    family(p, COUNTER, name, help);
    sample(p, NULL, NULL, (int64_t)n);
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static void add_server(struct page *p, struct api_server *s)
{
    static const char *const class[] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };
    struct api_server_stats t = api_server_stats(s);
    family(p, GAUGE, "millwright_build_info", "Version of the program, as a label.");
    sample(p, "version", MW_VERSION, 1);
    family(p, GAUGE, "millwright_start_time_seconds", "When the daemon started, Unix time.");
    sample_real(p, NULL, NULL, (double)t.started_ns / 1e9);
    counter(p, "millwright_http_requests", "Requests that came whole.", t.requests);
    family(p, COUNTER, "millwright_http_answers", "Answers, by class of their status.");
    for (uint32_t i = 0; i < MW_ARRAY_LEN(class); i++)
        sample(p, "status", class[i], (int64_t)t.answers[i]);
    gauge(p, "millwright_http_connections", "Connections that are open.", t.connections);
    counter(p, "millwright_http_connections_taken", "Connections taken.", t.connections_taken);
    counter(p, "millwright_http_connections_refused", "Connections past the bound.",
            t.connections_refused);
    family(p, COUNTER, "millwright_http_dropped", "Connections that were dropped, by why.");
    sample(p, "why", "slow", (int64_t)t.dropped_slow);
    sample(p, "why", "idle", (int64_t)t.dropped_idle);
    sample(p, "why", "full", (int64_t)t.dropped_full);
    counter(p, "millwright_http_sent_bytes", "Bytes that clients took.", t.bytes_out);
    gauge(p, "millwright_replica_ready", "1 when the record was read to its end once.",
          api_server_ready(s));
    gauge(p, "millwright_replica_behind_events", "Committed events that the API has not read yet.",
          (int64_t)server_behind(s));
    counter(p, "millwright_replica_errors", "Times the record could not be read.",
            t.replica_errors);
}

/* ---- the site -------------------------------------------------------------------------------- */

static void add_record(struct page *p, const struct replica *r)
{
    counter(p, "millwright_record_events", "Events in the record.", replica_seq(r));
    family(p, GAUGE, "millwright_site_time_seconds", "The site's time, Unix time; of a replay, the "
                                                     "trace's.");
    sample_real(p, NULL, NULL, (double)replica_now_ns(r) / 1e9);
}

static void add_nodes(struct page *p, const struct control *c)
{
    family(p, GAUGE, "millwright_nodes", "Nodes, by health.");
    for (uint32_t h = 0; h < HEALTH_COUNT; h++)
        sample(p, "health", health_name(h), care_nodes_in(c->care, h));
    gauge(p, "millwright_gpus", "GPUs of the site.", c->board->fleet->gpus_total);
    gauge(p, "millwright_nodes_free", "Nodes that can take a job now.", work_free_nodes(c->work));
    gauge(p, "millwright_nodes_drained", "Working nodes that automation has taken.",
          guard_taken(c->guard));
}

static void add_halls(struct page *p, const struct control *c)
{
    const struct fleet *f = c->board->fleet;
    uint32_t halls = MW_MIN(f->count[COMPONENT_HALL], HALLS_SHOWN);
    family(p, GAUGE, "millwright_hall_mode",
           "What automation may do in a hall: 0 observe, 1 advise, 2 approve, 3 act.");
    for (uint32_t h = 0; h < halls; h++)
        sample(p, "hall", fleet_name(f, component_id(COMPONENT_HALL, h)),
               guard_mode_of(c->guard, h));
    gauge(p, "millwright_halls_left_out", "Halls without a series of their own.",
          f->count[COMPONENT_HALL] - halls);
    gauge(p, "millwright_guard_tripped",
          "1 when the safety budget is used up somewhere: only advice is given there until a "
          "person resets it.", guard_tripped(c->guard));
}

static void add_jobs(struct page *p, const struct control *c)
{
    family(p, GAUGE, "millwright_jobs", "Jobs that have not ended.");
    sample(p, "state", "queued", work_queued(c->work));
    sample(p, "state", "running", work_running(c->work));
}

static void add_incidents(struct page *p, const struct control *c)
{
    const struct board *b = c->board;
    uint32_t of_class[BOARD_CLASSES_MAX] = { 0 }, orders = 0;
    struct care_order o;
    for (uint32_t i = 0; i < b->incidents_used; i++) {
        if (b->incident_id[i] == 0 || b->incident_class[i] >= BOARD_CLASSES_MAX)
            continue;
        of_class[b->incident_class[i]]++;
        orders += care_order_of(c->care, i, &o);
    }
    family(p, GAUGE, "millwright_incidents_open", "Open incidents, symptoms with them, by class of "
                                                  "fault.");
    for (uint32_t k = 0; k < c->policy.care.classes; k++)
        sample(p, "class", c->policy.care.class[k].name, of_class[k]);
    gauge(p, "millwright_incidents_root", "Open incidents that are no other's symptoms.",
          care_root_incidents(c->care));
    gauge(p, "millwright_orders_open", "Work orders and machines' actions without a result.",
          orders);
}

static void add_account(struct page *p, const struct control *c, int64_t now_ns)
{
    struct account_totals t;
    account_settle(c->account, now_ns, &t);
    /* Gauges: what a running job has done since its last report is a model until the next. */
    family(p, GAUGE, "millwright_gpu_seconds", "GPU time so far, each moment in exactly one class; "
                                               "modelled since the last reports of running jobs.");
    for (uint32_t i = 0; i < ACCOUNT_CLASS_COUNT; i++)
        sample_real(p, "class", account_class_name(i), (double)t.gpu_ms[i] / 1e3);
    family(p, GAUGE, "millwright_goodput_ratio", "Productive over available GPU time since the "
                                                 "record began; modelled since the last reports.");
    sample_real(p, NULL, NULL, account_goodput(&t));
    family(p, GAUGE, "millwright_lost_dollars", "Lost GPU time so far at the policy's price.");
    sample_real(p, NULL, NULL, (double)t.lost_microdollars / 1e6);
}

static void add_site(struct page *p, struct replica *r)
{
    const struct control *c = replica_control(r);
    add_record(p, r);
    add_nodes(p, c);
    add_halls(p, c);
    add_jobs(p, c);
    add_incidents(p, c);
    add_account(p, c, replica_now_ns(r));
}

int api_get_metrics(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const char *accept = call->accept;
    struct page p = { .out = evbuffer_new(),
                      .open = accept != NULL &&
                              strstr(accept, "application/openmetrics-text") != NULL };
    if (p.out == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    add_server(&p, call->server);
    if (call->replica != NULL && api_server_ready(call->server))
        add_site(&p, call->replica);
    if (p.open)
        p.failed |= evbuffer_add(p.out, "# EOF\n", 6) != 0;
    ret->raw = p.out;
    ret->type = p.open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
    return p.failed ? mw_fail(err, MW_ENOMEM, "out of memory") : 0;
}
