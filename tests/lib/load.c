/* load: the clients. What an answer is, and how a request ended, is decided here; how many are too many is
 * the test's business.
 *
 * A TCP client leaves with a reset once its answer is complete, so that thousands of requests a second do not
 * use up the ephemeral ports in TIME_WAIT. To remember: every request is counted exactly once; and a socket
 * with a timeout says EINTR to whoever was stopped meanwhile. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fastcgi.h"
#include "load.h"

/* One client's counts; only that client writes them. */
struct tally {
    _Atomic unsigned long ok, refused, reset, early, timed_out, other;
    _Atomic unsigned slowest_ms;
    _Atomic int last_errno;
    _Atomic unsigned n_pids;
    pid_t pids[LOAD_PIDS_MAX];
};

struct shared {
    _Atomic bool stop;
    _Atomic unsigned long n_begun; /* requests, at a fixed rate */
    struct tally tallies[LOAD_CLIENTS_MAX];
};

struct load {
    struct shared *shared;
    unsigned clients;
    pid_t pids[LOAD_CLIENTS_MAX];
};

/* When requests are asked. */
struct pace {
    unsigned pause_us, rate; /* as in load_options */
    unsigned long begun_us;
};

struct client {
    struct sockaddr_storage address;
    socklen_t address_len;
    const char *path;
    const char *fastcgi;
    unsigned patience;
    bool keep_alive;
    int fd; /* ours; -1 none */
    char answer[16384];
    size_t len;
};

static int parse_unix(const char *path, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    struct sockaddr_un *un = (struct sockaddr_un *)ret;
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(un->sun_path))
        return -EINVAL;
    memset(ret, 0, sizeof(*ret));
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, n);
    if (path[0] == '@')
        un->sun_path[0] = '\0';
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'));
    return 0;
}

static int parse_inet(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    struct sockaddr_in *in = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return -EINVAL;
    memset(ret, 0, sizeof(*ret));
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    in_port_t port = htons((in_port_t)atoi(colon + 1));
    if (host[0] == '[') {
        host[strlen(host) - 1] = '\0';
        in6->sin6_family = AF_INET6;
        in6->sin6_port = port;
        *ret_len = sizeof(*in6);
        return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
    }
    in->sin_family = AF_INET;
    in->sin_port = port;
    *ret_len = sizeof(*in);
    if (host[0] == '\0' || strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

int load_parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    if (strncmp(text, "tcp://", 6) == 0)
        text += 6;
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, ret, ret_len);
    if (text[0] == '/')
        return parse_unix(text, ret, ret_len);
    return parse_inet(text, ret, ret_len);
}

