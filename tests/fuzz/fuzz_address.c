/* fuzz_address: whatever is accepted has one canonical text, which parses to the same; whatever is refused is
 * refused in a printable sentence. */
#include "config.h"

#include <sys/socket.h>

#include "base/str.h"
#include "fuzz.h"
#include "wire/address.h"

static void check_endpoint(const struct address *a)
{
    struct endpoint e;
    struct address again;
    struct berr err;
    char text[ADDRESS_TEXT];
    if (address_to_endpoint(a, &e) < 0)
        return;
    check(e.len > 0 && e.len <= sizeof(e.sa));
    endpoint_format(text, sizeof(text), &e);
    check(str_is_printable(text));
    if (strchr(a->path, '\\') != NULL) /* it is escaped for the reader, and so another address */
        return;
    check(address_parse(text, &again, &err) == 0);
    check(again.kind == a->kind && again.type == a->type && again.port == a->port);
    check(again.abstract == a->abstract && str_eq(again.path, a->path));
}

static void check_address(const struct address *a)
{
    char text[ADDRESS_TEXT], text_again[ADDRESS_TEXT];
    struct address again;
    struct berr err;
    address_format(text, sizeof(text), a);
    check(strlen(text) < sizeof(text) - 1);
    check(address_parse(text, &again, &err) == 0);
    check(address_equals(a, &again));
    check(str_eq(text, address_format(text_again, sizeof(text_again), &again)));
    check_endpoint(a);
}

/* What the kernel says of a foreign socket may be any bytes. */
static void check_foreign_endpoint(const uint8_t *data, size_t size)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_VSOCK, AF_NETLINK};
    struct endpoint e = {.type = SOCK_STREAM};
    char text[ADDRESS_TEXT];
    if (size == 0)
        return;
    e.family = families[data[0] % 5];
    e.len = size - 1 < sizeof(e.sa) ? (socklen_t)(size - 1) : (socklen_t)sizeof(e.sa);
    memcpy(&e.sa, data + 1, e.len);
    endpoint_format(text, sizeof(text), &e);
    check(strlen(text) < sizeof(text) - 1);
    check(str_is_printable(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct address a;
    struct berr err = {0};
    if (address_parse(text, &a, &err) == 0) {
        check(err.text[0] == '\0');
        check_address(&a);
    } else {
        check(err.text[0] != '\0' && str_is_printable(err.text));
    }
    check_foreign_endpoint(data, size);
    free(text);
    return 0;
}
