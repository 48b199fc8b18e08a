/* memory_file: what was written is what is read, and nobody can change it. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/memory_file.h"

TestSuite(memory_file, .timeout = 30);

static void expect_same(const char *bytes, size_t n)
{
    cleanup_fd int fd = memory_file_new("test", bytes, n);
    char *got = NULL;
    size_t got_n = 77;
    cr_assert_geq(fd, 10);
    cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(memory_file_read(fd, n, &got, &got_n), 0);
    cr_assert_eq(got_n, n);
    cr_expect_eq(memcmp(got, bytes, n), 0);
    cr_expect_eq(got[n], '\0');
    free(got);
    if (n > 0)
        cr_expect_eq(memory_file_read(fd, n - 1, &got, &got_n), -EFBIG);
}

Test(memory_file, what_is_written_is_read_again)
{
    cleanup_free char *large = mem_new(3 * 1024 * 1024);
    memset(large, 'x', 3 * 1024 * 1024);
    expect_same("hello", 5);
    expect_same("a\0b", 3);
    expect_same("", 0);
    expect_same(large, 3 * 1024 * 1024);
}

Test(memory_file, it_is_read_from_its_beginning_wherever_others_stand_in_it)
{
    cleanup_fd int fd = memory_file_new("test", "hello", 5);
    char *got = NULL;
    size_t n;
    lseek(fd, 3, SEEK_SET);
    cr_assert_eq(memory_file_read(fd, 10, &got, &n), 0);
    cr_expect_str_eq(got, "hello");
    cr_expect_eq(lseek(fd, 0, SEEK_CUR), 3);
    free(got);
}

Test(memory_file, nobody_can_change_it)
{
    cleanup_fd int fd = memory_file_new("test", "hello", 5);
    cr_expect(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM);
    cr_expect(ftruncate(fd, 0) < 0 && errno == EPERM);
    cr_expect(ftruncate(fd, 9) < 0 && errno == EPERM);
    cr_expect_eq(mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    cr_expect(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) < 0);
}

Test(memory_file, what_is_no_file_is_refused)
{
    char *got = NULL;
    size_t n;
    cr_expect_eq(memory_file_read(-1, 10, &got, &n), -EBADF);
    cr_expect_null(got);
}
