/* The client against the other end of a socket pair, which the test fills beforehand. */
#include "config.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/client.h"
#include "sys/fd.h"

static struct client client;
static int other; /* the supervisor's end */
static struct berr err;

static void set_up(void)
{
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    client = (struct client){.fd = pair[0], .give_up = MONO_NEVER, .path = "/run/x"};
    buf_init(&client.in, 1 << 20);
    other = pair[1];
}

static void tear_down(void)
{
    client_close(&client);
    fd_close(&other);
}

TestSuite(client, .init = set_up, .fini = tear_down, .timeout = 20);

static void answer(const char *text)
{
    cr_assert_eq(send(other, text, strlen(text) + 1, MSG_NOSIGNAL), (ssize_t)strlen(text) + 1);
}

static int receive(json_t **ret)
{
    bool continues;

    return client_receive(&client, ret, &continues, &err);
}

static void assert_refused(const char *reply, int r, enum berr_class class, int status, const char *sentence)
{
    json_t *untouched = NULL;

    answer(reply);
    cr_assert_eq(receive(&untouched), r, "%s", reply);
    cr_assert_null(untouched);
    cr_assert_eq(err.class, class, "%s", reply);
    cr_assert_eq(berr_exit_status(&err), status, "%s", reply);
    cr_assert_str_eq(err.text, sentence);
}

Test(client, a_call_is_sent_whole_and_its_reply_is_handed_out)
{
    char bytes[200] = "";
    json_t *reply;

    answer("{\"parameters\":{\"signalled\":2}}");
    cr_assert_eq(client_call(&client, "Signal", json_pack("{s:s}", "service", "web"), &reply, &err), 0);
    cr_assert_eq(json_integer_value(json_object_get(reply, "signalled")), 2);
    json_decref(reply);
    ssize_t n = recv(other, bytes, sizeof bytes, 0);
    cr_assert_eq(bytes[n - 1], '\0');
    json_t *call = json_loads(bytes, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(call, "method")), "io.berth.Signal");
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(call, "parameters"), "service")),
                     "web");
    json_decref(call);
}

Test(client, replies_that_come_together_are_taken_one_by_one)
{
    bool continues = false;
    json_t *reply;

    answer("{\"parameters\":{\"n\":1},\"continues\":true}");
    answer("{\"parameters\":{\"n\":2}}");
    cr_assert_not(client_has_reply(&client));
    cr_assert_eq(client_receive(&client, &reply, &continues, &err), 0);
    cr_assert(continues);
    json_decref(reply);
    cr_assert(client_has_reply(&client));
    cr_assert_eq(client_receive(&client, &reply, &continues, &err), 0);
    cr_assert_not(continues);
    cr_assert_eq(json_integer_value(json_object_get(reply, "n")), 2);
    json_decref(reply);
}

Test(client, errors_become_sentences_and_exit_statuses)
{
    assert_refused("{\"error\":\"io.berth.NoSuchService\",\"parameters\":{\"service\":\"wbe\",\"known\":["
                   "\"api\",\"web\"]}}",
                   -ENOENT, BERR_NO_SERVICE, 4, "there is no service 'wbe', did you mean 'web'?");
    assert_refused("{\"error\":\"io.berth.NoSuchService\",\"parameters\":{\"service\":\"zzzzzzzz\",\"known\":"
                   "[\"api\",\"web\"]}}",
                   -ENOENT, BERR_NO_SERVICE, 4, "there is no service 'zzzzzzzz' (there is: api, web)");
    assert_refused("{\"error\":\"io.berth.Failed\",\"parameters\":{\"service\":\"web\",\"reason\":\"it did "
                   "not stay up\"}}",
                   -ECANCELED, BERR_FAILED, 1, "web: it did not stay up");
    assert_refused("{\"error\":\"io.berth.PermissionDenied\",\"parameters\":{\"reason\":\"only root may\"}}",
                   -EACCES, BERR_DENIED, 1, "the supervisor does not let you do that: only root may");
    assert_refused("{\"error\":\"io.berth.LimitExceeded\",\"parameters\":{\"reason\":\"too many clients\"}}",
                   -EAGAIN, BERR_FAILED, 1,
                   "the supervisor turned the call away: too many clients; try again later");
    assert_refused(
        "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"io.berth.New\"}}",
        -ENOSYS, BERR_PROTOCOL, 1,
        "the supervisor does not know 'io.berth.New'; it is of another version than this command");
    assert_refused("{\"error\":\"io.berth.Unheard\"}", -EPROTO, BERR_PROTOCOL, 1,
                   "the supervisor answered with the error io.berth.Unheard");
}

Test(client, foreign_text_in_an_error_is_escaped)
{
    assert_refused(
        "{\"error\":\"io.berth.Failed\",\"parameters\":{\"service\":\"a\\nb\",\"reason\":\"\\u001b[2J\"}}",
        -ECANCELED, BERR_FAILED, 1, "a\\x0ab: \\x1b[2J");
}

Test(client, an_error_with_odd_parameters_is_still_an_error)
{
    assert_refused(
        "{\"error\":\"io.berth.NoSuchService\",\"parameters\":{\"service\":7,\"known\":{\"a\":1}}}", -ENOENT,
        BERR_NO_SERVICE, 4, "there is no service '' (there is: none)");
    assert_refused("{\"error\":\"io.berth.Failed\"}", -ECANCELED, BERR_FAILED, 1, "");
}

Test(client, what_is_no_reply_is_a_protocol_error)
{
    json_t *reply;

    answer("HTTP/1.1 400 Bad Request");
    cr_assert_eq(receive(&reply), -EBADMSG);
    cr_assert_eq(err.class, BERR_PROTOCOL);
}

Test(client, a_lost_connection_is_told_from_a_refusal)
{
    json_t *reply;

    cr_assert_gt(send(other, "{\"param", 7, 0), 0);
    fd_close(&other);
    client_send(&client, "Status", NULL, false);
    cr_assert_eq(receive(&reply), -ECONNRESET);
    cr_assert(client_is_lost(&err));
    cr_assert_eq(berr_exit_status(&err), 5);
}

Test(client, the_reason_of_a_connection_that_was_closed_at_once_is_read)
{
    json_t *reply;

    answer("{\"error\":\"io.berth.LimitExceeded\",\"parameters\":{\"reason\":\"too many clients are "
           "connected\"}}");
    fd_close(&other);
    cr_assert_eq(client_call(&client, "Status", NULL, &reply, &err), -EAGAIN);
    cr_assert_not(client_is_lost(&err));
}

Test(client, it_gives_up_at_the_moment_it_was_told)
{
    json_t *reply;

    client.give_up = MONO_ZERO;
    cr_assert_eq(receive(&reply), -ETIMEDOUT);
    cr_assert_eq(err.class, BERR_UNREACHABLE);
}
