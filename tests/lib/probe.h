/* probe: a worker that plays every kind of worker. probe.c reads the arguments and does the single deeds,
 * probe_serve.c is a small HTTP server on handed-over sockets, probe_dump.c writes down what the process was
 * given. */
#ifndef BERTH_TESTS_PROBE_H
#define BERTH_TESTS_PROBE_H

#include <stdbool.h>
#include <sys/types.h>

#define PROBE_SOCKETS_MAX 64

/* What it is to do; the table in probe.c says what each means. Numbers are 0 and texts NULL where they were
 * not given. */
struct probe {
    const char *report, *from, *grandchild, *unlink, *bind, *dump, *crash_once, *count, *harm_once, *say;
    int orphans, backlog, signal_parent, kill_self;
    int delay_ms, slow_start_ms, exit_after_ms, exit_status;
    bool ignore_term, shutdown, close, abort, drain, hold, deaf, answer_stdin, store, check_state;

    int fds[PROBE_SOCKETS_MAX]; /* the sockets that it was handed, or made */
    size_t n_fds;
    int report_fd;               /* -1 none */
    struct probe_count *counted; /* a mapped file, NULL none */
};

/* What all workers that were given one file with --count did together. It outlives them, however they end: a
 * connection is counted as accepted before it is, and as answered after it was, so the difference is never
 * less than what was lost with them. */
struct probe_count {
    _Atomic unsigned long accepted, answered;
};

/* One line to the report file: "WORD PID [TEXT]". */
void probe_report(const struct probe *p, const char *word, const char *text);
/* From now on TERM ends it in the way that it was told. To be called before it says anything: who hears that
 * may send one. */
void probe_heed_term(const struct probe *p);
/* Answers until its time is over or it is told to go. Returns the exit status. */
int probe_serve(struct probe *p);
/* Descriptors, environment, signal masks, limits, ids as one JSON object to PATH, which appears whole. Exits
 * on failure. */
void probe_dump(const char *path);

#endif
