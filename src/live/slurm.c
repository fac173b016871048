/*
 * The adapter's time: polls that do not pile up, orders, the silence of
 * slurmctld.  Two commands make a poll, nodes and jobs; nothing follows from one
 * of which a part failed.
 */
#include "live/slurm.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live/policy.h"
#include "live/slurm_private.h"

#define POLL_NS MW_NS_PER_S
#define COMMAND_NS (10 * MW_NS_PER_S)
#define SILENCE_NS (30 * MW_NS_PER_S)
#define POLL_NS_MAX (5 * MW_NS_PER_S) /* between two tries when slurmctld is not there */
#define SHARE 4                       /* slurmctld is left alone for 3/4 of the time */
#define FAST_SHARE 2                  /* and for half of it while something happens */

enum admit slurm_fact(struct slurm *s, struct event *ev, const void *tail, size_t tail_size)
{
    must(tail_size <= EVENT_TAIL_MAX && (tail || tail_size == 0));
    ev->source = SOURCE_ENGINE;
    ev->tail_size = (uint32_t)tail_size;
    if (ev->observed_ns == 0)
        ev->observed_ns = s->now_ns;
    return s->options.facts.submit(s->options.facts.ctx, ev, tail_size > 0 ? tail : NULL);
}

void slurm_fast(struct slurm *s)
{
    s->fast_until_ns = s->now_ns + SLURM_FAST_FOR_NS;
    if (s->polls_failed == 0)
        s->poll_due_ns = MW_MIN(s->poll_due_ns, s->poll_began_ns + SLURM_FAST_NS);
}

/* ---- silence -------------------------------------------------------------------------------- */

static void say_silence(struct slurm *s, bool silent)
{
    if (care_finding_is_open(s->options.control->care, SOURCE_ENGINE, SLURM_FINDING_SILENT) ==
        silent)
        return;
    struct event ev = { .kind = silent ? EV_FINDING_OPENED : EV_FINDING_CLOSED };
    ev.body.finding = (struct body_finding){
        .component = component_id(COMPONENT_SITE, 0), .finding = SLURM_FINDING_SILENT,
        .node = MW_NONE, .class = LIVE_ENGINE_SILENT };
    (void)slurm_fact(s, &ev, NULL, 0);
}

static int64_t heard_ns(const struct slurm *s)
{
    return MW_MAX(s->stats.answered_ns, s->first_ns);
}

/* ---- polls ---------------------------------------------------------------------------------- */

static bool is_polling(const struct slurm *s)
{
    return s->poll[POLL_NODES] || s->poll[POLL_JOBS];
}

static void drop_poll(struct slurm *s)
{
    for (int i = 0; i < POLL_PARTS; i++) {
        slurm_command_drop(s->poll[i]);
        s->poll[i] = NULL;
    }
}

/* When the next poll is due, counted from the start of the last one. */
static void set_poll_due(struct slurm *s)
{
    bool fast = s->now_ns < s->fast_until_ns;
    int64_t period_ns = fast ? MW_MIN(SLURM_FAST_NS, s->options.poll_ns) : s->options.poll_ns;
    period_ns = MW_MAX(period_ns, s->poll_took_ns * (fast ? FAST_SHARE : SHARE));
    s->poll_due_ns = s->poll_began_ns + period_ns;
}

static void poll_failed(struct slurm *s, const char *what, const char *why)
{
    int64_t pause_ns = s->options.poll_ns << MW_MIN(s->polls_failed, 3u);
    s->polls_failed++;
    s->interruptions++;
    s->stats.polls_failed++;
    (void)snprintf(s->stats.trouble, sizeof(s->stats.trouble), "%s: %.220s", what, why);
    s->poll_due_ns = s->now_ns + MW_MIN(pause_ns, POLL_NS_MAX);
}

static void start_poll(struct slurm *s)
{
    s->poll_began_ns = s->now_ns;
    for (int i = 0; i < POLL_PARTS; i++) {
        struct slurm_words w = { 0 };
        if (i == POLL_NODES)
            slurm_ask_nodes(s, &w, NULL);
        else
            slurm_ask_jobs(s, &w, NULL);
        s->poll[i] = slurm_command_start(s, &w);
        slurm_words_fini(&w);
        if (!s->poll[i]) {
            char why[sizeof(s->stats.trouble)];
            memcpy(why, s->stats.trouble, sizeof(why));
            drop_poll(s);
            poll_failed(s, "a poll cannot be started", why);
            return;
        }
    }
}

/* Both parts are there.  False: one of them is no answer. */
static bool read_poll(struct slurm *s)
{
    static const char *const name[] = { "sinfo", "squeue" };
    struct mw_error err = { 0 };
    bool nodes_changed = false, jobs_changed = false;
    for (int i = 0; i < POLL_PARTS; i++) {
        if (slurm_command_ok(s->poll[i]))
            continue;
        char words[256];
        slurm_command_words(s->poll[i], words, sizeof(words));
        s->stats.commands_failed++;
        poll_failed(s, name[i], words);
        return false;
    }
    s->stats.trouble[0] = '\0';
    int rc = slurm_nodes_read(s, s->poll[POLL_NODES], &nodes_changed, &err);
    const char *part = name[POLL_NODES];
    if (rc == 0) {
        rc = slurm_jobs_read(s, s->poll[POLL_JOBS], &jobs_changed, &err);
        part = name[POLL_JOBS];
    }
    if (rc < 0) {
        poll_failed(s, part, err.text);
        return false;
    }
    s->stats.polls_unchanged += !nodes_changed && !jobs_changed;
    return true;
}

