/* What a person types, right and wrong, against a small table. */
#include "cli/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static int run_nothing(struct cli_context *ctx)
{
    (void)ctx;
    return 0;
}

static const struct command_option run_options[] = {
    { .name = "seed", .letter = 's', .type = VALUE_U64, .value = "N", .fallback = "1",
      .help = "h" },
    { .name = "set", .type = VALUE_STRING, .value = "K=V", .repeat = true, .help = "h" },
    { .name = "shape", .type = VALUE_CHOICE, .value = "ring|torus", .help = "h" },
    { .name = "load", .type = VALUE_DECIMAL, .value = "X", .fallback = "0.85", .help = "h" },
    { .name = "for", .type = VALUE_DURATION, .value = "TIME", .fallback = "2.5h", .help = "h" },
    { .name = "dry", .letter = 'n', .help = "h" },
    { 0 },
};
static const struct command_option needed[] = {
    { .name = "gpus", .type = VALUE_U64, .value = "N", .required = true, .help = "how many GPUs" },
    { 0 },
};
static const struct command_arg file_arg[] = {
    { .name = "FILE", .type = VALUE_FILE, .help = "the scenario" },
    { 0 },
};
static const struct command_arg names[] = {
    { .name = "FILE", .type = VALUE_FILE, .help = "the site" },
    { .name = "NAME", .type = VALUE_STRING, .repeat = true, .help = "components" },
    { 0 },
};
static const struct command_arg shell_arg[] = {
    { .name = "SHELL", .type = VALUE_CHOICE, .choices = "bash|zsh", .help = "the shell" },
    { 0 },
};
static const struct command sim[] = {
    { .verb = "run", .options = run_options, .args = file_arg, .run = run_nothing },
    { .verb = "new", .options = needed, .run = run_nothing },
    { .verb = "query fails-with", .args = names, .run = run_nothing },
    { .verb = "query shares", .args = names, .run = run_nothing },
    { 0 },
};
static const struct command completion[] = {
    { .verb = "", .args = shell_arg, .run = run_nothing },
    { 0 },
};
static const struct command_group sim_group = { .noun = "sim", .commands = sim };
static const struct command_group completion_group = { .noun = "completion",
                                                       .commands = completion };
static const struct command_group *const groups[] = { &sim_group, &completion_group, NULL };
static const struct command_table table = { .program = "mw", .groups = groups };

#define WORDS_MAX 16

/* Divides a line at spaces (no quoting) and parses it. */
struct line {
    char text[256];
    char *argv[WORDS_MAX + 1];
    int argc;
    struct cli_parsed parsed;
    struct mw_error err;
    int rc;
};

static struct line *parse(const char *words)
{
    static struct line l;
    cli_parsed_fini(&l.parsed);
    memset(&l, 0, sizeof l);
    assert_true(strlen(words) < sizeof l.text);
    memcpy(l.text, words, strlen(words) + 1);
    for (char *p = l.text; *p != '\0' && l.argc < WORDS_MAX;) {
        l.argv[l.argc++] = p;
        p += strcspn(p, " ");
        if (*p == ' ')
            *p++ = '\0';
    }
    l.rc = cli_parse(&table, l.argc, l.argv, &l.parsed, &l.err);
    return &l;
}

static struct cli_context context_of(const struct line *l)
{
    return (struct cli_context){
        .table = &table, .group = l->parsed.group, .command = l->parsed.command,
        .given = l->parsed.given, .given_count = l->parsed.given_count, .arg = l->parsed.arg,
        .arg_count = l->parsed.arg_count,
    };
}

static void options_are_read_with_a_space_an_equals_sign_and_by_letter(void **state)
{
    (void)state;
    static const char *const forms[] = { "mw sim run --seed 42 f", "mw sim run --seed=42 f",
                                         "mw sim run -s 42 f", "mw sim run -s42 f",
                                         "mw sim run f -ns42", "mw sim run f --seed 42" };
    for (size_t i = 0; i < MW_ARRAY_LEN(forms); i++) {
        struct line *l = parse(forms[i]);
        struct cli_context ctx = context_of(l);
        assert_int_equal(l->rc, 0);
        assert_ptr_equal(l->parsed.command, &sim[0]);
        assert_int_equal(cli_option_u64(&ctx, "seed"), 42);
        assert_int_equal(cli_arg_count(&ctx), 1);
        assert_string_equal(cli_arg(&ctx, 0), "f");
        assert_int_equal(cli_option_bool(&ctx, "dry"), i == 4);
    }
}

