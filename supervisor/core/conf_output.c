/* conf_output: the keys of a service that say where its output goes.
 *
 * Remember: what is as by default is not stored, so that a service without a word about it has no struct. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/conf_claims.h"
#include "core/conf_tables.h"
#include "core/handoff/handoff.h"

#define DEFAULT_MAX (INT64_C(10) * 1024 * 1024)
#define DEFAULT_KEEP 5
#define PATH_LENGTH 4000 /* with ".999" behind it, still a path */

static const struct output_conf defaults = {OUTPUT_INHERIT, NULL, DEFAULT_MAX, DEFAULT_KEEP};

static const struct output_conf *get(const void *section)
{
    const struct service_conf *s = section;
    return s->with->output ? s->with->output : &defaults;
}

/* Takes HOW over, and forgets it where it says nothing. */
static void put(struct service_conf *s, struct output_conf how)
{
    bool is_default = how.how == OUTPUT_INHERIT && how.max == DEFAULT_MAX && how.keep == DEFAULT_KEEP;
    if (!s->with->output && !is_default)
        s->with->output = mem_new(sizeof *s->with->output);
    if (s->with->output)
        *s->with->output = how;
    if (s->with->output && is_default) {
        free(s->with->output);
        s->with->output = NULL;
    }
}

void conf_free_output(struct service_settings *s)
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

void conf_mark_sinks(struct conf *c)
{
    for (size_t i = 0; i < c->n_services; i++)
        c->services[i].is_sink = false;
    for (size_t i = 0; i < c->n_services; i++) {
        const struct output_conf *o = c->services[i].with->output;
        struct service_conf *sink = o && o->how == OUTPUT_PIPE ? conf_find_service(c, o->target) : NULL;
        if (sink)
            sink->is_sink = true;
    }
}

/* --- what no single key can tell ----------------------------------------------------------------------- */

/* Does what S writes come back to it? Then neither could ever be stopped behind the other. */
static bool is_in_circle(const struct conf *c, const struct service_conf *s)
{
    const struct service_conf *at = s;
    for (size_t i = 0; i < c->n_services && at && at->with->output && at->with->output->how == OUTPUT_PIPE;
         i++) {
        at = conf_find_service(c, at->with->output->target);
        if (at == s)
            return true;
    }
    return false;
}

static void check_pipe(const struct check *x, const struct service_conf *s)
{
    const char *target = s->with->output->target;
    const struct service_conf *sink = conf_find_service(x->conf, target);
    if (!sink)
        conf_refuse(x, "output", "output = pipe:%s names no service", target);
    else if (sink == s)
        conf_refuse(x, "output", "output = pipe:%s would feed it what it wrote itself", target);
    else if (is_in_circle(x->conf, s))
        conf_refuse(x, "output", "output = pipe:%s comes back to it in a circle", target);
    else if (conf_accepts(x->conf, sink) || handoff_has_word(&sink->with->handoff, "stdin"))
        conf_refuse(x, "output",
                    "output = pipe:%s needs that service's standard input, which is a %s already", target,
                    conf_accepts(x->conf, sink) ? "connection" : "socket");
}

void conf_check_output(const struct check *x, const struct service_conf *s)
{
    if (s->with->output && s->with->output->how == OUTPUT_PIPE)
        check_pipe(x, s);
    if (!s->with->output || s->with->output->how == OUTPUT_PIPE || s->with->output->how == OUTPUT_FILE)
        return;
    if (s->with->output->max != DEFAULT_MAX)
        conf_refuse(x, "output_max", "output_max needs output = file:PATH");
    if (s->with->output->keep != DEFAULT_KEEP)
        conf_refuse(x, "output_keep", "output_keep needs output = file:PATH");
}

static int compare_files(const void *a, const void *b)
{
    const struct service_conf *one = *(const struct service_conf *const *)a;
    const struct service_conf *other = *(const struct service_conf *const *)b;
    int r = strcmp(one->with->output->target, other->with->output->target);
    return r != 0 ? r : (one > other) - (one < other);
}

/* Each would put the other's file aside. */
void conf_check_output_files(struct check *x)
{
    const struct conf *c = x->conf;
    cleanup_free const struct service_conf **files = mem_new_array(c->n_services + 1, sizeof *files);
    size_t n = 0;
    for (size_t i = 0; i < c->n_services; i++)
        if (c->services[i].with->output && c->services[i].with->output->how == OUTPUT_FILE)
            files[n++] = &c->services[i];
    qsort(files, n, sizeof *files, compare_files);
    for (size_t i = 1; i < n; i++) {
        x->name = files[i]->name;
        if (str_eq(files[i - 1]->with->output->target, files[i]->with->output->target))
            conf_refuse(x, "output", "service %s has the same file for its output; give each its own",
                        files[i - 1]->name);
    }
}

char *conf_locate_output(const char *value, const char *folder)
{
    cleanup_free char *path = NULL;
    if (!str_starts_with(value, "file:") || !value[strlen("file:")])
        return mem_strdup(value);
    path = value_locate_path(value + strlen("file:"), folder);
    return mem_printf("file:%s", path);
}
