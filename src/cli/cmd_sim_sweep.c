/*
 * `mw sim sweep`: seeds over threads, what went wrong and how to see it again,
 * and which marks were reached.
 */
#include "cli/cmd_sim.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "cli/live.h"
#include "cli/parallel.h"
#include "sim/sweep.h"

#define SEEDS_MAX 10000000u
#define TEXT_BYTES 256

struct seed_done {
    char text[TEXT_BYTES]; /* "" = all held */
    struct marks marks;
    uint64_t events, faults, crashes;
    struct mw_hash128 hash;
    bool ran, failed, small;
};

struct sweep {
    uint64_t first, seeds;
    struct seed_done *done;
    struct progress progress;
    bool interrupted;
};

static void run_task(void *ctx, uint64_t number)
{
    struct sweep *s = ctx;
    struct seed_done *d = &s->done[number];
    struct sweep_result r;
    struct mw_error err = {0};
    d->ran = true;
    if (sweep_seed(s->first + number, &d->marks, &r, &err) != 0) {
        size_t length = MW_MIN(strlen(err.text), sizeof(d->text) - 1);
        memcpy(d->text, err.text, length);
        d->failed = true;
        return;
    }
    d->events = r.run.events;
    d->faults = r.run.faults;
    d->crashes = r.run.crashes;
    d->hash = r.run.trace_hash;
    d->small = r.small;
}

static bool tick(void *ctx, uint64_t done)
{
    struct sweep *s = ctx;
    progress_update(&s->progress, done, parallel_clock_ns());
    if (cli_interrupted())
        s->interrupted = true;
    return s->interrupted;
}

/* ---- showing ------------------------------------------------------------------------------- */

struct total {
    struct marks marks;
    uint64_t ran, failed, small, events, faults, crashes, faults_min, crashes_min;
    struct mw_hash128 hash;
    uint32_t missing; /* marks that were not reached often enough */
    uint64_t wanted;  /* times that each must be */
};

static uint64_t wanted_of(uint64_t seeds)
{
    return seeds >= 1000 ? 10 : seeds >= 200 ? 1 : 0;
}

static struct total sum(const struct sweep *s)
{
    struct total t = {.faults_min = UINT64_MAX, .crashes_min = UINT64_MAX,
                      .wanted = wanted_of(s->seeds)};
    for (uint64_t i = 0; i < s->seeds; i++) {
        const struct seed_done *d = &s->done[i];
        t.ran += d->ran;
        t.failed += d->failed;
        marks_add(&t.marks, &d->marks);
        if (!d->ran || d->failed)
            continue;
        t.events += d->events;
        t.faults += d->faults;
        t.crashes += d->crashes;
        t.small += d->small;
        if (!d->small) {
            t.faults_min = MW_MIN(t.faults_min, d->faults);
            t.crashes_min = MW_MIN(t.crashes_min, d->crashes);
        }
        struct mw_hash128 both[2] = {t.hash, d->hash};
        t.hash = mw_hash128_of(both, sizeof(both));
    }
    for (uint32_t i = 0; i < MARK_COUNT; i++)
        t.missing += t.marks.count[i] < t.wanted;
    if (t.faults_min == UINT64_MAX)
        t.faults_min = t.crashes_min = 0;
    return t;
}

static json_t *failures_json(const struct sweep *s)
{
    json_t *ret = json_array();
    for (uint64_t i = 0; i < s->seeds; i++) {
        if (s->done[i].failed)
            (void)json_array_append_new(
                ret, json_pack("{s:I, s:s}", "seed", (json_int_t)(s->first + i), "what",
                               s->done[i].text));
    }
    return ret;
}

static void show_json(struct cli_context *ctx, const struct sweep *s, const struct total *t)
{
    char hex[MW_HEX128_MAX];
    mw_hex128(t->hash, hex);
    json_t *marks = json_object();
    for (uint32_t i = 0; i < MARK_COUNT; i++)
        (void)json_object_set_new(marks, mark_name(i), json_integer((json_int_t)t->marks.count[i]));
    json_t *doc = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o}", "first",
        (json_int_t)s->first, "seeds", (json_int_t)t->ran, "failed", (json_int_t)t->failed,
        "small", (json_int_t)t->small, "events", (json_int_t)t->events, "faults",
        (json_int_t)t->faults, "crashes", (json_int_t)t->crashes, "faults_min",
        (json_int_t)t->faults_min, "crashes_min", (json_int_t)t->crashes_min, "trace_hash", hex,
        "failures", failures_json(s), "marks", marks);
    output_document(ctx->output, doc);
    json_decref(doc);
}

