/*
 * `mw top`: a site on a terminal.  Brings together the feed, the view and the
 * screen; does what the view says has to be done.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/act.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/story_page.h"
#include "cli/top_feed.h"
#include "cli/top_screen.h"
#include "cli/top_view.h"

#define EACH_NS_MIN (100 * MW_NS_PER_MS)

struct top {
    struct cli_context *ctx;
    struct daemon *daemon; /* of what is done and told; the feed has its own */
    struct top_feed *feed;
    struct top_view view;
    struct top_model model;
    bool has_model;
    struct frame frame;
    struct act act;        /* what waits to be confirmed */
};

static void top_fini(struct top *t)
{
    top_feed_destroy(t->feed);
    top_screen_end();
    act_fini(&t->act);
    top_model_fini(&t->model);
    top_view_fini(&t->view);
    frame_fini(&t->frame);
    daemon_close(t->daemon);
}

/* ---- what is done --------------------------------------------------------------------------- */

static void say(struct top *t, bool bad, const char *s)
{
    (void)snprintf(t->view.note, sizeof(t->view.note), "%s", s);
    t->view.note_bad = bad;
}

static void describe(struct top *t)
{
    struct mw_error err = { 0 };
    char buf[64];
    const char *name = top_chosen(&t->view, &t->model, buf, sizeof(buf));
    if (name == NULL)
        return;
    text_fini(&t->view.page);
    if (story_page(t->daemon, TOP_LISTS[t->view.wish.tab].resource, name, &t->view.page, &err) < 0)
        say(t, true, err.text);
    t->view.page_first = 0;
}

/* Who is meant, as arguments for act.h: the marked nodes, else the chosen one. */
static int targets(struct top *t, struct mw_error *err)
{
    const char *name;
    json_t *yes;
    char buf[64];
    struct text list = { 0 };
    json_object_foreach(t->view.marked, name, yes)
        text_addf(&list, "%s%s", list.length > 0 ? "," : "", name);
    if (list.length == 0) {
        name = top_chosen(&t->view, &t->model, buf, sizeof(buf));
        text_add(&list, name != NULL ? name : "");
    }
    const char *const one[] = { text_string(&list) };
    int rc = act_targets(&t->act, one, 1, NULL, err);
    text_fini(&list);
    return rc;
}

static void preview(struct top *t)
{
    static const char *const word[] = { "drain", "hold", "release" };
    static const char *const doing[] = { "drains", "holds", "releases" };
    struct top_view *v = &t->view;
    struct mw_error err = { 0 };
    char cost[40];
    act_fini(&t->act);
    t->act = (struct act){ .ctx = t->ctx, .daemon = t->daemon, .verb = word[v->verb],
                           .doing = doing[v->verb], .reason = v->reason };
    if (targets(t, &err) < 0 || act_preview(&t->act, &err) < 0) {
        say(t, true, err.text);
        return;
    }
    uint32_t nodes = (uint32_t)json_object_size(t->act.nodes) - t->act.failed;
    if (nodes == 0) {
        act_first_failure(&t->act, v->note, sizeof(v->note));
        v->note_bad = true;
        return;
    }
    mw_format_usd(t->act.lost_uusd, cost, sizeof(cost));
    (void)snprintf(v->question, sizeof(v->question),
                   "%s %u node%s; %u job%s stop%s, %.2f GPU-hours, %s lost (%s). Type %u to go "
                   "on: ", t->act.doing, nodes, nodes == 1 ? "" : "s", t->act.stops,
                   t->act.stops == 1 ? "" : "s", t->act.stops == 1 ? "s" : "",
                   (double)t->act.gpu_ms_lost / MW_MS_PER_HOUR, cost, t->act.rests_on, nodes);
    (void)snprintf(v->answer, sizeof(v->answer), "%u", nodes);
    v->typed[0] = '\0';
    v->prompt = PROMPT_CONFIRM;
}

static void do_it(struct top *t)
{
    struct mw_error err = { 0 };
    char line[256];
    if (act_do(&t->act, &err) < 0) {
        say(t, true, err.text);
    } else if (t->act.failed > 0) {
        char why[160];
        act_first_failure(&t->act, why, sizeof(why));
        (void)snprintf(line, sizeof(line), "%u done, %u not: %s", t->act.done, t->act.failed, why);
        say(t, true, line);
    } else {
        (void)snprintf(line, sizeof(line), "%s: done to %u node%s; it is in the record",
                       TOP_VERB_WORDS[t->view.verb], t->act.done, t->act.done == 1 ? "" : "s");
        say(t, false, line);
    }
    (void)json_object_clear(t->view.marked);
    top_feed_wish(t->feed, &t->view.wish);
}

