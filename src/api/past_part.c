/* The past as a part of the server: reads on in slices, so that a long record holds up nobody. */
#include "api/past.h"

#include <event2/event.h>

#include "base/mem.h"

/* Chosen: a slice takes about 10 ms of the thread, so that a sixth of it goes into reading while
 * there is something left, and next to nothing after. */
#define SLICE_EVENTS 10000u
#define SLICE_US 50000

struct past_part {
    struct past *past;
    struct replica *replica; /* NULL until the record has begun */
    struct event *timer;
};

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct past_part *p = ctx;
    struct mw_error err;
    (void)fd;
    (void)what;
    if (p->replica == NULL)
        return;
    struct journal *j = replica_journal(p->replica);
    uint32_t nodes = replica_control(p->replica)->board->nodes;
    if (past_read(p->past, j, nodes, replica_seq(p->replica), SLICE_EVENTS, &err) < 0)
        return; /* who asks will hear of it */
}

int past_part_create(struct api_server *s, void **ret, struct mw_error *err)
{
    const struct timeval often = { .tv_usec = SLICE_US };
    struct past_part *p = mw_calloc(1, sizeof(*p));
    must(s != NULL && ret != NULL);
    if (p == NULL || past_create(&p->past, err) < 0) {
        mw_free(p);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    p->timer = event_new(api_server_base(s), -1, EV_PERSIST, on_timer, p);
    if (p->timer == NULL || event_add(p->timer, &often) != 0) {
        past_part_destroy(p);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    *ret = p;
    return 0;
}

void past_part_begin(void *part, struct replica *r)
{
    struct past_part *p = part;
    must(p != NULL && r != NULL);
    p->replica = r;
}

void past_part_destroy(void *part)
{
    struct past_part *p = part;
    if (p == NULL)
        return;
    if (p->timer != NULL)
        event_free(p->timer);
    past_destroy(p->past);
    mw_free(p);
}

struct past *past_of(struct api_server *s)
{
    const struct past_part *p = api_server_part(s, PART_PAST);
    must(p != NULL);
    return p->past;
}
