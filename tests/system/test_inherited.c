/* test_inherited: berth below somebody who hands it sockets: they are taken over by their names or by their
 * addresses, and never bound again. */
#include "config.h"

#include <string.h>

#include "rig.h"

/* Binds ADDRESS:PORT, hands it on as NAME from descriptor 3 on, and becomes berth; what systemd does. */
static const char launcher[] = "import os, socket, sys\n"
                               "s = socket.socket()\n"
                               "s.bind(('127.0.0.1', int(sys.argv[1])))\n"
                               "s.listen(5)\n"
                               "print(os.fstat(s.fileno()).st_ino, flush=True)\n"
                               "os.dup2(s.fileno(), 3)\n"
                               "os.set_inheritable(3, True)\n"
                               "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
                               "if sys.argv[2]: os.environ['LISTEN_FDNAMES'] = sys.argv[2]\n"
                               "os.execv(sys.argv[3], sys.argv[3:])\n";

static void start_with_socket(struct rig *r, const char *name, const char *config)
{
    rig_configure(r, config);
    rig_start(r, RIG_ARGV("python3", "-c", launcher, rig_format(r, "%u", r->port), name, r->berth,
                          "--control", r->control, "up", "-c", rig_path(r, "berth.ini")));
}

static unsigned long inode_of_launcher(struct rig *r)
{
    return strtoul(rig_read_file(r, r->out_path), NULL, 10);
}

rig_test(inherited, a_socket_is_known_by_its_address)
{
    start_with_socket(r, "",
                      rig_format(r, "[socket:web]\nlisten = %s\n[service:web]\ncommand = %s\nsockets = web\n",
                                 rig_address(r, 4), r->probe));
    rig_wait_state_of(r, "web", "running");
    cr_assert_eq(rig_socket_inode(rig_pid_of(r, "web", 1), 3), inode_of_launcher(r));
    char body[128];
    cr_assert_eq(load_ask(rig_address(r, 4), "/", body, sizeof body), 0);
    rig_kill_supervisor(r);
    rig_cmd_ok(r, "restart", "web");
    cr_assert_eq(rig_socket_inode(rig_pid_of(r, "web", 1), 3), inode_of_launcher(r));
}

rig_test(inherited, a_socket_is_known_by_its_name_wherever_it_listens)
{
    start_with_socket(
        r, "web.socket",
        rig_format(r, "[socket:web]\nlisten = :1\n[service:web]\ncommand = %s\nsockets = web\n", r->probe));
    rig_wait_state_of(r, "web", "running");
    cr_assert_eq(rig_socket_inode(rig_pid_of(r, "web", 1), 3), inode_of_launcher(r));
    cr_assert(strstr(rig_cmd_ok(r, "sockets")->out, rig_format(r, "127.0.0.1:%u", r->port)));
}

rig_test(inherited, what_nobody_wants_is_closed_and_told_of)
{
    start_with_socket(r, "other", "[service:one]\ncommand = sleep 1000\n");
    rig_wait_state_of(r, "one", "running");
    rig_until(r, rig_log_has(r, "name other) that no [socket:NAME] has; it is closed"));
    cr_assert_eq(rig_socket_inode(rig_pid_of(r, "one", 1), 3), 0);
}

rig_test(inherited, berth_run_takes_it_too)
{
    rig_start(r, RIG_ARGV("python3", "-c", launcher, rig_format(r, "%u", r->port), "", r->berth, "--control",
                          r->control, "run", "--listen", rig_address(r, 4), "--", r->probe));
    rig_wait_state(r, "running");
    cr_assert_eq(rig_socket_inode(rig_worker_pid(r, 1), 3), inode_of_launcher(r));
}
