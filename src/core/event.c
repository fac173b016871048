/*
 * The table of event kinds made answerable, and the check of an event's fixed
 * parts.  Owns nothing; never looks at what a body means.
 */
#include "core/event.h"

#include <string.h>

#include "base/error.h"

static const struct event_info info_table[EVENT_KIND_MAX] = {
#define X(e, value_, name_, class_, body_, planes_, tail_, flags_, doc_) \
    [value_] = {.name = (name_),                                         \
                .body = #body_,                                          \
                .doc = (doc_),                                           \
                .class = (class_),                                       \
                .planes = (planes_),                                     \
                .tail = (tail_),                                         \
                .flags = (flags_)},
    EVENT_KINDS(X)
#undef X
};

/* A value past the end would not compile; two kinds of one value are caught here: in a switch they
 * would be the same label twice. */
static MW_UNUSED void values_are_unique(enum event_kind kind)
{
    switch (kind) {
    case EV_NONE:
#define X(e, value, name, class, body, planes, tail, flags, doc) case value:
        EVENT_KINDS(X)
#undef X
        break;
    }
}

const struct event_info *event_info(uint32_t kind)
{
    return &info_table[kind < EVENT_KIND_MAX ? kind : EV_NONE];
}

uint32_t event_kind_find(const char *name)
{
    must(name != NULL);
    for (uint32_t kind = 0; kind < EVENT_KIND_MAX; kind++) {
        if (info_table[kind].name != NULL && strcmp(info_table[kind].name, name) == 0)
            return kind;
    }
    return EV_NONE;
}

int event_check(const struct event *ev)
{
    static const uint8_t unit[] = { [TAIL_NONE] = 1, [TAIL_NODES] = 4, [TAIL_TEXT] = 1,
                                    [TAIL_SUMS] = sizeof(struct step_sum),
                                    [TAIL_CAUSES] = sizeof(struct cause_rank) };
    const struct event_info *info = event_info(ev->kind);
    if (info->name == NULL || ev->version != EVENT_VERSION || ev->flags != 0)
        return MW_ECORRUPT;
    if (ev->tail_size == 0)
        return 0;
    bool fits = ev->tail_size <= EVENT_TAIL_MAX;
    if (info->tail == TAIL_NONE || ev->tail_size % unit[info->tail] != 0)
        fits = false;
    return fits ? 0 : MW_ECORRUPT;
}
