/* berr: an error as a person will read it: a class, an errno, one complete sentence, and where it stands.
 *
 * A function that can fail for a reason that a user should read takes `struct berr *err` last, returns a
 * negative errno, and leaves *err untouched on success. `err` is never NULL. */
#ifndef BERTH_BASE_BERR_H
#define BERTH_BASE_BERR_H

enum berr_class {
    BERR_NONE,        /* no error */
    BERR_USAGE,       /* the command line is wrong */
    BERR_CONFIG,      /* the configuration is wrong */
    BERR_SYSTEM,      /* the system refused: see errno */
    BERR_FAILED,      /* what was asked for was tried and did not come about */
    BERR_NO_SERVICE,  /* no service of that name */
    BERR_UNREACHABLE, /* no supervisor answers */
    BERR_PROTOCOL,    /* the other side sent what cannot be understood */
    BERR_DENIED,      /* the other side may not do that */
};

struct berr {
    enum berr_class class;
    int err;         /* errno value, 0 where there is none */
    char text[1024]; /* one sentence, no final newline; foreign text in it is escaped */
    char file[256];  /* configuration file, "" where there is none */
    unsigned line;   /* its line, from 1; 0 where there is none */
};

/* Fills *err (with no file and no line) and returns -ERRNUM (-EINVAL when ERRNUM is 0), so that
 * `return berr_set(…)` reads well. ERRNUM may be given negative, as functions return it. The arguments may
 * point into *err. A sentence that does not fit is cut and ends in "…". */
int berr_set(struct berr *err, enum berr_class class, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Puts "PREFIX: " before the sentence; for context that only the caller knows. */
void berr_prefix(struct berr *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The exit status of a command that ends with this error (interface: 0, 1, 2, 4, 5). */
int berr_exit_status(const struct berr *err);

#endif