static void defaults_come_from_the_table_and_the_last_value_wins(void **state)
{
    (void)state;
    struct line *l = parse("mw sim run f");
    struct cli_context ctx = context_of(l);
    assert_int_equal(l->rc, 0);
    assert_int_equal(cli_option_u64(&ctx, "seed"), 1);
    assert_false(cli_option_given(&ctx, "seed"));
    assert_true(cli_option_real(&ctx, "load") == 0.85);
    assert_int_equal(cli_option_duration_ns(&ctx, "for"), INT64_C(9000000000000));
    assert_null(cli_option_string(&ctx, "shape"));
    l = parse("mw sim run --seed 1 --seed 2 f");
    ctx = context_of(l);
    assert_int_equal(cli_option_u64(&ctx, "seed"), 2);
}

static void repeated_options_keep_their_order(void **state)
{
    (void)state;
    struct line *l = parse("mw sim run --set a=1 f --set=b=2 --set c=3");
    struct cli_context ctx = context_of(l);
    assert_int_equal(l->rc, 0);
    assert_int_equal(cli_option_count(&ctx, "set"), 3);
    assert_string_equal(cli_option_nth(&ctx, "set", 0), "a=1");
    assert_string_equal(cli_option_nth(&ctx, "set", 1), "b=2");
    assert_string_equal(cli_option_nth(&ctx, "set", 2), "c=3");
    assert_null(cli_option_nth(&ctx, "set", 3));
}

static void two_dashes_end_the_options_and_one_dash_is_an_argument(void **state)
{
    (void)state;
    struct line *l = parse("mw sim query shares -- --json -h");
    assert_int_equal(l->rc, 0);
    assert_false(l->parsed.help);
    assert_int_equal(l->parsed.form, OUTPUT_TABLE);
    assert_int_equal(l->parsed.arg_count, 2);
    assert_string_equal(l->parsed.arg[0], "--json");
    l = parse("mw sim run -");
    assert_int_equal(l->rc, 0);
    assert_string_equal(l->parsed.arg[0], "-");
}

static void common_options_stand_before_and_after_the_command(void **state)
{
    (void)state;
    assert_int_equal(parse("mw --json sim run f")->parsed.form, OUTPUT_JSON);
    assert_int_equal(parse("mw sim -o csv run f")->parsed.form, OUTPUT_CSV);
    assert_int_equal(parse("mw sim run f -owide --no-color -q")->parsed.form, OUTPUT_WIDE);
    assert_true(parse("mw sim run f -owide --no-color -q")->parsed.no_color);
    assert_true(parse("mw sim run f -q")->parsed.quiet);
    assert_true(parse("mw --version")->parsed.version);
}

static void verbs_of_two_words_are_found(void **state)
{
    (void)state;
    assert_ptr_equal(parse("mw sim query fails-with f x")->parsed.command, &sim[2]);
    assert_ptr_equal(parse("mw sim query shares f x y z")->parsed.command, &sim[3]);
    assert_int_equal(parse("mw sim query shares f x y z")->parsed.arg_count, 4);
}

static void help_wins_over_a_line_that_is_wrong_otherwise(void **state)
{
    (void)state;
    struct line *l = parse("mw sim run --sed --help");
    assert_int_equal(l->rc, 0);
    assert_true(l->parsed.help);
    assert_ptr_equal(l->parsed.command, &sim[0]);
    assert_true(parse("mw sim -h")->parsed.help);
    assert_int_equal(parse("mw sim run --sed -- --help")->rc, MW_EINVAL);
}

