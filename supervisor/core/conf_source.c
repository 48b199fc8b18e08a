/* conf_source: see the header. */
#include "config.h"

#include "core/conf_source.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

void conf_source_fini(struct conf_source *s)
{
    for (size_t i = 0; i < s->n_lines; i++) {
        free(s->lines[i].key);
        free(s->lines[i].value);
    }
    for (size_t i = 0; i < s->n_problems; i++) {
        free(s->problems[i].section);
        free(s->problems[i].sentence);
    }
    free(s->lines);
    free(s->problems);
    strv_fini(&s->files);
    strv_fini(&s->folders);
    strv_fini(&s->heads);
    *s = (struct conf_source){0};
}

unsigned conf_source_add_file(struct conf_source *s, const char *file, const char *folder)
{
    strv_add(&s->files, file);
    strv_add(&s->folders, folder);
    strv_add(&s->heads, "");
    return (unsigned)s->files.n - 1;
}

const char *conf_source_section(const struct conf_source *s)
{
    return s->heads.n > 0 ? s->heads.v[s->heads.n - 1] : "";
}

/* Room doubles at the powers of two. */
static struct conf_line *new_line(struct conf_source *s, struct conf_place place)
{
    if ((s->n_lines & (s->n_lines - 1)) == 0)
        s->lines = mem_resize_array(s->lines, s->n_lines ? 2 * s->n_lines : 1, sizeof *s->lines);
    struct conf_line *l = &s->lines[s->n_lines++];
    *l = (struct conf_line){place, conf_source_section(s), NULL, NULL};
    return l;
}

void conf_source_add_head(struct conf_source *s, struct conf_place place, const char *section)
{
    strv_add(&s->heads, section);
    new_line(s, place);
}

void conf_source_add_line(struct conf_source *s, struct conf_place place, const char *key, const char *value)
{
    struct conf_line *l = new_line(s, place);
    l->key = mem_strdup(key);
    l->value = mem_strdup(value);
}

/* Sections and keys are quoted as they were written. TEXT is freed. */
static char *printable(char *text)
{
    size_t n = strlen(text);
    char *escaped = mem_new(4 * n + 1);
    str_escape_controls(escaped, 4 * n + 1, text, n);
    free(text);
    return escaped;
}

void conf_source_refuse(struct conf_source *s, struct conf_place place, const char *section, const char *fmt,
                        ...)
{
    va_list ap;
    if ((s->n_problems & (s->n_problems - 1)) == 0)
        s->problems =
            mem_resize_array(s->problems, s->n_problems ? 2 * s->n_problems : 1, sizeof *s->problems);
    va_start(ap, fmt);
    s->problems[s->n_problems] = (struct conf_problem){place, printable(mem_strdup(section)),
                                                       printable(mem_vprintf(fmt, ap)), s->n_problems};
    va_end(ap);
    s->n_problems++;
}

static int compare_problems(const void *a, const void *b)
{
    const struct conf_problem *one = a, *other = b;
    int r = (one->place.file > other->place.file) - (one->place.file < other->place.file);
    if (r == 0)
        r = (one->place.line > other->place.line) - (one->place.line < other->place.line);
    return r != 0 ? r : (one->number > other->number) - (one->number < other->number);
}

void conf_source_sort_problems(struct conf_source *s)
{
    if (s->n_problems > 0)
        qsort(s->problems, s->n_problems, sizeof *s->problems, compare_problems);
}

void conf_source_format_problems(struct conf_source *s, struct buf *out)
{
    conf_source_sort_problems(s);
    for (size_t i = 0; i < s->n_problems && i < LIMIT_CONF_PROBLEMS; i++) {
        const struct conf_problem *p = &s->problems[i];
        cleanup_free char *file = printable(mem_strdup(s->files.v[p->place.file]));
        buf_add_str(out, file);
        if (p->place.line > 0)
            buf_printf(out, ":%u", p->place.line);
        buf_printf(out, ": %s%s%s\n", p->section, *p->section ? ": " : "", p->sentence);
    }
    if (s->n_problems > LIMIT_CONF_PROBLEMS)
        buf_printf(out, "%s: and %zu more mistake%s\n", s->files.v[0], s->n_problems - LIMIT_CONF_PROBLEMS,
                   s->n_problems - LIMIT_CONF_PROBLEMS == 1 ? "" : "s");
}
