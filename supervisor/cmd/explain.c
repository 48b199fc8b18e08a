/* explain: asks the supervisor, or makes it up from arguments or a configuration, and prints it. */
#include "config.h"

#include "cmd/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "cmd/client.h"
#include "cmd/plan.h"
#include "cmd/reply.h"
#include "cmd/table.h"
#include "core/environment.h"
#include "engine/env_files.h"
#include "engine/explanation.h"
#include "sys/resolve.h"
#include "sys/spawn.h"
#include "sys/user.h"

extern char **environ;

/* --- printing ------------------------------------------------------------------------------------------ */

/* Foreign text on one line. */
static void print_clean(const char *text)
{
    cleanup_free char *copy = mem_strdup(text);
    fputs(table_clean(copy), stdout);
}

static void print_list(const char *heading, const json_t *list)
{
    const json_t *item;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    printf("%s\n", heading);
    json_array_foreach (list, i, item) {
        printf("  ");
        print_clean(json_string_value(item) ? json_string_value(item) : "");
        putchar('\n');
    }
}

static void print_descriptor(const json_t *d)
{
    const json_t *option, *number = json_object_get(d, "fd");
    size_t i;

    if (json_is_integer(number))
        printf("  %-3d %s", (int)json_integer_value(number), reply_text(d, "what"));
    else
        printf("      %s", reply_text(d, "what"));
    if (json_object_get(d, "name")) {
        putchar(' ');
        print_clean(reply_text(d, "name"));
    }
    if (json_object_get(d, "address")) {
        putchar(' ');
        print_clean(reply_text(d, "address"));
    }
    json_array_foreach (json_object_get(d, "options"), i, option) {
        printf("%s", i == 0 ? " (" : ", ");
        print_clean(json_string_value(option) ? json_string_value(option) : "");
    }
    printf("%s\n", i > 0 ? ")" : "");
}

static void print_explanation(const json_t *x)
{
    const json_t *item;
    size_t i;

    printf("%s, worker %d, generation %d\n", reply_text(x, "service"), (int)reply_int(x, "worker"),
           (int)reply_int(x, "generation"));
    print_list("arguments", json_object_get(x, "argv"));
    printf("descriptors%s%s\n", reply_text(x, "told_by")[0] ? ", told by " : "", reply_text(x, "told_by"));
    json_array_foreach (json_object_get(x, "descriptors"), i, item)
        print_descriptor(item);
    printf("variables\n");
    json_array_foreach (json_object_get(x, "variables"), i, item) {
        printf("  %-15s ", reply_text(item, "source"));
        print_clean(reply_text(item, "name"));
        putchar('=');
        print_clean(reply_text(item, "value"));
        putchar('\n');
    }
    print_list("inherited by berth and not passed on", json_object_get(x, "taken_away"));
    print_list("not told", json_object_get(x, "left_out"));
}

static void print(const struct cmd_args *args, const json_t *x)
{
    if (args->json)
        cmd_print_json(x);
    else
        print_explanation(x);
}

/* --- without a supervisor ------------------------------------------------------------------------------ */

struct preview {
    struct handoff_socket *sockets;
    char **declared; /* owned, one for each */
    size_t n;
};

static void preview_fini(struct preview *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->declared[i]);
    free(p->declared);
    free(p->sockets);
}

static int preview_address(struct preview *p, const struct socket_conf *s, size_t index, struct berr *err)
{
    cleanup_free struct endpoint *endpoints = NULL;
    struct address a;
    size_t n = 0;
    conf_get_address(s, index, &a);
    int r = resolve_address(&a, &endpoints, &n, err);

    p->sockets = mem_resize_array(p->sockets, p->n + n + 1, sizeof *p->sockets);
    p->declared = mem_resize_array(p->declared, p->n + n + 1, sizeof *p->declared);
    for (size_t i = 0; r == 0 && i < n; i++) {
        p->declared[p->n] = mem_strdup(s->listen.v[index]);
        p->sockets[p->n] = (struct handoff_socket){.name = s->name,
                                                   .fd = -1,
                                                   .endpoint = endpoints[i],
                                                   .declared = p->declared[p->n],
                                                   .parts = (unsigned)n};
        p->n++;
    }
    return r;
}

/* In the order of their descriptors. */
static int preview_sockets(struct preview *p, const struct conf *c, const struct service_conf *s,
                           struct berr *err)
{
    int r = 0;
    for (size_t i = 0; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(c, s->sockets.v[i]);
        for (size_t k = 0; r == 0 && k < socket->listen.n; k++)
            r = preview_address(p, socket, k, err);
    }
    return r;
}

static int explain_service(const struct conf *c, const struct service_conf *s, unsigned worker, json_t **ret,
                           struct berr *err)
{
    struct preview p = {NULL, NULL, 0};
    struct user user = {.groups = NULL};
    struct strv variables = {NULL, 0}, files = {NULL, 0};
    struct explanation x;
    bool accepts = conf_accepts(c, s);
    int r = s->with->user ? user_find(s->with->user, &user, err) : 0;

