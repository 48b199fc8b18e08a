/* test_take_over: a berth takes everything over from another one, in the same container and in another, under
 * load and without a lost request. */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "taker.h"

#define CLIENTS 3

struct loads {
    struct load *tcp, *local;
};

static struct loads begin_loads(struct rig *r)
{
    struct loads l = {rig_load(r, rig_address(r, 4), CLIENTS), rig_load(r, rig_address(r, 1), CLIENTS)};
    cr_assert(load_wait_ok(l.tcp, 5, RIG_PATIENCE_SECONDS));
    cr_assert(load_wait_ok(l.local, 5, RIG_PATIENCE_SECONDS));
    return l;
}

static void end_loads(struct rig *r, struct loads *l)
{
    cr_assert(load_wait_ok(l->tcp, 5, RIG_PATIENCE_SECONDS));
    cr_assert(load_wait_ok(l->local, 5, RIG_PATIENCE_SECONDS));
    rig_load_end(r, l->tcp, 0);
    rig_load_end(r, l->local, 0);
}

static bool is_same_socket(struct rig *r, const char *path, ino_t inode)
{
    struct stat st;
    (void)r;
    return stat(path, &st) == 0 && st.st_ino == inode;
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    cr_assert_eq(stat(path, &st), 0, "%s", path);
    return st.st_ino;
}

