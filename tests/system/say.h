/* say: workers that say something at their notify socket, and what berth tells of it. */
#ifndef BERTH_TESTS_SAY_H
#define BERTH_TESTS_SAY_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* Of the first worker of the first service. */
static inline json_t *worker_member(struct rig *r, const char *key)
{
    json_t *service = json_array_get(json_object_get(rig_status(r), "services"), 0);
    json_t *worker = json_array_get(json_object_get(service, "workers"), 0);
    return json_object_get(worker, key);
}

static inline const char *status(struct rig *r)
{
    const char *text = json_string_value(worker_member(r, "status"));
    return text ? text : "";
}

#define has_status(r, text) (strcmp(status(r), text) == 0)

/* libsystemd's client; see tests/lib/sd_say.c for its words. */
static inline const char *sd_say(struct rig *r)
{
    const char *path = rig_format(r, "%s/tests/lib/sd_say", getenv("top_builddir"));
    if (access(path, X_OK) != 0)
        rig_skip("built without libsystemd");
    return path;
}

/* A python worker with send(bytes, fds) at its notify socket. */
#define PYTHON                                                                                               \
    "python3", "-c",                                                                                         \
        "import array, os, signal, socket, sys, time\n"                                                      \
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"                                             \
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)\n"                                       \
        "address = '\\0' + os.environ['NOTIFY_SOCKET'][1:]\n"                                                \
        "def send(text, fds=[]):\n"                                                                          \
        "    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []\n"      \
        "    s.sendmsg([text], rights, 0, address)\n"

#endif
