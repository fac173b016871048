/*
 * Jobs as they truly are: an attempt starts, works at the speed of its slowest
 * node, writes checkpoints, hangs when a node under it dies, and ends.
 *
 * An attempt that hangs says nothing: it stays until the controller stops it or
 * the collective times out.
 */
#include "sim/world_parts.h"

#include <string.h>

#include "base/mem.h"
#include "sim/draw.h"

int attempts_init(struct world *w)
{
    struct attempts *t = &w->attempts;
    t->rows = w->config.jobs_max;
    t->row = mw_calloc(t->rows, sizeof(*t->row));
    t->node_row = mw_calloc(w->nodes, sizeof(*t->node_row));
    t->node_next = mw_calloc(w->nodes, sizeof(*t->node_next));
    if (t->row == NULL || t->node_row == NULL || t->node_next == NULL)
        return MW_ENOMEM;
    for (uint32_t n = 0; n < w->nodes; n++)
        t->node_row[n] = t->node_next[n] = MW_NONE;
    return 0;
}

void attempts_fini(struct world *w)
{
    mw_free(w->attempts.row);
    mw_free(w->attempts.node_row);
    mw_free(w->attempts.node_next);
    mw_free(w->attempts.job);
}

/* ---- submitting ---------------------------------------------------------------------------- */

/* Some tenants cancel a job: anywhere between its submission and twice the time that it needs. */
static void plan_cancel(struct world *w, const struct workload_job *j, uint64_t job)
{
    const struct world_doings *d = &w->config.doings;
    uint64_t bits = world_bits(w, job, PROCESS_PERSON, SALT_CANCEL, 0);
    if (d->cancel_percent == 0 || mw_random_below(bits, 100) >= d->cancel_percent)
        return;
    double wait_ns = world_unit(w, job, PROCESS_PERSON, SALT_CANCEL_AT, 0) * 2.0 *
                     ((double)j->work_ms + (double)j->restart_ms) * (double)MW_NS_PER_MS;
    must(job > 0 && job <= UINT32_MAX);
    if (wait_ns < (double)DRAW_NS_MAX)
        world_push(w, w->now_ns + (int64_t)wait_ns,
                   (struct queue_what){.kind = AT_CANCEL, .a = (uint32_t)(job - 1)});
}

static bool job_room(struct world *w)
{
    struct attempts *t = &w->attempts;
    if (t->jobs < t->jobs_room)
        return true;
    uint64_t room = t->jobs_room == 0 ? 256 : t->jobs_room * 2;
    struct job_truth *job = mw_resize(t->job, room, sizeof(*job));
    if (job == NULL) {
        w->failed = true;
        return false;
    }
    t->job = job;
    t->jobs_room = room;
    return true;
}

void attempts_submit(struct world *w)
{
    const struct workload_job *j = &w->feeds.next_job;
    must(w->feeds.job_ready);
    if (!job_room(w))
        return;
    int64_t work_ms = MW_MIN(MW_MAX(j->work_ms, 1), CADENCE_WORK_MS_MAX);
    w->attempts.job[w->attempts.jobs++] =
        (struct job_truth){.work_ms = work_ms, .fails_at_ms = j->fails_at_ms, .tenant = j->tenant};
    uint32_t each = w->feeds.node_gpus;
    uint32_t nodes = MW_MIN(MW_MAX((j->gpus + each - 1) / each, 1), w->nodes);
    struct event ev = {.kind = EV_JOB_SUBMITTED, .source = SOURCE_TENANT, .tenant = j->tenant,
                       .observed_ns = w->now_ns};
    ev.body.job = (struct body_job){.job = w->attempts.jobs,
                                    .work_ms = work_ms,
                                    .write_ms = j->write_ms,
                                    .restart_ms = j->restart_ms,
                                    .gpus = MW_MAX(MW_MIN(j->gpus, nodes * each), 1),
                                    .nodes = nodes,
                                    .category = j->category,
                                    .priority = j->priority,
                                    .flags = j->interruptible ? JOB_INTERRUPTIBLE : 0};
    world_emit(w, &ev, NULL);
    plan_cancel(w, j, w->attempts.jobs);
    feeds_next_job(w);
}

