/* conf_process: the keys of [service:NAME] about a process's surroundings that are more than one plain
 * member. */
#include "config.h"

#include "core/conf_expand.h"
#include "core/conf_tables.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "base/units.h"

int conf_set_umask(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    struct service_conf *s = section;
    unsigned mask;

    if (units_parse_mode(value, &mask) < 0 || mask > 0777)
        return value_refuse(self, key, value, err);
    s->with->umask = mask;
    s->with->has_umask = true;
    return 0;
}

void conf_print_umask(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct service_conf *s = section;

    (void)self;
    if (s->with->has_umask)
        buf_printf(out, "%04o", (unsigned)s->with->umask);
}

int conf_set_nice(void *section, const struct conf_key *self, const char *key, const char *value,
                  struct berr *err)
{
    struct service_conf *s = section;
    int r = value_set_number(section, self, key, value, err);
    if (r == 0)
        s->with->has_nice = true;
    return r;
}

void conf_print_nice(const void *section, const struct conf_key *self, struct buf *out)
{
    if (((const struct service_conf *)section)->with->has_nice)
        value_print_number(section, self, out);
}

int conf_set_env(void *section, const struct conf_key *self, const char *key, const char *value,
                 struct berr *err)
{
    struct service_conf *s = section;
    const char *name = key + strlen(self->name);
    char quoted[128];

    if (*name == '\0' || strchr(name, '='))
        return berr_set(err, BERR_CONFIG, EINVAL, "\"%s\" cannot be a variable's name",
                        str_escape(quoted, sizeof quoted, name, strlen(name)));
    strv_put_env(&s->with->environment, mem_printf("%s=%s", name, value));
    return 0;
}

void conf_print_env(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct strv *environment = &((const struct service_conf *)section)->with->environment;

    for (size_t i = 0; i < environment->n; i++) {
        const char *name = environment->v[i], *value = strchr(name, '=') + 1;
        buf_printf(out, "%s%.*s = ", self->name, (int)(value - name - 1), name);
        conf_escape(out, value);
        buf_add_char(out, '\n');
    }
}

static const struct {
    const char *name;
    int resource;
} limits[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};
#define N_LIMITS (sizeof limits / sizeof *limits)

static int find_limit(const char *name, struct berr *err)
{
    const char *names[N_LIMITS + 1] = {NULL}, *nearest;
    char quoted[128];

    for (size_t i = 0; i < N_LIMITS; i++) {
        if (str_eq(limits[i].name, name))
            return limits[i].resource;
        names[i] = limits[i].name;
    }
    nearest = str_nearest(name, names);
    return berr_set(err, BERR_CONFIG, EINVAL, "\"%s\" is not a limit of setrlimit(2); %s%s%s",
                    str_escape(quoted, sizeof quoted, name, strlen(name)),
                    nearest ? "did you mean " : "nofile, core and so on are", nearest ? nearest : "",
                    nearest ? "?" : "");
}

static int parse_limit(const char *text, rlim_t *ret)
{
    uint64_t n = 0;
    if (str_eq(text, "unlimited") || str_eq(text, "infinity")) {
        *ret = RLIM_INFINITY;
        return 0;
    }
    /* RLIM_INFINITY itself is no number that anybody means. */
    if (units_parse_size(text, &n) < 0 || n >= RLIM_INFINITY)
        return -EINVAL;
    *ret = n;
    return 0;
}

static struct limit_conf *limit_at(struct service_conf *s, int resource)
{
    for (size_t i = 0; i < s->with->n_limits; i++)
        if (s->with->limits[i].resource == resource)
            return &s->with->limits[i];
    s->with->limits = mem_resize_array(s->with->limits, s->with->n_limits + 1, sizeof *s->with->limits);
    return &s->with->limits[s->with->n_limits++];
}

int conf_set_limit(void *section, const struct conf_key *self, const char *key, const char *value,
                   struct berr *err)
{
    int resource = find_limit(key + strlen(self->name), err);
    const char *colon = strchr(value, ':');
    size_t n = colon ? (size_t)(colon - value) : strlen(value);
    char soft[32];
    struct rlimit l;

    if (resource < 0)
        return resource;
    if (n >= sizeof soft)
        return value_refuse(self, key, value, err);
    memcpy(soft, value, n);
    soft[n] = '\0';
    if (parse_limit(soft, &l.rlim_cur) < 0 || parse_limit(colon ? colon + 1 : soft, &l.rlim_max) < 0)
        return value_refuse(self, key, value, err);
    if (l.rlim_cur > l.rlim_max)
        return berr_set(err, BERR_CONFIG, EINVAL, "%s = %s has a soft limit above its hard one", key, value);
    *limit_at(section, resource) = (struct limit_conf){resource, l};
    return 0;
}

static void print_limit_value(struct buf *out, rlim_t n)
{
    if (n == RLIM_INFINITY)
        buf_add_str(out, "unlimited");
    else
        buf_printf(out, "%llu", (unsigned long long)n);
}

void conf_print_limit(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct service_conf *s = section;

    for (size_t i = 0; i < s->with->n_limits; i++)
        for (size_t k = 0; k < N_LIMITS; k++) {
            if (limits[k].resource != s->with->limits[i].resource)
                continue;
            buf_printf(out, "%s%s = ", self->name, limits[k].name);
            print_limit_value(out, s->with->limits[i].value.rlim_cur);
            buf_add_char(out, ':');
            print_limit_value(out, s->with->limits[i].value.rlim_max);
            buf_add_char(out, '\n');
        }
}
