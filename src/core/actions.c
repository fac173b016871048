/* Actions wait here between the group that decided them and its commit. */
#include <string.h>

#include "base/mem.h"
#include "core/core_private.h"

void core_stage_action(struct core *c, uint32_t at)
{
    const struct event *ev = (const struct event *)(const void *)(c->group + at);
    size_t size = event_frame_size(ev);
    must(at + size <= c->group_size);
    if (!c->config.act || c->config.rederiving)
        return;
    if (c->action_size + size > c->action_room) {
        size_t room = MW_MAX(c->action_room * 2, c->action_size + size + 65536);
        uint8_t *bigger = mw_resize(c->action, room, 1);
        must(bigger != NULL); /* the decision is taken: there is no way back without this memory */
        c->action = bigger;
        c->action_room = room;
    }
    memcpy(c->action + c->action_size, ev, size);
    c->action_size += size;
}

void core_hand_out(struct core *c)
{
    must(!c->acting);
    c->acting = true;
    for (size_t at = 0; at < c->action_size;) {
        const struct event *ev = (const struct event *)(const void *)(c->action + at);
        c->config.act(c->config.act_ctx, ev, ev->tail_size ? c->action + at + sizeof(*ev) : NULL);
        at += event_frame_size(ev);
    }
    c->action_size = 0;
    c->acting = false;
}
