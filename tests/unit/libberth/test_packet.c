/* packet: the channel's packets, and what contradicts itself. */
#include "config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "libberth/private.h"

static struct libberth_packet packet;

static int parse(const char *text)
{
    static char copy[LIBBERTH_PACKET + 1];
    size_t n = strlen(text);
    memcpy(copy, text, n);
    return libberth_packet_parse(copy, n, &packet);
}

Test(packet, sockets_have_names_and_addresses)
{
    cr_assert_eq(
        parse("SOCKETS=3\nFIRST=0\nNAME=web\nADDRESS=tcp://:80\nNAME=admin\nX_NEW=1\nADDRESS=unix:/a=b\n"),
        0);
    cr_assert(packet.has_sockets && !packet.activates);
    cr_assert_eq(packet.n, 2);
    cr_assert_str_eq(packet.names[0], "web");
    cr_assert_str_eq(packet.addresses[1], "unix:/a=b");
}

Test(packet, the_last_one_activates)
{
    cr_assert_eq(parse("SOCKETS=3\nFIRST=2\nNAME=web\nADDRESS=tcp://:80\nACTIVATE=1\n"), 0);
    cr_assert(packet.activates);
    cr_assert_eq(parse("SOCKETS=0\nFIRST=0\nACTIVATE=1\n"), 0);
}

Test(packet, others_carry_no_sockets)
{
    cr_assert_eq(parse("DRAIN=1\n"), 0);
    cr_assert(packet.drains && !packet.has_sockets);
    cr_assert_eq(parse("X_OF_A_LATER_BERTH=1\nwithout a key\n"), 0);
}

Test(packet, what_contradicts_itself_is_refused)
{
    static const char *const texts[] = {
        "SOCKETS=1\nFIRST=0\nADDRESS=tcp://:80\n",    /* of what? */
        "SOCKETS=1\nFIRST=1\nNAME=web\n",             /* one too many */
        "SOCKETS=2\nFIRST=0\nNAME=web\nACTIVATE=1\n", /* one too few */
        "SOCKETS=x\nFIRST=0\n",
        "SOCKETS=-1\nFIRST=0\n",
        "SOCKETS=99999999999999999999\n",
        "NAME=web\nADDRESS=tcp://:80\n", /* how many? */
        "ACTIVATE=1\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(parse(texts[i]), -EPROTO, "%s", texts[i]);
    char nul[16] = "SOCKETS=0\0\n";
    cr_expect_eq(libberth_packet_parse(nul, 11, &packet), -EPROTO);
}

Test(packet, more_names_than_descriptors_can_come_are_refused)
{
    static char text[LIBBERTH_PACKET];
    strcpy(text, "SOCKETS=1000\nFIRST=0\n");
    for (int i = 0; i < LIBBERTH_FDS; i++)
        strcat(text, "NAME=a\n");
    cr_assert_eq(parse(text), 0);
    strcat(text, "NAME=a\n");
    cr_assert_eq(parse(text), -EPROTO);
}
