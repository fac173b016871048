/*
 * mw-agent: one table of commands.  Without a command it is the collector.
 */
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/run.h"
#include "agent/worker.h"

struct command {
    const char *name;
    int (*main)(int argc, char **argv);
    bool light; /* stays, and needs no connection: mw-agent-worker runs it in less memory */
};

static const struct command commands[] = {
    { "run", run_main, false },
    { "exec", exec_main, true },
    { "check", check_main, false },
    { "join", join_main, false },
    { "worker", worker_main, false },
};

/* Returns when there is no other program. */
static void become_light(char **argv)
{
    char path[WORKER_PATH_MAX];
    worker_program(path);
    if (strcmp(path, "/proc/self/exe") != 0)
        (void)execv(path, argv);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < MW_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (commands[i].light)
            become_light(argv);
        return commands[i].main(argc - 1, argv + 1);
    }
    return run_main(argc, argv);
}
