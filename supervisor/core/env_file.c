/* env_file: see the header. */
#include "config.h"

#include "core/env_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define END (-1)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

struct reader {
    const char *at, *end;
    unsigned line; /* of what is next */
};

static int peek(const struct reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : END;
}

static int next(struct reader *r)
{
    int c = peek(r);
    if (c != END)
        r->at++;
    r->line += c == '\n';
    return c;
}

/* With the carriage returns of files that were written elsewhere. */
static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
    while (is_blank(peek(r)))
        next(r);
}

static int refuse(unsigned line, int errnum, const char *sentence, struct berr *err)
{
    berr_set(err, BERR_CONFIG, errnum, "%s", sentence);
    err->line = line;
    return -errnum;
}

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_letter = (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '_';
        if (!is_letter && (i == 0 || s[i] < '0' || s[i] > '9'))
            return false;
    }
    return n > 0;
}

/* Up to the '=', which is read as well. */
static int read_name(struct reader *r, struct buf *out, struct berr *err)
{
    const char *start = r->at;
    size_t n = 0;
    int c;

    while ((c = peek(r)) != END && c != '\n' && c != '=')
        next(r);
    if (c != '=')
        return refuse(r->line, EINVAL, "a line must look like NAME=VALUE", err);
    n = (size_t)(r->at - start);
    while (n > 0 && is_blank(start[n - 1]))
        n--;
    if (!is_name(start, n))
        return refuse(r->line, EINVAL, "a variable's name has letters, digits and _, and no digit first",
                      err);
    buf_add(out, start, n);
    buf_add_char(out, '=');
    next(r);
    return 0;
}

/* A backslash inside "…" has been read. */
static void read_escape(struct reader *r, struct buf *out)
{
    int c = next(r);

    if (c == '\n' || c == END)
        return;
    if (!strchr("\"\\`$", c))
        buf_add_char(out, '\\');
    buf_add_char(out, (char)c);
}

static int read_quoted(struct reader *r, struct buf *out, struct berr *err)
{
    unsigned line = r->line;
    int quote = next(r), c;

    while ((c = next(r)) != quote) {
        if (c == END)
            return refuse(line, EINVAL, "a quote is not closed", err);
        if (c == '\\' && quote == '"')
            read_escape(r, out);
        else
            buf_add_char(out, (char)c);
    }
    return 0;
}

/* The rest of the line; the blanks at its end are not part of it, unless a backslash says so. */
static void read_plain(struct reader *r, struct buf *out)
{
    size_t kept = out->len;
    int c;

    while ((c = peek(r)) != END && c != '\n') {
        bool is_escaped = c == '\\';
        next(r);
        if (is_escaped && ((c = next(r)) == '\n' || c == END))
            continue;
        buf_add_char(out, (char)c);
        if (is_escaped || !is_blank(c))
            kept = out->len;
    }
    out->len = kept;
}

static int read_value(struct reader *r, struct buf *out, struct berr *err)
{
    for (;;) {
        skip_blanks(r);
        int c = peek(r);
        if (c != '\'' && c != '"')
            break;
        int failed = read_quoted(r, out, err);
        if (failed < 0)
            return failed;
    }
    read_plain(r, out);
    return 0;
}

static int read_variable(struct reader *r, struct strv *ret, struct berr *err)
{
    struct buf assignment;
    unsigned line = r->line;

    buf_init(&assignment, LIMIT_ENV_FILE);
    int failed = read_name(r, &assignment, err);
    if (failed == 0)
        failed = read_value(r, &assignment, err);
    if (failed == 0 && ret->n >= LIMIT_ENV_FILE_VARIABLES)
        failed = refuse(line, E2BIG, "there are more than " TEXT(LIMIT_ENV_FILE_VARIABLES) " variables", err);
    if (failed == 0)
        strv_put_env(ret, mem_strndup(buf_str(&assignment), assignment.len));
    buf_fini(&assignment);
    return failed;
}

static int read_all(struct reader *r, struct strv *ret, struct berr *err)
{
    int failed = 0;

    while (failed == 0) {
        skip_blanks(r);
        int c = peek(r);
        if (c == END)
            break;
        if (c == '\n')
            next(r);
        else if (c == '#' || c == ';')
            while ((c = peek(r)) != END && c != '\n')
                next(r);
        else
            failed = read_variable(r, ret, err);
    }
    return failed;
}

int env_file_parse(const char *text, size_t n, struct strv *ret, struct berr *err)
{
    struct reader r = {text, text + n, 1};
    struct strv all = {NULL, 0};
    const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;

    for (const char *c = text; nul && c < nul; c++)
        r.line += *c == '\n';
    if (nul)
        return refuse(r.line, EINVAL, "there is a NUL byte in it, so it is no text", err);
    int failed = read_all(&r, &all, err);
    for (size_t i = 0; failed == 0 && i < all.n; i++)
        strv_put_env(ret, mem_strdup(all.v[i]));
    strv_fini(&all);
    return failed;
}
