/* status_table: Status's reply as a person reads it. */
#ifndef BERTH_CMD_STATUS_TABLE_H
#define BERTH_CMD_STATUS_TABLE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cmd/table.h"

/* A row for each of SERVICES. */
void status_format_services(const json_t *services, const struct table_look *look, struct buf *out);
/* One service: a line about it, and a row for each worker. */
void status_format_workers(const json_t *service, const struct table_look *look, struct buf *out);
/* "850ms", "12s", "3m12s", "2h05m", "3d4h". Returns DST. */
char *status_format_age(char *dst, size_t size, json_int_t ms);
/* Is it starting, running or degraded? */
bool status_is_running(const json_t *service);

#endif
