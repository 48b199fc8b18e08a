/* held_name: the names under which the keeper holds things for us, text <-> struct.
 *
 *   control                                   the control socket
 *   config                                    the text of the configuration in force (berth up)
 *   inherited/N/NAME                          the Nth socket that berth was started with; NAME may be "-"
 *   state                                     the soft state's memfd
 *   socket/NAME/SLOT/I.N/ADDRESS              endpoint I (from 1) of the N that ADDRESS of socket NAME came
 * to; SLOT is 0, or the worker's number (from 1) with reuse_port = per-worker
 *   worker/SERVICE/SLOT/GENERATION/SERIAL     a worker's pidfd; SERIAL never repeats
 *   channel/SERVICE/SLOT/SERIAL               our end of that worker's channel
 *   notify/SERVICE/SLOT/SERIAL                the socket at which that process says how it is
 *   ready/SERVICE/SLOT/SERIAL                 the read end of its pipe of readiness (ready = fd:N)
 *   store/SERVICE/SLOT/N.POLL/NAME            the Nth descriptor that workers of that slot left behind; POLL is
 * 1 when it is dropped as soon as it is dead
 *   output/SERVICE/SLOT/END                   the pipe that worker slot writes its output into; END is read
 * or write input/SERVICE/END                         the pipe that other services' output = pipe:SERVICE goes
 * into ring/SERVICE                              the memfd of its workers' latest output (core/output_ring)
 *   task/SERVICE/KIND/SLOT/SERIAL             the pidfd of a command that is run for a service (engine/task)
 *   share/PROTOCOL/PATH                       the listener at PATH that hands out sockets or takes einhorn's
 * acks
 */
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
    HELD_TASK,
};

struct held_name {
    enum held_kind kind;
    char name[LIMIT_NAME + 1]; /* of the socket or the service; share: the protocol's word */
    unsigned slot;                     /* inherited: N */
    unsigned part, parts;              /* socket: I and N; stored: N and POLL */
    char address[LIMIT_HELD_NAME + 1]; /* socket: address_format()'s text; share: the path; stored: its NAME */
    unsigned generation;               /* worker */
    unsigned long long serial;         /* worker, channel, notify, ready */
    bool is_write_end;                 /* output, input */
};

/* -ENAMETOOLONG when it does not fit DST (LIMIT_HELD_NAME + 1 bytes). */
int held_name_format(char dst[LIMIT_HELD_NAME + 1], const struct held_name *h);
/* Never fails: what cannot be understood is HELD_UNKNOWN (a newer berth's), and is left alone by whoever
 * reads it. */
void held_name_parse(const char *text, struct held_name *ret);

#endif
