/* signals: what the keeper is sent, judged and kept until a supervisor has been told. */
#ifndef BERTH_KEEPER_SIGNALS_H
#define BERTH_KEEPER_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/* Blocks what is read from now on. The descriptor to poll, or negative errno. */
int signals_init(void);
/* In a new child: everything as a program expects it. */
void signals_reset(void);
/* Reads all that is there. True if a child has ended. */
bool signals_receive(void);

/* Keeps SIGNO for the supervisor. */
void signals_keep(int signo, pid_t sender);
/* One that is kept, and its sender (0: not known); or 0. */
int signals_first_kept(pid_t *ret_sender);
void signals_forget(int signo);

#endif
