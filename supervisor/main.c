/* main: chooses the role by argv[0]; nothing else. */
#include "config.h"

#include <string.h>

#include "cmd/cmd.h"
#include "keeper/keeper.h"
#include "sys/will.h"

int main(int argc, char *argv[])
{
    int will = argc > 0 ? will_find(argv[0]) : -1;
    if (will >= 0)
        return keeper_inherit(argv, will);
    return cmd_main(argc, argv, argc > 0 && strcmp(argv[0], KEEPER_SUPERVISOR_NAME) == 0);
}
