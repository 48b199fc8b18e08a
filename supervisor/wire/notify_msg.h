/* notify_msg: what a worker says of itself: lines KEY=VALUE, as sd_notify(3) has them. Foreign bytes: keys
 * that are not known, or whose values are not understood, are passed over. */
#ifndef BERTH_WIRE_NOTIFY_MSG_H
#define BERTH_WIRE_NOTIFY_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* Who may speak for a worker. The numbers are kept in the soft state. */
enum notify_access {
    NOTIFY_ACCESS_UNSAID,
    NOTIFY_ACCESS_NONE,
    NOTIFY_ACCESS_MAIN,
    NOTIFY_ACCESS_EXEC,
    NOTIFY_ACCESS_ALL
};

struct notify_msg {
    bool ready, reloading, stopping;
    bool waits;          /* WAITING=1 */
    bool is_alive;       /* WATCHDOG=1 */
    bool is_late;        /* WATCHDOG=trigger */
    bool restarts_fresh; /* RESTART_RESET=1 */
    bool is_barrier;     /* BARRIER=1 and nothing else */
    bool has_barrier;    /* … among other lines, where it means nothing */
    bool stores, unstores;
    bool is_unpolled;  /* FDPOLL=0 */
    bool has_bad_name; /* FDNAME is none: empty, too long, or with a ':' or what is not printable ASCII */
    bool has_status, has_errno, has_exit_status, has_error;
    bool has_since, has_interval, has_more_time, has_main;
    bool has_main_number;          /* MAINPIDFDID */
    bool has_main_fd;              /* MAINPIDFD=1: its descriptor tells the main process */
    enum notify_access access : 8; /* NOTIFYACCESS */
    int errno_value, exit_status;
    uint64_t since_us;                    /* MONOTONIC_USEC */
    uint64_t interval_us;                 /* WATCHDOG_USEC; UINT64_MAX is none */
    uint64_t more_time_us;                /* EXTEND_TIMEOUT_USEC */
    int main_pid;                         /* MAINPID, above 0 */
    uint64_t main_number;                 /* of the inode of the main process's pidfd */
    char status[LIMIT_NOTIFY_STATUS + 1]; /* cut at a character's border */
    char error[LIMIT_NOTIFY_ERROR + 1];   /* BUSERROR or VARLINKERROR; a longer one is passed over */
    char fd_name[LIMIT_FD_NAME + 1];      /* FDNAME; "" where none was given */
};

/* -EBADMSG when there is a NUL byte in it, -EMSGSIZE when N is more than LIMIT_NOTIFY. */
int notify_msg_parse(const char *text, size_t n, struct notify_msg *ret);

#endif
