/* varlink: messages as they go over the control socket, and what is not one. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/varlink.h"

static struct varlink_call call_of(const char *text)
{
    struct varlink_call c;
    struct berr err = {0};
    int r = varlink_call_parse(text, strlen(text), &c, &err);
    cr_assert_eq(r, 0, "%s: %s", text, err.text);
    return c;
}

/* What is said when the call TEXT of LEN bytes is refused. */
static const char *refused(const char *text, size_t len)
{
    static struct berr err;
    struct varlink_call c = {.method = (char *)"untouched"};
    err = (struct berr){0};
    cr_assert_eq(varlink_call_parse(text, len, &c, &err), -EBADMSG, "%s", text);
    cr_assert_eq(err.class, BERR_PROTOCOL);
    cr_assert_str_eq(c.method, "untouched");
    return err.text;
}

Test(varlink, a_message_is_whole_once_its_nul_byte_is_there)
{
    struct buf b;
    size_t len = 77;
    buf_init(&b, 100);
    cr_assert_not(varlink_has_message(&b, &len));
    buf_add_str(&b, "{}");
    cr_assert_not(varlink_has_message(&b, &len));
    cr_assert_eq(len, 77);
    buf_add(&b, "\0{", 2);
    cr_assert(varlink_has_message(&b, &len));
    cr_assert_eq(len, 2);
    buf_consume(&b, len + 1);
    cr_assert_not(varlink_has_message(&b, &len));
    buf_fini(&b);
}

Test(varlink, an_empty_message_has_the_length_0)
{
    struct buf b;
    size_t len = 77;
    buf_init(&b, 100);
    buf_add(&b, "", 1);
    cr_assert(varlink_has_message(&b, &len));
    cr_assert_eq(len, 0);
    buf_fini(&b);
}

Test(varlink, a_call_is_read_with_its_flags_and_parameters)
{
    struct varlink_call c =
        call_of("{\"method\":\"io.berth.Stop\",\"parameters\":{\"services\":[\"web\"]},\"more\":true}");
    cr_assert_str_eq(c.method, "io.berth.Stop");
    cr_assert(c.more);
    cr_assert_not(c.oneway);
    cr_assert_str_eq(json_string_value(json_array_get(json_object_get(c.parameters, "services"), 0)), "web");
    varlink_call_fini(&c);
    cr_assert_null(c.method);
}

Test(varlink, parameters_may_be_absent_and_are_then_empty)
{
    struct varlink_call c = call_of("{\"method\":\"org.varlink.service.GetInfo\"}");
    cr_assert(json_is_object(c.parameters));
    cr_assert_eq(json_object_size(c.parameters), 0);
    varlink_call_fini(&c);
}

Test(varlink, members_that_nobody_knows_are_ignored)
{
    struct varlink_call c =
        call_of(" {\"method\":\"io.berth.Status\",\"trace\":[1],\"oneway\":true,\"upgrade\":false}\n");
    cr_assert(c.oneway);
    varlink_call_fini(&c);
}

Test(varlink, what_is_no_call_is_refused_with_a_reason)
{
    static const char *const cases[][2] = {
        {"", "not valid JSON"},
        {"{", "not valid JSON"},
        {"{\"method\":\"io.berth.Status\"} x", "not valid JSON"},
        {"{\"method\":\"io.berth.Status\",\"method\":\"io.berth.Stop\"}", "not valid JSON"},
        {"{\"method\":\"io.berth.Status\",\"parameters\":{\"a\":1,\"a\":2}}", "not valid JSON"},
        {"{\"method\":\"io.berth.\xff\"}", "not valid JSON"},
        {"{\"method\":\"io.berth.Status\\u0000\"}", "not valid JSON"},
        {"[]", "not a JSON object"},
        {"{}", "has no \"method\""},
        {"{\"parameters\":{}}", "has no \"method\""},
        {"{\"method\":1}", "\"method\" is not a string"},
        {"{\"method\":null}", "\"method\" is not a string"},
        {"{\"method\":\"io.berth.Status\",\"parameters\":[]}", "\"parameters\" is not a JSON object"},
        {"{\"method\":\"io.berth.Status\",\"parameters\":null}", "\"parameters\" is not a JSON object"},
        {"{\"method\":\"io.berth.Status\",\"more\":1}", "\"more\" is neither true nor false"},
        {"{\"method\":\"io.berth.Status\",\"oneway\":\"no\"}", "\"oneway\" is neither true nor false"},
        {"{\"method\":\"io.berth.Status\",\"upgrade\":true}", "upgrade"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *said = refused(cases[i][0], strlen(cases[i][0]));
        cr_assert(strstr(said, cases[i][1]), "%s: %s", cases[i][0], said);
    }
    static const char with_nul[] = "{}\0";
    cr_assert(strstr(refused(with_nul, 3), "not valid JSON"));
}

Test(varlink, a_method_has_an_interface_and_a_capital)
{
    static const char *const names[] = {"",
                                        ".",
                                        "Status",
                                        "berth.Status",
                                        "io.berth.status",
                                        "io.berth.",
                                        "io..Status",
                                        ".io.berth.Status",
                                        "io.berth.Sta-tus",
                                        "io.ber th.Status",
                                        "io.-berth.Status",
                                        "io.berth-.Status",
                                        "io.berth.Sta_tus",
                                        "io.berth/Status",
                                        "io.bärth.Status"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"method\":\"%s\"}", names[i]);
        cr_assert(strstr(refused(text, strlen(text)), "has not the form"), "%s", names[i]);
    }
    struct varlink_call c = call_of("{\"method\":\"com.my-host.x2.Do9It\"}");
    varlink_call_fini(&c);
}

