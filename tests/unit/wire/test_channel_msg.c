/* channel_msg: packets to the letter of berth-protocol(7). */
#include "config.h"

#include <criterion/criterion.h>

#include "wire/channel_msg.h"

static const struct channel_socket three[] = {
    {"web", "tcp://127.0.0.1:80"}, {"web", "tcp://[::1]:80"}, {"admin", "unix:/run/a.sock"}};

static void expect(size_t total, size_t first, size_t n, const char *text)
{
    struct buf b;
    buf_init(&b, 4096);
    channel_msg_format_sockets(&b, three, total, first, n);
    cr_expect_str_eq(buf_str(&b), text);
    buf_fini(&b);
}

Test(channel_msg, all_at_once_are_activated_by_the_same_packet)
{
    expect(2, 0, 2,
           "SOCKETS=2\nFIRST=0\nNAME=web\nADDRESS=tcp://127.0.0.1:80\nNAME=web\nADDRESS=tcp://"
           "[::1]:80\nACTIVATE=1\n");
}

Test(channel_msg, only_the_last_packet_activates)
{
    expect(3, 0, 2,
           "SOCKETS=3\nFIRST=0\nNAME=web\nADDRESS=tcp://127.0.0.1:80\nNAME=web\nADDRESS=tcp://[::1]:80\n");
    expect(3, 2, 1, "SOCKETS=3\nFIRST=2\nNAME=admin\nADDRESS=unix:/run/a.sock\nACTIVATE=1\n");
}

Test(channel_msg, without_sockets_it_just_activates)
{
    expect(0, 0, 0, "SOCKETS=0\nFIRST=0\nACTIVATE=1\n");
}
