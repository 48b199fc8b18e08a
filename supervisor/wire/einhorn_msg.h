/* einhorn_msg: what a worker says on einhorn's command socket: a map with "command" and "pid", as JSON or in
 * the plain YAML that Ruby writes, on one line in which '%' is %25 and a newline is %0A
 * (lib/einhorn/client.rb of contribsys/einhorn). Foreign bytes. */
#ifndef BERTH_WIRE_EINHORN_MSG_H
#define BERTH_WIRE_EINHORN_MSG_H

#include <stddef.h>

enum einhorn_command { EINHORN_ACK, EINHORN_PING, EINHORN_OTHER };

struct einhorn_msg {
    enum einhorn_command command;
    int pid; /* of the worker that it speaks for; 0: it says none */
};

/* LINE without its newline. -EBADMSG when it is no such map. */
int einhorn_msg_parse(const char *line, size_t n, struct einhorn_msg *ret);

#endif
