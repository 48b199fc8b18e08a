/* keeper_link: see the header. It knows the messages, not what the names mean. */
#include "config.h"

#include "engine/keeper_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/str.h"
#include "engine/crash_point.h"
#include "sys/fd.h"
#include "sys/fdpass.h"

/* One message; 1, 0 at the end of the stream, or negative errno. */
static int receive(struct keeper_link *k, struct keeper_msg *ret, int *ret_fd, int flags)
{
    struct keeper_msg raw;
    cleanup_fd int fd = -1;
    ssize_t n;
    do
        n = fdpass_recv(k->fd, &raw, sizeof raw, &fd, flags);
    while (n == -EINTR);
    if (n <= 0)
        return (int)n;
    int r = keeper_msg_parse(&raw, (size_t)n, ret);
    if (r < 0)
        return r;
    *ret_fd = take_fd(&fd);
    return 1;
}

static const char *entry_name(const void *data, size_t n)
{
    return ((const struct keeper_link *)data)->entries[n].name;
}

static void add_entry(struct keeper_link *k, const struct keeper_msg *m, int fd)
{
    if ((k->n_entries & (k->n_entries - 1)) == 0) /* room doubles at the powers of two */
        k->entries = mem_resize_array(k->entries, k->n_entries ? 2 * k->n_entries : 1, sizeof *k->entries);
    k->entries[k->n_entries] = (struct keeper_entry){
        .name = mem_strdup(m->name),
        .fd = fd,
        .pid = m->pid < 0 ? -m->pid : m->pid,
        .is_foreign = m->pid < 0,
        .ended = m->flags & KEEPER_FLAG_ENDED,
        .status = m->value,
    };
    name_table_add(&k->names, k->n_entries++, entry_name, k);
    crash_point(CRASH_AT_keeper_entry_received);
}

struct keeper_entry *keeper_link_find(const struct keeper_link *k, const char *name)
{
    size_t i = name_table_find(&k->names, name, entry_name, k);
    return i == NAME_TABLE_NONE ? NULL : &k->entries[i];
}

int keeper_link_open(struct keeper_link *k, int fd, struct berr *err)
{
    /* Out of the way of the numbers that workers are given. */
    int high = fd_dup_high(fd);
    if (high < 0)
        return berr_set(err, BERR_SYSTEM, -high, "the keeper's descriptor %d is not there", fd);
    fd_close(&fd);
    *k = (struct keeper_link){.fd = high};
    for (;;) {
        struct keeper_msg m;
        int got = -1;
        int r = receive(k, &m, &got, 0);
        if (r <= 0)
            return berr_set(err, BERR_SYSTEM, r < 0 ? -r : ECONNRESET,
                            "the keeper did not hand over what it holds: %s",
                            strerror(r < 0 ? -r : ECONNRESET));
        if (m.type == KEEPER_WELCOME) {
            k->keeper_pid = m.pid;
            k->starts = m.count;
            k->is_first = m.flags & KEEPER_FLAG_FIRST;
            k->is_safe_mode = m.flags & KEEPER_FLAG_SAFE;
            k->is_pid1 = m.flags & KEEPER_FLAG_PID1;
            k->is_on_trial = m.flags & KEEPER_FLAG_TRIAL;
            k->is_back = m.flags & KEEPER_FLAG_BACK;
            k->failure = m.value;
            crash_point_arm(k->starts);
        } else if (m.type == KEEPER_HELD) {
            add_entry(k, &m, take_fd(&got));
        } else if (m.type == KEEPER_SYNC) {
            return 0;
        }
        fd_close(&got);
    }
}

void keeper_link_forget_entries(struct keeper_link *k)
{
    for (size_t i = 0; i < k->n_entries; i++) {
        fd_close(&k->entries[i].fd);
        free(k->entries[i].name);
    }
    free(k->entries);
    name_table_fini(&k->names);
    k->entries = NULL;
    k->n_entries = 0;
}

static void lose(struct keeper_link *k)
{
    if (k->fd < 0)
        return;
    if (k->loop)
        ev_io_stop(k->loop, &k->watcher);
    fd_close(&k->fd);
    if (k->handlers)
        k->handlers->on_lost(k->data);
}

static void dispatch(struct keeper_link *k, const struct keeper_msg *m)
{
    if (m->type == KEEPER_ENDED) {
        crash_point(CRASH_AT_keeper_end_received);
        k->handlers->on_ended(k->data, m->name, m->value);
    } else if (m->type == KEEPER_SIGNAL) {
        crash_point(CRASH_AT_keeper_signal_received);
        k->handlers->on_signal(k->data, m->value, m->pid, m->count);
    } else if (m->type == KEEPER_REFUSED) {
        k->handlers->on_refused(k->data, m->name, m->value);
    }
}

