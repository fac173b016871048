/*
 * What was recorded, in words that do not depend on the clock: one line an
 * event without times and sequences, jobs by order of submission, its cause
 * behind it.  Lines go to lists by subject (a node, a job, an incident), because
 * what happens to different subjects at about the same time has no order that
 * two worlds must share.
 *
 * Which of the free nodes Slurm gives to a gang is its own affair: a node is
 * named by its part in the story, "node 1.2" is the second of the first gang of
 * job 1, and of a gang only those nodes are named that had an incident before;
 * "-" are all nodes without a part.
 *
 * What is folded, since only polls see it, and polls fall differently:
 * - timer.fired and the daemon's beginning (epoch, mode) are not compared;
 * - of several node.reported of a node without an event of another kind between
 *   them only the last counts, and it does not when it says what the one before
 *   them said.
 */
#ifndef MW_CONTRACT_CANON_H
#define MW_CONTRACT_CANON_H

#include "base/text.h"
#include "stage.h"

#define CANON_SUBJECT_MAX 48
#define CANON_LINE_MAX 400

struct canon_line {
    char subject[CANON_SUBJECT_MAX]; /* "node 1.2", "job 1", "incident 1.2/1" */
    char line[CANON_LINE_MAX];
};
struct canon {
    struct canon_line *line; /* sorted by subject, then as recorded; owned */
    uint32_t lines;
};

void canon_of(const struct stage *s, struct canon *ret);
void canon_fini(struct canon *c);

/* True when equal; else *ret shows both lists of each subject that differs, side by side. */
bool canon_equal(const struct canon *a, const char *a_name, const struct canon *b,
                 const char *b_name, struct text *ret);

/* The line of one event for people, nodes by their names. */
void canon_print(const struct stage *s, uint32_t i, char ret[CANON_LINE_MAX]);

#endif
