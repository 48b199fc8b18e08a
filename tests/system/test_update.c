/* test_update: the configuration changes while clients are served: what is the same is not touched, what
 * changes loses nobody, and one that is wrong changes nothing. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

#define CLIENTS 3

/* A service "web" on the test's TCP port, and MORE lines behind it. */
static const char *with_web(struct rig *r, const char *socket_keys, const char *service_keys,
                            const char *more)
{
    return rig_format(r,
                      "[socket:web]\nlisten = %s\n%s[service:web]\ncommand = %s --drain\nsockets = web\n%s%s",
                      rig_address(r, 4), socket_keys, r->probe, service_keys, more);
}

static void begin(struct rig *r, const char *text)
{
    rig_up(r, text);
    rig_wait_state_of(r, "web", "running");
}

static const struct rig_result *update_to(struct rig *r, const char *text)
{
    rig_configure(r, text);
    return rig_cmd_ok(r, "update");
}

/* While clients ask at the port, the configuration becomes TEXT; nobody loses anything. */
static void update_under_load(struct rig *r, const char *text)
{
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    update_to(r, text);
    struct load_counts counts;
    load_read(load, &counts);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, 0);
}

rig_test(update, what_is_the_same_is_not_touched)
{
    begin(r, with_web(r, "", "", ""));
    pid_t worker = rig_pid_of(r, "web", 1);
    unsigned long inode = rig_socket_inode(worker, 3);
    cr_assert(strstr(update_to(r, with_web(r, "# a remark\n", "", ""))->out, "nothing has changed"));
    update_under_load(r, with_web(r, "", "", "[service:other]\ncommand = sleep 1000\n"));
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
    cr_assert_eq(rig_socket_inode(worker, 3), inode);
    cr_assert_eq(rig_number_of(r, "web", "generation"), 1);
}

rig_test(update, options_that_can_change_on_a_held_socket_do)
{
    begin(r, rig_format(r, "[socket:unix]\nlisten = unix:u.sock\nmode = 0600\n%s",
                        with_web(r, "backlog = 100\n", "", "")));
    pid_t worker = rig_pid_of(r, "web", 1);
    struct stat st;
    update_under_load(r, rig_format(r, "[socket:unix]\nlisten = unix:u.sock\nmode = 0660\n%s",
                                    with_web(r, "backlog = 55\nno_delay = yes\n", "", "")));
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
    cr_assert(strstr(rig_cmd_ok(r, "sockets")->out, "55"), "%s", rig_cmd_ok(r, "sockets")->out);
    cr_assert_eq(stat(rig_path(r, "u.sock"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0660);
}

rig_test(update, what_only_concerns_the_supervisor_needs_no_new_worker)
{
    begin(r, with_web(r, "", "", ""));
    pid_t worker = rig_pid_of(r, "web", 1);
    const struct rig_result *result =
        update_to(r, with_web(r, "", "stop_timeout = 3s\nrestart = always\nessential = yes\n", ""));
    cr_assert(strstr(result->out, "stop_timeout 10s -> 3s"), "%s", result->out);
    cr_assert(strstr(result->out, "applied"), "%s", result->out);
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
}

rig_test(update, a_changed_command_gets_new_workers_and_loses_nobody)
{
    begin(r, with_web(r, "", "", ""));
    pid_t worker = rig_pid_of(r, "web", 1);
    update_under_load(r, with_web(r, "", "env.VERSION = 2\n", ""));
    cr_assert_neq(rig_pid_of(r, "web", 1), worker);
    cr_assert_eq(rig_number_of(r, "web", "generation"), 2);
}

/* A migration that lasts until somebody writes to the gate, and a service that comes after it, and one that
 * comes after that; each says when it runs. */
static const char *with_chain(struct rig *r, int version)
{
    const char *said = rig_path(r, "said");
    return rig_format(
        r,
        "[service:app]\nenv.V = %d\nafter = data\ncommand = sh -c 'echo app $V >>%s; exec sleep 1000'\n"
        "[service:data]\nenv.V = %d\nrequires = migration\nready = check:grep -q 'data %d' %s\n"
        "command = sh -c 'echo data $V >>%s; exec sleep 1000'\n"
        "[service:migration]\nenv.V = %d\ntype = oneshot\n"
        "command = sh -c 'read x <%s; echo migration $V >>%s'\n",
        version, said, version, version, said, said, version, rig_path(r, "gate"), said);
}

static void open_gate(struct rig *r)
{
    int fd = open(rig_path(r, "gate"), O_WRONLY | O_CLOEXEC);
    cr_assert_gt(fd, 0);
    cr_assert_eq(write(fd, "\n", 1), 1);
    close(fd);
}

rig_test(update, changed_services_get_new_workers_in_their_order)
{
    cr_assert_eq(mkfifo(rig_path(r, "gate"), 0600), 0);
    rig_up(r, with_chain(r, 1));
    open_gate(r);
    rig_wait_state_of(r, "app", "running");
    pid_t app = rig_pid_of(r, "app", 1);
    for (int version = 2; version <= 4; version++) {
        rig_configure(r, with_chain(r, version));
        pid_t update = rig_spawn(r, "", rig_cmd_argv(r, RIG_ARGV("update")));
        rig_wait_state_of(r, "migration", "starting");
        if (version == 4)
            rig_kill_supervisor(r);
        cr_assert_eq(rig_pid_of(r, "app", 1), app, "it waits for the others");
        open_gate(r);
        int status = rig_wait_child(r, update);
        cr_assert(version == 4 || status == 0);
        rig_until(r,
                  (app = rig_pid_of(r, "app", 1)) != 0 && rig_number_of(r, "app", "generation") == version);
    }
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "said")), "app 4"));
    cr_assert_str_eq(rig_read_file(r, rig_path(r, "said")),
                     "migration 1\ndata 1\napp 1\nmigration 2\ndata 2\napp 2\n"
                     "migration 3\ndata 3\napp 3\nmigration 4\ndata 4\napp 4\n");
}

