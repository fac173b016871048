/* Reader of the text format over a bounded cursor; the table of names is prom_names.c. */
#include "live/prom_text.h"

#include <math.h>
#include <string.h>

#include "base/parse.h"

struct cursor {
    const char *at, *end;
};

static bool is_name(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    return letter || (!first && c >= '0' && c <= '9');
}

static void blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static bool take_char(struct cursor *c, char wanted)
{
    blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_name(struct cursor *c, char to[PROM_NAME_MAX])
{
    size_t n = 0;
    blanks(c);
    while (c->at < c->end && is_name(*c->at, n == 0)) {
        if (n + 1 == PROM_NAME_MAX)
            return false;
        to[n++] = *c->at++;
    }
    to[n] = '\0';
    return n > 0;
}

/* Between quotes; \\ \" \n are escapes.  What is too long is cut, what is no text becomes '?'. */
static bool take_value(struct cursor *c, char to[PROM_VALUE_MAX])
{
    size_t n = 0;
    if (!take_char(c, '"'))
        return false;
    while (c->at < c->end && *c->at != '"') {
        char byte = *c->at++;
        if (byte == '\\') {
            if (c->at == c->end)
                return false;
            byte = *c->at++;
            byte = byte == 'n' ? ' ' : byte;
        }
        if ((unsigned char)byte < ' ' || byte == 0x7f)
            byte = '?';
        if (n + 1 < PROM_VALUE_MAX)
            to[n++] = byte;
    }
    to[n] = '\0';
    return take_char(c, '"');
}

static bool take_labels(struct cursor *c, struct prom_sample *s)
{
    if (!take_char(c, '{'))
        return true;
    while (!take_char(c, '}')) {
        if (s->labels == PROM_LABELS_MAX)
            return false;
        struct prom_label *l = &s->label[s->labels++];
        if (!take_name(c, l->name) || !take_char(c, '=') || !take_value(c, l->value))
            return false;
        if (!take_char(c, ',')) {
            blanks(c);
            if (c->at == c->end || *c->at != '}')
                return false;
        }
    }
    return true;
}

static bool take_word(struct cursor *c, char *to, size_t size)
{
    size_t n = 0;
    blanks(c);
    while (c->at < c->end && *c->at != ' ' && *c->at != '\t' && *c->at != '\r') {
        if (n + 1 == size)
            return false;
        to[n++] = *c->at++;
    }
    to[n] = '\0';
    return n > 0;
}

static bool read_number(const char *word, double *ret)
{
    static const struct {
        const char *word;
        double value;
    } named[] = { { "NaN", NAN }, { "nan", NAN }, { "+Inf", INFINITY }, { "Inf", INFINITY },
                  { "-Inf", -INFINITY } };
    for (size_t i = 0; i < MW_ARRAY_LEN(named); i++)
        if (strcmp(word, named[i].word) == 0) {
            *ret = named[i].value;
            return true;
        }
    return mw_parse_double(*word == '+' ? word + 1 : word, ret) == 0;
}

static bool read_sample(struct cursor *c, struct prom_sample *s)
{
    char word[64];
    if (!take_name(c, s->name) || !take_labels(c, s) || !take_word(c, word, sizeof(word)) ||
        !read_number(word, &s->value))
        return false;
    if (take_word(c, word, sizeof(word)) && mw_parse_i64(word, &s->time_ms) < 0)
        return false;
    blanks(c);
    return c->at == c->end || *c->at == '\r';
}

enum prom_what prom_next(const char *text, size_t size, size_t *at, struct prom_sample *ret)
{
    if (*at >= size)
        return PROM_END;
    const char *from = text + *at, *end = memchr(from, '\n', size - *at);
    struct cursor c = { from, end != NULL ? end : text + size };
    *at = (size_t)(c.end - text) + 1;
    blanks(&c);
    if (c.at == c.end || *c.at == '#' || *c.at == '\r')
        return PROM_OTHER;
    if (c.end - c.at > PROM_LINE_MAX)
        return PROM_BAD;
    ret->labels = 0;
    ret->time_ms = 0;
    return read_sample(&c, ret) ? PROM_SAMPLE : PROM_BAD;
}

const char *prom_label(const struct prom_sample *s, const char *name)
{
    for (uint32_t i = 0; i < s->labels; i++)
        if (strcmp(s->label[i].name, name) == 0)
            return s->label[i].value;
    return "";
}
