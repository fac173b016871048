/* ncurses, and what it does not do itself: an end by abort().  See top_screen.h. */
#include "cli/top_screen.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "cli/top_view.h"

/* A program that fails hard leaves a usable terminal and its message: the flags that a line needs
 * are set, whatever they were, since nothing outlives calls here that could hold them. */
static void on_abort(int signal_number)
{
    static const char back[] = "\x1b[?1049l\x1b[?25h\x1b[0m\r\n";
    struct termios t;
    (void)!write(STDOUT_FILENO, back, sizeof(back) - 1);
    if (tcgetattr(STDIN_FILENO, &t) == 0) {
        t.c_iflag |= ICRNL | BRKINT;
        t.c_oflag |= OPOST | ONLCR;
        t.c_lflag |= ICANON | ECHO | ECHOE | ECHOK | ISIG | IEXTEN;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void catch_aborts(bool yes)
{
    static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS };
    for (size_t i = 0; i < MW_ARRAY_LEN(fatal); i++)
        (void)signal(fatal[i], yes ? on_abort : SIG_DFL);
}

static void set_colours(void)
{
    static const short pair[FRAME_STYLES] = {
        [FRAME_MARKED] = COLOR_CYAN, [FRAME_GOOD] = COLOR_CYAN, [FRAME_BUSY] = COLOR_BLUE,
        [FRAME_WARN] = COLOR_YELLOW, [FRAME_BAD] = COLOR_MAGENTA, [FRAME_NOTE] = COLOR_YELLOW,
    };
    if (!has_colors() || start_color() == ERR)
        return;
    (void)use_default_colors();
    for (short i = 0; i < FRAME_STYLES; i++)
        if (pair[i] != 0)
            (void)init_pair(i + 1, pair[i], -1);
}

static attr_t attributes(uint8_t style)
{
    static const attr_t of[FRAME_STYLES] = {
        [FRAME_BOLD] = A_BOLD,   [FRAME_DIM] = A_DIM,     [FRAME_HEAD] = A_REVERSE,
        [FRAME_CHOSEN] = A_BOLD | A_REVERSE, [FRAME_MARKED] = A_BOLD, [FRAME_BAD] = A_BOLD,
        [FRAME_NOTE] = A_BOLD,
    };
    return of[style];
}

static short pair_of(uint8_t style)
{
    return has_colors() && style >= FRAME_MARKED ? (short)(style + 1) : 0;
}

int top_screen_begin(bool colour, struct mw_error *err)
{
    const char *term = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || term == NULL)
        return mw_fail(err, MW_EINVAL, "this is no terminal: mw top -1 prints one picture");
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        (void)setlocale(LC_CTYPE, "");
    SCREEN *s = newterm(NULL, stdout, stdin); /* initscr() would exit */
    if (s == NULL)
        return mw_fail(err, MW_EINVAL, "the terminal \"%.40s\" is not known: mw top -1 prints one "
                       "picture", term);
    catch_aborts(true);
    (void)cbreak();
    (void)noecho();
    (void)nonl();
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)set_escdelay(25);
    (void)curs_set(0);
    if (colour)
        set_colours();
    return 0;
}

void top_screen_end(void)
{
    if (stdscr == NULL || isendwin())
        return;
    (void)endwin();
    catch_aborts(false);
}

void top_screen_size(unsigned *ret_width, unsigned *ret_height)
{
    *ret_width = COLS > 0 ? (unsigned)COLS : 80;
    *ret_height = LINES > 0 ? (unsigned)LINES : 24;
}

void top_screen_show(const struct frame *f)
{
    (void)erase();
    for (unsigned y = 0; y < f->height; y++)
        for (unsigned x = 0; x < f->width; x++) {
            const struct frame_cell *c = &f->cell[(size_t)y * f->width + x];
            const wchar_t code[2] = { (wchar_t)c->code, 0 };
            cchar_t cell;
            if (c->code == ' ' && c->style == FRAME_PLAIN)
                continue;
            if (setcchar(&cell, code, attributes(c->style), pair_of(c->style), NULL) == OK)
                (void)mvadd_wch((int)y, (int)x, &cell);
        }
    (void)refresh();
}

static int special(wint_t key)
{
    static const struct {
        wint_t curses;
        int ours;
    } of[] = {
        { KEY_UP, TOP_KEY_UP },        { KEY_DOWN, TOP_KEY_DOWN },
        { KEY_PPAGE, TOP_KEY_PAGE_UP }, { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
        { KEY_HOME, TOP_KEY_HOME },    { KEY_END, TOP_KEY_END },
        { KEY_BACKSPACE, TOP_KEY_BACK }, { KEY_ENTER, TOP_KEY_ENTER },
        { KEY_RESIZE, TOP_KEY_RESIZE },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(of); i++)
        if (of[i].curses == key)
            return of[i].ours;
    return TOP_KEY_RESIZE; /* a key that means nothing here: drawn again, no more */
}

int top_screen_key(void)
{
    wint_t key = 0;
    int rc = get_wch(&key);
    if (rc == ERR)
        return -1;
    if (rc == KEY_CODE_YES)
        return special(key);
    return key == '\r' ? TOP_KEY_ENTER : key == 8 ? TOP_KEY_BACK : (int)key;
}
