/*
 * Reads a Python pickle (protocols 2 to 5) of plain values into a tree and
 * executes nothing: opcodes that import, call or build objects are refused by
 * name and offset.  What torch and NCCL write as flight recorder dumps is within.
 */
#ifndef MW_SIGNAL_PICKLE_H
#define MW_SIGNAL_PICKLE_H

#include "signal/value.h"

#define PICKLE_STACK_MAX (1u << 20) /* values waiting on the stack */
#define PICKLE_MEMO_MAX (1u << 22)  /* memo entries */

/* True when data begins like a pickle of protocol 2 to 5. */
bool pickle_is(const char *data, size_t size);

/* Gives *ret (value_tree_fini), whose texts borrow from data. Sets become lists.
 * MW_ESYNTAX (cut short, damaged), MW_EDENIED (would execute), MW_EVERSION, MW_ELIMIT, MW_ENOMEM;
 * then *ret is empty. */
MW_MUST_USE int pickle_read(const char *data, size_t size, struct value_tree *ret,
                            struct mw_error *err);

#endif
