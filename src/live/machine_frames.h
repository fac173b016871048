/*
 * Frames of agents into the hub of machines (signal/machines.h): what a machine
 * is made of, where its readings come from, its checks, conditions that a source
 * states.  Pure mapping; what a frame means for the site's nodes is for
 * live/agents.h.
 */
#ifndef MW_LIVE_MACHINE_FRAMES_H
#define MW_LIVE_MACHINE_FRAMES_H

#include "live/agent_frame.h"
#include "signal/machines.h"

/* part, source, checked or finding, of this machine.  False: another verb, or there was no room. */
bool machine_frame(struct machines *m, uint32_t machine, int64_t now_ms,
                   const struct agent_frame *f);

#endif
