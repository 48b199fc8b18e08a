/* plan: a configuration as the commands see it: read, judged, and told to people and machines. */
#ifndef BERTH_CMD_PLAN_H
#define BERTH_CMD_PLAN_H

#include "cmd/cmd.h"
#include "core/conf.h"
#include "core/conf_source.h"
#include "engine/conf_load.h"

struct plan_file {
    char *path; /* owned; NULL: there is none */
    struct conf conf;
    struct conf_source source;
};

/* Reads what --config says, or the default. 0; or an exit status when all that is wrong has been told, on
 * stderr, or with --json on stdout. To be freed in either case. */
int plan_load(const struct cmd_args *args, struct plan_file *ret);
void plan_fini(struct plan_file *f);
/* What would be bound, and what started, in which order. */
void plan_print(const struct cmd_args *args, const struct plan_file *f);

#endif
