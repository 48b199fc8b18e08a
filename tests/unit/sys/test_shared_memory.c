/* A memfd that outlives its maker. */
#include "config.h"

#include "sys/shared_memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/fd.h"

#define SIZE 4096

Test(shared_memory, a_new_one_is_zeroes_and_cloexec)
{
    struct shared_memory m;
    cr_assert_eq(shared_memory_new(&m, "berth-test", SIZE), 0);
    cr_assert_eq(m.size, SIZE);
    cr_assert_eq(fcntl(m.fd, F_GETFD), FD_CLOEXEC);
    for (size_t i = 0; i < SIZE; i++)
        cr_assert_eq(((char *)m.base)[i], 0);
    shared_memory_close(&m);
    cr_assert_eq(m.fd, -1);
}

Test(shared_memory, what_was_written_is_there_for_the_next_holder_of_the_descriptor)
{
    struct shared_memory m, next;
    cr_assert_eq(shared_memory_new(&m, "berth-test", SIZE), 0);
    memcpy((char *)m.base + 100, "kept", 5);
    int held = fd_dup_high(m.fd);
    shared_memory_close(&m);

    cr_assert_eq(shared_memory_open(&next, held), 0);
    cr_assert_eq(next.size, SIZE);
    cr_assert_str_eq((char *)next.base + 100, "kept");
    shared_memory_close(&next);
}

Test(shared_memory, growing_keeps_the_contents_and_adds_zeroes)
{
    struct shared_memory m;
    cr_assert_eq(shared_memory_new(&m, "berth-test", SIZE), 0);
    memcpy(m.base, "kept", 5);
    cr_assert_eq(shared_memory_grow(&m, 64 * SIZE), 0);
    cr_assert_eq(m.size, 64 * SIZE);
    cr_assert_str_eq(m.base, "kept");
    cr_assert_eq(((char *)m.base)[64 * SIZE - 1], 0);
    cr_assert_eq(shared_memory_grow(&m, SIZE), -EINVAL);
    cr_assert_eq(m.size, 64 * SIZE);
    shared_memory_close(&m);
}

Test(shared_memory, nobody_can_shrink_it_under_us)
{
    struct shared_memory m;
    cr_assert_eq(shared_memory_new(&m, "berth-test", SIZE), 0);
    cr_assert_eq(ftruncate(m.fd, 0), -1);
    cr_assert_eq(errno, EPERM);
    shared_memory_close(&m);
}

Test(shared_memory, another_kind_of_file_is_refused_and_closed)
{
    struct shared_memory m = {.fd = -1};
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    cr_assert_eq(shared_memory_open(&m, fds[0]), -EINVAL);
    cr_assert_eq(fcntl(fds[0], F_GETFD), -1);
    cr_assert_eq(m.fd, -1);
    close(fds[1]);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(shared_memory_open(&m, file), -EINVAL);
}
