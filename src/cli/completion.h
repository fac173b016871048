/*
 * Completion scripts for bash and zsh, made from the command table.
 */
#ifndef MW_CLI_COMPLETION_H
#define MW_CLI_COMPLETION_H

#include "cli/command.h"

enum completion_shell { COMPLETION_BASH, COMPLETION_ZSH };

/* Appends the script to ret. */
void completion_script(struct text *ret, const struct command_table *t,
                       enum completion_shell shell);

#endif
