/*
 * The real command table: every command is documented, its pages render, its
 * completion works in the shells.  Run with the path of `mw`.
 */
#include "cli/commands.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/completion.h"
#include "cli/context.h"
#include "cli/help.h"

/* Runs a shell line with $MW set; gives its output (static) and exit code. */
static int shell(const char *line, char *ret, size_t size)
{
    FILE *p = popen(line, "r");
    assert_non_null(p);
    size_t n = fread(ret, 1, size - 1, p);
    ret[n] = '\0';
    int status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool have(const char *program)
{
    char line[128], out[256];
    (void)snprintf(line, sizeof line, "command -v %s", program);
    return shell(line, out, sizeof out) == 0;
}

/* Calls fn for every command of the table. */
typedef void visit_fn(const struct command_group *g, const struct command *c, const char *path);
static void visit(visit_fn *fn)
{
    unsigned n = 0;
    for (const struct command_group *const *g = mw_commands.groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++, n++) {
            char path[COMMAND_PATH_MAX];
            command_path(*g, c, path);
            fn(*g, c, path);
        }
    assert_true(n >= 9);
}

static void is_documented(const struct command_group *g, const struct command *c, const char *path)
{
    char start[COMMAND_PATH_MAX + 8];
    (void)snprintf(start, sizeof start, "mw %s", path);
    if (c->examples == NULL || c->summary == NULL || c->description == NULL)
        fail_msg("%s lacks a summary, a description or examples", path);
    assert_true(g->summary != NULL && strlen(c->summary) <= 72);
    assert_true(strlen(c->description) > 40);
    bool shown = false;
    for (const struct command_example *e = c->examples; e->line != NULL; e++) {
        shown |= strstr(e->line, start) != NULL;
        size_t n = strlen(e->shows);
        if (n == 0 || e->shows[n - 1] != '.')
            fail_msg("%s: an example's words are no sentence: %s", path, e->shows);
    }
    if (!shown)
        fail_msg("no example of %s uses it", path);
    for (const struct command_exit *e = c->exits; e != NULL && e->code != 0; e++)
        if (cli_exit_meaning(e->code)[0] == '\0')
            fail_msg("%s: %d is no exit code of ours", path, e->code);
}

static void every_command_has_summary_description_and_examples(void **state)
{
    (void)state;
    visit(is_documented);
}

/* A command may add words to a common choice; it may not take any away. */
static bool widens(const struct command_option *own, const struct command_option *common)
{
    const char *at = common->value, *choice;
    size_t n;
    if (own->type != VALUE_CHOICE || common->type != VALUE_CHOICE ||
        own->letter != common->letter || strcmp(own->name, common->name) != 0)
        return false;
    while ((n = command_choice_next(&at, &choice)) > 0) {
        char word[NEAREST_MAX];
        (void)snprintf(word, sizeof word, "%.*s", (int)n, choice);
        if (!command_choice_has(own->value, word))
            return false;
    }
    return true;
}

static void option_is_sound(const struct command *c, const struct command_option *o,
                            const char *path)
{
    if (o->help == NULL || o->help[0] == '\0')
        fail_msg("%s --%s has no help", path, o->name);
    if ((o->type == VALUE_NONE) != (o->value == NULL))
        fail_msg("%s --%s: a value has a name and a flag has none", path, o->name);
    if (o->fallback != NULL && !command_value_ok(o->type, o->value, o->fallback))
        fail_msg("%s --%s: the default \"%s\" is no valid value", path, o->name, o->fallback);
    if (command_option_long(c, o->name, strlen(o->name)) != o)
        fail_msg("%s --%s is declared twice", path, o->name);
    if (o->letter != '\0' && command_option_letter(c, o->letter) != o)
        fail_msg("%s -%c is declared twice", path, o->letter);
    for (const struct command_option *k = command_common_options; k->name != NULL; k++)
        if (k != o && !widens(o, k) &&
            (strcmp(k->name, o->name) == 0 || (o->letter && k->letter == o->letter)))
            fail_msg("%s --%s hides a common option", path, o->name);
}

static void is_sound(const struct command_group *g, const struct command *c, const char *path)
{
    (void)g;
    bool open = false;
    for (const struct command_option *o = c->options; o != NULL && o->name != NULL; o++)
        option_is_sound(c, o, path);
    for (const struct command_arg *a = c->args; a != NULL && a->name != NULL; a++) {
        if (open)
            fail_msg("%s: only the last argument may be optional or repeated", path);
        open = a->optional || a->repeat;
        assert_true((a->type == VALUE_CHOICE) == (a->choices != NULL));
    }
}

static void options_and_arguments_are_sound_and_defaults_valid(void **state)
{
    (void)state;
    visit(is_sound);
    for (const struct command_option *o = command_common_options; o->name != NULL; o++)
        option_is_sound(NULL, o, "common");
}

/* Examples must come before usage, and nothing may be wider than the terminal. */
static void helps(const struct command_group *g, const struct command *c, const char *path)
{
    struct text t = { 0 };
    struct doc d = { .out = &t, .form = DOC_PLAIN, .width = 80 };
    help_command(&d, &mw_commands, g, c);
    const char *examples = strstr(text_string(&t), "Examples:");
    const char *usage = strstr(text_string(&t), "Usage:");
    if (examples == NULL || usage == NULL || examples > usage)
        fail_msg("the help of %s does not lead with examples", path);
    assert_non_null(strstr(text_string(&t), "Exit codes:"));
    for (const struct command_option *o = c->options; o != NULL && o->name != NULL; o++)
        assert_non_null(strstr(text_string(&t), o->name));
    text_fini(&t);
}

static void help_leads_with_examples_and_names_every_option(void **state)
{
    (void)state;
    visit(helps);
}

static void man_pages_render_without_a_warning(void **state)
{
    (void)state;
    char out[8192];
    assert_int_equal(shell("d=$(mktemp -d) && \"$MW\" help -q --man $d/man && cd $d/man && "
                           "ls | wc -l && for f in *.1; do "
                           "groff -man -Tutf8 -ww -z $f 2>&1 || echo bad $f; "
                           "man --warnings -E UTF-8 -l $f 2>&1 >/dev/null; done; rm -r $d",
                           out, sizeof out),
                     0);
    unsigned pages = 1;
    for (const struct command_group *const *g = mw_commands.groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++)
            pages++;
    char expected[16];
    (void)snprintf(expected, sizeof expected, "%u\n", pages);
    assert_string_equal(out, expected);
}

static void man_pages_hold_the_examples_letter_for_letter(void **state)
{
    (void)state;
    char out[65536];
    assert_int_equal(shell("d=$(mktemp -d) && \"$MW\" help -q --man $d/man && "
                           "groff -man -Tutf8 -P-bcou -rLL=200n $d/man/mw-site-show.1; rm -r $d",
                           out, sizeof out),
                     0);
    assert_non_null(strstr(out, "mw site show site.yaml --kind gpu -o csv | "
                                "awk -F, 'NR < 4 { print $1 }'"));
}

static void completion_scripts_are_valid_in_their_shells(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(shell("\"$MW\" completion bash | bash -n 2>&1", out, sizeof out), 0);
    assert_string_equal(out, "");
    if (!have("zsh"))
        return;
    assert_int_equal(shell("\"$MW\" completion zsh | zsh -n 2>&1", out, sizeof out), 0);
    assert_string_equal(out, "");
}

/* Words typed so far (the last is under the cursor) and what bash must offer, sorted. */
static const struct {
    const char *words, *offers;
} completions[] = {
    { "mw si", "sim site" },
    { "mw site ''", "check diff import new query show" },
    { "mw site query ''", "fails-with shares stands-on" },
    { "mw site query st", "stands-on" },
    { "mw -q site query st", "stands-on" },
    { "mw --output json site sh", "show" },
    { "mw site new --sh", "--shape" },
    { "mw site new --shape ''", "gb200-nvl72 hgx-h100 mixed" },
    { "mw site new --shape = hg", "hgx-h100" },
    { "mw site new -o ''", "csv json table wide" },
    { "mw site check --out", "--output" },
    { "mw site check ./", "./a.yaml ./b b.yaml" },
    { "mw site check a.", "a.yaml" },
    { "mw completion ''", "bash zsh" },
    { "mw --ver", "--version" },
};

static void bash_offers_commands_options_values_and_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(completions); i++) {
        char line[1024], out[4096];
        (void)snprintf(line, sizeof line,
                       "d=$(mktemp -d) && cd $d && touch a.yaml 'b b.yaml' && "
                       "\"$MW\" completion bash > s && bash -c 'source ./s; rm s; "
                       "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _mw; "
                       "printf \"%%s\\n\" \"${COMPREPLY[@]}\" | LC_ALL=C sort | paste -sd\" \"' "
                       "bash %s; rm -r $d",
                       completions[i].words);
        assert_int_equal(shell(line, out, sizeof out), 0);
        out[strcspn(out, "\n")] = '\0';
        if (strcmp(out, completions[i].offers) != 0)
            fail_msg("%s: offered \"%s\"", completions[i].words, out);
    }
}

