/* A record by hand.  See written.h. */
#include "control/written.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/journal_memory.h"
#include "fleet/site.h"

struct written *written_make(uint32_t nodes)
{
    static const char *const class[] = { "gpu", "slow", "power" };
    static const uint8_t effect[] = { EFFECT_KILLS, EFFECT_SLOWS, EFFECT_KILLS };
    struct written *w = mw_calloc(1, sizeof(*w));
    struct mw_error err = { 0 };
    assert_non_null(w);
    if (site_simple(nodes, &w->fleet, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(journal_memory_create(NULL, &w->journal), 0);
    w->policy = control_policy_default();
    w->policy.care.classes = MW_ARRAY_LEN(class);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(class); i++) {
        struct care_class *k = &w->policy.care.class[i];
        (void)snprintf(k->name, sizeof(k->name), "%s", class[i]);
        k->effect = effect[i];
    }
    w->policy.care.parts = 1;
    (void)snprintf(w->policy.care.part[0].name, sizeof(w->policy.care.part[0].name), "board");
    w->words = (struct words){ .fleet = w->fleet, .policy = &w->policy };
    w->now_ns = WRITTEN_START_NS;
    return w;
}

void written_free(struct written *w)
{
    journal_destroy(w->journal);
    fleet_destroy(w->fleet);
    mw_free(w);
}

uint64_t written_add(struct written *w, const struct event *ev, const void *tail)
{
    struct event e = *ev;
    struct mw_error err = { 0 };
    e.seq = w->journal->next_seq;
    e.epoch = w->journal->epoch;
    e.time_ns = w->now_ns;
    e.version = EVENT_VERSION;
    if (!e.observed_ns)
        e.observed_ns = w->now_ns;
    size_t size = event_frame_size(&e);
    uint8_t *bytes mw_cleanup(mw_freep) = mw_calloc(1, size);
    assert_non_null(bytes);
    memcpy(bytes, &e, sizeof(e));
    if (e.tail_size)
        memcpy(bytes + sizeof(e), tail, e.tail_size);
    const struct group g = { .first_seq = e.seq, .count = 1, .size = (uint32_t)size,
                             .bytes = bytes };
    if (w->journal->ops->append(w->journal, &g, &err) < 0 ||
        w->journal->ops->commit(w->journal, &err) < 0)
        fail_msg("%s", err.text);
    return e.seq;
}
