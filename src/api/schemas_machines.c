/* Schemas of what machines say of themselves, and of one link.  See schema.h. */
#include "api/schema.h"

#define TEXT "{'type':'string'}"
#define TEXT_OR_NULL "{'type':['string','null']}"
#define COUNT "{'type':'integer','minimum':0}"
#define NUMBER_OR_NULL "{'type':['integer','null']}"
#define YES_NO "{'type':'boolean'}"
#define REF(name) "{'$ref':'#/components/schemas/" name "'}"
#define LIST(items) "{'type':'array','items':" items "}"
#define CLOCK "'clock':" REF("Time")
#define MEASURED "'rests_on':{'const':'measured'}"

const struct api_schema api_schemas_machines[] = {
    { "Machine",
      "{'type':'object','description':'a machine that an agent or a gatherer speaks of',"
      "'required':['name','node','state','heard','agent','gather','version','skew_us','series',"
      "'parts','frames','bytes','coalesced','conditions','checks_failed','rests_on'],"
      "'properties':{'name':" TEXT ",'node':{'type':['string','null'],'description':'the node of "
      "the site; null: not of this site'},'state':{'enum':['heard','silent']},'heard':"
      REF("TimeOrNull") ",'agent':" YES_NO ",'gather':" YES_NO ",'version':" TEXT_OR_NULL
      ",'skew_us':{'type':['integer','null'],'description':'its clock less ours'},'series':" COUNT
      ",'parts':" COUNT ",'frames':" COUNT ",'bytes':" COUNT ",'coalesced':" COUNT
      ",'conditions':" COUNT ",'checks_failed':" COUNT "," MEASURED "}}" },
    { "MachineList",
      "{'type':'object','required':['kind','clock','total','rows','next'],'properties':{'kind':"
      "{'const':'MachineList'}," CLOCK ",'total':" COUNT ",'rows':" LIST(REF("Machine"))
      ",'next':{'type':['string','null'],'description':'`after` of what comes next'}}}" },
    { "MachineValue",
      "{'type':'object','required':['metric','scope','unit','kind','instance','label','value',"
      "'at'],'properties':{'metric':" TEXT ",'doc':" TEXT ",'scope':" TEXT ",'unit':" TEXT
      ",'kind':{'enum':['gauge','counter','state']},'instance':" COUNT ",'label':" TEXT
      ",'value':{'type':'number'},'at':" REF("Time") "}}" },
    { "MachinePart",
      "{'type':'object','required':['scope','n','name'],'properties':{'scope':" TEXT ",'n':" COUNT
      ",'name':" TEXT ",'serial':" TEXT_OR_NULL ",'model':" TEXT_OR_NULL ",'fw':" TEXT_OR_NULL
      ",'pci':" TEXT_OR_NULL ",'peer':" TEXT_OR_NULL ",'peer_port':" TEXT_OR_NULL ",'text':"
      TEXT_OR_NULL "}}" },
    { "MachineDetail",
      "{'type':'object','required':['clock','machine','values','parts','sources','checks',"
      "'conditions'],'properties':{" CLOCK ",'machine':" REF("Machine") ",'values':"
      LIST(REF("MachineValue")) ",'parts':" LIST(REF("MachinePart")) ",'sources':"
      LIST("{'type':'object','required':['name','state'],'properties':{'name':" TEXT
           ",'state':{'enum':['ok','silent','absent']},'text':" TEXT_OR_NULL ",'since':"
           REF("TimeOrNull") "}}")
      ",'checks':" LIST("{'type':'object','required':['time','result','text'],'properties':{"
                        "'time':" REF("TimeOrNull") ",'level':" NUMBER_OR_NULL ",'class':"
                        TEXT_OR_NULL ",'result':{'enum':['ok','failed','unknown']},'text':" TEXT
                        "}}")
      ",'conditions':" LIST("{'type':'object','required':['since','class','text'],'properties':{"
                            "'since':" REF("TimeOrNull") ",'class':" TEXT ",'part':" TEXT_OR_NULL
                            ",'text':" TEXT ",'code':" TEXT_OR_NULL "}}") "}}" },
    { "MachineSeries",
      "{'type':'object','description':'gauges: the mean of a bucket; counters: growth a second; "
      "states: the last of a bucket','required':['clock','machine','rests_on','series','t',"
      "'values'],'properties':{" CLOCK ",'machine':" TEXT "," MEASURED ",'series':"
      LIST("{'type':'object','required':['metric','unit','instance','label'],'properties':{"
           "'metric':" TEXT ",'unit':" TEXT ",'instance':" COUNT ",'label':" TEXT "}}")
      ",'t':{'type':'array','items':{'type':'integer'},'description':'ms UTC, where each bucket "
      "begins'},'values':" LIST(LIST("{'type':['number','null']}")) "}}" },
    { "MachineRate",
      "{'type':'object','additionalProperties':false,'required':['sample_ms','for_ms'],"
      "'properties':{'sample_ms':{'type':'integer','minimum':100,'maximum':60000},'for_ms':"
      "{'type':'integer','minimum':1000,'maximum':3600000}}}" },
    { "LinkDetail",
      "{'type':'object','required':['clock','link','ends','advice'],'properties':{" CLOCK
      ",'link':" REF("FabricLink") ",'ends':"
      LIST("{'type':'object','required':['end','at','machine','port','heard','values'],"
           "'properties':{'end':{'enum':['a','b']},'at':" TEXT ",'machine':" TEXT_OR_NULL
           ",'port':" NUMBER_OR_NULL ",'heard':" REF("TimeOrNull") ",'values':"
           LIST(REF("MachineValue")) "}}")
      ",'advice':{'type':['object','null'],'required':['text','rests_on'],'properties':{'text':"
      TEXT "," MEASURED "}}}}" },
    { 0 },
};
