/*
 * Files that are whole or not there: written beside, synced, renamed, and the
 * folder synced.  A full disk leaves what was there before.
 */
#ifndef TRAIN_FILES_H
#define TRAIN_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "problem.h"

enum { FILES_PATH = 512, FILES_DIR = 350 /* longest folder */ };

struct piece {
    const void *data;
    size_t size;
};

/* The pieces become folder/name.  END_DISK names the file and the reason. */
int files_write(const char *folder, const char *name, const struct piece *pieces, int count,
                struct problem *p);
/* The same for a short text that is only of interest now: not synced. */
int files_note(const char *folder, const char *name, const char *text, struct problem *p);
/* Opens the folder's lock file and waits for its lock, so that a rank 0 of an earlier attempt
 * that still lives has ended; the lock is held until this process ends. */
int files_lock(const char *folder, int wait_ms, struct problem *p);

#endif
