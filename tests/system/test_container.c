/* test_container: berth as the entrypoint of a real container (podman with runc), whose root holds the
 * binary, the probe and their libraries and nothing else. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

/* What every podman needs here, up to the words of its command. */
static const struct rig_result *podman(struct rig *r, const char *const *words)
{
    const char *argv[64] = {"podman",
                            "--root",
                            rig_path(r, "podman"),
                            "--runroot",
                            rig_path(r, "podman-run"),
                            "--storage-driver",
                            "vfs",
                            "--cgroup-manager",
                            "cgroupfs",
                            "--runtime",
                            "runc",
                            "--events-backend",
                            "none"};
    size_t n = 13;

    for (size_t i = 0; words[i] != NULL; i++)
        argv[n++] = words[i];
    return rig_exec(r, argv);
}

/* berth, the probe and what ldd says of them, under DIR/root. */
static const char *root_make(struct rig *r)
{
    const char *root = rig_path(r, "root");

    if (rig_find_program(r, "podman") == NULL || rig_find_program(r, "runc") == NULL)
        rig_skip("podman or runc is not installed");
    if (access("/sys/fs/cgroup", F_OK) < 0)
        rig_skip("podman needs /sys/fs/cgroup, which is not mounted here");
    /* podman clears up behind a container with processes of its own, for a while. */
    r->leaves_processes = true;
    rig_needs_root();
    rig_expect(
        r, 0,
        RIG_ARGV("sh", "-ec",
                 "mkdir -p \"$1/tmp\" \"$1/run\" \"$1/proc\" \"$1/dev\" \"$1/sys\" \"$1/etc\"\n"
                 "cp \"$2\" \"$1/berth\"; cp \"$3\" \"$1/probe\"\n"
                 "for f in $(ldd \"$2\" \"$3\" | grep -o '/[^ :]*' | sort -u); do\n"
                 "    case $f in *.so*) mkdir -p \"$1$(dirname \"$f\")\"; cp -L \"$f\" \"$1$f\" ;; esac\n"
                 "done",
                 "sh", root, r->berth, r->probe));
    return root;
}

#define RUN_OPTIONS                                                                                          \
    "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--security-opt",    \
        "seccomp=unconfined"

rig_test(container, ends_with_the_commands_status)
{
    const char *root = root_make(r);
    const struct rig_result *result =
        podman(r, RIG_ARGV("run", "--rm", RUN_OPTIONS, "--rootfs", root, "/berth", "run", "--listen", ":8080",
                           "--restart", "no", "--", "/probe", "--exit-status", "7"));
    cr_assert(result->status == 7, "%d: %s %s", result->status, result->out, result->err);
}

rig_test(container, reaps_and_ends_in_order_when_it_is_stopped)
{
    const char *root = root_make(r), *id, *report = rig_format(r, "%s/tmp/report", root);
    const struct rig_result *result;

    result =
        podman(r, RIG_ARGV("run", "--detach", RUN_OPTIONS, "--rootfs", root, "/berth", "run", "--listen",
                           ":8080", "--", "/probe", "--drain", "--orphans", "20", "--report", "/tmp/report"));
    cr_assert(result->status == 0, "%d: %s", result->status, result->err);
    id = rig_format(r, "%.12s", result->out);
    rig_until(r, strstr(rig_read_file(r, report), "serving") != NULL);
    cr_assert(podman(r, RIG_ARGV("exec", id, "/berth", "status", "probe"))->status == 0);
    cr_assert(podman(r, RIG_ARGV("stop", "--time", "20", id))->status == 0);
    result = podman(r, RIG_ARGV("inspect", id, "--format", "{{.State.ExitCode}}"));
    cr_assert_str_eq(result->out, "0\n");
    cr_assert_not_null(strstr(rig_read_file(r, report), "draining"));
    podman(r, RIG_ARGV("rm", "--force", id));
}

/* A container with FOLDER at /shared, where its berth has its control socket and serves web.sock. */
static const char *container_start(struct rig *r, const char *root, const char *folder,
                                   const char *const *more)
{
    const char *words[32] = {
        "run",      "--detach", RUN_OPTIONS, "--volume",  rig_format(r, "%s:/shared", folder),
        "--rootfs", root,       "/berth",    "--control", "/shared/control.sock",
        "run"};
    const char *command[] = {"--listen", "web=unix:/shared/web.sock", "--", "/probe", "--drain", NULL};
    size_t n = 0;

    while (words[n] != NULL)
        n++;
    for (size_t i = 0; more[i] != NULL; i++)
        words[n++] = more[i];
    for (size_t i = 0; command[i] != NULL; i++)
        words[n++] = command[i];
    const struct rig_result *result = podman(r, words);
    cr_assert(result->status == 0, "%d: %s", result->status, result->err);
    return rig_format(r, "%.12s", result->out);
}

rig_test(container, is_taken_over_by_another_one_under_load)
{
    const char *root = root_make(r), *folder = rig_path(r, "shared");
    const char *address = rig_format(r, "unix:%s/web.sock", folder);

    cr_assert_eq(mkdir(folder, 0755), 0);
    const char *old = container_start(r, root, folder, RIG_ARGV(NULL));
    rig_until(r, load_ask(address, "/", (char[64]){0}, 64) == 0);
    struct load *load = rig_load(r, address, 4);
    for (int i = 0; i < 2; i++) {
        const char *new = container_start(r, root, folder, RIG_ARGV("--take-over", "/shared/control.sock"));
        const struct rig_result *result = podman(r, RIG_ARGV("wait", old));
        cr_assert_str_eq(result->out, "0\n", "%s", result->err);
        cr_assert(load_wait_ok(load, 20, RIG_PATIENCE_SECONDS));
        podman(r, RIG_ARGV("rm", "--force", old));
        old = new;
    }
    rig_load_end(r, load, 0);
    cr_assert(
        podman(r, RIG_ARGV("exec", old, "/berth", "--control", "/shared/control.sock", "status"))->status ==
        0);
    cr_assert(podman(r, RIG_ARGV("stop", "--time", "20", old))->status == 0);
    podman(r, RIG_ARGV("rm", "--force", old));
}