void attempts_cancel(struct world *w, uint32_t job)
{
    must(job < w->attempts.jobs);
    struct job_truth *t = &w->attempts.job[job];
    struct event ev = {.kind = EV_JOB_CANCELLED, .source = SOURCE_TENANT, .tenant = t->tenant,
                       .observed_ns = w->now_ns};
    ev.body.command = (struct body_command){.ref = (uint64_t)job + 1, .node = MW_NONE,
                                            .hall = MW_NONE, .slot = MW_NONE};
    t->cancelled = true;
    world_emit(w, &ev, NULL);
}

/* ---- telling ------------------------------------------------------------------------------- */

static bool has_run(const struct attempt *a)
{
    return a->cadence.speed_ppm > 0;
}

static struct event fact_of(const struct world *w, const struct attempt *a, uint16_t kind)
{
    const struct job_truth *job = &w->attempts.job[a->job - 1];
    struct event ev = {.kind = kind, .source = SOURCE_ENGINE, .observed_ns = w->now_ns,
                       .cause = a->stop_how != 0 ? a->stop_seq : a->place_seq};
    struct body_progress *b = &ev.body.progress;
    *b = (struct body_progress){.job = a->job, .slot = a->slot, .attempt = a->attempt,
                                .progress_ms = a->from_ms, .saved_ms = a->from_ms,
                                .node = MW_NONE, .class = UINT16_MAX};
    if (has_run(a)) {
        b->progress_ms = MW_MIN(cadence_work_ms(&a->cadence), job->work_ms);
        b->saved_ms = MW_MIN(cadence_saved_ms(&a->cadence), job->work_ms);
        b->checkpoint_ms = a->cadence.checkpoint_ms;
    }
    if (a->state == ATTEMPT_HUNG)
        b->stopped_ms = a->hung_ms;
    return ev;
}

static void leave_nodes(struct world *w, struct attempt *a)
{
    struct attempts *t = &w->attempts;
    for (uint32_t n = a->first_node; n != MW_NONE;) {
        uint32_t next = t->node_next[n];
        t->node_row[n] = t->node_next[n] = MW_NONE;
        n = next;
    }
}

static void end(struct world *w, struct attempt *a, uint8_t how, uint32_t node, uint16_t class)
{
    must(a->state != ATTEMPT_NONE);
    struct event ev = fact_of(w, a, EV_ATTEMPT_ENDED);
    ev.body.progress.how = how;
    ev.body.progress.node = node;
    ev.body.progress.class = class;
    if (a->state != ATTEMPT_HUNG)
        ev.body.progress.stopped_ms = mw_ms(w->now_ns);
    w->attempts.ended_ms += mw_ms(w->now_ns) - a->placed_ms;
    leave_nodes(w, a);
    a->state = ATTEMPT_NONE;
    a->generation++;
    world_emit(w, &ev, NULL);
}

/* ---- where it is going --------------------------------------------------------------------- */

static void course(struct world *w, struct attempt *a)
{
    const struct job_truth *job = &w->attempts.job[a->job - 1];
    int64_t at_ms = cadence_reaches_ms(&a->cadence, job->work_ms);
    if (job->fails_at_ms < job->work_ms)
        at_ms = MW_MIN(at_ms, cadence_reaches_ms(&a->cadence, job->fails_at_ms));
    if (a->stop_how != 0)
        at_ms = MW_MIN(at_ms, cadence_saves_ms(&a->cadence));
    a->generation++;
    if (at_ms < w->end_ns / MW_NS_PER_MS)
        world_push(w, MW_MAX(at_ms * MW_NS_PER_MS, w->now_ns),
                   (struct queue_what){.kind = AT_ATTEMPT, .a = a->slot, .b = a->generation});
}

static int64_t speed_of(const struct world *w, const struct attempt *a)
{
    uint32_t worst = 0;
    for (uint32_t n = a->first_node; n != MW_NONE; n = w->attempts.node_next[n])
        worst = MW_MAX(worst, faults_node_slow_ppm(w, n));
    return MW_MAX(CADENCE_SPEED_FULL - (int64_t)worst, CADENCE_SPEED_MIN);
}

