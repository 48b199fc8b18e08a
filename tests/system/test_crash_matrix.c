/* test_crash_matrix: the supervisor is killed at every point where a test build can, during a life that has
 * everything in it: start, a worker's death, restart, stop, start, scaling, a signal and shutdown. Whatever
 * it had half done, no client is refused, and its successor goes on without an accident of its own.
 *
 * BERTH_CRASH is berth with the points compiled in. BERTH_CRASH_AT=POINT:N:S ends the supervisor that was
 * started after S others at its Nth passing of POINT. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/crash_point.h"
#include "probe.h"
#include "rig.h"

#define CLIENTS 2

static struct probe_count *count_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    struct probe_count *count;

    cr_assert(fd >= 0 && ftruncate(fd, sizeof(*count)) == 0);
    count = mmap(NULL, sizeof(*count), PROT_READ, MAP_SHARED, fd, 0);
    cr_assert(count != MAP_FAILED);
    close(fd);
    return count;
}

/* An operator whose command fails because the supervisor died under it gives it again. */
#define insist(r, ...) rig_until(r, rig_cmd(r, __VA_ARGS__)->status == 0)

static void live_through(struct rig *r)
{
    rig_wait_state(r, "running");
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_kill(r, worker, SIGKILL);
    worker = rig_wait_worker(r, 1, worker);
    insist(r, "restart", "probe");
    worker = rig_wait_worker(r, 1, worker);
    insist(r, "reload", "probe");
    cr_assert(rig_wait_worker(r, 1, worker) > 0);
    insist(r, "stop", "probe");
    rig_wait_state(r, "stopped");
    insist(r, "start", "probe");
    insist(r, "scale", "probe=3");
    rig_until(r, rig_worker_pid(r, 3) > 0);
    insist(r, "scale", "probe=1");
    insist(r, "signal", "WINCH", "probe");
    rig_until(r, rig_worker_pid(r, 3) == 0 && rig_worker_pid(r, 2) == 0);
    rig_wait_state(r, "running");
}

enum moment { FIRST_PASSING, LATER_PASSING, IN_THE_SUCCESSOR };

static void arm(struct rig *r, const char *point, enum moment moment)
{
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:%d:%d", point, moment == LATER_PASSING ? 4 : 1,
                          moment == IN_THE_SUCCESSOR));
}

/* Did the supervisor die there, and did no other? Not every point is passed four times, or by a successor. */
static void look_back(struct rig *r, const char *point, enum moment moment)
{
    unsigned kills = moment == IN_THE_SUCCESSOR;

    /* Who has told the keeper that all is over is not replaced. */
    if (strcmp(point, "keeper_finish_after") != 0 && strcmp(point, "keeper_entry_received") != 0)
        cr_assert(moment != FIRST_PASSING || rig_log_has(r, "(restart 1,"), "nobody died at %s", point);
    cr_assert(!rig_log_has(r, rig_format(r, "(restart %u,", kills + 2)), "a successor died by itself");
}

/* The probe behind a script of the same name that writes to descriptor 4. */
static const char *probe_with_newline(struct rig *r)
{
    const char *script = rig_path(r, "probe");

    rig_write_file(script, rig_format(r, "#!/bin/sh\necho >&4; exec 4>&-; exec %s \"$@\"\n", r->probe));
    cr_assert_eq(chmod(script, 0755), 0);
    return script;
}

/* Has worker 1 as many in its store as its slot has had processes since it was stopped for good? */
static bool has_stored(struct rig *r, int n)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *worker = json_array_get(json_object_get(service, "workers"), 0);
    return json_integer_value(json_object_get(worker, "stored")) == n;
}

