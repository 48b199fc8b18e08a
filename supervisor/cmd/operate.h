/* operate: the commands that change something and wait for it: start, stop, restart, scale. */
#ifndef BERTH_CMD_OPERATE_H
#define BERTH_CMD_OPERATE_H

#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/outcome.h"

struct operation {
    const char *method; /* "Restart" */
    enum goal goal;
    const char *done; /* "restarted" */
};

/* --no-wait, for the tables of options of the commands. */
#define OPERATE_NO_WAIT                                                                                      \
    {                                                                                                        \
        "no-wait", 0, NULL, "return as soon as it is under way", offsetof(struct cmd_args, no_wait)          \
    }
#define OPERATE_ALL                                                                                          \
    {                                                                                                        \
        "all", 'a', NULL, "every service", offsetof(struct cmd_args, all)                                    \
    }

/* The whole of such a command: its operands are services, none is needed where there is only one. The exit
 * status. */
int operate_on_services(const struct cmd *cmd, const struct cmd_args *args, const struct operation *op);
/* One call, until its outcome: takes PARAMETERS; *RET is the last reply (a new reference). Progress goes to
 * stderr on a terminal. Looks for the outcome itself when the supervisor is killed meanwhile. */
int operate_call(struct client *c, const struct cmd_args *args, const char *method, const struct wish *wishes,
                 size_t n_wishes, json_t *parameters, json_t **ret, struct berr *err);
/* Adds PATH (NULL: nothing) to PARAMETERS, as an absolute one: the supervisor is in another folder than we.
 */
int operate_add_path(json_t *parameters, const char *key, const char *path, struct berr *err);
/* What Status tells; takes PARAMETERS. Before anything has been asked for: a supervisor that dies meanwhile
 * is simply asked again. */
int operate_status(struct client *c, json_t *parameters, json_t **ret, struct berr *err);
/* The names of the services that NAME, perhaps a pattern of a shell, stands for. 0 or an exit status. */
int operate_find_names(struct client *c, const char *name, struct strv *ret);
/* Tells the progress of one reply, if it has any. */
void operate_tell_progress(const json_t *reply);
/* Says once, on stderr, that the connection was lost and what happens now. */
void operate_tell_lost(void);

#endif
