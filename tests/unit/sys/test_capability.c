/* Capabilities by name. */
#include "config.h"

#include "sys/capability.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#define BIT(number) (UINT64_C(1) << (number))

static int parse(const char *one, const char *other, uint64_t *ret, struct berr *err)
{
    struct strv names = {NULL, 0};
    if (one)
        strv_add(&names, one);
    if (other)
        strv_add(&names, other);
    int r = capability_parse(&names, ret, err);
    strv_fini(&names);
    return r;
}

Test(capability, names_become_bits)
{
    uint64_t set = 1;
    struct berr err = {0};
    cr_assert_eq(parse(NULL, NULL, &set, &err), 0);
    cr_assert_eq(set, 0);
    cr_assert_eq(parse("net_bind_service", "cap_sys_time", &set, &err), 0, "%s", err.text);
    cr_assert_eq(set, BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SYS_TIME));
    cr_assert_eq(parse("CAP_CHOWN", "chown", &set, &err), 0, "%s", err.text);
    cr_assert_eq(set, BIT(CAP_CHOWN));
}

Test(capability, an_unknown_name_is_refused_with_the_nearest)
{
    uint64_t set = 7;
    struct berr err = {0};
    cr_assert_eq(parse("chown", "net_bind_servise", &set, &err), -EINVAL);
    cr_assert_eq(set, 7);
    cr_assert(strstr(err.text, "\"net_bind_servise\" is not a capability; did you mean net_bind_service?"),
              "%s", err.text);
    cr_assert_eq(parse("zzzzzzzzzzzzz", NULL, &set, &err), -EINVAL);
    cr_assert(strstr(err.text, "capabilities(7)"), "%s", err.text);
}
