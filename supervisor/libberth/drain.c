/* drain: a flag, two eventfds and a count. What a signal handler may call touches nothing else. */
#include "config.h"

#include "libberth/private.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool is_prepared, is_draining;
static atomic_long busy;
static int began_fd = -1; /* readable once draining has begun */
static int idle_fd = -1;  /* gets a count whenever nothing is left while draining */
static int prepare_error;

static void prepare_once(void)
{
    libberth_prepare_send();
    began_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    idle_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (began_fd < 0 || idle_fd < 0)
        prepare_error = -errno;
    atomic_store(&is_prepared, true);
}

static int prepare(void)
{
    pthread_once(&once, prepare_once);
    return prepare_error;
}

static void wake(int fd)
{
    uint64_t one = 1;
    if (fd >= 0 && write(fd, &one, sizeof one) < 0)
        return; /* the count is at its end, so it is readable */
}

/* In a handler errno belongs to what was interrupted. */
void berth_drain_begin(void)
{
    static const char text[] = "STOPPING=1\n";
    int before = errno;
    if (!atomic_exchange(&is_draining, true) && atomic_load(&is_prepared)) {
        wake(began_fd);
        libberth_send(text, sizeof text - 1, -1);
    }
    errno = before;
}

int berth_is_draining(void)
{
    return atomic_load(&is_draining);
}

int berth_drain_fd(void)
{
    int r = prepare();
    if (r < 0)
        return r;
    if (atomic_load(&is_draining))
        wake(began_fd); /* it may have begun before there was a descriptor */
    return began_fd;
}

static void on_signal(int signo)
{
    (void)signo;
    berth_drain_begin();
}

int berth_drain_on(int signo)
{
    struct sigaction action;
    int r = prepare();
    if (r < 0)
        return r;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    return sigaction(signo, &action, NULL) < 0 ? -errno : 0;
}

void berth_busy(void)
{
    atomic_fetch_add(&busy, 1);
}

void berth_idle(void)
{
    if (atomic_fetch_sub(&busy, 1) == 1 && atomic_load(&is_prepared))
        wake(idle_fd);
}

static long now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int berth_drain_wait(int timeout_ms)
{
    int r = prepare();
    long end = now_ms() + timeout_ms;
    while (r == 0 && atomic_load(&busy) > 0) {
        struct pollfd p = {.fd = idle_fd, .events = POLLIN};
        uint64_t count;
        long left = timeout_ms < 0 ? -1 : end - now_ms();
        if (timeout_ms >= 0 && left <= 0)
            return 0;
        if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
            r = -errno;
        else if (p.revents && read(idle_fd, &count, sizeof count) < 0 && errno != EAGAIN)
            r = -errno;
    }
    return r < 0 ? r : 1;
}
