/* upgrade: another binary takes the supervisor's place.
 *
 * To remember: the connection is lost in any case, with the supervisor that had it. The outcome is what
 * Status of the next one says about the upgrade of the number that we were told, or a later one. Who was told
 * none, since the supervisor was killed before, waits for the one behind the last. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/operate.h"
#include "cmd/reply.h"
#include "cmd/table.h"
#include "sys/clock.h"

#define OUTCOME_NS (30 * NSEC_PER_SEC) /* the trial's ten seconds, and the way back */
#define LOOK_AGAIN_MS 20

static int last_number(struct client *c, int *ret, struct berr *err)
{
    json_t *reply;
    int r = operate_status(c, NULL, &reply, err);
    if (r < 0)
        return r;
    *ret = (int)reply_int(json_object_get(reply, "upgrade"), "number");
    json_decref(reply);
    return 0;
}

/* Its number; with a lost connection the one that it would have. */
static int begin(struct client *c, const struct cmd_args *args, int *ret, struct berr *err)
{
    json_t *parameters = json_pack("{s:b}", "wait", (int)!args->no_wait), *reply;
    bool continues;
    int r = operate_add_path(parameters, "binary", args->binary, err);
    if (r == 0)
        r = last_number(c, ret, err);
    if (r < 0) {
        json_decref(parameters);
        return r;
    }
    client_send(c, "Upgrade", parameters, !args->no_wait);
    r = client_receive(c, &reply, &continues, err);
    if (r < 0 && client_is_lost(err) && !args->no_wait) {
        operate_tell_lost();
        client_close(c);
        ++*ret;
        return 0;
    }
    if (r < 0)
        return r;
    *ret = (int)reply_int(reply, "number");
    json_decref(reply);
    return 0;
}

/* One look: 1 when it is over, its outcome in *RET (a new reference); 0 when it is not. */
static int look(struct client *c, int number, struct mono give_up, json_t **ret, struct berr *err)
{
    json_t *reply;
    int r = client_reopen(c, mono_between(clock_mono(), give_up), err);
    if (r < 0)
        return r;
    c->give_up = give_up;
    r = client_call(c, "Status", NULL, &reply, err);
    c->give_up = MONO_NEVER;
    client_close(c);
    if (r < 0)
        return r == -ECONNRESET ? 0 : r; /* that was the one before */
    const json_t *upgrade = json_object_get(reply, "upgrade");
    bool is_known = reply_int(upgrade, "number") >= number;
    bool is_over = is_known && !str_eq(reply_text(upgrade, "state"), "under-way");
    if (is_over)
        *ret = reply;
    else
        json_decref(reply);
    if (!is_known)
        return berr_set(err, BERR_FAILED, ECANCELED,
                        "the supervisor was killed before it had begun the upgrade; ask again");
    return is_over;
}

static int await_outcome(struct client *c, int number, json_t **ret, struct berr *err)
{
    struct mono give_up = mono_add(clock_mono(), OUTCOME_NS);
    json_t *unexpected;
    bool continues;
    int r =
        c->fd < 0 ? -ECONNRESET : client_receive(c, &unexpected, &continues, err); /* its end, or a refusal */
    if (r == 0)
        json_decref(unexpected);
    else if (c->fd >= 0 && !client_is_lost(err))
        return r;
    client_close(c);
    do {
        r = look(c, number, give_up, ret, err);
        if (r == 0)
            poll(NULL, 0, LOOK_AGAIN_MS);
    } while (r == 0 && mono_is_before(clock_mono(), give_up));
    if (r == 0)
        return berr_set(err, BERR_FAILED, ETIMEDOUT,
                        "the outcome of the upgrade is not known after 30 seconds; see 'berth status --json' "
                        "and the log");
    return r < 0 ? r : 0;
}

/* The exit status. */
static int tell(const struct cmd_args *args, const json_t *reply)
{
    const json_t *upgrade = json_object_get(reply, "upgrade");
    bool is_done = str_eq(reply_text(upgrade, "state"), "done");
    if (args->json) {
        cmd_print_json(upgrade);
        return !is_done;
    }
    cleanup_free char *line =
        is_done ? mem_printf("berth %s has taken over", reply_text(reply, "version"))
                : mem_printf("berth: the upgrade failed: %s", reply_text(upgrade, "reason"));
    fprintf(is_done ? stdout : stderr, "%s\n", table_clean(line));
    return !is_done;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;
    json_t *reply = NULL;
    int number = 0;

    if (args->argc > 0)
        return cmd_usage_error(self, "'upgrade' takes no operand; name another binary with --binary");
    int r = client_open(&c, args->control, &err);
    if (r == 0)
        r = begin(&c, args, &number, &err);
    if (r == 0 && !args->no_wait)
        r = await_outcome(&c, number, &reply, &err);
    client_close(&c);
    if (r < 0)
        return cmd_fail(&err);
    if (reply) {
        int status = tell(args, reply);
        json_decref(reply);
        return status;
    }
    if (args->json)
        printf("{\"number\": %d, \"state\": \"under-way\"}\n", number);
    else
        puts("the upgrade is under way");
    return 0;
}

static const struct option options[] = {
    {"binary", 0, "PATH", "the new berth (what now stands where the running one was started from)",
     offsetof(struct cmd_args, binary)},
    OPERATE_NO_WAIT,
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_upgrade = {
    .name = "upgrade",
    .args = "",
    .summary = "replace the running supervisor by a new binary",
    .help =
        "No socket, worker or line of output is lost. The new binary is asked first whether it understands\n"
        "what is held; if it does not come up within 10 seconds, the old one is back, and this ends with 1.\n"
        "Where the keeper was killed, this protects berth again.",
    .options = options,
    .run = run,
};