static void crash_at(struct rig *r, const char *point, enum moment moment)
{
    const char *path = rig_path(r, "count");
    struct probe_count *count = count_map(path);
    struct load *load;

    arm(r, point, moment);
    if (strncmp(point, "channel_", strlen("channel_")) == 0)
        rig_run(r, "--set", "stable_after=0", "--set", "settle=10ms", "--set", "handoff=channel", "--ready", "notify", "--listen",
                rig_address(r, 4), "--", r->probe, "--from", "channel", "--say", "READY=1", "--drain",
                "--count", path);
    else if (strncmp(point, "notify_", strlen("notify_")) == 0)
        rig_run(r, "--set", "stable_after=0", "--ready", "notify", "--listen", rig_address(r, 4), "--",
                r->probe, "--say", "READY=1\\nSTATUS=here", "--drain", "--count", path);
    else if (strcmp(point, "stored") == 0)
        rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", r->probe, "--store",
                "--drain", "--count", path);
    else if (strncmp(point, "ready_fd_", strlen("ready_fd_")) == 0)
        rig_run(r, "--set", "stable_after=0", "--ready", "fd:4", "--listen", rig_address(r, 4), "--",
                probe_with_newline(r), "--drain", "--count", path);
    else
        rig_run(r, "--set", "stable_after=0", "--set", "settle=10ms", "--listen",
                rig_format(r, "%s?serve=zerg:%s/zerg", rig_address(r, 4), r->dir), "--listen",
                rig_address(r, 1), "--", r->probe, "--drain", "--count", path);
    rig_wait_state(r, "running");
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    live_through(r);
    if (strcmp(point, "stored") == 0)
        rig_until(r, has_stored(r, 1));
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, atomic_load(&count->accepted) - atomic_load(&count->answered));
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, moment);
    munmap(count, sizeof(*count));
}

/* The points around KILL are only passed by a worker that does not go when it is told to. */
static void crash_with_a_stubborn_worker(struct rig *r, const char *point, enum moment moment)
{
    arm(r, point, moment);
    rig_run(r, "--set", "stable_after=0", "--stop-timeout", "100ms", "--listen", rig_address(r, 4), "--",
            r->probe, "--ignore-term", "--report", r->report);
    pid_t worker = rig_wait_report(r, "serving");
    insist(r, "restart", "probe");
    /* Who insisted may have restarted it twice. */
    worker = rig_wait_worker(r, 1, worker);
    while (rig_wait_report(r, "serving") != worker)
        continue;
    cr_assert(rig_stop(r) == 128 + SIGKILL, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, moment);
}

/* A worker that forks into the background and names the process that is to be followed. */
static void crash_with_a_daemon(struct rig *r, const char *point, enum moment moment)
{
    const char *script = rig_path(r, "probe");

    rig_write_file(script, "import os, signal, socket, time\n"
                           "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                           "s.connect('\\0' + os.environ['NOTIFY_SOCKET'][1:])\n"
                           "told, tell = os.pipe()\n"
                           "if os.fork():\n"
                           "    os.close(tell)\n"
                           "    os.read(told, 1)\n"
                           "    os._exit(0)\n"
                           "s.send(b'MAINPID=%d\\nREADY=1' % os.getpid())\n"
                           "os.write(tell, b'x')\n"
                           "signal.pause()\n");
    arm(r, point, moment);
    rig_run(r, "--set", "stable_after=0", "--ready", "notify", "--", "python3", script);
    rig_wait_state(r, "running");
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    for (int i = 0; i < 4; i++) {
        pid_t worker = 0;
        rig_until(r, (worker = rig_worker_pid(r, 1)) > 0 && rig_parent_of(worker) == r->keeper &&
                         strcmp(rig_worker_state(r, 1), "ready") == 0 && getpgid(worker) > 0 &&
                         getpgid(worker) != worker);
        rig_kill(r, worker, SIGKILL);
        rig_until(r, rig_worker_pid(r, 1) > 0 && rig_worker_pid(r, 1) != worker);
    }
    insist(r, "stop", "python3");
    rig_wait_state(r, "stopped");
    cr_assert(rig_stop(r) == 128 + SIGTERM, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, moment);
}

/* The worker that is ready, and a spare that waits; 0: there is none. */
static pid_t worker_in(struct rig *r, const char *state)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0), *w;
    size_t i;

    json_array_foreach (json_object_get(service, "workers"), i, w)
        if (strcmp(json_string_value(json_object_get(w, "state")), state) == 0)
            return (pid_t)json_integer_value(json_object_get(w, "pid"));
    return 0;
}

