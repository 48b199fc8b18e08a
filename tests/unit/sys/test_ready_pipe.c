/* ready_pipe: the newline of a worker that is ready. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/ready_pipe.h"
#include "sys_test.h"

Test(ready_pipe, a_newline_is_seen_as_often_as_one_looks)
{
    int ours = -1, theirs = -1;
    cr_assert_eq(ready_pipe_new(&ours, &theirs), 0);
    cr_expect_eq(ready_pipe_look(ours), 0);
    cr_assert_eq(write(theirs, "not yet", 7), 7);
    cr_expect_eq(ready_pipe_look(ours), 0);
    cr_assert_eq(write(theirs, "up\nand more", 11), 11);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(ready_pipe_look(ours), 1);
    fd_close(&theirs);
    cr_expect_eq(ready_pipe_look(ours), 1);
    fd_close(&ours);
}

Test(ready_pipe, one_that_is_closed_without_a_newline_will_have_none)
{
    int ours = -1, theirs = -1;
    cr_assert_eq(ready_pipe_new(&ours, &theirs), 0);
    cr_assert_eq(write(theirs, "no", 2), 2);
    fd_close(&theirs);
    cr_expect_eq(ready_pipe_look(ours), -EPIPE);
    fd_close(&ours);
}

Test(ready_pipe, what_is_written_before_the_newline_may_be_long)
{
    static char text[20000];
    int ours = -1, theirs = -1;
    cr_assert_eq(ready_pipe_new(&ours, &theirs), 0);
    cr_assert_eq(write(theirs, text, sizeof text), sizeof text);
    cr_expect_eq(ready_pipe_look(ours), 0);
    cr_assert_eq(write(theirs, text, sizeof text), sizeof text);
    cr_assert_eq(write(theirs, "\n", 1), 1);
    cr_expect_eq(ready_pipe_look(ours), 1);
    fd_close(&ours);
    fd_close(&theirs);
}
