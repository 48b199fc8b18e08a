/* run_args: the arguments of `berth run` to a configuration. Pure, because it is done twice: once by the command, to refuse
 * mistakes before anything starts, and once by every supervisor that the keeper starts. */
#ifndef BERTH_CORE_RUN_ARGS_H
#define BERTH_CORE_RUN_ARGS_H

#include "core/conf.h"

/* ARGV begins behind "run", and outlives RET. "--" ends the options; so does the first word that is none. -EINVAL and BERR_USAGE with a sentence that
 * names the argument. Sockets without a NAME are called after the service when there is one of them, else "SERVICE-1", "SERVICE-2"
 * …; a NAME given twice adds an address to that socket. */
int run_args_parse(int argc, char *const argv[], struct conf *ret, struct berr *err);
/* The text of `berth run --help`. */
const char *run_args_help(void);

#endif
