/* stop: a shutdown that was asked for comes about, whatever becomes of the supervisor. */
#ifndef BERTH_KEEPER_STOP_H
#define BERTH_KEEPER_STOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/mono.h"

/* TERM and INT ask for it. */
bool stop_is_asked_by(int signo);
/* SIGNO has come from SENDER: the supervisor is to be told, and every later one. A second one sets a time limit. */
void stop_ask(int signo, pid_t sender);
/* How often it was asked for. */
unsigned stop_count(void);
/* There is a new supervisor, or one crashed. */
void stop_ask_again(void);
void stop_count_crash(void);
/* Looks after it; returns when to look again. */
struct mono stop_step(void);
/* The signal that asked for it, if it is time to do without the supervisor; or 0. */
int stop_is_due(void);
/* Kills the supervisor and every process group that is held, and reaps them. */
void stop_everything(void);

#endif
