/*
 * Nodes and jobs of the twin in the words of `scontrol -o show`, `sinfo -O` and
 * `squeue -O`, field by field as 22.05.8 prints them.
 */
#include "sim/slurm_twin_private.h"

#include <stdio.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fleet/hostlist.h"

const char *twin_when(int64_t time_ns, const char *none, char buffer[32])
{
    if (time_ns <= 0)
        return none;
    mw_format_time(time_ns, buffer, 32);
    buffer[19] = '\0';
    return buffer;
}

static const char *span(int64_t ns, char buffer[32])
{
    int64_t s = MW_MAX(ns, 0) / MW_NS_PER_S;
    int n = s >= 86400 ? snprintf(buffer, 32, "%lld-", (long long)(s / 86400)) : 0;
    (void)snprintf(buffer + n, 32 - (size_t)n, "%02d:%02d:%02d", (int)(s / 3600 % 24),
                   (int)(s / 60 % 60), (int)(s % 60));
    return buffer;
}

void twin_print_set(const struct slurm_twin *t, const struct twin_set *set, struct text *out)
{
    const char *name[SLURM_TWIN_NODES_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (twin_has(set, i))
            name[n++] = t->options.node[i];
    if (hostlist_add(out, name, n) < 0)
        out->failed = true;
}

/* Where the job is, or is still being cleaned away. */
static struct twin_set place_of(const struct slurm_twin *t, const struct twin_job *j)
{
    struct twin_set set = { 0 };
    if (!j->completing || j->state != TWIN_PENDING)
        return j->on;
    for (uint32_t i = 0; i < t->nodes; i++)
        if (t->node[i].job == (uint32_t)(j - t->job))
            twin_add(&set, i);
    return set;
}

static uint32_t size_of(const struct twin_set *set)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(set->bit); i++)
        n += (uint32_t)__builtin_popcountll(set->bit[i]);
    return n;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static const char *base_of(const struct twin_node *n)
{
    if (n->unknown)
        return "UNKNOWN";
    if (n->down)
        return "DOWN";
    return n->job != MW_NONE && n->clean_ns == MW_NEVER ? "ALLOCATED" : "IDLE";
}

static void print_state(const struct twin_node *n, bool reserved, struct text *out)
{
    text_add(out, base_of(n));
    if (n->clean_ns != MW_NEVER)
        text_add(out, "+COMPLETING");
    if (n->drain)
        text_add(out, "+DRAIN");
    if (reserved && n->job == MW_NONE)
        text_add(out, "+MAINTENANCE+RESERVED");
    if (n->mute)
        text_add(out, "+NOT_RESPONDING");
}

void twin_print_node(const struct slurm_twin *t, uint32_t node, struct text *out)
{
    const struct twin_node *n = &t->node[node];
    const char *name = t->options.node[node];
    bool busy = n->job != MW_NONE && n->clean_ns == MW_NEVER;
    char buffer[32];
    text_addf(out, "NodeName=%s Arch=x86_64 CoresPerSocket=1  CPUAlloc=%d CPUEfctv=64 CPUTot=64 "
              "CPULoad=0.20 AvailableFeatures=(null) ActiveFeatures=(null) Gres=gpu:h100:%u "
              "NodeAddr=127.0.0.1 NodeHostName=twin Port=%u Version=22.05.8 OS=Linux 6.1.0 #1 SMP "
              "PREEMPT_DYNAMIC @0  RealMemory=20000 AllocMem=%d FreeMem=10000 Sockets=64 Boards=1 "
              "State=", name, busy ? 64 : 0, t->options.gpus, 21001 + node, busy ? 3200 : 0);
    print_state(n, twin_reserved(t, node), out);
    text_addf(out, " ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A Partitions=all  "
              "BootTime=2026-01-01T00:00:00 SlurmdStartTime=2026-01-01T00:00:01 "
              "LastBusyTime=2026-01-01T00:00:01 CfgTRES=cpu=64,mem=20000M,billing=64 AllocTRES=%s "
              "CapWatts=n/a CurrentWatts=0 AveWatts=0 ExtSensorsJoules=n/s ExtSensorsWatts=0 "
              "ExtSensorsTemp=n/s ", busy ? "cpu=64,mem=3200M" : "");
    if (n->reason[0])
        text_addf(out, "Reason=%s [%s@%s]", n->reason, n->user,
                  twin_when(n->reason_ns, "", buffer));
    text_add(out, "\n");
}

