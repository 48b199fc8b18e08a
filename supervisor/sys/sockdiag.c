/* The kernel's socket tables over netlink. Which of the sockets matters is for the caller to say.
 *
 * Remember: it sees this network namespace only, whereas a Unix socket's file is visible from others too. */
#include "config.h"

#include "sys/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fd.h"

#define ANSWER_SIZE 32768
#define ANY_STATE 0xffffffffu
#ifndef UDIAG_SHOW_UID
#define UDIAG_SHOW_UID 0x00000040
#define UNIX_DIAG_UID 7
#endif

/* Looks at one answer; false ends the search. */
typedef bool on_answer(const struct nlmsghdr *h, void *arg);

/* Sends REQUEST of SIZE bytes and calls ON_ANSWER for what comes back. */
static int query(int flags, const void *request, size_t size, on_answer *on, void *arg)
{
    cleanup_fd int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    struct nlmsghdr header = {
        .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size),
        .nlmsg_type = SOCK_DIAG_BY_FAMILY,
        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
    };
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)request, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(fd, &message, 0) < 0)
        return -errno;

    char answer[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
    for (;;) {
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        size_t left = (size_t)n;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_ERROR)
                return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            if (h->nlmsg_type == NLMSG_DONE || !on(h, arg) || !(flags & NLM_F_DUMP))
                return 0;
        }
    }
}

/* The attribute TYPE behind the SIZE bytes of H's fixed part, or NULL; its length into *RET_LEN. */
static const void *find_attribute(const struct nlmsghdr *h, size_t size, int type, size_t *ret_len)
{
    const char *fixed = NLMSG_DATA(h);
    int left = (int)(h->nlmsg_len - NLMSG_LENGTH(size));
    for (struct rtattr *a = (void *)(uintptr_t)(fixed + NLMSG_ALIGN(size)); RTA_OK(a, left);
         a = RTA_NEXT(a, left)) {
        if (a->rta_type == type) {
            *ret_len = RTA_PAYLOAD(a);
            return RTA_DATA(a);
        }
    }
    return NULL;
}

struct search {
    sockdiag_on_socket *on_socket;
    void *arg;
    int type;
    uint16_t port; /* in network order; inet */
};

static void read_inet_address(const struct inet_diag_msg *m, struct endpoint *e)
{
    e->family = m->idiag_family;
    e->only_v6 = -1;
    if (m->idiag_family == AF_INET) {
        struct sockaddr_in *in = (void *)&e->sa;
        in->sin_family = AF_INET;
        in->sin_port = m->id.idiag_sport;
        memcpy(&in->sin_addr, m->id.idiag_src, sizeof in->sin_addr);
        e->len = sizeof *in;
        return;
    }
    struct sockaddr_in6 *in6 = (void *)&e->sa;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = m->id.idiag_sport;
    memcpy(&in6->sin6_addr, m->id.idiag_src, sizeof in6->sin6_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
        in6->sin6_scope_id = m->id.idiag_if;
    e->len = sizeof *in6;
}

static bool on_inet(const struct nlmsghdr *h, void *arg)
{
    const struct search *search = arg;
    const struct inet_diag_msg *m = NLMSG_DATA(h);
    /* Sockets that are bound and no more come whatever port was asked for. */
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof *m) || m->id.idiag_sport != search->port)
        return true;
    struct sockdiag_socket s = {.inode = m->idiag_inode, .uid = m->idiag_uid, .state = m->idiag_state};
    read_inet_address(m, &s.bound);
    s.bound.type = search->type;
    size_t len;
    const uint8_t *only_v6 = find_attribute(h, sizeof *m, INET_DIAG_SKV6ONLY, &len);
    if (s.bound.family == AF_INET6)
        s.bound.only_v6 = only_v6 && len > 0 ? *only_v6 : 0;
    return search->on_socket(&s, search->arg);
}

int sockdiag_inet(int family, int type, uint16_t port, sockdiag_on_socket *on_socket, void *arg)
{
    struct inet_diag_req_v2 request = {
        .sdiag_family = (uint8_t)family,
        .sdiag_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP,
        .idiag_states = ANY_STATE,
        .id.idiag_sport = htons(port),
    };
    struct search search = {.on_socket = on_socket, .arg = arg, .type = type, .port = htons(port)};
    return query(NLM_F_DUMP, &request, sizeof request, on_inet, &search);
}

