/* mem: allocation that does not fail. No memory ends the supervisor with one line on stderr; the keeper still
 * holds every descriptor and starts it again. The keeper itself never calls this. */
#ifndef BERTH_BASE_MEM_H
#define BERTH_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* SIZE zeroed bytes, never NULL. free() with free(). */
void *mem_new(size_t size);
/* COUNT zeroed elements of SIZE; a product that overflows ends the process like no memory does. */
void *mem_new_array(size_t count, size_t size);
/* Grows or shrinks P (may be NULL) to COUNT elements of SIZE; new space is not zeroed. */
void *mem_resize_array(void *p, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* After work that needed much for a moment: what was freed goes back to the kernel, where libc can do that. */
void mem_trim(void);

static inline void mem_cleanup_free(void *p)
{
    extern void free(void *);
    free(*(void **)p);
}
/* `cleanup_free char *s = …;`: freed when it goes out of scope. */
#define cleanup_free __attribute__((cleanup(mem_cleanup_free)))

#endif
