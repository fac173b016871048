/* GET /topology. */
#include "api/topology.h"

#include <event2/buffer.h>

#include "api/routes.h"
#include "api/schema.h"

#define SWITCHES                                                                              \
    "{'type':'array','items':{'type':'object','required':['name','links','links_down','down'],"  \
    "'properties':{'name':{'type':'string'},'links':{'type':'integer'},"                      \
    "'links_down':{'type':'integer','description':'with an open incident'},"                  \
    "'down':{'type':'boolean','description':'it has an open incident itself'}}}}"

const struct api_schema api_schemas_topology[] = {
    { "Topology",
      "{'type':'object','required':['now','revision','groups','idle_segments','rails','leaves',"
      "'spines','rests_on'],'properties':{'now':{'$ref':'#/components/schemas/Time'},"
      "'revision':{'type':'integer'},'groups':{'type':'array','items':{'type':'object',"
      "'required':['name','group','block','pod','nodes','jobs','free','spares','out'],"
      "'properties':{"
      "'name':{'type':'string','description':'the racks it is on'},'group':{'type':'integer'},"
      "'block':{'type':'integer','description':'groups of one share leaf switches'},"
      "'pod':{'type':'integer','description':'groups of one share spine switches'},"
      "'nodes':{'type':'integer'},'jobs':{'type':'array','items':{'type':'integer'}},"
      "'free':{'type':'integer'},'spares':{'type':'integer'},'out':{'type':'integer',"
      "'description':'held, broken, in repair, at the gate or not in service'}}}},"
      "'idle_segments':{'type':'array','items':{'type':'object','required':['size','count'],"
      "'properties':{'size':{'type':'integer','description':'free nodes of a group'},"
      "'count':{'type':'integer','description':'groups that have so many'}}}},"
      "'rails':{'type':'integer'},'leaves':" SWITCHES ",'spines':" SWITCHES ","
      "'rests_on':{'type':'string'}}}" },
    { 0 },
};

int api_get_topology(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    const struct topology_of t = { .control = replica_control(call->replica),
                                   .words = replica_words(call->replica), .who = call->who,
                                   .now_ns = replica_now_ns(call->replica) };
    ret->raw = evbuffer_new();
    if (!ret->raw)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return topology_write(&t, ret->raw, err);
}
