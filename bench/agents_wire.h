/*
 * The connections of simulated agents to one daemon: made, kept and made again
 * with a jittered delay, over TCP or mutual TLS, from several addresses of 127/8.
 * One loop, one thread.  Each machine sends a frame of samples a second; events
 * are numbered, kept until the daemon says that they are durable and sent again
 * after a break, as mw-agent does.
 *
 * Where this process may not have a socket for each agent, the rest speak
 * through gatherers, a thousand machines a connection.
 */
#ifndef MW_BENCH_AGENTS_WIRE_H
#define MW_BENCH_AGENTS_WIRE_H

#include "agents_sim.h"

#include <openssl/ssl.h>

#define WIRE_ADDRESSES 8u        /* 127.0.1.1 … 127.0.8.1 */
#define WIRE_GATHER_MACHINES 1000u
#define WIRE_LATENCIES_MAX 200000u

enum wire_fault { WIRE_NONE, WIRE_SAMPLE, WIRE_LINE }; /* a reading, or a line of the kernel log */

struct wire_agent {
    struct sim_said said;
    uint32_t connection, machine; /* of a gatherer: its number there; 0 = its own connection */
    uint8_t fault;                /* enum wire_fault: what was put in; each agent once */
    bool acked;                   /* the daemon said that the fault is durable */
    int8_t gpu;                   /* with the pending row; -1 */
};

struct wire_connection;
struct wire {
    struct sim sim;
    const char *const *name;      /* of the nodes; borrowed */
    struct wire_agent *agent;
    uint32_t agents, direct;      /* direct: with a connection of their own, the first so many */
    struct wire_connection *connection;
    uint32_t connections, up;
    int epoll;
    uint16_t port;                /* of the daemon, on 127.0.0.1 */
    SSL_CTX *tls;                 /* NULL = plain; borrowed */
    X509 *const *cert;            /* of each direct agent, then of each gatherer */
    EVP_PKEY *key;
    uint64_t frames, bytes, coalesced, events, acked, connects, refused;
    uint64_t waiting;             /* events that are not acknowledged */
    float *latency_ms;            /* of events first sent on a connection that lasted */
    uint32_t latencies;
    uint64_t random;
    uint64_t step;                /* frames are sent evenly over each second: the next to send */
    int64_t began_ns;
};

/* What fails ends in MW_ENOMEM or MW_EIO. */
MW_MUST_USE int wire_init(struct wire *w, const char *const *name, uint32_t agents,
                          uint32_t direct, struct mw_error *err);
void wire_fini(struct wire *w);

/* Lets time pass until `until_ns` (CLOCK_MONOTONIC): each machine sends a frame of samples a
 * second, or a beat. */
void wire_run(struct wire *w, int64_t until_ns, bool samples);

/* Puts a fault into an agent that has none; it is sent at once or when it can be. */
void wire_fault(struct wire *w, uint32_t agent, enum wire_fault fault);

int64_t wire_now_ns(void);

#endif
