/*
 * What the API asks of a site that people command: a live one (api/act_live.h)
 * or a replay.  The same code then looks up names, hands in facts and says what
 * became of them.  On the writer's thread only.
 */
#ifndef MW_API_PORT_H
#define MW_API_PORT_H

#include "control/control.h"

struct api_port {
    void *ctx;
    const struct control *(*control)(void *ctx); /* until the next submission */
    struct journal *(*journal)(void *ctx);       /* for reading */

    /* A person's fact (EV_COMMAND, or orders and gates that a person answers); *ret says whether it
     * was taken; durable on return.  Negative with *ret == ADMIT_OK: taken, and not durable yet. */
    int (*submit)(void *ctx, int64_t now_ns, const struct event *fact, const void *tail,
                  enum admit *ret, struct mw_error *err);

    /* One of several that are to be durable together: as above, but nothing is durable, and no
     * action goes out, before submit_end(). */
    enum admit (*submit_more)(void *ctx, int64_t now_ns, const struct event *fact,
                              const void *tail);
    int (*submit_end)(void *ctx, struct mw_error *err);

    bool has_engine; /* an engine that owns allocation is watched, and takes orders */
};

#endif
