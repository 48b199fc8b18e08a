/* test_handoff: what a worker is given, read by the worker itself from /proc: exactly the descriptors,
 * variables, masks and limits that it should have, whatever berth was given. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

/* What the probe wrote down; borrowed from the rig. */
static json_t *dump_of(struct rig *r)
{
    const char *path = rig_path(r, "dump");

    rig_until(r, access(path, R_OK) == 0);
    return rig_read_json(r, path);
}

static const char *variable(json_t *dump, const char *name)
{
    return json_string_value(json_object_get(json_object_get(dump, "environment"), name));
}

static const char *target(json_t *dump, const char *fd)
{
    const char *text = json_string_value(json_object_get(json_object_get(dump, "fds"), fd));

    return text != NULL ? text : "";
}

static bool is_socket(json_t *dump, const char *fd)
{
    return strncmp(target(dump, fd), "socket:[", 8) == 0;
}

static long number(json_t *dump, const char *key)
{
    return (long)json_integer_value(json_object_get(dump, key));
}

rig_test(handoff, gives_exactly_the_standard_descriptors_and_the_sockets)
{
    rig_run(r, "--listen", "web=127.0.0.1:0", "--listen", "dns=udp://127.0.0.1:0", "--listen",
            rig_format(r, "admin=unix:%s/admin.sock", r->dir), "--", r->probe, "--dump", rig_path(r, "dump"));
    json_t *dump = dump_of(r);
    cr_assert(json_object_size(json_object_get(dump, "fds")) == 6);
    cr_assert_str_eq(target(dump, "1"), r->out_path);
    cr_assert_str_eq(target(dump, "2"), r->err_path);
    cr_assert(is_socket(dump, "3") && is_socket(dump, "4") && is_socket(dump, "5"));
    cr_assert_str_eq(variable(dump, "LISTEN_FDS"), "3");
    cr_assert_str_eq(variable(dump, "LISTEN_FDNAMES"), "web:dns:admin");
    cr_assert_str_eq(variable(dump, "LISTEN_FDS_FIRST_FD"), "3");
}

rig_test(handoff, names_the_reader_by_pid_and_by_pidfd)
{
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--dump", rig_path(r, "dump"));
    json_t *dump = dump_of(r);
    cr_assert_str_eq(variable(dump, "LISTEN_PID"), rig_format(r, "%ld", number(dump, "pid")));
    if (variable(dump, "LISTEN_PIDFDID") != NULL)
        cr_assert_str_eq(variable(dump, "LISTEN_PIDFDID"),
                         json_string_value(json_object_get(dump, "pidfd_inode")));
}

rig_test(handoff, says_1_or_nothing_of_the_pid_where_a_wrapper_needs_it)
{
    rig_run(r, "--set", "listen_pid=1", "--listen", rig_address(r, 4), "--", r->probe, "--dump",
            rig_path(r, "dump"));
    json_t *dump = dump_of(r);
    cr_assert_str_eq(variable(dump, "LISTEN_PID"), "1");
    rig_stop(r);
    unlink(rig_path(r, "dump"));
    rig_run(r, "--set", "listen_pid=omit", "--listen", rig_address(r, 4), "--", r->probe, "--dump",
            rig_path(r, "dump"));
    dump = dump_of(r);
    cr_assert_null(variable(dump, "LISTEN_PID"));
    cr_assert_str_eq(variable(dump, "LISTEN_FDS"), "1");
}

