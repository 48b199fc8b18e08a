/* supervisor: the role that does everything but last. It starts in one way: take what the keeper holds
 * (perhaps nothing), compare it with what is wanted, act on the difference. */
#ifndef BERTH_ENGINE_SUPERVISOR_H
#define BERTH_ENGINE_SUPERVISOR_H

#include <stdbool.h>

#include "core/conf.h"

struct supervisor_options {
    const char *control;   /* --control, or NULL */
    int keeper_fd;         /* our end of the pair */
    bool no_color;         /* on standard output */
    const char *take_over; /* the control socket of the berth to take over from, or NULL; outlives all this */
    const char *config;    /* `up`: the file to read at an update, as conf_load_find() has it; NULL: `run` */
};

/* Runs until everything is finished or the process is killed. Takes CONF over; NULL: it is what the keeper
 * holds as "config". Never returns an error that it has not reported: the result is the process's exit
 * status, and the keeper has been told the one to end with. */
int supervisor_main(struct conf *conf, const struct supervisor_options *options);

#endif
