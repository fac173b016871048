/*
 * What collector and worker say to each other, over a SOCK_SEQPACKET socket pair
 * that the worker finds as descriptor WORKER_FD: one letter, then
 *   collector → worker   P places           struct places, before the first R and when it grew
 *                        R index, now_ms    read the source agent_sources[index]
 *   worker → collector   S payload          what changed (signal/samples.h)
 *                        p, f line          a part, a finding (live/agent_frame.h)
 *                        E result, text     that read has ended: enum worker_result
 * Both are one executable, started by descriptor, so that structs agree.  One
 * read at a time: a worker that does not answer hangs in the source it was asked
 * for.  A worker ends with its collector.
 */
#ifndef MW_AGENT_WORKER_H
#define MW_AGENT_WORKER_H

#include "agent/places.h"
#include "agent/source.h"

#define WORKER_FD 3
#define WORKER_MESSAGE_MAX ((size_t)1 + SAMPLES_SIZE_MAX)
#define WORKER_SERIES_MAX 4096 /* of one worker's sources together */

#define WORKER_PLACES 'P'
#define WORKER_READ 'R'
#define WORKER_SAMPLES 'S'
#define WORKER_PART 'p'
#define WORKER_FINDING 'f'
#define WORKER_END 'E'

enum worker_result { WORKER_OK, WORKER_ABSENT, WORKER_FAILED };

struct worker_request {
    char letter; /* WORKER_READ */
    uint8_t index;
    int64_t now_ms;
};

struct worker_places {
    char letter; /* WORKER_PLACES */
    struct places places;
};
_Static_assert(sizeof(struct worker_places) <= WORKER_MESSAGE_MAX, "one message");

/* The executable that workers run: mw-agent-worker, which is mw-agent without the libraries that
 * only the connection needs (they would cost each worker 2 MiB), beside this program or in
 * MW_LIBEXEC; without it, this program. */
#define WORKER_PATH_MAX 600
void worker_program(char path[WORKER_PATH_MAX]);

/* One read of one source, where it is: opens it first when t->state is NULL. enum worker_result. */
struct worker_try {
    void *state;    /* the source's; NULL = not open */
    char text[250]; /* why it failed; "" */
};
int worker_read(const struct source *s, const struct source_env *env, struct worker_try *t,
                int64_t now_ms, struct source_out *out);

#endif
