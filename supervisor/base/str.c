/* str: small things with strings that libc lacks. Nothing here knows a locale: text is bytes that ought to be
 * UTF-8. */
#include "config.h"

#include "base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

#define ELLIPSIS "…"
#define ELLIPSIS_LEN (sizeof(ELLIPSIS) - 1)

bool str_eq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool str_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_copy(char *dst, size_t size, const char *s)
{
    size_t n = strlen(s);
    if (n >= size) {
        if (size > 0)
            dst[0] = '\0';
        return false;
    }
    memcpy(dst, s, n + 1);
    return true;
}

/* The length of the UTF-8 character at S (N >= 1 bytes), its number into *RET; 0 when there is none. */
static size_t utf8_take(const char *s, size_t n, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800,
                                     0x10000}; /* by length: what is less was written too long */
    unsigned char first = (unsigned char)s[0];
    size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)s[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return len;
}

/* Could it move the cursor, begin a line or turn the text around, or is it not to be seen at all? */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || (c >= 0x200b && c <= 0x200f) || c == 0x2060 || c == 0xfeff;
}

/* The length of the character at S when it may stay as it is, else 0. */
static size_t plain_length(const char *s, size_t n, bool backslash_stays)
{
    uint32_t c;
    size_t len = utf8_take(s, n, &c);
    if (len == 0 || is_control(c) || (c == '\\' && !backslash_stays))
        return 0;
    return len;
}

static char *escape(char *dst, size_t size, const char *s, size_t n, bool backslash_stays)
{
    if (size == 0)
        return dst;
    size_t out = 0, cut = 0; /* cut: the last place where the ellipsis still fits */
    for (size_t i = 0; i < n;) {
        char hex[5];
        const char *piece = s + i;
        size_t taken = plain_length(s + i, n - i, backslash_stays), len = taken;
        if (taken == 0) {
            snprintf(hex, sizeof(hex), "\\x%02x", (unsigned char)s[i]);
            piece = hex, len = 4, taken = 1;
        }
        if (out + ELLIPSIS_LEN < size)
            cut = out;
        if (out + len >= size) {
            bool fits = cut + ELLIPSIS_LEN < size;
            memcpy(dst + cut, ELLIPSIS, fits ? ELLIPSIS_LEN : 0);
            out = cut + (fits ? ELLIPSIS_LEN : 0);
            break;
        }
        memcpy(dst + out, piece, len);
        out += len;
        i += taken;
    }
    dst[out] = '\0';
    return dst;
}

char *str_escape(char *dst, size_t size, const char *s, size_t n)
{
    return escape(dst, size, s, n, false);
}

char *str_escape_controls(char *dst, size_t size, const char *s, size_t n)
{
    return escape(dst, size, s, n, true);
}

char *str_make_utf8(const char *s, size_t n)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *made = mem_new_array(n + 1, 3), *dst = made; /* a replacement is three times as long as its byte */
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t c = 0;
        bool is_good = (len = utf8_take(s + i, n - i, &c)) > 0 && c != 0;
        size_t out = is_good ? len : 3;
        memcpy(dst, is_good ? s + i : replacement, out);
        dst += out;
        len = is_good ? len : 1;
    }
    return made;
}

bool str_is_printable(const char *s)
{
    for (size_t n = strlen(s), len; n > 0; s += len, n -= len)
        if ((len = plain_length(s, n, true)) == 0)
            return false;
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool str_is_name(const char *s)
{
    size_t n = 0;
    while (n <= LIMIT_NAME && is_name_char(s[n]))
        n++;
    return n >= 1 && n <= LIMIT_NAME && s[n] == '\0';
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that make B of A; both at most LIMIT_NAME long.
 */
static size_t edit_distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t rows[3][LIMIT_NAME + 1]; /* rows i, i-1 and i-2 of the table, in turn */
    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            row[j] = min_of(min_of(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min_of(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n_a % 3][n_b];
}

const char *str_nearest(const char *s, const char *const *candidates)
{
    size_t n = strlen(s), best = 1 + n / 4 + 1;
    const char *nearest = NULL;
    if (n > LIMIT_NAME)
        return NULL;
    best = min_of(best, n); /* something of S must be left */
    for (; *candidates != NULL; candidates++) {
        size_t n_candidate = strlen(*candidates);
        if (n_candidate > LIMIT_NAME)
            continue;
        size_t distance = edit_distance(s, n, *candidates, n_candidate);
        if (distance < best) {
            best = distance;
            nearest = *candidates;
        }
    }
    return nearest;
}

void strv_fini(struct strv *sv)
{
    for (size_t i = 0; i < sv->n; i++)
        free(sv->v[i]);
    free(sv->v);
    *sv = (struct strv){NULL, 0};
}

struct strv strv_copy(const struct strv *sv)
{
    struct strv copy = {NULL, 0};
    for (size_t i = 0; i < sv->n; i++)
        strv_add(&copy, sv->v[i]);
    return copy;
}

void strv_add(struct strv *sv, const char *s)
{
    strv_put(sv, mem_strdup(s));
}

void strv_put(struct strv *sv, char *s)
{
    sv->v = mem_resize_array(sv->v, sv->n + 2, sizeof(*sv->v));
    sv->v[sv->n++] = s;
    sv->v[sv->n] = NULL;
}

/* Is ENTRY "NAME=…", NAME being N bytes long? */
static bool is_entry(const char *entry, const char *name, size_t n)
{
    return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

void strv_put_env(struct strv *sv, char *assignment)
{
    size_t n = strcspn(assignment, "=");
    for (size_t i = 0; i < sv->n; i++) {
        if (!is_entry(sv->v[i], assignment, n))
            continue;
        free(sv->v[i]);
        sv->v[i] = assignment;
        return;
    }
    strv_put(sv, assignment);
}

void strv_remove_env(struct strv *sv, const char *name)
{
    size_t kept = 0, n = strlen(name);
    for (size_t i = 0; i < sv->n; i++) {
        if (is_entry(sv->v[i], name, n))
            free(sv->v[i]);
        else
            sv->v[kept++] = sv->v[i];
    }
    sv->n = kept;
    if (sv->v != NULL)
        sv->v[kept] = NULL;
}

const char *strv_find_env(const struct strv *sv, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < sv->n; i++)
        if (is_entry(sv->v[i], name, n))
            return sv->v[i] + n + 1;
    return NULL;
}
