/* test_standby: spares that have booted and wait (standby = N): one takes the place of a worker that dies, at
 * once, whatever the supervisor, the number of workers or their configuration are doing meanwhile. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standby_rig.h"

#define KILLS 20

const char *standby_configuration(struct rig *r, const char *keys)
{
    return rig_format(r,
                      "[socket:web]\nlisten = %s\n"
                      "[service:web]\nsockets = web\nhandoff = channel\nstable_after = 0\nsettle = 10ms\n"
                      "command = sh -c 'while test -e %s; do sleep 0.02; done; test ! -e %s || exit 3; "
                      "exec %s --from channel --drain --say READY=1'\n%s",
                      rig_address(r, 4), rig_path(r, "hold"), rig_path(r, "bad"), r->probe, keys);
}

/* The first service's workers: those that serve, or may come to, as opposed to those that end. */
static json_t *workers(struct rig *r)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    return json_object_get(service, "workers");
}

static unsigned count(json_t *all, const char *state, int generation)
{
    json_t *w;
    size_t i;
    unsigned n = 0;
    json_array_foreach (all, i, w)
        n += !json_object_get(w, "role") &&
             strcmp(json_string_value(json_object_get(w, "state")), state) == 0 &&
             (generation == 0 || json_integer_value(json_object_get(w, "generation")) == generation);
    return n;
}

unsigned standby_count(struct rig *r, const char *state, int generation)
{
    return count(workers(r), state, generation);
}

pid_t standby_find(struct rig *r, const char *state, pid_t but, pid_t or)
{
    json_t *w;
    size_t i;
    json_array_foreach (workers(r), i, w) {
        pid_t pid = (pid_t)json_integer_value(json_object_get(w, "pid"));
        if (!json_object_get(w, "role") &&
                strcmp(json_string_value(json_object_get(w, "state")), state) == 0 && pid != but && pid != or)
            return pid;
    }
    return 0;
}

size_t standby_count_all(struct rig *r)
{
    return json_array_size(workers(r));
}

bool standby_is_complete(struct rig *r, unsigned ready, unsigned spares)
{
    json_t *all = workers(r);
    return count(all, "ready", 0) == ready && count(all, "standby", 0) == spares &&
           json_array_size(all) == ready + spares;
}

void standby_begin(struct rig *r, const char *keys, unsigned ready, unsigned spares)
{
    rig_up(r, standby_configuration(r, keys));
    rig_wait_state_of(r, "web", "running");
    rig_until(r, standby_is_complete(r, ready, spares));
}

void standby_touch(struct rig *r, const char *file)
{
    int fd = open(rig_path(r, file), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
}

static pid_t start_cmd(struct rig *r, const char *const *args)
{
    return rig_spawn(r, "said", rig_cmd_argv(r, args));
}

/* --- the gap ------------------------------------------------------------------------------------------- */

static unsigned slowest_of(const struct load *load)
{
    struct load_counts counts;
    load_read(load, &counts);
    return counts.slowest_ms;
}

rig_test(standby, clients_of_a_worker_with_a_boot_of_3_s_do_not_see_it)
{
    const char *worker =
        rig_format(r, "command = sh -c 'sleep 3; exec %s --from channel --drain'\n", r->probe);
    const char *keys = "handoff = channel\nstable_after = 0\n";
    rig_up(r, rig_format(r,
                         "[socket:a]\nlisten = %s\n[socket:b]\nlisten = %s\n"
                         "[service:web]\nsockets = a\nstandby = 1\n%s%s[service:other]\nsockets = b\n%s%s",
                         rig_address(r, 4), rig_address(r, 1), keys, worker, keys, worker));
    rig_wait_state_of(r, "web", "running");
    rig_wait_state_of(r, "other", "running");
    rig_until(r, standby_is_complete(r, 1, 1));
    struct load *with = rig_load(r, rig_address(r, 4), CLIENTS);
    struct load *without = rig_load(r, rig_address(r, 1), CLIENTS);
    cr_assert(load_wait_ok(with, 50, RIG_PATIENCE_SECONDS) &&
              load_wait_ok(without, 50, RIG_PATIENCE_SECONDS));
    rig_kill(r, standby_find(r, "ready", 0, 0), SIGKILL);
    rig_kill(r, rig_pid_of(r, "other", 1), SIGKILL);
    cr_assert(load_wait_ok(without, 20, RIG_PATIENCE_SECONDS) &&
              load_wait_ok(with, 20, RIG_PATIENCE_SECONDS));
    unsigned gap = slowest_of(with), boot = slowest_of(without);
    cr_log_info("the longest wait: %u ms with a spare, %u ms without", gap, boot);
    rig_load_end(r, with, CLIENTS);
    rig_load_end(r, without, CLIENTS);
    cr_assert_gt(boot, 2000, "%u ms: its clients did not wait for a boot", boot);
    cr_assert_lt(5 * gap, boot, "%u ms with a spare, %u ms without", gap, boot);
}

rig_test(standby, twenty_deaths_in_a_row_refuse_nobody)
{
    standby_begin(r, "workers = 2\nstandby = 2\n", 2, 2);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 0; i < KILLS; i++) {
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
        pid_t pid = standby_find(r, "ready", 0, 0);
        cr_assert_gt(pid, 0);
        rig_kill(r, pid, SIGKILL);
        /* Two others: its end may not have been heard of yet. */
        rig_until(r, standby_find(r, "ready", pid, standby_find(r, "ready", pid, 0)) != 0);
    }
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, KILLS * CLIENTS); /* what a killed one had accepted */
    rig_until(r, standby_is_complete(r, 2, 2));
}

