/* signal: sends a signal to every worker of a service. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/signame.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/operate.h"
#include "cmd/reply.h"

static int send_signal(const struct cmd_args *args, struct client *c, const char *signal_name,
                       const char *service)
{
    struct berr err;
    json_t *reply;

    json_t *parameters = json_pack("{s:s, s:s}", "service", service, "signal", signal_name);
    if (!parameters) { /* not UTF-8 */
        berr_set(&err, BERR_NO_SERVICE, 0, "there is no service of that name");
        return cmd_fail(&err);
    }
    if (client_call(c, "Signal", parameters, &reply, &err) < 0)
        return cmd_fail(&err);
    int n = (int)reply_int(reply, "signalled");
    if (args->json)
        cmd_print_json(reply);
    else if (n > 0)
        printf("%s: %s sent to %d %s\n", service, signal_name, n, n == 1 ? "worker" : "workers");
    json_decref(reply);
    if (n > 0)
        return 0;
    berr_set(&err, BERR_FAILED, 0, "%s: no worker of it runs, so %s was sent to nobody", service,
             signal_name);
    return cmd_fail(&err);
}

/* Every service that the operands behind the signal stand for; the worst of their exit statuses. */
static int send_to_all(const struct cmd_args *args, struct client *c, const char *signal_name)
{
    struct strv names = {NULL, 0};
    int status = 0;

    for (int i = 1; i < args->argc && status == 0; i++)
        status = operate_find_names(c, args->argv[i], &names);
    for (size_t i = 0; i < names.n && status == 0; i++) {
        int r = send_signal(args, c, signal_name, names.v[i]);
        status = r > status ? r : status;
    }
    strv_fini(&names);
    return status;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;
    char name[16], quoted[128];

    if (args->argc < 2)
        return cmd_usage_error(self, "say SIGNAL and SERVICE");
    int signo = signame_parse(args->argv[0]);
    if (signo <= 0) {
        str_escape(quoted, sizeof quoted, args->argv[0], strlen(args->argv[0]));
        return cmd_usage_error(self, "'%s' is no signal; 'kill -l' lists their names", quoted);
    }
    int status = client_open(&c, args->control, &err) < 0
                     ? cmd_fail(&err)
                     : send_to_all(args, &c, signame_format(signo, name));
    client_close(&c);
    return status;
}

const struct cmd cmd_signal = {
    .name = "signal",
    .args = "SIGNAL SERVICE…",
    .summary = "send a signal to every worker of services",
    .help = "SIGNAL is a name (HUP, SIGUSR1, RTMIN+3) or a number.",
    .run = run,
};
