/* probe: arguments, and the single deeds that a worker may do to its supervisor; then it serves, or ends. To
 * remember: nothing opens a descriptor before --dump has looked. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "probe.h"
#include "sys/fdbatch.h"
#include "sys/notify_target.h"

enum kind { FLAG, NUMBER, TEXT };

static const struct option_row {
    const char *name;
    enum kind kind;
    size_t offset;
} rows[] = {
#define ROW(name, kind, member)                                                                              \
    {                                                                                                        \
        "--" name, kind, offsetof(struct probe, member)                                                      \
    }
    ROW("abort", FLAG, abort),                /* end by abort() */
    ROW("answer-stdin", FLAG, answer_stdin),  /* descriptor 0 is a connection: answer it, and end */
    ROW("backlog", NUMBER, backlog),          /* listen(2) with another backlog */
    ROW("bind", TEXT, bind),                  /* bind this itself, and exit with 1 where that fails */
    ROW("check-state", FLAG, check_state),    /* hang: a program that berth asks whether it is a berth */
    ROW("close", FLAG, close),                /* close what was handed over */
    ROW("count", TEXT, count),                /* connections, in this file: struct probe_count */
    ROW("crash-once", TEXT, crash_once),      /* exit with 1 unless this file is there, and make it */
    ROW("deaf", FLAG, deaf),                  /* never accept */
    ROW("delay", NUMBER, delay_ms),           /* before each answer */
    ROW("drain", FLAG, drain),                /* on TERM: finish what has begun, then exit 0 */
    ROW("dump", TEXT, dump),                  /* write down what it was given */
    ROW("exit-after", NUMBER, exit_after_ms), /* milliseconds from the start */
    ROW("exit-status", NUMBER, exit_status),  /* at the end of those; without any, at once */
    ROW("from", TEXT, from), /* listen-fds (the default), stdin, channel, none, or a descriptor's number */
    ROW("grandchild", TEXT, grandchild), /* double-fork; the grandchild is to "serve" or to "sleep" */
    ROW("harm-once", TEXT, harm_once),   /* harm nothing where this file exists, and make it */
    ROW("hold", FLAG, hold),             /* accept, and never answer */
    ROW("ignore-term", FLAG, ignore_term),
    ROW("kill-self", NUMBER, kill_self), /* with this signal */
    ROW("orphans", NUMBER, orphans),     /* processes that end after their parent */
    ROW("report", TEXT, report),         /* events, a line each, to this file or FIFO */
    ROW("say", TEXT, say),               /* over the channel, else at NOTIFY_SOCKET; "\\n" for newlines */
    ROW("shutdown", FLAG, shutdown),     /* shutdown(2) what was handed over */
    ROW("signal-parent", NUMBER, signal_parent),
    ROW("slow-start", NUMBER, slow_start_ms), /* before the first accept */
    ROW("store", FLAG, store),                /* leave a file with berth's store, if none is there */
    ROW("unlink", TEXT, unlink),
#undef ROW
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
    exit(99);
}

void probe_report(const struct probe *p, const char *word, const char *text)
{
    char line[512];
    int n =
        snprintf(line, sizeof(line), "%s %d%s%s\n", word, (int)getpid(), text[0] != '\0' ? " " : "", text);

    if (p->report_fd >= 0 && write(p->report_fd, line, (size_t)n) != n)
        give_up("report");
}

/* Takes argv[I] and perhaps the word behind it; the index of the next option. */
static int take_option(struct probe *p, int i, int argc, char *argv[])
{
    for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++) {
        void *member = (char *)p + rows[k].offset;
        if (strcmp(argv[i], rows[k].name) != 0)
            continue;
        if (rows[k].kind == FLAG) {
            *(bool *)member = true;
            return i + 1;
        }
        if (i + 1 == argc)
            break;
        if (rows[k].kind == NUMBER)
            *(int *)member = atoi(argv[i + 1]);
        else
            *(const char **)member = argv[i + 1];
        return i + 2;
    }
    fprintf(stderr, "probe: option %s is unknown, or lacks its value\n", argv[i]);
    exit(98);
}

/* What an earlier one has left is the last. */
static bool has_stored(const struct probe *p)
{
    const char *names = getenv("LISTEN_FDNAMES");
    return p->store && names != NULL && strstr(names, ":stored") != NULL;
}

