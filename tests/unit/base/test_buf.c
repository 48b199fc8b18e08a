/* buf: grows up to its limit, and says when something did not fit. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

Test(buf, a_new_one_reads_as_an_empty_text)
{
    struct buf b;
    buf_init(&b, 10);
    cr_assert_str_eq(buf_str(&b), "");
    cr_assert_eq(b.len, 0);
    buf_fini(&b);
}

Test(buf, what_is_added_stands_in_order)
{
    struct buf b;
    buf_init(&b, 100);
    buf_add_str(&b, "web");
    buf_add_char(&b, '/');
    buf_printf(&b, "%d#%d", 2, 7);
    buf_add(&b, "", 0);
    cr_assert_str_eq(buf_str(&b), "web/2#7");
    cr_assert_eq(b.len, 7);
    cr_assert_not(b.overflown);
    buf_fini(&b);
}

Test(buf, it_takes_exactly_its_limit)
{
    struct buf b;
    buf_init(&b, 4);
    buf_add_str(&b, "full");
    cr_assert_not(b.overflown);
    cr_assert_str_eq(buf_str(&b), "full");
    buf_fini(&b);
}

Test(buf, one_byte_over_the_limit_stores_nothing_of_the_piece)
{
    struct buf b;
    buf_init(&b, 4);
    buf_add_str(&b, "ab");
    buf_add_str(&b, "cde");
    cr_assert(b.overflown);
    cr_assert_str_eq(buf_str(&b), "ab");
    buf_fini(&b);
}

Test(buf, an_overflown_one_takes_nothing_more_and_so_has_no_hole)
{
    struct buf b;
    buf_init(&b, 4);
    buf_printf(&b, "%s", "too long");
    buf_add_char(&b, 'x');
    cr_assert(b.overflown);
    cr_assert_eq(b.len, 0);
    buf_fini(&b);
}

Test(buf, it_grows_far_beyond_its_first_size)
{
    struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&b, (char)('a' + i % 26));
    cr_assert_not(b.overflown);
    cr_assert_eq(b.len, 100000);
    cr_assert_eq(b.data[99999], 'a' + 99999 % 26);
    cr_assert_eq(b.data[100000], '\0');
    buf_add_char(&b, 'x');
    cr_assert(b.overflown);
    buf_fini(&b);
}

Test(buf, bytes_may_hold_nul)
{
    struct buf b;
    buf_init(&b, 100);
    buf_add(&b, "a\0b", 3);
    cr_assert_eq(b.len, 3);
    cr_assert_arr_eq(b.data, "a\0b", 4);
    buf_fini(&b);
}

Test(buf, consuming_drops_the_front)
{
    struct buf b;
    buf_init(&b, 6);
    buf_add_str(&b, "abcdef");
    buf_consume(&b, 4);
    cr_assert_str_eq(buf_str(&b), "ef");
    buf_add_str(&b, "ghij");
    cr_assert_str_eq(buf_str(&b), "efghij");
    buf_consume(&b, 6);
    cr_assert_str_eq(buf_str(&b), "");
    buf_consume(&b, 0);
    buf_fini(&b);
}

Test(buf, taking_leaves_an_empty_one_that_can_be_used_again)
{
    struct buf b;
    buf_init(&b, 4);
    buf_add_str(&b, "one");
    buf_add_str(&b, "two");
    cleanup_free char *one = buf_take(&b);
    cr_assert_str_eq(one, "one");
    cr_assert_not(b.overflown);
    cleanup_free char *nothing = buf_take(&b);
    cr_assert_str_eq(nothing, "");
    buf_add_str(&b, "more");
    cr_assert_str_eq(buf_str(&b), "more");
    buf_fini(&b);
}