/* --- deaths -------------------------------------------------------------------------------------------- */

rig_test(standby, of_two_that_die_at_once_one_is_replaced_by_the_spare_and_one_by_its_successor)
{
    standby_begin(r, "workers = 2\nstandby = 1\n", 2, 1);
    pid_t one = standby_find(r, "ready", 0, 0), two = standby_find(r, "ready", one, 0),
          spare = standby_find(r, "standby", 0, 0);
    kill(one, SIGKILL);
    kill(two, SIGKILL);
    rig_until(r, standby_find(r, "ready", one, two) != 0 && standby_is_complete(r, 2, 1));
    json_t *w;
    size_t i;
    bool serves = false;
    json_array_foreach (workers(r), i, w)
        serves = serves || (json_integer_value(json_object_get(w, "pid")) == spare &&
                            strcmp(json_string_value(json_object_get(w, "state")), "ready") == 0);
    cr_assert(serves, "the spare is one of those that serve");
}

rig_test(standby, a_spare_that_still_boots_is_activated_where_none_has)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    standby_touch(r, "hold");
    pid_t first = standby_find(r, "ready", 0, 0), second = standby_find(r, "standby", 0, 0), third = 0;
    rig_kill(r, first, SIGKILL);
    rig_until(r, (third = standby_find(r, "starting", 0, 0)) != 0);
    rig_kill(r, second, SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == third && standby_find(r, "starting", 0, 0) != 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    unlink(rig_path(r, "hold"));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_load_end(r, load, 0);
}

rig_test(standby, a_dead_spare_is_started_again_and_no_worker_is_touched)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    pid_t worker = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
    rig_kill(r, spare, SIGKILL);
    rig_until(r, standby_find(r, "standby", spare, 0) != 0);
    cr_assert_eq(standby_find(r, "ready", 0, 0), worker);
    cr_assert(!rig_log_has(r, "activated"));
}

/* One that is told to go because it does not do its work is not waited for. */
rig_test(standby, takes_over_from_a_worker_that_is_not_healthy_and_does_not_end)
{
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nhandoff = channel\n"
                         "standby = 1\nstop_timeout = 1h\nhealth_interval = 100ms\nhealth_retries = 1\n"
                         "health = sh -c 'test ! -e %s || ! rm %s'\n"
                         "command = %s --from channel --ignore-term --report %s\n",
                         rig_address(r, 4), rig_path(r, "sick"), rig_path(r, "sick"), r->probe, r->report));
    rig_wait_report(r, "serving"); /* from now on it minds no TERM */
    rig_until(r, standby_is_complete(r, 1, 1));
    pid_t worker = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
    standby_touch(r, "sick");
    rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_find(r, "stopping", 0, 0) == worker);
    cr_assert_str_eq(rig_state_of(r, "web"), "running");
    rig_kill(r, worker, SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
    rig_cmd_ok(r, "stop", "--no-wait", "web");
    kill(spare, SIGKILL); /* it would take its hour */
    rig_wait_state_of(r, "web", "stopped");
}

/* A spare that never says that it has booted is no fault of the service. */
rig_test(standby, a_spare_that_does_not_say_that_it_waits_is_given_up)
{
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nhandoff = channel\n"
                         "standby = 1\nstart_timeout = 300ms\ncommand = sleep 1000\n",
                         rig_address(r, 4)));
    rig_until(
        r, rig_log_has(r, "a spare, it did not say WAITING=1 within start_timeout (300ms): it is stopped"));
    rig_until(r, rig_worker_restarts(r, 2) > 0);
    cr_assert_str_eq(rig_state_of(r, "web"), "running");
    cr_assert(strstr(rig_cmd_ok(r, "status")->out, "1/1 +0/1"));
}

