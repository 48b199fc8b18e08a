/* control_dispatch: finds the method of a call, refuses the calls that are wrong as such, and answers
 * org.varlink.service.
 *
 * What a method of io.berth does is the handler's. To remember: every path ends in exactly one last reply, or
 * in the method, which owes it. */
#include "config.h"

#include "engine/control_dispatch.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define INTERFACE "io.berth"
#define SERVICE_INTERFACE "org.varlink.service"

/* https://varlink.org/Service */
static const char service_interface_text[] =
    "# What every varlink service can tell of itself.\n"
    "interface org.varlink.service\n"
    "\n"
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: "
    "[]string)\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n"
    "\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n"
    "error PermissionDenied ()\n"
    "error ExpectedMore ()\n";

void control_client_invalid_parameter(struct control_client *c, const char *parameter)
{
    control_client_error(c, SERVICE_INTERFACE ".InvalidParameter",
                         json_pack("{s:s}", "parameter", parameter));
}

static void reply_info(struct control_client *c)
{
    control_client_reply(c,
                         json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", PACKAGE_NAME, "product",
                                   PACKAGE_NAME, "version", PACKAGE_VERSION, "url", PACKAGE_URL, "interfaces",
                                   SERVICE_INTERFACE, INTERFACE),
                         false);
}

static void reply_description(struct control_client *c, json_t *parameters)
{
    const char *interface = json_string_value(json_object_get(parameters, "interface"));
    const char *text = NULL;

    if (!interface) {
        control_client_invalid_parameter(c, "interface");
        return;
    }
    if (str_eq(interface, INTERFACE))
        text = control_interface_text;
    else if (str_eq(interface, SERVICE_INTERFACE))
        text = service_interface_text;
    if (text)
        control_client_reply(c, json_pack("{s:s}", "description", text), false);
    else
        control_client_error(c, SERVICE_INTERFACE ".InterfaceNotFound",
                             json_pack("{s:s}", "interface", interface));
}

static void reply_method_error(struct control_client *c, const char *error, const char *method)
{
    control_client_error(c, error, json_pack("{s:s}", "method", method));
}

static void call_service_method(struct control_client *c, const struct varlink_call *call, const char *name)
{
    if (str_eq(name, "GetInfo"))
        reply_info(c);
    else if (str_eq(name, "GetInterfaceDescription"))
        reply_description(c, call->parameters);
    else
        reply_method_error(c, SERVICE_INTERFACE ".MethodNotFound", call->method);
}

static void call_handler_method(struct control_client *c, const struct varlink_call *call, const char *name,
                                const struct control_handler *handler, void *data)
{
    const struct control_method *m = handler->methods;

    while (m->name && !str_eq(m->name, name))
        m++;
    if (!m->name)
        reply_method_error(c, SERVICE_INTERFACE ".MethodNotFound", call->method);
    else if (!m->call)
        reply_method_error(c, SERVICE_INTERFACE ".MethodNotImplemented", call->method);
    else if (m->changes && !control_client_may_change(c))
        control_client_error(
            c, INTERFACE ".PermissionDenied",
            json_pack("{s:s}", "reason", "only root and the supervisor's own user may do that"));
    else if (m->needs_more && !call->more)
        control_client_error(c, SERVICE_INTERFACE ".ExpectedMore", NULL);
    else
        m->call(c, call->parameters, call->more, data);
}

/* The interface is everything before the last dot. */
void control_dispatch(struct control_client *c, const struct varlink_call *call,
                      const struct control_handler *handler, void *data)
{
    const char *dot = strrchr(call->method, '.');
    size_t n = dot ? (size_t)(dot - call->method) : strlen(call->method);
    cleanup_free char *interface = mem_strndup(call->method, n);

    if (dot && str_eq(interface, SERVICE_INTERFACE))
        call_service_method(c, call, dot + 1);
    else if (dot && str_eq(interface, INTERFACE))
        call_handler_method(c, call, dot + 1, handler, data);
    else
        control_client_error(c, SERVICE_INTERFACE ".InterfaceNotFound",
                             json_pack("{s:s}", "interface", interface));
}
