/* will: what is written is read again, descriptors are passed on or not, and names of heirs. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/will.h"

static bool is_passed(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
}

Test(will, is_read_as_it_was_written)
{
    struct keeper_msg m;
    int fd = -2, will = will_new();
    cr_assert_geq(will, 10);
    keeper_msg_make(&m, KEEPER_HELD, "socket/web/0/1.1/tcp4://:80");
    m.pid = -77;
    m.value = 5;
    m.flags = KEEPER_FLAG_ENDED;
    cr_assert_eq(will_add(will, &m, 12), 0);
    keeper_msg_make(&m, KEEPER_SYNC, NULL);
    cr_assert_eq(will_add(will, &m, -1), 0);
    lseek(will, 0, SEEK_SET);
    memset(&m, 0, sizeof m);
    cr_assert_eq(will_read(will, &m, &fd), 1);
    cr_expect(m.type == KEEPER_HELD && m.pid == -77 && m.value == 5 && m.flags == KEEPER_FLAG_ENDED);
    cr_expect_str_eq(m.name, "socket/web/0/1.1/tcp4://:80");
    cr_expect_eq(fd, 12);
    cr_assert_eq(will_read(will, &m, &fd), 1);
    cr_expect(m.type == KEEPER_SYNC && fd == -1);
    cr_expect_eq(will_read(will, &m, &fd), 0);
    close(will);
}

Test(will, that_is_cut_off_or_is_none_is_an_error)
{
    struct keeper_msg m;
    int fd, will = will_new();
    keeper_msg_make(&m, KEEPER_HELD, "state");
    cr_assert_eq(will_add(will, &m, 12), 0);
    cr_assert_eq(ftruncate(will, KEEPER_MSG_MIN + 2), 0);
    lseek(will, 0, SEEK_SET);
    cr_expect_eq(will_read(will, &m, &fd), -EBADMSG);
    cr_assert_eq(pwrite(will, "nonsense", 8, 0), 8);
    lseek(will, 0, SEEK_SET);
    cr_expect_eq(will_read(will, &m, &fd), -EBADMSG);
    cr_assert_eq(ftruncate(will, 7), 0);
    lseek(will, 0, SEEK_SET);
    cr_expect_eq(will_read(will, &m, &fd), -EBADMSG);
    close(will);
}

Test(will, an_exec_that_fails_leaves_everything_as_it_was)
{
    struct keeper_msg m;
    char *argv[] = {(char *)"as before", NULL};
    int will = will_new(), held = dup(will), no_program = open("/etc/passwd", O_PATH | O_CLOEXEC);
    will_pass(held, false);
    keeper_msg_make(&m, KEEPER_HELD, "state");
    cr_assert_eq(will_add(will, &m, held), 0);
    cr_expect_eq(will_execute(will, no_program, argv, argv + 1), -EACCES);
    cr_expect_str_eq(argv[0], "as before");
    cr_expect_not(is_passed(held));
    cr_expect_not(is_passed(will));
    close(no_program);
    close(held);
    close(will);
}

Test(will, an_heir_is_known_by_its_name)
{
    cr_expect_eq(will_find("berth: keeper 17"), 17);
    cr_expect_eq(will_find("berth: keeper 0"), 0);
    cr_expect_eq(will_find("berth: keeper "), -1);
    cr_expect_eq(will_find("berth: keeper 1x"), -1);
    cr_expect_eq(will_find("berth: keeper 99999999999999999999"), -1);
    cr_expect_eq(will_find("berth: supervisor"), -1);
    cr_expect_eq(will_find("berth"), -1);
}
