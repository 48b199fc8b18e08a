/* unprotected_upgrade: without a keeper, this process becomes one. What it has open is written down as a
 * keeper's will (sys/will.h), under the names that a keeper would have it under; then our own program is
 * executed anew in that role. Children stay children, and a new supervisor finds all as after a crash.
 *
 * Workers that were the old keeper's children are somebody else's now: their pids go into the will as
 * negative numbers, so that the new keeper does not take another child of its own for them, and whoever
 * supervises reads their ends from the pidfds. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "engine/conf_load.h"
#include "engine/engine.h"
#include "engine/retire.h"
#include "sys/fd.h"
#include "sys/procfs.h"
#include "sys/text_file.h"
#include "sys/will.h"

#define MOST ((size_t)16 * 1024 * 1024)

/* A will that is being written; the first failure stays. */
struct testament {
    struct engine *engine;
    int fd;
    int error;
};

static void add(struct testament *t, enum keeper_msg_type type, const char *name, int fd, pid_t pid,
                uint32_t flags)
{
    struct keeper_msg m;
    int r = keeper_msg_make(&m, type, name);
    must(r == 0);
    m.pid = pid;
    m.flags = flags;
    r = t->error == 0 ? will_add(t->fd, &m, fd) : 0;
    t->error = t->error < 0 ? t->error : r;
}

static void hold(struct testament *t, const char *name, int fd)
{
    if (fd >= 0)
        add(t, KEEPER_HELD, name, fd, 0, 0);
}

static void hold_process(struct testament *t, const char *name, int pidfd, pid_t pid)
{
    struct procfs_process p;
    bool is_ours = procfs_process(pid, &p) == 0 && p.ppid == getpid();
    if (pid > 0)
        add(t, KEEPER_HELD, name, pidfd, is_ours ? pid : -pid, 0);
}

static void add_workers(struct testament *t, const struct service *s)
{
    char name[LIMIT_HELD_NAME + 1];
    struct worker *w;
    service_each_worker (w, s) {
        worker_held_name(w, name);
        hold_process(t, name, w->pidfd, w->pid);
        notify_held_name(w, name);
        hold(t, name, w->notify_fd);
        ready_fd_held_name(w, name);
        hold(t, name, w->ready_fd ? w->ready_fd->fd : -1);
        channel_held_name(w, name);
        hold(t, name, w->channel ? w->channel->fd : -1);
    }
}

static void hold_stored(void *data, const char *held, int fd)
{
    hold(data, held, fd);
}

static void add_output(struct testament *t, const struct output *o)
{
    char name[LIMIT_HELD_NAME + 1];
    output_ring_held_name(o, name);
    hold(t, name, o->memory.fd);
    for (int is_write_end = 0; is_write_end < 2; is_write_end++) {
        output_inlet_held_name(o, is_write_end, name);
        hold(t, name, is_write_end ? o->inlet_write_fd : o->inlet_read_fd);
        for (size_t i = 0; i < o->n_streams; i++) {
            const struct output_stream *s = o->streams[i];
            if (!s)
                continue;
            output_held_name(o, s->place, is_write_end, name);
            hold(t, name, is_write_end ? s->write_fd : s->read_fd);
        }
    }
}

static void add_service(struct testament *t, const struct service *s)
{
    add_workers(t, s);
    fd_store_each(s, hold_stored, t);
    if (s->output)
        add_output(t, s->output);
}

static void hold_socket(struct testament *t, const struct held_socket *h)
{
    char name[LIMIT_HELD_NAME + 1];
    hold_held_name(h, name);
    hold(t, name, h->fd);
}

static void add_sockets(struct testament *t)
{
    struct engine *e = t->engine;
    char name[LIMIT_HELD_NAME + 1];
    struct held_socket *h;
    hold_each(h, &e->hold) hold_socket(t, h);
    for (size_t i = 0; (h = retire_nth(e, i)); i++)
        hold_socket(t, h);
    list_each (s, &e->shares, struct share, link) {
        share_held_name(s->protocol, s->path, name);
        hold(t, name, s->fd);
    }
    hold(t, "control", e->control_fd);
}

static void add_processes(struct testament *t)
{
    struct engine *e = t->engine;
    char name[LIMIT_HELD_NAME + 1];
    for (size_t i = 0; i < e->n_services; i++)
        add_service(t, e->services[i]);
    list_each (l, &e->leaving, struct leaving, link)
        add_service(t, l->service);
    list_each (k, &e->tasks, struct task, link) {
        task_held_name(k, name);
        hold_process(t, name, k->pidfd, k->pid);
    }
    list_each (l, &e->leftovers, struct leftover, link) /* of a leader that has ended */
        add(t, KEEPER_HELD, l->held, l->pidfd, l->pgid, KEEPER_FLAG_ENDED);
}

static void add_program(struct testament *t, int program, int candidate)
{
    const struct engine *e = t->engine;
    struct keeper_msg m;
    keeper_msg_make(&m, KEEPER_WILL_BINARY, NULL);
    m.value = (int)e->keeper.starts + 1;
    m.flags = e->nofile.rlim_cur < UINT32_MAX ? (uint32_t)e->nofile.rlim_cur : UINT32_MAX;
    t->error = will_add(t->fd, &m, program);
    add(t, KEEPER_UPGRADE, NULL, candidate, 0, 0);
}

/* The strings of a file of /proc, each with its NUL; pointers into BYTES. NULL where it cannot be read. */
static char **read_strings(const char *path, struct buf *bytes)
{
    struct berr err;
    buf_init(bytes, MOST);
    if (text_file_read(path, bytes, &err) < 0)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < bytes->len; i++)
        n += bytes->data[i] == '\0';
    char **strings = mem_new_array(n + 1, sizeof *strings);
    char *at = bytes->data;
    for (size_t i = 0; i < n; i++, at += strlen(at) + 1)
        strings[i] = at;
    return strings;
}

/* Signals that come meanwhile wait for the keeper. The environment is the one that we were started with: what
 * a file of variables added is read again. */
static int execute(const struct testament *t, int program)
{
    struct buf arguments, variables;
    cleanup_free char **argv = read_strings("/proc/self/cmdline", &arguments);
    cleanup_free char **environment = read_strings("/proc/self/environ", &variables);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    int r = argv && argv[0] && environment ? will_execute(t->fd, program, argv, environment) : -ENOENT;
    sigprocmask(SIG_SETMASK, &before, NULL);
    buf_fini(&arguments);
    buf_fini(&variables);
    return r;
}

int engine_become_keeper(struct engine *e, int binary)
{
    cleanup_fd int low = open("/proc/self/exe", O_PATH | O_CLOEXEC), program = fd_dup_high(low);
    cleanup_fd int candidate = fd_dup_high(binary);
    cleanup_fd int config = e->config ? conf_load_store(e->conf, e->config) : -1;
    cleanup_fd int will = will_new();
    struct testament t = {.engine = e, .fd = will, .error = will};
    if (program < 0 || candidate < 0 || will < 0)
        return program < 0 ? program : candidate < 0 ? candidate : will;
    add_program(&t, program, candidate);
    hold(&t, "config", config);
    hold(&t, "state", e->store.memory.fd);
    add_sockets(&t);
    add_processes(&t);
    add(&t, KEEPER_SYNC, NULL, -1, 0, 0);
    return t.error < 0 ? t.error : execute(&t, program);
}
