/* What may go wrong between a worker and berth: deliveries that are not whole, ends that come early, threads
 * that wait together, variables that were meant for somebody else. Each test is a process of its own. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "berth/berth.h"
#include "tests/unit/libberth/libberth_test.h"

TestSuite(delivery, .init = worker_clean_environment, .timeout = 30);
TestSuite(variables, .init = worker_clean_environment, .timeout = 30);
TestSuite(telling, .init = worker_clean_environment, .timeout = 30);
TestSuite(draining, .init = worker_clean_environment, .timeout = 30);

#define A "NAME=a\nADDRESS=tcp://127.0.0.1:80\n"

/* --- the channel ---------------------------------------------------------------------------------------- */

static void expect_failure(const char *text, int n_fds, int error)
{
    int berth = worker_channel();
    cr_assert_eq(berth_wait(0), 0);
    int before = worker_count_fds();
    worker_send(berth, "SOCKETS=3\nFIRST=0\n" A, 1);
    cr_assert_eq(berth_wait(0), 0);
    worker_send(berth, text, n_fds);
    cr_expect_eq(berth_wait(-1), error, "%s", text);
    cr_expect_eq(worker_count_fds(), before, "what had come before is closed too");
    worker_send(berth, "SOCKETS=3\nFIRST=1\n" A A "ACTIVATE=1\n", 2);
    cr_expect_eq(berth_wait(-1), error, "it lasts");
    cr_expect_eq(berth_socket_count(), error);
    cr_expect_eq(berth_socket_find("a", 0), error);
}

Test(delivery, fails_when_packets_announce_different_numbers)
{
    expect_failure("SOCKETS=2\nFIRST=1\n" A "ACTIVATE=1\n", 1, -EPROTO);
}

Test(delivery, fails_when_a_later_packet_has_fewer_descriptors_than_names)
{
    expect_failure("SOCKETS=3\nFIRST=1\n" A A "ACTIVATE=1\n", 1, -EPROTO);
}

Test(delivery, fails_at_a_descriptor_that_nothing_names)
{
    expect_failure("LATER=1\n", 1, -EPROTO);
}

Test(delivery, fails_when_the_channel_ends_in_the_middle_of_it)
{
    int berth = worker_channel();
    cr_assert_eq(berth_wait(0), 0);
    int before = worker_count_fds();
    worker_send(berth, "SOCKETS=2\nFIRST=0\n" A, 1);
    close(berth);
    cr_expect_eq(berth_wait(-1), -EPIPE);
    cr_expect_eq(worker_count_fds(), before - 1, "berth's end, and what it had sent");
    cr_expect_eq(berth_socket_count(), -EPIPE);
}

Test(delivery, is_read_even_when_berth_is_gone_with_a_message_unread)
{
    int berth = worker_channel();
    cr_assert_eq(berth_ready(), 1);
    worker_send(berth, "SOCKETS=1\nFIRST=0\n" A "ACTIVATE=1\n", 1);
    close(berth); /* which resets the channel: an error comes before the packet */
    cr_expect_eq(berth_wait(-1), -EPIPE);
    cr_expect_eq(berth_socket_count(), 1);
    cr_expect_geq(berth_socket_find("a", 0), 0);
    cr_expect_eq(berth_ready(), 0, "there is nobody to tell any more");
}

static void *wait_for_sockets(void *arg)
{
    (void)arg;
    return (void *)(long)berth_wait(-1);
}

static void join_all(pthread_t *threads, int n, long result)
{
    for (int i = 0; i < n; i++) {
        void *got;
        cr_assert_eq(pthread_join(threads[i], &got), 0);
        cr_expect_eq((long)got, result);
    }
}

/* They poll one channel, and only one of them reads the packet: repeated, since it takes luck to see one left
 * over. */
Test(delivery, wakes_every_thread_that_waits)
{
    pthread_t threads[8];
    int berth = worker_channel();
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, wait_for_sockets, NULL), 0);
    worker_send(berth, "SOCKETS=1\nFIRST=0\n" A, 1);
    worker_send(berth, "SOCKETS=1\nFIRST=1\nACTIVATE=1\n", 0);
    join_all(threads, 8, 1);
}

Test(delivery, is_not_waited_for_when_draining_begins)
{
    int berth = worker_channel();
    worker_send(berth, "DRAIN=1\n", 0);
    cr_expect_eq(berth_wait(-1), -ECANCELED);
    worker_send(berth, "SOCKETS=1\nFIRST=0\n" A "ACTIVATE=1\n", 1);
    cr_expect_eq(berth_wait(-1), 1, "though what comes is taken");
}

