/*
 * The whole terminal for a program, by ncurses: a frame shown, keys read, and
 * the terminal given back as it was however the program ends (end, Ctrl-C,
 * Ctrl-Z and back, a signal, a broken must()).
 */
#ifndef MW_CLI_TOP_SCREEN_H
#define MW_CLI_TOP_SCREEN_H

#include "base/error.h"
#include "cli/frame.h"

/* Takes the terminal on standard input and output.  MW_EINVAL: it cannot do this. */
MW_MUST_USE int top_screen_begin(bool colour, struct mw_error *err);
void top_screen_end(void); /* once more is fine */

void top_screen_size(unsigned *ret_width, unsigned *ret_height);
void top_screen_show(const struct frame *f);
/* The next key of top_view.h or a code point; -1 when none waits. */
int top_screen_key(void);

#endif