rig_test(handoff, passes_no_variable_of_any_dialect_on)
{
    static const char *const foreign[] = {
        "LISTEN_FDS=9",
        "LISTEN_PID=1",
        "LISTEN_FDNAMES=a:b",
        "LISTEN_FDS_FIRST_FD=7",
        "LISTEN_PIDFDID=5",
        "SERVER_STARTER_PORT=80=3",
        "SERVER_STARTER_GENERATION=2",
        "EINHORN_FDS=3",
        "EINHORN_FD_COUNT=1",
        "EINHORN_FD_0=3",
        "EINHORN_FD_FAMILY_0=AF_INET",
        "EINHORN_MASTER_PID=1",
        "EINHORN_SOCK_PATH=/x",
        "NGINX=3;",
        "FPM_SOCKETS=:80=3",
        "UNICORN_FD=3",
        "GUNICORN_FD=3",
        "GUNICORN_PID=1",
        "PUMA_INHERIT_0=3:tcp://x",
        "TABLEFLIP_HAS_PARENT_7DIU3=yes",
        "ECDYSIS_RUST_UPGRADE=yes",
        "GOAGAIN_FD=3",
        "OVERSEER_IS_SLAVE=1",
        "HAPROXY_MWORKER_REEXEC=1",
        "HAPROXY_PROCESSES=x",
        "WATCHDOG_USEC=5",
        "WATCHDOG_PID=1",
        "MAINPID=1",
        "BERTH_CHANNEL=9",
    };

    rig_env(r, "NOTIFY_SOCKET=/nowhere");
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
        rig_env(r, foreign[i]);
    rig_env(r, "MINE=yes");
    rig_run(r, "--", r->probe, "--dump", rig_path(r, "dump"));
    json_t *dump = dump_of(r);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
        const char *name = rig_format(r, "%.*s", (int)strcspn(foreign[i], "="), foreign[i]);
        cr_assert_null(variable(dump, name), "%s reached the worker", name);
    }
    const char *notify = variable(dump, "NOTIFY_SOCKET");
    cr_assert(notify == NULL || strcmp(notify, "/nowhere") != 0);
    cr_assert_str_eq(variable(dump, "MINE"), "yes");
}

rig_test(handoff, tells_the_worker_who_it_is)
{
    rig_run(r, "--env", "COLOUR=blue", "--", r->probe, "--dump", rig_path(r, "dump"));
    json_t *dump = dump_of(r);
    cr_assert_str_eq(variable(dump, "BERTH_SERVICE"), "probe");
    cr_assert_str_eq(variable(dump, "BERTH_WORKER"), "1");
    cr_assert_str_eq(variable(dump, "BERTH_GENERATION"), "1");
    cr_assert_str_eq(variable(dump, "COLOUR"), "blue");
}

rig_test(handoff, fills_placeholders_in_arguments_and_variables)
{
    const char *answer;

    rig_run(r, "--listen", rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/admin.sock", r->dir), "--env", "NGINX={fd:web};", "--", "sh", "-c",
            "echo \"$NGINX\" \"$0\" \"$@\"", "{port:web}", "{host:web}", "{path:admin}", "{address:web}",
            "{fd:admin}", "{worker}", "{generation}");
    cr_assert(rig_wait_exit(r) == 0);
    answer = rig_read_file(r, r->out_path);
    cr_assert_str_eq(answer, rig_format(r, "3; %u 127.0.0.1 %s/admin.sock tcp://127.0.0.1:%u 4 1 1\n",
                                        r->port, r->dir, r->port));
}

rig_test(handoff, resets_signals_session_and_limits)
{
    struct rlimit low = {.rlim_cur = 777, .rlim_max = 8000};
    json_t *dump;

    /* berth inherits what this process ignores, and what it may open. */
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    cr_assert(setrlimit(RLIMIT_NOFILE, &low) == 0);
    rig_run(r, "--listen", rig_address(r, 4), "--", r->probe, "--dump", rig_path(r, "dump"));
    dump = dump_of(r);
    cr_assert(number(dump, "nofile_soft") == 777, "%ld", number(dump, "nofile_soft"));
    cr_assert(number(dump, "nofile_hard") == 8000);
    cr_assert(number(dump, "sid") == number(dump, "pid") && number(dump, "pgid") == number(dump, "pid"));
    cr_assert(number(dump, "ppid") == r->pid, "the keeper is the parent of every worker");
    cr_assert_str_eq(json_string_value(json_object_get(dump, "SigBlk")), "0000000000000000");
    cr_assert_str_eq(json_string_value(json_object_get(dump, "SigIgn")), "0000000000000000");
}

