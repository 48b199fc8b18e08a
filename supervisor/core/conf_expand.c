/* conf_expand: see the header. */
#include "config.h"

#include "core/conf_expand.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define NAME_MAX_BYTES 255

static size_t name_length(const char *s)
{
    size_t n = 0;
    if (s[0] >= '0' && s[0] <= '9')
        return 0;
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9') ||
           s[n] == '_')
        n++;
    return n;
}

/* *CURSOR stands behind "${". */
static int expand_one(const char **cursor, conf_variable *variable, const void *data, struct buf *out,
                      struct berr *err)
{
    const char *s = *cursor, *end = strchr(s, '}');
    size_t n = name_length(s);
    bool has_default = strncmp(s + n, ":-", 2) == 0;
    char name[NAME_MAX_BYTES + 1], quoted[128];

    if (!end)
        return berr_set(err, BERR_CONFIG, EINVAL, "\"${\" is not closed; write $$ for a dollar sign");
    if (n == 0 || n > NAME_MAX_BYTES || (!has_default && s + n != end))
        return berr_set(err, BERR_CONFIG, EINVAL, "\"${%s}\" is neither ${NAME} nor ${NAME:-default}",
                        str_escape(quoted, sizeof quoted, s, (size_t)(end - s)));
    memcpy(name, s, n);
    name[n] = '\0';
    const char *value = variable(data, name);
    if (!value && !has_default)
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "the variable %s is not set in berth's environment; ${%s:-default} would do without",
                        name, name);
    if (has_default && (!value || !*value))
        buf_add(out, s + n + 2, (size_t)(end - s) - n - 2);
    else
        buf_add_str(out, value);
    *cursor = end + 1;
    return 0;
}

int conf_expand(const char *value, conf_variable *variable, const void *data, char **ret, struct berr *err)
{
    struct buf out;
    int r = 0;

    buf_init(&out, SIZE_MAX);
    while (r == 0 && *value) {
        if (strncmp(value, "$$", 2) == 0) {
            buf_add_char(&out, '$');
            value += 2;
        } else if (strncmp(value, "${", 2) == 0) {
            value += 2;
            r = expand_one(&value, variable, data, &out, err);
        } else {
            buf_add_char(&out, *value++);
        }
    }
    if (r == 0)
        *ret = mem_strdup(buf_str(&out));
    buf_fini(&out);
    return r;
}

void conf_escape(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '$')
            buf_add_char(out, '$');
        buf_add_char(out, *text);
    }
}
