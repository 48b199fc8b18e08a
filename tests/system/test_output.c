/* test_output: what workers write arrives where it should, whole and once, whatever dies or fills up. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define COUNT_FOR_EVER "i=0; while :; do i=$((i+1)); echo $i; done"

static const char *to_file(struct rig *r)
{
    return rig_format(r, "output=file:%s/log", r->dir);
}

static const char *log_text(struct rig *r)
{
    return rig_read_file(r, rig_path(r, "log"));
}

static bool file_is_there(struct rig *r, const char *name)
{
    return access(rig_path(r, name), F_OK) == 0;
}

static long size_of(struct rig *r, const char *name)
{
    struct stat st;
    return stat(rig_path(r, name), &st) == 0 ? (long)st.st_size : -1;
}

/* --- the kinds ----------------------------------------------------------------------------------------- */

rig_test(output, to_a_file_is_both_streams_to_the_last_byte)
{
    rig_run(r, "--set", to_file(r), "--", "sh", "-c", "echo out; echo err >&2; printf 'no end'");
    cr_assert(rig_wait_exit(r) == 0);
    cr_assert_str_eq(log_text(r), "out\nerr\nno end\n");
    cr_assert_str_eq(rig_read_file(r, r->out_path), "");
}

rig_test(output, with_a_prefix_names_the_service_and_the_worker)
{
    static const char *const lines[] = {"sh/1 | hello 1\n", "sh/1 | last\n", "sh/2 | hello 2\n",
                                        "sh/2 | last\n"};
    size_t n = 0;
    rig_run(r, "--set", "output=prefix", "--workers", "2", "--", "sh", "-c",
            "echo \"hello $BERTH_WORKER\"; printf last >&2");
    cr_assert(rig_wait_exit(r) == 0);
    const char *text = rig_read_file(r, r->out_path);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_not_null(strstr(text, lines[i]), "%s", text);
        n += strlen(lines[i]);
    }
    cr_assert(strlen(text) == n, "no colours in a file: %s", text);
}

rig_test(output, to_nowhere_is_nowhere)
{
    rig_run(r, "--set", "output=null", "--restart", "no", "--", "sh", "-c", "echo out; echo err >&2; exit 3");
    cr_assert(rig_wait_exit(r) == 3);
    cr_assert_str_eq(rig_read_file(r, r->out_path), "");
    cr_assert_null(strstr(rig_log(r), "err\n"));
}

rig_test(output, is_inherited_unless_somebody_says_otherwise)
{
    rig_run(r, "--", "sh", "-c", "echo out; echo err >&2; exec sleep 100");
    rig_until(r, rig_log_has(r, "err\n"));
    cr_assert_str_eq(rig_read_file(r, r->out_path), "out\n");
    const struct rig_result *result = rig_cmd(r, "logs", "sh");
    cr_assert(result->status == 1);
    cr_assert_not_null(strstr(result->err, "output = inherit"), "%s", result->err);
}

/* --- a terminal ---------------------------------------------------------------------------------------- */