/* Each death activates a spare, and the one that did not die is never touched. */
static void crash_with_spares(struct rig *r, const char *point, enum moment moment)
{
    pid_t worker, spare;

    arm(r, point, moment);
    rig_run(r, "--set", "stable_after=0", "--set", "handoff=channel", "--standby", "1", "--listen",
            rig_address(r, 4), "--", r->probe, "--from", "channel", "--drain");
    rig_wait_state(r, "running");
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_until(r, worker_in(r, "standby") > 0);
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    for (int i = 0; i < 6; i++) {
        rig_until(r, (worker = worker_in(r, "ready")) > 0 && (spare = worker_in(r, "standby")) > 0);
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        rig_kill(r, worker, SIGKILL);
        rig_until(r, worker_in(r, "ready") == spare);
    }
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 6 * CLIENTS);
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, moment);
}

/* A worker a connection: each takes its own off the queue, so not one may be lost. */
static void crash_with_connections(struct rig *r, const char *point)
{
    struct load *load;

    arm(r, point, LATER_PASSING);
    rig_run(r, "--log-level", "warning", "--listen",
            rig_format(r, "%s?accept=yes&max_connections=3", rig_address(r, 4)), "--", r->probe,
            "--answer-stdin");
    rig_wait_state(r, "waiting");
    load = rig_load(r, rig_address(r, 4), 4);
    cr_assert(load_wait_ok(load, 40, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, LATER_PASSING);
}

static unsigned count_lines(const char *text, const char *line)
{
    unsigned n = 0;

    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        n += strncmp(text, line, strlen(line)) == 0;
    return n;
}

/* Lines that a worker writes are in its file once and in their order, also those of a slot that goes. */
static void crash_with_output(struct rig *r, const char *point, enum moment moment)
{
    long expected[3] = {1, 1, 1};
    const char *path = rig_path(r, "log");

    arm(r, point, moment);
    rig_run(
        r, "--set", "stable_after=0", "--workers", "2", "--set", rig_format(r, "output=file:%s", path), "--",
        "sh", "-c",
        "trap 'printf end; exit 0' TERM; i=0; while :; do i=$((i+1)); echo $BERTH_WORKER $i; sleep 0.002; "
        "done");
    rig_wait_state(r, "running");
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    rig_until(r, strstr(rig_read_file(r, path), "1 20\n") && strstr(rig_read_file(r, path), "2 20\n"));
    insist(r, "scale", "sh=1");
    insist(r, "scale", "sh=3");
    /* The second one for the second time: both have set their traps. */
    rig_until(r, count_lines(rig_read_file(r, path), "3 5\n") > 0 &&
                     count_lines(rig_read_file(r, path), "2 1\n") > 1);
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    for (const char *text = rig_read_file(r, path); *text; text = strchr(text, '\n') + 1) {
        int slot = text[0] - '1';
        if (strncmp(text, "end\n", 4) == 0)
            continue;
        cr_assert(slot >= 0 && slot < 3, "%.20s", text);
        long n = strtol(text + 2, NULL, 10);
        if (slot == 1 && n == 1)
            expected[slot] = 1; /* a new process after the scaling */
        cr_assert(n == expected[slot]++, "%s: %.20s in place of %ld", point, text, expected[slot] - 1);
    }
    look_back(r, point, moment);
}

/* In the middle of an update: whenever the supervisor dies, one configuration is in force as a whole, its
 * successor brings everything to it, and a service that is not concerned loses nothing. */
static const char *configuration(struct rig *r, bool is_new)
{
    return rig_format(r,
                      "[socket:same]\nlisten = %s\n"
                      "[socket:moved]\nlisten = unix:%s\n%s"
                      "[service:same]\ncommand = %s\nsockets = same\n"
                      "[service:moved]\ncommand = %s\nsockets = moved\nenv.A = %d\n"
                      "[service:%s]\ncommand = sleep 1000\n",
                      rig_address(r, 4), rig_path(r, is_new ? "new.sock" : "old.sock"),
                      is_new ? "backlog = 77\n" : "", r->probe, r->probe, is_new,
                      is_new ? "added" : "removed");
}

static bool is_in_force(struct rig *r)
{
    return strcmp(rig_state_of(r, "added"), "running") == 0 && strcmp(rig_state_of(r, "removed"), "") == 0 &&
           strcmp(rig_state_of(r, "moved"), "running") == 0 && rig_number_of(r, "moved", "generation") == 2;
}

static void crash_in_an_update(struct rig *r, const char *point, enum moment moment)
{
    struct load *load;

    if (moment == LATER_PASSING)
        return; /* there is only one update */
    arm(r, point, moment);
    rig_up(r, configuration(r, false));
    rig_wait_state_of(r, "removed", "running");
    rig_wait_state_of(r, "moved", "running");
    rig_wait_state_of(r, "same", "running");
    pid_t same = rig_pid_of(r, "same", 1), removed = rig_pid_of(r, "removed", 1);
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    rig_configure(r, configuration(r, true));
    insist(r, "update");
    rig_until(r, is_in_force(r) && !rig_process_is_alive(removed));
    cr_assert_eq(rig_pid_of(r, "same", 1), same, "a service that did not change was touched");
    cr_assert(strstr(rig_cmd_ok(r, "update")->out, "nothing has changed"));
    rig_until(r, strstr(rig_cmd_ok(r, "sockets")->out, "old.sock") == NULL);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, moment);
}

