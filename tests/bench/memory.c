/* bench memory: what a supervisor of one service takes, berth and others that happen to be installed, beside
 * the PSS of the worker that it runs. */
#include "config.h"

#include "bench.h"

#define SETTLE_MS 2000
#define WORKER_IS "the worker"

static double pss_beside(pid_t supervisor, pid_t worker, double *ret_baseline)
{
    sleep_ms(SETTLE_MS);
    *ret_baseline = process_pss(worker);
    return process_pss(supervisor);
}

static void measure_berth(void)
{
    pid_t keeper, worker;

    subject_configure(1, 1, "");
    keeper = subject_up();
    worker = greeting_wait(1).pid;
    sleep_ms(SETTLE_MS);
    double kept = process_pss(keeper), thought = process_pss(subject_supervisor(keeper));
    double baseline = process_pss(worker);
    figure("berth, keeper", "KiB", kept, WORKER_IS, baseline);
    figure("berth, supervisor", "KiB", thought, WORKER_IS, baseline);
    figure("berth, both", "KiB", kept + thought, WORKER_IS, baseline);
    subject_shutdown(keeper);
}

void bench_memory(void)
{
    greeting_open();
    figures("memory: PSS of the supervisor of one service");
    measure_berth();
    others_measure(pss_beside, "KiB", WORKER_IS);
}
