/* conf_output: the keys of a service that say where its output goes.
 *
 * Remember: what is as by default is not stored, so that a service without a word about it has no struct. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/conf_tables.h"
#include "core/handoff/handoff.h"

#define DEFAULT_MAX (INT64_C(10) * 1024 * 1024)
#define DEFAULT_KEEP 5
#define PATH_LENGTH 4000 /* with ".999" behind it, still a path */

static const struct output_conf defaults = {OUTPUT_INHERIT, NULL, DEFAULT_MAX, DEFAULT_KEEP};

static const struct output_conf *get(const void *section)
{
    const struct service_conf *s = section;
    return s->output ? s->output : &defaults;
}

/* Takes HOW over, and forgets it where it says nothing. */
static void put(struct service_conf *s, struct output_conf how)
{
    bool is_default = how.how == OUTPUT_INHERIT && how.max == DEFAULT_MAX && how.keep == DEFAULT_KEEP;
    if (!s->output && !is_default)
        s->output = mem_new(sizeof *s->output);
    if (s->output)
        *s->output = how;
    if (s->output && is_default) {
        free(s->output);
        s->output = NULL;
    }
}

void conf_free_output(struct service_conf *s)
{
    if (s->output)
        free(s->output->target);
    free(s->output);
    s->output = NULL;
}

static const struct {
    const char *word;
    enum output_how how;
} plain_words[] = {{"inherit", OUTPUT_INHERIT}, {"prefix", OUTPUT_PREFIX}, {"null", OUTPUT_NULL}};
#define N_PLAIN (sizeof plain_words / sizeof *plain_words)

/* The target of "file:PATH" or "pipe:SERVICE", or NULL. */
static const char *target_of(const char *value, enum output_how *ret)
{
    bool is_file = str_starts_with(value, "file:");
    const char *target = value + strlen("file:");
    if (!is_file && !str_starts_with(value, "pipe:"))
        return NULL;
    *ret = is_file ? OUTPUT_FILE : OUTPUT_PIPE;
    return is_file ? (*target && strlen(target) <= PATH_LENGTH ? target : NULL)
                   : (str_is_name(target) ? target : NULL);
}

int conf_set_output(void *section, const struct conf_key *self, const char *key, const char *value,
                    struct berr *err)
{
    struct service_conf *s = section;
    struct output_conf how = *get(s);
    const char *target = target_of(value, &how.how);
    size_t i = 0;
    while (i < N_PLAIN && !str_eq(plain_words[i].word, value))
        i++;
    if (!target && i == N_PLAIN)
        return value_refuse(self, key, value, err);
    if (i < N_PLAIN)
        how.how = plain_words[i].how;
    free(how.target);
    how.target = target ? mem_strdup(target) : NULL;
    put(s, how);
    return 0;
}

void conf_print_output(const void *section, const struct conf_key *self, struct buf *out)
{
    const struct output_conf *o = get(section);
    (void)self;
    if (o->target)
        buf_printf(out, "%s:%s", o->how == OUTPUT_FILE ? "file" : "pipe", o->target);
    for (size_t i = 0; !o->target && i < N_PLAIN; i++)
        if (plain_words[i].how == o->how)
            buf_add_str(out, plain_words[i].word);
}

int conf_set_output_max(void *section, const struct conf_key *self, const char *key, const char *value,
                        struct berr *err)
{
    struct output_conf how = *get(section);
    uint64_t n;
    if (units_parse_size(value, &n) < 0 || n < (uint64_t)self->min || n > (uint64_t)self->max)
        return value_refuse(self, key, value, err);
    how.max = (int64_t)n;
    put(section, how);
    return 0;
}

/* In the largest unit that it is a multiple of. */
void conf_print_output_max(const void *section, const struct conf_key *self, struct buf *out)
{
    static const char units[] = "KMGT";
    int64_t n = get(section)->max;
    int unit = -1;
    (void)self;
    while (n % 1024 == 0 && units[unit + 1]) {
        n /= 1024;
        unit++;
    }
    buf_printf(out, "%lld", (long long)n);
    if (unit >= 0)
        buf_add_char(out, units[unit]);
}

int conf_set_output_keep(void *section, const struct conf_key *self, const char *key, const char *value,
                         struct berr *err)
{
    struct output_conf how = *get(section);
    uint64_t n;
    if (units_parse_uint(value, 0, (uint64_t)self->max, &n) < 0)
        return value_refuse(self, key, value, err);
    how.keep = (int)n;
    put(section, how);
    return 0;
}

void conf_print_output_keep(const void *section, const struct conf_key *self, struct buf *out)
{
    (void)self;
    buf_printf(out, "%d", get(section)->keep);
}

bool conf_is_sink(const struct conf *c, const struct service_conf *s)
{
    for (size_t i = 0; i < c->n_services; i++) {
        const struct output_conf *o = c->services[i].output;
        if (o && o->how == OUTPUT_PIPE && str_eq(o->target, s->name))
            return true;
    }
    return false;
}

/* --- what no single key can tell ----------------------------------------------------------------------- */

/* Does what S writes come back to it? Then neither could ever be stopped behind the other. */
static bool is_in_circle(const struct conf *c, const struct service_conf *s)
{
    const struct service_conf *at = s;
    for (size_t i = 0; i < c->n_services && at && at->output && at->output->how == OUTPUT_PIPE; i++) {
        at = conf_find_service(c, at->output->target);
        if (at == s)
            return true;
    }
    return false;
}

static int check_pipe(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    const struct service_conf *sink = conf_find_service(c, s->output->target);
    if (!sink)
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s: output = pipe:%s names no service", s->name,
                        s->output->target);
    if (sink == s)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "service %s: output = pipe:%s would feed it what it wrote itself", s->name, s->name);
    if (is_in_circle(c, s))
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s: output = pipe:%s comes back to it in a circle",
                        s->name, s->output->target);
    if (conf_accepts(c, sink) || handoff_has_word(&sink->handoff, "stdin"))
        return berr_set(
            err, BERR_CONFIG, EINVAL,
            "service %s: output = pipe:%s needs that service's standard input, which is a %s already",
            s->name, sink->name, conf_accepts(c, sink) ? "connection" : "socket");
    return 0;
}

/* Each would put the other's file aside. */
static int check_file(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    for (const struct service_conf *other = c->services; other < s; other++)
        if (other->output && other->output->how == OUTPUT_FILE &&
            str_eq(other->output->target, s->output->target))
            return berr_set(err, BERR_CONFIG, EINVAL,
                            "services %s and %s have the same file for their output; give each its own",
                            other->name, s->name);
    return 0;
}

int conf_check_output(const struct conf *c, const struct service_conf *s, struct berr *err)
{
    if (!s->output)
        return 0;
    if (s->output->how == OUTPUT_PIPE)
        return check_pipe(c, s, err);
    if (s->output->how == OUTPUT_FILE)
        return check_file(c, s, err);
    if (s->output->max != DEFAULT_MAX || s->output->keep != DEFAULT_KEEP)
        return berr_set(err, BERR_CONFIG, EINVAL, "service %s: %s needs output = file:PATH", s->name,
                        s->output->max != DEFAULT_MAX ? "output_max" : "output_keep");
    return 0;
}
