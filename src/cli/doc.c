/*
 * Wrapping for plain text, escaping for roff.  Never decides what a page says.
 */
#include "cli/doc.h"

#include <ctype.h>
#include <string.h>

#define INDENT 2
#define EXAMPLE_INDENT 6

void doc_roff_text(struct text *t, const char *s)
{
    must(t != NULL && s != NULL);
    for (bool line_start = true; *s != '\0'; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            text_add(t, "\\&");
        line_start = *s == '\n';
        switch (*s) {
        case '\\':
            text_add(t, "\\e");
            break;
        case '-': /* a minus, so that options can be copied from the page */
            text_add(t, "\\-");
            break;
        case '\'':
            text_add(t, "\\(aq");
            break;
        case '`':
            text_add(t, "\\(ga");
            break;
        case '^':
            text_add(t, "\\(ha");
            break;
        case '~':
            text_add(t, "\\(ti");
            break;
        case '|': /* choices, "a|b|c", may be broken after a bar where a line is full */
            text_add(t, s[1] > ' ' ? "|\\:" : "|");
            break;
        default:
            text_add_n(t, s, 1);
        }
    }
}

static void put_spaces(struct text *t, size_t n)
{
    while (n-- > 0)
        text_add(t, " ");
}

/* Fills words between `indent` and the width; the first line is at column `at` already. */
static void fill(struct doc *d, const char *words, size_t indent, size_t at)
{
    bool line_empty = true;
    while (*words != '\0') {
        words += strspn(words, " \n");
        size_t n = strcspn(words, " \n");
        if (n == 0)
            break;
        if (!line_empty && at + 1 + n > d->width) {
            text_add(d->out, "\n");
            put_spaces(d->out, indent);
            at = indent;
            line_empty = true;
        }
        if (!line_empty) {
            text_add(d->out, " ");
            at++;
        }
        text_add_n(d->out, words, n);
        at += n;
        line_empty = false;
        words += n;
    }
    text_add(d->out, "\n");
}

void doc_heading(struct doc *d, const char *title)
{
    if (d->form == DOC_PLAIN) {
        text_addf(d->out, "\n%s%s:%s\n", d->bold ? "\x1b[1m" : "", title, d->bold ? "\x1b[0m" : "");
        return;
    }
    text_add(d->out, ".SH \"");
    for (; *title != '\0'; title++)
        text_addf(d->out, "%c", toupper((unsigned char)*title));
    text_add(d->out, "\"\n");
}

/* One paragraph's copy, so that it can be ended. */
static void paragraph(struct doc *d, const char *words, size_t length, bool first)
{
    struct text t = { 0 };
    text_add_n(&t, words, length);
    if (d->form == DOC_PLAIN) {
        text_add(d->out, first ? "" : "\n");
        put_spaces(d->out, INDENT);
        fill(d, text_string(&t), INDENT, INDENT);
    } else {
        text_add(d->out, first ? "" : ".PP\n");
        doc_roff_text(d->out, text_string(&t));
        text_add(d->out, "\n");
    }
    text_fini(&t);
}

void doc_paragraphs(struct doc *d, const char *words)
{
    must(d != NULL && words != NULL);
    for (bool first = true; *words != '\0'; first = false) {
        const char *end = strstr(words, "\n\n");
        size_t n = end != NULL ? (size_t)(end - words) : strlen(words);
        paragraph(d, words, n, first);
        words += n + (end != NULL ? 2 : 0);
    }
}

void doc_example(struct doc *d, const char *line, const char *shows)
{
    if (d->form == DOC_PLAIN) {
        text_addf(d->out, "  %s\n", line);
        put_spaces(d->out, EXAMPLE_INDENT);
        fill(d, shows, EXAMPLE_INDENT, EXAMPLE_INDENT);
        return;
    }
    text_add(d->out, ".TP\n\\fB");
    doc_roff_text(d->out, line);
    text_add(d->out, "\\fR\n");
    doc_roff_text(d->out, shows);
    text_add(d->out, "\n");
}

void doc_item(struct doc *d, const char *term, const char *words, unsigned term_width)
{
    if (d->form == DOC_ROFF) {
        doc_example(d, term, words);
        return;
    }
    size_t indent = INDENT + term_width + 2, at = INDENT + strlen(term);
    text_addf(d->out, "  %s", term);
    if (at + 2 > indent) {
        text_add(d->out, "\n");
        at = 0;
    }
    put_spaces(d->out, indent - at);
    fill(d, words, indent, indent);
}

void doc_line(struct doc *d, const char *line)
{
    if (d->form == DOC_PLAIN) {
        text_addf(d->out, "  %s\n", line);
        return;
    }
    text_add(d->out, "\\fB");
    doc_roff_text(d->out, line);
    text_add(d->out, "\\fR\n.br\n");
}
