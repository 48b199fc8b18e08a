/* libberth as a program has it, each test in a process of its own: variables and sockets are made here. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "berth/berth.h"

TestSuite(libberth, .timeout = 30);

static void set_number(const char *name, long n)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", n);
    setenv(name, text, 1);
}

static int new_socket(void)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(sa_family_t)) == 0);
    return fd;
}

/* --- LISTEN_FDS ----------------------------------------------------------------------------------------- */

/* Criterion uses low descriptors itself: what is there is described, whatever it is. */
static void give_listen_fds(long n, const char *names)
{
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", n);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

Test(libberth, without_berth_there_is_nothing_and_that_is_no_error)
{
    struct berth_socket s;
    cr_expect_eq(berth_socket_count(), 0);
    cr_expect_eq(berth_socket_get(0, &s), -ENOENT);
    cr_expect_eq(berth_socket_find("web", 0), -ENOENT);
    cr_expect_eq(berth_wait(-1), 1);
    cr_expect_eq(berth_wait_fd(), -ENOENT);
    cr_expect_eq(berth_ready(), 0);
    cr_expect_eq(berth_status("x"), 0);
    cr_expect_eq(berth_store("x", 0), 0);
    cr_expect_eq(berth_barrier(1000), 0);
    cr_expect_eq(berth_watchdog_ms(), 0);
    cr_expect_null(berth_service());
    cr_expect_eq(berth_worker(), 0);
}

Test(libberth, listen_fds_gives_sockets_by_name)
{
    give_listen_fds(1, "web");
    int n = berth_socket_count();
    cr_assert_eq(n, 1);
    cr_assert_eq(berth_socket_find("web", 0), 3);
    cr_assert_eq(berth_socket_find("web", 1), -ENOENT);
    cr_assert_eq(fcntl(3, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(berth_wait(0), 1);
}

Test(libberth, somebody_elses_listen_fds_are_none)
{
    give_listen_fds(1, "web");
    set_number("LISTEN_PID", getppid());
    cr_assert_eq(berth_socket_count(), 0);
}

Test(libberth, another_process_id_of_the_same_number_is_somebody_else)
{
    give_listen_fds(1, "web");
    setenv("LISTEN_PIDFDID", "1", 1);
    cr_assert_eq(berth_socket_count(), 0);
}

Test(libberth, a_wrong_number_of_names_is_an_error)
{
    give_listen_fds(1, "web:admin");
    cr_assert_eq(berth_socket_count(), -EINVAL);
    cr_assert_eq(berth_socket_find("web", 0), -EINVAL);
}

Test(libberth, a_descriptor_that_is_not_open_is_an_error)
{
    give_listen_fds(900, NULL);
    cr_assert_eq(berth_socket_count(), -EBADF);
}

Test(libberth, a_count_that_is_none_is_an_error)
{
    give_listen_fds(1, NULL);
    setenv("LISTEN_FDS", "1x", 1);
    cr_assert_eq(berth_socket_count(), -EINVAL);
}

/* --- others --------------------------------------------------------------------------------------------- */

Test(libberth, einhorns_descriptors_have_no_names)
{
    int fd = new_socket();
    struct berth_socket s;
    set_number("EINHORN_MASTER_PID", getppid());
    setenv("EINHORN_FD_COUNT", "1", 1);
    set_number("EINHORN_FD_0", fd);
    cr_assert_eq(berth_socket_count(), 1);
    cr_assert_eq(berth_socket_get(0, &s), 0);
    cr_assert_eq(s.fd, fd);
    cr_assert_str_eq(s.name, "");
    cr_assert_eq(strncmp(s.address, "unix:@", 6), 0, "%s", s.address);
}

Test(libberth, server_starters_descriptors_are_found)
{
    int one = new_socket(), other = new_socket();
    char text[64];
    snprintf(text, sizeof text, "8080=%d;/run/a.sock=%d", one, other);
    setenv("SERVER_STARTER_PORT", text, 1);
    cr_assert_eq(berth_socket_count(), 2);
    cr_assert_eq(berth_socket_find("", 1), other);
}

/* --- the channel ---------------------------------------------------------------------------------------- */

static int open_channel(void)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    set_number("BERTH_CHANNEL", pair[1]);
    return pair[0];
}

static void send_packet(int channel, const char *text, const int *fds, size_t n)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec iov = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    cr_assert_eq(sendmsg(channel, &m, 0), (ssize_t)strlen(text));
}

static size_t count_open(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 512; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

Test(libberth, a_standby_waits_for_its_sockets)
{
    int channel = open_channel(), fds[2] = {new_socket(), new_socket()};
    struct berth_socket s;
    cr_assert_eq(berth_wait(0), 0);
    cr_assert_eq(berth_socket_count(), 0);
    send_packet(channel, "SOCKETS=2\nFIRST=0\nNAME=web\nADDRESS=tcp://:80\n", fds, 1);
    cr_assert_eq(berth_wait(0), 0);
    cr_assert_eq(berth_socket_count(), 0, "half of them are none");
    send_packet(channel, "SOCKETS=2\nFIRST=1\nNAME=web\nADDRESS=tcp://:81\nACTIVATE=1\n", fds + 1, 1);
    cr_assert_eq(berth_wait(-1), 1);
    cr_assert_eq(berth_socket_count(), 2);
    cr_assert_eq(berth_socket_get(1, &s), 0);
    cr_assert_str_eq(s.name, "web");
    cr_assert_str_eq(s.address, "tcp://:81");
    cr_assert_eq(berth_socket_find("web", 1), s.fd);
    cr_assert_eq(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
    cr_assert_gt(berth_wait_fd(), 0);
}

/* What has come over CHANNEL, or "". */
static const char *read_said(int channel)
{
    static char text[256];
    ssize_t n = recv(channel, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

Test(libberth, a_standby_says_once_that_it_waits)
{
    int channel = open_channel(), fd = new_socket();
    cr_assert_eq(berth_socket_count(), 0);
    cr_assert_str_eq(read_said(channel), "", "it has asked, and does not wait");
    cr_assert_eq(berth_wait(0), 0);
    cr_assert_str_eq(read_said(channel), "WAITING=1\n");
    cr_assert_eq(berth_wait(10), 0);
    send_packet(channel, "SOCKETS=1\nFIRST=0\nNAME=web\nADDRESS=x\nACTIVATE=1\n", &fd, 1);
    cr_assert_eq(berth_wait(-1), 1);
    cr_assert_str_eq(read_said(channel), "");
}

Test(libberth, who_has_its_sockets_at_once_does_not_say_that_it_waits)
{
    int channel = open_channel(), fd = new_socket();
    send_packet(channel, "SOCKETS=1\nFIRST=0\nNAME=web\nADDRESS=x\nACTIVATE=1\n", &fd, 1);
    cr_assert_eq(berth_wait(-1), 1);
    cr_assert_str_eq(read_said(channel), "");
}

Test(libberth, sockets_that_are_sent_again_are_closed_and_nothing_else)
{
    int channel = open_channel(), fds[2] = {new_socket(), new_socket()};
    static const char text[] = "SOCKETS=2\nFIRST=0\nNAME=web\nADDRESS=x\nNAME=web\nADDRESS=y\nACTIVATE=1\n";
    send_packet(channel, text, fds, 2);
    cr_assert_eq(berth_wait(0), 1);
    int first = berth_socket_find("web", 0);
    size_t before = count_open();
    send_packet(channel, text, fds, 2);
    cr_assert_eq(berth_wait(0), 1);
    send_packet(channel, "SOCKETS=1\nFIRST=0\nNAME=other\nADDRESS=x\nACTIVATE=1\n", fds, 1);
    cr_assert_eq(berth_wait(0), 1);
    cr_assert_eq(count_open(), before);
    cr_assert_eq(berth_socket_count(), 2);
    cr_assert_eq(berth_socket_find("web", 0), first);
    send_packet(channel, "DRAIN=1\n", NULL, 0);
    cr_assert_eq(berth_wait(0), 1);
    cr_assert(berth_is_draining(), "it still listens");
}

Test(libberth, sockets_that_are_sent_from_the_first_again_replace_those_that_had_come)
{
    int channel = open_channel(), fds[2] = {new_socket(), new_socket()};
    cr_assert_eq(berth_wait(0), 0);
    size_t before = count_open();
    send_packet(channel, "SOCKETS=3\nFIRST=0\nNAME=web\nADDRESS=x\n", fds, 1);
    cr_assert_eq(berth_wait(0), 0);
    send_packet(channel, "SOCKETS=2\nFIRST=0\nNAME=web\nADDRESS=x\n", fds, 1);
    send_packet(channel, "SOCKETS=2\nFIRST=1\nNAME=web\nADDRESS=y\nACTIVATE=1\n", fds + 1, 1);
    cr_assert_eq(berth_wait(0), 1);
    cr_assert_eq(berth_socket_count(), 2);
    cr_assert_eq(count_open(), before + 2);
}

static void expect_failure(const char *text, const int *fds, size_t n, int error)
{
    int channel = open_channel();
    cr_assert_eq(berth_wait(0), 0);
    size_t before = count_open();
    send_packet(channel, text, fds, n);
    cr_expect_eq(berth_wait(0), error, "%s", text);
    cr_expect_eq(berth_socket_count(), error);
    cr_expect_eq(count_open(), before, "nothing is kept of it");
}

Test(libberth, more_names_than_descriptors_are_an_error)
{
    int fd = new_socket();
    expect_failure("SOCKETS=2\nFIRST=0\nNAME=web\nADDRESS=x\nNAME=web\nADDRESS=y\nACTIVATE=1\n", &fd, 1,
                   -EPROTO);
}

Test(libberth, fewer_names_than_descriptors_are_an_error)
{
    int fds[2] = {new_socket(), new_socket()};
    expect_failure("SOCKETS=1\nFIRST=0\nNAME=web\nADDRESS=x\nACTIVATE=1\n", fds, 2, -EPROTO);
}

Test(libberth, a_gap_between_packets_is_an_error)
{
    int fd = new_socket();
    expect_failure("SOCKETS=2\nFIRST=1\nNAME=web\nADDRESS=x\nACTIVATE=1\n", &fd, 1, -EPROTO);
}

Test(libberth, descriptors_without_room_are_an_error)
{
    int channel = open_channel(), fds[4] = {new_socket(), new_socket(), new_socket(), new_socket()};
    struct rlimit usual, few;
    cr_assert_eq(berth_wait(0), 0);
    int next = dup(0);
    close(next);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = (struct rlimit){(rlim_t)next + 2, usual.rlim_max};
    send_packet(channel,
                "SOCKETS=4\nFIRST=0\nNAME=a\nADDRESS=x\nNAME=b\nADDRESS=x\nNAME=c\nADDRESS=x\nNAME="
                "d\nADDRESS=x\nACTIVATE=1\n",
                fds, 4);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    int r = berth_wait(0);
    setrlimit(RLIMIT_NOFILE, &usual);
    cr_assert_eq(r, -EMFILE);
    cr_assert_eq(dup(0), next);
}

Test(libberth, the_end_of_the_channel_is_told)
{
    int channel = open_channel();
    close(channel);
    cr_assert_eq(berth_wait(-1), -EPIPE);
}

Test(libberth, berth_may_ask_to_drain_there)
{
    int channel = open_channel();
    send_packet(channel, "SOCKETS=0\nFIRST=0\nACTIVATE=1\n", NULL, 0);
    cr_assert_eq(berth_wait(-1), 1);
    cr_assert_not(berth_is_draining());
    send_packet(channel, "DRAIN=1\n", NULL, 0);
    cr_assert_eq(berth_wait(0), 1);
    cr_assert(berth_is_draining());
}

static void *count_in_a_thread(void *arg)
{
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(berth_socket_count(), 1);
    return arg;
}

Test(libberth, threads_see_one_list)
{
    pthread_t threads[8];
    give_listen_fds(1, "web");
    for (size_t i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count_in_a_thread, NULL), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

/* --- telling -------------------------------------------------------------------------------------------- */

/* A socket that listens as a service manager would; its abstract name is in NOTIFY_SOCKET. */
static int open_manager(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t len = sizeof a;
    char name[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(name, sizeof name, "@%.*s", (int)(len - offsetof(struct sockaddr_un, sun_path) - 1),
             a.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

/* What came, with how many descriptors (closed again). */
static const char *read_message(int fd, size_t *n_fds)
{
    static char text[8192];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct iovec iov = {text, sizeof text - 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
    cr_assert_geq(n, 0, "nothing came");
    text[n] = '\0';
    *n_fds = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int got;
            memcpy(&got, CMSG_DATA(c) + i * sizeof got, sizeof got);
            close(got);
            ++*n_fds;
        }
    return text;
}

static void expect_message(int fd, const char *text, size_t n_fds)
{
    size_t got_fds;
    cr_expect_str_eq(read_message(fd, &got_fds), text);
    cr_expect_eq(got_fds, n_fds);
}

Test(libberth, messages_are_those_of_sd_notify)
{
    int manager = open_manager();
    size_t n;
    cr_expect_eq(berth_ready(), 1);
    expect_message(manager, "READY=1\n", 0);
    cr_expect_eq(berth_status("serving %d", 5), 1);
    expect_message(manager, "STATUS=serving 5\n", 0);
    cr_expect_eq(berth_stopping(), 1);
    expect_message(manager, "STOPPING=1\n", 0);
    cr_expect_eq(berth_watchdog(), 1);
    expect_message(manager, "WATCHDOG=1\n", 0);
    cr_expect_eq(berth_extend_timeout(5000000), 1);
    expect_message(manager, "EXTEND_TIMEOUT_USEC=5000000\n", 0);
    cr_expect_eq(berth_main_pid(77), 1);
    expect_message(manager, "MAINPID=77\n", 0);
    cr_expect_eq(berth_store("upload", 0), 1);
    expect_message(manager, "FDSTORE=1\nFDNAME=upload\n", 1);
    cr_expect_eq(berth_unstore("upload"), 1);
    expect_message(manager, "FDSTOREREMOVE=1\nFDNAME=upload\n", 0);
    cr_expect_eq(berth_reloading(), 1);
    cr_expect_eq(strncmp(read_message(manager, &n), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
}

Test(libberth, what_may_not_be_sent_is_refused)
{
    static char long_text[5000];
    int manager = open_manager();
    memset(long_text, 'x', sizeof long_text - 1);
    cr_expect_eq(berth_status("two\nlines"), -EINVAL);
    cr_expect_eq(berth_status("%s", long_text), -EMSGSIZE);
    cr_expect_eq(berth_notify(long_text), -EMSGSIZE);
    cr_expect_eq(berth_main_pid(0), -EINVAL);
    cr_expect_eq(berth_store("", 0), -EINVAL);
    cr_expect_eq(berth_store("a:b", 0), -EINVAL);
    cr_expect_eq(berth_store("a\nb", 0), -EINVAL);
    cr_expect_eq(berth_store("name", 999), -EBADF);
    long_text[256] = '\0';
    cr_expect_eq(berth_unstore(long_text), -EINVAL);
    cr_expect_eq(recv(manager, long_text, 1, MSG_DONTWAIT), -1);
}

Test(libberth, a_manager_that_is_gone_is_an_error)
{
    close(open_manager());
    cr_assert_eq(berth_ready(), -ECONNREFUSED);
}

Test(libberth, a_name_that_is_no_path_is_an_error)
{
    setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
    cr_assert_eq(berth_ready(), -EAFNOSUPPORT);
}

Test(libberth, without_a_manager_messages_go_over_the_channel)
{
    int channel = open_channel();
    cr_assert_eq(berth_ready(), 1);
    expect_message(channel, "READY=1\n", 0);
}

static void *answer_barrier(void *arg)
{
    char text[64];
    int *manager = arg;
    recv(*manager, text, sizeof text, 0); /* without room for the descriptor, which the kernel closes then */
    return NULL;
}

Test(libberth, a_barrier_waits_until_the_other_side_has_read)
{
    int manager = open_manager();
    pthread_t thread;
    cr_assert_eq(berth_barrier(0), 0, "nobody reads");
    expect_message(manager, "BARRIER=1", 1);
    cr_assert_eq(pthread_create(&thread, NULL, answer_barrier, &manager), 0);
    cr_assert_eq(berth_barrier(20000), 1);
    pthread_join(thread, NULL);
}

Test(libberth, the_watchdog_is_for_the_process_that_it_names)
{
    setenv("WATCHDOG_USEC", "3000000", 1);
    cr_expect_eq(berth_watchdog_ms(), 3000);
    set_number("WATCHDOG_PID", getppid());
    cr_expect_eq(berth_watchdog_ms(), 0);
    set_number("WATCHDOG_PID", getpid());
    cr_expect_eq(berth_watchdog_ms(), 3000);
}

/* --- draining ------------------------------------------------------------------------------------------- */

static bool is_readable(int fd)
{
    uint64_t count;
    return read(fd, &count, sizeof count) == sizeof count;
}

Test(libberth, a_signal_begins_draining_and_tells_berth_once)
{
    int manager = open_manager();
    size_t n;
    cr_assert_eq(berth_drain_on(SIGTERM), 0);
    cr_assert_not(berth_is_draining());
    raise(SIGTERM);
    raise(SIGTERM);
    cr_assert(berth_is_draining());
    cr_assert_str_eq(read_message(manager, &n), "STOPPING=1\n");
    cr_assert_eq(recv(manager, &n, 1, MSG_DONTWAIT), -1);
    cr_assert(is_readable(berth_drain_fd()));
}

Test(libberth, draining_that_began_early_is_told_late)
{
    berth_drain_begin();
    cr_assert(is_readable(berth_drain_fd()));
}

static void *end_requests(void *arg)
{
    for (int i = 0; i < 100; i++)
        berth_idle();
    return arg;
}

Test(libberth, draining_waits_for_the_last_request)
{
    pthread_t thread;
    for (int i = 0; i < 100; i++)
        berth_busy();
    berth_drain_begin();
    cr_assert_eq(berth_drain_wait(1), 0);
    cr_assert_eq(pthread_create(&thread, NULL, end_requests, NULL), 0);
    cr_assert_eq(berth_drain_wait(-1), 1);
    pthread_join(thread, NULL);
    cr_assert_eq(berth_drain_wait(0), 1);
}