rig_test(take_over, run_in_the_same_container)
{
    const char *tcp = rig_format(r, "web=%s", rig_address(r, 4)),
               *local = rig_format(r, "local=%s", rig_address(r, 1)), *path = rig_path(r, "control.sock");
    rig_run(r, "--listen", tcp, "--listen", local, "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    ino_t control = inode_of(path);
    pid_t before = rig_worker_pid(r, 1);
    unsigned long socket = rig_socket_inode(before, 3);
    struct loads l = begin_loads(r);
    const char *first_log = r->err_path;
    struct taker t = taker_run(r, "--listen", tcp, "--listen", local, "--", r->probe, "--drain");
    taker_becomes(r, &t, 0);
    rig_wait_state(r, "running");
    cr_assert(!is_same_socket(r, path, control));
    cr_assert(!rig_process_is_alive(before));
    cr_assert_eq(rig_socket_inode(rig_worker_pid(r, 1), 3), socket, "the socket is another one");
    cr_assert(strstr(rig_read_file(r, first_log), "another berth takes over (process "));
    cr_assert(strstr(rig_read_file(r, first_log), "passes on 2 sockets and 0 stored descriptors"));
    cr_assert(rig_log_has(r, "has taken over from the berth at"));
    cr_assert(taker_left_nothing(r));
    end_loads(r, &l);
    /* What it took is its own: over a crash, with a guard. */
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert_eq(rig_socket_inode(rig_worker_pid(r, 1), 3), socket);
    cr_assert_eq(unlink(rig_address(r, 1) + strlen("unix:")), 0);
    rig_until(r, rig_log_has(r, "it was put back"));
    rig_cmd_ok(r, "restart", "probe");
    rig_cmd_ok(r, "upgrade"); /* the same command line, and nothing is taken over again */
    cr_assert(json_object_get(rig_status(r), "take_over") == NULL);
}

/* Two services, one of which comes after the other. */
static const char *configuration(struct rig *r, const char *more)
{
    return rig_format(
        r,
        "[socket:web]\nlisten = %s\n[socket:local]\nlisten = %s\n"
        "[service:web]\nsockets = web\nworkers = 2\nsettle = 20ms\ncommand = %s --drain\n"
        "[service:local]\nsockets = local\nafter = web\nsettle = 20ms\ncommand = %s --drain\n%s",
        rig_address(r, 4), rig_address(r, 1), r->probe, r->probe, more);
}

static void up_is_running(struct rig *r)
{
    rig_wait_state_of(r, "web", "running");
    rig_wait_state_of(r, "local", "running");
}

rig_test(take_over, up_between_containers_20_times)
{
    rig_needs_root();
    rig_up(r, configuration(r, ""));
    up_is_running(r);
    struct loads l = begin_loads(r);
    for (int i = rig_times(20); i > 0; i--) {
        struct taker t = taker_start(r, taker_in_container(r, taker_up_argv(r, configuration(r, ""))));
        taker_becomes(r, &t, 0);
        up_is_running(r);
        cr_assert(load_wait_ok(l.tcp, 2, RIG_PATIENCE_SECONDS));
    }
    cr_assert(taker_left_nothing(r));
    /* The tables of its own namespace do not have these sockets; what it says of them is right or not said.
     */
    const char *said = rig_cmd_ok(r, "--json", "sockets")->out;
    cr_assert(strstr(said, "\"backlog\": 4096"), "%s", said);
    end_loads(r, &l);
    cr_assert_eq(rig_stop(r), 0);
}

rig_test(take_over, who_takes_from_within_another_pid_namespace_is_told_so)
{
    rig_needs_root();
    const char *address = rig_address(r, 4);
    const char *const *argv = rig_run_argv(r, RIG_ARGV("--listen", address, "--", r->probe, "--drain"));
    rig_start(r, taker_in_container(r, argv));
    rig_wait_state(r, "running");
    r->keeper = (pid_t)atoi(rig_read_file(r, rig_format(r, "/proc/%d/task/%d/children", r->pid, r->pid)));
    const char *first = r->err_path;
    struct taker t = taker_start(
        r, taker_in_container(r, taker_run_argv(r, RIG_ARGV("--listen", address, "--", r->probe))));
    taker_becomes(r, &t, 0);
    cr_assert(strstr(rig_read_file(r, first), "a process of user 0 in another pid namespace"), "%s",
              rig_read_file(r, first));
}

rig_test(take_over, what_was_stored_goes_to_the_new_workers)
{
    const char *say = rig_format(r, "%s/tests/lib/sd_say", getenv("top_builddir"));
    if (access(say, X_OK) != 0)
        rig_skip("built without libsystemd");
    const char *listen = rig_format(r, "web=unix:%s/web", r->dir);
    rig_run(r, "--listen", listen, "--", say, "listen", "store:one", "store:two words", "say:STATUS=stored",
            "wait");
    rig_wait_state(r, "running");
    rig_until(r, strstr(rig_cmd_ok(r, "status", "sd_say", "--json")->out, "\"status\": \"stored\""));
    struct taker t = taker_run(r, "--listen", listen, "--", say, "listen", "wait");
    taker_becomes(r, &t, 0);
    rig_until(r, taker_says(r, &t, "one: one\ntwo words: two words\n"));
    cr_assert(taker_says(r, &t, "was passed 1 sockets and 2 stored descriptors"));
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *worker = json_array_get(json_object_get(service, "workers"), 0);
    cr_assert_eq(json_integer_value(json_object_get(worker, "stored")), 2);
    /* … and behind it to the next one. */
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "restart", "sd_say");
    rig_until(r, strstr(strstr(rig_read_file(r, t.log), "two words: two words\n") + 10, "one: one\n"));
}

