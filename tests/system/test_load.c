/* test_load: the load client itself, against servers that fail on purpose: a client that cannot see a lost
 * request would prove nothing. No berth in here. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

enum manner { ANSWER, CLOSE_AT_ONCE, RESET, ANSWER_HALF, WRONG_STATUS };

static void treat(int fd, enum manner manner)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npid=7";
    static const char wrong[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    struct linger reset = {.l_onoff = 1};
    char request[1024];
    ssize_t n = 0;

    if (manner != CLOSE_AT_ONCE)
        n = recv(fd, request, sizeof(request), 0);
    if (manner == ANSWER)
        n = send(fd, whole, sizeof(whole) - 1, MSG_NOSIGNAL);
    if (manner == ANSWER_HALF)
        n = send(fd, whole, sizeof(whole) - 3, MSG_NOSIGNAL);
    if (manner == WRONG_STATUS)
        n = send(fd, wrong, sizeof(wrong) - 1, MSG_NOSIGNAL);
    if (manner == RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void)n;
    close(fd);
}

/* A server on the rig's port, as a child that the rig clears up. Returns once it listens. */
static pid_t server_start(struct rig *r, enum manner manner)
{
    struct sockaddr_storage address;
    socklen_t len;
    int fd, one = 1;
    pid_t pid;

    cr_assert(load_parse_address(rig_address(r, 4), &address, &len) == 0);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    cr_assert(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 64) == 0);
    pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0)
        for (;;) {
            int c = accept(fd, NULL, NULL);
            if (c < 0)
                _exit(1);
            treat(c, manner);
        }
    close(fd);
    return pid;
}

/* What load says of a server of that manner after some requests. */
static struct load_counts load_of(struct rig *r, enum manner manner)
{
    pid_t server = server_start(r, manner);
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    struct load_counts counts;

    rig_until(r, (load_read(load, &counts), counts.ok + load_lost(&counts) >= 6));
    load_stop(load, &counts);
    rig_kill(r, server, SIGKILL);
    return counts;
}

rig_test(load, counts_answers_and_who_gave_them)
{
    struct load_counts counts = load_of(r, ANSWER);

    cr_assert(counts.ok >= 6 && load_lost(&counts) == 0);
    cr_assert(counts.n_pids == 1 && counts.pids[0] == 7);
}

rig_test(load, counts_a_refused_connection)
{
    struct load *load = rig_load(r, rig_address(r, 4), 2);
    struct load_counts counts;

    rig_until(r, (load_read(load, &counts), counts.refused >= 4));
    load_stop(load, &counts);
    cr_assert(counts.ok == 0 && load_lost(&counts) == counts.refused);
}

rig_test(load, counts_a_missing_unix_path_as_refused)
{
    struct load *load = rig_load(r, rig_address(r, 1), 1);
    struct load_counts counts;

    rig_until(r, (load_read(load, &counts), counts.refused >= 2));
    load_stop(load, &counts);
    cr_assert(counts.last_errno == ENOENT);
}

rig_test(load, counts_a_reset)
{
    struct load_counts counts = load_of(r, RESET);

    cr_assert(counts.ok == 0 && counts.reset >= 6 && load_lost(&counts) == counts.reset);
}

rig_test(load, counts_an_answer_that_is_cut_off)
{
    struct load_counts counts = load_of(r, ANSWER_HALF);

    cr_assert(counts.ok == 0 && counts.early >= 6 && load_lost(&counts) == counts.early);
}

rig_test(load, counts_a_close_without_an_answer)
{
    struct load_counts counts = load_of(r, CLOSE_AT_ONCE);

    cr_assert(counts.ok == 0 && counts.early + counts.reset >= 6);
}

rig_test(load, takes_no_error_for_an_answer)
{
    struct load_counts counts = load_of(r, WRONG_STATUS);

    cr_assert(counts.ok == 0 && counts.other >= 6);
}

rig_test(load, counts_a_request_that_is_never_answered_as_timed_out)
{
    struct sockaddr_storage address;
    socklen_t len;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    cr_assert(load_parse_address(rig_address(r, 4), &address, &len) == 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    cr_assert(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 64) == 0);
    struct load *load =
        load_start(&(struct load_options){.address = rig_address(r, 4), .clients = 1, .patience = 1});
    struct load_counts counts;
    rig_until(r, (load_read(load, &counts), counts.timed_out >= 1));
    close(fd);
    load_stop(load, &counts);
    cr_assert(counts.ok == 0);
}

rig_test(load, knows_the_grammar_of_addresses)
{
    struct sockaddr_storage address;
    socklen_t len;

    (void)r;
    cr_assert(load_parse_address("tcp://[::1]:80", &address, &len) == 0 && address.ss_family == AF_INET6);
    cr_assert(load_parse_address(":80", &address, &len) == 0 && address.ss_family == AF_INET);
    cr_assert(load_parse_address("unix:@name", &address, &len) == 0 && len == 2 + 5);
    cr_assert(load_parse_address("/path", &address, &len) == 0 && len == 2 + 6);
    cr_assert(load_parse_address("nothing", &address, &len) == -EINVAL);
}
