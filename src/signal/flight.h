/*
 * Reads PyTorch/NCCL flight recorder dumps, one a rank, pickle or JSON, and says
 * which ranks stopped first and in which collective.
 *
 * Method: in a process group, the collectives come in the same order on every
 * rank.  A rank that did not enter the collective in which others wait, or whose
 * GPU did not finish one that the others finished, holds the group up; a rank that
 * itself waits for another one is excused.  What is left stopped by itself.
 */
#ifndef MW_SIGNAL_FLIGHT_H
#define MW_SIGNAL_FLIGHT_H

#include "signal/diagnosis.h"

struct flight_file {
    const char *name; /* its last number is the rank: "_dump_12", "nccl_trace_rank_3.json" */
    const char *data; /* borrowed during the call */
    size_t size;
};

/* True when data looks like such a dump; what is damaged further in is told by flight_diagnose. */
bool flight_is_dump(const char *data, size_t size);

/* Adds to *out: a wrong one ("rank 12", code "hang" or "mismatch") for each rank that stopped by
 * itself, surest first; one that is not wrong for the ranks without a dump and for those that only
 * wait. Errors name the file; then nothing is added. MW_EINVAL, MW_ESYNTAX, MW_EDENIED, MW_ELIMIT,
 * MW_ENOMEM. */
MW_MUST_USE int flight_diagnose(const struct flight_file *file, uint32_t n, struct diagnoses *out,
                                struct mw_error *err);

#endif
