/* take_over_call: what is said to the berth that is taken over from, and what it answers: the methods
 * TakeOver and EndTakeOver, on a connection that is made again for as long as anybody is there. For
 * engine/take_over only. */
#ifndef BERTH_ENGINE_TAKE_OVER_CALL_H
#define BERTH_ENGINE_TAKE_OVER_CALL_H

#include <stdbool.h>

#include "base/berr.h"

struct engine;

void take_over_call_init(struct engine *e);
/* Connects and asks: for everything, or to go on. Where nobody is there, the start fails. */
void take_over_call_first(struct engine *e);
/* We are ready; or else we give up. */
void take_over_tell_end(struct engine *e, bool is_done);
void take_over_hang_up(struct engine *e);

/* The reverse: everything is ours, the other one has said so or is gone. */
void take_over_conclude(struct engine *e);
/* It says no, or what is no answer: WHY is a part of a sentence. */
void take_over_refused(struct engine *e, enum berr_class class, const char *why);

#endif
