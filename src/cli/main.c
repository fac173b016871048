/* `mw`: everything is in the command table. */
#include "cli/commands.h"
#include "cli/run.h"

int main(int argc, char **argv)
{
    return cli_main(&mw_commands, argc, argv);
}
