/*
 * What is worked out of a job's columns: where it is between its checkpoints, when it can be
 * expected to end, what puts it at risk, why it waits. Modelled, from the cadence of its attempt
 * and the state of its nodes. Pure.
 */
#ifndef MW_API_JOB_STATE_H
#define MW_API_JOB_STATE_H

#include "control/words.h"

/* ms; MW_NEVER or 0 where nobody can know. */
struct job_pace {
    int64_t progress_ms; /* useful work done: at least what was reported, never more than work_ms */
    int64_t saved_ms;    /* of it, in the last whole checkpoint */
    int64_t unsaved_ms;  /* wall time since that checkpoint: board_job_unsaved_ms() */
    int64_t next_checkpoint_ms; /* from now to its end; 0 = writes none, or does not work */
    int64_t end_ms;      /* ms UTC: what is left, and the checkpoints on the way; MW_NEVER, also of
                            a job that waits */
};
struct job_pace job_pace(const struct control *c, uint32_t slot, int64_t now_ms);
/* When it is expected to end: as above, of one that waits by its reservation; MW_NEVER. */
int64_t job_end_ms(const struct control *c, uint32_t slot, int64_t now_ms);

const char *job_state_word(uint8_t state); /* "queued", "placed", "running", "stopping" */

/* The open incident of one of its nodes that matters most: of a suspect node, else of any; a row of
 * the board's incidents, MW_NONE.  *ret_node is that node. */
uint32_t job_incident(const struct board *b, uint32_t slot, uint32_t *ret_node);

/* Adds why a job that has nodes is at risk, "" when it is not: it is being stopped, a node is
 * suspect, an incident on one is open, maintenance begins before it ends, a node fails far more
 * often than others. */
void job_risk(struct text *t, const struct words *w, const struct control *c, uint32_t slot,
              int64_t now_ms);

/* Adds why a queued job waits, in a sentence: "needs 8 nodes, 3 are free". */
void job_why_waiting(struct text *t, const struct control *c, const struct work_why *y,
                     uint32_t nodes);

/* GPUs times ms that would be lost if it stopped now. */
int64_t job_unsaved_gpu_ms(const struct board *b, uint32_t slot, int64_t now_ms);

#endif
