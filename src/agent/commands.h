/*
 * The subcommands of mw-agent besides `run`: each gets the command line from its
 * own name on (argv[0] is "check") and returns the exit status.
 */
#ifndef MW_AGENT_COMMANDS_H
#define MW_AGENT_COMMANDS_H

/* Proves the node: check.c and check_*.c. */
int check_main(int argc, char **argv);
/* The privileged executor: exec.c. */
int exec_main(int argc, char **argv);
/* Gets a certificate for a token: join.c. */
int join_main(int argc, char **argv);
/* A child of the collector that may hang: worker.c.  Not for people. */
int worker_main(int argc, char **argv);

#endif
