/* probe_dump: what this process was given, as JSON, for a test to compare with what it should have been
 * given. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

extern char **environ;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "probe: dump: %s: %s\n", what, strerror(errno));
    exit(97);
}

static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20 || *c >= 0x7f)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

/* {"0": "/dev/null", "3": "socket:[4711]"}: before anything else is opened, and without the folder's own
 * descriptor. */
static void print_fds(FILE *out)
{
    DIR *dir = opendir("/proc/self/fd");
    const char *comma = "";

    if (dir == NULL)
        give_up("/proc/self/fd");
    fputs("\"fds\": {", out);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char target[4096];
        ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
        if (n < 0 || atoi(e->d_name) == dirfd(dir))
            continue;
        target[n] = '\0';
        fprintf(out, "%s\"%s\": ", comma, e->d_name);
        print_string(out, target);
        comma = ", ";
    }
    fputs("},\n", out);
    closedir(dir);
}

static void print_environment(FILE *out)
{
    fputs("\"environment\": {", out);
    for (char **e = environ; *e != NULL; e++) {
        char name[256];
        const char *equals = strchr(*e, '=');
        if (equals == NULL || (size_t)(equals - *e) >= sizeof(name))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(equals - *e), *e);
        fputs(e == environ ? "" : ", ", out);
        print_string(out, name);
        fputs(": ", out);
        print_string(out, equals + 1);
    }
    fputs("},\n", out);
}

/* "SigBlk": "0000000000000000" and its like out of /proc/self/status. */
static void print_status(FILE *out)
{
    static const char *const wanted[] = {"SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Groups", "CapEff"};
    FILE *status = fopen("/proc/self/status", "re");
    char line[1024];

    if (status == NULL)
        give_up("/proc/self/status");
    while (fgets(line, sizeof(line), status) != NULL)
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
            size_t n = strlen(wanted[i]);
            if (strncmp(line, wanted[i], n) != 0 || line[n] != ':')
                continue;
            line[strcspn(line, "\n")] = '\0';
            fprintf(out, "\"%s\": ", wanted[i]);
            print_string(out, line + n + 2);
            fputs(",\n", out);
        }
    fclose(status);
}

static void print_ids(FILE *out)
{
    struct rlimit nofile;
    struct stat st = {0};
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    mode_t mask = umask(0);
    char cwd[4096];

    umask(mask);
    if (pidfd >= 0 && fstat(pidfd, &st) == 0)
        close(pidfd);
    getrlimit(RLIMIT_NOFILE, &nofile);
    fputs("\"cwd\": ", out);
    print_string(out, getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "");
    fprintf(out,
            ",\n\"nofile_soft\": %llu, \"nofile_hard\": %llu, \"umask\": %u, \"pidfd_inode\": \"%llu\",\n",
            (unsigned long long)nofile.rlim_cur, (unsigned long long)nofile.rlim_max, (unsigned)mask,
            (unsigned long long)st.st_ino);
    fprintf(out,
            "\"pid\": %d, \"ppid\": %d, \"sid\": %d, \"pgid\": %d, \"uid\": %d, \"gid\": %d, \"nice\": %d",
            (int)getpid(), (int)getppid(), (int)getsid(0), (int)getpgid(0), (int)getuid(), (int)getgid(),
            getpriority(PRIO_PROCESS, 0));
}

void probe_dump(const char *path)
{
    char *text = NULL, temporary[4096];
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int fd;

    if (out == NULL)
        give_up("memory");
    fputs("{\n", out);
    print_fds(out);
    print_environment(out);
    print_status(out);
    print_ids(out);
    fputs("\n}\n", out);
    fclose(out);
    snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) < 0 || rename(temporary, path) < 0)
        give_up(path);
    free(text);
}