/* Some messages a turn, so that a storm of ends does not starve the rest of the loop. */
static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop, (void)revents;
    struct keeper_link *k = w->data;
    for (int budget = 64; budget > 0 && k->fd >= 0; budget--) {
        struct keeper_msg m;
        int got = -1;
        int r = receive(k, &m, &got, MSG_DONTWAIT);
        if (r == -EAGAIN)
            return;
        if (r == -EBADMSG)
            continue; /* a newer keeper's message */
        if (r <= 0) {
            lose(k);
            return;
        }
        fd_close(&got);
        dispatch(k, &m);
    }
}

void keeper_link_watch(struct keeper_link *k, struct ev_loop *loop, const struct keeper_handlers *handlers,
                       void *data)
{
    k->loop = loop;
    k->handlers = handlers;
    k->data = data;
    ev_io_init(&k->watcher, on_readable, k->fd, EV_READ);
    k->watcher.data = k;
    ev_set_priority(&k->watcher, EV_MAXPRI - 1);
    ev_io_start(loop, &k->watcher);
}

void keeper_link_close(struct keeper_link *k)
{
    if (k->loop && k->fd >= 0)
        ev_io_stop(k->loop, &k->watcher);
    keeper_link_forget_entries(k);
    fd_close(&k->fd);
}

static void send_message(struct keeper_link *k, const struct keeper_msg *m, int fd)
{
    if (k->fd < 0)
        return;
    ssize_t n;
    do
        n = fdpass_send(k->fd, m, keeper_msg_size(m), fd, 0);
    while (n == -EINTR);
    if (n == -ETOOMANYREFS && k->handlers) /* unix(7): too many descriptors in flight for this uid */
        k->handlers->on_refused(k->data, m->name, ETOOMANYREFS);
    else if (n < 0)
        lose(k);
}

static struct keeper_msg make(enum keeper_msg_type type, const char *name)
{
    struct keeper_msg m;
    int r = keeper_msg_make(&m, type, name);
    must(r == 0); /* held_name_format() has checked the length */
    return m;
}

void keeper_link_put(struct keeper_link *k, const char *name, int fd)
{
    struct keeper_msg m = make(KEEPER_PUT, name);
    crash_point(CRASH_AT_keeper_put_before);
    send_message(k, &m, fd);
    crash_point(CRASH_AT_keeper_put_after);
}

void keeper_link_adopt(struct keeper_link *k, const char *name, int fd)
{
    struct keeper_entry *entry = keeper_link_find(k, name);
    struct keeper_msg m = {.type = KEEPER_HELD};
    keeper_link_put(k, name, fd);
    if (entry) {
        fd_close(&entry->fd);
        entry->fd = fd;
    } else {
        str_copy(m.name, sizeof m.name, name);
        add_entry(k, &m, fd);
    }
}

void keeper_link_drop(struct keeper_link *k, const char *name)
{
    struct keeper_msg m = make(KEEPER_DROP, name);
    crash_point(CRASH_AT_keeper_drop_before);
    send_message(k, &m, -1);
    crash_point(CRASH_AT_keeper_drop_after);
}

void keeper_link_process(struct keeper_link *k, const char *name, pid_t pid)
{
    struct keeper_msg m = make(KEEPER_PROCESS, name);
    m.pid = pid;
    crash_point(CRASH_AT_keeper_process_before);
    send_message(k, &m, -1);
    crash_point(CRASH_AT_keeper_process_after);
}

void keeper_link_stable(struct keeper_link *k)
{
    struct keeper_msg m = make(KEEPER_STABLE, NULL);
    m.value = KEEPER_VERSION;
    crash_point(CRASH_AT_keeper_stable_before);
    send_message(k, &m, -1);
    crash_point(CRASH_AT_keeper_stable_after);
}

void keeper_link_upgrade(struct keeper_link *k, int binary)
{
    struct keeper_msg m = make(KEEPER_UPGRADE, NULL);
    send_message(k, &m, binary);
}

void keeper_link_finish(struct keeper_link *k, int exit_status)
{
    struct keeper_msg m = make(KEEPER_FINISH, NULL);
    m.value = exit_status;
    crash_point(CRASH_AT_keeper_finish_before);
    send_message(k, &m, -1);
    crash_point(CRASH_AT_keeper_finish_after);
}

void keeper_link_prepare_announce(const struct keeper_link *k, const char *name, struct keeper_msg *msg,
                                  struct spawn_announce *ret)
{
    *msg = make(KEEPER_PROCESS, name);
    *ret = (struct spawn_announce){
        .fd = k->fd,
        .bytes = msg,
        .len = keeper_msg_size(msg),
        .pid_offset = offsetof(struct keeper_msg, pid),
    };
}