rig_test(take_over, sockets_are_found_by_their_address_and_what_nobody_wants_is_let_go)
{
    const char *address = rig_address(r, 4), *local = rig_address(r, 1);
    rig_run(r, "--listen", rig_format(r, "a=%s", address), "--listen", rig_format(r, "b=%s", local),
            "--listen", "c=127.0.0.1:8099", "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    unsigned long socket = rig_socket_inode(rig_worker_pid(r, 1), 3);
    struct load *load = rig_load(r, address, CLIENTS);
    struct taker t = taker_run(r, "--listen", rig_format(r, "x=%s?backlog=77", address), "--listen",
                               "c=127.0.0.1:8098", "--", r->probe, "--drain");
    taker_becomes(r, &t, 0);
    cr_assert_eq(rig_socket_inode(rig_worker_pid(r, 1), 3), socket);
    const char *said = rig_cmd_ok(r, "sockets")->out;
    cr_assert(strstr(said, ":8098") && !strstr(said, ":8099"), "%s", said);
    cr_assert(strstr(said, " 77 "), "its own options: %s", said);
    cr_assert(rig_log_has(r, "lets go of tcp://127.0.0.1:8099 (name c)"));
    cr_assert(rig_log_has(r, rig_format(r, "lets go of %s (name b)", local)));
    rig_load_end(r, load, 0);
    cr_assert(access(local + strlen("unix:"), F_OK) != 0, "its file is nobody's any more");
}

/* 10 sockets with 60 addresses: more than go with one reply. */
static const char *many(struct rig *r, const char *what)
{
    const char *text = "";
    for (int s = 0; s < 10; s++) {
        text = rig_format(r, "%s[socket:s%d]\nlisten = ", text, s);
        for (int i = 0; i < 60; i++)
            text = rig_format(r, "%s%sunix:@%s/%d/%d", text, i ? ", " : "", r->dir, s, i);
        text = rig_format(r, "%s\n", text);
    }
    return rig_format(r, "%s[service:one]\nsockets = s0\ncommand = %s %s\n", text, r->probe, what);
}

rig_test(take_over, hundreds_of_sockets_come_in_several_replies)
{
    rig_up(r, many(r, "--drain"));
    rig_wait_state_of(r, "one", "running");
    struct taker t = taker_start(r, taker_up_argv(r, many(r, "--drain")));
    taker_becomes(r, &t, 0);
    cr_assert(taker_says(r, &t, "was passed 600 sockets"));
    cr_assert(!taker_says(r, &t, "listening on"), "one was bound anew");
    cr_assert_eq(json_array_size(json_object_get(rig_call(r, "io.berth.Sockets", NULL), "sockets")), 600);
}

/* BERTH is what is started with room for N descriptors. */
static const char *const *with_descriptors(struct rig *r, int n, const char *const *argv)
{
    static const char *limited[64];
    size_t i = 3;

    limited[0] = "sh";
    limited[1] = "-c";
    limited[2] = rig_format(r, "ulimit -n %d; exec \"$0\" \"$@\"", n);
    for (; *argv; argv++)
        limited[i++] = *argv;
    limited[i] = NULL;
    return limited;
}

/* Whoever has no room says so, and is not waited for: the next one has its turn. */
rig_test(take_over, without_room_for_all_descriptors)
{
    rig_up(r, many(r, "--drain"));
    rig_wait_state_of(r, "one", "running");
    for (int i = 0; i < 2; i++) {
        struct taker t = taker_start(r, with_descriptors(r, 200, taker_up_argv(r, many(r, "--drain"))));
        cr_assert_eq(taker_wait(r, &t), 1);
        cr_assert(taker_says(r, &t, "find no room here: raise the limit of open files"));
    }
    struct taker t = taker_start(r, taker_up_argv(r, many(r, "--drain")));
    taker_becomes(r, &t, 0);
}

rig_test(take_over, from_one_without_room_for_all_descriptors)
{
    rig_configure(r, many(r, "--drain"));
    rig_start(
        r, with_descriptors(
               r, 1000, RIG_ARGV(r->berth, "--control", r->control, "up", "-c", rig_path(r, "berth.ini"))));
    rig_wait_state_of(r, "one", "running");
    for (int i = 0; i < 2; i++) {
        struct taker t = taker_start(r, taker_up_argv(r, many(r, "--drain")));
        cr_assert_eq(taker_wait(r, &t), 1);
        cr_assert(taker_says(r, &t, "raise its limit of open files"));
    }
    rig_until(r, rig_log_has(r, "cannot be sent everything: this one carries on"));
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

/* Connections that it cannot see may be there. */
rig_test(take_over, idle_stop_does_not_believe_the_tables_of_another_network)
{
    rig_needs_root();
    const char *text = rig_format(r,
                                  "[supervisor]\nlog_level = debug\n[socket:web]\nlisten = %s\n"
                                  "[service:web]\nsockets = web\ncommand = %s --drain\n"
                                  "start = on-demand\nidle_stop = 200ms\n",
                                  rig_address(r, 4), r->probe);
    rig_up(r, text);
    rig_wait_state(r, "waiting");
    struct taker t = taker_start(r, taker_in_container(r, taker_up_argv(r, text)));
    taker_becomes(r, &t, 0);
    char body[100];
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    rig_until(r, count(rig_log(r), "is needed: a connection is there") > 8);
    cr_assert(!rig_log_has(r, "nobody has needed it"));
    cr_assert_str_eq(rig_service_state(r), "running");
}

rig_test(take_over, with_a_control_socket_of_its_own)
{
    const char *control = r->control, *address = rig_address(r, 4), *own = rig_path(r, "own.sock");
    rig_run(r, "--listen", address, "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    struct load *load = rig_load(r, address, CLIENTS);
    struct taker t = taker_start(r, RIG_ARGV(r->berth, "--control", own, "run", "--take-over", control,
                                             "--listen", address, "--", r->probe, "--drain"));
    r->control = own;
    taker_becomes(r, &t, 0);
    cr_assert(access(control, F_OK) != 0, "the first one's is still there");
    rig_load_end(r, load, 0);
}

rig_test(take_over, a_service_manager_hears_of_it_at_the_end)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const char *address = rig_address(r, 4), *go = rig_path(r, "go"), *path = rig_path(r, "notify");
    char said[1000] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    strcpy(un.sun_path, path);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof un) == 0);
    rig_run(r, "--listen", address, "--", r->probe, "--drain");
    rig_wait_state(r, "running");
    rig_env(r, rig_format(r, "NOTIFY_SOCKET=%s", path));
    struct taker t = taker_run(r, "--listen", address, "--ready", rig_format(r, "check:test -e %s", go), "--",
                               r->probe, "--drain", "--report", r->report);
    rig_until(r, taker_says(r, &t, "started (pid="));
    while (recv(fd, said, sizeof said - 1, 0) > 0)
        cr_assert(!strstr(said, "READY=1"), "%s", said);
    rig_write_file(go, "");
    taker_becomes(r, &t, 0);
    rig_until(r, recv(fd, said, sizeof said - 1, 0) > 0 && strstr(said, "READY=1"));
    rig_wait_report(r, "serving"); /* from now on it ends with 0 */
    cr_assert_eq(rig_stop(r), 0);
    close(fd);
    unlink(path);
}

