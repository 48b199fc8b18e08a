/* link: the keeper's end of the pair with the supervisor. It never waits: what is to be sent follows from the store, the signals
 * that are kept and a few refusals, and is sent when there is room; so a supervisor that hangs holds up nobody. */
#ifndef BERTH_KEEPER_LINK_H
#define BERTH_KEEPER_LINK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

/* A new pair; FLAGS, COUNT and VALUE are for its WELCOME. Returns the supervisor's end, the caller's; or negative errno. */
int link_open(uint32_t flags, uint32_t count, int value);
void link_close(void);
bool link_is_open(void);
/* A pair that an earlier keeper opened, and over which all has been said. */
void link_resume(int fd);
/* Is there nothing at all to send? */
bool link_is_quiet(void);
/* What to poll for; its fd is -1 while there is no link. */
struct pollfd link_poll(void);

/* Acts on every message that is there; closes the link at its end. */
void link_receive(void);
/* Sends what there is room for; returns when to try again, where poll() cannot tell. */
struct mono link_send(void);
/* Has the supervisor read all that was sent, signals above all? False while there is no link. */
bool link_signals_are_read(void);

#endif