static bool on_unix(const struct nlmsghdr *h, void *arg)
{
    const struct search *search = arg;
    const struct unix_diag_msg *m = NLMSG_DATA(h);
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof *m))
        return true;
    struct sockdiag_socket s = {
        .inode = m->udiag_ino,
        .uid = (uid_t)-1,
        .state = m->udiag_state,
        .bound = {.family = AF_UNIX, .type = m->udiag_type, .only_v6 = -1},
    };
    size_t len;
    const void *name = find_attribute(h, sizeof *m, UNIX_DIAG_NAME, &len);
    struct sockaddr_un *un = (void *)&s.bound.sa;
    if (name && len <= sizeof un->sun_path) {
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, name, len);
        s.bound.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    }
    const struct unix_diag_vfs *vfs = find_attribute(h, sizeof *m, UNIX_DIAG_VFS, &len);
    if (vfs && len >= sizeof *vfs) {
        s.file_inode = vfs->udiag_vfs_ino;
        s.file_device = vfs->udiag_vfs_dev;
    }
    const uint32_t *uid = find_attribute(h, sizeof *m, UNIX_DIAG_UID, &len);
    if (uid && len >= sizeof *uid)
        s.uid = *uid;
    return search->on_socket(&s, search->arg);
}

int sockdiag_unix(sockdiag_on_socket *on_socket, void *arg)
{
    struct unix_diag_req request = {
        .sdiag_family = AF_UNIX,
        .udiag_states = ANY_STATE,
        .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_UID,
    };
    struct search search = {.on_socket = on_socket, .arg = arg};
    return query(NLM_F_DUMP, &request, sizeof request, on_unix, &search);
}

struct queue_search {
    void (*on_queue)(uint32_t inode, unsigned depth, unsigned limit, void *arg);
    void *arg;
};

static bool on_each_unix_queue(const struct nlmsghdr *h, void *arg)
{
    const struct queue_search *search = arg;
    const struct unix_diag_msg *m = NLMSG_DATA(h);
    size_t len;
    const struct unix_diag_rqlen *queue = find_attribute(h, sizeof *m, UNIX_DIAG_RQLEN, &len);
    if (queue && len >= sizeof *queue)
        search->on_queue(m->udiag_ino, queue->udiag_rqueue, queue->udiag_wqueue, search->arg);
    return true;
}

int sockdiag_unix_queues(void (*on_queue)(uint32_t inode, unsigned depth, unsigned limit, void *arg),
                         void *arg)
{
    struct unix_diag_req request = {
        .sdiag_family = AF_UNIX,
        .udiag_states = 1u << TCP_LISTEN,
        .udiag_show = UDIAG_SHOW_RQLEN,
    };
    struct queue_search search = {on_queue, arg};
    return query(NLM_F_DUMP, &request, sizeof request, on_each_unix_queue, &search);
}

static bool on_unix_queue(const struct nlmsghdr *h, void *arg)
{
    size_t len;
    const void *queue = find_attribute(h, sizeof(struct unix_diag_msg), UNIX_DIAG_RQLEN, &len);
    if (queue && len >= sizeof(struct unix_diag_rqlen))
        memcpy(arg, queue, sizeof(struct unix_diag_rqlen));
    return false;
}

int sockdiag_unix_queue(uint64_t inode, unsigned *ret_depth, unsigned *ret_limit)
{
    struct unix_diag_req request = {
        .sdiag_family = AF_UNIX,
        .udiag_states = ANY_STATE,
        .udiag_ino = (uint32_t)inode,
        .udiag_show = UDIAG_SHOW_RQLEN,
        .udiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
    };
    struct unix_diag_rqlen queue = {0, 0};
    int r = query(0, &request, sizeof request, on_unix_queue, &queue);
    if (r < 0)
        return r;
    *ret_depth = queue.udiag_rqueue;
    *ret_limit = queue.udiag_wqueue;
    return 0;
}