static void run_on(struct world *w, struct attempt *a)
{
    int64_t now_ms = mw_ms(w->now_ns);
    a->state = ATTEMPT_RUNNING;
    cadence_begin(&a->cadence, now_ms, a->from_ms, a->interval_ms, a->write_ms);
    cadence_speed(&a->cadence, speed_of(w, a));
    struct event ev = {.kind = EV_ATTEMPT_RUNNING, .source = SOURCE_ENGINE,
                       .observed_ns = w->now_ns, .cause = a->place_seq};
    ev.body.running = (struct body_running){.job = a->job, .ready_ms = a->placed_ms,
                                            .from_ms = a->from_ms, .slot = a->slot,
                                            .attempt = a->attempt};
    world_emit(w, &ev, NULL);
    course(w, a);
}

static void hang(struct world *w, struct attempt *a, uint32_t node, uint16_t class)
{
    must(a->state == ATTEMPT_STARTING || a->state == ATTEMPT_RUNNING);
    sometimes(w->marks, a->stop_how != 0, MARK_KILLED_DRAINING);
    mark_hit(w->marks, a->state == ATTEMPT_RUNNING ? MARK_KILLED_RUNNING : MARK_KILLED_STARTING);
    if (a->state == ATTEMPT_RUNNING) {
        cadence_advance(&a->cadence, mw_ms(w->now_ns));
        sometimes(w->marks, a->cadence.write_left_ms > 0, MARK_KILLED_WRITING);
    }
    a->state = ATTEMPT_HUNG;
    a->hung_ms = mw_ms(w->now_ns);
    a->bad_node = node;
    a->bad_class = class;
    a->generation++;
    w->attempts.kills++;
    world_push(w, w->now_ns + WORLD_HUNG_NS_MAX,
               (struct queue_what){.kind = AT_ATTEMPT, .a = a->slot, .b = a->generation});
}

/* ---- actions ------------------------------------------------------------------------------- */

/* Takes the nodes; false when one of them is taken already or is none. */
static bool take_nodes(struct world *w, struct attempt *a, const void *tail, uint32_t nodes)
{
    struct attempts *t = &w->attempts;
    for (uint32_t i = 0; i < nodes; i++) {
        uint32_t n;
        memcpy(&n, (const uint8_t *)tail + i * sizeof(n), sizeof(n));
        if (n >= w->nodes || t->node_row[n] != MW_NONE) {
            w->trouble = "an attempt was placed on a node that is not free";
            return false;
        }
        t->node_row[n] = a->slot;
        t->node_next[n] = a->first_node;
        a->first_node = n;
    }
    return true;
}

/* A broken node hangs the attempt from its start. */
static void find_broken(struct world *w, struct attempt *a)
{
    for (uint32_t n = a->first_node; n != MW_NONE; n = w->attempts.node_next[n]) {
        if (w->faults.node_dead[n] == 0)
            continue;
        uint32_t at = w->faults.node_first[n];
        while (!(w->faults.row[at].flags & FAULT_KILLS))
            at = w->faults.row[at].next;
        mark_hit(w->marks, MARK_STARTED_ON_BROKEN);
        hang(w, a, n, w->faults.row[at].class);
        return;
    }
}

void attempts_place(struct world *w, const struct event *action, const void *tail)
{
    const struct body_place *b = &action->body.place;
    struct attempts *t = &w->attempts;
    if (b->slot >= t->rows || b->job == 0 || b->job > t->jobs ||
        action->tail_size != b->nodes * sizeof(uint32_t)) {
        w->trouble = "an attempt was placed that nobody submitted";
        return;
    }
    struct attempt *a = &t->row[b->slot];
    if (action->seq <= a->place_seq) {
        world_again(w);
        return;
    }
    if (a->state != ATTEMPT_NONE) {
        w->trouble = "an attempt was placed while the one before it is still there";
        return;
    }
    uint32_t nodes_before = a->first_node;
    bool same_job = a->job == b->job && b->attempt > 1;
    *a = (struct attempt){.job = b->job, .place_seq = action->seq, .stop_seq = a->stop_seq,
                          .placed_ms = mw_ms(w->now_ns), .from_ms = b->from_ms,
                          .interval_ms = b->interval_ms, .write_ms = b->write_ms,
                          .restart_ms = b->restart_ms, .slot = b->slot, .attempt = b->attempt,
                          .generation = a->generation + 1, .nodes = b->nodes,
                          .first_node = MW_NONE, .state = ATTEMPT_STARTING};
    t->used = MW_MAX(t->used, b->slot + 1);
    t->started++;
    if (!take_nodes(w, a, tail, b->nodes))
        return;
    sometimes(w->marks, same_job && nodes_before != a->first_node, MARK_RESTARTED_ELSEWHERE);
    world_push(w, w->now_ns + b->restart_ms * MW_NS_PER_MS,
               (struct queue_what){.kind = AT_ATTEMPT, .a = a->slot, .b = a->generation});
    find_broken(w, a);
    if (w->scenario->progress_every_ns > 0)
        world_push(w, w->now_ns + w->scenario->progress_every_ns,
                   (struct queue_what){.kind = AT_PROGRESS, .a = a->slot,
                                       .b = (uint32_t)a->place_seq});
}

