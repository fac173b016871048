/*
 * A thread that asks the daemon for mw top, so that keys never wait for an
 * answer.  One wish in, the newest model out; nothing is queued.
 */
#ifndef MW_CLI_TOP_FEED_H
#define MW_CLI_TOP_FEED_H

#include "cli/top_model.h"

struct top_feed;

/* Asks at once, and then again each_ns after every answer.  Takes d. */
MW_MUST_USE int top_feed_create(struct daemon *d, const struct top_wish *wish, int64_t each_ns,
                                struct top_feed **ret, struct mw_error *err);
void top_feed_destroy(struct top_feed *f); /* NULL is fine; breaks off what is asked */

int top_feed_fd(const struct top_feed *f); /* readable when a model came */
/* Another wish: asked at once. */
void top_feed_wish(struct top_feed *f, const struct top_wish *wish);
/* The newest model that was not taken yet: replaces *m, true; else leaves it, false. */
bool top_feed_take(struct top_feed *f, struct top_model *m);

#endif
