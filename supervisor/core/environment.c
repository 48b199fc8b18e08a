/* environment: everything a worker is given in words: its arguments and its variables. Later ones replace
 * earlier ones, so the order below is the order of strength. Strings are moved, never copied, once a dialect
 * has reserved a place in one. */
#include "config.h"

#include "core/environment.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "core/handoff/numbers.h"

#define PID_DIGITS 10 /* of an int */

/* A placeholder's answers with the memory behind them. */
struct answers {
    char host[INET6_ADDRSTRLEN + 12]; /* with a numeric scope */
    char path[sizeof(struct sockaddr_un)];
    char address[600]; /* an abstract name may be escaped, four bytes for one */
};

static void fill_inet(const struct endpoint *e, struct answers *a, struct placeholder_socket *ps)
{
    if (e->family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&e->sa;
        inet_ntop(AF_INET, &in->sin_addr, a->host, sizeof a->host);
        ps->port = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e->sa;
        inet_ntop(AF_INET6, &in6->sin6_addr, a->host, sizeof a->host);
        if (in6->sin6_scope_id)
            snprintf(a->host + strlen(a->host), sizeof a->host - strlen(a->host), "%%%u", in6->sin6_scope_id);
        ps->port = ntohs(in6->sin6_port);
    }
}

/* An abstract name is written "@name", as in an address; one with NUL bytes inside has no such form. */
static void fill_unix(const struct endpoint *e, struct answers *a)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&e->sa;
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t n = e->len > start ? e->len - start : 0;

    if (n > sizeof un->sun_path)
        n = sizeof un->sun_path;
    if (n == 0)
        return;
    if (un->sun_path[0] != '\0') {
        snprintf(a->path, sizeof a->path, "%.*s", (int)n, un->sun_path);
    } else if (!memchr(un->sun_path + 1, '\0', n - 1)) {
        snprintf(a->path, sizeof a->path, "@%.*s", (int)(n - 1), un->sun_path + 1);
    }
}

static void fill_vsock(const struct endpoint *e, struct answers *a, struct placeholder_socket *ps)
{
    const struct sockaddr_vm *vm = (const struct sockaddr_vm *)&e->sa;

    if (vm->svm_cid == VMADDR_CID_ANY)
        strcpy(a->host, "*");
    else
        snprintf(a->host, sizeof a->host, "%u", vm->svm_cid);
    ps->port = vm->svm_port;
}

static void answer_for(const struct handoff_socket *s, int fd, struct answers *a,
                       struct placeholder_socket *ps)
{
    *ps = (struct placeholder_socket){
        .name = s->name, .fd = fd, .host = a->host, .path = a->path, .address = a->address};
    if (s->endpoint.family == AF_INET || s->endpoint.family == AF_INET6)
        fill_inet(&s->endpoint, a, ps);
    else if (s->endpoint.family == AF_UNIX)
        fill_unix(&s->endpoint, a);
    else if (s->endpoint.family == AF_VSOCK)
        fill_vsock(&s->endpoint, a, ps);
    endpoint_format(a->address, sizeof a->address, &s->endpoint);
}

/* LEFT_OUT: where a word that cannot be filled is told and stays as it is; NULL: it is an error. */
static int expand_all(const struct strv *words, const struct placeholders *p, struct strv *ret,
                      const char *what, struct strv *left_out, struct berr *err)
{
    for (size_t i = 0; i < words->n; i++) {
        char *expanded;
        int r = placeholders_expand(words->v[i], p, &expanded, err);
        if (r < 0)
            berr_prefix(err, "%s", what);
        if (r < 0 && !left_out)
            return r;
        if (r < 0) {
            strv_add(left_out, err->text);
            expanded = mem_strdup(words->v[i]);
        }
        strv_put(ret, expanded);
    }
    return 0;
}

/* The part of "NAME=VALUE" before '=' goes into NAME; false for what is no assignment. */
static bool name_of(const char *assignment, char *name, size_t size)
{
    size_t n = strcspn(assignment, "=");
    if (assignment[n] == '\0' || n >= size)
        return false;
    memcpy(name, assignment, n);
    name[n] = '\0';
    return true;
}

static void inherit(const char *const *inherited, struct strv *environment)
{
    char name[256];

    /* A name too long for the buffer is no dialect's. */
    for (; inherited && *inherited; inherited++)
        if (!name_of(*inherited, name, sizeof name) || !handoff_is_foreign_variable(name))
            strv_add(environment, *inherited);
}

/* Moves every string of FROM into ENVIRONMENT: the places that a dialect reserved in them stay where they
 * are. */
static void move_all(struct strv *from, struct strv *environment)
{
    for (size_t i = 0; i < from->n; i++)
        strv_put_env(environment, from->v[i]);
    free(from->v);
    *from = (struct strv){NULL, 0};
}

/* Only the child that accepts knows these. They come last, so that it can leave them out. */
static void reserve_remote(struct worker_invocation *w)
{
    static const char *const names[] = {"REMOTE_ADDR", "REMOTE_PORT"};

    for (size_t i = 0; i < 2; i++) {
        char *text = mem_new(WORKER_REMOTE_ROOM);
        snprintf(text, WORKER_REMOTE_ROOM, "%s=", names[i]);
        strv_remove_env(&w->environment, names[i]);
        strv_put(&w->environment, text);
    }
    w->remote = w->environment.v + w->environment.n - 2;
}