/* Our own reader of LISTEN_FDS, as strict as libsystemd's. */
static void take_listen_fds(struct probe *p)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    if (pid == NULL || count == NULL || atoi(pid) != getpid())
        return;
    for (int i = 0; i < atoi(count) - has_stored(p) && p->n_fds < PROBE_SOCKETS_MAX; i++)
        p->fds[p->n_fds++] = 3 + i;
}

static int channel_fd(void)
{
    const char *number = getenv("BERTH_CHANNEL");
    return number != NULL ? atoi(number) : -1;
}

/* A spare says that it has booted and waits; a worker's sockets are there at once. */
static void wait_for_channel(void)
{
    static const char text[] = "WAITING=1\n";
    struct pollfd p = {.fd = channel_fd(), .events = POLLIN};

    if (poll(&p, 1, 0) == 0 && send(p.fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
        give_up("channel");
}

/* Reads packets until one says ACTIVATE. What they name must be what they bring. */
static void take_from_channel(struct probe *p)
{
    char text[65536];
    int fds[FDBATCH_MAX];
    size_t n_fds = 0;

    wait_for_channel();
    do {
        ssize_t n = fdbatch_recv(channel_fd(), text, sizeof(text) - 1, fds, FDBATCH_MAX, &n_fds, 0);
        if (n <= 0) {
            errno = n < 0 ? (int)-n : ECONNRESET;
            give_up("channel");
        }
        text[n] = '\0';
        probe_report(p, "channel", text);
        for (size_t i = 0; i < n_fds && p->n_fds < PROBE_SOCKETS_MAX; i++)
            p->fds[p->n_fds++] = fds[i];
    } while (strstr(text, "ACTIVATE=1\n") == NULL);
}

static void say_at_notify_socket(char *text)
{
    struct notify_target target;
    const char *address = getenv("NOTIFY_SOCKET");

    if (address == NULL || notify_target_open(&target, address) < 0 ||
        notify_target_send(&target, text, getpid()) < 0)
        give_up("say");
    notify_target_close(&target);
}

static void store(const struct probe *p)
{
    struct notify_target target;
    const char *address = getenv("NOTIFY_SOCKET");
    int fd;

    if (!p->store || has_stored(p))
        return;
    fd = memfd_create("probe", MFD_CLOEXEC);
    if (fd < 0 || address == NULL || notify_target_open(&target, address) < 0 ||
        connect(target.fd, (struct sockaddr *)&target.address, target.address_len) < 0 ||
        fdbatch_send(target.fd, "FDSTORE=1", 9, &fd, 1, 0) != 9)
        give_up("store");
    notify_target_close(&target);
    close(fd);
}

static void say(const struct probe *p)
{
    char text[8192];
    size_t n = 0;

    if (p->say == NULL)
        return;
    for (const char *s = p->say; *s != '\0' && n < sizeof(text) - 1; s++) {
        bool newline = s[0] == '\\' && s[1] == 'n';
        text[n++] = newline ? '\n' : *s;
        s += newline;
    }
    text[n] = '\0';
    if (channel_fd() < 0)
        say_at_notify_socket(text);
    else if (send(channel_fd(), text, n, 0) < 0)
        give_up("say");
}

static void take_sockets(struct probe *p)
{
    if (p->from == NULL || strcmp(p->from, "listen-fds") == 0)
        take_listen_fds(p);
    else if (strcmp(p->from, "stdin") == 0)
        p->fds[p->n_fds++] = STDIN_FILENO;
    else if (strcmp(p->from, "channel") == 0)
        take_from_channel(p);
    else if (strcmp(p->from, "none") != 0)
        p->fds[p->n_fds++] = atoi(p->from);
    for (size_t i = 0; i < p->n_fds; i++)
        if (fcntl(p->fds[i], F_SETFD, FD_CLOEXEC) < 0)
            give_up("handed-over descriptor");
}

static void open_report(struct probe *p)
{
    p->report_fd = -1;
    if (p->report == NULL)
        return;
    p->report_fd = open(p->report, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (p->report_fd < 0)
        give_up(p->report);
}

static void map_count(struct probe *p)
{
    int fd;

    if (p->count == NULL)
        return;
    fd = open(p->count, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof(*p->counted)) < 0)
        give_up(p->count);
    p->counted = mmap(NULL, sizeof(*p->counted), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p->counted == MAP_FAILED)
        give_up(p->count);
    close(fd);
}

/* Binds as a server does that knows nothing of handed-over sockets. */
static void bind_myself(struct probe *p, const char *text)
{
    struct sockaddr_storage address;
    socklen_t len;
    int fd, one = 1;

    if (load_parse_address(text, &address, &len) < 0)
        give_up(text);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 64) < 0) {
        fprintf(stderr, "probe: bind %s: %s\n", text, strerror(errno));
        exit(1);
    }
    p->fds[p->n_fds++] = fd;
}

