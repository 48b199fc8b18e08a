/* einhorn_msg: see the header. Of YAML it knows a document of "key: value" lines with plain or quoted
 * scalars, which is all that this map ever needs. */
#include "config.h"

#include "wire/einhorn_msg.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/units.h"

/* Undoes the escapes; to be freed. NULL for a NUL byte. */
static char *unescape(const char *line, size_t n)
{
    char *text = mem_new(n + 1);
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        bool is_escape = line[i] == '%' && n - i > 2;
        if (is_escape && memcmp(line + i, "%0A", 3) == 0)
            text[len++] = '\n';
        else if (is_escape && memcmp(line + i, "%25", 3) == 0)
            text[len++] = '%';
        else {
            text[len++] = line[i];
            continue;
        }
        i += 2;
    }
    text[len] = '\0';
    if (strlen(text) == len)
        return text;
    free(text);
    return NULL;
}

static int take_pair(const char *key, const char *value, struct einhorn_msg *ret)
{
    uint64_t pid;

    if (str_eq(key, "command")) {
        ret->command = str_eq(value, "worker:ack")    ? EINHORN_ACK
                       : str_eq(value, "worker:ping") ? EINHORN_PING
                                                      : EINHORN_OTHER;
        return 1;
    }
    if (!str_eq(key, "pid"))
        return 0;
    if (units_parse_uint(value, 1, INT_MAX, &pid) < 0)
        return -EBADMSG;
    ret->pid = (int)pid;
    return 0;
}

static int parse_json(const char *text, struct einhorn_msg *ret)
{
    json_t *map = json_loadb(text, strlen(text), JSON_REJECT_DUPLICATES, NULL);
    json_t *pid = json_object_get(map, "pid");
    const char *command = json_string_value(json_object_get(map, "command"));
    int r = command ? take_pair("command", command, ret) : -EBADMSG;

    if (r > 0 && pid) {
        json_int_t n = json_integer_value(pid);
        if (!json_is_integer(pid) || n < 1 || n > INT_MAX)
            r = -EBADMSG;
        else
            ret->pid = (int)n;
    }
    json_decref(map);
    return r;
}

/* Takes quotes or blanks off both ends of TEXT, in place. */
static char *strip(char *text)
{
    size_t n;

    while (*text == ' ')
        text++;
    for (n = strlen(text); n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\r'); n--)
        ;
    if (n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0]) {
        text++;
        n -= 2;
    }
    text[n] = '\0';
    return text;
}

static int parse_yaml(char *text, struct einhorn_msg *ret)
{
    int found = 0;

    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *colon = strstr(line, ": ");
        if (!*strip(line) || str_eq(strip(line), "---") || str_eq(strip(line), "..."))
            continue;
        if (!colon)
            return -EBADMSG;
        *colon = '\0';
        int r = take_pair(strip(line), strip(colon + 2), ret);
        if (r < 0)
            return r;
        found += r;
    }
    return found == 1 ? 1 : -EBADMSG;
}

int einhorn_msg_parse(const char *line, size_t n, struct einhorn_msg *ret)
{
    struct einhorn_msg m = {EINHORN_OTHER, 0};
    cleanup_free char *text = unescape(line, n);

    if (!text)
        return -EBADMSG;
    int r = text[0] == '{' ? parse_json(text, &m) : parse_yaml(text, &m);
    if (r < 0)
        return r;
    *ret = m;
    return 0;
}
