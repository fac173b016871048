/*
 * Pages made from the command table: help text, topics, man pages.  Examples
 * come first.  Appends to the caller's text or writes files; reads nothing but
 * the table.
 */
#ifndef MW_CLI_HELP_H
#define MW_CLI_HELP_H

#include "cli/context.h"
#include "cli/doc.h"

/* `mw --help`, `mw site --help`, `mw site check --help`. */
void help_overview(struct doc *d, const struct command_table *t);
void help_group(struct doc *d, const struct command_table *t, const struct command_group *g);
void help_command(struct doc *d, const struct command_table *t, const struct command_group *g,
                  const struct command *c);

/* What `mw help WORDS` asks for: a command, a noun or a topic ("exit-codes"), whose page is
 * appended to d.  MW_ENOTFOUND names the nearest page. */
MW_MUST_USE int help_page(struct doc *d, const struct command_table *t, const char *const *word,
                          uint32_t n, struct mw_error *err);

/* The man page of a command, or of the whole program with g and c NULL. */
void help_man(struct text *ret, const struct command_table *t, const struct command_group *g,
              const struct command *c);

/* "mw-site-check"; "mw" with g NULL. */
#define HELP_PAGE_NAME_MAX (COMMAND_PATH_MAX + 16)
void help_page_name(const struct command_table *t, const struct command_group *g,
                    const struct command *c, char ret[HELP_PAGE_NAME_MAX]);

/* Writes all man pages into a folder, made when it is missing; *ret_n = how many. */
MW_MUST_USE int help_man_write(const struct command_table *t, const char *dir, uint32_t *ret_n,
                               struct mw_error *err);

#endif
