/*
 * A bounded cursor over text that others wrote: files of the kernel, output of
 * programs.  Pure: never reads past the end it was given, never allocates.
 */
#ifndef MW_AGENT_TEXT_H
#define MW_AGENT_TEXT_H

#include "base/base.h"

/* A piece of text, not ended by a zero byte. */
struct text {
    const char *at, *end;
};

struct text text_of(const char *s, size_t size);
struct text text_of_string(const char *s);

/* The next line, without its newline; false at the end. */
bool text_line(struct text *t, struct text *ret);
/* The next word of blanks and tabs; false when there is none. */
bool text_word(struct text *t, struct text *ret);
/* What is before the first `c`, and t behind it; false, and nothing changed, without one. */
bool text_before(struct text *t, char c, struct text *ret);
/* Without the blanks, tabs and newlines at both ends. */
struct text text_trimmed(struct text t);
/* Passes over `prefix`; false, and nothing changed, when it does not begin so. */
bool text_skip(struct text *t, const char *prefix);

bool text_is(struct text t, const char *s);
/* All of it is a decimal number, "0x…" a hexadecimal one. */
bool text_u64(struct text t, uint64_t *ret);
/* The word that is next, as text_u64 reads it; false, and nothing changed, when it is no number. */
bool text_next_u64(struct text *t, uint64_t *ret);
/* "-12.345", at most 18 digits: times 10^decimals (0 to 9), further digits cut off. */
bool text_fixed(struct text t, int decimals, int64_t *ret);
bool text_milli(struct text t, int64_t *ret); /* three decimals */
/* A copy with its ending, cut to the size; bytes that are no ASCII letters and signs become '?'. */
void text_copy(struct text t, char *to, size_t size);

#endif