Test(delivery, of_a_spare_worker_ends_at_a_signal)
{
    pthread_t thread;
    worker_channel();
    cr_assert_eq(berth_drain_on(SIGUSR1), 0);
    cr_assert_eq(pthread_create(&thread, NULL, wait_for_sockets, NULL), 0);
    raise(SIGUSR1);
    join_all(&thread, 1, -ECANCELED);
}

/* --- variables ------------------------------------------------------------------------------------------ */

Test(variables, of_a_parent_say_nothing_in_any_dialect)
{
    char text[64];
    snprintf(text, sizeof text, "80=%d", worker_listener());
    setenv("SERVER_STARTER_PORT", text, 1);
    setenv("LISTEN_FDS", "1", 1);
    worker_set_number("LISTEN_PID", getppid());
    cr_expect_eq(berth_socket_count(), 0);
}

Test(variables, of_an_ancestor_may_name_what_is_no_channel)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    worker_set_number("BERTH_CHANNEL", pair[0]);
    cr_expect_eq(berth_ready(), 0);
    cr_expect_eq(berth_wait(-1), 1);
    cr_expect_eq(berth_wait_fd(), -ENOENT);
    cr_expect_eq(berth_socket_count(), 0);
    cr_expect_str_eq(worker_read(pair[1], NULL), "", "nothing was said to a stranger");
}

Test(variables, name_sockets)
{
    char text[64];
    snprintf(text, sizeof text, "80=%d", open("/dev/null", O_RDONLY | O_CLOEXEC));
    setenv("SERVER_STARTER_PORT", text, 1);
    cr_expect_eq(berth_socket_count(), -ENOTSOCK);
}

/* --- telling -------------------------------------------------------------------------------------------- */

Test(telling, stores_nothing_over_a_channel)
{
    int berth = worker_channel();
    cr_expect_eq(berth_store("a", 0), -EOPNOTSUPP);
    cr_expect_eq(berth_unstore("a"), -EOPNOTSUPP);
    cr_expect_str_eq(worker_read(berth, NULL), "");
}

Test(telling, refuses_a_carriage_return_as_systemd_cuts_there)
{
    worker_notify_socket(NULL);
    cr_expect_eq(berth_status("a\rMAINPID=1"), -EINVAL);
}

Test(telling, goes_to_a_socket_by_its_path)
{
    char dir[] = "/tmp/berth-notify-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/n", dir);
    int reader = worker_notify_socket(path);
    cr_expect_eq(berth_ready(), 1);
    cr_expect_str_eq(worker_read(reader, NULL), "READY=1\n");
    unlink(path);
    cr_expect_eq(berth_ready(), -ENOENT);
    rmdir(dir);
}

/* --- draining ------------------------------------------------------------------------------------------- */

Test(draining, that_began_before_any_other_call_is_told_too)
{
    int reader = worker_notify_socket(NULL);
    berth_drain_begin();
    cr_expect_str_eq(worker_read(reader, NULL), "");
    cr_expect(worker_is_readable(berth_drain_fd()));
    cr_expect_str_eq(worker_read(reader, NULL), "STOPPING=1\n");
    berth_drain_begin();
    cr_expect(berth_drain_fd() >= 0);
    cr_expect_str_eq(worker_read(reader, NULL), "", "once is enough");
}

/* The queue of an abstract socket that nobody reads is soon full; a handler that blocked there would never
 * end. */
Test(draining, does_not_block_where_nobody_reads)
{
    worker_notify_socket(NULL);
    cr_assert_geq(berth_drain_fd(), 0);
    int filler = worker_fill_notify_socket();
    errno = 77;
    berth_drain_begin();
    cr_expect_eq(errno, 77);
    cr_expect(berth_is_draining());
    close(filler);
}

static void *wait_for_idle(void *arg)
{
    (void)arg;
    return (void *)(long)berth_drain_wait(-1);
}

Test(draining, wakes_every_thread_that_waits)
{
    pthread_t threads[8];
    berth_busy();
    berth_drain_begin();
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, wait_for_idle, NULL), 0);
    berth_busy();
    berth_idle();
    berth_idle();
    join_all(threads, 8, 1);
}

Test(draining, of_a_child_is_not_its_parents)
{
    int fd = berth_drain_fd(), status;
    cr_assert_geq(fd, 0);
    pid_t child = fork();
    if (child == 0) {
        berth_drain_begin();
        int own = berth_drain_fd();
        _exit(own != fd && worker_is_readable(own) && !worker_is_readable(fd) ? 0 : 1);
    }
    cr_assert(waitpid(child, &status, 0) == child && status == 0);
    cr_expect(!worker_is_readable(fd) && !berth_is_draining());
}