/* Each death costs a spare, and each slot waits longer from time to time: that ends as without spares. */
rig_test(standby, a_worker_that_dies_of_serving_does_not_eat_spares_for_ever)
{
    const char *script = rig_path(r, "worker");
    rig_write_file(script, "import os, socket\n"
                           "c = socket.socket(fileno=int(os.environ['BERTH_CHANNEL']))\n"
                           "c.send(b'WAITING=1')\n"
                           "c.recv(65536)\n"
                           "os._exit(5)\n");
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nhandoff = channel\n"
                         "standby = 2\nrestart_delay = 1ms\nrestart_limit = 2/1h\ncommand = python3 %s\n",
                         rig_address(r, 4), script));
    rig_wait_state_of(r, "web", "failed");
    unsigned restarts = (unsigned)rig_number_of(r, "web", "restarts");
    cr_assert_eq(restarts, 3 * 2, "%u", restarts);
}

/* --- the number of workers ----------------------------------------------------------------------------- */

rig_test(standby, scaling_up_activates_a_spare_and_scaling_down_stops_the_surplus)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    pid_t first = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    standby_touch(r, "hold");
    rig_cmd_ok(r, "scale", "web=2");
    cr_assert_eq(standby_find(r, "ready", first, 0), spare, "it did not have to boot");
    unlink(rig_path(r, "hold"));
    rig_until(r, standby_is_complete(r, 2, 1));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_cmd_ok(r, "scale", "web=1");
    cr_assert_eq(standby_count(r, "ready", 0), 1);
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_cmd_ok(r, "scale", "web=0");
    cr_assert_eq(standby_count_all(r), 0, "no spares without workers");
    rig_cmd_ok(r, "scale", "web=1");
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

/* The one that is left serves in a slot that is too many: a spare takes over before it is told to go. */
rig_test(standby, scaling_down_to_slots_without_a_worker_activates_their_spare)
{
    standby_begin(r, "workers = 2\nstandby = 1\n", 2, 1);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, strcmp(rig_worker_state(r, 1), "standby") == 0 && standby_is_complete(r, 2, 1));
    rig_kill(r, rig_worker_pid(r, 2), SIGKILL);
    rig_until(r, strcmp(rig_worker_state(r, 1), "ready") == 0 && standby_is_complete(r, 2, 1));
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, strcmp(rig_worker_state(r, 1), "standby") == 0 && standby_is_complete(r, 2, 1));
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_cmd_ok(r, "scale", "web=1");
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(standby, another_number_of_spares_touches_no_worker)
{
    standby_begin(r, "workers = 2\n", 2, 0);
    pid_t one = rig_worker_pid(r, 1), two = rig_worker_pid(r, 2);
    rig_configure(r, standby_configuration(r, "workers = 2\nstandby = 2\n"));
    rig_cmd_ok(r, "update");
    rig_until(r, standby_is_complete(r, 2, 2));
    pid_t spare = rig_worker_pid(r, 3);
    rig_configure(r, standby_configuration(r, "workers = 2\nstandby = 1\n"));
    rig_cmd_ok(r, "update");
    rig_until(r, standby_is_complete(r, 2, 1));
    cr_assert_eq(rig_worker_pid(r, 3), spare);
    rig_configure(r, standby_configuration(r, "workers = 2\n"));
    rig_cmd_ok(r, "update");
    rig_until(r, standby_is_complete(r, 2, 0));
    cr_assert(rig_worker_pid(r, 1) == one && rig_worker_pid(r, 2) == two);
    rig_configure(r, standby_configuration(r, "workers = 3\nstandby = 1\n"));
    rig_cmd_ok(r, "update");
    rig_until(r, standby_is_complete(r, 3, 1));
    cr_assert(rig_worker_pid(r, 1) == one && rig_worker_pid(r, 2) == two);
}

rig_test(standby, spares_come_and_go_with_the_handoff_that_they_need)
{
    const char *plain =
        rig_format(r,
                   "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nstable_after = 0\n"
                   "settle = 10ms\ncommand = %s --drain\n",
                   rig_address(r, 4), r->probe);
    rig_up(r, plain);
    rig_until(r, standby_is_complete(r, 1, 0));
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_configure(r, standby_configuration(r, "standby = 1\n"));
    rig_cmd_ok(r, "update");
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL); /* now it is the second one that serves */
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_configure(r, plain);
    rig_cmd_ok(r, "update");
    rig_until(r, standby_is_complete(r, 1, 0));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, CLIENTS);
}

