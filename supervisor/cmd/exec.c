/* exec: borrows held sockets and runs a command on them. This process becomes the command, so what it is
 * given is what a worker would be given, but for the supervisor: that does not know it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/reply.h"
#include "core/environment.h"
#include "sys/fd.h"
#include "sys/listener.h"
#include "sys/pidfd.h"
#include "sys/rlimits.h"
#include "sys/spawn.h"

#define FIRST_FD 3

extern char **environ;

/* What was borrowed: three arrays of N. */
struct loan {
    json_t *sockets; /* as the replies describe them; owned */
    int *fds;        /* owned */
    size_t n;
};

static void loan_fini(struct loan *l)
{
    for (size_t i = 0; i < l->n; i++)
        fd_close(&l->fds[i]);
    free(l->fds);
    json_decref(l->sockets);
}

/* One reply's worth. Text and descriptors must agree, or something was lost on the way. */
static int take_part(struct loan *l, struct client *c, const json_t *reply, struct berr *err)
{
    json_t *part = json_object_get(reply, "sockets");
    size_t n = json_array_size(part);

    l->fds = mem_resize_array(l->fds, l->n + n + 1, sizeof *l->fds);
    if ((size_t)reply_int(reply, "first") != l->n || !client_take_fds(c, l->fds + l->n, n))
        return berr_set(err, BERR_PROTOCOL, EPROTO,
                        "the supervisor named %zu sockets from the %zuth on, and sent others", n, l->n + 1);
    l->n += n;
    json_array_extend(l->sockets, part);
    return 0;
}

static int borrow(struct client *c, const struct strv *names, struct loan *ret, struct berr *err)
{
    json_t *wanted = json_array(), *reply;
    bool continues = true;
    json_int_t total = 0;
    int r = 0;

    for (size_t i = 0; i < names->n; i++)
        json_array_append_new(wanted, json_string(names->v[i]));
    client_send(c, "Borrow", json_pack("{s:o}", "sockets", wanted), true);
    ret->sockets = json_array();
    while (r == 0 && continues && (r = client_receive(c, &reply, &continues, err)) == 0) {
        r = take_part(ret, c, reply, err);
        total = reply_int(reply, "total");
        json_decref(reply);
    }
    if (r == 0 && (size_t)total != ret->n)
        r = berr_set(err, BERR_PROTOCOL, EPROTO, "the supervisor was to send %lld sockets and sent %zu",
                     (long long)total, ret->n);
    return r;
}

static int describe(const struct loan *l, struct handoff_socket *ret, struct berr *err)
{
    for (size_t i = 0; i < l->n; i++) {
        const json_t *s = json_array_get(l->sockets, i);
        ret[i] = (struct handoff_socket){.name = reply_text(s, "name"),
                                         .fd = l->fds[i],
                                         .declared = reply_text(s, "declared"),
                                         .parts = 1};
        int r = listener_endpoint(l->fds[i], &ret[i].endpoint);
        if (r < 0)
            return berr_set(err, BERR_SYSTEM, -r, "what was sent for socket %s is no socket: %s", ret[i].name,
                            strerror(-r));
    }
    return 0;
}

/* Out of the way of each other first, then to their places; only there they outlive the exec. */
static int place(struct loan *l, struct berr *err)
{
    for (size_t i = 0; i < l->n; i++) {
        int fd = fcntl(l->fds[i], F_DUPFD_CLOEXEC, FIRST_FD + (int)l->n);
        if (fd < 0)
            return berr_set(err, BERR_FAILED, errno,
                            "%zu descriptors do not fit below the limit of open files (ulimit -n): %s", l->n,
                            strerror(errno));
        fd_close(&l->fds[i]);
        l->fds[i] = fd;
    }
    for (size_t i = 0; i < l->n; i++)
        if (dup2(l->fds[i], FIRST_FD + (int)i) < 0)
            return berr_set(err, BERR_FAILED, errno, "descriptor %zu could not be put in its place: %s",
                            FIRST_FD + i, strerror(errno));
    return 0;
}

static void write_identity(struct worker_invocation *w)
{
    struct stat st;
    cleanup_fd int pidfd = pidfd_open_process(getpid());

    if (w->listen_pid)
        sprintf(w->listen_pid, "%d", (int)getpid());
    if (w->listen_pidfdid && pidfd >= 0 && fstat(pidfd, &st) == 0)
        sprintf(w->listen_pidfdid, "%llu", (unsigned long long)st.st_ino);
}

