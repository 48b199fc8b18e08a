/* limits: every amount that a client, a worker or a file can make berth hold. Each has a test one over it. */
#ifndef BERTH_BASE_LIMITS_H
#define BERTH_BASE_LIMITS_H

#define LIMIT_NAME 64                /* characters of a service or socket name */
#define LIMIT_ADDRESSES 64           /* addresses of one socket */
#define LIMIT_SOCKETS 16384          /* sockets of one configuration */
#define LIMIT_SERVICES 16384         /* services of one */
#define LIMIT_CONF_LINE 65536        /* bytes of a line of it */
#define LIMIT_CONF_FILE (16 * 1024 * 1024) /* bytes of a file of it */
#define LIMIT_CONF_FILES 1024        /* files of it */
#define LIMIT_CONF_DEPTH 8           /* files that include each other */
#define LIMIT_CONF_PROBLEMS 200      /* mistakes that are told one by one */
#define LIMIT_BORROW 1024            /* names of sockets in one call of Borrow */
#define LIMIT_WORKERS 4096           /* workers of one service */
#define LIMIT_STANDBY 256            /* spares of one service */
#define LIMIT_LANES 8                /* processes of one worker at a time, of several generations */
#define LIMIT_LAST_LINES 4096        /* bytes of a failed worker's last lines in a reply */
#define LIMIT_PLACES (LIMIT_WORKERS * LIMIT_LANES)
#define LIMIT_COMMAND_WORDS 4096     /* words of one command */
#define LIMIT_HELD_NAME 383          /* bytes of a name in the keeper: the longest of each kind fit */
#define LIMIT_HELD 65535             /* names in the keeper */
#define LIMIT_CONTROL_CLIENTS 64     /* connections to the control socket at a time */
#define LIMIT_CONTROL_MESSAGE 65536  /* bytes of one request on it */
#define LIMIT_CONTROL_BACKLOG (1024 * 1024) /* unread reply bytes of one client before it is let go */
#define LIMIT_HANDOFF_FDS 1024       /* descriptors handed to one worker */
#define LIMIT_SERVE 16               /* places at which one socket may be fetched */
#define LIMIT_SHARE_CLIENTS 64       /* connections to one such place at a time */
#define LIMIT_NOTIFY 4096            /* bytes of one message of a worker about itself, as systemd has it */
#define LIMIT_NOTIFY_STATUS 256      /* bytes of its STATUS that are kept */
#define LIMIT_NOTIFY_ERROR 128       /* bytes of the name of an error that are kept */
#define LIMIT_FD_NAME 255            /* characters of a stored descriptor's name, as systemd has it */
#define LIMIT_STORE 512              /* descriptors that one worker slot can leave behind */
#define LIMIT_STORE_NAMES 64000      /* bytes of their names: a variable may have 128 KiB, and tells the sockets' as well */
#define LIMIT_OUTPUT_RING 65536      /* bytes of a service's latest output, with what tells whose they are */
#define LIMIT_OUTPUT_PART 16384      /* bytes that are read at a time; of a line that are passed on at a time */
#define LIMIT_OUTPUT_REST 4096       /* bytes of an unfinished line that are kept while others need room */
#define LIMIT_OUTPUT_KEEP 999        /* older files of a service's output */
#define LIMIT_ENV_FILES 64           /* files of variables of one service */
#define LIMIT_ENV_FILE (256 * 1024)  /* bytes of one of them */
#define LIMIT_ENV_FILE_VARIABLES 4096 /* variables in one of them */
#define LIMIT_CPUS 8192              /* processors that can be named, as many as Linux knows on x86 */
#define LIMIT_CGROUP 255             /* bytes of a cgroup's path below berth's own */

#endif