rig_test(update, a_hook_that_fails_keeps_the_workers_and_is_told)
{
    const char *hook = rig_format(r, "before_start = test ! -e %s\n", rig_path(r, "bad"));
    begin(r, with_web(r, "", hook, ""));
    pid_t worker = rig_pid_of(r, "web", 1);
    rig_expect(r, 0, RIG_ARGV("touch", rig_path(r, "bad")));
    rig_configure(r, with_web(r, "", hook, "env.VERSION = 2\n"));
    const struct rig_result *result = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")));
    cr_assert(strstr(result->err, "before_start failed; the workers that serve go on"), "%s", result->err);
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
}

rig_test(update, a_start_that_a_hook_holds_up_begins_anew_with_another_hook)
{
    static const char text[] = "%s[service:retried]\ncommand = sleep 1000\nafter_start = true\n"
                               "restart_delay = 30s\n%s[service:failed]\ncommand = sleep 1000\n"
                               "restart = no\nbefore_start = %s\n[service:hangs]\ncommand = sleep 1000\n"
                               "before_start = %s\n";
    const char *web = with_web(r, "", "", "");
    begin(r, rig_format(r, text, web, "before_start = false\n", "false", "sleep 1000"));
    rig_wait_state_of(r, "retried", "backoff");
    rig_wait_state_of(r, "failed", "failed");
    pid_t supervisor = rig_supervisor_pid(r);
    update_to(r, rig_format(r, text, web, "", "true", "true"));
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
    cr_assert_str_eq(rig_state_of(r, "retried"), "running");
    cr_assert_str_eq(rig_state_of(r, "failed"), "running");
    cr_assert_str_eq(rig_state_of(r, "hangs"), "running");
}

rig_test(update, a_successor_starts_what_a_hook_held_up_that_is_gone)
{
    static const char text[] = "[service:%s]\ncommand = sleep 1000\nafter_start = true\n%s";
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=update_committed:1:0");
    rig_up(r, rig_format(r, text, "a", "restart_delay = 100ms\nbefore_start = false\n"));
    rig_wait_state_of(r, "a", "backoff");
    rig_configure(r, rig_format(r, text, "a", "restart_delay = 100ms\n"));
    rig_cmd(r, "update");
    rig_wait_state_of(r, "a", "running");
    cr_assert(rig_log_has(r, "(restart 1,"));
    cr_assert_not(rig_log_has(r, "(restart 2,"));
}

