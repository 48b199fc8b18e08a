/* operate: asks, tells the progress, waits for the outcome.
 *
 * What can be asked for is the commands' business. To remember: a supervisor may be killed at any moment and
 * its successor goes on, but nobody there knows of this client. So a lost connection is no outcome: the
 * client looks at the services until they tell it. */
#include "config.h"

#include "cmd/operate.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cmd/reply.h"
#include "cmd/table.h"
#include "sys/clock.h"

#define RECOVER_NS (10 * NSEC_PER_SEC) /* for a supervisor to come back, and to answer */
#define UNKNOWN_NS (3 * NSEC_PER_SEC)  /* for a successor to have taken up what was wanted */
#define LOOK_AGAIN_MS 100

void operate_tell_progress(const json_t *reply)
{
    const json_t *progress = json_object_get(reply, "progress");
    json_int_t worker = reply_int(progress, "worker");

    if (!json_is_object(progress))
        return;
    cleanup_free char *subject = worker > 0 ? mem_printf("%s/%d#%d", reply_text(progress, "service"),
                                                         (int)worker, (int)reply_int(progress, "generation"))
                                            : mem_strdup(reply_text(progress, "service"));
    const char *message = reply_text(progress, "message");
    cleanup_free char *line =
        mem_printf("%s: %s%s%s", subject, reply_text(progress, "state"), message[0] ? ", " : "", message);
    fprintf(stderr, "%s\n", table_clean(line));
}

void operate_tell_lost(void)
{
    fprintf(stderr,
            "berth: the connection to the supervisor was lost; looking for the outcome when it is back\n");
}

static json_t *wish_names(const struct wish *wishes, size_t n)
{
    json_t *names = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(names, json_string(wishes[i].service));
    return names;
}

static const json_t *find_service(const json_t *services, const char *name)
{
    const json_t *service;
    size_t i;

    json_array_foreach (services, i, service) {
        if (str_eq(reply_text(service, "name"), name))
            return service;
    }
    return NULL;
}

/* The worst of all wishes decides. ERR is set with OUTCOME_FAILED. */
static enum outcome judge_all(const struct wish *wishes, size_t n, const json_t *services, struct berr *err)
{
    enum outcome worst = OUTCOME_REACHED;
    char reason[900];

    for (size_t i = 0; i < n; i++) {
        enum outcome outcome =
            outcome_of(&wishes[i], find_service(services, wishes[i].service), reason, sizeof reason);
        if (outcome == OUTCOME_FAILED) {
            berr_set(err, BERR_FAILED, ECANCELED, "%s: %s", wishes[i].service, reason);
            return outcome;
        }
        worst = outcome > worst ? outcome : worst;
    }
    return worst;
}

/* One look at the services of the wishes, by a supervisor that may be gone again. It must have answered by
 * GIVE_UP. */
static int look(struct client *c, const struct wish *wishes, size_t n, struct mono give_up, enum outcome *ret,
                struct berr *err)
{
    json_t *reply;
    int r = 0;

    if (c->fd < 0)
        r = client_reopen(c, mono_between(clock_mono(), give_up), err);
    if (r < 0)
        return r;
    c->give_up = give_up;
    r = client_call(c, "Status", json_pack("{s:o}", "services", wish_names(wishes, n)), &reply, err);
    c->give_up = MONO_NEVER;
    if (r < 0)
        return r;
    *ret = judge_all(wishes, n, json_object_get(reply, "services"), err);
    json_decref(reply);
    return 0;
}

static int fail_forgotten(const struct wish *w, struct berr *err)
{
    return berr_set(err, BERR_FAILED, ECANCELED,
                    "%s: the supervisor was killed before it had noted what was asked for; ask again",
                    w->service);
}

/* Looks until the outcome shows. */
static int recover(struct client *c, const struct wish *wishes, size_t n, struct berr *err)
{
    struct mono answered = clock_mono(), known = answered;
    enum outcome outcome;

    operate_tell_lost();
    client_close(c);
    for (;; poll(NULL, 0, LOOK_AGAIN_MS)) {
        int r = look(c, wishes, n, mono_add(answered, RECOVER_NS), &outcome, err);
        struct mono now = clock_mono();
        if (r == -ECONNRESET && mono_between(answered, now) < RECOVER_NS) { /* killed again */
            client_close(c);
            continue;
        }
        if (r < 0)
            return r;
        if (outcome == OUTCOME_FAILED)
            return -ECANCELED;
        if (outcome == OUTCOME_REACHED)
            return 0;
        answered = now;
        if (outcome != OUTCOME_UNKNOWN)
            known = now;
        else if (mono_between(known, now) > UNKNOWN_NS)
            return fail_forgotten(&wishes[0], err);
    }
}

/* Replies until the last one. */
static int await_outcome(struct client *c, bool tells, json_t **ret, struct berr *err)
{
    json_t *progress = NULL, *reply;
    bool continues = true;
    int r = 0;

    while (continues && (r = client_receive(c, &reply, &continues, err)) == 0) {
        if (tells)
            operate_tell_progress(reply);
        if (json_is_object(json_object_get(reply, "progress"))) {
            json_decref(progress);
            progress = json_incref(json_object_get(reply, "progress"));
        }
        if (continues)
            json_decref(reply);
    }
    if (r == 0) {
        /* The last message need not repeat what was told before. */
        if (progress)
            json_object_set(reply, "progress", progress);
        *ret = reply;
    }
    json_decref(progress);
    return r;
}

