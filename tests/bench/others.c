/* others: supervisors of the same trade, where they are installed. Each runs in the foreground, has one
 * worker, and ends with it on TERM. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

static const char *const *const others[] = {
    (const char *const[]){"s6-supervise", "s6", NULL},
    (const char *const[]){"runsv", "runit", NULL},
    (const char *const[]){"supervisord", "-c", "supervisord.conf", NULL},
};

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

void others_measure(double (*measure)(pid_t supervisor, pid_t worker, double *ret_baseline), const char *unit,
                    const char *baseline_is)
{
    make_service_folder("s6");
    make_service_folder("runit");
    make_supervisord_conf("supervisord.conf");
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        double value, baseline;
        pid_t pid;

        if (!is_installed(others[i][0])) {
            figure_missing(others[i][0], "not installed");
            continue;
        }
        pid = process_start(others[i]);
        value = measure(pid, greeting_wait(1).pid, &baseline);
        figure(others[i][0], unit, value, baseline_is, baseline);
        process_end(pid, SIGTERM);
        greeting_forget();
    }
}
