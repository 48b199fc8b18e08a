/* terminal: are we in the foreground of one? */
#ifndef BERTH_SYS_TERMINAL_H
#define BERTH_SYS_TERMINAL_H

#include <sys/types.h>

/* The foreground process group of the terminal that standard input is and that is our controlling one; -1:
 * there is none. */
pid_t terminal_foreground_group(void);
/* Columns of FD's terminal; 0 if it is none. */
int terminal_width(int fd);

#endif
