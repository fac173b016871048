/* Schemas of documents that have no table of fields: what all share, commands, details.  See
 * schema.h. */
#include "api/schema.h"

#define TEXT "{'type':'string'}"
#define TEXT_OR_NULL "{'type':['string','null']}"
#define NUMBER "{'type':'integer'}"
#define COUNT "{'type':'integer','minimum':0}"
#define NUMBER_OR_NULL "{'type':['integer','null']}"
#define YES_NO "{'type':'boolean'}"
#define REF(name) "{'$ref':'#/components/schemas/" name "'}"
#define LIST(items) "{'type':'array','items':" items "}"
#define STAMP "'now':" REF("Time") ",'revision':" REF("Revision")

const struct api_schema api_schemas_common[] = {
    { "Time", "{'type':'string','format':'date-time',"
              "'description':'RFC 3339, UTC: the time of the site; in a replay it is not ours'}" },
    { "TimeOrNull", "{'type':['string','null'],'format':'date-time'}" },
    { "Revision", "{'type':'integer','minimum':0,"
                  "'description':'the last recorded event that the answer contains'}" },
    { "Problem",
      "{'type':'object','description':'RFC 9457','required':['type','title','status','detail',"
      "'code'],'properties':{'type':" TEXT ",'title':" TEXT ",'status':" NUMBER ",'detail':" TEXT
      ",'code':{'type':'string','description':'the name of the error: MW_ENOTFOUND'},"
      "'hint':{'type':'string','description':'what to do'},"
      "'field':{'type':'string','description':'the part of the question to blame'},"
      "'trace_id':" TEXT "}}" },
    { "Health", "{'type':'object','required':['status'],'properties':{'status':" TEXT ",'why':" TEXT
                ",'events_behind':" COUNT "}}" },
    { "Version", "{'type':'object','required':['program','version'],'properties':{'program':" TEXT
                 ",'version':" TEXT ",'api':" NUMBER "}}" },
    { "Status", "{'type':'object','description':'the daemon: mode, worlds, record, what waits'}" },
    { "Replay",
      "{'type':'object','required':['replaying'],'properties':{'replaying':{'type':'boolean'},"
      "'scenario':" TEXT ",'start':" REF("Time") ",'end':" REF("Time") ",'now':" REF("Time")
      ",'speed':{'type':'number','minimum':0,'description':'simulated seconds a second; 0 = as "
      "fast as it goes'},'paused':{'type':'boolean'},'state':{'enum':['playing','paused','seeking',"
      "'ended']},'rests_on':" TEXT "}}" },
    { "ReplayWish",
      "{'type':'object','additionalProperties':false,'properties':{'speed':{'type':'number',"
      "'minimum':0},'paused':{'type':'boolean'},'until':{'type':'string','description':'incident, "
      "or a time'}}}" },
    { "Command",
      "{'type':'object','required':['verb'],'additionalProperties':false,'properties':{"
      "'verb':{'type':'string','description':'hold, drain, release, approve …: docs/api.md'},"
      "'node':" TEXT ",'hall':" TEXT ",'mode':{'enum':['observe','advise','approve','act']},"
      "'ref':{'type':'integer','description':'the number of an advice, a hold or an order'},"
      "'job':" NUMBER ",'count':{'type':'integer','minimum':1},'length_s':{'type':'integer',"
      "'minimum':1},'from':" REF("Time") ",'reason':" TEXT ",'did':" TEXT ",'found':" TEXT
      ",'serial':{'type':'string','description':'OLD=NEW'}}}" },
    { "Event",
      "{'type':'object','description':'a recorded event with every field',"
      "'required':['seq','time','kind','body'],'properties':{'seq':" COUNT ",'time':" REF("Time")
      ",'time_ns':" NUMBER ",'observed_ns':" NUMBER ",'kind':" TEXT ",'class':" TEXT
      ",'actor':" COUNT ",'body':{'type':'object'},'text':" TEXT ",'nodes':" LIST(COUNT)
      ",'sentence':" TEXT_OR_NULL "}}" },
    { "DryRun",
      "{'type':'object','required':['would','blast'],'properties':{'would':{'type':'object',"
      "'required':['verb','nodes','jobs'],'properties':{'verb':" TEXT ",'nodes':" LIST(TEXT)
      ",'jobs':" LIST("{'type':'object','required':['job','gpus','unsaved_gpu_ms'],'properties':{"
                      "'job':" COUNT ",'gpus':" COUNT ",'unsaved_gpu_ms':" COUNT "}}")
      ",'notes':" LIST(TEXT) "}},'blast':{'type':'object','required':['nodes','jobs','gpus',"
      "'gpu_ms_lost','lost_uusd','rests_on'],'properties':{'nodes':" COUNT ",'jobs':" COUNT
      ",'gpus':" COUNT ",'gpu_ms_lost':" COUNT ",'lost_uusd':" COUNT ",'rests_on':" TEXT "}}}}" },
    { "Recorded",
      "{'type':'object','description':'the fact as it was recorded; with dryRun what it would do',"
      "'anyOf':[{'type':'object','required':['recorded'],'properties':{'recorded':"
      "{'type':'object','required':['seq']}}}," REF("DryRun") "]}" },
    { 0 },
};