/* Who borrows is no worker. */
static void forget_worker(struct worker_invocation *w)
{
    static const char *const names[] = {"BERTH_SERVICE", "BERTH_WORKER", "BERTH_GENERATION"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        strv_remove_env(&w->environment, names[i]);
}

/* Returns only if it failed: the exit status. */
static int become(const struct worker_invocation *w)
{
    struct berr err;
    char quoted[200];

    execvpe(w->argv.v[0], w->argv.v, w->environment.v);
    int status = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
    berr_set(&err, BERR_FAILED, errno, "'%s' cannot be executed: %s",
             str_escape(quoted, sizeof quoted, w->argv.v[0], strlen(w->argv.v[0])), strerror(errno));
    cmd_fail(&err);
    return status;
}

static int run_on(struct loan *l, struct conf *conf, const struct rlimit *usual)
{
    cleanup_free struct handoff_socket *sockets = mem_new_array(l->n + 1, sizeof *sockets);
    struct handoff_input in = {.service = "exec",
                               .worker = 1,
                               .generation = 1,
                               .sockets = sockets,
                               .n_sockets = l->n,
                               .knows_pidfdid = spawn_knows_pidfdid()};
    struct worker_invocation w;
    struct berr err;

    if (describe(l, sockets, &err) < 0 ||
        worker_invocation_make(&conf->services[0], &in, (const char *const *)environ, NULL, &w, &err) < 0)
        return cmd_fail(&err);
    int status;
    if (place(l, &err) < 0) {
        status = cmd_fail(&err);
    } else {
        write_identity(&w);
        forget_worker(&w);
        setrlimit(RLIMIT_NOFILE, usual);
        status = become(&w);
    }
    worker_invocation_fini(&w);
    return status;
}

/* The options, each a --socket; the words behind them are the command. A usage error has been told: false. */
static bool read_words(const struct cmd *self, const struct cmd_args *args, struct strv *names,
                       struct service_conf *s)
{
    int i = 0;

    for (; i < args->argc && args->argv[i][0] == '-'; i++) {
        const char *word = args->argv[i];
        if (str_eq(word, "--")) {
            i++;
            break;
        }
        if (str_starts_with(word, "--socket=")) {
            strv_add(names, word + strlen("--socket="));
        } else if (str_eq(word, "--socket") && i + 1 < args->argc) {
            strv_add(names, args->argv[++i]);
        } else {
            char quoted[128];
            cmd_usage_error(
                self, str_eq(word, "--socket") ? "%s wants a NAME behind it" : "'%s' is no option of exec",
                str_escape(quoted, sizeof quoted, word, strlen(word)));
            return false;
        }
    }
    for (; i < args->argc; i++)
        strv_add(&s->command, args->argv[i]);
    if (s->command.n == 0)
        cmd_usage_error(self, "there is no command to run");
    return s->command.n > 0;
}

static int borrow_and_run(const struct cmd_args *args, const struct strv *names, struct conf *conf)
{
    struct client c = {.fd = -1};
    struct loan loan = {NULL, NULL, 0};
    struct rlimit usual;
    struct berr err;
    int status;

    int r = rlimits_raise_nofile(&usual); /* what comes is put below it again, as far as it can be */
    if (r < 0) {
        berr_set(&err, BERR_SYSTEM, -r, "the limit of descriptors (RLIMIT_NOFILE) could not be read: %s",
                 strerror(-r));
        return cmd_fail(&err);
    }
    if (client_open(&c, args->control, &err) < 0 || borrow(&c, names, &loan, &err) < 0)
        status = cmd_fail(&err);
    else
        status = run_on(&loan, conf, &usual);
    client_close(&c);
    loan_fini(&loan);
    return status;
}

static int run(const struct cmd *self, const struct cmd_args *args)
{
    struct strv names = {NULL, 0};
    struct conf conf;
    int status = 2;

    if (args->argc > 0 && (str_eq(args->argv[0], "--help") || str_eq(args->argv[0], "-h"))) {
        cmd_print_help(self);
        return 0;
    }
    conf_init(&conf);
    struct service_conf *s = conf_add_service(&conf, "exec");
    strv_add(&s->with->handoff, "listen-fds");
    if (read_words(self, args, &names, s))
        status = borrow_and_run(args, &names, &conf);
    strv_fini(&names);
    conf_fini(&conf);
    return status;
}

const struct cmd cmd_exec = {
    .name = "exec",
    .args = "[--socket NAME]... [--] COMMAND [ARG...]",
    .summary = "borrow held sockets and run a command on them",
    .help = "COMMAND gets the sockets of each NAME, or every held one, from descriptor 3 on, with "
            "LISTEN_FDS; {fd:NAME} and the\n"
            "other placeholders of berth run are filled. It takes connections beside the workers, for as "
            "long as it runs.",
    .takes_words = true,
    .run = run,
};
