/* A grid of cells.  See frame.h. */
#include "cli/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

int frame_init(struct frame *f, unsigned width, unsigned height)
{
    must(f != NULL);
    width = MW_MAX(1u, MW_MIN(width, FRAME_WIDTH_MAX));
    height = MW_MAX(1u, MW_MIN(height, FRAME_HEIGHT_MAX));
    *f = (struct frame){ .width = width, .height = height };
    f->cell = mw_calloc((size_t)width * height, sizeof(*f->cell));
    if (f->cell == NULL)
        return MW_ENOMEM;
    frame_clear(f);
    return 0;
}

void frame_fini(struct frame *f)
{
    mw_free(f->cell);
    *f = (struct frame){ 0 };
}

void frame_clear(struct frame *f)
{
    for (size_t i = 0; i < (size_t)f->width * f->height; i++)
        f->cell[i] = (struct frame_cell){ .code = ' ' };
}

void frame_cell_put(struct frame *f, unsigned x, unsigned y, enum frame_style style, uint32_t code)
{
    must(f != NULL && f->cell != NULL && (unsigned)style < FRAME_STYLES);
    if (x < f->width && y < f->height)
        f->cell[(size_t)y * f->width + x] = (struct frame_cell){ code, (uint8_t)style };
}

/* The code point at *at, which moves past it; '?' for what is none, or a control character. */
static uint32_t next_code(const char **at)
{
    const unsigned char *p = (const unsigned char *)*at;
    unsigned more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : p[0] >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? p[0] & 7u : more == 2 ? p[0] & 15u : more == 1 ? p[0] & 31u : p[0];
    unsigned i = 1;
    for (; i <= more && (p[i] & 0xc0) == 0x80; i++)
        code = code << 6 | (p[i] & 63u);
    *at += i;
    bool bad = i <= more || (more == 0 && p[0] >= 0x80) || code < 0x20 || code == 0x7f ||
               (code >= 0x80 && code < 0xa0) || code > 0x10ffff;
    return bad ? '?' : code;
}

unsigned frame_put(struct frame *f, unsigned x, unsigned y, unsigned most, enum frame_style style,
                   const char *s)
{
    must(f != NULL && s != NULL);
    for (unsigned n = 0; *s != '\0' && n < most && x < f->width; n++)
        frame_cell_put(f, x++, y, style, next_code(&s));
    return x;
}

unsigned frame_putf(struct frame *f, unsigned x, unsigned y, enum frame_style style,
                    const char *fmt, ...)
{
    char line[4 * FRAME_WIDTH_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    return frame_put(f, x, y, f->width, style, line);
}

void frame_line_style(struct frame *f, unsigned y, enum frame_style style)
{
    for (unsigned x = 0; y < f->height && x < f->width; x++)
        f->cell[(size_t)y * f->width + x].style = (uint8_t)style;
}

void frame_utf8(struct text *t, uint32_t code)
{
    char b[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n; i-- > 0; code >>= 6)
        b[i] = (char)(i > 0 ? 0x80u | (code & 63u) : lead[n] | code);
    text_add_n(t, b, n);
}

/* One past the last cell that shows something. */
static unsigned line_end(const struct frame *f, unsigned y, bool colour)
{
    unsigned end = f->width;
    for (; end > 0; end--) {
        const struct frame_cell *c = &f->cell[(size_t)y * f->width + end - 1];
        if (c->code != ' ' ||
            (colour && (c->style == FRAME_HEAD || c->style == FRAME_CHOSEN)))
            break;
    }
    return end;
}

void frame_line(const struct frame *f, unsigned y, struct text *ret)
{
    must(f != NULL && y < f->height);
    for (unsigned x = 0; x < line_end(f, y, false); x++)
        frame_utf8(ret, f->cell[(size_t)y * f->width + x].code);
}

/* Select Graphic Rendition of each style. */
static const char *const SGR[FRAME_STYLES] = {
    [FRAME_PLAIN] = "0",     [FRAME_BOLD] = "0;1",    [FRAME_DIM] = "0;2",
    [FRAME_HEAD] = "0;7",    [FRAME_CHOSEN] = "0;1;7", [FRAME_MARKED] = "0;1;36",
    [FRAME_GOOD] = "0;36",   [FRAME_BUSY] = "0;34",   [FRAME_WARN] = "0;33",
    [FRAME_BAD] = "0;1;35",  [FRAME_NOTE] = "0;1;33",
};

void frame_text(const struct frame *f, bool colour, struct text *ret)
{
    for (unsigned y = 0; y < f->height; y++) {
        unsigned end = line_end(f, y, colour);
        uint8_t style = FRAME_PLAIN;
        for (unsigned x = 0; x < end; x++) {
            const struct frame_cell *c = &f->cell[(size_t)y * f->width + x];
            if (colour && c->style != style)
                text_addf(ret, "\x1b[%sm", SGR[c->style]);
            style = c->style;
            frame_utf8(ret, c->code);
        }
        text_add(ret, colour && style != FRAME_PLAIN ? "\x1b[0m\n" : "\n");
    }
}
