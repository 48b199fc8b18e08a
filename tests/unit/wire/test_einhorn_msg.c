/* einhorn_msg: JSON and the YAML that Ruby writes, and what is neither. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "wire/einhorn_msg.h"

static struct einhorn_msg parse(const char *line)
{
    struct einhorn_msg m;
    cr_assert_eq(einhorn_msg_parse(line, strlen(line), &m), 0, "%s", line);
    return m;
}

static void expect(const char *line, enum einhorn_command command, int pid)
{
    struct einhorn_msg m = parse(line);
    cr_expect_eq(m.command, command, "%s", line);
    cr_expect_eq(m.pid, pid, "%s", line);
}

Test(einhorn_msg, an_ack_may_be_json)
{
    expect("{\"command\": \"worker:ack\", \"pid\": 1234}", EINHORN_ACK, 1234);
    expect("{\"pid\":1,\"command\":\"worker:ping\",\"request_id\":\"x\"}", EINHORN_PING, 1);
}

Test(einhorn_msg, an_ack_may_be_rubys_yaml)
{
    expect("--- %0Acommand: worker:ack%0Apid: 1234%0A", EINHORN_ACK, 1234);
    expect("---%0Apid: 1234%0Acommand: 'worker:ack'%0A", EINHORN_ACK, 1234);
    expect("---%0Acommand: \"worker:ack\"%0Apid: 7%0A...%0A", EINHORN_ACK, 7);
}

Test(einhorn_msg, escapes_are_undone_once)
{
    expect("{\"command\": \"worker:ack\", \"pid\": 5, \"x\": \"%250A\"}", EINHORN_ACK, 5);
    expect("---%0Acommand: other%25%0Apid: 5%0A", EINHORN_OTHER, 5);
}

Test(einhorn_msg, other_commands_are_told_as_that)
{
    expect("{\"command\": \"state\"}", EINHORN_OTHER, 0);
}

Test(einhorn_msg, what_is_no_such_map_is_refused)
{
    static const char *const lines[] = {"",
                                        "hello",
                                        "{",
                                        "[]",
                                        "{}",
                                        "{\"pid\": 5}",
                                        "{\"command\": 5}",
                                        "{\"command\": \"worker:ack\", \"pid\": 0}",
                                        "{\"command\": \"worker:ack\", \"pid\": -5}",
                                        "{\"command\": \"worker:ack\", \"pid\": 4294967297}",
                                        "{\"command\": \"worker:ack\", \"pid\": \"5\"}",
                                        "{\"command\": \"a\", \"command\": \"b\"}",
                                        "---%0Apid: 5%0A",
                                        "---%0Acommand: worker:ack%0Apid: five%0A",
                                        "---%0Acommand: a%0Acommand: b%0A"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct einhorn_msg m;
        cr_expect_eq(einhorn_msg_parse(lines[i], strlen(lines[i]), &m), -EBADMSG, "%s", lines[i]);
    }
    struct einhorn_msg m;
    cr_expect_eq(einhorn_msg_parse("{\0}", 3, &m), -EBADMSG);
}
