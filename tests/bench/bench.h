/* bench: what the sections share. Each section is a process of its own, in an empty folder of its own that is
 * its working directory, and measures one thing about one berth; whatever it leaves behind, main.c ends.
 *
 * To remember: the machine is noisy and nobody else's, so no figure stands alone: it is printed beside a
 * baseline that was measured in the same run, and their ratio is what can be compared. What goes wrong ends
 * the section with a sentence; being slow is not wrong. */
#ifndef BERTH_TESTS_BENCH_H
#define BERTH_TESTS_BENCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void bench_scale(void);
void bench_restart(void);
void bench_recover(void);
void bench_reload(void);
void bench_standby(void);
void bench_memory(void);

/* Absolute paths of what was built: the program itself, the tests' server, and worker.c. */
extern struct programs {
    char berth[PATH_MAX], probe[PATH_MAX], worker[PATH_MAX];
} programs;

/* measure.c */

/* Says what went wrong, with the end of berth's log, and ends the section. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
double now_ms(void); /* CLOCK_MONOTONIC */
void sleep_ms(double ms);
/* The value below which the share Q (0 to 1) of them is. Sorts them. */
double quantile(double *values, size_t n, double q);
double median(double *values, size_t n);
/* Begins a table. */
void figures(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line of it: what, value, baseline and what that is, ratio; without a baseline (NULL), only the value. */
void figure(const char *what, const char *unit, double value, const char *baseline_is, double baseline);
/* A line instead of one that could not be measured. */
void figure_missing(const char *what, const char *why);

/* process.c */

/* argv[0] is searched for in PATH; stdout is thrown away, stderr goes to the section's log. */
pid_t process_start(const char *const *argv);
/* Sends SIGNO, and waits for the end. */
void process_end(pid_t pid, int signo);
/* Milliseconds from the fork to the end, which must be a success. */
double process_time(const char *const *argv);
/* Proportional set size in KiB; how often it went to sleep so far. */
double process_pss(pid_t pid);
double process_sleeps(pid_t pid);
/* The child of PARENT whose command line begins with TITLE; 0: there is none. */
pid_t process_child(pid_t parent, const char *title);
/* KILLs it and waits until it is gone, whoever's child it is. Returns when it was killed. */
double process_kill(pid_t pid);

/* greeting.c: worker.c says in a FIFO that it runs. */

#define GREETING_FIFO "greetings"
struct greeting {
    pid_t pid;
    double at_ms; /* as now_ms() */
};

void greeting_open(void);
/* Waits for N of them; returns the last. */
struct greeting greeting_wait(size_t n);
/* Throws away those that have come. */
void greeting_forget(void);

/* subject.c: the berth that is measured, one at a time. */

/* The argument vector of a command for it. */
#define BERTH(...) ((const char *const[]){programs.berth, "--control", "control.sock", __VA_ARGS__, NULL})

#define SERVICES_MOST 5000
#define NOT_PERMITTED "not permitted: RLIMIT_NOFILE, or a limit of processes"

/* May berth have so many descriptors and processes? */
bool subject_is_permitted(size_t n_services);
/* Writes berth.ini: N services with a Unix socket each, MORE keys in each, and ROUND as a word of their
 * commands, so that another one changes them all. */
void subject_configure(size_t n, unsigned round, const char *more);
/* Starts berth on berth.ini; its pid, which is the keeper's. */
pid_t subject_up(void);
pid_t subject_supervisor(pid_t keeper);
/* `berth shutdown`, and the end; milliseconds. */
double subject_shutdown(pid_t keeper);

/* The baseline of a supervisor: nothing but fork, exec and wait. */

pid_t bare_start(void);
/* Starts N workers and waits until all of them run; milliseconds. */
double bare_start_all(pid_t *ret_pids, size_t n);
/* Sends TERM to all, and waits for each; milliseconds. */
double bare_stop_all(const pid_t *pids, size_t n);

/* others.c */

/* Runs each supervisor of the trade that is installed with one worker, and makes a line of what MEASURE says
 * of it, one for each that is not as well. */
void others_measure(double (*measure)(pid_t supervisor, pid_t worker, double *ret_baseline), const char *unit,
                    const char *baseline_is);

#endif
