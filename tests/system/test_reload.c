/* test_reload: new workers take over without a gap, and where they do not come up the old ones go on. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#define CLIENTS 4

/* A service "web" with KEYS on the test's TCP port. A worker starts as long as there is no file
 * "bad", nor one with its number behind that. */
static void begin(struct rig *r, const char *keys)
{
    rig_up(r, rig_format(
                  r,
                  "[socket:web]\nlisten = %s\n"
                  "[service:web]\nsockets = web\nsettle = 10ms\noutput = file:%s\n"
                  "command = sh -c 'test ! -e %s -a ! -e %s$BERTH_WORKER || { echo this is no good; exit 3; "
                  "}; exec %s --from {fd:web} --drain'\n%s",
                  rig_address(r, 4), rig_path(r, "log"), rig_path(r, "bad"), rig_path(r, "bad"), r->probe,
                  keys));
    rig_wait_state_of(r, "web", "running");
}

static void touch(struct rig *r, const char *file)
{
    int fd = open(rig_path(r, file), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
}

/* All workers of "web" that are there, also those that come or go. */
static size_t count_workers(struct rig *r)
{
    json_t *services = json_object_get(rig_status(r), "services");
    return json_array_size(json_object_get(json_array_get(services, 0), "workers"));
}

static pid_t start_reload(struct rig *r)
{
    return rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload", "web")));
}

static const char *expect_rolled_back(struct rig *r, pid_t worker)
{
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert_eq(rig_pid_of(r, "web", 1), worker, "the old one goes on");
    rig_until(r, count_workers(r) == (size_t)rig_number_of(r, "web", "wanted_workers"));
    cr_assert_eq(rig_number_of(r, "web", "generation"), 1);
    return err;
}

rig_test(reload, tells_on_a_terminal_how_each_generation_fares)
{
    begin(r, "workers = 2\n");
    const char *command = rig_format(r, "'%s' --control '%s' reload web", r->berth, r->control);
    const char *out = rig_expect(r, 0, RIG_ARGV("script", "-qec", command, "/dev/null"))->out;
    cr_assert(strstr(out, "web/1#2: ready") && strstr(out, "web/2#2: ready"), "%s", out);
    cr_assert(strstr(out, "web/1#1: stopping") && strstr(out, "web/2#1: stopping"), "%s", out);
}

rig_test(reload, one_after_another_loses_nobody_and_leaves_nobody_behind)
{
    begin(r, "workers = 4\n");
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    for (int i = 2; i <= 15; i++) {
        rig_cmd_ok(r, "reload", "web");
        cr_assert_eq(rig_number_of(r, "web", "generation"), i);
        cr_assert_eq(rig_number_of(r, "web", "ready"), 4);
    }
    rig_load_end(r, load, 0);
    rig_until(r, count_workers(r) == 4);
}

rig_test(reload, the_old_one_serves_until_the_new_one_is_ready)
{
    begin(r, rig_format(r, "ready = check:test ! -e %s\n", rig_path(r, "wait")));
    pid_t old = rig_pid_of(r, "web", 1);
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 2);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    cr_assert_eq(rig_pid_of(r, "web", 1), old);
    cr_assert(!rig_log_has(r, "stopping"));
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    cr_assert_neq(rig_pid_of(r, "web", 1), old);
    rig_until(r, !rig_process_is_alive(old));
    rig_load_end(r, load, 0);
}

rig_test(reload, a_new_one_that_exits_is_told_with_its_last_words)
{
    char body[128];
    /* One that finds the file is not ready before it has ended. */
    begin(r, rig_format(r, "ready = check:test ! -e %s\n", rig_path(r, "bad")));
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0, "now it has looked for the file");
    pid_t worker = rig_pid_of(r, "web", 1);
    touch(r, "bad");
    const char *err = expect_rolled_back(r, worker);
    cr_assert(strstr(err, "exited with status 3; it wrote last: this is no good"), "%s", err);
    unlink(rig_path(r, "bad"));
    rig_cmd_ok(r, "reload", "web");
    cr_assert_eq(rig_number_of(r, "web", "generation"), 3, "a generation's number is used once");
}

