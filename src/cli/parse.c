/*
 * The parser: one pass over argv, then the checks that need the whole line.
 * Owns the arrays in struct cli_parsed; never runs a command.
 */
#include "cli/parse.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct parser {
    const struct command_table *table;
    int argc, at;
    char **argv;
    bool options_ended;
    const char *verb_first; /* the first word of a verb of two, until the second came */
    struct cli_parsed *ret;
    struct mw_error *err;
};

/* ` (did you mean "halls"?)`, or nothing; dashes go before the word. */
static const char *did_you_mean(const struct nearest *n, const char *dashes, char *buf, size_t size)
{
    buf[0] = '\0';
    if (n->best[0] != '\0')
        (void)snprintf(buf, size, " (did you mean %s%s%s%s?)", dashes[0] ? dashes : "\"", n->best,
                       dashes[0] ? "" : "\"", "");
    return buf;
}

static int unknown_noun(struct parser *p, const char *word)
{
    struct nearest n = { .word = word };
    char hint[NEAREST_MAX + 32];
    for (const struct command_group *const *g = p->table->groups; *g != NULL; g++)
        nearest_offer(&n, (*g)->noun, strlen((*g)->noun));
    return mw_fail(p->err, MW_EINVAL, "unknown command \"%s\"%s", word,
                   did_you_mean(&n, "", hint, sizeof hint));
}

static int unknown_verb(struct parser *p, const char *word)
{
    const struct command_group *g = p->ret->group;
    struct nearest n = { .word = word };
    char hint[NEAREST_MAX + 32];
    size_t first = p->verb_first != NULL ? strlen(p->verb_first) : 0;
    for (const struct command *c = g->commands; c->run != NULL; c++) {
        const char *verb = c->verb;
        if (first > 0 && (strncmp(verb, p->verb_first, first) != 0 || verb[first] != ' '))
            continue;
        verb += first > 0 ? first + 1 : 0;
        nearest_offer(&n, verb, strcspn(verb, " "));
    }
    return mw_fail(p->err, MW_EINVAL, "unknown command \"%s%s%s %s\"%s", g->noun,
                   first > 0 ? " " : "", first > 0 ? p->verb_first : "", word,
                   did_you_mean(&n, "", hint, sizeof hint));
}

/* Which of the noun's commands these one or two words name; NULL = none. */
static const struct command *find_verb(const struct command_group *g, const char *first,
                                       const char *second)
{
    size_t n = strlen(first);
    for (const struct command *c = g->commands; c->run != NULL; c++) {
        if (second == NULL && strcmp(c->verb, first) == 0)
            return c;
        if (second != NULL && strncmp(c->verb, first, n) == 0 && c->verb[n] == ' ' &&
            strcmp(c->verb + n + 1, second) == 0)
            return c;
    }
    return NULL;
}

static bool begins_verb(const struct command_group *g, const char *first)
{
    size_t n = strlen(first);
    for (const struct command *c = g->commands; c->run != NULL; c++)
        if (strncmp(c->verb, first, n) == 0 && c->verb[n] == ' ')
            return true;
    return false;
}

/* A word while the command is not known yet. */
static int take_name(struct parser *p, const char *word)
{
    struct cli_parsed *r = p->ret;
    if (r->group == NULL) {
        r->group = command_group_find(p->table, word);
        if (r->group == NULL)
            return unknown_noun(p, word);
        if (r->group->commands[0].verb[0] == '\0')
            r->command = &r->group->commands[0];
        return 0;
    }
    if (p->verb_first != NULL)
        r->command = find_verb(r->group, p->verb_first, word);
    else
        r->command = find_verb(r->group, word, NULL);
    if (r->command != NULL)
        return 0;
    if (p->verb_first != NULL || !begins_verb(r->group, word))
        return unknown_verb(p, word);
    p->verb_first = word;
    return 0;
}

static int unknown_option(struct parser *p, const char *name, size_t length)
{
    const struct command *c = p->ret->command;
    char word[NEAREST_MAX] = "", hint[NEAREST_MAX + 32];
    struct nearest n = { .word = word };
    if (length < sizeof word)
        memcpy(word, name, length);
    for (const struct command_option *o = c != NULL ? c->options : NULL;
         o != NULL && o->name != NULL; o++)
        nearest_offer(&n, o->name, strlen(o->name));
    for (const struct command_option *o = command_common_options; o->name != NULL; o++)
        nearest_offer(&n, o->name, strlen(o->name));
    (void)did_you_mean(&n, "--", hint, sizeof hint);
    if (c == NULL && hint[0] == '\0')
        return mw_fail(p->err, MW_EINVAL,
                       "unknown option --%.*s (a command's options come after its name)",
                       (int)MW_MIN(length, (size_t)100), name);
    return mw_fail(p->err, MW_EINVAL, "unknown option --%.*s%s",
                   (int)MW_MIN(length, (size_t)100), name, hint);
}

