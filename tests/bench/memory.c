/* bench memory: what a supervisor of one service takes, berth and others that happen to be installed, beside
 * the PSS of the worker that it runs. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define SETTLE_MS 2000
#define WORKER_IS "the worker"

static bool is_installed(const char *program)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];

    for (const char *p = path != NULL ? path : ""; *p != '\0'; p += strspn(p, ":")) {
        size_t n = strcspn(p, ":");
        snprintf(file, sizeof(file), "%.*s/%s", (int)n, p, program);
        if (access(file, X_OK) == 0)
            return true;
        p += n;
    }
    return false;
}

static FILE *file_create(const char *path)
{
    FILE *f = fopen(path, "we");

    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    return f;
}

/* The folder of a service as daemontools and its heirs have it. */
static void make_service_folder(const char *dir)
{
    char path[64], cwd[PATH_MAX];

    snprintf(path, sizeof(path), "%s/run", dir);
    if (getcwd(cwd, sizeof(cwd)) == NULL || mkdir(dir, 0700) < 0)
        die("%s: %s", dir, strerror(errno));
    FILE *f = file_create(path);
    fprintf(f, "#!/bin/sh\nexec '%s' '%s/" GREETING_FIFO "'\n", programs.worker, cwd);
    if (fclose(f) != 0 || chmod(path, 0700) < 0)
        die("%s: %s", path, strerror(errno));
}

static void make_supervisord_conf(const char *path)
{
    FILE *f = file_create(path);

    fprintf(f,
            "[supervisord]\nnodaemon = true\nlogfile = /dev/null\nlogfile_maxbytes = 0\npidfile = pid\n"
            "[program:worker]\ncommand = '%s' " GREETING_FIFO
            "\nstdout_logfile = NONE\nstderr_logfile = NONE\n",
            programs.worker);
    fclose(f);
}

/* Another supervisor that runs in the foreground and ends, with its worker, on TERM. */
static void measure_other(const char *const *argv)
{
    pid_t pid, worker;

    if (!is_installed(argv[0])) {
        figure_missing(argv[0], "not installed");
        return;
    }
    pid = process_start(argv);
    worker = greeting_wait(1).pid;
    sleep_ms(SETTLE_MS);
    figure(argv[0], "KiB", process_pss(pid), WORKER_IS, process_pss(worker));
    process_end(pid, SIGTERM);
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
    make_service_folder("s6");
    make_service_folder("runit");
    make_supervisord_conf("supervisord.conf");
    figures("memory: PSS of the supervisor of one service");
    measure_berth();
    measure_other((const char *const[]){"s6-supervise", "s6", NULL});
    measure_other((const char *const[]){"runsv", "runit", NULL});
    measure_other((const char *const[]){"supervisord", "-c", "supervisord.conf", NULL});
}
