/* varlink: the control protocol's framing and envelopes (https://varlink.org/Method-Call): JSON objects,
 * each ended by a NUL byte. JSON is jansson's, read strictly (duplicate keys, trailing bytes and bad UTF-8
 * are errors). No I/O here. */
#ifndef BERTH_WIRE_VARLINK_H
#define BERTH_WIRE_VARLINK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/berr.h"
#include "base/buf.h"

/* One call: {"method": …, "parameters": {…}, "oneway": …, "more": …, "upgrade": …}. */
struct varlink_call {
    char *method;       /* "io.berth.Status"; owned */
    json_t *parameters; /* an object, never NULL; owned reference */
    bool oneway, more;
};

/* One reply: {"parameters": {…}, "continues": …, "error": …}. */
struct varlink_reply {
    char *error;        /* NULL on success; owned */
    json_t *parameters; /* an object, never NULL; owned reference */
    bool continues;
};

/* Is there a whole message (a NUL byte) in B? Its length without the NUL into *RET_LEN. */
bool varlink_has_message(const struct buf *b, size_t *ret_len);
/* Parses one message's text (without its NUL). -EBADMSG with a sentence. Unknown members of the envelope
 * are ignored. */
int varlink_call_parse(const char *text, size_t len, struct varlink_call *ret, struct berr *err);
int varlink_reply_parse(const char *text, size_t len, struct varlink_reply *ret, struct berr *err);
void varlink_call_fini(struct varlink_call *c);
void varlink_reply_fini(struct varlink_reply *r);

/* Append one message with its NUL to OUT. PARAMETERS may be NULL (an empty object) and is borrowed. */
void varlink_format_call(struct buf *out, const char *method, json_t *parameters, bool more);
void varlink_format_reply(struct buf *out, json_t *parameters, bool continues);
void varlink_format_error(struct buf *out, const char *error, json_t *parameters);

#endif
