/* conf: owning, finding, and the checks that need more than one key. It changes nothing that it checks. */
#include "config.h"

#include "core/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_schema.h"
#include "core/conf_tables.h"
#include "core/handoff/handoff.h"
#include "core/held_name.h"
#include "core/words.h"

void conf_init(struct conf *c)
{
    *c = (struct conf){.log_level = LOG_INFO, .control_mode = 0600};
}

static void socket_fini(struct socket_conf *s)
{
    free(s->addresses);
    strv_fini(&s->serve);
}

static void service_fini(struct service_conf *s)
{
    strv_fini(&s->command);
    strv_fini(&s->sockets);
    strv_fini(&s->handoff);
    strv_fini(&s->groups);
    strv_fini(&s->environment);
    free(s->ready_check);
    free(s->reload_command);
    free(s->user);
    free(s->group);
    free(s->directory);
    free(s->limits);
    surroundings_free(s->surroundings);
}

void conf_fini(struct conf *c)
{
    for (size_t i = 0; i < c->n_sockets; i++)
        socket_fini(&c->sockets[i]);
    for (size_t i = 0; i < c->n_services; i++)
        service_fini(&c->services[i]);
    free(c->sockets);
    free(c->services);
    conf_init(c);
}

struct socket_conf *conf_add_socket(struct conf *c, const char *name)
{
    struct socket_conf *s;

    c->sockets = mem_resize_array(c->sockets, c->n_sockets + 1, sizeof *c->sockets);
    s = &c->sockets[c->n_sockets++];
    *s = (struct socket_conf){0};
    str_copy(s->name, sizeof s->name, name);
    conf_set_defaults(CONF_SOCKET, s);
    return s;
}

struct service_conf *conf_add_service(struct conf *c, const char *name)
{
    struct service_conf *s;

    c->services = mem_resize_array(c->services, c->n_services + 1, sizeof *c->services);
    s = &c->services[c->n_services++];
    *s = (struct service_conf){.ready_fd = -1, .restart.success_exit = {[0] = true}};
    str_copy(s->name, sizeof s->name, name);
    conf_set_defaults(CONF_SERVICE, s);
    return s;
}

struct socket_conf *conf_find_socket(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_sockets; i++)
        if (str_eq(c->sockets[i].name, name))
            return &c->sockets[i];
    return NULL;
}

struct service_conf *conf_find_service(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->n_services; i++)
        if (str_eq(c->services[i].name, name))
            return &c->services[i];
    return NULL;
}

/* Under its longest possible names the keeper must be able to hold it. */
static int check_held_name(const struct socket_conf *s, const struct address *a, struct berr *err)
{
    struct held_name h = {.kind = HELD_SOCKET, .slot = LIMIT_WORKERS, .part = 999, .parts = 999};
    char name[LIMIT_HELD_NAME + 1], text[400];

    str_copy(h.name, sizeof h.name, s->name);
    address_format(text, sizeof text, a);
    if (str_copy(h.address, sizeof h.address, text) && held_name_format(name, &h) == 0)
        return 0;
    return berr_set(err, BERR_CONFIG, EINVAL,
                    "%s is too long together with its socket's name %s; give the socket a shorter name, or "
                    "its host's number",
                    text, s->name);
}

static int check_per_worker(const struct socket_conf *s, const struct address *a, struct berr *err)
{
    char text[400];

    if (s->options.reuse_port != REUSE_PORT_PER_WORKER)
        return 0;
    if (a->kind != ADDRESS_TCP && a->kind != ADDRESS_UDP)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "reuse_port = per-worker of socket %s works for TCP and UDP only, not for %s",
                        s->name, address_format(text, sizeof text, a));
    if (a->port == 0)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "reuse_port = per-worker of socket %s needs a fixed port: %s would be another one "
                        "for each worker",
                        s->name, address_format(text, sizeof text, a));
    return 0;
}

static size_t count_users(const struct conf *c, const char *socket)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_services; i++)
        for (size_t k = 0; k < c->services[i].sockets.n; k++)
            n += str_eq(c->services[i].sockets.v[k], socket);
    return n;
}

