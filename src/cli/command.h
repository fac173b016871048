/*
 * The shape of the command table.
 *
 * Every command of `mw` is one row of const data: parsing, `--help`, the man
 * pages, completion and the documentation tests all read the same row, so they
 * cannot drift.  A noun's rows live in cmd_<noun>.c and are listed in
 * cli/commands.c.  This file owns the types and the look-ups; it never runs a
 * command and never prints.
 *
 * Arrays in the table end with an all-zero element.
 */
#ifndef MW_CLI_COMMAND_H
#define MW_CLI_COMMAND_H

#include "base/base.h"
#include "base/text.h"

struct cli_context; /* cli/context.h */

/* Does the work of one command; returns an exit code (enum cli_exit). */
typedef int command_run_fn(struct cli_context *ctx);

enum value_type {
    VALUE_NONE,     /* a flag: present or not */
    VALUE_STRING,   /* any text */
    VALUE_FILE,     /* a path; completion offers files */
    VALUE_DIR,      /* a path; completion offers folders */
    VALUE_CHOICE,   /* one of the words in `value`, "a|b|c" */
    VALUE_U64,      /* a whole number from 0 */
    VALUE_DECIMAL,  /* a finite decimal number */
    VALUE_DURATION, /* "90s", "2.5h", "348d" */
    VALUE_NODES,    /* names of nodes, "n[1-4],m7"; completion asks the daemon for names */
};

struct command_option {
    const char *name; /* the long form without dashes; NULL ends the array */
    char letter;      /* the short form; '\0' = none */
    enum value_type type;
    bool required;        /* leaving it out is a usage error */
    bool repeat;          /* may be given many times; read with cli_option_nth() */
    const char *value;    /* the value's name in help ("N", "FILE"), or the choices */
    const char *fallback; /* the default as text; NULL = none */
    const char *help;     /* a sentence fragment without a full stop */
};

struct command_arg {
    const char *name; /* "FILE", "NAME"; NULL ends the array */
    enum value_type type;
    bool optional;
    bool repeat;         /* only the last may */
    const char *choices; /* for VALUE_CHOICE: "bash|zsh" */
    const char *help;
};

/* A line that a person can paste; the tests run each in the repository's root, in table order. */
struct command_example {
    const char *line;  /* "mw site check site.yaml"; NULL ends the array */
    const char *shows; /* what it shows, a sentence */
    int exit_code;     /* what the tests expect */
    bool slow;         /* over about five seconds: run only with MW_TEST_SLOW=1 */
};

/* An exit code that this command uses besides 0, 1, 2 and 130. */
struct command_exit {
    int code; /* 0 ends the array */
    const char *when;
};

struct command {
    const char *verb;        /* "check", "query shares"; "" when the noun alone is the command */
    const char *summary;     /* one line, lower case, no full stop */
    const char *description; /* paragraphs, separated by empty lines */
    const struct command_example *examples;
    const struct command_option *options; /* NULL = none of its own */
    const struct command_arg *args;       /* NULL = none */
    const struct command_exit *exits;     /* NULL = only the common ones */
    command_run_fn *run;                  /* NULL ends the array */
};

struct command_group {
    const char *noun;
    const char *summary;
    const struct command *commands;
};

/* The whole program. */
struct command_table {
    const char *program; /* "mw" */
    const char *summary;
    const struct command_group *const *groups; /* NULL ends the array */
};

/* Room for "noun verb verb" and its ending. */
#define COMMAND_PATH_MAX 128

/* Options that every command takes (output, json, no-color, quiet, help, version). */
extern const struct command_option command_common_options[];

const struct command_group *command_group_find(const struct command_table *t, const char *noun);

/* "site query shares", or "help" when the verb is empty. */
void command_path(const struct command_group *g, const struct command *c,
                  char ret[COMMAND_PATH_MAX]);

/* The option with this long name (length bytes) or letter: the command's own, then the common
 * ones; NULL when there is none.  c may be NULL: common ones only. */
const struct command_option *command_option_long(const struct command *c, const char *name,
                                                 size_t length);
const struct command_option *command_option_letter(const struct command *c, char letter);

/* Walks the words of "a|b|c": returns the length of the word at *at and moves *at past it and its
 * bar; 0 at the end.  The word itself starts at *ret. */
size_t command_choice_next(const char **at, const char **ret);
bool command_choice_has(const char *choices, const char *word);

/* Whether text is a valid value of the type; choices matters for VALUE_CHOICE only. */
bool command_value_ok(enum value_type type, const char *choices, const char *text);
/* What a value of this type looks like, for messages: "a whole number from 0". */
const char *command_value_what(enum value_type type);

/* Keeps the candidate nearest to a mistyped word.  Start with {.word = w}; `best` stays "" when
 * nothing is near. */
#define NEAREST_MAX 64
struct nearest {
    const char *word;
    uint32_t distance; /* of best */
    char best[NEAREST_MAX];
};
void nearest_offer(struct nearest *n, const char *candidate, size_t length);
void nearest_offer_choices(struct nearest *n, const char *choices);

#endif