int operate_call(struct client *c, const struct cmd_args *args, const char *method, const struct wish *wishes,
                 size_t n_wishes, json_t *parameters, json_t **ret, struct berr *err)
{
    json_object_set_new(parameters, "wait", json_boolean(!args->no_wait));
    client_send(c, method, parameters, !args->no_wait);
    int r = await_outcome(c, !args->json && isatty(STDERR_FILENO), ret, err);
    if (r < 0 && client_is_lost(err) && !args->no_wait) {
        r = recover(c, wishes, n_wishes, err);
        if (r == 0)
            *ret = json_pack("{s:b}", "done", 1);
    }
    return r;
}

int operate_add_path(json_t *parameters, const char *key, const char *path, struct berr *err)
{
    char cwd[PATH_MAX], quoted[300];
    if (!path)
        return 0;
    bool is_whole = path[0] == '/' || !getcwd(cwd, sizeof cwd);
    cleanup_free char *whole = is_whole ? mem_strdup(path) : mem_printf("%s/%s", cwd, path);
    if (json_object_set_new(parameters, key, json_string(whole)) < 0)
        return berr_set(err, BERR_USAGE, EILSEQ, "the path %s is not UTF-8, and only such can be named",
                        str_escape(quoted, sizeof quoted, whole, strlen(whole)));
    return 0;
}

static json_t *operands(const struct cmd_args *args)
{
    json_t *names = json_array();

    for (int i = 0; i < args->argc; i++) {
        json_t *name = json_string(args->argv[i]);
        /* What is not UTF-8 is no service's name, and cannot be sent. */
        json_array_append_new(names, name ? name : json_string("?"));
    }
    return names;
}

int operate_status(struct client *c, json_t *parameters, json_t **ret, struct berr *err)
{
    int r;
    while ((r = client_call(c, "Status", json_incref(parameters), ret, err)) < 0 && client_is_lost(err)) {
        client_close(c);
        if (client_reopen(c, RECOVER_NS, err) < 0)
            break;
    }
    json_decref(parameters);
    return r;
}

/* Who is meant: the operands, all, or the only one there is. 0 with *RET (an array of Status), or an exit
 * status. */
static int find_services(const struct cmd *cmd, const struct cmd_args *args, struct client *c, json_t **ret)
{
    json_t *reply;
    struct berr err;

    if (operate_status(c, json_pack("{s:o}", "services", operands(args)), &reply, &err) < 0)
        return cmd_fail(&err);
    json_t *services = json_object_get(reply, "services");
    size_t n = json_array_size(services);
    if (args->argc == 0 && !args->all && n != 1) {
        json_decref(reply);
        return cmd_usage_error(cmd, "there are %zu services; name those that are meant, or say --all", n);
    }
    *ret = json_incref(services);
    json_decref(reply);
    return 0;
}

int operate_find_names(struct client *c, const char *name, struct strv *ret)
{
    json_t *word = json_string(name), *reply;
    const json_t *service;
    struct berr err;
    size_t i;

    if (operate_status(c, json_pack("{s:[o]}", "services", word ? word : json_string("?")), &reply, &err) < 0)
        return cmd_fail(&err);
    json_array_foreach (json_object_get(reply, "services"), i, service)
        strv_add(ret, reply_text(service, "name"));
    json_decref(reply);
    return 0;
}

static struct wish *make_wishes(const struct operation *op, const json_t *services)
{
    struct wish *wishes = mem_new_array(json_array_size(services) + 1, sizeof *wishes);
    const json_t *service;
    size_t i;

    json_array_foreach (services, i, service) {
        wishes[i].goal = op->goal;
        wishes[i].generation = reply_int(service, "generation");
        wishes[i].told = reply_int(json_object_get(service, "told"), "number");
        str_copy(wishes[i].service, sizeof wishes[i].service, reply_text(service, "name"));
    }
    return wishes;
}

static int operate(const struct cmd_args *args, const struct operation *op, struct client *c,
                   const json_t *services)
{
    struct berr err;
    json_t *reply;
    size_t n = json_array_size(services);
    cleanup_free struct wish *wishes = make_wishes(op, services);

    if (operate_call(c, args, op->method, wishes, n, json_pack("{s:o}", "services", wish_names(wishes, n)),
                     &reply, &err) < 0)
        return cmd_fail(&err);
    if (args->json)
        cmd_print_json(reply);
    for (size_t i = 0; i < n && !args->json; i++)
        printf("%s: %s\n", wishes[i].service, args->no_wait ? "under way" : op->done);
    json_decref(reply);
    return 0;
}

int operate_on_services(const struct cmd *cmd, const struct cmd_args *args, const struct operation *op)
{
    struct client c;
    struct berr err;
    json_t *services;

    if (args->all && args->argc > 0)
        return cmd_usage_error(cmd, "--all and '%s' exclude each other", args->argv[0]);
    int status =
        client_open(&c, args->control, &err) < 0 ? cmd_fail(&err) : find_services(cmd, args, &c, &services);
    if (status == 0) {
        status = operate(args, op, &c, services);
        json_decref(services);
    }
    client_close(&c);
    return status;
}
