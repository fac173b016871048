/*
 * What one receiver was told: an entry an incident, in the order of their numbers, and the file
 * that keeps them over a restart (a derived one: when it is lost, receivers hear of open incidents
 * once more, and Alertmanager and PagerDuty know them again by their keys).
 */
#ifndef MW_API_ALERTS_SENT_H
#define MW_API_ALERTS_SENT_H

#include "api/alerts_shape.h"

struct sent {
    struct alert alert;
    bool told;       /* as it is here; false = it has to be told (again) */
    bool ever;       /* told at least once: its end is told as well */
    bool open;       /* found in the last look; when not, its end is told */
    int64_t told_s;
    int64_t wait_ms, next_ms; /* refused for its own sake: not again before this, monotonic */
};

struct sent_list {   /* zeroed is empty */
    struct sent *item; /* owned, by incident */
    uint32_t count, room;
};
void sent_fini(struct sent_list *l);

struct sent *sent_find(const struct sent_list *l, uint64_t incident); /* NULL */
/* Adds it in its place; NULL when out of memory or past SENT_MAX. */
#define SENT_MAX 100000u
struct sent *sent_add(struct sent_list *l, const struct alert *a);
void sent_remove(struct sent_list *l, uint64_t incident);

/* The told ones of several receivers, by name.  Saving replaces the file whole; loading what is not
 * there or not whole gives nothing. */
struct sent_of {
    const char *name;
    struct sent_list *list;
};
MW_MUST_USE int sent_save(const char *path, const struct sent_of *of, uint32_t n,
                          struct mw_error *err);
void sent_load(const char *path, const struct sent_of *of, uint32_t n);

#endif
