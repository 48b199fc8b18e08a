/* link: see the header. What messages mean for the store is decided here; nothing about processes is.
 *
 * The invariant: every HELD goes before SYNC, and SYNC before signals, refusals and ends. */
#include "config.h"

#include "keeper/link.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/respawn.h"
#include "keeper/say.h"
#include "keeper/signals.h"
#include "keeper/stop.h"
#include "keeper/store.h"
#include "sys/fdpass.h"
#include "wire/keeper_msg.h"

#define RESERVED_FDS 16 /* never given to the store, or no other supervisor could be started */
#define RETRY (10 * NSEC_PER_MSEC)
/* More than a socket buffer holds: whatever was sent before link_receive() began is read, and yet it ends. */
#define MOST_AT_ONCE 65536
#define MOST_REFUSALS 32

static struct {
    int fd;
    uint32_t flags, count; /* for WELCOME, as is value */
    int value;
    bool is_welcomed, is_synced;
    int problem; /* errno of the latest send: EAGAIN waits for POLLOUT; all but is_deaf() pass by themselves
                  */
    size_t n_refusals;
} peer = {.fd = -1};
static struct keeper_msg refusals[MOST_REFUSALS]; /* unsent; one that never reads gets the first of them */

int link_open(uint32_t flags, uint32_t count, int value)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    peer.fd = pair[0];
    peer.flags = flags;
    peer.count = count;
    peer.value = value;
    store_forget_told();
    return pair[1];
}

void link_close(void)
{
    if (peer.fd >= 0)
        close(peer.fd);
    memset(&peer, 0, sizeof peer);
    peer.fd = -1;
}

void link_resume(int fd)
{
    peer.fd = fd;
    peer.is_welcomed = peer.is_synced = true;
}

bool link_is_quiet(void)
{
    pid_t sender;
    return peer.is_synced && !store_first_untold() && peer.n_refusals == 0 &&
           signals_first_kept(&sender) == 0;
}

bool link_is_open(void)
{
    return peer.fd >= 0;
}

struct pollfd link_poll(void)
{
    return (struct pollfd){.fd = peer.fd, .events = peer.problem == EAGAIN ? POLLIN | POLLOUT : POLLIN};
}

bool link_signals_are_read(void)
{
    int unread = 1;
    pid_t sender;
    return signals_first_kept(&sender) == 0 && peer.fd >= 0 && ioctl(peer.fd, SIOCOUTQ, &unread) == 0 &&
           unread == 0;
}

/* The other end is closed; what it sent before may still be read. */
static bool is_deaf(void)
{
    return peer.problem == EPIPE || peer.problem == ECONNRESET;
}

/* True once it is sent. */
static bool transmit(const struct keeper_msg *m, int fd)
{
    ssize_t n = fdpass_send(peer.fd, m, keeper_msg_size(m), fd, MSG_DONTWAIT);
    peer.problem = n < 0 ? (int)-n : 0;
    return n >= 0;
}

static bool send_plain(enum keeper_msg_type type, pid_t pid, int value, uint32_t flags, uint32_t count)
{
    struct keeper_msg m;
    keeper_msg_make(&m, type, NULL);
    m.pid = pid;
    m.value = value;
    m.flags = flags;
    m.count = count;
    return transmit(&m, -1);
}

static bool send_entry(struct entry *e)
{
    struct keeper_msg m;
    keeper_msg_make(&m, e->known ? KEEPER_ENDED : KEEPER_HELD, e->name);
    m.pid = e->pid;
    m.value = e->status;
    m.flags = e->ended ? KEEPER_FLAG_ENDED : 0;
    bool is_sent = transmit(&m, e->known ? -1 : e->fd);
    if (is_sent)
        store_tell(e);
    return is_sent;
}

static bool send_signal(int signo, pid_t sender)
{
    bool is_sent = send_plain(KEEPER_SIGNAL, sender, signo, 0, stop_count());
    if (is_sent)
        signals_forget(signo);
    return is_sent;
}

