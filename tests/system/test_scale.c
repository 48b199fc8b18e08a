/* test_scale: a thousand services: they are all there, and each costs little. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

/* What comes with the first services and does not grow is not counted: the allocator's own stock, say. */
#define FEW 100
#ifdef __SANITIZE_ADDRESS__
#define MANY 200 /* memory tells nothing there, and time is dear */
#define MOST_BYTES LONG_MAX
#else
#define MANY 1000
#define MOST_BYTES 1536L /* that a service may cost the keeper and the supervisor together */
#endif

/* Its share of the memory that it has, in KiB. */
static long pss_of(pid_t pid)
{
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *f = fopen(path, "re");
    cr_assert(f, "%s", path);
    while (kib < 0 && fgets(line, sizeof line, f))
        sscanf(line, "Pss: %ld", &kib);
    fclose(f);
    cr_assert_geq(kib, 0);
    return kib;
}

static const char *services(struct rig *r, int n, int seconds)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    cr_assert(f);
    for (int i = 0; i < n; i++)
        fprintf(f,
                "[socket:s%d]\nlisten = unix:%d.sock\n"
                "[service:s%d]\ncommand = sleep %d\nsockets = s%d\n",
                i, i, i, seconds, i);
    fclose(f);
    const char *kept = rig_format(r, "%s", text);
    free(text);
    return kept;
}

/* Those that run, and have been started that often. */
static int n_running(struct rig *r, int generation)
{
    int n = 0;
    json_t *services = json_object_get(rig_status(r), "services"), *service;
    size_t i;
    json_array_foreach (services, i, service)
        n += strcmp(json_string_value(json_object_get(service, "state")), "running") == 0 &&
             json_integer_value(json_object_get(service, "generation")) == generation;
    return n;
}

rig_test(scale, a_service_costs_at_most_one_and_a_half_kib)
{
    rig_up(r, services(r, FEW, 100000));
    rig_until(r, n_running(r, 1) == FEW);
    long few = pss_of(r->keeper) + pss_of(rig_supervisor_pid(r));
    rig_stop(r);
    rig_up(r, services(r, MANY, 100000));
    rig_until(r, n_running(r, 1) == MANY);
    long all = pss_of(r->keeper) + pss_of(rig_supervisor_pid(r));
    cr_expect_leq((all - few) * 1024 / (MANY - FEW), MOST_BYTES, "%ld KiB with %d services, %ld with %d", few,
                  FEW, all, MANY);
}

rig_test(scale, all_of_them_are_updated_and_stopped_at_once)
{
    rig_up(r, services(r, MANY, 100000));
    rig_until(r, n_running(r, 1) == MANY);
    rig_configure(r, services(r, MANY, 99999));
    const struct rig_result *result = rig_cmd_ok(r, "update");
    cr_assert(strstr(result->out, "service s7: changed (command sleep 100000 -> sleep 99999), restarted"),
              "%s", result->out);
    cr_assert_eq(n_running(r, 2), MANY);
    rig_kill_supervisor(r);
    rig_until(r, n_running(r, 2) == MANY);
    rig_cmd_ok(r, "stop", "s*");
    cr_assert_eq(n_running(r, 2), 0);
    rig_cmd_ok(r, "start", "--all");
    rig_until(r, n_running(r, 2) == MANY);
}
