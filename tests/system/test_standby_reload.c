/* test_standby_reload: workers that die while they and their spares are replaced. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "standby_rig.h"

/* Slot N boots while there is no file "holdN", and a worker is ready while there is none "cold". */
static void begin_by_steps(struct rig *r, const char *flag)
{
    rig_up(r, rig_format(r,
                         "[socket:web]\nlisten = %s\n[service:web]\nsockets = web\nhandoff = channel\n"
                         "stable_after = 0\nsettle = 10ms\nstandby = 1\nrolling_step = 1\nstop_timeout = 1h\n"
                         "ready = check:test ! -e %s\n"
                         "command = sh -c 'while test -e %s{worker}; do sleep 0.02; done; "
                         "exec %s --from channel %s'\n",
                         rig_address(r, 4), rig_path(r, "cold"), rig_path(r, "hold"), r->probe, flag));
    rig_until(r, standby_is_complete(r, 1, 1));
}

/* The second slot's new spare is to take the place of the old one, which serves by then. */
rig_test(standby, in_a_reload_nobody_goes_before_another_one_serves)
{
    begin_by_steps(r, "--drain");
    pid_t first = rig_worker_pid(r, 1), second = rig_worker_pid(r, 2);
    standby_touch(r, "hold2");
    pid_t reload = rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload", "web")));
    rig_until(r, standby_count(r, "ready", 2) == 1 && standby_find(r, "ready", first, 0) != 0);
    rig_kill(r, standby_find(r, "ready", 0, 0), SIGKILL);
    rig_until(r, standby_find(r, "ready", 0, 0) == second && strcmp(rig_worker_state(r, 1), "standby") == 0);
    standby_touch(r, "cold");
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    unlink(rig_path(r, "hold2"));
    rig_until(r, rig_log_has(r, "web/2#2: activated"));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    cr_assert_eq(standby_find(r, "ready", 0, 0), second);
    unlink(rig_path(r, "cold"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    rig_until(r, standby_is_complete(r, 1, 1));
    rig_load_end(r, load, 0);
}

/* Any process of the service; 0: there is none. */
static pid_t find_process(struct rig *r)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0), *w;
    size_t i;
    json_array_foreach (json_object_get(service, "workers"), i, w)
        if (json_object_get(w, "pid"))
            return (pid_t)json_integer_value(json_object_get(w, "pid"));
    return 0;
}

static bool has_stopped(struct rig *r)
{
    pid_t pid = find_process(r);
    if (pid != 0)
        kill(pid, SIGKILL);
    return pid == 0 && strcmp(rig_state_of(r, "web"), "stopped") == 0;
}

/* Those that are replaced never end. */
rig_test(standby, behind_a_reload_no_more_serve_than_are_to)
{
    begin_by_steps(r, rig_format(r, "--ignore-term --report %s", r->report));
    standby_touch(r, "cold");
    pid_t first = rig_worker_pid(r, 1), second = rig_worker_pid(r, 2);
    pid_t reload = rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload", "web")));
    rig_until(r, standby_count_all(r) == 3);
    rig_kill(r, first, SIGKILL);
    rig_until(r, rig_log_has(r, "web/2#1: activated"));
    while (rig_wait_report(r, "serving") != second) /* from then on it minds no TERM */
        ;
    unlink(rig_path(r, "cold"));
    rig_until(r, rig_log_has(r, "is one more than are to serve"));
    rig_until(r, rig_log_has(r, "has been reloaded (generation 2)"));
    cr_assert(rig_process_is_alive(second));
    rig_cmd_ok(r, "stop", "--no-wait", "web");
    rig_until(r, has_stopped(r));
    rig_wait_child(r, reload); /* it waits for those that do not mind TERM, whose time is an hour here */
}

/* The new spares have no slots before the reload is over. */
rig_test(standby, more_spares_may_be_asked_for_in_a_reload)
{
    standby_begin(r, "standby = 1\n", 1, 1);
    standby_touch(r, "hold");
    pid_t reload = rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload", "web")));
    rig_until(r, standby_count_all(r) == 4);
    rig_configure(r, standby_configuration(r, "standby = 3\n"));
    rig_cmd_ok(r, "update", "--no-wait");
    unlink(rig_path(r, "hold"));
    cr_assert_eq(rig_wait_child(r, reload), 0);
    rig_until(r, standby_count(r, "ready", 2) == 1 && standby_count(r, "standby", 2) == 3 &&
                     standby_is_complete(r, 1, 3));
}