static void end_poll(struct slurm *s)
{
    s->stats.polls++;
    bool good = read_poll(s);
    drop_poll(s);
    if (!good)
        return;
    s->polls_failed = 0;
    s->stats.answered_ns = s->now_ns;
    s->poll_took_ns = s->now_ns - s->poll_began_ns;
    say_silence(s, false);
    slurm_nodes_compare(s);
    slurm_jobs_compare(s);
    set_poll_due(s);
}

static bool poll_ended(const struct slurm *s)
{
    return is_polling(s) && s->poll[POLL_NODES]->ended && s->poll[POLL_JOBS]->ended;
}

/* ---- public --------------------------------------------------------------------------------- */

static int make(struct slurm *s, const char *conf)
{
    const struct board *b = s->board;
    uint32_t env = 0;
    if (conf) {
        size_t size = strlen(conf) + sizeof("SLURM_CONF=");
        s->conf = mw_calloc(size, 1);
        if (!s->conf)
            return MW_ENOMEM;
        (void)snprintf(s->conf, size, "SLURM_CONF=%s", conf);
        s->env[env++] = s->conf;
    }
    s->env[env] = "SLURM_TIME_FORMAT=%s";
    s->node_order = mw_calloc(b->nodes, sizeof(*s->node_order));
    s->node_answered_ns = mw_calloc(b->nodes, sizeof(*s->node_answered_ns));
    s->node_ours = mw_calloc(b->nodes, sizeof(*s->node_ours));
    s->job_order = mw_calloc(b->jobs_max, sizeof(*s->job_order));
    s->job_answered_ns = mw_calloc(b->jobs_max, sizeof(*s->job_answered_ns));
    if (!s->node_order || !s->node_answered_ns || !s->node_ours || !s->job_order ||
        !s->job_answered_ns)
        return MW_ENOMEM;
    /* twice: those that ended are listed for a while */
    int rc = slurm_nodes_init(&s->nodes, b->nodes);
    if (rc == 0)
        rc = slurm_jobs_init(&s->jobs, 2 * b->jobs_max);
    return rc < 0 ? rc : slurm_jobs_init(&s->jobs_before, 2 * b->jobs_max);
}

int slurm_create(const struct slurm_options *o, struct slurm **ret, struct mw_error *err)
{
    must(o && o->control && o->facts.submit && o->process.start && ret);
    if (o->poll_ns < 0 || o->command_ns < 0 || o->silence_ns < 0)
        return mw_fail(err, MW_EINVAL, "Slurm: a period below zero");
    struct slurm *s = mw_calloc(1, sizeof(*s));
    if (!s)
        return mw_fail(err, MW_ENOMEM, "out of memory for Slurm");
    s->options = *o;
    s->options.poll_ns = o->poll_ns ? o->poll_ns : POLL_NS;
    s->options.command_ns = o->command_ns ? o->command_ns : COMMAND_NS;
    s->options.silence_ns = o->silence_ns ? o->silence_ns : SILENCE_NS;
    s->board = o->control->board;
    s->fleet = s->board->fleet;
    s->seed = (uint64_t)(uintptr_t)s;
    if (make(s, o->conf) < 0) {
        slurm_destroy(s);
        return mw_fail(err, MW_ENOMEM, "out of memory for Slurm");
    }
    *ret = s;
    return 0;
}

void slurm_destroy(struct slurm *s)
{
    if (!s)
        return;
    drop_poll(s);
    slurm_orders_fini(s);
    slurm_nodes_fini(&s->nodes);
    slurm_jobs_fini(&s->jobs);
    slurm_jobs_fini(&s->jobs_before);
    mw_free(s->conf);
    mw_free(s->node_order);
    mw_free(s->node_answered_ns);
    mw_free(s->node_ours);
    mw_free(s->job_order);
    mw_free(s->job_answered_ns);
    mw_free(s);
}

void slurm_tick(struct slurm *s, int64_t now_ns)
{
    must(s);
    s->now_ns = MW_MAX(s->now_ns, now_ns);
    if (s->first_ns == 0)
        s->first_ns = s->now_ns;
    slurm_orders_step(s);
    if (poll_ended(s)) {
        end_poll(s);
        slurm_orders_step(s); /* an order may have waited for what it said */
    }
    if (!is_polling(s) && s->poll_due_ns <= s->now_ns)
        start_poll(s);
    if (s->now_ns - heard_ns(s) >= s->options.silence_ns)
        say_silence(s, true);
}

int64_t slurm_next_due(const struct slurm *s)
{
    int64_t due_ns = slurm_orders_next_due(s);
    int64_t silent_ns = heard_ns(s) + s->options.silence_ns;
    if (poll_ended(s))
        due_ns = s->now_ns;
    else if (!is_polling(s))
        due_ns = MW_MIN(due_ns, s->poll_due_ns);
    if (!care_finding_is_open(s->options.control->care, SOURCE_ENGINE, SLURM_FINDING_SILENT))
        due_ns = MW_MIN(due_ns, silent_ns);
    return due_ns;
}

struct slurm_stats slurm_stats(const struct slurm *s)
{
    return s->stats;
}
