/* conf_path: a relative path belongs to the folder of its file, and what is no path stays. */
#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/conf_value.h"

#define N(array) (sizeof(array) / sizeof *(array))

static void expect(char *(*locate)(const char *value, const char *folder), const char *value,
                   const char *wanted)
{
    char *got = locate(value, "/etc/x");
    cr_expect_str_eq(got, wanted, "%s: %s", value, got);
    free(got);
}

Test(conf_path, a_path)
{
    static const char *const cases[][2] = {
        {"a", "/etc/x/a"},
        {"a/b", "/etc/x/a/b"},
        {"/a", "/a"},
        {"@a", "@a"},
        {"./a", "/etc/x/a"},
        {"././a", "/etc/x/a"},
        {"", ""},
        {".", "/etc/x/."},
        {"./", "/etc/x/./"},
        {"../a", "/etc/x/../a"},
        {".a", "/etc/x/.a"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect(value_locate_path, cases[i][0], cases[i][1]);
}

Test(conf_path, a_list_of_files_of_which_some_may_be_missing)
{
    static const char *const cases[][2] = {
        {"a,b", "/etc/x/a,/etc/x/b"},
        {"a , -b,  /c", "/etc/x/a , -/etc/x/b,  /c"},
        {"-/a", "-/a"},
        {"", ""},
        {"a,,b", "/etc/x/a,,/etc/x/b"},
        {"a,", "/etc/x/a,"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect(value_locate_list, cases[i][0], cases[i][1]);
}

Test(conf_path, the_paths_of_addresses)
{
    static const char *const cases[][2] = {
        {":80, unix:a.sock?mode=0600", ":80, unix:/etc/x/a.sock?mode=0600"},
        {"unix-dgram:./d,unix-seqpacket:s", "unix-dgram:/etc/x/d,unix-seqpacket:/etc/x/s"},
        {"unix:@a, unix:/a, unix:///a", "unix:@a, unix:/a, unix:///a"},
        {"localhost:80, tcp://unix:1", "localhost:80, tcp://unix:1"},
        {"unix:", "unix:"},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect(value_locate_addresses, cases[i][0], cases[i][1]);
}

Test(conf_path, the_paths_at_which_a_socket_is_served)
{
    expect(value_locate_serve, "zerg:z, fdholder:/h, zerg:@z", "zerg:/etc/x/z, fdholder:/h, zerg:@z");
    expect(value_locate_serve, "other:z", "other:z");
}

Test(conf_path, a_command_whose_first_word_has_a_slash)
{
    static const char *const cases[][2] = {
        {"server a/b", "server a/b"},
        {"./server a/b", "/etc/x/server a/b"},
        {"  bin/server", "/etc/x/bin/server"},
        {"../bin/server 'a b'", "/etc/x/../bin/server 'a b'"},
        {"/bin/server", "/bin/server"},
        {"'./bin dir/server' \"x y\"", "'/etc/x/bin dir/server' 'x y'"},
        {"b\"in\"/server", "/etc/x/bin/server"},
        {"{path:x}/server", "{path:x}/server"},
        {"./'open", "./'open"},
        {"", ""},
    };
    for (size_t i = 0; i < N(cases); i++)
        expect(value_locate_command, cases[i][0], cases[i][1]);
}

Test(conf_path, a_folder_that_needs_quotes)
{
    char *got = value_locate_command("./server x", "/srv/my app");
    cr_expect_str_eq(got, "'/srv/my app/server' x");
    free(got);
}
