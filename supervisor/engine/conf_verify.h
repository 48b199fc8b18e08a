/* conf_verify: what of a configuration only this host can tell: are its users there, can they run its
 * commands? */
#ifndef BERTH_ENGINE_CONF_VERIFY_H
#define BERTH_ENGINE_CONF_VERIFY_H

#include "core/conf.h"
#include "core/conf_source.h"

/* Adds what is wrong to SOURCE's problems, at the places of the keys that C was built of. */
void conf_verify(const struct conf *c, struct conf_source *source);

#endif
