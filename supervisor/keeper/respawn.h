/* respawn: the supervisor's life: there is always one, or one is about to be started, until one says that it is finished. */
#ifndef BERTH_KEEPER_RESPAWN_H
#define BERTH_KEEPER_RESPAWN_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/mono.h"

/* The keeper's status when berth cannot even begin. */
#define EXIT_CANNOT_BEGIN 125

struct respawn {
    int binary;    /* at least 10, as is */
    int candidate; /* … another one, of an upgrade, until it has proved itself; -1: none */
    char **argv;
    rlim_t soft_nofile; /* the limit that the supervisor gets */
    pid_t pid;          /* 0: none */
    unsigned starts, crashes; /* crashes: quick ones in a row */
    int version;              /* of the keeper in its binary, as it has said; 0: it has not */
    bool is_stable, has_finished;
    bool is_on_trial; /* it was started from the candidate */
    bool is_late;     /* … and has not become stable in time */
    bool is_back;     /* the latest candidate failed, with … */
    int failure;      /* … that wait status, or KEEPER_TIMED_OUT */
    int exit_status;  /* once it has finished */
    struct mono started_at, start_at;
    struct mono give_up_at; /* on the link of one that ended, or on one that closed its link */
};

/* Descriptors and ARGV are kept. With a PID that one is looked after. */
void respawn_init(const struct respawn *begin);
const struct respawn *respawn_self(void);
/* Does what is due; returns when something will be. */
struct mono respawn_step(void);
/* 0: none runs. */
pid_t respawn_pid(void);
void respawn_kill(void);
void respawn_ended(int wait_status);

/* What it says of itself. BINARY, from which the next one is to be started, is taken. */
void respawn_stable(int version);
void respawn_upgrade(int binary);
void respawn_finish(int exit_status);
/* Once it has finished and ended: the keeper's exit status; else -1. */
int respawn_result(void);

#endif
