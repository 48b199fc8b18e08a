/* conf_upkeep: the keys of [service:NAME] for commands around its life, and for what is looked at while it
 * runs.
 *
 * Remember: what is as by default is not stored, so that a service without a word about it has no struct. */
#include "config.h"

#include "core/conf_tables.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/mono.h"
#include "base/units.h"

/* --- hooks --------------------------------------------------------------------------------------------- */

int conf_set_hook(void *section, const struct conf_key *self, const char *key, const char *value,
                  struct berr *err)
{
    struct service_conf *s = section;
    struct strv words = {NULL, 0};
    int r = conf_set_words(&words, self, key, value, err);

    if (r < 0)
        return r;
    if (!s->with->hooks)
        s->with->hooks = mem_new(sizeof *s->with->hooks);
    strv_fini(&s->with->hooks->commands[self->min]);
    s->with->hooks->commands[self->min] = words;
    return 0;
}

void conf_print_hook(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct service_conf *s = section;
    if (s->with->hooks)
        conf_print_words(&s->with->hooks->commands[self->min], out);
}

void conf_free_hooks(struct service_settings *s)
{
    for (int i = 0; s->hooks && i < HOOK_COUNT; i++)
        strv_fini(&s->hooks->commands[i]);
    free(s->hooks);
    s->hooks = NULL;
}

/* --- upkeep -------------------------------------------------------------------------------------------- */

static const struct upkeep_conf defaults = {
    .health_interval_ns = 10 * NSEC_PER_SEC,
    .health_timeout_ns = 5 * NSEC_PER_SEC,
    .health_retries = 3,
    .max_age_ns = INT64_MAX,
};

static const struct upkeep_conf *get(const void *section)
{
    const struct service_conf *s = section;
    return s->with->upkeep ? s->with->upkeep : &defaults;
}

static bool is_default(const struct upkeep_conf *u)
{
    return u->health.n == 0 && u->health_interval_ns == defaults.health_interval_ns &&
           u->health_timeout_ns == defaults.health_timeout_ns &&
           u->health_retries == defaults.health_retries && u->max_age_ns == INT64_MAX && u->max_memory == 0;
}

/* Takes U over, and forgets it where it says nothing. */
static void put(struct service_conf *s, struct upkeep_conf u)
{
    if (!s->with->upkeep && !is_default(&u))
        s->with->upkeep = mem_new(sizeof *s->with->upkeep);
    if (s->with->upkeep)
        *s->with->upkeep = u;
    if (s->with->upkeep && is_default(&u)) {
        free(s->with->upkeep);
        s->with->upkeep = NULL;
    }
}

void conf_free_upkeep(struct service_settings *s)
{
    if (s->upkeep)
        strv_fini(&s->upkeep->health);
    free(s->upkeep);
    s->upkeep = NULL;
}

static bool is_off(const char *value)
{
    return str_eq(value, "off") || str_eq(value, "no") || str_eq(value, "none");
}

int conf_set_health(void *section, const struct conf_key *self, const char *key, const char *value,
                    struct berr *err)
{
    struct upkeep_conf u = *get(section);
    int r = 0;

    if (is_off(value))
        strv_fini(&u.health);
    else
        r = conf_set_words(&u.health, self, key, value, err);
    if (r == 0)
        put(section, u);
    return r;
}

void conf_print_health(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    if (get(section)->health.n == 0)
        buf_add_str(out, "off");
    conf_print_words(&get(section)->health, out);
}

static int parse_interval(const struct conf_key *self, const char *key, const char *value, int64_t least_ns,
                          int64_t *ret, struct berr *err)
{
    int r = value_parse_duration(value, 1, least_ns, INT64_MAX, ret);
    return r < 0 ? value_refuse(self, key, value, err) : 0;
}

static void print_interval(int64_t ns, struct buf *out)
{
    char text[40];
    buf_add_str(out, units_format_duration(text, sizeof text, ns));
}

int conf_set_health_interval(void *section, const struct conf_key *self, const char *key, const char *value,
                             struct berr *err)
{
    struct upkeep_conf u = *get(section);
    int r = parse_interval(self, key, value, 10 * NSEC_PER_MSEC, &u.health_interval_ns, err);
    if (r == 0)
        put(section, u);
    return r;
}

void conf_print_health_interval(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    print_interval(get(section)->health_interval_ns, out);
}

int conf_set_health_timeout(void *section, const struct conf_key *self, const char *key, const char *value,
                            struct berr *err)
{
    struct upkeep_conf u = *get(section);
    int r = parse_interval(self, key, value, 10 * NSEC_PER_MSEC, &u.health_timeout_ns, err);
    if (r == 0)
        put(section, u);
    return r;
}

void conf_print_health_timeout(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    print_interval(get(section)->health_timeout_ns, out);
}

int conf_set_health_retries(void *section, const struct conf_key *self, const char *key, const char *value,
                            struct berr *err)
{
    struct upkeep_conf u = *get(section);
    uint64_t n;
    if (units_parse_uint(value, (uint64_t)self->min, (uint64_t)self->max, &n) < 0)
        return value_refuse(self, key, value, err);
    u.health_retries = (int)n;
    put(section, u);
    return 0;
}

void conf_print_health_retries(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    buf_printf(out, "%d", get(section)->health_retries);
}

int conf_set_max_age(void *section, const struct conf_key *self, const char *key, const char *value,
                     struct berr *err)
{
    struct upkeep_conf u = *get(section);
    int r = 0;
    if (is_off(value))
        u.max_age_ns = INT64_MAX;
    else
        r = parse_interval(self, key, value, NSEC_PER_SEC, &u.max_age_ns, err);
    if (r == 0)
        put(section, u);
    return r;
}

void conf_print_max_age(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    if (get(section)->max_age_ns == INT64_MAX)
        buf_add_str(out, "off");
    else
        print_interval(get(section)->max_age_ns, out);
}

int conf_set_max_memory(void *section, const struct conf_key *self, const char *key, const char *value,
                        struct berr *err)
{
    struct upkeep_conf u = *get(section);
    if (is_off(value))
        u.max_memory = 0;
    else if (units_parse_size(value, &u.max_memory) < 0 || u.max_memory == 0)
        return value_refuse(self, key, value, err);
    put(section, u);
    return 0;
}

void conf_print_max_memory(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    if (get(section)->max_memory == 0)
        buf_add_str(out, "off");
    else
        buf_printf(out, "%llu", (unsigned long long)get(section)->max_memory);
}
