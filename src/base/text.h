/*
 * A growing byte buffer for text made at the edges, and the other edge helpers
 * (number parsing, formatting, reading files), reached from here by one include.
 * Not for planes.
 */
#ifndef MW_BASE_TEXT_H
#define MW_BASE_TEXT_H

#include "base/base.h"
#include "base/error.h"
#include "base/file.h"
#include "base/format.h"
#include "base/parse.h"

struct text {
    char *data;    /* always ends in '\0' once something was added; owned */
    size_t length; /* bytes without the ending */
    size_t room;
    bool failed;   /* out of memory or over TEXT_MAX: later adds are ignored */
};
#define TEXT_MAX ((size_t)1 << 31)

void text_fini(struct text *t);
void text_clear(struct text *t);
void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t length);
void text_addf(struct text *t, const char *fmt, ...) MW_PRINTF(2, 3);
const char *text_string(const struct text *t); /* "" when empty; borrowed until the next add */

/*
 * Bytes of the character at s (length > 0) that drives a terminal instead of being shown: C0, DEL,
 * C1 (U+0080 to U+009F) and those that turn the direction of writing (U+202A to U+202E, U+2066 to
 * U+2069), by which a name could pass for another.  0: it is none of them.
 */
size_t text_control(const char *s, size_t length);

/* Edit distance (Damerau-Levenshtein, restricted) for did-you-mean; capped at `limit`+1.
 * Unequal strings of which one is over 127 bytes count as beyond the limit. */
uint32_t mw_edit_distance(const char *a, const char *b, uint32_t limit);

#endif
