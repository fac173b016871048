/*
 * What the terminal behind a stream can do, and plain text measured for it.
 * Reads the environment and the terminal once, at the program's edge; the rest
 * of the command line works from the facts kept here, so tests can make them up.
 */
#ifndef MW_CLI_TERM_H
#define MW_CLI_TERM_H

#include "base/base.h"

#include <stdio.h>

struct term {
    bool tty;    /* a person may be watching */
    bool moves;  /* the cursor can be moved: a terminal that is not TERM=dumb */
    bool colour; /* bold and colours are wanted and possible */
    unsigned width, height; /* columns and lines; 80 x 24 when unknown */
};

/*
 * The facts about the terminal on fd.  Colour: never with no_color, NO_COLOR (not empty) or
 * TERM=dumb; always with CLICOLOR_FORCE (not empty, not "0"); otherwise on a terminal.
 */
struct term term_probe(int fd, bool no_color);

/* Reads width and height again (the window may have changed); keeps the rest. */
void term_resize(struct term *t, int fd);

/* Columns that UTF-8 text takes, counting each code point as one. */
size_t term_columns(const char *s, size_t length);

/* How many bytes of s fit in `columns` columns, never cutting a code point. */
size_t term_fit(const char *s, size_t length, size_t columns);

/* Writes s without control characters (each becomes '?'): data must not drive the terminal. */
void term_put_safe(FILE *f, const char *s, size_t length);

#endif
