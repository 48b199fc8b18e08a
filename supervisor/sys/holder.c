/* Who stands in the way of a bind: sockdiag names the socket, /proc its process.
 *
 * Remember: a socket blocks whatever it overlaps with: every interface blocks each one, and a dual-stack [::]
 * blocks IPv4 as well. A socket without an inode (TIME_WAIT) belongs to nobody and is none of ours. */
#include "config.h"

#include "sys/holder.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "base/mono.h"
#include "base/units.h"
#include "sys/procfs.h"
#include "sys/sockdiag.h"

#define BOUND_INACTIVE 13 /* TCP_BOUND_INACTIVE, Linux 6.8 */

struct search {
    const struct endpoint *wanted;
    uint32_t file_inode, file_device; /* Unix: of the file at the wanted path */
    struct sockdiag_socket found;
    bool is_found;
};

/* The part of an address that decides about overlap. */
struct reach {
    bool v4, v6;             /* which families it takes */
    bool any;                /* on every interface */
    struct in6_addr address; /* else; IPv4 as a mapped one */
};

static struct reach reach_of(const struct endpoint *e)
{
    struct reach r = {.v4 = e->family == AF_INET, .v6 = e->family == AF_INET6};
    if (r.v4) {
        const struct sockaddr_in *in = (const void *)&e->sa;
        r.any = in->sin_addr.s_addr == htonl(INADDR_ANY);
        r.address.s6_addr[10] = r.address.s6_addr[11] = 0xff;
        memcpy(r.address.s6_addr + 12, &in->sin_addr, sizeof in->sin_addr);
        return r;
    }
    r.address = ((const struct sockaddr_in6 *)(const void *)&e->sa)->sin6_addr;
    r.any = IN6_IS_ADDR_UNSPECIFIED(&r.address);
    if (IN6_IS_ADDR_V4MAPPED(&r.address)) {
        r.v4 = true;
        r.v6 = false;
        r.any = memcmp(r.address.s6_addr + 12, "\0\0\0", 4) == 0;
    } else if (r.any && e->only_v6 != 1) {
        r.v4 = true;
    }
    return r;
}

static bool overlaps(const struct endpoint *a, const struct endpoint *b)
{
    struct reach x = reach_of(a), y = reach_of(b);
    if (!(x.v4 && y.v4) && !(x.v6 && y.v6))
        return false;
    return x.any || y.any || memcmp(&x.address, &y.address, sizeof x.address) == 0;
}

/* A listener (or a bound socket, which is what UDP has) says more than one of its connections. */
static bool is_bound_only(const struct sockdiag_socket *s)
{
    return s->state == TCP_LISTEN || s->state == TCP_CLOSE || s->state == BOUND_INACTIVE;
}

static bool on_inet(const struct sockdiag_socket *s, void *arg)
{
    struct search *search = arg;
    if (s->inode == 0 || !overlaps(&s->bound, search->wanted))
        return true;
    if (!search->is_found || is_bound_only(s))
        search->found = *s;
    search->is_found = true;
    return !is_bound_only(s);
}

/* The name as it was bound may be another spelling, or the file may have been renamed since: the file itself
 * tells. */
static bool on_unix(const struct sockdiag_socket *s, void *arg)
{
    struct search *search = arg;
    const struct endpoint *wanted = search->wanted;
    bool same_file =
        s->file_inode != 0 && s->file_inode == search->file_inode && s->file_device == search->file_device;
    bool same_name = search->file_inode == 0 && s->bound.len == wanted->len &&
                     memcmp(&s->bound.sa, &wanted->sa, wanted->len) == 0;
    if (!same_file && !same_name)
        return true;
    search->found = *s;
    search->is_found = true;
    /* Connections to it carry its name too; the listener is the one to name. */
    return !is_bound_only(s);
}

static bool on_lingering(const struct sockdiag_socket *s, void *arg)
{
    struct search *search = arg;
    bool lingers = s->inode == 0 && overlaps(&s->bound, search->wanted);
    search->is_found |= lingers;
    return !lingers;
}

static int search_unix(struct search *search)
{
    const struct sockaddr_un *un = (const void *)&search->wanted->sa;
    struct stat st;
    if (un->sun_path[0] != '\0') {
        if (lstat(un->sun_path, &st) < 0)
            return errno == ENOENT ? 0 : -errno;
        search->file_inode = (uint32_t)st.st_ino;
        search->file_device = major(st.st_dev) << 20 | minor(st.st_dev);
    }
    return sockdiag_unix(on_unix, search);
}

static int search_inet(struct search *search, sockdiag_on_socket *on_socket)
{
    static const int families[] = {AF_INET, AF_INET6};
    const struct endpoint *e = search->wanted;
    /* The port is in the same place in both kinds of address. */
    uint16_t port = ntohs(((const struct sockaddr_in *)(const void *)&e->sa)->sin_port);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (search->is_found && is_bound_only(&search->found))
            break;
        int r = sockdiag_inet(families[i], e->type, port, on_socket, search);
        if (r < 0)
            return r;
    }
    return 0;
}

int holder_find(const struct endpoint *e, struct holder *ret)
{
    struct search search = {.wanted = e};
    int r = -EAFNOSUPPORT;
    if (e->family == AF_UNIX)
        r = search_unix(&search);
    else if (e->family == AF_INET || e->family == AF_INET6)
        r = search_inet(&search, on_inet);
    if (r < 0 || !search.is_found)
        return r;

    struct holder h = {.uid = search.found.uid, .bound = search.found.bound};
    struct procfs_process p;
    pid_t pid;
    if (procfs_socket_holders(search.found.inode, &pid, 1) > 0 && procfs_process(pid, &p) == 0) {
        h.pid = pid;
        h.age_seconds = procfs_age_seconds(&p);
        memcpy(h.command, p.command, sizeof h.command);
        if (h.uid == (uid_t)-1)
            h.uid = p.uid;
    }
    *ret = h;
    return 1;
}

bool holder_lingers(const struct endpoint *e)
{
    struct search search = {.wanted = e};
    bool is_ip = e->family == AF_INET || e->family == AF_INET6;
    return is_ip && search_inet(&search, on_lingering) == 0 && search.is_found;
}

char *holder_format(char *dst, size_t size, const struct holder *h)
{
    char address[160], age[32], uid[32] = "";
    endpoint_format(address, sizeof address, &h->bound);
    if (h->uid != (uid_t)-1)
        snprintf(uid, sizeof uid, "uid %u", (unsigned)h->uid);
    if (h->pid == 0) {
        snprintf(dst, size, "held by a process that is not visible here%s%s%s, bound to %s", *uid ? " (" : "",
                 uid, *uid ? ")" : "", address);
        return dst;
    }
    /* Whole units of the largest kind: "2h", not "2h 7m 3s". */
    static const int64_t units[] = {86400, 3600, 60, 1};
    int64_t seconds = h->age_seconds;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (seconds >= units[i]) {
            seconds -= seconds % units[i];
            break;
        }
    }
    units_format_duration(age, sizeof age, seconds * NSEC_PER_SEC);
    snprintf(dst, size, "held by %s (pid %d, %s%sstarted %s ago), bound to %s", h->command, (int)h->pid, uid,
             *uid ? ", " : "", age, address);
    return dst;
}
