/* explain: see the header. It makes what a spawn would make, and looks at it. */
#include "config.h"

#include "core/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_tables.h"
#include "core/environment.h"
#include "core/handoff/numbers.h"

#define OWN_PID "(the worker's own pid)"

static bool is_own(const char *name)
{
    static const char *const names[] = {"BERTH_SERVICE", "BERTH_WORKER", "BERTH_GENERATION",
                                        "REMOTE_ADDR",   "REMOTE_PORT",  "NOTIFY_SOCKET",
                                        "WATCHDOG_USEC", "WATCHDOG_PID", "FDSTORE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

/* Where a worker's variables come from, besides the configuration and berth itself. */
struct sources {
    const struct strv *user, *files;
};

/* The later a source, the stronger it is, so the strongest that has NAME is asked first. */
static const char *source_of(const struct service_conf *s, const struct sources *from, const char *name)
{
    const char *word = handoff_owner(name);
    if (is_own(name))
        return "berth";
    if (word)
        return word;
    if (strv_find_env(&s->with->environment, name))
        return "env";
    if (strv_find_env(from->files, name))
        return "env_file";
    return strv_find_env(from->user, name) ? "user" : "inherited";
}

static void add_variable(struct explanation *x, const struct service_conf *s, const struct sources *from,
                         const char *text)
{
    size_t n = strcspn(text, "=");
    x->variables = mem_resize_array(x->variables, x->n_variables + 1, sizeof *x->variables);
    struct explain_variable *v = &x->variables[x->n_variables++];
    v->name = mem_strndup(text, n);
    v->source = source_of(s, from, v->name);
    bool is_later = text[n] && !text[n + 1] &&
                    (str_eq(v->name, "LISTEN_PID") || str_eq(v->name, "LISTEN_PIDFDID") ||
                     str_eq(v->name, "WATCHDOG_PID"));
    bool is_peers = text[n] && !text[n + 1] && str_starts_with(v->name, "REMOTE_");
    v->value =
        mem_strdup(is_later ? str_eq(v->name, "LISTEN_PIDFDID") ? "(the worker's own pidfd id)" : OWN_PID
                   : is_peers && text[n] ? "(the client's)"
                   : text[n]             ? text + n + 1
                                         : "");
}

static void add_taken_away(struct explanation *x, const char *const *inherited, bool clear_env)
{
    for (; inherited && *inherited && !clear_env; inherited++) {
        cleanup_free char *name = mem_strndup(*inherited, strcspn(*inherited, "="));
        bool is_there = false;
        for (size_t i = 0; i < x->n_variables; i++)
            is_there = is_there || str_eq(x->variables[i].name, name);
        if (!is_there)
            strv_add(&x->taken_away, name);
    }
}

static struct explain_descriptor *add_descriptor(struct explanation *x, int number, const char *what)
{
    x->descriptors = mem_resize_array(x->descriptors, x->n_descriptors + 1, sizeof *x->descriptors);
    struct explain_descriptor *d = &x->descriptors[x->n_descriptors++];
    *d = (struct explain_descriptor){.number = number, .what = what};
    return d;
}

static void add_options(struct strv *ret, const struct socket_conf *socket)
{
    for (const struct conf_key *k = conf_schema(CONF_SOCKET); socket && k->name; k++) {
        struct buf value;
        if (str_eq(k->name, "listen"))
            continue;
        buf_init(&value, 4096);
        k->print(socket, k, &value);
        if (!str_eq(buf_str(&value), k->initial))
            strv_put(ret, mem_printf("%s = %s", k->name, buf_str(&value)));
        buf_fini(&value);
    }
}

static void add_socket(struct explanation *x, const struct conf *c, int number, const char *what,
                       const struct handoff_socket *s)
{
    char text[ADDRESS_TEXT];
    struct explain_descriptor *d = add_descriptor(x, number, what);
    d->name = mem_strdup(s->name);
    d->address = mem_strdup(endpoint_format(text, sizeof text, &s->endpoint));
    add_options(&d->options, conf_find_socket(c, s->name));
}

/* Standard output or error, whose name is where it goes; or standard input. */
static void add_standard(struct explanation *x, const struct service_conf *s, int number)
{
    struct buf where;
    if (number == 0 || !s->with->output || s->with->output->how == OUTPUT_INHERIT) {
        add_descriptor(x, number, number == 0 && s->is_sink ? "input" : "inherited");
        return;
    }
    buf_init(&where, 8192);
    conf_print_output(s, NULL, &where);
    add_descriptor(x, number, "output")->name = buf_take(&where);
}

static void add_descriptors(struct explanation *x, const struct conf *c, const struct service_conf *s,
                            const struct handoff_input *in, const struct worker_invocation *w)
{
    for (int i = 0; i < 3; i++) {
        if (in->is_connection && i < 2)
            add_descriptor(x, i, "connection");
        else if (i == 0 && w->on_stdin && in->n_sockets > 0)
            add_socket(x, c, 0, "socket", &in->sockets[0]);
        else
            add_standard(x, s, i);
    }
    if (w->by_channel)
        add_descriptor(x, HANDOFF_FIRST_FD, "channel");
    for (size_t i = 0; i < in->n_sockets; i++)
        add_socket(x, c, w->by_channel ? -1 : HANDOFF_FIRST_FD + (int)i,
                   in->is_connection ? "connection"
                   : w->by_channel   ? "sent over the channel"
                                     : "socket",
                   &in->sockets[i]);
    for (size_t i = in->n_sockets; i < in->n_sockets + in->n_stored; i++)
        add_descriptor(x, w->by_channel ? -1 : HANDOFF_FIRST_FD + (int)i, "stored")->name =
            mem_strdup(in->sockets[i].name);
    if (s->with->ready == READY_FD)
        add_descriptor(x, s->with->ready_fd, "ready");
}

/* What only binding would tell. */
static void add_open_ports(struct explanation *x, const struct handoff_input *in)
{
    for (size_t i = 0; in->is_preview && i < in->n_sockets; i++) {
        struct address a;
        struct berr err;
        bool is_inet = address_parse(in->sockets[i].declared, &a, &err) == 0 &&
                       (a.kind == ADDRESS_TCP || a.kind == ADDRESS_UDP);
        if (is_inet && a.port == 0)
            strv_put(&x->left_out, mem_printf("the kernel chooses the port of %s (%s) when it is bound",
                                              in->sockets[i].name, in->sockets[i].declared));
    }
}

int explain_worker(const struct conf *c, const struct service_conf *s, const struct handoff_input *in,
                   const char *const *inherited, const struct strv *user, const struct strv *files,
                   struct explanation *ret, struct berr *err)
{
    const struct sources from = {user, files};
    struct strv extra = {NULL, 0};
    struct explanation x = {.told_by = NULL};
    struct worker_invocation w;
    char tells[200];
    for (size_t i = 0; i < user->n; i++)
        strv_add(&extra, user->v[i]);
    for (size_t i = 0; i < files->n; i++)
        strv_put_env(&extra, mem_strdup(files->v[i]));
    int r = worker_invocation_make(s, in, inherited, (const char *const *)extra.v, &w, err);
    strv_fini(&extra);
    if (r < 0)
        return r;
    x.argv = w.argv;
    x.left_out = w.left_out;
    w.argv = w.left_out = (struct strv){NULL, 0};
    handoff_tells(tells, sizeof tells, &s->with->handoff, s->command.n > 0 ? s->command.v[0] : "");
    x.told_by = mem_strdup(in->n_sockets > 0 ? tells : "");
    for (size_t i = 0; i < w.environment.n; i++)
        add_variable(&x, s, &from, w.environment.v[i]);
    add_taken_away(&x, inherited, s->with->clear_env);
    add_descriptors(&x, c, s, in, &w);
    add_open_ports(&x, in);
    worker_invocation_fini(&w);
    *ret = x;
    return 0;
}

void explanation_fini(struct explanation *x)
{
    strv_fini(&x->argv);
    strv_fini(&x->taken_away);
    strv_fini(&x->left_out);
    for (size_t i = 0; i < x->n_variables; i++) {
        free(x->variables[i].name);
        free(x->variables[i].value);
    }
    for (size_t i = 0; i < x->n_descriptors; i++) {
        free(x->descriptors[i].name);
        free(x->descriptors[i].address);
        strv_fini(&x->descriptors[i].options);
    }
    free(x->variables);
    free(x->descriptors);
    free(x->told_by);
}
