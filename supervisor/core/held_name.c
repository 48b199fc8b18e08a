/* held_name: one grammar, read strictly: what formats back to the same text has been understood, all else is
 * unknown and left alone. */
#include "config.h"

#include "core/held_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/str.h"

static const char *end_of(const struct held_name *h)
{
    return h->is_write_end ? "write" : "read";
}

int held_name_format(char dst[LIMIT_HELD_NAME + 1], const struct held_name *h)
{
    char text[LIMIT_HELD_NAME + 1];
    int n = -1;

    switch (h->kind) {
    case HELD_CONTROL:
        n = snprintf(text, sizeof text, "control");
        break;
    case HELD_STATE:
        n = snprintf(text, sizeof text, "state");
        break;
    case HELD_SOCKET:
        n = snprintf(text, sizeof text, "socket/%s/%u/%u.%u/%s", h->name, h->slot, h->part, h->parts,
                     h->address);
        break;
    case HELD_WORKER:
        n = snprintf(text, sizeof text, "worker/%s/%u/%u/%llu", h->name, h->slot, h->generation, h->serial);
        break;
    case HELD_CHANNEL:
        n = snprintf(text, sizeof text, "channel/%s/%u/%llu", h->name, h->slot, h->serial);
        break;
    case HELD_NOTIFY:
        n = snprintf(text, sizeof text, "notify/%s/%u/%llu", h->name, h->slot, h->serial);
        break;
    case HELD_READY:
        n = snprintf(text, sizeof text, "ready/%s/%u/%llu", h->name, h->slot, h->serial);
        break;
    case HELD_STORED:
        n = snprintf(text, sizeof text, "store/%s/%u/%u.%u/%s", h->name, h->slot, h->part, h->parts,
                     h->address);
        break;
    case HELD_SHARE:
        n = snprintf(text, sizeof text, "share/%s/%s", h->name, h->address);
        break;
    case HELD_OUTPUT:
        n = snprintf(text, sizeof text, "output/%s/%u/%s", h->name, h->slot, end_of(h));
        break;
    case HELD_INPUT:
        n = snprintf(text, sizeof text, "input/%s/%s", h->name, end_of(h));
        break;
    case HELD_RING:
        n = snprintf(text, sizeof text, "ring/%s", h->name);
        break;
    case HELD_CONFIG:
        n = snprintf(text, sizeof text, "config");
        break;
    case HELD_TASK:
        n = snprintf(text, sizeof text, "task/%s/%s/%u/%llu", h->name, h->address, h->slot, h->serial);
        break;
    case HELD_INHERITED:
        n = snprintf(text, sizeof text, "inherited/%u/%s", h->slot, h->name);
        break;
    case HELD_PASSED:
        n = snprintf(text, sizeof text, "passed/%u/%s", h->slot, h->name);
        break;
    case HELD_UNKNOWN:
        break;
    }
    must(n >= 0);
    if ((size_t)n >= sizeof text)
        return -ENAMETOOLONG;
    memcpy(dst, text, (size_t)n + 1);
    return 0;
}

/* Takes what stands before SEPARATOR (or the whole rest for '\0') off *CURSOR; false when it is not there or
 * too long. */
static bool take_part(const char **cursor, char separator, char *dst, size_t size)
{
    const char *end = separator ? strchr(*cursor, separator) : *cursor + strlen(*cursor);
    size_t n;

    if (!end)
        return false;
    n = (size_t)(end - *cursor);
    if (n == 0 || n >= size)
        return false;
    memcpy(dst, *cursor, n);
    dst[n] = '\0';
    *cursor = *end ? end + 1 : end;
    return true;
}

/* Numbers beyond the range come out changed, and then do not format back to the same text. */
static bool take_number(const char **cursor, char separator, unsigned long long *ret)
{
    char digits[24];
    if (!take_part(cursor, separator, digits, sizeof digits))
        return false;
    *ret = strtoull(digits, NULL, 10);
    return true;
}

static bool take_unsigned(const char **cursor, char separator, unsigned *ret)
{
    unsigned long long n;
    if (!take_number(cursor, separator, &n))
        return false;
    *ret = (unsigned)n;
    return true;
}

static bool parse_socket(const char *rest, struct held_name *h)
{
    h->kind = HELD_SOCKET;
    return take_part(&rest, '/', h->name, sizeof h->name) && take_unsigned(&rest, '/', &h->slot) &&
           take_unsigned(&rest, '.', &h->part) && take_unsigned(&rest, '/', &h->parts) &&
           take_part(&rest, '\0', h->address, sizeof h->address) && h->part >= 1 && h->part <= h->parts;
}

static bool parse_worker(const char *rest, struct held_name *h)
{
    h->kind = HELD_WORKER;
    return take_part(&rest, '/', h->name, sizeof h->name) && take_unsigned(&rest, '/', &h->slot) &&
           take_unsigned(&rest, '/', &h->generation) && take_number(&rest, '\0', &h->serial);
}

