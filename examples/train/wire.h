/*
 * Sockets with a deadline: connect, listen, whole reads and writes.  Host byte
 * order: all nodes of a run are alike.  Errors are END_PEER with a text.
 */
#ifndef TRAIN_WIRE_H
#define TRAIN_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "problem.h"

enum { WIRE_HOST = 64 };

struct wire_address {
    char host[WIRE_HOST]; /* numeric */
    char port[8];
};

int64_t wire_now_ms(void); /* monotonic */

/* Listens on `host` (port NULL: any) and says where. */
int wire_listen(const char *host, const char *port, struct wire_address *ret, int *ret_fd,
                struct problem *p);
/* The next connection; 0 with *ret_fd = -1 when none came before the deadline. */
int wire_accept(int listener, int64_t deadline_ms, int *ret_fd, struct problem *p);
/* One attempt; -1 when nobody answers. */
int wire_connect(const struct wire_address *to, int64_t deadline_ms);

/* Both at once, so that two partners that send much to each other never block; either may be
 * empty.  `silence_ms` is the longest time without a byte. */
struct wire_exchange {
    const void *out;
    size_t out_size;
    void *in;
    size_t in_size;
    int silence_ms;
};
int wire_exchange(int fd, const struct wire_exchange *x, struct problem *p);

#endif