rig_test(reload, a_new_one_that_never_becomes_ready_is_given_up)
{
    begin(r, rig_format(r, "start_timeout = 300ms\nready = check:test ! -e %s\n", rig_path(r, "wait")));
    pid_t worker = rig_pid_of(r, "web", 1);
    touch(r, "wait");
    const char *err = expect_rolled_back(r, worker);
    cr_assert(strstr(err, "did not become ready within start_timeout"), "%s", err);
}

rig_test(reload, a_new_one_that_hangs_is_killed_in_the_end)
{
    rig_up(r,
           rig_format(r,
                      "[service:web]\nstart_timeout = 3s\nstop_timeout = 200ms\nready = check:test ! -e %s\n"
                      "command = %s --from none --ignore-term\n",
                      rig_path(r, "wait"), r->probe));
    rig_wait_state_of(r, "web", "running");
    touch(r, "wait");
    expect_rolled_back(r, rig_pid_of(r, "web", 1));
    cr_assert(rig_log_has(r, "did not end within stop_timeout"));
}

rig_test(reload, a_new_one_that_dies_before_it_has_settled_is_given_up)
{
    begin(r, "");
    pid_t worker = rig_pid_of(r, "web", 1);
    rig_configure(r, rig_format(r,
                                "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nsettle = "
                                "10s\ncommand = sh -c 'sleep 0.1; exit 4'\n",
                                rig_address(r, 4)));
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")))->err;
    cr_assert(strstr(err, "exited with status 4"), "%s", err);
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
}

rig_test(reload, a_stopped_service_is_not_reloaded)
{
    begin(r, "");
    rig_cmd_ok(r, "stop", "web");
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert(strstr(err, "does not run"), "%s", err);
    cr_assert_str_eq(rig_state_of(r, "web"), "stopped");
}

rig_test(reload, with_rolling_step_one_worker_at_a_time_is_replaced)
{
    begin(r,
          rig_format(r, "workers = 3\nrolling_step = 1\nready = check:test ! -e %s\n", rig_path(r, "wait")));
    pid_t second = rig_pid_of(r, "web", 2);
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 4);
    unlink(rig_path(r, "wait"));
    rig_until(r, rig_pid_of(r, "web", 2) != second);
    cr_assert_eq(rig_wait_child(r, reload), 0);
    rig_until(r, count_workers(r) == 3);
    cr_assert_eq(rig_number_of(r, "web", "generation"), 2);
}

rig_test(reload, is_over_when_the_old_one_has_drained)
{
    rig_up(r, rig_format(r,
                         "[service:web]\nstop_timeout = 1h\nsettle = 10ms\n"
                         "command = %s --from none --ignore-term --report %s\n",
                         r->probe, r->report));
    rig_wait_state_of(r, "web", "running");
    rig_wait_report(r, "serving"); /* from now on it minds no TERM */
    pid_t first = rig_pid_of(r, "web", 1), reload = start_reload(r);
    rig_until(r, rig_log_has(r, "has been reloaded (generation 2)"));
    rig_wait_report(r, "serving");
    rig_kill_supervisor(r);
    rig_wait_state_of(r, "web", "running");
    cr_assert_eq(waitpid(reload, NULL, WNOHANG), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    rig_kill(r, first, SIGKILL);
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    pid_t later = rig_pid_of(r, "web", 1);
    reload = start_reload(r);
    rig_until(r, rig_log_has(r, "has been reloaded (generation 3)"));
    cr_assert_eq(waitpid(reload, NULL, WNOHANG), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    rig_kill(r, later, SIGKILL);
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    kill(r->keeper, SIGTERM);
    rig_until(r, rig_log_has(r, "shutting down"));
    kill(r->keeper, SIGTERM);
    rig_wait_exit(r);
}

rig_test(reload, again_while_the_last_one_drains)
{
    rig_up(r, rig_format(r,
                         "[service:web]\nstop_timeout = 1h\nsettle = 10ms\nmax_generations = 3\n"
                         "command = %s --from none --ignore-term --report %s\n",
                         r->probe, r->report));
    rig_wait_state_of(r, "web", "running");
    rig_wait_report(r, "serving"); /* from now on it minds no TERM */
    pid_t first = rig_pid_of(r, "web", 1);
    rig_cmd_ok(r, "reload", "--no-wait", "web");
    rig_until(r, rig_log_has(r, "has been reloaded (generation 2)"));
    pid_t second = rig_pid_of(r, "web", 1);
    rig_wait_report(r, "serving");
    rig_cmd_ok(r, "reload", "--no-wait", "web");
    rig_until(r, rig_log_has(r, "has been reloaded (generation 3)"));
    cr_assert(rig_process_is_alive(first) && rig_process_is_alive(second));
    cr_assert_eq(count_workers(r), 3);
    rig_cmd_ok(r, "reload", "--no-wait", "web"); /* a fourth one has no room: the oldest goes */
    rig_until(r, rig_log_has(r, "has been reloaded (generation 4)"));
    cr_assert(!rig_process_is_alive(first) && rig_process_is_alive(second));
    kill(r->keeper, SIGTERM);
    rig_until(r, rig_log_has(r, "shutting down"));
    kill(r->keeper, SIGTERM); /* at once, or they would take their hour */
    rig_wait_exit(r);
}

rig_test(reload, what_is_asked_for_meanwhile_is_done_afterwards)
{
    begin(r, rig_format(r, "ready = check:test ! -e %s\n", rig_path(r, "wait")));
    touch(r, "wait");
    pid_t one = start_reload(r);
    rig_until(r, count_workers(r) == 2);
    pid_t two = start_reload(r), three = start_reload(r);
    rig_until(r, json_object_get(rig_status(r), "services") && count_workers(r) == 2);
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, one), 0);
    cr_assert_eq(rig_wait_child(r, two), 0);
    cr_assert_eq(rig_wait_child(r, three), 0);
    cr_assert_geq(rig_number_of(r, "web", "generation"), 3);
}