/* ---- jobs ------------------------------------------------------------------------------------ */

const char *twin_job_state(const struct twin_job *j)
{
    static const char *const NAME[] = {
        [TWIN_PENDING] = "PENDING", [TWIN_RUNNING] = "RUNNING", [TWIN_COMPLETED] = "COMPLETED",
        [TWIN_CANCELLED] = "CANCELLED", [TWIN_NODE_FAIL] = "NODE_FAIL" };
    return j->completing ? "COMPLETING" : NAME[j->state];
}

/* A waiting job that was never looked at starts at an unknown time, a requeued one when it may. */
static int64_t start_of(const struct slurm_twin *t, const struct twin_job *j)
{
    if (j->state != TWIN_PENDING || j->completing)
        return j->start_ns;
    return j->begin_ns > t->now_ns ? j->begin_ns : 0;
}

static void print_job_times(const struct slurm_twin *t, const struct twin_job *j,
                            struct text *out)
{
    char buffer[32];
    bool over = j->state > TWIN_RUNNING;
    int64_t to = over ? j->end_ns : t->now_ns;
    text_addf(out, "RunTime=%s TimeLimit=UNLIMITED TimeMin=N/A ",
              span(j->start_ns && j->state != TWIN_PENDING ? to - j->start_ns : 0, buffer));
    text_addf(out, "SubmitTime=%s ", twin_when(j->submit_ns, "Unknown", buffer));
    text_addf(out, "EligibleTime=%s ", twin_when(j->begin_ns, "Unknown", buffer));
    text_addf(out, "AccrueTime=%s ", twin_when(j->submit_ns, "Unknown", buffer));
    text_addf(out, "StartTime=%s ", twin_when(start_of(t, j), "Unknown", buffer));
    text_addf(out, "EndTime=%s Deadline=N/A SuspendTime=None SecsPreSuspend=0 ",
              twin_when(over ? j->end_ns : 0, "Unknown", buffer));
    text_addf(out, "LastSchedEval=%s Scheduler=Backfill ",
              twin_when(j->submit_ns, "Unknown", buffer));
}

static void print_set_or_null(const struct slurm_twin *t, const struct twin_set *set,
                              struct text *out)
{
    if (size_of(set))
        twin_print_set(t, set, out);
    else
        text_add(out, "(null)");
}

static void print_job_place(const struct slurm_twin *t, const struct twin_job *j,
                            struct text *out)
{
    struct twin_set on = place_of(t, j);
    uint32_t n = size_of(&on);
    bool waits = j->state == TWIN_PENDING && !j->completing;
    text_add(out, "Partition=all AllocNode:Sid=twin:1 ReqNodeList=");
    print_set_or_null(t, &j->must_on, out);
    text_add(out, " ExcNodeList=");
    print_set_or_null(t, &j->not_on, out);
    text_add(out, " NodeList=");
    twin_print_set(t, &on, out);
    if (!waits && j->batch != MW_NONE)
        text_addf(out, " BatchHost=%s", t->options.node[j->batch]);
    n = n ? n : j->wanted;
    text_addf(out, " NumNodes=%u NumCPUs=%u NumTasks=%u CPUs/Task=1 ReqB:S:C:T=0:0:*:* "
              "TRES=cpu=%u,mem=%uM,node=%u,billing=%u Socks/Node=* NtasksPerN:B:S:C=0:0:*:* "
              "CoreSpec=* MinCPUsNode=1 MinMemoryCPU=50M MinTmpDiskNode=0 Features=(null) "
              "DelayBoot=00:00:00 OverSubscribe=NO Contiguous=0 Licenses=(null) Network=(null) ",
              n, 64 * n, n, 64 * n, 3200 * n, n, 64 * n);
}

