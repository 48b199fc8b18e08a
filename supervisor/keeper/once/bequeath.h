/* bequeath: the keeper makes way for one of another version, in its own process. */
#ifndef BERTH_KEEPER_BEQUEATH_H
#define BERTH_KEEPER_BEQUEATH_H

/* Does nothing unless the supervisor is from a binary whose keeper is another one, has proved itself, and nothing at all is on its
 * way to it. Then it does not return; or, if that binary cannot be executed, everything is as before, and it is not tried again. */
void bequeath_if_due(void);

#endif
