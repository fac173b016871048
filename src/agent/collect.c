/*
 * When which source is read.  Sources of this process are read in their turn;
 * each worker is asked for the source that is due for longest, one at a time.  A
 * round ends, and its readings are sent, when no worker is reading a source of
 * the sampling period any more, at the latest at the next tick.
 */
#include "agent/collect.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/collect_private.h"

#define PLACES_MS 60000
#define MESSAGES_MAX 256 /* of one worker at one look */

static const char *const worker_names[] = { "gpu", "links", "slow" };
_Static_assert(MW_ARRAY_LEN(worker_names) == COLLECT_WORKERS, "a name for each worker");

/* ---- one source ----------------------------------------------------------------------------- */

static uint32_t period_of(const struct collect *c, const struct source *s)
{
    return s->period_ms == COLLECT_SAMPLE_MS ? c->sample_ms : MW_MAX(s->period_ms, c->sample_ms);
}

/* A read has ended so; when is the next? */
static void settle(struct collect *c, struct collect_entry *e, uint8_t result, const char *text)
{
    static const uint8_t states[] = { [WORKER_OK] = AGENT_SOURCE_OK,
                                      [WORKER_ABSENT] = AGENT_SOURCE_ABSENT,
                                      [WORKER_FAILED] = AGENT_SOURCE_SILENT };
    int64_t period = period_of(c, e->source);
    must(result < MW_ARRAY_LEN(states));
    collect_state(c, e, states[result], text);
    if (result == WORKER_OK) {
        e->delay_ms = 0;
        e->due_ms += period; /* keeps step; after a pause from now on */
        if (e->due_ms <= c->now_ms - period)
            e->due_ms = c->now_ms + period;
    } else if (result == WORKER_ABSENT) {
        e->due_ms = c->now_ms + COLLECT_ABSENT_MS;
    } else {
        e->delay_ms = MW_MIN(MW_MAX(e->delay_ms * 2, (uint32_t)COLLECT_RETRY_MS_MIN),
                             (uint32_t)COLLECT_RETRY_MS_MAX);
        e->due_ms = c->now_ms + MW_MAX(e->delay_ms, (uint32_t)period);
    }
}

static void read_here(struct collect *c, struct collect_entry *e)
{
    int result = worker_read(e->source, &c->env, &e->here, c->now_ms, &c->out);
    settle(c, e, (uint8_t)result, e->here.text);
}

/* ---- workers -------------------------------------------------------------------------------- */

static void hear_worker(struct collect *c, struct worker_side *w)
{
    struct worker_said said;
    for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
        worker_side_take(w, &c->samples, c->buffer, WORKER_MESSAGE_MAX, &said);
        if (said.what == WORKER_SAID_NOTHING)
            return;
        if (said.what == WORKER_SAID_FRAME && said.frame.verb == AGENT_PART)
            parts_put(&c->parts, &said.frame);
        else if (said.what == WORKER_SAID_FRAME && said.frame.verb == AGENT_FINDING)
            parts_finding(&c->parts, &said.frame, c->now_ms, c->uplink);
        else if (said.what == WORKER_SAID_END)
            settle(c, &c->entry[said.source], said.result, said.text);
        else if (said.what == WORKER_SAID_DIED && said.source != MW_NONE)
            settle(c, &c->entry[said.source], WORKER_FAILED, said.text);
    }
}

/* The source of this worker that is due for longest; NULL when none is. */
static struct collect_entry *next_due(struct collect *c, uint32_t where)
{
    struct collect_entry *found = NULL;
    for (uint32_t i = 0; i < c->entries; i++) {
        struct collect_entry *e = &c->entry[i];
        if (!e->off && e->source->where == where && e->due_ms <= c->now_ms &&
            (found == NULL || e->due_ms < found->due_ms))
            found = e;
    }
    return found;
}

/* All of a worker's sources have nothing to read here: it need not be there until the next try. */
static bool may_rest(const struct collect *c, uint32_t where)
{
    for (uint32_t i = 0; i < c->entries; i++) {
        const struct collect_entry *e = &c->entry[i];
        if (e->source->where == where && !e->off && e->said != AGENT_SOURCE_ABSENT)
            return false;
    }
    return true;
}

