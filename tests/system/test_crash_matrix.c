/* test_crash_matrix: the supervisor is killed at every point where a test build can, during a life that has
 * everything in it: start, a worker's death, restart, stop, start, scaling and shutdown. Whatever it had half
 * done, no client is refused and all goes on.
 *
 * BERTH_CRASH is berth with the points compiled in; BERTH_CRASH_AT=POINT:N ends its first supervisor at the
 * Nth passing. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

static void crash_at(struct rig *r, const char *point, int passing)
{
    const char *path = rig_path(r, "count");
    struct probe_count *count = count_map(path);
    struct load *load;

    r->berth = getenv("BERTH_CRASH");
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:%d", point, passing));
    rig_run(r, "--set", "stable_after=0", "--listen", rig_address(r, 4), "--listen", rig_address(r, 1), "--",
            r->probe, "--drain", "--count", path);
    rig_wait_state(r, "running");
    load = rig_load(r, rig_address(r, 4), CLIENTS);
    live_through(r);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, atomic_load(&count->accepted) - atomic_load(&count->answered));
    cr_assert(rig_stop(r) == 0, "%s:%d: ended with %d", point, passing, r->exit_status);
    munmap(count, sizeof(*count));
}

#define X(name)                                                                                              \
    rig_test(crash, at_##name)                                                                               \
    {                                                                                                        \
        crash_at(r, #name, 1);                                                                               \
    }                                                                                                        \
    rig_test(crash, at_a_later_##name)                                                                       \
    {                                                                                                        \
        crash_at(r, #name, 4);                                                                               \
    }
CRASH_POINTS(X)
#undef X