static int check_value(struct parser *p, const char *what, enum value_type type,
                       const char *choices, const char *value)
{
    char hint[NEAREST_MAX + 32], list[256] = "";
    if (command_value_ok(type, choices, value))
        return 0;
    if (type != VALUE_CHOICE)
        return mw_fail(p->err, MW_EINVAL, "%s: \"%.100s\" is not %s", what, value,
                       command_value_what(type));
    struct nearest n = { .word = value };
    nearest_offer_choices(&n, choices);
    const char *at = choices, *choice;
    size_t length, used = 0;
    while ((length = command_choice_next(&at, &choice)) > 0 && used + length + 3 < sizeof list)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", used > 0 ? ", " : "",
                                 (int)length, choice);
    return mw_fail(p->err, MW_EINVAL, "%s: \"%.100s\" is not one of %s%s", what, value, list,
                   did_you_mean(&n, "", hint, sizeof hint));
}

static int keep(struct parser *p, const struct command_option *o, const char *value)
{
    struct cli_parsed *r = p->ret;
    char what[NEAREST_MAX + 16];
    (void)snprintf(what, sizeof what, "option --%s", o->name);
    int rc = value != NULL ? check_value(p, what, o->type, o->value, value) : 0;
    if (rc < 0)
        return rc;
    if (r->given_count == r->given_room) {
        uint32_t room = r->given_room == 0 ? 16 : r->given_room * 2;
        struct cli_given *given = mw_resize(r->given, room, sizeof *given);
        if (given == NULL)
            return mw_fail(p->err, MW_ENOMEM, "out of memory");
        r->given = given;
        r->given_room = room;
    }
    r->given[r->given_count++] = (struct cli_given){ .option = o, .value = value };
    return 0;
}

/* The value of an option that came without "=": the next word. */
static int next_value(struct parser *p, const struct command_option *o, const char **ret)
{
    const char *next = p->at + 1 < p->argc ? p->argv[p->at + 1] : NULL;
    bool dashes = next != NULL && next[0] == '-' && next[1] == '-';
    if (next == NULL || dashes)
        return mw_fail(p->err, MW_EINVAL, "option --%s needs a value: %s%s%s", o->name,
                       o->type == VALUE_CHOICE ? o->value : command_value_what(o->type),
                       dashes ? "; for one that begins with dashes write --name=" : "",
                       dashes ? next : "");
    p->at++;
    *ret = next;
    return 0;
}

static int take_long(struct parser *p, const char *word)
{
    const char *name = word + 2, *value = NULL;
    size_t length = strcspn(name, "=");
    const struct command_option *o = command_option_long(p->ret->command, name, length);
    if (o == NULL)
        return unknown_option(p, name, length);
    bool has_value = name[length] == '=';
    if (o->type == VALUE_NONE && has_value)
        return mw_fail(p->err, MW_EINVAL, "option --%s takes no value", o->name);
    if (has_value)
        return keep(p, o, name + length + 1);
    int rc = o->type == VALUE_NONE ? 0 : next_value(p, o, &value);
    return rc < 0 ? rc : keep(p, o, value);
}

/* "-q", "-qh", "-o json", "-ojson". */
static int take_letters(struct parser *p, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct command_option *o = command_option_letter(p->ret->command, *letter);
        const char *value = NULL;
        int rc = 0;
        if (o == NULL)
            return mw_fail(p->err, MW_EINVAL, "unknown option -%c in \"%.100s\"", *letter, word);
        bool rest = o->type != VALUE_NONE && letter[1] != '\0';
        if (rest)
            value = letter + 1;
        else if (o->type != VALUE_NONE)
            rc = next_value(p, o, &value);
        if (rc == 0)
            rc = keep(p, o, value);
        if (rc < 0 || rest)
            return rc;
    }
    return 0;
}

static int take_word(struct parser *p)
{
    const char *word = p->argv[p->at];
    if (!p->options_ended && strcmp(word, "--") == 0) {
        p->options_ended = true;
        return 0;
    }
    if (!p->options_ended && word[0] == '-' && word[1] == '-')
        return take_long(p, word);
    if (!p->options_ended && word[0] == '-' && word[1] != '\0')
        return take_letters(p, word);
    if (p->ret->command == NULL)
        return take_name(p, word);
    p->ret->arg[p->ret->arg_count++] = word;
    return 0;
}

