/* notify_msg: see the header. */
#include "config.h"

#include "wire/notify_msg.h"

#include <errno.h>
#include <string.h>

/* Copies as much of VALUE as fits, and no half of a UTF-8 character. */
static void take_status(const char *value, size_t n, struct notify_msg *ret)
{
    if (n > LIMIT_NOTIFY_STATUS)
        for (n = LIMIT_NOTIFY_STATUS; n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80; n--)
            ;
    memcpy(ret->status, value, n);
    ret->status[n] = '\0';
    ret->has_status = true;
}

static void take_error(const char *value, size_t n, struct notify_msg *ret)
{
    if (n == 0 || n > LIMIT_NOTIFY_ERROR)
        return;
    memcpy(ret->error, value, n);
    ret->error[n] = '\0';
    ret->has_error = true;
}

static void take_fd_name(const char *value, size_t n, struct notify_msg *ret)
{
    bool is_good = n > 0 && n <= LIMIT_FD_NAME;
    for (size_t i = 0; i < n && is_good; i++)
        is_good = value[i] >= ' ' && value[i] < 0x7f && value[i] != ':';
    ret->has_bad_name = !is_good;
    n = is_good ? n : 0;
    memcpy(ret->fd_name, value, n);
    ret->fd_name[n] = '\0';
}

/* Digits and nothing else, up to MOST. */
static bool take_number(const char *value, size_t n, uint64_t most, uint64_t *ret)
{
    uint64_t sum = 0;
    if (n == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (value[i] < '0' || value[i] > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(value[i] - '0'), &sum))
            return false;
    }
    if (sum > most)
        return false;
    *ret = sum;
    return true;
}

static bool take_int(const char *value, size_t n, int most, int *ret)
{
    uint64_t number;
    if (!take_number(value, n, (uint64_t)most, &number))
        return false;
    *ret = (int)number;
    return true;
}

static void take_access(const char *value, size_t n, struct notify_msg *ret)
{
    static const char *const words[] = {[NOTIFY_ACCESS_NONE] = "none",
                                        [NOTIFY_ACCESS_MAIN] = "main",
                                        [NOTIFY_ACCESS_EXEC] = "exec",
                                        [NOTIFY_ACCESS_ALL] = "all"};
    for (unsigned i = NOTIFY_ACCESS_NONE; i < sizeof words / sizeof *words; i++)
        if (n == strlen(words[i]) && memcmp(value, words[i], n) == 0)
            ret->access = i;
}

/* --- the keys ------------------------------------------------------------------------------------------ */

/* A key whose only meaning is in one value. */
static const struct {
    const char *line;
    size_t flag;
} flags[] = {
    {"READY=1", offsetof(struct notify_msg, ready)},
    {"RELOADING=1", offsetof(struct notify_msg, reloading)},
    {"STOPPING=1", offsetof(struct notify_msg, stopping)},
    {"WAITING=1", offsetof(struct notify_msg, waits)},
    {"WATCHDOG=1", offsetof(struct notify_msg, is_alive)},
    {"WATCHDOG=trigger", offsetof(struct notify_msg, is_late)},
    {"RESTART_RESET=1", offsetof(struct notify_msg, restarts_fresh)},
    {"BARRIER=1", offsetof(struct notify_msg, has_barrier)},
    {"FDSTORE=1", offsetof(struct notify_msg, stores)},
    {"FDSTOREREMOVE=1", offsetof(struct notify_msg, unstores)},
    {"FDPOLL=0", offsetof(struct notify_msg, is_unpolled)},
    {"MAINPIDFD=1", offsetof(struct notify_msg, has_main_fd)},
};

static bool take_flag(const char *line, size_t n, struct notify_msg *ret)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (n == strlen(flags[i].line) && memcmp(line, flags[i].line, n) == 0) {
            *(bool *)((char *)ret + flags[i].flag) = true;
            return true;
        }
    return false;
}

static bool is_key(const char *line, size_t n, const char *key)
{
    return n == strlen(key) && memcmp(line, key, n) == 0;
}

/* The later of two lines with one key is the one that counts. */
static void take_line(const char *line, size_t n, struct notify_msg *ret)
{
    const char *equals = memchr(line, '=', n);
    if (!equals || take_flag(line, n, ret))
        return;
    const char *value = equals + 1;
    size_t key = (size_t)(equals - line), len = n - key - 1;
    if (is_key(line, key, "STATUS"))
        take_status(value, len, ret);
    else if (is_key(line, key, "FDNAME"))
        take_fd_name(value, len, ret);
    else if (is_key(line, key, "BUSERROR") || is_key(line, key, "VARLINKERROR"))
        take_error(value, len, ret);
    else if (is_key(line, key, "ERRNO"))
        ret->has_errno = take_int(value, len, INT32_MAX, &ret->errno_value) || ret->has_errno;
    else if (is_key(line, key, "EXIT_STATUS"))
        ret->has_exit_status = take_int(value, len, 255, &ret->exit_status) || ret->has_exit_status;
    else if (is_key(line, key, "MAINPID"))
        ret->has_main = (take_int(value, len, INT32_MAX, &ret->main_pid) && ret->main_pid > 0);
    else if (is_key(line, key, "MAINPIDFDID"))
        ret->has_main_number = take_number(value, len, UINT64_MAX, &ret->main_number);
    else if (is_key(line, key, "NOTIFYACCESS"))
        take_access(value, len, ret);
    else if (is_key(line, key, "MONOTONIC_USEC"))
        ret->has_since = take_number(value, len, UINT64_MAX, &ret->since_us) || ret->has_since;
    else if (is_key(line, key, "WATCHDOG_USEC"))
        ret->has_interval = take_number(value, len, UINT64_MAX, &ret->interval_us) || ret->has_interval;
    else if (is_key(line, key, "EXTEND_TIMEOUT_USEC"))
        ret->has_more_time = take_number(value, len, UINT64_MAX, &ret->more_time_us) || ret->has_more_time;
}

int notify_msg_parse(const char *text, size_t n, struct notify_msg *ret)
{
    struct notify_msg m = {.ready = false};
    size_t n_lines = 0;

    if (n > LIMIT_NOTIFY)
        return -EMSGSIZE;
    if (memchr(text, '\0', n))
        return -EBADMSG;
    for (const char *line = text, *end = text + n; line < end;) {
        const char *stop = line;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        if (stop > line) {
            take_line(line, (size_t)(stop - line), &m);
            n_lines++;
        }
        line = stop + 1;
    }
    m.is_barrier = m.has_barrier && n_lines == 1;
    *ret = m;
    return 0;
}
