/*
 * InfiniBand and RoCE ports by /sys/class/infiniband: state, rate, counters.  A
 * read makes the card's firmware answer, which a sick card does late or never:
 * so in a worker.  What can stop a job is read each time, the rest every tenth.
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/places.h"

#define SELDOM 10
#define RDMA_WORD_BYTES 4 /* port_xmit_data and port_rcv_data count words (IBTA 16.1.3.5) */

struct ib_counter {
    const char *file;
    uint32_t metric;
    uint32_t times; /* what one count stands for, in units of the metric's */
    bool seldom;
    bool mib;       /* of bytes: the metric is in MiB */
};

static const struct ib_counter counters[] = {
    { "counters/link_downed", M_IB_LINK_DOWNED, 1, false, false },
    { "counters/link_error_recovery", M_IB_LINK_RECOVERIES, 1, false, false },
    { "counters/symbol_error", M_IB_SYMBOL_ERRORS, 1, false, false },
    { "counters/port_rcv_errors", M_IB_RCV_ERRORS, 1, false, false },
    { "counters/port_xmit_data", M_IB_XMIT_MIB, RDMA_WORD_BYTES, false, true },
    { "counters/port_rcv_data", M_IB_RCV_MIB, RDMA_WORD_BYTES, false, true },
    { "counters/port_xmit_wait", M_IB_XMIT_WAIT, 1, false, false },
    { "counters/port_xmit_discards", M_IB_XMIT_DISCARDS, 1, true, false },
    { "counters/local_link_integrity_errors", M_IB_INTEGRITY_ERRORS, 1, true, false },
    { "counters/excessive_buffer_overrun_errors", M_IB_BUFFER_OVERRUNS, 1, true, false },
    { "counters/port_rcv_remote_physical_errors", M_IB_RCV_REMOTE_ERRORS, 1, true, false },
    { "counters/VL15_dropped", M_IB_VL15_DROPPED, 1, true, false },
    { "hw_counters/rnr_nak_retry_err", M_IB_RNR_NAK_RETRY, 1, true, false },
    { "hw_counters/roce_slow_restart", M_IB_SLOW_RESTARTS, 1, true, false },
    { "hw_counters/out_of_sequence", M_IB_OUT_OF_SEQUENCE, 1, true, false },
    { "hw_counters/local_ack_timeout_err", M_IB_ACK_TIMEOUTS, 1, true, false },
    { "hw_counters/packet_seq_err", M_IB_SEQUENCE_ERRORS, 1, true, false },
    { "hw_counters/roce_adp_retrans", M_IB_ADAPTIVE_RETRANS, 1, true, false },
    { "hw_counters/out_of_buffer", M_IB_OUT_OF_BUFFER, 1, true, false },
    { "hw_counters/rp_cnp_handled", M_IB_CNP_HANDLED, 1, true, false },
    { "hw_counters/np_ecn_marked_roce_packets", M_IB_ECN_MARKED, 1, true, false },
    { "hw_counters/rx_icrc_encapsulated", M_IB_ICRC_ERRORS, 1, true, false },
};
#define COUNTERS MW_ARRAY_LEN(counters)

struct ib_port {
    int state, phys_state, rate;
    int counter[COUNTERS];
    bool open;
};

struct ib {
    uint32_t reads;
    struct ib_port port[PLACES_PORTS_MAX];
};

static int ib_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < env->places->ports; i++)
        found += env->places->port[i].ib[0] != '\0';
    if (found == 0)
        return mw_fail(err, MW_ENOTFOUND, "no InfiniBand or RoCE device");
    *ret_state = calloc(1, sizeof(struct ib));
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static int open_file(const struct source_env *env, const struct place_port *p, const char *file)
{
    return files_open(env->sysfs_root, "/sys/class/infiniband/%s/ports/%u/%s", p->ib, p->number,
                      file);
}

static void open_port(struct ib_port *to, const struct source_env *env,
                      const struct place_port *p)
{
    to->open = true;
    to->state = open_file(env, p, "state");
    to->phys_state = open_file(env, p, "phys_state");
    to->rate = open_file(env, p, "rate");
    for (size_t i = 0; i < COUNTERS; i++)
        to->counter[i] = open_file(env, p, counters[i].file);
}

static void close_port(struct ib_port *p)
{
    if (!p->open)
        return;
    files_close(p->state);
    files_close(p->phys_state);
    files_close(p->rate);
    for (size_t i = 0; i < COUNTERS; i++)
        files_close(p->counter[i]);
    p->open = false;
}

static void ib_close(void *state)
{
    struct ib *ib = state;
    for (uint32_t i = 0; i < PLACES_PORTS_MAX; i++)
        close_port(&ib->port[i]);
    free(ib);
}

/* The number before the colon of "4: ACTIVE". */
static bool read_state(int fd, uint64_t *ret)
{
    char text[64];
    struct text number, t = files_read(fd, text, sizeof(text));
    return text_before(&t, ':', &number) && text_u64(number, ret);
}

/* "400 Gb/sec (4X NDR)" */
static bool read_rate(int fd, double *ret)
{
    char text[64];
    int64_t milli;
    struct text word, t = files_read(fd, text, sizeof(text));
    if (!text_word(&t, &word) || !text_milli(word, &milli))
        return false;
    *ret = (double)milli / 1000.0;
    return true;
}

static void read_counter(int fd, const struct ib_counter *c, uint32_t port, struct samples *s)
{
    uint64_t value;
    if (fd < 0 || !files_read_u64(fd, &value))
        return;
    double real = (double)value * c->times;
    samples_put(s, c->metric, port, c->mib ? real / 1048576.0 : real);
}

/* A device that is not there any more has no state to read: that is a port without a link. */
static void read_port(struct ib_port *p, uint32_t i, bool all, const struct source_env *env,
                      struct samples *s)
{
    uint64_t state = 0, phys = 0;
    double rate;
    bool there = read_state(p->state, &state);
    samples_put(s, M_IB_STATE, i, there ? (double)state : 0.0);
    if (env->places->port[i].net[0] == '\0')
        samples_put(s, M_PORT_UP, i, state == 4);
    if (read_state(p->phys_state, &phys))
        samples_put(s, M_IB_PHYS_STATE, i, (double)phys);
    if (all && read_rate(p->rate, &rate))
        samples_put(s, M_IB_RATE_GBPS, i, rate);
    for (size_t k = 0; k < COUNTERS; k++)
        if (all || !counters[k].seldom)
            read_counter(p->counter[k], &counters[k], i, s);
    if (!there)
        close_port(p); /* opened again at the next read */
}

static int ib_read(void *state, const struct source_env *env, int64_t now_ms,
                   struct source_out *out, struct mw_error *err)
{
    struct ib *ib = state;
    bool all = ib->reads++ % SELDOM == 0;
    (void)now_ms, (void)err;
    for (uint32_t i = 0; i < env->places->ports; i++) {
        if (env->places->port[i].ib[0] == '\0')
            continue;
        bool new = !ib->port[i].open;
        if (new)
            open_port(&ib->port[i], env, &env->places->port[i]);
        read_port(&ib->port[i], i, all || new, env, out->samples);
    }
    return 0;
}

const struct source source_ib = { "ib", 1000, 3000, WHERE_WORKER_LINKS, ib_open, ib_read,
                                  ib_close };
