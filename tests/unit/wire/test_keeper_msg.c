/* keeper_msg: what is made parses back, and nothing else does. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "wire/keeper_msg.h"

static struct keeper_msg made(enum keeper_msg_type type, const char *name)
{
    struct keeper_msg m;
    cr_assert_eq(keeper_msg_make(&m, type, name), 0);
    return m;
}

Test(keeper_msg, a_message_comes_back_as_it_was_sent)
{
    struct keeper_msg sent = made(KEEPER_HELD, "worker/web/1/1/7"), got;
    sent.pid = 4711;
    sent.value = -1;
    sent.flags = KEEPER_FLAG_ENDED;
    sent.count = 3;
    cr_assert_eq(keeper_msg_parse(&sent, keeper_msg_size(&sent), &got), 0);
    cr_assert_eq(memcmp(&sent, &got, sizeof(got)), 0);
}

Test(keeper_msg, a_message_without_a_name_is_its_head_only)
{
    struct keeper_msg sent = made(KEEPER_SYNC, NULL), got;
    cr_assert_eq(keeper_msg_size(&sent), KEEPER_MSG_MIN);
    cr_assert_eq(keeper_msg_parse(&sent, KEEPER_MSG_MIN, &got), 0);
    cr_assert_eq(got.type, KEEPER_SYNC);
    cr_assert_str_eq(got.name, "");
}

Test(keeper_msg, the_longest_name_fits_and_one_more_does_not)
{
    char name[LIMIT_HELD_NAME + 2];
    struct keeper_msg sent, got;
    memset(name, 'x', sizeof(name));
    name[LIMIT_HELD_NAME + 1] = '\0';
    memset(&sent, 0x55, sizeof(sent));
    cr_assert_eq(keeper_msg_make(&sent, KEEPER_PUT, name), -ENAMETOOLONG);
    cr_assert_eq(sent.magic, 0x55555555u);
    name[LIMIT_HELD_NAME] = '\0';
    sent = made(KEEPER_PUT, name);
    cr_assert_eq(keeper_msg_parse(&sent, keeper_msg_size(&sent), &got), 0);
    cr_assert_str_eq(got.name, name);
}

Test(keeper_msg, a_name_over_the_limit_is_refused_on_arrival_too)
{
    struct keeper_msg m = made(KEEPER_PUT, NULL), got;
    memset(m.name, 'x', sizeof(m.name));
    m.name_len = LIMIT_HELD_NAME + 1;
    cr_assert_eq(keeper_msg_parse(&m, sizeof(m), &got), -EBADMSG);
}

Test(keeper_msg, every_length_but_the_right_one_is_refused)
{
    struct {
        struct keeper_msg m;
        char more[8];
    } wire = {.m = made(KEEPER_DROP, "control")};
    size_t right = keeper_msg_size(&wire.m);
    for (size_t n = 0; n <= sizeof(wire); n++) {
        struct keeper_msg got;
        cr_assert_eq(keeper_msg_parse(&wire, n, &got), n == right ? 0 : -EBADMSG, "%zu bytes", n);
    }
}

Test(keeper_msg, a_wrong_magic_is_refused_and_nothing_is_written)
{
    struct keeper_msg m = made(KEEPER_DROP, "control"), got;
    m.magic ^= 1;
    memset(&got, 0x55, sizeof(got));
    cr_assert_eq(keeper_msg_parse(&m, keeper_msg_size(&m), &got), -EBADMSG);
    cr_assert_eq(got.magic, 0x55555555u);
}

Test(keeper_msg, a_name_with_a_nul_byte_is_refused)
{
    struct keeper_msg m = made(KEEPER_DROP, "control"), got;
    for (size_t i = 0; i < 7; i++) {
        struct keeper_msg bad = m;
        bad.name[i] = '\0';
        cr_assert_eq(keeper_msg_parse(&bad, keeper_msg_size(&bad), &got), -EBADMSG);
    }
}

Test(keeper_msg, a_type_of_a_later_version_is_passed_on)
{
    struct keeper_msg m = made(KEEPER_DROP, "control"), got;
    m.type = 9999;
    cr_assert_eq(keeper_msg_parse(&m, keeper_msg_size(&m), &got), 0);
    cr_assert_eq(got.type, 9999);
}

Test(keeper_msg, the_bytes_need_no_alignment)
{
    char wire[sizeof(struct keeper_msg) + 1];
    struct keeper_msg m = made(KEEPER_PUT, "state"), got;
    memcpy(wire + 1, &m, keeper_msg_size(&m));
    cr_assert_eq(keeper_msg_parse(wire + 1, keeper_msg_size(&m), &got), 0);
    cr_assert_str_eq(got.name, "state");
}
