/*
 * Any words on a command line: the parser of cli/parse.c accepts or refuses
 * with a message, and what it accepts can be read.  (Not parse_fuzz.c: base
 * has that name.)  The input is divided at '\n' into words.
 */
#include <string.h>

#include "base/mem.h"
#include "cli/parse.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_nothing(struct cli_context *ctx)
{
    (void)ctx;
    return 0;
}

static const struct command_option options[] = {
    { .name = "seed", .letter = 's', .type = VALUE_U64, .value = "N", .fallback = "1",
      .help = "h" },
    { .name = "set", .type = VALUE_STRING, .value = "K=V", .repeat = true, .help = "h" },
    { .name = "shape", .type = VALUE_CHOICE, .value = "ring|torus", .help = "h" },
    { .name = "load", .type = VALUE_DECIMAL, .value = "X", .help = "h" },
    { .name = "for", .type = VALUE_DURATION, .value = "TIME", .required = true, .help = "h" },
    { .name = "dry", .letter = 'n', .help = "h" },
    { 0 },
};
static const struct command_arg args[] = {
    { .name = "SHELL", .type = VALUE_CHOICE, .choices = "bash|zsh", .help = "h" },
    { .name = "NAME", .type = VALUE_STRING, .optional = true, .repeat = true, .help = "h" },
    { 0 },
};
static const struct command verbs[] = {
    { .verb = "run", .options = options, .args = args, .run = run_nothing },
    { .verb = "query shares", .args = args, .run = run_nothing },
    { 0 },
};
static const struct command alone[] = { { .verb = "", .run = run_nothing }, { 0 } };
static const struct command_group sim = { .noun = "sim", .commands = verbs };
static const struct command_group version = { .noun = "version", .commands = alone };
static const struct command_group *const groups[] = { &sim, &version, NULL };
static const struct command_table table = { .program = "mw", .groups = groups };

static void read_back(const struct cli_parsed *p)
{
    struct cli_context ctx = { .table = &table, .group = p->group, .command = p->command,
                               .given = p->given, .given_count = p->given_count, .arg = p->arg,
                               .arg_count = p->arg_count };
    must(p->help || p->version || p->command != NULL);
    if (p->help || p->version || p->command != &verbs[0])
        return;
    must(cli_arg_count(&ctx) >= 1 && command_choice_has("bash|zsh", cli_arg(&ctx, 0)));
    must(cli_option_given(&ctx, "for"));
    (void)cli_option_u64(&ctx, "seed");
    (void)cli_option_real(&ctx, "load");
    (void)cli_option_duration_ns(&ctx, "for");
    for (uint32_t i = 0; i < cli_option_count(&ctx, "set"); i++)
        must(cli_option_nth(&ctx, "set", i) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[WORDS_MAX + 1] = { "mw" };
    int argc = 1;
    char *text = mw_strndup((const char *)data, size);
    must(text != NULL);
    for (char *p = text; *p != '\0' && argc < WORDS_MAX;) {
        argv[argc++] = p;
        p += strcspn(p, "\n");
        if (*p == '\n')
            *p++ = '\0';
    }
    struct cli_parsed parsed;
    struct mw_error err = { 0 };
    int rc = cli_parse(&table, argc, argv, &parsed, &err);
    must(rc == 0 || (rc == MW_EINVAL && err.text[0] != '\0'));
    if (rc == 0)
        read_back(&parsed);
    cli_parsed_fini(&parsed);
    mw_free(text);
    return 0;
}
