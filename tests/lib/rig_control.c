/* rig_control: what berth says of itself, asked over its control socket, and the waits that hang on it. It
 * speaks varlink by itself, so that the command's client is not what the tests trust. To remember: any of
 * this may find no supervisor, just killed. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rig_private.h"

#define REPLY_MAX (1 << 20)

static int control_connect(struct rig *r)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(fd >= 0 && strlen(r->control) < sizeof(un.sun_path));
    strcpy(un.sun_path, r->control);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&un, sizeof(un))) == 0)
        return fd;
    close(fd);
    return -1;
}

/* With its closing NUL. */
static bool control_send(int fd, json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    size_t n = strlen(text) + 1;
    bool sent = TEMP_FAILURE_RETRY(send(fd, text, n, MSG_NOSIGNAL)) == (ssize_t)n;

    free(text);
    return sent;
}

static json_t *control_receive(int fd)
{
    char *text = malloc(REPLY_MAX);
    json_t *reply = NULL;
    size_t len = 0;

    cr_assert_not_null(text);
    for (ssize_t n = 1; n > 0 && len < REPLY_MAX && (len == 0 || text[len - 1] != '\0');
         len += n > 0 ? (size_t)n : 0)
        n = TEMP_FAILURE_RETRY(recv(fd, text + len, REPLY_MAX - len, 0));
    if (len > 0 && text[len - 1] == '\0')
        reply = json_loads(text, 0, NULL);
    free(text);
    return reply;
}

json_t *rig_call(struct rig *r, const char *method, json_t *take_parameters)
{
    json_t *request = json_pack("{s:s, s:o}", "method", method, "parameters",
                                take_parameters != NULL ? take_parameters : json_object());
    json_t *reply = NULL, *parameters;
    int fd = control_connect(r);

    if (fd >= 0 && control_send(fd, request))
        reply = control_receive(fd);
    if (fd >= 0)
        close(fd);
    json_decref(request);
    if (reply == NULL)
        return NULL;
    parameters = json_object_get(reply, "parameters");
    if (parameters == NULL) {
        parameters = json_object();
        json_object_set_new(reply, "parameters", parameters);
    }
    if (json_object_get(reply, "error") != NULL)
        json_object_set(parameters, "error", json_object_get(reply, "error"));
    json_array_append_new(r->private->replies, reply);
    return parameters;
}

json_t *rig_status(struct rig *r)
{
    return rig_call(r, "io.berth.Status", NULL);
}

static json_t *first_service(struct rig *r)
{
    return json_array_get(json_object_get(rig_status(r), "services"), 0);
}

static json_t *worker_find(struct rig *r, int worker)
{
    json_t *found = NULL, *w;
    size_t i;

    json_array_foreach(json_object_get(first_service(r), "workers"), i,
                       w) if (json_integer_value(json_object_get(w, "worker")) == worker) found = w;
    return found;
}

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

const char *rig_service_state(struct rig *r)
{
    return text_of(first_service(r), "state");
}

const char *rig_worker_state(struct rig *r, int worker)
{
    return text_of(worker_find(r, worker), "state");
}

pid_t rig_worker_pid(struct rig *r, int worker)
{
    return (pid_t)json_integer_value(json_object_get(worker_find(r, worker), "pid"));
}

int rig_worker_restarts(struct rig *r, int worker)
{
    return (int)json_integer_value(json_object_get(worker_find(r, worker), "restarts"));
}

static json_t *find_service(struct rig *r, const char *name)
{
    json_t *services = json_object_get(rig_status(r), "services"), *s, *found = NULL;
    size_t i;

    json_array_foreach(services, i, s) if (strcmp(text_of(s, "name"), name) == 0) found = s;
    return found;
}

const char *rig_state_of(struct rig *r, const char *service)
{
    return text_of(find_service(r, service), "state");
}

void rig_wait_state_of(struct rig *r, const char *service, const char *state)
{
    rig_until(r, strcmp(rig_state_of(r, service), state) == 0);
}

pid_t rig_pid_of(struct rig *r, const char *service, int worker)
{
    json_t *workers = json_object_get(find_service(r, service), "workers"), *w;
    size_t i;

    json_array_foreach(workers, i, w) if (json_integer_value(json_object_get(w, "worker")) == worker)
        return (pid_t)json_integer_value(json_object_get(w, "pid"));
    return 0;
}

