/* logline: what a log line looks like. It does not decide what is logged, and it writes nowhere.
 *
 * The invariant: one call makes one line, whatever the text quotes. */
#include "config.h"

#include "base/logline.h"

#include <errno.h>
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