#define LINE REF("Line")
#define STORY_LINES LIST(LINE)

const struct api_schema api_schemas_lists[] = {
    { "About", "{'type':'object','description':'the job, incident, node or part of an event'}" },
    { "EventRow",
      "{'type':'object','required':['seq','time','kind','actor','text'],'properties':{'seq':" COUNT
      ",'time':" REF("Time") ",'kind':" TEXT ",'actor':{'type':'integer','minimum':0,"
      "'description':'0 = automation, else a person'},'text':" TEXT_OR_NULL ",'about':" REF("About")
      "}}" },
    { "EventList",
      "{'type':'object','required':['kind','now','revision','rows','next','previous'],"
      "'properties':{'kind':{'const':'EventList'}," STAMP ",'rows':" LIST(REF("EventRow"))
      ",'next':{'type':['integer','null'],'description':'`after` of what comes next'}"
      ",'previous':{'type':['integer','null'],'description':'`before` of what came before; null at "
      "the beginning of the record'}}}" },
    { "DefinitionList",
      "{'type':'object','required':['kind','rows'],'properties':{'kind':{'const':'DefinitionList'},"
      "'rows':" LIST("{'type':'object','required':['key','title','unit','text','formula','basis'],"
                     "'properties':{'key':" TEXT ",'title':" TEXT ",'unit':" TEXT ",'text':" TEXT
                     ",'formula':" TEXT_OR_NULL ",'basis':" TEXT ",'source':" TEXT "}}") "}}" },
    { 0 },
};

