/*
 * mw-agent-worker: the commands of mw-agent that need no connection to the
 * daemon, linked without the libraries for it.  Started by mw-agent, not by
 * people.
 */
#include <stdio.h>
#include <string.h>

#include "agent/commands.h"

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return worker_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        return exec_main(argc - 1, argv + 1);
    (void)fputs("mw-agent-worker: started by mw-agent, not by people\n", stderr);
    return 2;
}
