/* bench recover: from the KILL of the supervisor until its successor, which has taken over every socket and
 * worker, answers `berth status`. What no command can be faster than is the baseline: `berth --version`. */
#include "config.h"

#include <stdio.h>

#include "bench.h"

#define TIMES 20

/* Returns the median, in milliseconds. */
static double recover(size_t n)
{
    const char *const version[] = {programs.berth, "--version", NULL};
    double recovery[TIMES], status[TIMES], exec[TIMES];
    char what[64];
    pid_t keeper;

    if (!subject_is_permitted(n)) {
        snprintf(what, sizeof(what), "%zu services", n);
        figure_missing(what, NOT_PERMITTED);
        return 0;
    }
    subject_configure(n, 1, "");
    keeper = subject_up();
    greeting_wait(n);
    for (size_t i = 0; i < TIMES; i++) {
        exec[i] = process_time(version);
        status[i] = process_time(BERTH("status"));
        double killed = process_kill(subject_supervisor(keeper));
        process_time(BERTH("status"));
        recovery[i] = now_ms() - killed;
    }
    subject_shutdown(keeper);
    snprintf(what, sizeof(what), "killed to answering, %zu services", n);
    figure(what, "ms", median(recovery, TIMES), "berth --version", median(exec, TIMES));
    figure(what, "ms", median(recovery, TIMES), "berth status, unhurt", median(status, TIMES));
    return median(recovery, TIMES);
}

void bench_recover(void)
{
    double thousand, most;

    greeting_open();
    figures("recover: KILL of the supervisor until berth status answers, median of %d", TIMES);
    recover(10);
    thousand = recover(1000);
    most = recover(SERVICES_MOST);
    if (most > 0)
        figure("killed to answering, each of 5000", "ms", most / SERVICES_MOST, "each of 1000",
               thousand / 1000);
}
