/* notify_target: where a service manager wants to be told how we are, as sd_notify(3) has it: a Unix datagram
 * socket, by path or as "@abstract". Sending never blocks: whoever supervises waits for nobody. */
#ifndef BERTH_SYS_NOTIFY_TARGET_H
#define BERTH_SYS_NOTIFY_TARGET_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct notify_target {
    int fd; /* owned; -1: there is nobody to tell */
    struct sockaddr_un address;
    socklen_t address_len;
};

/* ADDRESS is what NOTIFY_SOCKET says. Nobody needs to listen there yet. -EAFNOSUPPORT: neither a path nor
 * abstract; -ENAMETOOLONG; else what socket(2) says. On failure there is nobody to tell. */
int notify_target_open(struct notify_target *t, const char *address);
void notify_target_close(struct notify_target *t);

/* Sends TEXT, lines of NAME=VALUE, in the name of the process AS where the kernel lets us speak for another
 * one (it takes CAP_SYS_ADMIN), else in our own. Negative errno; -EAGAIN: there is no room just now. */
int notify_target_send(const struct notify_target *t, const char *text, pid_t as);

#endif
