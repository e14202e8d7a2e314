#include "cli/command.h"

int
main(int argc, char **argv)
{
    return rdt_cli_run(argc, argv);
}