rig_test(reload, a_stop_ends_it)
{
    begin(r, rig_format(r, "ready = check:test ! -e %s\n", rig_path(r, "wait")));
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 2);
    rig_cmd_ok(r, "stop", "web");
    cr_assert_eq(rig_wait_child(r, reload), 1);
    cr_assert_eq(count_workers(r), 1);
    unlink(rig_path(r, "wait"));
    rig_cmd_ok(r, "start", "web");
    cr_assert_eq(rig_number_of(r, "web", "ready"), 1);
}

rig_test(reload, another_number_of_workers_meanwhile_is_reached)
{
    begin(r, rig_format(r, "workers = 3\nready = check:test ! -e %s\n", rig_path(r, "wait")));
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 6);
    pid_t scale = rig_spawn(r, "", rig_cmd_argv(r, RIG_ARGV("scale", "web=1")));
    rig_until(r, count_workers(r) == 2);
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    cr_assert_eq(rig_wait_child(r, scale), 0);
    rig_until(r, count_workers(r) == 1);
    cr_assert_eq(rig_number_of(r, "web", "generation"), 2);
}

rig_test(reload, an_old_one_that_dies_meanwhile_is_started_again)
{
    begin(r, rig_format(r, "stable_after = 0\nready = check:test ! -e %s\n", rig_path(r, "wait")));
    pid_t old = rig_pid_of(r, "web", 1);
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 2);
    rig_kill(r, old, SIGKILL);
    rig_until(r, rig_pid_of(r, "web", 1) != old && rig_pid_of(r, "web", 1) != 0);
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    rig_until(r, count_workers(r) == 1);
    cr_assert_str_eq(rig_state_of(r, "web"), "running");
}

rig_test(reload, an_old_one_that_fails_again_and_again_is_replaced)
{
    rig_up(r, rig_format(r,
                         "[service:web]\nsettle = 10ms\nready = check:test ! -e %s\n"
                         "command = sh -c 'test $BERTH_GENERATION -gt 1 || exit 3; exec %s'\n"
                         "restart_delay = 10ms\nrestart_delay_max = 10ms\n",
                         rig_path(r, "wait"), r->probe));
    touch(r, "wait");
    rig_until(r, rig_number_of(r, "web", "restarts") > 1);
    pid_t reload = start_reload(r);
    rig_until(r, rig_log_has(r, "web/1#2: started"));
    long restarts = rig_number_of(r, "web", "restarts");
    rig_until(r, rig_number_of(r, "web", "restarts") > restarts + 1);
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    rig_until(r, count_workers(r) == 1);
    cr_assert_str_eq(rig_state_of(r, "web"), "running");
}

