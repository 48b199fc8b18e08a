/* fuzz: what the fuzz targets share. A target asserts what must hold for every input; not to crash is not
 * enough.
 *
 * To add one: write fuzz_NAME.c with LLVMFuzzerTestOneInput(), add NAME to local.mk, put seeds into
 * corpus/NAME/. */
#ifndef BERTH_TESTS_FUZZ_H
#define BERTH_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, so that the fuzzer keeps the input. */
#define check(x) ((x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))

static inline void check_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

/* DATA as a text: up to its first NUL byte, in memory of its own. To be freed. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *s = strndup(size > 0 ? (const char *)data : "", size);
    check(s != NULL);
    return s;
}

#endif
