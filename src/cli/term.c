/*
 * Terminal facts and measuring.  Owns no state.  Never moves the cursor: that
 * is cli/live.
 */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

static bool env_set(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0';
}

static bool env_is(const char *name, const char *value)
{
    const char *v = getenv(name);
    return v != NULL && strcmp(v, value) == 0;
}

struct term term_probe(int fd, bool no_color)
{
    struct term t = { .tty = isatty(fd) == 1, .width = 80, .height = 24 };
    bool dumb = env_is("TERM", "dumb") || !env_set("TERM");
    bool forced = env_set("CLICOLOR_FORCE") && !env_is("CLICOLOR_FORCE", "0");
    t.moves = t.tty && !dumb;
    t.colour = !no_color && !env_set("NO_COLOR") && !env_is("TERM", "dumb") && (forced || t.moves);
    if (t.tty)
        term_resize(&t, fd);
    return t;
}

void term_resize(struct term *t, int fd)
{
    struct winsize w;
    must(t != NULL);
    if (!t->tty || ioctl(fd, TIOCGWINSZ, &w) != 0)
        return;
    if (w.ws_col > 0)
        t->width = w.ws_col;
    if (w.ws_row > 0)
        t->height = w.ws_row;
}

static bool starts_code_point(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

size_t term_columns(const char *s, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        n += starts_code_point(s[i]);
    return n;
}

size_t term_fit(const char *s, size_t length, size_t columns)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        n += starts_code_point(s[i]);
        if (n > columns)
            return i;
    }
    return length;
}

void term_put_safe(FILE *f, const char *s, size_t length)
{
    must(f != NULL);
    for (size_t i = 0, n; i < length; i += n > 0 ? n : 1) {
        n = text_control(s + i, length - i);
        (void)fputc(n > 0 ? '?' : (unsigned char)s[i], f);
    }
}
