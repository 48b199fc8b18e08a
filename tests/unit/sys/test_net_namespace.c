/* net_namespace: a socket tells whose network it belongs to; and how a peer is called. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/net_namespace.h"
#include "sys/peer.h"

Test(net_namespace, a_socket_stays_in_the_one_where_it_was_made)
{
    cleanup_fd int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                   local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(net_namespace_is_own(tcp), 1);
    cr_assert_eq(net_namespace_is_own(local), 1);
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
        cr_skip_test("this user may not make a network namespace");
    cr_assert_eq(net_namespace_is_own(tcp), 0);
    cr_assert_eq(net_namespace_is_own(local), 0);
}

Test(net_namespace, what_is_no_socket_cannot_be_told)
{
    cr_assert_lt(net_namespace_is_own(STDIN_FILENO), 0);
    cr_assert_lt(net_namespace_is_own(-1), 0);
}

Test(peer, one_of_another_pid_namespace_has_no_number)
{
    char text[PEER_TEXT];
    cr_expect_str_eq(peer_format(text, &(struct peer){.pid = 12, .uid = 3}), "process 12 of user 3");
    cr_expect_str_eq(peer_format(text, &(struct peer){.pid = 0, .uid = 3}),
                     "a process of user 3 in another pid namespace");
}
