/* packet: reads a packet of the channel (berth-protocol(7)). Keys that are not known are passed over. */
#include "config.h"

#include "libberth/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

long libberth_number(const char *text, long min, long max)
{
    char *end;
    if (!text || *text < '0' || *text > '9')
        return -1;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && n >= min && n <= max ? n : -1;
}

static int take_number(const char *value, size_t *ret)
{
    long n = libberth_number(value, 0, 1000000);
    if (n < 0)
        return -EPROTO;
    *ret = (size_t)n;
    return 0;
}

/* An ADDRESS belongs to the NAME before it. */
static int take_socket(const char *key, const char *value, struct libberth_packet *p)
{
    if (strcmp(key, "NAME") == 0) {
        if (p->n == LIBBERTH_FDS)
            return -EPROTO;
        p->names[p->n] = value;
        p->addresses[p->n++] = "";
        return 0;
    }
    if (p->n == 0)
        return -EPROTO;
    p->addresses[p->n - 1] = value;
    return 0;
}

static int take_line(const char *key, const char *value, struct libberth_packet *p)
{
    if (strcmp(key, "SOCKETS") == 0) {
        p->has_sockets = true;
        return take_number(value, &p->total);
    }
    if (strcmp(key, "FIRST") == 0)
        return take_number(value, &p->first);
    if (strcmp(key, "NAME") == 0 || strcmp(key, "ADDRESS") == 0)
        return take_socket(key, value, p);
    p->activates = p->activates || (strcmp(key, "ACTIVATE") == 0 && strcmp(value, "1") == 0);
    p->drains = p->drains || (strcmp(key, "DRAIN") == 0 && strcmp(value, "1") == 0);
    return 0;
}

int libberth_packet_parse(char *text, size_t n, struct libberth_packet *ret)
{
    text[n] = '\0';
    memset(ret, 0, sizeof *ret);
    if (strlen(text) != n)
        return -EPROTO;
    for (char *line = text, *next; *line; line = next) {
        char *newline = strchr(line, '\n');
        next = newline ? newline + 1 : text + n;
        if (newline)
            *newline = '\0';
        char *equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = '\0';
        int r = take_line(line, equals + 1, ret);
        if (r < 0)
            return r;
    }
    if (!ret->has_sockets)
        return ret->n == 0 && !ret->activates ? 0 : -EPROTO;
    return ret->first + ret->n <= ret->total && (!ret->activates || ret->first + ret->n == ret->total)
               ? 0
               : -EPROTO;
}