rig_test(reload, with_rolling_step_one_that_took_over_and_falls_is_followed_by_nobody)
{
    begin(r, rig_format(r, "workers = 3\nrolling_step = 1\nready = check:sh -c 'test ! -e %s$BERTH_WORKER'\n",
                        rig_path(r, "wait")));
    pid_t second = rig_pid_of(r, "web", 2), third = rig_pid_of(r, "web", 3);
    touch(r, "wait2");
    pid_t reload = start_reload(r);
    rig_until(r, rig_log_has(r, "web/2#2: started"));
    /* It has not looked for the file before it is the probe. */
    const char *first = rig_format(r, "/proc/%d/cmdline", (int)rig_pid_of(r, "web", 1));
    rig_until(r, strcmp(rig_read_file(r, first), r->probe) == 0);
    touch(r, "bad1");
    rig_kill(r, rig_pid_of(r, "web", 1), SIGKILL);
    cr_assert_eq(rig_wait_child(r, reload), 1);
    const char *said = rig_read_file(r, rig_path(r, "reload"));
    cr_assert(strstr(said, "web/1#2") && strstr(said, "KILL"), "%s", said);
    rig_until(r, count_workers(r) == 3);
    cr_assert_eq(rig_pid_of(r, "web", 2), second);
    cr_assert_eq(rig_pid_of(r, "web", 3), third);
    unlink(rig_path(r, "bad1"));
    unlink(rig_path(r, "wait2"));
    rig_wait_state_of(r, "web", "running");
}

rig_test(reload, with_rolling_step_one_that_took_over_and_ends_well_is_followed_by_nobody)
{
    begin(r, rig_format(r,
                        "workers = 2\nrolling_step = 1\nsuccess_status = 0, TERM\n"
                        "ready = check:sh -c 'test ! -e %s$BERTH_WORKER'\n",
                        rig_path(r, "wait")));
    pid_t second = rig_pid_of(r, "web", 2);
    touch(r, "wait2");
    pid_t reload = start_reload(r);
    rig_until(r, rig_log_has(r, "web/2#2: started"));
    rig_kill(r, rig_pid_of(r, "web", 1), SIGTERM); /* whether it has set its handler by now or not */
    cr_assert_eq(rig_wait_child(r, reload), 1);
    const char *said = rig_read_file(r, rig_path(r, "reload"));
    cr_assert(strstr(said, "worker web/1#2 "), "%s", said);
    cr_assert_eq(rig_pid_of(r, "web", 2), second);
}

static long generation_of(struct rig *r, unsigned worker)
{
    json_t *services = json_object_get(rig_status(r), "services"), *w;
    size_t i;
    json_array_foreach (json_object_get(json_array_get(services, 0), "workers"), i, w)
        if (json_integer_value(json_object_get(w, "worker")) == worker)
            return json_integer_value(json_object_get(w, "generation"));
    return 0;
}

/* Those of an older generation would be left over from a restart, to whoever comes next. */
static void expect_kept_over_a_kill(struct rig *r, unsigned workers)
{
    pid_t before[8];
    rig_until(r, rig_number_of(r, "web", "ready") == (long)workers && count_workers(r) == workers);
    for (unsigned i = 0; i < workers; i++) {
        before[i] = rig_pid_of(r, "web", i + 1);
        cr_assert_eq(generation_of(r, i + 1), 2, "worker %u is of %ld", i + 1, generation_of(r, i + 1));
    }
    rig_kill_supervisor(r);
    rig_wait_state_of(r, "web", "running");
    for (unsigned i = 0; i < workers; i++)
        cr_assert_eq(rig_pid_of(r, "web", i + 1), before[i]);
}

rig_test(reload, those_that_come_by_scaling_meanwhile_are_of_the_new_generation)
{
    begin(r, rig_format(r, "ready = check:test ! -e %s\n", rig_path(r, "wait")));
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 2);
    pid_t scale = rig_spawn(r, "", rig_cmd_argv(r, RIG_ARGV("scale", "web=3")));
    rig_until(r, count_workers(r) == 4);
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    cr_assert_eq(rig_wait_child(r, scale), 0);
    expect_kept_over_a_kill(r, 3);
}

