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
extern const struct conf_key conf_supervisor_keys[], conf_socket_keys[], conf_service_keys[];
extern const struct conf_later_key conf_service_later_keys[];

/* Rows of conf_service_keys that core/conf_process holds. */
conf_set_function conf_set_umask, conf_set_nice, conf_set_env, conf_set_limit;
conf_print_function conf_print_umask, conf_print_nice, conf_print_env, conf_print_limit;
/* … and core/conf_output. */
conf_set_function conf_set_output, conf_set_output_max, conf_set_output_keep;
conf_print_function conf_print_output, conf_print_output_max, conf_print_output_keep;
void conf_free_output(struct service_settings *s);

/* Rows of conf_service_keys that core/conf_surroundings holds: SURROUNDINGS_AT says which member they mean.
 */
#define SURROUNDINGS_AT(member)                                                                              \
    .offset = offsetof(struct surroundings, member), .size = sizeof(((struct surroundings *)0)->member)
conf_set_function conf_set_surrounding_string, conf_set_surrounding_size, conf_set_surrounding_number,
    conf_set_env_file, conf_set_cpus, conf_set_oom_score_adjust, conf_set_capabilities, conf_set_cgroup,
    conf_set_cpu_max;
conf_print_function conf_print_surrounding_string, conf_print_surrounding_number, conf_print_surrounding_list,
    conf_print_cpus, conf_print_oom_score_adjust, conf_print_cpu_max;
/* Takes NULL. */
void surroundings_free(struct surroundings *s);

/* conf_key.locate for output. */
char *conf_locate_output(const char *value, const char *folder);

/* Rows of conf_service_keys that core/conf_upkeep holds. A hook's row says which one with `min`. */
conf_set_function conf_set_hook, conf_set_health, conf_set_health_interval, conf_set_health_timeout,
    conf_set_health_retries, conf_set_max_age, conf_set_max_memory;
conf_print_function conf_print_hook, conf_print_health, conf_print_health_interval, conf_print_health_timeout,
    conf_print_health_retries, conf_print_max_age, conf_print_max_memory;
/* Both take what is not there. */
void conf_free_hooks(struct service_settings *s);
void conf_free_upkeep(struct service_settings *s);
/* A command's words from VALUE into *RET, in place of what is there; "" is refused. */
int conf_set_words(struct strv *ret, const struct conf_key *self, const char *key, const char *value, struct berr *err);
void conf_print_words(const struct strv *words, struct buf *out);

#endif
