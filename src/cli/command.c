/*
 * Look-ups in the command table and the search for what a mistyped word meant.
 * Owns the options common to all commands.  Never prints, never allocates.
 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

const struct command_option command_common_options[] = {
    { .name = "output", .letter = 'o', .type = VALUE_CHOICE, .value = "table|wide|json|csv",
      .fallback = "table",
      .help = "how to print the data; wide adds columns and json is for programs" },
    { .name = "json", .help = "the same as --output json" },
    { .name = "no-color", .help = "no bold or colours (also: the NO_COLOR variable)" },
    { .name = "quiet", .letter = 'q',
      .help = "no progress and no notes; errors are still printed" },
    { .name = "help", .letter = 'h', .help = "print the help of this command and stop" },
    { .name = "version", .help = "print the version and stop" },
    { 0 },
};

const struct command_group *command_group_find(const struct command_table *t, const char *noun)
{
    must(t != NULL && noun != NULL);
    for (const struct command_group *const *g = t->groups; *g != NULL; g++)
        if (strcmp((*g)->noun, noun) == 0)
            return *g;
    return NULL;
}

void command_path(const struct command_group *g, const struct command *c,
                  char ret[COMMAND_PATH_MAX])
{
    must(g != NULL);
    bool verb = c != NULL && c->verb[0] != '\0';
    int n = snprintf(ret, COMMAND_PATH_MAX, "%s%s%s", g->noun, verb ? " " : "",
                     verb ? c->verb : "");
    must(n > 0 && n < COMMAND_PATH_MAX);
}

static const struct command_option *find_long(const struct command_option *o, const char *name,
                                              size_t length)
{
    for (; o != NULL && o->name != NULL; o++)
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
            return o;
    return NULL;
}

const struct command_option *command_option_long(const struct command *c, const char *name,
                                                 size_t length)
{
    const struct command_option *o = c != NULL ? find_long(c->options, name, length) : NULL;
    return o != NULL ? o : find_long(command_common_options, name, length);
}

static const struct command_option *find_letter(const struct command_option *o, char letter)
{
    for (; o != NULL && o->name != NULL; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

const struct command_option *command_option_letter(const struct command *c, char letter)
{
    if (letter == '\0')
        return NULL;
    const struct command_option *o = c != NULL ? find_letter(c->options, letter) : NULL;
    return o != NULL ? o : find_letter(command_common_options, letter);
}

size_t command_choice_next(const char **at, const char **ret)
{
    must(at != NULL && ret != NULL);
    size_t n = strcspn(*at, "|");
    *ret = *at;
    *at += n + ((*at)[n] == '|');
    return n;
}

bool command_choice_has(const char *choices, const char *word)
{
    const char *at = choices, *choice;
    size_t n;
    while ((n = command_choice_next(&at, &choice)) > 0)
        if (strlen(word) == n && memcmp(choice, word, n) == 0)
            return true;
    return false;
}

bool command_value_ok(enum value_type type, const char *choices, const char *text)
{
    uint64_t u;
    int64_t i;
    double d;
    must(text != NULL);
    switch (type) {
    case VALUE_NONE:
        return false;
    case VALUE_STRING:
        return true;
    case VALUE_FILE:
    case VALUE_DIR:
    case VALUE_NODES:
        return text[0] != '\0';
    case VALUE_CHOICE:
        return command_choice_has(choices, text);
    case VALUE_U64:
        return mw_parse_u64(text, &u) == 0;
    case VALUE_DECIMAL:
        return mw_parse_double(text, &d) == 0;
    case VALUE_DURATION:
        return mw_parse_duration(text, &i) == 0;
    }
    return false;
}

const char *command_value_what(enum value_type type)
{
    switch (type) {
    case VALUE_U64:
        return "a whole number from 0";
    case VALUE_DECIMAL:
        return "a number";
    case VALUE_DURATION:
        return "a duration such as 90s, 2.5h or 348d";
    case VALUE_FILE:
    case VALUE_DIR:
        return "a path";
    case VALUE_NODES:
        return "names of nodes, such as n3 or n[1-4,7]";
    default:
        return "a value";
    }
}

/* A word of n letters may be this many edits away: one slip in short words, two in longer. */
static uint32_t edits_allowed(size_t n)
{
    return n <= 3 ? 1 : 2;
}

void nearest_offer(struct nearest *n, const char *candidate, size_t length)
{
    char word[NEAREST_MAX];
    must(n != NULL && n->word != NULL);
    if (length == 0 || length >= sizeof word)
        return;
    memcpy(word, candidate, length);
    word[length] = '\0';
    size_t typed = strlen(n->word);
    uint32_t limit = edits_allowed(typed);
    uint32_t d = mw_edit_distance(n->word, word, limit);
    /* A beginning of two letters or more ("ver" for "verify") counts as the limit itself. */
    if (d > limit && typed >= 2 && strncmp(n->word, word, typed) == 0)
        d = limit;
    if (d > limit || (n->best[0] != '\0' && d >= n->distance))
        return;
    n->distance = d;
    memcpy(n->best, word, length + 1);
}

void nearest_offer_choices(struct nearest *n, const char *choices)
{
    const char *at = choices, *choice;
    size_t length;
    while ((length = command_choice_next(&at, &choice)) > 0)
        nearest_offer(n, choice, length);
}
