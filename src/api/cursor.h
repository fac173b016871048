/*
 * The place where a list's next page begins, as text that means nothing to others: base64url of a
 * version, the mark of the question, the place and the values of the last row.  Holds no secret and
 * is believed in nothing but where to go on.  Outside bytes: fuzzed.
 */
#ifndef MW_API_CURSOR_H
#define MW_API_CURSOR_H

#include "api/list.h"

/* Appends the text. */
void cursor_write(struct text *t, uint64_t mark, uint64_t revision, uint32_t place,
                  const struct api_value *value, uint32_t values);

/* Reads it into l->from…; MW_ESYNTAX when it is no cursor, or one of another question. */
MW_MUST_USE int cursor_read(const char *text, struct list *l, struct mw_error *err);

#endif
