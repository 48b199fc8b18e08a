/* subject: berth as it is measured, and what it is measured against: the same workers without a supervisor.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"

/* May N processes be had at a time? Nothing but the attempt tells. */
static bool can_fork(size_t n)
{
    static pid_t pids[SERVICES_MOST];
    size_t forked = 0;

    for (pid_t pid; forked < n && (pid = fork()) >= 0; forked++) {
        if (pid == 0)
            for (;;)
                pause();
        pids[forked] = pid;
    }
    for (size_t i = 0; i < forked; i++)
        process_end(pids[i], SIGKILL);
    return forked == n;
}

/* Keeper and supervisor each have a socket, a worker's pidfd and its notify socket of every service; there is some
 * room. */
bool subject_is_permitted(size_t n)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_max >= 3 * n + 200 && can_fork(n);
}

void subject_configure(size_t n, unsigned round, const char *more)
{
    FILE *f = fopen("berth.ini", "we");

    if (f == NULL)
        die("berth.ini: %s", strerror(errno));
    fprintf(f, "[supervisor]\ncontrol = control.sock\nlog_level = warning\n");
    for (size_t i = 0; i < n; i++)
        fprintf(f,
                "[socket:s%zu]\nlisten = unix:s%zu.sock\n"
                "[service:s%zu]\ncommand = '%s' " GREETING_FIFO " %u\nsockets = s%zu\n%s",
                i, i, i, programs.worker, round, i, more);
    if (fclose(f) != 0)
        die("berth.ini: %s", strerror(errno));
}

pid_t subject_up(void)
{
    return process_start(BERTH("up", "-c", "berth.ini"));
}

pid_t subject_supervisor(pid_t keeper)
{
    pid_t pid = process_child(keeper, "berth: supervisor");

    if (pid == 0)
        die("berth has no supervisor");
    return pid;
}

double subject_shutdown(pid_t keeper)
{
    double begun = now_ms();

    process_time(BERTH("shutdown"));
    process_end(keeper, 0);
    return now_ms() - begun;
}

pid_t bare_start(void)
{
    return process_start((const char *const[]){programs.worker, GREETING_FIFO, "1", NULL});
}

double bare_start_all(pid_t *ret_pids, size_t n)
{
    double begun = now_ms();

    for (size_t i = 0; i < n; i++)
        ret_pids[i] = bare_start();
    greeting_wait(n);
    return now_ms() - begun;
}

double bare_stop_all(const pid_t *pids, size_t n)
{
    double begun = now_ms();

    for (size_t i = 0; i < n; i++)
        kill(pids[i], SIGTERM);
    for (size_t i = 0; i < n; i++)
        process_end(pids[i], 0);
    return now_ms() - begun;
}
