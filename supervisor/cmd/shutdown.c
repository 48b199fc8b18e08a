/* shutdown: ends everything in order. To remember: the end of the connection is what is expected here, but it
 * is the end of berth only when nobody listens at the control socket any more: the keeper would start a
 * supervisor that was killed again. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/operate.h"
#include "cmd/reply.h"
#include "sys/clock.h"

#define ANSWER_NS (10 * NSEC_PER_SEC) /* for a supervisor to come back, and to answer */
#define FORGOTTEN_NS (3 * NSEC_PER_SEC)
#define LOOK_AGAIN_MS 50

static bool is_nobody_there(int r)
{
    return r == -ECONNREFUSED || r == -ENOENT;
}

/* Is every service on its way down, or down? */
static bool is_going_down(const json_t *services)
{
    const json_t *service;
    size_t i;

    json_array_foreach (services, i, service) {
        if (str_eq(reply_text(service, "wanted"), "up"))
            return false;
    }
    return true;
}

enum sight { SIGHT_ENDED, SIGHT_ENDING, SIGHT_GOES_ON };

/* One look at berth: an enum sight or a negative errno. */
static int look(struct client *c, struct mono give_up, struct berr *err)
{
    json_t *reply;

    int r = client_reopen(c, 0, err);
    if (is_nobody_there(r))
        return SIGHT_ENDED;
    if (r < 0)
        return r;
    c->give_up = give_up;
    r = client_call(c, "Status", NULL, &reply, err);
    c->give_up = MONO_NEVER;
    if (r < 0)
        return r == -ECONNRESET ? SIGHT_ENDING
                                : r; /* it ended just now, or was killed again: the next look tells */
    r = is_going_down(json_object_get(reply, "services")) ? SIGHT_ENDING : SIGHT_GOES_ON;
    json_decref(reply);
    return r;
}

/* Until nobody listens at the control socket any more. */
static int await_end(struct client *c, struct berr *err)
{
    struct mono known = clock_mono();

    for (;; poll(NULL, 0, LOOK_AGAIN_MS)) {
        int r = look(c, mono_add(clock_mono(), ANSWER_NS), err);
        struct mono now = clock_mono();
        if (r == SIGHT_ENDING)
            known = now;
        else if (r != SIGHT_GOES_ON)
            return r; /* SIGHT_ENDED, or an error */
        else if (mono_between(known, now) > FORGOTTEN_NS)
            return berr_set(err, BERR_FAILED, ECANCELED,
                            "the supervisor was killed before it had noted the shutdown; ask again");
    }
}

static int receive_all(struct client *c, const struct cmd_args *args, struct berr *err)
{
    bool continues = true, tells = !args->json && isatty(STDERR_FILENO);
    json_t *reply;

    while (continues) {
        int r = client_receive(c, &reply, &continues, err);
        if (r < 0)
            return r;
        if (tells)
            operate_tell_progress(reply);
        json_decref(reply);
    }
    return 0;
}

static int shut_down(struct client *c, const struct cmd_args *args, struct berr *err)
{
    client_send(c, "Shutdown", json_pack("{s:b}", "wait", !args->no_wait), !args->no_wait);
    int r = receive_all(c, args, err);
    if (args->no_wait || (r < 0 && !client_is_lost(err)))
        return r;
    return await_end(c, err);
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct client c;
    struct berr err;

    if (args->argc > 0)
        return cmd_usage_error(self, "'shutdown' takes no arguments; 'berth stop' stops single services");
    int r = client_open(&c, args->control, &err);
    if (r == 0)
        r = shut_down(&c, args, &err);
    client_close(&c);
    if (r < 0)
        return cmd_fail(&err);
    if (args->json)
        printf("{\"done\": %s}\n", args->no_wait ? "false" : "true");
    else
        puts(args->no_wait ? "berth is shutting down" : "berth has ended");
    return 0;
}

static const struct option options[] = {OPERATE_NO_WAIT, {NULL, 0, NULL, NULL, 0}};

const struct cmd cmd_shutdown = {
    .name = "shutdown",
    .args = "",
    .summary = "stop everything in order, and end the supervisor",
    .options = options,
    .run = run,
};
