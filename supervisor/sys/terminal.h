/* terminal: are we in the foreground of one? */
#ifndef BERTH_SYS_TERMINAL_H
#define BERTH_SYS_TERMINAL_H

#include <stdbool.h>

/* Is standard input a terminal whose foreground process group is ours? */
bool terminal_is_foreground(void);
/* Columns of FD's terminal; 0 if it is none. */
int terminal_width(int fd);

#endif
