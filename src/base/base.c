/*
 * What happens when an invariant breaks: the condition, its place and the
 * event being applied go to stderr, then the process aborts.  Owns one
 * thread-local note of that event; never allocates and never returns.
 */
#include "base/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct must_note {
    uint64_t event_seq;
    uint32_t event_kind;
};

/* Not state of any plane: only words for the last message of a dying process. */
static _Thread_local struct must_note note;

_Noreturn void must_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: internal error: '%s' does not hold", file, line, cond);
    if (note.event_seq != 0)
        (void)fprintf(stderr, " while applying event %" PRIu64 " of kind %" PRIu32,
                      note.event_seq, note.event_kind);
    (void)fputs("\n", stderr);
    (void)fflush(stderr);
    abort();
}

void must_context(uint64_t event_seq, uint32_t event_kind)
{
    note = (struct must_note){.event_seq = event_seq, .event_kind = event_kind};
}