rig_test(update, what_a_new_service_requires_is_started_with_it)
{
    static const char more[] = "[service:base]\ncommand = sleep 1000\nstart = manual\n"
                               "[service:middle]\ncommand = sleep 1000\nstart = manual\nrequires = base\n%s";
    begin(r, with_web(r, "", "", rig_format(r, more, "")));
    static const char added[] = "[service:new]\ncommand = sleep 1000\nrequires = middle\n";
    update_to(r, with_web(r, "", "", rig_format(r, more, added)));
    cr_assert_str_eq(rig_state_of(r, "base"), "running");
    cr_assert_str_eq(rig_state_of(r, "new"), "running");
}

rig_test(update, who_waits_for_somebody_goes_on_waiting_unless_it_need_not)
{
    static const char text[] = "[socket:s]\nlisten = unix:s.sock\n[service:web]\ncommand = %s --drain\n"
                               "sockets = s\nstart = %s\nenv.VERSION = %d\n";
    rig_up(r, rig_format(r, text, r->probe, "on-demand", 1));
    rig_wait_state_of(r, "web", "waiting");
    update_to(r, rig_format(r, text, r->probe, "on-demand", 2));
    cr_assert_str_eq(rig_state_of(r, "web"), "waiting");
    char body[128];
    cr_assert_eq(load_ask(rig_format(r, "unix:%s", rig_path(r, "s.sock")), "/", body, sizeof body), 0);
    rig_wait_state_of(r, "web", "running");
    update_to(r, rig_format(r, text, r->probe, "on-demand", 2));
    cr_assert_eq(rig_number_of(r, "web", "generation"), 1, "it had the new one already");
    rig_cmd_ok(r, "stop", "web");
    rig_cmd_ok(r, "start", "web");
    rig_stop(r);
    rig_up(r, rig_format(r, text, r->probe, "on-demand", 1));
    rig_wait_state_of(r, "web", "waiting");
    update_to(r, rig_format(r, text, r->probe, "auto", 1));
    rig_wait_state_of(r, "web", "running");
}

rig_test(update, readiness_that_changes_holds_for_who_is_on_the_way)
{
    static const char other[] = "[service:other]\ncommand = sleep 1000\n";
    begin(r, with_web(r, "", "", rig_format(r, "%sready = check:false\n", other)));
    rig_wait_state_of(r, "other", "starting");
    pid_t worker = rig_pid_of(r, "other", 1);
    update_to(r, with_web(r, "", "", other));
    rig_wait_state_of(r, "other", "running");
    cr_assert_eq(rig_pid_of(r, "other", 1), worker);
}

rig_test(update, a_stopped_service_is_removed)
{
    static const char more[] = "[service:gone]\ncommand = sleep 1000\nstart = manual\n";
    begin(r, with_web(r, "", "", more));
    pid_t supervisor = rig_supervisor_pid(r);
    cr_assert(strstr(update_to(r, with_web(r, "", "", ""))->out, "service gone: removed, stopped"));
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
    cr_assert(rig_process_is_alive(supervisor));
}

