/*
 * Four `case` tables (names, options, option values, arguments) between a head
 * and a tail that know the shell.  The scripts keep the words seen so far in
 * $route ("site query").  They call the program for one thing: names of nodes
 * and of what else a daemon knows, with 200 ms to answer and no word on failure.
 */
#include "cli/completion.h"

#include <string.h>

/* Head: small functions, then the walk over the words before the cursor. */
static const char bash_head[] =
    "# bash completion, made by \"mw completion bash\"; needs bash 4\n"
    "_mw_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
    "_mw_files() { compopt -o filenames 2>/dev/null; "
    "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); }\n"
    "_mw_dirs() { compopt -o filenames 2>/dev/null; "
    "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); }\n"
    "_mw_names() {\n"
    "    local what=nodes filter=()\n"
    "    case \"$route\" in get|describe|wait) what=\"$first\" ;; esac\n"
    "    case \"$what\" in no*) filter=(-l \"name~\\\"$cur*\\\"\") ;; esac\n"
    "    _mw_words \"$(mw get \"$what\" -q -o name --limit 500 --timeout 200ms \"${filter[@]}\" "
    "\"${where[@]}\" 2>/dev/null)\"\n"
    "}\n"
    "_mw()\n"
    "{\n"
    "    local first=\"\" where=()\n"
    "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
    "    local route=\"\" i word n=0 skip=0 names=\"\" options=\"\"\n"
    "    COMPREPLY=()\n"
    "    # bash divides --option=value at the \"=\"\n"
    "    if [[ $cur == \"=\" ]]; then cur=\"\"\n"
    "    elif [[ $prev == \"=\" ]]; then prev=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi\n"
    "    for (( i = 1; i < COMP_CWORD; i++ )); do\n"
    "        word=\"${COMP_WORDS[i]}\"\n"
    "        if [[ $word == \"=\" ]]; then skip=1; continue; fi\n"
    "        if (( skip )); then skip=0; continue; fi\n"
    "        if [[ $word == --socket || $word == --context ]]; then "
    "where=(\"$word\" \"${COMP_WORDS[i+1]}\"); fi\n";

static const char bash_tail[] =
    "    if [[ $cur == -* ]]; then _mw_words \"$options\"\n"
    "    elif [[ -n $names ]]; then _mw_words \"$names\"\n"
    "    else _mw_args; fi\n"
    "}\n"
    "complete -F _mw mw\n";

static const char zsh_head[] =
    "#compdef mw\n"
    "# zsh completion, made by \"mw completion zsh\"\n"
    "_mw_words() { compadd -- ${=1} }\n"
    "_mw_files() { _files }\n"
    "_mw_dirs() { _files -/ }\n"
    "_mw_names() {\n"
    "    local what=nodes cur=\"${words[CURRENT]}\"; local -a filter\n"
    "    case \"$route\" in get|describe|wait) what=\"$first\" ;; esac\n"
    "    case \"$what\" in no*) filter=(-l \"name~\\\"$cur*\\\"\") ;; esac\n"
    "    _mw_words \"$(mw get \"$what\" -q -o name --limit 500 --timeout 200ms $filter $where "
    "2>/dev/null)\"\n"
    "}\n"
    "_mw()\n"
    "{\n"
    "    local first=\"\"; local -a where\n"
    "    local route=\"\" prev=\"${words[CURRENT-1]}\" word i n=0 skip=0\n"
    "    local -a names options\n"
    "    if [[ ${words[CURRENT]} == --*=* ]]; then\n"
    "        prev=\"${words[CURRENT]%%=*}\"; compset -P '*='\n"
    "    fi\n"
    "    for (( i = 2; i < CURRENT; i++ )); do\n"
    "        word=\"${words[i]}\"\n"
    "        if (( skip )); then skip=0; continue; fi\n"
    "        if [[ $word == --socket || $word == --context ]]; then "
    "where=(\"$word\" \"${words[i+1]}\"); fi\n";

static const char zsh_tail[] =
    "    if [[ ${words[CURRENT]} == -* ]]; then _describe -o 'option' options\n"
    "    elif (( $#names )); then _describe 'command' names\n"
    "    else _mw_args; fi\n"
    "}\n"
    "if [[ \"$funcstack[1]\" == _mw ]]; then _mw \"$@\"; else compdef _mw mw; fi\n";

struct script {
    struct text *out;
    const struct command_table *table;
    enum completion_shell shell;
};

