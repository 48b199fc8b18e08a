/* borrow: see the header. A client gets all that it asked for, in as many replies as it takes, or is told why
 * not. */
#include "config.h"

#include "engine/borrow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "sys/fdbatch.h"

static void reply_no_socket(struct control_client *client, const struct engine *e, const char *name)
{
    json_t *known = json_array();
    for (size_t i = 0; i < e->conf->n_sockets; i++)
        json_array_append_new(known, json_string(e->conf->sockets[i].name));
    control_client_error(client, "io.berth.NoSuchSocket",
                         json_pack("{s:s, s:o}", "socket", name, "known", known));
}

/* Are NAMES all names of sockets? The client is told if not. */
static bool check_names(struct control_client *client, const struct engine *e, const json_t *names)
{
    const json_t *name;
    size_t i;
    if (names && !json_is_null(names) && !json_is_array(names)) {
        control_client_invalid_parameter(client, "sockets");
        return false;
    }
    json_array_foreach (names, i, name) {
        if (!json_is_string(name)) {
            control_client_invalid_parameter(client, "sockets");
            return false;
        }
        if (!conf_find_socket(e->conf, json_string_value(name))) {
            reply_no_socket(client, e, json_string_value(name));
            return false;
        }
    }
    return true;
}

/* Those of the socket NAME behind the N that are in RET already; NULL is every socket. */
static size_t collect(const struct engine *e, const char *name, struct held_socket **ret, size_t n)
{
    for (size_t i = 0; i < e->hold.n_groups; i++) {
        const struct socket_group *g = name ? hold_find_group(e, name) : e->hold.groups[i];
        for (size_t j = 0; j < g->n_held; j++)
            ret[n++] = g->held[j];
        if (name)
            break;
    }
    return n;
}

/* How many will be lent. */
static size_t count(const struct engine *e, const json_t *names)
{
    const json_t *name;
    size_t i, n = 0;
    json_array_foreach (names, i, name)
        n += hold_find_group(e, json_string_value(name))->n_held;
    return json_array_size(names) > 0 ? n : hold_count(e);
}

static json_t *describe(struct held_socket *const *sockets, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:i}", "name", sockets[i]->socket->name,
                                               "address", sockets[i]->bound, "declared", sockets[i]->declared,
                                               "slot", (int)sockets[i]->slot));
    return array;
}

/* The N sockets from FIRST on of TOTAL. False when the call is over. */
static bool reply_part(struct control_client *client, struct held_socket *const *sockets, size_t total,
                       size_t first, size_t n)
{
    int fds[FDBATCH_MAX];
    for (size_t i = 0; i < n; i++)
        fds[i] = sockets[first + i]->fd;
    json_t *parameters = json_pack("{s:o, s:i, s:i}", "sockets", describe(sockets + first, n), "first",
                                   (int)first, "total", (int)total);
    int r = control_client_reply_with_fds(client, parameters, first + n < total, fds, n);
    if (r == 0)
        return true;
    json_decref(parameters);
    control_client_error(client, "io.berth.LimitExceeded",
                         json_pack("{s:s, s:s}", "reason", "the supervisor has no descriptors left to lend",
                                   "errno", strerror(-r)));
    return false;
}

void borrow_call(struct control_client *client, json_t *parameters, bool more, void *data)
{
    const struct engine *e = data;
    const json_t *names = json_object_get(parameters, "sockets");
    size_t asked = json_array_size(names), total = 0, first = 0;
    if (!check_names(client, e, names))
        return;
    if (asked > LIMIT_BORROW) {
        control_client_invalid_parameter(client, "sockets");
        return;
    }
    cleanup_free struct held_socket **sockets = mem_new_array(count(e, names) + 1, sizeof *sockets);
    for (size_t i = 0; i < asked; i++)
        total = collect(e, json_string_value(json_array_get(names, i)), sockets, total);
    if (asked == 0)
        total = collect(e, NULL, sockets, 0);
    if (total > FDBATCH_MAX && !more) {
        control_client_error(client, "org.varlink.service.ExpectedMore", NULL);
        return;
    }
    char who[PEER_TEXT];
    struct peer peer = control_client_peer(client);
    event_log_say(&((struct engine *)data)->log, LOG_INFO, "berth", NULL, "lends %zu sockets to %s", total,
                  peer_format(who, &peer));
    do {
        size_t n = total - first < FDBATCH_MAX ? total - first : FDBATCH_MAX;
        if (!reply_part(client, sockets, total, first, n))
            return;
        first += n;
    } while (first < total);
}
