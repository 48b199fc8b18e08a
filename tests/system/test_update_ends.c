/* test_update_ends: how an update ends services, sockets, output and other updates that are in the middle of
 * something. Whatever it is, the supervisor lives on. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define SLEEPER(name) "[service:" name "]\ncommand = sleep 1000\n"

static void update_to(struct rig *r, const char *text)
{
    rig_configure(r, text);
    rig_cmd_ok(r, "update");
}

rig_test(update_ends, a_service_that_does_not_run_is_removed_at_once)
{
    rig_up(r, SLEEPER("a") SLEEPER("b"));
    rig_wait_state_of(r, "b", "running");
    pid_t supervisor = rig_supervisor_pid(r);
    rig_cmd_ok(r, "stop", "b");
    rig_configure(r, SLEEPER("a"));
    const struct rig_result *result = rig_cmd_ok(r, "update");
    cr_assert(strstr(result->out, "service b: removed, stopped"), "%s", result->out);
    cr_assert_str_eq(rig_state_of(r, "b"), "");
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

/* The first one ends with the end of a worker of "b", which the next one removes. */
rig_test(update_ends, the_next_one_may_remove_what_the_first_one_waits_for)
{
    rig_up(r, SLEEPER("a") SLEEPER("b"));
    rig_wait_state_of(r, "b", "running");
    pid_t supervisor = rig_supervisor_pid(r);
    rig_configure(
        r, SLEEPER("a") "[service:b]\nenv.V = 2\nready = delay:1000s\nstart_timeout = 2000s\nrestart = no\n"
                        "reload = restart\n"
                        "command = sleep 1000\n");
    pid_t first = rig_spawn(r, "", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_until(r, rig_number_of(r, "b", "generation") == 2 && rig_pid_of(r, "b", 1) > 0);
    rig_configure(r, SLEEPER("a"));
    pid_t next = rig_spawn(r, "", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_cmd_ok(r, "update", "--dry-run"); /* by now the other one has been heard, or will be heard later */
    rig_kill(r, rig_pid_of(r, "b", 1), SIGKILL);
    cr_assert_eq(rig_wait_child(r, first), 1);
    cr_assert_eq(rig_wait_child(r, next), 0);
    cr_assert_str_eq(rig_state_of(r, "b"), "");
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(update_ends, what_failed_in_the_last_one_is_tried_again)
{
    static const char text[] =
        "[service:a]\ncommand = sh -c 'test ! -e %s && exec sleep 1000'\nenv.VERSION = %d\n";
    rig_up(r, rig_format(r, text, rig_path(r, "bad"), 1));
    rig_wait_state_of(r, "a", "running");
    pid_t worker = rig_pid_of(r, "a", 1);
    rig_write_file(rig_path(r, "bad"), "");
    rig_configure(r, rig_format(r, text, rig_path(r, "bad"), 2));
    for (int i = 0; i < 2; i++) {
        const char *err = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")))->err;
        cr_assert(strstr(err, "service a: worker a/1#"), "%s", err);
        cr_assert_eq(rig_pid_of(r, "a", 1), worker);
    }
    cr_assert_eq(unlink(rig_path(r, "bad")), 0);
    const struct rig_result *result = rig_cmd_ok(r, "update");
    cr_assert(strstr(result->out, "service a: "), "%s", result->out);
    cr_assert_neq(rig_pid_of(r, "a", 1), worker);
    cr_assert(strstr(rig_cmd_ok(r, "update")->out, "nothing has changed"));
}

rig_test(update_ends, a_removed_service_has_its_hooks)
{
    const char *said = rig_path(r, "said");
    rig_up(r, rig_format(r,
                         SLEEPER("a") SLEEPER("b") "before_stop = sh -c 'echo before_stop >>%s'\n"
                                                   "after_stop = sh -c 'echo after_stop >>%s'\n" SLEEPER(
                                                       "c") "before_stop = /nowhere\nafter_stop = /nowhere\n",
                         said, said));
    rig_wait_state_of(r, "b", "running");
    rig_wait_state_of(r, "c", "running");
    pid_t supervisor = rig_supervisor_pid(r);
    update_to(r, SLEEPER("a"));
    cr_assert_str_eq(rig_read_file(r, said), "before_stop\nafter_stop\n");
    cr_assert(rig_log_has(r, "c: after_stop could not be started"));
    cr_assert_str_eq(rig_state_of(r, "b"), "");
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(update_ends, a_shutdown_ends_it)
{
    rig_up(r, SLEEPER("a"));
    rig_wait_state_of(r, "a", "running");
    rig_configure(r, SLEEPER("a") SLEEPER("b") "ready = check:false\n");
    pid_t update = rig_spawn(r, "said", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_wait_state_of(r, "b", "starting");
    cr_assert_eq(rig_stop(r), 0);
    cr_assert_eq(rig_wait_child(r, update), 1);
    cr_assert(strstr(rig_read_file(r, rig_path(r, "said")), "berth is shutting down"));
}

/* Who still comes to a socket that goes starts nobody: its service has gone before it. */
rig_test(update_ends, nobody_is_started_at_a_socket_that_goes)
{
    const char *address = rig_format(r, "unix:@berth-%d-going", (int)getpid());
    char body[16];
    rig_up(r, rig_format(r,
                         SLEEPER("a") "[socket:b]\nlisten = %s\n"
                                      "[service:b]\ncommand = %s\nsockets = b\nstart = on-demand\n",
                         address, r->probe));
    rig_wait_state_of(r, "b", "waiting");
    pid_t supervisor = rig_supervisor_pid(r);
    rig_configure(r, SLEEPER("a"));
    pid_t update = rig_spawn(r, "", rig_cmd_argv(r, RIG_ARGV("update")));
    while (*rig_state_of(r, "b"))
        ;
    load_ask(address, "/", body, sizeof body);
    cr_assert_eq(rig_wait_child(r, update), 0);
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(update_ends, a_service_that_nobody_needs_is_stopped_all_the_same)
{
    const char *text = rig_format(r,
                                  "[socket:b]\nlisten = %s\n[service:b]\ncommand = %s --drain\nsockets = b\n"
                                  "start = on-demand\nidle_stop = 1s\n",
                                  rig_address(r, 4), r->probe);
    char body[128];
    rig_up(r, text);
    rig_wait_state_of(r, "b", "waiting");
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0); /* it runs, but not for long */
    update_to(r, rig_format(r, "%s" SLEEPER("a"), text));
    rig_wait_state_of(r, "b", "waiting");
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    rig_configure(r, rig_format(r, "%sstop_timeout = 9s\n", text));
    rig_cmd_ok(r, "update");
    rig_wait_state_of(r, "b", "waiting");
}

rig_test(update_ends, health_is_looked_at_in_the_new_interval)
{
    static const char text[] = SLEEPER("a") "health = false\nhealth_retries = 1\nhealth_interval = %s\n";
    rig_up(r, rig_format(r, text, "1h"));
    rig_wait_state_of(r, "a", "running");
    pid_t worker = rig_pid_of(r, "a", 1);
    update_to(r, rig_format(r, text, "50ms"));
    rig_until(r, rig_pid_of(r, "a", 1) > 0 && rig_pid_of(r, "a", 1) != worker);
}

rig_test(update_ends, a_worker_is_as_old_as_it_is_for_a_new_max_age)
{
    rig_up(r, SLEEPER("a") "max_age = 1h\n");
    rig_wait_state_of(r, "a", "running");
    pid_t worker = rig_pid_of(r, "a", 1);
    update_to(r, SLEEPER("a") "max_age = 1s\n");
    rig_until(r, rig_pid_of(r, "a", 1) > 0 && rig_pid_of(r, "a", 1) != worker);
}

/* --- output -------------------------------------------------------------------------------------------- */

rig_test(update_ends, output_that_is_captured_no_more_goes_on)
{
    static const char *const forms[] = {"output = prefix\n", "", "output = null\n", "output = prefix\n", ""};
    static const char text[] = "[service:a]\ncommand = sh -c 'while echo line; do sleep 0.02; done'\n%s";
    rig_up(r, rig_format(r, text, rig_format(r, "output = file:%s\n", rig_path(r, "log"))));
    rig_until(r, access(rig_path(r, "log"), F_OK) == 0);
    pid_t supervisor = rig_supervisor_pid(r);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        update_to(r, rig_format(r, text, forms[i]));
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
    cr_assert_eq(rig_number_of(r, "a", "generation"), 6);
}

rig_test(update_ends, what_is_written_while_output_goes_from_the_configuration_is_not_lost)
{
    static const char text[] = "[service:web]\n%scommand = sh -c 'trap \"echo last words; exit 0\" TERM; "
                               "echo begun; while :; do sleep 0.01; done'\n";
    rig_up(r, rig_format(r, text, rig_format(r, "output = file:%s\n", rig_path(r, "log"))));
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "log")), "begun\n"));
    update_to(r, rig_format(r, text, ""));
    rig_until(r, strstr(rig_read_file(r, r->out_path), "web/1 | last words\n"));
    cr_assert(!rig_log_has(r, "(restart"), "%s", rig_log(r));
}

/* berth's standard output is a pipe that nobody reads but the caller. */
static int up_for_a_reader(struct rig *r, const char *text)
{
    cr_assert_eq(mkfifo(rig_path(r, "reader"), 0600), 0);
    int fd = open(rig_path(r, "reader"), O_RDWR | O_CLOEXEC);
    rig_configure(r, text);
    rig_start(r, RIG_ARGV("sh", "-c", rig_format(r, "exec \"$0\" \"$@\" >%s/reader", r->dir), r->berth,
                          "--control", r->control, "up", "-c", rig_path(r, "berth.ini")));
    return fd;
}

/* The number that SERVICE has written last but one, as far as berth has taken it in: of the last one there
 * may be only the first digits. */
static long last_number(struct rig *r, const char *service)
{
    return strtol(rig_cmd_ok(r, "logs", "-n", "2", service)->out, NULL, 10);
}

/* The next line of the pipe FD, which has no end; fails the test where none comes. */
static void read_line(int fd, char *line, size_t size)
{
    struct pollfd more = {.fd = fd, .events = POLLIN};
    size_t len = 0;
    while (len == 0 || line[len - 1] != '\n') {
        cr_assert(len + 1 < size && poll(&more, 1, RIG_PATIENCE_SECONDS * 1000) == 1, "no line comes");
        cr_assert_eq(read(fd, line + len++, 1), 1);
    }
    line[len] = '\0';
}

/* A file that cannot be written loses what does not fit into the ring; berth's own output has the worker
 * wait. */
rig_test(update_ends, output_is_as_safe_as_where_it_goes_now)
{
    char bytes[256];
    int fd = up_for_a_reader(r, "[service:a]\ncommand = sh -c 'echo 0; exec sleep 1000'\n"
                                "output = file:/nowhere/log\n");
    rig_until(r, rig_log_has(r, "its output cannot be written to /nowhere/log"));
    update_to(r, "[service:a]\ncommand = sh -c 'seq 50000; echo end; exec sleep 1000'\noutput = prefix\n");
    for (time_t end = time(NULL) + RIG_PATIENCE_SECONDS; last_number(r, "a") < 500;)
        cr_assert_lt(time(NULL), end, "%s", rig_cmd_ok(r, "logs", "-n", "3", "a")->out);
    for (int i = 0; i <= 50000; i++) {
        read_line(fd, bytes, sizeof bytes);
        cr_assert_str_eq(bytes, rig_format(r, "a/1 | %d\n", i));
    }
    close(fd);
}

rig_test(update_ends, output_that_nobody_reads_goes_with_its_service)
{
    static const char talker[] =
        "[service:b]\noutput = prefix\ncommand = sh -c 'while echo b; do sleep 0.02; done'\n";
    char bytes[65536];
    int fd = up_for_a_reader(r, rig_format(r, "%s[service:a]\noutput = prefix\ncommand = yes\n", talker));
    rig_wait_state_of(r, "a", "running");
    pid_t supervisor = rig_supervisor_pid(r);
    rig_until(r, strstr(rig_cmd_ok(r, "logs", "-n", "1", "a")->out, "y") != NULL);
    update_to(r, talker);
    cr_assert(rig_log_has(r, "bytes of its output could not be written"));
    do
        read_line(fd, bytes, sizeof bytes);
    while (strcmp(bytes, "b/1 | b\n") != 0);
    close(fd);
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}