static const struct output_column columns[] = {
    {.key = "times", .title = "TIMES", .right = true},
    {.key = "sometimes", .title = "SOMETIMES"},
    {0},
};

static void show_table(struct cli_context *ctx, const struct sweep *s, const struct total *t)
{
    char hex[MW_HEX128_MAX];
    struct output *o = ctx->output;
    mw_hex128(t->hash, hex);
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < MARK_COUNT; i++) {
        output_int(o, (int64_t)t->marks.count[i]);
        output_text(o, mark_name(i));
    }
    output_end(o, NULL);
    if (output_form_of(o) == OUTPUT_CSV)
        return;
    FILE *f = output_file(o);
    fprintf(f,
            "\n%llu seeds from %llu (%llu small), %llu events, %llu faults (at least %llu a seed), "
            "%llu crashes (at least %llu), record %s\n",
            (unsigned long long)t->ran, (unsigned long long)s->first,
            (unsigned long long)t->small, (unsigned long long)t->events,
            (unsigned long long)t->faults, (unsigned long long)t->faults_min,
            (unsigned long long)t->crashes, (unsigned long long)t->crashes_min, hex);
}

static void show_wrong(const struct cli_context *ctx, const struct sweep *s,
                       const struct total *t)
{
    for (uint64_t i = 0; i < s->seeds; i++) {
        if (!s->done[i].failed)
            continue;
        cli_error(ctx, "seed %llu: %s", (unsigned long long)(s->first + i), s->done[i].text);
        cli_error(ctx, "    again: mw sim sweep --first %llu --seeds 1",
                  (unsigned long long)(s->first + i));
    }
    for (uint32_t i = 0; i < MARK_COUNT; i++) {
        if (t->marks.count[i] < t->wanted)
            cli_error(ctx, "reached %llu times, %llu wanted: %s",
                      (unsigned long long)t->marks.count[i], (unsigned long long)t->wanted,
                      mark_name(i));
    }
}

static int show(struct cli_context *ctx, const struct sweep *s)
{
    struct total t = sum(s);
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        show_json(ctx, s, &t);
    else
        show_table(ctx, s, &t);
    show_wrong(ctx, s, &t);
    /* The last line is for scripts: one test a seed, and one for the marks. */
    bool marks = t.wanted > 0;
    if (output_form_of(ctx->output) == OUTPUT_TABLE)
        fprintf(output_file(ctx->output), "%llu passed, %llu failed\n",
                (unsigned long long)(t.ran - t.failed + (marks && t.missing == 0)),
                (unsigned long long)(t.failed + (marks && t.missing > 0)));
    return t.failed > 0 || (marks && t.missing > 0) ? CLI_EXIT_PROBLEMS : CLI_EXIT_OK;
}

int cmd_sim_sweep(struct cli_context *ctx)
{
    struct mw_error err = {0};
    struct sweep s = {.first = cli_option_u64(ctx, "first"), .seeds = cli_option_u64(ctx, "seeds")};
    if (s.seeds == 0 || s.seeds > SEEDS_MAX)
        return cli_usage(ctx, "option --seeds: must be from 1 to %u", SEEDS_MAX);
    s.done = mw_calloc(s.seeds, sizeof(*s.done));
    if (s.done == NULL) {
        (void)mw_fail(&err, MW_ENOMEM, "out of memory for %llu seeds",
                      (unsigned long long)s.seeds);
        return cli_fail(ctx, &err);
    }
    bool stopped = false;
    struct parallel p = {.tasks = s.seeds, .threads = cmd_sim_threads(ctx), .task = run_task,
                         .tick = tick, .ctx = &s};
    cli_interrupt_catch();
    progress_begin(&s.progress, ctx->messages, ctx->messages_term, ctx->quiet);
    progress_start(&s.progress, "seeds", s.seeds, parallel_clock_ns());
    int rc = parallel_run(&p, &stopped, &err);
    progress_end(&s.progress);
    int code = rc < 0 ? cli_fail(ctx, &err) : show(ctx, &s);
    mw_free(s.done);
    return stopped ? CLI_EXIT_INTERRUPTED : code;
}
