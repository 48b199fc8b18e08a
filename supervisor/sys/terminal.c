/* The terminal, if there is one. */
#include "config.h"

#include "sys/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

pid_t terminal_foreground_group(void)
{
    /* Another session's terminal is refused by the kernel; 0 would be a group outside our pid namespace. */
    pid_t group = tcgetpgrp(STDIN_FILENO);
    return group > 0 ? group : -1;
}

int terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}
