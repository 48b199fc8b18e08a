/* say: see the header. A reader that has stopped reading our stderr must not stop the keeper: it asks before
 * it writes. */
#include "config.h"

#include "keeper/say.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void say(const char *fmt, ...)
{
    int saved = errno;
    char line[768] = "berth: keeper: ";
    const size_t prefix = 15, room = sizeof line - prefix - 1;
    va_list ap;
    va_start(ap, fmt);
    int wanted = vsnprintf(line + prefix, room, fmt, ap);
    va_end(ap);
    size_t n = prefix + (wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1);
    for (char *c = line; c < line + n; c++) /* names come from elsewhere */
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    line[n++] = '\n';
    struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&err, 1, 0) == 1 && (err.revents & POLLOUT) && write(STDERR_FILENO, line, n) < 0)
        errno = saved; /* nobody is left to be told */
    errno = saved;
}

struct mono now(void)
{
    struct timespec ts = {0};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (struct mono){ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec};
}
