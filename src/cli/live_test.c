/* What reaches the screen, and what reaches a file instead. */
#include "cli/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* tty stays false, so that the size is not asked of the memory stream. */
static const struct term screen = { .moves = true, .width = 10, .height = 4 };
static const struct term file = { .width = 80, .height = 24 };

#define S INT64_C(1000000000)

struct capture {
    FILE *file;
    char *data;
    size_t size;
};

static struct capture *begin(void)
{
    static struct capture c;
    free(c.data);
    memset(&c, 0, sizeof c);
    c.file = open_memstream(&c.data, &c.size);
    assert_non_null(c.file);
    return &c;
}

static const char *end(struct capture *c)
{
    (void)fclose(c->file);
    return c->data;
}

static void a_frame_is_redrawn_in_place_and_cut_to_the_screen(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct live l;
    live_begin(&l, c->file, screen, false);
    live_draw(&l, "one\ntwo is much too long", 0);
    live_draw(&l, "a\nb\nc\nd\ne", S);
    live_draw(&l, "last", 2 * S);
    live_end(&l);
    assert_string_equal(end(c), "one\ntwo is mu\n"
                                "\x1b[2A\r\x1b[Ja\nb\nc\n"
                                "\x1b[3A\r\x1b[Jlast\n");
}

static void frames_that_come_too_fast_are_left_out(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct live l;
    live_begin(&l, c->file, screen, false);
    live_draw(&l, "one", 0);
    assert_false(live_due(&l, LIVE_FRAME_NS - 1));
    live_draw(&l, "two", LIVE_FRAME_NS - 1);
    assert_string_equal(end(c), "one\n");
}

static void a_line_that_stays_goes_above_the_frame(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct live l;
    live_begin(&l, c->file, screen, false);
    live_draw(&l, "frame", 0);
    live_line(&l, "incident 1");
    assert_true(live_due(&l, 1));
    live_draw(&l, "frame", 1);
    assert_string_equal(end(c), "frame\n\x1b[1A\r\x1b[Jincident 1\nframe\n");
}

static void without_a_terminal_the_first_line_is_printed_now_and_then(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct live l;
    live_begin(&l, c->file, file, false);
    for (int64_t t = 0; t < 25 * S; t += S)
        live_draw(&l, "day 3: 2 nodes down\nmore\nlines", t);
    live_end(&l);
    assert_string_equal(end(c),
                        "day 3: 2 nodes down\nday 3: 2 nodes down\nday 3: 2 nodes down\n");
}

static void quiet_draws_no_frame_at_all(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct live l;
    live_begin(&l, c->file, screen, true);
    live_draw(&l, "frame", 0);
    live_end(&l);
    assert_string_equal(end(c), "");
}

static void names_from_data_cannot_drive_the_terminal(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct live l;
    live_begin(&l, c->file, screen, false);
    live_line(&l, "x\x1b[2Jy");
    assert_string_equal(end(c), "x?[2Jy\n");
}

static void progress_is_a_bar_on_a_terminal_and_gone_at_the_end(void **state)
{
    (void)state;
    struct term wide = { .moves = true, .width = 100, .height = 24 };
    struct capture *c = begin();
    struct progress p;
    progress_begin(&p, c->file, wide, false);
    progress_start(&p, "runs", 200, 0);
    progress_update(&p, 50, 10 * S);
    progress_end(&p);
    assert_string_equal(end(c), "runs  [######------------------] 50/200  25 %  about 30 s left\n"
                                "\x1b[1A\r\x1b[J");
}

static void progress_is_silent_in_a_file(void **state)
{
    (void)state;
    struct capture *c = begin();
    struct progress p;
    progress_begin(&p, c->file, file, false);
    progress_start(&p, "runs", 200, 0);
    progress_update(&p, 50, 10 * S);
    progress_end(&p);
    assert_string_equal(end(c), "");
}

static void set(const char *no_color, const char *force, const char *terminal)
{
    assert_int_equal(no_color ? setenv("NO_COLOR", no_color, 1) : unsetenv("NO_COLOR"), 0);
    assert_int_equal(force ? setenv("CLICOLOR_FORCE", force, 1) : unsetenv("CLICOLOR_FORCE"), 0);
    assert_int_equal(terminal ? setenv("TERM", terminal, 1) : unsetenv("TERM"), 0);
}

static void colour_follows_the_variables_that_people_know(void **state)
{
    (void)state;
    FILE *f = tmpfile();
    int master = posix_openpt(2 /* O_RDWR */);
    assert_non_null(f);
    if (master < 0)
        skip(); /* a root without pseudo-terminals */
    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    set(NULL, NULL, "xterm");
    assert_false(term_probe(fileno(f), false).colour);
    assert_true(term_probe(master, false).colour);
    assert_true(term_probe(master, false).moves);
    assert_false(term_probe(master, true).colour);
    set("1", NULL, "xterm");
    assert_false(term_probe(master, false).colour);
    assert_true(term_probe(master, false).moves);
    set("", "1", "xterm");
    assert_true(term_probe(fileno(f), false).colour);
    assert_false(term_probe(fileno(f), false).moves);
    set("1", "1", "xterm");
    assert_false(term_probe(fileno(f), false).colour);
    set(NULL, "0", "xterm");
    assert_false(term_probe(fileno(f), false).colour);
    set(NULL, NULL, "dumb");
    assert_false(term_probe(master, false).colour || term_probe(master, false).moves);
    (void)fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_redrawn_in_place_and_cut_to_the_screen),
        cmocka_unit_test(frames_that_come_too_fast_are_left_out),
        cmocka_unit_test(a_line_that_stays_goes_above_the_frame),
        cmocka_unit_test(without_a_terminal_the_first_line_is_printed_now_and_then),
        cmocka_unit_test(quiet_draws_no_frame_at_all),
        cmocka_unit_test(names_from_data_cannot_drive_the_terminal),
        cmocka_unit_test(progress_is_a_bar_on_a_terminal_and_gone_at_the_end),
        cmocka_unit_test(progress_is_silent_in_a_file),
        cmocka_unit_test(colour_follows_the_variables_that_people_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