/* 'name:help' for zsh, a bare word for bash. */
static void put_name(const struct script *s, const char *dashes, const char *name, size_t length,
                     const char *help)
{
    if (s->shell == COMPLETION_BASH) {
        text_addf(s->out, " %s%.*s", dashes, (int)length, name);
        return;
    }
    text_addf(s->out, " '%s%.*s:", dashes, (int)length, name);
    for (; *help != '\0'; help++)
        if (*help == '\'')
            text_add(s->out, "'\\''");
        else
            text_add_n(s->out, help, 1);
    text_add(s->out, "'");
}

static void open_list(const struct script *s, const char *route, const char *list)
{
    text_addf(s->out, "    \"%s\") %s=%s", route, list, s->shell == COMPLETION_BASH ? "\"" : "(");
}

static void close_list(const struct script *s)
{
    text_add(s->out, s->shell == COMPLETION_BASH ? "\" ;;\n" : ") ;;\n");
}

/* The verbs of a noun: first words once each, or the second words after `first`. */
static void put_verbs(const struct script *s, const struct command_group *g, const char *first)
{
    size_t n = first != NULL ? strcspn(first, " ") : 0;
    const char *before = "";
    for (const struct command *c = g->commands; c->run != NULL; c++) {
        size_t head = strcspn(c->verb, " ");
        if (first != NULL && (head != n || memcmp(first, c->verb, n) != 0))
            continue;
        const char *word = first != NULL ? c->verb + n + 1 : c->verb;
        size_t length = strcspn(word, " ");
        bool seen = first == NULL && strncmp(before, word, length) == 0 && before[length] == ' ';
        before = c->verb;
        if (!seen)
            put_name(s, "", word, length, c->summary);
    }
}

static void names_cases(const struct script *s)
{
    open_list(s, "", "names");
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++)
        put_name(s, "", (*g)->noun, strlen((*g)->noun), (*g)->summary);
    close_list(s);
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++) {
        if ((*g)->commands[0].verb[0] == '\0')
            continue;
        open_list(s, (*g)->noun, "names");
        put_verbs(s, *g, NULL);
        close_list(s);
        const char *before = "";
        for (const struct command *c = (*g)->commands; c->run != NULL; c++) {
            size_t n = strcspn(c->verb, " ");
            if (c->verb[n] == '\0' || strncmp(before, c->verb, n + 1) == 0)
                continue;
            before = c->verb;
            text_addf(s->out, "    \"%s %.*s\") names=%s", (*g)->noun, (int)n, c->verb,
                      s->shell == COMPLETION_BASH ? "\"" : "(");
            put_verbs(s, *g, c->verb);
            close_list(s);
        }
    }
}

/* Of a command (NULL: of none) that may have widened a common option. */
static void put_options(const struct script *s, const struct command *c,
                        const struct command_option *o)
{
    for (; o != NULL && o->name != NULL; o++)
        if (command_option_long(c, o->name, strlen(o->name)) == o)
            put_name(s, "--", o->name, strlen(o->name), o->help);
}

static void options_cases(const struct script *s)
{
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++) {
            char path[COMMAND_PATH_MAX];
            command_path(*g, c, path);
            open_list(s, path, "options");
            put_options(s, c, c->options);
            put_options(s, c, command_common_options);
            close_list(s);
        }
    text_addf(s->out, "    *) options=%s", s->shell == COMPLETION_BASH ? "\"" : "(");
    put_options(s, NULL, command_common_options);
    close_list(s);
}

static void put_action(const struct script *s, enum value_type type, const char *choices)
{
    const char *at = choices, *choice;
    size_t n;
    if (type == VALUE_FILE)
        text_add(s->out, "_mw_files");
    else if (type == VALUE_DIR)
        text_add(s->out, "_mw_dirs");
    else if (type == VALUE_NODES)
        text_add(s->out, "_mw_names");
    else if (type == VALUE_CHOICE) {
        text_add(s->out, "_mw_words \"");
        while ((n = command_choice_next(&at, &choice)) > 0)
            text_addf(s->out, "%.*s%s", (int)n, choice, *at != '\0' ? " " : "");
        text_add(s->out, "\"");
    } else
        text_add(s->out, ":");
}

