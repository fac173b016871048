/*
 * A Slurm that answers anything: the input is cut at 0xff into the answers of
 * one command after the other, '#' stands for the end mark that was asked for.
 * The controller behind the adapter must hold, and nothing may be left open.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "core/journal_memory.h"
#include "fleet/site.h"
#include "live/policy.h"
#include "live/slurm.h"

#define START_NS (1700000000 * MW_NS_PER_S)
#define TICKS 60
#define CALLS_MAX 64
#define END_SIZE 9

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char SITE[] =
    "site: t\nmodels:\n  - {name: box, gpus: 8, nics: 0, power_w: 1kW}\nhalls:\n  - {name: hall}\n"
    "breakers:\n  - {name: main, limit_w: 1MW}\npdus:\n  - {name: pdu, breaker: main}\n"
    "racks:\n  - {name: k1, hall: hall, feeds: [pdu]}\n"
    "nodes:\n  - {name: \"n[1-8]\", model: box, rack: k1, group: g1}\n";

struct call {
    process_done_fn *done;
    void *ctx;
    char end[END_SIZE + 1];
};

struct world {
    struct control *control;
    struct slurm *slurm;
    int64_t now_ns;
    const uint8_t *at, *end; /* of the input */
    struct call call[CALLS_MAX];
    uint32_t calls;
};

static int start(void *self, const struct process_request *q, process_done_fn *done, void *ctx,
                 struct mw_error *err)
{
    struct world *w = self;
    if (w->calls == CALLS_MAX)
        return mw_fail(err, MW_ELIMIT, "enough");
    struct call *c = &w->call[w->calls++];
    *c = (struct call){ .done = done, .ctx = ctx };
    for (uint32_t i = 0; q->argv[i]; i++) {
        const char *mark = strrchr(q->argv[i], '\x1e');
        if (mark && strlen(mark) == END_SIZE)
            memcpy(c->end, mark, END_SIZE);
    }
    return 0;
}

/* The first byte of an answer says how the command ended. */
static void answer(struct world *w, const struct call *c)
{
    struct text out = { 0 };
    uint8_t how = w->at < w->end ? *w->at++ : 0;
    for (; w->at < w->end && *w->at != 0xff; w->at++) {
        char byte = (char)*w->at;
        text_add_n(&out, &byte, 1);
        if (byte != '#')
            continue;
        out.length--;
        text_add(&out, c->end);
        text_add(&out, "\n");
    }
    w->at += w->at < w->end;
    const struct process_result r = {
        .exit_code = how % 8 == 7 ? 1 : 0, .timed_out = how % 16 == 14, .cut = how % 32 == 30,
        .out = text_string(&out), .out_size = out.length,
        .err = how & 0x80 ? "Unable to contact" : "Invalid job id !!", .err_size = 17 };
    c->done(c->ctx, &r);
    text_fini(&out);
}

static void answer_all(struct world *w)
{
    uint32_t calls = w->calls;
    struct call call[CALLS_MAX];
    memcpy(call, w->call, sizeof(call));
    w->calls = 0;
    for (uint32_t i = 0; i < calls; i++)
        answer(w, &call[i]);
}

static void act(void *ctx, const struct event *action, const void *tail)
{
    struct world *w = ctx;
    slurm_act(w->slurm, w->now_ns, action, tail);
}

static enum admit submit(void *ctx, const struct event *fact, const void *tail)
{
    struct world *w = ctx;
    enum admit a;
    must(core_submit(w->control->core, w->now_ns, fact, tail, &a, NULL) == 0);
    must(a != ADMIT_GAP);
    return a;
}

static void make(struct world *w, struct fleet **fleet, struct journal **journal)
{
    struct site_problems problems = { 0 };
    struct control_policy p = live_policy();
    const struct site_source site = { .yaml = SITE, .size = sizeof(SITE) - 1, .name = "t" };
    p.guard.mode = MODE_ACT;
    must(site_load(&site, fleet, &problems, NULL) == 0);
    const struct journal_memory_options memory = { .discard = true };
    must(journal_memory_create(&memory, journal) == 0);
    const struct control_options c = { .fleet = *fleet, .policy = &p, .journal = *journal,
                                       .act = act, .act_ctx = w, .board.jobs_max = 16 };
    must(control_create(&c, &w->control, NULL) == 0);
    must(control_begin(w->control, w->now_ns, NULL) == 0);
    const struct slurm_options o = { .control = w->control,
                                     .facts = { .submit = submit, .ctx = w },
                                     .process = { .self = w, .start = start } };
    must(slurm_create(&o, &w->slurm, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = { .now_ns = START_NS, .at = data, .end = data + size };
    struct fleet *fleet;
    struct journal *journal;
    make(&w, &fleet, &journal);
    for (uint32_t i = 0; i < TICKS; i++) {
        w.now_ns += 150 * MW_NS_PER_MS;
        must(core_advance(w.control->core, w.now_ns, NULL) == 0);
        slurm_tick(w.slurm, w.now_ns);
        must(core_commit(w.control->core, NULL) == 0);
        must(core_stats(w.control->core)->contradictions == 0);
        answer_all(&w);
    }
    slurm_destroy(w.slurm);
    answer_all(&w);
    control_destroy(w.control);
    journal_destroy(journal);
    fleet_destroy(fleet);
    return 0;
}
