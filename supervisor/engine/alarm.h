/* alarm: an ev_timer that takes up memory only where it is needed: most workers and services wait for
 * nothing. Whoever has one holds a pointer, NULL at first. */
#ifndef BERTH_ENGINE_ALARM_H
#define BERTH_ENGINE_ALARM_H

#include <ev.h>
#include <stdbool.h>

typedef void alarm_function(struct ev_loop *loop, ev_timer *t, int revents);

/* Calls F, with DATA in the timer, once in AFTER seconds (at once, if it is below 0), and in place of what *T
 * waited for. */
void alarm_start(struct ev_loop *loop, ev_timer **t, double after, alarm_function *f, void *data);
/* It waits for nothing, and is gone. */
void alarm_stop(struct ev_loop *loop, ev_timer **t);
/* Does it wait? */
bool alarm_waits(const ev_timer *t);

#endif