rig_test(reload, one_that_took_over_and_is_started_again_at_once_stays_of_the_new_generation)
{
    begin(r, rig_format(r,
                        "workers = 2\nrolling_step = 1\nstable_after = 0\n"
                        "ready = check:sh -c 'test ! -e %s$BERTH_WORKER'\n",
                        rig_path(r, "wait")));
    touch(r, "wait2");
    pid_t reload = start_reload(r);
    rig_until(r, rig_log_has(r, "web/2#2: started"));
    pid_t first = rig_pid_of(r, "web", 1);
    rig_kill(r, first, SIGKILL);
    rig_wait_worker(r, 1, first);
    unlink(rig_path(r, "wait2"));
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    expect_kept_over_a_kill(r, 2);
}

rig_test(reload, a_killed_supervisor_goes_on_with_it_and_the_client_is_told)
{
    begin(r, rig_format(r, "workers = 2\nready = check:test ! -e %s\n", rig_path(r, "wait")));
    pid_t old = rig_pid_of(r, "web", 1);
    touch(r, "wait");
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 4);
    rig_kill_supervisor(r);
    rig_until(r, rig_pid_of(r, "web", 1) == old && count_workers(r) == 4);
    unlink(rig_path(r, "wait"));
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    cr_assert_neq(rig_pid_of(r, "web", 1), old);
    rig_until(r, count_workers(r) == 2);
    rig_load_end(r, load, 0);
}

rig_test(reload, a_killed_supervisor_gives_it_up_and_the_client_is_told)
{
    begin(r, rig_format(r, "start_timeout = 3s\nready = check:test ! -e %s\n", rig_path(r, "wait")));
    pid_t old = rig_pid_of(r, "web", 1);
    touch(r, "wait");
    pid_t reload = start_reload(r);
    rig_until(r, count_workers(r) == 2);
    rig_kill_supervisor(r);
    cr_assert_eq(rig_wait_child(r, reload), 1);
    cr_assert(strstr(rig_read_file(r, rig_path(r, "reload")), "did not become ready within start_timeout"),
              "%s", rig_read_file(r, rig_path(r, "reload")));
    cr_assert_eq(rig_pid_of(r, "web", 1), old);
    rig_until(r, count_workers(r) == 1);
}

rig_test(reload, a_worker_that_has_come_of_age_is_replaced_without_a_gap)
{
    begin(r, rig_format(r, "workers = 2\nmax_age = 3s\nready = check:test -e %s\n", r->dir));
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    pid_t first = rig_pid_of(r, "web", 1), second = rig_pid_of(r, "web", 2);
    rig_until(r, rig_pid_of(r, "web", 1) != first && rig_pid_of(r, "web", 2) != second);
    cr_assert(rig_log_has(r, "takes over"));
    cr_assert_eq(rig_number_of(r, "web", "generation"), 1);
    rig_load_end(r, load, 0);
}

rig_test(reload, hup_reloads_what_run_runs)
{
    rig_run(r, "--set", "settle=10ms", "--listen", rig_address(r, 4), "--", r->probe, "--drain");
    pid_t old = rig_wait_worker(r, 1, 0);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    kill(r->keeper, SIGHUP);
    rig_wait_worker(r, 1, old);
    rig_until(r, rig_log_has(r, "has been reloaded (generation 2)"));
    rig_load_end(r, load, 0);
}

/* The one that goes outlives the one that came: what the service needs is stopped behind both. */
rig_test(reload, a_shutdown_does_not_forget_who_waits_for_a_retired_worker)
{
    rig_up(r, rig_format(r,
                         "[service:data]\ncommand = sleep 1000\n"
                         "[service:app]\nrequires = data\nsettle = 10ms\nstop_timeout = 2s\n"
                         "command = sh -c 'mkdir %s/first 2>/dev/null && trap \"\" TERM; exec sleep 1000'\n",
                         r->dir));
    rig_wait_state_of(r, "app", "running");
    rig_cmd_ok(r, "reload", "--no-wait", "app");
    rig_until(r, rig_log_has(r, "app: has been reloaded"));
    cr_assert_eq(rig_stop(r), 0, "%d", r->exit_status);
}
