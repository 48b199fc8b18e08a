/* respawn: the supervisor's life: there is always one, or one is about to be started, until one says that it is finished. */
#ifndef BERTH_KEEPER_RESPAWN_H
#define BERTH_KEEPER_RESPAWN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/mono.h"

/* The keeper's status when berth cannot even begin. */
#define EXIT_CANNOT_BEGIN 125

/* BINARY is a descriptor of at least 10, NOFILE the limits that the supervisor gets; both, and ARGV, are kept. */
void respawn_init(int binary, char *argv[], struct rlimit nofile);
/* Does what is due; returns when something will be. */
struct mono respawn_step(void);
/* 0: none runs. */
pid_t respawn_pid(void);
void respawn_kill(void);
void respawn_ended(int wait_status);

/* What it says of itself. */
void respawn_stable(void);
void respawn_finish(int exit_status);
/* Once it has finished and ended: the keeper's exit status; else -1. */
int respawn_result(void);

#endif