void twin_print_job(const struct slurm_twin *t, const struct twin_job *j, struct text *out)
{
    text_addf(out, "JobId=%u JobName=job.sh UserId=root(0) GroupId=root(0) MCS_label=N/A "
              "Priority=%u Nice=0 Account=(null) QOS=(null) JobState=%s Reason=%s "
              "Dependency=(null) Requeue=1 Restarts=%u BatchFlag=1 Reboot=0 ExitCode=0:%d ",
              j->id, UINT32_MAX - j->id, twin_job_state(j), j->why, j->restarts,
              j->state == TWIN_CANCELLED && j->cancelled ? 15 : 0);
    print_job_times(t, j, out);
    print_job_place(t, j, out);
    text_addf(out, "Command=/home/eve/job.sh WorkDir=/tmp StdErr=/dev/null StdIn=/dev/null "
              "StdOut=/dev/null Power= TresPerNode=gres:gpu:%u \n", t->options.gpus);
}

/* ---- by field: -O "Name:suffix,Name:suffix" -------------------------------------------------- */

struct field {
    const struct slurm_twin *t;
    const struct twin_node *node;
    const struct twin_job *job;
    struct twin_set like; /* nodes that this record stands for */
    bool seconds;         /* times as %s */
    struct text *out;
};

static void add_time(const struct field *f, int64_t time_ns, const char *none)
{
    char buffer[32];
    if (f->seconds && time_ns > 0)
        text_addf(f->out, "%lld", (long long)(time_ns / MW_NS_PER_S));
    else
        text_add(f->out, twin_when(time_ns, none, buffer));
}

static void node_state(const struct field *f)
{
    size_t from = f->out->length;
    print_state(f->node, twin_reserved(f->t, (uint32_t)(f->node - f->t->node)), f->out);
    for (size_t i = from; i < f->out->length; i++)
        f->out->data[i] = (char)tolower((unsigned char)f->out->data[i]);
}

static void node_user(const struct field *f)
{
    text_add(f->out, f->node->reason[0] ? f->node->user : "Unknown");
}

static void node_since(const struct field *f)
{
    add_time(f, f->node->reason[0] ? f->node->reason_ns : 0, "Unknown");
}

static void node_list(const struct field *f)
{
    twin_print_set(f->t, &f->like, f->out);
}

static void node_reason(const struct field *f)
{
    text_add(f->out, f->node->reason[0] ? f->node->reason : "none");
}

static void job_id(const struct field *f)
{
    text_addf(f->out, "%u", f->job->id);
}

static void job_state(const struct field *f)
{
    text_add(f->out, twin_job_state(f->job));
}

static void job_nodes(const struct field *f)
{
    struct twin_set on = place_of(f->t, f->job);
    twin_print_set(f->t, &on, f->out);
}

static void job_restarts(const struct field *f)
{
    text_addf(f->out, "%u", f->job->restarts);
}

static void job_start(const struct field *f)
{
    add_time(f, start_of(f->t, f->job), "N/A");
}

static void job_end(const struct field *f)
{
    add_time(f, f->job->state > TWIN_RUNNING ? f->job->end_ns : 0,
             f->job->state == TWIN_PENDING && f->job->restarts == 0 ? "N/A" : "NONE");
}

static void job_submit(const struct field *f)
{
    add_time(f, f->job->submit_ns, "N/A");
}

static void job_node_count(const struct field *f)
{
    struct twin_set on = place_of(f->t, f->job);
    uint32_t n = size_of(&on);
    text_addf(f->out, "%u", n ? n : f->job->wanted);
}

static void job_tres(const struct field *f)
{
    text_addf(f->out, "gres:gpu:%u", f->t->options.gpus);
}

static void job_alloc(const struct field *f)
{
    uint32_t n = f->job->wanted;
    text_addf(f->out, "cpu=%u,mem=%uM,node=%u,billing=%u", 64 * n, 3200 * n, n, 64 * n);
}

static void job_why(const struct field *f)
{
    text_add(f->out, f->job->why);
}

