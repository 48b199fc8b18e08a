/* signame: signals by name. */
#ifndef BERTH_BASE_SIGNAME_H
#define BERTH_BASE_SIGNAME_H

/* "TERM", "SIGTERM", "term", "15", "RTMIN+3", "RTMAX-1" -> number, or -EINVAL. */
int signame_parse(const char *s);
/* "TERM"; "RTMIN+3"; "64" for a number without a name. Static for the named ones, so never free it; the
 * others are written into BUF (at least 16 bytes). */
const char *signame_format(int signo, char buf[16]);

#endif
