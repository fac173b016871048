/*
 * The collector as a program: `mw-agent run`.
 */
#ifndef MW_AGENT_RUN_H
#define MW_AGENT_RUN_H

/* argv[0] is a program's or a command's name. Returns the exit status. */
int run_main(int argc, char **argv);

#endif