static int check_accept(const struct conf *c, const struct socket_conf *s, struct berr *err)
{
    char text[400];

    if (!s->options.accept && s->options.max_per_source >= 0)
        return berr_set(err, BERR_CONFIG, EINVAL, "socket %s: max_per_source needs accept = yes", s->name);
    if (!s->options.accept)
        return 0;
    for (size_t i = 0; i < s->n_addresses; i++)
        if (s->addresses[i].type == SOCK_DGRAM)
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "socket %s: accept = yes is for connections, and %s has none; start = on-demand "
                            "with handoff = "
                            "stdin serves datagrams",
                            s->name, address_format(text, sizeof text, &s->addresses[i]));
    if (s->options.reuse_port == REUSE_PORT_PER_WORKER)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "socket %s: accept = yes contradicts reuse_port = per-worker", s->name);
    if (s->options.non_blocking == NON_BLOCKING_NO)
        return berr_set(err, BERR_CONFIG, EINVAL, "socket %s: accept = yes contradicts non_blocking = no",
                        s->name);
    if (count_users(c, s->name) > 1)
        return berr_set(err, BERR_CONFIG, EINVAL, "socket %s: with accept = yes only one service can have it",
                        s->name);
    return 0;
}

/* Does another socket want another protocol at the same path? */
static int check_serve_pair(const struct socket_conf *s, const char *one, const struct socket_conf *t,
                            const char *other, struct berr *err)
{
    const char *path = strchr(one, ':') + 1;

    if (!str_eq(path, strchr(other, ':') + 1) || str_eq(one, other))
        return 0;
    return berr_set(err, BERR_CONFIG, EINVAL, "sockets %s and %s want two protocols at one path: %s", s->name,
                    t->name, path);
}

static int check_serve(const struct conf *c, const struct socket_conf *s, struct berr *err)
{
    char text[400];
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->serve.n; i++)
        for (size_t k = 0; r == 0 && k < c->n_sockets; k++) {
            const struct socket_conf *t = &c->sockets[k];
            for (size_t l = 0; r == 0 && l < t->serve.n; l++)
                r = check_serve_pair(s, s->serve.v[i], t, t->serve.v[l], err);
            for (size_t l = 0; r == 0 && l < t->n_addresses; l++)
                if (str_eq(address_format(text, sizeof text, &t->addresses[l]) + strlen("unix:"),
                           strchr(s->serve.v[i], ':') + 1))
                    r = berr_set(err, BERR_CONFIG, EINVAL,
                                 "socket %s is to be served at %s, where socket %s listens", s->name,
                                 strchr(s->serve.v[i], ':') + 1, t->name);
        }
    return r;
}

static int check_socket(const struct conf *c, const struct socket_conf *s, struct berr *err)
{
    int r = check_accept(c, s, err);
    if (r == 0)
        r = check_serve(c, s, err);

    if (s->n_addresses == 0)
        return berr_set(err, BERR_CONFIG, EINVAL, "socket %s has no address to listen on", s->name);
    for (size_t i = 0; r == 0 && i < s->n_addresses; i++) {
        r = check_held_name(s, &s->addresses[i], err);
        if (r == 0)
            r = check_per_worker(s, &s->addresses[i], err);
    }
    return r;
}

/* A declared address and whose it is, for finding two alike. */
struct declared {
    char text[400];
    const struct socket_conf *socket;
    bool asks_kernel; /* port 0: two such are two ports */
};

static int compare_declared(const void *a, const void *b)
{
    const struct declared *one = a, *other = b;
    int r = strcmp(one->text, other->text);
    return r != 0 ? r : (one->socket > other->socket) - (one->socket < other->socket);
}

static int check_pair(const struct declared *a, const struct declared *b, struct berr *err)
{
    if (!str_eq(a->text, b->text))
        return 0;
    if (a->socket == b->socket)
        return berr_set(err, BERR_CONFIG, EINVAL, "socket %s has the address %s twice", a->socket->name,
                        a->text);
    if (a->asks_kernel)
        return 0;
    return berr_set(err, BERR_CONFIG, EINVAL, "sockets %s and %s have the same address %s", a->socket->name,
                    b->socket->name, a->text);
}

