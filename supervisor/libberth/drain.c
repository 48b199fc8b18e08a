/* drain: a flag, an eventfd and a count. What a signal handler may call touches nothing else. The eventfd is
 * of one process: a child of fork(2) that drains does not make its parent's readable. */
#include "config.h"

#include "libberth/private.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_prepared; /* where messages go is known */
static atomic_bool is_draining, is_told;
static _Atomic uint64_t began; /* the process and its eventfd, readable once draining has begun; 0: none */
static atomic_int busy, waiting;

static int began_fd(void)
{
    uint64_t word = atomic_load(&began);
    return word >> 32 == (uint64_t)getpid() ? (int)(uint32_t)word : -1;
}

/* What has happened before somebody could be told is told by whoever makes that possible. */
static void tell(void)
{
    static const char text[] = "STOPPING=1\n";
    uint64_t one = 1;
    int fd = began_fd();
    if (fd >= 0 && write(fd, &one, sizeof one) < 0)
        return; /* the count is at its end: that was long ago */
    if (atomic_load(&is_prepared) && !atomic_exchange(&is_told, true))
        libberth_send(text, sizeof text - 1, -1, MSG_DONTWAIT);
}

/* In a handler errno belongs to what was interrupted. */
void berth_drain_begin(void)
{
    int before = errno;
    if (!atomic_exchange(&is_draining, true))
        tell();
    errno = before;
}

int berth_is_draining(void)
{
    return atomic_load(&is_draining);
}

/* With the lock. */
static int make_began_fd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    atomic_store(&began, (uint64_t)getpid() << 32 | (uint32_t)fd);
    return fd;
}

int berth_drain_fd(void)
{
    int fd = began_fd();
    if (fd >= 0)
        return fd;
    libberth_prepare_send();
    atomic_store(&is_prepared, true);
    pthread_mutex_lock(&lock);
    fd = began_fd();
    if (fd < 0)
        fd = make_began_fd();
    pthread_mutex_unlock(&lock);
    if (fd >= 0 && atomic_load(&is_draining))
        tell();
    return fd;
}

static void on_signal(int signo)
{
    (void)signo;
    berth_drain_begin();
}

int berth_drain_on(int signo)
{
    struct sigaction action;
    int fd = berth_drain_fd();
    if (fd < 0)
        return fd;
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
    int before = errno;
    if (atomic_fetch_sub(&busy, 1) == 1 && atomic_load(&waiting) > 0)
        syscall(SYS_futex, &busy, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = before;
}

/* Until the count is no longer N, LEFT_MS have gone (below 0: never), or a signal came. */
static void wait_for_change(int n, long long left_ms)
{
    struct timespec left = {(time_t)(left_ms / 1000), left_ms % 1000 * 1000000};
    atomic_fetch_add(&waiting, 1);
    syscall(SYS_futex, &busy, FUTEX_WAIT_PRIVATE, n, left_ms < 0 ? NULL : &left, NULL, 0);
    atomic_fetch_sub(&waiting, 1);
}

int berth_drain_wait(int timeout_ms)
{
    long long end = libberth_now_ms() + timeout_ms;
    for (int n; (n = atomic_load(&busy)) > 0;) {
        long long left = timeout_ms < 0 ? -1 : end - libberth_now_ms();
        if (timeout_ms >= 0 && left <= 0)
            return 0;
        wait_for_change(n, left);
    }
    return 1;
}