rig_test(update, the_next_one_may_remove_what_the_last_one_waited_for)
{
    static const char more[] = "[service:slow]\ncommand = sleep 1000\nbefore_start = sleep %d\n";
    begin(r, with_web(r, "", "", rig_format(r, more, 1000)));
    pid_t supervisor = rig_supervisor_pid(r);
    rig_configure(r, with_web(r, "", "", rig_format(r, more, 2000)));
    pid_t first = rig_spawn(r, "first", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_until(r, strstr(rig_cmd_ok(r, "update", "--dry-run")->out, "nothing has changed"));
    rig_configure(r, with_web(r, "", "", ""));
    kill(r->keeper, SIGHUP);
    rig_until(r, rig_log_has(r, "received HUP"));
    rig_cmd_ok(r, "stop", "slow");
    cr_assert_eq(rig_wait_child(r, first), 0);
    rig_until(r, rig_log_has(r, "service slow removed: stopped"));
    cr_assert_str_eq(rig_state_of(r, "slow"), "");
    cr_assert_eq(rig_supervisor_pid(r), supervisor);
}

rig_test(update, a_shutdown_is_told_to_who_waits)
{
    begin(r, with_web(r, "", "", ""));
    const char *hook =
        rig_format(r, "before_start = sh -c 'touch %s; exec sleep 1000'\n", rig_path(r, "hook"));
    rig_configure(r, with_web(r, "", rig_format(r, "%senv.VERSION = 2\n", hook), ""));
    pid_t first = rig_spawn(r, "first", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_until(r, access(rig_path(r, "hook"), F_OK) == 0);
    pid_t second = rig_spawn(r, "second", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_cmd_ok(r, "shutdown");
    cr_assert_eq(rig_wait_child(r, first), 1);
    int status = rig_wait_child(r, second);
    cr_assert(status == 1 || status == 5, "%d", status);
    cr_assert(strstr(rig_read_file(r, rig_path(r, "first")), "berth is shutting down"));
}

rig_test(update, another_number_of_workers_that_are_others_too_is_reached)
{
    static const char text[] = "[service:last]\ncommand = sleep 1000\nready = check:test -e %s\n"
                               "env.VERSION = %d\n[service:web]\ncommand = sleep %d\nworkers = %d\n"
                               "after = last\n";
    const char *go = rig_path(r, "go");
    rig_write_file(go, "");
    begin(r, rig_format(r, text, go, 1, 1001, 1));
    pid_t worker = rig_pid_of(r, "web", 1);
    update_to(r, rig_format(r, text, go, 1, 1002, 3));
    cr_assert_neq(rig_pid_of(r, "web", 1), worker, "it had the old command");
    cr_assert_eq(rig_number_of(r, "web", "ready"), 3);
    update_to(r, rig_format(r, text, go, 1, 1003, 1));
    rig_until(r, rig_pid_of(r, "web", 3) == 0);
    worker = rig_pid_of(r, "web", 1);
    unlink(go);
    rig_configure(r, rig_format(r, text, go, 2, 1004, 1));
    pid_t update = rig_spawn(r, "update", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_until(r, rig_log_has(r, "last/1#2: started"));
    rig_cmd_ok(r, "scale", "web=2");
    cr_assert_eq(rig_pid_of(r, "web", 1), worker, "its turn has not come");
    rig_write_file(go, "");
    cr_assert_eq(rig_wait_child(r, update), 0);
    cr_assert_neq(rig_pid_of(r, "web", 1), worker, "the scaling has not made it forget");
    cr_assert_eq(rig_number_of(r, "web", "ready"), 2);
}

rig_test(update, another_number_of_workers_is_reached)
{
    begin(r, with_web(r, "", "workers = 1\n", ""));
    pid_t worker = rig_pid_of(r, "web", 1);
    update_under_load(r, with_web(r, "", "workers = 3\n", ""));
    cr_assert_eq(rig_number_of(r, "web", "ready"), 3);
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
    update_under_load(r, with_web(r, "", "workers = 2\n", ""));
    rig_until(r, rig_pid_of(r, "web", 3) == 0);
    rig_cmd_ok(r, "scale", "web=4");
    update_under_load(r, with_web(r, "", "workers = 2\nstop_timeout = 9s\n", ""));
    cr_assert_eq(rig_number_of(r, "web", "ready"), 4, "what was scaled by hand stays, for it did not change");
}

rig_test(update, an_address_moves_without_losing_who_asks_at_another_one)
{
    static const char moving[] =
        "[socket:web]\nlisten = %s, unix:%s\n[service:web]\ncommand = %s --drain\nsockets = web\n";
    char body[128];
    rig_up(r, rig_format(r, moving, rig_address(r, 4), "old.sock", r->probe));
    rig_wait_state_of(r, "web", "running");
    struct load *old = rig_load(r, rig_format(r, "unix:%s", rig_path(r, "old.sock")), CLIENTS);
    cr_assert(load_wait_ok(old, 10, RIG_PATIENCE_SECONDS));
    update_under_load(r, rig_format(r, moving, rig_address(r, 4), "new.sock", r->probe));
    struct load_counts counts;
    rig_until(r, (load_read(old, &counts), counts.refused > 0));
    load_stop(old, &counts);
    cr_assert_eq(counts.reset + counts.early + counts.timed_out + counts.other, 0,
                 "whoever was let in was served; others were refused");
    cr_assert_eq(load_ask(rig_format(r, "unix:%s", rig_path(r, "new.sock")), "/", body, sizeof body), 0);
    cr_assert_neq(access(rig_path(r, "old.sock"), F_OK), 0);
}

rig_test(update, whoever_waits_at_a_tcp_port_that_goes_is_served)
{
    static const char text[] =
        "[socket:web]\nlisten = 127.0.0.1:%u\n[service:web]\ncommand = %s --drain\nsockets = web\n";
    rig_up(r, rig_format(r, text, r->port, r->probe));
    rig_wait_state_of(r, "web", "running");
    struct load *old = rig_load(r, rig_address(r, 4), 8);
    cr_assert(load_wait_ok(old, 50, RIG_PATIENCE_SECONDS));
    update_to(r, rig_format(r, text, r->port + 1, r->probe));
    struct load_counts counts;
    load_stop(old, &counts);
    cr_assert_eq(counts.reset + counts.early + counts.timed_out + counts.other, 0,
                 "reset %lu, early %lu, other %lu", counts.reset, counts.early, counts.other);
    char body[128];
    cr_assert_eq(load_ask(rig_format(r, "127.0.0.1:%u", r->port + 1), "/", body, sizeof body), 0);
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), -ECONNREFUSED);
}

rig_test(update, a_removed_service_stops_and_then_its_socket_closes)
{
    const char *gone =
        rig_format(r,
                   "[socket:gone]\nlisten = unix:gone.sock\n[service:gone]\ncommand = %s --drain\n"
                   "sockets = gone\n",
                   r->probe);
    char body[128];
    begin(r, with_web(r, "", "", gone));
    rig_wait_state_of(r, "gone", "running");
    pid_t worker = rig_pid_of(r, "gone", 1);
    struct load *load = rig_load(r, rig_format(r, "unix:%s", rig_path(r, "gone.sock")), CLIENTS);
    cr_assert(load_wait_ok(load, 10, RIG_PATIENCE_SECONDS));
    update_under_load(r, with_web(r, "", "", ""));
    struct load_counts counts;
    load_stop(load, &counts);
    cr_assert_eq(counts.reset + counts.early + counts.timed_out + counts.other, 0);
    cr_assert_not(rig_process_is_alive(worker));
    cr_assert_str_eq(rig_state_of(r, "gone"), "");
    cr_assert_eq(load_ask(rig_format(r, "unix:%s", rig_path(r, "gone.sock")), "/", body, sizeof body),
                 -ENOENT);
    update_to(r, with_web(r, "", "", gone));
    rig_wait_state_of(r, "gone", "running");
}

rig_test(update, a_mistake_changes_nothing)
{
    begin(r, with_web(r, "", "", ""));
    pid_t worker = rig_pid_of(r, "web", 1);
    rig_configure(r, with_web(r, "backlog = 5\n", "comand = x\n", "[service:b]\n"));
    const struct rig_result *result = rig_expect(r, 2, rig_cmd_argv(r, RIG_ARGV("update")));
    cr_assert(strstr(result->err,
                     "berth.ini:7: service:web: \"comand\" is not a key of a service; did you mean command?"),
              "%s", result->err);
    cr_assert(strstr(result->err, "service:b: there is no command"), "%s", result->err);
    cr_assert_eq(rig_pid_of(r, "web", 1), worker);
    cr_assert(strstr(rig_cmd_ok(r, "sockets")->out, "4096"));
    kill(r->keeper, SIGHUP);
    rig_until(r, rig_log_has(r, "the configuration was not changed"));
}

rig_test(update, what_cannot_change_is_refused_as_a_whole)
{
    begin(r, with_web(r, "", "", ""));
    rig_configure(r, with_web(r, "reuse_port = yes\nbacklog = 5\n", "", ""));
    const struct rig_result *result = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")));
    cr_assert(strstr(result->err, "reuse_port of a socket that is held cannot be changed"), "%s",
              result->err);
    cr_assert(strstr(rig_cmd_ok(r, "sockets")->out, "4096"));
}

static pid_t occupy(struct rig *r, const char *address)
{
    pid_t pid = rig_spawn(r, "", RIG_ARGV(r->probe, "--bind", address, "--report", r->report));
    rig_wait_report(r, "serving");
    return pid;
}

rig_test(update, a_part_that_fails_leaves_the_rest_standing)
{
    static const char more[] = "[socket:first]\nlisten = %s\n[socket:second]\nlisten = %s\n"
                               "[service:first]\ncommand = sleep 1000\nsockets = first\n"
                               "[service:second]\ncommand = sleep 1000\nsockets = second\n"
                               "[service:side]\ncommand = sleep 1000\n";
    const char *one = rig_format(r, "127.0.0.1:%u", r->port + 1);
    const char *two = rig_format(r, "127.0.0.1:%u", r->port + 2);
    begin(r, with_web(r, "", "", ""));
    pid_t first = occupy(r, one), second = occupy(r, two);
    rig_configure(r, with_web(r, "backlog = 66\n", "", rig_format(r, more, one, two)));
    const struct rig_result *result = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")));
    cr_assert(strstr(result->err, "socket first:") && strstr(result->err, "socket second:"), "%s",
              result->err);
    cr_assert_str_eq(rig_state_of(r, "side"), "running");
    cr_assert_eq(rig_pid_of(r, "second", 1), 0, "it waits for its socket");
    rig_kill(r, second, SIGKILL);
    rig_wait_state_of(r, "second", "running"); /* they were tried again, and one of them in vain */
    cr_assert_eq(rig_pid_of(r, "first", 1), 0);
    rig_kill(r, first, SIGKILL);
    rig_wait_state_of(r, "first", "running");
}

rig_test(update, a_dry_run_tells_and_changes_nothing)
{
    begin(r, with_web(r, "", "", ""));
    rig_configure(r, with_web(r, "backlog = 7\n", "env.A = 1\n", ""));
    const struct rig_result *result = rig_cmd_ok(r, "update", "--dry-run");
    cr_assert(strstr(result->out, "socket web: changed (backlog 4096 -> 7), would be applied"), "%s",
              result->out);
    cr_assert(strstr(result->out, "service web: changed (env.*), would be restarted"), "%s", result->out);
    cr_assert_eq(rig_number_of(r, "web", "generation"), 1);
    kill(r->keeper, SIGHUP);
    rig_until(r, rig_number_of(r, "web", "generation") == 2);
}

rig_test(update, a_new_worker_that_fails_is_told)
{
    begin(r, with_web(r, "", "", ""));
    rig_configure(r, with_web(r, "", "user = nobody\nlimit.nofile = 5\ndirectory = nowhere\n", ""));
    const struct rig_result *result = rig_expect(r, 1, rig_cmd_argv(r, RIG_ARGV("update")));
    cr_assert(strstr(result->err, "service web: worker web/1#2 could not be started: "), "%s", result->err);
    update_to(r, with_web(r, "", "", ""));
    rig_wait_state_of(r, "web", "running");
}

rig_test(update, a_client_whose_supervisor_died_waits_for_the_successor)
{
    static const char text[] =
        "[service:a]\nenv.V = %d\ncommand = sleep 1000\nready = check:test -e %s\nsettle = 10ms\n";
    const char *gate = rig_path(r, "gate");
    r->berth = getenv("BERTH_CRASH");
    rig_env(r, "BERTH_CRASH_AT=update_exchanged:1:0");
    rig_write_file(gate, "");
    rig_up(r, rig_format(r, text, 1, gate));
    rig_wait_state_of(r, "a", "running");
    pid_t worker = rig_pid_of(r, "a", 1);
    unlink(gate);
    rig_configure(r, rig_format(r, text, 2, gate));
    pid_t update = rig_spawn(r, "said", rig_cmd_argv(r, RIG_ARGV("update")));
    rig_until(r, rig_log_has(r, "a/1#2: started"));
    rig_cmd_ok(r, "status"); /* it goes on, and nobody has been told of the end */
    cr_assert_eq(rig_pid_of(r, "a", 1), worker);
    cr_assert(rig_process_is_alive(update));
    rig_write_file(gate, "");
    cr_assert_eq(rig_wait_child(r, update), 0);
    cr_assert_neq(rig_pid_of(r, "a", 1), worker);
    cr_assert(strstr(rig_read_file(r, rig_path(r, "said")), "the configuration is in force"), "%s",
              rig_read_file(r, rig_path(r, "said")));
}

rig_test(update, killed_supervisors_do_not_keep_it_from_coming_into_force)
{
    begin(r, with_web(r, "", "", ""));
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    for (int i = 1; i <= 10; i++) {
        rig_configure(r, with_web(r, "", rig_format(r, "env.ROUND = %d\n", i),
                                  rig_format(r, "[service:s%d]\ncommand = sleep 1000\n", i)));
        kill(r->keeper, SIGHUP);
        rig_kill_supervisor(r);
        rig_cmd_ok(r, "update");
        rig_wait_state_of(r, rig_format(r, "s%d", i), "running");
        rig_wait_state_of(r, "web", "running");
        cr_assert_str_eq(rig_state_of(r, rig_format(r, "s%d", i - 1)), "");
    }
    rig_load_end(r, load, 0);
}
