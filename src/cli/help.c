/*
 * Says what every page contains and in which order; cli/doc decides how it
 * looks.  Never knows a command by name.
 */
#include "cli/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TERM_WIDTH 24
#define OVERVIEW_EXAMPLES_MAX 5 /* one of each of the first nouns */

static const char environment_words[] =
    "NO_COLOR turns bold and colours off when it is not empty; CLICOLOR_FORCE turns them on even "
    "where the output is no terminal; with TERM=dumb nothing is coloured or redrawn in place.";

static const char output_words[] =
    "Data goes to standard output, messages to standard error. --output chooses the form of the "
    "data: table for people, wide with more columns, json for programs, csv (RFC 4180) for "
    "spreadsheets. JSON and CSV hold plain numbers in full precision with the unit in the name of "
    "the key: down_s is in seconds, lost_usd in dollars, power_w in watts; times are RFC 3339 in "
    "UTC.\n\n"
    "Tables are cut to the width of a terminal and never when written to a file or a pipe. "
    "When the reader of a pipe goes away, as head does, the command stops and that is no error; "
    "when the output cannot be written, as on a full disk, it ends with code 1.";

static void exit_item(struct doc *d, int code, const char *when)
{
    char term[16];
    (void)snprintf(term, sizeof term, "%d", code);
    doc_item(d, term, when, 4);
}

static void section_all_exits(struct doc *d)
{
    doc_heading(d, "Exit codes");
#define X(name, code, word, meaning) exit_item(d, code, meaning);
    CLI_EXITS(X)
#undef X
}

static void section_output(struct doc *d)
{
    doc_heading(d, "Output");
    doc_paragraphs(d, output_words);
}

static void section_environment(struct doc *d)
{
    doc_heading(d, "Environment");
    doc_paragraphs(d, environment_words);
}

static const struct topic {
    const char *name, *summary;
    void (*write)(struct doc *d);
} topics[] = {
    { "exit-codes", "what the number a command ends with means", section_all_exits },
    { "output", "tables, JSON and CSV; where data and messages go", section_output },
    { "environment", "variables that are read", section_environment },
};

static void synopsis(struct doc *d, const struct command_table *t, const struct command_group *g,
                     const struct command *c)
{
    struct text line = { 0 };
    char path[COMMAND_PATH_MAX];
    command_path(g, c, path);
    text_addf(&line, "%s %s", t->program, path);
    for (const struct command_option *o = c->options; o != NULL && o->name != NULL; o++)
        if (o->required)
            text_addf(&line, " --%s %s", o->name, o->type == VALUE_CHOICE ? "WORD" : o->value);
    text_add(&line, " [options]");
    for (const struct command_arg *a = c->args; a != NULL && a->name != NULL; a++)
        text_addf(&line, " %s%s%s%s", a->optional ? "[" : "", a->name, a->repeat ? "..." : "",
                  a->optional ? "]" : "");
    doc_line(d, text_string(&line));
    text_fini(&line);
}

static void section_examples(struct doc *d, const struct command *c)
{
    doc_heading(d, "Examples");
    for (const struct command_example *e = c->examples; e != NULL && e->line != NULL; e++)
        doc_example(d, e->line, e->shows);
}

static void option_item(struct doc *d, const struct command_option *o)
{
    struct text term = { 0 }, words = { 0 };
    if (o->letter != '\0')
        text_addf(&term, "-%c, ", o->letter);
    text_addf(&term, "--%s", o->name);
    if (o->type != VALUE_NONE)
        text_addf(&term, " %s", o->value);
    text_add(&words, o->help);
    if (o->repeat)
        text_add(&words, "; may be repeated");
    if (o->required)
        text_add(&words, " (required)");
    if (o->fallback != NULL)
        text_addf(&words, " (default %s)", o->fallback);
    doc_item(d, text_string(&term), text_string(&words), TERM_WIDTH);
    text_fini(&term);
    text_fini(&words);
}

/* Of a command (NULL: of none) that may have widened a common option. */
static void section_options(struct doc *d, const char *title, const struct command *c,
                            const struct command_option *o)
{
    if (o == NULL || o->name == NULL)
        return;
    doc_heading(d, title);
    for (; o->name != NULL; o++)
        if (command_option_long(c, o->name, strlen(o->name)) == o)
            option_item(d, o);
}

static void section_args(struct doc *d, const struct command_arg *a)
{
    if (a == NULL || a->name == NULL)
        return;
    doc_heading(d, "Arguments");
    for (; a->name != NULL; a++) {
        struct text words = { 0 };
        text_addf(&words, "%s%s%s", a->help, a->choices != NULL ? ": " : "",
                  a->choices != NULL ? a->choices : "");
        doc_item(d, a->name, text_string(&words), TERM_WIDTH);
        text_fini(&words);
    }
}

static const char *exit_words(const struct command *c, int code)
{
    for (const struct command_exit *e = c->exits; e != NULL && e->code != 0; e++)
        if (e->code == code)
            return e->when;
    return cli_exit_meaning(code);
}

