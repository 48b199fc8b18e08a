/* test_examples: the numbered examples do what their folders say. Each has a test.sh that starts it, drives
 * it and judges it; here it gets a build, a port and a folder for what it writes. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"

#define CANNOT_RUN 77
#define PATIENCE_SECONDS 240

/* A whole story takes longer than one step of another test may. */
static void wait_until_it_ends(pid_t pid)
{
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    cr_assert(ended.fd >= 0 && poll(&ended, 1, PATIENCE_SECONDS * 1000) == 1, "it does not end");
    close(ended.fd);
}

static void run(struct rig *r, const char *path)
{
    const char *script = rig_format(r, "%s/%s", getenv("top_srcdir"), path);
    const char *state = rig_path(r, "state");

    /* nginx's workers, which are somebody else where root started it, have to get at the sockets. */
    cr_assert(mkdir(state, 0755) == 0 && chmod(r->dir, 0755) == 0);
    rig_env(r, rig_format(r, "BUILD=%s", getenv("top_builddir")));
    rig_env(r, rig_format(r, "STATE=%s", state));
    rig_env(r, rig_format(r, "PORT=%u", r->port));
    pid_t pid = rig_spawn(r, "said", RIG_ARGV("sh", script));
    wait_until_it_ends(pid);
    int status = rig_wait_child(r, pid);
    const char *said = rig_read_file(r, rig_path(r, "said"));
    if (status == CANNOT_RUN)
        rig_skip("%.*s", (int)strcspn(said, "\n"), said);
    cr_assert(status == 0, "%s ended with %d\n%s", script, status, said);
}

rig_test(examples, web_and_workers)
{
    run(r, "examples/01-web-and-workers/test.sh");
}

rig_test(examples, container_entrypoint)
{
    run(r, "examples/02-container-entrypoint/test.sh");
}

rig_test(examples, the_guide_to_deploys)
{
    run(r, "tests/system/reload_guide.sh");
}

rig_test(examples, chat_server)
{
    run(r, "examples/03-chat-server/test.sh");
}
