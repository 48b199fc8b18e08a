/* What the tests of sys/ share: a temporary directory, children that only exit, and a host that lacks
 * something. */
#ifndef BERTH_TESTS_UNIT_SYS_TEST_H
#define BERTH_TESTS_UNIT_SYS_TEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire/address.h"
#include "wire/socket_options.h"

#define NOBODY 65534

/* For .init and .fini of a test: a fresh directory, its path in test_dir, and its removal with all that is in
 * it. */
extern char test_dir[64];
void test_dir_make(void);
void test_dir_remove(void);
/* Skips the test. Criterion leaves out .fini then. */
#define test_skip(reason)                                                                                    \
    do {                                                                                                     \
        test_dir_remove();                                                                                   \
        cr_skip_test(reason);                                                                                \
    } while (0)
/* test_dir/NAME; the last four results are valid. */
const char *test_path(const char *name);

/* Runs BODY(ARG) in a forked child that ends with its result; the exit status, or -1 if a signal ended it. */
int test_in_child(int (*body)(void *), void *arg);
/* The child's part of it: gives up root for good. False: it could not. */
bool test_become_nobody(void);
/* From here on this process and its children get ERRNUM from call NR (with first argument ARG0, unless it is
 * -1). */
bool test_refuse_call(long nr, long arg0, int errnum);

/* The endpoint of TEXT, which needs no resolver; ends the test otherwise. */
struct endpoint test_endpoint(const char *text);
/* Options as the configuration's defaults have them. */
struct socket_options test_options(void);
/* A client socket connected to E (of the type of E), or negative errno. */
int test_connect(const struct endpoint *e);

#endif
