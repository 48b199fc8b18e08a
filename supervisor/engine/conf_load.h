/* conf_load: configuration files from the disk, with inih, to a struct conf.
 *
 * inih splits a line into KEY and VALUE. What it does silently otherwise (cutting long names and values,
 * joining indented lines, dropping text behind a section's head, going on behind an error) is caught before a
 * line reaches it, or by comparing what it made of the line with what stands there. */
#ifndef BERTH_ENGINE_CONF_LOAD_H
#define BERTH_ENGINE_CONF_LOAD_H

#include "core/conf.h"
#include "core/conf_source.h"

/* Which file: ASKED (-c, or NULL), else $BERTH_CONFIG, ./berth.ini, /etc/berth/berth.ini. The caller's;
 * -ENOENT and BERR_CONFIG when there is none. */
int conf_load_find(const char *asked, char **ret, struct berr *err);
/* Reads PATH and what it includes into *RET, and checks all of it, here (users, commands) too. What is wrong
 * is in *SOURCE: 0 when that is nothing, else -EINVAL. Both are to be freed. */
int conf_load_file(const char *path, struct conf *ret, struct conf_source *source);
/* The same for the TEXT of N bytes that conf_print() made; includes nothing and does not look around. */
int conf_load_text(const char *text, size_t n, struct conf *ret, struct conf_source *source);

/* What the keeper is to hold of C, which came from the file ORIGIN: its text in a memfd. The descriptor, or
 * negative errno. */
int conf_load_store(const struct conf *c, const char *origin);

#endif
