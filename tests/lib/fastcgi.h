/* fastcgi: one request and its answer as a web server would have them with an application (FastCGI 1.0
 * specification, "FastCGI Specification", Open Market, 1996). */
#ifndef BERTH_TESTS_FASTCGI_H
#define BERTH_TESTS_FASTCGI_H

#include <stddef.h>

/* The bytes of a GET request for the file SCRIPT into DST; how many. */
size_t fastcgi_request(char *dst, size_t size, const char *script);
/* Is the answer of *N bytes whole? Then only what the application wrote is left in it, as a string. 1; 0: not
 * yet; -EPROTO: the application failed. */
int fastcgi_finish(char *answer, size_t *n);

#endif
