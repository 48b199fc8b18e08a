/* reply: reading members of a reply that may be missing or of another type than expected. */
#ifndef BERTH_CMD_REPLY_H
#define BERTH_CMD_REPLY_H

#include <jansson.h>

/* Never NULL; borrowed. */
static inline const char *reply_text(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

static inline json_int_t reply_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

#endif
