/* explanation: see the header. */
#include "config.h"

#include "engine/explanation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/control_methods.h"
#include "engine/engine.h"
#include "engine/env_files.h"
#include "sys/spawn.h"
#include "sys/user.h"

extern char **environ;

static json_t *text(const char *s)
{
    json_t *string = json_string(s);
    return string ? string : json_string("(not UTF-8)");
}

static json_t *texts(const struct strv *sv)
{
    json_t *array = json_array();
    for (size_t i = 0; i < sv->n; i++)
        json_array_append_new(array, text(sv->v[i]));
    return array;
}

static json_t *describe_descriptor(const struct explain_descriptor *d)
{
    json_t *o = json_pack("{s:s, s:o}", "what", d->what, "options", texts(&d->options));
    if (d->number >= 0)
        json_object_set_new(o, "fd", json_integer(d->number));
    if (d->name)
        json_object_set_new(o, "name", text(d->name));
    if (d->address)
        json_object_set_new(o, "address", text(d->address));
    return o;
}

json_t *explanation_to_json(const struct explanation *x, const struct handoff_input *in)
{
    json_t *variables = json_array(), *descriptors = json_array();
    for (size_t i = 0; i < x->n_variables; i++)
        json_array_append_new(variables,
                              json_pack("{s:o, s:o, s:s}", "name", text(x->variables[i].name), "value",
                                        text(x->variables[i].value), "source", x->variables[i].source));
    for (size_t i = 0; i < x->n_descriptors; i++)
        json_array_append_new(descriptors, describe_descriptor(&x->descriptors[i]));
    return json_pack("{s:s, s:i, s:i, s:o, s:s, s:o, s:o, s:o, s:o}", "service", in->service, "worker",
                     (int)in->worker, "generation", (int)in->generation, "argv", texts(&x->argv), "told_by",
                     x->told_by, "descriptors", descriptors, "variables", variables, "taken_away",
                     texts(&x->taken_away), "left_out", texts(&x->left_out));
}

static size_t collect(const struct service *s, unsigned slot, struct handoff_socket **ret)
{
    struct held_socket *held[LIMIT_HANDOFF_FDS];
    size_t n = hold_collect(s, slot, held, LIMIT_HANDOFF_FDS);
    bool gets_them = !s->accepts || handoff_has_word(&s->conf->with->handoff, "listen-fds");
    *ret = mem_new_array(n + fd_store_room(s, slot) + 1, sizeof **ret);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = (struct handoff_socket){.name = held[i]->socket->name,
                                            .fd = held[i]->fd,
                                            .endpoint = hold_endpoint(held[i]),
                                            .declared = held[i]->declared,
                                            .parts = held[i]->parts};
    return gets_them ? n : 0;
}

static int explain(const struct service *s, unsigned slot, json_t **ret, struct berr *err)
{
    const struct engine *e = s->engine;
    cleanup_free struct handoff_socket *sockets = NULL;
    struct handoff_input in = {.service = s->conf->name,
                               .worker = slot,
                               .generation = s->generation,
                               .listen_pid = s->conf->with->listen_pid,
                               .knows_pidfdid = spawn_knows_pidfdid(),
                               .is_connection = s->accepts,
                               .parent_pid = e->is_protected ? e->keeper.keeper_pid : getpid(),
                               .einhorn_path = share_einhorn_path(e),
                               .notify_socket = "(the worker's own)",
                               .watchdog_us = conf_watchdog_us(s->conf)};
    struct user user = {.groups = NULL};
    struct strv variables = {NULL, 0}, files = {NULL, 0};
    struct explanation x;
    int r = s->conf->with->user ? user_find(s->conf->with->user, &user, err) : 0;
    if (r == 0 && s->conf->with->user)
        user_variables(&user, &variables);
    in.n_sockets = collect(s, slot, &sockets);
    in.sockets = sockets;
    in.store_max = fd_store_room(s, slot);
    in.n_stored = fd_store_collect(s, slot, sockets + in.n_sockets, in.store_max);
    if (r == 0)
        r = env_files_read(s->conf, &files, err);
    if (r == 0)
        r = explain_worker(e->conf, s->conf, &in, (const char *const *)environ, &variables, &files, &x, err);
    if (r == 0) {
        *ret = explanation_to_json(&x, &in);
        explanation_fini(&x);
    }
    strv_fini(&variables);
    strv_fini(&files);
    free(user.groups);
    return r;
}

void explanation_call(struct control_client *client, json_t *parameters, bool more, void *data)
{
    (void)more;
    struct engine *e = data;
    const char *name = json_string_value(json_object_get(parameters, "service"));
    json_t *worker = json_object_get(parameters, "worker"), *reply = NULL;
    json_int_t slot = json_is_integer(worker) ? json_integer_value(worker) : 1;
    struct service *s = name ? engine_find_service(e, name) : NULL;
    struct berr err;
    if (!s) {
        control_reply_no_service(client, e, name);
        return;
    }
    if ((worker && !json_is_null(worker) && !json_is_integer(worker)) || slot < 1 || slot > LIMIT_WORKERS) {
        control_client_invalid_parameter(client, "worker");
        return;
    }
    if (explain(s, (unsigned)slot, &reply, &err) < 0)
        control_client_error(client, "io.berth.Failed",
                             json_pack("{s:s, s:s}", "service", name, "reason", err.text));
    else
        control_client_reply(client, reply, false);
}
