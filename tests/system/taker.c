/* taker: see the header. */
#include "config.h"

#include "taker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const *join(struct rig *r, const char *const *head, const char *const *args)
{
    static const char *argv[64];
    size_t n = 0;

    (void)r;
    for (; *head; head++)
        argv[n++] = *head;
    for (; *args; args++)
        argv[n++] = *args;
    argv[n] = NULL;
    return argv;
}

const char *const *taker_run_argv(struct rig *r, const char *const *args)
{
    return join(r, RIG_ARGV(r->berth, "run", "--take-over", r->control), args);
}

const char *const *taker_up_argv(struct rig *r, const char *text)
{
    rig_write_file(rig_path(r, "other.ini"), text);
    return join(r, RIG_ARGV(r->berth, "up", "--take-over", r->control, "-c", rig_path(r, "other.ini")),
                RIG_ARGV(NULL));
}

struct taker taker_start(struct rig *r, const char *const *argv)
{
    static unsigned n;
    const char *name = rig_format(r, "taker-%u", ++n);
    pid_t pid = rig_spawn(r, name, argv);

    return (struct taker){pid, pid, rig_path(r, name)};
}

const char *const *taker_in_container(struct rig *r, const char *const *argv)
{
    static const char *container[64] = {"unshare", "--pid",        "--fork",       "--mount",
                                        "--net",   "--mount-proc", "--kill-child", "--"};
    size_t n = 8;

    (void)r;
    for (; *argv; argv++)
        container[n++] = *argv;
    container[n] = NULL;
    return container;
}

static pid_t child_of(struct rig *r, pid_t parent)
{
    return (pid_t)atoi(
        rig_read_file(r, rig_format(r, "/proc/%d/task/%d/children", (int)parent, (int)parent)));
}

static bool somebody_listens(const char *path)
{
    struct sockaddr_storage address;
    socklen_t len;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool r = fd >= 0 && load_parse_address(path, &address, &len) == 0 &&
             connect(fd, (struct sockaddr *)&address, len) == 0;

    close(fd);
    return r;
}

void taker_becomes(struct rig *r, struct taker *t, int status)
{
    int ended = rig_wait_exit(r);
    cr_assert(ended == status, "the first one ended with %d", ended);
    const char *program = rig_read_file(r, rig_format(r, "/proc/%d/comm", (int)t->pid));
    r->pid = r->keeper = t->keeper = t->pid;
    if (strncmp(program, "unshare", 7) == 0)
        r->keeper = t->keeper = child_of(r, t->pid);
    r->err_path = t->log;
    cr_assert(somebody_listens(r->control), "nobody answers at the old control socket");
    /* Who accepts may be a supervisor that is to die just then. */
    rig_until(r, rig_service_state(r)[0] != '\0');
}

int taker_wait(struct rig *r, struct taker *t)
{
    int status = rig_wait_child(r, t->pid);
    t->pid = 0;
    return status;
}

bool taker_says(struct rig *r, const struct taker *t, const char *text)
{
    return strstr(rig_read_file(r, t->log), text) != NULL;
}

pid_t taker_supervisor(struct rig *r, const struct taker *t)
{
    pid_t keeper = r->keeper;
    r->keeper = t->keeper;
    pid_t pid = rig_supervisor_pid(r);
    r->keeper = keeper;
    return pid;
}

bool taker_left_nothing(struct rig *r)
{
    return rig_exec(r, RIG_ARGV("sh", "-c", "ls -A \"$1\" | grep -q take-over", "sh", r->dir))->status != 0;
}

void taker_has_failed(struct rig *r, pid_t worker)
{
    rig_until(r, rig_log_has(r, "this one carries on"));
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    cr_assert_eq(rig_worker_restarts(r, 1), 0);
    cr_assert(json_object_get(rig_status(r), "take_over") == NULL);
    cr_assert(taker_left_nothing(r));
}