/* The same in zsh, with its completion functions replaced by ones that print. */
static void zsh_offers_the_same(void **state)
{
    (void)state;
    if (!have("zsh"))
        return;
    for (size_t i = 0; i < MW_ARRAY_LEN(completions); i++) {
        char line[2048], out[4096];
        if (strstr(completions[i].words, " = ") || strstr(completions[i].offers, ".yaml"))
            continue;
        (void)snprintf(line, sizeof line,
                       "\"$MW\" completion zsh > /tmp/mw-zsh-$$ && zsh -f -c '"
                       "compset() { :; }; compdef() { :; }; "
                       "compadd() { shift; print -l -- \"$@\"; }; "
                       "_describe() { local n=${@[-1]} x; "
                       "for x in \"${(@P)n}\"; do print -- ${x%%%%:*}; done; }; "
                       "f=$1; shift; words=(\"$@\"); CURRENT=$#; source $f; _mw' "
                       "zsh /tmp/mw-zsh-$$ %s | grep -e \"^$(echo %s | sed 's/.* //')\" "
                       "| LC_ALL=C sort | paste -sd' '; rm /tmp/mw-zsh-$$",
                       completions[i].words, completions[i].words);
        assert_int_equal(shell(line, out, sizeof out), 0);
        out[strcspn(out, "\n")] = '\0';
        if (strcmp(out, completions[i].offers) != 0)
            fail_msg("%s: offered \"%s\"", completions[i].words, out);
    }
}

