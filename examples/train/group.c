#include "group.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "group_find.h"
#include "wire.h"

struct message { /* before each half of an exchange */
    uint32_t magic, bit, state, bytes;
    uint64_t step;
};

enum { MESSAGE_MAGIC = 0x4d575452 };

/* The text says who; wire.c's only what. */
static int blame(struct problem *p, int code, int peer, const char *doing)
{
    struct problem cause = *p;
    return fail(p, code, 0, "rank %d %.200s during %s", peer, cause.text, doing);
}

static int check_message(const struct message *ours, const struct message *m, int peer,
                         struct problem *p)
{
    if (m->magic != ours->magic || m->bit != ours->bit || m->bytes != ours->bytes ||
        m->step != ours->step)
        return fail(p, END_PEER, 0, "rank %d is at step %llu, this one at %llu", peer,
                    (unsigned long long)m->step, (unsigned long long)ours->step);
    if (m->state != ours->state)
        return fail(p, END_DIVERGED, 0,
                    "rank %d holds other weights than this one before step %llu", peer,
                    (unsigned long long)m->step);
    return 0;
}

int group_join(struct group *g, const struct group_options *o, struct problem *p)
{
    *g = (struct group){.rank = o->rank, .ranks = o->ranks, .silence_ms = o->silence_ms};
    while (1 << g->bits < g->ranks)
        g->bits++;
    for (int i = 0; i < GROUP_BITS; i++)
        g->fd[i] = -1;
    if (g->ranks == 1)
        return 0;
    int code = group_find(g, o, p);
    if (code != 0)
        group_leave(g);
    return code;
}

void group_leave(struct group *g)
{
    for (int i = 0; i < GROUP_BITS; i++) {
        if (g->fd[i] >= 0)
            close(g->fd[i]);
        g->fd[i] = -1;
    }
}

/* Our half goes to the partner, its half comes to `other`. */
static int swap_halves(struct group *g, struct message *m, const float *v, float *other,
                       struct problem *p)
{
    int fd = g->fd[m->bit], peer = g->rank ^ (1 << m->bit);
    struct message theirs = {0};
    struct wire_exchange head = {m, sizeof *m, &theirs, sizeof theirs, g->silence_ms};
    int code = wire_exchange(fd, &head, p);
    if (code == 0 && (code = check_message(m, &theirs, peer, p)) != 0)
        return code;
    struct wire_exchange body = {v, m->bytes, other, m->bytes, g->silence_ms};
    if (code == 0)
        code = wire_exchange(fd, &body, p);
    return code == 0 ? 0 : blame(p, code, peer, "a sum");
}

int group_sum(struct group *g, float *v, size_t n, uint64_t step, uint32_t state,
              struct problem *p)
{
    if (g->ranks == 1)
        return 0;
    float *other = malloc(n * sizeof *other);
    if (other == NULL)
        return fail(p, END_DISK, 0, "out of memory");
    int code = 0;
    for (int bit = 0; bit < g->bits && code == 0; bit++) {
        struct message m = {MESSAGE_MAGIC, (uint32_t)bit, state, (uint32_t)(n * sizeof *v), step};
        code = swap_halves(g, &m, v, other, p);
        for (size_t i = 0; i < n && code == 0; i++)
            v[i] += other[i]; /* x + y = y + x to the bit: both partners hold the same */
    }
    free(other);
    return code;
}

int group_broadcast(struct group *g, void *data, size_t size, struct problem *p)
{
    for (int bit = 0; bit < g->bits; bit++) {
        int reach = 1 << bit, peer = g->rank ^ reach, code = 0;
        struct wire_exchange give = {data, size, NULL, 0, g->silence_ms};
        struct wire_exchange take = {NULL, 0, data, size, g->silence_ms};
        if (g->rank < reach)
            code = wire_exchange(g->fd[bit], &give, p);
        else if (g->rank < 2 * reach)
            code = wire_exchange(g->fd[bit], &take, p);
        if (code != 0)
            return blame(p, code, peer, "a broadcast");
    }
    return 0;
}

int group_wait(struct group *g, int ms, struct problem *p)
{
    struct pollfd wait[GROUP_BITS];
    for (int i = 0; i < g->bits; i++)
        wait[i] = (struct pollfd){.fd = g->fd[i], .events = POLLRDHUP};
    if (poll(wait, (nfds_t)g->bits, ms) <= 0)
        return 0;
    for (int i = 0; i < g->bits; i++)
        if (wait[i].revents != 0)
            return fail(p, END_PEER, 0, "rank %d ended", g->rank ^ (1 << i));
    return 0;
}
