/*
 * One description, two typesettings: plain text for `--help` and roff for man
 * pages.  The writer of a page (cli/help) says what a piece is, this file how
 * it looks.  Owns nothing but the position; appends to the caller's text.
 */
#ifndef MW_CLI_DOC_H
#define MW_CLI_DOC_H

#include "base/text.h"

enum doc_form { DOC_PLAIN, DOC_ROFF };

struct doc {
    struct text *out; /* borrowed */
    enum doc_form form;
    unsigned width; /* plain: wrap at this column */
    bool bold;      /* plain: headings in bold */
};

/* "Examples" (plain) / ".SH EXAMPLES" (roff). */
void doc_heading(struct doc *d, const char *title);

/* Paragraphs divided by empty lines; filled and wrapped. */
void doc_paragraphs(struct doc *d, const char *words);

/* A command line as typed, then what it does. */
void doc_example(struct doc *d, const char *line, const char *shows);

/* A term and its explanation, terms in a column `term_width` wide (plain). */
void doc_item(struct doc *d, const char *term, const char *words, unsigned term_width);

/* A line that is kept as it is: a synopsis. */
void doc_line(struct doc *d, const char *line);

/* Appends s with what roff would interpret escaped. */
void doc_roff_text(struct text *t, const char *s);

#endif
