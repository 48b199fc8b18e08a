/* store: names, processes, and what is still to be told. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keeper/store.h"

static struct entry *find(const char *name)
{
    for (struct entry *e = store_next(NULL); e; e = store_next(e))
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

Test(store, holds_its_limit_of_names_and_refuses_one_more)
{
    char name[16];
    for (int i = 0; i < LIMIT_HELD; i++) {
        snprintf(name, sizeof name, "n%d", i);
        cr_assert_eq(store_put(name, -1, i + 1), 0);
    }
    cr_expect_eq(store_put("one more", -1, 0), -ENOSPC);
    cr_expect_eq(store_put("n7", -1, 70000), 0, "a name that is there takes no more room");
    store_drop("n9");
    cr_expect_eq(store_put("one more", -1, 0), 0, "room was made");
    cr_expect_str_eq(store_find_process(LIMIT_HELD)->name, "n65534");
    cr_expect_null(store_find_process(8));
    cr_expect_null(store_find_process(10));
    cr_expect_str_eq(store_find_process(70000)->name, "n7");
}

Test(store, refuses_a_name_that_is_empty_or_too_long)
{
    char name[LIMIT_HELD_NAME + 2];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    cr_expect_eq(store_put(name, -1, 0), -EINVAL);
    cr_expect_eq(store_put("", -1, 0), -EINVAL);
    cr_expect_eq(store_put(name + 1, -1, 0), 0);
}

Test(store, holds_names_of_every_length_whole)
{
    char name[LIMIT_HELD_NAME + 1];
    for (int round = 0; round < 2; round++) { /* then again, in slots that others had */
        for (size_t len = 1; len <= LIMIT_HELD_NAME; len++) {
            memset(name, 'a' + round, len);
            name[len] = '\0';
            cr_assert_eq(store_put(name, -1, (pid_t)len), 0);
        }
        for (size_t len = 1; len <= LIMIT_HELD_NAME; len++) {
            struct entry *e = store_find_process((pid_t)len);
            memset(name, 'a' + round, len);
            name[len] = '\0';
            cr_assert_str_eq(e->name, name);
        }
        for (struct entry *e; (e = store_next(NULL));)
            store_drop(e->name);
    }
}

Test(store, closes_what_is_replaced_or_dropped)
{
    int a = open("/dev/null", O_RDONLY | O_CLOEXEC), b = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(store_put("x", a, 0), 0);
    cr_assert_eq(store_count_fds(), 1);
    cr_assert_eq(store_put("x", b, 0), 0);
    cr_expect_eq(fcntl(a, F_GETFD), -1);
    cr_expect_neq(fcntl(b, F_GETFD), -1);
    cr_expect_eq(store_count_fds(), 1);
    store_drop("x");
    cr_expect_eq(fcntl(b, F_GETFD), -1);
    cr_expect_eq(store_count_fds(), 0);
    store_drop("x");
    cr_expect_null(store_next(NULL));
}

Test(store, an_end_is_untold_until_it_is_told)
{
    cr_assert_eq(store_put("w", -1, 100), 0);
    cr_assert_null(store_first_untold(), "the supervisor itself has put it");
    store_end(store_find_process(100), 0x2a00);
    cr_expect_null(store_find_process(100), "the pid may be another's now");
    struct entry *e = store_first_untold();
    cr_assert_not_null(e);
    cr_expect(e->known && e->ended && e->status == 0x2a00);
    store_tell(e);
    cr_expect_null(store_first_untold());
}

Test(store, a_new_supervisor_is_told_of_everything_before_any_end)
{
    cr_assert_eq(store_put("a", -1, 100), 0);
    cr_assert_eq(store_put("b", -1, 101), 0);
    cr_assert_eq(store_put("c", -1, 0), 0);
    store_end(find("b"), 0);
    store_forget_told();
    store_tell(store_first_untold());
    cr_expect(find("b")->known, "what was untold goes first");
    store_end(find("a"), 0);
    int held = 0;
    for (struct entry *e; (e = store_first_untold()) != NULL && !e->known; held++)
        store_tell(e);
    cr_expect_eq(held, 2);
    cr_expect_null(store_first_untold(), "a's end went with its entry");
}

Test(store, a_process_that_is_replaced_is_unknown_from_then_on)
{
    cr_assert_eq(store_put("w", -1, 100), 0);
    cr_assert_eq(store_put("w", -1, 4196), 0); /* the same hash chain */
    cr_expect_null(store_find_process(100));
    cr_expect_str_eq(store_find_process(4196)->name, "w");
    store_drop("w");
    cr_expect_null(store_find_process(4196));
}