/* route is quoted in the pattern; "" with any means every route. */
static void value_cases_of(const struct script *s, const char *route,
                           const struct command_option *o)
{
    for (; o != NULL && o->name != NULL; o++) {
        if (o->type == VALUE_NONE)
            continue;
        const char *any = route == NULL ? "*" : "", *name = route == NULL ? "" : route;
        text_addf(s->out, "    %s\"%s:--%s\"", any, name, o->name);
        if (o->letter != '\0')
            text_addf(s->out, "|%s\"%s:-%c\"", any, name, o->letter);
        text_add(s->out, ") ");
        put_action(s, o->type, o->value);
        text_add(s->out, "; return ;;\n");
    }
}

static void value_cases(const struct script *s)
{
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++) {
            char path[COMMAND_PATH_MAX];
            command_path(*g, c, path);
            value_cases_of(s, path, c->options);
        }
    value_cases_of(s, NULL, command_common_options);
}

/* The names of all options with a value: the word after one is not an argument. */
static void skip_case(const struct script *s)
{
    const char *bar = "        ";
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++)
            for (const struct command_option *o = c->options; o != NULL && o->name != NULL; o++)
                if (o->type != VALUE_NONE) {
                    text_addf(s->out, "%s--%s", bar, o->name);
                    bar = "|";
                }
    for (const struct command_option *o = command_common_options; o->name != NULL; o++)
        if (o->type != VALUE_NONE) {
            text_addf(s->out, "%s--%s", bar, o->name);
            bar = "|";
            if (o->letter != '\0')
                text_addf(s->out, "|-%c", o->letter);
        }
    text_addf(s->out, ") skip=1; continue ;;\n");
}

/* $route grows while it names a noun or the first word of a verb; then words are arguments. */
static void route_case(const struct script *s)
{
    text_add(s->out, "        case \"$word\" in\n");
    skip_case(s);
    text_add(s->out, "        -*) continue ;;\n        esac\n        case \"$route\" in\n"
                     "        \"\") route=\"$word\" ;;\n");
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++) {
        if ((*g)->commands[0].verb[0] == '\0')
            continue;
        text_addf(s->out, "        \"%s\"", (*g)->noun);
        const char *before = "";
        for (const struct command *c = (*g)->commands; c->run != NULL; c++) {
            size_t n = strcspn(c->verb, " ");
            if (c->verb[n] != '\0' && strncmp(before, c->verb, n + 1) != 0)
                text_addf(s->out, "|\"%s %.*s\"", (*g)->noun, (int)n, c->verb);
            before = c->verb;
        }
        text_add(s->out, ") route=\"$route $word\" ;;\n");
    }
    text_add(s->out, "        *) first=\"${first:-$word}\"; n=$(( n + 1 )) ;;\n        esac\n"
                     "    done\n");
}

static void arg_cases(const struct script *s)
{
    text_add(s->out, "_mw_args()\n{\n    case \"$route:$n\" in\n");
    for (const struct command_group *const *g = s->table->groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++) {
            char path[COMMAND_PATH_MAX];
            unsigned n = 0;
            command_path(*g, c, path);
            for (const struct command_arg *a = c->args; a != NULL && a->name != NULL; a++, n++) {
                text_addf(s->out, "    \"%s:", path);
                if (a->repeat)
                    text_add(s->out, "\"*) ");
                else
                    text_addf(s->out, "%u\") ", n);
                put_action(s, a->type, a->choices);
                text_add(s->out, " ;;\n");
            }
        }
    text_add(s->out, "    esac\n}\n");
}

void completion_script(struct text *ret, const struct command_table *t, enum completion_shell shell)
{
    struct script s = { .out = ret, .table = t, .shell = shell };
    must(ret != NULL && t != NULL);
    bool bash = shell == COMPLETION_BASH;
    text_add(ret, bash ? bash_head : zsh_head);
    route_case(&s);
    text_add(ret, "    case \"$route\" in\n");
    names_cases(&s);
    text_add(ret, "    esac\n    case \"$route\" in\n");
    options_cases(&s);
    text_add(ret, "    esac\n    case \"$route:$prev\" in\n");
    value_cases(&s);
    text_add(ret, "    esac\n");
    if (bash) {
        text_add(ret, bash_tail);
        arg_cases(&s);
        return;
    }
    /* In zsh the last line runs the function: the arguments' table must stand before it. */
    const char *last = strstr(zsh_tail, "if [[ \"$funcstack");
    text_add_n(ret, zsh_tail, (size_t)(last - zsh_tail));
    arg_cases(&s);
    text_add(ret, last);
}