static void client_hang_up(struct client *c)
{
    if (c->fd >= 0 && c->address.ss_family != AF_UNIX)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static int client_connect(struct client *c)
{
    struct timeval patience = {.tv_sec = c->patience > 0 ? c->patience : LOAD_PATIENCE_SECONDS};

    if (c->fd >= 0)
        return 0;
    c->fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return -errno;
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (TEMP_FAILURE_RETRY(connect(c->fd, (struct sockaddr *)&c->address, c->address_len)) == 0)
        return 0;
    return errno == EINPROGRESS || errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static int client_send(struct client *c)
{
    char question[1024];
    int n = c->fastcgi != NULL ? (int)fastcgi_request(question, sizeof(question), c->fastcgi)
                               : snprintf(question, sizeof(question),
                                          "GET %s HTTP/1.1\r\nHost: berth\r\nConnection: %s\r\n\r\n", c->path,
                                          c->keep_alive ? "keep-alive" : "close");

    for (ssize_t sent = 0, w; sent < n; sent += w) {
        w = TEMP_FAILURE_RETRY(send(c->fd, question + sent, (size_t)(n - sent), MSG_NOSIGNAL));
        if (w < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    return 0;
}

/* The value of a header in the answer, which ends at END; NULL: it is not there. */
static const char *header_find(const char *answer, const char *end, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = strstr(answer, "\r\n"); line != NULL && line < end;
         line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, n) == 0)
            return line + 2 + n;
    return NULL;
}

/* Where the body begins and whether all of it is there. EOF_SEEN: the server has said all it will. */
static bool answer_is_complete(const struct client *c, bool eof_seen)
{
    const char *end = strstr(c->answer, "\r\n\r\n");
    const char *length, *coding;

    if (end == NULL)
        return false;
    length = header_find(c->answer, end, "Content-Length:");
    if (length != NULL)
        return c->len >= (size_t)(end + 4 - c->answer) + strtoul(length, NULL, 10);
    coding = header_find(c->answer, end, "Transfer-Encoding:");
    if (coding != NULL)
        return c->len >= 5 && memcmp(c->answer + c->len - 5, "0\r\n\r\n", 5) == 0;
    return eof_seen;
}

static int client_receive(struct client *c)
{
    c->len = 0;
    for (;;) {
        ssize_t n = TEMP_FAILURE_RETRY(recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0));
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        c->len += (size_t)n;
        c->answer[c->len] = '\0';
        if (answer_is_complete(c, n == 0))
            break;
        if (n == 0)
            return -ENODATA;
        if (c->len == sizeof(c->answer) - 1)
            return -EMSGSIZE;
    }
    if (strstr(c->answer, "Connection: close") != NULL || !c->keep_alive)
        client_hang_up(c);
    return strncmp(c->answer, "HTTP/1.", 7) == 0 && strncmp(c->answer + 8, " 200", 4) == 0 ? 0 : -EPROTO;
}

static int client_receive_fastcgi(struct client *c)
{
    int r = 0;

    for (c->len = 0; r == 0;) {
        ssize_t n = TEMP_FAILURE_RETRY(recv(c->fd, c->answer + c->len, sizeof(c->answer) - 1 - c->len, 0));
        if (n <= 0)
            return n == 0 ? -ENODATA : errno == EAGAIN ? -ETIMEDOUT : -errno;
        c->len += (size_t)n;
        r = fastcgi_finish(c->answer, &c->len);
    }
    client_hang_up(c);
    return r < 0 ? r : 0;
}

static int client_try(struct client *c)
{
    int r = client_connect(c);

    c->len = 0;
    if (r == 0)
        r = client_send(c);
    /* A server that dies may have answered before our next bytes met its reset. */
    if (r == 0 || r == -EPIPE)
        r = c->fastcgi != NULL ? client_receive_fastcgi(c) : client_receive(c);
    if (r < 0)
        client_hang_up(c);
    return r;
}

/* A server may close a connection that is kept at the moment at which we ask on it. Then nothing of the
 * answer has come, and any client asks again on a new one (RFC 9112, 9.3.1); that has to be served. */
static int client_ask(struct client *c)
{
    bool was_kept = c->fd >= 0;
    int r = client_try(c);

    if (was_kept && c->len == 0 && (r == -ECONNRESET || r == -EPIPE || r == -ENODATA))
        r = client_try(c);
    return r;
}

static void tally_pid(struct tally *t, const char *answer)
{
    const char *text = strstr(answer, "pid=");
    pid_t pid = text == NULL ? 0 : atoi(text + 4);
    unsigned n = atomic_load(&t->n_pids);

    if (pid <= 0)
        return;
    for (unsigned i = 0; i < n; i++)
        if (t->pids[i] == pid)
            return;
    if (n < LOAD_PIDS_MAX) {
        t->pids[n] = pid;
        atomic_store(&t->n_pids, n + 1);
    }
}

static void tally_end(struct tally *t, int r)
{
    if (r == 0) {
        atomic_fetch_add(&t->ok, 1);
        return;
    }
    atomic_store(&t->last_errno, -r);
    if (r == -ECONNREFUSED || r == -ENOENT)
        atomic_fetch_add(&t->refused, 1);
    else if (r == -ECONNRESET || r == -EPIPE)
        atomic_fetch_add(&t->reset, 1);
    else if (r == -ENODATA)
        atomic_fetch_add(&t->early, 1);
    else if (r == -ETIMEDOUT)
        atomic_fetch_add(&t->timed_out, 1);
    else
        atomic_fetch_add(&t->other, 1);
}

static unsigned long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000000 + (unsigned long)now.tv_nsec / 1000;
}

static unsigned long now_ms(void)
{
    return now_us() / 1000;
}

static void pause_for(unsigned long us)
{
    if (us > 0)
        nanosleep(
            &(struct timespec){.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000},
            NULL);
}

/* Waits for the turn of the next request and returns the time at which it was due. */
static unsigned long wait_for_turn(const struct pace *pace, struct shared *shared, bool answered)
{
    unsigned long now = now_us();

    if (pace->rate == 0) {
        /* Whoever is refused tries again at a human pace: it is counted, and must not drown the count. */
        pause_for(answered ? pace->pause_us : 10000);
        return now_us();
    }
    unsigned long due = pace->begun_us + atomic_fetch_add(&shared->n_begun, 1) * 1000000 / pace->rate;
    if (due > now)
        pause_for(due - now);
    return due;
}

static _Noreturn void client_main(struct client *c, const struct pace *pace, struct shared *shared,
                                  struct tally *t)
{
    bool answered = true;

    while (!atomic_load(&shared->stop)) {
        unsigned long due = wait_for_turn(pace, shared, answered);
        int r = client_ask(c);
        unsigned took = (unsigned)((now_us() - due) / 1000);

        answered = r == 0;
        tally_end(t, r);
        if (answered) {
            tally_pid(t, c->answer);
            if (took > atomic_load(&t->slowest_ms))
                atomic_store(&t->slowest_ms, took);
        }
    }
    _exit(0);
}