Test(varlink, a_method_has_255_letters_at_most)
{
    char text[512] = "{\"method\":\"io.berth.S";
    size_t head = strlen(text), name = strlen("io.berth.S");
    memset(text + head, 's', 256);
    strcpy(text + head + 255 - name, "\"}");
    struct varlink_call c = call_of(text);
    cr_assert_eq(strlen(c.method), 255);
    varlink_call_fini(&c);
    memset(text + head, 's', 256);
    strcpy(text + head + 256 - name, "\"}");
    refused(text, strlen(text));
}

Test(varlink, foreign_text_in_a_reason_is_escaped)
{
    static const char text[] = "{\"method\":\"a\\u001b[31m\\nb\"}";
    cr_assert(strstr(refused(text, strlen(text)), "\"a\\x1b[31m\\x0ab\""));
}

Test(varlink, a_formatted_call_parses_to_the_same)
{
    struct buf b;
    size_t len;
    struct varlink_call c;
    struct berr err;
    buf_init(&b, 1000);
    json_t *parameters = json_pack("{s:s, s:i}", "service", "web", "workers", 3);
    varlink_format_call(&b, "io.berth.Scale", parameters, true);
    cr_assert_eq(parameters->refcount, 1);
    cr_assert(varlink_has_message(&b, &len));
    cr_assert_eq(len + 1, b.len);
    cr_assert_eq(varlink_call_parse(b.data, len, &c, &err), 0);
    cr_assert_str_eq(c.method, "io.berth.Scale");
    cr_assert(c.more);
    cr_assert(json_equal(c.parameters, parameters));
    varlink_call_fini(&c);
    json_decref(parameters);
    buf_fini(&b);
}

Test(varlink, messages_are_compact_and_leave_out_what_is_false)
{
    struct buf b;
    buf_init(&b, 1000);
    varlink_format_call(&b, "io.berth.Status", NULL, false);
    cr_assert_str_eq(buf_str(&b), "{\"method\":\"io.berth.Status\",\"parameters\":{}}");
    buf_consume(&b, b.len);
    varlink_format_reply(&b, NULL, false);
    cr_assert_str_eq(buf_str(&b), "{\"parameters\":{}}");
    buf_consume(&b, b.len);
    varlink_format_reply(&b, NULL, true);
    cr_assert_str_eq(buf_str(&b), "{\"continues\":true,\"parameters\":{}}");
    buf_consume(&b, b.len);
    varlink_format_error(&b, "io.berth.Failed", NULL);
    cr_assert_str_eq(buf_str(&b), "{\"error\":\"io.berth.Failed\",\"parameters\":{}}");
    buf_fini(&b);
}

Test(varlink, replies_and_errors_are_read)
{
    struct varlink_reply r;
    struct berr err = {0};
    static const char more[] = "{\"continues\":true,\"parameters\":{\"done\":false}}";
    cr_assert_eq(varlink_reply_parse(more, strlen(more), &r, &err), 0, "%s", err.text);
    cr_assert_null(r.error);
    cr_assert(r.continues);
    cr_assert(json_is_false(json_object_get(r.parameters, "done")));
    varlink_reply_fini(&r);
    static const char failed[] = "{\"error\":\"io.berth.Failed\"}";
    cr_assert_eq(varlink_reply_parse(failed, strlen(failed), &r, &err), 0, "%s", err.text);
    cr_assert_str_eq(r.error, "io.berth.Failed");
    cr_assert_not(r.continues);
    cr_assert_eq(json_object_size(r.parameters), 0);
    varlink_reply_fini(&r);
}

Test(varlink, what_is_no_reply_is_refused_with_a_reason)
{
    static const char *const cases[][2] = {
        {"nonsense", "the reply is not valid JSON"},
        {"\"\"", "not valid JSON"},
        {"1", "not valid JSON"},
        {"[]", "the reply is not a JSON object"},
        {"{\"error\":5}", "\"error\" is not a string"},
        {"{\"error\":\"Failed\"}", "has not the form"},
        {"{\"continues\":null}", "\"continues\" is neither true nor false"},
        {"{\"parameters\":1}", "\"parameters\" is not a JSON object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct varlink_reply r = {0};
        struct berr err = {0};
        cr_assert_eq(varlink_reply_parse(cases[i][0], strlen(cases[i][0]), &r, &err), -EBADMSG);
        cr_assert(strstr(err.text, cases[i][1]), "%s: %s", cases[i][0], err.text);
        cr_assert_null(r.parameters);
    }
}

Test(varlink, a_message_that_does_not_fit_is_left_out_whole)
{
    struct buf b;
    buf_init(&b, 30);
    varlink_format_reply(&b, NULL, false);
    size_t before = b.len;
    varlink_format_error(&b, "io.berth.Failed", NULL);
    cr_assert(b.overflown);
    cr_assert_eq(b.len, before);
    buf_fini(&b);
}

Test(varlink, large_numbers_keep_their_last_digit)
{
    struct varlink_call c = call_of("{\"method\":\"io.berth.X\",\"parameters\":{\"n\":9223372036854775807}}");
    struct buf b;
    buf_init(&b, 1000);
    varlink_format_reply(&b, c.parameters, false);
    cr_assert_str_eq(buf_str(&b), "{\"parameters\":{\"n\":9223372036854775807}}");
    buf_fini(&b);
    varlink_call_fini(&c);
}

Test(varlink, json_nested_too_deep_is_an_error_not_a_crash)
{
    char *text = malloc(200001);
    memset(text, '[', 200000);
    text[200000] = '\0';
    cr_assert(strstr(refused(text, 200000), "not valid JSON"));
    free(text);
}
