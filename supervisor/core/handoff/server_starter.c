/* server-starter: SERVER_STARTER_PORT and SERVER_STARTER_GENERATION (Server::Starter's start_server(1) and
 * server_ports()): KEY=FD, separated by semicolons. KEY is the address as its user writes it: PORT, HOST:PORT
 * or a path. Nothing can be escaped in it. Readers keep KEYs in a hash, so a name that came to several
 * sockets is given by their numbers. */
#include "config.h"

#include "core/handoff/handoff.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/handoff/numbers.h"

#define KEY_ROOM 300

static unsigned port_of(const struct endpoint *e)
{
    return ntohs(e->family == AF_INET ? ((const struct sockaddr_in *)&e->sa)->sin_port
                                      : ((const struct sockaddr_in6 *)&e->sa)->sin6_port);
}

static void inet_key(const struct handoff_socket *s, const struct address *a, char dst[KEY_ROOM])
{
    unsigned port = port_of(&s->endpoint);

    if (a->any_host && a->only_v6)
        snprintf(dst, KEY_ROOM, "[::]:%u", port);
    else if (a->any_host)
        snprintf(dst, KEY_ROOM, "%u", port);
    else if (s->parts > 1) {
        char text[ADDRESS_TEXT]; /* "tcp://127.0.0.1:80" */
        snprintf(dst, KEY_ROOM, "%s", strstr(endpoint_format(text, sizeof text, &s->endpoint), "//") + 2);
    } else if (strchr(a->host, ':'))
        snprintf(dst, KEY_ROOM, "[%s]:%u", a->host, port);
    else
        snprintf(dst, KEY_ROOM, "%s:%u", a->host, port);
}

static int key(const struct handoff_socket *s, char dst[KEY_ROOM], struct berr *err)
{
    struct address a;
    int r = address_parse(s->declared, &a, err);

    if (r < 0)
        return r;
    if (a.kind == ADDRESS_VSOCK || (a.kind == ADDRESS_UNIX && (a.abstract || a.type != SOCK_STREAM)))
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "SERVER_STARTER_PORT holds TCP and UDP ports and Unix stream paths only, not %s",
                        s->declared);
    if (a.kind == ADDRESS_UNIX)
        snprintf(dst, KEY_ROOM, "%s", a.path);
    else
        inet_key(s, &a, dst);
    if (strpbrk(dst, ";="))
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "SERVER_STARTER_PORT cannot hold a path with a semicolon or an equals sign: %s", dst);
    return 0;
}

static int emit(const struct handoff_input *in, struct handoff_output *out, struct berr *err)
{
    struct buf list;
    char text[KEY_ROOM];
    int r = 0;

    buf_init(&list, LIMIT_HANDOFF_FDS * (KEY_ROOM + 12));
    buf_add_str(&list, "SERVER_STARTER_PORT=");
    for (size_t i = 0; r == 0 && i < in->n_sockets; i++) {
        r = key(&in->sockets[i], text, err);
        if (r == 0)
            buf_printf(&list, "%s%s=%zu", i > 0 ? ";" : "", text, HANDOFF_FIRST_FD + i);
    }
    if (r < 0) {
        buf_fini(&list);
        return r;
    }
    strv_put(&out->environment, buf_take(&list));
    strv_put(&out->environment, mem_printf("SERVER_STARTER_GENERATION=%u", in->generation));
    return 0;
}

static const char *const variables[] = {"SERVER_STARTER_PORT", "SERVER_STARTER_GENERATION", NULL};

const struct handoff_dialect handoff_server_starter = {"server-starter", variables, "SERVER_STARTER_PORT",
                                                       emit};