static void help_of_a_page_that_is_not_there_ends_with_3(void **state)
{
    (void)state;
    char out[4096];
    assert_int_equal(shell("\"$MW\" help site chekc 2>&1", out, sizeof out), CLI_EXIT_NOT_FOUND);
    assert_string_equal(out, "mw: help: no page \"site chekc\" (did you mean \"site check\"?); "
                             "mw help lists them\n");
    assert_int_equal(shell("\"$MW\" help exit-codes", out, sizeof out), 0);
    assert_non_null(strstr(out, "130"));
}

/* What scripts rely on, with the real commands. */
static const struct {
    const char *line;
    int code;
    const char *output; /* how it begins */
} real[] = {
    { "mw site new --gpus 64 --out a.yaml", 0, "mw: site new: wrote a.yaml\n" },
    { "mw site new --gpus 64 --out a.yaml", CLI_EXIT_CONFLICT,
      "mw: site new: a.yaml exists already; --force writes over it\n" },
    { "mw site new -q --gpus 64 --out a.yaml --force", 0, "" },
    { "mw site new --gpus 7 --out c.yaml", 0,
      "mw: site new: wrote c.yaml\nmw: site new: 8 GPUs instead of 7: " },
    { "mw site new --gpus 73 --shape gb200-nvl72 2>&1 >/dev/null", 0,
      "mw: site new: 144 GPUs instead of 73: " },
    { "mw site new --gpus 64 --out no/a.yaml", CLI_EXIT_NOT_FOUND,
      "mw: site new: cannot write no/" },
    { "mw site new --gpus 64 > /dev/full", CLI_EXIT_ERROR,
      "mw: site new: cannot write the output: No space left on device" },
    { "mw site new --gpus 64 --out /dev/full --force", CLI_EXIT_ERROR,
      "mw: site new: cannot write /dev/full: No space left on device; it is not complete\n" },
    { "ls /dev/full", 0, "/dev/full\n" },
    { "mw site new --gpus 0", CLI_EXIT_USAGE, "mw: site new: option --gpus: must be from 1" },
    { "mw site new --shape hgx --gpus 8", CLI_EXIT_USAGE,
      "mw: site new: option --shape: \"hgx\" is not one of hgx-h100, gb200-nvl72, mixed" },
    { "mw site check a.yaml", 0, "mw: site check: a.yaml: no problems; 8 nodes, 64 GPUs\n" },
    { "mw site check a.yaml --json", 0, "[]\nmw: site check" },
    { "mw site check missing.yaml", CLI_EXIT_NOT_FOUND, "mw: site check: missing.yaml" },
    { "mw site check .", CLI_EXIT_ERROR, "mw: site check: . is a directory: name a file in it\n" },
    { "mkdir d; echo zz: 1 > d/x.yaml; mw site check d/x.yaml", CLI_EXIT_PROBLEMS,
      "mw: site check: d/x.yaml:1:1: " },
    { "sed 's/^halls:/hals:/' a.yaml > b.yaml; mw site check b.yaml", CLI_EXIT_PROBLEMS,
      "mw: site check: b.yaml:" },
    { "mw site show b.yaml", CLI_EXIT_ERROR, "mw: site show: b.yaml:" },
    { "mw site check -o csv b.yaml 2>&-", CLI_EXIT_PROBLEMS,
      "file,line,column,more,problem\r\nb.yaml," },
    { "mw site show a.yaml nothing-like-it", CLI_EXIT_NOT_FOUND,
      "mw: site show: the site has no component \"nothing-like-it\"" },
    { "mw site show a.yaml --kind gpu | head -1", 0, "NAME" },
    { "mw site show a.yaml --kind gpu -o csv | tail -n +2 | wc -l", 0, "64\n" },
    { "mw site show a.yaml --kind node x", CLI_EXIT_USAGE, "mw: site show: name components or" },
    { "mw site query fails-with -q a.yaml h01-r01-k1 -o csv | grep -c ,node,down", 0, "4\n" },
    { "mw site query fails-with -q a.yaml h01-r01-pdu-a -o csv | grep ,down", 0,
      "h01-r01-pdu-a,pdu,down\r\n" },
    { "mw site query fails-with -q a.yaml h01-r01-pdu-a -o csv | grep -c ,down", 0, "1\n" },
    { "mw site query shares a.yaml h01-r01-k1-n1 h01-r01-k1-n2-gpu3 -o csv | sed -n 2p", 0,
      "rack,h01-r01-k1,4\r\n" },
    { "mw site query stands-on a.yaml h01-r01-k1-n1 -o csv | grep -c ,nic,", 0, "8\n" },
    { "mw site query fails-with a.yaml nothing-like-it", CLI_EXIT_NOT_FOUND, "mw: site query" },
    { "mw site query shares a.yaml "
      "$(mw site show a.yaml --kind node -o csv | sed -n '2s/,.*//p') x",
      CLI_EXIT_NOT_FOUND, "mw: site query shares: the site has no component \"x\"" },
    { "mw site query stands-on a.yaml "
      "$(mw site show a.yaml --kind rack -o csv | sed -n '2s/,.*//p')",
      CLI_EXIT_USAGE, "mw: site query stands-on: " },
};

