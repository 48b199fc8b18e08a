/* conf_surroundings: the keys of [service:NAME] for the rarer parts of a process's surroundings. They share
 * one struct that a service has only when it uses one of them. Names that only the system knows
 * (capabilities, processors that are there) are looked up at the start, not here. */
#include "config.h"

#include "core/conf_tables.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/mono.h"
#include "base/units.h"

#define DEFAULT_PERIOD_US 100000 /* the kernel's own */
#define NSEC_PER_USEC 1000

static struct surroundings *surroundings_of(void *section)
{
    struct service_conf *s = section;
    if (!s->with->surroundings)
        s->with->surroundings = mem_new(sizeof *s->with->surroundings);
    return s->with->surroundings;
}

static const struct surroundings *find_surroundings(const void *section)
{
    return ((const struct service_conf *)section)->with->surroundings;
}

void surroundings_free(struct surroundings *s)
{
    if (!s)
        return;
    free(s->chroot);
    strv_fini(&s->env_files);
    free(s->cpus);
    strv_fini(&s->capabilities);
    free(s->cgroup);
    free(s);
}

int conf_set_surrounding_string(void *section, const struct conf_key *self, const char *key,
                                const char *value, struct berr *err)
{
    return value_set_string(surroundings_of(section), self, key, value, err);
}

int conf_set_surrounding_size(void *section, const struct conf_key *self, const char *key, const char *value,
                              struct berr *err)
{
    return value_set_size(surroundings_of(section), self, key, value, err);
}

int conf_set_surrounding_number(void *section, const struct conf_key *self, const char *key,
                                const char *value, struct berr *err)
{
    return value_set_number(surroundings_of(section), self, key, value, err);
}

void conf_print_surrounding_string(const void *section, const struct conf_key *self, struct buf *out)
{
    if (find_surroundings(section))
        value_print_string(find_surroundings(section), self, out);
}

/* 0 is never set. */
void conf_print_surrounding_number(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct surroundings *s = find_surroundings(section);
    static const uint64_t none;

    if (s && memcmp((const char *)s + self->offset, &none, sizeof none) != 0)
        value_print_number(s, self, out);
}

void conf_print_surrounding_list(const void *section, const struct conf_key *self, struct buf *out)
{
    if (find_surroundings(section))
        value_print_strv(find_surroundings(section), self, out);
}

/* Every item of VALUE, trimmed; or the refusal of the first that is none. */
static int split(const struct conf_key *self, const char *key, const char *value, struct strv *ret,
                 struct berr *err)
{
    char item[PATH_MAX];
    const char *cursor = value;
    int r;

    while ((r = value_next_item(&cursor, item, sizeof item)) > 0)
        strv_add(ret, item);
    if (r == 0)
        return 0;
    strv_fini(ret);
    return value_refuse(self, key, value, err);
}

static void append(struct strv *to, struct strv *from)
{
    for (size_t i = 0; i < from->n; i++)
        strv_add(to, from->v[i]);
    strv_fini(from);
}

int conf_set_env_file(void *section, const struct conf_key *self, const char *key, const char *value,
                      struct berr *err)
{
    struct surroundings *s = surroundings_of(section);
    struct strv items = {NULL, 0};
    int r = *value ? split(self, key, value, &items, err) : value_refuse(self, key, value, err);

    for (size_t i = 0; r == 0 && i < items.n; i++)
        if (str_eq(items.v[i], "-"))
            r = value_refuse(self, key, value, err);
    if (r == 0 && s->env_files.n + items.n > LIMIT_ENV_FILES)
        r = berr_set(err, BERR_CONFIG, E2BIG, "%s has more than %d files", key, LIMIT_ENV_FILES);
    if (r == 0)
        append(&s->env_files, &items);
    strv_fini(&items);
    return r;
}

int conf_set_cpus(void *section, const struct conf_key *self, const char *key, const char *value,
                  struct berr *err)
{
    struct surroundings *s = surroundings_of(section);
    struct strv items = {NULL, 0};
    struct cpus with_them = {{0}};
    int r = *value ? split(self, key, value, &items, err) : value_refuse(self, key, value, err);

    if (s->cpus)
        with_them = *s->cpus;
    for (size_t i = 0; r == 0 && i < items.n; i++)
        if (cpus_add(&with_them, items.v[i]) < 0)
            r = value_refuse(self, key, value, err);
    strv_fini(&items);
    if (r < 0)
        return r;
    if (!s->cpus)
        s->cpus = mem_new(sizeof *s->cpus);
    *s->cpus = with_them;
    return 0;
}

