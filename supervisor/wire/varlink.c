/* varlink: the control protocol's framing and envelopes. It knows no method of any interface.
 *
 * What is read comes from whoever may open the control socket: every member is checked before it is believed.
 */
#include "config.h"

#include "wire/varlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/str.h"

#define LONGEST_METHOD 255

bool varlink_has_message(const struct buf *b, size_t *ret_len)
{
    const char *end = b->len > 0 ? memchr(b->data, '\0', b->len) : NULL;
    if (end == NULL)
        return false;
    *ret_len = (size_t)(end - b->data);
    return true;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* One part between the dots of "io.berth": letters, digits, and '-' inside. */
static bool is_label(const char *s, size_t n)
{
    if (n == 0 || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_alnum(s[i]) && s[i] != '-')
            return false;
    return true;
}

/* "io.berth.Status": an interface of at least two parts, then a member's name, which begins with a capital.
 */
static bool is_member_name(const char *s)
{
    const char *member = strrchr(s, '.');
    if (member == NULL || strlen(s) > LONGEST_METHOD || member[1] < 'A' || member[1] > 'Z')
        return false;
    if (strchr(member, '-') != NULL || !is_label(member + 1, strlen(member + 1)))
        return false;
    unsigned labels = 0;
    for (const char *at = s; at < member; labels++) {
        size_t n = strcspn(at, ".");
        if (!is_label(at, n))
            return false;
        at += n + 1;
    }
    return labels >= 2;
}

/* The envelope of one message, or NULL and a sentence. */
static json_t *load_envelope(const char *text, size_t len, const char *what, struct berr *err)
{
    json_error_t why;
    json_t *message = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (message == NULL) {
        char reason[JSON_ERROR_TEXT_LENGTH * 2];
        str_escape(reason, sizeof(reason), why.text, strlen(why.text));
        berr_set(err, BERR_PROTOCOL, EBADMSG, "the %s is not valid JSON (at byte %d): %s", what, why.position,
                 reason);
        return NULL;
    }
    if (!json_is_object(message)) {
        json_decref(message);
        berr_set(err, BERR_PROTOCOL, EBADMSG, "the %s is not a JSON object", what);
        return NULL;
    }
    return message;
}

/* Absent is false; anything but true and false is an error. */
static int get_flag(json_t *message, const char *key, bool *ret, struct berr *err)
{
    const json_t *flag = json_object_get(message, key);
    if (flag != NULL && !json_is_boolean(flag))
        return berr_set(err, BERR_PROTOCOL, EBADMSG, "\"%s\" is neither true nor false", key);
    *ret = json_is_true(flag);
    return 0;
}

/* The name of a method or an error, borrowed; NULL when it is absent. */
static int get_member_name(json_t *message, const char *key, const char **ret, struct berr *err)
{
    const json_t *name = json_object_get(message, key);
    if (name == NULL) {
        *ret = NULL;
        return 0;
    }
    if (!json_is_string(name))
        return berr_set(err, BERR_PROTOCOL, EBADMSG, "\"%s\" is not a string", key);
    if (!is_member_name(json_string_value(name))) {
        char quoted[128];
        str_escape(quoted, sizeof(quoted), json_string_value(name), json_string_length(name));
        return berr_set(err, BERR_PROTOCOL, EBADMSG,
                        "\"%s\" is \"%s\", which has not the form \"io.berth.Status\"", key, quoted);
    }
    *ret = json_string_value(name);
    return 0;
}

/* A new reference to the parameters; an empty object when they are absent. */
static int get_parameters(json_t *message, json_t **ret, struct berr *err)
{
    json_t *parameters = json_object_get(message, "parameters");
    if (parameters != NULL && !json_is_object(parameters))
        return berr_set(err, BERR_PROTOCOL, EBADMSG, "\"parameters\" is not a JSON object");
    *ret = parameters != NULL ? json_incref(parameters) : json_object();
    must(*ret != NULL);
    return 0;
}

static int call_from(json_t *message, struct varlink_call *ret, struct berr *err)
{
    struct varlink_call c;
    const char *method;
    bool upgrade = false;
    int r = get_member_name(message, "method", &method, err);
    if (r == 0 && method == NULL)
        r = berr_set(err, BERR_PROTOCOL, EBADMSG, "the call has no \"method\"");
    if (r == 0)
        r = get_flag(message, "oneway", &c.oneway, err);
    if (r == 0)
        r = get_flag(message, "more", &c.more, err);
    if (r == 0)
        r = get_flag(message, "upgrade", &upgrade, err);
    if (r == 0 && upgrade)
        r = berr_set(err, BERR_PROTOCOL, EBADMSG,
                     "the call asks for an upgrade of the connection, which berth has not");
    if (r == 0)
        r = get_parameters(message, &c.parameters, err);
    if (r < 0)
        return r;
    c.method = mem_strdup(method);
    *ret = c;
    return 0;
}

int varlink_call_parse(const char *text, size_t len, struct varlink_call *ret, struct berr *err)
{
    json_t *message = load_envelope(text, len, "call", err);
    if (message == NULL)
        return -EBADMSG;
    int r = call_from(message, ret, err);
    json_decref(message);
    return r;
}

static int reply_from(json_t *message, struct varlink_reply *ret, struct berr *err)
{
    struct varlink_reply reply;
    const char *error;
    int r = get_member_name(message, "error", &error, err);
    if (r == 0)
        r = get_flag(message, "continues", &reply.continues, err);
    if (r == 0)
        r = get_parameters(message, &reply.parameters, err);
    if (r < 0)
        return r;
    reply.error = error != NULL ? mem_strdup(error) : NULL;
    *ret = reply;
    return 0;
}

int varlink_reply_parse(const char *text, size_t len, struct varlink_reply *ret, struct berr *err)
{
    json_t *message = load_envelope(text, len, "reply", err);
    if (message == NULL)
        return -EBADMSG;
    int r = reply_from(message, ret, err);
    json_decref(message);
    return r;
}

void varlink_call_fini(struct varlink_call *c)
{
    free(c->method);
    json_decref(c->parameters);
    *c = (struct varlink_call){0};
}

void varlink_reply_fini(struct varlink_reply *r)
{
    free(r->error);
    json_decref(r->parameters);
    *r = (struct varlink_reply){0};
}

/* Takes VALUE. jansson refuses only without memory, or for an object put into itself. */
static void put(json_t *object, const char *key, json_t *value)
{
    int r = json_object_set_new(object, key, value);
    must(r == 0);
}

/* Takes MESSAGE. Its text is added whole or not at all, so that a full buffer never ends in half a message.
 */
static void add_message(struct buf *out, json_t *message, json_t *parameters)
{
    put(message, "parameters", parameters != NULL ? json_incref(parameters) : json_object());
    char *text = json_dumps(message, JSON_COMPACT);
    must(text != NULL);
    buf_add(out, text, strlen(text) + 1);
    free(text);
    json_decref(message);
}

void varlink_format_call(struct buf *out, const char *method, json_t *parameters, bool more)
{
    json_t *message = json_object();
    put(message, "method", json_string(method));
    if (more)
        put(message, "more", json_true());
    add_message(out, message, parameters);
}

void varlink_format_reply(struct buf *out, json_t *parameters, bool continues)
{
    json_t *message = json_object();
    if (continues)
        put(message, "continues", json_true());
    add_message(out, message, parameters);
}

void varlink_format_error(struct buf *out, const char *error, json_t *parameters)
{
    json_t *message = json_object();
    put(message, "error", json_string(error));
    add_message(out, message, parameters);
}
