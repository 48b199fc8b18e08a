/* main: chooses the role by argv[0]; nothing else. */
#include "config.h"

#include <string.h>

#include "cmd/cmd.h"
#include "keeper/keeper.h"

int main(int argc, char *argv[])
{
    return cmd_main(argc, argv, argc > 0 && strcmp(argv[0], KEEPER_SUPERVISOR_NAME) == 0);
}
