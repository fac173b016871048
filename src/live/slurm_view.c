/*
 * What the last poll said, as rows.  A job's line that has not changed since the
 * poll before is not read again: its row is taken over.  Knows nothing of the
 * controller's state.
 */
#include <string.h>

#include "base/mem.h"
#include "fleet/hostlist.h"
#include "live/slurm_private.h"

uint32_t slurm_node_find(const struct fleet *f, const char *name)
{
    uint64_t id = fleet_find(f, name);
    return component_kind_of(id) == COMPONENT_NODE ? component_index_of(id) : MW_NONE;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

int slurm_nodes_init(struct slurm_nodes *v, uint32_t nodes)
{
    v->of = mw_calloc(nodes, sizeof(*v->of));
    if (!v->of)
        return MW_ENOMEM;
    memset(v->of, 0xff, nodes * sizeof(*v->of));
    return 0;
}

void slurm_nodes_fini(struct slurm_nodes *v)
{
    mw_free(v->of);
    mw_free(v->group);
}

/* Does the engine itself keep the node down? */
static bool engines_own(const char *reason)
{
    static const char *const words[] = { "Not responding", "Node unexpectedly rebooted",
                                         "Node silently failed", "none", "" };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(words); i++)
        if (strcmp(reason, words[i]) == 0)
            return true;
    return false;
}

void slurm_group_of(const struct slurm_node_text *t, struct slurm_group *ret)
{
    uint32_t bits = slurm_state_read(t->state);
    bool down = bits & SLURM_NODE_DOWN, out = down || (bits & SLURM_NODE_DRAIN);
    *ret = (struct slurm_group){ .bits = bits };
    if (!out)
        return;
    ret->service = down ? SERVICE_DOWN : SERVICE_DRAIN;
    if (strncmp(t->reason, SLURM_PREFIX, strlen(SLURM_PREFIX)) == 0)
        ret->owner = OWNER_OURS;
    else if (down && engines_own(t->reason))
        ret->owner = OWNER_ENGINE;
    else
        ret->owner = OWNER_OTHERS;
    size_t n = slurm_text_clean(t->user, ret->words, 64);
    n += slurm_text_clean(": ", ret->words + n, sizeof(ret->words) - n);
    (void)slurm_text_clean(t->reason, ret->words + n, sizeof(ret->words) - n);
}

struct placing {
    struct slurm *s;
    uint32_t group;
};

static int place_node(void *ctx, const char *name)
{
    struct placing *p = ctx;
    uint32_t node = slurm_node_find(p->s->fleet, name);
    if (node == MW_NONE)
        p->s->nodes.strangers++;
    else
        p->s->nodes.of[node] = p->group;
    return 0;
}

static int add_group(struct slurm *s, char *record, struct mw_error *err)
{
    struct slurm_nodes *v = &s->nodes;
    struct slurm_node_text t;
    int rc = slurm_node_read(record, &t, err);
    if (rc < 0)
        return rc;
    if (v->groups == v->room) {
        uint32_t room = v->room ? 2 * v->room : 64;
        struct slurm_group *more = mw_resize(v->group, room, sizeof(*more));
        if (!more)
            return mw_fail(err, MW_ENOMEM, "out of memory for nodes of Slurm");
        v->group = more;
        v->room = room;
    }
    slurm_group_of(&t, &v->group[v->groups]);
    struct placing p = { .s = s, .group = v->groups++ };
    return hostlist_each(t.nodes, place_node, &p, err);
}

/* The hash of all records, and whether the text is whole. */
static int hash_records(const struct slurm_command *c, uint64_t *ret, struct mw_error *err)
{
    const char *at = c->out, *end = c->out + c->out_size;
    uint64_t hash = 1;
    while (at < end) {
        const char *found = strstr(at, c->end);
        if (!found || found[SLURM_END_SIZE] != '\n')
            return mw_fail(err, MW_ESYNTAX, "an answer of Slurm is cut short after %zu bytes",
                           (size_t)(at - c->out));
        hash = mw_mix64(hash + mw_hash64_of(at, (size_t)(found - at)));
        at = found + SLURM_END_SIZE + 1;
    }
    *ret = hash;
    return 0;
}

