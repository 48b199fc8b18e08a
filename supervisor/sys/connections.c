/* connections: see the header. A connection that no process has any more (TIME_WAIT and the like) has no
 * inode. */
#include "config.h"

#include "sys/connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "sys/sockdiag.h"

#define NEW_SYN_RECV 12 /* the kernel's TCP_NEW_SYN_RECV */

struct search {
    const struct endpoint *listener;
    int found;
};

static bool is_connection(const struct sockdiag_socket *s)
{
    if (s->state == TCP_SYN_RECV || s->state == NEW_SYN_RECV)
        return true;
    return s->inode != 0 && s->state != TCP_LISTEN && s->state != TCP_CLOSE;
}

static bool on_inet(const struct sockdiag_socket *s, void *arg)
{
    struct search *search = arg;
    if (is_connection(s))
        search->found = 1;
    return !search->found;
}

/* What was accepted has its listener's name. */
static bool on_unix(const struct sockdiag_socket *s, void *arg)
{
    struct search *search = arg;
    const struct endpoint *l = search->listener;
    if (s->state == TCP_ESTABLISHED && s->bound.len == l->len && memcmp(&s->bound.sa, &l->sa, l->len) == 0)
        search->found = 1;
    return !search->found;
}

int connections_exist(const struct endpoint *e)
{
    struct search search = {e, 0};
    int r = 0;
    if (e->type == SOCK_DGRAM)
        return 0;
    if (e->family == AF_INET)
        r = sockdiag_inet(AF_INET, SOCK_STREAM, ntohs(((const struct sockaddr_in *)&e->sa)->sin_port),
                          on_inet, &search);
    else if (e->family == AF_INET6)
        r = sockdiag_inet(AF_INET6, SOCK_STREAM, ntohs(((const struct sockaddr_in6 *)&e->sa)->sin6_port),
                          on_inet, &search);
    else if (e->family == AF_UNIX)
        r = sockdiag_unix(on_unix, &search);
    return r < 0 ? r : search.found;
}