/* Asked to stop for no node, of a job that was cancelled.  Every other job is run by an engine that
 * says no more than that it stopped: the controller has to know why. */
static uint8_t how_stopped(const struct world *w, const struct attempt *a)
{
    bool cancelled = a->stop_node == MW_NONE && w->attempts.job[a->job - 1].cancelled;
    return cancelled && a->job % 2 == 0 ? HOW_CANCELLED : HOW_STOPPED;
}

static void stop_running(struct world *w, struct attempt *a)
{
    cadence_advance(&a->cadence, mw_ms(w->now_ns));
    if (a->stop_how == DRAIN_AT_CHECKPOINT && a->cadence.interval == 0)
        cadence_write_now(&a->cadence); /* it has no cadence: saved because it is asked to */
    bool saved = a->cadence.interval == 0 && a->cadence.write_left_ms == 0;
    if (a->stop_how == DRAIN_AT_CHECKPOINT && !saved)
        course(w, a);
    else
        end(w, a, how_stopped(w, a), a->stop_node, a->stop_class);
}

void attempts_stop(struct world *w, const struct event *action)
{
    const struct body_stop *b = &action->body.stop;
    struct attempts *t = &w->attempts;
    if (b->slot >= t->rows)
        return;
    struct attempt *a = &t->row[b->slot];
    if (action->seq <= a->stop_seq) {
        world_again(w);
        return;
    }
    a->stop_seq = action->seq;
    if (a->state == ATTEMPT_NONE || a->job != b->job || a->attempt != b->attempt)
        return; /* it ended by itself meanwhile, and has said so */
    bool cancels = b->node == MW_NONE && w->attempts.job[a->job - 1].cancelled;
    sometimes(w->marks, cancels && a->stop_how != 0, MARK_CANCELLED_DRAINING);
    sometimes(w->marks, cancels && a->state == ATTEMPT_HUNG, MARK_CANCELLED_HUNG);
    a->stop_how = b->how;
    a->stop_node = b->node;
    a->stop_class = b->class;
    if (a->state == ATTEMPT_RUNNING) {
        stop_running(w, a);
    } else if (a->state == ATTEMPT_STARTING) {
        mark_hit(w->marks, MARK_STOPPED_STARTING);
        end(w, a, how_stopped(w, a), b->node, b->class);
    } else {
        end(w, a, HOW_FAILED, a->bad_node, a->bad_class);
    }
}

/* ---- what happens to it -------------------------------------------------------------------- */

static void arrived(struct world *w, struct attempt *a)
{
    const struct job_truth *job = &w->attempts.job[a->job - 1];
    int64_t work = a->cadence.work;
    if (work >= job->work_ms * CADENCE_UNIT) {
        sometimes(w->marks, a->stop_how != 0, MARK_DONE_DRAINING);
        end(w, a, HOW_DONE, MW_NONE, UINT16_MAX);
    } else if (job->fails_at_ms < job->work_ms && work >= job->fails_at_ms * CADENCE_UNIT) {
        mark_hit(w->marks, MARK_OWN_ERROR);
        end(w, a, HOW_FAILED, MW_NONE, UINT16_MAX);
    } else if (a->stop_how != 0) {
        mark_hit(w->marks, MARK_STOPPED_AT_CHECKPOINT);
        end(w, a, HOW_STOPPED, a->stop_node, a->stop_class);
    } else {
        course(w, a);
    }
}

