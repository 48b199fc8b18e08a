/* rig: the real binary under a test. One rig a test: a folder under /tmp, a network namespace of its own
 * where we may have one, berth as a child, and verbs that wait on events with a deadline. What a verb cannot
 * do fails the test, with the log, the status and the processes on stderr. Strings and results that verbs
 * return live as long as the rig.
 *
 * A test that ends well ends its berth in order: rig_end() sends TERM, and fails when a process or a socket
 * file is left. */
#ifndef BERTH_TESTS_RIG_H
#define BERTH_TESTS_RIG_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "load.h"

#define RIG_PATIENCE_SECONDS 90

struct rig {
    char *dir;                       /* the test's own folder, as an absolute path */
    const char *control;             /* DIR/control.sock */
    char *report;                    /* DIR/report: a FIFO for the probe's --report */
    const char *berth;               /* the binary; $BERTH at first */
    const char *probe;               /* the probe program */
    const char *out_path, *err_path; /* berth's stdout and stderr */
    unsigned port;                   /* nobody else's */
    pid_t pid;                       /* what rig_start() started and has not ended; 0: nothing */
    pid_t keeper;                    /* the same, unless berth runs inside what was started */
    int exit_status;                 /* once it has ended: as a shell tells it */
    bool leaves_processes;           /* a leftover process is what the test is about */
    struct rig_private *private;
};

struct rig_result {
    int status; /* exit status, or 128 + signal */
    const char *out, *err;
};

/* A test with a rig R, up to its orderly end. */
#define rig_test(suite, name)                                                                                \
    static void suite##_##name##_story(struct rig *r);                                                       \
    Test(suite, name, .fini = rig_fini, .timeout = 300)                                                      \
    {                                                                                                        \
        struct rig *r = rig_new();                                                                           \
        suite##_##name##_story(r);                                                                           \
        rig_end(r);                                                                                          \
    }                                                                                                        \
    static void suite##_##name##_story(struct rig *r)

struct rig *rig_new(void);
void rig_end(struct rig *r);
/* Clears up behind a test that failed, and prints all that may explain it. */
void rig_fini(void);
/* Ends the test as skipped, with a reason like printf's; in CI (the variable CI is "true") as failed. */
#define rig_skip(...)                                                                                        \
    do {                                                                                                     \
        const char *reason_ = rig_leave(__VA_ARGS__);                                                        \
        if (rig_skips_are_failures())                                                                        \
            cr_assert_fail("skipped in CI: %s", reason_);                                                    \
        cr_skip_test("%s", reason_);                                                                         \
    } while (0)
