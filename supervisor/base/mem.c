/* mem: allocation that does not fail.
 *
 * It decides that no memory is the end of this process, not of what it supervises: the keeper still holds
 * every descriptor. This is the one place in base that writes anywhere. */
#include "config.h"

#include "base/mem.h"

#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void mem_fail(void)
{
    fputs("berth: no memory is left; the supervisor ends and the keeper starts it again\n", stderr);
    abort();
}

void mem_trim(void)
{
#ifdef HAVE_MALLOC_TRIM
    malloc_trim(0);
#endif
}

static void *checked(void *p)
{
    if (p == NULL)
        mem_fail();
    return p;
}

void *mem_new(size_t size)
{
    return mem_new_array(1, size);
}

static size_t product(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        mem_fail();
    return total > 0 ? total : 1; /* for nothing, libc may return NULL, which would look like no memory */
}

void *mem_new_array(size_t count, size_t size)
{
    return checked(calloc(1, product(count, size)));
}

void *mem_resize_array(void *p, size_t count, size_t size)
{
    return checked(realloc(p, product(count, size)));
}

char *mem_strdup(const char *s)
{
    return checked(strdup(s));
}

char *mem_strndup(const char *s, size_t n)
{
    return checked(strndup(s, n));
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = mem_vprintf(fmt, ap);
    va_end(ap);
    return s;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
    char *s;
    if (vasprintf(&s, fmt, ap) < 0)
        mem_fail();
    return s;
}
