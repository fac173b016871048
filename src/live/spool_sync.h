/*
 * Syncs a file at most once a second, on a thread of its own, so that a disk
 * that hangs stops nobody but that thread.  Owns no file: it syncs a duplicate.
 */
#ifndef MW_LIVE_SPOOL_SYNC_H
#define MW_LIVE_SPOOL_SYNC_H

#include "base/error.h"

#define SPOOL_SYNC_MS 1000

struct spool_sync;
/* MW_ENOMEM. */
MW_MUST_USE int spool_sync_start(struct spool_sync **ret, struct mw_error *err);
/* Something was written to fd: it is synced within a second. */
void spool_sync_dirty(struct spool_sync *s, int fd);
/* What was dirty needs no sync any more: another file has taken its place. */
void spool_sync_forget(struct spool_sync *s);
/* Syncs what is dirty, waiting two seconds at most; a thread that hangs longer is left behind.
 * NULL is fine. */
void spool_sync_stop(struct spool_sync *s);

#endif
