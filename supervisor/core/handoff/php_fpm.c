/* php-fpm: FPM_SOCKETS, as it hands its sockets to itself (fpm_sockets.c): ADDRESS=FD, comma-separated,
 * continued in FPM_SOCKETS_1, _2 … after every 128 entries. ADDRESS is its own key for a `listen` line: the
 * numeric host and the port, without brackets even for IPv6, or the path. A socket that no `listen` line
 * names is closed, and its path removed. */
#include "config.h"

#include "core/handoff/handoff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/handoff/numbers.h"

#define ENTRIES_PER_VARIABLE 128

static int inet_key(const struct endpoint *e, char *dst, size_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&e->sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e->sa;
    bool v4 = e->family == AF_INET;
    char host[INET6_ADDRSTRLEN];

    inet_ntop(e->family, v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, host, sizeof host);
    snprintf(dst, size, "%s:%u", host, ntohs(v4 ? in->sin_port : in6->sin6_port));
    return 0;
}

static int key(const struct handoff_socket *s, char *dst, size_t size, struct berr *err)
{
    const struct endpoint *e = &s->endpoint;
    const char *path = ((const struct sockaddr_un *)&e->sa)->sun_path;

    if ((e->family == AF_INET || e->family == AF_INET6) && e->type == SOCK_STREAM)
        return inet_key(e, dst, size);
    if (e->family != AF_UNIX || e->type != SOCK_STREAM || path[0] == '\0')
        return berr_set(err, BERR_CONFIG, EINVAL, "FPM_SOCKETS holds TCP sockets and Unix paths only, not %s",
                        s->declared);
    snprintf(dst, size, "%.*s", (int)sizeof(((struct sockaddr_un *)NULL)->sun_path), path);
    if (strpbrk(dst, ",="))
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "FPM_SOCKETS cannot hold a path with a comma or an equals sign: %s", dst);
    return 0;
}

/* The variable that holds the sockets from FIRST on. */
static char *variable(const struct handoff_input *in, size_t first)
{
    struct buf list;
    struct berr err;
    char text[sizeof(struct sockaddr_un) + 1];

    buf_init(&list, ENTRIES_PER_VARIABLE * 140);
    buf_add_str(&list, "FPM_SOCKETS");
    if (first > 0)
        buf_printf(&list, "_%zu", first / ENTRIES_PER_VARIABLE);
    for (size_t i = first; i < in->n_sockets && i < first + ENTRIES_PER_VARIABLE; i++) {
        (void)key(&in->sockets[i], text, sizeof text, &err); /* was tried before */
        buf_printf(&list, "%s%s=%zu", i > first ? "," : "=", text, HANDOFF_FIRST_FD + i);
    }
    return buf_take(&list);
}

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    char text[sizeof(struct sockaddr_un) + 1];

    for (size_t i = 0; i < in->n_sockets; i++) {
        int r = key(&in->sockets[i], text, sizeof text, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < in->n_sockets; i += ENTRIES_PER_VARIABLE)
        strv_put(&out->environment, variable(in, i));
    return 0;
}

static const char *const variables[] = {"FPM_SOCKETS", "FPM_SOCKETS_*", NULL};

const struct handoff_dialect handoff_php_fpm = {"php-fpm", variables, "FPM_SOCKETS", emit};
