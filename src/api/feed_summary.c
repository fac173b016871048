/* GET /summary and /series: figures of now, and how they went. */
#include "api/feeds.h"

#include <stdio.h>
#include <string.h>

#include "api/routes.h"
#include "api/schema.h"
#include "api/series.h"
#include "api/summary.h"
#include "base/text.h"

#define NUMBER "{'type':['integer','null']}"
#define TIME "{'$ref':'#/components/schemas/Time'}"

const struct api_schema api_schemas_summary[] = {
    { "Summary",
      "{'type':'object','required':['now','revision','site','whole_site','goodput_ppm','ettr_ppm',"
      "'gpus','gpus_healthy','gpus_busy','lost_today_uusd','lost_today','lost_total_uusd','power',"
      "'incidents_open','orders_stuck','jobs_running','jobs_queued','advice_waiting',"
      "'jobs_at_risk','rests_on','changed'],'properties':{'now':" TIME ","
      "'revision':{'type':'integer','minimum':0},'site':{'type':'string'},"
      "'whole_site':{'type':'boolean','description':'false: figures of the whole site are null'},"
      "'guard_tripped':{'type':'boolean'},'goodput_ppm':" NUMBER ",'goodput_total_ppm':" NUMBER ","
      "'ettr_ppm':" NUMBER ",'gpus':" NUMBER ",'gpus_healthy':" NUMBER ",'gpus_busy':" NUMBER ","
      "'today_from':{'$ref':'#/components/schemas/TimeOrNull'},'lost_today_uusd':" NUMBER ","
      "'lost_today':{'type':['array','null'],'items':{'$ref':'#/components/schemas/LostByCause'}},"
      "'lost_total_uusd':" NUMBER ","
      "'power':{'type':['object','null'],'required':['drawn_w','cap_w','rests_on'],'properties':{"
      "'drawn_w':{'type':'integer'},'cap_w':" NUMBER ",'rests_on':{'type':'string'}}},"
      "'incidents_open':" NUMBER ",'orders_open':" NUMBER ",'orders_stuck':" NUMBER ","
      "'jobs_running':" NUMBER ",'jobs_queued':" NUMBER ",'advice_waiting':" NUMBER ","
      "'jobs_at_risk':{'type':'array','items':{'$ref':'#/components/schemas/JobAtRisk'}},"
      "'jobs_at_risk_total':{'type':'integer'},"
      "'rests_on':{'type':'object','additionalProperties':{'type':'string'}},"
      "'history':{'type':['string','null'],'description':'file, or why it is none'},"
      "'changed':{'oneOf':[{'type':'null'},{'$ref':'#/components/schemas/Changed'}]}}}" },
    { "LostByCause",
      "{'type':'object','required':['cause','class','gpu_ms','uusd'],'properties':{"
      "'cause':{'type':'integer'},'class':{'type':'string'},'gpu_ms':{'type':'integer'},"
      "'uusd':{'type':'integer'}}}" },
    { "JobAtRisk",
      "{'type':'object','required':['job','why','unsaved_ms','stake_uusd'],'properties':{"
      "'job':{'type':'integer'},'tenant':{'type':'integer'},'gpus':{'type':'integer'},"
      "'why':{'type':['string','null']},'unsaved_ms':{'type':'integer'},"
      "'stake_uusd':{'type':'integer'}}}" },
    { "Changed",
      "{'type':'object','required':['since_seq','since','incidents_opened','incidents_closed',"
      "'jobs_stopped','jobs_ended','orders_closed','lost_uusd','top'],'properties':{"
      "'since_seq':{'type':'integer'},'since':{'$ref':'#/components/schemas/TimeOrNull'},"
      "'incidents_opened':{'type':'integer'},'incidents_closed':{'type':'integer'},"
      "'jobs_stopped':{'type':'integer'},'jobs_ended':{'type':'integer'},"
      "'orders_closed':{'type':'integer'},'lost_uusd':{'type':'integer'},"
      "'top':{'type':'array','items':{'type':'object','required':['seq','time','kind','text'],"
      "'properties':{'seq':{'type':'integer'},'time':" TIME ",'kind':{'type':'string'},"
      "'text':{'type':['string','null']}}}}}}" },
    { "Series",
      "{'type':'object','required':['now','revision','names','units','rests_on','t','values'],"
      "'properties':{'now':" TIME ",'revision':{'type':'integer'},"
      "'names':{'type':'array','items':{'type':'string'}},"
      "'units':{'type':'array','items':{'type':'string'}},"
      "'rests_on':{'type':'array','items':{'type':'string'}},"
      "'t':{'type':'array','items':{'type':'integer','description':'ms UTC'}},"
      "'values':{'type':'array','items':{'type':'array','items':" NUMBER "}}}}" },
    { 0 },
};

int api_get_summary(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct summary_of s = { .control = replica_control(call->replica),
                            .words = replica_words(call->replica),
                            .journal = replica_journal(call->replica),
                            .history = feeds_history(call->server), .who = call->who,
                            .now_ns = replica_now_ns(call->replica), .since = UINT64_MAX };
    int r = api_query_u64(call, "since", INT64_MAX, &s.since, err);
    if (r < 0)
        return r;
    ret->json = summary_make(&s, err);
    return ret->json ? 0 : err ? err->code : MW_ENOMEM;
}

/* ---- series --------------------------------------------------------------------------------- */

static int read_time(const struct api_call *call, const char *key, int64_t *ret_ms,
                     struct mw_error *err)
{
    char text[64];
    int64_t ns;
    const char *s = api_query_get(call, key, text, sizeof(text));
    if (!s)
        return 0;
    if (mw_parse_i64(s, ret_ms) == 0)
        return 0;
    if (mw_parse_time(s, &ns) != 0)
        return mw_fail(err, MW_EINVAL, "%s: \"%s\" is neither an RFC 3339 time nor ms since 1970",
                       key, text);
    *ret_ms = mw_ms(ns);
    return 0;
}

int api_get_series(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    char names[1024];
    uint64_t points = 600;
    int64_t now_ms = mw_ms(replica_now_ns(call->replica));
    struct series_of s = { .control = replica_control(call->replica),
                           .history = feeds_history(call->server),
                           .now_ns = replica_now_ns(call->replica), .to_ms = now_ms };
    if (!access_sees_all(call->who))
        return mw_fail(err, MW_EDENIED, "these are figures of the whole site, and your access is "
                       "to a part of it");
    int r = read_time(call, "to", &s.to_ms, err);
    s.from_ms = s.to_ms - MW_MS_PER_DAY;
    if (r == 0)
        r = read_time(call, "from", &s.from_ms, err);
    if (r == 0)
        r = api_query_u64(call, "points", HISTORY_POINTS_MAX, &points, err);
    if (r < 0)
        return r;
    s.names = api_query_get(call, "names", names, sizeof(names));
    s.points = (uint32_t)MW_MAX(points, 1u);
    ret->json = series_make(&s, err);
    return ret->json ? 0 : err ? err->code : MW_ENOMEM;
}
