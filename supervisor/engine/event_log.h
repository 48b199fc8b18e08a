/* event_log: what happens, told twice: as a log line on stderr, and to whoever follows `berth events`. */
#ifndef BERTH_ENGINE_EVENT_LOG_H
#define BERTH_ENGINE_EVENT_LOG_H

#include <stdarg.h>

#include "base/list.h"
#include "base/logline.h"

struct event {
    enum log_level level;
    const char *subject; /* web, web/1#2, berth, socket web */
    const char *service; /* the service that it concerns, or NULL */
    const char *text;
};

struct event_listener {
    struct list link; /* event_log.listeners */
    void (*on_event)(struct event_listener *self, const struct event *e);
};

struct event_log {
    enum log_format format;
    enum log_level level; /* lines below it are not written; listeners get info and above */
    struct list listeners;
};

void event_log_init(struct event_log *log, enum log_level level);
void event_log_add(struct event_log *log, struct event_listener *l);
void event_log_remove(struct event_listener *l);

void event_log_say(struct event_log *log, enum log_level level, const char *subject, const char *service,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void event_log_vsay(struct event_log *log, enum log_level level, const char *subject, const char *service,
                    const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

#endif