long rig_number_of(struct rig *r, const char *service, const char *member)
{
    return (long)json_integer_value(json_object_get(find_service(r, service), member));
}

void rig_wait_state(struct rig *r, const char *state)
{
    rig_until(r, strcmp(rig_service_state(r), state) == 0);
}

pid_t rig_wait_worker(struct rig *r, int worker, pid_t but)
{
    json_t *w;
    pid_t pid;

    rig_until(r, (w = worker_find(r, worker)) != NULL && strcmp(text_of(w, "state"), "ready") == 0 &&
                     (pid = (pid_t)json_integer_value(json_object_get(w, "pid"))) > 0 && pid != but);
    return pid;
}

void rig_events_close(struct rig *r)
{
    if (r->private->events_fd >= 0)
        close(r->private->events_fd);
    r->private->events_fd = -1;
}

static void events_open(struct rig *r)
{
    json_t *request;

    r->private->events_fd = control_connect(r);
    if (r->private->events_fd < 0)
        return;
    request = json_pack("{s:s, s:b, s:{}}", "method", "io.berth.Events", "more", 1, "parameters");
    if (!control_send(r->private->events_fd, request))
        rig_events_close(r);
    json_decref(request);
}

/* An event ends the pause. So does a short time, for what no event tells of (a log line, a process of
 * somebody else's). */
void rig_pause(struct rig *r, long deadline, const char *what, const char *file, int line)
{
    char sink[4096];

    if (rig_now_ms() > deadline)
        cr_assert_fail("%s:%d: waited in vain until %s", file, line, what);
    if (r->private->events_fd < 0)
        events_open(r);
    struct pollfd event = {.fd = r->private->events_fd, .events = POLLIN};
    if (poll(&event, 1, 20) > 0 && recv(event.fd, sink, sizeof(sink), MSG_DONTWAIT) <= 0)
        rig_events_close(r);
}

/* The next whole line of the report, or NULL when there is none yet. */
static const char *report_line(struct rig *r)
{
    struct rig_private *p = r->private;
    char c;

    while (read(p->report_fd, &c, 1) == 1) {
        if (c != '\n') {
            cr_assert(p->line_len < sizeof(p->line) - 1);
            p->line[p->line_len++] = c;
            continue;
        }
        p->line[p->line_len] = '\0';
        p->line_len = 0;
        return p->line;
    }
    return NULL;
}

pid_t rig_wait_report(struct rig *r, const char *word)
{
    long deadline = rig_deadline();
    size_t n = strlen(word);

    for (;;) {
        const char *line = report_line(r);
        struct pollfd more = {.fd = r->private->report_fd, .events = POLLIN};
        if (line != NULL && strncmp(line, word, n) == 0 && line[n] == ' ')
            return atoi(line + n + 1);
        cr_assert(rig_now_ms() < deadline, "the probe never reported \"%s\"", word);
        if (line == NULL)
            poll(&more, 1, 1000);
    }
}

const char *rig_address(struct rig *r, int family)
{
    if (family == 1)
        return rig_format(r, "unix:%s/web.sock", r->dir);
    return rig_format(r, family == 6 ? "[::1]:%u" : "127.0.0.1:%u", r->port);
}

struct load *rig_load(struct rig *r, const char *address, unsigned clients)
{
    struct load_options options = {.address = address, .clients = clients, .pause_us = 1000};
    struct load *load = load_start(&options);

    cr_assert_not_null(load, "load %s: %s", address, strerror(errno));
    (void)r;
    return load;
}

void rig_load_end(struct rig *r, struct load *load, unsigned long lost)
{
    struct load_counts counts;
    char text[512];

    load_read(load, &counts);
    if (counts.ok == 0) /* its clients may not even have begun */
        load_wait_ok(load, 1, RIG_PATIENCE_SECONDS);
    load_stop(load, &counts);
    load_format(text, sizeof(text), &counts);
    fprintf(stderr, "load: %s\n", text);
    cr_assert(counts.ok > 0 && counts.refused + counts.timed_out + counts.other == 0, "%s", text);
    cr_assert(counts.reset + counts.early <= lost, "%s; at most %lu may be lost", text, lost);
    (void)r;
}
