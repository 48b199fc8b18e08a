/* alarm: see the header. */
#include "config.h"

#include "engine/alarm.h"

#include <stdlib.h>

#include "base/mem.h"

void alarm_start(struct ev_loop *loop, ev_timer **t, double after, alarm_function *f, void *data)
{
    if (*t)
        ev_timer_stop(loop, *t);
    else
        *t = mem_new(sizeof **t);
    ev_timer_init(*t, f, after > 0 ? after : 0, 0);
    (*t)->data = data;
    ev_timer_start(loop, *t);
}

void alarm_stop(struct ev_loop *loop, ev_timer **t)
{
    if (!*t)
        return;
    ev_timer_stop(loop, *t);
    free(*t);
    *t = NULL;
}

bool alarm_waits(const ev_timer *t)
{
    return t && ev_is_active(t);
}
