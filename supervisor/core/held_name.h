/* held_name: the names under which the keeper holds things for us, text <-> struct.
 *
 *   control                                the control socket
 *   config                                 the text of the configuration in force
 *   inherited/N/NAME                       the Nth socket that berth was started with
 *   taking-over/ID                         that a take-over is under way: which one (engine/take_over)
 *   ending/STATUS/ID                       that berth ends, and because of which take-over (engine/shutdown)
 *   passed/N/NAME                          the Nth thing that another berth passed on, a socket (engine/take_over)
 *   state                                  the soft state's memfd
 *   socket/NAME/SLOT/I.N/ADDRESS           a socket
 *   worker/SERVICE/SLOT/GENERATION/SERIAL  a worker's pidfd
 *   channel/SERVICE/SLOT/SERIAL            our end of that worker's channel
 *   notify/SERVICE/SLOT/SERIAL             the socket at which it says how it is
 *   ready/SERVICE/SLOT/SERIAL              the read end of its pipe of readiness
 *   store/SERVICE/SLOT/N.POLL/NAME         the Nth descriptor that was left behind
 *   output/SERVICE/PLACE/END               the pipe that is written to in that place
 *   input/SERVICE/END                      the pipe that other services write to
 *   ring/SERVICE                           the memfd of the latest output
 *   task/SERVICE/KIND/PLACE/SERIAL         the pidfd of a command (engine/task)
 *   share/PROTOCOL/PATH                    the listener at PATH (engine/share)
 *
 * A SERIAL never repeats. I, from 1, is one of the N endpoints that ADDRESS came to. SLOT is the worker's
 * number, from 1; a socket's is 0, unless it has reuse_port = per-worker. PLACE is that number or a higher
 * one (worker_place()).  END is "read" or "write".
 * POLL is 1 where a descriptor goes as soon as it is dead. The NAME of an inherited one may be "-". */
#ifndef BERTH_CORE_HELD_NAME_H
#define BERTH_CORE_HELD_NAME_H

#include <stdbool.h>

#include "base/limits.h"

enum held_kind {
    HELD_UNKNOWN,
    HELD_CONTROL,
    HELD_STATE,
    HELD_SOCKET,
    HELD_WORKER,
    HELD_CHANNEL,
    HELD_NOTIFY,
    HELD_READY,
    HELD_STORED,
    HELD_SHARE,
    HELD_OUTPUT,
    HELD_INPUT,
    HELD_RING,
    HELD_CONFIG,
    HELD_INHERITED,
    HELD_PASSED,
    HELD_TASK,
};

struct held_name {
    enum held_kind kind;
    char name[LIMIT_NAME + 1]; /* of the socket or the service; share: the protocol's word */
    unsigned slot;             /* inherited, passed: N */
    unsigned part, parts;      /* socket: I and N; stored: N and POLL */
    char
        address[LIMIT_HELD_NAME + 1]; /* socket: address_format()'s text; share: the path; stored: its NAME */
    unsigned generation;              /* worker */
    unsigned long long serial;        /* worker, channel, notify, ready */
    bool is_write_end;                /* output, input */
};

/* -ENAMETOOLONG when it does not fit DST (LIMIT_HELD_NAME + 1 bytes). */
int held_name_format(char dst[LIMIT_HELD_NAME + 1], const struct held_name *h);
/* Never fails: what cannot be understood is HELD_UNKNOWN (a newer berth's), and is left alone by whoever
 * reads it. */
void held_name_parse(const char *text, struct held_name *ret);

#endif
