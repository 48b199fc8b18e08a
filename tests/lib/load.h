/* load: clients that ask HTTP questions, and a count of what became of each: one question after the answer to
 * the other (a closed loop), or at a fixed rate whatever becomes of the ones before (an open one).
 *
 * Every client is a process of its own with a blocking socket: nothing is more like a real client, and
 * nothing that a test does slows it down. They die with the process that started them. Results are in shared
 * memory and may be read at any time. */
#ifndef BERTH_TESTS_LOAD_H
#define BERTH_TESTS_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#define LOAD_CLIENTS_MAX 64
#define LOAD_PIDS_MAX 1024
#define LOAD_PATIENCE_SECONDS 30 /* a request that takes longer has timed out */

struct load_options {
    const char *address; /* "127.0.0.1:80", "[::1]:80", "unix:PATH", "unix:@NAME", an absolute path; "tcp://"
                            may lead */
    unsigned clients;    /* 0: 4 */
    unsigned pause_us;   /* between two requests of a client */
    unsigned rate; /* requests a second of all clients together, which then do not pause; 0: closed loop */
    unsigned patience;   /* in seconds; 0: LOAD_PATIENCE_SECONDS */
    bool keep_alive;     /* one connection for many requests, as long as the server allows */
    const char *path;    /* of the question; NULL: "/" */
    const char *fastcgi; /* not HTTP but FastCGI, for this script; NULL: HTTP */
};

struct load_counts {
    unsigned long ok;
    unsigned long refused; /* ECONNREFUSED, ENOENT */
    unsigned long reset;   /* ECONNRESET, EPIPE */
    unsigned long early;   /* end of file before a whole answer */
    unsigned long timed_out;
    unsigned long other; /* anything else, an answer that is not 200 among them */
    unsigned slowest_ms; /* of the answered ones; at a fixed rate from when the request was due */
    int last_errno;      /* of the last one that went wrong */
    size_t n_pids;       /* distinct workers that answered "pid=N" */
    pid_t pids[LOAD_PIDS_MAX];
};

struct load;

/* NULL and errno when ADDRESS cannot be understood or no process can be had. */
struct load *load_start(const struct load_options *options);
/* The counts as they are now. */
void load_read(const struct load *load, struct load_counts *ret);
/* Blocks until N more requests have been answered, or PATIENCE seconds have gone: then false. */
bool load_wait_ok(const struct load *load, unsigned long n, unsigned patience);
/* Lets every client finish the request it is at, and frees LOAD. */
void load_stop(struct load *load, struct load_counts *ret);
/* Requests that got no answer. */
unsigned long load_lost(const struct load_counts *counts);
/* "served 812, refused 0, reset 0, …". Returns DST. */
char *load_format(char *dst, size_t size, const struct load_counts *counts);

/* The socket address of a text as in load_options; 0 or -EINVAL. */
int load_parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len);
/* One request on a new connection; the answer's body, NUL-terminated, in BODY. 0, or negative errno
 * (-ENODATA: early end). */
int load_ask(const char *address, const char *path, char *body, size_t size);

#endif
