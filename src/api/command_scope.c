/* The reach of a command against that of its giver.  See command_scope.h. */
#include "api/command_scope.h"

#include "api/about.h"
#include "base/mem.h"

static int outside(const struct principal *who, const char *what, struct mw_error *err)
{
    return mw_fail(err, MW_EDENIED, "%s is not within the halls and tenants of %s", what,
                   who->name);
}

static bool hall_within(const struct principal *who, const struct fleet *f, uint32_t hall)
{
    return hall != MW_NONE &&
           access_sees_hall(who, fleet_name(f, component_id(COMPONENT_HALL, hall)));
}

/* Nodes belong to halls and to no tenant: who is confined to tenants commands none. */
static bool nodes_within(const struct principal *who, const struct fleet *f,
                         const struct api_command *c)
{
    uint64_t id = fleet_find(f, c->node);
    if (component_kind_of(id) != COMPONENT_NODE || who->tenants > 0)
        return false;
    uint32_t first = component_index_of(id), nodes = f->count[COMPONENT_NODE];
    uint32_t count = MW_MIN(MW_MAX(c->count, 1), nodes - first);
    for (uint32_t i = 0; i < count; i++)
        if (!hall_within(who, f, f->node_hall[first + i]))
            return false;
    return true;
}

/* Of its tenants, and on nodes of its halls only: a job that waits is nowhere yet, and may start
 * anywhere. */
static bool job_within(const struct principal *who, const struct board *b, uint64_t job)
{
    uint32_t slot = board_job_find(b, job);
    if (slot == MW_NONE || !access_sees_tenant(who, b->job_tenant[slot]))
        return false;
    if (who->halls == 0)
        return true;
    uint32_t n = b->job_first_node[slot];
    bool within = n != MW_NONE;
    for (; within && n != MW_NONE; n = b->node_next[n])
        within = hall_within(who, b->fleet, b->fleet->node_hall[n]);
    return within;
}

/* An event that is about a place or a job within. */
static bool ref_within(const struct principal *who, const struct replica *r, uint64_t ref)
{
    struct event ev;
    const struct board *b = replica_control(r)->board;
    struct journal *j = replica_journal(r);
    void *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (tail == NULL || j->ops->get(j, ref, &ev, tail, NULL) < 0)
        return false;
    const struct about a = about_event(&ev, b->fleet, b);
    return about_seen(&a, b->fleet, who) && (who->halls == 0 || a.hall != MW_NONE);
}

int command_scope(const struct principal *who, const struct api_command *c,
                  const struct replica *r, struct mw_error *err)
{
    must(who != NULL && c != NULL && c->verb < API_VERB_COUNT);
    uint32_t takes = api_verb_info(c->verb)->keys;
    if (access_sees_all(who))
        return 0;
    if (r == NULL || replica_control(r) == NULL)
        return mw_fail(err, MW_EBUSY, "the record is still being read");
    const struct board *b = replica_control(r)->board;
    bool named = c->node[0] != '\0' || c->job != 0 || c->ref != 0;
    if ((takes & API_HALL) != 0) {
        uint64_t id = c->hall[0] != '\0' ? fleet_find(b->fleet, c->hall) : 0;
        if (who->tenants > 0 || component_kind_of(id) != COMPONENT_HALL ||
            !hall_within(who, b->fleet, component_index_of(id)))
            return outside(who, c->hall[0] != '\0' ? "that hall" : "the whole site", err);
        return 0;
    }
    if (!named)
        return outside(who, "the whole site", err);
    if (c->node[0] != '\0' && !nodes_within(who, b->fleet, c))
        return outside(who, "that node", err);
    if (c->job != 0 && !job_within(who, b, c->job))
        return outside(who, "that job", err);
    if (c->ref != 0 && !ref_within(who, r, c->ref))
        return outside(who, "what that event is about", err);
    return 0;
}
