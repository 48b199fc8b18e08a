/* options: takes the options out of a command line.
 *
 * It knows forms (--name VALUE, --name=VALUE, -x VALUE, -xVALUE, "--") and no option by itself.
 * getopt_long(3) is not used because it prints by itself, accepts shortened names, and cannot say which
 * option was nearest. To remember: nothing in ARGV is lost, operands are only moved. */
#include "config.h"

#include "cmd/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define HELP_COLUMN 24 /* where the sentences begin */

/* One run over a command line. */
struct options {
    const struct option *const *tables;
    int argc, next;
    char **argv;
    char *into;
    struct berr *err;
};

static const struct option *find_long(const struct option *const *tables, const char *name, size_t n)
{
    for (; *tables; tables++) {
        for (const struct option *o = *tables; o->name; o++) {
            if (strncmp(o->name, name, n) == 0 && o->name[n] == '\0')
                return o;
        }
    }
    return NULL;
}

static const struct option *find_short(const struct option *const *tables, char letter)
{
    for (; *tables; tables++) {
        for (const struct option *o = *tables; o->name; o++) {
            if (o->letter && o->letter == letter)
                return o;
        }
    }
    return NULL;
}

static int fail_unknown(const struct options *s, const char *word)
{
    char quoted[128];
    struct strv names = {NULL, 0};

    for (const struct option *const *t = s->tables; *t; t++) {
        for (const struct option *o = *t; o->name; o++)
            strv_put(&names, mem_printf("--%s", o->name));
    }
    size_t n = strcspn(word, "=");
    cleanup_free char *name = mem_strndup(word, n);
    const char *nearest =
        str_starts_with(word, "--") && names.n > 0 ? str_nearest(name, (const char *const *)names.v) : NULL;
    str_escape(quoted, sizeof quoted, word, n);
    int r = nearest ? berr_set(s->err, BERR_USAGE, EINVAL, "unknown option '%s', did you mean '%s'?", quoted,
                               nearest)
                    : berr_set(s->err, BERR_USAGE, EINVAL, "unknown option '%s'", quoted);
    strv_fini(&names);
    return r;
}

/* Sets O, with its VALUE where one was written right behind it, or with the next word. WORD is how it was
 * called. */
static int set_option(struct options *s, const struct option *o, const char *word, int word_len,
                      const char *value)
{
    if (!o->value) {
        if (value)
            return berr_set(s->err, BERR_USAGE, EINVAL, "option '%.*s' takes no value", word_len, word);
        *(bool *)(void *)(s->into + o->offset) = true;
        return 0;
    }
    if (!value && s->next < s->argc)
        value = s->argv[s->next++];
    if (!value)
        return berr_set(s->err, BERR_USAGE, EINVAL, "option '%.*s' needs a value (%s)", word_len, word,
                        o->value);
    *(const char **)(void *)(s->into + o->offset) = value;
    return 0;
}

static int parse_long(struct options *s, const char *word)
{
    size_t n = strcspn(word, "=");
    const struct option *o = find_long(s->tables, word + 2, n - 2);

    if (!o)
        return fail_unknown(s, word);
    return set_option(s, o, word, (int)n, word[n] == '=' ? word + n + 1 : NULL);
}

/* "-x", "-xVALUE", or flags together: "-xy". */
static int parse_short(struct options *s, const char *word)
{
    int r = 0;

    for (const char *p = word + 1; *p && r == 0; p++) {
        char called[3] = {'-', *p, '\0'};
        const struct option *o = find_short(s->tables, *p);
        if (!o)
            return fail_unknown(s, word);
        if (o->value)
            return set_option(s, o, called, 2, p[1] ? p + 1 : NULL);
        r = set_option(s, o, called, 2, NULL);
    }
    return r;
}

int options_parse(const struct option *const *tables, enum options_order order, int argc, char **argv,
                  void *into, int *ret_argc, struct berr *err)
{
    struct options s = {.tables = tables, .argc = argc, .argv = argv, .into = into, .err = err};
    int operands = 0, r = 0;
    bool ended = false;

    while (s.next < argc && r == 0) {
        char *word = argv[s.next++];
        bool is_option = !ended && word[0] == '-' && word[1] != '\0';
        if (is_option && str_eq(word, "--"))
            ended = true;
        else if (is_option && word[1] == '-')
            r = parse_long(&s, word);
        else if (is_option)
            r = parse_short(&s, word);
        else
            argv[operands++] = word;
        if (order == OPTIONS_FIRST && (ended || operands > 0))
            break;
    }
    if (r < 0)
        return r;
    while (s.next < argc)
        argv[operands++] = argv[s.next++];
    *ret_argc = operands;
    return 0;
}

void options_format_help(const struct option *const *tables, struct buf *out)
{
    for (; *tables; tables++) {
        for (const struct option *o = *tables; o->name; o++) {
            cleanup_free char *left =
                mem_printf("%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                           o->letter ? "," : " ", o->name, o->value ? " " : "", o->value ? o->value : "");
            buf_printf(out, "  %-*s%s%s\n", HELP_COLUMN - 2, left, strlen(left) >= HELP_COLUMN - 2 ? " " : "",
                       o->sentence);
        }
    }
}
