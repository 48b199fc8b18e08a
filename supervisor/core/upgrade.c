/* upgrade: see the header. */
#include "config.h"

#include "core/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/str.h"
#include "core/diagnose.h"
#include "wire/keeper_msg.h"

/* The rest of the line of ANSWER that begins with WORD, escaped, into DST; NULL where there is none. */
static const char *find_line(const char *answer, const char *word, char *dst, size_t size)
{
    for (const char *line = answer; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (str_starts_with(line, word)) {
            const char *rest = line + strlen(word);
            return str_escape(dst, size, rest, strcspn(rest, "\n"));
        }
    return NULL;
}

/* From the first line: "berth VERSION keeper N", N above 0. */
static bool take_version(const char *answer, char version[UPGRADE_VERSION])
{
    static const char berth[] = "berth ", keeper[] = " keeper ";
    if (!str_starts_with(answer, berth))
        return false;
    const char *v = answer + strlen(berth);
    size_t n = strcspn(v, " \n");
    if (n == 0 || n >= UPGRADE_VERSION || !str_starts_with(v + n, keeper))
        return false;
    const char *number = v + n + strlen(keeper);
    size_t digits = strspn(number, "0123456789");
    if (digits == 0 || *number == '0' || number[digits] != '\n')
        return false;
    memcpy(version, v, n);
    version[n] = '\0';
    return true;
}

static int refuse_stranger(const char *path, const char *answer, int wait_status, unsigned seconds,
                           struct berr *err)
{
    char why[300], end[96];
    if (find_line(answer, UPGRADE_NOT_EXECUTED, why, sizeof why))
        return berr_set(err, BERR_FAILED, ENOEXEC, "%s cannot be executed: %s", path, why);
    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGALRM)
        return berr_set(err, BERR_FAILED, ETIMEDOUT,
                        "%s did not say within %u seconds whether it can take over", path, seconds);
    return berr_set(
        err, BERR_FAILED, ENOEXEC,
        "%s is not a berth, or one that knows no upgrade: asked with %s it %s and did not tell its "
        "version",
        path, UPGRADE_QUESTION, diagnose_wait_status(end, sizeof end, wait_status));
}

int upgrade_judge(const char *path, const char *answer, int wait_status, unsigned seconds,
                  char version[UPGRADE_VERSION], struct berr *err)
{
    char quoted[300], found[UPGRADE_VERSION], why[400], end[96], can[8];
    str_escape(quoted, sizeof quoted, path, strlen(path));
    if (!take_version(answer, found))
        return refuse_stranger(quoted, answer, wait_status, seconds, err);
    if (find_line(answer, UPGRADE_CANNOT, why, sizeof why))
        return berr_set(err, BERR_FAILED, EPROTO, "%s (berth %s) cannot take over: %s", quoted, found, why);
    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGALRM)
        return refuse_stranger(quoted, "", wait_status, seconds, err);
    if (wait_status != 0 || !find_line(answer, UPGRADE_CAN, can, sizeof can))
        return berr_set(err, BERR_FAILED, EPROTO,
                        "%s (berth %s) did not say that it can take over: asked with %s it %s", quoted, found,
                        UPGRADE_QUESTION, diagnose_wait_status(end, sizeof end, wait_status));
    str_copy(version, UPGRADE_VERSION, found);
    return 0;
}

const char *upgrade_state_name(enum upgrade_state state)
{
    static const char *const names[] = {
        [UPGRADE_NONE] = "none",
        [UPGRADE_UNDER_WAY] = "under-way",
        [UPGRADE_DONE] = "done",
        [UPGRADE_FAILED] = "failed",
    };
    return names[state];
}

char *upgrade_describe_failure(char *dst, size_t size, int failure)
{
    char end[96];
    if (failure == UPGRADE_FORGOTTEN)
        snprintf(dst, size, "the supervisor ended before the keeper knew of the new binary; ask again");
    else if (failure == UPGRADE_UNPROTECTED)
        snprintf(dst, size,
                 "berth has no keeper, and the supervisor could not become one; see its log for why");
    else if (failure == KEEPER_TIMED_OUT)
        snprintf(dst, size,
                 "rolled back: the new supervisor was not ready within 10 seconds; the old one is back");
    else
        snprintf(dst, size, "rolled back: the new supervisor %s before it was ready; the old one is back",
                 diagnose_wait_status(end, sizeof end, failure));
    return dst;
}