static const char *nginx(struct rig *r, const char *program, const char *pid_file)
{
    rig_write_file(rig_path(r, "nginx.conf"),
                   rig_format(r,
                              "error_log stderr;\nevents {}\nhttp {\n  access_log off;\n"
                              "  client_body_temp_path %1$s/n1; proxy_temp_path %1$s/n2; fastcgi_temp_path "
                              "%1$s/n3; uwsgi_temp_path %1$s/n4; scgi_temp_path %1$s/n5;\n"
                              "  server { listen %2$s; location / { return 200 \"pid=$pid\\n\"; } }\n}\n",
                              r->dir, rig_address(r, 4)));
    return rig_format(r,
                      "[socket:web]\nlisten = %s\n[service:nginx]\nsockets = web\nstop_signal = QUIT\n"
                      "ready = delay:300ms\n"
                      "command = %s -c %s -g 'daemon off; master_process on; worker_processes 2; user root; "
                      "pid %s/%s;'\n",
                      rig_address(r, 4), program, rig_path(r, "nginx.conf"), r->dir, pid_file);
}

rig_test(take_over, nginx_between_containers_and_back)
{
    const char *program = rig_find_program(r, "nginx");
    if (!program)
        rig_skip("nginx is not installed");
    rig_needs_root();
    rig_up(r, nginx(r, program, "pid-0"));
    rig_wait_state_of(r, "nginx", "running");
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    for (int i = 1; i <= 4; i++) {
        const char *const *argv = taker_up_argv(r, nginx(r, program, rig_format(r, "pid-%d", i)));
        struct taker t = taker_start(r, i % 2 ? taker_in_container(r, argv) : argv);
        taker_becomes(r, &t, 0);
        rig_wait_state_of(r, "nginx", "running");
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    }
    rig_load_end(r, load, 0);
}