/* False: leave. */
static bool act_on(struct top *t, enum top_action a)
{
    if (a == TOP_ASK)
        top_feed_wish(t->feed, &t->view.wish);
    else if (a == TOP_DESCRIBE)
        describe(t);
    else if (a == TOP_PREVIEW)
        preview(t);
    else if (a == TOP_DO)
        do_it(t);
    return a != TOP_QUIT;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static int draw(struct top *t, unsigned width, unsigned height)
{
    if (t->frame.width != MW_MIN(width, FRAME_WIDTH_MAX) ||
        t->frame.height != MW_MIN(height, FRAME_HEIGHT_MAX)) {
        frame_fini(&t->frame);
        if (frame_init(&t->frame, width, height) < 0)
            return MW_ENOMEM;
    }
    top_draw(&t->frame, &t->view, t->has_model ? &t->model : NULL);
    return 0;
}

static int loop(struct top *t)
{
    struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                           { .fd = top_feed_fd(t->feed), .events = POLLIN } };
    for (;;) {
        unsigned width, height;
        top_screen_size(&width, &height);
        if (draw(t, width, height) < 0)
            return CLI_EXIT_ERROR;
        top_screen_show(&t->frame);
        (void)poll(p, 2, -1); /* a signal (resize, stopped and back) comes back, too */
        if ((p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
            return CLI_EXIT_OK; /* the terminal is gone */
        if (top_feed_take(t->feed, &t->model)) {
            t->has_model = true;
            top_view_came(&t->view, &t->model);
        }
        for (int key; (key = top_screen_key()) >= 0;)
            if (!act_on(t, top_key(&t->view, t->has_model ? &t->model : NULL, key)))
                return CLI_EXIT_OK;
    }
}

static int once(struct top *t)
{
    const struct term *term = output_term(t->ctx->output);
    struct text text = { 0 };
    top_model_ask(t->daemon, &t->view.wish, &t->model);
    t->has_model = true;
    if (t->model.list == NULL)
        return daemon_fail(t->ctx, &t->model.trouble);
    top_view_came(&t->view, &t->model);
    if (draw(t, term->width, term->height) < 0)
        return CLI_EXIT_ERROR;
    frame_text(&t->frame, term->colour, &text);
    (void)fputs(text_string(&text), output_file(t->ctx->output));
    text_fini(&text);
    return CLI_EXIT_OK;
}

static enum top_tab tab_of(const char *word)
{
    for (unsigned i = 0; i < TOP_TABS; i++)
        if (strcmp(TOP_LISTS[i].resource, word) == 0)
            return (enum top_tab)i;
    return TOP_NODES;
}

static int run(struct cli_context *ctx)
{
    struct top t mw_cleanup(top_fini) = { .ctx = ctx };
    struct daemon *of_feed = NULL;
    struct mw_error err = { 0 };
    int64_t each_ns = MW_MAX(cli_option_duration_ns(ctx, "interval"), EACH_NS_MIN);
    if (daemon_of(ctx, &t.daemon, &err) < 0)
        return daemon_fail(ctx, &err);
    top_view_init(&t.view, daemon_name(t.daemon), cli_option_bool(ctx, "read-only"));
    t.view.wish.tab = tab_of(cli_option_string(ctx, "list"));
    const char *filter = cli_option_string(ctx, "filter");
    if (filter != NULL) {
        (void)snprintf(t.view.wish.filter, TOP_TEXT_MAX, "%s", filter);
        memcpy(t.view.filter[t.view.wish.tab], t.view.wish.filter, TOP_TEXT_MAX);
    }
    if (cli_option_bool(ctx, "once"))
        return once(&t);
    int rc = daemon_clone(t.daemon, &of_feed, &err);
    if (rc == 0)
        rc = top_screen_begin(output_term(ctx->output)->colour, &err);
    if (rc < 0)
        daemon_close(of_feed);
    else
        rc = top_feed_create(of_feed, &t.view.wish, each_ns, &t.feed, &err);
    if (rc == 0)
        return loop(&t);
    top_screen_end();
    return daemon_fail(ctx, &err);
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "watch a site on the terminal: map, nodes, incidents, jobs",
        .description =
            "Shows the site as it is now: what it yields and loses, a map of all GPUs in their "
            "order (each cell shows the worst of its GPUs, by sign and colour), and a list of "
            "nodes, incidents, jobs, the queue or work orders, sorted and filtered by the daemon, "
            "so that a fleet of any size is on the screen at once.\n\n"
            "Keys are those of k9s: 1 to 5 or Tab for the lists, / to filter, s for the order, d "
            "for the whole story of a row, space to mark nodes, r to drain them, c to cordon, u to "
            "give back, ? for help, q to leave. What would break is told, and has to be confirmed, "
            "before anything is done; with --read-only nothing can be.",
        .examples =
            (const struct command_example[]){
                { .line = "mw top -1 --socket mw.sock",
                  .shows = "One picture, without a terminal." },
                { .line = "mw top -1 --list incidents --socket mw.sock",
                  .shows = "The incidents." },
                { .line = "mw top --socket mw.sock < /dev/null",
                  .shows = "Without a terminal the exit code is 2.",
                  .exit_code = CLI_EXIT_USAGE },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "once", .letter = '1', .help = "print one picture and end" },
                { .name = "list", .type = VALUE_CHOICE,
                  .value = "nodes|incidents|jobs|queue|orders", .fallback = "nodes",
                  .help = "what to begin with" },
                { .name = "filter", .letter = 'l', .type = VALUE_STRING, .value = "EXPR",
                  .help = "a word, or an expression (mw help get)" },
                { .name = "interval", .letter = 'i', .type = VALUE_DURATION, .value = "TIME",
                  .fallback = "2s", .help = "time between two looks" },
                { .name = "read-only", .help = "nodes cannot be drained, held or returned" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .exits = daemon_exits,
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_top = {
    .noun = "top",
    .summary = "a site on the terminal",
    .commands = commands,
};