/* What one process has: its channel, its notify socket, its pipe of readiness. */
static bool parse_own(const char *rest, enum held_kind kind, struct held_name *h)
{
    h->kind = kind;
    return take_part(&rest, '/', h->name, sizeof h->name) && take_unsigned(&rest, '/', &h->slot) &&
           take_number(&rest, '\0', &h->serial);
}

static bool parse_stored(const char *rest, struct held_name *h)
{
    h->kind = HELD_STORED;
    return take_part(&rest, '/', h->name, sizeof h->name) && take_unsigned(&rest, '/', &h->slot) &&
           take_unsigned(&rest, '.', &h->part) && take_unsigned(&rest, '/', &h->parts) &&
           take_part(&rest, '\0', h->address, sizeof h->address) && h->parts <= 1;
}

static bool parse_share(const char *rest, struct held_name *h)
{
    h->kind = HELD_SHARE;
    return take_part(&rest, '/', h->name, sizeof h->name) &&
           take_part(&rest, '\0', h->address, sizeof h->address);
}

/* Any other word than "write" is read as "read", and then does not format back to the same text. */
static bool take_end(const char **cursor, struct held_name *h)
{
    char word[8];
    if (!take_part(cursor, '\0', word, sizeof word))
        return false;
    h->is_write_end = str_eq(word, "write");
    return true;
}

static bool parse_output(const char *rest, struct held_name *h)
{
    h->kind = HELD_OUTPUT;
    return take_part(&rest, '/', h->name, sizeof h->name) && take_unsigned(&rest, '/', &h->slot) &&
           take_end(&rest, h);
}

static bool parse_input(const char *rest, struct held_name *h)
{
    h->kind = HELD_INPUT;
    return take_part(&rest, '/', h->name, sizeof h->name) && take_end(&rest, h);
}

static bool parse_ring(const char *rest, struct held_name *h)
{
    h->kind = HELD_RING;
    return take_part(&rest, '\0', h->name, sizeof h->name);
}

static bool parse_task(const char *rest, struct held_name *h)
{
    h->kind = HELD_TASK;
    return take_part(&rest, '/', h->name, sizeof h->name) &&
           take_part(&rest, '/', h->address, sizeof h->address) && take_unsigned(&rest, '/', &h->slot) &&
           take_number(&rest, '\0', &h->serial);
}

static bool parse_numbered(const char *rest, enum held_kind kind, struct held_name *h)
{
    h->kind = kind;
    return take_unsigned(&rest, '/', &h->slot) && take_part(&rest, '\0', h->name, sizeof h->name);
}

/* Those that are one word. */
static bool parse_word(const char *text, struct held_name *h)
{
    static const struct {
        const char *word;
        enum held_kind kind;
    } words[] = {{"control", HELD_CONTROL}, {"state", HELD_STATE}, {"config", HELD_CONFIG}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(text, words[i].word)) {
            h->kind = words[i].kind;
            return true;
        }
    return false;
}

static bool has_name(enum held_kind kind)
{
    return kind != HELD_CONTROL && kind != HELD_STATE && kind != HELD_CONFIG;
}

static bool parse_by_kind(const char *text, struct held_name *h)
{
    if (str_starts_with(text, "socket/"))
        return parse_socket(text + strlen("socket/"), h);
    if (str_starts_with(text, "worker/"))
        return parse_worker(text + strlen("worker/"), h);
    if (str_starts_with(text, "channel/"))
        return parse_own(text + strlen("channel/"), HELD_CHANNEL, h);
    if (str_starts_with(text, "notify/"))
        return parse_own(text + strlen("notify/"), HELD_NOTIFY, h);
    if (str_starts_with(text, "ready/"))
        return parse_own(text + strlen("ready/"), HELD_READY, h);
    if (str_starts_with(text, "store/"))
        return parse_stored(text + strlen("store/"), h);
    if (str_starts_with(text, "share/"))
        return parse_share(text + strlen("share/"), h);
    if (str_starts_with(text, "output/"))
        return parse_output(text + strlen("output/"), h);
    if (str_starts_with(text, "input/"))
        return parse_input(text + strlen("input/"), h);
    if (str_starts_with(text, "ring/"))
        return parse_ring(text + strlen("ring/"), h);
    if (str_starts_with(text, "task/"))
        return parse_task(text + strlen("task/"), h);
    if (str_starts_with(text, "inherited/"))
        return parse_numbered(text + strlen("inherited/"), HELD_INHERITED, h);
    if (str_starts_with(text, "passed/"))
        return parse_numbered(text + strlen("passed/"), HELD_PASSED, h);
    return parse_word(text, h);
}

void held_name_parse(const char *text, struct held_name *ret)
{
    struct held_name h = {0};
    char again[LIMIT_HELD_NAME + 1];

    *ret = (struct held_name){.kind = HELD_UNKNOWN};
    if (!parse_by_kind(text, &h))
        return;
    if (has_name(h.kind) && !str_is_name(h.name))
        return;
    if (held_name_format(again, &h) == 0 && str_eq(again, text))
        *ret = h;
}
