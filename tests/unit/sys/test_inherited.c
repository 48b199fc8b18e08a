/* inherited: sockets that whoever started us has left on descriptors from 3 on. In children, which have
 * nothing else there. */
#include "config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/inherited.h"
#include "sys_test.h"

TestSuite(inherited, .timeout = 30);

/* What a child does is told by its status: the number of the first wish that did not come true. */
#define wish(n, x)                                                                                           \
    do {                                                                                                     \
        if (!(x))                                                                                            \
            return (n);                                                                                      \
    } while (0)

/* Descriptors 3, 4 and 5: a socket, a pipe's end, a socket. */
static void put_descriptors(void)
{
    int ends[2] = {-1, -1};
    for (int fd = 3; fd < 30; fd++)
        close(fd);
    (void)!socket(AF_UNIX, SOCK_STREAM, 0);
    (void)!pipe(ends);
    dup2(socket(AF_UNIX, SOCK_DGRAM, 0), 5);
    for (int fd = 6; fd < 30; fd++)
        close(fd);
}

static void tell(const char *count, pid_t pid, const char *names)
{
    char text[32];
    snprintf(text, sizeof text, "%d", (int)pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", count, 1);
    names ? setenv("LISTEN_FDNAMES", names, 1) : unsetenv("LISTEN_FDNAMES");
}

static int take_all(void *arg)
{
    struct inherited *all = NULL;
    (void)arg;
    put_descriptors();
    tell("3", getpid(), "web.socket:pipe:bad name");
    wish(1, inherited_take(&all) == 2);
    wish(2, strcmp(all[0].name, "web") == 0 && all[1].name[0] == '\0');
    wish(3, all[0].fd >= 10 && all[1].fd >= 10 && all[0].fd != all[1].fd);
    wish(4, fcntl(all[0].fd, F_GETFD) == FD_CLOEXEC && fcntl(all[1].fd, F_GETFD) == FD_CLOEXEC);
    wish(5, fcntl(3, F_GETFD) < 0 && fcntl(5, F_GETFD) < 0);
    wish(6, fcntl(4, F_GETFD) >= 0);
    return 0;
}

Test(inherited, sockets_are_taken_and_other_things_left)
{
    cr_expect_eq(test_in_child(take_all, NULL), 0);
}

static int take_without_names(void *names)
{
    struct inherited *all = NULL;
    put_descriptors();
    tell("3", getpid(), names);
    wish(1, inherited_take(&all) == 2);
    wish(2, all[0].name[0] == '\0' && all[1].name[0] == '\0');
    return 0;
}

Test(inherited, names_that_are_missing_or_none_are_empty)
{
    static const char *const names[] = {NULL, "", "a/b", ":", ":::::", ".socket", "a b:x:\n"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool is_odd = names[i] && strcmp(names[i], ".socket") == 0; /* a name like any other */
        cr_expect_eq(test_in_child(take_without_names, (void *)names[i]), is_odd ? 2 : 0, "%s", names[i]);
    }
}

static int take_a_long_name(void *arg)
{
    struct inherited *all = NULL;
    char names[3 * LIMIT_NAME];
    (void)arg;
    put_descriptors();
    memset(names, 'n', sizeof names);
    names[LIMIT_NAME] = ':';
    names[2 * LIMIT_NAME] = ':';
    names[sizeof names - 1] = '\0';
    tell("1", getpid(), names);
    wish(1, inherited_take(&all) == 1);
    wish(2, strlen(all[0].name) == LIMIT_NAME);
    memset(names, 'n', LIMIT_NAME + 1);
    free(all);
    put_descriptors();
    tell("1", getpid(), names);
    wish(3, inherited_take(&all) == 1);
    wish(4, all[0].name[0] == '\0');
    return 0;
}

Test(inherited, a_name_is_whole_or_none)
{
    cr_expect_eq(test_in_child(take_a_long_name, NULL), 0);
}

static int take_nothing(void *count)
{
    struct inherited *all = NULL;
    put_descriptors();
    tell(count, getpid(), "a:b:c");
    wish(1, inherited_take(&all) == 0 && all == NULL);
    wish(2, fcntl(3, F_GETFD) >= 0 && fcntl(5, F_GETFD) >= 0);
    return 0;
}

static int take_of_another(void *arg)
{
    struct inherited *all = NULL;
    (void)arg;
    put_descriptors();
    tell("3", getppid(), "a:b:c");
    wish(1, inherited_take(&all) == 0);
    unsetenv("LISTEN_PID");
    wish(2, inherited_take(&all) == 0);
    setenv("LISTEN_PID", "x", 1);
    wish(3, inherited_take(&all) == 0);
    wish(4, all == NULL && fcntl(3, F_GETFD) >= 0);
    return 0;
}

Test(inherited, what_is_not_for_us_is_left_alone)
{
    static const char *const counts[] = {"", "0", "-1", "x", "3x", "1025", "99999999999999999999"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cr_expect_eq(test_in_child(take_nothing, (void *)counts[i]), 0, "%s", counts[i]);
    cr_expect_eq(test_in_child(take_of_another, NULL), 0);
}

static int take_more_than_there_are(void *arg)
{
    struct inherited *all = NULL;
    (void)arg;
    put_descriptors();
    tell("9", getpid(), NULL);
    wish(1, inherited_take(&all) == 2);
    return 0;
}

Test(inherited, descriptors_that_are_not_there_are_left_out)
{
    cr_expect_eq(test_in_child(take_more_than_there_are, NULL), 0);
}
