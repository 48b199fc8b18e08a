/* process: children, and what /proc tells of processes. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PATIENCE_MS 60000

static void redirect(int fd, const char *path, int flags)
{
    int to = open(path, flags | O_CLOEXEC, 0600);

    if (to < 0 || dup2(to, fd) < 0)
        _exit(126);
}

pid_t process_start(const char *const *argv)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
    redirect(STDOUT_FILENO, "/dev/null", O_WRONLY);
    redirect(STDERR_FILENO, "log", O_WRONLY | O_CREAT | O_APPEND);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die("pid %d: %s", (int)pid, strerror(errno));
    return status;
}

void process_end(pid_t pid, int signo)
{
    kill(pid, signo);
    wait_for(pid);
}

double process_time(const char *const *argv)
{
    double begun = now_ms();
    int status = wait_for(process_start(argv));

    if (status != 0)
        die("%s … %s: ended with wait status %#x", argv[0], argv[1] != NULL ? argv[1] : "", status);
    return now_ms() - begun;
}

/* The number behind "KEY:" in /proc/PID/FILE. */
static double proc_number(pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    size_t n = strlen(key);
    double value = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    f = fopen(path, "re");
    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    while (value < 0 && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, key, n) == 0 && line[n] == ':')
            value = strtod(line + n + 1, NULL);
    fclose(f);
    if (value < 0)
        die("%s: there is no %s", path, key);
    return value;
}

double process_pss(pid_t pid)
{
    return proc_number(pid, "smaps_rollup", "Pss");
}

double process_sleeps(pid_t pid)
{
    return proc_number(pid, "status", "voluntary_ctxt_switches");
}

static bool has_title(pid_t pid, const char *title)
{
    char path[64], text[64] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return strncmp(text, title, strlen(title)) == 0;
}

pid_t process_child(pid_t parent, const char *title)
{
    char path[64];
    pid_t pid, found = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
    f = fopen(path, "re");
    if (f == NULL)
        die("%s: %s", path, strerror(errno));
    while (found == 0 && fscanf(f, "%d", &pid) == 1)
        if (has_title(pid, title))
            found = pid;
    fclose(f);
    return found;
}

double process_kill(pid_t pid)
{
    int pidfd = pidfd_open(pid, 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    double at;

    if (pidfd < 0)
        die("pid %d: %s", (int)pid, strerror(errno));
    at = now_ms();
    if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 || poll(&end, 1, PATIENCE_MS) != 1)
        die("pid %d could not be killed: %s", (int)pid, strerror(errno));
    close(pidfd);
    return at;
}