void conf_print_cpus(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct surroundings *s = find_surroundings(section);

    (void)self;
    if (s && s->cpus)
        cpus_format(s->cpus, out);
}

int conf_set_oom_score_adjust(void *section, const struct conf_key *self, const char *key, const char *value,
                              struct berr *err)
{
    struct surroundings *s = surroundings_of(section);
    int r = value_set_number(s, self, key, value, err);
    if (r == 0)
        s->has_oom_score_adjust = true;
    return r;
}

void conf_print_oom_score_adjust(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct surroundings *s = find_surroundings(section);
    if (s && s->has_oom_score_adjust)
        value_print_number(s, self, out);
}

/* "CAP_Net_Raw" becomes "net_raw", in place. False for what can be no capability's name. */
static bool fold_capability(char *name)
{
    for (char *c = name; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
        if ((*c < 'a' || *c > 'z') && (*c < '0' || *c > '9') && *c != '_')
            return false;
    }
    if (str_starts_with(name, "cap_"))
        memmove(name, name + strlen("cap_"), strlen(name + strlen("cap_")) + 1);
    return *name != '\0';
}

/* An empty list is one too: no capability at all. */
int conf_set_capabilities(void *section, const struct conf_key *self, const char *key, const char *value,
                          struct berr *err)
{
    struct surroundings *s = surroundings_of(section);
    struct strv items = {NULL, 0};
    int r = split(self, key, value, &items, err);

    for (size_t i = 0; r == 0 && i < items.n; i++)
        if (!fold_capability(items.v[i]))
            r = value_refuse(self, key, value, err);
    if (r == 0) {
        append(&s->capabilities, &items);
        s->has_capabilities = true;
    }
    strv_fini(&items);
    return r;
}

/* Nothing in it may lead up or stand still. */
static bool is_path_below(const char *path)
{
    if (strlen(path) > LIMIT_CGROUP)
        return false;
    for (const char *part = path;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (part[n] == '\0')
            return true;
        part += n + 1;
    }
}

int conf_set_cgroup(void *section, const struct conf_key *self, const char *key, const char *value,
                    struct berr *err)
{
    if (!is_path_below(value))
        return value_refuse(self, key, value, err);
    return value_set_string(surroundings_of(section), self, key, value, err);
}

/* "50%" of the kernel's own period. */
static int parse_percentage(const char *value, int64_t *ret_quota_us)
{
    size_t n = strlen(value);
    char digits[16];
    uint64_t percent;

    if (n < 2 || value[n - 1] != '%' || n > sizeof digits)
        return -EINVAL;
    memcpy(digits, value, n - 1);
    digits[n - 1] = '\0';
    if (units_parse_uint(digits, 1, 100 * LIMIT_CPUS, &percent) < 0)
        return -EINVAL;
    *ret_quota_us = (int64_t)percent * DEFAULT_PERIOD_US / 100;
    return 0;
}

static int parse_quota(const char *value, int64_t *ret_quota_us, int64_t *ret_period_us)
{
    const char *slash = strchr(value, '/');
    cleanup_free char *quota = slash ? mem_strndup(value, (size_t)(slash - value)) : NULL;

    if (!slash ||
        value_parse_duration(quota, NSEC_PER_USEC, 1000, LIMIT_CPUS * INT64_C(1000000), ret_quota_us) < 0)
        return -EINVAL;
    return value_parse_duration(slash + 1, NSEC_PER_USEC, 1000, 1000000, ret_period_us);
}

int conf_set_cpu_max(void *section, const struct conf_key *self, const char *key, const char *value,
                     struct berr *err)
{
    struct surroundings *s = surroundings_of(section);
    int64_t quota_us, period_us = DEFAULT_PERIOD_US;

    if (parse_percentage(value, &quota_us) < 0 && parse_quota(value, &quota_us, &period_us) < 0)
        return value_refuse(self, key, value, err);
    s->cpu_quota_us = quota_us;
    s->cpu_period_us = period_us;
    return 0;
}

void conf_print_cpu_max(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct surroundings *s = find_surroundings(section);
    char quota[40], period[40];

    (void)self;
    if (!s || s->cpu_quota_us == 0)
        return;
    if (s->cpu_period_us == DEFAULT_PERIOD_US && s->cpu_quota_us % (DEFAULT_PERIOD_US / 100) == 0)
        buf_printf(out, "%lld%%", (long long)(s->cpu_quota_us / (DEFAULT_PERIOD_US / 100)));
    else
        buf_printf(out, "%s/%s", units_format_duration(quota, sizeof quota, s->cpu_quota_us * NSEC_PER_USEC),
                   units_format_duration(period, sizeof period, s->cpu_period_us * NSEC_PER_USEC));
}
