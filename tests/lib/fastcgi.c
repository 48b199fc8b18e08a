/* fastcgi: see the header. */
#include "config.h"

#include "fastcgi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, RESPONDER = 1, HEADER = 8 };

static char *put_record(char *dst, int type, const char *content, size_t n)
{
    const char header[HEADER] = {1, (char)type, 0, 1, (char)(n >> 8), (char)n, 0, 0};

    memcpy(dst, header, sizeof(header));
    memcpy(dst + HEADER, content, n);
    return dst + HEADER + n;
}

/* A name and a value, both shorter than 128 bytes. */
static size_t put_pair(char *dst, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    dst[0] = (char)n;
    dst[1] = (char)v;
    memcpy(dst + 2, name, n);
    memcpy(dst + 2 + n, value, v);
    return 2 + n + v;
}

size_t fastcgi_request(char *dst, size_t size, const char *script)
{
    static const char begin[] = {0, RESPONDER, 0, 0, 0, 0, 0, 0};
    char params[512];
    size_t n = 0;
    char *end = dst;

    if (size < sizeof(params) + 64 || strlen(script) > 127)
        return 0;
    n += put_pair(params + n, "SCRIPT_FILENAME", script);
    n += put_pair(params + n, "REQUEST_METHOD", "GET");
    n += put_pair(params + n, "SERVER_PROTOCOL", "HTTP/1.1");
    end = put_record(end, BEGIN_REQUEST, begin, sizeof(begin));
    end = put_record(end, PARAMS, params, n);
    end = put_record(end, PARAMS, "", 0);
    end = put_record(end, STDIN, "", 0);
    return (size_t)(end - dst);
}

int fastcgi_finish(char *answer, size_t *n)
{
    char text[8192];
    size_t len = 0, at = 0;

    while (*n - at >= HEADER) {
        const unsigned char *r = (const unsigned char *)answer + at;
        size_t content = (size_t)(r[4] << 8 | r[5]), whole = HEADER + content + r[6];
        if (*n - at < whole)
            return 0;
        if (r[1] == STDOUT && len + content < sizeof(text)) {
            memcpy(text + len, r + HEADER, content);
            len += content;
        }
        at += whole;
        if (r[1] != END_REQUEST)
            continue;
        text[len] = '\0';
        memcpy(answer, text, len + 1);
        *n = len;
        return strncmp(text, "Status: ", 8) == 0 ? -EPROTO : 1;
    }
    return 0;
}
