/* logline: what a log line looks like. It does not decide what is logged, and it writes nowhere.
 *
 * The invariant: one call makes one line, whatever the text quotes. */
#include "config.h"

#include "base/logline.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
};

int log_level_parse(const char *s)
{
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (str_eq(s, level_names[level]))
            return level;
    return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

/* Foreign text in S was escaped where it was quoted, so a backslash must not be escaped a second time. */
static char *line_text(const char *s)
{
    size_t n = strlen(s), size = 4 * n + 1;
    return str_escape_controls(mem_new(size), size, s, n);
}

void logline_format(struct buf *out, enum log_level level, const char *subject, const char *text)
{
    cleanup_free char *safe_subject = line_text(subject != NULL ? subject : "");
    cleanup_free char *safe_text = line_text(text);
    const char *gap = safe_subject[0] != '\0' ? " " : "";
    buf_printf(out, "%s%s%s: %s\n", log_level_name(level), gap, safe_subject, safe_text);
}

/* --- JSON ---------------------------------------------------------------------------------------------- */

#define PAIRS_MAX 8
#define PAIRS_ROOM 512 /* in a line, escaped; more stay in the sentence */
#define ELLIPSIS "…"

/* RFC 3339. The calendar is counted in eras of 400 years that begin on the 1st of March, so that a leap day
 * is the last of its year. */
static void add_time(struct buf *out, int64_t wall_ms)
{
    int64_t s = wall_ms >= 0 ? wall_ms / 1000 : 0, days = s / 86400 + 719468; /* from 0000-03-01 to 1970 */
    unsigned of_era = (unsigned)(days % 146097), of_day = (unsigned)(s % 86400);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    bool is_next = month >= 10; /* January and February */
    buf_printf(out, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", (int)(year + days / 146097 * 400 + is_next),
               is_next ? month - 9 : month + 3, of_year - (153 * month + 2) / 5 + 1, of_day / 3600,
               of_day / 60 % 60, of_day % 60, (unsigned)(wall_ms >= 0 ? wall_ms % 1000 : 0));
}

/* S has no control characters any more, so these two are all that JSON wants escaped. */
static bool wants_escape(char c)
{
    return c == '"' || c == '\\';
}

static void add_escaped(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (wants_escape(s[i]))
            buf_add_char(out, '\\');
        buf_add_char(out, s[i]);
    }
}

static void add_member(struct buf *out, const char *name, const char *value)
{
    cleanup_free char *safe = line_text(value);
    buf_printf(out, ",\"%s\":\"", name);
    add_escaped(out, safe, strlen(safe));
    buf_add_char(out, '"');
}

/* How much of S, N bytes, fits into ROOM bytes when it is escaped: whole characters, and the ellipsis. */
static size_t fitting(const char *s, size_t n, size_t room)
{
    size_t used = 0, cut = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_begin = ((unsigned char)s[i] & 0xc0) != 0x80;
        if (is_begin && used + strlen(ELLIPSIS) <= room)
            cut = i;
        used += 1 + wants_escape(s[i]);
        if (used > room)
            return cut;
    }
    return n;
}

struct pair {
    const char *key, *value;
    size_t key_len, value_len;
};

static bool is_key(const char *s, size_t n)
{
    static const char *const ours[] = {"time", "level", "subject", "service", "message"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strlen(ours[i]) == n && memcmp(ours[i], s, n) == 0)
            return false;
    for (size_t i = 0; i < n; i++)
        if ((s[i] < 'a' || s[i] > 'z') && s[i] != '_')
            return false;
    return n > 0;
}

/* One that a number of JSON tells without loss. */
static bool is_integer(const char *s, size_t n)
{
    size_t sign = n > 0 && s[0] == '-', digits = n - sign;
    if (digits == 0 || digits > 15 || (s[sign] == '0' && n > 1))
        return false;
    for (size_t i = sign; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

/* Takes the pair of N bytes at S into PAIRS, which has *N_PAIRS of them. */
static bool take_pair(const char *s, size_t n, struct pair *pairs, size_t *n_pairs)
{
    const char *equals = memchr(s, '=', n);
    if (!equals || *n_pairs == PAIRS_MAX)
        return false;
    struct pair p = {s, equals + 1, (size_t)(equals - s), (size_t)(s + n - equals) - 1};
    for (size_t i = 0; i < *n_pairs; i++)
        if (pairs[i].key_len == p.key_len && memcmp(pairs[i].key, p.key, p.key_len) == 0)
            return false;
    pairs[(*n_pairs)++] = p;
    return is_key(p.key, p.key_len) && p.value_len > 0;
}

/* The pairs at the end of TEXT as members into OUT. Returns the length of the sentence before them, or all of
 * TEXT where there are none. */
static size_t take_pairs(const char *text, struct buf *out)
{
    struct pair pairs[PAIRS_MAX];
    size_t n = strlen(text), n_pairs = 0;
    const char *open = strrchr(text, '(');
    if (!open || open == text || open[-1] != ' ' || text[n - 1] != ')')
        return n;
    for (const char *s = open + 1; s < text + n - 1;) {
        size_t len = strcspn(s, " )");
        size_t comma = len > 0 && s[len] == ' ' && s[len - 1] == ',';
        if (!take_pair(s, len - comma, pairs, &n_pairs))
            return n;
        s += len + 1;
    }
    for (size_t i = 0; i < n_pairs; i++) {
        bool quoted = !is_integer(pairs[i].value, pairs[i].value_len);
        buf_printf(out, ",\"%.*s\":%s", (int)pairs[i].key_len, pairs[i].key, quoted ? "\"" : "");
        add_escaped(out, pairs[i].value, pairs[i].value_len);
        buf_add_str(out, quoted ? "\"" : "");
    }
    return n_pairs == 0 || out->overflown ? n : (size_t)(open - 1 - text);
}

void logline_format_json(struct buf *out, int64_t wall_ms, enum log_level level, const char *subject,
                         const char *service, const char *text)
{
    cleanup_free char *safe = line_text(text);
    struct buf head, tail;
    buf_init(&head, out->limit);
    buf_init(&tail, PAIRS_ROOM);
    buf_add_str(&head, "{\"time\":\"");
    add_time(&head, wall_ms);
    buf_printf(&head, "\",\"level\":\"%s\"", log_level_name(level));
    add_member(&head, "subject", subject != NULL ? subject : "");
    if (service != NULL)
        add_member(&head, "service", service);
    buf_add_str(&head, ",\"message\":\"");
    size_t n = take_pairs(safe, &tail);
    size_t tail_len = tail.overflown ? 0 : tail.len, used = out->len + head.len + tail_len + strlen("\"}\n");
    size_t whole = used < out->limit ? fitting(safe, n, out->limit - used) : 0;
    add_escaped(&head, safe, whole);
    buf_printf(&head, "%s\"%s}\n", whole < n ? ELLIPSIS : "", tail.overflown ? "" : buf_str(&tail));
    if (head.overflown)
        out->overflown = true;
    else
        buf_add(out, head.data, head.len);
    buf_fini(&head);
    buf_fini(&tail);
}
