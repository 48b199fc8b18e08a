/* services: berth with several services, as a configuration file will have them. It takes "CONTROL
 * [SERVICE.KEY=VALUE]…", in which a service is made when its name first comes up. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/conf_schema.h"
#include "engine/supervisor.h"
#include "keeper/keeper.h"

static int set(struct conf *c, const char *text, struct berr *err)
{
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    if (!dot || !equals || equals < dot)
        return berr_set(err, BERR_USAGE, 0, "%s is not SERVICE.KEY=VALUE", text);
    cleanup_free char *name = mem_strndup(text, (size_t)(dot - text));
    cleanup_free char *key = mem_strndup(dot + 1, (size_t)(equals - dot) - 1);
    struct service_conf *s = conf_find_service(c, name);
    return conf_set_service(s ? s : conf_add_service(c, name), key, equals + 1, err);
}

int main(int argc, char *argv[])
{
    struct conf c;
    struct berr err;
    int r = 0;
    conf_init(&c);
    for (int i = 2; r == 0 && i < argc; i++)
        r = set(&c, argv[i], &err);
    if (r == 0)
        r = conf_check(&c, &err);
    if (r < 0 || argc < 2) {
        fprintf(stderr, "services: %s\n", r < 0 ? err.text : "which control socket?");
        return 2;
    }
    if (strcmp(argv[0], KEEPER_SUPERVISOR_NAME) == 0)
        return supervisor_main(
            &c, &(struct supervisor_options){.control = argv[1], .keeper_fd = KEEPER_SUPERVISOR_FD});
    conf_fini(&c);
    return keeper_main(argc, argv);
}
