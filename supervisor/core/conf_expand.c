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

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "0xNN}": the byte; or -1, where it is none or NUL. */
static int parse_byte(const char *s)
{
    if (s[0] != '0' || s[1] != 'x' || hex_digit(s[2]) < 0 || hex_digit(s[3]) < 0 || s[4] != '}')
        return -1;
    int byte = hex_digit(s[2]) * 16 + hex_digit(s[3]);
    return byte > 0 ? byte : -1;
}

/* *CURSOR stands behind "${". */
static int expand_one(const char **cursor, conf_variable *variable, const void *data, struct buf *out,
                      struct berr *err)
{
    const char *s = *cursor, *end = strchr(s, '}');
    size_t n = name_length(s);
    bool has_default = strncmp(s + n, ":-", 2) == 0;
    char name[NAME_MAX_BYTES + 1], quoted[128];
    int byte = parse_byte(s);

    if (!end)
        return berr_set(err, BERR_CONFIG, EINVAL, "\"${\" is not closed; write $$ for a dollar sign");
    if (byte > 0) {
        buf_add_char(out, (char)byte);
        *cursor = end + 1;
        return 0;
    }
    if (n == 0 || n > NAME_MAX_BYTES || (!has_default && s + n != end))
        return berr_set(err, BERR_CONFIG, EINVAL,
                        "\"${%s}\" is neither ${NAME} nor ${NAME:-default}, nor ${0xNN} for a byte",
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
    for (const char *s = text; *s; s++) {
        bool is_at_an_end = s == text || s[1] == '\0';
        if (*s == '$')
            buf_add_str(out, "$$");
        else if ((unsigned char)*s < ' ' || (*s == ' ' && is_at_an_end))
            buf_printf(out, "${0x%02x}", (unsigned)*s);
        else
            buf_add_char(out, *s);
    }
}
