/* fdholder: frames to the letter of s6's protocol. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "wire/fdholder.h"

#define BYTES(text) (text), sizeof(text) - 1

static struct fdholder_request request;

static ssize_t parse(const char *bytes, size_t n)
{
    request = (struct fdholder_request){FDHOLDER_OTHER, "untouched"};
    return fdholder_parse(bytes, n, &request);
}

Test(fdholder, list_is_one_letter)
{
    cr_assert_eq(parse(BYTES("\0\0\0\1\0\0L")), 7);
    cr_assert_eq(request.kind, FDHOLDER_LIST);
}

Test(fdholder, retrieve_names_an_identifier)
{
    cr_assert_eq(parse(BYTES("\0\0\0\7\0\0R\0\3web\0")), 13);
    cr_assert_eq(request.kind, FDHOLDER_RETRIEVE);
    cr_assert_str_eq(request.id, "web");
    cr_assert_eq(parse(BYTES("\0\0\0\7\0\0R\1\3web\0")), 13);
    cr_assert_eq(request.kind, FDHOLDER_TAKE);
}

Test(fdholder, what_is_behind_a_frame_is_left)
{
    cr_assert_eq(parse(BYTES("\0\0\0\1\0\0L\0\0\0\1\0\0L")), 7);
}

Test(fdholder, other_requests_are_frames_too)
{
    cr_assert_eq(parse(BYTES("\0\0\0\1\0\0?")), 7);
    cr_assert_eq(request.kind, FDHOLDER_OTHER);
    cr_assert_eq(parse(BYTES("\0\0\0\2\0\1Sx")), 8);
    cr_assert_eq(request.kind, FDHOLDER_OTHER);
}

Test(fdholder, a_part_of_a_frame_is_waited_for)
{
    static const char whole[] = "\0\0\0\7\0\0R\0\3web";
    for (size_t n = 0; n <= sizeof whole - 1; n++)
        cr_expect_eq(parse(whole, n), 0, "%zu", n);
    cr_expect_str_eq(request.id, "untouched");
}

Test(fdholder, what_is_no_request_is_refused)
{
    cr_expect_eq(parse(BYTES("\0\0\0\0\0\0")), -EBADMSG, "an empty frame");
    cr_expect_eq(parse(BYTES("\0\0\x10\1\0\0")), -EBADMSG, "4097 bytes");
    cr_expect_eq(parse(BYTES("\0\0\x10\0\0\0")), 0, "4096 bytes may come yet");
    cr_expect_eq(parse(BYTES("\0\0\0\1\0\xfeL")), -EBADMSG, "254 descriptors");
    cr_expect_eq(parse(BYTES("\0\0\0\2\0\0LL")), -EBADMSG);
    cr_expect_eq(parse(BYTES("\0\0\0\1\0\0R")), -EBADMSG);
    cr_expect_eq(parse(BYTES("\0\0\0\4\0\0R\0\0\0")), -EBADMSG, "no identifier");
    cr_expect_eq(parse(BYTES("\0\0\0\7\0\0R\0\4web\0")), -EBADMSG, "its length is wrong");
    cr_expect_eq(parse(BYTES("\0\0\0\7\0\0R\0\3webx")), -EBADMSG, "no NUL");
    cr_expect_eq(parse(BYTES("\0\0\0\7\0\0R\0\3w\0b\0")), -EBADMSG, "a NUL inside");
}

static void expect_bytes(struct buf *b, const char *bytes, size_t n)
{
    cr_expect(b->len == n && memcmp(b->data, bytes, n) == 0);
    buf_fini(b);
}

Test(fdholder, replies_are_frames)
{
    static const char *const ids[] = {"web", "web:2"};
    struct buf b;
    buf_init(&b, 4096);
    fdholder_format_result(&b, 0, 1);
    expect_bytes(&b, BYTES("\0\0\0\1\0\1\0"));
    buf_init(&b, 4096);
    fdholder_format_result(&b, EPERM, 0);
    expect_bytes(&b, BYTES("\0\0\0\1\0\0\1"));
    buf_init(&b, 4096);
    fdholder_format_list(&b, ids, 2);
    expect_bytes(&b, BYTES("\0\0\0\x0f\0\0\0\0\0\0\2web\0web:2\0"));
}
