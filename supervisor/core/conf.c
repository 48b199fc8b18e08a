/* conf: owning and finding. A name's number in the tables is its place in the array. */
#include "config.h"

#include "core/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/shared.h"
#include "core/conf_schema.h"
#include "core/conf_tables.h"

void conf_init(struct conf *c)
{
    *c = (struct conf){0};
    conf_set_defaults(CONF_SUPERVISOR, c);
}

static void socket_fini(struct socket_conf *s)
{
    free(s->name);
    strv_fini(&s->listen);
    strv_fini(&s->serve);
}

static void settings_fini(void *block)
{
    struct service_settings *s = block;
    strv_fini(&s->handoff);
    strv_fini(&s->after);
    strv_fini(&s->requires);
    strv_fini(&s->groups);
    strv_fini(&s->environment);
    strv_fini(&s->ready_check);
    strv_fini(&s->reload_command);
    conf_free_hooks(s);
    conf_free_upkeep(s);
    free(s->user);
    free(s->group);
    free(s->directory);
    free(s->limits);
    conf_free_output(s);
    surroundings_free(s->surroundings);
}

void conf_service_fini(struct service_conf *s)
{
    free(s->name);
    strv_fini(&s->command);
    strv_fini(&s->sockets);
    shared_drop(s->with);
}

struct service_conf conf_service_copy(const struct service_conf *s)
{
    return (struct service_conf){.name = mem_strdup(s->name),
                                 .command = strv_copy(&s->command),
                                 .sockets = strv_copy(&s->sockets),
                                 .with = shared_hold(s->with),
                                 .is_sink = s->is_sink};
}

void conf_fini(struct conf *c)
{
    for (size_t i = 0; i < c->n_sockets; i++) {
        shared_drop(c->sockets[i].options);
        if (!c->texts)
            socket_fini(&c->sockets[i]);
    }
    for (size_t i = 0; i < c->n_services; i++)
        if (c->texts)
            shared_drop(c->services[i].with);
        else
            conf_service_fini(&c->services[i]);
    free(c->texts);
    free(c->sockets);
    free(c->services);
    name_table_fini(&c->socket_names);
    name_table_fini(&c->service_names);
    free(c->control);
    free(c->control_group);
    strv_fini(&c->include);
    strv_fini(&c->env_file);
    conf_init(c);
}

static const char *socket_name(const void *data, size_t n)
{
    return ((const struct conf *)data)->sockets[n].name;
}

static const char *service_name(const void *data, size_t n)
{
    return ((const struct conf *)data)->services[n].name;
}

/* Room doubles at the powers of two. */
static void *make_room(void *array, size_t n, size_t size)
{
    return (n & (n - 1)) == 0 ? mem_resize_array(array, n ? 2 * n : 1, size) : array;
}

struct socket_conf *conf_add_socket(struct conf *c, const char *name)
{
    struct socket_conf *s;

    c->sockets = make_room(c->sockets, c->n_sockets, sizeof *c->sockets);
    s = &c->sockets[c->n_sockets++];
    *s = (struct socket_conf){.options = shared_new(sizeof *s->options, NULL)};
    conf_set_defaults(CONF_SOCKET, s);
    if (*name)
        conf_name_socket(c, s, name);
    else
        s->name = mem_strdup("");
    return s;
}

struct service_conf *conf_add_service(struct conf *c, const char *name)
{
    struct service_conf *s;

    c->services = make_room(c->services, c->n_services, sizeof *c->services);
    s = &c->services[c->n_services++];
    *s = (struct service_conf){.with = shared_new(sizeof *s->with, settings_fini)};
    s->with->ready_fd = -1;
    s->with->restart.success_exit[0] = true;
    conf_set_defaults(CONF_SERVICE, s);
    s->with->has_start_timeout = false;
    conf_name_service(c, s, name);
    return s;
}

void conf_name_socket(struct conf *c, struct socket_conf *s, const char *name)
{
    if (s->name && *s->name)
        name_table_remove(&c->socket_names, s->name, socket_name, c);
    free(s->name);
    s->name = mem_strdup(name);
    name_table_add(&c->socket_names, (size_t)(s - c->sockets), socket_name, c);
}

void conf_name_service(struct conf *c, struct service_conf *s, const char *name)
{
    if (s->name)
        name_table_remove(&c->service_names, s->name, service_name, c);
    free(s->name);
    s->name = mem_strdup(name);
    name_table_add(&c->service_names, (size_t)(s - c->services), service_name, c);
}

struct socket_conf *conf_find_socket(const struct conf *c, const char *name)
{
    size_t i = name_table_find(&c->socket_names, name, socket_name, c);
    return i == NAME_TABLE_NONE ? NULL : &c->sockets[i];
}

struct service_conf *conf_find_service(const struct conf *c, const char *name)
{
    size_t i = name_table_find(&c->service_names, name, service_name, c);
    return i == NAME_TABLE_NONE ? NULL : &c->services[i];
}

void conf_get_address(const struct socket_conf *s, size_t i, struct address *ret)
{
    struct berr err;
    must(address_parse(s->listen.v[i], ret, &err) == 0); /* conf_add_address() has seen to that */
}

bool conf_accepts(const struct conf *c, const struct service_conf *s)
{
    const struct socket_conf *socket = s->sockets.n > 0 ? conf_find_socket(c, s->sockets.v[0]) : NULL;
    return socket && socket->options->accept;
}

const char *conf_cgroup(const struct service_conf *s)
{
    const struct surroundings *x = s->with->surroundings;

    if (x && x->cgroup)
        return str_eq(x->cgroup, "no") ? NULL : x->cgroup;
    return s->with->kill == KILL_CGROUP || (x && (x->memory_max || x->pids_max || x->cpu_quota_us)) ? "auto"
                                                                                                    : NULL;
}
