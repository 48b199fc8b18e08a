/* check_state: not for people: another berth asks, before it makes way for this one, whether we can read what
 * it holds. core/upgrade.h says what is asked and answered. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "core/upgrade.h"
#include "engine/conf_load.h"
#include "sys/memory_file.h"
#include "wire/keeper_msg.h"
#include "wire/soft_state.h"

#define MOST ((size_t)1024 * 1024 * 1024)

/* The sentence of what is wrong with the soft state, into DST. */
static bool reads_state(char *dst, size_t size)
{
    struct soft_state state;
    char *bytes;
    size_t n;
    int r = memory_file_read(UPGRADE_STATE_FD, MOST, &bytes, &n);
    if (r < 0) {
        snprintf(dst, size, "what is held was not handed over: %s", strerror(-r));
        return false;
    }
    unsigned major = soft_state_major(bytes, n);
    r = soft_state_open(&state, bytes, n);
    free(bytes);
    if (r < 0 && major > 0 && major != SOFT_STATE_MAJOR)
        snprintf(dst, size, "it reads state of version %d, and what is held is of version %u",
                 SOFT_STATE_MAJOR, major);
    else if (r < 0)
        snprintf(dst, size, "it cannot read the state: %s", strerror(-r));
    return r == 0;
}

static bool reads_config(char *dst, size_t size)
{
    struct conf conf;
    struct conf_source source = {0};
    cleanup_free char *text = NULL;
    size_t n;
    int r = memory_file_read(UPGRADE_CONFIG_FD, MOST, &text, &n);
    if (r == -EBADF)
        return true;
    if (r == 0) {
        r = conf_load_text(text, n, &conf, &source);
        conf_fini(&conf);
    }
    if (r < 0 && source.n_problems > 0)
        snprintf(dst, size, "line %u of the configuration in force: %s", source.problems[0].place.line,
                 source.problems[0].sentence);
    else if (r < 0)
        snprintf(dst, size, "it cannot read the configuration in force: %s", strerror(-r));
    conf_source_fini(&source);
    return r == 0;
}

int cmd_check_state(void)
{
    char why[512];
    printf("berth %s keeper %d\n", PACKAGE_VERSION, KEEPER_VERSION);
    bool can = reads_state(why, sizeof why) && reads_config(why, sizeof why);
    printf("%s%s\n", can ? UPGRADE_CAN : UPGRADE_CANNOT, can ? "" : why);
    return cmd_flush() != 0 || !can;
}
