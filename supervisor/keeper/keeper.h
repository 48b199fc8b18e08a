/* keeper: process 1 of berth. It stores named descriptors that it does not understand, is the parent of every worker, reaps,
 * passes signals on, and starts the supervisor again whenever that ends without having said that it is finished.
 *
 * It may never end by itself: past its start nothing in it exits, allocates or blocks. libc only. */
#ifndef BERTH_KEEPER_KEEPER_H
#define BERTH_KEEPER_KEEPER_H

/* argv[0] of the supervisor, by which main() knows the role, and its end of the pair. */
#define KEEPER_SUPERVISOR_NAME "berth: supervisor"
#define KEEPER_SUPERVISOR_FD 3

/* What is held before the first supervisor is there. */
struct keeper_gift {
    const char *name;
    int fd; /* at least 10, CLOEXEC */
};

/* Becomes the keeper, which holds the N_GIFTS from the beginning. The supervisor is this same binary (held open from now on, so that it can be started even when the file is
 * replaced or gone), with the same ARGV but argv[0], and the same environment. Returns the exit status to end with: what
 * the supervisor finished with, or 125 and a sentence on stderr when it could not even begin. */
int keeper_main(char *argv[], const struct keeper_gift *gifts, unsigned n_gifts);
/* The same for one that takes another's place in its process, or an unprotected supervisor's, and inherits what WILL
 * (sys/will.h) says. Nothing in it keeps it from going on with what it has. */
int keeper_inherit(char *argv[], int will);
/* The loop; SIGNAL_FD is signals_init()'s. */
int keeper_run(int signal_fd);

#endif