bool rig_skips_are_failures(void);
/* Clears up before a skip, which no fini follows. Returns the reason, whole. */
const char *rig_leave(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Skips the test where the user is not root. */
void rig_needs_root(void);
/* The path of PROGRAM from $PATH or the sbin folders, or NULL. */
const char *rig_find_program(struct rig *r, const char *program);

const char *rig_format(struct rig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *rig_path(struct rig *r, const char *name);
const char *rig_read_file(struct rig *r, const char *path);
/* A JSON file; borrowed. */
json_t *rig_read_json(struct rig *r, const char *path);
void rig_write_file(const char *path, const char *text);

/* Variables for all programs that are started from now on; "NAME=VALUE", or "NAME" alone, which takes it
 * away. */
void rig_env(struct rig *r, const char *assignment);
/* How often a test does again what may go wrong once in a while: N times, or as often as BERTH_TEST_TIMES
 * says. */
int rig_times(int n);
#define RIG_ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
/* Starts "berth --control CONTROL run ARG…" in the background. */
#define rig_run(r, ...) rig_start(r, rig_run_argv(r, RIG_ARGV(__VA_ARGS__)))
const char *const *rig_run_argv(struct rig *r, const char *const *args);
/* Writes TEXT as DIR/berth.ini and starts "berth --control CONTROL up -c DIR/berth.ini" in the background. */
void rig_up(struct rig *r, const char *text);
/* The same file with another TEXT. */
void rig_configure(struct rig *r, const char *text);
/* Starts any program as the rig's main one. */
void rig_start(struct rig *r, const char *const *argv);
/* The same on a terminal of its own, as a shell would in the foreground; the terminal's other end, the
 * caller's. */
int rig_start_on_terminal(struct rig *r, const char *const *argv);
/* Waits for it to end by itself; its exit status. */
int rig_wait_exit(struct rig *r);
/* TERM, then as above. */
int rig_stop(struct rig *r);
/* Any other program in the background, output to FILE in the rig's folder ("" for /dev/null). It is the rig's
 * to clear up. */
pid_t rig_spawn(struct rig *r, const char *file, const char *const *argv);
/* Waits for a process of rig_spawn() or one whose parent it became; its exit status. */
int rig_wait_child(struct rig *r, pid_t pid);
/* Runs "berth --control CONTROL ARG…" to its end. */
#define rig_cmd(r, ...) rig_exec(r, rig_cmd_argv(r, RIG_ARGV(__VA_ARGS__)))
const char *const *rig_cmd_argv(struct rig *r, const char *const *args);
const struct rig_result *rig_exec(struct rig *r, const char *const *argv);
/* As above, and the test fails unless it ends with STATUS. */
const struct rig_result *rig_expect(struct rig *r, int status, const char *const *argv);
#define rig_cmd_ok(r, ...) rig_expect(r, 0, rig_cmd_argv(r, RIG_ARGV(__VA_ARGS__)))

/* Waits until a condition holds, looking again whenever berth tells of an event; fails the test at the
 * deadline. */
#define rig_until(r, condition)                                                                              \
    for (long deadline_ = rig_deadline(); !(condition);)                                                     \
    rig_pause(r, deadline_, #condition, __FILE__, __LINE__)
long rig_deadline(void);
void rig_pause(struct rig *r, long deadline, const char *what, const char *file, int line);

/* The reply's parameters, or NULL when nobody answers; with "error" in it if that was the reply. Borrowed. */
json_t *rig_call(struct rig *r, const char *method, json_t *take_parameters);
json_t *rig_status(struct rig *r);
/* "" when nobody answers. */
const char *rig_service_state(struct rig *r);
const char *rig_worker_state(struct rig *r, int worker);
pid_t rig_worker_pid(struct rig *r, int worker);
int rig_worker_restarts(struct rig *r, int worker);
/* The same of the service that is called so, where there are several. */
const char *rig_state_of(struct rig *r, const char *service);
void rig_wait_state_of(struct rig *r, const char *service, const char *state);
pid_t rig_pid_of(struct rig *r, const char *service, int worker);
long rig_number_of(struct rig *r, const char *service, const char *member);
/* Waits until the service is in STATE. */
void rig_wait_state(struct rig *r, const char *state);
/* Waits until worker N is ready with another process than BUT; its pid. */
pid_t rig_wait_worker(struct rig *r, int worker, pid_t but);

/* The keeper's supervisor as /proc shows it; 0: there is none just now. */
pid_t rig_supervisor_pid(struct rig *r);
/* KILLs it, and waits until it has gone. Returns the pid that it had. */
pid_t rig_kill_supervisor(struct rig *r);
/* KILLs it, and waits until it has gone (a worker's pid that berth reaps). */
void rig_kill(struct rig *r, pid_t pid, int signo);
bool rig_process_is_alive(pid_t pid); /* a zombie is not */
/* "3 socket:[17]\n4 …" sorted; "" when the process is gone. */
const char *rig_fds(struct rig *r, pid_t pid);
/* Inode of the socket at descriptor FD; 0: it is none. */
unsigned long rig_socket_inode(pid_t pid, int fd);
size_t rig_count_fds(pid_t pid);
/* The parent's pid, and how many of its children are zombies. */
pid_t rig_parent_of(pid_t pid);
unsigned rig_count_zombies(pid_t parent);

/* What berth has written on stderr so far. */
const char *rig_log(struct rig *r);
bool rig_log_has(struct rig *r, const char *text);
/* Waits for the probe's next line that begins with WORD; the pid in it. Lines before it are thrown away. */
pid_t rig_wait_report(struct rig *r, const char *word);
/* "127.0.0.1:PORT" and its like for a family: 4 or 6; the Unix path for 1. As --listen takes it. */
const char *rig_address(struct rig *r, int family);
struct load *rig_load(struct rig *r, const char *address, unsigned clients);
/* Stops it, and fails the test unless it was served and at most LOST requests were reset or closed early;
 * none refused, timed out or lost otherwise. */
void rig_load_end(struct rig *r, struct load *load, unsigned long lost);

#endif
