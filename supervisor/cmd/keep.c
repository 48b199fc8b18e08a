/* keep: see the header. */
#include "config.h"

#include "cmd/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/str.h"
#include "core/held_name.h"
#include "keeper/keeper.h"
#include "sys/inherited.h"

#define CANNOT_BEGIN 125

static char *held_name(unsigned number, const char *name)
{
    struct held_name h = {.kind = HELD_INHERITED, .slot = number};
    char text[LIMIT_HELD_NAME + 1];
    str_copy(h.name, sizeof h.name, *name ? name : "-");
    int r = held_name_format(text, &h);
    must(r == 0);
    return mem_strdup(text);
}

int keep_with(const struct cmd_args *args, int config_fd)
{
    /* What is allocated here lasts as long as the keeper. */
    static struct inherited *inherited;
    static struct keeper_gift *gifts;
    unsigned n = 0;
    int n_inherited = inherited_take(&inherited);

    if (n_inherited < 0) {
        fprintf(stderr, "berth: the sockets that berth was started with cannot be taken over: %s\n",
                strerror(-n_inherited));
        return CANNOT_BEGIN;
    }
    gifts = mem_new_array((size_t)n_inherited + 1, sizeof *gifts);
    if (config_fd >= 0)
        gifts[n++] = (struct keeper_gift){"config", config_fd};
    for (int i = 0; i < n_inherited; i++)
        gifts[n++] = (struct keeper_gift){held_name((unsigned)i + 1, inherited[i].name), inherited[i].fd};
    return keeper_main(args->full_argv, gifts, n);
}
