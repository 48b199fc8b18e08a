/* keep: the way from a command to the keeper, for `run` and `up`. */
#ifndef BERTH_CMD_KEEP_H
#define BERTH_CMD_KEEP_H

#include "cmd/cmd.h"

/* Becomes the keeper, which holds the configuration's text CONFIG_FD (-1: none) and the sockets that we were
 * started with. The exit status. */
int keep_with(const struct cmd_args *args, int config_fd);

#endif