void attempts_due(struct world *w, uint32_t row, uint32_t generation)
{
    struct attempt *a = &w->attempts.row[row];
    if (a->generation != generation || a->state == ATTEMPT_NONE)
        return;
    if (a->state == ATTEMPT_STARTING) {
        run_on(w, a);
    } else if (a->state == ATTEMPT_RUNNING) {
        cadence_advance(&a->cadence, mw_ms(w->now_ns));
        arrived(w, a);
    } else {
        mark_hit(w->marks, MARK_TIMED_OUT);
        end(w, a, HOW_FAILED, a->bad_node, a->bad_class);
    }
}

void attempts_progress(struct world *w, uint32_t row, uint32_t start)
{
    struct attempt *a = &w->attempts.row[row];
    if (a->state == ATTEMPT_NONE || (uint32_t)a->place_seq != start)
        return;
    if (a->state == ATTEMPT_RUNNING) {
        cadence_advance(&a->cadence, mw_ms(w->now_ns));
        struct event ev = fact_of(w, a, EV_ATTEMPT_PROGRESS);
        world_emit(w, &ev, NULL);
    }
    world_push(w, w->now_ns + w->scenario->progress_every_ns,
               (struct queue_what){.kind = AT_PROGRESS, .a = row, .b = start});
}

void attempts_fault(struct world *w, const struct fault *f)
{
    uint32_t row = w->attempts.node_row[f->node];
    if (row == MW_NONE)
        return;
    struct attempt *a = &w->attempts.row[row];
    if (a->state == ATTEMPT_HUNG)
        return;
    if (f->flags & FAULT_KILLS) {
        hang(w, a, f->node, f->class);
        return;
    }
    int64_t speed_ppm = MW_MAX(CADENCE_SPEED_FULL - (int64_t)f->slow_ppm, CADENCE_SPEED_MIN);
    if (a->state == ATTEMPT_RUNNING && speed_ppm < a->cadence.speed_ppm) {
        mark_hit(w->marks, MARK_SLOWED);
        cadence_advance(&a->cadence, mw_ms(w->now_ns));
        cadence_speed(&a->cadence, speed_ppm);
        course(w, a);
    }
}

void attempts_healed(struct world *w, const struct fault *f)
{
    uint32_t row = w->attempts.node_row[f->node];
    if (row == MW_NONE || w->attempts.row[row].state != ATTEMPT_RUNNING)
        return;
    struct attempt *a = &w->attempts.row[row];
    int64_t speed_ppm = speed_of(w, a);
    if (speed_ppm == a->cadence.speed_ppm)
        return;
    cadence_advance(&a->cadence, mw_ms(w->now_ns));
    cadence_speed(&a->cadence, speed_ppm);
    course(w, a);
}

bool attempts_works_on(const struct world *w, uint32_t node)
{
    uint32_t row = w->attempts.node_row[node];
    return row != MW_NONE && (w->attempts.row[row].state == ATTEMPT_STARTING ||
                              w->attempts.row[row].state == ATTEMPT_RUNNING);
}

void attempts_struck(struct world *w, uint32_t node, uint16_t class)
{
    must(attempts_works_on(w, node));
    hang(w, &w->attempts.row[w->attempts.node_row[node]], node, class);
}

void attempts_finish(struct world *w)
{
    for (uint32_t i = 0; i < w->attempts.used; i++) {
        struct attempt *a = &w->attempts.row[i];
        if (a->state == ATTEMPT_NONE)
            continue;
        if (a->state == ATTEMPT_RUNNING)
            cadence_advance(&a->cadence, mw_ms(w->now_ns));
        struct event ev = fact_of(w, a, EV_ATTEMPT_PROGRESS);
        world_emit(w, &ev, NULL);
    }
}

int64_t attempts_allocated_ms(const struct world *w, int64_t now_ns)
{
    int64_t sum = w->attempts.ended_ms;
    for (uint32_t i = 0; i < w->attempts.used; i++) {
        if (w->attempts.row[i].state != ATTEMPT_NONE)
            sum += mw_ms(now_ns) - w->attempts.row[i].placed_ms;
    }
    return sum;
}
