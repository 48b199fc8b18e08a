/* logline: what a log line looks like. It formats; the engine writes.
 *
 *   info web/1#1: started (pid=123)
 *   {"time":"…","level":"info","subject":"web/1#1","message":"started","pid":123}
 */
#ifndef BERTH_BASE_LOGLINE_H
#define BERTH_BASE_LOGLINE_H

#include "base/buf.h"

enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* "debug" "info" "warning" "error" -> level, or -EINVAL. */
int log_level_parse(const char *s);
const char *log_level_name(enum log_level level);

/* One line with its newline into OUT: `LEVEL SUBJECT: TEXT`. TEXT is a whole sentence, its key=value pairs in
 * parentheses at its end; control characters in it are escaped, so a line is one line whatever it quotes. */
void logline_format(struct buf *out, enum log_level level, const char *subject, const char *text);

#endif
