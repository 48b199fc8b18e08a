/* test_output_pipe: what the workers of one service write is another one's standard input, to the last line.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

rig_test(output_pipe, outlives_both)
{
    cr_assert(mkfifo(rig_path(r, "in"), 0600) == 0);
    int fd = open(rig_path(r, "in"), O_RDWR | O_CLOEXEC);
    rig_up(r, "[service:source]\ndirectory = .\noutput = pipe:sink\n"
              "command = sh -c 'while read n <in; do echo $n; echo err $n >&2; done'\n"
              "[service:sink]\ndirectory = .\nrestart = always\n"
              "command = sh -c 'while read line; do echo $line >>all; done'\n");
    rig_wait_state(r, "running");
    cr_assert(write(fd, "1\n", 2) == 2);
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "all")), "err 1\n") != NULL);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "stop", "sink");
    cr_assert(write(fd, "2\n", 2) == 2);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    rig_cmd_ok(r, "start", "sink");
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "all")), "err 2\n") != NULL);
    rig_cmd_ok(r, "restart", "source");
    cr_assert(write(fd, "3\n", 2) == 2);
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "all")), "err 3\n") != NULL);
    cr_assert_str_eq(rig_read_file(r, rig_path(r, "all")), "1\nerr 1\n2\nerr 2\n3\nerr 3\n");
    cr_assert_not_null(strstr(rig_cmd(r, "logs", "source")->err, "output = pipe"));
    close(fd);
}

static void start_chain(struct rig *r)
{
    rig_up(r, "[service:sink]\ndirectory = .\n"
              "command = sh -c 'while read line; do echo $line; done >all; echo end >>all'\n"
              "[service:middle]\noutput = pipe:sink\n"
              "command = sh -c 'trap : TERM; while read line; do echo $line; done; echo over'\n"
              "[service:source]\noutput = pipe:middle\ndirectory = .\n"
              "command = sh -c 'trap \"test ! -p gate || read x <gate; seq 1000; exit 0\" TERM; echo begun; "
              "while :; do sleep 0.01; done'\n");
    rig_until(r, strcmp(rig_read_file(r, rig_path(r, "all")), "begun\n") == 0);
}

rig_test(output_pipe, is_read_to_its_end_at_a_shutdown)
{
    start_chain(r);
    cr_assert(rig_stop(r) == 0);
    const char *all = rig_read_file(r, rig_path(r, "all"));
    cr_assert_not_null(strstr(all, "\n999\n1000\nover\nend\n"), "%s", all);
}

rig_test(output_pipe, is_read_to_its_end_though_the_supervisor_dies)
{
    cr_assert(mkfifo(rig_path(r, "gate"), 0600) == 0); /* so that it is not over before the supervisor dies */
    start_chain(r);
    kill(r->keeper, SIGTERM);
    rig_until(r, rig_log_has(r, "shutting down"));
    rig_kill_supervisor(r);
    rig_expect(r, 0, RIG_ARGV("sh", "-c", rig_format(r, "echo >%s", rig_path(r, "gate"))));
    cr_assert(rig_wait_exit(r) == 0);
    const char *all = rig_read_file(r, rig_path(r, "all"));
    cr_assert_not_null(strstr(all, "\n999\n1000\nover\nend\n"), "%s", all);
}

rig_test(output_pipe, does_not_hold_up_a_second_order_to_end)
{
    rig_up(r, "[service:sink]\ncommand = sleep 1000\nstop_timeout = none\n"
              "[service:source]\noutput = pipe:sink\n"
              "directory = .\ncommand = sh -c 'trap : TERM; echo >begun; while :; do sleep 0.01; done'\n");
    rig_until(r, access(rig_path(r, "begun"), F_OK) == 0);
    rig_wait_state(r, "running");
    kill(r->keeper, SIGTERM);
    rig_until(r, rig_log_has(r, "shutting down"));
    kill(r->keeper, SIGTERM);
    rig_wait_exit(r);
}
