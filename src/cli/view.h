/*
 * Commands that show one of the documents of api/views.h: from a record's folder
 * or, with --socket, from the daemon.  A command is a row of data: which
 * document, which columns, how each is shown.  JSON is the document itself.
 */
#ifndef MW_CLI_VIEW_H
#define MW_CLI_VIEW_H

#include <jansson.h>

#include "cli/daemon_of.h"

enum view_as {
    VIEW_TEXT,
    VIEW_SEQ,   /* the number of an event: digits only */
    VIEW_INT,
    VIEW_USD,   /* micro-dollars */
    VIEW_SPAN,  /* ms */
    VIEW_PPM,   /* shown as per cent */
    VIEW_YES,   /* a truth value */
    VIEW_HOURS, /* GPU-ms, shown as GPU-hours */
};

struct view_column {
    const char *key;   /* of a row; also the key of CSV */
    const char *title;
    uint8_t as;        /* enum view_as */
    bool wide;
};
#define VIEW_COLUMNS_MAX 24

struct view {
    const char *name;                 /* of api_views[] */
    const struct view_column *column; /* ends with a NULL key */
    const char *empty;                /* said when there is no row */
    const char *only;                 /* a truth value of the row: with the option of the same
                                         name rows without it are left out; NULL = no such option */
    const char *by;                   /* key that --by groups by, when the option says so; NULL */
    void (*foot)(struct text *t, const json_t *document); /* sentences under the table; NULL */
};

/* Gets the document, prints it; an exit code. */
int view_run(struct cli_context *ctx, const struct view *v);

#define VIEW_ALL_OPTION(what) { .name = "all", .help = what }

extern const struct command_exit view_exits[];

#endif
