/* conf_print: a configuration as the text of a file. What a key's own printer says, its setter reads. */
#include "config.h"

#include <stdint.h>

#include "core/conf_build.h"
#include "core/conf_schema.h"

static void print_key(const struct conf_key *key, const void *of, struct buf *out)
{
    struct buf text;
    if (key->is_prefix) {
        key->print(of, key, out);
        return;
    }
    buf_init(&text, SIZE_MAX);
    key->print(of, key, &text);
    if (text.len > 0 || (key->is_given && key->is_given(of))) {
        buf_printf(out, "%s = ", key->name);
        conf_escape(out, buf_str(&text));
        buf_add_char(out, '\n');
    }
    buf_fini(&text);
}

void conf_print_section(enum conf_section section, const void *of, struct buf *out)
{
    for (const struct conf_key *key = conf_schema(section); key->name; key++)
        print_key(key, of, out);
}

void conf_print(const struct conf *c, struct buf *out)
{
    buf_add_str(out, "[supervisor]\n");
    conf_print_section(CONF_SUPERVISOR, c, out);
    for (size_t i = 0; i < c->n_sockets; i++) {
        buf_printf(out, "\n[socket:%s]\n", c->sockets[i].name);
        conf_print_section(CONF_SOCKET, &c->sockets[i], out);
    }
    for (size_t i = 0; i < c->n_services; i++) {
        buf_printf(out, "\n[service:%s]\n", c->services[i].name);
        conf_print_section(CONF_SERVICE, &c->services[i], out);
    }
}
