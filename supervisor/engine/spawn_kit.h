/* spawn_kit: everything that the spawn of one process needs and that is to be freed after it: what workers
 * (engine/spawner) and tasks (engine/task) have in common. */
#ifndef BERTH_ENGINE_SPAWN_KIT_H
#define BERTH_ENGINE_SPAWN_KIT_H

#include "core/conf.h"
#include "core/environment.h"
#include "engine/inetd.h"
#include "sys/spawn.h"
#include "sys/user.h"
#include "wire/keeper_msg.h"

struct engine;
struct service;

struct spawn_kit {
    struct handoff_socket *sockets;
    int *fds;                   /* borrowed ones: 0, 1, 2 and the sockets, or the channel */
    int channel_fd;             /* owned: the worker's end; -1: none */
    int ready_fd;               /* owned: the writing end of ready = fd; -1: none */
    int cgroup_fd;              /* owned: where it enters its cgroup; -1: it has none */
    size_t n_sockets, n_stored; /* the stored ones stand behind the others */
    struct worker_invocation invocation;
    struct user user;
    gid_t *groups;
    struct strv extra;
    struct spawn_limit *limits;
    struct keeper_msg announcement;
    struct spawn_accept accept;
    struct inetd_admission admission;
    struct spawn_plan plan;
};

struct spawn_kit *spawn_kit_new(void);
void spawn_kit_free(struct spawn_kit *k);
/* The sockets of S in SLOT and room for their descriptors behind 0, 1 and 2, which are berth's own. Negative
 * errno and a sentence. */
int spawn_kit_take_sockets(struct spawn_kit *k, const struct service *s, unsigned slot, struct berr *err);
/* Who it will be, and the variables that come with that and from its env_file. */
int spawn_kit_take_user(struct spawn_kit *k, const struct service_conf *c, struct berr *err);
/* FD becomes descriptor AT, behind the *N_FDS that there are; between them there is none. Negative errno and
 * a sentence where AT is taken. */
int spawn_kit_place(struct spawn_kit *k, size_t *n_fds, size_t at, int fd, struct berr *err);
/* What is the same for every process of C, once its invocation and its descriptors, N_FDS of them, are there.
 * Negative errno and a sentence. */
int spawn_kit_finish(struct spawn_kit *k, const struct engine *e, const struct service_conf *c, size_t n_fds,
                     struct berr *err);
/* The variables that berth itself has. */
const char *const *spawn_kit_environment(void);

#endif
