/* test_reload_signal: reload = signal: the workers reload by themselves, and what can be known of it is told.
 */
#include "config.h"

#include "say.h"

/* A service "web" whose workers do DEED on HUP; KEYS. */
static void begin(struct rig *r, const char *deed, const char *keys)
{
    rig_up(r, rig_format(r,
                         "[service:web]\nreload = signal:HUP\noutput = file:%s\n%s"
                         "command = sh -c \"say() { %s $$*; }; trap '%s' HUP; say say:READY=1; "
                         "while :; do sleep 0.01; done\"\n",
                         rig_path(r, "log"), keys, sd_say(r), deed));
    rig_wait_state_of(r, "web", "running");
}

static pid_t start_reload(struct rig *r)
{
    return rig_spawn(r, "reload", rig_cmd_argv(r, RIG_ARGV("reload", "web")));
}

static bool is_reloading(struct rig *r)
{
    return worker_member(r, "reloading_ms") != NULL;
}

static void check_that_an_end_is_no_reload(struct rig *r, const char *keys)
{
    begin(r, "echo this is no good; exit 3", keys);
    pid_t worker = rig_pid_of(r, "web", 1);
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert(strstr(err, "worker web/1#1 exited with status 3; it wrote last: this is no good"), "%s", err);
    rig_wait_state_of(r, "web", "running");
    cr_assert_neq(rig_pid_of(r, "web", 1), worker);
}

rig_test(reload_signal, that_ends_a_worker_is_no_reload)
{
    check_that_an_end_is_no_reload(r, "ready = notify\n");
}

rig_test(reload_signal, that_ends_a_worker_which_is_started_again_at_once_is_none_either)
{
    check_that_an_end_is_no_reload(r, "ready = notify\nstable_after = 0\n");
}

rig_test(reload_signal, is_over_when_every_worker_has_had_time_to_end_of_it)
{
    begin(r, ":", "ready = notify\nworkers = 2\nsettle = 50ms\n");
    pid_t worker = rig_pid_of(r, "web", 2);
    rig_cmd_ok(r, "reload", "web");
    cr_assert_eq(rig_pid_of(r, "web", 2), worker);
}

rig_test(reload_signal, of_one_that_tells_is_over_when_it_says_so)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    begin(r, rig_format(r, "say say:RELOADING=1; read x <%s; say say:READY=1", rig_path(r, "go")),
          "ready = notify\nsettle = 100s\n");
    pid_t reload = start_reload(r);
    rig_until(r, is_reloading(r));
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "go"))));
    cr_assert_eq(rig_wait_child(r, reload), 0, "it did not wait for settle");
    cr_assert(!is_reloading(r));
}

rig_test(reload_signal, of_one_that_tells_and_never_ends_has_failed)
{
    begin(r, "say say:RELOADING=1", "ready = notify\nsettle = 100s\nstart_timeout = 3s\n");
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert(strstr(err, "it says that it is reloading"), "%s", err);
    cr_assert(is_reloading(r));
}

rig_test(reload_signal, reaches_no_worker_that_is_not_ready)
{
    rig_up(r, rig_format(
                  r, "[service:web]\nreload = signal:HUP\nready = check:test -e %s\ncommand = sleep 1000\n",
                  rig_path(r, "ok")));
    rig_wait_state_of(r, "web", "starting");
    pid_t worker = rig_pid_of(r, "web", 1);
    const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("reload", "web")))->err;
    cr_assert(strstr(err, "none of its workers is ready"), "%s", err);
    rig_write_file(rig_path(r, "ok"), "");
    rig_wait_state_of(r, "web", "running");
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
}
