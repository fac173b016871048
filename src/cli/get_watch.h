/* Lists and events as they change: both follow the daemon's event stream. */
#ifndef MW_CLI_GET_WATCH_H
#define MW_CLI_GET_WATCH_H

#include "cli/get_print.h"

/* Prints the rows, then those that become new, changed or gone, for for_ns (0 = until it is
 * interrupted).  Asks at most once a second. */
MW_MUST_USE int get_watch(struct daemon *d, const struct get_query *q, struct get_printer *p,
                          int64_t for_ns, struct mw_error *err);

struct watch_events {
    struct cli_context *ctx;
    struct daemon *daemon;
    const char *kind;  /* a pattern with * and ?; NULL = all */
    const char *after; /* the number of an event; NULL = from now */
    int64_t for_ns;    /* 0 = until it is interrupted */
    bool lines;        /* JSON, an object a line */
};
MW_MUST_USE int watch_events(struct watch_events *w, struct mw_error *err);

#endif