/* Common options act on every command in the same way. */
static void take_common(struct cli_parsed *r)
{
    for (uint32_t i = 0; i < r->given_count; i++) {
        const char *name = r->given[i].option->name, *value = r->given[i].value;
        r->help |= strcmp(name, "help") == 0;
        r->version |= strcmp(name, "version") == 0;
        r->no_color |= strcmp(name, "no-color") == 0;
        r->quiet |= strcmp(name, "quiet") == 0;
        if (strcmp(name, "json") == 0)
            r->form = OUTPUT_JSON;
        else if (strcmp(name, "output") == 0)
            r->form = strcmp(value, "wide") == 0   ? OUTPUT_WIDE
                      : strcmp(value, "json") == 0 ? OUTPUT_JSON
                      : strcmp(value, "csv") == 0  ? OUTPUT_CSV
                                                   : OUTPUT_TABLE; /* or a command's own form */
    }
}

static int check_args(struct parser *p)
{
    const struct command_arg *a = p->ret->command->args;
    const struct command_arg *last = NULL;
    for (uint32_t i = 0; i < p->ret->arg_count; i++) {
        if (a != NULL && a->name != NULL)
            last = a++;
        else if (last == NULL || !last->repeat)
            return mw_fail(p->err, MW_EINVAL, "unexpected argument \"%.100s\"", p->ret->arg[i]);
        int rc = check_value(p, last->name, last->type, last->choices, p->ret->arg[i]);
        if (rc < 0)
            return rc;
    }
    if (a != NULL && a->name != NULL && !a->optional)
        return mw_fail(p->err, MW_EINVAL, "%s is missing: %s", a->name, a->help);
    return 0;
}

static int check_required(struct parser *p)
{
    const struct command_option *o = p->ret->command->options;
    for (; o != NULL && o->name != NULL; o++) {
        bool given = !o->required;
        for (uint32_t i = 0; i < p->ret->given_count && !given; i++)
            given = p->ret->given[i].option == o;
        if (!given)
            return mw_fail(p->err, MW_EINVAL, "option --%s is missing: %s", o->name, o->help);
    }
    return 0;
}

static int check_whole(struct parser *p)
{
    struct cli_parsed *r = p->ret;
    if (r->command != NULL) {
        int rc = check_args(p);
        return rc < 0 ? rc : check_required(p);
    }
    if (r->group == NULL)
        return mw_fail(p->err, MW_EINVAL, "a command is missing");
    char list[256] = "";
    size_t used = 0, first = p->verb_first != NULL ? strlen(p->verb_first) : 0;
    for (const struct command *c = r->group->commands; c->run != NULL; c++) {
        if (first > 0 && (strncmp(c->verb, p->verb_first, first) != 0 || c->verb[first] != ' '))
            continue;
        if (used + strlen(c->verb) + 3 < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     used > 0 ? ", " : "", c->verb + (first > 0 ? first + 1 : 0));
    }
    return mw_fail(p->err, MW_EINVAL, "\"%s%s%s\" needs one of: %s", r->group->noun,
                   first > 0 ? " " : "", first > 0 ? p->verb_first : "", list);
}

/* Somebody who asks for help is not told off for the rest of the line. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int cli_parse(const struct command_table *table, int argc, char **argv, struct cli_parsed *ret,
              struct mw_error *err)
{
    must(table != NULL && ret != NULL);
    *ret = (struct cli_parsed){ .form = OUTPUT_TABLE };
    struct parser p = { .table = table, .argc = argc, .argv = argv, .ret = ret, .err = err };
    int rc = 0;
    ret->arg = mw_calloc((size_t)MW_MAX(argc, 0) + 1, sizeof *ret->arg);
    if (ret->arg == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (p.at = 1; p.at < argc && rc == 0; p.at++)
        rc = take_word(&p);
    take_common(ret);
    if (rc == 0 && !ret->help && !ret->version)
        rc = check_whole(&p);
    if (rc == MW_EINVAL && asks_for_help(argc, argv)) {
        ret->help = true;
        rc = 0;
    }
    return rc;
}

void cli_parsed_fini(struct cli_parsed *p)
{
    if (p == NULL)
        return;
    mw_free(p->given);
    mw_free(p->arg);
    *p = (struct cli_parsed){ 0 };
}