/* Where the path is another file, who looks for the service there would not find the old socket. */
rig_test(take_over, a_unix_socket_whose_file_is_not_there_is_bound_anew)
{
    rig_needs_root();
    const char *folder = rig_path(r, "private"), *path = rig_format(r, "%s/web.sock", folder);
    const char *text = rig_format(r,
                                  "[socket:web]\nlisten = %s, unix:%s\n[service:web]\nsockets = web\n"
                                  "command = %s --drain\n",
                                  rig_address(r, 4), path, r->probe);
    cr_assert_eq(mkdir(folder, 0755), 0);
    rig_up(r, text);
    rig_wait_state(r, "running");
    rig_write_file(rig_path(r, "other.ini"), text);
    struct taker t =
        taker_start(r, taker_in_container(r, RIG_ARGV("sh", "-c", "mount -t tmpfs none $0 && exec \"$@\"",
                                                      folder, r->berth, "up", "--take-over", r->control, "-c",
                                                      rig_path(r, "other.ini"))));
    taker_becomes(r, &t, 0);
    rig_wait_state(r, "running");
    cr_assert(rig_log_has(r, "its file is not there in this mount namespace"));
    cr_assert(rig_log_has(r, rig_format(r, "listening on unix:%s", path)));
    cr_assert(access(path, F_OK) != 0, "the old one's file is still there");
    char body[100];
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
}

/* The lines of the socket and of the service, for both; the second berth has to wait for another service. */
static void both_with(struct rig *r, const char *socket, const char *service, const char *state,
                      unsigned long lost)
{
    const char *go = rig_path(r, "go"),
               *text = rig_format(r, "[socket:web]\nlisten = %s\n%s\n[service:web]\nsockets = web\n%s\n",
                                  rig_address(r, 4), socket, service),
               *late = rig_format(r,
                                  "%safter = first\n[service:first]\ncommand = sleep 1000\n"
                                  "ready = check:test -e %s\n",
                                  text, go);
    rig_up(r, text);
    rig_wait_state_of(r, "web", state);
    struct load *load = rig_load(r, rig_address(r, 4), CLIENTS);
    cr_assert(load_wait_ok(load, 5, RIG_PATIENCE_SECONDS));
    struct taker t = taker_start(r, taker_up_argv(r, late));
    rig_until(r, taker_says(r, &t, "first/1#1: started"));
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_write_file(go, "");
    taker_becomes(r, &t, 0);
    cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
    rig_load_end(r, load, lost);
    cr_assert_eq(rig_stop(r), 0);
}

rig_test(take_over, a_socket_that_refuses_when_stopped_refuses_nobody_meanwhile)
{
    both_with(r, "when_stopped = refuse", rig_format(r, "command = %s --drain", r->probe), "running", 0);
}

rig_test(take_over, with_a_socket_for_each_worker)
{
    both_with(r, "reuse_port = per-worker", rig_format(r, "workers = 3\ncommand = %s --drain", r->probe),
              "running", 0);
}

rig_test(take_over, with_a_worker_for_each_connection)
{
    both_with(r, "accept = yes\nmax_connections = 20", rig_format(r, "command = %s --answer-stdin", r->probe),
              "waiting", 0);
}

rig_test(take_over, with_places_at_which_sockets_are_fetched)
{
    const char *place = rig_path(r, "zerg");
    both_with(r, rig_format(r, "serve = zerg:%s", place), rig_format(r, "command = %s --drain", r->probe),
              "running", 0);
    cr_assert(access(place, F_OK) != 0);
}
