/*
 * What the what-if analysis of a straggler trace means, as answers for
 * `mw diagnose`: the worker, stage or kind of operation that holds the job back.
 */
#ifndef MW_SIGNAL_STRAGGLER_DIAGNOSIS_H
#define MW_SIGNAL_STRAGGLER_DIAGNOSIS_H

#include "signal/diagnosis.h"
#include "signal/straggler.h"

/* From which slowdown a job is said to have stragglers (the paper's bound). */
#define STRAGGLER_WRONG 1.1

/* Whether the text is such a trace: its first line names the columns. */
bool straggler_is_trace(const char *data, size_t size);

/* Adds one answer: what explains most of the lost time, or that nothing is lost. */
void straggler_tell(const struct straggler_result *r, const char *file_name,
                    struct diagnoses *out);

#endif
