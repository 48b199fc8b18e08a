/* event_log: see the header. A log that cannot be written (a full disk, a closed pipe) is dropped:
 * supervising goes on. */
#include "config.h"

#include "engine/event_log.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/clock.h"

void event_log_init(struct event_log *log, enum log_level level)
{
    log->level = level;
    list_init(&log->listeners);
}

void event_log_add(struct event_log *log, struct event_listener *l)
{
    list_append(&log->listeners, &l->link);
}

void event_log_remove(struct event_listener *l)
{
    list_remove(&l->link);
}

/* stderr may be a pipe that nobody reads: a line that would block is lost rather than the supervisor. */
static void write_line(const struct buf *line)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
        while (write(STDERR_FILENO, line->data, line->len) < 0 && errno == EINTR)
            ;
}

void event_log_vsay(struct event_log *log, enum log_level level, const char *subject, const char *service,
                    const char *fmt, va_list ap)
{
    struct buf text, line;
    buf_init(&text, 4000); /* with the subject a line stays below PIPE_BUF, so that it is written whole */
    buf_vprintf(&text, fmt, ap);
    if (level >= log->level) {
        buf_init(&line, 4096);
        if (log->format == LOG_JSON)
            logline_format_json(&line, clock_wall_ms(), level, subject, service, buf_str(&text));
        else
            logline_format(&line, level, subject, buf_str(&text));
        write_line(&line);
        buf_fini(&line);
    }
    if (level >= LOG_INFO) {
        struct event e = {level, subject, service, buf_str(&text)};
        list_each (l, &log->listeners, struct event_listener, link)
            l->on_event(l, &e);
    }
    buf_fini(&text);
}

void event_log_say(struct event_log *log, enum log_level level, const char *subject, const char *service,
                   const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    event_log_vsay(log, level, subject, service, fmt, ap);
    va_end(ap);
}