/* Services that wait for each other, and each with a socket. */
static void crash_with_many_services(struct rig *r, const char *point)
{
    const char *text = "";

    for (int i = 0; i < 12; i++)
        text = rig_format(
            r, "%s[socket:s%d]\nlisten = unix:%s/s%d.sock\n[service:s%d]\ncommand = %s\nsockets = s%d\n%s",
            text, i, r->dir, i, i, r->probe, i,
            i > 0 ? rig_format(r, "%s = s%d\n", i % 2 ? "after" : "requires", i / 2) : "");
    arm(r, point, LATER_PASSING);
    rig_up(r, text);
    for (int i = 0; i < 12; i++)
        rig_wait_state_of(r, rig_format(r, "s%d", i), "running");
    insist(r, "stop", "s1");
    rig_until(r,
              strcmp(rig_state_of(r, "s1"), "stopped") == 0 && strcmp(rig_state_of(r, "s2"), "stopped") == 0);
    insist(r, "start", "s*");
    for (int i = 0; i < 12; i++)
        rig_wait_state_of(r, rig_format(r, "s%d", i), "running");
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    look_back(r, point, LATER_PASSING);
}

static bool is_of_an_update(const char *point)
{
    return strncmp(point, "update_", strlen("update_")) == 0 || strcmp(point, "socket_retired") == 0;
}

/* A service with a command at every turn of its life: each has its effect once. */
static void crash_with_hooks(struct rig *r, const char *point, enum moment moment)
{
    const char *path = rig_path(r, "said");

    arm(r, point, moment);
    rig_up(
        r,
        rig_format(
            r,
            "[service:one]\ncommand = sleep 1000\nbefore_start = sh -c 'echo before_start >>%1$s'\n"
            "after_start = sh -c 'echo after_start >>%1$s'\nbefore_stop = sh -c 'echo before_stop >>%1$s'\n"
            "after_stop = sh -c 'echo after_stop >>%1$s'\n",
            path));
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    rig_wait_state_of(r, "one", "running");
    rig_until(r, strstr(rig_read_file(r, path), "after_start\n"));
    insist(r, "stop", "one");
    rig_until(r, strcmp(rig_state_of(r, "one"), "stopped") == 0);
    insist(r, "start", "one");
    rig_wait_state_of(r, "one", "running");
    rig_until(r, strstr(rig_read_file(r, path), "after_stop\nbefore_start\nafter_start\n"));
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
    cr_assert_str_eq(rig_read_file(r, path), "before_start\nafter_start\nbefore_stop\nafter_stop\n"
                                             "before_start\nafter_start\nbefore_stop\nafter_stop\n");
    look_back(r, point, moment);
}

