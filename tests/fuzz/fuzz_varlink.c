/* fuzz_varlink: a call or a reply that is accepted can be written again, and is then read as the same. */
#include "config.h"

#include "base/str.h"
#include "fuzz.h"
#include "wire/varlink.h"

static size_t only_message(const struct buf *b)
{
    size_t len = 0;
    check(!b->overflown);
    check(varlink_has_message(b, &len));
    check(len + 1 == b->len);
    return len;
}

static void check_call(const struct varlink_call *c)
{
    struct buf b;
    struct varlink_call again;
    struct berr err;
    buf_init(&b, 1024 * 1024);
    varlink_format_call(&b, c->method, c->parameters, c->more);
    check(varlink_call_parse(b.data, only_message(&b), &again, &err) == 0);
    check(str_eq(again.method, c->method) && again.more == c->more);
    check(json_equal(again.parameters, c->parameters));
    varlink_call_fini(&again);
    buf_fini(&b);
}

static void check_reply(const struct varlink_reply *r)
{
    struct buf b;
    struct varlink_reply again;
    struct berr err;
    buf_init(&b, 1024 * 1024);
    if (r->error != NULL)
        varlink_format_error(&b, r->error, r->parameters);
    else
        varlink_format_reply(&b, r->parameters, r->continues);
    check(varlink_reply_parse(b.data, only_message(&b), &again, &err) == 0);
    check((again.error != NULL) == (r->error != NULL));
    check(r->error != NULL ? str_eq(again.error, r->error) : again.continues == r->continues);
    check(json_equal(again.parameters, r->parameters));
    varlink_reply_fini(&again);
    buf_fini(&b);
}

static void check_refusal(const struct berr *err)
{
    check(err->class == BERR_PROTOCOL);
    check(err->text[0] != '\0' && str_is_printable(err->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size > 0 ? (const char *)data : "";
    struct varlink_call c;
    struct varlink_reply r;
    struct berr err = {0};
    if (varlink_call_parse(text, size, &c, &err) == 0) {
        check_call(&c);
        varlink_call_fini(&c);
    } else {
        check_refusal(&err);
    }
    if (varlink_reply_parse(text, size, &r, &err) == 0) {
        check_reply(&r);
        varlink_reply_fini(&r);
    } else {
        check_refusal(&err);
    }
    return 0;
}
