/* Owning descriptors. */
#include "config.h"

#include "sys/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sys_test.h"

Test(fd, closing_keeps_errno_and_forgets_the_number)
{
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    int number = fds[0];
    errno = EXDEV;
    fd_close(&fds[0]);
    cr_assert_eq(errno, EXDEV);
    cr_assert_eq(fds[0], -1);
    cr_assert_eq(fcntl(number, F_GETFD), -1);
    fd_close(&fds[0]);
    fd_close(&fds[1]);
}

Test(fd, a_scope_closes_what_was_not_taken)
{
    int left, taken;
    {
        int fds[2];
        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        cleanup_fd int a = fds[0];
        cleanup_fd int b = fds[1];
        left = a;
        taken = take_fd(&b);
    }
    cr_assert_eq(fcntl(left, F_GETFD), -1);
    cr_assert_geq(fcntl(taken, F_GETFD), 0);
    close(taken);
}

Test(fd, nonblock_is_set_cleared_and_read)
{
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    cr_assert_eq(fd_is_nonblock(fds[0]), 0);
    cr_assert_eq(fd_set_nonblock(fds[0], true), 0);
    cr_assert_eq(fd_is_nonblock(fds[0]), 1);
    cr_assert_eq(fd_set_nonblock(fds[0], false), 0);
    cr_assert_eq(fd_is_nonblock(fds[0]), 0);
    close(fds[0]);
    close(fds[1]);
    cr_assert_eq(fd_set_nonblock(fds[0], true), -EBADF);
    cr_assert_eq(fd_is_nonblock(fds[0]), -EBADF);
}

Test(fd, a_high_duplicate_is_out_of_the_way_and_cloexec)
{
    int high = fd_dup_high(2);
    cr_assert_geq(high, 10);
    cr_assert_eq(fcntl(high, F_GETFD), FD_CLOEXEC);
    close(high);
    cr_assert_eq(fd_dup_high(high), -EBADF);
}

static int fill_standard(void *arg)
{
    (void)arg;
    struct stat before, st;
    if (fstat(1, &before) < 0)
        return 1;
    close(0);
    close(2);
    if (fd_ensure_standard() != 0)
        return 2;
    for (int fd = 0; fd <= 2; fd += 2) {
        if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3) ||
            fcntl(fd, F_GETFD) != 0)
            return 3;
    }
    return fstat(1, &st) == 0 && st.st_ino == before.st_ino ? 0 : 4;
}

Test(fd, closed_standard_descriptors_become_dev_null_and_open_ones_stay)
{
    cr_assert_eq(test_in_child(fill_standard, NULL), 0);
}

Test(fd, two_descriptors_are_the_same_when_they_lead_to_one_open_file)
{
    cleanup_fd int a = open("/dev/null", O_RDWR | O_CLOEXEC), b = dup(a),
                   other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_expect(fd_is_same(a, a));
    cr_expect(fd_is_same(a, b));
    cr_expect_not(fd_is_same(a, other));
    cr_expect_not(fd_is_same(a, -1));
}