static void ask_worker(struct collect *c, uint32_t where)
{
    struct worker_side *w = &c->worker[where - 1];
    struct collect_entry *e = w->asked == MW_NONE ? next_due(c, where) : NULL;
    struct epoll_event event = { .events = EPOLLIN };
    bool new;
    if (where == WHERE_WORKER_GPU && c->now_ms < c->gpus_left_ms)
        return;
    if (e == NULL) {
        if (w->asked == MW_NONE && w->pid > 0 && may_rest(c, where))
            worker_side_rest(w, c->now_ms);
        return;
    }
    if (!worker_side_ready(w, &c->start, c->now_ms, &new)) {
        if (c->now_ms - e->due_ms > (int64_t)e->source->deadline_ms * WORKER_OPEN_TIMES)
            collect_state(c, e, AGENT_SOURCE_SILENT, "its worker cannot be started: those before "
                          "it hang in the kernel");
        return;
    }
    if (new)
        (void)epoll_ctl(c->epoll, EPOLL_CTL_ADD, w->fd, &event);
    if (!worker_side_ask(w, (uint32_t)(e - c->entry), c->generation, &c->places, c->now_ms))
        hear_worker(c, w); /* it has died: that is heard there */
}

static void check_late(struct collect *c, struct worker_side *w)
{
    char text[128];
    uint32_t source = worker_side_late(w, &c->samples, c->now_ms);
    if (source == MW_NONE)
        return;
    (void)snprintf(text, sizeof(text), "no answer within %u ms",
                   c->entry[source].source->deadline_ms);
    settle(c, &c->entry[source], WORKER_FAILED, text);
}

static bool is_round_ended(const struct collect *c)
{
    for (uint32_t i = 0; i < COLLECT_WORKERS; i++) {
        uint32_t asked = c->worker[i].asked;
        if (asked != MW_NONE && c->entry[asked].source->period_ms == COLLECT_SAMPLE_MS)
            return false;
    }
    return true;
}

/* ---- the public face ------------------------------------------------------------------------ */

void collect_ready(struct collect *c, int64_t now_ms, struct uplink *u)
{
    struct epoll_event events[COLLECT_WORKERS];
    c->now_ms = now_ms;
    c->uplink = u;
    (void)epoll_wait(c->epoll, events, MW_ARRAY_LEN(events), 0);
    for (uint32_t i = 0; i < COLLECT_WORKERS; i++) {
        hear_worker(c, &c->worker[i]);
        ask_worker(c, i + 1);
    }
    collect_say(c, c->round_ms > 0 && is_round_ended(c));
}

static void look_at_places(struct collect *c)
{
    if (c->now_ms < c->places_due_ms)
        return;
    c->places_due_ms = c->now_ms + PLACES_MS;
    if (places_look(&c->places, c->env.sysfs_root, c->env.proc_root))
        c->generation++;
}

static void check_rate(struct collect *c)
{
    if (c->rate_until_ms == 0 || c->now_ms < c->rate_until_ms)
        return;
    c->rate_until_ms = 0;
    c->sample_ms = c->asked_ms;
}

void collect_tick(struct collect *c, int64_t now_ms, struct uplink *u)
{
    bool any = false, late = c->round_ms > 0;
    c->now_ms = now_ms;
    c->uplink = u;
    check_rate(c);
    look_at_places(c);
    for (uint32_t i = 0; i < c->entries; i++) {
        struct collect_entry *e = &c->entry[i];
        if (e->off || e->due_ms > now_ms)
            continue;
        any |= e->source->period_ms == COLLECT_SAMPLE_MS;
        if (e->source->where == WHERE_COLLECTOR)
            read_here(c, e);
    }
    for (uint32_t i = 0; i < COLLECT_WORKERS; i++) {
        hear_worker(c, &c->worker[i]);
        check_late(c, &c->worker[i]);
        ask_worker(c, i + 1);
    }
    if (any && c->round_ms == 0)
        c->round_ms = now_ms;
    collect_say(c, c->round_ms > 0 && (late || is_round_ended(c)));
}

uint32_t collect_tick_ms(const struct collect *c)
{
    return c->sample_ms;
}

int collect_fd(const struct collect *c)
{
    return c->epoll;
}

uint64_t collect_frames(const struct collect *c)
{
    return c->frames;
}

void collect_welcome(struct collect *c, uint32_t sample_ms)
{
    if (sample_ms > 0 && !c->fixed) {
        c->asked_ms = MW_MAX(sample_ms, (uint32_t)COLLECT_SAMPLE_MS_LEAST);
        if (c->rate_until_ms == 0)
            c->sample_ms = c->asked_ms;
    }
    for (uint32_t i = 0; i < c->entries; i++)
        c->entry[i].told = false;
    c->seq = 0;
    samples_again(&c->samples);
    parts_again(&c->parts);
}

