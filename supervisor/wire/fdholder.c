/* fdholder: see the header. */
#include "config.h"

#include "wire/fdholder.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define HEADER 6
#define PAYLOAD_MAX 4096
#define FDS_MAX 253

static uint32_t read_u32(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void add_u32(struct buf *out, uint32_t n)
{
    const char bytes[4] = {(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    buf_add(out, bytes, sizeof bytes);
}

static void add_header(struct buf *out, size_t payload, size_t n_fds)
{
    const char fds[2] = {(char)(n_fds >> 8), (char)n_fds};
    add_u32(out, (uint32_t)payload);
    buf_add(out, fds, sizeof fds);
}

/* 'R', the delete flag, the identifier's length, the identifier, NUL. */
static int parse_retrieve(const unsigned char *p, size_t n, struct fdholder_request *ret)
{
    size_t len = n > 2 ? p[2] : 0;

    if (n < 5 || len == 0 || n != len + 4 || p[n - 1] != 0 || memchr(p + 3, 0, len))
        return -EBADMSG;
    ret->kind = p[1] ? FDHOLDER_TAKE : FDHOLDER_RETRIEVE;
    memcpy(ret->id, p + 3, len + 1);
    return 0;
}

ssize_t fdholder_parse(const char *bytes, size_t n, struct fdholder_request *ret)
{
    const unsigned char *b = (const unsigned char *)bytes;
    struct fdholder_request request = {FDHOLDER_OTHER, ""};
    uint32_t len;

    if (n < HEADER)
        return 0;
    len = read_u32(b);
    if (len == 0 || len > PAYLOAD_MAX || (b[4] << 8 | b[5]) > FDS_MAX)
        return -EBADMSG;
    if (n - HEADER < len)
        return 0;
    if (b[HEADER] == 'L' && len != 1)
        return -EBADMSG;
    if (b[HEADER] == 'L')
        request.kind = FDHOLDER_LIST;
    if (b[HEADER] == 'R' && parse_retrieve(b + HEADER, len, &request) < 0)
        return -EBADMSG;
    *ret = request;
    return (ssize_t)(HEADER + len);
}

void fdholder_format_result(struct buf *out, int result, size_t n_fds)
{
    add_header(out, 1, n_fds);
    buf_add_char(out, (char)result);
}

void fdholder_format_list(struct buf *out, const char *const *ids, size_t n)
{
    size_t len = 1 + 4;

    for (size_t i = 0; i < n; i++)
        len += strlen(ids[i]) + 1;
    add_header(out, len, 0);
    buf_add_char(out, 0);
    add_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        buf_add(out, ids[i], strlen(ids[i]) + 1);
}