/* A wrapper's pid would keep the program that it runs from giving signs of life. */
static void set_watchdog(const struct handoff_input *in, struct worker_invocation *w)
{
    static const char name[] = "WATCHDOG_PID=";

    strv_put_env(&w->environment, mem_printf("WATCHDOG_USEC=%llu", (unsigned long long)in->watchdog_us));
    strv_remove_env(&w->environment, "WATCHDOG_PID");
    if (in->listen_pid != LISTEN_PID_CHILD)
        return;
    char *text = mem_new(sizeof name + PID_DIGITS);
    memcpy(text, name, sizeof name);
    strv_put(&w->environment, text);
    w->watchdog_pid = text + sizeof name - 1;
}

static int make_environment(const struct service_conf *s, const struct handoff_input *in,
                            const struct placeholders *p, const char *const *inherited,
                            const char *const *extra, struct worker_invocation *w, struct berr *err)
{
    struct handoff_output out = {0};
    struct strv own = {NULL, 0};
    int r = expand_all(&s->with->environment, p, &own, "env", in->is_preview ? &w->left_out : NULL, err);

    if (r == 0)
        r = handoff_emit(&s->with->handoff, s->command.n > 0 ? s->command.v[0] : "", in, &out, err);
    if (r < 0) {
        strv_fini(&own);
        return r;
    }
    if (!s->with->clear_env)
        inherit(inherited, &w->environment);
    for (; extra && *extra; extra++)
        strv_put_env(&w->environment, mem_strdup(*extra));
    move_all(&own, &w->environment);
    w->listen_pid = out.listen_pid;
    w->listen_pidfdid = out.listen_pidfdid;
    w->on_stdin = out.on_stdin;
    w->by_channel = out.by_channel;
    for (size_t i = 0; i < out.left_out.n; i++)
        strv_add(&w->left_out, out.left_out.v[i]);
    strv_fini(&out.left_out);
    move_all(&out.environment, &w->environment);
    if (w->by_channel)
        strv_put_env(&w->environment, mem_printf("BERTH_CHANNEL=%d", HANDOFF_FIRST_FD));
    strv_put_env(&w->environment, mem_printf("BERTH_SERVICE=%s", in->service));
    strv_put_env(&w->environment, mem_printf("BERTH_WORKER=%u", in->worker));
    strv_put_env(&w->environment, mem_printf("BERTH_GENERATION=%u", in->generation));
    if (in->notify_socket)
        strv_put_env(&w->environment, mem_printf("NOTIFY_SOCKET=%s", in->notify_socket));
    if (in->store_max > 0)
        strv_put_env(&w->environment, mem_printf("FDSTORE=%zu", in->store_max));
    if (in->watchdog_us > 0)
        set_watchdog(in, w);
    if (in->is_connection)
        reserve_remote(w);
    return 0;
}

int worker_invocation_make(const struct service_conf *s, const struct handoff_input *in,
                           const char *const *inherited, const char *const *extra,
                           struct worker_invocation *ret, struct berr *err)
{
    cleanup_free struct answers *answers = mem_new_array(in->n_sockets + 1, sizeof *answers);
    cleanup_free struct placeholder_socket *sockets = mem_new_array(in->n_sockets + 1, sizeof *sockets);
    struct placeholders p = {in->worker, in->generation, sockets, in->n_sockets};
    struct worker_invocation w = {0};
    bool is_later = handoff_has_word(&s->with->handoff, "channel") || in->is_connection;
    int r;

    for (size_t i = 0; i < in->n_sockets; i++)
        answer_for(&in->sockets[i], is_later ? -1 : HANDOFF_FIRST_FD + (int)i, &answers[i], &sockets[i]);
    r = expand_all(&s->command, &p, &w.argv, "command", in->is_preview ? &w.left_out : NULL, err);
    if (r == 0)
        r = make_environment(s, in, &p, inherited, extra, &w, err);
    if (r < 0)
        worker_invocation_fini(&w);
    else
        *ret = w;
    return r;
}

void worker_invocation_fini(struct worker_invocation *w)
{
    strv_fini(&w->argv);
    strv_fini(&w->environment);
    strv_fini(&w->left_out);
    w->listen_pid = w->listen_pidfdid = w->watchdog_pid = NULL;
}

size_t worker_store_room(const struct service_conf *s, size_t n)
{
    const struct service_settings *with = s->with;
    size_t room = (size_t)with->store_max;
    if (!handoff_tells_stored(&with->handoff, s->command.n > 0 ? s->command.v[0] : "") ||
        n >= LIMIT_HANDOFF_FDS)
        return 0;
    size_t most = LIMIT_HANDOFF_FDS - n;
    if (with->ready == READY_FD && !handoff_has_word(&with->handoff, "channel")) /* it stands behind them */
        most = (size_t)with->ready_fd > 3 + n ? (size_t)with->ready_fd - 3 - n : 0;
    return room < most ? room : most;
}
