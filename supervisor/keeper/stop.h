/* stop: a shutdown that was asked for comes about, whatever becomes of the supervisor. */
#ifndef BERTH_KEEPER_STOP_H
#define BERTH_KEEPER_STOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/mono.h"

/* SIGNO (TERM or INT) has come from SENDER: the supervisor is to be told, and every later one. A second one sets a time limit. */
void stop_ask(int signo, pid_t sender);
/* How often it was asked for. */
unsigned stop_count(void);
/* There is a new supervisor, or one crashed. */
void stop_ask_again(void);
void stop_count_crash(void);
/* Looks after it; returns when to look again. */
struct mono stop_step(void);
/* Is it time to do without the supervisor? */
bool stop_is_due(void);
/* Kills it and every process group that is held, and reaps them. Returns the keeper's exit status. */
int stop_everything(void);

#endif
