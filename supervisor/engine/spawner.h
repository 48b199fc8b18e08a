/* spawner: makes a worker's process: gathers what it is handed, and reports the outcome to the engine as an
 * event. */
#ifndef BERTH_ENGINE_SPAWNER_H
#define BERTH_ENGINE_SPAWNER_H

struct worker;

/* W is in SPAWNING with a new serial, and recorded as that. Ends in engine_step() with SPAWNED or one of the
 * END_ events. */
void spawner_start(struct worker *w);

#endif
