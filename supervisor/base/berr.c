/* berr: an error as a person will read it. It formats; it never prints. */
#include "config.h"

#include "base/berr.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ELLIPSIS "…"

static __attribute__((format(printf, 3, 0))) void format_cut(char *dst, size_t size, const char *fmt,
                                                             va_list ap)
{
    int n = vsnprintf(dst, size, fmt, ap);
    if (n < 0) {
        str_copy(dst, size, "(an error whose text could not be formatted)");
        return;
    }
    if ((size_t)n < size)
        return;
    size_t end = size - sizeof(ELLIPSIS);
    while (end > 0 && ((unsigned char)dst[end] & 0xc0) == 0x80) /* not within a character */
        end--;
    memcpy(dst + end, ELLIPSIS, sizeof(ELLIPSIS));
}

int berr_set(struct berr *err, enum berr_class class, int errnum, const char *fmt, ...)
{
    char text[sizeof(err->text)]; /* the arguments may point into *err */
    va_list ap;
    va_start(ap, fmt);
    format_cut(text, sizeof(text), fmt, ap);
    va_end(ap);

    if (errnum < 0)
        errnum = -errnum;
    *err = (struct berr){.class = class, .err = errnum};
    memcpy(err->text, text, sizeof(text));
    return errnum != 0 ? -errnum : -EINVAL;
}

static __attribute__((format(printf, 3, 4))) void print_cut(char *dst, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    format_cut(dst, size, fmt, ap);
    va_end(ap);
}

void berr_prefix(struct berr *err, const char *fmt, ...)
{
    char prefix[sizeof(err->text)], rest[sizeof(err->text)];
    va_list ap;
    va_start(ap, fmt);
    format_cut(prefix, sizeof(prefix), fmt, ap);
    va_end(ap);
    memcpy(rest, err->text, sizeof(rest));
    print_cut(err->text, sizeof(err->text), "%s: %s", prefix, rest);
}

int berr_exit_status(const struct berr *err)
{
    switch (err->class) {
    case BERR_NONE:
        return 0;
    case BERR_USAGE:
    case BERR_CONFIG:
        return 2;
    case BERR_NO_SERVICE:
        return 4;
    case BERR_UNREACHABLE:
        return 5;
    case BERR_SYSTEM:
    case BERR_FAILED:
    case BERR_PROTOCOL:
    case BERR_DENIED:
        break;
    }
    return 1;
}
