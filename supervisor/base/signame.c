/* signame: signals by name. The table is ours: sigabbrev_np() is glibc's only. */
#include "config.h"

#include "base/signame.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

#define LAST_SIGNAL 64 /* the kernel's _NSIG on every architecture that berth runs on */

struct signame {
    const char *name;
    int signo;
};

/* The first name of a number is the one that is written. */
static const struct signame names[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ILL", SIGILL},     {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT},     {"BUS", SIGBUS},   {"FPE", SIGFPE},   {"KILL", SIGKILL},   {"USR1", SIGUSR1},
    {"SEGV", SIGSEGV},     {"USR2", SIGUSR2}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},   {"TERM", SIGTERM},
    {"CHLD", SIGCHLD},     {"CONT", SIGCONT}, {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},   {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF},     {"IO", SIGIO},     {"PWR", SIGPWR},   {"WINCH", SIGWINCH}, {"SYS", SIGSYS},
#ifdef SIGSTKFLT
    {"STKFLT", SIGSTKFLT},
#endif
    {"IOT", SIGIOT},       {"POLL", SIGPOLL}, {"CLD", SIGCHLD},
};

static const size_t n_names = sizeof(names) / sizeof(names[0]);

/* What follows "RTMIN+" or "RTMAX-"; the part may be left out: "RTMIN". */
static int parse_real_time(const char *rest, char sign, int base)
{
    uint64_t offset = 0;
    if (rest[0] != '\0') {
        if (rest[0] != sign || units_parse_uint(rest + 1, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset) < 0)
            return -EINVAL;
    }
    return sign == '+' ? base + (int)offset : base - (int)offset;
}

int signame_parse(const char *s)
{
    uint64_t number;
    if (units_parse_uint(s, 1, LAST_SIGNAL, &number) == 0)
        return (int)number;
    if (strncasecmp(s, "SIG", 3) == 0)
        s += 3;
    if (strncasecmp(s, "RTMIN", 5) == 0)
        return parse_real_time(s + 5, '+', SIGRTMIN);
    if (strncasecmp(s, "RTMAX", 5) == 0)
        return parse_real_time(s + 5, '-', SIGRTMAX);
    for (size_t i = 0; i < n_names; i++)
        if (strcasecmp(s, names[i].name) == 0)
            return names[i].signo;
    return -EINVAL;
}

const char *signame_format(int signo, char buf[16])
{
    for (size_t i = 0; i < n_names; i++)
        if (names[i].signo == signo)
            return names[i].name;
    if (signo == SIGRTMIN)
        return "RTMIN";
    if (signo > SIGRTMIN && signo <= SIGRTMAX)
        snprintf(buf, 16, "RTMIN+%d", signo - SIGRTMIN);
    else
        snprintf(buf, 16, "%d", signo);
    return buf;
}