/* Every mistake, and all that its message must say. */
static const struct {
    const char *line, *text;
} mistakes[] = {
    { "mw sims run f", "unknown command \"sims\" (did you mean \"sim\"?)" },
    { "mw frobnicate", "unknown command \"frobnicate\"" },
    { "mw sim rum f", "unknown command \"sim rum\" (did you mean \"run\"?)" },
    { "mw sim qu f", "unknown command \"sim qu\" (did you mean \"query\"?)" },
    { "mw sim query share f", "unknown command \"sim query share\" (did you mean \"shares\"?)" },
    { "mw sim query run f", "unknown command \"sim query run\"" },
    { "mw sim", "\"sim\" needs one of: run, new, query fails-with, query shares" },
    { "mw sim query", "\"sim query\" needs one of: fails-with, shares" },
    { "mw sim run --sede 1 f", "unknown option --sede (did you mean --seed?)" },
    { "mw sim run --jsno f", "unknown option --jsno (did you mean --json?)" },
    { "mw sim run --see 1 f", "unknown option --see (did you mean --seed?)" },
    { "mw sim run --frobnicate f", "unknown option --frobnicate" },
    { "mw --seed 1 sim run f",
      "unknown option --seed (a command's options come after its name)" },
    { "mw sim run -x f", "unknown option -x in \"-x\"" },
    { "mw sim run -nx f", "unknown option -x in \"-nx\"" },
    { "mw sim run f --seed", "option --seed needs a value: a whole number from 0" },
    { "mw sim run f --set --json", "option --set needs a value: a value; for one that begins "
                                   "with dashes write --name=--json" },
    { "mw sim run f -o", "option --output needs a value: table|wide|json|csv" },
    { "mw sim run f --json=yes", "option --json takes no value" },
    { "mw sim run --seed -1 f", "option --seed: \"-1\" is not a whole number from 0" },
    { "mw sim run --seed=7x f", "option --seed: \"7x\" is not a whole number from 0" },
    { "mw sim run --load= f", "option --load: \"\" is not a number" },
    { "mw sim run --for 3 f",
      "option --for: \"3\" is not a duration such as 90s, 2.5h or 348d" },
    { "mw sim run --shape rign f",
      "option --shape: \"rign\" is not one of ring, torus (did you mean \"ring\"?)" },
    { "mw sim run -o xml f", "option --output: \"xml\" is not one of table, wide, json, csv" },
    { "mw sim run", "FILE is missing: the scenario" },
    { "mw sim query shares f", "NAME is missing: components" },
    { "mw sim run a b", "unexpected argument \"b\"" },
    { "mw sim new", "option --gpus is missing: how many GPUs" },
    { "mw completion bahs", "SHELL: \"bahs\" is not one of bash, zsh (did you mean \"bash\"?)" },
    { "mw --json", "a command is missing" },
};

static void every_mistake_is_named_with_the_nearest_right_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(mistakes); i++) {
        struct line *l = parse(mistakes[i].line);
        if (l->rc != MW_EINVAL)
            print_error("accepted: %s\n", mistakes[i].line);
        assert_int_equal(l->rc, MW_EINVAL);
        assert_string_equal(l->err.text, mistakes[i].text);
    }
    (void)parse("mw --version");
}

static void running_out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    for (int64_t k = 0; k < 2; k++) {
        mw_mem_fail_after(k);
        assert_int_equal(parse("mw sim run --set a=1 f")->rc, MW_ENOMEM);
        mw_mem_fail_after(-1);
    }
    assert_int_equal(parse("mw sim run --set a=1 f")->rc, 0);
    (void)parse("mw --version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_with_a_space_an_equals_sign_and_by_letter),
        cmocka_unit_test(defaults_come_from_the_table_and_the_last_value_wins),
        cmocka_unit_test(repeated_options_keep_their_order),
        cmocka_unit_test(two_dashes_end_the_options_and_one_dash_is_an_argument),
        cmocka_unit_test(common_options_stand_before_and_after_the_command),
        cmocka_unit_test(verbs_of_two_words_are_found),
        cmocka_unit_test(help_wins_over_a_line_that_is_wrong_otherwise),
        cmocka_unit_test(running_out_of_memory_is_an_error_and_leaks_nothing),
        cmocka_unit_test(every_mistake_is_named_with_the_nearest_right_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