/* Who makes way for another binary dies of it; whoever asked asks again. */
static void crash_in_an_upgrade(struct rig *r, const char *point, enum moment moment)
{
    bool in_the_new_one = strcmp(point, "upgrade_concluded") == 0;

    if (moment == LATER_PASSING)
        return; /* a supervisor makes way once */
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:1:%d", point, (moment == IN_THE_SUCCESSOR) + in_the_new_one));
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    pid_t worker = rig_wait_worker(r, 1, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    if (moment == IN_THE_SUCCESSOR)
        rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    insist(r, "upgrade", "--binary", getenv("BERTH_CRASH"));
    cr_assert(rig_log_has(r, "was killed by KILL") || rig_log_has(r, "going back to the old one") ||
                  strcmp(point, "upgrade_told") == 0, "nobody died at %s", point);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
}

/* The new binary's first supervisor dies: the old one's next goes on, or, where it was stable already, its own
 * second. */
static void crash_on_trial(struct rig *r, const char *point)
{
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:1:1", point));
    rig_run(r, "--set", "stable_after=0", "--set", rig_format(r, "output=file:%s", rig_path(r, "log")),
            "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    pid_t worker = rig_wait_worker(r, 1, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    bool is_done = rig_cmd(r, "upgrade", "--binary", getenv("BERTH_CRASH"))->status == 0;
    rig_until(r, is_done || rig_log_has(r, "going back to the old one"));
    rig_wait_state(r, "running");
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    insist(r, "upgrade"); /* which may die of it in its turn */
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
    cr_assert_eq(rig_worker_pid(r, 1), worker);
    cr_assert(rig_stop(r) == 0, "%s: ended with %d", point, r->exit_status);
}

static void crash_somewhere(struct rig *r, const char *point, enum moment moment)
{
    if (strncmp(point, "take_over_", 10) == 0 || strncmp(point, "hand_over_", 10) == 0)
        return; /* test_crash_take_over.c */
    if (strcmp(point, "store_passed") == 0)
        return; /* test_standby_store.c */
    if (is_of_an_update(point))
        crash_in_an_update(r, point, moment);
    else if (strncmp(point, "upgrade_", 8) == 0)
        crash_in_an_upgrade(r, point, moment);
    else if (strncmp(point, "task_", 5) == 0)
        crash_with_hooks(r, point, moment);
    else if (strncmp(point, "keeper_process_", strlen("keeper_process_")) == 0)
        crash_with_a_daemon(r, point, moment);
    else if (strncmp(point, "output_", 7) == 0)
        crash_with_output(r, point, moment);
    else if (strncmp(point, "standby_", 8) == 0)
        crash_with_spares(r, point, moment);
    else if (strncmp(point, "kill_", 5) == 0 && moment == FIRST_PASSING)
        crash_with_a_stubborn_worker(r, point, moment);
    else
        crash_at(r, point, moment);
}

#define X(name)                                                                                              \
    rig_test(crash, at_##name)                                                                               \
    {                                                                                                        \
        crash_somewhere(r, #name, FIRST_PASSING);                                                            \
    }                                                                                                        \
    rig_test(crash, at_a_later_##name)                                                                       \
    {                                                                                                        \
        crash_somewhere(r, #name, LATER_PASSING);                                                            \
    }                                                                                                        \
    rig_test(crash, of_the_successor_at_##name)                                                              \
    {                                                                                                        \
        crash_somewhere(r, #name, IN_THE_SUCCESSOR);                                                         \
    }                                                                                                        \
    rig_test(crash, with_output_at_##name)                                                                   \
    {                                                                                                        \
        crash_with_output(r, #name, LATER_PASSING);                                                          \
    }                                                                                                        \
    rig_test(crash, with_spares_at_##name)                                                                   \
    {                                                                                                        \
        crash_with_spares(r, #name, LATER_PASSING);                                                          \
    }                                                                                                        \
    rig_test(crash, with_many_services_at_##name)                                                            \
    {                                                                                                        \
        crash_with_many_services(r, #name);                                                                  \
    }                                                                                                        \
    rig_test(crash, on_trial_at_##name)                                                                      \
    {                                                                                                        \
        crash_on_trial(r, #name);                                                                            \
    }                                                                                                        \
    rig_test(crash, with_connections_at_##name)                                                              \
    {                                                                                                        \
        crash_with_connections(r, #name);                                                                    \
    }
CRASH_POINTS(X)
#undef X