    if (r == 0 && s->with->user)
        user_variables(&user, &variables);
    if (r == 0)
        r = preview_sockets(&p, c, s, err);
    struct handoff_input in = {.service = s->name,
                               .worker = worker,
                               .generation = 1,
                               .listen_pid = s->with->listen_pid,
                               .sockets = p.sockets,
                               .n_sockets =
                                   accepts && !handoff_has_word(&s->with->handoff, "listen-fds") ? 0 : p.n,
                               .knows_pidfdid = spawn_knows_pidfdid(),
                               .is_connection = accepts,
                               .is_preview = true,
                               .notify_socket = "(the worker's own)",
                               .store_max = accepts ? 0 : worker_store_room(s, p.n),
                               .watchdog_us = conf_watchdog_us(s),
                               .parent_pid = getpid()};
    if (r == 0)
        r = env_files_read(s, &files, err);
    if (r == 0)
        r = explain_worker(c, s, &in, (const char *const *)environ, &variables, &files, &x, err);
    if (r == 0) {
        *ret = explanation_to_json(&x, &in);
        explanation_fini(&x);
    }
    strv_fini(&variables);
    strv_fini(&files);
    free(user.groups);
    preview_fini(&p);
    return r;
}

static int print_service(const struct cmd_args *args, const struct conf *c, const struct service_conf *s,
                         unsigned worker)
{
    struct berr err;
    json_t *x = NULL;

    if (explain_service(c, s, worker, &x, &err) < 0)
        return cmd_fail(&err);
    print(args, x);
    json_decref(x);
    return 0;
}

int explain_conf(const struct cmd_args *args, struct conf *c)
{
    return print_service(args, c, &c->services[0], 1);
}

static int fail_no_service(const struct plan_file *f, const char *name)
{
    cleanup_free const char **names = mem_new_array(f->conf.n_services + 1, sizeof *names);
    struct berr err;
    char quoted[128], path[300];

    for (size_t i = 0; i < f->conf.n_services; i++)
        names[i] = f->conf.services[i].name;
    const char *nearest = str_nearest(name, names);
    berr_set(&err, BERR_NO_SERVICE, ENOENT, "there is no service \"%s\" in %s%s%s%s",
             str_escape(quoted, sizeof quoted, name, strlen(name)),
             str_escape(path, sizeof path, f->path, strlen(f->path)), nearest ? "; did you mean " : "",
             nearest ? nearest : "", nearest ? "?" : "");
    return cmd_fail(&err);
}

/* What the file of --config says, whether or not somebody supervises it. */
static int explain_file(const struct cmd_args *args, unsigned worker)
{
    struct plan_file file;
    int status = plan_load(args, &file);

    if (status == 0) {
        const struct service_conf *s = conf_find_service(&file.conf, args->argv[0]);
        status = s ? print_service(args, &file.conf, s, worker) : fail_no_service(&file, args->argv[0]);
    }
    plan_fini(&file);
    return status;
}

/* --- with one ------------------------------------------------------------------------------------------ */

static int ask(const struct cmd_args *args, uint64_t worker)
{
    struct client c;
    struct berr err;
    json_t *reply = NULL;
    json_t *parameters = json_pack("{s:s, s:I}", "service", args->argv[0], "worker", (json_int_t)worker);

    if (!parameters) { /* not UTF-8 */
        berr_set(&err, BERR_NO_SERVICE, 0, "there is no service of that name");
        return cmd_fail(&err);
    }
    int r = client_open(&c, args->control, &err);
    if (r == 0)
        r = client_call(&c, "Explain", parameters, &reply, &err);
    else
        json_decref(parameters);
    client_close(&c);
    if (r < 0)
        return cmd_fail(&err);
    print(args, reply);
    json_decref(reply);
    return 0;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    uint64_t worker = 1;

    if (args->argc != 1)
        return cmd_usage_error(self, "say SERVICE");
    if (args->worker && units_parse_uint(args->worker, 1, LIMIT_WORKERS, &worker) < 0)
        return cmd_usage_error(self, "--worker wants a number from 1 to %d", LIMIT_WORKERS);
    return args->config ? explain_file(args, (unsigned)worker) : ask(args, worker);
}

static const struct option options[] = {
    {"worker", 0, "N", "the worker in slot N (1)", offsetof(struct cmd_args, worker)},
    {"config", 'c', "FILE", "by this configuration; no supervisor is asked",
     offsetof(struct cmd_args, config)},
    {NULL, 0, NULL, NULL, 0},
};

const struct cmd cmd_explain = {
    .name = "explain",
    .args = "SERVICE",
    .summary = "what the next worker of a service is given: arguments, descriptors, variables",
    .help = "Starts nothing. Only root and the supervisor's own user may ask: variables may be secrets.\n"
            "With -c FILE, what a configuration would give, without a supervisor; nothing is bound.\n"
            "'berth run --explain ...' tells it for a command line.",
    .options = options,
    .run = run,
};