static const char *shown_on_terminal(struct rig *r, const char *const *argv)
{
    static char text[4096];
    size_t n = 0;
    int fd = rig_start_on_terminal(r, argv);
    struct pollfd in = {.fd = fd, .events = POLLIN};
    for (ssize_t got = 1; got > 0 && n < sizeof text - 1;) {
        poll(&in, 1, RIG_PATIENCE_SECONDS * 1000);
        got = read(fd, text + n, sizeof text - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    text[n] = '\0';
    rig_wait_exit(r);
    close(fd);
    return text;
}

rig_test(output, has_colours_on_a_terminal_only)
{
    const char *const *argv =
        rig_run_argv(r, RIG_ARGV("--set", "output=prefix", "--", "sh", "-c", "echo hello"));
    const char *shown = shown_on_terminal(r, argv);
    cr_assert(strstr(shown, "\033[") && strstr(shown, "msh/1 |\033[0m hello"), "%s", shown);
    rig_env(r, "NO_COLOR=1");
    shown = shown_on_terminal(r, argv);
    cr_assert_not_null(strstr(shown, "\nsh/1 | hello"), "%s", shown);
}

/* --- files --------------------------------------------------------------------------------------------- */

/* The numbers of all files, the oldest first, are 1, 2, 3, …; how many. */
static long count_numbers(struct rig *r, int oldest)
{
    long expected = 1;
    for (int i = oldest; i >= 0; i--) {
        const char *text = rig_read_file(r, rig_path(r, i > 0 ? rig_format(r, "log.%d", i) : "log"));
        while (*text) {
            char *end;
            long n = strtol(text, &end, 10);
            cr_assert(n == expected && *end == '\n', "log.%d: %.20s in place of %ld", i, text, expected);
            expected++;
            text = end + 1;
        }
    }
    return expected - 1;
}

rig_test(output, of_a_fast_writer_loses_no_line_when_files_are_put_aside)
{
    rig_run(r, "--set", to_file(r), "--set", "output_max=20K", "--set", "output_keep=200", "--", "seq",
            "300000");
    cr_assert(rig_wait_exit(r) == 0);
    cr_assert(count_numbers(r, 200) == 300000);
    cr_assert(file_is_there(r, "log.50"));
    for (int i = 0; i < 50; i++)
        cr_assert(size_of(r, i ? rig_format(r, "log.%d", i) : "log") <= 20 * 1024);
}

rig_test(output, keeps_as_many_files_as_it_is_told)
{
    rig_run(r, "--set", to_file(r), "--set", "output_max=1K", "--set", "output_keep=2", "--", "seq", "10000");
    cr_assert(rig_wait_exit(r) == 0);
    cr_assert(file_is_there(r, "log.2") && !file_is_there(r, "log.3"));
    cr_assert_not_null(strstr(log_text(r), "\n10000\n"));
}

rig_test(output, goes_to_a_new_file_after_usr1)
{
    cr_assert(mkfifo(rig_path(r, "in"), 0600) == 0);
    int fd = open(rig_path(r, "in"), O_RDWR | O_CLOEXEC);
    rig_run(r, "--set", to_file(r), "--", "sh", "-c",
            rig_format(r, "echo begun; while read line; do echo $line; done <%s/in", r->dir));
    rig_until(r, size_of(r, "log") == 6);
    cr_assert(rename(rig_path(r, "log"), rig_path(r, "moved")) == 0);
    kill(r->keeper, SIGUSR1);
    rig_until(r, rig_log_has(r, "received USR1"));
    cr_assert(write(fd, "new\n", 4) == 4);
    rig_until(r, strcmp(log_text(r), "new\n") == 0);
    cr_assert_str_eq(rig_read_file(r, rig_path(r, "moved")), "begun\n");
    close(fd);
}

rig_test(output, of_workers_that_end_in_a_line_begins_a_new_one)
{
    rig_run(r, "--set", to_file(r), "--restart", "always", "--set", "restart_delay=1ms", "--", "sh", "-c",
            rig_format(r,
                       "cd %s; printf half; test -e again || { touch again; exit 1; }; touch written; "
                       "exec sleep 100",
                       r->dir));
    rig_until(r, file_is_there(r, "written"));
    rig_cmd_ok(r, "stop", "sh");
    cr_assert_str_eq(log_text(r), "half\nhalf\n");
}

rig_test(output, of_a_slot_that_goes_is_passed_on_and_its_pipe_dropped)
{
    rig_run(r, "--set", to_file(r), "--", "sh", "-c",
            rig_format(r, "echo from $BERTH_WORKER; printf rest; echo >%s/rest-$BERTH_WORKER; exec sleep 100",
                       r->dir));
    rig_wait_worker(r, 1, 0);
    size_t held = rig_count_fds(r->keeper);
    rig_cmd_ok(r, "scale", "sh=4");
    for (int i = 1; i <= 4; i++)
        rig_until(r, file_is_there(r, rig_format(r, "rest-%d", i)));
    rig_until(r, size_of(r, "log") == 4 * 7 && rig_count_fds(r->keeper) >= held + 3 * 3);
    rig_cmd_ok(r, "scale", "sh=1");
    rig_until(r, rig_count_fds(r->keeper) == held + 1 /* the ring */ || rig_count_fds(r->keeper) == held);
    rig_until(r, size_of(r, "log") == 4 * 7 + 3 * 5 || size_of(r, "log") == 4 * 7 + 3 * 5 + 3);
    rig_cmd_ok(r, "scale", "sh=2");
    rig_until(r, strstr(log_text(r), "rest\nfrom 2\n") != NULL);
}

rig_test(output, of_a_connections_worker_is_its_standard_error)
{
    rig_run(r, "--listen", rig_format(r, "%s?accept=yes", rig_address(r, 4)), "--set", to_file(r), "--", "sh",
            "-c", "echo served >&2; echo answer");
    rig_wait_state(r, "waiting");
    struct load *load = rig_load(r, rig_address(r, 4), 1);
    rig_until(r, size_of(r, "log") >= 3 * 7);
    load_stop(load, &(struct load_counts){0});
    cr_assert(strncmp(log_text(r), "served\nserved\nserved\n", 21) == 0);
}

rig_test(output, can_be_opened_by_name_by_another_user)
{
    rig_needs_root();
    rig_run(r, "--set", to_file(r), "--user", "nobody", "--", "sh", "-c",
            "echo out >/dev/stdout; echo err >/dev/stderr");
    cr_assert(rig_wait_exit(r) == 0);
    cr_assert_str_eq(log_text(r), "out\nerr\n");
}

/* --- a full disk --------------------------------------------------------------------------------------- */

/* All numbers up to LAST but one gap of LOST bytes, in whose place a line tells of it. */
static void expect_one_gap(const char *text, long last)
{
    long expected = 1;
    long long lost = 0;
    while (*text) {
        char *end;
        if (strncmp(text, "berth: ", 7) == 0) {
            cr_assert_eq(lost, 0);
            lost = strtoll(text + 7, &end, 10);
            cr_assert(strncmp(end, " bytes of output of sh/1 lost", 29) == 0, "%.60s", text);
            text = strchr(text, '\n') + 1;
            for (long n = strtol(text, NULL, 10); expected < n; expected++)
                lost -= snprintf(NULL, 0, "%ld\n", expected);
            cr_assert_eq(lost, 0, "%lld bytes were told and are not missing", lost);
            lost = 1;
            continue;
        }
        cr_assert(strtol(text, &end, 10) == expected && *end == '\n', "%.20s in place of %ld", text,
                  expected);
        expected++;
        text = end + 1;
    }
    cr_assert(lost == 1 && expected == last + 1, "%ld", expected);
}

rig_test(output, to_a_full_disk_holds_no_worker_up_and_is_told)
{
    const char *disk = rig_path(r, "disk");
    rig_needs_root();
    cr_assert(mkdir(disk, 0755) == 0 && mount("tmpfs", disk, "tmpfs", 0, "size=32k") == 0);
    rig_run(r, "--set", rig_format(r, "output=file:%s/log", disk), "--", "sh", "-c",
            rig_format(r, "seq 100000; touch %s/done; exec sleep 100", r->dir));
    rig_until(r, file_is_there(r, "done"));
    rig_until(r, rig_log_has(r, "error sh: its output cannot be written to"));
    rig_until(r, strstr(rig_cmd_ok(r, "logs", "-n", "1", "sh")->out, "100000\n") != NULL);
    rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    cr_assert(mount("tmpfs", disk, "tmpfs", MS_REMOUNT, "size=10m") == 0);
    rig_until(r, rig_log_has(r, "again; ") && rig_log_has(r, " bytes of output were lost meanwhile"));
    const char *log = rig_format(r, "%s/log", disk);
    /* What was kept comes behind the line of what was lost. */
    rig_until(r, strstr(rig_read_file(r, log), "\n100000\n") != NULL);
    expect_one_gap(rig_read_file(r, log), 100000);
    rig_stop(r);
    umount2(disk, MNT_DETACH);
}

rig_test(output, to_a_place_that_is_not_there_waits_for_it)
{
    rig_run(r, "--set", rig_format(r, "output=file:%s/later/log", r->dir), "--", "sh", "-c",
            "echo early; exec sleep 100");
    rig_until(r, rig_log_has(r, "No such file or directory"));
    cr_assert(mkdir(rig_path(r, "later"), 0755) == 0);
    rig_until(r, rig_log_has(r, "nothing of it was lost"));
    rig_until(r, strcmp(rig_read_file(r, rig_path(r, "later/log")), "early\n") == 0);
}

/* --- killing the supervisor ---------------------------------------------------------------------------- */

rig_test(output, is_whole_when_the_supervisor_is_killed_twenty_times)
{
    srandom((unsigned)getpid());
    rig_run(r, "--set", to_file(r), "--set", "output_max=1M", "--set", "output_keep=200", "--", "sh", "-c",
            COUNT_FOR_EVER);
    pid_t worker = rig_wait_worker(r, 1, 0);
    rig_until(r, size_of(r, "log") > 5000 || file_is_there(r, "log.1")); /* that is a thousand numbers */
    for (int i = 0; i < 20; i++) {
        rig_wait_state(r, "running");
        poll(NULL, 0, (int)(random() % 20));
        rig_kill_supervisor(r);
    }
    rig_wait_state(r, "running");
    cr_assert(rig_worker_pid(r, 1) == worker && rig_worker_restarts(r, 1) == 0);
    rig_stop(r);
    cr_assert(count_numbers(r, 200) > 1000);
}

/* Then the supervisor comes without its soft state, and has only the ring to go by: what a predecessor was
 * about to write just then counts as written. */
rig_test(output, does_not_come_twice_when_the_supervisor_never_becomes_stable)
{
    long last = 0;
    char *end;
    rig_run(r, "--set", to_file(r), "--set", "output_max=1G", "--", "sh", "-c", COUNT_FOR_EVER);
    rig_until(r, size_of(r, "log") > 1000);
    for (int i = 0; i < 6; i++)
        rig_kill_supervisor(r);
    rig_wait_state(r, "running");
    long size = size_of(r, "log");
    rig_until(r, size_of(r, "log") > size);
    rig_stop(r);
    for (const char *text = log_text(r); *text; text = end + 1) {
        long n = strtol(text, &end, 10);
        cr_assert(n > last && *end == '\n', "%.20s behind %ld", text, last);
        last = n;
    }
}

rig_test(output, of_many_workers_is_whole_when_the_supervisor_is_killed)
{
    rig_run(r, "--set", to_file(r), "--set", "output_max=1G", "--workers", "4", "--", "sh", "-c",
            "i=0; while :; do i=$((i+1)); echo $BERTH_WORKER $i; done");
    rig_wait_state(r, "running");
    for (int i = 0; i < 5; i++) {
        rig_wait_state(r, "running");
        poll(NULL, 0, (int)(random() % 50));
        rig_kill_supervisor(r);
    }
    rig_wait_state(r, "running");
    rig_stop(r);
    long expected[4] = {1, 1, 1, 1};
    for (const char *text = log_text(r); *text; text = strchr(text, '\n') + 1) {
        int slot = text[0] - '1';
        cr_assert(slot >= 0 && slot < 4 && strtol(text + 2, NULL, 10) == expected[slot],
                  "%.20s in place of %ld", text, slot >= 0 && slot < 4 ? expected[slot] : -1);
        expected[slot]++;
    }
}

/* --- a worker that writes without end ------------------------------------------------------------------ */

static long milliseconds_of_status(struct rig *r)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    rig_cmd_ok(r, "status");
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static void expect_quick_answers(struct rig *r, int n)
{
    for (int i = 0; i < n; i++)
        cr_assert(milliseconds_of_status(r) < 2000);
}

rig_test(output, without_end_slows_down_nobody_else)
{
    rig_run(r, "--set", to_file(r), "--set", "output_max=64K", "--set", "output_keep=1", "--workers", "4",
            "--", "yes");
    rig_wait_state(r, "running");
    rig_until(r, file_is_there(r, "log.1"));
    expect_quick_answers(r, 20);
}

rig_test(output, that_nobody_reads_holds_up_the_worker_and_not_berth)
{
    char bytes[65536];
    long n = 0, expected = 1;
    cr_assert(mkfifo(rig_path(r, "reader"), 0600) == 0);
    int fd = open(rig_path(r, "reader"), O_RDWR | O_CLOEXEC);
    rig_start(r, RIG_ARGV("sh", "-c", rig_format(r, "exec \"$0\" \"$@\" >%s/reader", r->dir), r->berth,
                          "--control", r->control, "run", "--set", "output=prefix", "--", "sh", "-c",
                          "seq 50000; echo end; exec sleep 100"));
    rig_wait_state(r, "running");
    rig_until(r, strstr(rig_cmd_ok(r, "logs", "-n", "1", "sh")->out, "\n") != NULL);
    expect_quick_answers(r, 5);
    FILE *in = fdopen(fd, "r");
    for (;;) {
        cr_assert_not_null(fgets(bytes, sizeof bytes, in));
        cr_assert(strncmp(bytes, "sh/1 | ", 7) == 0, "%s", bytes);
        if (strcmp(bytes + 7, "end\n") == 0)
            break;
        n = strtol(bytes + 7, NULL, 10);
        cr_assert(n == expected, "%s", bytes);
        expected++;
    }
    cr_assert(n == 50000);
    fclose(in);
}

rig_test(output, that_is_one_endless_line_is_passed_on_in_parts)
{
    rig_run(r, "--set", to_file(r), "--", "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x");
    cr_assert(rig_wait_exit(r) == 0);
    cr_assert(size_of(r, "log") == 300001, "%ld", size_of(r, "log"));
}

/* --- berth logs ---------------------------------------------------------------------------------------- */

rig_test(logs, shows_the_last_lines)
{
    rig_run(r, "--set", to_file(r), "--", "sh", "-c", "seq 30; printf part; exec sleep 100");
    rig_wait_state(r, "running");
    rig_until(r, strstr(rig_cmd_ok(r, "logs", "sh")->out, "30\npart\n") != NULL);
    cr_assert_str_eq(rig_cmd_ok(r, "logs", "-n", "3", "sh")->out, "29\n30\npart\n");
    cr_assert_str_eq(rig_cmd_ok(r, "logs", "-n", "0", "sh")->out, "");
    cr_assert_str_eq(rig_cmd_ok(r, "logs", "sh")->out, "22\n23\n24\n25\n26\n27\n28\n29\n30\npart\n");
    cr_assert(rig_cmd(r, "logs", "sj")->status == 4);
    cr_assert(rig_cmd(r, "logs")->status == 2);
    cr_assert(rig_cmd(r, "logs", "-n", "x", "sh")->status == 2);
}

rig_test(logs, tells_workers_apart_and_escapes_nothing_but_for_a_terminal)
{
    rig_run(r, "--set", "output=prefix", "--workers", "2", "--", "sh", "-c",
            "printf 'a\\033b\\377\\n'; exec sleep 100");
    rig_wait_state(r, "running");
    rig_until(r, strstr(rig_cmd_ok(r, "logs", "sh")->out, "sh/1 | a\033b\xef\xbf\xbd\n") &&
                     strstr(rig_cmd_ok(r, "logs", "sh")->out, "sh/2 | a\033b\xef\xbf\xbd\n"));
}

rig_test(logs, escapes_control_characters_on_a_terminal)
{
    pid_t berth = rig_spawn(r, "out",
                            rig_run_argv(r, RIG_ARGV("--set", to_file(r), "--", "sh", "-c",
                                                     "printf 'a\\033b\\n'; exec sleep 100")));
    rig_until(r, size_of(r, "log") == 4);
    const char *shown = shown_on_terminal(r, rig_cmd_argv(r, RIG_ARGV("logs", "sh")));
    cr_assert_str_eq(shown, "a\\x1bb\r\n");
    rig_cmd_ok(r, "shutdown");
    rig_wait_child(r, berth);
}

rig_test(logs, are_objects_with_json)
{
    rig_run(r, "--set", to_file(r), "--", "sh", "-c", "echo hello; exec sleep 100");
    rig_wait_state(r, "running");
    rig_until(r, rig_cmd_ok(r, "logs", "sh")->out[0] != '\0');
    json_t *line = json_loads(rig_cmd_ok(r, "logs", "--json", "sh")->out, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(line, "service")), "sh");
    cr_assert_eq(json_integer_value(json_object_get(line, "worker")), 1);
    cr_assert_str_eq(json_string_value(json_object_get(line, "line")), "hello");
    cr_assert_eq(strlen(json_string_value(json_object_get(line, "time"))),
                 strlen("2026-01-01T00:00:00.000Z"));
    json_decref(line);
}

rig_test(logs, follows_over_restarts_of_the_supervisor_without_a_gap)
{
    long expected = 1;
    char *end;
    /* So slowly that the ring holds what is written while nobody reads, also on a machine with much to do. */
    rig_run(r, "--set", to_file(r), "--", "sh", "-c",
            "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
    rig_until(r, size_of(r, "log") > 0);
    pid_t follower = rig_spawn(r, "followed", rig_cmd_argv(r, RIG_ARGV("logs", "-f", "-n", "1000000", "sh")));
    for (int i = 0; i < 5; i++) {
        long size = size_of(r, "followed");
        rig_until(r, size_of(r, "followed") > size);
        rig_kill_supervisor(r);
    }
    long size = size_of(r, "followed");
    rig_until(r, size_of(r, "followed") > size);
    rig_stop(r);
    cr_assert(rig_wait_child(r, follower) == 0, "it ends with berth");
    for (const char *text = rig_read_file(r, rig_path(r, "followed")); *text; text = end + 1, expected++)
        cr_assert(strtol(text, &end, 10) == expected && *end == '\n', "%.40s in place of %ld", text,
                  expected);
    cr_assert(expected > 6);
}

rig_test(logs, of_a_fast_writer_pass_over_what_is_not_read)
{
    rig_run(r, "--set", to_file(r), "--set", "output_max=64K", "--", "yes", "a line of some length");
    rig_until(r, file_is_there(r, "log.1"));
    pid_t follower = rig_spawn(r, "followed", rig_cmd_argv(r, RIG_ARGV("logs", "-f", "-n", "0", "yes")));
    rig_until(r, size_of(r, "followed") > 0);
    kill(follower, SIGSTOP);
    long written = size_of(r, "followed");
    expect_quick_answers(r, 20);
    kill(follower, SIGCONT);
    rig_until(r, strstr(rig_read_file(r, rig_path(r, "followed")), "bytes were passed over here") != NULL);
    cr_assert(size_of(r, "followed") > written);
    rig_stop(r);
    rig_wait_child(r, follower);
}
