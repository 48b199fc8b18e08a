/* bequeath: see the header. The new keeper's program is that of the supervisor, which runs: so it can be
 * executed. Children, the pending signals and the link with what is queued in it outlive an exec by
 * themselves; what only our memory knows is written down first. Until the exec nothing has changed. */
#include "config.h"

#include "keeper/once/bequeath.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "keeper/link.h"
#include "keeper/respawn.h"
#include "keeper/say.h"
#include "keeper/stop.h"
#include "keeper/store.h"
#include "sys/will.h"

static int failed_version; /* of the keeper that could not be executed */

static bool is_due(const struct respawn *r)
{
    return r->version > 0 && r->version != KEEPER_VERSION && r->version != failed_version && r->pid > 0 &&
           r->is_stable && r->candidate < 0 && !r->has_finished && stop_count() == 0 && link_is_quiet();
}

static int write_respawn(int will, const struct respawn *r)
{
    struct keeper_msg link, binary;
    keeper_msg_make(&link, KEEPER_WILL_LINK, NULL);
    link.pid = r->pid;
    keeper_msg_make(&binary, KEEPER_WILL_BINARY, NULL);
    binary.value = (int)r->starts;
    binary.flags = r->soft_nofile < UINT32_MAX ? (uint32_t)r->soft_nofile : UINT32_MAX;
    int error = will_add(will, &link, link_poll().fd);
    return error < 0 ? error : will_add(will, &binary, r->binary);
}

static int write_entries(int will)
{
    struct keeper_msg m;
    int error = 0;
    for (struct entry *e = store_next(NULL); e && error == 0; e = store_next(e)) {
        keeper_msg_make(&m, KEEPER_HELD, e->name);
        m.pid = e->pid;
        m.flags = e->ended ? KEEPER_FLAG_ENDED : 0;
        m.value = e->status;
        error = will_add(will, &m, e->fd);
    }
    keeper_msg_make(&m, KEEPER_SYNC, NULL);
    return error < 0 ? error : will_add(will, &m, -1);
}

void bequeath_if_due(void)
{
    const struct respawn *r = respawn_self();
    if (!is_due(r))
        return;
    int will = will_new();
    int error = will < 0 ? will : write_respawn(will, r);
    if (error == 0)
        error = write_entries(will);
    if (error == 0)
        error = will_execute(will, r->binary, r->argv, environ);
    say("cannot make way for the keeper of the new binary: %s; going on as this one", strerror(-error));
    failed_version = r->version;
    if (will >= 0)
        close(will);
}
