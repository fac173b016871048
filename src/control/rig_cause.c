/* See the header. */
#include "control/rig_cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/journal_memory.h"
#include "fleet/site.h"

static struct fleet *load(const char *yaml, size_t size)
{
    struct fleet *f = NULL;
    struct site_problems problems = { 0 };
    struct mw_error err = { 0 };
    const struct site_source source = { .yaml = yaml, .size = size, .name = "tree" };
    if (site_load(&source, &f, &problems, &err) < 0)
        fail_msg("%s: %s", err.text, problems.length ? problems.item[0].text : "");
    site_problems_fini(&problems);
    return f;
}

struct fleet *rig_tree_fleet(uint32_t breakers, uint32_t pdus, uint32_t racks, uint32_t nodes)
{
    struct text y = { 0 };
    text_addf(&y, "site: tree\nmodels: [{name: box, gpus: 8, nics: 1, power_w: 1kW}]\n"
                  "halls: [{name: hall}]\nbreakers:\n  - {name: main, limit_w: 900MW}\n"
                  "  - {name: \"b[1-%u]\", limit_w: 90MW, parent: main}\n", breakers);
    text_addf(&y, "pdus: [{name: \"b[1-%u]-p[1-%u]\", breaker: \"b{1}\"}]\n", breakers, pdus);
    text_addf(&y, "racks: [{name: \"b[1-%u]-p[1-%u]-k[1-%u]\", hall: hall, "
                  "feeds: [\"b{1}-p{2}\"]}]\n", breakers, pdus, racks);
    text_addf(&y, "nodes: [{name: \"b[1-%u]-p[1-%u]-k[1-%u]-n[1-%u]\", model: box, "
                  "rack: \"b{1}-p{2}-k{3}\"}]\n", breakers, pdus, racks, nodes);
    struct fleet *f = load(y.data, y.length);
    text_fini(&y);
    return f;
}

struct control_policy rig_tree_policy(void)
{
    struct control_policy p = rig_policy();
    p.care.class[RIG_KILLS].shared = CAUSE_ANY;
    p.care.class[RIG_SLOWS].shared = CAUSE_NETWORK;
    p.care.class[RIG_FLAPS].shared = CAUSE_NETWORK;
    return p;
}

struct rig *rig_on(struct fleet *f, const struct control_policy *p)
{
    struct journal *j = NULL;
    assert_int_equal(journal_memory_create(NULL, &j), 0);
    struct rig *r = rig_make_on(f, p, j, false);
    r->own_fleet = true;
    return r;
}

struct rig *rig_tree(uint32_t breakers, uint32_t pdus, uint32_t racks, uint32_t nodes)
{
    struct control_policy p = rig_tree_policy();
    return rig_on(rig_tree_fleet(breakers, pdus, racks, nodes), &p);
}

struct rig *rig_racks(uint32_t nodes)
{
    struct fleet *f = NULL;
    struct control_policy p = rig_tree_policy();
    assert_int_equal(site_simple(nodes, &f, NULL), 0);
    return rig_on(f, &p);
}

uint64_t rig_part(const struct rig *r, const char *name)
{
    uint64_t id = fleet_find(r->fleet, name);
    if (!id)
        fail_msg("there is no %s", name);
    return id;
}

uint32_t rig_node(const struct rig *r, const char *name)
{
    return component_index_of(rig_part(r, name));
}

uint32_t rig_incident(const struct rig *r, uint64_t component)
{
    const struct board *b = r->control->board;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++)
        if (b->incident_id[slot] && b->incident_component[slot] == component)
            return slot;
    fail_msg("no incident on %s", fleet_name(r->fleet, component));
    return MW_NONE;
}

bool rig_has_incident(const struct rig *r, uint64_t component)
{
    const struct board *b = r->control->board;
    for (uint32_t slot = 0; slot < b->incidents_used; slot++)
        if (b->incident_id[slot] && b->incident_component[slot] == component)
            return true;
    return false;
}

uint32_t rig_topmost(const struct rig *r, uint32_t slot)
{
    while (r->control->board->incident_parent[slot] != MW_NONE)
        slot = r->control->board->incident_parent[slot];
    return slot;
}

uint32_t rig_nodes_under(const struct rig *r, uint32_t root)
{
    const struct board *b = r->control->board;
    uint32_t n = 0;
    for (uint32_t node = 0; node < b->nodes; node++)
        n += b->node_incident[node] != MW_NONE && rig_topmost(r, b->node_incident[node]) == root;
    return n;
}

uint32_t rig_roots(const struct rig *r)
{
    return care_root_incidents(r->control->care);
}

void rig_check_bounds(const struct rig *r)
{
    const struct core_stats *s = core_stats(r->control->core);
    assert_int_equal(s->cascades_stopped, 0);
    assert_int_equal(s->contradictions, 0);
    assert_true(s->rounds_max < 48);
    rig_check_log(r);
}

void rig_kill_rack(struct rig *r, const char *name, uint32_t nodes, uint64_t *ret)
{
    const struct fleet_list *l = &r->fleet->rack_nodes;
    uint32_t rack = component_index_of(rig_part(r, name));
    for (uint32_t i = 0; i < nodes; i++) {
        rig_wait(r, 10 * MW_NS_PER_MS);
        uint64_t f = rig_finding(r, l->item[l->first[rack] + i], RIG_KILLS);
        if (ret)
            ret[i] = f;
    }
}
