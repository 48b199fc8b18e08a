/* conf_tables: the tables behind core/conf_schema, a file a section. */
#ifndef BERTH_CORE_CONF_TABLES_H
#define BERTH_CORE_CONF_TABLES_H

#include "core/conf_value.h"

/* A key of the manual that this version does not carry out. */
struct conf_later_key {
    const char *name;
    const char *only; /* the one value that asks for nothing, and so may be given; NULL: none may */
};

/* Each ends with a NULL name. */
extern const struct conf_key conf_socket_keys[], conf_service_keys[];
extern const struct conf_later_key conf_socket_later_keys[], conf_service_later_keys[];

/* Rows of conf_service_keys that core/conf_process holds. */
conf_set_function conf_set_umask, conf_set_nice, conf_set_env, conf_set_limit;
conf_print_function conf_print_umask, conf_print_nice, conf_print_env, conf_print_limit;
/* … and core/conf_output. */
conf_set_function conf_set_output, conf_set_output_max, conf_set_output_keep;
conf_print_function conf_print_output, conf_print_output_max, conf_print_output_keep;
void conf_free_output(struct service_conf *s);
/* What conf_check() asks of them. */
int conf_check_output(const struct conf *c, const struct service_conf *s, struct berr *err);

#endif
