/* conf_check: see the header. A check goes on behind a mistake as far as that leaves something to check. */
#include "config.h"

#include "core/conf_check.h"
#include "core/conf_claims.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/mono.h"
#include "core/handoff/handoff.h"
#include "core/order.h"
#include "core/words.h"

#define CIRCLE_SHOWN 8

void conf_refuse(const struct check *x, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    cleanup_free char *sentence = mem_vprintf(fmt, ap);
    va_end(ap);
    x->report->on_problem(x->report, x->section, x->name, key, sentence);
}

/* --- sockets ------------------------------------------------------------------------------------------- */

static void check_per_worker(const struct check *x, const struct socket_conf *s, const struct address *a)
{
    char text[400];

    if (s->options->reuse_port != REUSE_PORT_PER_WORKER)
        return;
    if (a->kind != ADDRESS_TCP && a->kind != ADDRESS_UDP)
        conf_refuse(x, "reuse_port", "reuse_port = per-worker works for TCP and UDP only, not for %s",
                    address_format(text, sizeof text, a));
    else if (a->port == 0)
        conf_refuse(x, "reuse_port",
                    "reuse_port = per-worker needs a fixed port: %s would be another one for each worker",
                    address_format(text, sizeof text, a));
}

static void check_accept(const struct check *x, const struct socket_conf *s)
{
    struct address a;

    if (!s->options->accept && s->options->max_per_source >= 0)
        conf_refuse(x, "max_per_source", "max_per_source needs accept = yes");
    if (!s->options->accept)
        return;
    for (size_t i = 0; i < s->listen.n; i++) {
        conf_get_address(s, i, &a);
        if (a.type == SOCK_DGRAM)
            conf_refuse(
                x, "accept",
                "accept = yes is for connections, and %s has none; start = on-demand with handoff = stdin "
                "serves datagrams",
                s->listen.v[i]);
    }
    if (s->options->reuse_port == REUSE_PORT_PER_WORKER)
        conf_refuse(x, "accept", "accept = yes contradicts reuse_port = per-worker");
    if (s->options->non_blocking == NON_BLOCKING_NO)
        conf_refuse(x, "accept", "accept = yes contradicts non_blocking = no");
}

static void check_socket(const struct check *x, const struct socket_conf *s)
{
    struct address a;

    check_accept(x, s);
    if (s->listen.n == 0)
        conf_refuse(x, NULL, "there is no address to listen on; say listen = ADDRESS");
    for (size_t i = 0; i < s->listen.n; i++) {
        conf_get_address(s, i, &a);
        check_per_worker(x, s, &a);
    }
}

/* --- services ------------------------------------------------------------------------------------------ */

/* What a placeholder of this socket would have to show, as far as that is known before it is bound. */
static struct placeholder_socket placeholder_of(const struct socket_conf *s)
{
    const char *first = s->listen.n > 0 ? s->listen.v[0] : "";
    bool has_port = !str_starts_with(first, "unix");

    return (struct placeholder_socket){.name = s->name,
                                       .fd = 3,
                                       .host = has_port ? "host" : "",
                                       .port = has_port ? 1 : 0,
                                       .path = has_port ? "" : strchr(first, ':') + 1,
                                       .address = "address"};
}

static void check_placeholders(const struct check *x, const char *key, const struct strv *texts,
                               const struct placeholders *p)
{
    struct berr err;

    for (size_t i = 0; i < texts->n; i++) {
        cleanup_free char *expanded = NULL;
        if (placeholders_expand(texts->v[i], p, &expanded, &err) < 0)
            conf_refuse(x, key, "%s", err.text);
    }
}

static bool names_twice(const struct strv *names, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(names->v[k], names->v[i]))
            return true;
    return false;
}

