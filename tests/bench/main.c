/* bench: runs the sections that are named, or all. usage: bench [SECTION …]
 *
 * Each section is a child, and this process the subreaper of all that comes of it: whatever way a section
 * ends, be it by ^C, its processes become our children, and are killed one by one until there are none. So a
 * section needs no clearing up behind its failures. */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

struct programs programs;

static const struct section {
    const char *name;
    void (*run)(void);
} sections[] = {
    {"scale", bench_scale},   {"restart", bench_restart}, {"recover", bench_recover},
    {"reload", bench_reload}, {"standby", bench_standby}, {"memory", bench_memory},
};
#define N_SECTIONS (sizeof(sections) / sizeof(*sections))

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* KILLs our children and those that they leave to us; how many there were. */
static size_t sweep(void)
{
    size_t swept = 0;
    pid_t pid;

    while ((pid = process_child(getpid(), "")) > 0) {
        kill(pid, SIGKILL);
        swept += waitpid(pid, NULL, 0) == pid;
    }
    return swept;
}

static _Noreturn void section_main(const struct section *s, const sigset_t *unblocked)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, unblocked, NULL);
    s->run();
    exit(0);
}

/* Waits for the section's end, and for that of whatever was left to us meanwhile. Returns the signal that we
 * were sent, or 0. */
static int wait_for(pid_t section, const sigset_t *signals, int *ret_status)
{
    for (;;) {
        int status, signo = sigwaitinfo(signals, NULL);
        if (signo != SIGCHLD && signo > 0)
            return signo;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == section)
                return *ret_status = status, 0;
    }
}

/* 0, or what to end with. */
static int run(const struct section *s)
{
    char dir[PATH_MAX];
    const char *tmp = getenv("TMPDIR");
    sigset_t signals, before;
    int status = 0, signo;
    pid_t pid;

    snprintf(dir, sizeof(dir), "%s/berth-bench-XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL || chdir(dir) < 0)
        return fprintf(stderr, "bench: %s: %s\n", dir, strerror(errno)), 1;
    sigemptyset(&signals);
    for (const int *p = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGCHLD, 0}; *p != 0; p++)
        sigaddset(&signals, *p);
    sigprocmask(SIG_BLOCK, &signals, &before);
    fflush(stdout);
    pid = fork();
    if (pid == 0)
        section_main(s, &before);
    signo = pid < 0 ? SIGTERM : wait_for(pid, &signals, &status);
    size_t left = sweep();
    if (chdir("/") < 0 || nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
        fprintf(stderr, "bench: %s: %s\n", dir, strerror(errno));
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (signo == 0 && status == 0 && left > 0)
        fprintf(stderr, "bench: %s left %zu processes behind, which were killed\n", s->name, left);
    return signo > 0 ? 128 + signo : status != 0;
}

static const struct section *section_find(const char *name)
{
    for (size_t i = 0; i < N_SECTIONS; i++)
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    return NULL;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [SECTION …], with BERTH and top_builddir in the environment; sections:");
    for (size_t i = 0; i < N_SECTIONS; i++)
        fprintf(stderr, " %s", sections[i].name);
    fputc('\n', stderr);
    return 2;
}

static bool find_programs(void)
{
    const char *berth = getenv("BERTH"), *build = getenv("top_builddir");

    if (berth == NULL || build == NULL)
        return false;
    snprintf(programs.berth, sizeof(programs.berth), "%s", berth);
    snprintf(programs.probe, sizeof(programs.probe), "%s/tests/lib/probe", build);
    snprintf(programs.worker, sizeof(programs.worker), "%s/tests/bench/worker", build);
    return true;
}

static void print_surroundings(void)
{
    struct utsname system;
    double load = 0;

    uname(&system);
    getloadavg(&load, 1);
    printf("berth " PACKAGE_VERSION ", Linux %s, %ld processors, load %.1f\n", system.release,
           sysconf(_SC_NPROCESSORS_ONLN), load);
#ifdef BERTH_SANITIZED
    puts("Built with sanitizers: these figures are not berth's.");
#endif
}

int main(int argc, char *argv[])
{
    int r = 0;

    for (int i = 1; i < argc; i++)
        if (section_find(argv[i]) == NULL)
            return usage();
    if (!find_programs())
        return usage();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    print_surroundings();
    for (size_t i = 0; i < (argc > 1 ? (size_t)argc - 1 : N_SECTIONS) && r < 128; i++) {
        int one = run(argc > 1 ? section_find(argv[i + 1]) : &sections[i]);
        r = one > r ? one : r;
    }
    return r;
}