static int check_duplicates(const struct conf *c, struct berr *err)
{
    size_t n = 0, total = 0;
    struct declared *all;
    int r = 0;

    for (size_t i = 0; i < c->n_sockets; i++)
        total += c->sockets[i].n_addresses;
    all = mem_new_array(total + 1, sizeof *all);
    for (size_t i = 0; i < c->n_sockets; i++)
        for (size_t k = 0; k < c->sockets[i].n_addresses; k++) {
            const struct address *a = &c->sockets[i].addresses[k];
            struct declared *d = &all[n++];
            address_format(d->text, sizeof d->text, a);
            d->socket = &c->sockets[i];
            d->asks_kernel =
                a->kind == ADDRESS_VSOCK ? a->vsock_port == 0 : a->kind != ADDRESS_UNIX && a->port == 0;
        }
    qsort(all, n, sizeof *all, compare_declared);
    for (size_t i = 1; r == 0 && i < n; i++)
        r = check_pair(&all[i - 1], &all[i], err);
    free(all);
    return r;
}

/* What a placeholder of this socket would have to show, as far as that is known before it is bound. */
static struct placeholder_socket placeholder_of(const struct socket_conf *s)
{
    const struct address *a = &s->addresses[0];
    bool has_port = a->kind != ADDRESS_UNIX;

    return (struct placeholder_socket){.name = s->name,
                                       .fd = 3,
                                       .host = has_port ? "host" : "",
                                       .port = has_port ? 1 : 0,
                                       .path = has_port ? "" : a->path,
                                       .address = "address"};
}

static int check_placeholders(const struct service_conf *s, const struct placeholders *p, struct berr *err)
{
    const struct strv *texts[] = {&s->command, &s->environment};

    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < texts[k]->n; i++) {
            cleanup_free char *expanded = NULL;
            int r = placeholders_expand(texts[k]->v[i], p, &expanded, err);
            if (r < 0) {
                berr_prefix(err, "service %s", s->name);
                return r;
            }
        }
    return 0;
}

static bool names_twice(const struct strv *names, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(names->v[k], names->v[i]))
            return true;
    return false;
}

static int check_sockets_of(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    cleanup_free struct placeholder_socket *sockets = mem_new_array(s->sockets.n + 1, sizeof *sockets);
    struct placeholders p = {1, 1, sockets, s->sockets.n};
    size_t n_addresses = 0;

    for (size_t i = 0; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(c, s->sockets.v[i]);
        if (!socket)
            return berr_set(err, BERR_CONFIG, EINVAL, "service %s wants socket %s, which is not declared",
                            s->name, s->sockets.v[i]);
        if (names_twice(&s->sockets, i))
            return berr_set(err, BERR_CONFIG, EINVAL, "service %s names socket %s twice", s->name,
                            socket->name);
        sockets[i] = placeholder_of(socket);
        if (handoff_has_word(&s->handoff, "channel") || socket->options.accept)
            sockets[i].fd = -1;
        n_addresses += socket->n_addresses;
    }
    if (n_addresses > LIMIT_HANDOFF_FDS)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "service %s has %zu addresses, and %d are the most that a worker can be handed",
                        s->name, n_addresses, LIMIT_HANDOFF_FDS);
    if (s->handoff.n == 1 && handoff_has_word(&s->handoff, "stdin") && n_addresses > 1)
        return berr_set(
            err, BERR_CONFIG, EINVAL,
            "service %s: handoff = stdin tells of one socket, and there are %zu; add another word to it, "
            "such as listen-fds",
            s->name, n_addresses);
    return check_placeholders(s, &p, err);
}

static int check_on_demand(const struct service_conf *s, struct berr *err)
{
    if (s->start == START_ON_DEMAND && s->sockets.n == 0)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "service %s: start = on-demand needs a socket at which somebody can ask for it",
                        s->name);
    if (s->start != START_ON_DEMAND && s->idle_stop_ns != INT64_MAX)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "service %s: idle_stop needs start = on-demand, or nothing would start it again",
                        s->name);
    if (s->idle_stop_ns == 0)
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s: idle_stop = 0 would stop it at once", s->name);
    return 0;
}

bool conf_accepts(const struct conf *c, const struct service_conf *s)
{
    const struct socket_conf *socket = s->sockets.n > 0 ? conf_find_socket(c, s->sockets.v[0]) : NULL;
    return socket && socket->options.accept;
}

