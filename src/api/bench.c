/* The bench.  See bench.h. */
#include "api/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/policy.h"
#include "store/journal_sqlite.h"

static bool send_nothing(void *ctx, uint32_t node, const struct agent_frame *f)
{
    return ctx == NULL && node == MW_NONE && f == NULL;
}

struct bench *bench_make(uint8_t mode)
{
    return bench_make_in(mode, NULL, 0);
}

struct bench *bench_make_in(uint8_t mode, const char *journal_dir, int64_t price)
{
    struct bench *b = calloc(1, sizeof(*b));
    const struct journal_memory_options memory = { .chain = false };
    assert_non_null(b);
    b->now_ns = BENCH_START_NS;
    b->policy = live_policy();
    b->policy.care.engine = b->policy.work.engine = false; /* no Slurm here */
    for (uint32_t i = 0; i < b->policy.care.classes; i++)
        b->policy.care.class[i].steps = 0; /* crews repair: no machine acts here */
    if (price != 0)
        b->policy.account.microdollars_per_gpu_hour = price;
    assert_int_equal(site_simple(NODES, &b->fleet, &b->err), 0);
    if (journal_dir != NULL)
        assert_int_equal(journal_sqlite_open(journal_dir, NULL, &b->journal, &b->err), 0);
    else
        assert_int_equal(journal_memory_create(&memory, &b->journal), 0);
    b->now_ns = MW_MAX(b->now_ns, b->journal->head.time_ns);
    const struct live_options o = { .fleet = b->fleet, .policy = &b->policy,
                                    .journal = b->journal, .mode = mode, .send = send_nothing };
    assert_int_equal(live_create(&o, b->now_ns, &b->live, &b->err), 0);
    b->port = api_live_port(b->live);
    return b;
}

void bench_free(struct bench *b)
{
    live_destroy(b->live);
    journal_destroy(b->journal);
    fleet_destroy(b->fleet);
    free(b);
}

const char *name(const struct bench *b, uint32_t node)
{
    return fleet_name(b->fleet, component_id(COMPONENT_NODE, node));
}

int act(struct bench *b, uint8_t verb, uint32_t node, uint64_t ref)
{
    struct api_command c = { .verb = verb, .ref = ref };
    if (node != MW_NONE)
        (void)snprintf(c.node, sizeof(c.node), "%s", name(b, node));
    if (api_verb_info(verb)->keys & API_REASON)
        (void)snprintf(c.reason, sizeof(c.reason), "because");
    b->err = (struct mw_error){ 0 };
    b->now_ns += MW_NS_PER_S;
    return api_act(&b->port, b->now_ns, PERSON, &c, &b->seq, &b->err);
}

void said(const struct bench *b, const char *words)
{
    if (strstr(b->err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", b->err.text, words);
}

void let_settle(struct bench *b)
{
    b->now_ns += 5 * MW_NS_PER_MIN;
    assert_int_equal(live_tick(b->live, b->now_ns, &b->err), 0);
}

void lose_gpu(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "b" };
    uint32_t got;
    (void)snprintf(f.name, sizeof(f.name), "%s", name(b, node));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &b->err), 0);
    struct agent_frame k = { .verb = AGENT_KMSG };
    (void)snprintf(k.text, sizeof(k.text), "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen "
                   "off the bus.");
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &k, &b->err), 0);
    f = (struct agent_frame){ .verb = AGENT_BYE };
    assert_int_equal(live_agent_heard(b->live, b->now_ns, node, &f, &b->err), 0);
    let_settle(b);
}

void reboot(struct bench *b, uint32_t node)
{
    struct agent_frame f = { .verb = AGENT_HELLO, .version = AGENT_PROTOCOL, .boot = "next" };
    uint32_t got;
    (void)snprintf(f.name, sizeof(f.name), "%s", name(b, node));
    assert_int_equal(live_agent_hello(b->live, b->now_ns, &f, &got, &b->err), 0);
}

struct event recorded(struct bench *b, const char **ret_tail)
{
    struct event ev;
    assert_int_equal(b->journal->ops->get(b->journal, b->seq, &ev, b->tail, &b->err), 0);
    b->tail[ev.tail_size] = '\0';
    if (ret_tail)
        *ret_tail = b->tail;
    return ev;
}
