/* test_kill_worker: a worker that is killed outright, a hundred times, under load. A connection that nobody
 * had accepted is never lost: no client is refused or left waiting, and what is reset is no more than the
 * dead worker had taken and not answered. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe.h"
#include "rig.h"

#define KILLS 100
#define CLIENTS 4

/* The counters that all workers of the test share. */
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

static void kill_a_hundred_workers(struct rig *r, const char *address)
{
    const char *path = rig_path(r, "count");
    struct probe_count *count = count_map(path);
    struct load *load;
    pid_t worker = 0;

    rig_run(r, "--set", "stable_after=0", "--listen", address, "--", r->probe, "--count", path, "--report",
            r->report);
    worker = rig_wait_report(r, "serving");
    load = rig_load(r, address, CLIENTS);
    for (int i = 0; i < KILLS; i++) {
        cr_assert(load_wait_ok(load, 1 + (unsigned long)(random() % 10), RIG_PATIENCE_SECONDS),
                  "nobody is served");
        rig_kill(r, worker, SIGKILL);
        worker = rig_wait_report(r, "serving");
    }
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_wait_state(r, "running");
    cr_assert(rig_worker_restarts(r, 1) == KILLS, "%d restarts", rig_worker_restarts(r, 1));
    rig_load_end(r, load, atomic_load(&count->accepted) - atomic_load(&count->answered));
    munmap(count, sizeof(*count));
}

rig_test(kill_worker, a_hundred_times_over_tcp4)
{
    kill_a_hundred_workers(r, rig_address(r, 4));
}

rig_test(kill_worker, a_hundred_times_over_tcp6)
{
    kill_a_hundred_workers(r, rig_address(r, 6));
}

rig_test(kill_worker, a_hundred_times_over_a_unix_socket)
{
    kill_a_hundred_workers(r, rig_address(r, 1));
}

rig_test(kill_worker, of_several_costs_only_its_own_connections)
{
    const char *path = rig_path(r, "count");
    struct probe_count *count = count_map(path);
    struct load *load;

    rig_run(r, "--set", "stable_after=0", "--workers", "3", "--listen", rig_address(r, 4), "--", r->probe,
            "--count", path);
    rig_wait_state(r, "running");
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 30; i++) {
        pid_t worker = rig_wait_worker(r, i % 3 + 1, 0);
        rig_kill(r, worker, SIGKILL);
        rig_wait_worker(r, i % 3 + 1, worker);
    }
    rig_load_end(r, load, atomic_load(&count->accepted) - atomic_load(&count->answered));
    munmap(count, sizeof(*count));
}

rig_test(kill_worker, that_held_connections_leaves_the_queue_to_its_successor)
{
    struct load *load;
    struct load_counts counts;

    /* The first worker never accepts; the clients wait in the queue for the second. */
    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--", "sh", "-c",
            "if mkdir \"$1\" 2>/dev/null; then deaf=--deaf; fi; exec \"$2\" $deaf --report \"$3\"", "sh",
            rig_path(r, "first"), r->probe, r->report);
    pid_t deaf = rig_wait_report(r, "started");
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_until(r, json_integer_value(json_object_get(
                     json_array_get(json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets"), 0),
                     "depth")) == CLIENTS);
    load_read(load, &counts);
    cr_assert(counts.ok == 0 && load_lost(&counts) == 0);
    rig_kill(r, deaf, SIGKILL);
    cr_assert(load_wait_ok(load, CLIENTS, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(kill_worker, by_restart_under_load_loses_nothing_when_it_drains)
{
    struct load *load;

    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    pid_t worker = rig_wait_worker(r, 1, 0);
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < 10; i++) {
        cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
        rig_cmd_ok(r, "restart", "probe");
        pid_t next = rig_wait_worker(r, 1, 0);
        cr_assert(next != worker);
        worker = next;
    }
    rig_load_end(r, load, 0);
}