rig_test(handoff, applies_the_surroundings_that_were_asked_for)
{
    rig_needs_root();
    /* The worker must be able to write there. */
    cr_assert(mkdir(rig_path(r, "d"), 0777) == 0 && chmod(rig_path(r, "d"), 0777) == 0);
    rig_run(r, "--set", "user=65534", "--set", "group=65534", "--set", "umask=027", "--set", "directory=/usr",
            "--set", "nice=5", "--set", "limit.nofile=333:444", "--set", "no_new_privileges=yes", "--listen",
            rig_address(r, 4), "--", r->probe, "--dump", rig_path(r, "d/dump"));
    const char *path = rig_path(r, "d/dump");
    rig_until(r, access(path, R_OK) == 0);
    json_t *dump = rig_read_json(r, path);
    cr_assert(number(dump, "uid") == 65534 && number(dump, "gid") == 65534);
    cr_assert(number(dump, "umask") == 027 && number(dump, "nice") == 5);
    cr_assert(number(dump, "nofile_soft") == 333 && number(dump, "nofile_hard") == 444);
    cr_assert_str_eq(json_string_value(json_object_get(dump, "NoNewPrivs")), "1");
    cr_assert_str_eq(json_string_value(json_object_get(dump, "cwd")), "/usr");
}

rig_test(handoff, stays_the_same_over_restarts_and_a_killed_supervisor)
{
    rig_run(r, "--listen", rig_address(r, 4), "--set", "stable_after=0", "--", r->probe);
    pid_t first = rig_wait_worker(r, 1, 0);
    unsigned long inode = rig_socket_inode(first, 3);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    rig_kill(r, first, SIGKILL);
    pid_t second = rig_wait_worker(r, 1, first);
    cr_assert(rig_socket_inode(second, 3) == inode && inode != 0);
}

rig_test(handoff, speaks_several_dialects_at_once)
{
    rig_run(r, "--set", "handoff=listen-fds,einhorn,nginx,server-starter,stdin", "--listen",
            rig_format(r, "web=%s", rig_address(r, 4)), "--listen",
            rig_format(r, "admin=unix:%s/a.sock", r->dir), "--", r->probe, "--dump", rig_path(r, "dump"));
    json_t *dump = dump_of(r);
    cr_assert_str_eq(variable(dump, "LISTEN_FDS"), "2");
    cr_assert_str_eq(variable(dump, "EINHORN_FD_COUNT"), "2");
    cr_assert_str_eq(variable(dump, "EINHORN_FDS"), "3 4");
    cr_assert_str_eq(variable(dump, "EINHORN_FD_FAMILY_1"), "AF_UNIX");
    cr_assert_str_eq(variable(dump, "EINHORN_MASTER_PID"), rig_format(r, "%ld", number(dump, "ppid")));
    cr_assert_str_eq(variable(dump, "NGINX"), "3;4;");
    cr_assert_str_eq(variable(dump, "SERVER_STARTER_PORT"),
                     rig_format(r, "127.0.0.1:%u=3;%s/a.sock=4", r->port, r->dir));
    pid_t worker = (pid_t)number(dump, "pid");
    cr_assert(rig_socket_inode(worker, 0) == rig_socket_inode(worker, 3) && rig_socket_inode(worker, 3) != 0);
}

rig_test(handoff, gives_a_program_that_serves_descriptor_0_its_socket_there)
{
    char body[64];

    rig_run(r, "--set", "handoff=stdin", "--listen", rig_address(r, 4), "--", r->probe, "--from", "stdin");
    pid_t worker = rig_wait_worker(r, 1, 0);
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    cr_assert(strncmp(body, "pid=", 4) == 0 && atoi(body + 4) == worker, "%s", body);
}

rig_test(handoff, refuses_words_that_contradict_each_other)
{
    const struct rig_result *result =
        rig_expect(r, 2, rig_run_argv(r, RIG_ARGV("--set", "handoff=unicorn,listen-fds", "--", "true")));
    cr_assert(strstr(result->err, "handoff = unicorn contradicts listen-fds") != NULL, "%s", result->err);
}
