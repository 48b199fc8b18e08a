/* Status as a person reads it. */
#include "config.h"

#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include "cmd/status_table.h"

static const struct table_look plain = {0, false};

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    cr_assert_not_null(value, "%s", text);
    return value;
}

static void assert_text(struct buf *out, const char *expected)
{
    cr_assert_str_eq(buf_str(out), expected, "got:\n%s\nexpected:\n%s", buf_str(out), expected);
    buf_fini(out);
}

Test(status_table, a_service_is_a_row)
{
    json_t *services =
        parse("[{\"name\":\"web\",\"state\":\"running\",\"ready\":2,\"wanted_workers\":2,\"generation\":3,"
              "\"restarts\":10,"
              "\"sockets\":[\"http\",\"admin\"],\"command\":[\"nginx\",\"-g\",\"daemon off;\"]},"
              "{\"name\":\"job\",\"state\":\"stopped\",\"ready\":0,\"wanted_workers\":1,\"generation\":1,"
              "\"restarts\":0,"
              "\"sockets\":[],\"command\":[\"job\"]}]");
    struct buf out;

    buf_init(&out, SIZE_MAX);
    status_format_services(services, &plain, &out);
    json_decref(services);
    assert_text(&out, "NAME  STATE    READY  GENERATION  RESTARTS  SOCKETS      COMMAND\n"
                      "web   running    2/2           3        10  http, admin  nginx -g daemon off;\n"
                      "job   stopped    0/1           1         0  -            job\n");
}

static const char one_service[] =
    "{\"name\":\"web\",\"state\":\"degraded\",\"ready\":1,\"wanted_workers\":2,\"workers\":["
    "{\"worker\":1,\"state\":\"ready\",\"pid\":123,\"since_ms\":61500,\"generation\":1,\"restarts\":0},"
    "{\"worker\":2,\"state\":\"backoff\",\"since_ms\":20,\"generation\":1,\"restarts\":7,\"next_start_ms\":"
    "1500,"
    "\"last_end\":\"exited with status 1\"}]}";

Test(status_table, a_worker_is_a_row_with_what_went_wrong)
{
    json_t *service = parse(one_service);
    struct buf out;

    buf_init(&out, SIZE_MAX);
    status_format_workers(service, &plain, &out);
    json_decref(service);
    assert_text(
        &out, "web: degraded, 1 of 2 workers ready\n"
              "WORKER  STATE    PID  SINCE  GENERATION  RESTARTS  NOTE\n"
              "     1  ready    123  1m01s           1         0\n"
              "     2  backoff    -   20ms           1         7  exited with status 1; next start in 1s\n");
}

Test(status_table, spares_are_told_apart)
{
    json_t *services =
        parse("[{\"name\":\"web\",\"state\":\"running\",\"ready\":1,\"wanted_workers\":1,\"spares\":0,"
              "\"wanted_spares\":2,\"generation\":1,\"restarts\":0,\"sockets\":[],\"command\":[\"w\"],"
              "\"workers\":[{\"worker\":1,\"state\":\"ready\",\"pid\":7,\"since_ms\":5,\"generation\":1,"
              "\"restarts\":0}]}]");
    struct buf out;

    buf_init(&out, SIZE_MAX);
    status_format_services(services, &plain, &out);
    status_format_workers(json_array_get(services, 0), &plain, &out);
    json_decref(services);
    assert_text(&out, "NAME  STATE       READY  GENERATION  RESTARTS  SOCKETS  COMMAND\n"
                      "web   running  1/1 +0/2           1         0  -        w\n"
                      "web: running, 1 of 1 workers ready, 0 of 2 spares wait\n"
                      "WORKER  STATE  PID  SINCE  GENERATION  RESTARTS  NOTE\n"
                      "     1  ready    7    5ms           1         0\n");
}

Test(status_table, a_worker_that_reloads_or_is_stopping_is_shown_as_that)
{
    json_t *service =
        parse("{\"name\":\"web\",\"state\":\"running\",\"ready\":2,\"wanted_workers\":2,\"workers\":["
              "{\"worker\":1,\"state\":\"ready\",\"reloading_ms\":2500,\"status\":\"half way\"},"
              "{\"worker\":2,\"state\":\"ready\",\"says_stopping\":true}]}");
    struct buf out;

    buf_init(&out, SIZE_MAX);
    status_format_workers(service, &plain, &out);
    json_decref(service);
    cr_expect_not_null(strstr(buf_str(&out), "reloading for 2s; half way\n"), "%s", buf_str(&out));
    cr_expect_not_null(strstr(buf_str(&out), "says that it is stopping\n"), "%s", buf_str(&out));
    buf_fini(&out);
}

Test(status_table, states_are_coloured_where_colours_are_wanted)
{
    json_t *service = parse(one_service);
    struct buf out;

    buf_init(&out, SIZE_MAX);
    status_format_workers(service, &(struct table_look){0, true}, &out);
    json_decref(service);
    cr_assert_not_null(strstr(buf_str(&out), "web: \033[31mdegraded\033[0m,"));
    cr_assert_not_null(strstr(buf_str(&out), "\033[32mready\033[0m  "));
    cr_assert_not_null(strstr(buf_str(&out), "\033[31mbackoff\033[0m"));
    buf_fini(&out);
}

Test(status_table, what_is_missing_or_of_another_type_shows_as_nothing)
{
    json_t *services = parse("[{},{\"name\":7,\"command\":[1,\"x\"],\"ready\":\"two\"}]");
    struct buf out;

    buf_init(&out, SIZE_MAX);
    status_format_services(services, &plain, &out);
    json_decref(services);
    assert_text(&out, "NAME  STATE  READY  GENERATION  RESTARTS  SOCKETS  COMMAND\n"
                      "               0/0           -         -  -        -\n"
                      "               0/0           -         -  -         x\n");
}

Test(status_table, ages_are_short)
{
    char age[32];

    cr_assert_str_eq(status_format_age(age, sizeof age, 0), "0ms");
    cr_assert_str_eq(status_format_age(age, sizeof age, 999), "999ms");
    cr_assert_str_eq(status_format_age(age, sizeof age, 1000), "1s");
    cr_assert_str_eq(status_format_age(age, sizeof age, 59999), "59s");
    cr_assert_str_eq(status_format_age(age, sizeof age, 60000), "1m00s");
    cr_assert_str_eq(status_format_age(age, sizeof age, 7500000), "2h05m");
    cr_assert_str_eq(status_format_age(age, sizeof age, 273600000), "3d4h");
}

Test(status_table, running_is_whatever_serves_or_soon_will)
{
    static const struct {
        const char *state;
        bool is_running;
    } cases[] = {{"starting", true},  {"running", true},  {"degraded", true},
                 {"stopped", false},  {"backoff", false}, {"done", false},
                 {"stopping", false}, {"failed", false},  {"", false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *service = json_pack("{s:s}", "state", cases[i].state);
        cr_assert_eq(status_is_running(service), cases[i].is_running, "%s", cases[i].state);
        json_decref(service);
    }
}
