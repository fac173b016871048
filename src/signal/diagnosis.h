/*
 * An answer for somebody with a file in hand: what is at fault, why, on what
 * evidence, what to do, how sure.  Filled by the readers of signal (kernel
 * lines, flight recorder …), printed by `mw diagnose`.  Pure data; owns its text.
 */
#ifndef MW_SIGNAL_DIAGNOSIS_H
#define MW_SIGNAL_DIAGNOSIS_H

#include "base/error.h"

enum diagnosis_sure { SURE_UNKNOWN, SURE_POSSIBLE, SURE_LIKELY, SURE_CERTAIN };

/* One thing that is (or is not) wrong. */
struct diagnosis {
    bool wrong;             /* false: worth saying, nothing to do */
    uint8_t sure;           /* enum diagnosis_sure */
    char part[96];          /* "GPU 0000:19:00.0", "rank 12" */
    char cause[192];        /* one sentence */
    char action[192];       /* what to do next */
    char look[192];         /* what else to look at; "" = nothing */
    char code[32];          /* "Xid 79", "SXid 12028", "hang"; "" = none */
    char bucket[48];        /* the action as the Xid catalogue names it: "RESET_GPU"; "" = none */
    char file[160];         /* where the evidence is */
    uint32_t line;          /* of the first evidence; 0 = the file as a whole */
    uint32_t count;         /* how many times it was seen */
    char evidence[512];     /* the first line or lines, control characters replaced */
};

#define DIAGNOSES_MAX 1000 /* past it counted, not listed */
struct diagnoses {
    struct diagnosis *item; /* owned */
    uint32_t length, room;
    uint32_t total;         /* with those not listed */
};

/* Adds a copy; merges with an earlier one of the same part, code and cause (count, first evidence
 * kept). Out of memory only counts it. */
void diagnoses_add(struct diagnoses *d, const struct diagnosis *one);
void diagnoses_fini(struct diagnoses *d);
/* Wrong first, then surest, then in order of appearance. */
void diagnoses_sort(struct diagnoses *d);

const char *diagnosis_sure_name(uint32_t sure); /* "likely" */

/* Copies at most size-1 bytes, bytes outside printable ASCII and UTF-8 become '?'. */
void diagnosis_text(char *to, size_t size, const char *from, size_t length);

#endif