static pid_t client_start(const struct client *like, const struct pace *pace, struct shared *shared,
                          struct tally *t)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    struct client *c;

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    c = malloc(sizeof(*c));
    if (c == NULL)
        _exit(1);
    *c = *like;
    client_main(c, pace, shared, t);
}

struct load *load_start(const struct load_options *options)
{
    struct client like = {.path = options->path != NULL ? options->path : "/",
                          .keep_alive = options->keep_alive,
                          .patience = options->patience,
                          .fastcgi = options->fastcgi,
                          .fd = -1};
    unsigned clients = options->clients > 0 ? options->clients : 4;
    int r = load_parse_address(options->address, &like.address, &like.address_len);
    struct pace pace = {options->pause_us, options->rate, now_us()};
    struct load *load;

    if (r < 0 || clients > LOAD_CLIENTS_MAX) {
        errno = EINVAL;
        return NULL;
    }
    load = calloc(1, sizeof(*load));
    if (load == NULL)
        return NULL;
    load->shared =
        mmap(NULL, sizeof(*load->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (load->shared == MAP_FAILED) {
        free(load);
        return NULL;
    }
    for (unsigned i = 0; i < clients; i++) {
        load->pids[i] = client_start(&like, &pace, load->shared, &load->shared->tallies[i]);
        if (load->pids[i] < 0) {
            load_stop(load, &(struct load_counts){0});
            return NULL;
        }
        load->clients++;
    }
    return load;
}

static void counts_add_pids(struct load_counts *counts, const struct tally *t)
{
    unsigned n = atomic_load(&t->n_pids);

    for (unsigned i = 0; i < n; i++) {
        size_t k = 0;
        while (k < counts->n_pids && counts->pids[k] != t->pids[i])
            k++;
        if (k == counts->n_pids && k < LOAD_PIDS_MAX)
            counts->pids[counts->n_pids++] = t->pids[i];
    }
}

void load_read(const struct load *load, struct load_counts *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < load->clients; i++) {
        const struct tally *t = &load->shared->tallies[i];
        ret->ok += atomic_load(&t->ok);
        ret->refused += atomic_load(&t->refused);
        ret->reset += atomic_load(&t->reset);
        ret->early += atomic_load(&t->early);
        ret->timed_out += atomic_load(&t->timed_out);
        ret->other += atomic_load(&t->other);
        if (atomic_load(&t->slowest_ms) > ret->slowest_ms)
            ret->slowest_ms = atomic_load(&t->slowest_ms);
        if (atomic_load(&t->last_errno) != 0)
            ret->last_errno = atomic_load(&t->last_errno);
        counts_add_pids(ret, t);
    }
}

bool load_wait_ok(const struct load *load, unsigned long n, unsigned patience)
{
    unsigned long deadline = now_ms() + patience * 1000UL;
    struct load_counts counts;

    load_read(load, &counts);
    for (unsigned long wanted = counts.ok + n; counts.ok < wanted; load_read(load, &counts)) {
        if (now_ms() > deadline)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

void load_stop(struct load *load, struct load_counts *ret)
{
    atomic_store(&load->shared->stop, true);
    for (unsigned i = 0; i < load->clients; i++)
        while (waitpid(load->pids[i], NULL, 0) < 0 && errno == EINTR)
            ;
    load_read(load, ret);
    munmap(load->shared, sizeof(*load->shared));
    free(load);
}

unsigned long load_lost(const struct load_counts *counts)
{
    return counts->refused + counts->reset + counts->early + counts->timed_out + counts->other;
}

char *load_format(char *dst, size_t size, const struct load_counts *c)
{
    int n = snprintf(dst, size,
                     "served %lu, refused %lu, reset %lu, closed early %lu, timed out %lu, slowest %u ms",
                     c->ok, c->refused, c->reset, c->early, c->timed_out, c->slowest_ms);

    if (c->n_pids > 0 && n > 0 && (size_t)n < size)
        n += snprintf(dst + n, size - (size_t)n, ", by %zu workers", c->n_pids);
    if (c->other > 0 && n > 0 && (size_t)n < size)
        snprintf(dst + n, size - (size_t)n, ", otherwise lost %lu (%s)", c->other, strerror(c->last_errno));
    return dst;
}

int load_ask(const char *address, const char *path, char *body, size_t size)
{
    struct client c = {.path = path, .fd = -1};
    int r = load_parse_address(address, &c.address, &c.address_len);
    const char *begin;

    if (r == 0)
        r = client_ask(&c);
    if (r < 0)
        return r;
    begin = strstr(c.answer, "\r\n\r\n");
    snprintf(body, size, "%s", begin + 4);
    return 0;
}
