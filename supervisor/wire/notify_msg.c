/* notify_msg: see the header. */
#include "config.h"

#include "wire/notify_msg.h"

#include <errno.h>
#include <string.h>

/* Copies as much of VALUE as fits, and no half of a UTF-8 character. */
static void take_status(const char *value, size_t n, struct notify_msg *ret)
{
    if (n > LIMIT_NOTIFY_STATUS)
        for (n = LIMIT_NOTIFY_STATUS; n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80; n--)
            ;
    memcpy(ret->status, value, n);
    ret->status[n] = '\0';
    ret->has_status = true;
}

static bool is_line(const char *line, size_t n, const char *expected)
{
    return n == strlen(expected) && memcmp(line, expected, n) == 0;
}

static void take_line(const char *line, size_t n, struct notify_msg *ret)
{
    static const char status[] = "STATUS=";
    const size_t key = sizeof status - 1;

    if (is_line(line, n, "READY=1"))
        ret->ready = true;
    else if (is_line(line, n, "STOPPING=1"))
        ret->stopping = true;
    else if (n >= key && memcmp(line, status, key) == 0)
        take_status(line + key, n - key, ret);
}

int notify_msg_parse(const char *text, size_t n, struct notify_msg *ret)
{
    struct notify_msg m = {.ready = false};

    if (n > LIMIT_NOTIFY)
        return -EMSGSIZE;
    if (memchr(text, '\0', n))
        return -EBADMSG;
    for (const char *line = text, *end = text + n, *next; line < end; line = next) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        next = newline ? newline + 1 : end;
        take_line(line, (size_t)((newline ? newline : end) - line), &m);
    }
    *ret = m;
    return 0;
}