/* The common codes and this command's own, in order. */
static void section_exits(struct doc *d, const struct command *c)
{
    static const int common[] = { CLI_EXIT_OK, CLI_EXIT_ERROR, CLI_EXIT_USAGE };
    doc_heading(d, "Exit codes");
    for (size_t i = 0; i < MW_ARRAY_LEN(common); i++)
        exit_item(d, common[i], exit_words(c, common[i]));
    for (const struct command_exit *e = c->exits; e != NULL && e->code != 0; e++)
        if (e->code > CLI_EXIT_USAGE)
            exit_item(d, e->code, e->when);
    exit_item(d, CLI_EXIT_INTERRUPTED, cli_exit_meaning(CLI_EXIT_INTERRUPTED));
}

void help_command(struct doc *d, const struct command_table *t, const struct command_group *g,
                  const struct command *c)
{
    char path[COMMAND_PATH_MAX];
    must(d != NULL && c != NULL);
    command_path(g, c, path);
    text_addf(d->out, "%s %s: %s\n", t->program, path, c->summary);
    section_examples(d, c);
    doc_heading(d, "Usage");
    synopsis(d, t, g, c);
    text_add(d->out, "\n");
    doc_paragraphs(d, c->description);
    section_args(d, c->args);
    section_options(d, "Options", c, c->options);
    section_options(d, "Options of every command", c, command_common_options);
    section_exits(d, c);
}

static void group_items(struct doc *d, const struct command_group *g)
{
    for (const struct command *c = g->commands; c->run != NULL; c++) {
        char path[COMMAND_PATH_MAX];
        command_path(g, c, path);
        doc_item(d, path, c->summary, TERM_WIDTH);
    }
}

/* The first example of each command: what a newcomer tries. */
static void group_examples(struct doc *d, const struct command_group *g)
{
    for (const struct command *c = g->commands; c->run != NULL; c++)
        if (c->examples != NULL && c->examples->line != NULL)
            doc_example(d, c->examples->line, c->examples->shows);
}

void help_group(struct doc *d, const struct command_table *t, const struct command_group *g)
{
    must(d != NULL && g != NULL);
    if (g->commands[0].verb[0] == '\0') {
        help_command(d, t, g, &g->commands[0]);
        return;
    }
    text_addf(d->out, "%s %s: %s\n", t->program, g->noun, g->summary);
    doc_heading(d, "Examples");
    group_examples(d, g);
    doc_heading(d, "Commands");
    group_items(d, g);
    section_options(d, "Options of every command", NULL, command_common_options);
    text_addf(d->out, "\nMore: %s help %s %s\n", t->program, g->noun, g->commands[0].verb);
}

static void section_commands(struct doc *d, const struct command_table *t)
{
    doc_heading(d, "Commands");
    for (const struct command_group *const *g = t->groups; *g != NULL; g++)
        group_items(d, *g);
}

void help_overview(struct doc *d, const struct command_table *t)
{
    must(d != NULL && t != NULL);
    text_addf(d->out, "%s: %s\n", t->program, t->summary);
    doc_heading(d, "Examples");
    unsigned shown = 0;
    for (const struct command_group *const *g = t->groups; *g != NULL; g++)
        if ((*g)->commands[0].examples != NULL && shown++ < OVERVIEW_EXAMPLES_MAX)
            doc_example(d, (*g)->commands[0].examples->line, (*g)->commands[0].examples->shows);
    section_commands(d, t);
    doc_heading(d, "Topics");
    for (size_t i = 0; i < MW_ARRAY_LEN(topics); i++)
        doc_item(d, topics[i].name, topics[i].summary, TERM_WIDTH);
    section_options(d, "Options of every command", NULL, command_common_options);
    text_addf(d->out, "\nMore: %s help COMMAND or TOPIC\n", t->program);
}

/* Appends the page whose name is `wanted`; false when there is none.  Offers every name to n. */
static bool find_page(struct doc *d, const struct command_table *t, const char *wanted,
                      struct nearest *n)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(topics); i++) {
        nearest_offer(n, topics[i].name, strlen(topics[i].name));
        if (strcmp(topics[i].name, wanted) == 0) {
            topics[i].write(d);
            return true;
        }
    }
    for (const struct command_group *const *g = t->groups; *g != NULL; g++) {
        nearest_offer(n, (*g)->noun, strlen((*g)->noun));
        if (strcmp((*g)->noun, wanted) == 0) {
            help_group(d, t, *g);
            return true;
        }
        for (const struct command *c = (*g)->commands; c->run != NULL; c++) {
            char path[COMMAND_PATH_MAX];
            command_path(*g, c, path);
            nearest_offer(n, path, strlen(path));
            if (strcmp(path, wanted) == 0) {
                help_command(d, t, *g, c);
                return true;
            }
        }
    }
    return false;
}