static void job_name(const struct field *f)
{
    text_add(f->out, "job.sh");
}

static void is_one(const struct field *f)
{
    text_add(f->out, "1");
}

static void is_zero(const struct field *f)
{
    text_add(f->out, "0");
}

static void is_no(const struct field *f)
{
    text_add(f->out, "NO");
}

static void is_none(const struct field *f)
{
    text_add(f->out, "N/A");
}

static void is_unlimited(const struct field *f)
{
    text_add(f->out, "UNLIMITED");
}

struct field_row {
    const char *name;
    void (*print)(const struct field *f);
};

static const struct field_row NODE_FIELD[] = {
    { "StateComplete", node_state }, { "User", node_user }, { "Timestamp", node_since },
    { "NodeList", node_list }, { "Reason", node_reason },
};
static const struct field_row JOB_FIELD[] = {
    { "JobID", job_id }, { "JobArrayID", job_id }, { "State", job_state },
    { "NodeList", job_nodes }, { "RestartCnt", job_restarts }, { "Requeue", is_one },
    { "StartTime", job_start }, { "EndTime", job_end }, { "SubmitTime", job_submit },
    { "TimeLimit", is_unlimited }, { "NumNodes", job_node_count }, { "tres-per-node", job_tres },
    { "tres-per-job", is_none }, { "tres-alloc", job_alloc }, { "UserID", is_zero },
    { "OverSubscribe", is_no }, { "Reason", job_why }, { "Name", job_name },
};

/* False for a field that is not known. */
static bool print_fields(const struct field *f, const struct field_row *row, uint32_t rows,
                         const char *format)
{
    while (*format) {
        size_t whole = strcspn(format, ","), name = strcspn(format, ":,");
        uint32_t i = 0;
        while (i < rows && (strlen(row[i].name) != name ||
                            strncasecmp(row[i].name, format, name) != 0))
            i++;
        if (i == rows)
            return false;
        row[i].print(f);
        if (name < whole)
            text_add_n(f->out, format + name + 1, whole - name - 1);
        format += whole;
        format += *format == ',';
    }
    text_add(f->out, "\n");
    return true;
}

bool twin_print_job_fields(const struct slurm_twin *t, const struct twin_job *j,
                           const char *format, bool seconds, struct text *out)
{
    const struct field f = { .t = t, .job = j, .seconds = seconds, .out = out };
    return print_fields(&f, JOB_FIELD, MW_ARRAY_LEN(JOB_FIELD), format);
}

static bool alike(const struct slurm_twin *t, uint32_t i, uint32_t k)
{
    const struct twin_node *a = &t->node[i], *b = &t->node[k];
    bool busy = a->job != MW_NONE, other = b->job != MW_NONE;
    return strcmp(base_of(a), base_of(b)) == 0 && busy == other && a->drain == b->drain &&
           a->mute == b->mute && twin_reserved(t, i) == twin_reserved(t, k) &&
           (a->clean_ns == MW_NEVER) == (b->clean_ns == MW_NEVER) &&
           strcmp(a->reason, b->reason) == 0 &&
           (!a->reason[0] || (a->reason_ns / MW_NS_PER_S == b->reason_ns / MW_NS_PER_S &&
                              strcmp(a->user, b->user) == 0));
}

bool twin_print_node_fields(const struct slurm_twin *t, const struct twin_set *of,
                            const char *format, bool seconds, struct text *out)
{
    struct twin_set left = *of;
    for (uint32_t i = 0; i < t->nodes; i++) {
        struct field f = { .t = t, .node = &t->node[i], .seconds = seconds, .out = out };
        if (!twin_has(&left, i))
            continue;
        for (uint32_t k = i; k < t->nodes; k++)
            if (twin_has(&left, k) && alike(t, i, k)) {
                twin_add(&f.like, k);
                left.bit[k / 64] &= ~(UINT64_C(1) << (k % 64));
            }
        if (!print_fields(&f, NODE_FIELD, MW_ARRAY_LEN(NODE_FIELD), format))
            return false;
    }
    return true;
}
