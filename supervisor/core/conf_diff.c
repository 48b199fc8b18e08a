/* conf_diff: see the header. Two values are the same when they are printed the same. */
#include "config.h"

#include "core/conf_diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_schema.h"

#define VALUE_SHOWN 60 /* bytes of a value in a detail */

static struct conf_change *add(struct conf_diff *d, enum conf_change_kind kind, enum conf_section section,
                               const char *name)
{
    if ((d->n & (d->n - 1)) == 0)
        d->changes = mem_resize_array(d->changes, d->n ? 2 * d->n : 1, sizeof *d->changes);
    struct conf_change *c = &d->changes[d->n++];
    *c = (struct conf_change){.kind = kind, .section = section};
    str_copy(c->name, sizeof c->name, name);
    return c;
}

static char *print(const struct conf_key *key, const void *of)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    key->print(of, key, &text);
    char *result = mem_strdup(buf_str(&text));
    buf_fini(&text);
    return result;
}

/* What a socket is bound with, and its holders see for ever. */
static bool is_bound_with(enum conf_section section, const char *key)
{
    static const char *const keys[] = {"reuse_port", "ipv6_only", "mptcp", NULL};
    for (size_t i = 0; section == CONF_SOCKET && keys[i]; i++)
        if (str_eq(keys[i], key))
            return true;
    return false;
}

static bool is_of_start(enum conf_section section, const char *key)
{
    return section == CONF_SUPERVISOR && (str_eq(key, "control") || str_eq(key, "control_group"));
}

static void add_value(struct buf *out, const char *value)
{
    char shown[VALUE_SHOWN + 8];
    buf_add_str(out, *value ? str_escape_controls(shown, sizeof shown, value, strlen(value)) : "none");
}

static void note_key(struct conf_change *c, struct buf *detail, const struct conf_key *key,
                     const char *before, const char *after)
{
    buf_printf(detail, "%s%s", detail->len > 0 ? ", " : "", key->name);
    if (key->is_prefix) {
        buf_add_char(detail, '*');
    } else {
        buf_add_char(detail, ' ');
        add_value(detail, before);
        buf_add_str(detail, " -> ");
        add_value(detail, after);
    }
    if (c->section == CONF_SERVICE && !key->is_live)
        c->needs_process = true;
    if (!c->impossible && is_bound_with(c->section, key->name))
        c->impossible =
            mem_printf("%s of a socket that is held cannot be changed; give it another name, or restart "
                       "berth",
                       key->name);
    if (!c->impossible && is_of_start(c->section, key->name))
        c->impossible = mem_printf("%s can be changed by a restart of berth only", key->name);
}

static void compare(struct conf_diff *d, enum conf_section section, const char *name, const void *before,
                    const void *after)
{
    struct conf_change *c = NULL;
    struct buf detail;
    buf_init(&detail, SIZE_MAX);
    for (const struct conf_key *key = conf_schema(section); key->name; key++) {
        cleanup_free char *one = print(key, before), *other = print(key, after);
        if (str_eq(one, other))
            continue;
        if (!c)
            c = add(d, CONF_CHANGED, section, name);
        note_key(c, &detail, key, one, other);
    }
    if (c)
        c->detail = mem_strdup(buf_str(&detail));
    buf_fini(&detail);
}

void conf_diff_make(const struct conf *before, const struct conf *after, struct conf_diff *ret)
{
    *ret = (struct conf_diff){NULL, 0};
    compare(ret, CONF_SUPERVISOR, "", before, after);
    for (size_t i = 0; i < before->n_sockets; i++)
        if (!conf_find_socket(after, before->sockets[i].name))
            add(ret, CONF_REMOVED, CONF_SOCKET, before->sockets[i].name);
    for (size_t i = 0; i < after->n_sockets; i++) {
        const struct socket_conf *s = &after->sockets[i], *old = conf_find_socket(before, s->name);
        if (old)
            compare(ret, CONF_SOCKET, s->name, old, s);
        else
            add(ret, CONF_ADDED, CONF_SOCKET, s->name);
    }
    for (size_t i = 0; i < before->n_services; i++)
        if (!conf_find_service(after, before->services[i].name))
            add(ret, CONF_REMOVED, CONF_SERVICE, before->services[i].name);
    for (size_t i = 0; i < after->n_services; i++) {
        const struct service_conf *s = &after->services[i], *old = conf_find_service(before, s->name);
        if (old)
            compare(ret, CONF_SERVICE, s->name, old, s);
        else
            add(ret, CONF_ADDED, CONF_SERVICE, s->name);
    }
}

void conf_diff_fini(struct conf_diff *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->changes[i].detail);
        free(d->changes[i].impossible);
    }
    free(d->changes);
    *d = (struct conf_diff){NULL, 0};
}

const char *conf_change_name(enum conf_change_kind kind)
{
    static const char *const names[] = {
        [CONF_ADDED] = "added", [CONF_REMOVED] = "removed", [CONF_CHANGED] = "changed"};
    return names[kind];
}

/* --- fingerprints -------------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t h, const char *text)
{
    for (;; text++) {
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3); /* FNV-1a, with the NUL */
        if (!*text)
            return h;
    }
}

uint64_t conf_fingerprint(const struct conf *c, const struct service_conf *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    struct buf text;
    buf_init(&text, SIZE_MAX);
    for (const struct conf_key *key = conf_schema(CONF_SERVICE); key->name; key++) {
        if (key->is_live)
            continue;
        buf_add_str(&text, key->name);
        key->print(s, key, &text);
        buf_add_char(&text, '\n');
    }
    h = hash(h, buf_str(&text));
    buf_fini(&text);
    for (size_t i = 0; i < s->sockets.n; i++) {
        const struct socket_conf *socket = conf_find_socket(c, s->sockets.v[i]);
        for (size_t k = 0; socket && k < socket->listen.n; k++)
            h = hash(h, socket->listen.v[k]);
        h = hash(h, socket && socket->options->accept ? "accept" : "");
    }
    return h;
}
