/* worker: writes into a FIFO that it runs, and when, and does nothing more. usage: worker FIFO [WORD] */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char *argv[])
{
    struct greeting g = {.pid = getpid(), .at_ms = now_ms()};
    int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CLOEXEC) : -1;

    if (fd < 0 || write(fd, &g, sizeof(g)) != sizeof(g))
        return 1;
    close(fd);
    for (;;)
        pause();
}