void collect_rate(struct collect *c, int64_t now_ms, int64_t sample_ms, int64_t for_ms)
{
    must(sample_ms >= 0 && for_ms >= 0);
    c->sample_ms = (uint32_t)MW_MIN(MW_MAX(sample_ms, COLLECT_SAMPLE_MS_LEAST),
                                    (int64_t)c->asked_ms);
    c->rate_until_ms = now_ms + MW_MIN(for_ms, COLLECT_RATE_MS_MAX);
    for (uint32_t i = 0; i < c->entries; i++) {
        struct collect_entry *e = &c->entry[i];
        if (e->source->period_ms == COLLECT_SAMPLE_MS && e->said == AGENT_SOURCE_OK)
            e->due_ms = MW_MIN(e->due_ms, now_ms);
    }
}

void collect_leave_gpus(struct collect *c, int64_t now_ms, int64_t for_ms)
{
    struct worker_side *w = &c->worker[WHERE_WORKER_GPU - 1];
    must(for_ms >= 0);
    c->gpus_left_ms = now_ms + for_ms;
    if (for_ms == 0 || w->pid <= 0)
        return;
    w->asked = MW_NONE; /* what it reads now is read again afterwards */
    worker_side_rest(w, now_ms);
}

static void part_here(void *ctx, const struct agent_frame *f)
{
    struct collect *c = ctx;
    parts_put(&c->parts, f);
}

static void finding_here(void *ctx, const struct agent_frame *f)
{
    struct collect *c = ctx;
    parts_finding(&c->parts, f, c->now_ms, c->uplink);
}

static int leave_out(struct collect *c, const char *without, struct mw_error *err)
{
    const char *at = without;
    while (at != NULL && *at != '\0') {
        size_t n = strcspn(at, ",");
        uint32_t i = 0;
        while (i < c->entries && (strlen(c->entry[i].source->name) != n ||
                                  memcmp(c->entry[i].source->name, at, n) != 0))
            i++;
        if (i == c->entries)
            return mw_fail(err, MW_EINVAL, "--without \"%.40s\": there is no source of that name",
                           at);
        c->entry[i].off = true;
        at += n + (at[n] == ',');
    }
    return 0;
}

static int open_all(struct collect *c, const struct collect_options *o, struct mw_error *err)
{
    char path[WORKER_PATH_MAX];
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    worker_program(path);
    c->start.program = open(path, O_RDONLY | O_CLOEXEC); /* this one, whatever is installed later */
    c->buffer = malloc(WORKER_MESSAGE_MAX);
    if (c->epoll < 0 || c->start.program < 0)
        return mw_fail(err, MW_EIO, "the collector cannot be made: no descriptor, or no /proc");
    bool ok = c->buffer != NULL && samples_init(&c->samples, COLLECT_SERIES_MAX) == 0;
    for (uint32_t i = 0; i < COLLECT_WORKERS; i++)
        ok &= worker_side_init(&c->worker[i], worker_names[i]) == 0;
    if (!ok)
        return mw_fail(err, MW_ENOMEM, "no memory for the collector");
    (void)places_look(&c->places, o->sysfs_root, o->proc_root);
    c->generation = 1;
    for (uint32_t i = 0; i < c->places.devices; i++)
        c->env.gpus += c->places.device[i].kind == PLACE_GPU;
    while (agent_sources[c->entries] != NULL) {
        must(c->entries < SOURCES_MAX);
        c->entry[c->entries].source = agent_sources[c->entries];
        c->entries++;
    }
    return leave_out(c, o->without, err);
}

int collect_create(const struct collect_options *o, struct collect **ret, struct mw_error *err)
{
    struct collect *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory for the collector");
    c->env = (struct source_env){ .sysfs_root = o->sysfs_root, .proc_root = o->proc_root,
                                  .dev_root = o->dev_root, .nvml = o->nvml,
                                  .places = &c->places };
    c->out = (struct source_out){ .samples = &c->samples, .part = part_here,
                                  .finding = finding_here, .ctx = c };
    c->start = (struct worker_start){ .program = -1, .env = &c->env };
    c->asked_ms = c->sample_ms = o->sample_ms > 0 ? o->sample_ms : COLLECT_SAMPLE_MS;
    c->fixed = o->sample_ms > 0;
    int rc = open_all(c, o, err);
    if (rc < 0)
        collect_destroy(c);
    else
        *ret = c;
    return rc;
}

void collect_destroy(struct collect *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < COLLECT_WORKERS; i++)
        worker_side_fini(&c->worker[i]);
    for (uint32_t i = 0; i < c->entries; i++)
        if (c->entry[i].here.state != NULL)
            c->entry[i].source->close(c->entry[i].here.state);
    parts_fini(&c->parts);
    samples_fini(&c->samples);
    if (c->epoll >= 0)
        (void)close(c->epoll);
    if (c->start.program >= 0)
        (void)close(c->start.program);
    free(c->buffer);
    free(c);
}
