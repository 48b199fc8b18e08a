/* mem: what is allocated is zeroed, and no memory ends the process. */
#include "config.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

Test(mem, new_memory_is_zeroed)
{
    cleanup_free unsigned char *p = mem_new(1000);
    for (size_t i = 0; i < 1000; i++)
        cr_assert_eq(p[i], 0);
}

Test(mem, nothing_at_all_can_be_allocated_too)
{
    cleanup_free void *nothing = mem_new(0);
    cleanup_free void *none = mem_new_array(0, 8);
    cleanup_free void *shrunk = mem_resize_array(mem_new(8), 0, 8);
    cr_assert_not_null(nothing);
    cr_assert_not_null(none);
    cr_assert_not_null(shrunk);
}

Test(mem, resizing_keeps_what_was_there)
{
    int *numbers = mem_resize_array(NULL, 2, sizeof(int));
    numbers[0] = 1, numbers[1] = 2;
    cleanup_free int *more = mem_resize_array(numbers, 1000, sizeof(int));
    cr_assert_eq(more[0], 1);
    cr_assert_eq(more[1], 2);
}

Test(mem, strings_are_copied_and_formatted)
{
    cleanup_free char *all = mem_strdup("listen");
    cleanup_free char *part = mem_strndup("listen", 3);
    cleanup_free char *made = mem_printf("%s/%d", "web", 1);
    cr_assert_str_eq(all, "listen");
    cr_assert_str_eq(part, "lis");
    cr_assert_str_eq(made, "web/1");
}

Test(mem, a_product_that_overflows_ends_the_process, .signal = SIGABRT)
{
    free(mem_new_array(SIZE_MAX / 2, 4));
}

Test(mem, resizing_to_a_product_that_overflows_ends_the_process, .signal = SIGABRT)
{
    free(mem_resize_array(NULL, SIZE_MAX / 2, 4));
}

#ifndef BERTH_SANITIZED /* a sanitizer's allocator ends the process by itself, and reports it */
Test(mem, no_memory_ends_the_process, .signal = SIGABRT)
{
    volatile size_t more_than_there_is = SIZE_MAX / 4;
    free(mem_new(more_than_there_is));
}
#endif