static void exit_codes_and_messages_of_real_commands_are_as_documented(void **state)
{
    (void)state;
    char folder[] = "/tmp/mw-commands-XXXXXX", line[1024], out[16384];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < MW_ARRAY_LEN(real); i++) {
        (void)snprintf(line, sizeof line, "cd %s; exec 2>&1; mw() { \"$MW\" \"$@\"; }; %s",
                       folder, real[i].line);
        int code = shell(line, out, sizeof out);
        if (code != real[i].code || strncmp(out, real[i].output, strlen(real[i].output)) != 0)
            fail_msg("%s: exit code %d, printed: %s", real[i].line, code, out);
    }
    (void)snprintf(line, sizeof line, "rm -r %s", folder);
    assert_int_equal(shell(line, out, sizeof out), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_summary_description_and_examples),
        cmocka_unit_test(options_and_arguments_are_sound_and_defaults_valid),
        cmocka_unit_test(help_leads_with_examples_and_names_every_option),
        cmocka_unit_test(man_pages_render_without_a_warning),
        cmocka_unit_test(man_pages_hold_the_examples_letter_for_letter),
        cmocka_unit_test(completion_scripts_are_valid_in_their_shells),
        cmocka_unit_test(bash_offers_commands_options_values_and_files),
        cmocka_unit_test(zsh_offers_the_same),
        cmocka_unit_test(help_of_a_page_that_is_not_there_ends_with_3),
        cmocka_unit_test(exit_codes_and_messages_of_real_commands_are_as_documented),
    };
    if (argc != 2 || setenv("MW", argv[1], 1) != 0) {
        (void)fprintf(stderr, "usage: %s PATH-OF-MW\n", argv[0]);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
