/* buf: bytes that grow up to a limit. What would go beyond the limit is not stored and marks the buffer as
 * overflown; callers that build bounded output check once, at the end. Always NUL-terminated behind `len`. */
#ifndef BERTH_BASE_BUF_H
#define BERTH_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* owned; may be NULL while len is 0 */
    size_t len, cap;
    size_t limit; /* most bytes that it may hold */
    bool overflown;
};

void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);
/* Appends N bytes, or none of them and sets `overflown`; an overflown buffer takes nothing more, so that
 * it never holds a text with a hole. */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Drops the first N bytes (N <= len). */
void buf_consume(struct buf *b, size_t n);
/* The text, never NULL; borrowed until the next change. */
const char *buf_str(const struct buf *b);
/* The text, to be freed by the caller; the buffer is empty (and not overflown) afterwards. */
char *buf_take(struct buf *b);

#endif