static void refuse_unknown_socket(const struct check *x, const char *name)
{
    cleanup_free const char **names = mem_new_array(x->conf->n_sockets + 1, sizeof *names);
    for (size_t i = 0; i < x->conf->n_sockets; i++)
        names[i] = x->conf->sockets[i].name;
    const char *nearest = str_nearest(name, names);
    conf_refuse(x, "sockets", "it wants socket %s, which is not declared%s%s%s", name,
                nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* Descriptors from 3 on are its sockets, or its channel. */
static void check_ready_fd(const struct check *x, const struct service_conf *s, size_t n_addresses)
{
    bool has_channel = handoff_has_word(&s->with->handoff, "channel");
    size_t first = 3 + (has_channel ? 1 : n_addresses);

    if (s->with->ready == READY_FD && (size_t)s->with->ready_fd < first)
        conf_refuse(x, "ready", "ready = fd:%d is the descriptor of its %s; the first that is free is %zu",
                    s->with->ready_fd, has_channel ? "channel" : "sockets", first);
}

static void check_sockets_of(const struct check *x, const struct service_conf *s)
{
    cleanup_free struct placeholder_socket *sockets = mem_new_array(s->sockets.n + 1, sizeof *sockets);
    struct placeholders p = {1, 1, sockets, 0};
    size_t n_addresses = 0;
    bool all_known = true;

    for (size_t i = 0; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(x->conf, s->sockets.v[i]);
        if (!socket) {
            refuse_unknown_socket(x, s->sockets.v[i]);
            all_known = false;
            continue;
        }
        if (names_twice(&s->sockets, i))
            conf_refuse(x, "sockets", "it names socket %s twice", socket->name);
        sockets[p.n_sockets] = placeholder_of(socket);
        if (handoff_has_word(&s->with->handoff, "channel") || socket->options->accept)
            sockets[p.n_sockets].fd = -1;
        p.n_sockets++;
        n_addresses += socket->listen.n;
    }
    if (n_addresses > LIMIT_HANDOFF_FDS)
        conf_refuse(x, "sockets", "it has %zu addresses, and %d are the most that a worker can be handed",
                    n_addresses, LIMIT_HANDOFF_FDS);
    check_ready_fd(x, s, n_addresses);
    if (s->with->handoff.n == 1 && handoff_has_word(&s->with->handoff, "stdin") && n_addresses > 1)
        conf_refuse(x, "handoff",
                    "handoff = stdin tells of one socket, and there are %zu; add another word to it, such as "
                    "listen-fds",
                    n_addresses);
    if (all_known) {
        check_placeholders(x, "command", &s->command, &p);
        check_placeholders(x, "env.", &s->with->environment, &p);
    }
}

static void check_on_demand(const struct check *x, const struct service_conf *s)
{
    if (s->with->start == START_ON_DEMAND && s->sockets.n == 0)
        conf_refuse(x, "start", "start = on-demand needs a socket at which somebody can ask for it");
    if (s->with->start == START_ON_DEMAND && s->with->type == TYPE_ONESHOT)
        conf_refuse(x, "start", "start = on-demand contradicts type = oneshot");
    if (s->with->start != START_ON_DEMAND && s->with->idle_stop_ns != INT64_MAX)
        conf_refuse(x, "idle_stop", "idle_stop needs start = on-demand, or nothing would start it again");
    if (s->with->idle_stop_ns == 0)
        conf_refuse(x, "idle_stop", "idle_stop = 0 would stop it at once");
}

/* A service that gets connections, not sockets. */
static void check_accepting(const struct check *x, const struct service_conf *s)
{
    bool accepts = conf_accepts(x->conf, s);

    for (size_t i = 1; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(x->conf, s->sockets.v[i]);
        if (socket && socket->options->accept != accepts)
            conf_refuse(x, "sockets", "accept = yes must be said of all of its sockets or of none");
    }
    if (!accepts)
        return;
    if (s->with->workers != 1)
        conf_refuse(x, "workers",
                    "with accept = yes it has a worker for each connection; max_connections bounds them");
    if (s->with->ready != READY_EXEC)
        conf_refuse(x, "ready", "ready has no meaning with accept = yes");
    if (s->with->idle_stop_ns != INT64_MAX)
        conf_refuse(x, "idle_stop", "idle_stop has no meaning with accept = yes");
    if (s->with->type == TYPE_ONESHOT)
        conf_refuse(x, "type", "type = oneshot has no meaning with accept = yes");
    for (size_t i = 0; i < s->with->handoff.n; i++)
        if (!str_eq(s->with->handoff.v[i], "auto") && !str_eq(s->with->handoff.v[i], "stdin") &&
            !str_eq(s->with->handoff.v[i], "listen-fds") && !str_eq(s->with->handoff.v[i], "none"))
            conf_refuse(x, "handoff", "handoff = %s has no meaning with accept = yes", s->with->handoff.v[i]);
}

static void check_contradictions(const struct check *x, const struct service_conf *s)
{
    struct berr err;

    if (s->with->restart.delay_ns > s->with->restart.delay_max_ns)
        conf_refuse(x, "restart_delay", "restart_delay is longer than restart_delay_max; set both");
    if (s->with->ready == READY_DELAY && s->with->ready_delay_ns >= s->with->start_timeout_ns)
        conf_refuse(x, "ready",
                    "ready = delay is not shorter than start_timeout, so it would never become ready");
    if (s->with->type == TYPE_ONESHOT && s->with->ready != READY_EXEC)
        conf_refuse(x, "ready",
                    "ready has no meaning with type = oneshot: it is done when it has ended well");
    if (s->with->watchdog_ns != INT64_MAX && (s->with->type == TYPE_ONESHOT || conf_accepts(x->conf, s)))
        conf_refuse(x, "watchdog", "watchdog has no meaning with %s",
                    s->with->type == TYPE_ONESHOT ? "type = oneshot" : "accept = yes");
    if (handoff_check_words(&s->with->handoff, &err) < 0)
        conf_refuse(x, "handoff", "%s", err.text);
}

/* "a" and "a/b": one would be the other's parent, which may hold no process. */
static bool is_same_or_below(const char *path, const char *above)
{
    size_t n = strlen(above);
    return strncmp(path, above, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static void check_cgroup(const struct check *x, const struct service_conf *s)
{
    const struct surroundings *u = s->with->surroundings;
    const char *path = conf_cgroup(s);

    if (!path && (s->with->kill == KILL_CGROUP || (u && (u->memory_max || u->pids_max || u->cpu_quota_us))))
        conf_refuse(x, "cgroup", "cgroup = no contradicts %s",
                    s->with->kill == KILL_CGROUP ? "kill = cgroup"
                    : u->memory_max              ? "memory_max"
                    : u->pids_max                ? "pids_max"
                                                 : "cpu_max");
    for (size_t i = 0; path && !str_eq(path, "auto") && i < x->conf->n_services; i++) {
        const struct service_conf *t = &x->conf->services[i];
        const char *other = t != s && t->with->surroundings ? conf_cgroup(t) : NULL;
        if (other && !str_eq(other, "auto") && is_same_or_below(path, other))
            conf_refuse(x, "cgroup",
                        "the cgroup %s and %s of service %s are one or lie in each other: each service needs "
                        "one of its own",
                        path, other, t->name);
    }
}

/* Does a command of WORDS only see whether one of the sockets of S can be connected to? That it always can:
 * the socket is held, and its queue answers. */
static const struct socket_conf *find_vain_check(const struct check *x, const struct service_conf *s,
                                                 const struct strv *words)
{
    static const char *const programs[] = {"nc", "ncat", "netcat", "nc.openbsd", "nc.traditional", NULL};
    const char *slash = words->n > 0 ? strrchr(words->v[0], '/') : NULL;
    const char *program = slash ? slash + 1 : words->n > 0 ? words->v[0] : "";
    bool only_connects = false;
    for (size_t i = 0; programs[i]; i++)
        only_connects = only_connects || str_eq(programs[i], program);
    for (size_t i = 0; i < words->n; i++)
        only_connects = only_connects || strstr(words->v[i], "/dev/tcp/");
    for (size_t i = 0; only_connects && i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(x->conf, s->sockets.v[i]);
        for (size_t k = 0; socket && k < socket->listen.n; k++) {
            struct address a;
            conf_get_address(socket, k, &a);
            cleanup_free char *port = mem_printf("%u", a.port),
                              *placeholder = mem_printf("{port:%s}", socket->name);
            for (size_t w = 1; w < words->n; w++)
                if ((a.port > 0 && strstr(words->v[w], port)) || strstr(words->v[w], placeholder) ||
                    (a.kind == ADDRESS_UNIX && strstr(words->v[w], a.path)))
                    return socket;
        }
    }
    return NULL;
}

static void check_upkeep(const struct check *x, const struct service_conf *s)
{
    const struct upkeep_conf *u = s->with->upkeep;
    const struct socket_conf *vain =
        s->with->ready == READY_CHECK ? find_vain_check(x, s, &s->with->ready_check) : NULL;

    if (vain)
        conf_refuse(
            x, "ready",
            "connecting to socket %s says nothing: berth holds it, so that its queue always answers; ask the "
            "program something",
            vain->name);
    vain = u && u->health.n > 0 ? find_vain_check(x, s, &u->health) : NULL;
    if (vain)
        conf_refuse(
            x, "health",
            "connecting to socket %s says nothing: berth holds it, so that its queue always answers; ask the "
            "program something",
            vain->name);
    if (u && u->health.n == 0 &&
        (u->health_interval_ns != 10 * NSEC_PER_SEC || u->health_retries != 3 ||
         u->health_timeout_ns != 5 * NSEC_PER_SEC))
        conf_refuse(x, "health_interval",
                    "health_interval, health_timeout and health_retries need health = COMMAND");
    if (u && (s->with->type == TYPE_ONESHOT || conf_accepts(x->conf, s)))
        conf_refuse(x, u->health.n > 0 ? "health" : "max_age",
                    "health, max_age and max_memory have no meaning with %s",
                    s->with->type == TYPE_ONESHOT ? "type = oneshot" : "accept = yes");
}

static void check_names_of(const struct check *x, const struct service_conf *s, const char *key,
                           const struct strv *names)
{
    for (size_t i = 0; i < names->n; i++) {
        if (str_eq(names->v[i], s->name))
            conf_refuse(x, key, "%s names the service itself", key);
        else if (!conf_find_service(x->conf, names->v[i]))
            conf_refuse(x, key, "%s names service %s, which is not there", key, names->v[i]);
    }
}

static void check_service(const struct check *x, const struct service_conf *s)
{
    if (s->command.n == 0)
        conf_refuse(x, NULL, "there is no command; say command = WORDS");
    check_accepting(x, s);
    check_on_demand(x, s);
    check_contradictions(x, s);
    check_cgroup(x, s);
    conf_check_output(x, s);
    conf_check_standby(x, s);
    check_upkeep(x, s);
    check_sockets_of(x, s);
    check_names_of(x, s, "after", &s->with->after);
    check_names_of(x, s, "requires", &s->with->requires);
}

/* --- services beside each other ------------------------------------------------------------------------ */

/* accept = yes: each connection is one service's. */
static void check_shared_acceptors(struct check *x)
{
    const struct conf *c = x->conf;
    cleanup_free unsigned *users = mem_new_array(c->n_sockets + 1, sizeof *users);

    for (size_t i = 0; i < c->n_services; i++)
        for (size_t k = 0; k < c->services[i].sockets.n; k++) {
            const struct socket_conf *s = conf_find_socket(c, c->services[i].sockets.v[k]);
            if (s)
                users[s - c->sockets]++;
        }
    for (size_t i = 0; i < c->n_sockets; i++) {
        x->name = c->sockets[i].name;
        if (c->sockets[i].options->accept && users[i] > 1)
            conf_refuse(x, "accept", "with accept = yes only one service can have it");
    }
}

static bool waits_for_itself(const struct conf *c)
{
    for (size_t i = 0; i < c->n_services; i++)
        for (size_t k = 0; k < c->services[i].with->after.n + c->services[i].with->requires.n; k++) {
            const struct service_conf *s = &c->services[i];
            const char *name =
                k < s->with->after.n ? s->with->after.v[k] : s->with->requires.v[k - s->with->after.n];
            if (str_eq(name, s->name))
                return true;
        }
    return false;
}

static void check_circle(struct check *x)
{
    const struct conf *c = x->conf;
    struct order o;
    size_t n = 0;
    cleanup_free size_t *circle = NULL;
    struct buf text;

    if (waits_for_itself(c)) /* that has been told */
        return;
    bool is_sound = order_make(c, &o, &circle, &n);
    order_fini(&o);
    if (is_sound)
        return;
    buf_init(&text, 2048);
    for (size_t i = 0; i < n && i <= CIRCLE_SHOWN; i++)
        buf_printf(&text, "%s%s", i > 0 ? " after " : "",
                   i == CIRCLE_SHOWN && i < n - 1 ? "…" : c->services[circle[i]].name);
    x->name = c->services[circle[0]].name;
    conf_refuse(x, c->services[circle[0]].with->requires.n > 0 ? "requires" : "after",
                "services wait for each other in a circle: %s", buf_str(&text));
    buf_fini(&text);
}

void conf_check_all(const struct conf *c, struct conf_report *report)
{
    struct check x = {c, report, CONF_SUPERVISOR, ""};

    if (c->n_sockets > LIMIT_SOCKETS)
        conf_refuse(&x, NULL, "there are %zu sockets, and %d are the most", c->n_sockets, LIMIT_SOCKETS);
    if (c->n_services > LIMIT_SERVICES)
        conf_refuse(&x, NULL, "there are %zu services, and %d are the most", c->n_services, LIMIT_SERVICES);
    x.section = CONF_SOCKET;
    for (size_t i = 0; i < c->n_sockets; i++) {
        x.name = c->sockets[i].name;
        check_socket(&x, &c->sockets[i]);
    }
    conf_check_claims(&x);
    check_shared_acceptors(&x);
    x.section = CONF_SERVICE;
    for (size_t i = 0; i < c->n_services; i++) {
        x.name = c->services[i].name;
        check_service(&x, &c->services[i]);
    }
    conf_check_output_files(&x);
    check_circle(&x);
}

/* --- the first one ------------------------------------------------------------------------------------- */

struct first {
    struct conf_report report;
    struct berr *err;
    bool is_set;
};

static void keep_first(struct conf_report *self, enum conf_section section, const char *name, const char *key,
                       const char *sentence)
{
    struct first *f = (struct first *)self;
    (void)key;
    if (f->is_set)
        return;
    f->is_set = true;
    if (section == CONF_SUPERVISOR)
        berr_set(f->err, BERR_CONFIG, EINVAL, "%s", sentence);
    else
        berr_set(f->err, BERR_CONFIG, EINVAL, "%s %s: %s", section == CONF_SOCKET ? "socket" : "service",
                 name, sentence);
}

int conf_check(const struct conf *c, struct berr *err)
{
    struct first f = {{keep_first}, err, false};
    conf_check_all(c, &f.report);
    return f.is_set ? -EINVAL : 0;
}