const struct api_schema api_schemas_details[] = {
    { "Line", "{'type':'object','required':['seq','time','kind','text'],'properties':{'seq':" COUNT
              ",'time':" REF("TimeOrNull") ",'kind':" TEXT_OR_NULL ",'text':" TEXT "}}" },
    { "Hold", "{'type':'object','required':['by','reason','seq','since'],'properties':{'by':" TEXT
              ",'actor':" COUNT ",'reason':" TEXT_OR_NULL ",'seq':" NUMBER_OR_NULL
              ",'since':" REF("TimeOrNull") "}}" },
    { "NodeIncident",
      "{'type':'object','required':['incident','class','opened','closed','lost_uusd'],"
      "'properties':{'incident':" COUNT ",'class':" TEXT ",'on':" TEXT ",'opened':"
      REF("TimeOrNull") ",'closed':" REF("TimeOrNull") ",'lost_gpu_ms':" NUMBER ",'lost_uusd':"
      NUMBER "}}" },
    { "NodeOrder",
      "{'type':'object','required':['order','incident','step','state'],'properties':{'order':" COUNT
      ",'incident':" COUNT ",'step':" TEXT ",'do':" TEXT ",'who':" TEXT ",'component':" TEXT
      ",'state':" TEXT ",'opened':" REF("TimeOrNull") ",'deadline':" REF("TimeOrNull")
      ",'level':" COUNT "}}" },
    { "NodeTest",
      "{'type':'object','required':['seq','time','gate','passed'],'properties':{'seq':" COUNT
      ",'time':" REF("Time") ",'gate':{'type':'string','description':'the class of fault that the "
      "check is keyed to'},'passed':" YES_NO ",'result':{'enum':['passed','failed','unknown']},"
      "'took_ms':" NUMBER_OR_NULL ",'incident':" COUNT "}}" },
    { "NodeDetail",
      "{'type':'object','required':['now','revision','node','holds','gpus','links',"
      "'findings_open','incidents','orders','tests','timeline','advice','history'],'properties':{"
      STAMP ",'node':" REF("Node") ",'holds':" LIST(REF("Hold")) ",'gpus':" LIST(REF("Gpu"))
      ",'links':" LIST(REF("FabricLink")) ",'findings_open':" COUNT ",'incidents':"
      LIST(REF("NodeIncident")) ",'orders':" LIST(REF("NodeOrder")) ",'tests':"
      LIST(REF("NodeTest")) ",'timeline':" STORY_LINES ",'advice':" STORY_LINES
      ",'history':{'type':'object','required':['lemon','hazard','signals'],'properties':{'lemon':"
      YES_NO ",'hazard':" COUNT ",'refaults':" COUNT ",'kills':" COUNT ",'out_hours':" COUNT
      ",'yearly_uusd':" NUMBER ",'rests_on':" TEXT ",'signals':{'type':'object',"
      "'additionalProperties':" COUNT "}}}}}" },
    { "JobCost",
      "{'type':'object','required':['rests_on','held_gpu_ms','productive_gpu_ms','lost_gpu_ms'],"
      "'properties':{'rests_on':" TEXT "},'additionalProperties':" NUMBER "}" },
    { "JobAttempt",
      "{'type':'object','required':['attempt','nodes','gpus','how','phases_ms','events'],"
      "'properties':{'attempt':" COUNT ",'nodes':" TEXT ",'node_count':" COUNT ",'gpus':" COUNT
      ",'placed':" REF("TimeOrNull") ",'running':" REF("TimeOrNull") ",'ended':"
      REF("TimeOrNull") ",'how':" TEXT ",'from_ms':" NUMBER ",'progress_ms':" NUMBER
      ",'saved_ms':" NUMBER ",'checkpoint_ms':" NUMBER ",'failed_node':" TEXT_OR_NULL
      ",'incident':" NUMBER_OR_NULL ",'phases_ms':{'type':'object','additionalProperties':"
      "{'type':['number','null']}},'events':{'type':'object','additionalProperties':"
      NUMBER_OR_NULL "}}}" },
    { "JobIncident",
      "{'type':'object','required':['incident','class','node','component','opened','closed'],"
      "'properties':{'incident':" COUNT ",'class':" TEXT ",'node':" TEXT_OR_NULL ",'component':"
      TEXT ",'began':" REF("TimeOrNull") ",'found':" REF("TimeOrNull") ",'opened':"
      REF("TimeOrNull") ",'decided':" REF("TimeOrNull") ",'closed':" REF("TimeOrNull")
      ",'only_advice':" YES_NO ",'events':{'type':'object','additionalProperties':"
      NUMBER_OR_NULL "}}}" },
    { "JobDetail",
      "{'type':'object','required':['job','name','tenant','gpus','nodes','now','state','resume',"
      "'cost','attempts','incidents','timeline','row','revision','as_of'],'properties':{'job':"
      COUNT ",'name':" TEXT_OR_NULL ",'tenant':" COUNT ",'priority':" COUNT ",'gpus':" COUNT
      ",'nodes':" COUNT ",'engine':{'enum':['own','slurm']},"
      "'now':{'type':'string','description':'where it stands, as a sentence'},"
      "'as_of':" REF("Time") ",'revision':" REF("Revision") ",'state':" TEXT ",'state_seq':"
      NUMBER_OR_NULL ",'resume':{'type':'object','properties':{'text':" TEXT ",'saved_ms':" NUMBER
      ",'seq':" NUMBER_OR_NULL "}},'cost':" REF("JobCost") ",'record_end':" REF("TimeOrNull")
      ",'left_out':" COUNT ",'attempts':" LIST(REF("JobAttempt")) ",'incidents':"
      LIST(REF("JobIncident")) ",'timeline':" STORY_LINES ",'row':{'anyOf':[" REF("Job")
      ",{'type':'null'}]}}}" },
    { "StepSum",
      "{'type':'object','required':['step','chosen','odds_ppm','total_uusd'],'properties':{'step':"
      TEXT ",'chosen':" YES_NO ",'waits':" YES_NO ",'job_lets_go':" TEXT ",'barred':" TEXT
      "},'additionalProperties':" NUMBER "}" },
    { "Step",
      "{'type':'object','required':['seq','time','step','cost_uusd','odds_ppm','outcome',"
      "'alternatives'],'properties':{'seq':" COUNT ",'time':" REF("TimeOrNull") ",'step':" TEXT
      ",'job_lets_go':" TEXT ",'cost_uusd':" NUMBER ",'odds_ppm':" NUMBER ",'rests_on':" TEXT
      ",'done':" NUMBER_OR_NULL ",'ended':" NUMBER_OR_NULL ",'outcome':{'enum':['withdrawn',"
      "'pending','not-begun','ok','failed','unknown']},'alternatives':" LIST(REF("StepSum"))
      "}}" },
    { "Cause", "{'type':'object','required':['component','seen','below','score'],'properties':{"
               "'component':" TEXT ",'seen':" COUNT ",'below':" COUNT ",'score':" NUMBER "}}" },
    { "Symptom", "{'type':'object','required':['incident','node','class','freed'],'properties':{"
                 "'incident':" COUNT ",'node':" TEXT_OR_NULL ",'class':" TEXT ",'freed':" YES_NO
                 "}}" },
    { "IncidentDetail",
      "{'type':'object','required':['incident','class','component','node','open','opened','closed',"
      "'lost_gpu_ms','lost_uusd','findings','causes','symptoms','steps','timeline','jobs','advice',"
      "'row','now','revision'],'properties':{'incident':" COUNT ",'class':" TEXT ",'component':"
      TEXT ",'node':" TEXT_OR_NULL ",'open':" YES_NO ",'node_is':" TEXT ",'symptom_of':"
      NUMBER_OR_NULL ",'began':" REF("TimeOrNull") ",'found':" REF("TimeOrNull") ",'opened':"
      REF("TimeOrNull") ",'closed':" REF("TimeOrNull") ",'lost_gpu_ms':" NUMBER ",'lost_uusd':"
      NUMBER ",'lost_rests_on':" TEXT ",'job_let_go':" TEXT ",'job_let_go_seq':" NUMBER_OR_NULL
      ",'times_ms':{'type':'object','additionalProperties':" NUMBER "},'total_ms':" NUMBER
      ",'refaults':" COUNT ",'escalated':" COUNT ",'left_out':" COUNT ",'had_job':" YES_NO
      ",'findings':" STORY_LINES ",'causes':" LIST(REF("Cause")) ",'symptoms':"
      LIST(REF("Symptom")) ",'steps':" LIST(REF("Step")) ",'timeline':" STORY_LINES ",'jobs':"
      LIST(COUNT) ",'advice':" NUMBER_OR_NULL ",'row':{'anyOf':[" REF("Incident")
      ",{'type':'null'}]}," STAMP "}}" },
    { "ShadowSide",
      "{'anyOf':[{'type':'null'},{'type':'object','required':['seq','begin','end','gpu_ms'],"
      "'properties':{'seq':" COUNT ",'begin':" REF("TimeOrNull") ",'end':" REF("TimeOrNull")
      ",'times':" COUNT ",'gpu_ms':" NUMBER "}}]}" },
    { "Shadow",
      "{'type':'object','required':['from','to','window_s','rests_on','groups','rows','now',"
      "'revision'],'properties':{'from':" REF("TimeOrNull") ",'to':" REF("TimeOrNull")
      ",'window_s':" NUMBER ",'rests_on':" TEXT ",'planned_words':" TEXT ",'groups':"
      "{'type':'object'},'rows':" LIST("{'type':'object','required':['group','node','ours',"
      "'theirs'],'properties':{'group':" TEXT ",'node':" TEXT ",'verdict':" TEXT_OR_NULL ",'ours':"
      REF("ShadowSide") ",'theirs':" REF("ShadowSide") ",'evidence':" TEXT_OR_NULL ",'reason':"
      TEXT_OR_NULL "}}") "," STAMP "}}" },
    { 0 },
};
