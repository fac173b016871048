/* What core.c (the loop), core_state.c (making, hashing, recovery) and actions.c share. */
#ifndef MW_CORE_CORE_PRIVATE_H
#define MW_CORE_CORE_PRIVATE_H

#include "core/core.h"

#define CORE_COLUMNS 3

struct core {
    struct core_config config;
    struct plane plane[PLANE_COUNT];
    uint8_t takes[EVENT_KIND_MAX]; /* planes that take a kind, from the event table */
    uint8_t body[EVENT_KIND_MAX];  /* bytes of a kind's body that fields name */

    /* state */
    uint64_t seq;
    int64_t time_ns;
    uint64_t *source_last; /* last number of each source that is in the journal */
    struct column column[CORE_COLUMNS];

    /* not state */
    uint64_t *source_seen; /* with those refused for good */
    uint8_t *group;        /* the group being built */
    uint32_t group_size, group_count;
    uint64_t group_first;
    uint8_t *tail;         /* scratch for one decision */
    uint32_t staged;       /* groups appended and not committed */
    uint8_t *action;       /* actions of staged groups, as frames */
    size_t action_size, action_room;
    struct mw_hasher *trace;
    struct core_stats stats;
    bool dead, acting, replaying;
};

/* Shows an event that lies in a frame to the planes; keeps the source's count and the trace. */
void core_apply_event(struct core *c, const struct event *ev, const void *tail);

/* The group is complete: planes drop their scratch. */
void core_quiet(struct core *c);

/* The event at this place of the open group is an action: remember it until the commit. */
void core_stage_action(struct core *c, uint32_t at);

/* After a commit: gives the remembered actions to the world. */
void core_hand_out(struct core *c);

#endif
