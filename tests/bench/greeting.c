/* greeting: the reader's end of the FIFO. It is open for writing too, so that it never ends, and long enough
 * for thousands who write while nobody reads. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define PATIENCE_MS 60000
#define ROOM (1024 * 1024)

static int fifo_fd = -1; /* ours */

void greeting_open(void)
{
    if (mkfifo(GREETING_FIFO, 0600) == 0)
        fifo_fd = open(GREETING_FIFO, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fifo_fd < 0 || fcntl(fifo_fd, F_SETPIPE_SZ, ROOM) < 0)
        die("%s: %s", GREETING_FIFO, strerror(errno));
}

/* False when none has come. */
static bool greeting_read(struct greeting *ret)
{
    ssize_t n = read(fifo_fd, ret, sizeof(*ret));

    if (n < 0 && errno == EAGAIN)
        return false;
    if (n != sizeof(*ret))
        die("%s: %s", GREETING_FIFO, n < 0 ? strerror(errno) : "not a whole greeting");
    return true;
}

struct greeting greeting_wait(size_t n)
{
    struct pollfd fifo = {.fd = fifo_fd, .events = POLLIN};
    struct greeting g = {0};

    while (n > 0) {
        if (greeting_read(&g))
            n--;
        else if (poll(&fifo, 1, PATIENCE_MS) == 0)
            die("%zu workers did not start in time", n);
    }
    return g;
}

void greeting_forget(void)
{
    struct greeting g;

    while (greeting_read(&g))
        ;
}