int slurm_nodes_read(struct slurm *s, const struct slurm_command *c, bool *ret_changed,
                     struct mw_error *err)
{
    struct slurm_nodes *v = &s->nodes;
    uint64_t hash;
    int rc = hash_records(c, &hash, err);
    *ret_changed = rc == 0 && hash != v->hash;
    if (!*ret_changed)
        return rc;
    v->groups = v->strangers = 0;
    v->hash = 0; /* until it is whole */
    memset(v->of, 0xff, s->board->nodes * sizeof(*v->of));
    char *at = c->out, *record;
    size_t size;
    while (rc == 0 && slurm_record_next(&at, c->end, &record, &size) > 0)
        rc = add_group(s, record, err);
    if (rc == 0)
        v->hash = hash;
    else
        s->stats.lines_bad++;
    return rc;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

int slurm_jobs_init(struct slurm_jobs *v, uint32_t rows_max)
{
    v->rows_max = rows_max;
    v->nodes_room = 64;
    v->node = mw_calloc(v->nodes_room, sizeof(*v->node));
    return v->node ? map_init(&v->index, rows_max) : MW_ENOMEM;
}

void slurm_jobs_fini(struct slurm_jobs *v)
{
    map_fini(&v->index);
    mw_free(v->row);
    mw_free(v->node);
    text_fini(&v->text);
}

static void clear_jobs(struct slurm_jobs *v)
{
    v->rows = v->nodes = 0;
    v->partial = false;
    map_clear(&v->index);
    text_clear(&v->text);
}

static uint32_t keep_text(struct slurm_jobs *v, const char *s)
{
    uint32_t at = (uint32_t)v->text.length;
    text_add_n(&v->text, s, strlen(s) + 1);
    return at;
}

static bool room_for_nodes(struct slurm_jobs *v, uint32_t more)
{
    if (v->nodes_room - v->nodes >= more)
        return true;
    uint32_t room = 2 * v->nodes_room + more + 64;
    uint32_t *node = mw_resize(v->node, room, sizeof(*node));
    if (!node)
        return false;
    v->node = node;
    v->nodes_room = room;
    return true;
}

static struct slurm_job *new_row(struct slurm_jobs *v, uint64_t id)
{
    if (v->rows == v->rows_max)
        return NULL;
    if (v->rows == v->room) {
        uint32_t room = MW_MIN(v->room ? 2 * v->room : 64, v->rows_max);
        struct slurm_job *row = mw_resize(v->row, room, sizeof(*row));
        if (!row)
            return NULL;
        v->row = row;
        v->room = room;
    }
    map_put(&v->index, id, v->rows);
    return &v->row[v->rows++];
}

struct listing {
    struct slurm *s;
    struct slurm_job *job;
};

/* Node lists are in the order of names; rows of the fleet may be in another. */
static int list_node(void *ctx, const char *name)
{
    struct listing *l = ctx;
    struct slurm_jobs *v = &l->s->jobs;
    uint32_t node = slurm_node_find(l->s->fleet, name);
    if (node == MW_NONE) {
        l->job->strangers++;
        return 0;
    }
    if (!room_for_nodes(v, 1))
        return MW_ENOMEM;
    uint32_t first = l->job->first_node, at = v->nodes;
    for (; at > first && v->node[at - 1] > node; at--)
        v->node[at] = v->node[at - 1];
    if (at > first && v->node[at - 1] == node) { /* twice: as it was */
        memmove(&v->node[at], &v->node[at + 1], (v->nodes - at) * sizeof(*v->node));
        return 0;
    }
    v->node[at] = node;
    v->nodes++;
    l->job->nodes++;
    return 0;
}

static int read_row(struct slurm *s, char *record, struct slurm_job *ret, struct mw_error *err)
{
    struct slurm_jobs *v = &s->jobs;
    struct slurm_job_text t;
    char name[SLURM_REASON_MAX];
    int rc = slurm_job_read(record, &t, err);
    if (rc < 0)
        return rc;
    *ret = (struct slurm_job){
        .id = t.id, .start_s = t.start_s, .end_s = t.end_s, .submit_s = t.submit_s,
        .limit_ms = t.limit_ms, .first_node = v->nodes, .node_count = t.node_count,
        .gpus = t.gpus, .restarts = t.restarts, .user = t.user, .state = t.state,
        .requeue = t.requeue, .exclusive = t.exclusive, .array = t.array };
    (void)slurm_text_clean(t.name, name, sizeof(name));
    ret->name = keep_text(v, name);
    struct listing l = { .s = s, .job = ret };
    return hostlist_each(t.nodes, list_node, &l, err);
}

/* The row of the poll before, in this one. */
static bool take_over(struct slurm *s, const struct slurm_job *old)
{
    struct slurm_jobs *v = &s->jobs;
    if (!room_for_nodes(v, old->nodes))
        return false;
    struct slurm_job *row = new_row(v, old->id);
    if (!row)
        return false;
    *row = *old;
    row->first_node = v->nodes;
    if (old->nodes > 0)
        memcpy(&v->node[v->nodes], &s->jobs_before.node[old->first_node],
               old->nodes * sizeof(*v->node));
    v->nodes += old->nodes;
    row->name = keep_text(v, s->jobs_before.text.data + old->name);
    return true;
}

/* The number that a record begins with; 0 = none. */
static uint64_t number_of(const char *record)
{
    char digits[24];
    uint64_t id;
    size_t n = strcspn(record, "\x1f");
    if (n >= sizeof(digits))
        return 0;
    memcpy(digits, record, n);
    digits[n] = '\0';
    return mw_parse_u64(digits, &id) == 0 ? id : 0;
}

static int add_row(struct slurm *s, char *record, const struct slurm_job *old, uint64_t hash,
                   struct mw_error *err)
{
    struct slurm_jobs *v = &s->jobs;
    struct slurm_job job;
    uint32_t nodes = v->nodes;
    int rc = read_row(s, record, &job, err);
    struct slurm_job *row = rc == 0 ? new_row(v, job.id) : NULL;
    if (!row) {
        v->nodes = nodes;
        return rc < 0 ? rc : mw_fail(err, MW_ELIMIT, "Slurm has more than %u jobs", v->rows_max);
    }
    job.hash = hash;
    if (old) {
        job.over = old->over && old->restarts == job.restarts;
        job.followed = old->followed;
        job.attempt_restarts = old->attempt_restarts;
        job.stopped_ms = old->stopped_ms;
    }
    *row = job;
    return 0;
}

/* Reads one record, or takes its row over. */
static void read_record(struct slurm *s, char *record, size_t size, bool *changed)
{
    const struct slurm_jobs *before = &s->jobs_before;
    struct mw_error err = { 0 };
    uint64_t id = number_of(record), hash = mw_hash64_of(record, size);
    uint32_t at = id ? map_get(&before->index, id) : MW_NONE;
    const struct slurm_job *old = at == MW_NONE ? NULL : &before->row[at];
    bool twice = id && map_get(&s->jobs.index, id) != MW_NONE;
    if (!twice && old && old->hash == hash && take_over(s, old))
        return;
    *changed = true;
    if (!twice && add_row(s, record, old, hash, &err) == 0)
        return;
    s->jobs.partial = true;
    s->stats.lines_bad++;
    slurm_text_clean(twice ? "Slurm lists a job twice" : err.text, s->stats.trouble,
                     sizeof(s->stats.trouble));
}

int slurm_jobs_read(struct slurm *s, const struct slurm_command *c, bool *ret_changed,
                    struct mw_error *err)
{
    uint64_t hash;
    int rc = hash_records(c, &hash, err); /* whole, before anything is given up */
    *ret_changed = false;
    if (rc < 0)
        return rc;
    struct slurm_jobs before = s->jobs_before;
    s->jobs_before = s->jobs;
    s->jobs = before;
    clear_jobs(&s->jobs);
    char *at = c->out, *record;
    size_t size;
    while (slurm_record_next(&at, c->end, &record, &size) > 0)
        read_record(s, record, size, ret_changed);
    *ret_changed = *ret_changed || s->jobs.rows != s->jobs_before.rows;
    if (s->jobs.text.failed)
        return mw_fail(err, MW_ENOMEM, "out of memory for jobs of Slurm");
    return 0;
}