int help_page(struct doc *d, const struct command_table *t, const char *const *word, uint32_t n,
              struct mw_error *err)
{
    struct text wanted = { 0 };
    if (n == 0) {
        help_overview(d, t);
        return 0;
    }
    for (uint32_t i = 0; i < n; i++)
        text_addf(&wanted, "%s%s", i > 0 ? " " : "", word[i]);
    struct nearest near = { .word = text_string(&wanted) };
    int rc = 0;
    if (!find_page(d, t, text_string(&wanted), &near))
        rc = mw_fail(err, MW_ENOTFOUND, "no page \"%.100s\"%s%s%s; %s help lists them",
                     text_string(&wanted), near.best[0] ? " (did you mean \"" : "", near.best,
                     near.best[0] ? "\"?)" : "", t->program);
    text_fini(&wanted);
    return rc;
}

void help_page_name(const struct command_table *t, const struct command_group *g,
                    const struct command *c, char ret[HELP_PAGE_NAME_MAX])
{
    char path[COMMAND_PATH_MAX] = "";
    if (g != NULL)
        command_path(g, c, path);
    for (char *p = path; *p != '\0'; p++)
        if (*p == ' ')
            *p = '-';
    int n = snprintf(ret, HELP_PAGE_NAME_MAX, "%s%s%s", t->program, path[0] ? "-" : "", path);
    must(n > 0 && n < HELP_PAGE_NAME_MAX);
}

static void man_head(struct doc *d, const char *page, const char *summary)
{
    text_add(d->out, ".\\\" Made from the command table by \"mw help --man\".\n");
    text_addf(d->out, ".TH \"%s\" 1 \"\" \"Millwright %s\" \"Millwright Manual\"\n", page,
              MW_VERSION);
    text_add(d->out, ".nh\n.ad l\n");
    doc_heading(d, "Name");
    doc_roff_text(d->out, page);
    text_add(d->out, " \\- ");
    doc_roff_text(d->out, summary);
    text_add(d->out, "\n");
}

static void man_overview(struct doc *d, const struct command_table *t)
{
    struct text line = { 0 };
    man_head(d, t->program, t->summary);
    doc_heading(d, "Synopsis");
    text_addf(&line, "%s COMMAND [options] [arguments]", t->program);
    doc_line(d, text_string(&line));
    text_fini(&line);
    doc_heading(d, "Examples");
    for (const struct command_group *const *g = t->groups; *g != NULL; g++)
        group_examples(d, *g);
    section_commands(d, t);
    section_options(d, "Options of every command", NULL, command_common_options);
    for (size_t i = 0; i < MW_ARRAY_LEN(topics); i++)
        topics[i].write(d);
}

void help_man(struct text *ret, const struct command_table *t, const struct command_group *g,
              const struct command *c)
{
    struct doc d = { .out = ret, .form = DOC_ROFF };
    char page[HELP_PAGE_NAME_MAX];
    must(ret != NULL && (g == NULL) == (c == NULL));
    if (g == NULL) {
        man_overview(&d, t);
        return;
    }
    help_page_name(t, g, c, page);
    man_head(&d, page, c->summary);
    doc_heading(&d, "Synopsis");
    synopsis(&d, t, g, c);
    section_examples(&d, c);
    doc_heading(&d, "Description");
    doc_paragraphs(&d, c->description);
    section_args(&d, c->args);
    section_options(&d, "Options", c, c->options);
    section_options(&d, "Options of every command", c, command_common_options);
    section_exits(&d, c);
    doc_heading(&d, "See also");
    text_addf(ret, "\\fB%s\\fR(1)\n", t->program);
}

static int write_page(const struct command_table *t, const struct command_group *g,
                      const struct command *c, const char *dir, struct mw_error *err)
{
    struct text page = { 0 }, path = { 0 };
    char name[HELP_PAGE_NAME_MAX];
    int rc = 0;
    help_man(&page, t, g, c);
    help_page_name(t, g, c, name);
    text_addf(&path, "%s/%s.1", dir, name);
    FILE *f = fopen(text_string(&path), "we");
    bool ok = f != NULL && !page.failed && fputs(text_string(&page), f) >= 0;
    if (f != NULL && fclose(f) != 0)
        ok = false;
    if (!ok)
        rc = mw_fail(err, errno == ENOSPC ? MW_ENOSPC : MW_EIO, "cannot write %s: %s",
                     text_string(&path), strerror(errno));
    text_fini(&page);
    text_fini(&path);
    return rc;
}

int help_man_write(const struct command_table *t, const char *dir, uint32_t *ret_n,
                   struct mw_error *err)
{
    uint32_t n = 1;
    must(t != NULL && dir != NULL && ret_n != NULL);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return mw_fail(err, MW_EIO, "cannot make the folder %s: %s", dir, strerror(errno));
    int rc = write_page(t, NULL, NULL, dir, err);
    for (const struct command_group *const *g = t->groups; *g != NULL && rc == 0; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL && rc == 0; c++, n++)
            rc = write_page(t, *g, c, dir, err);
    if (rc == 0)
        *ret_n = n;
    return rc;
}