rig_test(standby, spares_hold_up_no_start_and_end_with_the_service)
{
    rig_up(r, rig_format(r, "%s[service:behind]\ncommand = sleep 1000\nafter = web\n",
                         standby_configuration(r, "standby = 1\nstart = manual\n")));
    rig_wait_state_of(r, "behind", "running");
    rig_cmd_ok(r, "start", "web");
    rig_until(r, standby_is_complete(r, 1, 1));
    standby_touch(r, "hold");
    pid_t spare = standby_find(r, "standby", 0, 0);
    rig_kill(r, spare, SIGKILL);
    rig_until(r, standby_count(r, "starting", 0) == 1);
    rig_cmd_ok(r, "start", "web");
    rig_cmd_ok(r, "signal", "WINCH", "web");
    rig_cmd_ok(r, "stop", "web");
    cr_assert_eq(standby_count(r, "stopped", 0), 2);
    unlink(rig_path(r, "hold"));
    rig_cmd_ok(r, "start", "web");
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_cmd_ok(r, "restart", "web");
    rig_until(r, standby_count(r, "ready", 2) == 1 && standby_count(r, "standby", 2) == 1 &&
                     standby_is_complete(r, 1, 1));
}

/* --- reload -------------------------------------------------------------------------------------------- */

rig_test(standby, a_reload_replaces_the_spares_too)
{
    standby_begin(r, "workers = 2\nstandby = 1\n", 2, 1);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int generation = 2; generation <= 5; generation++) {
        rig_cmd_ok(r, "reload", "web");
        cr_assert_eq(standby_count(r, "ready", generation), 2);
        cr_assert_eq(standby_count(r, "standby", generation), 1);
    }
    rig_until(r, standby_is_complete(r, 2, 1));
    rig_load_end(r, load, 0);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL);
    rig_until(r, standby_count(r, "ready", 5) == 2 && standby_is_complete(r, 2, 1));
}

rig_test(standby, with_rolling_step_spares_are_replaced_one_after_another_as_well)
{
    standby_begin(r, "workers = 2\nstandby = 2\nrolling_step = 1\n", 2, 2);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_kill(r, rig_worker_pid(r, 1), SIGKILL); /* so that spares and workers do not stand in order */
    rig_until(r, standby_is_complete(r, 2, 2));
    rig_cmd_ok(r, "reload", "web");
    cr_assert_eq(standby_count(r, "ready", 2), 2);
    cr_assert_eq(standby_count(r, "standby", 2), 2);
    rig_until(r, standby_is_complete(r, 2, 2));
    rig_load_end(r, load, CLIENTS);
}

rig_test(standby, a_reload_that_fails_leaves_the_old_spares)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    pid_t worker = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
    standby_touch(r, "bad");
    rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")));
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert(standby_find(r, "ready", 0, 0) == worker && standby_find(r, "standby", 0, 0) == spare);
    unlink(rig_path(r, "bad"));
    rig_kill(r, worker, SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == spare && standby_is_complete(r, 1, 1));
}

rig_test(standby, a_reload_whose_new_spare_fails_is_none)
{
    rig_up(r,
           rig_format(
               r,
               "[socket:web]\nlisten = %s\n"
               "[service:web]\nsockets = web\nhandoff = channel\nstandby = 1\nsettle = 10ms\n"
               "command = sh -c 'test {worker} = 1 -o ! -e %s || exit 3; exec %s --from channel --drain'\n",
               rig_address(r, 4), rig_path(r, "bad"), r->probe));
    rig_until(r, standby_is_complete(r, 1, 1));
    standby_touch(r, "bad");
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert(strstr(err, "worker web/2#2 exited with status 3"), "%s", err);
    rig_until(r, standby_is_complete(r, 1, 1));
    cr_assert(standby_count(r, "ready", 1) == 1 && standby_count(r, "standby", 1) == 1);
}

rig_test(standby, a_worker_that_dies_in_a_reload_is_replaced_by_a_spare_of_its_own_generation)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    pid_t worker = standby_find(r, "ready", 0, 0), spare = standby_find(r, "standby", 0, 0);
    standby_touch(r, "hold");
    pid_t reload = start_cmd(r, RIG_ARGV("reload", "web"));
    rig_until(r, standby_count_all(r) == 4);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    rig_kill(r, worker, SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == spare);
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    unlink(rig_path(r, "hold"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    rig_until(r, standby_count(r, "ready", 2) == 1 && standby_count(r, "standby", 2) == 1 &&
                     standby_is_complete(r, 1, 1));
    rig_load_end(r, load, CLIENTS);
}
