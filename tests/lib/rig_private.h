/* rig_private: what the rig's own files share. */
#ifndef BERTH_TESTS_RIG_PRIVATE_H
#define BERTH_TESTS_RIG_PRIVATE_H

#include "rig.h"

struct rig_private {
    char **strings; /* freed at the end */
    size_t n_strings;
    char **environment; /* NULL-terminated, ours */
    json_t *replies;    /* an array that keeps what was borrowed alive */
    int report_fd;      /* ours: the FIFO, both ends */
    int events_fd;      /* ours: a connection that follows events; -1 none */
    char line[1024];    /* of the report, so far */
    size_t line_len;
};

extern struct rig *rig_current;

/* Takes a heap string over. */
char *rig_keep(struct rig *r, char *take_text);
long rig_now_ms(void);
int rig_exit_status(int wait_status);
/* A child with stdout and stderr in these files ("" for /dev/null) and no other descriptor. */
pid_t rig_fork_exec(struct rig *r, const char *const *argv, const char *out_path, const char *err_path);
/* Every process below this one, children first; their number. */
size_t rig_descendants(pid_t *dst, size_t max);
/* Has it ended, or has it been sent what it will die of as soon as it has a processor? */
bool rig_is_ending(struct rig *r, pid_t pid);
void rig_dump(struct rig *r);
void rig_dump_processes(void);
void rig_kill_descendants(void);
/* Reaps the children that berth left us, but not berth. */
void rig_reap_strays(struct rig *r);
void rig_events_close(struct rig *r);

#endif