/* A service that gets connections, not sockets. */
static int check_accepting(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    bool accepts = conf_accepts(c, s);

    for (size_t i = 1; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(c, s->sockets.v[i]);
        if (socket && socket->options.accept != accepts)
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "service %s: accept = yes must be said of all of its sockets or of none",
                            s->name);
    }
    if (!accepts)
        return 0;
    if (s->workers != 1)
        return berr_set(
            err, BERR_CONFIG, EINVAL,
            "service %s: with accept = yes it has a worker for each connection; max_connections bounds them",
            s->name);
    if (s->ready != READY_EXEC || s->idle_stop_ns != INT64_MAX)
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s: %s has no meaning with accept = yes", s->name,
                        s->ready != READY_EXEC ? "ready" : "idle_stop");
    for (size_t i = 0; i < s->handoff.n; i++)
        if (!str_eq(s->handoff.v[i], "auto") && !str_eq(s->handoff.v[i], "stdin") &&
            !str_eq(s->handoff.v[i], "listen-fds") && !str_eq(s->handoff.v[i], "none"))
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "service %s: handoff = %s has no meaning with accept = yes", s->name,
                            s->handoff.v[i]);
    return 0;
}

static int check_contradictions(const struct service_conf *s, struct berr *err)
{
    if (s->restart.delay_ns > s->restart.delay_max_ns)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "service %s: restart_delay is longer than restart_delay_max; set both", s->name);
    if (s->ready == READY_DELAY && s->ready_delay_ns >= s->start_timeout_ns)
        return berr_set(
            err, BERR_CONFIG, EINVAL,
            "service %s: ready = delay is not shorter than start_timeout, so it would never become ready",
            s->name);
    if (s->ready == READY_NOTIFY && !handoff_has_word(&s->handoff, "channel") &&
        !handoff_has_word(&s->handoff, "einhorn"))
        return berr_set(
            err, BERR_CONFIG, EINVAL,
            "service %s: ready = notify needs handoff = channel or einhorn in this version of berth",
            s->name);
    int r = handoff_check_words(&s->handoff, err);
    if (r < 0)
        berr_prefix(err, "service %s", s->name);
    return r;
}

const char *conf_cgroup(const struct service_conf *s)
{
    const struct surroundings *x = s->surroundings;

    if (x && x->cgroup)
        return str_eq(x->cgroup, "no") ? NULL : x->cgroup;
    return s->kill == KILL_CGROUP || (x && (x->memory_max || x->pids_max || x->cpu_quota_us)) ? "auto" : NULL;
}

/* "a" and "a/b": one would be the other's parent, which may hold no process. */
static bool is_same_or_below(const char *path, const char *above)
{
    size_t n = strlen(above);
    return strncmp(path, above, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int check_cgroup(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    const struct surroundings *x = s->surroundings;
    const char *path = conf_cgroup(s);

    if (!path && (s->kill == KILL_CGROUP || (x && (x->memory_max || x->pids_max || x->cpu_quota_us))))
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s: cgroup = no contradicts %s", s->name,
                        s->kill == KILL_CGROUP ? "kill = cgroup"
                        : x->memory_max        ? "memory_max"
                        : x->pids_max          ? "pids_max"
                                               : "cpu_max");
    for (size_t i = 0; path && !str_eq(path, "auto") && i < c->n_services; i++) {
        const struct service_conf *t = &c->services[i];
        const char *other = t != s && t->surroundings ? conf_cgroup(t) : NULL;
        if (other && !str_eq(other, "auto") && is_same_or_below(path, other))
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "services %s and %s cannot have the cgroups %s and %s: each needs one of its own",
                            t->name, s->name, other, path);
    }
    return 0;
}

static int check_service(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    int r;

    if (s->command.n == 0)
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s has no command", s->name);
    r = check_accepting(c, s, err);
    if (r == 0)
        r = check_on_demand(s, err);
    if (r == 0)
        r = check_contradictions(s, err);
    if (r == 0)
        r = check_cgroup(c, s, err);
    return r < 0 ? r : check_sockets_of(c, s, err);
}

int conf_check(const struct conf *c, struct berr *err)
{
    int r = 0;

    if (c->n_sockets > LIMIT_SOCKETS)
        return berr_set(err, BERR_CONFIG, EINVAL, "there are %zu sockets, and %d are the most", c->n_sockets,
                        LIMIT_SOCKETS);
    for (size_t i = 0; r == 0 && i < c->n_sockets; i++)
        r = check_socket(c, &c->sockets[i], err);
    if (r == 0)
        r = check_duplicates(c, err);
    for (size_t i = 0; r == 0 && i < c->n_services; i++)
        r = check_service(c, &c->services[i], err);
    return r;
}
