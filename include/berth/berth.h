/* libberth: what a worker of berth can ask and say. libc only; C89 and C++ can include this file.
 *
 * Every function may be called by any thread; those that a signal handler may call too say so. A negative result is a negated errno. No
 * function changes the environment, so children see it as this process did; LISTEN_PID keeps them from taking sockets that are not
 * theirs. A child of fork(2) knows what its parent knew, if no other thread was inside the library then; what berth says over the channel
 * reaches only one of the two, so one of them should ask. */
#ifndef BERTH_BERTH_H
#define BERTH_BERTH_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BERTH_PUBLIC __attribute__((visibility("default")))
#define BERTH_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define BERTH_PUBLIC
#define BERTH_PRINTF(f, a)
#endif

/* --- sockets ---
 *
 * They are found in the first of these that is there: LISTEN_FDS (sd_listen_fds(3): LISTEN_PID must be this process, LISTEN_PIDFDID too where it is
 * given); the channel (berth-protocol(7), CHANNEL), from which they come by berth_wait(); EINHORN_FD_COUNT (EINHORN_MASTER_PID must be the
 * parent); SERVER_STARTER_PORT. Where LISTEN_PID or LISTEN_PIDFDID names another process, the last two are that one's as well, and there are none here.
 * Each gets FD_CLOEXEC. They stay the same for the life of the process. Descriptors that were put into berth's store
 * are found here as well, behind the sockets. */

struct berth_socket {
    int fd;              /* the library's: it never closes it, and neither should you while others use it */
    const char *name;    /* of the socket in berth's configuration; "" where the variables tell none; the library's */
    const char *address; /* as berth writes it: "tcp://127.0.0.1:80", "unix:/run/a.sock", "" when it is no socket; the library's */
};

/* How many there are; 0 without berth, and before berth_wait() has got them from the channel. -EINVAL, -EBADF or -ENOTSOCK: the variables contradict
 * each other or what is open; or the reason for which berth_wait() failed. */
BERTH_PUBLIC int berth_socket_count(void);
/* The one numbered INDEX, from 0, in the order of the configuration, into *RET. 0, or -ENOENT. */
BERTH_PUBLIC int berth_socket_get(int index, struct berth_socket *ret);
/* The descriptor of the INDEXth (from 0) of those called NAME; a name may have several addresses. -ENOENT when there is none. */
BERTH_PUBLIC int berth_socket_find(const char *name, int index);

/* Waits until this worker is to serve: with handoff = channel until its sockets are here, otherwise not at all. A spare (standby) has booted when it
 * comes here for the first time: berth is told so (WAITING=1), and counts on it from then on. TIMEOUT_MS: milliseconds; -1: as long
 * as it takes. 1: it is to serve; 0: the time is over; -ECANCELED: draining has begun before that, it is to end; -EPIPE: berth has let go of
 * this worker, it is to end; -EMFILE: a descriptor found no room
 * (RLIMIT_NOFILE), -EPROTO: what came was incomplete; nothing of it is kept then. */
BERTH_PUBLIC int berth_wait(int timeout_ms);
/* A descriptor to poll for reading, for event loops: call berth_wait(0) when it is readable, also after the sockets have come, since berth asks a
 * worker to drain there. The library's. -ENOENT: there is no channel, and nothing to wait for. */
BERTH_PUBLIC int berth_wait_fd(void);

/* BERTH_SERVICE, BERTH_WORKER (from 1) and BERTH_GENERATION (from 1); NULL or 0 without berth. */
BERTH_PUBLIC const char *berth_service(void);
BERTH_PUBLIC int berth_worker(void);
BERTH_PUBLIC int berth_generation(void);

/* --- telling berth (or systemd) ---
 *
 * sd_notify(3): datagrams to NOTIFY_SOCKET; without that the same text over the channel. 1: sent; 0: nobody listens; or a negative errno. A newline in
 * a value, or a carriage return, is -EINVAL. A message is sent whole or not at all, at most 4096 bytes (-EMSGSIZE). */

/* Any assignments, a line each: "X_COLOUR=blue". */
BERTH_PUBLIC int berth_notify(const char *text);
BERTH_PUBLIC int berth_ready(void);
BERTH_PUBLIC int berth_reloading(void); /* with MONOTONIC_USEC; berth_ready() ends it */
BERTH_PUBLIC int berth_stopping(void);
BERTH_PUBLIC int berth_status(const char *format, ...) BERTH_PRINTF(1, 2);
BERTH_PUBLIC int berth_main_pid(long pid);
/* Asks for so many microseconds more, from now on, to start or stop. */
BERTH_PUBLIC int berth_extend_timeout(unsigned long usec);
/* Every how many milliseconds berth_watchdog() is due; half of that is a good pace. 0: nobody watches, or not this process (WATCHDOG_USEC,
 * WATCHDOG_PID). */
BERTH_PUBLIC long berth_watchdog_ms(void);
BERTH_PUBLIC int berth_watchdog(void);
/* Leaves a duplicate of FD in the store, called NAME (1 to 255 characters of ASCII without ':' and control characters, else -EINVAL): a later
 * worker of this service finds it among its sockets. FD stays yours. Over a channel nothing can be stored: -EOPNOTSUPP. */
BERTH_PUBLIC int berth_store(const char *name, int fd);
/* Drops all descriptors called NAME from the store. */
BERTH_PUBLIC int berth_unstore(const char *name);
/* Waits until all that was sent before has been read. 1; 0: the time is over, or nobody listens; or negative errno. */
BERTH_PUBLIC int berth_barrier(int timeout_ms);

/* --- draining ---
 *
 * A worker that is told to end finishes what it has begun: it counts its requests, stops to accept when it drains, and ends when the count is
 * zero. */

/* From now on SIGNO (SIGTERM, say) begins draining: installs a handler with SA_RESTART. 0 or negative errno. */
BERTH_PUBLIC int berth_drain_on(int signo);
/* Begins it, and tells berth STOPPING=1, without waiting. A signal handler may call it at any time; before the first berth_drain_fd() or
 * berth_drain_on() it leaves the telling to that one. Again is harmless. */
BERTH_PUBLIC void berth_drain_begin(void);
/* 1 or 0. A signal handler may call it. */
BERTH_PUBLIC int berth_is_draining(void);
/* A descriptor that is readable from the moment when draining begins; do not read it. The library's, and of this process: a child of fork(2)
 * asks for its own. Or negative errno. */
BERTH_PUBLIC int berth_drain_fd(void);
/* A request begins, a request has ended. A signal handler may call them. */
BERTH_PUBLIC void berth_busy(void);
BERTH_PUBLIC void berth_idle(void);
/* Waits until no request is left, in as many threads as like to. 1; 0: the time is over. */
BERTH_PUBLIC int berth_drain_wait(int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