/* False if there is nothing to send, or not now. */
static bool send_next(void)
{
    struct entry *e = store_first_untold();
    pid_t sender;
    int signo;
    if (!peer.is_welcomed)
        return peer.is_welcomed = send_plain(KEEPER_WELCOME, getpid(), peer.value, peer.flags, peer.count);
    if (e && !e->known)
        return send_entry(e);
    if (!peer.is_synced)
        return peer.is_synced = send_plain(KEEPER_SYNC, 0, 0, 0, 0);
    if ((signo = signals_first_kept(&sender)) > 0)
        return send_signal(signo, sender);
    if (peer.n_refusals > 0)
        return transmit(&refusals[peer.n_refusals - 1], -1) && peer.n_refusals-- > 0;
    return e && send_entry(e);
}

/* A link may outlive its supervisor; what is sent then would be lost. */
struct mono link_send(void)
{
    if (!is_deaf())
        peer.problem = 0;
    while (!peer.problem && respawn_pid() > 0 && peer.fd >= 0 && send_next())
        continue;
    bool passes = peer.problem != 0 && peer.problem != EAGAIN && !is_deaf();
    return passes ? mono_add(now(), RETRY) : MONO_NEVER;
}

/* Takes FD over if it succeeds. */
static int put(const char *name, int fd, pid_t pid)
{
    struct rlimit most;
    getrlimit(RLIMIT_NOFILE, &most);
    bool is_reserved = (rlim_t)fd + RESERVED_FDS >= most.rlim_cur; /* the kernel gives the lowest number */
    return is_reserved ? -EMFILE : store_put(name, fd, pid);
}

/* Only a child of ours: no other's end will be ours to see, and its pid may be somebody else's by now. It is
 * held without its pidfd rather than not at all. */
static int put_process(const char *name, pid_t pid)
{
    if (waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOHANG | WNOWAIT) < 0)
        return -errno;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int r = pidfd < 0 ? -EMFILE : put(name, pidfd, pid);
    if (r < 0 && pidfd >= 0)
        close(pidfd);
    return r == -EMFILE ? store_put(name, -1, pid) : r;
}

/* FD is a negative errno if none came. */
static void act(const struct keeper_msg *m, int fd)
{
    int r = 0;
    if (m->type == KEEPER_PUT)
        r = fd < 0 ? fd : put(m->name, fd, 0);
    else if (m->type == KEEPER_PROCESS)
        r = put_process(m->name, m->pid);
    else if (m->type == KEEPER_DROP)
        store_drop(m->name);
    else if (m->type == KEEPER_FINISH)
        respawn_finish(m->value);
    else if (m->type == KEEPER_STABLE)
        respawn_stable(m->value);
    else if (m->type == KEEPER_UPGRADE && fd >= 0)
        respawn_upgrade(fd);
    /* Others are a newer supervisor's. */
    if (fd >= 0 && (m->type != KEEPER_PUT || r < 0))
        close(fd);
    if (r == 0)
        return;
    say("cannot hold \"%s\": %s", m->name, strerror(-r));
    if (peer.n_refusals == MOST_REFUSALS)
        return;
    struct keeper_msg *refused = &refusals[peer.n_refusals++];
    keeper_msg_make(refused, KEEPER_REFUSED, m->name);
    refused->value = -r;
}

void link_receive(void)
{
    for (unsigned budget = MOST_AT_ONCE; peer.fd >= 0 && budget > 0; budget--) {
        struct keeper_msg raw = {0}, m;
        int fd = -1;
        ssize_t n = fdpass_recv(peer.fd, &raw, sizeof raw, &fd, MSG_DONTWAIT);
        if (n == -EAGAIN)
            return;
        if (fd < 0)
            fd = n == -EMFILE ? -EMFILE : -EBADF;
        if (n == -EMFILE) /* the bytes have come; their number is only in the header */
            n = (ssize_t)KEEPER_MSG_MIN + raw.name_len;
        if (n == 0)
            link_close();
        else if (n > 0 && keeper_msg_parse(&raw, (size_t)n, &m) == 0)
            act(&m, fd);
        else if (fd >= 0)
            close(fd);
        /* Other errors take nothing away. ECONNRESET above all: the supervisor died with messages of ours
         * unread, and what it and its children have sent us is still to come. */
    }
}