/* N processes whose parent is gone before they are: each ends when the pipe does, and nobody here waits for
 * them. */
static void make_orphans(const struct probe *p, int n)
{
    int alive[2];

    if (pipe2(alive, O_CLOEXEC) < 0)
        give_up("pipe");
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid < 0)
            give_up("fork");
        if (pid == 0) {
            char sink;
            close(alive[1]);
            if (fork() == 0)
                _exit(read(alive[0], &sink, 1) == 0 ? 3 : 4);
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    close(alive[0]);
    close(alive[1]);
    probe_report(p, "orphaned", "");
}

/* The old daemon's double fork: this process ends with 0 once its grandchild is on its own. */
static void go_into_the_background(void)
{
    int begun[2];
    char c = 0;

    if (pipe2(begun, O_CLOEXEC) < 0)
        give_up("pipe");
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid < 0)
            give_up("fork");
        if (pid > 0) {
            close(begun[1]);
            _exit(read(begun[0], &c, 1) == 1 ? 0 : 99);
        }
        if (i == 0)
            setsid();
    }
    /* Both read, so each needs its byte. */
    if (write(begun[1], "ab", 2) != 2)
        give_up("pipe");
    close(begun[0]);
    close(begun[1]);
}

/* True for the first process that asks, by making the file. */
static bool is_first(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0 && errno != EEXIST)
        give_up(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void do_deeds(struct probe *p)
{
    if (p->ignore_term)
        signal(SIGTERM, SIG_IGN);
    while (p->check_state)
        pause();
    if (p->crash_once != NULL && is_first(p->crash_once))
        _exit(1);
    if (p->kill_self > 0)
        raise(p->kill_self);
    if (p->bind != NULL)
        bind_myself(p, p->bind);
    if (p->grandchild != NULL) {
        go_into_the_background();
        p->deaf = strcmp(p->grandchild, "serve") != 0;
    }
    if (p->signal_parent > 0) {
        kill(getppid(), p->signal_parent);
        probe_report(p, "signalled", "");
    }
    if (p->orphans > 0)
        make_orphans(p, p->orphans);
}

static void harm_sockets(struct probe *p)
{
    if (p->harm_once != NULL && !is_first(p->harm_once))
        return;
    for (size_t i = 0; i < p->n_fds; i++) {
        if (p->shutdown)
            shutdown(p->fds[i], SHUT_RDWR);
        if (p->backlog > 0 && listen(p->fds[i], p->backlog) < 0)
            give_up("listen");
        if (p->close)
            close(p->fds[i]);
    }
    if (p->close)
        p->n_fds = 0;
    if (p->unlink != NULL && unlink(p->unlink) < 0)
        give_up("unlink");
    if (p->shutdown || p->close || p->backlog > 0 || p->unlink != NULL)
        probe_report(p, "harmed", "");
}

/* One request with an empty line at its end, one answer. */
static int answer_stdin(void)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
    char request[4096];
    size_t n = 0;

    do {
        ssize_t got = read(STDIN_FILENO, request + n, sizeof(request) - 1 - n);
        if (got <= 0)
            return 1;
        n += (size_t)got;
        request[n] = '\0';
    } while (strstr(request, "\r\n\r\n") == NULL);
    return write(STDOUT_FILENO, answer, sizeof(answer) - 1) == sizeof(answer) - 1 ? 0 : 1;
}

int main(int argc, char *argv[])
{
    struct probe p = {.exit_after_ms = -1, .exit_status = -1};
    const char *generation = getenv("BERTH_GENERATION");

    for (int i = 1; i < argc;)
        i = take_option(&p, i, argc, argv);
    if (p.dump != NULL)
        probe_dump(p.dump);
    if (p.answer_stdin)
        return answer_stdin();
    open_report(&p);
    take_sockets(&p);
    map_count(&p);
    do_deeds(&p);
    probe_heed_term(&p);
    probe_report(&p, "started", generation != NULL ? generation : "");
    store(&p);
    say(&p);
    harm_sockets(&p);
    return probe_serve(&p);
}
