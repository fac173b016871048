/*
 * A picture of characters: what mw top shows, before anybody shows it.  Pure,
 * so that tests and `mw top -1` print the same frame that a terminal gets.
 */
#ifndef MW_CLI_FRAME_H
#define MW_CLI_FRAME_H

#include "base/text.h"

#define FRAME_WIDTH_MAX 500u
#define FRAME_HEIGHT_MAX 300u

/* How a cell looks.  Colours are those that the colour-blind tell apart (Okabe and Ito, 2008), as
 * near as a terminal's eight have them; every state has a sign of its own besides. */
enum frame_style {
    FRAME_PLAIN, FRAME_BOLD, FRAME_DIM, FRAME_HEAD, FRAME_CHOSEN, FRAME_MARKED, FRAME_GOOD,
    FRAME_BUSY, FRAME_WARN, FRAME_BAD, FRAME_NOTE, FRAME_STYLES
};

struct frame_cell {
    uint32_t code; /* a code point of one column */
    uint8_t style; /* enum frame_style */
};

struct frame {
    unsigned width, height;
    struct frame_cell *cell; /* owned: width * height */
};

/* Blank; sizes are cut to the bounds above.  MW_ENOMEM. */
MW_MUST_USE int frame_init(struct frame *f, unsigned width, unsigned height);
void frame_fini(struct frame *f); /* zeroed is fine */
void frame_clear(struct frame *f);

/* Writes UTF-8 from (x, y) on, cut at `most` columns and the frame's edge; control characters
 * become '?'.  Returns the column after it. */
unsigned frame_put(struct frame *f, unsigned x, unsigned y, unsigned most, enum frame_style style,
                   const char *s);
unsigned frame_putf(struct frame *f, unsigned x, unsigned y, enum frame_style style,
                    const char *fmt, ...) MW_PRINTF(5, 6);
void frame_cell_put(struct frame *f, unsigned x, unsigned y, enum frame_style style,
                    uint32_t code);
/* The style of a whole line. */
void frame_line_style(struct frame *f, unsigned y, enum frame_style style);

/* One line as UTF-8, without blanks at its end. */
void frame_line(const struct frame *f, unsigned y, struct text *ret);
/* All lines, with colours by escape sequences where colour is true. */
void frame_text(const struct frame *f, bool colour, struct text *ret);

/* Appends a code point as UTF-8. */
void frame_utf8(struct text *t, uint32_t code);

#endif
