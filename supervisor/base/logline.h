/* logline: what a log line looks like. It formats; the engine writes.
 *
 *   info web/1#1: started (pid=123)
 *   {"time":"2026-11-21T08:00:00.123Z","level":"info","subject":"web/1#1","service":"web",
 *    "message":"started","pid":123}                                            (in one line)
 */
#ifndef BERTH_BASE_LOGLINE_H
#define BERTH_BASE_LOGLINE_H

#include <stdint.h>

#include "base/buf.h"

enum log_format { LOG_TEXT, LOG_JSON };
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* "debug" "info" "warning" "error" -> level, or -EINVAL. */
int log_level_parse(const char *s);
const char *log_level_name(enum log_level level);

/* One line with its newline into OUT: `LEVEL SUBJECT: TEXT`. TEXT is a whole sentence, its key=value pairs in
 * parentheses at its end; control characters in it are escaped, so a line is one line whatever it quotes. */
void logline_format(struct buf *out, enum log_level level, const char *subject, const char *text);

/* The same as an object of JSON, which knows when as well: WALL_MS, milliseconds since the epoch. SERVICE may
 * be NULL. Where the parentheses at the end of TEXT hold key=value pairs and nothing else, they become
 * members behind the message (numbers where they are integers) and are not repeated in it; a pair can never
 * stand in for a member of ours. A message that does not fit into what is left of OUT's limit is cut with
 * "…", so that the line is always a whole object. */
void logline_format_json(struct buf *out, int64_t wall_ms, enum log_level level, const char *subject,
                         const char *service, const char *text);

#endif
