/* conf_schema: finds the row for a key and lets it act. Every refusal of a key is decided here: not known, or
 * known and not carried out yet. */
#include "config.h"

#include "core/conf_schema.h"

#include <errno.h>
#include <string.h>

#include "base/must.h"
#include "core/conf_tables.h"

const struct conf_key *conf_schema(enum conf_section section)
{
    switch (section) {
    case CONF_SUPERVISOR:
        return conf_supervisor_keys;
    case CONF_SOCKET:
        return conf_socket_keys;
    case CONF_SERVICE:
        break;
    }
    return conf_service_keys;
}

static const struct conf_later_key *later_keys(enum conf_section section)
{
    static const struct conf_later_key none[] = {{NULL, NULL}};
    return section == CONF_SERVICE ? conf_service_later_keys : none;
}

const char *conf_section_name(enum conf_section section)
{
    static const char *const names[] = {
        [CONF_SUPERVISOR] = "supervisor", [CONF_SOCKET] = "socket", [CONF_SERVICE] = "service"};
    return names[section];
}

/* The defaults are the table's own words, so what the manual says of them is what happens. A list's default
 * is what an empty list means, for what is set is appended. */
void conf_set_defaults(enum conf_section section, void *ret)
{
    struct berr err;
    for (const struct conf_key *k = conf_schema(section); k->name; k++)
        if (*k->initial && !k->is_list)
            must(k->set(ret, k, k->name, k->initial, &err) == 0);
}

const struct conf_key *conf_find_key(enum conf_section section, const char *key)
{
    for (const struct conf_key *k = conf_schema(section); k->name; k++)
        if (k->is_prefix ? str_starts_with(key, k->name) : str_eq(key, k->name))
            return k;
    return NULL;
}

static const struct conf_later_key *find_later(enum conf_section section, const char *key)
{
    for (const struct conf_later_key *k = later_keys(section); k->name; k++)
        if (str_eq(k->name, key))
            return k;
    return NULL;
}

static int refuse_unknown(enum conf_section section, const char *key, struct berr *err)
{
    const char *names[96], *nearest, *what = section == CONF_SUPERVISOR ? "the supervisor"
                                             : section == CONF_SOCKET   ? "a socket"
                                                                        : "a service";
    char quoted[128];
    size_t n = 0;

    for (const struct conf_key *k = conf_schema(section); k->name; k++)
        names[n++] = k->name;
    for (const struct conf_later_key *k = later_keys(section); k->name; k++)
        names[n++] = k->name;
    must(n < sizeof names / sizeof *names);
    names[n] = NULL;
    str_escape(quoted, sizeof quoted, key, strlen(key));
    nearest = str_nearest(key, names);
    if (nearest)
        return berr_set(err, BERR_CONFIG, EINVAL, "\"%s\" is not a key of %s; did you mean %s?", quoted,
                        what, nearest);
    return berr_set(err, BERR_CONFIG, EINVAL, "\"%s\" is not a key of %s; berth.conf(5) lists them", quoted,
                    what);
}

int conf_set(enum conf_section section, void *ret, const char *key, const char *value, struct berr *err)
{
    const struct conf_key *k = conf_find_key(section, key);
    const struct conf_later_key *later;

    if (k)
        return k->set(ret, k, key, value, err);
    later = find_later(section, key);
    if (!later)
        return refuse_unknown(section, key, err);
    if (later->only && str_eq(later->only, value))
        return 0;
    return berr_set(err, BERR_CONFIG, EINVAL, "%s is not carried out by this version of berth", key);
}

int conf_set_socket(struct socket_conf *s, const char *key, const char *value, struct berr *err)
{
    return conf_set(CONF_SOCKET, s, key, value, err);
}

int conf_set_service(struct service_conf *s, const char *key, const char *value, struct berr *err)
{
    return conf_set(CONF_SERVICE, s, key, value, err);
}

void conf_print_service(const struct service_conf *s, const char *key, struct buf *out)
{
    const struct conf_key *k = conf_find_key(CONF_SERVICE, key);
    must(k != NULL);
    k->print(s, k, out);
}
