/*
 * The man page of mw-agent, made of its help text.
 */
#ifndef MW_AGENT_MAN_H
#define MW_AGENT_MAN_H

#include <stdio.h>

/* Text with sections that begin with a line in capitals at the margin, as roff. */
void man_write(const char *help, FILE *to);

#endif
