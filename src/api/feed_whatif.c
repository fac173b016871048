/* POST /whatif, and the operations that it and others begin. */
#include "api/whatif.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/call_view.h"
#include "api/parts.h"
#include "api/routes.h"
#include "api/schema.h"
#include "base/mem.h"
#include "base/text.h"

#define SCENARIO_BYTES_MAX ((size_t)4 << 20)

#define ESTIMATE "{'$ref':'#/components/schemas/Estimate'}"

const struct api_schema api_schemas_whatif[] = {
    { "WhatIf",
      "{'type':'object','additionalProperties':false,'properties':{"
      "'runs':{'type':'integer','minimum':1,'maximum':20,'default':5},"
      "'days':{'type':'integer','minimum':1,'maximum':366,'default':30},"
      "'spares':{'type':'integer','description':'so many nodes more are kept; negative: fewer'},"
      "'crews':{'type':'integer','minimum':0,'description':'0: as many as there is work'},"
      "'checkpoint_cost':{'type':'number','minimum':0.01,'maximum':100},"
      "'failure_rate':{'type':'number','minimum':0.01,'maximum':100}}}" },
    { "OperationBegun",
      "{'type':'object','required':['operation'],'properties':{'operation':{'type':'string'}}}" },
    { "Estimate",
      "{'type':'object','required':['mean','lo','hi'],'properties':{'mean':{'type':'number'},"
      "'lo':{'type':'number'},'hi':{'type':'number'}}}" },
    { "Operation",
      "{'type':'object','required':['id','kind','state','progress_ppm','began','ended','result',"
      "'error'],'properties':{'id':{'type':'string'},'kind':{'type':'string'},"
      "'state':{'enum':['running','done','failed','cancelled']},"
      "'progress_ppm':{'type':'integer','minimum':0,'maximum':1000000},"
      "'began':{'$ref':'#/components/schemas/TimeOrNull'},"
      "'ended':{'$ref':'#/components/schemas/TimeOrNull'},"
      "'result':{'oneOf':[{'type':'null'},{'$ref':'#/components/schemas/WhatIfResult'}]},"
      "'error':{'type':['object','null'],'properties':{'code':{'type':'string'},"
      "'detail':{'type':'string'}}}}}" },
    { "WhatIfResult",
      "{'type':'object','required':['scenario','runs','days','seed','levers','notes','rests_on',"
      "'rows'],'properties':{'scenario':{'type':'string'},'runs':{'type':'integer'},"
      "'days':{'type':'integer'},'seed':{'type':'integer'},"
      "'levers':{'type':'array','items':{'type':'object','required':['lever','from','to'],"
      "'properties':{'lever':{'type':'string'},'from':{'type':'number'},'to':{'type':'number'}}}},"
      "'notes':{'type':'array','items':{'type':'string'}},'rests_on':{'type':'string'},"
      "'rows':{'type':'array','items':{'type':'object','required':['key','title','unit',"
      "'baseline','changed','change','verdict'],'properties':{'key':{'type':'string'},"
      "'title':{'type':'string'},'unit':{'type':'string'},'baseline':" ESTIMATE ","
      "'changed':" ESTIMATE ",'change':" ESTIMATE ",'verdict':{'enum':['better','worse',"
      "'no clear change','one run says little']}}}}}}" },
    { 0 },
};

/* ---- the part ------------------------------------------------------------------------------- */

int operations_part_create(struct api_server *s, void **ret, struct mw_error *err)
{
    struct operations *o = NULL;
    int r = operations_create(api_server_base(s), &o, err);
    if (r == 0)
        *ret = o;
    return r;
}

void operations_part_begin(void *part, struct replica *r)
{
    must(part && r); /* it needs nothing of the replica */
}

void operations_part_destroy(void *part)
{
    operations_destroy(part);
}

/* ---- questions ------------------------------------------------------------------------------ */

/* Where this very program lies. */
static int own_program(char *ret, size_t size, struct mw_error *err)
{
    ssize_t n = readlink("/proc/self/exe", ret, size - 1);
    if (n <= 0 || (size_t)n >= size - 1)
        return mw_fail(err, MW_EIO, "cannot find out where this program lies");
    ret[n] = '\0';
    if (access(ret, X_OK) != 0)
        return mw_fail(err, MW_EBUSY, "this program was replaced while it ran: start the daemon "
                       "again");
    return 0;
}

static int begin(struct api_call *call, const char *path, const struct whatif_wish *wish,
                 struct operation **ret, struct mw_error *err)
{
    char program[4096];
    char *yaml mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    int r = own_program(program, sizeof(program), err);
    if (r == 0)
        r = mw_read_file(path, SCENARIO_BYTES_MAX, false, &yaml, &size, err);
    if (r < 0)
        return r;
    const struct whatif_options o = {
        .base = api_server_base(call->server),
        .operations = api_server_part(call->server, PART_OPERATIONS), .program = program,
        .scenario = { .path = path, .yaml = yaml, .size = size,
                      .spares_now = work_spares(replica_control(call->replica)->work).target } };
    return whatif_start(&o, wish, ret, err);
}

int api_post_whatif(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct whatif_wish wish;
    struct operation *op;
    const char *field = "", *path = api_server_options(call->server)->scenario;
    int r = call_needs_whole_site(call, err);
    if (r < 0)
        return r;
    if (!path) {
        ret->status = 409;
        (void)snprintf(ret->hint, sizeof(ret->hint), "start it with mw serve --whatif SCENARIO, a "
                       "scenario of this site");
        return mw_fail(err, MW_ECONFLICT, "the daemon knows no scenario to ask the simulator with");
    }
    r = whatif_read(call->body, call->size, &wish, &field, err);
    (void)snprintf(ret->field, sizeof(ret->field), "%s", field);
    if (r == 0)
        r = begin(call, path, &wish, &op, err);
    if (r < 0)
        return r;
    operation_is_of(op, call->who->actor);
    ret->status = 202;
    api_answer_header(ret, "Location", "/api/v1/operations/%s", operation_id(op));
    ret->json = json_pack("{s:s}", "operation", operation_id(op));
    return ret->json ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

/* Its own, or who may ask such things and sees the whole site; to others there is none. */
static int find_seen(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct operations *o = api_server_part(call->server, PART_OPERATIONS);
    if (operations_asked_by(o, call->arg[0], call->who->actor) ||
        (access_may(call->who, PERM_REPLAY) && access_sees_all(call->who)))
        return 0;
    ret->status = 404;
    return mw_fail(err, MW_ENOTFOUND, "there is no operation %.40s (a result is kept for an hour)",
                   call->arg[0]);
}

int api_get_operation(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    int r = find_seen(call, ret, err);
    if (r < 0)
        return r;
    ret->json = operations_tell(api_server_part(call->server, PART_OPERATIONS), call->arg[0]);
    if (ret->json)
        return 0;
    ret->status = 404;
    return mw_fail(err, MW_ENOTFOUND, "there is no operation %.40s (a result is kept for an hour)",
                   call->arg[0]);
}

int api_delete_operation(struct api_call *call, struct api_answer *ret, struct mw_error *err)
{
    struct operations *o = api_server_part(call->server, PART_OPERATIONS);
    int r = find_seen(call, ret, err);
    if (r < 0)
        return r;
    r = operations_drop(o, call->arg[0], err);
    ret->status = r < 0 ? 404 : 204;
    return r;
}
