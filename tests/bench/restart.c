/* bench restart: from the KILL of a worker to the first instruction of the next one. A loop that forks, execs
 * and waits by itself takes turns with berth, so that both meet the same noise. */
#include "config.h"

#include <signal.h>

#include "bench.h"

#define TIMES 200
/* Some of the others are in no hurry within a second of a worker's start: that second is over before. */
#define OTHERS_TIMES 10
#define OTHERS_PAUSE_MS 1200

/* Milliseconds until a worker of berth's is replaced; its pid becomes the new one's. */
static double replaced(pid_t *pid)
{
    double at = now_ms();
    struct greeting next;

    kill(*pid, SIGKILL);
    next = greeting_wait(1);
    *pid = next.pid;
    return next.at_ms - at;
}

static double replaced_by_hand(pid_t *pid)
{
    double at = now_ms();

    process_end(*pid, SIGKILL);
    *pid = bare_start();
    return greeting_wait(1).at_ms - at;
}

static double restarted(pid_t supervisor, pid_t worker, double *ret_baseline)
{
    double times[OTHERS_TIMES], bare[OTHERS_TIMES];
    pid_t other = bare_start();

    (void)supervisor;
    greeting_wait(1);
    for (size_t i = 0; i < OTHERS_TIMES; i++) {
        sleep_ms(OTHERS_PAUSE_MS);
        times[i] = replaced(&worker);
        bare[i] = replaced_by_hand(&other);
    }
    process_end(other, SIGKILL);
    *ret_baseline = median(bare, OTHERS_TIMES);
    return median(times, OTHERS_TIMES);
}

void bench_restart(void)
{
    static double berth[TIMES], bare[TIMES];
    pid_t keeper, worker, other;

    greeting_open();
    subject_configure(1, 1, "restart = always\nstable_after = 0s\n");
    keeper = subject_up();
    worker = greeting_wait(1).pid;
    other = bare_start();
    greeting_wait(1);
    for (size_t i = 0; i < TIMES; i++) {
        berth[i] = replaced(&worker);
        bare[i] = replaced_by_hand(&other);
    }
    process_end(other, SIGKILL);
    subject_shutdown(keeper);
    figures("restart: KILL of a worker until the next one runs, %d times\n"
            "  (stable_after = 0s: berth restarts at once, so no configured delay is in it)",
            TIMES);
    figure("killed to running, median", "ms", median(berth, TIMES), "fork, exec, wait", median(bare, TIMES));
    figure("killed to running, 9 of 10", "ms", quantile(berth, TIMES, 0.9), "fork, exec, wait",
           quantile(bare, TIMES, 0.9));
    figures("restart: the same, of others, %d times, %d ms after each start", OTHERS_TIMES, OTHERS_PAUSE_MS);
    others_measure(restarted, "ms", "fork, exec, wait");
}
