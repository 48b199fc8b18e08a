/* capability: see the header. */
#include "config.h"

#include "sys/capability.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>

#define CAPABILITIES_MAX 64 /* bits that the kernel's interface has */

/* Those that this kernel lacks are the child's to find out: it fails to raise them. */
static const char *find_nearest(const char *name)
{
    const char *names[CAPABILITIES_MAX + 1] = {NULL};
    size_t n = 0;
    for (unsigned i = 0; i < CAPABILITIES_MAX; i++) {
        const char *known = capng_capability_to_name(i);
        if (known)
            names[n++] = known;
    }
    return str_nearest(name, names);
}

int capability_parse(const struct strv *names, uint64_t *ret, struct berr *err)
{
    uint64_t set = 0;
    for (size_t i = 0; i < names->n; i++) {
        const char *name = names->v[i];
        if (strncasecmp(name, "cap_", strlen("cap_")) == 0)
            name += strlen("cap_");
        int number = capng_name_to_capability(name);
        if (number < 0 || number >= CAPABILITIES_MAX) {
            char quoted[128];
            const char *nearest = find_nearest(name);
            return berr_set(err, BERR_CONFIG, EINVAL, "\"%s\" is not a capability; %s%s%s",
                            str_escape(quoted, sizeof quoted, names->v[i], strlen(names->v[i])),
                            nearest ? "did you mean " : "capabilities(7) lists them", nearest ? nearest : "",
                            nearest ? "?" : "");
        }
        set |= UINT64_C(1) << number;
    }
    *ret = set;
    return 0;
}
