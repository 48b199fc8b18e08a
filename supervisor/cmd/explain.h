/* explain: prints what a worker is given; for `berth explain` and `berth run --explain`. */
#ifndef BERTH_CMD_EXPLAIN_H
#define BERTH_CMD_EXPLAIN_H

#include "cmd/cmd.h"
#include "core/conf.h"

/* The first worker of C's one service, as it would be given things if it were started here and now; nothing
 * is bound. The exit status. */
int explain_conf(const struct cmd_args *args, struct conf *c);

#endif
