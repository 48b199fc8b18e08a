/* test_reload_signal: reload = signal: the workers reload by themselves, and what can be known of it is told.
 */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>

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

rig_test(reload_signal, of_one_that_tells_of_an_earlier_reload_is_not_over)
{
    rig_write_file(rig_path(r, "worker.py"),
                   "import os, signal, socket, time\n"
                   "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                   "def say(text): s.sendto(text, os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))\n"
                   "def on_hup(*_): say(b'RELOADING=1\\nMONOTONIC_USEC=1'); say(b'READY=1')\n"
                   "signal.signal(signal.SIGHUP, on_hup)\n"
                   "say(b'READY=1')\n"
                   "while True: time.sleep(0.1)\n");
    rig_up(r, rig_format(r,
                         "[service:web]\nreload = signal:HUP\nready = notify\nsettle = 100s\n"
                         "command = python3 %s\n",
                         rig_path(r, "worker.py")));
    rig_wait_state_of(r, "web", "running");
    pid_t reload = start_reload(r);
    rig_until(r, rig_log_has(r, "says that it has reloaded"));
    rig_cmd_ok(r, "status");
    cr_assert_eq(waitpid(reload, NULL, WNOHANG), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    rig_kill(r, rig_pid_of(r, "web", 1), SIGKILL);
    cr_assert_eq(rig_wait_child(r, reload), 1);
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

static void open_gate(struct rig *r)
{
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "go"))));
}

rig_test(reload_signal, is_waited_for_by_the_next_supervisor_too)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    begin(r, rig_format(r, "say say:RELOADING=1; read x <%s; say say:READY=1", rig_path(r, "go")),
          "ready = notify\nsettle = 100s\n");
    pid_t reload = start_reload(r);
    rig_until(r, is_reloading(r));
    rig_kill_supervisor(r);
    rig_cmd_ok(r, "upgrade");
    cr_assert(is_reloading(r));
    open_gate(r);
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
}

/* That one has nothing to take, and has not died of it. */
rig_test(reload_signal, does_not_wait_for_one_that_is_started_meanwhile)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    begin(r, rig_format(r, "say say:RELOADING=1; read x <%s; say say:READY=1", rig_path(r, "go")),
          "ready = notify\nsettle = 100s\n");
    pid_t reload = start_reload(r);
    rig_until(r, is_reloading(r));
    rig_cmd_ok(r, "scale", "web=2");
    rig_kill_supervisor(r);
    rig_until(r, rig_number_of(r, "web", "ready") == 2);
    cr_assert(is_reloading(r));
    open_gate(r);
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
}

rig_test(reload_signal, that_ends_a_worker_under_the_next_supervisor_is_no_reload)
{
    begin(r, "say say:RELOADING=1; exec sleep 1000", "ready = notify\nsettle = 100s\n");
    pid_t worker = rig_pid_of(r, "web", 1), reload = start_reload(r);
    rig_until(r, is_reloading(r));
    rig_kill_supervisor(r);
    rig_kill(r, worker, SIGKILL);
    cr_assert_eq(rig_wait_child(r, reload), 1);
    cr_assert(strstr(rig_read_file(r, rig_path(r, "reload")), "web: worker web/1#1 was killed by KILL"), "%s",
              rig_read_file(r, rig_path(r, "reload")));
}

/* The service "web", whose reload command waits at the gate. */
static void begin_command(struct rig *r)
{
    rig_expect(r, 0, RIG_ARGV("mkfifo", rig_path(r, "go")));
    rig_up(r, rig_format(r,
                         "[service:web]\ncommand = sleep 1000\n"
                         "reload = command:sh -c 'echo begins >>%s; read x <%s; test ! -e %s'\n",
                         rig_path(r, "said"), rig_path(r, "go"), rig_path(r, "bad")));
    rig_wait_state_of(r, "web", "running");
    rig_write_file(rig_path(r, "said"), "");
}

/* What has become of the second one. */
static const char *told(struct rig *r)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *told = json_object_get(service, "told");
    bool is_second = json_integer_value(json_object_get(told, "number")) == 2;
    return is_second ? json_string_value(json_object_get(told, "state")) : "";
}

#define said(r) rig_read_file(r, rig_path(r, "said"))

rig_test(reload_command, goes_on_and_is_waited_for_by_the_next_supervisor_too)
{
    begin_command(r);
    pid_t reload = start_reload(r);
    rig_until(r, strcmp(said(r), "begins\n") == 0);
    rig_kill_supervisor(r);
    rig_cmd_ok(r, "upgrade");
    open_gate(r);
    cr_assert_eq(rig_wait_child(r, reload), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    cr_assert_str_eq(said(r), "begins\n", "it was one command all the time");
    rig_write_file(rig_path(r, "bad"), "");
    reload = start_reload(r);
    rig_until(r, strcmp(said(r), "begins\nbegins\n") == 0);
    rig_kill_supervisor(r);
    open_gate(r);
    cr_assert_eq(rig_wait_child(r, reload), 1);
    cr_assert(strstr(rig_read_file(r, rig_path(r, "reload")), "its reload command exited with status 1"),
              "%s", rig_read_file(r, rig_path(r, "reload")));
}

rig_test(reload_command, asked_for_meanwhile_runs_once_more)
{
    begin_command(r);
    pid_t one = start_reload(r);
    rig_until(r, strcmp(said(r), "begins\n") == 0);
    rig_cmd_ok(r, "reload", "--no-wait", "web");
    open_gate(r);
    cr_assert_eq(rig_wait_child(r, one), 0, "%s", rig_read_file(r, rig_path(r, "reload")));
    rig_until(r, strcmp(said(r), "begins\nbegins\n") == 0);
    open_gate(r);
    rig_until(r, strcmp(told(r), "done") == 0);
    cr_assert_str_eq(said(r), "begins\nbegins\n");
}

/* The supervisor dies at POINT of the command. */
static void is_run_once(struct rig *r, const char *point)
{
    rig_env(r, rig_format(r, "BERTH_CRASH_AT=%s:1:0", point));
    r->berth = getenv("BERTH_CRASH");
    rig_up(r,
           rig_format(r, "[service:web]\ncommand = sleep 1000\nreload = command:sh -c 'echo begins >>%s'\n",
                      rig_path(r, "said")));
    rig_wait_state_of(r, "web", "running");
    rig_cmd_ok(r, "reload", "web");
    cr_assert_str_eq(said(r), "begins\n");
    cr_assert(rig_log_has(r, "was killed by KILL; starting it again"), "%s", rig_log(r));
}

rig_test(reload_command, is_run_once_when_the_supervisor_dies_before_it)
{
    is_run_once(r, "task_before");
}

rig_test(reload_command, is_run_once_when_the_supervisor_dies_right_behind_its_start)
{
    is_run_once(r, "task_after");
}

rig_test(reload_command, is_run_once_when_the_supervisor_dies_of_its_end)
{
    is_run_once(r, "task_end_recorded");
}
