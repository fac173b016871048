/*
 * How far placement groups are from each other: which of them share leaf
 * switches (a block), and which share spines (a pod).  Found from the cables by
 * joining groups that meet at a switch; cores join nobody.  Where no cable says
 * anything, a hall is a pod.
 */
#include "fleet/site_build.h"

#include "base/mem.h"
#include "fleet/fleet_build.h"

/* Groups joined so far: each points at one of a lower number, the lowest at itself. */
struct joined {
    uint32_t *up;      /* per group */
    uint32_t *meet;    /* per switch: a group that hangs on it; MW_NONE */
    uint32_t groups;
};

static uint32_t lowest(const struct joined *j, uint32_t g)
{
    while (j->up[g] != g) {
        j->up[g] = j->up[j->up[g]];
        g = j->up[g];
    }
    return g;
}

static void join(struct joined *j, uint32_t a, uint32_t b)
{
    a = lowest(j, a);
    b = lowest(j, b);
    j->up[MW_MAX(a, b)] = MW_MIN(a, b);
}

/* A group reaches a switch: it joins those that did before. */
static void arrive(struct joined *j, uint32_t sw, uint32_t group)
{
    if (j->meet[sw] == MW_NONE)
        j->meet[sw] = group;
    else
        join(j, j->meet[sw], group);
}

/* The switch at one end of a cable when it is of this tier; MW_NONE. */
static uint32_t switch_at(const struct fleet *f, int side, uint32_t cable, uint8_t tier)
{
    uint64_t id = f->cable_end[side][cable].component;
    if (id == 0 || component_kind_of(id) != COMPONENT_SWITCH)
        return MW_NONE;
    uint32_t row = component_index_of(id);
    return f->switch_tier[row] == tier ? row : MW_NONE;
}

/* Cables from nodes: groups that meet at a leaf. */
static void join_at_leaves(const struct fleet *f, struct joined *j)
{
    for (uint32_t c = 0; c < f->count[COMPONENT_CABLE]; c++) {
        if (f->cable_node[c] == MW_NONE)
            continue;
        for (int side = 0; side < 2; side++) {
            uint32_t leaf = switch_at(f, side, c, SWITCH_LEAF);
            if (leaf != MW_NONE)
                arrive(j, leaf, f->node_group[f->cable_node[c]]);
        }
    }
}

/* Cables between a leaf with nodes and a spine: groups that meet at a spine. */
static void join_at_spines(const struct fleet *f, struct joined *j)
{
    for (uint32_t c = 0; c < f->count[COMPONENT_CABLE]; c++) {
        for (int side = 0; side < 2; side++) {
            uint32_t leaf = switch_at(f, side, c, SWITCH_LEAF);
            uint32_t spine = switch_at(f, !side, c, SWITCH_SPINE);
            if (leaf != MW_NONE && spine != MW_NONE && j->meet[leaf] != MW_NONE)
                arrive(j, spine, j->meet[leaf]);
        }
    }
}

/* Groups on no switch at all: those of a hall are near each other. */
static int join_in_halls(const struct fleet *f, struct joined *j)
{
    uint32_t halls = f->count[COMPONENT_HALL] + 1; /* the last place: in no hall */
    uint32_t *first = mw_calloc(halls, sizeof(*first));
    uint8_t *wired = mw_calloc(j->groups, 1);
    bool good = first != NULL && wired != NULL;

    for (uint32_t n = 0; good && n < f->count[COMPONENT_NIC]; n++)
        if (f->nic_cable[n] != MW_NONE)
            wired[f->node_group[f->nic_node[n]]] = 1;
    for (uint32_t h = 0; good && h < halls; h++)
        first[h] = MW_NONE;
    for (uint32_t n = 0; good && n < f->count[COMPONENT_NODE]; n++) {
        uint32_t g = f->node_group[n], hall = MW_MIN(f->node_hall[n], halls - 1);
        if (wired[g])
            continue;
        if (first[hall] == MW_NONE)
            first[hall] = g;
        join(j, first[hall], g);
    }
    mw_free(first);
    mw_free(wired);
    return good ? 0 : MW_ENOMEM;
}

/* Numbers what was joined in the order of the first group of each; lists the groups of each. */
static int number(const struct joined *j, uint32_t **ret_of, uint32_t *ret_length,
                  struct fleet_list *list)
{
    uint32_t *of = *ret_of = mw_calloc(j->groups, sizeof(*of));

    if (of == NULL)
        return MW_ENOMEM;
    for (uint32_t g = 0; g < j->groups; g++) {
        uint32_t low = lowest(j, g);
        of[g] = low == g ? (*ret_length)++ : of[low];
    }
    return fleet_list_make(list, *ret_length, of, j->groups);
}

int site_distances(struct site_build *b)
{
    struct fleet *f = b->f;
    struct joined j = {.groups = f->groups};
    uint32_t switches = f->count[COMPONENT_SWITCH];

    j.up = mw_calloc(f->groups, sizeof(*j.up));
    j.meet = mw_calloc(switches, sizeof(*j.meet));
    int rc = j.up == NULL || j.meet == NULL ? MW_ENOMEM : 0;
    for (uint32_t g = 0; rc == 0 && g < f->groups; g++)
        j.up[g] = g;
    for (uint32_t s = 0; rc == 0 && s < switches; s++)
        j.meet[s] = MW_NONE;
    if (rc == 0) {
        join_at_leaves(f, &j);
        rc = number(&j, &f->group_block, &f->blocks, &f->block_groups);
    }
    if (rc == 0) {
        join_at_spines(f, &j);
        rc = join_in_halls(f, &j);
    }
    if (rc == 0)
        rc = number(&j, &f->group_pod, &f->pods, &f->pod_groups);
    mw_free(j.up);
    mw_free(j.meet);
    return rc == 0 ? 0 : mw_fail(b->err, rc, "out of memory");
}
