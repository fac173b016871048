/*
 * A bench for tests of the uplink: a real listener in the same process, which takes
 * down what it hears and acknowledges when it is told to, and an uplink to it.
 */
#ifndef MW_LIVE_UPLINK_TESTING_H
#define MW_LIVE_UPLINK_TESTING_H

#include "live/authority.h"
#include "live/listener.h"
#include "live/tls_client.h"
#include "live/uplink.h"

#define NODES 4
#define TURNS_MAX 40000
#define BOOT "4be3a8c4-1c6e-4e5e-9e4a-0a4f3f6f9f11"

/* A daemon that takes down what it hears, and acknowledges when it is told to. */
struct bench {
    char dir[64], state[96], port[16], address[32];
    struct event_base *base;
    struct listener *listener;
    struct authority *authority; /* NULL: plain */
    struct uplink uplink;
    bool linked;
    uint32_t peer;               /* the last that said hello */
    uint64_t hello_e, last_e, events, beats, lost;
    uint64_t samples, sample_bytes;
    char text[8192];             /* of kmsg frames, each with a comma */
    uint64_t taken;              /* frames handed to the program */
    uint8_t taken_verb;
    struct mw_error err;
};

int64_t now_ms(void);

void daemon_begins(struct bench *b);
void daemon_dies(struct bench *b);
void ack(struct bench *b, uint64_t e);

int link_as(struct bench *b, const char *name, bool gather, const char *tls_dir);
void link_up(struct bench *b, const char *tls_dir); /* as n1 */
void turn(struct bench *b); /* of both sides */
void send_record(struct bench *b, const uint8_t *payload, size_t size);
void send_samples(struct bench *b); /* of many sizes, between lines; all arrive */
void kmsg(struct bench *b, uint64_t n);

/* A join token; joins with it in a child, as that waits: b->err is what came of it. */
void token(struct bench *b, const char *pattern, bool gather, uint32_t uses,
           char ret[TLS_TOKEN_MAX]);
int join_as(struct bench *b, const char *name, bool gather, const char *token_text,
            const char *dir);
void expect_said(const char *text, const char *part);

int setup_plain(void **state);
int setup_tls(void **state);
int teardown(void **state);

#define turn_until(b, cond)                                                                       \
    do {                                                                                          \
        for (uint32_t turns = 0; !(cond) && turns < TURNS_MAX; turns++) {                         \
            turn(b);                                                                              \
            (void)usleep(100);                                                                    \
        }                                                                                         \
        if (!(cond))                                                                              \
            fail_msg("never: %s (uplink: %s)", #cond, (b)->uplink.trouble);                       \
    } while (0)

#endif
